"""The state vector: against the same numbers worked out in Python, and within its range whatever happens."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mlmonster_env import contract as to
from mlmonster_env.contract import CONTROLS, RESERVED, STATE, STATE_SIZE
from mlmonster_env.plans import Side
from mlmonster_env.scenarios import named as plan_named
from mlmonster_env.sim import Arena
from mlmonster_env.sim import fields as f
from mlmonster_env.sim.legal import random_orders
from mlmonster_env.sim.orders import packed
from mlmonster_env.sim.staging import stage
from mlmonster_env.sim.views import observe_states
from tests.sim.eyes import Eyes
from tests.sim.grounds import bundled

States = np.ndarray[Any, np.dtype[np.float32]]
SCENARIOS = ("skirmish-4v4", "duel", "pack-4", "raid-6v3", "mirror-v1:all")


def watched(name: str, matches: int, seed: int, control: str | None = "combat", mode: str = "renewal") -> Arena:
    """An arena with everybody under orders."""
    arena = Arena(matches, stage(name, bundled(mode)), bundled(mode), seed, observed=True)
    if control is not None:
        arena.put_under_orders(control, range(arena.scenario.members))
        arena.reset()
    return arena


def slots(arena: Arena, members: int) -> tuple[Any, Any]:
    return np.divmod(np.arange(arena.num_matches * members), members)


def see(arena: Arena, members: int | None = None) -> States:
    """The states of the first members (of all places) of all matches: [matches, members, 64]."""
    members = arena.scenario.members if members is None else members
    matches, units = slots(arena, members)
    states = np.full((len(matches), STATE_SIZE), np.nan, np.float32)
    observe_states(arena.words, matches, units, states)
    return states.reshape(arena.num_matches, members, STATE_SIZE)


def order_at_random(arena: Arena, control: str, random: np.random.Generator) -> None:
    """Legal orders for all members."""
    matches, units = slots(arena, arena.scenario.members)
    if CONTROLS[control]:
        orders = np.zeros(len(matches), np.int32)
        random_orders(arena.words, matches, units, np.zeros((len(matches), CONTROLS[control]), np.int8), orders)
    else:
        orders = packed(random.uniform(-1, 1, (len(matches), 4)))
    arena.order(matches, units, orders)


@pytest.mark.parametrize("control", ["combat", "pack"])
@pytest.mark.parametrize("name", SCENARIOS)
def test_the_state_is_what_the_match_says(name, control):
    """50 of the 64 numbers of a hundred units at moments of many matches; the others are checked below."""
    arena = watched(name, 12, 21, control)
    random = np.random.default_rng(5)
    checked = 0
    for _ in range(30):
        order_at_random(arena, control, random)
        arena.step(int(random.integers(1, 25)))
        states = see(arena)
        for match, u in random.integers(0, (arena.num_matches, arena.scenario.members), (6, 2)):
            if not arena.units[match, f.ALIVE, u]:
                assert not states[match, u].any()
                continue
            expected = Eyes(arena, match, u).numbers()
            found = {place: float(states[match, u, place]) for place in expected}
            wanted = {place: float(min(max(number, 0), 1)) for place, number in expected.items()}
            wrong = {STATE[p].name: (found[p], wanted[p]) for p in wanted if abs(found[p] - wanted[p]) > 1e-5}
            assert not wrong, (match, u)
            checked += 1
    assert checked > 60


@pytest.mark.parametrize("species", ["MIRE_WITCH", "EMBER_SCRIBE"])
def test_enchanted_ground_of_enemies_is_seen(species):
    plan = replace(plan_named("skirmish-3v3"), first=Side(3, species=(species,)))
    arena = Arena(100, stage(plan, bundled()), bundled(), 3, observed=True)
    under = 0
    for _ in range(60):
        arena.step(5)
        states = see(arena)
        for match, u in np.argwhere(states[:, :, to.ENEMY_GROUND] > 0)[:10]:
            expected = Eyes(arena, match, u).surroundings()[to.ENEMY_GROUND]
            assert states[match, u, to.ENEMY_GROUND] == pytest.approx(expected)
            under += 1
    assert under > 50


def test_posture_says_cast_motion_offer_or_nothing():
    arena = watched("skirmish-4v4", 60, 8)
    matches, units = slots(arena, 8)
    random = np.random.default_rng(0)
    seen = set()
    for _ in range(80):
        offers = arena.legal(matches, units, 10)[:, to.USE_HARM : to.USE_FIELD + 1].any(1)
        casts = arena.units[matches, f.CAST_AT, units] != f.NEVER
        moves = arena.units[matches, f.THINK_AT, units] > arena.match[matches, f.CLOCK]
        expected = np.where(casts, 2 / 3, np.where(moves, 1 / 3, np.where(offers, 1.0, 0.0)))
        alive = arena.units[matches, f.ALIVE, units] != 0
        found = see(arena).reshape(-1, STATE_SIZE)[:, to.POSTURE]
        assert found[alive] == pytest.approx(expected[alive])
        seen |= set(np.round(found[alive], 3).tolist())
        order_at_random(arena, "combat", random)
        arena.step(5)
    assert len(seen) == 4


def test_the_dead_see_nothing():
    arena = watched("skirmish-4v4", 100, 3, None)
    arena.step(400)
    dead = arena.units[:, f.ALIVE, :8] == 0
    states = see(arena)
    assert dead.sum() > 100 and not states[dead].any()
    assert states[~dead].any(1).all()


def test_observing_changes_nothing():
    quiet, seen = watched("raid-6v3", 20, 4), watched("raid-6v3", 20, 4)
    for arena in (quiet, seen):
        random = np.random.default_rng(0)
        for _ in range(20):
            order_at_random(arena, "combat", random)
            arena.step(5)
            if arena is seen:
                before = arena.digest(), arena.tally.copy(), arena.book.copy()
                first = see(arena, arena.scenario.places)
                assert np.array_equal(see(arena, arena.scenario.places), first)
                assert arena.digest() == before[0]
                assert np.array_equal(arena.tally, before[1]) and np.array_equal(arena.book, before[2])
    assert quiet.digest() == seen.digest()


def scrambled(arena: Arena, random: np.random.Generator) -> None:
    """Numbers that a match might hold, far from what it does hold."""
    units, match = arena.units, arena.match
    shape = units[:, 0].shape
    most = arena.tables.species[units[:, f.SPECIES], f.MAX_HP]
    alive = units[:, f.ALIVE] != 0
    units[:, f.HP] = np.where(alive, 1 + random.random(shape) * (most - 1), 0)
    units[:, f.SP] = random.random(shape) * arena.tables.species[units[:, f.SPECIES], f.MAX_SP]
    height, width = arena.scenario.cells.shape[1:]
    units[:, f.X] = random.integers(0, width, shape)
    units[:, f.Y] = random.integers(0, height, shape)
    units[:, f.TARGET] = random.integers(-1, arena.scenario.members, shape)
    units[:, f.SKILL_DELAY :] = random.integers(0, 400_000, units[:, f.SKILL_DELAY :].shape)
    arena.book[:, :, f.WINDOWS : f.B_BALANCE] = random.integers(
        0, 200_000, arena.book[:, :, f.WINDOWS : f.B_BALANCE].shape
    )
    arena.book[:, :, f.LAST_HITS] = random.integers(0, 256, arena.book[:, :, f.LAST_HITS].shape)
    match[:, f.CLOCK] += random.integers(0, 2_000_000, len(match))


def survey(matches: int, rounds: int) -> int:
    """Look at many states, of true matches and of scrambled ones; returns how many."""
    looked = 0
    for mode in ("renewal", "pre-renewal"):
        for name in SCENARIOS:
            for control in CONTROLS:
                arena = watched(name, matches, looked, control, mode)
                random = np.random.default_rng(looked)
                for _ in range(rounds):
                    order_at_random(arena, control, random)
                    arena.step(int(random.integers(1, 30)))
                    kept = arena.snapshot()
                    for again in range(2):
                        if again:
                            scrambled(arena, random)
                        states = see(arena, arena.scenario.places)
                        assert np.isfinite(states).all(), (name, control)
                        assert states.min() >= 0 and states.max() <= 1, (name, control)
                        assert not states[:, :, RESERVED].any()
                        assert not states[arena.units[:, f.ALIVE] == 0].any()
                        looked += states.shape[0] * states.shape[1]
                    arena.restore(kept)
    return looked


def test_every_number_is_finite_and_in_its_range():
    assert survey(24, 8) > 50_000


@pytest.mark.slow
def test_every_number_of_a_million_states_is_finite_and_in_its_range():
    assert survey(120, 35) > 1_000_000


def test_numbers_of_a_crowd_are_clipped():
    """Twelve against twelve, all on one cell: more than the ranges allow for."""
    plan = replace(plan_named("skirmish-12v12"), maps=("open-28",))
    arena = Arena(1, stage(plan, bundled()), bundled(), 0, observed=True)
    arena.units[:, f.X], arena.units[:, f.Y] = 12, 12
    arena.units[:, f.TARGET, :12] = 12
    arena.units[:, f.TARGET, 12:] = 0
    state = dict(zip(to.state_names(), see(arena)[0, 0].tolist(), strict=True))
    assert state["targeted_by"] == state["enemies_in_range"] == state["pack_size"] == 1
    assert state["monsters_in_view"] == 1 and state["nearest_enemy"] == 0
