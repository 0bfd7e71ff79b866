"""Strikes that come one after the other: balls, blades, blows in turn, rows of cells that run."""

from dataclasses import replace

import pytest

from mlmonster_env.data import MobSkill
from mlmonster_env.sim import fields as f
from mlmonster_env.sim import skill_columns as k
from tests.sim.staged import (
    MADE_UP,
    MIDDLE,
    POINTS,
    STRIKE,
    Stage,
    on_self,
    on_target,
    plain,
    stage,
)

UNDEAD, DEMON = 1, 6


BALLS = STRIKE | {
    k.HURLED: k.HURLED_FROM_CELLS, k.AMOUNT: 1, k.WAVES: 67, k.FIRST_MS: 150, k.WAVE_MS: 150,
}  # fmt: skip


def balls_after(made: Stage, start: int) -> tuple[int, int]:
    """How many balls have struck the one enemy, and how many 150 ms have passed since the cast."""
    return int(made.taken(1)[0]) // POINTS, (int(made.arena.match[0, f.CLOCK]) - start) // 150


def test_balls_fly_each_150_ms_one_for_each_cell() -> None:
    for radius, most in ((0, 1), (1, 9), (2, 25), (4, 67)):
        made = stage(BALLS | {k.AMOUNT: radius})
        start = int(made.arena.match[0, f.CLOCK])
        made.cast(1)
        for _ in range(most * 3 // 2 + 5):
            struck, due = balls_after(made, start)
            assert struck == min(due, most)
            made.wait(100)
        assert balls_after(made, start)[0] == most


def test_no_ball_comes_from_a_cell_behind_or_in_a_wall() -> None:
    for radius, balls in ((1, 8), (2, 22)):  # two of the outer cells lie behind the wall, as its line is rounded
        made = stage(BALLS | {k.AMOUNT: radius}, enemies=[(plain(), 0, 3)])
        made.wall(1, 0)
        made.cast(1)
        made.wait(5000)
        assert made.taken(1)[0] == balls * POINTS


def test_balls_are_lost_while_a_wall_stands_between() -> None:
    made = stage(BALLS)
    made.cast(1)
    made.wait(400)
    before = made.taken(1)[0]
    made.wall(2, 0)
    made.wait(400)
    assert made.taken(1)[0] == before
    made.arena.scenario.cells[0, MIDDLE, MIDDLE + 2] = f.OPEN_CELL
    made.wait(2000)
    assert before < made.taken(1)[0] < 9 * POINTS


def test_balls_end_with_the_target_or_the_caster_and_not_with_its_senses() -> None:
    made = stage(BALLS, enemies=[(plain(hp=2 * POINTS), 3, 0), (plain(), 4, 0)])
    made.cast(1)
    made.wait(2000)
    assert made.of(f.ALIVE, 1) == 0
    assert made.taken(2)[0] == 0
    assert (made.arena.match[0, f.EVENTS : f.EVENTS + f.EVENT_LIMIT] == f.NEVER).all()
    made = stage(BALLS, on_self("SC_STUN", ms=60_000))
    made.cast(1)
    made.wait(2000)
    assert made.under(0, "SC_STUN")[0]
    assert made.taken(1)[0] == 9 * POINTS
    made = stage(BALLS | {k.FORMULA_ARGUMENT: 1}, caster=plain(hp=1), friends=[(plain(), 0, 1)])
    made.cast(1)
    made.wait(400)
    before = made.taken(1)[0]
    made.arena.units[0, f.HP, 0] = 0
    made.arena.units[0, f.ALIVE, 0] = 0
    made.wait(2000)
    assert made.taken(1)[0] == before


def test_balls_hold_their_caster_in_place() -> None:
    for mode, held in ((0, True), (f.STATUS_IMMUNE, False)):
        made = stage(BALLS, caster=plain(mode=mode))
        made.cast(1)
        made.wait(500)
        assert (made.of(f.HOLD_UNTIL, 0) > int(made.arena.match[0, f.CLOCK])) is held
        made.wait(1500)
        assert made.of(f.HOLD_UNTIL, 0) <= int(made.arena.match[0, f.CLOCK])


def test_all_blows_of_a_cast_fall_in_turn_however_their_caster_fares() -> None:
    blow = STRIKE | {k.HURLED: k.HURLED_PAST_WALLS}
    rows = [
        MobSkill(
            state="dead", skill="NPC_EMOTION", skill_id=1, level=level, rate=1, cast_ms=0, delay_ms=0, cancelable=False,
            target="self", condition="onspawn", condition_value=0, values=(0, 0, 0, 0, 0), emotion=-1,
        )
        for level in (2, 3)
    ]  # fmt: skip
    made = stage(STRIKE, friends=[(replace(plain(), skills=tuple(rows)), 0, 1)])
    made.rewrite({k.EFFECT: k.ALL_LOTS, k.AIM: k.AIM_HARM, k.REACH: 14, k.LOTS: 2})
    made.rewrite(blow, at=MADE_UP + 1)
    made.rewrite(blow | {k.FIRST_MS: 600}, on_target("SC_BLIND"), at=MADE_UP + 2)
    made.cast(1)
    assert made.taken(1)[0] == POINTS
    made.wall(1, 0)
    made.wait(400)
    assert made.taken(1)[0] == POINTS
    assert not made.under(1, "SC_BLIND")[0]
    made.wait(300)
    assert made.taken(1)[0] == 2 * POINTS
    assert made.under(1, "SC_BLIND")[0]


ROWS = STRIKE | {
    k.AIM: k.AIM_GROUND, k.CENTRE: k.AT_GROUND, k.SPLASH: 7, k.RUNS: 2, k.WAVES: 5, k.FIRST_MS: 140, k.WAVE_MS: 140,
    k.AMOUNT: 2000,
}  # fmt: skip


def test_rows_that_run_strike_once_whom_they_come_near() -> None:
    near = [(7, 0), (-1, 0), (3, 9), (0, -9), (2, 0), (7, -9)]
    far = [(8, 0), (-2, 0), (3, 10), (3, -10)]
    made = stage(ROWS, enemies=[(plain(), *cell) for cell in near + far], friends=[(plain(), 3, 0)])
    made.cast(0, (MIDDLE + 3, MIDDLE))
    made.wait(3000)
    taken = [int(made.taken(unit)[0]) for unit in range(1, len(near + far) + 2)]
    assert taken == [POINTS] * len(near) + [0] * (len(far) + 1)


@pytest.mark.parametrize(
    ("cell", "way"), [((3, 3), (0, 1)), ((-3, -3), (0, -1)), ((-4, 1), (-1, 0)), ((4, 1), (1, 0)), ((0, 0), (1, 0))]
)
def test_rows_run_to_one_of_four_sides(cell: tuple[int, int], way: tuple[int, int]) -> None:
    ways = [(0, 1), (0, -1), (1, 0), (-1, 0)]
    made = stage(ROWS, enemies=[(plain(), 7 * x, 7 * y) for x, y in ways] + [(plain(), -2 * way[0], -2 * way[1])])
    made.arena.units[:, f.X, 1:3] += 10 * (way[0] != 0)  # those aside would be near a row
    made.arena.units[:, f.Y, 3:5] += 10 * (way[1] != 0)
    made.cast(0, (MIDDLE + cell[0], MIDDLE + cell[1]))
    made.wait(1500)
    assert [bool(made.taken(unit)[0]) for unit in range(1, 6)] == [*(other == way for other in ways), False]


def test_rows_run_one_cell_each_140_ms_and_not_past_walls() -> None:
    made = stage(ROWS, enemies=[(plain(), 3, 0), (plain(), 7, 0)])
    made.cast(0, (MIDDLE + 3, MIDDLE))
    made.wait(400)
    assert [int(made.taken(unit)[0]) for unit in (1, 2)] == [POINTS, 0]
    made.wait(400)
    assert [int(made.taken(unit)[0]) for unit in (1, 2)] == [POINTS, POINTS]
    made = stage(ROWS, enemies=[(plain(), 5, 0)])
    made.wall(2, 0)
    made.cast(0, (MIDDLE + 3, MIDDLE))
    made.wait(1500)
    assert made.taken(1)[0] == 0


def test_blades_leap_from_one_enemy_to_any_around_it() -> None:
    blades = STRIKE | {k.HURLED: k.HURLED_LEAPING, k.WAVES: 5, k.WAVE_MS: 650}
    caster = replace(plain(), attack_motion=300)
    made = stage(blades, caster=caster, enemies=[(plain(), 3, 0), (plain(), 8, 0), (plain(), 14, 0)], runs=100)
    made.cast(1)
    made.wait(100)
    assert not made.taken(1).any()
    made.wait(200)
    assert (made.taken(1) == POINTS).all()
    made.wait(4000)
    taken = [made.taken(unit) for unit in (1, 2, 3)]
    assert (taken[0] + taken[1] + taken[2] == 5 * POINTS).all()
    assert taken[1].any()
    assert not taken[2].any()  # six cells from the nearest
    made = stage(blades, on_self("SC_STUN", ms=60_000), caster=caster)
    made.cast(1)
    made.wait(4000)
    assert made.taken(1)[0] == 5 * POINTS
