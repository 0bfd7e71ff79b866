"""Fleeing to the spawn finds its way around walls."""

from dataclasses import replace

import numpy as np
import pytest

from mlmonster_env import contract as to
from mlmonster_env.scenarios import named
from mlmonster_env.sim import Arena
from mlmonster_env.sim import fields as f
from mlmonster_env.sim.staging import stage
from tests.sim.grounds import bundled

MATCHES = 60
DECISIONS = 120


def connected(cells: np.ndarray, x: int, y: int) -> np.ndarray:
    """All cells that one can walk to from a cell without cutting corners, as x and y."""
    ground = cells & f.WALKABLE_CELL != 0
    found, edge = {(x, y)}, [(x, y)]
    while edge:
        x, y = edge.pop()
        for near in ((x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1)):
            if near not in found and ground[near[1], near[0]]:
                found.add(near)
                edge.append(near)
    return np.array(sorted(found))


@pytest.mark.parametrize("place", ["cellar", "canyon", "meadow"])
def test_nearly_everybody_comes_home_from_anywhere(place):
    scenario = stage(replace(named("skirmish-1v1"), maps=(place,)), bundled())
    arena = Arena(MATCHES, scenario, bundled(), 1, observed=True)
    arena.put_under_orders("combat", [0, 1])
    arena.reset()
    spawn = arena.units[:, [f.SPAWN_X, f.SPAWN_Y], 0]
    anywhere = connected(scenario.cells[0], *spawn[0].tolist())
    chosen = anywhere[np.random.default_rng(0).integers(len(anywhere), size=MATCHES)]
    arena.units[:, [f.X, f.Y], 0] = chosen
    arena.units[:, [f.GOAL_X, f.GOAL_Y], 0] = chosen
    arena.units[:, f.MODE, 1] &= ~(f.CAN_MOVE | f.CAN_ATTACK)
    home = np.zeros(MATCHES, np.bool_)
    matches, units = np.arange(MATCHES), np.zeros(MATCHES, np.int64)
    for _ in range(DECISIONS):
        arena.order(matches, units, np.full(MATCHES, to.FLEE, np.int32))
        arena.step(5)
        home |= (arena.units[:, [f.X, f.Y], 0] == spawn).all(1)
    assert home.mean() > 0.9
