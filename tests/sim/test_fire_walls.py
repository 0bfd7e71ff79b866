"""Walls of fire: their cells, whom those burn and how often, which way they push."""

import pytest

from mlmonster_env.sim import fields as f
from mlmonster_env.sim import skill_columns as k
from tests.sim.eyes import WALLS
from tests.sim.staged import MIDDLE, POINTS, STRIKE, Stage, area, on_target, plain, stage

UNDEAD = 9
FIRE = 3
WALL = area(
    AREA_PULSE=k.PULSE_FIRE_WALL, AREA_SHAPE=k.WALL, AREA_RADIUS=1, AREA_INTERVAL=20, AREA_CELL_HITS=5, AREA_MS=5000
)
STORM = area(AREA_RADIUS=2, AREA_MS=5000)
AROUND = [(dx, dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1)]


def cell(dx: int, dy: int) -> tuple[int, int]:
    return MIDDLE + dx, MIDDLE + dy


def burnt(made: Stage, units: range) -> list[int]:
    return [int(made.taken(unit)[0]) // POINTS for unit in units]


@pytest.mark.parametrize(
    ("dx", "dy", "way"),
    [
        (0, 5, 0), (1, -5, 0), (5, 0, 2), (-5, 1, 2), (0, 0, 2), (4, 4, 3), (-4, -3, 3), (-4, 4, 1), (4, -3, 1),
        (3, 1, 2), (1, 3, 3),
    ],
)  # fmt: skip
def test_a_wall_lies_across_the_way_from_its_caster(dx: int, dy: int, way: int) -> None:
    enemies = [(plain(element=FIRE), dx + x, dy + y) for x, y in AROUND]
    made = stage(WALL, enemies=enemies)
    made.cast(0, cell(dx, dy))
    assert {place for place, hits in zip(AROUND, burnt(made, range(1, 10)), strict=True) if hits} == set(WALLS[way])


@pytest.mark.parametrize("element", [0, FIRE, UNDEAD])
@pytest.mark.parametrize("mode", [0, f.KNOCKBACK_IMMUNE])
def test_who_stays_in_a_fire_burns_five_times_at_once(element: int, mode: int) -> None:
    made = stage(WALL | {k.AREA_CELL_HITS: 7}, enemies=[(plain(element=element, mode=mode), 0, 0)])
    made.cast(0)
    stays = element != 0 or mode != 0
    assert burnt(made, range(1, 2)) == [5 if stays else 1]
    made.wait(300)
    assert burnt(made, range(1, 2)) == [7 if stays else 1]


@pytest.mark.parametrize("way", [(0, 1), (1, 0), (-1, 1)])
def test_a_fire_pushes_back_the_way_its_victim_came(way: tuple[int, int]) -> None:
    made = stage(WALL, enemies=[(plain(), 3, 0)])
    made.turn(1, *way)
    made.cast(0, cell(3, 0))
    assert (made.of(f.X, 1) - MIDDLE, made.of(f.Y, 1) - MIDDLE) == (3 - 2 * way[0], -2 * way[1])


def test_who_never_walked_faces_north() -> None:
    made = stage(WALL, enemies=[(plain(), 3, 0)])
    made.cast(0, cell(3, 0))
    assert (made.of(f.X, 1) - MIDDLE, made.of(f.Y, 1) - MIDDLE) == (3, -2)


def test_a_walk_turns_a_unit() -> None:
    made = stage(WALL, enemies=[(plain(mode=f.CAN_MOVE | f.NO_RANDOM_WALK), 3, 0)])
    units = made.arena.units
    units[:, f.PATH, 1] = 5 | 2 << 4  # to the east, then to the south east
    units[:, [f.PATH_LENGTH, f.PATH_DONE, f.STEP_MS], 1] = 2, 0, 10
    units[:, f.STEP_AT, 1] = made.arena.match[:, f.CLOCK] + 10
    made.wait(2000)
    assert (made.of(f.X, 1) - MIDDLE, made.of(f.Y, 1) - MIDDLE) == (5, -1)
    made.cast(0, cell(5, -1))
    assert (made.of(f.X, 1) - MIDDLE, made.of(f.Y, 1) - MIDDLE) == (3, 1)


def test_a_leap_turns_a_unit_and_a_push_does_not() -> None:
    made = stage({k.EFFECT: k.WARP_TO, k.AIM: k.AIM_GROUND})
    for _ in range(2):
        made.cast(0, cell(-4, 3))
        assert (made.of(f.X, 0) - MIDDLE, made.of(f.Y, 0) - MIDDLE, made.faces(0)) == (-4, 3, (-1, 1))
    made = stage({k.EFFECT: k.DRAW_IN, k.AIM: k.AIM_HARM}, enemies=[(plain(), 4, 3)])
    made.cast(1)
    assert (made.of(f.X, 1) - MIDDLE, made.of(f.Y, 1) - MIDDLE, made.faces(1)) == (0, 0, (-1, -1))
    made = stage(STRIKE | {k.KNOCKBACK: 4}, enemies=[(plain(), 3, 0)])
    made.cast(1)
    assert (made.of(f.X, 1) - MIDDLE, made.faces(1)) == (7, (0, 1))


def test_a_snare_that_draws_a_unit_in_turns_it() -> None:
    snare = area(AREA_PULSE=k.PULSE_TRAP, AREA_RADIUS=1, DAMAGE=k.NO_DAMAGE)
    made = stage(snare, on_target("SC_ANKLE"), enemies=[(plain(), 1, 0)])
    made.cast(0)
    assert (made.of(f.X, 1) - MIDDLE, made.faces(1)) == (0, (-1, 0))


def test_a_scene_shows_the_cells_of_a_wall_that_burn_in_sight_of_its_caster() -> None:
    made = stage(WALL, enemies=[(plain(), 9, 9)])
    made.wall(1, 0)
    made.wall(3, 1)
    made.cast(0, cell(3, 0))
    (area,) = made.arena.scene(0).areas
    assert area.cells == (cell(3, -1),)
    assert area.squares == ((*cell(3, -1), 0),)


def test_a_scene_shows_whole_ground_as_a_square() -> None:
    made = stage(STORM, enemies=[(plain(), 9, 9)])
    made.cast(0, cell(3, 0))
    (area,) = made.arena.scene(0).areas
    assert area.cells is None
    assert area.squares == ((*cell(3, 0), 2),)


def test_each_cell_of_a_wall_has_hits_of_its_own() -> None:
    made = stage(WALL | {k.AREA_CELL_HITS: 2}, enemies=[(plain(element=UNDEAD), 3, y) for y in (-1, -1, 0, 2)])
    made.cast(0, cell(3, 0))
    made.wait(1000)
    assert burnt(made, range(1, 5)) == [2, 0, 2, 0]
    assert made.arena.match[0, f.AREA_AT] != f.NEVER
    made.arena.units[:, f.Y, 4] = MIDDLE + 1
    made.wait(200)
    assert burnt(made, range(4, 5)) == [2]
    assert made.arena.match[0, f.AREA_AT] == f.NEVER


def test_nobody_burns_on_two_cells_of_a_wall_at_once() -> None:
    made = stage(WALL, enemies=[(plain(), 3, -1)])
    made.turn(1, 0, -1)
    made.cast(0, cell(3, 0))
    assert burnt(made, range(1, 2)) == [1]
    assert made.of(f.Y, 1) - MIDDLE == 1
    made.wait(100)
    assert burnt(made, range(1, 2)) == [2]


def test_two_walls_on_a_cell_both_burn() -> None:
    made = stage(WALL, enemies=[(plain(element=UNDEAD), 3, 0)])
    made.cast(0, cell(3, 0))
    made.cast(0, cell(3, 0))
    made.wait(300)
    assert burnt(made, range(1, 2)) == [10]


def test_a_dead_victim_uses_up_no_more_hits_and_is_not_pushed() -> None:
    made = stage(WALL, enemies=[(plain(element=UNDEAD), 3, 0), (plain(element=UNDEAD), 3, 0), (plain(), 9, 9)])
    made.arena.units[:, f.HP, 1] = 2 * POINTS
    made.cast(0, cell(3, 0))
    made.wait(200)
    assert made.of(f.ALIVE, 1) == 0
    assert burnt(made, range(2, 3)) == [3]


def test_no_cell_of_a_wall_lies_in_a_wall_or_out_of_its_casters_sight() -> None:
    made = stage(WALL, enemies=[(plain(element=UNDEAD), 3, y) for y in (-1, 0, 1)])
    made.wall(1, 0)
    made.wall(3, 1)
    made.cast(0, cell(3, 0))
    assert burnt(made, range(1, 4)) == [5, 0, 0]


def test_a_wall_of_which_no_cell_may_lie_takes_no_place() -> None:
    made = stage(WALL, enemies=[(plain(), 3, 0)])
    for y in (-1, 0, 1):
        made.wall(3, y)
    made.cast(0, cell(3, 0))
    assert made.arena.match[0, f.AREA_AT] == f.NEVER
