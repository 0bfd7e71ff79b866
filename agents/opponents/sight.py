"""What a style looks at: the blocks that its slots see, by name and in cells."""

from collections.abc import Callable
from functools import cached_property

import numpy as np

from mlmonster_env.contract import (
    ENEMIES_IN_RANGE,
    ENTITY_FEATURES,
    ENTITY_KIND_ROWS,
    FICKLENESS,
    FROM_SPAWN,
    HP_SHARE,
    HURT_IN_3_S,
    SIGHT,
)
from mlmonster_env.envs.battle import MASK, Array

BLOCKS = ("state", "entities", MASK)
FAR = 99.0  # cells to whom one does not see


class Crowd:
    """Rows of entities of one side, nearest first: arrays [slots, rows]."""

    def __init__(self, rows: Array) -> None:
        self._rows = rows
        self.here = self.feature("present") > 0.5

    def feature(self, name: str) -> Array:
        """One of contract.ENTITY_FEATURES."""
        return np.asarray(self._rows[..., ENTITY_FEATURES.index(name)])

    @cached_property
    def cells(self) -> Array:
        """How far each is."""
        return np.where(self.here, self.feature("distance/14") * SIGHT, FAR)

    @cached_property
    def places(self) -> Array:
        """Where each is, from the slot's own monster: [slots, rows, 2]."""
        ways = np.stack([self.feature("0.5 + dx/28"), self.feature("0.5 + dy/28")], -1)
        return np.rint((ways - 0.5) * 2 * SIGHT)


class Sight:
    """One moment of some slots. `slots` are their numbers, `throw` gives each a random number from 0 up to 1."""

    def __init__(self, seen: dict[str, Array], throw: Callable[[int], Array]) -> None:
        state = seen["state"]
        self.legal = np.asarray(seen[MASK]) != 0
        self.enemies = Crowd(seen["entities"][:, :ENTITY_KIND_ROWS])
        self.allies = Crowd(seen["entities"][:, ENTITY_KIND_ROWS:])
        self.hp = state[:, HP_SHARE]
        self.hurt = state[:, HURT_IN_3_S]
        self.in_reach = state[:, ENEMIES_IN_RANGE] > 0
        self.from_home = state[:, FROM_SPAWN] * 30
        self.fickle = state[:, FICKLENESS]
        self.moods: dict[str, Array] = {}  # by name: decisions that it has lasted, below 0 those that it rests
        self._throw = throw
        self._thrown = 0

    def __len__(self) -> int:
        return len(self.legal)

    def roll(self) -> Array:
        """A random number for each slot, others at each call."""
        self._thrown += 1
        return self._throw(self._thrown)

    @cached_property
    def nearest(self) -> Array:
        """Cells to the nearest enemy."""
        return np.asarray(self.enemies.cells.min(1))

    @cached_property
    def target(self) -> Array:
        """The row of the target among the enemies, -1 where none of them is."""
        mine = self.enemies.here & (self.enemies.feature("is my target") > 0.5)
        return np.where(mine.any(1), mine.argmax(1), -1)

    @cached_property
    def apart(self) -> Array:
        """Cells between each ally and each enemy: [slots, allies, enemies]."""
        ways = np.abs(self.allies.places[:, :, None] - self.enemies.places[:, None]).max(-1)
        both = self.allies.here[:, :, None] & self.enemies.here[:, None]
        return np.where(both, ways, FAR)
