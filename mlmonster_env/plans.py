"""A plan: who fights whom, where and how it begins, and what such a declaration may say."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

import numpy as np

from mlmonster_env.contract import ARCHETYPES
from mlmonster_env.data.errors import one_of, shorten, whole

MOST_A_SIDE = 24
HEAVIEST = 16  # how often a start may come for each time of another
FARTHEST = 100  # cells between packs, of a map of any size
SPLITS = ("train", "held-out", "all")
# From and to what each number of a plan goes; a match has room for four items.
WHOLE_NUMBERS = {
    "time_limit_s": (1, 3600), "held_out_species": (0, 100), "lives": (1, 100), "hazard_edge": (0, 50),
    "items": (0, 4), "hazard_radius": (0, 10), "layouts": (1, 16),
}  # fmt: skip
PERCENTS = {"hazard_percent": 100, "hazard_share": 50}
LEAST_HAZARD = 0.1  # percent; the simulator counts thousandths


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a fight. Without `mixed` all its members are of one species, but for the leader."""

    size: int = 3
    bots: bool = False
    archetype: str | None = None
    species: tuple[str, ...] = ()
    leader: bool = False
    mixed: bool = False

    def __post_init__(self) -> None:
        _keep_whole(self, "size", 1, MOST_A_SIDE)
        _keep_names(self, "species")
        _keep_flags(self, "bots", "leader", "mixed")
        if self.archetype is not None and self.archetype not in ARCHETYPES:
            raise ValueError(f"archetype is {self.archetype!r}, expected {one_of(str(self.archetype), ARCHETYPES)}")


@dataclass(frozen=True, slots=True)
class Start:
    """One way in which matches begin: cells between the places around which the packs stand, from and to."""

    name: str
    apart: tuple[int, int]
    aware: bool = False
    middle: bool = False  # in the middle of the map, side by side, rather than anywhere
    weight: int = 1  # how often it comes, against the others

    def __post_init__(self) -> None:
        _check_name(self.name)
        cells = tuple(self.apart) if isinstance(self.apart, tuple | list) else ()
        if len(cells) != 2 or not all(whole(one) for one in cells) or not 1 <= cells[0] <= cells[1] <= FARTHEST:
            expected = f"two numbers of cells from 1 to {FARTHEST}, the smaller first, such as (8, 10)"
            raise ValueError(f"apart is {shorten(self.apart)}, expected {expected}")
        object.__setattr__(self, "apart", (int(cells[0]), int(cells[1])))
        _keep_whole(self, "weight", 1, HEAVIEST)
        _keep_flags(self, "aware", "middle")


@dataclass(frozen=True, slots=True)
class Plan:
    """A scenario as it is declared. Without `second` both sides are alike."""

    name: str
    first: Side
    maps: tuple[str, ...]
    starts: tuple[Start, ...]
    second: Side | None = None
    time_limit_s: int = 180
    aggressive: bool = True  # everybody looks for prey
    random_walk: bool = True
    held_out_maps: tuple[str, ...] = ()
    held_out_species: int = 0  # every how many-th; 0: none
    duel: bool = False
    lives: int = 1
    hazard_edge: int = 0
    hazard_percent: float = 0.0
    items: int = 0
    split: str = "train"
    hazard_share: float = 0.0  # percent of the ground that burns in patches
    hazard_radius: int = 2  # of a patch, in cells
    layouts: int = 1  # ways to strew patches over each map

    def __post_init__(self) -> None:
        _check_name(self.name)
        for name, side in (("first", self.first), ("second", self.second)):
            if not isinstance(side, Side) and (name == "first" or side is not None):
                raise ValueError(f"{name} is {shorten(side)}, expected a Side{' or None' if name == 'second' else ''}")
        for name in ("maps", "held_out_maps"):
            _keep_names(self, name)
        _keep_flags(self, "aggressive", "random_walk", "duel")
        if not self.maps or set(self.maps) == set(self.held_out_maps):
            raise ValueError(f"maps is {self.maps!r}, expected a map to train on, such as ('open-60',)")
        for held in self.held_out_maps:
            if held not in self.maps:
                raise ValueError(f"held_out_maps holds {held!r}, expected maps of this plan, {one_of(held, self.maps)}")
        if not isinstance(self.starts, tuple | list) or not all(isinstance(start, Start) for start in self.starts):
            raise ValueError(f"starts is {shorten(self.starts)}, expected a tuple of Starts")
        object.__setattr__(self, "starts", tuple(self.starts))
        called = [start.name for start in self.starts]
        if not called or len(set(called)) != len(called):
            raise ValueError(f"starts are called {called}, expected at least one, each with a name of its own")
        if self.split not in SPLITS:
            raise ValueError(f"split is {self.split!r}, expected {one_of(str(self.split), SPLITS)}")
        for name, (least, most) in WHOLE_NUMBERS.items():
            _keep_whole(self, name, least, most)
        if self.held_out_species == 1:
            raise ValueError("held_out_species is 1, which leaves nobody to train on; expected 0 or 2 to 100")
        for name, most in PERCENTS.items():
            value = getattr(self, name)
            if not isinstance(value, Real) or isinstance(value, bool) or not 0 <= float(value) <= most:
                raise ValueError(f"{name} is {value!r}, expected 0 to {most} percent")
            object.__setattr__(self, name, float(value))
        if 0 < self.hazard_percent < LEAST_HAZARD:
            raise ValueError(f"hazard_percent is {self.hazard_percent!r}, expected 0, or {LEAST_HAZARD} to 100 percent")
        if self.hazard_share > 0 and self.hazard_percent == 0:
            expected = "how much of its hp a second on burning ground costs, such as 4.0"
            raise ValueError(f"hazard_percent is 0 where ground burns, expected {expected}")

    @property
    def burns(self) -> bool:
        """Whether there is ground that hurts."""
        return self.hazard_edge > 0 or self.hazard_share > 0

    def narrowed(self, archetype: str | None = None, split: str | None = None, start: str | None = None) -> "Plan":
        """The same plan for one archetype, one split, or one of its starts."""
        plan = self
        if archetype is not None:
            if archetype not in ARCHETYPES:
                raise ValueError(f"archetype is {archetype!r}, expected {one_of(str(archetype), ARCHETYPES)}")
            second = plan.second
            if second is not None and not second.bots:
                second = replace(second, archetype=archetype)
            plan = replace(plan, first=replace(plan.first, archetype=archetype), second=second)
        if split is not None:
            if split not in SPLITS:
                raise ValueError(f"split is {split!r}, expected {one_of(str(split), SPLITS)}")
            plan = replace(plan, split=split)
        if start is not None:
            chosen = tuple(s for s in plan.starts if s.name == start)
            if not chosen:
                raise ValueError(f"start is {start!r}, expected {one_of(str(start), [s.name for s in plan.starts])}")
            plan = replace(plan, starts=chosen)
        return plan

    def weighed(self, weights: Mapping[str, int]) -> "Plan":
        """The same plan, of its starts those named, as often as told."""
        names = [start.name for start in self.starts]
        for name, weight in weights.items():
            if name not in names:
                raise ValueError(f"start is {name!r}, expected {one_of(name, names)}")
            if not 1 <= weight <= HEAVIEST:
                raise ValueError(f"start {name!r} comes {weight} times, expected 1 to {HEAVIEST}")
        starts = tuple(replace(start, weight=weights[start.name]) for start in self.starts if start.name in weights)
        return replace(self, starts=starts)


def _check_name(name: Any) -> None:
    if not isinstance(name, str) or not name or not name.isprintable():
        raise ValueError(f"name is {shorten(name)}, expected a printable text")


def _keep_whole(part: Any, name: str, least: int, most: int) -> None:
    """A number of any whole kind is kept as Python's own, so that what holds it can be written down."""
    value = getattr(part, name)
    if not whole(value) or not least <= value <= most:
        raise ValueError(f"{name} is {value!r}, expected a whole number, {least} to {most}")
    object.__setattr__(part, name, int(value))


def _keep_flags(part: Any, *names: str) -> None:
    for name in names:
        value = getattr(part, name)
        if not isinstance(value, bool | np.bool_):
            raise ValueError(f"{name} is {value!r}, expected True or False")
        object.__setattr__(part, name, bool(value))


def _keep_names(part: Any, field: str) -> None:
    """Names given as a list are kept as a tuple, so that what holds them stays one that can be a key."""
    value = getattr(part, field)
    if not isinstance(value, tuple | list) or not all(isinstance(name, str) and name for name in value):
        raise ValueError(f"{field} is {shorten(value)}, expected a tuple of names")
    object.__setattr__(part, field, tuple(value))
