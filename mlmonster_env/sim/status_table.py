"""The status table: statuses.yml read, checked and compiled to the rows that kernels use."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from mlmonster_env.data.errors import DataError, one_of
from mlmonster_env.data.yaml_tree import YamlMap, YamlNode, parse_yaml
from mlmonster_env.sim import status_columns as c

FILE = Path(__file__).with_name("statuses.yml")
MODES = ("renewal", "pre-renewal")
Int32Array: TypeAlias = np.ndarray[Any, np.dtype[np.int32]]

FLAGS = {
    name.lower(): getattr(c, name)
    for name in (
        "NO_MOVE", "NO_ATTACK", "NO_CAST", "NO_THINK", "SURE_HIT", "ENDS_ON_DAMAGE", "BOSS_IMMUNE", "UNDEAD_IMMUNE",
        "BAD", "LASTS_DISPEL", "HIDDEN", "OUT_OF_REACH", "SHORT_SIGHT", "STRAYS", "STOPS_WALK", "STOPS_ATTACK",
        "ENDS_ON_ATTACK", "ENDS_ON_WARP", "ENDS_WHEN_HIT", "TAKES_ONE", "FULL_ATTACK", "BLOCKS_WEAPON", "WEAK_TO_FIRE",
        "SLOW_FEET", "PLAYERS_ONLY", "REPLACES_HIGHER", "NEAR_DEATH", "STRIKES_BY_MAGIC", "REVEALS",
        "UNDEAD_RACE_IMMUNE", "LUCKLESS_IMMUNE",
    )
}  # fmt: skip
GROUPS: Mapping[str, Sequence[str]] = {
    "attributes": c.STATS[c.STR : c.LUK + 1],
    "taken": c.STATS[c.TAKEN_WEAPON_NEAR : c.TAKEN_MISC_FAR + 1],
    "taken_weapon": ("taken_weapon_near", "taken_weapon_far"),
    "taken_far": ("taken_weapon_far", "taken_misc_far"),
}
MOD_KEYS = {
    "flat": c.MOD_FLAT,
    "per_value": c.MOD_FLAT_PER_VALUE,
    "least": c.MOD_LEAST,
    "percent": c.MOD_PERCENT,
    "percent_per_value": c.MOD_PERCENT_PER_VALUE,
    "scale": c.MOD_SCALE,
    "set": c.MOD_SET,
}
NUMBERS = {"fixed_ms": c.FIXED_MS, "value_cycle": c.VALUE_CYCLE}
SWITCHES = {
    "stops_cast": (c.STOPS_CAST, {"yes": c.ANY_CAST, "cancelable": c.CANCELABLE_CAST}),
    "holds": (c.HOLDS, {"yes": 1}),
    "stays": (c.STAYS, {"yes": 1}),
}
SETS = {"ends": c.ENDS, "toggles": c.TOGGLES, "blocked_by": c.BLOCKED_BY}
FORMS = {"rate": c.RATE_FORM, "points": c.POINTS_FORM, "time": c.TIME_FORM, "less_ms": c.LESS_MS_FORM}
TICK_KEYS = {
    "every_ms": c.TICK_MS,
    "flat": c.TICK_FLAT,
    "random": c.TICK_RANDOM,
    "per_mille": c.TICK_PER_MILLE,
    "per_mille_per_value": c.TICK_PER_MILLE_PER_VALUE,
}
STOPS = {"kills": c.KILLS, "leaves_one": c.LEAVES_ONE, "leaves_quarter": c.LEAVES_QUARTER}
ELEMENTS = ("neutral", "water", "earth", "fire", "wind", "poison", "holy", "dark", "ghost", "undead")
RESIST_KEYS = (*FORMS, "level_advantage", "time_halved", "time_divisor", "extra_ms", "min_rate", "min_ms")
KEYS = (*NUMBERS, *SWITCHES, *SETS, "flags", "mods", "at_value", "element", "tick", "next", "resist", "value", "why")


@cache
def status_entries() -> Mapping[str, YamlMap]:
    """The entries of statuses.yml by name, in the file's order, which is the order of the ids."""
    tree = parse_yaml(FILE.read_bytes(), FILE.name)
    if not isinstance(tree, YamlMap):
        raise DataError(FILE.name, "", "the file", tree, "a mapping from status names to entries")
    return {name: _mapping(entry, name, "the entry") for name, entry in tree.items()}


@cache
def _ids() -> Mapping[str, int]:
    return {name: number for number, name in enumerate(status_entries(), start=1)}


def status_id(name: str) -> int:
    """The number of a status, 1 and up; KeyError with the nearest names for an unknown one."""
    try:
        return _ids()[name]
    except KeyError:
        raise KeyError(f"no status {name!r}; {one_of(str(name), _ids())}") from None


@cache
def compile_statuses(mode: str) -> Int32Array:
    """The table for a mode: row 0 is no status, row `status_id(name)` the status; after the last come variants."""
    if mode not in MODES:
        raise ValueError(f"mode is {mode!r}, expected one of {', '.join(MODES)}")
    rows = [np.zeros(c.STATUS_ROW_WIDTH, dtype=np.int32)]
    variants: list[Int32Array] = []
    for name, entry in status_entries().items():
        _known_keys(entry, KEYS, name, "")
        row = _compiled(name, entry, mode)
        at_value = _of_mode(entry.get("at_value"), mode)
        if at_value is not None:
            (value, mods) = _only(_mapping(at_value, name, "at_value"), name)
            variant = row.copy()
            variant[c.MODS : c.STAT_MASK] = 0
            _fill_mods(variant, mods, name, "at_value", mode)
            row[c.SWITCH_VALUE] = _whole(value, name, "at_value")
            row[c.SWITCH_ROW] = len(status_entries()) + 1 + len(variants)
            variants.append(variant)
        rows.append(row)
    table = np.stack([*rows, *variants])
    table[0, c.DEF_ELEMENT] = c.NO_ELEMENT
    _mark_stats(table)
    table.flags.writeable = False
    return table


def _mark_stats(table: np.ndarray[Any, np.dtype[np.int32]]) -> None:
    mods = table[:, c.MODS : c.STAT_MASK].reshape(len(table), c.STAT_COUNT, c.MOD_WIDTH)
    changes = (mods != 0).any(2)
    switched = np.flatnonzero(table[:, c.SWITCH_ROW])
    changes[switched] |= changes[table[switched, c.SWITCH_ROW]]
    table[:, c.STAT_MASK] = (changes << np.arange(c.STAT_COUNT)).sum(1)


def _compiled(name: str, entry: YamlMap, mode: str) -> Int32Array:
    row = np.zeros(c.STATUS_ROW_WIDTH, dtype=np.int32)
    for flag in _names(_of_mode(entry.get("flags"), mode), name, "flags"):
        if flag not in FLAGS:
            raise DataError(FILE.name, name, "flags", flag, one_of(flag, FLAGS))
        row[c.FLAGS] |= FLAGS[flag]
    for key, column in NUMBERS.items():
        if entry.get(key) is not None:
            value = _of_mode(entry[key], mode)
            row[column] = c.ENDLESS_MS if value == "endless" else _whole(value, name, key)
    for key, (column, known) in SWITCHES.items():
        told = _of_mode(entry.get(key), mode)
        if told is None:
            continue
        if not isinstance(told, str) or told not in known:
            raise DataError(FILE.name, name, key, told, f"{' or '.join(known)}, or no such key")
        row[column] = known[told]
    for key, column in SETS.items():
        for other in _names(_of_mode(entry.get(key), mode), name, key):
            word, bit = divmod(_other(other, name, key), c.SET_BITS)
            row[column + word] |= 1 << bit
    if entry.get("next") is not None:
        row[c.NEXT_STATUS] = _other(str(entry["next"]), name, "next")
    _fill_element(row, entry.get("element"), name)
    _fill_tick(row, _of_mode(entry.get("tick"), mode), name)
    _fill_resist(row, _of_mode(entry.get("resist"), mode), name)
    _fill_mods(row, _of_mode(entry.get("mods"), mode), name, "mods", mode)
    return row


def _fill_element(row: Int32Array, node: YamlNode, name: str) -> None:
    row[c.DEF_ELEMENT] = c.NO_ELEMENT
    if node == "value":
        row[c.DEF_ELEMENT] = c.VALUE_ELEMENT
    elif node is not None:
        if node not in ELEMENTS:
            raise DataError(FILE.name, name, "element", node, one_of(str(node), (*ELEMENTS, "value")))
        row[c.DEF_ELEMENT] = ELEMENTS.index(str(node))
        row[c.DEF_ELEMENT_LEVEL] = 1


def _fill_tick(row: Int32Array, node: YamlNode, name: str) -> None:
    if node is None:
        return
    tick = _mapping(node, name, "tick")
    _known_keys(tick, (*TICK_KEYS, "stop"), name, "tick")
    for key, value in tick.items():
        if key == "stop":
            if value not in STOPS:
                raise DataError(FILE.name, name, "tick.stop", value, one_of(str(value), STOPS))
            row[c.TICK_STOP] = STOPS[str(value)]
        else:
            row[TICK_KEYS[key]] = _whole(value, name, f"tick.{key}")


def _fill_resist(row: Int32Array, node: YamlNode, name: str) -> None:
    if node is None:
        return
    resist = _mapping(node, name, "resist")
    _known_keys(resist, RESIST_KEYS, name, "resist")
    row[c.RESISTED] = 1
    row[c.LEVEL_ADVANTAGE] = "level_advantage" in resist
    row[c.TIME_HALVED] = "time_halved" in resist
    row[c.TIME_OWN] = "time" in resist
    row[c.TIME_DIVISOR] = _whole(resist.get("time_divisor", "1"), name, "resist.time_divisor")
    row[c.MIN_RATE] = _whole(resist.get("min_rate", "0"), name, "resist.min_rate")
    row[c.MIN_MS] = _whole(resist.get("min_ms", "1"), name, "resist.min_ms")
    for key, column in FORMS.items():
        if resist.get(key) is None:
            continue
        form = _mapping(resist[key], name, f"resist.{key}")
        _known_keys(form, c.FORM_TERMS, name, f"resist.{key}")
        for term, factor in form.items():
            row[column + c.FORM_TERMS.index(term)] = _whole(factor, name, f"resist.{key}.{term}")
    row[c.LESS_MS_FORM + c.FORM_TERMS.index("constant")] -= _whole(resist.get("extra_ms", "0"), name, "resist.extra_ms")


def _fill_mods(row: Int32Array, node: YamlNode, name: str, field: str, mode: str) -> None:
    if node is None:
        return
    for group, change in _mapping(node, name, field).items():
        change = _of_mode(change, mode)
        if change is None:
            continue
        mods = _mapping(change, name, f"{field}.{group}")
        _known_keys(mods, MOD_KEYS, name, f"{field}.{group}")
        for stat in GROUPS.get(group, (group,)):
            if stat not in c.STATS:
                raise DataError(FILE.name, name, field, group, one_of(group, (*c.STATS, *GROUPS)))
            first = c.MODS + c.STATS.index(stat) * c.MOD_WIDTH
            for key, value in mods.items():
                number = _whole(value, name, f"{field}.{group}.{key}")
                row[first + MOD_KEYS[key]] = number + 1 if key == "set" else number


def _of_mode(node: YamlNode, mode: str) -> YamlNode:
    """What holds for `mode`, where an entry tells the modes apart."""
    if isinstance(node, YamlMap) and node and all(key in MODES for key in node):
        return node.get(mode)
    return node


def _only(mapping: YamlMap, name: str) -> tuple[str, YamlNode]:
    if len(mapping) != 1:
        raise DataError(FILE.name, name, "at_value", ", ".join(mapping), "exactly one value")
    return next(iter(mapping.items()))


def _other(status: str, name: str, field: str) -> int:
    if status not in _ids():
        raise DataError(FILE.name, name, field, status, one_of(status, _ids()))
    return _ids()[status]


def _known_keys(mapping: YamlMap, known: Sequence[str] | Mapping[str, Any], name: str, field: str) -> None:
    for key in (*mapping, *mapping.repeated):
        if key not in known:
            raise DataError(FILE.name, name, field, key, one_of(key, known))
    if mapping.repeated:
        raise DataError(FILE.name, name, field, mapping.repeated[0], "each key once")


def _mapping(node: YamlNode, name: str, field: str) -> YamlMap:
    if isinstance(node, YamlMap):
        return node
    raise DataError(FILE.name, name, field, node, "a mapping")


def _names(node: YamlNode, name: str, field: str) -> list[str]:
    if node is None:
        return []
    if isinstance(node, list) and all(isinstance(item, str) for item in node):
        return [str(item) for item in node]
    raise DataError(FILE.name, name, field, node, "a list of names")


def _whole(node: YamlNode, name: str, field: str) -> int:
    try:
        return int(str(node))
    except ValueError:
        raise DataError(FILE.name, name, field, node, "a whole number") from None


STATUS_NAMES: tuple[str, ...] = ("", *status_entries())
