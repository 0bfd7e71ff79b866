"""What moves units by force: pushes, jumps and warps."""

import pytest

from mlmonster_env.sim import fields as f
from mlmonster_env.sim import skill_columns as k
from tests.sim.staged import MIDDLE, STRIKE, area, plain, stage

HOLY = 6  # element


def test_an_expulsion_moves_its_target() -> None:
    made = stage({k.EFFECT: k.TELEPORT, k.AIM: k.AIM_HARM}, enemies=[(plain(), 1, 0)])
    made.cast(1)
    assert (made.of(f.X, 0), made.of(f.Y, 0)) == (MIDDLE, MIDDLE)
    assert (made.of(f.X, 1), made.of(f.Y, 1)) != (MIDDLE + 1, MIDDLE)


def test_backsliding_goes_away_from_the_target() -> None:
    made = stage({k.EFFECT: k.KNOCK_BACK, k.AIM: k.AIM_SUPPORT, k.KNOCKBACK: 5}, enemies=[(plain(), 0, 2)])
    made.arena.units[:, f.TARGET, 0] = 1
    made.cast(0)
    assert (made.of(f.X, 0), made.of(f.Y, 0)) == (MIDDLE, MIDDLE - 5)
    assert (made.of(f.X, 1), made.of(f.Y, 1)) == (MIDDLE, MIDDLE + 2)


@pytest.mark.parametrize(
    ("at", "pushed"), [((0, 0), (2, 2)), ((-2, -2), (-2, 0)), ((3, 3), (2, 2)), ((-3, 0), (-2, 2))]
)
def test_a_storm_pushes_from_its_first_cell_that_reaches(at: tuple[int, int], pushed: tuple[int, int]) -> None:
    storm = area(AREA_RADIUS=3, AREA_REACH=1, KNOCKBACK=2, AREA_MS=400, AREA_INTERVAL=450)
    made = stage(storm, enemies=[(plain(), *at)])
    made.cast(0)
    assert (made.of(f.X, 1) - MIDDLE - at[0], made.of(f.Y, 1) - MIDDLE - at[1]) == pushed


@pytest.mark.parametrize("element", [0, 3, 9])
def test_a_wall_of_fire_does_not_hold_fire_and_the_undead(element: int) -> None:
    wall = area(AREA_PULSE=k.PULSE_FIRE_WALL, AREA_RADIUS=1, AREA_LIMIT_HITS=5)
    made = stage(wall, enemies=[(plain(element=element), 1, 0)])
    made.cast(0)
    assert made.of(f.X, 1) - MIDDLE == (3 if element == 0 else 1)


@pytest.mark.parametrize("wall", [False, True])
def test_an_area_does_not_reach_behind_a_wall(wall: bool) -> None:
    made = stage(area(AREA_RADIUS=3), enemies=[(plain(), 2, 0), (plain(), -2, 0)])
    if wall:
        made.arena.scenario.cells[0, :, MIDDLE + 1] = 0
        made.arena._rules[f.OPEN_MAP] = 0
    made.cast(0)
    assert (made.taken(1)[0] > 0) != wall
    assert made.taken(2)[0] > 0


def test_a_blow_pushes_its_target_but_not_the_unshakable() -> None:
    for mode, moved in ((0, 4), (f.KNOCKBACK_IMMUNE, 0)):
        made = stage(STRIKE | {k.KNOCKBACK: 4}, enemies=[(plain(mode=mode), 2, 0)])
        made.cast(1)
        assert made.of(f.X, 1) == MIDDLE + 2 + moved


@pytest.mark.parametrize(
    ("at", "to"), [((7, 2), (11, 2)), ((6, 2), (10, 6)), ((-6, 2), (-10, 2)), ((1, 3), (1, 7)), ((-1, 3), (-5, 7))]
)
def test_blows_push_in_the_nearest_of_eight_directions(at: tuple[int, int], to: tuple[int, int]) -> None:
    made = stage(STRIKE | {k.KNOCKBACK: 4}, enemies=[(plain(), *at)])
    made.cast(1)
    assert (made.of(f.X, 1), made.of(f.Y, 1)) == (MIDDLE + to[0], MIDDLE + to[1])


def test_a_blow_without_damage_does_not_push() -> None:
    made = stage(STRIKE | {k.KNOCKBACK: 4, k.ELEMENT: HOLY, k.FLAGS: 0}, enemies=[(plain(element=HOLY), 2, 0)])
    made.cast(1)
    assert (made.taken(1)[0], made.of(f.X, 1)) == (0, MIDDLE + 2)


@pytest.mark.parametrize(("target", "to"), [((-4, 1), (7, 0)), ((-2, -1), (7, 7)), ((0, 0), (7, 0))])
def test_who_runs_off_runs_straight(target: tuple[int, int], to: tuple[int, int]) -> None:
    made = stage(
        {k.EFFECT: k.RUN_AWAY, k.AIM: k.AIM_SUPPORT, k.SKILL_LEVEL: 1},
        caster=plain(mode=f.CAN_MOVE),
        enemies=[(plain(), *target)],
    )
    made.arena.units[:, f.TARGET, 0] = 1
    made.cast(0)
    assert (made.of(f.GOAL_X, 0), made.of(f.GOAL_Y, 0)) == (MIDDLE + to[0], MIDDLE + to[1])


def test_a_leap_crosses_nothing_that_nobody_can_stand_on() -> None:
    made = stage({k.EFFECT: k.WARP_TO, k.AIM: k.AIM_GROUND, k.REACH: 14}, enemies=[(plain(), 6, 0)])
    made.wall(2, 0)
    made.arena.scenario.cells[0, MIDDLE, MIDDLE + 2] = f.SHOOTABLE_CELL
    made.cast(1, (MIDDLE + 5, MIDDLE))
    assert made.of(f.X, 0) == MIDDLE


def test_a_leap_ends_on_the_chosen_cell() -> None:
    made = stage({k.EFFECT: k.WARP_TO, k.AIM: k.AIM_GROUND, k.REACH: 14}, enemies=[(plain(), 6, 0)])
    made.cast(1, (MIDDLE + 5, MIDDLE + 1))
    assert (made.of(f.X, 0), made.of(f.Y, 0)) == (MIDDLE + 5, MIDDLE + 1)
