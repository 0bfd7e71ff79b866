"""What an archetype's pay costs beside the step that it is paid for."""

from time import perf_counter

import numpy as np
from rich.console import Console
from rich.table import Table

from mlmonster_env.envs.battle import Array, Battle
from mlmonster_env.sim.deeds import Events
from rewards import WEIGHTS, Payment, for_archetype
from rewards.archetypes import DUEL

MATCHES = 512
STEPS = 60
ROUNDS = 5


class Timed:
    """A reward whose time is added up."""

    def __init__(self, reward: Payment) -> None:
        self._reward = reward
        self.seconds = 0.0

    def __call__(self, events: Events) -> Array:
        start = perf_counter()
        paid: Array = self._reward(events)
        self.seconds += perf_counter() - start
        return paid


def main() -> None:
    table = Table("", "terms", "us a step", "share of the step", title=f"pay of {MATCHES} matches 3 v 3, one thread")
    for archetype in WEIGHTS:
        shares, costs = zip(*(once(archetype) for _ in range(ROUNDS)), strict=True)
        terms = str(len(for_archetype(archetype).parts))
        table.add_row(archetype, terms, f"{np.median(costs):.0f}", f"{np.median(shares):.1%}")
    Console().print(table)


def once(archetype: str) -> tuple[float, float]:
    """The share of a batch's step that goes into its pay, and microseconds a step."""
    duel = archetype == DUEL
    timed = Timed(for_archetype(archetype))
    battle = Battle(
        MATCHES, archetype=None if duel else archetype, scenario="duel" if duel else "skirmish", pack=True, reward=timed
    )
    battle.reset(np.arange(MATCHES))
    actions = np.ones(battle.num_slots, np.int64)
    battle.step(actions)
    timed.seconds = 0.0
    start = perf_counter()
    for _ in range(STEPS):
        _, terminated, truncated = battle.step(actions)
        battle.observe()
        battle.begin(np.flatnonzero(terminated | truncated))
    whole = perf_counter() - start
    return timed.seconds / whole, timed.seconds / STEPS * 1e6
