"""What a duel has beside a fight: lives, an edge that hurts, items, and a winner when the time is over."""

from typing import Any

import numpy as np
import pytest

from mlmonster_env import contract as to
from mlmonster_env.sim import Arena
from mlmonster_env.sim import fields as f
from mlmonster_env.sim.lab import Place
from tests.sim.command import act, cell, field, fighter, hound, of, put, tell, tell_each, victim
from tests.sim.grounds import bundled, named, open_ground

SIDE = 28
EDGE = 3
HURTS = 80  # per mille of its hit points, each second


def hazardous() -> Any:
    """Open ground with an edge that hurts."""
    ground = open_ground(SIDE)
    ground[:EDGE] |= f.HAZARD_CELL
    ground[-EDGE:] |= f.HAZARD_CELL
    ground[:, :EDGE] |= f.HAZARD_CELL
    ground[:, -EDGE:] |= f.HAZARD_CELL
    return ground


def duel(first=None, second=None, kind: str | None = "combat", items=(), lives: int = 3, **changes: Any) -> Arena:
    """Two who do nothing but what they are told, four cells apart in the middle; items lie where it is said."""
    places = [Place(first or fighter(), 0, 12, 14), Place(second or victim(), 1, 16, 14)]
    spots = np.array([items], np.int32).reshape(1, len(items), 2)
    return field(
        kind, places, ground=hazardous(), duel=True, lives=lives, hazard_per_mille=HURTS, item_spots=spots, **changes
    )


def item(arena: Arena, number: int) -> tuple[int, int, int]:
    """x, y and holder of an item of the first match."""
    at = f.ITEMS + number * f.ITEM_WIDTH
    x, y, holder = arena.match[0, at : at + 3].tolist()
    return x, y, holder


def kill(arena: Arena, unit: int) -> None:
    """Let a unit of every match die, or lose a life, of the next second on hazardous ground where it stands."""
    arena.units[:, f.HP, unit] = 1
    x, y = cell(arena, unit)
    cells = arena.scenario.cells
    before = cells.copy()
    cells[:, y, x] |= f.HAZARD_CELL
    deaths = of(arena, f.LIVES, unit)
    for _ in range(12):
        arena.step(1)
        if of(arena, f.LIVES, unit) < deaths or not of(arena, f.ALIVE, unit):
            break
    cells[:] = before


def test_everybody_begins_with_the_lives_of_the_scenario():
    arena = Arena(20, named("duel"), bundled(), 1, observed=True)
    assert (arena.units[:, f.LIVES, :2] == 3).all()
    arena.step(1)
    assert (arena.events.lives[:, :2] == 3).all()


def test_a_life_lost_is_a_new_beginning_where_one_first_stood():
    killer = hound(attack=30_000, attack2=30_000)
    arena = duel(first=fighter(hp=5000), second=killer)
    arena.tables.species[2, f.HIT] = 1000
    put(arena, 0, 15, 14)
    knocked = 0
    for _ in range(60):
        arena.step(1)
        if arena.events.knocked_out[0, 0]:
            knocked += 1
            assert cell(arena, 0) == (12, 14)
            assert of(arena, f.HP, 0) == 5000 and of(arena, f.ALIVE, 0) == 1
            assert of(arena, f.LIVES, 0) == 3 - knocked
            assert of(arena, f.TARGET, 0) == f.NOBODY and of(arena, f.STATUS_COUNT, 0) == 0
            assert arena.events.knock_outs[0].tolist() == [0, 1]
            assert arena.events.deaths.sum() == arena.events.kills.sum() == 0
            put(arena, 0, 15, 14)
    assert knocked == 2


def test_nobody_is_after_one_who_was_knocked_out():
    arena = duel(second=fighter(), kind="movement")
    arena.units[:, f.TARGET, 1] = 0
    arena.units[:, f.MODE, 1] = f.CAN_MOVE
    kill(arena, 0)
    assert of(arena, f.LIVES, 0) == 2
    assert of(arena, f.TARGET, 1) == of(arena, f.ATTACK_ON, 1) == of(arena, f.CHASED, 1) == f.NOBODY


def test_the_last_life_is_the_end_of_the_match():
    arena = duel(first=fighter(hp=5000), second=hound(attack=30_000, attack2=30_000))
    arena.tables.species[2, f.HIT] = 1000
    total = dict.fromkeys(("knocked_out", "knock_outs", "deaths", "kills", "won", "lost"), 0)
    for _ in range(300):
        arena.step(1)
        for name in total:
            total[name] += int(arena.events[name].sum())
        assert arena.events.lives[0, 0] == (of(arena, f.LIVES, 0) if of(arena, f.ALIVE, 0) else 0)
    assert total == {"knocked_out": 2, "knock_outs": 2, "deaths": 1, "kills": 1, "won": 1, "lost": 1}
    assert arena.results.over[0] and arena.results.winner[0] == 1


@pytest.mark.parametrize("lives", [1, 2, 5])
def test_duels_are_won_by_the_last_life(lives):
    arena = Arena(100, named("duel"), bundled(), 7, observed=True)
    arena.units[:, f.LIVES, :2] = lives
    fallen = np.zeros((100, 2), np.int64)
    for _ in range(360):
        before = arena.units[:, f.LIVES, :2].copy()
        arena.step(5)
        fallen += arena.events.knocked_out[:, :2] + arena.events.deaths[:, :2]
        assert (arena.units[:, f.LIVES, :2] <= before).all() and (arena.units[:, f.LIVES, :2] >= 1).all()
        assert ((arena.units[:, f.HP, :2] > 0) == (arena.units[:, f.ALIVE, :2] != 0)).all()
    results = arena.results
    assert results.over.all()
    by_death = results.duration_ms < 180_000
    assert by_death.any()
    for match in np.flatnonzero(by_death & (results.winner >= 0)):
        winner = int(results.winner[match])
        assert fallen[match, 1 - winner] == lives and fallen[match, winner] < lives


def test_the_edge_hurts_once_a_second_and_the_middle_does_not():
    arena = duel(first=victim(hp=10_000), kind=None)
    arena.units[:, f.MODE] = 0
    for x, hurts in ((12, False), (2, True), (3, False), (SIDE - 3, True), (SIDE - 4, False)):
        put(arena, 0, x, 14)
        arena.units[:, f.HP, 0] = 10_000
        hazard = taken = 0
        for _ in range(30):
            arena.step(1)
            hazard += int(arena.events.hazard_ms[0, 0])
            taken += int(arena.events.damage_taken[0, 0])
        assert (taken, hazard) == ((3 * 10_000 * HURTS // 1000, 3000) if hurts else (0, 0)), x
        assert of(arena, f.HP, 0) == 10_000 - taken


def test_the_edge_can_cost_a_life_and_nobody_is_paid_for_it():
    arena = duel(first=fighter(hp=1000))
    put(arena, 0, 1, 1)
    total = dict.fromkeys(("knocked_out", "knock_outs", "damage_dealt"), 0)
    for _ in range(140):
        arena.step(1)
        for name in total:
            total[name] += int(arena.events[name].sum())
    assert total == {"knocked_out": 1, "knock_outs": 0, "damage_dealt": 0}
    assert cell(arena, 0) == (12, 14) and of(arena, f.LIVES, 0) == 2


def test_both_who_die_on_the_edge_in_one_moment_share_the_result():
    arena = duel(lives=1)
    put(arena, 0, 1, 14)
    put(arena, 1, SIDE - 2, 14)
    arena.units[:, f.HP] = 1
    arena.step(12)
    assert arena.units[0, f.ALIVE].tolist() == [0, 0]
    assert arena.results.over[0] and arena.results.winner[0] == -1


def test_items_are_picked_up_by_whoever_walks_onto_them():
    arena = duel(items=[(12, 17), (20, 20), (5, 5)])
    assert [item(arena, n) for n in range(4)] == [
        (12, 17, f.NOBODY), (20, 20, f.NOBODY), (5, 5, f.NOBODY), (0, 0, f.NO_ITEM),
    ]  # fmt: skip
    put(arena, 0, 12, 16)
    arena.step(3)
    assert item(arena, 0)[2] == f.NOBODY
    put(arena, 0, 12, 17)
    arena.step(1)
    assert item(arena, 0)[2] == 0
    assert arena.events.items_picked[0].tolist() == [1, 0]
    arena.step(1)
    assert arena.events.items_picked.sum() == 0


def test_an_item_that_is_held_cannot_be_taken():
    arena = duel(items=[(12, 14)])
    arena.step(1)
    assert item(arena, 0)[2] == 0
    put(arena, 1, 12, 14)
    arena.step(5)
    assert item(arena, 0)[2] == 0


def test_what_one_held_falls_where_one_was_knocked_out_and_can_be_picked_up_again():
    arena = duel(items=[(10, 10), (10, 11)])
    for y in (10, 11):
        put(arena, 0, 10, y)
        arena.step(1)
    put(arena, 0, 9, 9)
    kill(arena, 0)
    assert arena.events.items_dropped[0].tolist() == [2, 0]
    assert item(arena, 0) == item(arena, 1) == (9, 9, f.NOBODY)
    put(arena, 1, 9, 9)
    arena.step(1)
    assert arena.events.items_picked[0].tolist() == [0, 2]
    assert item(arena, 0)[2] == item(arena, 1)[2] == 1


def test_the_dead_hold_nothing():
    arena = duel(items=[(12, 14)], lives=1)
    arena.step(1)
    kill(arena, 0)
    assert of(arena, f.ALIVE, 0) == 0
    assert item(arena, 0) == (12, 14, f.NOBODY)


TIMES = {  # lives lost and items picked up by each side, and who wins on time
    "more lives": ((0, 0), (1, 0), 0),
    "fewer lives": ((2, 0), (1, 0), 1),
    "more items": ((0, 2), (0, 1), 0),
    "fewer items": ((1, 0), (1, 1), 1),
    "a life counts for more than all items": ((1, 3), (0, 0), 1),
    "alike": ((1, 1), (1, 1), -1),
    "nothing happened": ((0, 0), (0, 0), -1),
}


@pytest.mark.parametrize("case", TIMES)
def test_when_time_is_over_lives_count_then_items(case):
    first, second, winner = TIMES[case]
    arena = duel(items=[(9, 9), (9, 10), (9, 11)], time_limit_ms=5000)
    holders = [0] * first[1] + [1] * second[1]
    for number, holder in enumerate(holders):
        arena.match[:, f.ITEMS + number * f.ITEM_WIDTH + f.I_HOLDER] = holder
    for unit, (lost, _) in enumerate((first, second)):
        arena.units[:, f.LIVES, unit] -= lost
    arena.step(50)
    assert arena.results.over[0]
    assert arena.results.duration_ms[0] == 5000
    assert arena.results.winner[0] == winner
    assert arena.events.drawn[0].all() == (winner == -1)


def test_time_decides_nothing_where_it_is_no_duel():
    arena = duel(time_limit_ms=2000)
    plain = field(None, [Place(fighter(), 0, 12, 14), Place(victim(), 1, 16, 14)], lives=3, time_limit_ms=2000)
    plain.units[:, f.LIVES, 1] = 1
    plain.step(25)
    assert plain.results.over[0] and plain.results.winner[0] == -1
    arena.units[:, f.LIVES, 1] = 1
    arena.step(25)
    assert arena.results.winner[0] == 0


def test_the_named_duel_is_laid_out_as_it_says():
    scenario = named("duel")
    cells = scenario.cells[0]
    assert scenario.duel and scenario.lives == 3
    assert scenario.hazard_per_mille == 80
    hazard = cells & f.HAZARD_CELL != 0
    assert cells.shape == (SIDE, SIDE) and np.array_equal(hazard, hazardous() & f.HAZARD_CELL != 0)
    assert scenario.item_spots is not None
    items = scenario.item_spots[0]
    assert len(items) == 3 and not hazard[items[:, 1], items[:, 0]].any()
    arena = Arena(200, scenario, bundled(), 4)
    assert not hazard[arena.units[:, f.Y, :2], arena.units[:, f.X, :2]].any()


def test_items_are_always_somewhere_and_held_by_the_living():
    arena = Arena(100, named("duel"), bundled(), 2, observed=True)
    arena.put_under_orders("combat", [0, 1])
    arena.reset()
    random = np.random.default_rng(0)
    picked = dropped = 0
    for _ in range(250):
        tell_each(arena, random.choice([to.ATTACK, to.MOVE_RANDOMLY, to.MOVE_RANDOMLY, to.FLEE], (100, 2)))
        arena.step(5)
        items = arena.match[:, f.ITEMS : f.EVENTS].reshape(100, f.ITEM_LIMIT, f.ITEM_WIDTH)[:, :3]
        holders = items[:, :, f.I_HOLDER]
        assert ((holders >= f.NOBODY) & (holders < 2)).all()
        alive = np.take_along_axis(arena.units[:, f.ALIVE], holders.clip(0), 1) != 0
        assert (alive | (holders == f.NOBODY)).all()
        picked += int(arena.events.items_picked.sum())
        dropped += int(arena.events.items_dropped.sum())
        assert picked - dropped == (holders >= 0).sum()
    assert picked > 50 and dropped > 0


def test_whoever_flees_in_a_duel_does_not_flee_onto_the_edge():
    arena = duel(second=victim())
    put(arena, 1, 9, 14)
    for _ in range(10):
        act(arena, 0, to.MOVE_AWAY, 5)
        x, y = cell(arena, 0)
        assert EDGE <= x < SIDE - EDGE and EDGE <= y < SIDE - EDGE
    tell(arena, 0, to.IDLE)
    assert of(arena, f.DAMAGE_TAKEN, 0) == 0
