"""What the state vector says of the last seconds, against a diary kept tick by tick in Python."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mlmonster_env import contract as to
from mlmonster_env.contract import SIGHT, STATE, STATE_SIZE
from mlmonster_env.plans import Plan, Side, Start
from mlmonster_env.sim import Arena
from mlmonster_env.sim import fields as f
from mlmonster_env.sim.lab import Place
from mlmonster_env.sim.staging import stage
from mlmonster_env.sim.views import observe_states
from tests.sim.command import field, fighter, hound, put, victim
from tests.sim.grounds import bundled

Numbers = np.ndarray[Any, np.dtype[Any]]
PAGE_MS = 500
PAGE_TICKS = 5
TEN_S, THREE_S, FIVE_S = 20, 6, 10  # pages


def fight(species: str = "CHOIR_SERAPH", matches: int = 30, seed: int = 4) -> Arena:
    """Three of a kind against three, near each other: they strike, heal, kill, and lose sight of each other."""
    plan = Plan(
        "memory", Side(3, species=(species,)), ("open-40",), (Start("near", (10, 16)),), random_walk=True,
    )  # fmt: skip
    return Arena(matches, stage(plan, bundled()), bundled(), seed, observed=True)


def see(arena: Arena) -> Numbers:
    """[matches, members, 64]"""
    members = arena.scenario.members
    matches, units = np.divmod(np.arange(arena.num_matches * members), members)
    states = np.zeros((len(matches), STATE_SIZE), np.float32)
    observe_states(arena.words, matches, units, states)
    return states.reshape(arena.num_matches, members, STATE_SIZE)


class Diary:
    """Steps an arena tick by tick and writes down what changed, on pages of half a second."""

    def __init__(self, arena: Arena) -> None:
        self.arena = arena
        self.members = arena.scenario.members
        self.shape = (arena.num_matches, self.members)
        self.taken: list[Numbers] = []
        self.dealt: list[Numbers] = []
        self.healed: list[Numbers] = []
        self.turned: list[Numbers] = []
        self.pages: list[Numbers] = []  # on which what happened before the tick's end is written
        self.turn_pages: list[Numbers] = []
        self.balances: list[Numbers] = []
        self.target = np.full(self.shape, f.NOBODY)
        self.noticed = np.full(self.shape, -1)
        self.in_view = np.zeros(self.shape, bool)
        self.page = np.zeros(arena.num_matches, np.int64)
        self.look()

    def of(self, row: int) -> Numbers:
        return self.arena.units[:, row, : self.members].astype(np.int64)

    def tick(self) -> None:
        hp, taken, dealt = self.of(f.HP), self.of(f.DAMAGE_TAKEN), self.of(f.DAMAGE_DEALT)
        self.arena.step(1)
        self.taken.append(self.of(f.DAMAGE_TAKEN) - taken)
        self.dealt.append(self.of(f.DAMAGE_DEALT) - dealt)
        self.healed.append(self.of(f.HP) - hp + self.taken[-1])
        self.pages.append(self.page)
        self.page = self.arena.match[:, f.CLOCK].astype(np.int64) // PAGE_MS
        self.turn_pages.append(self.page)
        target = self.of(f.TARGET)
        known = (target != f.NOBODY) & (self.of(f.ALIVE) != 0)
        self.turned.append(known & (self.target != f.NOBODY) & (target != self.target))
        self.target = np.where(known, target, self.target)
        self.look()

    def look(self) -> None:
        """The shares of hit points within sight, and who has just come into view."""
        x, y, hp, alive = self.of(f.X), self.of(f.Y), self.of(f.HP), self.of(f.ALIVE) != 0
        cells = np.maximum(abs(x[:, :, None] - x[:, None]), abs(y[:, :, None] - y[:, None]))
        near = (cells <= SIGHT) & alive[:, None]
        side = self.of(f.SIDE)
        friends = side[:, :, None] == side[:, None]
        own = (near * friends * hp[:, None]).sum(2)
        other = (near * ~friends * hp[:, None]).sum(2)
        self.balances.append(own / np.maximum(own + other, 1))
        seen = (near & ~friends).any(2)
        clock = np.broadcast_to(self.arena.match[:, f.CLOCK, None], self.shape)
        self.noticed = np.where(seen & ~self.in_view, clock, self.noticed)
        self.in_view = seen

    def sum_of(self, what: list[Numbers], pages: list[Numbers], count: int) -> Numbers:
        """The sum of the last so many pages, the present one included."""
        total = np.zeros(self.shape)
        for page, numbers in zip(pages, what, strict=True):
            total += numbers * (page > self.page - count)[:, None]
        return total

    def balance_before(self) -> Numbers:
        """The balance at the last whole half second five seconds ago; the present one before there was one."""
        kept = (len(self.balances) - 1) // PAGE_TICKS - FIVE_S
        old = self.arena.match[:, f.CLOCK, None] >= FIVE_S * PAGE_MS
        return np.where(old, self.balances[max(kept, 0) * PAGE_TICKS], self.balances[-1])

    def expected(self) -> dict[int, Numbers]:
        most = self.arena.tables.species[self.of(f.SPECIES), f.MAX_HP]
        taken = self.sum_of(self.taken, self.pages, TEN_S)
        dealt = self.sum_of(self.dealt, self.pages, TEN_S)
        clock = self.arena.match[:, f.CLOCK, None]
        fresh = np.where(self.in_view, np.clip(1 - (clock - self.noticed) / 3000, 0, 1), 0)
        return {
            to.HURT_IN_10_S: taken / most,
            to.HURT_IN_3_S: self.sum_of(self.taken, self.pages, THREE_S) / most,
            to.EXCHANGE: dealt / np.maximum(taken + dealt, 1),
            to.HEALED_IN_10_S: self.sum_of(self.healed, self.pages, TEN_S) / most,
            to.FICKLENESS: self.sum_of(self.turned, self.turn_pages, TEN_S) / 5,
            to.JUST_NOTICED: fresh,
            to.MOMENTUM: 0.5 + (self.balances[-1] - self.balance_before()) / 2,
        }


@pytest.mark.parametrize("species", ["CHOIR_SERAPH", "BRAMBLE_LYNX", "ABYSS_LANCER"])
def test_the_last_seconds_are_as_the_diary_has_them(species):
    arena = fight(species)
    diary = Diary(arena)
    meant = dict.fromkeys(diary.expected(), 0)
    for tick in range(350):
        diary.tick()
        if tick % 6:
            continue
        playing = (arena.match[:, f.OVER] == 0)[:, None] & (diary.of(f.ALIVE) != 0)
        states = see(arena)
        for place, numbers in diary.expected().items():
            off = abs(states[:, :, place] - np.clip(numbers, 0, 1)) * playing
            assert off.max() < 0.0015, (STATE[place].name, tick, np.unravel_index(off.argmax(), off.shape))
            meant[place] += int(((numbers > 0) & playing).sum())
    assert all(count > 50 for place, count in meant.items() if place != to.HEALED_IN_10_S), meant


@pytest.mark.parametrize("ticks", [1, 2, 5, 10])
def test_momentum_does_not_depend_on_how_long_decisions_are(ticks):
    fluctuates(ticks)


@pytest.mark.parametrize("ticks", [7, 12, 30])
def test_momentum_of_decisions_that_skip_a_page(ticks):
    fluctuates(ticks)


def fluctuates(ticks: int) -> None:
    """The change of balance lies between the least and the greatest that there were about five seconds ago."""
    arena, fine = fight(seed=9), fight(seed=9)
    diary = Diary(fine)
    for _ in range(400 // ticks):
        arena.step(ticks)
        for _ in range(ticks):
            diary.tick()
        now = len(diary.balances) - 1
        if now < 100:
            continue
        before = np.array(diary.balances[now - 50 - ticks - 5 : now - 50 + ticks + 6])
        change = 2 * see(arena)[:, :, to.MOMENTUM] - 1
        playing = (arena.match[:, f.OVER] == 0)[:, None] & (diary.of(f.ALIVE) != 0)
        late, early = diary.balances[-1] - before.max(0), diary.balances[-1] - before.min(0)
        assert (change >= late - 0.003)[playing].all(), now
        assert (change <= early + 0.003)[playing].all(), now


def test_who_came_into_view_in_the_midst_of_a_long_decision_was_noticed_then():
    long, short = (field(None, [Place(hound(), 0, 10, 10), Place(victim(), 1, 30, 10)]) for _ in range(2))
    for arena, ticks in ((long, 25), (short, 1)):
        arena.step(25)
        put(arena, 1, 22, 10)
        for _ in range(25 // ticks):
            arena.step(ticks)
    assert [see(arena)[0, 0, to.JUST_NOTICED] for arena in (long, short)] == pytest.approx([0.2, 0.2])


@pytest.mark.parametrize("species", ["CHOIR_SERAPH", "ABYSS_LANCER"])
def test_what_is_seen_does_not_depend_on_how_long_decisions_are(species):
    fine, usual, long = (fight(species, seed=2) for _ in range(3))
    fading = 0
    for _ in range(12):
        for arena, ticks in ((fine, 1), (usual, 5), (long, 25)):
            for _ in range(25 // ticks):
                arena.step(ticks)
        states = see(fine)
        assert np.array_equal(see(usual), states) and np.array_equal(see(long), states)
        noticed = states[:, :, to.JUST_NOTICED]
        fading += int(((noticed > 0) & (noticed < 1)).sum())
    assert fading > 20


def test_a_slave_recalls_the_balance_that_it_was_born_into():
    """Nobody is hurt, so from its first moment on nothing changes for it."""
    tender = bundled()["HIVE_TENDER"]
    calls = replace(tender.skills[0], rate=10_000, condition="always", delay_ms=600_000)
    mistress = replace(tender, mode=0, hp=victim().hp, skills=(calls,))
    places = [Place(mistress, 0, 30, 30), Place(victim(), 1, 36, 30)]
    arena = field(None, places, under=(), slave_places=4)
    old = 0
    for _ in range(120):
        arena.step(1)
        slaves = [u for u in range(2, 6) if arena.units[0, f.ALIVE, u]]
        states = np.zeros((len(slaves), STATE_SIZE), np.float32)
        observe_states(arena.words, np.zeros(len(slaves), np.int64), np.array(slaves, np.int64), states)
        assert states[:, to.MOMENTUM] == pytest.approx(0.5, abs=0.001)
        old += int((states[:, to.AGE] > 5.5 / 120).sum())
    assert old > 50


def test_combat_lasts_from_the_first_blow_until_ten_seconds_after_the_last():
    arena = field(None, [Place(hound(), 0, 10, 10), Place(victim(), 1, 11, 10)])
    arena.tables.species[1, f.HIT] = 1000
    first = last = None
    for tick in range(420):
        if tick == 100:
            put(arena, 1, 50, 50)
        if tick == 300:
            put(arena, 1, 11, 10)
        struck = arena.units[0, f.DAMAGE_TAKEN, 1]
        arena.step(1)
        now = int(arena.clock_ms[0])
        if arena.units[0, f.DAMAGE_TAKEN, 1] > struck:
            lines = arena.journal[0, : arena.match[0, f.JOURNAL_LINES]]
            hit = int(lines[lines[:, 1] == f.J_HIT][-1, 0])
            first = hit if first is None or last is None or hit - last > 10_000 else first
            last = hit
        fights = first is not None and last is not None and now - last <= 10_000
        expected = (now - first) / 60_000 if fights and first is not None else 0.0
        assert see(arena)[0, :, to.IN_COMBAT].tolist() == pytest.approx([expected] * 2)
    assert first is not None and first > 30_000


def test_accuracy_is_that_of_the_last_eight_attacks():
    arena = field(None, [Place(hound(), 0, 10, 10), Place(fighter(), 1, 11, 10)], matches=40)
    landed: list[list[int]] = [[] for _ in range(40)]
    for _ in range(300):
        attacks, hits = arena.units[:, f.ATTACKS, 0].copy(), arena.units[:, f.HITS, 0].copy()
        arena.step(1)
        for m in np.flatnonzero(arena.units[:, f.ATTACKS, 0] > attacks):
            landed[m].append(int(arena.units[m, f.HITS, 0] - hits[m]))
        expected = [sum(record[-8:]) / 8 for record in landed]
        assert see(arena)[:, 0, to.ACCURACY].tolist() == pytest.approx(expected)
    assert min(len(record) for record in landed) > 12
    assert len({sum(record[-8:]) for record in landed}) > 2
