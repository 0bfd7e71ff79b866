"""What all our policies are made with, take, and refuse."""

from typing import Any, ClassVar

import torch
from gymnasium import spaces

from policies.extractors.joint import JointExtractor
from policies.sizes import Widths


class NeverUnpickled:
    """`load` of Stable-Baselines3 unpickles; weights are loaded by `policies.Policy` or a learner's `load`."""

    @classmethod
    def load(cls, path: Any, device: Any = "auto") -> Any:
        """Refused."""
        raise NotImplementedError(f"{path} is not loaded: it would be unpickled, which runs whatever code stands in it")


class OwnPolicy(NeverUnpickled):
    """Takes observations of any precision; sees blocks through a joint extractor unless another is asked for."""

    defaults: ClassVar[dict[str, Any]] = {}

    def __init__(self, observation_space: spaces.Space[Any], *arguments: Any, **named: Any) -> None:
        named = {**self.defaults, **named}
        super().__init__(observation_space, *arguments, **with_defaults(observation_space, named))  # type: ignore[call-arg]

    def obs_to_tensor(self, observation: Any) -> Any:
        """As ever, in single precision."""
        seen, many = super().obs_to_tensor(observation)  # type: ignore[misc]
        if isinstance(seen, dict):
            return {name: block.float() for name, block in seen.items()}, many
        return seen.float(), many


def check_discrete(action_space: spaces.Space[Any]) -> None:
    """ValueError unless one action of several is chosen."""
    if not isinstance(action_space, spaces.Discrete):
        raise ValueError(f"actions are {action_space}, expected a Discrete space")


def with_defaults(observation_space: spaces.Space[Any], named: dict[str, Any]) -> dict[str, Any]:
    """A policy's arguments: a joint extractor for observations by block, and Adam in one kernel a step."""
    made = dict(named)
    if isinstance(observation_space, spaces.Dict) and "features_extractor_class" not in made:
        made["features_extractor_class"] = JointExtractor
        made["features_extractor_kwargs"] = {"widths": Widths()}
    chosen = made.get("optimizer_class", torch.optim.Adam)
    if chosen is torch.optim.Adam and torch.empty(0).device.type != "meta":
        made["optimizer_kwargs"] = {"fused": True, **(made.get("optimizer_kwargs") or {"eps": 1e-5})}
    return made
