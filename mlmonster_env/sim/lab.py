"""Small worlds for experiments: a few monsters on open ground, watched closely, many times over."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import wraps
from typing import ParamSpec, TypeVar

import numpy as np

from mlmonster_env.data import Bestiary, MobSkill, Monster
from mlmonster_env.data.errors import check_number
from mlmonster_env.data.mob_skill_db import MAX_LEVEL
from mlmonster_env.sim import fields as f
from mlmonster_env.sim.arena import Arena
from mlmonster_env.sim.setup import Scenario
from mlmonster_env.sim.tables import Int32Array, called_by, compile_tables, most_slaves

Given = ParamSpec("Given")
Told = TypeVar("Told")
Span = tuple[float | None, float | None]

FIELD_CELLS = 160
WALKABLE_AND_SHOOTABLE = 3
DUMMY_HP = 1_000_000_000
LEAST_SLAVES = 6  # of a side, for those that are called one by one
JOURNAL_RECORDS = 512
NUMBERS: dict[str, Span] = {"n": (1, None), "seed": (0, None), "level": (1, MAX_LEVEL)}


@dataclass(frozen=True, slots=True)
class Place:
    """A monster of an experiment: who, on which side, where."""

    monster: Monster
    side: int
    x: int
    y: int


def asked(**spans: Span) -> Callable[[Callable[Given, Told]], Callable[Given, Told]]:
    """A question whose numbers are checked, as kind by its annotations and from where to where by `spans`."""

    def checked(question: Callable[Given, Told]) -> Callable[Given, Told]:
        signature = inspect.signature(question)
        kinds = {name: of.annotation for name, of in signature.parameters.items() if of.annotation in (int, float)}

        @wraps(question)
        def answer(*given: Given.args, **named: Given.kwargs) -> Told:
            told = signature.bind(*given, **named).arguments
            for name in kinds.keys() & told.keys():
                least, most = {**NUMBERS, **spans}.get(name, (None, None))
                check_number(name, told[name], least, most, kinds[name])
            return question(*given, **named)

        return answer

    return checked


def dummy(monster: Monster) -> Monster:
    """The same monster, but it neither moves nor strikes nor uses skills, and hardly ever dies."""
    mode = monster.mode & ~(f.CAN_MOVE | f.CAN_ATTACK | f.AGGRESSIVE_MODE)
    return replace(monster, mode=mode, hp=DUMMY_HP, skills=())


def without_skills(monster: Monster) -> Monster:
    """The same monster without its skill list."""
    return replace(monster, skills=())


def with_skills(monster: Monster, skills: Sequence[MobSkill]) -> Monster:
    """The same monster with another skill list."""
    return replace(monster, skills=tuple(skills))


def with_mode(monster: Monster, add: int = 0, remove: int = 0) -> Monster:
    """The same monster with other mode bits."""
    return replace(monster, mode=(monster.mode | add) & ~remove)


def open_field(
    world: Bestiary,
    places: Sequence[Place],
    runs: int,
    seed: int,
    *,
    random_walk: bool = False,
    aggressive: bool = False,
    time_limit_ms: int = 0,
    spread: int = 0,
    journal_records: int = 0,
    slaves: bool = True,
) -> Arena:
    """An arena in which every match begins with these places; `spread` makes the field larger on every side."""
    tables = compile_tables(world, [place.monster for place in places])
    cells = FIELD_CELLS + 2 * spread
    spots = np.array([[[[place.x + spread, place.y + spread] for place in places]]], np.int32)
    callers = [place for place in places if slaves and called_by(world, place.monster)]
    needed = max(sum(most_slaves(place.monster) for place in callers if place.side == side) for side in (0, 1))
    room = max(f.MOST_PLACES - len(places), 0) // 2
    return Arena(
        runs,
        Scenario(
            name="experiment",
            tables=tables,
            cells=np.full((1, cells, cells), WALKABLE_AND_SHOOTABLE, np.uint8),
            line_ups=np.array([[tables.species_of(place.monster) for place in places]], np.int32),
            sides=np.array([place.side for place in places], np.int32),
            spots=spots,
            scatter=0,
            slave_places=2 * min(max(needed, LEAST_SLAVES), room) if callers else 0,
            random_walk=random_walk,
            all_aggressive=aggressive,
            time_limit_ms=time_limit_ms,
            regeneration_ms=0,
        ),
        world,
        seed,
        journal_records=journal_records,
    )


def take_journal(arena: Arena) -> list[Int32Array]:
    """The records of each match since the last call, (ms, kind, unit, other, amount); the journal is empty then."""
    lines = arena.match[:, f.JOURNAL_LINES]
    size = arena.journal.shape[1]
    if lines.max(initial=0) > size:
        raise RuntimeError(f"a journal of {size} records overflowed: {lines.max()} were written; take it more often")
    records = [arena.journal[m, : lines[m]].copy() for m in range(len(lines))]
    lines[:] = 0
    return records


def watch(arena: Arena, ticks: int, every: int = 20) -> list[Int32Array]:
    """Run and gather each match's whole journal."""
    parts: list[list[Int32Array]] = [[] for _ in range(arena.num_matches)]
    while ticks > 0:
        arena.run(min(every, ticks))
        ticks -= every
        for part, records in zip(parts, take_journal(arena), strict=True):
            part.append(records)
    return [np.concatenate(part) for part in parts]


def of_kind(records: Int32Array, kind: int, unit: int) -> Int32Array:
    """The records of one kind that one unit made."""
    chosen: Int32Array = records[(records[:, 1] == kind) & (records[:, 2] == unit)]
    return chosen


def set_target(arena: Arena, unit: int, target: int) -> None:
    """Make a unit's mind choose a target, as a script would."""
    arena.units[:, f.TARGET, unit] = target
