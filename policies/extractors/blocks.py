"""Which block an extractor reads, given observations of that block alone or of several by name."""

from gymnasium import spaces
from torch import Tensor

from mlmonster_env.contract import SHAPES

Observations = Tensor | dict[str, Tensor]


def check_block(space: spaces.Space[object], name: str) -> None:
    """ValueError unless a space is that of the block, or holds it."""
    inner = space.spaces.get(name) if isinstance(space, spaces.Dict) else space
    if inner is None or inner.shape != SHAPES[name]:
        shown = sorted(space.spaces) if isinstance(space, spaces.Dict) else space.shape
        raise ValueError(f"observations are {shown}, expected {name!r} of shape {SHAPES[name]}, alone or among others")


def block_of(observations: Observations, name: str) -> Tensor:
    """The block of a name, from observations of it alone or of several."""
    return observations[name] if isinstance(observations, dict) else observations
