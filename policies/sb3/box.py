"""Stable-Baselines3's SAC policy, and the part of it that acts."""

from typing import Any

import torch
from stable_baselines3.common.policies import ContinuousCritic
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.sac.policies import Actor, SACPolicy
from torch import Tensor, nn

from policies.sb3.base import NeverUnpickled, OwnPolicy


class TemperateActor(NeverUnpickled, Actor):
    """An actor whose means cost `mean_cost` times their square each before the tanh.

    Without a cost they are carried to where the tanh is flat, by slopes of critics that know nothing yet, and stay.
    """

    mean_cost = 0.0

    def get_action_dist_params(self, obs: Any) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """As in the base class, the cost in the gradient of the means."""
        means, log_std, more = super().get_action_dist_params(obs)
        if self.mean_cost and means.requires_grad:
            slope = 2 * self.mean_cost / len(means) * means.detach()  # the loss is a mean over the batch
            means.register_hook(lambda gradient: gradient + slope)  # type: ignore[no-untyped-call]
        return means, log_std, more


class SquashedGaussianPolicy(OwnPolicy, SACPolicy):
    """A Gaussian whose draws go through tanh, and two critics, each with an extractor of its own."""

    def make_actor(self, features_extractor: BaseFeaturesExtractor | None = None) -> TemperateActor:
        """The network that acts."""
        return TemperateActor(**self._update_features_extractor(self.actor_kwargs, features_extractor))

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
