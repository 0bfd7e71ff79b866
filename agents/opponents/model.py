"""A trained model as an opponent: it remembers by slot, and draws from a stream of its own."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from agents.opponents.dice import Dice
from mlmonster_env.contract import LATENT
from mlmonster_env.envs.battle import MASK, Array
from policies.acting import Acting
from policies.actors import BOX, LOGITS, VALUES

READ = "latent"  # what only somebody beside the battle can tell


@dataclass(frozen=True)
class Temperature:
    """How freely actions are drawn: from `first` at a match's first decision down (or up) to `last`, reached after so
    many; 0 is the best action."""

    first: float = 1.0
    last: float = 1.0
    over: int = 1

    def __post_init__(self) -> None:
        if not (0 <= self.first < math.inf and 0 <= self.last < math.inf):
            raise ValueError(f"temperatures are {self.first} and {self.last}, expected 0 or more")
        if self.over < 1:
            raise ValueError(f"over is {self.over}, expected at least 1 decision")

    def at(self, moments: Array) -> Array:
        """Of decisions by their number in a match, the first being 1."""
        passed = np.clip((moments.astype(np.float64) - 1.0) / self.over, 0.0, 1.0)
        return self.first + (self.last - self.first) * passed


class ModelRival:
    """A rival that plays by a model: greedily, or as it would draw.

    A model that is told how its enemies play has nobody to tell it here; with `unread` it plays as if nothing had been
    read yet.
    """

    def __init__(
        self,
        policy: Acting,
        seed: int = 0,
        *,
        deterministic: bool = True,
        temperature: Temperature | None = None,
        unread: bool = False,
    ) -> None:
        card = policy.card
        if card.kind not in (LOGITS, VALUES, BOX) or not card.control:
            raise ValueError(f"the model is a {card.model_type}, which gives no orders; expected one that does")
        if READ in card.blocks and not unread:
            raise ValueError(f"the model is a {card.model_type} that reads its enemies' play, which nobody does here")
        self.policy = policy
        self.control = card.control
        self.blocks: tuple[str, ...] = tuple(block for block in card.blocks if block != READ)
        self.deterministic = deterministic
        self.temperature = temperature
        self.memory: Array = np.zeros((0, policy.memory_size), np.float32)
        self._unread = READ in card.blocks
        self._dice = Dice(seed)
        self._seated = False

    def sit(self, matches: int, members: int) -> None:
        """Take a seat in a battle, the only one that it ever has."""
        if self._seated:
            raise ValueError("this rival plays in a battle already, expected one of its own for each battle")
        self._seated = True
        self._dice.make_room(matches * members)
        self.memory = np.zeros((matches * members, self.policy.memory_size), np.float32)

    def __call__(self, seen: dict[str, Array]) -> Array:
        """Actions of all slots."""
        return self.act(seen, np.arange(len(self.memory)))

    def act(self, seen: dict[str, Array], slots: Array) -> Array:
        """Actions of these slots, which are what `seen` is of."""
        self._dice.advance(slots)
        lots = None if self.deterministic else self._dice.throw(slots, 0)
        heat = None if self.temperature is None else self.temperature.at(self._dice.moments(slots))
        shown = {**seen, READ: np.zeros((len(slots), LATENT), np.float32)} if self._unread else seen
        if self.policy.memory_size:
            actions, self.memory[slots] = self.policy.think(shown, self.memory[slots], lots=lots, temperature=heat)
            return actions
        if MASK not in shown:
            return self.policy.act(shown, lots=lots, temperature=heat)
        return self._decided(shown, lots, heat)

    def _decided(self, seen: dict[str, Array], lots: Array | None, heat: Array | None) -> Array:
        """Actions, thought about only where there is a choice."""
        legal = seen[MASK] != 0
        actions = np.asarray(legal.argmax(1))
        open_ = np.flatnonzero(legal.sum(1) != 1)
        if len(open_):
            some = {name: block[open_] for name, block in seen.items()} if len(open_) < len(legal) else seen
            drawn = [None if told is None else told[open_] for told in (lots, heat)]
            actions[open_] = self.policy.act(some, lots=drawn[0], temperature=drawn[1])
        return actions

    def rewind(self) -> None:
        """Draw again as at the very beginning."""
        self._dice.rewind()

    def forget(self, slots: Array) -> None:
        """The matches of these slots begin anew."""
        self._dice.begin(slots)
        self.memory[slots] = 0.0

    def state(self) -> dict[str, Any]:
        """What it remembers, and its dice."""
        return {"dice": self._dice.state(), "memory": self.memory.copy()}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what `state` told of the same model with the same seed."""
        memory = np.array(state["memory"], np.float32)
        if memory.shape != self.memory.shape:
            raise ValueError(f"the state is of memories of shape {memory.shape}, expected {self.memory.shape}")
        self._dice.set_state(state["dice"])
        self.memory = memory
