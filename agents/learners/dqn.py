"""Double DQN and QR-DQN: dueling networks, several decisions ahead, drawn by priority, illegal actions ruled out."""

from contextlib import nullcontext
from typing import Any, ClassVar, cast

import numpy as np
import torch
from sb3_contrib import QRDQN
from stable_baselines3 import DQN
from stable_baselines3.common.policies import BasePolicy
from torch import Tensor, nn

from agents.learners.clipping import clip_gradients
from agents.learners.losses import huber, quantile_huber
from agents.learners.replay import Transitions
from agents.learners.replaying import Array, Replaying
from policies.sb3.values import DuelingQPolicy, DuelingQuantilePolicy


class ValueLearner(Replaying):
    """What learners of values share: the step of the optimizer, and acting by the greatest value."""

    def train(self, gradient_steps: int, batch_size: int = 100) -> None:
        """So many steps of the optimizer; none while the replay holds no decision that is closed."""
        if self.replay_buffer.empty:
            return
        self.policy.set_training_mode(True)
        self._update_learning_rate(self.policy.optimizer)
        correction = 1.0 - (1.0 - self.correction) * self._current_progress_remaining
        total = torch.zeros((), device=self.device)
        parameters = [p for p in self._network().parameters() if p.requires_grad]
        for _ in range(gradient_steps):
            batch = self.replay_buffer.draw(batch_size, correction, self.device)
            precise = self.device.type != "cuda" or not self.mixed_precision
            with nullcontext() if precise else torch.autocast("cuda", torch.bfloat16):
                losses, errors = self._judge(batch)
            loss = (losses * batch.weights[:, 0]).mean()
            for parameter in parameters:
                parameter.grad = None
            loss.backward()
            most: float | None = getattr(self, "max_grad_norm", None)
            if most is not None:
                clip_gradients(parameters, most)
            self.policy.optimizer.step()
            self.replay_buffer.learnt(batch.rows, errors.float().cpu().numpy())
            total += loss.detach()
        self._n_updates += gradient_steps
        self.losses = {"value": float(total) / gradient_steps}
        self.logger.record("train/loss", self.losses["value"])
        self.logger.record("train/n_updates", self._n_updates, exclude="tensorboard")

    def _settings(self) -> list[str]:
        exploration = ("exploration_fraction", "exploration_initial_eps", "exploration_final_eps")
        return [*super()._settings(), *exploration, "max_grad_norm"]

    def _judge(self, batch: Transitions) -> tuple[Tensor, Tensor]:
        """Of each row its loss, and how far off its value was."""
        raise NotImplementedError

    def _act(self, observations: Any, noise: Array) -> Array:
        values = self._acting(observations)
        values = values.mean(1) if values.dim() == 3 else values
        return np.asarray(values.argmax(1).cpu().numpy())

    def predict(
        self,
        observation: Any,
        state: Any = None,
        episode_start: Any = None,
        deterministic: bool = False,
    ) -> tuple[Array, Any]:
        """What the networks think best; it never explores, for that is part of learning."""
        return self.policy.predict(observation, state, episode_start, True)


class DoubleDQN(ValueLearner, DQN):
    """Double DQN. `net_arch` of the policy is one number: the width of the dueling head."""

    policy_aliases: ClassVar[dict[str, type[BasePolicy]]] = {
        "MlpPolicy": DuelingQPolicy,
        "MultiInputPolicy": DuelingQPolicy,
    }

    def _network(self) -> nn.Module:
        return self.policy.q_net

    def _judge(self, batch: Transitions) -> tuple[Tensor, Tensor]:
        seen, later_seen = self._shown(batch.observations), self._shown(batch.next_observations)
        with torch.no_grad():
            best = self.policy.q_net.best(later_seen)  # type: ignore[operator]
            later = self.q_net_target(later_seen).gather(1, best)
            wanted = batch.rewards + batch.discounts * later.float()
        values = self.q_net(seen).gather(1, batch.actions).float()
        return huber(values, wanted)[:, 0], (values - wanted).detach()[:, 0]


class QuantileDQN(ValueLearner, QRDQN):  # type: ignore[misc]
    """QR-DQN, the next action chosen as in Double DQN. `net_arch` of the policy is the width of the dueling head."""

    policy_aliases: ClassVar[dict[str, type[BasePolicy]]] = {
        "MlpPolicy": DuelingQuantilePolicy,
        "MultiInputPolicy": DuelingQuantilePolicy,
    }

    def _network(self) -> nn.Module:
        return cast(nn.Module, self.policy.quantile_net)

    def _judge(self, batch: Transitions) -> tuple[Tensor, Tensor]:
        seen, later_seen = self._shown(batch.observations), self._shown(batch.next_observations)
        with torch.no_grad():
            best = self.quantile_net(later_seen).mean(1).argmax(1)
            later = _of_action(self.quantile_net_target(later_seen), best)
            wanted = batch.rewards + batch.discounts * later.float()
        quantiles = _of_action(self.quantile_net(seen), batch.actions[:, 0]).float()
        return quantile_huber(quantiles, wanted), (quantiles.mean(1) - wanted.mean(1)).detach()


def _of_action(quantiles: Tensor, actions: Tensor) -> Tensor:
    """Quantiles [batch, n, actions] of one action each: [batch, n]."""
    chosen = actions[:, None, None].expand(-1, quantiles.shape[1], 1)
    return quantiles.gather(2, chosen)[:, :, 0]
