"""What slots decided and what came of it, several decisions on: kept in a ring, drawn by priority."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from agents.learners.resumable import generator_state, set_generator_state
from agents.learners.sum_tree import SumTree
from agents.learners.windows import close_all, close_oldest, pay_all
from policies.storage import Tree

Array = np.ndarray[Any, np.dtype[Any]]
LEAST_PRIORITY = 1e-3
NOBODY = -1


@dataclass
class Transitions:
    """A batch drawn from a replay; the names are those of Stable-Baselines3's samples."""

    observations: Any  # tensors by block
    actions: Tensor  # [batch, 1], or [batch, numbers]
    next_observations: Any
    dones: Tensor  # [batch, 1]
    rewards: Tensor  # [batch, 1]
    discounts: Tensor  # [batch, 1]: what the value of the next observation is multiplied by
    weights: Tensor  # [batch, 1]: that make up for having been drawn by priority
    rows: Array


class Replay:
    """A ring of decisions of `slots` slots.

    A decision is closed by the `n_steps`-th one after it, or by the end of its match; until then it is not drawn. What
    is paid in between is summed with discount. A row's next observation is that of the decision that closed it.
    With `priority` 0 all rows are as likely.
    """

    def __init__(
        self,
        capacity: int,
        slots: int,
        shapes: Mapping[str, tuple[int, ...]],
        action_shape: tuple[int, ...] = (),
        *,
        n_steps: int = 1,
        gamma: float = 0.99,
        priority: float = 0.6,
        seed: int = 0,
        device: torch.device | None = None,
        plain: bool = False,
    ) -> None:
        if capacity < 2 * slots * n_steps:
            raise ValueError(f"capacity is {capacity}, expected at least {2 * slots * n_steps}: 2 x slots x n_steps")
        if n_steps < 1:
            raise ValueError(f"n_steps is {n_steps}, expected at least 1")
        self.capacity = capacity
        self.n_steps = n_steps
        self.gamma = gamma
        self.priority = priority
        self.written = 0  # decisions so far; a decision's serial number is how many came before it
        self.random = np.random.default_rng(seed)
        self.device = device  # where `sample` puts its batches
        self.plain = plain  # whether `sample` gives the one block there is by itself
        self.blocks = {name: np.zeros((capacity, *shape), np.float32) for name, shape in shapes.items()}
        whole = not action_shape
        self.actions = np.zeros((capacity, *(action_shape or (1,))), np.int64 if whole else np.float32)
        self.rewards = np.zeros(capacity, np.float32)
        self.discounts = np.zeros(capacity, np.float32)
        self.next_rows = np.zeros(capacity, np.int64)
        self.dones = np.zeros(capacity, np.float32)
        self.tree = SumTree(capacity)
        self.greatest = 1.0
        self._open = np.full((slots, n_steps), NOBODY, np.int64)  # serial numbers, oldest first
        self._paid = np.zeros((slots, n_steps), np.float64)
        self._factor = np.zeros((slots, n_steps), np.float64)

    def __len__(self) -> int:
        """How many rows can be drawn."""
        return int(np.count_nonzero(self.tree.weights))

    @property
    def empty(self) -> bool:
        """Whether there is nothing that can be drawn yet."""
        return self.tree.total <= 0

    def decide(self, slots: Array, observations: Mapping[str, Array], actions: Array) -> None:
        """Slots that have a choice made it: what they saw, and what they did. Closes what waited for that."""
        serials = self._append(observations, len(slots))
        self.actions[serials % self.capacity] = actions.reshape(len(slots), *self.actions.shape[1:])
        closed = close_oldest(
            slots, serials, self._open, self._paid, self._factor, self.capacity, self.written,
            self.rewards, self.discounts, self.next_rows, self.dones,
        )  # fmt: skip
        self._release(closed)

    def pay(self, rewards: Array, ended: Array) -> None:
        """A step of the environment went by, in all slots; matches that ended close whatever was open."""
        closed = pay_all(
            rewards.astype(np.float64), ended, self._open, self._paid, self._factor, self.gamma, self.capacity,
            self.written, self.rewards, self.discounts, self.next_rows, self.dones,
        )  # fmt: skip
        self._release(closed)

    def cut(self, slots: Array, observations: Mapping[str, Array]) -> None:
        """Matches of slots were cut short: what was open there is closed by what they last saw, its worth counted."""
        serials = self._append(observations, len(slots))
        closed = close_all(
            slots, serials, self._open, self._paid, self._factor, self.capacity, self.written,
            self.rewards, self.discounts, self.next_rows, self.dones,
        )  # fmt: skip
        self._release(closed)

    def forget_open(self) -> None:
        """Nobody knows what came of the decisions that are open: they are never drawn."""
        self._open[:] = NOBODY
        self._paid[:] = 0.0
        self._factor[:] = 0.0

    def draw(self, count: int, correction: float = 1.0, device: torch.device | None = None) -> Transitions:
        """A batch, by priority; `correction` (0 to 1) says how much of the bias of that is made up for."""
        rows, likely = self.tree.draw_with_weights((np.arange(count) + self.random.random(count)) / count)
        weights = (likely.min() / likely) ** correction
        where = device or torch.device("cpu")
        return Transitions(
            self._views(rows, where),
            torch.from_numpy(self.actions[rows]).to(where),
            self._views(self.next_rows[rows], where),
            torch.from_numpy(self.dones[rows, None]).to(where),
            torch.from_numpy(self.rewards[rows, None]).to(where),
            torch.from_numpy(self.discounts[rows, None]).to(where),
            torch.from_numpy(weights[:, None].astype(np.float32)).to(where),
            rows,
        )

    def _append(self, observations: Mapping[str, Array], count: int) -> Array:
        """Put observations into the next rows, which cannot be drawn yet; their serial numbers."""
        serials = self.written + np.arange(count)
        rows = serials % self.capacity
        self.tree.set(rows, np.zeros(count))
        for name, block in observations.items():
            self.blocks[name][rows] = block
        self.written += count
        return serials

    def _views(self, rows: Array, where: torch.device) -> dict[str, Tensor]:
        return {name: torch.from_numpy(block.take(rows, 0)).to(where) for name, block in self.blocks.items()}

    def sample(self, batch_size: int, env: Any = None) -> Transitions:
        """As Stable-Baselines3's buffers give a batch."""
        batch = self.draw(batch_size, 0.0, self.device)
        if self.plain:
            batch.observations, batch.next_observations = batch.observations["state"], batch.next_observations["state"]
        return batch

    def learnt(self, rows: Array, errors: Array) -> None:
        """Rows were learnt from, and were so far off: how likely they are to be drawn again."""
        if not self.priority:
            return
        if not np.isfinite(errors).all():
            raise FloatingPointError(f"an error of a value is {errors[~np.isfinite(errors)][0]}")
        weighed = self.tree.reweigh(rows, errors.astype(np.float64), LEAST_PRIORITY, self.priority)
        self.greatest = max(self.greatest, weighed)

    def state(self, since: int = 0) -> Tree:
        """All but the rows themselves, and those rows that were written from serial number `since` on."""
        fresh = self.rows_since(since)
        return {
            "written": self.written,
            "greatest": self.greatest,
            "random": generator_state(self.random),
            "weights": self.tree.weights.copy(),
            "rewards": self.rewards, "discounts": self.discounts, "next_rows": self.next_rows, "dones": self.dones,
            "open": self._open, "paid": self._paid, "factor": self._factor,
            "fresh": {"since": max(since, self.written - self.capacity), "actions": self.actions[fresh],
                      **{f"block {name}": block[fresh] for name, block in self.blocks.items()}},
        }  # fmt: skip

    def set_state(self, state: Tree) -> None:
        """Take over what `state` told; rows from before its `since` must have been taken over already."""
        self.written = state["written"]
        self.greatest = state["greatest"]
        set_generator_state(self.random, state["random"])
        self.tree.restore(state["weights"])
        for name, own in (
            ("rewards", self.rewards), ("discounts", self.discounts), ("next_rows", self.next_rows),
            ("dones", self.dones), ("open", self._open), ("paid", self._paid), ("factor", self._factor),
        ):  # fmt: skip
            own[:] = state[name]
        for rows in (*state.get("segments", ()), state["fresh"]):
            self.set_rows(rows)

    def rows_since(self, since: int) -> Array:
        """Which rows hold the decisions from a serial number on."""
        first = max(since, self.written - self.capacity)
        return np.arange(first, self.written) % self.capacity

    def set_rows(self, fresh: Tree) -> None:
        """Put back what slots saw and did."""
        rows = (fresh["since"] + np.arange(len(fresh["actions"]))) % self.capacity
        self.actions[rows] = fresh["actions"]
        for name, block in self.blocks.items():
            block[rows] = fresh[f"block {name}"]

    def _release(self, rows: Array) -> None:
        self.tree.set(rows, np.full(len(rows), self.greatest if self.priority else 1.0))
