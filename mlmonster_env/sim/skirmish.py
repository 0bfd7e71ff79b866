"""Skirmishes by name: two packs of the same size, or of any sizes, on open ground."""

import re

import numpy as np

from mlmonster_env.data import Bestiary, Monster
from mlmonster_env.sim import fields as f
from mlmonster_env.sim.setup import Scenario
from mlmonster_env.sim.tables import compile_tables, most_slaves

NAME = re.compile(r"skirmish(?:-(\d+)v(\d+))?")
FIELD_CELLS = 60
PACK_DISTANCE = 9
MOST_A_SIDE = 24
SLAVES_A_SIDE = 3
TIME_LIMIT_MS = 180_000
REGENERATION_MS = 6_000
WALKABLE_AND_SHOOTABLE = 3


def scenario_named(name: str, bestiary: Bestiary) -> Scenario:
    """`skirmish` (3 against 3) or `skirmish-NvM`: both sides of one species, drawn for each match."""
    match = NAME.fullmatch(name)
    if match is None:
        raise ValueError(f"scenario is {name!r}, expected 'skirmish' or 'skirmish-NvM' such as 'skirmish-5v5'")
    first, second = (int(match[1]), int(match[2])) if match[1] else (3, 3)
    for size in (first, second):
        if not 1 <= size <= MOST_A_SIDE:
            raise ValueError(f"scenario is {name!r}: a side of {size}, expected 1 to {MOST_A_SIDE}")
    return skirmish(name, bestiary, fighters(bestiary), first, second)


def fighters(bestiary: Bestiary) -> list[Monster]:
    """Monsters that a fight can be had with: they move, attack, and are neither bosses nor players' bots."""
    needed = f.CAN_MOVE | f.CAN_ATTACK
    return [
        monster
        for monster in bestiary
        if monster.mode & needed == needed
        and monster.mode & f.STATUS_IMMUNE == 0
        and not monster.player
        and monster.damage_taken == 100
        and monster.attack_range > 0
    ]


def skirmish(name: str, bestiary: Bestiary, monsters: list[Monster], first: int, second: int) -> Scenario:
    """Mirror matches of `first` against `second` monsters of one of these species, packs a few cells apart."""
    if not monsters:
        raise ValueError(f"scenario {name!r} has no monster to draw from")
    tables = compile_tables(bestiary, monsters)
    members = first + second
    sides = np.array([0] * first + [1] * second, np.int32)
    line_ups = np.repeat(np.arange(1, len(monsters) + 1, dtype=np.int32)[:, None], members, 1)
    spots = np.zeros((1, 1, members, 2), np.int32)
    spots[0, 0, :, 1] = FIELD_CELLS // 2
    spots[0, 0, :, 0] = FIELD_CELLS // 2 + np.where(sides == 0, -PACK_DISTANCE // 2, PACK_DISTANCE - PACK_DISTANCE // 2)
    calls = any(most_slaves(monster) > 0 for monster in monsters)
    return Scenario(
        name=name,
        tables=tables,
        cells=np.full((1, FIELD_CELLS, FIELD_CELLS), WALKABLE_AND_SHOOTABLE, np.uint8),
        line_ups=np.ascontiguousarray(line_ups, np.int32),
        sides=sides,
        spots=spots,
        scatter=2,
        slave_places=2 * SLAVES_A_SIDE if calls else 0,
        random_walk=True,
        all_aggressive=True,
        time_limit_ms=TIME_LIMIT_MS,
        regeneration_ms=REGENERATION_MS,
    )
