"""`arena.events` says what happened in a step; measured again from hit points, journal, units' own accounts."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mlmonster_env import contract as to
from mlmonster_env.contract import EVENTS, MEASURES
from mlmonster_env.plans import Plan, Side, Start
from mlmonster_env.sim import Arena
from mlmonster_env.sim import fields as f
from mlmonster_env.sim.arena import Snapshot
from mlmonster_env.sim.deeds import Factors, Sums
from mlmonster_env.sim.lab import Place, with_skills
from mlmonster_env.sim.staging import stage
from tests.sim.command import field, fighter, hound, tell, victim
from tests.sim.grounds import bundled, named

Counts = np.ndarray[Any, np.dtype[np.int64]]
JOURNAL = 8192


def fight(*species: str, size: int = 3, matches: int = 40, seed: int = 2, random_walk: bool = True) -> Arena:
    """Packs drawn from some species, near each other on open ground."""
    side = Side(size, species=species, mixed=len(species) > 1)
    plan = Plan("events", side, ("open-40",), (Start("near", (6, 9)),), random_walk=random_walk, time_limit_s=120)
    return Arena(matches, stage(plan, bundled()), bundled(), seed, observed=True, journal_records=JOURNAL)


def sums(arena: Arena, steps: int, names: Sequence[str], ticks: int = 5) -> dict[str, Counts]:
    """Events of members, summed over steps: [matches, members] by name."""
    members = arena.scenario.members
    total = {name: np.zeros((arena.num_matches, members), np.int64) for name in names}
    for _ in range(steps):
        arena.step(ticks)
        events = arena.events
        for name in names:
            total[name] += events[name][:, :members]
    return total


def records(arena: Arena, match: int, kind: int) -> Counts:
    lines = int(arena.match[match, f.JOURNAL_LINES])
    assert lines <= JOURNAL
    told = arena.journal[match, :lines].astype(np.int64)
    chosen: Counts = told[told[:, 1] == kind]
    return chosen


def of_members(arena: Arena, row: int) -> Counts:
    return arena.units[:, row, : arena.scenario.members].astype(np.int64)


MIXED = ("BRAMBLE_LYNX", "GRAVE_CHAPLAIN", "EMBER_SCRIBE", "GLACIER_OX", "ABYSS_LANCER")


def test_sums_are_those_of_the_units_own_accounts():
    arena = fight(*MIXED)
    names = ["damage_dealt", "damage_taken", "casts", "attacks", "kills"]
    total = sums(arena, 120, names)
    rows = (f.DAMAGE_DEALT, f.DAMAGE_TAKEN, f.CASTS, f.ATTACKS, f.KILLS)
    for name, row in zip(names, rows, strict=True):
        assert np.array_equal(total[name], of_members(arena, row)), name
        assert total[name].sum() > 50, name


def test_sums_are_those_of_the_journal():
    arena = fight(*MIXED)
    total = sums(arena, 120, ["damage_dealt", "damage_taken", "kills", "deaths", "steps", "attacks", "allies_died"])
    side = arena.scenario.sides
    for match in range(arena.num_matches):
        expected = {name: np.zeros(6, np.int64) for name in total}
        for _, _, source, victim_, lost in records(arena, match, f.J_HIT):
            expected["damage_taken"][victim_] += lost
            if source >= 0 and side[source] != side[victim_]:
                expected["damage_dealt"][source] += lost
        gone: set[int] = set()
        for _, _, dead, killer, _ in records(arena, match, f.J_DEATH):
            expected["deaths"][dead] += 1
            if killer >= 0 and side[killer] != side[dead]:
                expected["kills"][killer] += 1
            gone.add(int(dead))
            for ally in range(6):
                expected["allies_died"][ally] += side[ally] == side[dead] and ally not in gone
        for kind, name in ((f.J_STEP, "steps"), (f.J_ATTACK, "attacks")):
            np.add.at(expected[name], records(arena, match, kind)[:, 2], 1)
        for name, numbers in expected.items():
            assert np.array_equal(total[name][match], numbers), (match, name)
    assert total["deaths"].sum() > 50


@pytest.mark.parametrize("ticks", [1, 5, 30])
def test_damage_dealt_is_what_enemies_lost_where_nobody_heals(ticks):
    """And where no poison or bleeding takes its share."""
    arena = fight("GLACIER_OX", "ABYSS_LANCER")
    whole = of_members(arena, f.HP)
    total = sums(arena, 600 // ticks, ["damage_dealt", "damage_taken"], ticks)
    lost = whole - of_members(arena, f.HP)
    assert np.array_equal(total["damage_taken"], lost)
    assert np.array_equal(total["damage_dealt"][:, :3].sum(1), lost[:, 3:].sum(1))
    assert np.array_equal(total["damage_dealt"][:, 3:].sum(1), lost[:, :3].sum(1))
    assert lost.sum() > 100_000


def test_hits_and_hits_taken_are_two_sides_of_one_thing():
    total = sums(fight(*MIXED), 120, ["hits", "hits_taken", "attacks"])
    assert np.array_equal(total["hits"][:, :3].sum(1), total["hits_taken"][:, 3:].sum(1))
    assert np.array_equal(total["hits"][:, 3:].sum(1), total["hits_taken"][:, :3].sum(1))
    assert total["hits"].sum() > 1000


def test_parts_are_not_more_than_the_whole():
    arena = fight(*MIXED, matches=80)
    seen = dict.fromkeys(("spell_damage", "focus_damage", "healing_effective", "combo_hits", "spell_kills"), 0)
    for _ in range(150):
        arena.step(5)
        e = arena.events
        for part, whole in (
            ("spell_damage", "damage_dealt"), ("focus_damage", "damage_dealt"), ("combo_hits", "hits"),
            ("healing_effective", "healing_done"),
        ):  # fmt: skip
            assert (e[part] <= e[whole]).all(), part
        assert (e.spell_kills <= e.kills + e.knock_outs).all()
        for part in seen:
            seen[part] += int(e[part].sum())
        assert all((e[name] >= 0).all() for name in EVENTS)
    assert min(count for name, count in seen.items() if name != "combo_hits") > 0


def test_all_of_a_spells_damage_is_magic_and_none_of_a_blows():
    spell = replace(bundled()["SPARK_IMP"].skills[0], state="anytarget", rate=10_000, delay_ms=0, cast_ms=0)
    for rows, magic in (([spell], True), ([], False)):
        monster = with_skills(hound(attack=50), rows)
        arena = field(None, [Place(monster, 0, 10, 10), Place(victim(), 1, 11, 10)])
        arena.units[:, f.TARGET, 0] = 1
        arena.units[:, f.SKILL_CHECKED, 0] = -1000
        total = sums(arena, 40, ["spell_damage", "damage_dealt", "casts"])
        assert total["damage_dealt"][0, 0] > 0
        assert total["spell_damage"][0, 0] == (total["damage_dealt"][0, 0] if magic else 0)
        assert bool(total["casts"][0, 0]) == magic


def test_healing_that_is_effective_comes_back_to_somebody():
    arena = fight("CHOIR_SERAPH", matches=60)
    total = sums(arena, 120, ["healing_done", "healing_effective", "healed", "damage_taken"])
    side = {0: slice(0, 3), 1: slice(3, 6)}
    for members in side.values():
        assert np.array_equal(total["healing_effective"][:, members].sum(1), total["healed"][:, members].sum(1))
    whole = arena.tables.species[of_members(arena, f.SPECIES), f.MAX_HP]
    assert np.array_equal(whole - total["damage_taken"] + total["healed"], of_members(arena, f.HP))
    assert 0 < total["healing_effective"].sum() < total["healing_done"].sum()


def test_time_lived_is_the_time_until_death():
    arena = fight(*MIXED)
    lived = sums(arena, 150, ["alive_ms"])["alive_ms"]
    for match in range(arena.num_matches):
        died = {int(unit): int(ms) for ms, _, unit, _, _ in records(arena, match, f.J_DEATH)}
        end = int(arena.clock_ms[match])
        for unit in range(6):
            assert abs(int(lived[match, unit]) - died.get(unit, end)) <= 200, (match, unit)


def test_a_match_is_won_once_and_by_its_winner():
    arena = fight(*MIXED, matches=80)
    total = {name: np.zeros((80, 6), np.int64) for name in ("won", "lost", "drawn", "over")}
    for _ in range(260):
        arena.step(5)
        for name, numbers in total.items():
            numbers += arena.events[name][:, :6]
    results = arena.results
    assert results.over.all()
    assert (total["over"] == 1).all()
    assert np.array_equal(total["won"] + total["lost"] + total["drawn"], total["over"])
    side = np.broadcast_to(arena.scenario.sides, (80, 6))
    assert np.array_equal(total["won"] == 1, results.winner[:, None] == side)
    assert np.array_equal(total["drawn"] == 1, np.broadcast_to(results.winner[:, None] == -1, (80, 6)))
    assert total["won"].any() and total["lost"].any()


def test_measures_are_what_holds_at_the_end_of_a_step_and_what_held_before():
    arena = fight(*MIXED)
    before: dict[str, Any] = {}
    for _ in range(100):
        arena.step(5)
        e = arena.events
        alive = arena.units[:, f.ALIVE] != 0
        x, y, side = arena.units[:, f.X], arena.units[:, f.Y], arena.units[:, f.SIDE]
        cells = np.maximum(abs(x[:, :, None] - x[:, None]), abs(y[:, :, None] - y[:, None]))
        hostile = (side[:, :, None] != side[:, None]) & alive[:, None]
        nearest = np.where(hostile, cells, 1000).min(2)
        going = alive & (arena.match[:, f.OVER] == 0)[:, None]
        assert np.array_equal(e.distance[going], nearest[going])
        most = arena.tables.species[arena.units[:, f.SPECIES], f.MAX_HP]
        assert np.allclose(e.hp_share, np.where(alive, arena.units[:, f.HP] / np.maximum(most, 1), 0))
        assert np.array_equal(e.alive, alive)
        assert np.array_equal(e.max_hp[:, :6], most[:, :6])
        if before:
            assert np.array_equal(e.alive_before, before["alive"])
            assert np.allclose(e.hp_share_before, before["hp_share"])
            assert np.array_equal(e.distance_before[before["alive"]], before["distance"][before["alive"]])
        before = {name: np.array(e[name]) for name in ("alive", "hp_share", "distance")}


def test_who_changes_shape_had_the_share_of_its_hit_points_that_it_had():
    arena = fight("SLEEPING_IDOL", "RUSTFANG")
    changed = False
    species, share = arena.units[:, f.SPECIES, :6].copy(), np.array(arena.events.of_members().hp_share)
    for _ in range(60):
        arena.step(5)
        events = arena.events.of_members()
        changed |= bool((arena.units[:, f.SPECIES, :6] != species).any())
        assert np.array_equal(events.hp_share_before, share)
        expected = 0.9 * events.hp_share * ~events.over - share
        expected[events.past] = 0.0
        assert events.hp_gained(0.9) == pytest.approx(expected, abs=1e-6)
        species, share = arena.units[:, f.SPECIES, :6].copy(), np.array(events.hp_share)
    assert changed


def test_a_state_that_was_written_down_without_the_most_hit_points_before_is_read():
    arena, other = fight(*MIXED), fight(*MIXED)
    arena.step(60)
    tree = arena.snapshot().as_tree()
    del tree["before"]["max_hp"]
    other.restore(Snapshot.of_tree(tree))
    assert np.array_equal(other.events.hp_share_before, arena.events.hp_share_before)
    arena.step(5)
    other.step(5)
    assert other.digest() == arena.digest() and np.array_equal(other.events.hp_gained(0.9), arena.events.hp_gained(0.9))


def test_looking_away_is_no_event():
    """Matches that are over, and the dead, do nothing."""
    arena = fight(*MIXED)
    sums(arena, 260, ["alive_ms"])
    assert arena.results.over.all()
    arena.step(20)
    for name in EVENTS:
        assert not arena.events[name].any(), name


def test_every_name_gives_an_array_over_matches_and_units():
    arena = Arena(3, named("duel"), bundled(), 0, observed=True)
    arena.step(5)
    names = arena.events.names()
    assert {*EVENTS, *MEASURES, "won", "lost", "drawn", "over", "side", "archetype", "member"} <= set(names)
    for name in names:
        assert arena.events[name].shape == (3, arena.scenario.places), name


def stepped_to_an_end(arena: Arena) -> None:
    for _ in range(60):
        arena.step(5)
        if 0 < len(arena.events.ended) < arena.num_matches and arena.events.damage_dealt.any():
            return
    raise AssertionError("no step ended some of the matches")


@pytest.mark.parametrize("members", [True, False])
def test_sums_are_what_the_arrays_add_up_to(members):
    arena = fight(*MIXED, size=1)
    stepped_to_an_end(arena)
    events = arena.events.of_members() if members else arena.events
    outcomes = Factors({"hits": 3.0, "won": 7.0, "lost": -5.0, "drawn": 2.0}, {"damage_dealt": 0.5, "hits": 0.1})
    sums = events.summed(Sums.of([Factors(), outcomes, Factors({"kills": 1.0}).plus(outcomes.times(2.0))]))
    shares = (0.5 * events.damage_dealt + 0.1 * events.hits) * 100.0 / events.max_hp
    expected = shares + 3.0 * events.hits + 7.0 * events.won - 5.0 * events.lost + 2.0 * events.drawn
    assert sums.dtype == np.float32 and not sums[0].any()
    assert sums[1] == pytest.approx(expected, rel=1e-5)
    assert sums[2] == pytest.approx(events.kills + 2.0 * expected, rel=1e-5)
    assert events.won.any() and not events.won.all()


@pytest.mark.parametrize(
    ("plain", "in_percent", "words"),
    [
        ({"kils": 1.0}, {}, "a counted event is 'kils', expected perhaps kills"),
        ({}, {"won": 1.0}, "a counted event is 'won', expected"),
    ],
)
def test_only_what_is_counted_can_be_summed(plain, in_percent, words):
    with pytest.raises(ValueError, match=words):
        Factors(plain, in_percent)


def test_a_gain_of_hit_points_has_nothing_left_at_the_end():
    arena = fight(*MIXED, size=1)
    stepped_to_an_end(arena)
    events = arena.events.of_members()
    expected = 0.9 * events.hp_share * ~events.over - events.hp_share_before
    assert events.hp_gained(0.9) == pytest.approx(expected, abs=1e-6)
    assert (expected[events.ended] < 0).any()


@pytest.mark.parametrize(
    ("wrong", "right"), [("damage_delt", "damage_dealt"), ("kill", "kills"), ("hpshare", "hp_share")]
)
def test_an_unknown_event_is_an_error_that_names_the_nearest(wrong, right):
    arena = fight("RUSTFANG", matches=1)
    arena.step(1)
    with pytest.raises(AttributeError, match=f"{wrong}.*{right}"):
        getattr(arena.events, wrong)
    with pytest.raises(KeyError, match=f"{wrong}.*{right}"):
        arena.events[wrong]


def test_events_need_an_account():
    arena = Arena(1, named("duel"), bundled(), 0)
    with pytest.raises(RuntimeError, match="observed=True"):
        arena.step(1)


def test_the_account_of_a_match_depends_neither_on_batch_nor_on_threads():
    one, many = fight(*MIXED, matches=1), fight(*MIXED, matches=9)
    shared = Arena(9, many.scenario, bundled(), 2, observed=True, threads=2)
    for _ in range(60):
        for arena in (one, many, shared):
            arena.step(5)
        for name in EVENTS:
            assert np.array_equal(one.events[name][0], many.events[name][0])
            assert np.array_equal(shared.events[name], many.events[name])


def test_a_step_after_restore_is_the_same_step():
    arena = fight(*MIXED)
    arena.step(50)
    kept = arena.snapshot()
    arena.step(50)
    first = {name: np.array(arena.events[name]) for name in arena.events.names()}
    arena.step(30)
    arena.restore(kept)
    arena.step(50)
    for name, numbers in first.items():
        assert np.array_equal(arena.events[name], numbers), name


def test_orders_before_a_snapshot_are_in_the_account_of_the_step_after_restore():
    arena = field("combat", [Place(fighter(), 0, 10, 10), Place(victim(), 1, 14, 10)])
    tell(arena, 0, to.ATTACK)
    kept = arena.snapshot()
    for _ in range(2):
        arena.step(5)
        assert arena.events.attack_orders[0, 0] == 1
        arena.restore(kept)
