"""What this package's policies are made with unless they are told otherwise."""

from typing import Any

import torch
from gymnasium import spaces

from policies.extractors.joint import JointExtractor
from policies.sizes import Widths


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
