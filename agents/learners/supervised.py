"""Threat assessment: watches stock minds fight and learns what each visible enemy then did."""

from typing import Any

import numpy as np
import torch
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger
from torch import nn

from agents.learners.clipping import clip_gradients
from agents.learners.resumable import (
    generator_state,
    optimizer_state,
    random_states,
    set_generator_state,
    set_optimizer_state,
    set_random_states,
    set_weights,
    weights_of,
)
from agents.learners.schedules import Schedule
from agents.learners.threat_data import Watched, watch
from mlmonster_env.envs.battle import Array
from mlmonster_env.envs.shards import stacked
from policies.ensemble import ThreatEnsemble, likelihood_loss
from policies.normalize import update_scales
from policies.products import use_fast_products
from policies.storage import Tree

STEPS_AT_ONCE = 40  # decisions that are watched between two boundaries, more where what followed takes longer
EVERY = 4  # of which every so many-th is learnt from: the next ones look much alike
HELD_OUT_ROWS = 8192
ROWS_FOR_ODDS = 2048  # of them, the latest, that the temperature is set by: it is set often
MOST_NORM = 5.0
TEMPERATURES = np.geomspace(0.25, 4.0, 65)


class ThreatLearner:
    """A deep ensemble learnt from what followed; called as Stable-Baselines3's learners are.

    It watches and learns in turn: `epochs` passes' worth over what it has kept, `capacity` rows at most. Every member
    starts from weights of its own and draws batches of its own. The odds' temperature is set on matches held out.
    """

    def __init__(
        self,
        env: Any,
        *,
        policy_kwargs: dict[str, Any],
        learning_rate: Schedule,
        batch_size: int,
        epochs: int,
        horizon: int,
        held_out: float,
        weight_decay: float,
        capacity: int = 60_000,
        seed: int = 0,
        device: torch.device | None = None,
        mixed_precision: bool = True,
    ) -> None:
        if not 0.0 < held_out <= 0.5:
            raise ValueError(f"held_out is {held_out}, expected above 0, to 0.5")
        if horizon < 1:
            raise ValueError(f"horizon is {horizon}, expected at least 1 decision")
        torch.manual_seed(seed)
        self.env = env
        self.device = device or torch.device("cpu")
        self.policy = ThreatEnsemble(env.observation_space, **policy_kwargs).to(self.device)
        use_fast_products(self.policy)
        self.optimizer = torch.optim.AdamW(
            self.policy.parameters(), lr=learning_rate(1.0), weight_decay=weight_decay, fused=True
        )
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.epochs = epochs
        self.horizon = horizon
        self.steps = max(STEPS_AT_ONCE, 2 * horizon)
        self.apart = max(2, round(1.0 / held_out))
        self.capacity = capacity
        self.mixed_precision = mixed_precision
        self.random = np.random.default_rng(seed)
        self.num_timesteps = 0
        self.losses: dict[str, float] = {}
        self.logger = Logger(folder=None, output_formats=[])
        self.kept: Watched | None = None
        self.held: Watched | None = None
        self._total_timesteps = 0
        self._seen: dict[str, Array] | None = None
        self._due = 0.0  # batches that are owed

    def set_logger(self, logger: Logger) -> None:
        """Where numbers go."""
        self.logger = logger

    def get_env(self) -> Any:
        """The environment that is watched."""
        return self.env

    def learn(self, total_timesteps: int, callback: BaseCallback, reset_num_timesteps: bool = True) -> "ThreatLearner":
        """Watch so many decisions more, and learn."""
        if reset_num_timesteps or self._seen is None:
            self._seen = self.env.reset()
        self._total_timesteps = self.num_timesteps + total_timesteps
        callback.init_callback(self)  # type: ignore[arg-type]
        callback.on_training_start({}, {})
        while self.num_timesteps < self._total_timesteps:
            callback.on_rollout_start()
            fresh = self._watch()
            self.num_timesteps += self.steps * self.env.num_envs
            callback.on_rollout_end()
            self._learn_from(fresh)
            self._set_temperature()
        callback.on_training_end()
        return self

    def _watch(self) -> int:
        """Watch a while and keep it; how many rows are new."""
        assert self._seen is not None
        parts, first = [], 0
        views = []
        for shard in self.env.shards:
            seen = {name: block[first : first + shard.num_envs] for name, block in self._seen.items()}
            first += shard.num_envs
            watched, last = watch(shard, seen, self.steps, self.horizon, EVERY, self.apart)
            parts.append(watched)
            views.append(last)
        self._seen = stacked(views)
        fresh = Watched.of(parts)
        own, apart = fresh.where(~fresh.held_out), fresh.where(fresh.held_out)
        self.kept = _latest(self.kept, own, self.capacity)
        self.held = _latest(self.held, apart, HELD_OUT_ROWS)
        if len(own):
            update_scales(self.policy, {"state": torch.from_numpy(own.state).to(self.device)})
        return len(own)

    def _learn_from(self, fresh: int) -> None:
        """As many batches as new rows call for."""
        assert self.kept is not None
        self._due += fresh * self.epochs / self.batch_size
        remaining = 1.0 - self.num_timesteps / max(self._total_timesteps, 1)
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate(remaining)
        total, batches = 0.0, 0
        while self._due >= 1.0 and len(self.kept):
            total += self._step()
            batches += 1
            self._due -= 1.0
        if batches:
            self.losses = {"likelihood": total / batches}
            self.logger.record("train/likelihood_loss", total / batches)

    def _step(self) -> float:
        """One batch for every member."""
        assert self.kept is not None
        loss = torch.zeros((), device=self.device)
        precise = self.device.type != "cuda" or not self.mixed_precision
        for member in self.policy.members:
            rows = self.random.integers(0, len(self.kept), min(self.batch_size, len(self.kept)))
            state, entities, damage = self._tensors(self.kept, rows)
            with torch.autocast(self.device.type, torch.bfloat16, enabled=not precise):
                told = member(self.policy.scale(state), entities)
            loss = loss + likelihood_loss(told.float(), damage, entities[:, : damage.shape[1], 0])
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        clip_gradients(list(self.policy.parameters()), MOST_NORM)
        self.optimizer.step()
        return float(loss.detach()) / len(self.policy.members)

    def _tensors(self, watched: Watched, rows: Array) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        return tuple(  # type: ignore[return-value]
            torch.from_numpy(block[rows]).to(self.device) for block in (watched.state, watched.entities, watched.damage)
        )

    @torch.no_grad()
    def _set_temperature(self) -> None:
        """Choose the temperature at which the odds fit what happened in matches held out."""
        if self.held is None or not len(self.held):
            return
        latest = np.arange(max(0, len(self.held) - ROWS_FOR_ODDS), len(self.held))
        state, entities, damage = self._tensors(self.held, latest)
        told = self.policy.each({"state": state, "entities": entities})
        here = entities[:, : damage.shape[1], 0] > 0.5
        hurt = (damage > 0).float()[here]
        odds = told[..., 0][:, here]
        off = [
            nn.functional.binary_cross_entropy(torch.sigmoid(odds / float(t)).mean(0), hurt).item()
            for t in TEMPERATURES
        ]
        self.policy.temperature.fill_(float(TEMPERATURES[int(np.argmin(off))]))
        self.losses["held-out odds"] = float(np.min(off))
        self.logger.record("train/held_out_odds_loss", float(np.min(off)))

    @torch.no_grad()
    def held_out_loss(self) -> float | None:
        """How unlikely the members held what followed in matches that nothing was learnt from; None before any."""
        if self.held is None or not len(self.held):
            return None
        state, entities, damage = self._tensors(self.held, np.arange(len(self.held)))
        present = entities[:, : damage.shape[1], 0]
        told = self.policy.each({"state": state, "entities": entities})
        return float(np.mean([likelihood_loss(one, damage, present).item() for one in told]))

    def state(self) -> Tree:
        """Everything that is needed to go on as if nothing had happened."""
        return {
            "weights": weights_of(self.policy),
            "optimizer": optimizer_state(self.optimizer),
            "random": random_states(),
            "own_random": generator_state(self.random),
            "num_timesteps": self.num_timesteps,
            "due": self._due,
            "seen": self._seen,
            "kept": None if self.kept is None else self.kept.as_tree(),
            "held": None if self.held is None else self.held.as_tree(),
            "env": self.env.state(),
        }

    def set_state(self, state: Tree) -> None:
        """Go on from what `state` told."""
        set_weights(self.policy, state["weights"])
        set_optimizer_state(self.optimizer, state["optimizer"])
        set_random_states(state["random"])
        set_generator_state(self.random, state["own_random"])
        self.num_timesteps = state["num_timesteps"]
        self._due = state["due"]
        self._seen = state["seen"]
        self.kept = None if state["kept"] is None else Watched(**state["kept"])
        self.held = None if state["held"] is None else Watched(**state["held"])
        self.env.set_state(state["env"])

    def __deepcopy__(self, memo: dict[int, Any]) -> "ThreatLearner":
        raise TypeError("a learner is not copied; copy its policy, or its state()")


def _latest(before: Watched | None, fresh: Watched, most: int) -> Watched:
    whole = fresh if before is None else Watched.of([before, fresh])
    return whole.where(np.arange(max(0, len(whole) - most), len(whole)))
