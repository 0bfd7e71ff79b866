"""A trained model as an opponent: it remembers by slot, and draws from a stream of its own."""

from typing import Any

import numpy as np

from agents.opponents.dice import Dice
from mlmonster_env.envs.battle import Array
from policies.acting import Acting
from policies.actors import LOGITS, VALUES


class ModelRival:
    """A rival that plays by a model: greedily, or as it would draw."""

    def __init__(self, policy: Acting, seed: int = 0, *, deterministic: bool = True) -> None:
        card = policy.card
        if card.kind not in (LOGITS, VALUES) or not card.control:
            raise ValueError(f"the model is a {card.model_type}, which gives no orders; expected one that does")
        self.policy = policy
        self.control = card.control
        self.blocks: tuple[str, ...] = card.blocks
        self.deterministic = deterministic
        self._dice = Dice(seed)
        self._memory = np.zeros((0, policy.memory_size), np.float32)
        self._seated = False

    def sit(self, matches: int, members: int) -> None:
        """Take a seat in a battle, the only one that it ever has."""
        if self._seated:
            raise ValueError("this rival plays in a battle already, expected one of its own for each battle")
        self._seated = True
        self._dice.make_room(matches * members)
        self._memory = np.zeros((matches * members, self.policy.memory_size), np.float32)

    def __call__(self, seen: dict[str, Array]) -> Array:
        """Actions of all slots."""
        return self.act(seen, np.arange(len(self._memory)))

    def act(self, seen: dict[str, Array], slots: Array) -> Array:
        """Actions of these slots, which are what `seen` is of."""
        self._dice.advance(slots)
        lots = None if self.deterministic else self._dice.throw(slots, 0)
        if not self.policy.memory_size:
            return self.policy.act(seen, lots=lots)
        actions, self._memory[slots] = self.policy.think(seen, self._memory[slots], lots=lots)
        return actions

    def rewind(self) -> None:
        """Draw again as at the very beginning."""
        self._dice.rewind()

    def forget(self, slots: Array) -> None:
        """The matches of these slots begin anew."""
        self._dice.begin(slots)
        self._memory[slots] = 0.0

    def state(self) -> dict[str, Any]:
        """What it remembers, and its dice."""
        return {"dice": self._dice.state(), "memory": self._memory.copy()}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what `state` told of the same model with the same seed."""
        memory = np.array(state["memory"], np.float32)
        if memory.shape != self._memory.shape:
            raise ValueError(f"the state is of memories of shape {memory.shape}, expected {self._memory.shape}")
        self._dice.set_state(state["dice"])
        self._memory = memory
