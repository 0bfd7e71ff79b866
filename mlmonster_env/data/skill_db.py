"""skill_db.yml: what the server knows of every skill."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from mlmonster_env.data.database import Format
from mlmonster_env.data.enums import (
    DAMAGE_FLAGS,
    SKILL_ELEMENTS,
    SKILL_FLAGS,
    SKILL_HITS,
    SKILL_TARGET_TYPES,
    SKILL_TYPES,
    UNIT_FLAGS,
    UNIT_TARGETS,
)
from mlmonster_env.data.errors import DataError
from mlmonster_env.data.fields import INT32, Entry, Names, Report
from mlmonster_env.data.model import Skill
from mlmonster_env.data.skill_levels import STORED_LEVELS, Stored, at_levels, extend, same_for_all

FORMAT = Format("SKILL_DB", newest=4)
MOST_HITS = (-1000, 1000)  # of one strike; below zero: the damage is shared out over them

# Per-level fields: what the skill calls it, and the name of the value in a list of levels.
LEVELS = {
    "Range": ("ranges", "Size"),
    "HitCount": ("hit_counts", "Count"),
    "SplashArea": ("splash_areas", "Area"),
    "ActiveInstance": ("active_instances", "Max"),
    "Knockback": ("knockbacks", "Amount"),
    "CastTime": ("cast_times", "Time"),
    "AfterCastActDelay": ("after_cast_act_delays", "Time"),
    "Duration1": ("durations1", "Time"),
    "Duration2": ("durations2", "Time"),
    "Cooldown": ("cooldowns", "Time"),
}
UNIT_LEVELS = {"Layout": ("unit_layouts", "Size"), "Range": ("unit_ranges", "Size")}
ELEMENTS = "elements"
BY_LEVEL = (*(key for key, _ in LEVELS.values()), *(key for key, _ in UNIT_LEVELS.values()), ELEMENTS)

CHOICES = {"Type": ("type", SKILL_TYPES), "TargetType": ("target_type", SKILL_TARGET_TYPES), "Hit": ("hit", SKILL_HITS)}
SWITCHES = {"DamageFlags": ("damage_flags", DAMAGE_FLAGS), "Flags": ("flags", SKILL_FLAGS)}
# Known to the server; monsters have no use for them.
UNUSED_TIMES = ("AfterCastWalkDelay", "FixedCastTime")
UNUSED_FLAGS = {name: ("IgnoreDex", "IgnoreStatus", "IgnoreItemBonus") for name in ("CastTimeFlags", "CastDelayFlags")}
UNUSED_PARTS = {"CopyFlags": ("Skill", "RemoveRequirement"), "NoNearNPC": ("AdditionalRange", "Type")}
UNUSED = (*UNUSED_TIMES, *UNUSED_FLAGS, *UNUSED_PARTS, "CastDefenseReduction", "Requires", "GiveAp")
COSTS = (
    "HpCost", "SpCost", "ApCost", "HpRateCost", "SpRateCost", "ApRateCost", "MaxHpTrigger", "ZenyCost", "AmmoAmount",
    "SpiritSphereCost",
)  # fmt: skip
REQUIRED = (*COSTS, "Weapon", "Ammo", "State", "Status", "ItemCost", "Equipment")
OTHERS = ("Id", "Name", "Description", "MaxLevel", "Element", "CastCancel", "Unit", "Status")
FIELDS = frozenset({*OTHERS, *LEVELS, *CHOICES, *SWITCHES, *UNUSED})
UNIT_FIELDS = frozenset({"Id", "AlternateId", "Interval", "Target", "Flag", *UNIT_LEVELS})

SIGHT = 14  # cells; a negative splash area means everything in sight

Draft = dict[str, Any]  # a skill's fields while later files may still change them


def read_skill_db(entries: Iterable[Entry], report: Report) -> dict[int, Draft]:
    """Fields of every skill by id; later entries change what they name."""
    drafts: dict[int, Draft] = {}
    names = Names()
    for entry in entries:
        try:
            draft = _read(entry, drafts)
            names.claim(entry, "Name", draft["name"], draft["id"])
        except DataError as error:
            report.wrong(error)
        else:
            drafts[draft["id"]] = draft
    return dict(sorted(drafts.items()))


def finish_skills(drafts: Mapping[int, Draft], used_levels: Mapping[int, int]) -> dict[str, Skill]:
    """Skills by name, with values of all levels that the server stores, and of those above that monsters use."""
    skills = {}
    for draft in drafts.values():
        count = max(STORED_LEVELS, used_levels.get(draft["id"], 1))
        by_level = {key: at_levels(draft[key], count) for key in BY_LEVEL}
        by_level["splash_areas"] = tuple(SIGHT if area < 0 else area for area in by_level["splash_areas"])
        skills[draft["name"]] = Skill(**{**draft, **by_level})
    return skills


def _read(entry: Entry, drafts: Mapping[int, Draft]) -> Draft:
    skill = entry.integer("Id", 1, 2**16 - 1)
    if skill is None:
        raise entry.wrong("Id", f"a whole number from 1 to {2**16 - 1}")
    entry.call(skill, "Name")
    entry.allow(FIELDS)
    draft = dict(drafts[skill]) if skill in drafts else _blank(skill, entry)
    draft["name"] = entry.text("Name") or draft.get("name")
    draft["max_level"] = entry.integer("MaxLevel", 1, STORED_LEVELS) or draft.get("max_level")
    for field, (key, known) in CHOICES.items():
        draft[key] = entry.choice(field, {name: name.lower() for name in known}) or draft[key]
    for field, (key, names) in SWITCHES.items():
        draft[key] = _switched(draft[key], entry, field, names)
    for field, (key, value) in LEVELS.items():
        draft[key] = _by_level(draft[key], entry, field, value)
    draft[ELEMENTS] = _elements(draft[ELEMENTS], entry)
    cancel = entry.flag("CastCancel")
    if cancel is not None:
        draft["cast_cancel"] = cancel
    status = entry.text("Status")
    if status is not None:
        draft["status"] = f"SC_{status.upper()}"
    unit = entry.inner("Unit")
    if unit is not None:
        _read_unit(draft, unit)
    _look_at_unused(entry)
    return draft


def _look_at_unused(entry: Entry) -> None:
    nothing = same_for_all(0)
    for field in UNUSED_TIMES:
        _by_level(nothing, entry, field, "Time")
    _by_level(nothing, entry, "GiveAp", "Amount")
    entry.integer("CastDefenseReduction", *INT32)
    for field, names in UNUSED_FLAGS.items():
        entry.switches(field, names)
    for field, known in UNUSED_PARTS.items():
        part = entry.inner(field)
        if part is not None:
            part.allow(known)
    required = entry.inner("Requires")
    if required is not None:
        required.allow(REQUIRED)
        for field in COSTS:
            _by_level(nothing, required, field, "Amount")
        for row in required.rows("ItemCost") or ():
            row.allow(("Item", "Amount", "Level"))


def _blank(skill: int, entry: Entry) -> Draft:
    for field in ("Name", "Description", "MaxLevel"):
        if entry.text(field) is None:
            raise entry.wrong(field, "a value, as every new skill has one")
    draft: Draft = {"id": skill, "type": "none", "target_type": "passive", "hit": "normal", "cast_cancel": True}
    draft.update(damage_flags=frozenset(), flags=frozenset(), unit_flags=frozenset())
    draft.update(unit_id="", unit_interval=0, unit_target="", status="")
    draft.update({key: same_for_all(0) for key in BY_LEVEL})
    return draft


def _read_unit(draft: Draft, unit: Entry) -> None:
    unit.allow(UNIT_FIELDS)
    name = unit.text("Id")
    if name is None:
        raise unit.wrong("Id", "the name of a skill unit")
    draft["unit_id"] = name.lower()
    draft["unit_target"] = draft["unit_target"] or "all"
    for field, (key, value) in UNIT_LEVELS.items():
        draft[key] = _by_level(draft[key], unit, field, value)
    interval = unit.integer("Interval", -(2**15), 2**15 - 1)
    if interval is not None:
        draft["unit_interval"] = interval
    target = unit.choice("Target", {name: name.lower() for name in UNIT_TARGETS})
    draft["unit_target"] = target or draft["unit_target"]
    draft["unit_flags"] = _switched(draft["unit_flags"], unit, "Flag", UNIT_FLAGS)


def _switched(old: frozenset[str], entry: Entry, field: str, known: Collection[str]) -> frozenset[str]:
    switches = entry.switches(field, known)
    on = {name.lower() for name, state in switches.items() if state}
    off = {name.lower() for name, state in switches.items() if not state}
    return old - off | on


def _by_level(old: Stored, entry: Entry, field: str, value: str) -> Stored:
    bounds = MOST_HITS if field == "HitCount" else INT32
    rows = entry.rows(field)
    if rows is None:
        number = entry.integer(field, *bounds)
        return old if number is None else same_for_all(number)
    given: dict[int, int] = {}
    for row in rows:
        row.allow(("Level", value))
        number = row.integer(value, *bounds)
        if number is None:
            raise row.wrong(value, f"a whole number from {bounds[0]} to {bounds[1]}")
        level = _level(row)
        if level in given:
            raise row.wrong("Level", "each level once")
        given[level] = number
    if not given:
        raise entry.wrong(field, "a number, or a list with at least one level")
    return extend(old, given)


def _elements(old: Stored, entry: Entry) -> Stored:
    rows = entry.rows("Element")
    if rows is None:
        element = entry.choice("Element", SKILL_ELEMENTS)
        return old if element is None else same_for_all(element)
    if not rows:
        raise entry.wrong("Element", "the name of an element, or a list with at least one level")
    values = list(old)  # the server does not carry elements on to levels that the file does not name
    for row in rows:
        row.allow(("Level", "Element"))
        element = row.choice("Element", SKILL_ELEMENTS)
        if element is None:
            raise row.wrong("Element", "the name of an element")
        values[_level(row) - 1] = element
    return tuple(values)


def _level(row: Entry) -> int:
    level = row.integer("Level", 1, STORED_LEVELS)
    if level is None:
        raise row.wrong("Level", f"a whole number from 1 to {STORED_LEVELS}")
    return level
