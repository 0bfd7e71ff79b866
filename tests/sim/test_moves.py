"""What moves and vectors make a monster do, in small worlds with one question each."""

import numpy as np
import pytest

from mlmonster_env.contract import MOVE_NAMES, MOVES, STAY
from mlmonster_env.sim import Arena
from mlmonster_env.sim import fields as f
from mlmonster_env.sim.lab import Place
from mlmonster_env.sim.orders import VECTOR_UNIT, packed, part_of
from tests.sim.command import act, apart, cell, field, fighter, note_places, of, put, tell, tell_each, victim
from tests.sim.from_python import from_python
from tests.sim.grounds import bundled_maps, drawn, open_ground

MIDDLE = 30


def duel(kind: str, dx: int, dy: int = 0, reach: int = 1, **changes) -> Arena:
    """Unit 0 under orders in the middle, and a motionless enemy so far away."""
    places = [Place(fighter(attack_range=reach), 0, MIDDLE, MIDDLE), Place(victim(), 1, MIDDLE + dx, MIDDLE + dy)]
    return field(kind, places, **changes)


def vector(dx: float, dy: float, engage: float = 0.0, ability: float = 0.0) -> int:
    return int(packed(np.array([[dx, dy, engage, ability]]))[0])


@pytest.mark.parametrize("move", range(STAY), ids=MOVE_NAMES[:STAY])
def test_a_move_walks_its_way(move):
    arena = duel("movement", 20)
    tell(arena, 0, move)
    arena.step(30)
    x, y = cell(arena, 0)
    dx, dy = MOVES[move]
    steps = max(abs(x - MIDDLE), abs(y - MIDDLE))
    assert steps > 8
    assert (x - MIDDLE, y - MIDDLE) == (dx * steps, dy * steps)


def test_north_is_where_y_grows():
    assert MOVE_NAMES.index("north") == MOVES.index((0, 1))
    assert MOVE_NAMES.index("east") == MOVES.index((1, 0))


def test_stay_stands_and_strikes_whoever_is_in_reach():
    arena = duel("movement", 1)
    tell(arena, 0, STAY)
    assert set(note_places(arena, 0, 100)) == {(MIDDLE, MIDDLE)}
    assert of(arena, f.ATTACKS, 0) > 4


def test_stay_does_not_go_after_anybody():
    arena = duel("movement", 4)
    tell(arena, 0, STAY)
    assert set(note_places(arena, 0, 100)) == {(MIDDLE, MIDDLE)}
    assert of(arena, f.ATTACKS, 0) == 0


def test_a_move_ends_where_stay_is_ordered():
    arena = duel("movement", 20)
    act(arena, 0, 0, 20)
    act(arena, 0, STAY, 10)
    x, y = cell(arena, 0)
    act(arena, 0, STAY, 30)
    assert cell(arena, 0) == (x, y) != (MIDDLE, MIDDLE)


@pytest.mark.parametrize("every", [5, 60])
def test_a_mover_strikes_on_its_way_and_walks_between_blows(every):
    """On open ground as on a map with a wall somewhere, told once or often."""
    walled = open_ground()
    walled[0, 0] = 0
    places = []
    for ground in (walled, open_ground()):
        arena = duel("movement", 3, 10, reach=9, ground=ground)
        put(arena, 0, MIDDLE, MIDDLE - 2)
        for _ in range(60 // every):
            tell(arena, 0, 0)
            arena.step(every)
        assert of(arena, f.ATTACKS, 0) >= 3
        places.append(cell(arena, 0))
    assert places[0] == places[1]
    assert places[0][1] > MIDDLE + 8


def test_a_move_stops_at_a_wall():
    ground = drawn("#######", "#.....#", "#.....#", "#..#..#", "#.....#", "#######")
    arena = field("movement", [Place(fighter(), 0, 3, 1), Place(victim(), 1, 5, 4)], ground=ground)
    act(arena, 0, MOVES.index((0, 1)), 30)
    assert cell(arena, 0) == (3, 2)


def test_a_move_cuts_no_corner():
    ground = drawn("#####", "#...#", "#.#.#", "#...#", "#####")
    arena = field("movement", [Place(fighter(), 0, 1, 2), Place(victim(), 1, 3, 2)], ground=ground)
    act(arena, 0, MOVES.index((1, 1)), 20)
    assert cell(arena, 0) == (1, 2)


@pytest.mark.parametrize("toward", [(1.0, 0.0), (0.0, -1.0), (-1.0, 1.0), (0.5, 1.0), (-1.0, 0.5)])
def test_a_vector_leads_its_way(toward):
    arena = duel("continuous", 25)
    act(arena, 0, vector(*toward), 10)
    x, y = (now - MIDDLE for now in cell(arena, 0))
    dx, dy = toward
    assert x * dx >= 0 and y * dy >= 0 and max(abs(x), abs(y)) >= 3
    assert bool(x) == bool(dx) and bool(y) == bool(dy)


@pytest.mark.parametrize("toward", [(0.0, 0.0), (0.2, -0.2), (-0.1, 0.24)])
def test_a_short_vector_is_no_movement(toward):
    arena = duel("continuous", 1)
    act(arena, 0, vector(toward[0], toward[1], engage=-1.0), 40)
    assert cell(arena, 0) == (MIDDLE, MIDDLE)
    assert of(arena, f.ATTACKS, 0) == 0


def test_a_vector_that_engages_goes_after_its_target():
    arena = duel("continuous", 8)
    act(arena, 0, vector(0, 0, engage=1.0), 60)
    assert apart(arena, 0, 1) == 1
    assert of(arena, f.ATTACKS, 0) > 1


def test_a_vector_that_moves_and_engages_strikes_on_its_way():
    arena = duel("continuous", 3, 4, reach=9)
    act(arena, 0, vector(0, 1, engage=0.5), 40)
    assert of(arena, f.ATTACKS, 0) >= 2
    assert cell(arena, 0)[1] > MIDDLE + 2


def test_a_vector_that_does_not_engage_strikes_nobody():
    arena = duel("continuous", 3, 4, reach=9)
    act(arena, 0, vector(0, 1, engage=0.0), 40)
    assert of(arena, f.ATTACKS, 0) == 0
    assert cell(arena, 0)[1] > MIDDLE + 8


def test_a_vector_slides_along_a_wall():
    ground = open_ground(40)
    ground[:, 22:] = 0
    arena = field("continuous", [Place(fighter(), 0, 21, 10), Place(victim(), 1, 2, 38)], ground=ground)
    act(arena, 0, vector(0.5, 1.0), 20)
    assert cell(arena, 0)[0] == 21
    assert cell(arena, 0)[1] > 12


def test_a_packed_vector_holds_its_four_numbers():
    vectors = np.random.default_rng(0).uniform(-1.2, 1.2, (500, 4))
    for numbers, order in zip(vectors, packed(vectors).tolist(), strict=True):
        parts = [from_python(part_of)(order, place) / VECTOR_UNIT for place in range(4)]
        assert parts == pytest.approx(np.clip(numbers, -1, 1), abs=0.5 / VECTOR_UNIT + 1e-9)


@pytest.mark.parametrize("kind", ["combat", "movement", "continuous"])
def test_whatever_is_ordered_nobody_walks_into_walls(kind):
    """Random orders, legal or not, every 300 ms on a bundled map."""
    ground = bundled_maps()[0]
    free = np.argwhere(ground & 1)[::97, ::-1]
    places = [Place(fighter(), number % 2, int(x), int(y)) for number, (x, y) in enumerate(free[:8])]
    arena = field(kind, places, under=range(8), ground=ground, matches=20)
    random = np.random.default_rng(1)
    for _ in range(60):
        if kind == "continuous":
            tell_each(arena, packed(random.uniform(-1, 1, (160, 4))).reshape(20, 8))
        else:
            tell_each(arena, random.integers(0, 10 if kind == "combat" else STAY + 1, (20, 8)))
        for _ in range(3):
            arena.step(1)
            assert (ground[arena.units[:, f.Y], arena.units[:, f.X]] & 1 != 0).all()
    assert (arena.tally[:, f.T_STEPS] > 0).any()
