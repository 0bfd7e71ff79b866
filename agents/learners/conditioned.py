"""PPO of a policy that remembers and is told how its enemies play; the encoder that tells it learns beside it."""

from typing import Any, ClassVar

import numpy as np
import torch
from stable_baselines3.common.policies import BasePolicy
from torch import Tensor, nn, optim

from agents.learners.clipping import clip_gradients
from agents.learners.memory_ppo import MemoryPPO
from agents.learners.pattern_store import Collector, Labelled, PatternStore
from agents.learners.resumable import generator_state, set_generator_state
from agents.reading import NetworkReader
from policies.normalize import update_scales
from policies.pattern import Projection, contrastive_loss, seen_frames
from policies.sb3.conditioned import ConditionedPolicy
from policies.storage import Tree

MOST_NORM = 1.0
WEIGHT_DECAY = 1e-2
LAST_RATE = 0.1  # of the encoder's first one, so that the policy's ground moves less and less
SETTINGS = ["pattern_rate", "pattern_batch", "pattern_batches", "contrast", "store_size"]


class ConditionedPPO(MemoryPPO):
    """PPO over the latents that the policy's own encoder gave as it played.

    Its environment's shards have a `reading`, and tell `labels` and `styles` (`ReadingVecEnv`). After each update of
    the policy the encoder learns too: `pattern_batches` batches of windows drawn from the latest `store_size`, to name
    the style and, by `contrast`, to bring windows of one style together. Its rate falls to a tenth. A `blind` policy
    is shown zeros, and its encoder neither reads nor learns.
    """

    policy_aliases: ClassVar[dict[str, type[BasePolicy]]] = {
        "MlpPolicy": ConditionedPolicy,
        "MultiInputPolicy": ConditionedPolicy,
    }
    policy: ConditionedPolicy

    def __init__(
        self,
        policy: str | type[ConditionedPolicy],
        env: Any,
        *,
        pattern_rate: float = 1e-3,
        pattern_batch: int = 128,
        pattern_batches: int = 8,
        contrast: float = 0.1,
        store_size: int = 8192,
        **named: Any,
    ) -> None:
        if contrast < 0.0:
            raise ValueError(f"contrast is {contrast}, expected 0 or more")
        self.pattern_rate = pattern_rate
        self.pattern_batch = pattern_batch
        self.pattern_batches = pattern_batches
        self.contrast = contrast
        self.store_size = store_size
        super().__init__(policy, env, **named)

    def _setup_model(self) -> None:
        super()._setup_model()
        own = self.policy
        self._read_along()
        # The encoder learns by itself: what belongs to the policy's updates is the acting part.
        acting = [[p for name, p in r.named_parameters() if not name.startswith("pattern.")] for r in self._replicas]
        self._parameters = acting
        self.projection = Projection().to(self.device)
        self._learning = [*own.pattern.parameters(), *self.projection.parameters()]
        self.pattern_optimizer = optim.AdamW(
            self._learning, lr=self.pattern_rate, weight_decay=WEIGHT_DECAY, fused=True
        )
        self.store = PatternStore(self.store_size)
        seed = None if self.seed is None else [self.seed, 1]
        self.pattern_random = np.random.default_rng(seed)

    def set_env(self, env: Any, force_reset: bool = True) -> None:
        """As ever; the environment's readings are those of this policy's encoder from now on."""
        before = self.env
        super().set_env(env, force_reset)
        try:
            self._read_along()
        except ValueError:
            self.env = before
            raise

    def _read_along(self) -> None:
        """Let the encoder read what is seen in the environment, and keep what it read."""
        own = self.policy
        collectors: list[Collector] = []
        for number, shard in enumerate(self._shards()):
            styles = tuple(getattr(shard, "styles", ()))
            if styles != own.styles:
                raise ValueError(f"the environment's styles are {styles}, expected the policy's: {own.styles}")
            reading = shard.reading  # type: ignore[attr-defined]
            if reading.every != own.every:
                raise ValueError(f"the environment is read every {reading.every} decisions, expected {own.every}")
            collectors.append(Collector(shard, number))
            reading.reader = None if own.blind else NetworkReader(own.pattern)
            reading.teller = None if own.blind else collectors[-1]
        self.collectors = collectors

    def collect_rollouts(self, *arguments: Any, **named: Any) -> bool:
        """As ever; of a rollout that was never learnt from, no window is kept either."""
        for collector in self.collectors:
            collector.take()
        return super().collect_rollouts(*arguments, **named)

    def train(self) -> None:
        """Improve the policy by the last rollout, and the encoder by what was seen in it."""
        super().train()
        parts = [part for collector in self.collectors for part in collector.take()]
        if parts:
            fresh = Labelled.of(parts)
            self._tell_accuracy(fresh)
            self._take_in(fresh)
        if len(self.store) >= self.pattern_batch:
            self._learn_patterns()

    @torch.no_grad()
    def _tell_accuracy(self, fresh: Labelled) -> None:
        """How often what was read at play named the style, before anything was learnt of these fights."""
        latents = torch.from_numpy(fresh.latents).to(self.device)
        named = self.policy.pattern.scores(latents).argmax(-1).cpu().numpy()
        self.logger.record("train/style_accuracy", float((named == fresh.styles).mean()))

    def _take_in(self, fresh: Labelled) -> None:
        newest = fresh.histories[:, -self.policy.every :].astype(np.float32)
        seen = newest[newest.any(-1)]
        update_scales(self.policy.pattern, {"frame": torch.from_numpy(seen).to(self.device)})
        self.store.add(fresh)

    def _learn_patterns(self) -> None:
        rate = self.pattern_rate * max(self._current_progress_remaining, LAST_RATE)
        for group in self.pattern_optimizer.param_groups:
            group["lr"] = rate
        told = [self._pattern_step() for _ in range(self.pattern_batches)]
        style, alike = torch.stack(told).mean(0).tolist()
        self.losses = {**self.losses, "style": style, "contrast": alike}
        self.logger.record("train/style_loss", style)
        self.logger.record("train/contrast_loss", alike)

    def _pattern_step(self) -> Tensor:
        """One batch: both losses."""
        drawn = self.store.draw(self.pattern_random, self.pattern_batch)
        frames, styles, fights = (torch.from_numpy(block).to(self.device) for block in drawn)
        pattern = self.policy.pattern
        with self._precision():
            latent = pattern.encode(frames, seen_frames(frames))
            scores, points = pattern.scores(latent), self.projection(latent)
        told = nn.functional.cross_entropy(scores.float(), styles)
        alike = contrastive_loss(nn.functional.normalize(points.float(), dim=-1), styles, fights)
        self.pattern_optimizer.zero_grad()
        (told + self.contrast * alike).backward()  # type: ignore[no-untyped-call]
        clip_gradients(self._learning, MOST_NORM)
        self.pattern_optimizer.step()
        return torch.stack([told.detach(), alike.detach()])

    def _optimizers(self) -> dict[str, optim.Optimizer]:
        return {**super()._optimizers(), "pattern": self.pattern_optimizer}

    def _loose_tensors(self) -> dict[str, Tensor]:
        return {**super()._loose_tensors(), **{f"projection.{n}": p for n, p in self.projection.named_parameters()}}

    def _own_state(self) -> Tree:
        return {
            **super()._own_state(),
            "store": self.store.state(),
            "pattern_random": generator_state(self.pattern_random),
            "turns": [collector.turn for collector in self.collectors],
        }

    def _set_own_state(self, state: Tree) -> None:
        super()._set_own_state(state)
        self.store.set_state(state["store"])
        set_generator_state(self.pattern_random, state["pattern_random"])
        for collector, turn in zip(self.collectors, state["turns"], strict=True):
            collector.turn = int(turn)
            collector.take()

    def _settings(self) -> list[str]:
        return [*super()._settings(), *SETTINGS]
