"""A reward: terms, their weights, how much of it a team shares, and how the weights change over training."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache, reduce
from numbers import Real

import numpy as np

from mlmonster_env.data.errors import one_of
from mlmonster_env.sim.deeds import Events, Factors, Sums
from rewards.terms import Array, Counted, Term, term_named


@dataclass(frozen=True, slots=True)
class Schedule:
    """How much of a term's weight holds as training goes on: from `first` to `last`, between two shares of it."""

    first: float = 1.0
    last: float = 0.0
    begins: float = 0.0
    ends: float = 1.0

    def __post_init__(self) -> None:
        for name in ("first", "last", "begins", "ends"):
            if not _is_finite(getattr(self, name)):
                raise ValueError(f"{name} is {getattr(self, name)!r}, expected a finite number")
        if self.begins > self.ends:
            raise ValueError(f"begins is {self.begins!r}, expected at most ends, which is {self.ends!r}")

    def __call__(self, progress: float) -> float:
        """The factor when a share `progress` of the training is done."""
        span = max(self.ends - self.begins, 1e-9)
        part = min(max((progress - self.begins) / span, 0.0), 1.0)
        return self.first + (self.last - self.first) * part


def custom(name: str, function: Callable[[Events], Array]) -> Term:
    """A term of one's own: a function of events that gives an array over [matches, units], or one number for all."""
    if not isinstance(name, str) or not name:
        raise ValueError(f"the name of a term is {name!r}, expected a text")
    if not callable(function):
        raise ValueError(f"the function of the term {name!r} is {function!r}, expected a function of events")
    return Term(name, (function.__doc__ or "").strip(), None, None, function)


@dataclass
class Payment:
    """What an environment's `reward=` takes: weights of terms, times `scale`, a part of the sum shared by the team.

    `progress` (0 to 1) says how far training is; terms in `schedules` fade or grow by it. `shared` is the part of what
    each member earns that all living and dead members of its side get in equal shares.
    """

    weights: Mapping[str | Term, float]
    scale: float = 1.0
    shared: float = 0.0
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    progress: float = 0.0

    def __post_init__(self) -> None:
        for name, table in (("weights", self.weights), ("schedules", self.schedules)):
            if not isinstance(table, Mapping):
                raise ValueError(f"{name} is {table!r}, expected a dict by term")
        if not _is_finite(self.shared) or not 0.0 <= self.shared <= 1.0:
            raise ValueError(f"shared is {self.shared!r}, expected 0 to 1")
        if not _is_finite(self.progress) or not 0.0 <= self.progress <= 1.0:
            raise ValueError(f"progress is {self.progress!r}, expected 0 to 1")
        if not _is_finite(self.scale):
            raise ValueError(f"scale is {self.scale!r}, expected a finite number")
        self.parts: dict[str, tuple[Term, float]] = {}
        for key, weight in self.weights.items():
            made = key if isinstance(key, Term) else term_named(key)
            if not _is_finite(weight):
                raise ValueError(f"the weight of {made.name} is {weight!r}, expected a finite number")
            if made.name in self.parts:
                raise ValueError(f"weights hold two terms called {made.name!r}, expected a name of its own for each")
            self.parts[made.name] = (made, float(weight))
        self._factors = {
            name: made.function.factors
            for name, (made, _) in self.parts.items()
            if isinstance(made.function, Counted) and not made.at_the_end
        }
        self._measured = {name: made for name, (made, _) in self.parts.items() if name not in self._factors}
        for name, schedule in self.schedules.items():
            if name not in self.parts:
                raise ValueError(f"a schedule is for {name!r}, expected {one_of(name, self.parts)}")
            if not callable(schedule):
                raise ValueError(f"the schedule of {name} is {schedule!r}, expected one, such as Schedule()")

    def __call__(self, events: Events) -> Array:
        """What every member of every match is paid for the step."""
        return self._total(events, self.prices(), self._measures(events))

    def terms(self, events: Events) -> dict[str, Array]:
        """What every unit is paid by each term; their sum is the reward."""
        return self._terms(events, self.prices(), self._measures(events))

    def total_and_terms(self, events: Events) -> tuple[Array, dict[str, Array]]:
        """Both, each term having been asked once."""
        prices, measures = self.prices(), self._measures(events)
        return self._total(events, prices, measures), self._terms(events, prices, measures)

    def prices(self) -> dict[str, float]:
        """What one of each term is worth at this point of training."""
        return {name: weight * self.scale * self.factor(name) for name, (_, weight) in self.parts.items()}

    def _measures(self, events: Events) -> dict[str, Array]:
        """What the terms say that are more than counts, those for the end where a match has ended."""
        asked = {name: t for name, t in self._measured.items() if not t.at_the_end or events.any_ended}
        return {name: made.measured(events) for name, made in asked.items()}

    def _total(self, events: Events, prices: Mapping[str, float], measures: Mapping[str, Array]) -> Array:
        total = events.summed(_together(self._counted(prices)))[0]
        paid = np.empty_like(total)
        for name, measure in measures.items():
            # At once from whatever the function gives to single precision: most of a term's time is numpy's calls.
            total += np.multiply(measure, prices[name], out=paid, dtype=np.float32, casting="unsafe")
        return team_share(events, total, self.shared) if self.shared else total

    def _terms(self, events: Events, prices: Mapping[str, float], measures: Mapping[str, Array]) -> dict[str, Array]:
        counted = dict(zip(self._factors, events.summed(_apart(self._counted(prices))), strict=True))
        found = {}
        for name in self.parts:
            paid = counted.get(name)
            if paid is None:
                paid = np.zeros(events.side.shape, np.float32)
                if name in measures:
                    np.multiply(measures[name], prices[name], out=paid, dtype=np.float32, casting="unsafe")
            found[name] = team_share(events, paid, self.shared) if self.shared else paid
        return found

    def _counted(self, prices: Mapping[str, float]) -> tuple[tuple[Factors, float], ...]:
        return tuple((factors, prices[name]) for name, factors in self._factors.items())

    def factor(self, name: str) -> float:
        """What is left of a term's weight at this point of training."""
        return self.schedules[name](self.progress) if name in self.schedules else 1.0

    def with_term(self, made: Term, weight: float) -> "Payment":
        """The same payment and one term more."""
        return replace(self, weights={**self.weights, made: weight})


def _is_finite(number: object) -> bool:
    return isinstance(number, Real) and bool(np.isfinite(float(number)))


@lru_cache(maxsize=16)
def _together(counted: tuple[tuple[Factors, float], ...]) -> Sums:
    """One sum of all that is counted, at its prices."""
    return Sums.of([reduce(Factors.plus, (factors.times(price) for factors, price in counted), Factors())])


@lru_cache(maxsize=16)
def _apart(counted: tuple[tuple[Factors, float], ...]) -> Sums:
    """A sum for each term that is counted, at its price."""
    return Sums.of([factors.times(price) for factors, price in counted])


def team_share(events: Events, paid: Array, shared: float) -> Array:
    """Give a part of what members earn to all of their side, in equal shares."""
    return paid @ _mixing(events.side[0].tobytes(), shared)  # members stand alike in every match


@lru_cache(maxsize=16)
def _mixing(sides: bytes, shared: float) -> Array:
    """How much each member gets of what each earns, for the sides of the members of a match."""
    side = np.frombuffer(sides, np.int32)
    alike = (side[:, None] == side[None, :]).astype(np.float32)
    mixing = (1.0 - shared) * np.eye(len(side), dtype=np.float32) + shared * alike / alike.sum(0)
    return mixing.astype(np.float32)
