"""Neither side of a mirror match has an advantage: who stands first in the arrays is nobody's luck."""

import numpy as np

from mlmonster_env.contract import STAY
from mlmonster_env.sim import Arena
from tests.sim.grounds import bundled, named

LUCKY = 4.0  # standard errors


def advantage(scenario: str, matches: int, stays: bool = False) -> float:
    """By how many standard errors the first side won more often than the second."""
    arena = Arena(matches, named(scenario), bundled(), 5, observed=stays)
    if stays:
        arena.put_under_orders("movement", range(arena.scenario.members))
        arena.reset()
        slots, units = np.divmod(np.arange(matches * arena.scenario.members), arena.scenario.members)
        arena.order(slots, units, np.full(len(slots), STAY, np.int32))
    arena.run(1800)
    winner = arena.results.winner
    first, second = int((winner == 0).sum()), int((winner == 1).sum())
    assert first + second > 100
    return float((first - second) / np.sqrt(first + second))


def test_packs_that_stand_and_shoot_win_as_often_on_either_side():
    assert abs(advantage("skirmish-3v3", 4000, stays=True)) < LUCKY


def test_stock_monsters_win_duels_as_often_on_either_side():
    assert abs(advantage("duel", 16000)) < LUCKY
