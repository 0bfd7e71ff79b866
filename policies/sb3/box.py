"""Stable-Baselines3's SAC policy, and the part of it that acts."""

import torch
from stable_baselines3.common.policies import ContinuousCritic
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.sac.policies import Actor, SACPolicy
from torch import Tensor, nn

from policies.sb3.base import OwnPolicy


class SquashedGaussianPolicy(OwnPolicy, SACPolicy):
    """A Gaussian whose draws go through tanh, and two critics, each with an extractor of its own."""

    def make_actor(self, features_extractor: BaseFeaturesExtractor | None = None) -> Actor:
        """The network that acts."""
        return Actor(**self._update_features_extractor(self.actor_kwargs, features_extractor))

    def make_critic(self, features_extractor: BaseFeaturesExtractor | None = None) -> ContinuousCritic:
        """The networks that judge."""
        return ContinuousCritic(**self._update_features_extractor(self.critic_kwargs, features_extractor))


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
