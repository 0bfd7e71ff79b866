"""What moves units by force: pushes, jumps and warps."""

import pytest

from mlmonster_env.sim import fields as f
from mlmonster_env.sim import skill_columns as k
from tests.sim.staged import BLESS, MIDDLE, POINTS, STRIKE, Stage, area, plain, stage

HOLY = 6  # element

SNATCH = STRIKE | {k.CARRIES: k.CARRIES_ONE, k.SKILL_LEVEL: 10}


def far(made: Stage, unit: int, x: int, y: int) -> bool:
    """Whether a unit is not where it stood, nor beside."""
    return max(abs(made.of(f.X, unit) - MIDDLE - x), abs(made.of(f.Y, unit) - MIDDLE - y)) > 2


def between(made: Stage, u: int, v: int) -> int:
    return max(abs(made.of(f.X, u) - made.of(f.X, v)), abs(made.of(f.Y, u) - made.of(f.Y, v)))


def test_an_expulsion_moves_its_target() -> None:
    made = stage({k.EFFECT: k.TELEPORT, k.AIM: k.AIM_HARM}, enemies=[(plain(), 1, 0)])
    made.cast(1)
    assert (made.of(f.X, 0), made.of(f.Y, 0)) == (MIDDLE, MIDDLE)
    assert (made.of(f.X, 1), made.of(f.Y, 1)) != (MIDDLE + 1, MIDDLE)


@pytest.mark.parametrize("way", [(0, 1), (1, -1)])
@pytest.mark.parametrize("mode", [0, f.KNOCKBACK_IMMUNE])
def test_backsliding_goes_back_the_way_one_came(way: tuple[int, int], mode: int) -> None:
    columns = {k.EFFECT: k.KNOCK_BACK, k.AIM: k.AIM_SUPPORT, k.KNOCKBACK: 5}
    made = stage(columns, caster=plain(mode=mode), enemies=[(plain(), 0, 2)])
    made.arena.units[:, f.TARGET, 0] = 1
    made.turn(0, *way)
    made.cast(0)
    assert (made.of(f.X, 0) - MIDDLE, made.of(f.Y, 0) - MIDDLE) == (-5 * way[0], -5 * way[1])
    assert (made.of(f.X, 1), made.of(f.Y, 1)) == (MIDDLE, MIDDLE + 2)


@pytest.mark.parametrize(
    ("at", "pushed"), [((0, 0), (2, 2)), ((-2, -2), (-2, 0)), ((3, 3), (2, 2)), ((-3, 0), (-2, 2))]
)
def test_a_storm_pushes_from_its_first_cell_that_reaches(at: tuple[int, int], pushed: tuple[int, int]) -> None:
    storm = area(AREA_RADIUS=3, AREA_REACH=1, KNOCKBACK=2, AREA_MS=400, AREA_INTERVAL=450)
    made = stage(storm, enemies=[(plain(), *at)])
    made.cast(0)
    assert (made.of(f.X, 1) - MIDDLE - at[0], made.of(f.Y, 1) - MIDDLE - at[1]) == pushed


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


def test_a_snatch_carries_both_away_a_moment_later() -> None:
    made = stage(SNATCH, enemies=[(plain(), 1, 0), (plain(), 2, 0)], friends=[(plain(), 0, 1)])
    made.cast(1)
    made.wait(500)
    assert not far(made, 0, 0, 0) and not far(made, 1, 1, 0)
    made.wait(500)
    assert far(made, 0, 0, 0)
    assert between(made, 0, 1) <= 1
    assert not far(made, 2, 2, 0) and not far(made, 3, 0, 1)


def test_a_snatch_breaks_casts_off() -> None:
    made = stage(SNATCH, enemies=[(plain(), 1, 0)])
    made.cast(1)
    made.arena.units[:, f.CAST_AT, 1] = made.arena.match[:, f.CLOCK] + 5000
    made.wait(1000)
    assert made.of(f.CAST_AT, 1) == f.NEVER


@pytest.mark.parametrize(("level", "share"), [(1, 0.55), (10, 1.0)])
def test_a_snatch_succeeds_the_oftener_the_higher_its_level(level: int, share: float) -> None:
    made = stage(SNATCH | {k.SKILL_LEVEL: level}, enemies=[(plain(), 1, 0)], runs=400)
    made.cast(1)
    made.wait(1000)
    assert (made.arena.units[:, f.X, 0] != MIDDLE).mean() == pytest.approx(share, abs=0.1)


def test_levels_count_for_a_snatch() -> None:
    made = stage(SNATCH, caster=plain(level=1), enemies=[(plain(level=101), 1, 0)], runs=100)
    made.cast(1)
    made.wait(1000)
    assert (made.arena.units[:, f.X, 0] == MIDDLE).all()


def test_the_status_immune_are_not_snatched_nor_who_takes_no_damage() -> None:
    for victim in (plain(mode=f.STATUS_IMMUNE), plain(element=HOLY)):
        made = stage(SNATCH | {k.ELEMENT: HOLY, k.FLAGS: 0}, enemies=[(victim, 1, 0)])
        made.cast(1)
        made.wait(1000)
        assert not far(made, 0, 0, 0)


@pytest.mark.parametrize("gone", ["dead", "far"])
def test_who_is_gone_is_left_behind(gone: str) -> None:
    hp = POINTS if gone == "dead" else 100 * POINTS
    made = stage(SNATCH, enemies=[(plain(hp=hp), 1, 0), (plain(), 2, 0)])
    made.cast(1)
    if gone == "far":
        made.arena.units[:, f.X, 1] = MIDDLE + 15
    made.wait(1000)
    assert far(made, 0, 0, 0)
    assert made.of(f.X, 1) == MIDDLE + (1 if gone == "dead" else 15)


def test_a_menace_carries_all_whom_it_strikes_to_one_place() -> None:
    others = [(plain(), 1, 0), (plain(), 2, 0), (plain(mode=f.STATUS_IMMUNE), 1, 1), (plain(), 9, 0)]
    made = stage(STRIKE | {k.CARRIES: k.CARRIES_ALL, k.SPLASH: 2}, enemies=others)
    made.cast(1)
    made.wait(1000)
    assert far(made, 0, 0, 0)
    assert max(between(made, 0, 1), between(made, 0, 2)) <= 2
    assert not far(made, 3, 1, 1) and not far(made, 4, 9, 0)


@pytest.mark.parametrize("boss", [False, True])
def test_who_draws_another_in_goes_to_its_place_unless_it_is_a_boss(boss: bool) -> None:
    made = stage({k.EFFECT: k.DRAW_IN, k.AIM: k.AIM_HARM, k.REACH: 14}, enemies=[(plain(), 5, 2)])
    made.arena.tables.species[made.of(f.SPECIES, 0), f.CLASS] = boss
    made.arena.units[:, f.ATTACKER, 1] = 0
    made.cast(1)
    assert (made.of(f.X, 1), made.of(f.Y, 1)) == (MIDDLE, MIDDLE)
    assert (made.of(f.X, 0), made.of(f.Y, 0)) == ((MIDDLE, MIDDLE) if boss else (MIDDLE + 5, MIDDLE + 2))
    assert made.of(f.ATTACKER, 1) == 0


def test_nobody_is_drawn_through_a_wall() -> None:
    made = stage({k.EFFECT: k.DRAW_IN, k.AIM: k.AIM_SUPPORT, k.REACH: 14}, enemies=[(plain(), 5, 0)])
    made.wall(2, 0)
    made.cast(1)
    assert (made.of(f.X, 0), made.of(f.X, 1)) == (MIDDLE, MIDDLE + 5)


@pytest.mark.parametrize(
    ("target", "mode", "drawn"),
    [((5, 0), 0, (1, 0)), ((4, 4), 0, (1, 1)), ((5, 0), f.KNOCKBACK_IMMUNE, (5, 0)), ((0, 0), 0, (0, 0))],
)
def test_a_strike_may_draw_its_target_near(target: tuple[int, int], mode: int, drawn: tuple[int, int]) -> None:
    made = stage(STRIKE | {k.PASSAGE: k.DRAWS}, enemies=[(plain(mode=mode), *target)])
    made.cast(1)
    assert made.taken(1)[0] == POINTS
    assert (made.of(f.X, 1) - MIDDLE, made.of(f.Y, 1) - MIDDLE) == drawn


@pytest.mark.parametrize(("wall", "blows", "x"), [((9, 9), 1, 4), ((4, 0), 0, 0)])
def test_a_strike_may_need_the_cell_behind_its_target(wall: tuple[int, int], blows: int, x: int) -> None:
    made = stage(STRIKE | {k.PASSAGE: k.BEHIND}, enemies=[(plain(), 3, 0)])
    made.wall(*wall)
    made.cast(1)
    assert made.taken(1)[0] == blows * POINTS
    assert made.of(f.X, 0) - MIDDLE == x


def test_who_is_expelled_breaks_its_cast_off() -> None:
    made = stage(BLESS | {k.EFFECT: k.TELEPORT})
    made.arena.units[:, f.CAST_AT, 1] = 10**6
    made.cast(1)
    assert made.of(f.CAST_AT, 1) == f.NEVER
