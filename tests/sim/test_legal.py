"""Which orders are legal when, and that no order, legal or not, breaks a law of the world."""

from dataclasses import replace
from functools import cache
from itertools import cycle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlmonster_env import contract as to
from mlmonster_env.contract import CONTROLS, MOVES, NO_SKILL, NOTHING_TO_DO, STAY
from mlmonster_env.sim import Arena, Scenario
from mlmonster_env.sim import fields as f
from mlmonster_env.sim.lab import Place, with_skills
from mlmonster_env.sim.legal import random_orders
from mlmonster_env.sim.orders import CONTROL_OF, packed
from mlmonster_env.sim.staging import stage
from mlmonster_env.sim.status_columns import FLAGS
from mlmonster_env.sim.status_table import status_id
from tests.sim.command import act, field, fighter, legal, of, put, tell, victim
from tests.sim.grounds import bundled, bundled_maps, drawn, everybody, moved_to
from tests.sim.watch import JOURNAL_RECORDS, Watch

MIDDLE = 30
MASKED = [kind for kind, actions in CONTROLS.items() if actions]
SEEDS = st.integers(0, 2**31 - 1)


@cache
def scene(name: str, skills: str = "fair") -> Scenario:
    return stage(name, bundled(), skills=skills)


def under_orders(kind: str, scenario: Scenario, matches: int, seed: int, **options) -> Arena:
    arena = Arena(matches, scenario, bundled(), seed, observed=True, **options)
    arena.put_under_orders(kind, range(scenario.members))
    arena.reset()
    return arena


def slots(arena: Arena) -> tuple[np.ndarray, np.ndarray]:
    """Every member of every match."""
    members = arena.scenario.members
    return np.divmod(np.arange(arena.num_matches * members), members)


@pytest.mark.parametrize("skills", ["fair", "free"])
@pytest.mark.parametrize("name", ["skirmish-2v2", "duel", "raid-4v2", "pack-3"])
@pytest.mark.parametrize("kind", MASKED)
def test_something_is_always_legal_and_the_dead_can_only_do_nothing(kind, name, skills):
    arena = under_orders(kind, scene(name, skills), 60, 3)
    matches, units = slots(arena)
    allowed = np.zeros((len(matches), CONTROLS[kind]), np.int8)
    orders = np.zeros(len(matches), np.int32)
    dead = 0
    for _ in range(150):
        allowed[:] = 0
        random_orders(arena.words, matches, units, allowed, orders)
        assert set(np.unique(allowed)) <= {0, 1}
        assert allowed.any(1).all()
        assert (allowed[np.arange(len(orders)), orders] == 1).all()
        assert (allowed[:, NOTHING_TO_DO[kind]] == 1).all()
        gone = arena.units[matches, f.ALIVE, units] == 0
        assert (allowed[gone].sum(1) == 1).all()
        dead += int(gone.sum())
        arena.order(matches, units, orders)
        arena.step(5)
    assert dead > 0 or name == "duel"


def test_random_orders_are_each_as_likely():
    arena = under_orders("combat", scene("skirmish-2v2"), 400, 3)
    matches, units = slots(arena)
    counts = np.zeros(10)
    expected = np.zeros(10)
    for _ in range(60):
        allowed = np.zeros((len(matches), 10), np.int8)
        orders = np.zeros(len(matches), np.int32)
        random_orders(arena.words, matches, units, allowed, orders)
        np.add.at(counts, orders, 1)
        expected += (allowed / allowed.sum(1, keepdims=True)).sum(0)
        arena.order(matches, units, orders)
        arena.step(5)
    assert abs(counts - expected).max() < 5 * np.sqrt(expected.max())


def duel(kind: str = "combat", dx: int = 1, dy: int = 0, **changes) -> Arena:
    monster = fighter(**changes)
    return field(kind, [Place(monster, 0, MIDDLE, MIDDLE), Place(victim(), 1, MIDDLE + dx, MIDDLE + dy)])


@pytest.mark.parametrize("dx", [1, 5, 9])
def test_a_free_monster_with_an_enemy_in_view_may_fight_and_move(dx):
    arena = duel(dx=dx)
    arena.step(1)
    allowed = {to.IDLE, to.ATTACK, to.MOVE_CLOSER, to.MOVE_AWAY, to.MOVE_RANDOMLY, to.CHANGE_TARGET}
    assert set(legal(arena, 0, 10)) == allowed
    act(arena, 0, to.ATTACK, 1)
    arena.units[:, f.THINK_AT, 0] = 0
    without = {to.CHANGE_TARGET} | ({to.MOVE_CLOSER} if dx == 1 else set())
    assert set(legal(arena, 0, 10)) == allowed - without


def test_nothing_but_walking_about_is_legal_where_nobody_is():
    arena = duel(dx=25)
    assert legal(arena, 0, 10) == [to.IDLE, to.MOVE_RANDOMLY]
    put(arena, 0, MIDDLE - 4, MIDDLE)
    assert legal(arena, 0, 10) == [to.IDLE, to.MOVE_RANDOMLY, to.FLEE]


def test_who_cannot_walk_may_not_be_told_to():
    arena = duel(mode=f.CAN_ATTACK)
    assert legal(arena, 0, 10) == [to.IDLE, to.ATTACK, to.CHANGE_TARGET]
    walled = duel("movement", mode=f.CAN_ATTACK)
    assert legal(walled, 0, 9) == [STAY]


def test_who_cannot_strike_may_not_be_told_to():
    arena = duel(mode=f.CAN_MOVE)
    assert set(legal(arena, 0, 10)) == {to.IDLE, to.MOVE_AWAY, to.MOVE_RANDOMLY}


def test_only_idle_is_legal_from_an_attacks_start_until_its_motion_is_over():
    arena = duel()
    motion = bundled()["RUSTFANG"].attack_motion
    tell(arena, 0, to.ATTACK)
    began = None
    for _ in range(40):
        struck = of(arena, f.ATTACKS, 0)
        arena.step(1)
        now = int(arena.clock_ms[0])
        if of(arena, f.ATTACKS, 0) > struck:
            began = of(arena, f.READY_AT, 0) - bundled()["RUSTFANG"].attack_delay
        assert began is not None
        assert (legal(arena, 0, 10) == [to.IDLE]) == (now < began + motion)


def test_only_idle_is_legal_during_a_cast_and_its_motion():
    skill = replace(bundled()["EMBER_SCRIBE"].skills[0], state="anytarget", rate=10_000, cast_ms=1500, cancelable=False)
    places = [Place(with_skills(fighter(), [skill]), 0, MIDDLE, MIDDLE), Place(victim(), 1, MIDDLE + 3, MIDDLE)]
    arena = field("combat", places)
    arena.units[:, f.TARGET, 0] = 1
    motion = bundled()["RUSTFANG"].attack_motion
    tell(arena, 0, to.USE_HARM)
    while of(arena, f.CAST_AT, 0) == f.NEVER:
        arena.step(1)
    ends = of(arena, f.CAST_AT, 0)
    while arena.clock_ms[0] < ends + motion + 300:
        assert (legal(arena, 0, 10) == [to.IDLE]) == (arena.clock_ms[0] < ends + motion)
        arena.step(1)
    assert of(arena, f.CASTS, 0) >= 1


def afflict(arena: Arena, name: str) -> None:
    """Put unit 0 under a status for five seconds."""
    status = status_id(name)
    for row, value in ((f.STATUS_ID, status), (f.STATUS_END, 5000), (f.STATUS_VALUE, 1), (f.STATUS_COUNT, 1)):
        arena.units[:, row, 0] = value
    arena.units[:, f.STATUS_FLAGS, 0] = arena.tables.statuses[status, FLAGS]
    arena.match[:, f.STATUS_AT] = 5000


@pytest.mark.parametrize("order", [to.ATTACK, to.CHANGE_TARGET])
def test_the_blind_are_told_of_nobody_farther_than_a_cell_and_take_nobody_there(order):
    far, near = duel(dx=8), duel(dx=1)
    for arena, sees in ((far, False), (near, True)):
        afflict(arena, "SC_BLIND")
        assert (order in legal(arena, 0, 10)) == sees
        tell(arena, 0, order)
        arena.step(2)
        assert (of(arena, f.TARGET, 0) == 1) == sees
    tell(far, 0, to.IDLE)
    far.step(60)
    assert order in legal(far, 0, 10)


def test_only_idle_is_legal_for_the_stunned():
    arena = duel()
    afflict(arena, "SC_STUN")
    assert legal(arena, 0, 10) == [to.IDLE]
    arena.step(60)
    assert len(legal(arena, 0, 10)) > 1


def test_moves_are_legal_where_a_step_is_free():
    ground = drawn("#######", "#..#..#", "#.....#", "#..#..#", "#######")
    arena = field("movement", [Place(fighter(), 0, 2, 2), Place(victim(), 1, 5, 1)], ground=ground)
    free = {MOVES.index(way) for way in ((0, 1), (1, 0), (0, -1), (-1, -1), (-1, 0), (-1, 1))}
    assert set(legal(arena, 0, 9)) == free | {STAY}


def test_no_skill_is_always_legal_and_nothing_else_without_a_list():
    arena = duel("skill")
    assert legal(arena, 0, 9) == [NO_SKILL]


def test_whoever_may_move_away_does():
    """All but the cornered: a legal order is not without effect."""
    arena = under_orders("combat", scene("skirmish-3v3"), 100, 9)
    matches, units = slots(arena)
    random = np.random.default_rng(0)
    walked = told = 0
    for _ in range(80):
        may = arena.legal(matches, units, 10)[:, to.MOVE_AWAY] == 1
        away = may & (random.random(len(may)) < 0.5) & (arena.match[matches, f.OVER] == 0)
        arena.order(matches, units, np.where(away, to.MOVE_AWAY, to.ATTACK).astype(np.int32))
        assert (arena.units[matches, f.ORDER, units][away] == to.MOVE_AWAY).all()
        arena.step(1)
        walks = (arena.units[matches, f.STEP_AT, units] != f.NEVER) | (arena.events.steps[matches, units] > 0)
        told += int(away.sum())
        walked += int(walks[away].sum())
        arena.step(4)
    assert told > 2000
    assert walked > 0.9 * told


@settings(max_examples=60)
@given(
    SEEDS,
    st.sampled_from(["legal", "any"]),
    st.sampled_from([*CONTROLS]),
    st.lists(st.integers(1, 9), min_size=1, max_size=4),
)
def test_no_order_breaks_a_law(seed, which, kind, chunks):
    """Mixed packs on bundled maps, told at random; `watch.py` says what must hold whatever happens."""
    scenario = moved_to(everybody(side=2), bundled_maps(), seed % 7)
    arena = under_orders(kind, scenario, 16, seed, journal_records=JOURNAL_RECORDS)
    matches, units = slots(arena)
    random = np.random.default_rng(seed)
    watched = Watch(arena)
    watched.state()
    ticks = 0
    for chunk in cycle(chunks):
        arena.order(matches, units, some_orders(arena, kind, which, random))
        watched.run(chunk)
        ticks += chunk
        if ticks > 150:
            break
    assert (arena.units[:, f.CONTROL, : scenario.members] == CONTROL_OF[kind]).all()


def some_orders(arena: Arena, kind: str, which: str, random: np.random.Generator) -> np.ndarray:
    """An order for everybody, legal or any at all."""
    matches, units = slots(arena)
    actions = CONTROLS[kind]
    if not actions:
        return packed(random.uniform(-1, 1, (len(matches), 4)))
    orders = random.integers(0, actions, len(matches)).astype(np.int32)
    if which == "legal":
        random_orders(arena.words, matches, units, np.zeros((len(matches), actions), np.int8), orders)
    return orders


@pytest.mark.parametrize("name", ["raid-4v2", "pack-3", "skirmish-12v12"])
def test_no_order_breaks_a_law_of_named_scenarios(name):
    for kind in CONTROLS:
        arena = under_orders(kind, scene(name, "free"), 12, 5, journal_records=JOURNAL_RECORDS)
        matches, units = slots(arena)
        watched = Watch(arena)
        random = np.random.default_rng(1)
        for _ in range(60):
            arena.order(matches, units, some_orders(arena, kind, "any", random))
            watched.run(5)
