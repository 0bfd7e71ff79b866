"""What each archetype is paid for: one table of weights, and why one differs from the one that it started with."""

from collections.abc import Mapping
from dataclasses import dataclass

from mlmonster_env.contract import ARCHETYPES
from mlmonster_env.data.errors import one_of
from rewards.payment import Payment, Schedule
from rewards.terms import Term

DUEL = "duel"
SCALE = 0.005  # a win alone is worth 1
RETURN_RANGE = (-10.0, 10.0)  # within which the returns of matches stay
SHAPING = ("approach", "hp_difference")  # fade out over training where a schedule is asked for


@dataclass(frozen=True, slots=True)
class Weight:
    """A term's weight: what it began as (None: not in the first table), what it is, and why it was changed."""

    value: float
    began: float | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Pay:
    """The row of an archetype."""

    weights: Mapping[str, Weight]
    shared: float = 0.0
    scale: float = SCALE


def _as_begun(value: float) -> Weight:
    return Weight(value, value)


WINNING = "every archetype is paid for winning: without it the defensive earned 158 for stalling, 125 for winning"
OUTCOME = {
    "win": Weight(200.0, None, WINNING),
    "loss": Weight(-100.0, None, "the other half of it"),
    "draw": Weight(-100.0, None, "else running the clock down is as good as a fight with an even chance"),
    "hp_difference": Weight(50.0, None, "shaping: tells a good exchange of blows long before the end"),
}
FIGHT = "its first table paid for no blow, and it learnt to look for a fight late or never"
HURT = "paid for blows alone the support won 65% after four million decisions, minding hurts and deaths too 70%"
FIGHTING = {
    "damage_dealt": Weight(2.0, None, FIGHT),
    "kill": Weight(100.0, None, FIGHT),
    "damage_taken": Weight(-0.5, None, HURT),
    "death": Weight(-50.0, None, HURT),
}
WEIGHTS: dict[str, Pay] = {
    "aggressive": Pay({
        **OUTCOME,
        "damage_dealt": _as_begun(2.0),
        "kill": _as_begun(100.0),
        "damage_taken": _as_begun(-0.5),
        "death": _as_begun(-50.0),
    }),
    "defensive": Pay({
        **OUTCOME,
        **FIGHTING,
        "survival_time": Weight(0.2, 1.0, "three minutes of hiding were worth nearly as much as a win"),
        "damage_blocked": _as_begun(1.5),
        "ally_protected": _as_begun(20.0),
        "survival": _as_begun(100.0),
    }),
    "support": Pay({
        **OUTCOME,
        **FIGHTING,
        "healing_done": Weight(0.0, 2.0, "pays for healing the healthy: free skills offered 1,222%, 142% was needed"),
        "effective_healing": Weight(2.5, 4.0, "at 4 being beaten on and healed earned 1.48, winning 1.27 (random foe)"),
        "buff": _as_begun(15.0),
        "ally_died": _as_begun(-50.0),
    }, shared=0.7),
    "mage": Pay({
        **OUTCOME,
        "spell_damage": _as_begun(3.0),
        "spell_kill": _as_begun(80.0),
        "kill": _as_begun(40.0),
        "band_5_to_10": _as_begun(10.0),
    }),
    "tank": Pay({
        **OUTCOME,
        "aggro_held": Weight(0.5, 15.0, "at 15 a second being chased to the end earned 2,200, winning 560"),
        "damage_absorbed": _as_begun(2.0),
        "ally_died": _as_begun(-80.0),
        "survival": _as_begun(150.0),
    }, shared=0.7),
    "ranged": Pay({
        **OUTCOME,
        "damage_dealt": _as_begun(1.5),
        "band_7_to_12": Weight(1.0, 15.0, "at 15 a hit, keeping away came before winning: 34% in contact, 62% at 1"),
        "kiting": _as_begun(8.0),
        "damage_taken": _as_begun(-1.2),
    }),
    DUEL: Pay({
        "damage_interaction": _as_begun(1.0),
        "danger_zone": _as_begun(-0.5),
        "attack_spam": _as_begun(-0.04),
        "order_thrash": _as_begun(-0.01),
        "win": _as_begun(50.0),
        "knock_out_given": _as_begun(8.0),
        "knock_out_received": _as_begun(-8.0),
        "combo_hit": _as_begun(5.0),
        "item_picked": Weight(5.0, 10.0, "10 and 5 for two kinds of item; here there is one"),
        "item_dropped": _as_begun(-15.0),
    }, scale=0.02),
}  # fmt: skip


def for_archetype(archetype: str, shaping: Schedule | None = None) -> Payment:
    """What an environment's `reward=` takes for an archetype, or for the "duel".

    With `shaping`, such as `Schedule()`, the shaping terms fade as `progress` goes from 0 to 1.
    """
    if not isinstance(archetype, str) or archetype not in WEIGHTS:
        raise ValueError(f"archetype is {archetype!r}, expected {one_of(str(archetype), WEIGHTS)}")
    pay = WEIGHTS[archetype]
    weights: dict[str | Term, float] = {
        name: weight.value for name, weight in pay.weights.items() if weight.value != 0.0
    }
    schedules = {} if shaping is None else {name: shaping for name in SHAPING if name in weights}
    return Payment(weights, scale=pay.scale, shared=pay.shared, schedules=schedules)


assert set(ARCHETYPES) < set(WEIGHTS)
