"""One moment of one match in plain objects: for pictures and for people, never for training."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlmonster_env.contract import ARCHETYPES
from mlmonster_env.sim import fields as f
from mlmonster_env.sim import skill_columns as k
from mlmonster_env.sim.areas import SIDE_BITS
from mlmonster_env.sim.setup import Scenario
from mlmonster_env.sim.tables import Int32Array, Tables

Ground = np.ndarray[Any, np.dtype[np.bool_]]  # indexed [y, x]
Covered = Callable[[int], Ground]


@dataclass(frozen=True, slots=True)
class SceneUnit:
    """Somebody on the map; between two cells `x` and `y` are fractions.

    `place` is the unit's number in its match, `side` 0 or 1. A `called` unit came into the match later, as a slave.
    """

    place: int
    name: str
    archetype: str
    side: int
    x: float
    y: float
    hp: int
    max_hp: int
    casting: bool = False
    called: bool = False
    lives: int = 1
    target: int = f.NOBODY  # the place of the unit that this one is after

    @property
    def dead(self) -> bool:
        return self.hp <= 0


@dataclass(frozen=True, slots=True)
class SceneArea:
    """Ground under a skill: all cells within `radius` of its centre, or those `cells` of them."""

    x: int
    y: int
    radius: int
    side: int
    cells: tuple[tuple[int, int], ...] | None = None

    @property
    def squares(self) -> tuple[tuple[int, int, int], ...]:
        """The squares that it is made of: x and y of the centre and radius of each."""
        if self.cells is None:
            return ((self.x, self.y, self.radius),)
        return tuple((x, y, 0) for x, y in self.cells)


@dataclass(frozen=True, slots=True)
class SceneHit:
    """A change of somebody's hp: `amount` lost, or gained if negative."""

    x: float
    y: float
    amount: int
    age_ms: int = 0


@dataclass(frozen=True, slots=True)
class Scene:
    """Members of a pack stay when they die, those called do not. Grounds are bool [height, width], indexed [y, x]."""

    title: str
    clock_ms: int
    walkable: Ground
    units: tuple[SceneUnit, ...]
    areas: tuple[SceneArea, ...] = ()
    items: tuple[tuple[int, int], ...] = ()
    hits: tuple[SceneHit, ...] = ()
    hazard: Ground | None = None

    @classmethod
    def of(cls, units: Int32Array, match: Int32Array, tables: Tables, scenario: Scenario, covered: Covered) -> "Scene":
        """The moment that a match's arrays hold; `covered` tells of an area on which cells around it it works."""
        shown = [u for u in range(units.shape[1]) if u < scenario.members or units[f.ALIVE, u]]
        places = range(f.AREAS, f.MATCH_WIDTH, f.AREA_WIDTH)
        return cls(
            title=scenario.name,
            clock_ms=int(match[f.ENDED_AT] if match[f.OVER] else match[f.TICKS] * f.THINK_MS),
            walkable=scenario.cells[match[f.MAP]] & f.WALKABLE_CELL != 0,
            hazard=scenario.cells[match[f.MAP]] & f.HAZARD_CELL != 0,
            items=tuple(
                (int(match[at + f.I_X]), int(match[at + f.I_Y]))
                for at in range(f.ITEMS, f.EVENTS, f.ITEM_WIDTH)
                if match[at + f.I_HOLDER] == f.NOBODY
            ),
            units=tuple(_unit(units[:, u], u, tables, called=u >= scenario.members) for u in shown),
            areas=tuple(_area(match[at:], tables, covered(at)) for at in places if match[at + f.A_END] != f.NEVER),
        )


def _unit(unit: Int32Array, place: int, tables: Tables, called: bool) -> SceneUnit:
    species = tables.species[unit[f.SPECIES]]
    return SceneUnit(
        place=place,
        name=tables.monsters[unit[f.SPECIES] - 1].name,
        archetype=ARCHETYPES[species[f.ARCHETYPE]],
        side=int(unit[f.SIDE]),
        x=float(unit[f.X]),
        y=float(unit[f.Y]),
        hp=int(unit[f.HP]) if unit[f.ALIVE] else 0,
        max_hp=int(species[f.MAX_HP]),
        casting=bool(unit[f.CAST_AT] != f.NEVER),
        called=called,
        lives=int(unit[f.LIVES]),
        target=int(unit[f.TARGET]),
    )


def _area(area: Int32Array, tables: Tables, covered: Ground) -> SceneArea:
    x, y = int(area[f.A_X]), int(area[f.A_Y])
    radius = int(tables.skills[area[f.A_SKILL], k.AREA_RADIUS])
    side = int(area[f.A_SIDE] & (1 << SIDE_BITS) - 1)
    cells = None
    if not covered.all():
        cells = tuple((x + int(dx) - radius, y + int(dy) - radius) for dy, dx in np.argwhere(covered))
    return SceneArea(x, y, radius, side, cells)
