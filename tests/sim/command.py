"""Monsters under orders in small worlds: who stands where, on what ground, and what they are told."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from mlmonster_env.data import Monster
from mlmonster_env.sim import Arena, Scenario
from mlmonster_env.sim import fields as f
from mlmonster_env.sim.lab import Place, dummy, without_skills
from mlmonster_env.sim.tables import compile_tables
from tests.sim.grounds import Cells, bundled, open_ground

SURE_HIT = 1000
HARDLY_DIES = 10_000_000


def fighter(name: str = "RUSTFANG", **changes: Any) -> Monster:
    """A monster without skills that hardly ever dies, looks for no prey and changes its target only when told."""
    changes = {"hp": HARDLY_DIES, "mode": f.CAN_MOVE | f.CAN_ATTACK, **changes}
    return replace(without_skills(bundled()[name]), **changes)


def victim(**changes: Any) -> Monster:
    """A monster that neither moves nor strikes, and hardly ever dies."""
    return replace(dummy(bundled()["RUSTFANG"]), **changes)


def hound(**changes: Any) -> Monster:
    """A monster under the stock AI that goes for whom it sees."""
    mode = f.CAN_MOVE | f.CAN_ATTACK | f.AGGRESSIVE_MODE | f.NO_RANDOM_WALK
    return fighter(**{"mode": mode, "attack": 1, "attack2": 1, **changes})


def field(
    kind: str | None,
    places: Sequence[Place],
    under: Sequence[int] = (0,),
    ground: Cells | None = None,
    matches: int = 1,
    seed: int = 0,
    **changes: Any,
) -> Arena:
    """An observed arena in which these places are filled and the members named by `under` obey orders of a kind."""
    tables = compile_tables(bundled(), [place.monster for place in places])
    scenario = Scenario(
        name="field",
        tables=tables,
        cells=(open_ground() if ground is None else ground)[None].copy(),
        line_ups=np.array([[tables.species_of(place.monster) for place in places]], np.int32),
        sides=np.array([place.side for place in places], np.int32),
        spots=np.array([[[[place.x, place.y] for place in places]]], np.int32),
        scatter=0,
        slave_places=0,
        random_walk=False,
        all_aggressive=False,
        time_limit_ms=0,
        regeneration_ms=0,
        phase_ms=1,
        swap_order=False,
    )
    arena = Arena(matches, replace(scenario, **changes), bundled(), seed, observed=True, journal_records=4096)
    arena.put_under_orders(kind, under)
    arena.reset()
    return arena


def tell(arena: Arena, unit: int, order: int) -> None:
    """Give a unit of every match an order."""
    matches = np.arange(arena.num_matches)
    arena.order(matches, np.full(len(matches), unit), np.full(len(matches), order, np.int32))


def tell_each(arena: Arena, orders: np.ndarray[Any, Any]) -> None:
    """Give the first units of every match orders [matches, units]."""
    matches, units = np.indices(orders.shape)
    arena.order(matches.ravel(), units.ravel(), orders.ravel().astype(np.int32))


def legal(arena: Arena, unit: int, actions: int) -> list[int]:
    """The actions that are legal for a unit of the first match."""
    found = arena.legal(np.zeros(1, np.int64), np.array([unit]), actions)[0]
    return [int(action) for action in np.flatnonzero(found)]


def act(arena: Arena, unit: int, order: int, ticks: int) -> None:
    """Let a unit do something for a while, told anew every five ticks as a learner does."""
    while ticks > 0:
        tell(arena, unit, order)
        arena.step(min(ticks, 5))
        ticks -= 5


def of(arena: Arena, row: int, unit: int) -> int:
    """A number of a unit of the first match."""
    return int(arena.units[0, row, unit])


def cell(arena: Arena, unit: int) -> tuple[int, int]:
    """Where a unit of the first match stands."""
    return of(arena, f.X, unit), of(arena, f.Y, unit)


def apart(arena: Arena, u: int, v: int) -> int:
    """Cells between two units of the first match."""
    (ux, uy), (vx, vy) = cell(arena, u), cell(arena, v)
    return max(abs(ux - vx), abs(uy - vy))


def put(arena: Arena, unit: int, x: int, y: int) -> None:
    """Move a unit of every match, as a teleport would."""
    for row, value in ((f.X, x), (f.Y, y), (f.GOAL_X, x), (f.GOAL_Y, y)):
        arena.units[:, row, unit] = value


def note_places(arena: Arena, unit: int, ticks: int) -> list[tuple[int, int]]:
    """The cells where a unit of the first match is seen in so many ticks, the first one included."""
    seen = [cell(arena, unit)]
    for _ in range(ticks):
        arena.step(1)
        seen.append(cell(arena, unit))
    return seen
