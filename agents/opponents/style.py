"""A style of play: moods that come and go, and rules of which the first that holds and is legal decides."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from agents.opponents.conditions import Condition
from agents.opponents.dice import Dice
from agents.opponents.plain import drawn
from agents.opponents.sight import BLOCKS, Sight
from mlmonster_env.contract import IDLE
from mlmonster_env.envs.battle import Array

ANY = -1  # instead of an action: a random one of those that are legal


@dataclass(frozen=True)
class Mood:
    """Comes with one condition and goes with another, or after `longest` decisions; then rests for so many."""

    comes: Condition
    goes: Condition
    longest: int = 1 << 14
    rest: int = 0

    def next(self, before: Array, sight: Sight) -> Array:
        """Decisions that it has lasted, below 0 those that it still rests."""
        over = self.goes(sight) | (before >= self.longest)
        begun = np.where(self.comes(sight) & ~self.goes(sight), 1, 0)
        going = np.where(over, -self.rest, before + 1)
        return np.where(before > 0, going, np.where(before < 0, before + 1, begun)).astype(np.int16)


@dataclass(frozen=True)
class Script:
    """A style as data: what it is like, its rules, and the moods that they ask for."""

    told: str
    rules: tuple[tuple[Condition, int], ...]
    moods: Mapping[str, Mood] = field(default_factory=dict)


class Style:
    """A rival that plays by a script; only legal actions, and none that is better than to do nothing is to idle."""

    control = "combat"
    blocks: tuple[str, ...] = BLOCKS

    def __init__(self, script: Script, seed: int = 0) -> None:
        self.script = script
        self._dice = Dice(seed)
        self._moods = {name: np.zeros(0, np.int16) for name in script.moods}
        self._seated = False

    def sit(self, matches: int, members: int) -> None:
        """Take a seat in a battle, the only one that it ever has."""
        if self._seated:
            raise ValueError("this rival plays in a battle already, expected one of its own for each battle")
        self._seated = True
        self._make_room(matches * members)

    def __call__(self, seen: dict[str, Array]) -> Array:
        """Combat actions of all slots."""
        return self.act(seen, np.arange(len(seen["state"])))

    def act(self, seen: dict[str, Array], slots: Array) -> Array:
        """Combat actions of these slots, which are what `seen` is of."""
        self._make_room(int(slots.max(initial=-1)) + 1)
        self._dice.advance(slots)
        sight = Sight(seen, partial(self._dice.throw, slots))
        for name, mood in self.script.moods.items():
            sight.moods[name] = self._moods[name][slots] = mood.next(self._moods[name][slots], sight)
        return self._chosen(sight)

    def rewind(self) -> None:
        """Draw again as at the very beginning."""
        self._dice.rewind()

    def forget(self, slots: Array) -> None:
        """The matches of these slots begin anew."""
        self._make_room(int(np.max(slots, initial=-1)) + 1)
        self._dice.begin(slots)
        for lasted in self._moods.values():
            lasted[slots] = 0

    def state(self) -> dict[str, Any]:
        """Its moods and its dice."""
        return {"dice": self._dice.state(), "moods": {name: lasted.copy() for name, lasted in self._moods.items()}}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what `state` told of the same style with the same seed."""
        if set(state["moods"]) != set(self._moods):
            raise ValueError(f"the state has moods {sorted(state['moods'])}, expected {sorted(self._moods)}")
        self._dice.set_state(state["dice"])
        self._moods = {name: np.array(lasted, np.int16) for name, lasted in state["moods"].items()}

    def _chosen(self, sight: Sight) -> Array:
        chosen = np.full(len(sight), IDLE)
        free = np.ones(len(sight), np.bool_)
        for condition, action in self.script.rules:
            # Every rule is asked each time, so that the dice fall alike whatever else holds.
            holds = condition(sight) & free
            if action == ANY:
                chosen = np.where(holds, drawn(sight.legal, sight.roll()), chosen)
            else:
                holds &= sight.legal[:, action]
                chosen[holds] = action
            free &= ~holds
        return chosen

    def _make_room(self, slots: int) -> None:
        self._dice.make_room(slots)
        for name, lasted in self._moods.items():
            if len(lasted) < slots:
                self._moods[name] = np.append(lasted, np.zeros(slots - len(lasted), np.int16))
