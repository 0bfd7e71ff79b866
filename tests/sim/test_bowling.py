"""Victims that are pushed on others, in a small world of motionless monsters."""

import numpy as np
import pytest

from mlmonster_env.sim import fields as f
from mlmonster_env.sim import skill_columns as k
from tests.sim.staged import (
    MIDDLE,
    POINTS,
    STRIKE,
    plain,
    stage,
)

UNDEAD, DEMON = 1, 6


BOWL = STRIKE | {k.BOWLS: 1, k.SPLASH: 1, k.SKILL_LEVEL: 10}


@pytest.mark.parametrize(
    ("first", "second", "wall", "blows", "pushed"),
    [
        ((-2, -2), (-4, -4), None, [2, 2], (-3, -3)),
        ((-2, -2), (-5, -5), None, [2, 0], (-3, -3)),
        ((-2, -2), (-4, -4), (-3, -3), [1, 0], (-2, -2)),
        ((2, 2), (4, 4), None, [1, 0], (7, 7)),  # the gutter ends beside the caster
    ],
)
def test_a_bowled_victim_is_pushed_on_others(
    first: tuple[int, int],
    second: tuple[int, int],
    wall: tuple[int, int] | None,
    blows: list[int],
    pushed: tuple[int, int],
) -> None:
    made = stage(BOWL, enemies=[(plain(), *first), (plain(), *second)])
    if wall is not None:
        made.wall(*wall)
    made.cast(1)
    assert [made.taken(unit)[0] // POINTS for unit in (1, 2)] == blows
    assert (made.of(f.X, 1) - MIDDLE, made.of(f.Y, 1) - MIDDLE) == pushed


def test_whoever_can_not_be_pushed_is_bowled_all_the_same() -> None:
    made = stage(BOWL, enemies=[(plain(mode=f.KNOCKBACK_IMMUNE), -2, -2), (plain(), -4, -4)])
    made.cast(1)
    assert [made.taken(unit)[0] // POINTS for unit in (1, 2)] == [2, 2]
    assert made.of(f.X, 1) == MIDDLE - 2


def test_a_chain_of_bowled_victims_goes_on_without_end_at_none_twice() -> None:
    made = stage(BOWL, enemies=[(plain(), -2 - i, -2 - i) for i in range(6)], runs=50)
    made.cast(1)
    blows = np.stack([made.taken(unit) // POINTS for unit in range(1, 7)])
    assert (blows[:3] == 2).all()  # the first is pushed on the second, and stands beside the third
    assert set(np.unique(blows)) == {0, 2}
