"""Rivals that look at nothing: one that does nothing, and one that does anything that is legal."""

from typing import Any

import numpy as np

from agents.opponents.dice import Dice
from mlmonster_env.contract import CONTINUOUS, CONTROLS, NOTHING_TO_DO
from mlmonster_env.envs.battle import MASK, Array

RANDOM, IDLE = "random", "idle"
PLAIN = (RANDOM, IDLE)


class Plain:
    """Random or idle, under any kind of orders."""

    def __init__(self, name: str, seed: int = 0, control: str = "combat") -> None:
        if name not in PLAIN:
            raise ValueError(f"name is {name!r}, expected {RANDOM} or {IDLE}")
        self.name = name
        self.control = control
        self.blocks: tuple[str, ...] = (MASK,) if CONTROLS[control] else ("state",)
        self._dice = Dice(seed)
        self._slots = 0
        self._seated = False

    def sit(self, matches: int, members: int) -> None:
        """Take a seat in a battle, the only one that it ever has."""
        if self._seated:
            raise ValueError("this rival plays in a battle already, expected one of its own for each battle")
        self._seated = True
        self._slots = matches * members
        self._dice.make_room(self._slots)

    def __call__(self, seen: dict[str, Array]) -> Array:
        """Orders of all slots."""
        return self.act(seen, np.arange(self._slots))

    def act(self, seen: dict[str, Array], slots: Array) -> Array:
        """Orders of these slots, which are what `seen` is of."""
        self._dice.advance(slots)
        if not CONTROLS[self.control]:
            if self.name == IDLE:
                return np.zeros((len(slots), len(CONTINUOUS)), np.float32)
            return anywhere(self._dice, slots, 0)
        if self.name == IDLE:
            return np.full(len(slots), NOTHING_TO_DO[self.control])
        return drawn(np.asarray(seen[MASK]) != 0, self._dice.throw(slots, 0))

    def rewind(self) -> None:
        """Draw again as at the very beginning."""
        self._dice.rewind()

    def forget(self, slots: Array) -> None:
        """The matches of these slots begin anew."""
        self._dice.begin(slots)

    def state(self) -> dict[str, Any]:
        """Its dice."""
        return {"dice": self._dice.state()}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what `state` told of one with the same seed."""
        self._dice.set_state(state["dice"])


def drawn(legal: Array, lots: Array) -> Array:
    """One legal action for each slot, by a number from 0 up to 1; the first where none is."""
    count = legal.cumsum(1)
    place = np.floor(lots * count[:, -1]) + 1
    return np.asarray((count >= place[:, None]).argmax(1) * (count[:, -1] > 0))


def anywhere(dice: Dice, slots: Array, first: int) -> Array:
    """Continuous orders anywhere in their box, by the dice's throws from number `first` on."""
    lots = [dice.throw(slots, first + number) for number in range(len(CONTINUOUS))]
    return (2.0 * np.stack(lots, 1) - 1.0).astype(np.float32)
