"""SAC of Stable-Baselines3 over decisions."""

from typing import Any, ClassVar

import numpy as np
import torch
from stable_baselines3 import SAC
from stable_baselines3.common.policies import BasePolicy
from torch import Tensor, nn, optim

from agents.learners.replaying import Array, Replaying
from policies.sb3.box import SquashedGaussianPolicy


class ReplayingSAC(Replaying, SAC):
    """SAC with twin critics and automatic entropy; all rows of the replay are as likely."""

    policy_aliases: ClassVar[dict[str, type[BasePolicy]]] = {
        "MlpPolicy": SquashedGaussianPolicy,
        "MultiInputPolicy": SquashedGaussianPolicy,
    }

    def __init__(self, policy: Any, env: Any, *, mean_cost: float = 0.0, **named: Any) -> None:
        self.mean_cost = mean_cost
        super().__init__(policy, env, **{"priority": 0.0, **named})

    def _setup_model(self) -> None:
        super()._setup_model()
        self.actor.mean_cost = self.mean_cost  # type: ignore[assignment]

    def train(self, gradient_steps: int, batch_size: int = 64) -> None:
        """So many steps of the optimizers; none while the replay holds no decision that is closed."""
        if self.replay_buffer.empty:
            return
        super().train(gradient_steps, batch_size)
        told = self.logger.name_to_value
        self.losses = {name: float(told[f"train/{name}_loss"]) for name in ("actor", "critic")}

    def _settings(self) -> list[str]:
        return [*super()._settings(), "ent_coef", "target_entropy", "mean_cost"]

    def _optimizers(self) -> dict[str, optim.Optimizer]:
        made = {"actor": self.actor.optimizer, "critic": self.critic.optimizer}
        if self.ent_coef_optimizer is not None:
            made["entropy"] = self.ent_coef_optimizer
        return made

    def _loose_tensors(self) -> dict[str, Tensor]:
        return {} if self.log_ent_coef is None else {"log_ent_coef": self.log_ent_coef}

    def _network(self) -> nn.Module:
        return self.policy.actor

    def _act(self, observations: Any, noise: Array) -> Array:
        means, log_std, _ = self._acting.get_action_dist_params(observations)  # type: ignore[operator]
        drawn = torch.tanh(means + log_std.exp() * torch.from_numpy(noise).to(means.device))
        return np.asarray(drawn.cpu().numpy())
