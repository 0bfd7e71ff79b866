"""Of several alike, whom the server meets first: squares of eight cells in rows, in each of them the last to come."""

from dataclasses import replace

import pytest

from mlmonster_env.data import MobSkill, Monster
from mlmonster_env.sim import Arena
from mlmonster_env.sim import fields as f
from mlmonster_env.sim.lab import Place, open_field
from tests.sim.staged import HP, RENEWAL, plain, world

CORNER = 80  # a square begins here
Cells = list[tuple[int, int]]


def hunter() -> Monster:
    return replace(plain(mode=f.CAN_ATTACK | f.AGGRESSIVE_MODE), attack_range=9, skill_range=10)


def begun(first: Monster, at: tuple[int, int], others: Cells, other: Monster | None = None, side: int = 1) -> Arena:
    """Unit 0 at a cell, and others of a side at theirs, all counted from the corner of a square."""
    places = [Place(first, 0, CORNER + at[0], CORNER + at[1])]
    places += [Place(other or plain(), side, CORNER + x, CORNER + y) for x, y in others]
    return open_field(world(RENEWAL), places, 1, 1)


def prey_of(arena: Arena) -> int:
    arena.run(1)
    return int(arena.units[0, f.TARGET, 0])


@pytest.mark.parametrize(
    ("at", "others", "chosen"),
    [
        ((3, 3), [(1, 3), (5, 3)], 2),  # in one square, at once: the later place
        ((3, 3), [(5, 3), (1, 3)], 2),
        ((3, 3), [(1, 3), (3, 1), (5, 3), (3, 5)], 4),
        ((7, 3), [(5, 3), (9, 3)], 1),  # the square further west
        ((7, 3), [(9, 3), (5, 3)], 2),
        ((3, 7), [(3, 5), (3, 9)], 1),  # the row of squares with the smaller y
        ((7, 7), [(5, 9), (9, 5)], 2),  # of rows and columns, rows count first
        ((3, 3), [(5, 3), (2, 3)], 2),  # the nearest, whoever is listed first
        ((3, 3), [(4, 3), (0, 3)], 1),
    ],
)
def test_of_prey_equally_near_the_first_listed_is_taken(at: tuple[int, int], others: Cells, chosen: int) -> None:
    assert prey_of(begun(hunter(), at, others)) == chosen


def test_who_has_come_to_a_square_last_is_listed_first() -> None:
    walker = replace(plain(mode=f.CAN_MOVE | f.CAN_ATTACK), walk_speed=100, attack_range=1)
    arena = begun(replace(hunter(), skill_range=0), (3, 3), [(9, 3), (2, 3)], walker)
    units = arena.units
    units[0, f.MODE, 2] = 0
    units[0, f.TARGET, 1] = 0
    arena.run(8)
    assert units[0, [f.X, f.Y], 1].tolist() == [CORNER + 4, CORNER + 3]  # beside the hunter, as the other is
    assert units[0, f.TARGET, 0] == f.NOBODY
    arena.tables.species[1, f.VIEW] = 10
    assert prey_of(arena) == 1


@pytest.mark.parametrize(("others", "chosen"), [([(3, 6), (2, 4), (4, 4)], 2), ([(3, 6), (4, 4), (2, 4)], 2)])
def test_who_changes_the_chase_takes_the_last_listed_within_reach(others: Cells, chosen: int) -> None:
    arena = begun(replace(hunter(), attack_range=1, mode=f.CAN_ATTACK | f.CHANGE_CHASE), (3, 3), others)
    arena.units[0, f.TARGET, 0] = 1
    arena.units[0, f.STATE, 0] = f.RUSH
    assert prey_of(arena) == chosen


def test_of_friends_in_need_the_first_listed_is_healed() -> None:
    row = MobSkill(
        state="any", skill="AL_HEAL", skill_id=28, level=5, rate=10_000, cast_ms=5000, delay_ms=10**8,
        cancelable=False, target="friend", condition="friendhpltmaxrate", condition_value=60, values=(0,) * 5,
        emotion=-1,
    )  # fmt: skip
    arena = begun(replace(plain(mode=f.CAN_ATTACK), skills=(row,)), (3, 3), [(4, 3), (2, 3), (1, 3)], side=0)
    arena.units[0, f.HP, 1:3] = HP // 2
    arena.units[0, f.SKILL_CHECKED, 0] = -f.SKILL_CHECK_MS
    arena.run(1)
    assert arena.units[0, f.CAST_ON, 0] == 2


@pytest.mark.parametrize(("dx", "dy", "enters"), [(1, 0, False), (5, 0, True), (-4, 0, True), (0, 5, True)])
def test_a_unit_enters_a_square_when_it_leaves_another(dx: int, dy: int, enters: bool) -> None:
    walker = replace(plain(mode=f.CAN_MOVE | f.CAN_ATTACK), walk_speed=100)
    arena = begun(walker, (3, 3), [(3 + 2 * dx, 3 + 2 * dy)])
    arena.units[0, f.TARGET, 0] = 1
    steps = max(abs(dx), abs(dy))
    arena.run(steps + 2)
    assert abs(arena.units[0, f.X, 0] - CORNER - 3) + abs(arena.units[0, f.Y, 0] - CORNER - 3) >= steps
    assert (arena.units[0, f.ENTERED, 0] > 0) == enters
