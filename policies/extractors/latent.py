"""What a pattern encoder says of the enemies, made small."""

import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import Tensor, nn

from mlmonster_env.contract import LATENT
from policies.extractors.blocks import Observations, block_of, check_block


class LatentExtractor(BaseFeaturesExtractor):
    """`width` features of the `latent` block; of the same scale as it came, for encoders give it normed."""

    def __init__(self, observation_space: spaces.Space[object], width: int = 32) -> None:
        check_block(observation_space, "latent")
        super().__init__(observation_space, width)
        self.layer = nn.Linear(LATENT, width)

    def forward(self, observations: Observations) -> Tensor:
        """[batch, width]."""
        return torch.relu(self.layer(block_of(observations, "latent")))
