"""Stable-Baselines3's actor-critic policy with illegal actions ruled out, and directions told from where one looks."""

from typing import Any

import torch
from gymnasium import spaces
from stable_baselines3.common.distributions import CategoricalDistribution, Distribution
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.type_aliases import PyTorchObs
from torch import Tensor, nn

from policies.facing import ahead, check_turns, told_back
from policies.masks import masked_if_given
from policies.normalize import RunningScale
from policies.sb3.base import OwnPolicy, check_discrete, in_single


class MaskedActorCriticPolicy(OwnPolicy, ActorCriticPolicy):
    """Where observations hold `action_mask`, illegal actions have probability 0.

    One that `turns` is shown the grid with enemies ahead; its actions are the nine moves.
    """

    def __init__(
        self, observation_space: spaces.Space[Any], action_space: spaces.Space[Any], *arguments: Any,
        turns: bool = False, **named: Any,
    ) -> None:  # fmt: skip
        check_discrete(action_space)
        if turns:
            check_turns(observation_space, action_space)
        self.turns = turns
        super().__init__(observation_space, action_space, *arguments, **named)
        self.return_scale = RunningScale(1, "returns")  # of returns, so that values have a scale of 1

    def logits_and_values(self, observations: PyTorchObs) -> tuple[Tensor, Tensor]:
        """Masked scores of actions [batch, actions] and values [batch]."""
        observations = in_single(observations)
        seen, facing = ahead(observations, self.turns)
        if self.share_features_extractor:
            features = self.features_extractor(seen)
            latent_pi, latent_vf = self.mlp_extractor(features)
        else:
            latent_pi = self.mlp_extractor.forward_actor(self.pi_features_extractor(seen))
            latent_vf = self.mlp_extractor.forward_critic(self.vf_features_extractor(seen))
        scores = told_back(self.action_net(latent_pi), facing)
        return masked_if_given(scores, observations), self.value_net(latent_vf).flatten()

    def forward(self, obs: Tensor, deterministic: bool = False) -> tuple[Tensor, Tensor, Tensor]:
        """Actions, values and log-probabilities, as the base class gives them."""
        logits, values = self.logits_and_values(obs)
        distribution = self._distribution(logits)
        actions = distribution.get_actions(deterministic=deterministic)
        return actions, values[:, None], distribution.log_prob(actions)

    def evaluate_actions(self, obs: PyTorchObs, actions: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """Values, log-probabilities of actions, and entropies."""
        logits, values = self.logits_and_values(obs)
        distribution = self._distribution(logits)
        return values[:, None], distribution.log_prob(actions), distribution.entropy()

    def get_distribution(self, obs: PyTorchObs) -> Distribution:
        """The distribution of actions."""
        obs = in_single(obs)
        seen, facing = ahead(obs, self.turns)
        latent = self.mlp_extractor.forward_actor(self.pi_features_extractor(seen))
        return self._distribution(masked_if_given(told_back(self.action_net(latent), facing), obs))

    def predict_values(self, obs: PyTorchObs) -> Tensor:
        """Values [batch, 1]."""
        features = self.vf_features_extractor(ahead(in_single(obs), self.turns)[0])
        return self.value_net(self.mlp_extractor.forward_critic(features))  # type: ignore[no-any-return]

    def _distribution(self, logits: Tensor) -> Distribution:
        assert isinstance(self.action_dist, CategoricalDistribution)
        return self.action_dist.proba_distribution(action_logits=logits)


class PolicyActor(nn.Module):
    """The part of an actor-critic that acts, to be deployed."""

    def __init__(self, policy: MaskedActorCriticPolicy) -> None:
        super().__init__()
        self.extractor = policy.pi_features_extractor
        self.trunk = policy.mlp_extractor.policy_net
        self.head = policy.action_net
        self.turns = policy.turns

    def forward(self, observations: dict[str, Tensor]) -> Tensor:
        """Masked scores [batch, actions]; their softmax are probabilities."""
        seen, facing = ahead(observations, self.turns)
        return masked_if_given(told_back(self.head(self.trunk(self.extractor(seen))), facing), observations)


def sample(logits: Tensor, noise: Tensor) -> Tensor:
    """Actions drawn by uniform numbers [batch] in [0, 1): never one of probability 0."""
    reached = torch.softmax(logits, -1).cumsum(-1)
    drawn = (reached <= noise[:, None] * reached[:, -1:]).sum(-1)
    return torch.clamp(drawn, max=logits.shape[-1] - 1)
