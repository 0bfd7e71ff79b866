"""When a rule holds: small questions to a `Sight`, and how they are put together."""

from collections.abc import Callable

import numpy as np

from agents.opponents.sight import FAR, Sight
from mlmonster_env.envs.battle import Array

Condition = Callable[[Sight], Array]


def always(sight: Sight) -> Array:
    """In any case."""
    return np.ones(len(sight), np.bool_)


def both(*parts: Condition) -> Condition:
    """All of them hold."""
    return lambda sight: np.asarray(np.logical_and.reduce([part(sight) for part in parts]))


def either(*parts: Condition) -> Condition:
    """One of them holds."""
    return lambda sight: np.asarray(np.logical_or.reduce([part(sight) for part in parts]))


def no(part: Condition) -> Condition:
    """It does not hold."""
    return lambda sight: ~part(sight)


def sees(sight: Sight) -> Array:
    """An enemy is in sight."""
    return np.asarray(sight.nearest < FAR)


def near(cells: float) -> Condition:
    """An enemy is as near as that."""
    return lambda sight: np.asarray(sight.nearest <= cells)


def in_reach(sight: Sight) -> Array:
    """An enemy could be struck from here."""
    return np.asarray(sight.in_reach)


def strikes_from(cells: float) -> Condition:
    """An enemy could be struck from here, and none is nearer than that."""
    return lambda sight: np.asarray(sight.in_reach & (sight.nearest > cells))


def below(hp: float) -> Condition:
    """Less than this share of the hit points is left."""
    return lambda sight: np.asarray(sight.hp < hp)


def struck(sight: Sight) -> Array:
    """Hit points were lost in the last three seconds."""
    return np.asarray(sight.hurt > 0)


def away(cells: float) -> Condition:
    """Farther from where it first stood than that."""
    return lambda sight: np.asarray(sight.from_home > cells + 0.5)


def chance(share: float) -> Condition:
    """Once in a while, by the dice."""
    return lambda sight: np.asarray(sight.roll() < share)


def mood(name: str) -> Condition:
    """A mood lasts."""
    return lambda sight: np.asarray(sight.moods[name] > 0)


def rests(name: str) -> Condition:
    """A mood is over and cannot come again yet."""
    return lambda sight: np.asarray(sight.moods[name] < 0)


def in_front(sight: Sight) -> Array:
    """There are allies, and none of them is nearer to an enemy."""
    return np.asarray(sight.allies.here.any(1) & (sight.apart.min((1, 2)) >= sight.nearest))
