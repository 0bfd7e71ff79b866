"""The skill slots: each embedded alike, absent ones left out."""

import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import Tensor, nn

from mlmonster_env.contract import SKILL_FEATURES, SKILL_SLOTS
from policies.extractors.blocks import Observations, block_of, check_block

PRESENT = SKILL_FEATURES.index("present")


class SkillExtractor(BaseFeaturesExtractor):
    """Embeddings of the slots, in order of slot (an action is a slot), and their sum, which knows no order.

    `width` numbers a slot; an absent slot's are 0, whatever else stands in its row.
    """

    def __init__(self, observation_space: spaces.Space[object], width: int = 32) -> None:
        check_block(observation_space, "skills")
        super().__init__(observation_space, width * (SKILL_SLOTS + 1))
        self.embedding = nn.Sequential(
            nn.Linear(len(SKILL_FEATURES), width), nn.ReLU(), nn.Linear(width, width), nn.ReLU()
        )

    def forward(self, observations: Observations) -> Tensor:
        """[batch, width * (slots + 1)]."""
        rows = block_of(observations, "skills")
        embedded = self.embedding(rows) * rows[..., PRESENT : PRESENT + 1]
        return torch.cat([embedded.flatten(1), embedded.sum(1)], 1)
