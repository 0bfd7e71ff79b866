"""Fair skills: who takes every offer uses skills as often as the server's own monsters do.

Everybody of many mirror matches is under orders in one arena and under the stock AI in another; casts are counted per
time lived, species by species.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest

from mlmonster_env.contract import ATTACK, CONTROLS, NO_SKILL, SKILL_SLOTS, USE_FIELD, USE_HARM
from mlmonster_env.plans import Plan, Side, Start
from mlmonster_env.sim import Arena
from mlmonster_env.sim.staging import fighters, stage
from tests.sim.grounds import bundled

Numbers = np.ndarray[Any, np.dtype[np.float64]]
Indices = np.ndarray[Any, np.dtype[np.int64]]
Orders = np.ndarray[Any, np.dtype[np.int32]]

SECONDS = 60
DECISION_TICKS = 5
LARGEST_DEVIATION = 4.0  # in standard errors, the largest of about fifty
CLOSE = 0.05
A_FEW = (
    "RUSTFANG", "PIT_DUELIST", "LANTERN_SNAIL", "OLD_MOSSBACK", "HIVE_TENDER", "CHOIR_SERAPH", "EMBER_SCRIBE",
    "STORM_LANTERN", "COBBLE_GOLEM", "GLACIER_OX", "CLIFF_SLINGER", "ABYSS_LANCER",
)  # fmt: skip
# Under combat orders these lose their targets otherwise than the stock AI does, and so stand about.
TORN_APART = {
    "GALE_PLUMER": "its arrow pushes the target out of chase range, where an ordered attack lets it go at once",
    "ASH_SHEPHERD": "it teleports in a fight; the stock AI then walks back to its target, an ordered attack does not",
    "INK_DARTER": "its arrow pushes the target out of chase range, where an ordered attack lets it go at once",
}
BARRED = ("TIDE_HERMIT",)  # behind its barrier the stock AI lets its target go, and checks its skills less often
EVERYBODY = [monster.aegis_name for monster in fighters(bundled())]


@dataclass(frozen=True)
class Use:
    """Casts and time lived in each match."""

    casts: Numbers
    seconds: Numbers

    @property
    def rate(self) -> float:
        return float(self.casts.sum() / self.seconds.sum())

    @property
    def error(self) -> float:
        """The standard error of the rate."""
        return float(np.sqrt(((self.casts - self.rate * self.seconds) ** 2).sum()) / self.seconds.sum())


def acceptance(arena: Arena, control: str, matches: Indices, units: Indices) -> Orders:
    """Whatever is offered; else to attack, or no skill."""
    legal = arena.legal(matches, units, CONTROLS[control])
    first, last, other = (USE_HARM, USE_FIELD + 1, ATTACK) if control == "combat" else (0, SKILL_SLOTS, NO_SKILL)
    offered = legal[:, first:last]
    chosen: Orders = np.where(offered.any(1), first + offered.argmax(1), other).astype(np.int32)
    return chosen


@cache
def play(species: str, size: int, control: str | None, matches: int) -> Use:
    """Mirror matches of one species in contact on open ground, all of them under orders or none."""
    plan = Plan(
        name=f"offers to {species}", first=Side(size=size, species=(species,)), maps=("open-60",),
        starts=(Start("contact", (4, 4), aware=True),), time_limit_s=SECONDS, random_walk=False,
    )  # fmt: skip
    arena = Arena(matches, stage(plan, bundled()), bundled(), 1 if control is None else 2, observed=True)
    rows, units = np.divmod(np.arange(matches * 2 * size), 2 * size)
    if control is not None:
        arena.put_under_orders(control, range(2 * size))
        arena.reset()
    casts, lived = np.zeros(matches), np.zeros(matches)
    for _ in range(10 * SECONDS // DECISION_TICKS):
        if control is not None:
            arena.order(rows, units, acceptance(arena, control, rows, units))
        arena.step(DECISION_TICKS)
        casts += arena.events.casts[:, : 2 * size].sum(1)
        lived += arena.events.alive_ms[:, : 2 * size].sum(1) / 1000
    return Use(casts, lived)


def compare(names: list[str], size: int, control: str, matches: int) -> None:
    """Rates are those of the stock AI: each within its statistical error, all together within five percent."""
    stock = {name: play(name, size, None, matches) for name in names}
    ordered = {name: play(name, size, control, matches) for name in names}
    deviations = {
        name: (ordered[name].rate - stock[name].rate) / np.hypot(ordered[name].error, stock[name].error)
        for name in names
    }
    assert min(use.casts.sum() for use in stock.values()) > 50
    assert not {name: z for name, z in deviations.items() if abs(z) > LARGEST_DEVIATION}
    totals = [
        sum(use.casts.sum() for use in uses.values()) / sum(use.seconds.sum() for use in uses.values())
        for uses in (stock, ordered)
    ]
    assert totals[1] == pytest.approx(totals[0], rel=CLOSE)


def test_whoever_takes_every_slot_casts_as_often_as_stock_monsters():
    compare(list(A_FEW), 3, "skill", 200)


def test_whoever_attacks_and_takes_every_kind_casts_as_often_as_stock_monsters():
    compare(list(A_FEW), 1, "combat", 600)


@pytest.mark.slow
def test_all_species_in_packs_that_take_every_slot():
    assert len(EVERYBODY) >= 40
    compare(EVERYBODY, 3, "skill", 600)


@pytest.mark.slow
def test_all_species_in_duels_that_take_every_slot():
    compare(EVERYBODY, 1, "skill", 1000)


@pytest.mark.slow
def test_all_species_in_duels_that_attack_and_take_every_kind():
    chosen = [name for name in EVERYBODY if name not in TORN_APART and name not in BARRED]
    assert len(chosen) >= 40
    compare(chosen, 1, "combat", 1200)


@pytest.mark.slow
@pytest.mark.parametrize("species", TORN_APART)
def test_species_that_part_the_fighters(species):
    compare([species], 1, "combat", 1200)


@pytest.mark.slow
@pytest.mark.parametrize("species", BARRED)
def test_species_that_cannot_strike_for_a_while(species):
    compare([species], 1, "combat", 3000)
