"""The grid as somebody on foot needs it: what is close by cell for cell, what is farther off by row and by column."""

import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import Tensor, nn

from mlmonster_env.contract import GRID_CELLS, GRID_CHANNELS
from policies.extractors.blocks import Observations, block_of, check_block

CLOSE = 4  # cells, each way, that are looked at one by one
FIRST = GRID_CELLS // 2 - CLOSE
LAST = GRID_CELLS // 2 + CLOSE + 1
INPUTS = len(GRID_CHANNELS) * ((LAST - FIRST) ** 2 + 2 * GRID_CELLS)


class GridExtractor(BaseFeaturesExtractor):
    """`width` features of what is close by, and of how far in which direction the rest lies."""

    def __init__(self, observation_space: spaces.Space[object], width: int = 64) -> None:
        check_block(observation_space, "grid")
        super().__init__(observation_space, width)
        self.out = nn.Linear(INPUTS, width)

    def forward(self, observations: Observations) -> Tensor:
        """[batch, width]."""
        grid = block_of(observations, "grid")
        close = grid[..., FIRST:LAST, FIRST:LAST]
        return torch.relu(self.out(torch.cat([close.flatten(1), grid.sum(-1).flatten(1), grid.sum(-2).flatten(1)], 1)))
