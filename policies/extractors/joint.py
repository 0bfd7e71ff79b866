"""All blocks of an observation in one set of features."""

from collections.abc import Callable

import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import Tensor, nn

from mlmonster_env.contract import STATE_SIZE
from policies.extractors.entities import EntityExtractor
from policies.extractors.grid import GridExtractor
from policies.extractors.latent import LatentExtractor
from policies.extractors.skills import SkillExtractor
from policies.extractors.vision import VisionExtractor
from policies.layers import Trunk
from policies.masks import MASK
from policies.normalize import RunningScale
from policies.sizes import Widths

GRIDS = ("around", "patches")


class JointExtractor(BaseFeaturesExtractor):
    """`widths.trunk` features of whatever blocks a `Dict` observation holds; the action mask is left to the head.

    `grid` says how a grid is looked at: "around" the monster, or all of it by a transformer over "patches".
    """

    def __init__(self, observation_space: spaces.Dict, widths: Widths | None = None, grid: str = "around") -> None:
        if not isinstance(observation_space, spaces.Dict):
            raise ValueError(f"observations are {observation_space}, expected a Dict of 'state' and other blocks")
        if grid not in GRIDS:
            raise ValueError(f"grid is {grid!r}, expected one of {', '.join(GRIDS)}")
        widths = widths or Widths()
        super().__init__(observation_space, widths.trunk)
        looked: dict[str, Callable[[], BaseFeaturesExtractor]] = {
            "around": lambda: GridExtractor(observation_space, widths.grid),
            "patches": lambda: VisionExtractor(
                observation_space, widths.vision, widths.vision_layers, widths.vision_heads
            ),
        }
        known: dict[str, Callable[[], BaseFeaturesExtractor]] = {
            "grid": looked[grid],
            "skills": lambda: SkillExtractor(observation_space, widths.rows),
            "entities": lambda: EntityExtractor(observation_space, widths.rows, widths.heads, widths.layers),
            "latent": lambda: LatentExtractor(observation_space, widths.latent),
        }
        blocks = [name for name in observation_space.spaces if name != MASK]
        if "state" not in blocks or not set(blocks) <= {"state", *known}:
            raise ValueError(f"observations hold {blocks}, expected 'state' and any of {sorted(known)}")
        self.scale = RunningScale(STATE_SIZE, "state")
        self.parts = nn.ModuleDict({name: make() for name, make in known.items() if name in blocks})
        inputs = STATE_SIZE + sum(part.features_dim for part in self.parts.values())  # type: ignore[misc]
        self.trunk = Trunk(inputs, widths.trunk, widths.depth)

    def forward(self, observations: dict[str, Tensor]) -> Tensor:
        """[batch, widths.trunk]."""
        features = [self.scale(observations["state"]), *(part(observations) for part in self.parts.values())]
        return self.trunk(torch.cat(features, 1) if len(features) > 1 else features[0])  # type: ignore[no-any-return]
