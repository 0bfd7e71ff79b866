"""Pattern recognition: watches known styles fight and learns to tell them by what one monster went through."""

from typing import Any

import numpy as np
import torch
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger
from torch import Tensor, nn

from agents.learners.clipping import clip_gradients
from agents.learners.pattern_data import Tape, Windows, watch_shards
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
from mlmonster_env.envs.battle import Array
from policies.normalize import update_scales
from policies.pattern import PatternNetwork, Projection, contrastive_loss, seen_frames
from policies.products import use_fast_products
from policies.storage import Tree

STEPS_AT_ONCE = 180  # decisions that are watched between two boundaries: twice a window
EVERY = 12  # of so many frames one ends a window in each pass: the next ones look much alike
HELD_OUT_FRAMES = 200_000
HELD_OUT_WINDOWS = 1024
MOST_NORM = 1.0
TEMPERATURES = np.geomspace(0.25, 4.0, 65)


class PatternLearner:
    """A network that tells styles apart, learnt from matches in which they are known; called as SB3's learners are.

    Its environment is of `styled_shards`. It watches and learns in turn: `epochs` passes' worth over what is new, in
    windows drawn from all that it has kept, `capacity` frames at most. Besides telling the style, windows of one
    style from different matches are to lie together, by `contrast` times the loss of that.
    """

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
        if not 0.0 < held_out <= 0.5:
            raise ValueError(f"held_out is {held_out}, expected above 0, to 0.5")
        if contrast < 0.0:
            raise ValueError(f"contrast is {contrast}, expected 0 or more")
        torch.manual_seed(seed)
        self.env = env
        self.device = device or torch.device("cpu")
        classes = len(env.shards[0].styles)
        self.policy = PatternNetwork(**{"classes": classes, **policy_kwargs}).to(self.device)
        self.projection = Projection().to(self.device)
        use_fast_products(self.policy)
        self.optimizer = torch.optim.AdamW(
            [*self.policy.parameters(), *self.projection.parameters()],
            lr=learning_rate(1.0), weight_decay=weight_decay, fused=True,
        )  # fmt: skip
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.epochs = epochs
        self.apart = max(2, round(1.0 / held_out))
        self.contrast = contrast
        self.capacity = capacity
        self.mixed_precision = mixed_precision
        self.random = np.random.default_rng(seed)
        self.num_timesteps = 0
        self.losses: dict[str, float] = {}
        self.logger = Logger(folder=None, output_formats=[])
        self.kept: Tape | None = None
        self.held: Tape | None = None
        self._total_timesteps = 0
        self._seen: dict[str, Array] | None = None
        self._due = 0.0  # batches that are owed

    def set_logger(self, logger: Logger) -> None:
        """Where numbers go."""
        self.logger = logger

    def get_env(self) -> Any:
        """The environment that is watched."""
        return self.env

    def learn(self, total_timesteps: int, callback: BaseCallback, reset_num_timesteps: bool = True) -> "PatternLearner":
        """Watch so many decisions more, and learn."""
        if reset_num_timesteps or self._seen is None:
            self._seen = self.env.reset()
        self._total_timesteps = self.num_timesteps + total_timesteps
        callback.init_callback(self)  # type: ignore[arg-type]
        callback.on_training_start({}, {})
        while self.num_timesteps < self._total_timesteps:
            callback.on_rollout_start()
            fresh = self._watch()
            self.num_timesteps += STEPS_AT_ONCE * self.env.num_envs
            callback.on_rollout_end()
            self._learn_from(fresh)
            self._set_temperature()
        callback.on_training_end()
        return self

    def _watch(self) -> int:
        """Watch a while and keep it; how many frames are new."""
        assert self._seen is not None
        fresh, self._seen = watch_shards(self.env, self._seen, STEPS_AT_ONCE, self.apart)
        own, apart = fresh.where(~fresh.held_out), fresh.where(fresh.held_out)
        self.kept = _latest(self.kept, own, self.capacity)
        self.held = _latest(self.held, apart, HELD_OUT_FRAMES)
        update_scales(self.policy, {"frame": torch.from_numpy(own.frames.astype(np.float32)).to(self.device)})
        return len(own)

    def _learn_from(self, fresh: int) -> None:
        """As many batches as new frames call for."""
        assert self.kept is not None
        self._due += fresh * self.epochs / EVERY / self.batch_size
        remaining = 1.0 - self.num_timesteps / max(self._total_timesteps, 1)
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate(remaining)
        told = []
        while self._due >= 1.0 and self.kept.can_be_drawn_from:
            told.append(self._step(self.kept.draw(self.random, self.batch_size)))
            self._due -= 1.0
        if told:
            style, alike = np.mean(told, 0)
            self.losses = {"style": float(style), "contrast": float(alike)}
            for name, value in self.losses.items():
                self.logger.record(f"train/{name}_loss", value)

    def _step(self, windows: Windows) -> tuple[float, float]:
        """One batch: both losses."""
        frames, styles, packs = self._tensors(windows)
        autocast = self.device.type == "cuda" and self.mixed_precision
        with torch.autocast(self.device.type, torch.bfloat16, enabled=autocast):
            latent = self.policy.encode(frames, seen_frames(frames))
            scores, points = self.policy.scores(latent), self.projection(latent)
        told = nn.functional.cross_entropy(scores.float(), styles)
        alike = contrastive_loss(nn.functional.normalize(points.float(), dim=-1), styles, packs // 2)
        self.optimizer.zero_grad()
        (told + self.contrast * alike).backward()  # type: ignore[no-untyped-call]
        clip_gradients([*self.policy.parameters(), *self.projection.parameters()], MOST_NORM)
        self.optimizer.step()
        return float(told.detach()), float(alike.detach())

    def _tensors(self, windows: Windows) -> tuple[Tensor, Tensor, Tensor]:
        return tuple(  # type: ignore[return-value]
            torch.from_numpy(block).to(self.device) for block in (windows.history, windows.style, windows.pack)
        )

    @torch.no_grad()
    def _set_temperature(self) -> None:
        """Choose the temperature at which probabilities fit matches held out."""
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

    def state(self) -> Tree:
        """Everything that is needed to go on as if nothing had happened."""
        return {
            "weights": weights_of(self.policy),
            "projection": weights_of(self.projection),
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
        set_weights(self.projection, state["projection"])
        set_optimizer_state(self.optimizer, state["optimizer"])
        set_random_states(state["random"])
        set_generator_state(self.random, state["own_random"])
        self.num_timesteps = state["num_timesteps"]
        self._due = state["due"]
        self._seen = state["seen"]
        self.kept = None if state["kept"] is None else Tape(**state["kept"])
        self.held = None if state["held"] is None else Tape(**state["held"])
        self.env.set_state(state["env"])

    def __deepcopy__(self, memo: dict[int, Any]) -> "PatternLearner":
        raise TypeError("a learner is not copied; copy its policy, or its state()")


def _latest(before: Tape | None, fresh: Tape, most: int) -> Tape:
    whole = fresh if before is None else Tape.of([before, fresh])
    return whole.latest(most)
