"""Distance, line of sight and paths, against plain Python."""

import heapq
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mlmonster_env.sim import Arena
from mlmonster_env.sim import fields as f
from mlmonster_env.sim.compiled import entry
from mlmonster_env.sim.geometry import in_sight, path_length, plan_path, planned_path_ok, reaches, step_code
from mlmonster_env.sim.world import world_at
from tests.sim.grounds import GAP, GROUND, WALL, Cells, bundled, bundled_maps, drawn, named, open_ground

Cell = tuple[int, int]

STRAIGHT, DIAGONAL = 10, 14
SIDES = [(1, 0), (-1, 0), (0, 1), (0, -1)]
SLANTS = [(1, 1), (1, -1), (-1, 1), (-1, -1)]


class Walk(NamedTuple):
    """A planned path: the cells after the first, and whether the rule for long walks lets it be walked."""

    length: int
    cells: list[Cell]
    allowed: bool

    def cost(self, start: Cell) -> int:
        legs = zip([start, *self.cells], self.cells, strict=False)
        return sum(DIAGONAL if a[0] != b[0] and a[1] != b[1] else STRAIGHT for a, b in legs)


@entry
def plan(words, x0, y0, x1, y1, steps):
    """Path of unit 0 from a cell to another: its length as planned and as only measured, its steps, whether allowed."""
    w = world_at(words[0].ctypes.data)
    w.units[f.X, 0] = x0
    w.units[f.Y, 0] = y0
    length = plan_path(w, 0, x1, y1)
    for i in range(length):
        steps[i] = step_code(w, 0, i)
    return length, path_length(w, x0, y0, x1, y1), planned_path_ok(w, length, x0, y0, x1, y1)


@entry
def shot(words, x0, y0, x1, y1):
    """Whether a shot passes from a cell to another."""
    return in_sight(world_at(words[0].ctypes.data), x0, y0, x1, y1)


@entry
def within(words, x0, y0, x1, y1, cells):
    """Whether unit 0, put on the first cell, reaches the second."""
    w = world_at(words[0].ctypes.data)
    w.units[f.X, 0] = x0
    w.units[f.Y, 0] = y0
    return reaches(w, 0, x1, y1, cells)


def on(cells: Cells) -> Arena:
    """An arena of one match on these cells; where its units stand is each test's own affair."""
    return Arena(1, replace(named("skirmish-1v1"), cells=np.ascontiguousarray(cells[None])), bundled())


def look(cells: Cells, start: Cell, goal: Cell) -> bool:
    arena = on(cells)
    return bool(shot(arena.words, *start, *goal))


def reach(cells: Cells, start: Cell, goal: Cell, distance: int) -> bool:
    arena = on(cells)
    return bool(within(arena.words, *start, *goal, distance))


def walk(arena: Arena, start: Cell, goal: Cell) -> Walk | None:
    steps = np.zeros(f.MAX_PATH, np.int64)
    length, measured, allowed = plan(arena.words, *start, *goal, steps)
    assert length == measured
    if length < 0:
        assert not allowed
        return None
    x, y = start
    cells = []
    for code in steps[:length].tolist():
        x, y = x + code % 3 - 1, y + code // 3 - 1
        cells.append((x, y))
    return Walk(length, cells, bool(allowed))


def passable(cells: Cells, x: int, y: int, bit: int = 1) -> bool:
    return 0 <= y < cells.shape[0] and 0 <= x < cells.shape[1] and bool(cells[y, x] & bit)


def ways_on(cells: Cells, x: int, y: int) -> list[tuple[int, Cell]]:
    """Steps that feet can take from a cell, with their costs; corners are not cut."""
    found = [(STRAIGHT, (x + dx, y + dy)) for dx, dy in SIDES if passable(cells, x + dx, y + dy)]
    for dx, dy in SLANTS:
        if all(passable(cells, *cell) for cell in ((x + dx, y + dy), (x + dx, y), (x, y + dy))):
            found.append((DIAGONAL, (x + dx, y + dy)))
    return found


def cheapest(cells: Cells, start: Cell) -> dict[Cell, tuple[int, int, int]]:
    """To every cell that can be walked to: the least cost, and the fewest and most steps at that cost."""
    costs: dict[Cell, int] = {}
    queue = [(0, start)]
    while queue:
        cost, cell = heapq.heappop(queue)
        if cell not in costs:
            costs[cell] = cost
            for price, onward in ways_on(cells, *cell):
                heapq.heappush(queue, (cost + price, onward))
    steps = {start: (0, 0)}
    for cell in list(costs)[1:]:
        before = [steps[c] for price, c in ways_on(cells, *cell) if c in costs and costs[c] + price == costs[cell]]
        steps[cell] = 1 + min(low for low, _ in before), 1 + max(high for _, high in before)
    return {cell: (cost, *steps[cell]) for cell, cost in costs.items()}


def line(start: Cell, goal: Cell) -> list[Cell]:
    """The cells between two that the server's line of fire touches: from left to right, rounded down."""
    if goal[0] < start[0]:
        start, goal = goal, start
    dx, dy = goal[0] - start[0], goal[1] - start[1]
    steps = max(dx, abs(dy))
    return [(start[0] + i * dx // steps, start[1] + i * dy // steps) for i in range(1, steps)]


def sight(cells: Cells, start: Cell, goal: Cell) -> bool:
    return all(passable(cells, x, y, bit=2) for x, y in line(start, goal))


def small_maps(kinds: tuple[int, ...] = (GROUND, WALL), side: int = 11) -> st.SearchStrategy[Cells]:
    """Maps of up to `side` cells a side, about half of them ground."""
    cell = st.sampled_from((GROUND, GROUND, *kinds))
    return st.tuples(st.integers(1, side), st.integers(1, side)).flatmap(
        lambda shape: arrays(np.uint8, shape, elements=cell)
    )


def two_cells(cells: Cells, data: st.DataObject) -> tuple[Cell, Cell]:
    place = st.tuples(st.integers(0, cells.shape[1] - 1), st.integers(0, cells.shape[0] - 1))
    return data.draw(place), data.draw(place)


@given(st.integers(0, 39), st.integers(0, 39), st.integers(0, 39), st.integers(0, 39))
def test_open_ground_is_walked_diagonally_first(x0, y0, x1, y1):
    dx, dy = abs(x1 - x0), abs(y1 - y0)
    found = walk(on(open_ground(40)), (x0, y0), (x1, y1))
    if max(dx, dy) > f.MAX_PATH:
        assert found is None
        return
    assert found is not None and found.allowed
    assert found.length == max(dx, dy)
    assert found.cost((x0, y0)) == DIAGONAL * min(dx, dy) + STRAIGHT * abs(dx - dy)
    slanted = [a[0] != b[0] and a[1] != b[1] for a, b in zip([(x0, y0), *found.cells], found.cells, strict=False)]
    assert slanted == sorted(slanted, reverse=True)
    assert ([(x0, y0), *found.cells])[-1] == (x1, y1)


@settings(max_examples=200)
@given(small_maps((WALL, WALL, GAP)), st.data())
def test_paths_around_walls_are_the_cheapest(cells, data):
    start, goal = two_cells(cells, data)
    assume(passable(cells, *start))
    found = walk(on(cells), start, goal)
    best = cheapest(cells, start).get(goal)
    if best is None or best[1] > f.MAX_PATH:
        assert found is None
        return
    if found is None:
        assert best[2] > f.MAX_PATH
        return
    assert found.cost(start) == best[0]
    previous = start
    for cell in found.cells:
        assert cell in [onward for _, onward in ways_on(cells, *previous)], "a step through a wall or its corner"
        previous = cell
    assert previous == goal


@given(small_maps(), st.data())
def test_both_ways_cost_the_same(cells, data):
    start, goal = two_cells(cells, data)
    assume(passable(cells, *start) and passable(cells, *goal))
    there, back = walk(on(cells), start, goal), walk(on(cells), goal, start)
    assume(there is not None and back is not None)
    assert there is not None and back is not None
    assert there.cost(start) == back.cost(goal)


def test_bundled_maps_against_plain_search():
    random = np.random.default_rng(3)
    walked = 0
    for cells in bundled_maps():
        arena = on(cells)
        free = np.argwhere(cells & 1)[:, ::-1]
        for start in free[random.integers(len(free), size=4)].tolist():
            costs = cheapest(near(cells, start), (start[0], start[1]))
            goals = free[np.abs(free - start).max(1) <= 17]
            for x, y in goals[random.integers(len(goals), size=12)].tolist():
                found = walk(arena, (start[0], start[1]), (x, y))
                if found is not None:
                    walked += 1
                    assert found.cost((start[0], start[1])) == costs[x, y][0]
                elif (x, y) in costs:
                    assert costs[x, y][2] > f.MAX_PATH
    assert walked > 200


def near(cells: Cells, start: list[int]) -> Cells:
    """The same map with walls wherever no path of MAX_PATH steps leads, to keep the plain search short."""
    rows, columns = np.indices(cells.shape)
    close = np.maximum(abs(rows - start[1]), abs(columns - start[0])) <= f.MAX_PATH
    return np.where(close, cells, WALL).astype(np.uint8)


def test_a_corner_is_not_cut():
    arena = on(drawn("..#", "...", "..."))
    found = walk(arena, (1, 0), (2, 1))
    assert found is not None and found.cells == [(1, 1), (2, 1)]
    closed = on(drawn(".#", "#."))
    assert walk(closed, (0, 0), (1, 1)) is None


def test_a_wall_is_walked_around():
    arena = on(drawn(".....", ".###.", ".....", "....."))
    found = walk(arena, (2, 0), (2, 2))
    assert found is not None and found.cost((2, 0)) == 6 * STRAIGHT


@pytest.mark.parametrize("goal", [(-1, 0), (0, -1), (5, 0), (0, 3), (2, 1), (3, 1)])
def test_no_path_off_the_map_or_into_a_wall_or_gap(goal):
    assert walk(on(drawn(".....", "..#~.", ".....")), (0, 0), goal) is None


def test_a_path_to_where_one_stands_is_empty():
    assert walk(on(drawn("...", ".#.", "...")), (0, 1), (0, 1)) == Walk(0, [], True)


def test_who_stands_in_a_wall_can_leave_it():
    found = walk(on(drawn("...", ".#.", "...")), (1, 1), (2, 1))
    assert found is not None and found.cells == [(2, 1)]


def bent(steps: int) -> tuple[Cells, Cell]:
    """A passage one cell wide that turns half way, and the cell so many steps from its entrance (1, 1)."""
    across, down = steps // 2, steps - steps // 2
    cells = np.full((down + 3, across + 3), WALL, np.uint8)
    cells[1, 1 : across + 2] = GROUND
    cells[1 : down + 2, across + 1] = GROUND
    return cells, (across + 1, down + 1)


@pytest.mark.parametrize("steps", [14, 31, 32, 33, 40])
def test_paths_have_a_limit(steps):
    cells, goal = bent(steps)
    found = walk(on(cells), (1, 1), goal)
    if steps > f.MAX_PATH:
        assert found is None
    else:
        assert found is not None and found.length == steps


@pytest.mark.parametrize(("steps", "allowed"), [(13, True), (14, True), (15, False), (20, False)])
def test_a_long_walk_needs_a_free_line(steps, allowed):
    cells, goal = bent(steps)
    found = walk(on(cells), (1, 1), goal)
    assert found is not None
    assert found.allowed == allowed


def test_a_long_walk_on_open_ground_is_allowed():
    found = walk(on(open_ground(40)), (0, 0), (30, 3))
    assert found is not None and found.allowed


def test_a_gap_between_forbids_a_long_walk():
    cells = open_ground(30)
    cells[5:, 10] = GAP
    found = walk(on(cells), (2, 8), (18, 8))
    assert found is not None and found.length > 14
    assert not found.allowed


@settings(max_examples=300)
@given(small_maps((WALL, GAP)), st.data())
def test_line_of_sight_is_the_servers(cells, data):
    start, goal = two_cells(cells, data)
    assert look(cells, start, goal) == sight(cells, start, goal)


@settings(max_examples=200)
@given(small_maps((WALL, GAP)), st.data())
def test_who_sees_is_seen(cells, data):
    start, goal = two_cells(cells, data)
    assert look(cells, start, goal) == look(cells, goal, start)


@pytest.mark.parametrize(
    ("goal", "between"),
    [
        ((4, 0), [(1, 0), (2, 0), (3, 0)]),
        ((0, 4), [(0, 1), (0, 2), (0, 3)]),
        ((3, 3), [(1, 1), (2, 2)]),
        ((4, 1), [(1, 0), (2, 0), (3, 0)]),
        ((4, 2), [(1, 0), (2, 1), (3, 1)]),
        ((4, 3), [(1, 0), (2, 1), (3, 2)]),
        ((1, 4), [(0, 1), (0, 2), (0, 3)]),
    ],
)
def test_a_line_touches_these_cells_and_no_others(goal, between):
    for x in range(5):
        for y in range(5):
            cells = open_ground(5)
            cells[y, x] = WALL
            assert look(cells, (0, 0), goal) == ((x, y) not in between), (x, y)


def test_a_gap_lets_shots_pass_and_feet_not():
    cells = drawn("..~..", "..~..", "..~..")
    assert look(cells, (0, 1), (4, 1))
    assert walk(on(cells), (0, 1), (4, 1)) is None


@pytest.mark.parametrize(("distance", "reached"), [(0, True), (1, True), (2, False), (3, False)])
def test_adjacent_cells_need_no_line(distance, reached):
    cells = np.full((1, 5), WALL, np.uint8)
    assert reach(cells, (0, 0), (distance, 0), 9) == reached


@given(st.integers(0, 29), st.integers(0, 29), st.integers(0, 29), st.integers(0, 29), st.integers(0, 20))
def test_reach_is_the_longer_side_and_at_most_sight(x0, y0, x1, y1, cells):
    distance = max(abs(x1 - x0), abs(y1 - y0))
    assert reach(open_ground(30), (x0, y0), (x1, y1), cells) == (distance <= min(cells, f.SIGHT_CELLS))
