"""Threat assessment: watches stock minds fight and learns what each visible enemy then did."""

from typing import Any

import numpy as np
import torch
from torch import nn

from agents.learners.clipping import clip_gradients
from agents.learners.schedules import Schedule
from agents.learners.threat_data import Watched, watch
from agents.learners.watching import TEMPERATURES, WatchingLearner
from mlmonster_env.envs.battle import Array
from mlmonster_env.envs.shards import parted, stacked
from policies.ensemble import ThreatEnsemble, likelihood_loss
from policies.extractors.entities import PRESENT
from policies.normalize import update_scales
from policies.products import use_fast_products

STEPS_AT_ONCE = 40  # decisions that are watched between two boundaries, more where what followed takes longer
EVERY = 4  # of which every so many-th is learnt from: the next ones look much alike
ROWS_FOR_ODDS = 2048  # of them, the latest, that the temperature is set by: it is set often


class ThreatLearner(WatchingLearner[Watched]):
    """A deep ensemble learnt from what followed. Every member starts from weights and draws batches of its own."""

    rows = Watched
    most_held = 8192
    most_norm = 5.0
    loss_names = ("likelihood",)
    policy: ThreatEnsemble

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
        if horizon < 1:
            raise ValueError(f"horizon is {horizon}, expected at least 1 decision")
        super().__init__(
            env, learning_rate=learning_rate, batch_size=batch_size, epochs=epochs, held_out=held_out,
            capacity=capacity, seed=seed, device=device, mixed_precision=mixed_precision,
        )  # fmt: skip
        self.horizon = horizon
        self.steps = max(STEPS_AT_ONCE, 2 * horizon)
        self.policy = ThreatEnsemble(env.observation_space, **policy_kwargs).to(self.device)
        use_fast_products(self.policy)
        self._prepare({"weights": self.policy}, weight_decay)

    def _watch(self) -> Watched:
        assert self._seen is not None
        parts, views = [], []
        for shard, seen in zip(self.env.shards, parted(self._seen, self.env.shards), strict=True):
            watched, last = watch(shard, seen, self.steps, self.horizon, EVERY, self.apart)
            parts.append(watched)
            views.append(last)
        self._seen = stacked(views)
        return Watched.of(parts)

    def _scale(self, own: Watched) -> None:
        update_scales(self.policy, {"state": torch.from_numpy(own.state).to(self.device)})

    def _may_learn(self, kept: Watched) -> bool:
        return len(kept) > 0

    def _step(self, kept: Watched) -> tuple[float]:
        loss = torch.zeros((), device=self.device)
        precise = self.device.type != "cuda" or not self.mixed_precision
        for member in self.policy.members:
            rows = self.random.integers(0, len(kept), min(self.batch_size, len(kept)))
            state, entities, damage = self._tensors(kept, rows)
            with torch.autocast(self.device.type, torch.bfloat16, enabled=not precise):
                told = member(self.policy.scale(state), entities)
            loss = loss + likelihood_loss(told.float(), damage, entities[:, : damage.shape[1], PRESENT])
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        clip_gradients(self._parameters(), self.most_norm)
        self.optimizer.step()
        return (float(loss.detach()) / len(self.policy.members),)

    def _tensors(self, watched: Watched, rows: Array) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        return tuple(  # type: ignore[return-value]
            torch.from_numpy(block[rows]).to(self.device) for block in (watched.state, watched.entities, watched.damage)
        )

    @torch.no_grad()
    def _set_temperature(self) -> None:
        if self.held is None or not len(self.held):
            return
        latest = np.arange(max(0, len(self.held) - ROWS_FOR_ODDS), len(self.held))
        state, entities, damage = self._tensors(self.held, latest)
        told = self.policy.each({"state": state, "entities": entities})
        here = entities[:, : damage.shape[1], PRESENT] > 0.5
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
        present = entities[:, : damage.shape[1], PRESENT]
        told = self.policy.each({"state": state, "entities": entities})
        return float(np.mean([likelihood_loss(one, damage, present).item() for one in told]))
