"""Pattern recognition: watches known styles fight and learns to tell them by what one monster went through."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from agents.learners.clipping import clip_gradients
from agents.learners.pattern_data import Tape, Windows, watch_shards
from agents.learners.schedules import Schedule
from agents.learners.watching import TEMPERATURES, WatchingLearner
from policies.normalize import update_scales
from policies.pattern import PatternNetwork, Projection, contrastive_loss, seen_frames
from policies.products import use_fast_products

STEPS_AT_ONCE = 180  # decisions that are watched between two boundaries: twice a window
EVERY = 12  # of so many frames one ends a window in each pass: the next ones look much alike
HELD_OUT_WINDOWS = 1024


class PatternLearner(WatchingLearner[Tape]):
    """A network that tells styles apart, learnt from matches in which they are known.

    Its environment is of `styled_shards`. Besides telling the style, windows of one style from different matches are to
    lie together, by `contrast` times the loss of that.
    """

    rows = Tape
    most_held = 200_000
    most_norm = 1.0
    loss_names = ("style", "contrast")
    policy: PatternNetwork
    steps = STEPS_AT_ONCE

    def __init__(
        self,
        env: Any,
        *,
        policy_kwargs: dict[str, Any],
        learning_rate: Schedule,
        batch_size: int,
        epochs: int,
        held_out: float,
        weight_decay: float,
        contrast: float = 0.1,
        capacity: int = 1_000_000,
        seed: int = 0,
        device: torch.device | None = None,
        mixed_precision: bool = True,
    ) -> None:
        if contrast < 0.0:
            raise ValueError(f"contrast is {contrast}, expected 0 or more")
        super().__init__(
            env, learning_rate=learning_rate, batch_size=batch_size, epochs=epochs, held_out=held_out,
            capacity=capacity, seed=seed, device=device, mixed_precision=mixed_precision,
        )  # fmt: skip
        self.contrast = contrast
        classes = len(env.shards[0].styles)
        self.policy = PatternNetwork(**{"classes": classes, **policy_kwargs}).to(self.device)
        self.projection = Projection().to(self.device)
        use_fast_products(self.policy)
        self._prepare({"weights": self.policy, "projection": self.projection}, weight_decay)

    def _watch(self) -> Tape:
        assert self._seen is not None
        fresh, self._seen = watch_shards(self.env, self._seen, self.steps, self.apart)
        return fresh

    def _scale(self, own: Tape) -> None:
        update_scales(self.policy, {"frame": torch.from_numpy(own.frames.astype(np.float32)).to(self.device)})

    def _batches_for(self, fresh: int) -> float:
        return super()._batches_for(fresh) / EVERY

    def _may_learn(self, kept: Tape) -> bool:
        return kept.can_be_drawn_from

    def _step(self, kept: Tape) -> tuple[float, float]:
        frames, styles, packs = self._tensors(kept.draw(self.random, self.batch_size))
        autocast = self.device.type == "cuda" and self.mixed_precision
        with torch.autocast(self.device.type, torch.bfloat16, enabled=autocast):
            latent = self.policy.encode(frames, seen_frames(frames))
            scores, points = self.policy.scores(latent), self.projection(latent)
        told = nn.functional.cross_entropy(scores.float(), styles)
        alike = contrastive_loss(nn.functional.normalize(points.float(), dim=-1), styles, packs // 2)
        self.optimizer.zero_grad()
        (told + self.contrast * alike).backward()  # type: ignore[no-untyped-call]
        clip_gradients(self._parameters(), self.most_norm)
        self.optimizer.step()
        return float(told.detach()), float(alike.detach())

    def _tensors(self, windows: Windows) -> tuple[Tensor, Tensor, Tensor]:
        return tuple(  # type: ignore[return-value]
            torch.from_numpy(block).to(self.device) for block in (windows.history, windows.style, windows.pack)
        )

    @torch.no_grad()
    def _set_temperature(self) -> None:
        if self.held is None or not self.held.can_be_drawn_from:
            return
        windows = self.held.draw(np.random.default_rng(0), HELD_OUT_WINDOWS)
        scores, styles = [], torch.from_numpy(windows.style)
        for first in range(0, HELD_OUT_WINDOWS, self.batch_size):
            frames = torch.from_numpy(windows.history[first : first + self.batch_size]).to(self.device)
            scores.append(self.policy.scores(self.policy.encode(frames, seen_frames(frames))).float().cpu())
        told = torch.cat(scores)
        off = [nn.functional.cross_entropy(told / float(t), styles).item() for t in TEMPERATURES]
        self.policy.temperature.fill_(float(TEMPERATURES[int(np.argmin(off))]))
        self.losses["held-out style"] = float(np.min(off))
        self.logger.record("train/held_out_style_loss", float(np.min(off)))
        self.logger.record("train/held_out_accuracy", float((told.argmax(-1) == styles).float().mean()))
