"""The terms that rewards are made of: each a function of a step's events, over all units of all matches at once.

Hit points count in percent of the most that the unit itself can have, those that it takes from others too, so that a
term is worth as much to a large monster as to a small one. Times are seconds.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from mlmonster_env.data.errors import one_of
from mlmonster_env.sim.deeds import Events, Factors, Sums

Array = Any  # float32 over [matches, units]
TERMS: dict[str, "Term"] = {}

INTERACTION_HP = 140  # hit points in which the duel counts an exchange of blows
GAMMA = 0.99  # of the learners that shaping is made for; shaping with another one would change what is optimal
APPROACH_CELLS = 14  # beyond which being nearer is worth nothing
A_SECOND = 0.001  # of milliseconds counted


@dataclass(frozen=True, slots=True)
class Counted:
    """A term that adds up what a step counts, each event times its factor."""

    factors: Factors

    def __call__(self, events: Events) -> Array:
        return events.summed(Sums.of([self.factors]))[0]


@dataclass(frozen=True, slots=True)
class Term:
    """A named part of a reward. `low` and `high` are what one step can give, None where there is no bound."""

    name: str
    doc: str
    low: float | None
    high: float | None
    function: Callable[[Events], Array]
    at_the_end: bool = False  # pays only in the step in which a match ends

    def __reduce__(self) -> Any:
        known = TERMS.get(self.name) is self  # its function then has no name of its own in the module
        parts = (self.name, self.doc, self.low, self.high, self.function, self.at_the_end)
        return (term_named, (self.name,)) if known else (Term, parts)

    def measured(self, events: Events) -> Array:
        """What its function gives, of whatever kind of number, over [matches, units] or the same for many of them."""
        found = self.function(events)
        matches, units = events.side.shape
        # Numbers of matches alone would be taken for numbers of units where there are as many of both.
        if found is None or np.shape(found) not in ((matches, units), (matches, 1), ()):
            gave = "None" if found is None else f"numbers of shape {np.shape(found)}"
            raise ValueError(f"the term {self.name!r} gave {gave}, expected {(matches, units)}: [matches, units]")
        return found

    def __call__(self, events: Events) -> Array:
        """The term for every unit of every match."""
        if self.at_the_end and not events.any_ended:
            return np.zeros(events.side.shape, np.float32)
        paid = np.asarray(self.measured(events), np.float32)
        return paid if paid.shape == events.side.shape else np.broadcast_to(paid, events.side.shape)


def term_named(name: str) -> Term:
    """The term of a name; an error with the nearest ones if there is none."""
    if name not in TERMS:
        raise ValueError(f"term is {name!r}, expected {one_of(str(name), TERMS)}")
    return TERMS[name]


def term(
    low: float | None, high: float | None, at_the_end: bool = False
) -> Callable[[Callable[[Events], Array]], Term]:
    """Enter a function among the terms; its docstring is the term's."""

    def enter(function: Callable[[Events], Array]) -> Term:
        made = Term(function.__name__, (function.__doc__ or "").strip(), low, high, function, at_the_end)
        TERMS[made.name] = made
        return made

    return enter


def counted(name: str, doc: str, events: Mapping[str, float], high: float | None = None, low: float | None = 0) -> None:
    """Enter a sum of counted events among the terms, each times its factor."""
    TERMS[name] = Term(name, doc, low, high, Counted(Factors(events)))


def counted_percent(name: str, doc: str, hit_points: str) -> None:
    """Enter counted hit points among the terms, as percent of the most that a unit can have."""
    TERMS[name] = Term(name, doc, 0, None, Counted(Factors(in_percent={hit_points: 1.0})))


counted_percent("damage_dealt", "damage done to enemies, percent", "damage_dealt")
counted_percent("damage_taken", "hit points lost, percent", "damage_taken")
counted_percent("damage_blocked", "damage kept away by guards, shields and wards, percent", "damage_blocked")
counted_percent("spell_damage", "damage done by magic, percent", "spell_damage")
counted_percent("focus_fire", "damage done to somebody whom an ally is after too, percent", "focus_damage")
counted_percent(
    "healing_done", "hit points that its healing skills offered, percent, whether or not somebody needed them",
    "healing_done",
)  # fmt: skip
counted_percent(
    "effective_healing", "hit points that its healing skills really gave back, percent", "healing_effective"
)
counted("kill", "enemies killed", {"kills": 1})
counted("spell_kill", "enemies killed, or knocked out, by magic", {"spell_kills": 1})
counted("death", "its own death", {"deaths": 1}, high=1)
counted("ally_died", "other members of its side that died", {"allies_died": 1})
counted(
    "ally_protected", "enemies drawn away from an ally, or killed while they were after one", {"allies_protected": 1}
)
counted("win", "1 when its side wins", {"won": 1}, high=1)
counted("loss", "1 when its side loses", {"lost": 1}, high=1)
counted("draw", "1 when nobody wins", {"drawn": 1}, high=1)
counted("knock_out_given", "lives taken from enemies who had another one", {"knock_outs": 1})
counted("knock_out_received", "lives lost, having another one", {"knocked_out": 1})
counted("combo_hit", "hits on somebody who was stunned", {"combo_hits": 1})
counted("status_inflicted", "statuses put on enemies", {"statuses_inflicted": 1})
counted("survival_time", "seconds lived", {"alive_ms": A_SECOND})
counted("aggro_held", "seconds under the eyes of enemies, summed over them", {"aggro_ms": A_SECOND})
counted("danger_zone", "seconds on hazardous ground or under enemy ground skills", {"hazard_ms": A_SECOND})
counted("order_thrash", "1 for an order that differs from the one before", {"order_changes": 1}, high=1)
counted("item_picked", "items picked up", {"items_picked": 1})
counted("item_dropped", "items dropped", {"items_dropped": 1})
counted(
    "damage_interaction", "damage done less damage taken, in units of 140 hit points",
    {"damage_dealt": 1 / INTERACTION_HP, "damage_taken": -1 / INTERACTION_HP}, low=None,
)  # fmt: skip


def percent(events: Events, hit_points: Array) -> Array:
    """Hit points as a percentage of the most that a unit can have."""
    return np.multiply(hit_points, events.percent_per_hp, dtype=np.float32)


@term(0, None)
def damage_absorbed(events: Events) -> Array:
    """damage taken or kept away, percent, in a step in which an enemy struck it; none from hazardous ground alone"""
    return percent(events, (events.damage_taken + events.damage_blocked) * (events.hits_taken > 0))


@term(0, 1, at_the_end=True)
def survival(events: Events) -> Array:
    """1 when its side wins and it lives to see it"""
    return events.won & events.alive


@term(0, None)
def buff(events: Events) -> Array:
    """good statuses put on its side while there is fighting"""
    return events.buffs * in_fight(events)


@term(0, 1)
def band_5_to_10(events: Events) -> Array:
    """1 for a step in which it hit somebody, the nearest enemy being 5 to 10 cells away"""
    return in_band(events, 5, 10)


@term(0, 1)
def band_7_to_12(events: Events) -> Array:
    """1 for a step in which it hit somebody, the nearest enemy being 7 to 12 cells away"""
    return in_band(events, 7, 12)


@term(0, None)
def kiting(events: Events) -> Array:
    """hits made while nobody has hurt it for three seconds, an enemy being after it"""
    return events.hits * ((events.hurt == 0) & (events.aggro_ms > 0))


@term(0, 1)
def attack_spam(events: Events) -> Array:
    """1 for an order to fight that struck nobody"""
    return events.attack_orders > events.attacks + events.casts


@term(-1, 1)
def approach(events: Events) -> Array:
    """shaping: nearness to the nearest enemy, as a potential"""
    before = nearness(events.distance_before) * events.alive_before
    return gain(events, nearness(events.distance) * events.alive, before)


@term(-2, 2)
def hp_difference(events: Events) -> Array:
    """shaping: mean hit points of its side less those of the other, as a potential"""
    return advantage(events, events.hp_gained(GAMMA))


def in_fight(events: Events) -> Array:
    """Whether anybody in the match was hurt in this step."""
    return events.damage_taken.sum(1, keepdims=True) > 0


def in_band(events: Events, near: int, far: int) -> Array:
    """Whether a unit hit somebody while the nearest enemy was so many cells away."""
    return (events.hits > 0) & (events.distance >= near) & (events.distance <= far)


def nearness(cells: Array) -> Array:
    """1 beside an enemy, 0 from APPROACH_CELLS on."""
    return np.clip(1.0 - cells / APPROACH_CELLS, 0.0, 1.0)


def advantage(events: Events, values: Array) -> Array:
    """Of each unit, the mean of a value over its side less that over the other."""
    return values @ _advantage_of(events.side[0].tobytes())  # members stand alike in every match


@lru_cache(maxsize=16)
def _advantage_of(sides: bytes) -> Array:
    """What `advantage` multiplies by, for the sides of the members of a match."""
    signs = 1.0 - 2.0 * np.frombuffer(sides, np.int32)  # 1 for the first side, -1 for the second
    weights = np.where(signs > 0, 1.0 / max((signs > 0).sum(), 1), -1.0 / max((signs < 0).sum(), 1))
    return np.outer(weights, signs).astype(np.float32)


def gain(events: Events, after: Array, before: Array) -> Array:
    """The discounted gain of a potential, which is 0 once the match is over."""
    kept = after * np.float32(GAMMA)
    kept[events.ended] = 0.0
    kept -= before
    kept[events.past] = 0.0
    return kept
