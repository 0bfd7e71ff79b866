"""Maps for tests: drawn as text, random, or bundled; and packs put onto them."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from mlmonster_env.data import Bestiary
from mlmonster_env.scenarios import named as plan_named
from mlmonster_env.sim import Scenario
from mlmonster_env.sim import fields as f
from mlmonster_env.sim.staging import stage

Cells = np.ndarray[Any, np.dtype[np.uint8]]

WALL, GAP, GROUND = 0, 2, 3  # bit 0: feet pass, bit 1: arrows pass
DRAWN = {"#": WALL, "~": GAP, ".": GROUND}
START_CELLS = 6


@cache
def bundled(mode: str = "renewal") -> Bestiary:
    """The bundled bestiary, read once."""
    return Bestiary.load(mode=mode)


def drawn(*lines: str) -> Cells:
    """Cells as in a drawing: `#` wall, `~` gap, `.` ground; the first line is y = 0."""
    return np.array([[DRAWN[sign] for sign in line] for line in lines], np.uint8)


@cache
def bundled_maps() -> Cells:
    """All bundled maps as [maps, height, width], with walls around the smaller ones."""
    maps = bundled().maps
    height, width = np.max([maps[name].walkable.shape for name in maps], axis=0)
    cells = np.full((len(maps), height, width), WALL, np.uint8)
    for number, name in enumerate(maps):
        ground = maps[name]
        rows, columns = ground.walkable.shape
        cells[number, :rows, :columns] = ground.walkable | ground.shootable.astype(np.uint8) << 1
    return cells


def open_ground(side: int = 60) -> Cells:
    """A map without anything in the way."""
    return np.full((side, side), GROUND, np.uint8)


@cache
def named(name: str, mode: str = "renewal") -> Scenario:
    """A scenario by name over the bundled bestiary, compiled once."""
    return stage(name, bundled(mode))


@cache
def everybody(mode: str = "renewal", side: int = 3) -> Scenario:
    """Mixed packs of all that can move or strike: bosses, the MVP, those that call others, and players' bots too."""
    monsters = [monster.aegis_name for monster in bundled(mode) if monster.mode & (f.CAN_MOVE | f.CAN_ATTACK)]
    plan = plan_named(f"skirmish-{side}v{side}")
    scenario = stage(replace(plan, name="everybody", first=replace(plan.first, species=tuple(monsters))), bundled(mode))
    line_ups = np.random.default_rng(side).integers(1, len(monsters) + 1, (512, 2 * side), np.int32)
    return replace(scenario, line_ups=line_ups)


def moved_to(scenario: Scenario, maps: Sequence[Cells] | Cells, seed: int, starts: int = 16) -> Scenario:
    """The same packs on other maps, which are of one size: everybody within a few cells of a random place."""
    cells = np.ascontiguousarray(np.stack(list(maps)), np.uint8)
    random = np.random.default_rng(seed)
    spots = np.zeros((len(cells), starts, scenario.members, 2), np.int32)
    for place, ground in enumerate(cells):
        free = np.argwhere(ground & 1)[:, ::-1]
        for start in range(starts):
            middle = free[random.integers(len(free))]
            near = free[np.abs(free - middle).max(1) <= START_CELLS]
            spots[place, start] = near[random.integers(len(near), size=scenario.members)]
    return replace(scenario, name=f"{scenario.name}, moved", cells=cells, spots=spots, scatter=0)
