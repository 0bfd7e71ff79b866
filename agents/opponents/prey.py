"""Whom a style would rather strike than its present target."""

from collections.abc import Callable

import numpy as np

from agents.opponents.conditions import Condition
from agents.opponents.sight import Sight
from mlmonster_env.envs.battle import Array

Worth = Callable[[Sight], Array]  # of each enemy in sight [slots, rows]: the more, the rather

WITHIN = 9  # cells: farther than that a target can often not be taken
RESTLESS = 0.9  # of the state's fickleness: who turned so often lately stays with whom he has


def prefers(worth: Worth, margin: float = 0.0, within: float = WITHIN) -> Condition:
    """Somebody within some cells is worth more than the target, by more than a margin."""

    def condition(sight: Sight) -> Array:
        values = np.where(sight.enemies.cells <= within, worth(sight), -np.inf)
        rows = np.arange(len(sight))
        mine = np.where(sight.target >= 0, worth(sight)[rows, sight.target], -np.inf)
        return np.asarray((values.max(1) > mine + margin) & (sight.target >= 0) & (sight.fickle < RESTLESS))

    return condition


def nearness(sight: Sight) -> Array:
    """The nearer the better."""
    return np.asarray(-sight.enemies.cells)


def weakness(sight: Sight) -> Array:
    """The most wounded, and among the whole the one nearest to the pack's middle: all of a pack find the same one."""
    pack = np.where(sight.allies.here[..., None], sight.allies.places, 0.0)
    middle = pack.sum(1) / (1 + sight.allies.here.sum(1))[:, None]
    cells = np.abs(sight.enemies.places - middle[:, None]).max(-1)
    return np.asarray(-10 * sight.enemies.feature("hp share") - 0.1 * cells)


def craft(sight: Sight) -> Array:
    """Whoever casts, then whoever stands behind with a long reach, then the nearer one."""
    casts = sight.enemies.feature("casts")
    reach = sight.enemies.feature("attack range/14")
    return np.asarray(2 * casts + reach - 0.03 * sight.enemies.cells)
