"""The plans that there are: read from YAML, or called by name. What a plan becomes is the simulator's.

Names: `duel`, `skirmish`, `skirmish-NvM`, `pack-N`, `raid-NvM`, `mirror-v1`, `sight-v1`. After a colon a name narrows
the plan to a split (`train`, `held-out`, `all`), to one of its starts: `mirror-v1:held-out:contact`, or says how often
each of them comes: `mirror-v1:train:contact=3,field=1`.
"""

import os
import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from mlmonster_env.contract import ARCHETYPES
from mlmonster_env.data.errors import DataError, one_of
from mlmonster_env.data.fields import Entry, to_integer
from mlmonster_env.data.yaml_tree import YamlMap, parse_yaml
from mlmonster_env.plans import (
    FARTHEST,
    HEAVIEST,
    LEAST_HAZARD,
    MOST_A_SIDE,
    PERCENTS,
    SPLITS,
    WHOLE_NUMBERS,
    Plan,
    Side,
    Start,
)

FILE = Path(__file__).with_suffix(".yml")
USUAL = "mirror-v1:train"  # where models are trained and judged unless told otherwise
WHO = {"monsters": False, "bots": True}
NUMBER = "([0-9]{1,9})"
SIZED = {"skirmish": f"skirmish-{NUMBER}v{NUMBER}", "raid": f"raid-{NUMBER}v{NUMBER}", "pack": f"pack-{NUMBER}"}


def names() -> list[str]:
    """Every name that `named` knows, N and M standing for numbers."""
    known = []
    for name in _book():
        known += {"skirmish": ["skirmish", "skirmish-NvM"], "raid": ["raid-NvM"], "pack": ["pack-N"]}.get(name, [name])
    return known


def named(name: str) -> Plan:
    """The plan of a name, narrowed by what follows after colons; ValueError with the nearest names if there is none."""
    if not isinstance(name, str):
        raise ValueError(f"scenario is {name!r}, expected {one_of(str(name), names())}")
    base, *qualifiers = name.split(":")
    plan = _base(base)
    for qualifier in qualifiers:
        starts = [start.name for start in plan.starts]
        if qualifier == "held-out" and not plan.held_out_maps and not plan.held_out_species:
            raise ValueError(f"scenario is {name!r}: it holds nothing out, expected {one_of('', starts)}")
        if "=" in qualifier:
            plan = plan.weighed(_weights(name, qualifier))
        elif qualifier in SPLITS:
            plan = plan.narrowed(split=qualifier)
        elif qualifier in starts:
            plan = plan.narrowed(start=qualifier)
        else:
            raise ValueError(f"scenario is {name!r}: {qualifier!r}, expected {one_of(qualifier, [*SPLITS, *starts])}")
    return replace(plan, name=name)


def _weights(name: str, qualifier: str) -> dict[str, int]:
    weights: dict[str, int] = {}
    for part in qualifier.split(","):
        start, _, weight = part.partition("=")
        if not re.fullmatch(NUMBER, weight) or start in weights:
            raise ValueError(f"scenario is {name!r}: {part!r}, expected each start once, such as contact=3,field=1")
        weights[start] = int(weight)
    return weights


def load(path: str | Path) -> Plan:
    """The plan in a YAML file of one's own; DataError for a mistake in it."""
    path = Path(path)
    try:
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        raise DataError(path.name, "", "the file", str(error), "a readable file") from error
    root = parse_yaml(content, path.name)
    if not isinstance(root, YamlMap):
        raise DataError(path.name, "", "the file", root, "a mapping: name, first, maps, starts ...")
    entry = Entry(path.name, "", root)
    return read_plan(entry, entry.text("name") or path.stem)


def plan_of(scenario: "str | Path | Plan") -> Plan:
    """A plan, the one of a name, or the one in a file (a path that ends in .yml or .yaml)."""
    if isinstance(scenario, Plan):
        return scenario
    if str(scenario).endswith((".yml", ".yaml")):
        if not os.path.isfile(scenario):
            raise ValueError(f"scenario is {str(scenario)!r}, expected a file that is there")
        return load(scenario)
    return named(scenario)  # type: ignore[arg-type]


def read_plan(entry: Entry, name: str) -> Plan:
    """The plan that a mapping declares."""
    entry.allow((
        "name", "first", "second", "maps", "starts", "time_limit_s", "aggressive", "random_walk", "held_out", "duel",
        "hazards",
    ))  # fmt: skip
    first = entry.inner("first")
    if first is None:
        raise entry.wrong("first", "who fights: {size: 3}")
    for part in ("second", "held_out", "duel", "hazards"):
        if part in entry and entry.fields[part] is None:
            raise entry.wrong(part, "a mapping, {} for what is usual, or no such field at all")
    second = entry.inner("second")
    maps = _names(entry, "maps")
    if not maps:
        raise entry.wrong("maps", "a list of maps, such as [open-60]")
    starts = tuple(_start(row) for row in entry.rows("starts") or [])
    if not starts:
        raise entry.wrong("starts", "a list of starts, such as [{name: near, apart: [8, 10]}]")
    called = [start.name for start in starts]
    for start in called:
        if called.count(start) > 1 or start in SPLITS or set(start) & set(":,="):
            expected = f"for each start a name of its own, without : , = and none of {', '.join(SPLITS)}"
            raise DataError(entry.file, entry.name, "a start's name", start, expected)
    return Plan(
        name=name,
        first=_side(first),
        second=None if second is None else _side(second),
        maps=maps,
        starts=starts,
        **_given(
            time_limit_s=entry.integer("time_limit_s", *WHOLE_NUMBERS["time_limit_s"]),
            aggressive=entry.flag("aggressive"),
            random_walk=entry.flag("random_walk"),
        ),
        **_held_out(entry, maps),
        **_duel(entry),
        **_hazards(entry),
    )


def _base(name: str) -> Plan:
    book = _book()
    for base, pattern in SIZED.items():
        match = re.fullmatch(pattern, name)
        if match is not None:
            return _sized(book[base], name, [int(size) for size in match.groups()])
    if name not in book or name in ("pack", "raid"):
        raise ValueError(f"scenario is {name!r}, expected {one_of(name, names())}, or a .yml file")
    return book[name]


def _sized(plan: Plan, name: str, sizes: list[int]) -> Plan:
    for size in sizes:
        if not 1 <= size <= MOST_A_SIDE:
            raise ValueError(f"scenario is {name!r}: a side of {size}, expected 1 to {MOST_A_SIDE}")
    second = plan.second or (None if len(set(sizes)) == 1 else plan.first)
    return replace(
        plan,
        first=replace(plan.first, size=sizes[0]),
        second=None if second is None else replace(second, size=sizes[-1]),
    )


@cache
def _book() -> dict[str, Plan]:
    root = parse_yaml(FILE.read_bytes(), FILE.name)
    assert isinstance(root, YamlMap)
    book = Entry(FILE.name, "", root)
    plans = {}
    for name in root:
        inner = book.inner(name)
        assert inner is not None
        plans[name] = read_plan(inner, name)
    return plans


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _names(entry: Entry, field: str) -> tuple[str, ...]:
    if field not in entry:
        return ()
    value = entry.fields[field]
    if not isinstance(value, list) or not all(isinstance(name, str) and name for name in value):
        raise entry.wrong(field, "a list of names")
    return tuple(str(name) for name in value)


def _side(entry: Entry) -> Side:
    entry.allow(("size", "who", "archetype", "species", "leader", "mixed"))
    return Side(
        **_given(
            size=entry.integer("size", 1, MOST_A_SIDE),
            bots=entry.choice("who", WHO),
            archetype=entry.choice("archetype", {name: name for name in ARCHETYPES}),
            species=_names(entry, "species"),
            leader=entry.flag("leader"),
            mixed=entry.flag("mixed"),
        )
    )


def _start(entry: Entry) -> Start:
    entry.allow(("name", "apart", "aware", "middle", "weight"))
    span = entry.fields.get("apart")
    numbers = [to_integer(cell) for cell in span if isinstance(cell, str)] if isinstance(span, list) else []
    cells = [number for number in numbers if number is not None]
    if len(cells) != 2 or len(span or ()) != 2 or not 1 <= cells[0] <= cells[1] <= FARTHEST:
        raise entry.wrong("apart", f"two numbers of cells from 1 to {FARTHEST}, the smaller first, such as [8, 10]")
    return Start(
        name=entry.text("name") or "start",
        apart=(cells[0], cells[1]),
        **_given(aware=entry.flag("aware"), middle=entry.flag("middle"), weight=entry.integer("weight", 1, HEAVIEST)),
    )


def _held_out(entry: Entry, maps: tuple[str, ...]) -> dict[str, Any]:
    inner = entry.inner("held_out")
    if inner is None:
        return {}
    inner.allow(("maps", "species"))
    held = _names(inner, "maps")
    for name in held:
        if name not in maps:
            raise inner.wrong("maps", f"maps of this scenario, {one_of(name, maps)}")
    if maps and set(held) == set(maps):
        raise inner.wrong("maps", "to leave a map to train on")
    return _given(
        held_out_maps=held, held_out_species=inner.integer("species", 2, WHOLE_NUMBERS["held_out_species"][1])
    )


def _duel(entry: Entry) -> dict[str, Any]:
    inner = entry.inner("duel")
    if inner is None:
        return {}
    inner.allow(("lives", "edge", "hazard_percent", "items"))
    return _given(
        duel=True,
        lives=inner.integer("lives", *WHOLE_NUMBERS["lives"]),
        hazard_edge=inner.integer("edge", *WHOLE_NUMBERS["hazard_edge"]),
        hazard_percent=_hazard_percent(inner, "hazard_percent"),
        items=inner.integer("items", *WHOLE_NUMBERS["items"]),
    )


def _hazard_percent(entry: Entry, field: str) -> float | None:
    percent = entry.number(field, 0, PERCENTS["hazard_percent"])
    if percent is not None and 0 < percent < LEAST_HAZARD:
        raise entry.wrong(field, f"0, or a number from {LEAST_HAZARD} to 100")
    return percent


def _hazards(entry: Entry) -> dict[str, Any]:
    inner = entry.inner("hazards")
    if inner is None:
        return {}
    inner.allow(("percent", "edge", "share", "radius", "layouts"))
    duel = entry.inner("duel")
    if duel is not None and {"edge", "hazard_percent"} & set(duel.fields):
        raise entry.wrong("hazards", "what burns told here, or by a duel's edge and hazard_percent")
    told = _given(
        hazard_percent=_hazard_percent(inner, "percent"),
        hazard_edge=inner.integer("edge", *WHOLE_NUMBERS["hazard_edge"]),
        hazard_share=inner.number("share", 0, PERCENTS["hazard_share"]),
        hazard_radius=inner.integer("radius", *WHOLE_NUMBERS["hazard_radius"]),
        layouts=inner.integer("layouts", *WHOLE_NUMBERS["layouts"]),
    )
    if not told.get("hazard_percent"):
        raise inner.wrong("percent", "how much of its hp a second on burning ground costs, such as 4")
    if not told.get("hazard_share") and not told.get("hazard_edge"):
        raise inner.wrong("share", "how much of the ground burns, in percent, such as 10, or an edge")
    return told
