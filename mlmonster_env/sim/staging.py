"""From a plan and a bestiary to a scenario: species drawn up, maps laid out, starts found on them."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

from mlmonster_env import hazards
from mlmonster_env.contract import ARCHETYPES
from mlmonster_env.data import Bestiary, Monster
from mlmonster_env.data.errors import one_of
from mlmonster_env.plans import Plan, Side, Start
from mlmonster_env.scenarios import plan_of
from mlmonster_env.sim import fields as f
from mlmonster_env.sim.setup import Scenario
from mlmonster_env.sim.tables import Int32Array, compile_tables, most_slaves

Cells = np.ndarray[Any, np.dtype[np.uint8]]

OPEN_MAP = re.compile(r"open-([0-9]{1,9})")
SMALLEST_MAP, LARGEST_MAP = 12, 400
SLAVES_A_SIDE = 3
REGENERATION_MS = 6_000
SCATTER = 2
STARTS_OF_A_KIND = 16  # of each way to begin, on each map
MIXED_LINE_UPS = 64
LINE_UPS_LIMIT = 4096
TRIES = 4000
EDGE_CELLS = 3  # packs do not begin nearer to a map's edge


def stage(
    scenario: str | Path | Plan, bestiary: Bestiary | None = None, archetype: str | None = None, skills: str = "fair"
) -> Scenario:
    """Make a scenario ready to be played. `skills` is "fair" (orders wait for the dice) or "free"."""
    bestiary = Bestiary.load() if bestiary is None else bestiary
    plan = plan_of(scenario).narrowed(archetype)
    if skills not in ("fair", "free"):
        raise ValueError(f"skills is {skills!r}, expected {one_of(str(skills), ('fair', 'free'))}")
    second = plan.first if plan.second is None else plan.second
    line_ups = [*_line_ups(plan, bestiary)]
    monsters = [*dict.fromkeys(monster for line in line_ups for monster in line)]
    tables = compile_tables(bestiary, monsters)
    maps = [name for name in plan.maps if _chosen(plan, name in plan.held_out_maps)] or list(plan.maps)
    cells = _layout([_map_cells(bestiary, plan, name, layout) for name in maps for layout in range(plan.layouts)])
    sizes = (plan.first.size, second.size)
    random = np.random.default_rng(crc32(plan.name.split(":")[0].encode()))
    begun = [start for start in plan.starts for _ in range(start.weight if len(plan.starts) > 1 else 1)]
    starts = [_starts(layer, plan, start, sizes, random) for start in begun for layer in cells]
    by_start = np.array(starts, np.int32).reshape(len(begun), len(cells), -1, sum(sizes), 2)
    spots = by_start.transpose(1, 0, 2, 3, 4).reshape(len(cells), -1, sum(sizes), 2)
    kinds = spots.shape[1] // len(begun)
    numbers = {monster: number for number, monster in enumerate(tables.monsters, start=1)}
    return Scenario(
        name=plan.name,
        tables=tables,
        cells=cells,
        line_ups=np.array([[numbers[monster] for monster in line] for line in line_ups], np.int32),
        sides=np.array([0] * sizes[0] + [1] * sizes[1], np.int32),
        spots=np.ascontiguousarray(spots),
        scatter=SCATTER,
        slave_places=2 * SLAVES_A_SIDE if any(most_slaves(monster) > 0 for monster in monsters) else 0,
        random_walk=plan.random_walk,
        all_aggressive=plan.aggressive,
        time_limit_ms=1000 * plan.time_limit_s,
        regeneration_ms=REGENERATION_MS,
        aware=tuple(start.aware for start in begun for _ in range(kinds)),
        start_names=tuple(start.name for start in begun for _ in range(kinds)),
        leaders=(0 if plan.first.leader else f.NOBODY, sizes[0] if second.leader else f.NOBODY),
        duel=plan.duel or plan.burns,
        lives=plan.lives,
        hazard_per_mille=round(10 * plan.hazard_percent),
        item_spots=_item_spots(cells, plan.items, random),
        free_skills=skills == "free",
    )


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


def bots(bestiary: Bestiary) -> list[Monster]:
    """Players' bots: a bestiary's own, else the bundled ones."""
    own = [monster for monster in bestiary if monster.player]
    return own or [monster for monster in _bundled(bestiary.mode) if monster.player]


@cache
def _bundled(mode: str) -> Bestiary:
    return Bestiary.load(mode=mode)


def _chosen(plan: Plan, held_out: bool) -> bool:
    return plan.split == "all" or held_out == (plan.split == "held-out")


def _candidates(plan: Plan, side: Side, bestiary: Bestiary) -> list[Monster]:
    """Whom a side's members are drawn from, in order of archetype and id."""
    groups = [[_monster(bestiary, plan, name) for name in side.species]]
    if not side.species:
        pool = sorted(bots(bestiary) if side.bots else fighters(bestiary), key=lambda monster: monster.id)
        wanted = ARCHETYPES if side.archetype is None else (side.archetype,)
        groups = [[monster for monster in pool if monster.archetype == archetype] for archetype in wanted]
    every = plan.held_out_species
    whole = not every or side.bots or len(side.species) == 1  # a foe who is always the same is not held out
    found = [m for alike in groups for i, m in enumerate(alike) if whole or _chosen(plan, i % every == every - 1)]
    if not found:
        raise ValueError(f"scenario {plan.name!r}: the bestiary has nobody for {side}")
    return found


def _monster(bestiary: Bestiary, plan: Plan, name: str) -> Monster:
    if name not in bestiary:
        known = [monster.aegis_name for monster in bestiary]
        raise ValueError(f"scenario {plan.name!r}: species is {name!r}, expected {one_of(name, known)}")
    return bestiary[name]


def _line_ups(plan: Plan, bestiary: Bestiary) -> Iterator[list[Monster]]:
    """Every line-up that a match may draw: the members of the first side, then of the second."""
    random = np.random.default_rng(crc32(plan.name.encode()))
    first = _packs(plan.first, _candidates(plan, plan.first, bestiary), random)
    if plan.second is None:
        yield from (pack + pack for pack in first)
        return
    second = _packs(plan.second, _candidates(plan, plan.second, bestiary), random)
    if plan.second.size != plan.first.size and _alike(plan.first, plan.second):
        yield from (pack + other for pack, other in zip(first, second, strict=True))
        return
    pairs = len(first) * len(second)
    chosen = np.arange(pairs) if pairs <= LINE_UPS_LIMIT else random.choice(pairs, LINE_UPS_LIMIT, replace=False)
    yield from (first[pair // len(second)] + second[pair % len(second)] for pair in chosen)


def _alike(side: Side, other: Side) -> bool:
    """Whether packs of two sides are each of one species, drawn from the same."""
    drawn = (side.bots, side.archetype, side.species) == (other.bots, other.archetype, other.species)
    return drawn and not side.mixed and not other.mixed


def _packs(side: Side, candidates: list[Monster], random: np.random.Generator) -> list[list[Monster]]:
    if side.mixed:
        picks = random.integers(0, len(candidates), (MIXED_LINE_UPS, side.size))
        packs = [[candidates[i] for i in row] for row in picks]
    else:
        packs = [[monster] * side.size for monster in candidates]
    return [[_strongest(pack[0].archetype, candidates), *pack[1:]] for pack in packs] if side.leader else packs


def _strongest(archetype: str, candidates: list[Monster]) -> Monster:
    return max((m for m in candidates if m.archetype == archetype), key=lambda m: (m.level, m.id))


def _map_cells(bestiary: Bestiary, plan: Plan, name: str, layout: int) -> Cells:
    """A map's cells with their bits, its hazards in one of their layouts included."""
    match = OPEN_MAP.fullmatch(name)
    if match is not None:
        size = int(match[1])
        if not SMALLEST_MAP <= size <= LARGEST_MAP:
            raise ValueError(f"scenario {plan.name!r}: map is {name!r}, expected {SMALLEST_MAP} to {LARGEST_MAP} cells")
        cells = np.full((size, size), f.OPEN_CELL, np.uint8)
    else:
        home = bestiary if name in bestiary.maps else _bundled(bestiary.mode)
        if name not in home.maps:
            known = dict.fromkeys(["open-60", *bestiary.maps, *_bundled(bestiary.mode).maps])
            raise ValueError(f"scenario {plan.name!r}: map is {name!r}, expected {one_of(name, known)}")
        ground = home.maps[name]
        cells = ground.walkable * np.uint8(f.WALKABLE_CELL) + ground.shootable * np.uint8(f.SHOOTABLE_CELL)
    if plan.hazard_edge:
        edge = plan.hazard_edge
        if 2 * edge >= min(cells.shape):
            raise ValueError(
                f"scenario {plan.name!r}: an edge of {edge} cells, expected less than {min(cells.shape) / 2:g}"
            )
    burning = np.zeros(cells.shape, np.bool_)
    free = cells & f.WALKABLE_CELL != 0
    if plan.hazard_edge:
        burning |= hazards.edge(free, plan.hazard_edge)
    if plan.hazard_share:
        # Of the map and its layout alone: the same whichever split or start is played.
        random = np.random.default_rng([crc32(plan.name.split(":")[0].encode()), crc32(name.encode()), layout])
        burning |= hazards.patches(free, plan.hazard_share, plan.hazard_radius, random)
    cells = np.where(burning, cells | np.uint8(f.HAZARD_CELL), cells)
    return cells.astype(np.uint8)


def _layout(maps: list[Cells]) -> Cells:
    """Maps of several sizes in one array, walls where a smaller one ends."""
    height, width = np.max([layer.shape for layer in maps], 0)
    laid = np.zeros((len(maps), height, width), np.uint8)
    for layer, cells in zip(laid, maps, strict=True):
        layer[: cells.shape[0], : cells.shape[1]] = cells
    return laid


def _starts(
    cells: Cells, plan: Plan, start: Start, sizes: tuple[int, int], random: np.random.Generator
) -> list[Int32Array]:
    """Places of all members for several matches that begin in one way on one map."""
    made = []
    for _ in range(STARTS_OF_A_KIND):
        first, second = _middles(cells, plan, start, random)
        made.append(np.array([first] * sizes[0] + [second] * sizes[1], np.int32))
    return made


def _middles(cells: Cells, plan: Plan, start: Start, random: np.random.Generator) -> tuple[Any, Any]:
    """Two cells, as far apart as the start says, between which one can walk, and away from burning ground.

    Those in the middle are where they are, even if it burns there.
    """
    near, far = start.apart
    free = np.argwhere(cells & (f.WALKABLE_CELL | f.HAZARD_CELL) == f.WALKABLE_CELL)[:, ::-1]
    low, high = free.min(0), free.max(0)
    if start.middle:
        x, y = (low + high + 1) // 2
        apart = int(random.integers(near, far + 1))
        most = 2 * (high[0] - x)
        if apart > most:
            raise ValueError(f"scenario {plan.name!r}: packs {apart} cells apart, expected at most {most}")
        return (x - apart // 2, y), (x + apart - apart // 2, y)
    inner = free[((free >= low + EDGE_CELLS) & (free <= high - EDGE_CELLS)).all(1)]
    if plan.burns:
        inner = inner[~hazards.near(cells & f.HAZARD_CELL != 0, SCATTER)[inner[:, 1], inner[:, 0]]]
    if not len(inner):
        burning = " and away from burning ground" if plan.burns else ""
        raise ValueError(
            f"scenario {plan.name!r}: a map has no free cell {EDGE_CELLS} cells from its edge{burning} to begin on, "
            "expected some"
        )
    for _ in range(TRIES):
        first = inner[random.integers(len(inner))]
        distance = abs(inner - first).max(1)
        others = inner[(distance >= near) & (distance <= far)]
        if len(others):
            second = others[random.integers(len(others))]
            if _connected(cells, tuple(first), tuple(second), 2 * far):
                return first, second
    raise ValueError(f"scenario {plan.name!r}: no two cells of a map are {near} to {far} cells apart, expected some")


def _connected(cells: Cells, first: tuple[int, int], second: tuple[int, int], most: int) -> bool:
    """Whether one can walk from a cell to another, unburnt, in at most so many steps."""
    walkable = cells & (f.WALKABLE_CELL | f.HAZARD_CELL) == f.WALKABLE_CELL
    reached = np.zeros_like(walkable)
    reached[first[1], first[0]] = True
    for _ in range(most):
        if reached[second[1], second[0]]:
            return True
        grown = reached.copy()
        grown[1:] |= reached[:-1]
        grown[:-1] |= reached[1:]
        grown[:, 1:] |= reached[:, :-1]
        grown[:, :-1] |= reached[:, 1:]
        reached = grown & walkable
    return bool(reached[second[1], second[0]])


def _item_spots(cells: Cells, items: int, random: np.random.Generator) -> Int32Array:
    """Where items lie on each map: free cells, anywhere."""
    spots = np.zeros((len(cells), items, 2), np.int32)
    for layer, places in zip(cells, spots, strict=True):
        free = np.argwhere(layer & (f.WALKABLE_CELL | f.HAZARD_CELL) == f.WALKABLE_CELL)[:, ::-1]
        places[:] = random.permutation(free)[:items]
    return spots
