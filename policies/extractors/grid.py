"""The middle of the grid through two small convolutions."""

import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import Tensor, nn

from mlmonster_env.contract import GRID_CELLS, GRID_CHANNELS
from policies.extractors.blocks import Observations, block_of, check_block

SEEN = 16  # cells of the middle, each way
FIRST = (GRID_CELLS - SEEN) // 2


class GridExtractor(BaseFeaturesExtractor):
    """`width` features of the 16 x 16 cells around the monster."""

    def __init__(self, observation_space: spaces.Space[object], width: int = 64, channels: int = 16) -> None:
        check_block(observation_space, "grid")
        super().__init__(observation_space, width)
        self.convolutions = nn.Sequential(
            nn.Conv2d(len(GRID_CHANNELS), channels, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(channels, 2 * channels, 3, stride=2, padding=1),
            nn.ReLU(),
        )
        self.out = nn.Linear(2 * channels * (SEEN // 4) ** 2, width)

    def forward(self, observations: Observations) -> Tensor:
        """[batch, width]."""
        grid = block_of(observations, "grid")
        middle = grid[..., FIRST : FIRST + SEEN, FIRST : FIRST + SEEN]
        return torch.relu(self.out(self.convolutions(middle).flatten(1)))
