"""What every unit did in the last step, as arrays that rewards and measures of behaviour read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mlmonster_env.contract import EVENTS
from mlmonster_env.data.errors import one_of
from mlmonster_env.sim import fields as f
from mlmonster_env.sim.sums import add_outcomes, gain_hp, sum_rows
from mlmonster_env.sim.tables import Int32Array, Tables

Measure = Any  # an array over [matches, units]
ROW_OF = {name: row for row, name in enumerate(EVENTS)}
OUTCOMES = ("won", "lost", "drawn")
COUNTED = (*EVENTS, *OUTCOMES)  # what happens to a unit in a step a number of times


@dataclass(frozen=True, slots=True, eq=False)  # told apart as objects, so that they may be keys
class Factors:
    """What a sum over counts gives for each of COUNTED; for hit points also in percent of the most a unit can have."""

    plain: Mapping[str, float] = field(default_factory=dict)
    in_percent: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for names, known in ((self.plain, COUNTED), (self.in_percent, EVENTS)):
            for name in names:
                if name not in known:
                    raise ValueError(f"a counted event is {name!r}, expected {one_of(name, known)}")

    def times(self, price: float) -> "Factors":
        """The same, each factor times a price."""
        plain, in_percent = ({name: price * x for name, x in some.items()} for some in (self.plain, self.in_percent))
        return Factors(plain, in_percent)

    def plus(self, other: "Factors") -> "Factors":
        """Both together."""
        plain, in_percent = dict(self.plain), dict(self.in_percent)
        for own, others in ((plain, other.plain), (in_percent, other.in_percent)):
            for name, factor in others.items():
                own[name] = own.get(name, 0.0) + factor
        return Factors(plain, in_percent)


@dataclass(frozen=True, slots=True)
class Sums:
    """Factors of several sums, as arrays: what `Events.summed` reads in every step."""

    rows: Measure
    factors: Measure
    ends: Measure
    outcomes: Measure

    @staticmethod
    def of(sums: Sequence[Factors]) -> "Sums":
        """Made ready to be summed, each by itself."""
        rows: list[int] = []
        factors: list[float] = []
        ends = []
        for one in sums:
            for some in (one.in_percent, one.plain):
                counted = {ROW_OF[name]: factor for name, factor in some.items() if name in ROW_OF}
                rows += counted.keys()
                factors += counted.values()
                ends.append(len(rows))
        outcomes = [[one.plain.get(name, 0.0) for name in OUTCOMES] for one in sums]
        return Sums(
            np.array(rows, np.uint64), np.array(factors, np.float32), np.array(ends, np.int64).reshape(-1, 2),
            np.array(outcomes, np.float32).reshape(-1, len(OUTCOMES)),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Before:
    """What stood at the beginning of a step: arrays over [matches, units]."""

    hp: Int32Array
    max_hp: Int32Array
    alive: Measure
    distance: Int32Array


class Events:
    """Arrays over [matches, units], each by its name: `events.damage_dealt`, `events["kills"]`.

    contract.EVENTS and contract.MEASURES say what the names mean. `over`, `won`, `lost` and `drawn` are true for all
    units of a match (of a side) in the step in which it ended. `side`, `archetype` and `member` tell units apart.
    Read them before the next step: some are views, and change with it.
    """

    def __init__(
        self,
        tally: Int32Array,
        units: Int32Array,
        match: Int32Array,
        book: Int32Array,
        tables: Tables,
        members: int,
        before: Before,
        ended: Measure,
    ) -> None:
        self._tally = tally
        self._units = units
        self._match = match
        self._book = book
        self._tables = tables
        self._members = members
        self._before = before
        self._ended = ended
        self.ended = np.flatnonzero(ended)  # the matches that this step has ended
        self.any_ended = len(self.ended) > 0
        self.past = np.flatnonzero((match[:, f.OVER] != 0) & ~ended)  # the matches that were over before it

    def of_members(self) -> "Events":
        """The same without units that were called into the match."""
        count = self._members
        b = self._before
        before = Before(*(array[:, :count] for array in (b.hp, b.max_hp, b.alive, b.distance)))
        events = Events(
            self._tally[:, :, :count], self._units[:, :, :count], self._match, self._book[:, :count], self._tables,
            count, before, self._ended,
        )  # fmt: skip
        # Members stand alike in every match, and the sides of one are sooner read than those of all.
        events.__dict__["side"] = np.broadcast_to(self._units[0, f.SIDE, :count], (len(self._units), count))
        return events

    def __getattr__(self, name: str) -> Measure:
        if name.startswith("_"):
            raise AttributeError(name)
        row = ROW_OF.get(name)
        if row is not None:
            return self._tally[:, row]
        measure = MAKERS.get(name)
        if measure is None:
            raise AttributeError(f"no event {name!r}, {one_of(name, self.names())}")
        found = measure(self)
        self.__dict__[name] = found
        return found

    def __getitem__(self, name: str) -> Measure:
        try:
            return getattr(self, name)
        except AttributeError as error:
            raise KeyError(str(error)) from None

    def summed(self, sums: Sums) -> Measure:
        """Sums over what the step counted: float32 over [sums, matches, units]."""
        found = np.empty((len(sums.ends), self._tally.shape[0], self._tally.shape[2]), np.float32)
        sum_rows(self._tally, sums.rows, sums.factors, sums.ends, found)
        if self.any_ended:
            add_outcomes(self._units, self._match, self.ended, sums.outcomes, found)
        return found

    def hp_gained(self, kept: float) -> Measure:
        """`kept` times hp_share, 0 where the match has ended, less hp_share_before: float32 over [matches, units].

        Nothing in matches that were over before the step.
        """
        gains = np.empty(self._before.hp.shape, np.float32)
        gain_hp(self._units, self._tally, self._before.hp, self._before.max_hp, self._ended, np.float32(kept), gains)
        gains[self.past] = 0.0
        return gains

    @staticmethod
    def names() -> list[str]:
        """Every name that an array goes by."""
        return [*EVENTS, *MAKERS]

    def _outcome(self, won: bool) -> Measure:
        """Whether a unit's side has just won, or lost."""
        found = np.zeros(self.side.shape, np.bool_)
        winner = self._match[self.ended, f.WINNER, None]
        found[self.ended] = (winner >= 0) & ((winner == self.side[self.ended]) == won)
        return found

    def _draw(self) -> Measure:
        """Whether a unit's match has just ended without a winner."""
        found = np.zeros(self.side.shape, np.bool_)
        found[self.ended] = self._match[self.ended, f.WINNER, None] < 0
        return found


def _share(hp: Measure, per_hp: Measure) -> Measure:
    return np.multiply(hp, per_hp, dtype=np.float32)  # the dead have no hit points


def _per_hp(max_hp: Measure) -> Measure:
    return np.divide(1.0, np.maximum(max_hp, 1), dtype=np.float32)


MAKERS: dict[str, Any] = {
    "distance": lambda e: e._tally[:, f.T_DISTANCE],
    "hp_share": lambda e: _share(e._units[:, f.HP], e.per_hp),
    "alive": lambda e: e._units[:, f.ALIVE] != 0,
    "lives": lambda e: e._units[:, f.LIVES] * e.alive,
    "max_hp": lambda e: np.maximum(e._tally[:, f.T_MAX_HP], 1),
    "per_hp": lambda e: _per_hp(e.max_hp),
    "percent_per_hp": lambda e: e.per_hp * np.float32(100.0),
    "hurt": lambda e: e._tally[:, f.T_HURT],
    "hurt_lately": lambda e: np.multiply(e.hurt, e.per_hp, dtype=np.float32),
    "distance_before": lambda e: e._before.distance,
    "hp_share_before": lambda e: _share(e._before.hp, _per_hp(e._before.max_hp)),
    "alive_before": lambda e: e._before.alive,
    "over": lambda e: np.broadcast_to(e._ended[:, None], e.side.shape),
    "won": lambda e: e._outcome(won=True),
    "lost": lambda e: e._outcome(won=False),
    "drawn": lambda e: e._draw(),
    "side": lambda e: e._units[:, f.SIDE],
    "archetype": lambda e: e._tables.species[:, f.ARCHETYPE][e._units[:, f.SPECIES]],
    "member": lambda e: np.broadcast_to(np.arange(e.side.shape[1]) < e._members, e.side.shape),
}
