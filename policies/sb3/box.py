"""Stable-Baselines3's SAC policy, and the part of it that acts."""

import torch
from stable_baselines3.sac.policies import SACPolicy
from torch import Tensor, nn


class SquashedGaussianPolicy(SACPolicy):
    """A Gaussian whose draws go through tanh, and two critics, each with an extractor of its own."""


class BoxActor(nn.Module):
    """The part of SAC that acts, to be deployed."""

    def __init__(self, policy: SACPolicy) -> None:
        super().__init__()
        self.extractor = policy.actor.features_extractor
        self.trunk = policy.actor.latent_pi
        self.head = policy.actor.mu

    def forward(self, observations: dict[str, Tensor]) -> Tensor:
        """The middle of what would be done: [batch, 4] in [-1, 1]."""
        return torch.tanh(self.head(self.trunk(self.extractor(observations))))
