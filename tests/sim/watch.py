"""Looks at an arena's matches after every run and says what cannot be: the laws that hold whatever happens."""

from typing import Any

import numpy as np

from mlmonster_env.data.enums import CALLING_SKILLS, PLANTING_SKILL
from mlmonster_env.sim import Arena
from mlmonster_env.sim import fields as f
from mlmonster_env.sim import skill_columns as k
from mlmonster_env.sim.tables import Int32Array

Truths = np.ndarray[Any, np.dtype[np.bool_]]

DOINGS = (f.J_ATTACK, f.J_CAST, f.J_STEP)
TIMERS = ("STEP_AT", "CAST_AT", "ATTACK_AT", "REGEN_AT")
DEEDS = ("X", "Y", "DAMAGE_DEALT", "ATTACKS", "HITS", "CASTS")
JOURNAL_RECORDS = 4096


class Watch:
    """Runs an arena (whose journal holds JOURNAL_RECORDS) and checks it; `at` remembers the state before the run."""

    def __init__(self, arena: Arena) -> None:
        assert arena.journal.shape[1] == JOURNAL_RECORDS
        self.arena = arena
        self.members = arena.scenario.members
        tables = arena.tables
        self.max_hp = tables.species[:, f.MAX_HP]
        self.max_sp = tables.species[:, f.MAX_SP]
        self.longest_cast = int(tables.rows[:, :, f.R_CAST].max())
        flags = tables.skills[tables.rows[:, :, f.R_SKILL], k.FLAGS]
        self.hurts_friends = (flags & k.HIT_FRIENDS != 0).any(1)
        self.calls = np.array([False, *(_calls(monster.skills) for monster in tables.monsters)])
        self.last_attack: dict[tuple[int, int], tuple[int, int]] = {}
        self.units = arena.units.copy()
        self.match = arena.match.copy()

    def run(self, ticks: int) -> None:
        """Let `ticks` pass, then look."""
        self.units, self.match = self.arena.units.copy(), self.arena.match.copy()
        self.arena.run(ticks)
        self.state()
        self.course()
        for number in range(self.arena.num_matches):
            self.happenings(number, self.records(number), ticks)

    def state(self) -> None:
        """What holds at any moment."""
        units, match = self.arena.units, self.arena.match
        alive = units[:, f.ALIVE] != 0
        hp, species, clock = units[:, f.HP], units[:, f.SPECIES], match[:, f.CLOCK, None]
        self.none((hp < 0) | (hp > self.max_hp[species]), "hp out of bounds")
        self.none(alive != (hp > 0), "alive without hp, or dead with some")
        self.none((units[:, f.SP] < 0) | (units[:, f.SP] > self.max_sp[species]), "sp out of bounds")
        self.none(alive & ~self.walkable(units[:, f.X], units[:, f.Y]), "in a wall or off the map")
        casts = units[:, f.CAST_AT]
        going_on = alive & (match[:, f.OVER, None] == 0)
        self.none(going_on & (casts <= clock), "a cast that is over goes on")
        self.none(going_on & (casts != f.NEVER) & (casts > clock + self.longest_cast), "a cast that takes too long")
        for timer in TIMERS:
            runs = units[:, getattr(f, timer)] != f.NEVER
            self.none(~alive & runs & (species != 0), f"{timer} of the dead runs")
        targets = units[:, f.TARGET]
        self.none((targets < f.NOBODY) | (targets >= units.shape[2]), "a target that is no unit")
        self.none(~alive & (targets != f.NOBODY) & (species != 0), "the dead have a target")
        masters = units[:, f.MASTER]
        self.none((masters < f.ON_ITS_OWN) | (masters >= units.shape[2]), "a master that is no unit")
        self.outcome()

    def outcome(self) -> None:
        """Results say what the state says."""
        arena, match = self.arena, self.arena.match
        results = arena.results
        alive = arena.units[:, f.ALIVE, : self.members] != 0
        sides = arena.scenario.sides
        left = np.stack([(alive & (sides == side)).sum(1) for side in (0, 1)], 1)
        assert np.array_equal(results.survivors, left)
        assert np.array_equal(results.over, match[:, f.OVER] != 0)
        limit = arena.scenario.time_limit_ms
        for number in range(arena.num_matches):
            winner, both = int(results.winner[number]), left[number].tolist()
            if not results.over[number]:
                assert winner == -1 and min(both) > 0, (number, both)
            elif winner >= 0:
                assert both[winner] > 0 and both[1 - winner] == 0, (number, winner, both)
            else:
                assert max(both) == 0 or results.duration_ms[number] == limit, (number, both)
        assert (results.duration_ms <= limit).all()
        assert ((results.hp_share >= 0) & (results.hp_share <= 1)).all()
        contact = results.first_contact_ms
        assert ((contact == f.NEVER) | ((contact >= 0) & (contact <= match[:, f.CLOCK]))).all()

    def course(self) -> None:
        """What may change, and which way."""
        before, now = self.units, self.arena.units
        assert (self.arena.match[:, f.CLOCK] >= self.match[:, f.CLOCK]).all(), "a clock ran backwards"
        over = self.match[:, f.OVER] != 0
        assert np.array_equal(now[over], before[over]), "a match that was over went on"
        members = slice(0, self.members)
        dead = before[:, f.ALIVE, members] == 0
        self.none(dead & (now[:, f.ALIVE, members] != 0), "a dead member came back")
        for deed in DEEDS:
            row = getattr(f, deed)
            self.none(dead & (now[:, row, members] != before[:, row, members]), f"{deed} of the dead changed")
        more = (now[:, f.ALIVE] != 0).sum(1) > (before[:, f.ALIVE] != 0).sum(1)
        called = (self.calls[before[:, f.SPECIES]] | self.calls[now[:, f.SPECIES]]).any(1)
        assert not (more & ~called).any(), "somebody came whom nobody called"

    def records(self, number: int) -> Int32Array:
        """The happenings of one match since the last look."""
        first, last = int(self.match[number, f.JOURNAL_LINES]), int(self.arena.match[number, f.JOURNAL_LINES])
        assert last - first <= JOURNAL_RECORDS, "too much happened for the journal"
        records: Int32Array = self.arena.journal[number, np.arange(first, last) % JOURNAL_RECORDS]
        return records

    def happenings(self, number: int, records: Int32Array, ticks: int) -> None:
        """What the journal of one match says."""
        if not len(records):
            return
        times = records[:, 0]
        clocks = int(self.match[number, f.CLOCK]), int(self.arena.match[number, f.CLOCK])
        assert (np.diff(times) >= 0).all(), (number, "the journal runs backwards")
        assert clocks[0] <= times[0] and times[-1] <= clocks[1], (number, clocks, times[0], times[-1])
        dead = {int(u) for u in np.flatnonzero(self.units[number, f.ALIVE, : self.members] == 0)}
        taken = np.zeros(self.units.shape[2], np.int64)
        for ms, kind, unit, other, amount in records.tolist():
            about = (number, ms, kind, unit, other, amount)
            assert not (kind in DOINGS and unit in dead), ("the dead do something", about)
            if kind == f.J_DEATH:
                assert unit not in dead, ("died twice", about)
                if unit < self.members:
                    dead.add(unit)
            elif kind == f.J_HIT:
                self.hit(number, unit, other, amount, dead, ticks, about)
                taken[other] += amount
            elif kind == f.J_ATTACK:
                assert self.enemies(number, unit, other, ticks), ("a friend attacked", about)
                assert other not in dead, ("a dead one attacked", about)
                self.attack(number, unit, ms, ticks, about)
            elif kind == f.J_STEP:
                assert self.arena.scenario.cells[self.match[number, f.MAP], amount, other] & 1, ("into a wall", about)
        lost = self.arena.units[number, f.DAMAGE_TAKEN] - self.units[number, f.DAMAGE_TAKEN]
        assert np.array_equal(lost[: self.members], taken[: self.members]), (number, "damage that nobody noted")

    def hit(self, number: int, unit: int, other: int, amount: int, dead: set[int], ticks: int, about: object) -> None:
        """A loss of hp: of the living, by an enemy, or by what hurts friends too."""
        assert amount >= 0, ("damage that heals", about)
        assert other not in dead, ("the dead were hurt", about)
        if unit != f.NOBODY:
            assert unit not in dead, ("the dead hurt somebody", about)
            hurts_friends = any(self.hurts_friends[state[number, f.SPECIES, unit]] for state in self.both())
            assert hurts_friends or self.enemies(number, unit, other, ticks), ("a friend was hurt", about)

    def attack(self, number: int, unit: int, ms: int, ticks: int, about: object) -> None:
        """Two normal attacks lie the attack delay apart, unless a status changed it."""
        if unit >= self.members:
            return
        last = self.last_attack.get((number, unit))
        if last is not None:
            assert ms - last[0] >= last[1], ("attacks too close", last, about)
        plain = all(state[number, f.STATUS_COUNT, unit] == 0 for state in self.both())
        delay = min(int(self.arena.tables.species[state[number, f.SPECIES, unit], f.ADELAY]) for state in self.both())
        # Within longer runs a status may have come and gone unseen.
        self.last_attack[number, unit] = ms, delay if plain and ticks <= 2 else 0

    def both(self) -> tuple[Int32Array, Int32Array]:
        """Units before and after the run."""
        return self.units, self.arena.units

    def enemies(self, number: int, u: int, v: int, ticks: int) -> bool:
        """Whether two units are enemies; in longer runs a place for slaves may have changed hands unseen."""
        if max(u, v) >= self.members and ticks > 1:
            return True
        sides = [{int(state[number, f.SIDE, unit]) for state in self.both()} for unit in (u, v)]
        return sides[0] != sides[1] or len(sides[0]) > 1

    def walkable(self, x: Int32Array, y: Int32Array) -> Truths:
        """Whether cells, arrays over [matches, units], can be stood on."""
        cells = self.arena.scenario.cells
        _, height, width = cells.shape
        inside = (x >= 0) & (y >= 0) & (x < width) & (y < height)
        maps = np.broadcast_to(self.arena.match[:, f.MAP, None], x.shape)
        ground: Truths = cells[maps, y.clip(0, height - 1), x.clip(0, width - 1)] & 1 != 0
        standing: Truths = inside & ground
        return standing

    def none(self, wrong: Truths, what: str) -> None:
        """Fail where anything in [matches, units] is wrong, naming the first."""
        found = np.argwhere(wrong)
        if len(found):
            number, unit = found[0]
            monster = self.arena.tables.monsters[self.arena.units[number, f.SPECIES, unit] - 1].aegis_name
            raise AssertionError(
                f"match {number}, unit {unit} ({monster}), {self.arena.match[number, f.CLOCK]} ms: {what}"
            )


def _calls(skills) -> bool:
    return any(row.skill in (*CALLING_SKILLS, PLANTING_SKILL) for row in skills)
