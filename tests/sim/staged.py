"""Small worlds for one rule each: motionless monsters, and one made-up skill that the first of them has."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from mlmonster_env.data import Bestiary, MobSkill, Monster
from mlmonster_env.sim import fields as f
from mlmonster_env.sim import skill_columns as k
from mlmonster_env.sim.arena import Arena
from mlmonster_env.sim.lab import Place, dummy, open_field
from mlmonster_env.sim.status_table import status_id

RENEWAL, PRE_RENEWAL = "renewal", "pre-renewal"
MIDDLE = 80
MADE_UP = 1  # the row of the one skill in a world's table
HP = 1_000_000
POINTS = 1000
EXACT = k.IGNORE_DEFENSE | k.IGNORE_ELEMENT

STRIKE = {
    k.EFFECT: k.STRIKE, k.AIM: k.AIM_HARM, k.DAMAGE: k.MISC, k.FORMULA: k.BASE_FIXED, k.FORMULA_ARGUMENT: POINTS,
    k.RATIO: 100, k.HITS: 1, k.WAVES: 1, k.REACH: 14, k.IMMEDIATE: 1, k.FLAGS: EXACT,
}  # fmt: skip
BLESS = {k.EFFECT: k.GIVE_STATUS, k.AIM: k.AIM_SUPPORT, k.REACH: 14, k.WAVES: 1}
AREA = {
    **STRIKE, k.EFFECT: k.AREA, k.AIM: k.AIM_GROUND, k.CENTRE: k.AT_GROUND, k.AREA_PULSE: k.PULSE_STRIKE,
    k.AREA_MS: 2150, k.AREA_INTERVAL: 500, k.AREA_RADIUS: 2,
}  # fmt: skip


@cache
def world(mode: str) -> Bestiary:
    return Bestiary.load(None, mode)


def plain(rules: str = RENEWAL, /, **changes: int) -> Monster:
    """A motionless monster of middling numbers that resists nothing."""
    numbers: dict[str, Any] = {
        "hp": HP, "level": 50, "str": 1, "agi": 1, "vit": 0, "int": 0, "dex": 1, "luk": 0, "defense": 0, "mode": 0,
        "magic_defense": 0, "race": 2, "size": 1, "element": 0, "element_level": 1, "damage_taken": 100, "sp": 100,
    }  # fmt: skip
    model = next(monster for monster in world(rules) if not monster.player)
    return replace(dummy(model), **(numbers | changes))


@dataclass
class Stage:
    """Matches in which unit 0 has the made-up skill."""

    arena: Arena

    def cast(self, at: int, cell: tuple[int, int] = (MIDDLE, MIDDLE)) -> None:
        """Let unit 0 be at the end of its cast on a unit, or on a cell."""
        units = self.arena.units
        units[:, f.CAST_AT, 0] = self.arena.match[:, f.CLOCK]
        units[:, f.CAST_SKILL, 0] = MADE_UP
        units[:, f.CAST_ROW, 0] = 0
        units[:, f.CAST_ON, 0] = at
        units[:, f.CAST_X, 0], units[:, f.CAST_Y, 0] = cell
        self.arena.run(1)

    def wait(self, ms: int) -> None:
        self.arena.run(ms // f.THINK_MS)

    def of(self, row: int, unit: int) -> int:
        return int(self.arena.units[0, row, unit])

    def turn(self, unit: int, dx: int, dy: int) -> None:
        """Let a unit face a way, as steps along x and y."""
        word, shift = f.PATH + f.FACING // 8, f.FACING % 8 * 4
        bits = np.uint32((dy + 1) * 3 + dx + 1) << np.uint32(shift)
        self.arena.units[:, word, unit] = bits.astype(np.uint32).view(np.int32)

    def faces(self, unit: int) -> tuple[int, int]:
        """Which way a unit faces."""
        code = self.of(f.PATH + f.FACING // 8, unit) >> f.FACING % 8 * 4 & 15
        return code % 3 - 1, code // 3 - 1

    def wall(self, x: int, y: int) -> None:
        """Raise a wall so many cells away from unit 0."""
        self.arena.scenario.cells[0, MIDDLE + y, MIDDLE + x] = 0
        self.arena._rules[f.OPEN_MAP] = 0

    def taken(self, unit: int) -> npt.NDArray[np.int32]:
        """Damage that a unit has taken, in every match."""
        return self.arena.units[:, f.DAMAGE_TAKEN, unit].copy()

    def under(self, unit: int, name: str) -> npt.NDArray[np.bool_]:
        """Whether a unit is under a status, in every match."""
        ids = self.arena.units[:, f.STATUS_ID : f.STATUS_ID + f.STATUS_LIMIT, unit]
        held: npt.NDArray[np.bool_] = (ids == status_id(name)).any(1)
        return held

    def value(self, unit: int, name: str) -> int:
        ids = self.arena.units[0, f.STATUS_ID : f.STATUS_ID + f.STATUS_LIMIT, unit]
        return self.of(f.STATUS_VALUE + int(np.flatnonzero(ids == status_id(name))[0]), unit)

    def rewrite(self, columns: dict[int, int], *statuses: tuple[str, int, int, int, int], at: int = MADE_UP) -> None:
        """Make the skill, or one of the rows behind it, another one."""
        row = self.arena.tables.skills[at]
        row[:] = 0
        row[k.SKILL_ID] = 1
        row[k.SKILL_LEVEL] = 1
        for column, value in columns.items():
            row[column] = value
        for slot, status in enumerate(statuses):
            name, chance, ms, value, whom = status
            at = k.STATUS + slot * k.STATUS_WIDTH
            row[at : at + k.STATUS_WIDTH] = (status_id(name), chance, ms, value, whom)


def on_target(name: str, ms: int = 10_000, value: int = 1, chance: int = 10_000) -> tuple[str, int, int, int, int]:
    return name, chance, ms, value, k.AT_TARGET


def on_self(name: str, ms: int = 10_000) -> tuple[str, int, int, int, int]:
    return name, 10_000, ms, 1, k.AT_SELF


def stage(
    columns: dict[int, int],
    *statuses: tuple[str, int, int, int, int],
    caster: Monster | None = None,
    enemies: Sequence[tuple[Monster, int, int]] = (),
    friends: Sequence[tuple[Monster, int, int]] = (),
    mode: str = RENEWAL,
    runs: int = 1,
    values: tuple[int, int, int, int, int] = (0, 0, 0, 0, 0),
    skill: str = "NPC_EMOTION",
) -> Stage:
    """Unit 0 in the middle of a field, then enemies, then friends, each so many cells away from it."""
    row = MobSkill(
        state="any", skill=skill, skill_id=1, level=1, rate=1, cast_ms=0, delay_ms=10**8, cancelable=False,
        target="self", condition="onspawn", condition_value=0, values=values, emotion=-1,
    )  # fmt: skip
    places = [Place(replace(caster or plain(mode), skills=(row,)), 0, MIDDLE, MIDDLE)]
    places += [Place(monster, 1, MIDDLE + x, MIDDLE + y) for monster, x, y in enemies or [(plain(mode), 3, 0)]]
    places += [Place(monster, 0, MIDDLE + x, MIDDLE + y) for monster, x, y in friends]
    arena = open_field(world(mode), places, runs, 1)
    arena.units[:, f.CAST_AT, 0] = f.NEVER
    made = Stage(arena)
    made.rewrite(columns, *statuses)
    return made


def area(**more: int) -> dict[int, int]:
    return AREA | {getattr(k, name): value for name, value in more.items()}
