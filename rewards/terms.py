"""The terms that rewards are made of: each a function of a step's events, over all units of all matches at once.

Hit points count in percent of the most that the unit itself can have, those that it takes from others too, so that a
term is worth as much to a large monster as to a small one. Times are seconds.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from mlmonster_env.sim.deeds import Events

Array = Any  # float32 over [matches, units]
TERMS: dict[str, "Term"] = {}

INTERACTION_HP = 140  # hit points in which the duel counts an exchange of blows
GAMMA = 0.99  # of the learners that shaping is made for; shaping with another one would change what is optimal
APPROACH_CELLS = 14  # beyond which being nearer is worth nothing
LATELY_UNHURT = 0.0


@dataclass(frozen=True, slots=True)
class Term:
    """A named part of a reward. `low` and `high` are what one step can give, None where there is no bound."""

    name: str
    doc: str
    low: float | None
    high: float | None
    function: Callable[[Events], Array]
    at_the_end: bool = False  # pays only in the step in which a match ends

    def __call__(self, events: Events) -> Array:
        """The term for every unit of every match."""
        if self.at_the_end and not events.any_ended:
            return np.zeros(events.side.shape, np.float32)
        paid = np.asarray(self.function(events), np.float32)
        return paid if paid.shape == events.side.shape else np.broadcast_to(paid, events.side.shape)


def term(
    low: float | None, high: float | None, at_the_end: bool = False
) -> Callable[[Callable[[Events], Array]], Term]:
    """Enter a function among the terms; its docstring is the term's."""

    def enter(function: Callable[[Events], Array]) -> Term:
        made = Term(function.__name__, (function.__doc__ or "").strip(), low, high, function, at_the_end)
        TERMS[made.name] = made
        return made

    return enter


def percent(events: Events, hit_points: Array) -> Array:
    """Hit points as a percentage of the most that a unit can have."""
    return np.multiply(hit_points, events.percent_per_hp, dtype=np.float32)


@term(0, None)
def damage_dealt(events: Events) -> Array:
    """damage done to enemies, percent"""
    return percent(events, events.damage_dealt)


@term(0, None)
def damage_taken(events: Events) -> Array:
    """hit points lost, percent"""
    return percent(events, events.damage_taken)


@term(0, None)
def damage_blocked(events: Events) -> Array:
    """damage kept away by guards, shields and wards, percent"""
    return percent(events, events.damage_blocked)


@term(0, None)
def damage_absorbed(events: Events) -> Array:
    """damage taken or kept away that enemies meant for the pack, percent; none from hazardous ground"""
    return percent(events, (events.damage_taken + events.damage_blocked) * (events.hits_taken > 0))


@term(None, None)
def damage_interaction(events: Events) -> Array:
    """damage done less damage taken, in units of 140 hit points"""
    return (events.damage_dealt - events.damage_taken) / INTERACTION_HP


@term(0, None)
def spell_damage(events: Events) -> Array:
    """damage done by magic, percent"""
    return percent(events, events.spell_damage)


@term(0, None)
def focus_fire(events: Events) -> Array:
    """damage done to somebody whom an ally is after too, percent"""
    return percent(events, events.focus_damage)


@term(0, None)
def kill(events: Events) -> Array:
    """enemies killed"""
    return events.kills


@term(0, None)
def spell_kill(events: Events) -> Array:
    """enemies killed, or knocked out, by magic"""
    return events.spell_kills


@term(0, 1)
def death(events: Events) -> Array:
    """its own death"""
    return events.deaths


@term(0, None)
def knock_out_given(events: Events) -> Array:
    """lives taken from enemies who had another one"""
    return events.knock_outs


@term(0, None)
def knock_out_received(events: Events) -> Array:
    """lives lost, having another one"""
    return events.knocked_out


@term(0, 1, at_the_end=True)
def win(events: Events) -> Array:
    """1 when its side wins"""
    return events.won


@term(0, 1, at_the_end=True)
def loss(events: Events) -> Array:
    """1 when its side loses"""
    return events.lost


@term(0, 1, at_the_end=True)
def draw(events: Events) -> Array:
    """1 when nobody wins"""
    return events.drawn


@term(0, 1, at_the_end=True)
def survival(events: Events) -> Array:
    """1 when its side wins and it lives to see it"""
    return events.won & events.alive


@term(0, None)
def survival_time(events: Events) -> Array:
    """seconds lived"""
    return events.alive_ms / 1000.0


@term(0, None)
def healing_done(events: Events) -> Array:
    """hit points that its healing skills offered, percent, whether or not somebody needed them"""
    return percent(events, events.healing_done)


@term(0, None)
def effective_healing(events: Events) -> Array:
    """hit points that its healing skills really gave back, percent"""
    return percent(events, events.healing_effective)


@term(0, None)
def buff(events: Events) -> Array:
    """good statuses put on its side while there is fighting"""
    return events.buffs * in_fight(events)


@term(0, None)
def status_inflicted(events: Events) -> Array:
    """statuses put on enemies"""
    return events.statuses_inflicted


@term(0, None)
def combo_hit(events: Events) -> Array:
    """hits on somebody who was stunned"""
    return events.combo_hits


@term(0, None)
def ally_protected(events: Events) -> Array:
    """enemies drawn away from an ally, or killed while they were after one"""
    return events.allies_protected


@term(0, None)
def ally_died(events: Events) -> Array:
    """other members of its side that died"""
    return events.allies_died


@term(0, None)
def aggro_held(events: Events) -> Array:
    """seconds under the eyes of enemies, summed over them"""
    return events.aggro_ms / 1000.0


@term(0, 1)
def band_5_to_10(events: Events) -> Array:
    """1 for a hit from 5 to 10 cells away"""
    return in_band(events, 5, 10)


@term(0, 1)
def band_7_to_12(events: Events) -> Array:
    """1 for a hit from 7 to 12 cells away"""
    return in_band(events, 7, 12)


@term(0, None)
def kiting(events: Events) -> Array:
    """hits made while nobody has hurt it for three seconds, an enemy being after it"""
    return events.hits * (events.hurt_lately <= LATELY_UNHURT) * (events.aggro_ms > 0)


@term(0, None)
def danger_zone(events: Events) -> Array:
    """seconds on hazardous ground or under enemy ground skills"""
    return events.hazard_ms / 1000.0


@term(0, 1)
def attack_spam(events: Events) -> Array:
    """1 for an order to fight that struck nobody"""
    return events.attack_orders * (events.attacks + events.casts == 0)


@term(0, 1)
def order_thrash(events: Events) -> Array:
    """1 for an order that differs from the one before"""
    return events.order_changes


@term(0, None)
def item_picked(events: Events) -> Array:
    """items picked up"""
    return events.items_picked


@term(0, None)
def item_dropped(events: Events) -> Array:
    """items dropped"""
    return events.items_dropped


@term(-1, 1)
def approach(events: Events) -> Array:
    """shaping: nearness to the nearest enemy, as a potential"""
    before = nearness(events.distance_before) * events.alive_before
    return gain(events, nearness(events.distance) * events.alive, before)


@term(-2, 2)
def hp_difference(events: Events) -> Array:
    """shaping: mean hit points of its side less those of the other, as a potential"""
    return advantage(events, gain(events, events.hp_share, events.hp_share_before))


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
    return kept
