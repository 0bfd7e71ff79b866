"""What each order makes a monster do: the ten combat actions, in small worlds with one question each."""

import numpy as np
import pytest

from mlmonster_env import contract as to
from mlmonster_env.sim import Arena
from mlmonster_env.sim import fields as f
from mlmonster_env.sim.lab import Place
from tests.sim.command import act, apart, cell, field, fighter, hound, note_places, of, put, tell, victim
from tests.sim.grounds import open_ground

MIDDLE = 30


def duel(dx: int, dy: int = 0, reach: int = 1, **changes) -> Arena:
    """Unit 0 under combat orders in the middle, and a motionless enemy so far away."""
    places = [Place(fighter(attack_range=reach), 0, MIDDLE, MIDDLE), Place(victim(), 1, MIDDLE + dx, MIDDLE + dy)]
    return field("combat", places, **changes)


@pytest.mark.parametrize(("dx", "dy"), [(1, 0), (8, 0), (0, -9), (-6, 6), (7, -3)])
def test_attack_closes_in_and_strikes(dx, dy):
    arena = duel(dx, dy)
    act(arena, 0, to.ATTACK, 60)
    assert apart(arena, 0, 1) == 1
    assert of(arena, f.ATTACKS, 0) >= 2
    assert of(arena, f.TARGET, 0) == 1


def test_attack_strikes_from_as_far_as_it_reaches():
    arena = duel(9, reach=7)
    act(arena, 0, to.ATTACK, 60)
    assert apart(arena, 0, 1) == 7
    assert of(arena, f.ATTACKS, 0) >= 2


def test_one_order_to_attack_holds_until_the_next():
    told_once, told_often = duel(8), duel(8)
    tell(told_once, 0, to.ATTACK)
    told_once.step(150)
    act(told_often, 0, to.ATTACK, 150)
    assert of(told_once, f.ATTACKS, 0) == of(told_often, f.ATTACKS, 0) > 5


def test_attack_takes_the_nearest_enemy_in_view():
    places = [Place(fighter(), 0, MIDDLE, MIDDLE)]
    places += [Place(victim(), 1, MIDDLE + dx, MIDDLE) for dx in (9, -5, 7)]
    arena = field("combat", places)
    act(arena, 0, to.ATTACK, 5)
    assert of(arena, f.TARGET, 0) == 2


def test_attack_without_anybody_in_view_stands_still():
    arena = duel(25)
    act(arena, 0, to.ATTACK, 50)
    assert cell(arena, 0) == (MIDDLE, MIDDLE)
    assert of(arena, f.TARGET, 0) == f.NOBODY


def test_an_attacker_goes_after_a_target_that_went_away():
    arena = duel(1)
    act(arena, 0, to.ATTACK, 20)
    put(arena, 1, MIDDLE + 9, MIDDLE)
    struck = of(arena, f.ATTACKS, 0)
    act(arena, 0, to.ATTACK, 60)
    assert apart(arena, 0, 1) == 1
    assert of(arena, f.ATTACKS, 0) > struck


@pytest.mark.parametrize("kind", [None, "combat"])
def test_an_attacker_out_of_chase_range_is_gone_after(kind):
    """As the stock AI does, so does an ordered attack."""
    archer = fighter(mode=f.CAN_ATTACK | f.AGGRESSIVE_MODE, attack_range=14, skill_range=14, chase_range=14)
    arena = field(kind, [Place(fighter(), 0, MIDDLE, MIDDLE), Place(archer, 1, MIDDLE + 13, MIDDLE)])
    arena.tables.species[2, f.HIT] = 1000
    if kind is None:
        arena.step(100)
    else:
        act(arena, 0, to.ATTACK, 100)
    assert of(arena, f.DAMAGE_TAKEN, 0) > 0
    assert apart(arena, 0, 1) == 1


@pytest.mark.parametrize("mode", [0, f.AGGRESSIVE_MODE, f.AGGRESSIVE_MODE | f.ASSIST | f.ANGRY_MODE])
def test_idle_stands_still_and_strikes_nobody(mode):
    idler = fighter(mode=f.CAN_MOVE | f.CAN_ATTACK | mode)
    arena = field("combat", [Place(idler, 0, MIDDLE, MIDDLE), Place(hound(), 1, MIDDLE + 1, MIDDLE)])
    act(arena, 0, to.IDLE, 100)
    assert cell(arena, 0) == (MIDDLE, MIDDLE)
    assert of(arena, f.ATTACKS, 0) == 0
    assert of(arena, f.ATTACKS, 1) > 3


def test_idle_is_what_a_monster_does_before_its_first_order():
    arena = duel(1)
    arena.step(100)
    assert cell(arena, 0) == (MIDDLE, MIDDLE)
    assert of(arena, f.ATTACKS, 0) == 0


def test_idle_ends_a_fight_but_keeps_the_target_known():
    arena = duel(1)
    act(arena, 0, to.ATTACK, 30)
    act(arena, 0, to.IDLE, 10)
    struck = of(arena, f.ATTACKS, 0)
    act(arena, 0, to.IDLE, 100)
    assert struck > 0
    assert of(arena, f.ATTACKS, 0) == struck
    assert of(arena, f.TARGET, 0) == 1


def test_an_order_in_motion_is_not_taken():
    arena = duel(1)
    tell(arena, 0, to.ATTACK)
    arena.step(2)
    assert of(arena, f.ATTACKS, 0) == 1
    assert of(arena, f.THINK_AT, 0) > arena.clock_ms[0]
    tell(arena, 0, to.IDLE)
    assert of(arena, f.ORDER, 0) == to.ATTACK
    arena.step(60)
    assert of(arena, f.ATTACKS, 0) > 3


def test_the_damage_of_a_blow_under_way_lands_whatever_is_ordered_next():
    arena = duel(1)
    arena.tables.species[:, f.HIT] = 1000
    tell(arena, 0, to.ATTACK)
    arena.step(1)
    act(arena, 0, to.MOVE_AWAY, 20)
    assert of(arena, f.DAMAGE_DEALT, 0) > 0


@pytest.mark.parametrize(("dx", "dy"), [(9, 0), (2, 0), (0, -8), (6, 5)])
def test_closer_approaches_without_striking(dx, dy):
    arena = duel(dx, dy)
    act(arena, 0, to.MOVE_CLOSER, 100)
    assert apart(arena, 0, 1) == 1
    assert of(arena, f.ATTACKS, 0) == 0


def test_closer_comes_to_its_targets_side_even_with_a_long_reach():
    arena = duel(9, reach=9)
    act(arena, 0, to.MOVE_CLOSER, 60)
    assert apart(arena, 0, 1) == 1
    assert of(arena, f.ATTACKS, 0) == 0


def test_closer_follows_somebody_who_walks():
    runner = fighter(mode=f.CAN_MOVE, walk_speed=150)
    arena = field("combat", [Place(fighter(), 0, 10, 10), Place(runner, 1, 15, 10)], under=[0, 1])
    for _ in range(12):
        tell(arena, 0, to.MOVE_CLOSER)
        tell(arena, 1, to.MOVE_AWAY)
        arena.step(5)
        assert apart(arena, 0, 1) <= 9
    assert cell(arena, 0)[0] > 25
    assert of(arena, f.ATTACKS, 0) == 0


@pytest.mark.parametrize(("dx", "dy"), [(1, 0), (-3, 0), (0, 4), (2, 2), (-5, 1)])
def test_away_gains_distance_and_strikes_nobody(dx, dy):
    arena = duel(dx, dy)
    seen = [apart(arena, 0, 1)]
    for _ in range(6):
        act(arena, 0, to.MOVE_AWAY, 5)
        seen.append(apart(arena, 0, 1))
    assert seen == sorted(seen)
    assert seen[-1] >= seen[0] + 8
    assert of(arena, f.ATTACKS, 0) == 0


def test_away_is_away_from_the_nearest_of_several():
    places = [Place(fighter(), 0, MIDDLE, MIDDLE), Place(victim(), 1, MIDDLE + 2, MIDDLE)]
    places += [Place(victim(), 1, MIDDLE - 9, MIDDLE)]
    arena = field("combat", places)
    act(arena, 0, to.MOVE_AWAY, 20)
    assert min(apart(arena, 0, 1), apart(arena, 0, 2)) > 4


def test_away_in_a_corner_stays_there():
    arena = field("combat", [Place(fighter(), 0, 0, 0), Place(victim(), 1, 3, 3)])
    act(arena, 0, to.MOVE_AWAY, 30)
    assert cell(arena, 0) == (0, 0)


def test_away_does_not_run_onto_hazardous_ground():
    ground = open_ground()
    ground[:, MIDDLE + 3 :] |= f.HAZARD_CELL
    arena = duel(-1, ground=ground)
    for x, _ in _walked(arena, to.MOVE_AWAY, 40):
        assert x < MIDDLE + 3
    assert apart(arena, 0, 1) > 6


@pytest.mark.parametrize(("x", "y"), [(MIDDLE + 5, MIDDLE), (MIDDLE - 9, MIDDLE + 9), (55, 2), (3, 58)])
def test_flee_walks_to_where_the_monster_first_stood(x, y):
    arena = duel(1)
    put(arena, 0, x, y)
    act(arena, 0, to.FLEE, 120)
    assert cell(arena, 0) == (MIDDLE, MIDDLE)
    assert of(arena, f.ATTACKS, 0) == 0


def test_flee_finds_its_way_around_a_wall():
    ground = open_ground(40)
    ground[10:16, 20] = 0
    places = [Place(fighter(), 0, 22, 13), Place(victim(), 1, 36, 36)]
    arena = field("combat", places, ground=ground)
    put(arena, 0, 18, 13)
    act(arena, 0, to.FLEE, 60)
    assert cell(arena, 0) == (22, 13)


def test_random_moves_lead_anywhere_near():
    arena = duel(3, matches=300)
    for _ in range(5):
        tell(arena, 0, to.MOVE_RANDOMLY)
        arena.step(4)
    x, y = arena.units[:, f.X, 0] - MIDDLE, arena.units[:, f.Y, 0] - MIDDLE
    assert (np.maximum(abs(x), abs(y)) > 0).mean() > 0.9
    for axis in (x, y):
        assert (axis > 0).mean() > 0.3 and (axis < 0).mean() > 0.3
    assert (arena.units[:, f.ATTACKS, 0] == 0).all()


def test_random_moves_go_on_for_as_long_as_they_are_ordered():
    arena = duel(20)
    places = note_places(arena, 0, 1)
    act(arena, 0, to.MOVE_RANDOMLY, 5)
    places += note_places(arena, 0, 200)
    assert len(set(places)) > 25


def test_random_moves_that_go_on_go_straight_on_where_there_is_a_way():
    arena = duel(25, matches=200)
    tell(arena, 0, to.MOVE_RANDOMLY)
    arena.step(20)
    before = arena.units[:, [f.X, f.Y], 0].astype(float)
    first = before - MIDDLE
    arena.step(30)
    second = arena.units[:, [f.X, f.Y], 0] - before
    lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    turned = np.degrees(np.arccos(np.clip((first * second).sum(1) / np.maximum(lengths, 1e-9), -1, 1)))[lengths > 0]
    assert len(turned) > 150 and (turned <= 60).mean() > 0.9


def test_random_moves_that_go_on_turn_at_the_end_of_the_map():
    arena = duel(25, matches=50)
    tell(arena, 0, to.MOVE_RANDOMLY)
    places = []
    for _ in range(60):
        arena.step(10)
        places.append(arena.units[:, [f.X, f.Y], 0])
    went = np.sign(np.diff(places, axis=0))
    assert ((went > 0).any(0) & (went < 0).any(0)).all()  # both ways along both axes, in each match


def test_another_order_in_between_forgets_the_way():
    arena = duel(25, matches=300)
    tell(arena, 0, to.MOVE_RANDOMLY)
    arena.step(20)
    before = arena.units[:, [f.X, f.Y], 0].astype(float)
    first = before - MIDDLE
    tell(arena, 0, to.IDLE)
    arena.step(10)
    tell(arena, 0, to.MOVE_RANDOMLY)
    arena.step(10)
    second = arena.units[:, [f.X, f.Y], 0] - before
    assert 0.3 < ((first * second).sum(1) < 0).mean() < 0.7


def test_change_target_goes_through_all_enemies_in_view():
    places = [Place(fighter(), 0, MIDDLE, MIDDLE)]
    places += [Place(victim(), 1, MIDDLE + dx, MIDDLE + dy) for dx, dy in ((4, 0), (0, 7), (-9, 0), (25, 0))]
    arena = field("combat", places)
    act(arena, 0, to.ATTACK, 1)
    targets = [of(arena, f.TARGET, 0)]
    for _ in range(4):
        tell(arena, 0, to.CHANGE_TARGET)
        arena.step(1)
        targets.append(of(arena, f.TARGET, 0))
    assert targets == [1, 2, 3, 1, 2]


def test_change_target_goes_to_another_one_only_once_an_order():
    places = [Place(fighter(), 0, MIDDLE, MIDDLE)] + [Place(victim(), 1, MIDDLE + 3, MIDDLE + dy) for dy in (-3, 0, 3)]
    arena = field("combat", places)
    act(arena, 0, to.ATTACK, 1)
    first = of(arena, f.TARGET, 0)
    tell(arena, 0, to.CHANGE_TARGET)
    arena.step(100)
    assert of(arena, f.TARGET, 0) == first % 3 + 1
    assert of(arena, f.ATTACK_ON, 0) == first % 3 + 1
    assert of(arena, f.ATTACKS, 0) > 2


def test_change_target_with_one_enemy_fights_on():
    arena = duel(2)
    act(arena, 0, to.CHANGE_TARGET, 60)
    assert of(arena, f.TARGET, 0) == 1
    assert of(arena, f.ATTACKS, 0) > 2


def test_the_target_under_combat_orders_does_not_turn_to_whoever_strikes():
    mode = f.CAN_MOVE | f.CAN_ATTACK | f.CHANGE_TARGET_MELEE | f.CHANGE_TARGET_CHASE
    places = [Place(fighter(mode=mode), 0, MIDDLE, MIDDLE), Place(victim(), 1, MIDDLE + 1, MIDDLE)]
    places.append(Place(hound(), 1, MIDDLE - 2, MIDDLE))
    arena = field("combat", places)
    arena.tables.species[3, f.HIT] = 1000
    act(arena, 0, to.ATTACK, 100)
    assert of(arena, f.DAMAGE_TAKEN, 0) > 0
    assert of(arena, f.TARGET, 0) == 1


def _walked(arena: Arena, order: int, ticks: int) -> list[tuple[int, int]]:
    tell(arena, 0, order)
    return note_places(arena, 0, ticks)
