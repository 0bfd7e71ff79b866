"""What the learners share that watch matches which others play, keep what they saw, and learn from it."""

from abc import ABC, abstractmethod
from itertools import chain
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar

import numpy as np
import torch
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger
from torch import nn

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
from policies.storage import Tree

TEMPERATURES = np.geomspace(0.25, 4.0, 65)  # among which the one is chosen that suits matches held out


class Rows(Protocol):
    """What was seen, in rows."""

    held_out: Array  # of matches that are not learnt from

    def __len__(self) -> int: ...

    def where(self, chosen: Array) -> Self:
        """Some of the rows."""

    def latest(self, most: int) -> Self:
        """The last rows, no more than so many."""

    def as_tree(self) -> Tree:
        """To be written down."""


R = TypeVar("R", bound=Rows)


class WatchingLearner(ABC, Generic[R]):
    """A network learnt from matches that others play; called as Stable-Baselines3's learners are.

    It watches and learns in turn: `epochs` passes' worth over what is new, in batches drawn from all that it has kept,
    `capacity` rows at most. Of the matches a share of `held_out` is not learnt from; by them a temperature is set.
    """

    rows: ClassVar[Any]  # what is kept: a class of Rows that has `of`, to make one of several
    most_held: ClassVar[int]  # rows kept of the matches held out
    most_norm: ClassVar[float]  # of the gradients of a batch
    loss_names: ClassVar[tuple[str, ...]]
    policy: nn.Module
    steps: int  # decisions that are watched between two boundaries

    def __init__(
        self,
        env: Any,
        *,
        learning_rate: Schedule,
        batch_size: int,
        epochs: int,
        held_out: float,
        capacity: int,
        seed: int,
        device: torch.device | None,
        mixed_precision: bool,
    ) -> None:
        if not 0.0 < held_out <= 0.5:
            raise ValueError(f"held_out is {held_out}, expected above 0, to 0.5")
        torch.manual_seed(seed)
        self.env = env
        self.device = device or torch.device("cpu")
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.epochs = epochs
        self.apart = max(2, round(1.0 / held_out))
        self.capacity = capacity
        self.mixed_precision = mixed_precision
        self.random = np.random.default_rng(seed)
        self.num_timesteps = 0
        self.losses: dict[str, float] = {}
        self.logger = Logger(folder=None, output_formats=[])
        self.kept: R | None = None
        self.held: R | None = None
        self._total_timesteps = 0
        self._seen: dict[str, Array] | None = None
        self._due = 0.0  # batches that are owed

    def _prepare(self, networks: dict[str, nn.Module], weight_decay: float) -> None:
        """Have these learnt, by the names under which their weights are kept."""
        self.networks = networks
        self.optimizer = torch.optim.AdamW(
            self._parameters(), lr=self.learning_rate(1.0), weight_decay=weight_decay, fused=True
        )

    def _parameters(self) -> list[nn.Parameter]:
        return list(chain.from_iterable(network.parameters() for network in self.networks.values()))

    def set_logger(self, logger: Logger) -> None:
        """Where numbers go."""
        self.logger = logger

    def get_env(self) -> Any:
        """The environment that is watched."""
        return self.env

    def learn(self, total_timesteps: int, callback: BaseCallback, reset_num_timesteps: bool = True) -> Self:
        """Watch so many decisions more, and learn."""
        if reset_num_timesteps or self._seen is None:
            self._seen = self.env.reset()
        self._total_timesteps = self.num_timesteps + total_timesteps
        callback.init_callback(self)  # type: ignore[arg-type]
        callback.on_training_start({}, {})
        while self.num_timesteps < self._total_timesteps:
            callback.on_rollout_start()
            fresh = self._keep(self._watch())
            self.num_timesteps += self.steps * self.env.num_envs
            callback.on_rollout_end()
            self._learn_from(fresh)
            self._set_temperature()
        callback.on_training_end()
        return self

    def _keep(self, fresh: R) -> int:
        """Keep what was watched; how many rows may be learnt from."""
        own, apart = fresh.where(~fresh.held_out), fresh.where(fresh.held_out)
        self.kept = self._latest(self.kept, own, self.capacity)
        self.held = self._latest(self.held, apart, self.most_held)
        if len(own):
            self._scale(own)
        return len(own)

    def _latest(self, before: R | None, fresh: R, most: int) -> R:
        whole: R = fresh if before is None else self.rows.of([before, fresh])
        return whole.latest(most)

    def _learn_from(self, fresh: int) -> None:
        """As many batches as new rows call for."""
        assert self.kept is not None
        self._due += self._batches_for(fresh)
        remaining = 1.0 - self.num_timesteps / max(self._total_timesteps, 1)
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate(remaining)
        told = []
        while self._due >= 1.0 and self._may_learn(self.kept):
            told.append(self._step(self.kept))
            self._due -= 1.0
        if told:
            self.losses = dict(zip(self.loss_names, np.mean(told, 0).tolist(), strict=True))
            for name, value in self.losses.items():
                self.logger.record(f"train/{name}_loss", value)

    def _batches_for(self, fresh: int) -> float:
        """How many batches new rows call for."""
        return fresh * self.epochs / self.batch_size

    @abstractmethod
    def _watch(self) -> R:
        """Watch a while."""

    @abstractmethod
    def _scale(self, own: R) -> None:
        """Let the network's scales see new rows."""

    @abstractmethod
    def _may_learn(self, kept: R) -> bool:
        """Whether a batch can be drawn."""

    @abstractmethod
    def _step(self, kept: R) -> tuple[float, ...]:
        """One batch: the losses named by `loss_names`."""

    @abstractmethod
    def _set_temperature(self) -> None:
        """Choose the temperature at which what is told fits matches held out."""

    def state(self) -> Tree:
        """Everything that is needed to go on as if nothing had happened."""
        return {
            **{name: weights_of(network) for name, network in self.networks.items()},
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
        for name, network in self.networks.items():
            set_weights(network, state[name])
        set_optimizer_state(self.optimizer, state["optimizer"])
        set_random_states(state["random"])
        set_generator_state(self.random, state["own_random"])
        self.num_timesteps = state["num_timesteps"]
        self._due = state["due"]
        self._seen = state["seen"]
        self.kept = None if state["kept"] is None else self.rows(**state["kept"])
        self.held = None if state["held"] is None else self.rows(**state["held"])
        self.env.set_state(state["env"])

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        raise TypeError("a learner is not copied; copy its policy, or its state()")
