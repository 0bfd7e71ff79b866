"""What all our policies are made with, take, and refuse."""

from typing import Any, ClassVar

import torch
from gymnasium import spaces

from policies.extractors.joint import JointExtractor
from policies.masks import MASK
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
        check_mask(observation_space, arguments[0] if arguments else named["action_space"])
        named = {**self.defaults, **named}
        super().__init__(observation_space, *arguments, **with_defaults(observation_space, named))  # type: ignore[call-arg]

    def obs_to_tensor(self, observation: Any) -> Any:
        """As ever, in single precision."""
        seen, many = super().obs_to_tensor(observation)  # type: ignore[misc]
        return in_single(seen), many


def check_discrete(action_space: spaces.Space[Any]) -> None:
    """ValueError unless one action of several is chosen."""
    if not isinstance(action_space, spaces.Discrete):
        raise ValueError(f"actions are {action_space}, expected a Discrete space")


def check_mask(observation_space: spaces.Space[Any], action_space: spaces.Space[Any]) -> None:
    """ValueError where there is a mask of another number of actions: that of one would be spread over all."""
    mask = observation_space.spaces.get(MASK) if isinstance(observation_space, spaces.Dict) else None
    if mask is None or not isinstance(action_space, spaces.Discrete):
        return
    if mask.shape != (action_space.n,):
        raise ValueError(f"{MASK!r} is of shape {mask.shape}, expected {(int(action_space.n),)}: one of each action")


def in_single(observations: Any) -> Any:
    """Observations, one block or several, in single precision, whatever the space that they come from says."""
    if isinstance(observations, dict):
        return {name: block.float() for name, block in observations.items()}
    return observations.float()


def with_defaults(observation_space: spaces.Space[Any], named: dict[str, Any]) -> dict[str, Any]:
    """A policy's arguments: a joint extractor for observations by block, and Adam in one kernel a step."""
    made = dict(named)
    if isinstance(observation_space, spaces.Dict) and "features_extractor_class" not in made:
        made["features_extractor_class"] = JointExtractor
        made["features_extractor_kwargs"] = {"widths": Widths(), **(made.get("features_extractor_kwargs") or {})}
    chosen = made.get("optimizer_class", torch.optim.Adam)
    asked = made.get("optimizer_kwargs") or {"eps": 1e-5}
    if chosen is torch.optim.Adam and torch.empty(0).device.type != "meta" and not asked.get("foreach"):
        made["optimizer_kwargs"] = {"fused": True, **asked}
    return made
