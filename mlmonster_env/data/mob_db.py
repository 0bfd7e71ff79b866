"""mob_db.yml: monsters, with the server's defaults and limits."""

from collections.abc import Iterable
from typing import Any

from mlmonster_env.data.database import Format
from mlmonster_env.data.enums import AI_TYPES, CLASS_MODES, CLASSES, ELEMENT_LEVELS, ELEMENTS, MODES, RACES, SIZES
from mlmonster_env.data.errors import DataError
from mlmonster_env.data.fields import Entry, Names, Report
from mlmonster_env.data.stat_formulas import attack_minimum

FORMAT = Format("MOB_DB", newest=5)

SHORT = 2**16 - 1

# Whole-number fields: what the monster calls it, lowest, highest, value if absent.
NUMBERS = {
    "Level": ("level", 0, SHORT, 1),
    "Hp": ("hp", 0, 2**32 - 1, 1),
    "Sp": ("sp", 0, 2**32 - 1, 1),
    "Attack": ("attack", 0, SHORT, 0),
    "Attack2": ("attack2", 0, SHORT, 0),
    "Defense": ("defense", 0, 2**15 - 1, 0),
    "MagicDefense": ("magic_defense", 0, 2**15 - 1, 0),
    "Resistance": ("resistance", 0, SHORT, 0),
    "MagicResistance": ("magic_resistance", 0, SHORT, 0),
    "Str": ("str", 0, SHORT, 1),
    "Agi": ("agi", 0, SHORT, 1),
    "Vit": ("vit", 0, SHORT, 1),
    "Int": ("int", 0, SHORT, 1),
    "Dex": ("dex", 0, SHORT, 1),
    "Luk": ("luk", 0, SHORT, 1),
    "AttackRange": ("attack_range", 0, SHORT, 0),
    "SkillRange": ("skill_range", 0, SHORT, 0),
    "ChaseRange": ("chase_range", 0, SHORT, 0),
    "ElementLevel": ("element_level", 1, ELEMENT_LEVELS, 1),
    "WalkSpeed": ("walk_speed", 20, 1000, 150),
    "AttackDelay": ("attack_delay", 0, SHORT, 100),
    "AttackMotion": ("attack_motion", 0, SHORT, 100),
    "DamageMotion": ("damage_motion", 0, SHORT, 0),
    "DamageTaken": ("damage_taken", 1, 100, 100),
}
NAMES = {"Size": ("size", SIZES), "Race": ("race", RACES), "Element": ("element", ELEMENTS)}
# Known to the server, of no matter to a fight: looked at only for what cannot be meant.
UNUSED_NUMBERS = ("BaseExp", "JobExp", "MvpExp", "ClientAttackMotion", "GroupId")
HIGHEST_UNUSED = 999_999_999_999
UNUSED_LISTS = ("MvpDrops", "Drops")
DROP_FIELDS = ("Item", "Rate", "StealProtected", "RandomOptionGroup", "Index")
UNUSED_TEXTS = ("JapaneseName", "Title")
HIGHEST_DROP_RATE = 10_000
UNUSED = (*UNUSED_NUMBERS, *UNUSED_LISTS, *UNUSED_TEXTS, "RaceGroups")
FIELDS = frozenset({"Id", "AegisName", "Name", "Ai", "Class", "Modes", *NUMBERS, *NAMES, *UNUSED})

# Delays beyond these are cut, not refused, by the server.
FASTEST_DELAY, FASTEST_MOTION, SLOWEST = 100, 1, 8000
PRE_RENEWAL_DEFENSE = 127
EMPERIUM = 1288

Draft = dict[str, Any]  # a monster's fields while later files may still change them


def read_mob_db(entries: Iterable[Entry], report: Report, renewal: bool) -> dict[int, Draft]:
    """Fields of every monster by id, all but its skills and archetype; later entries change what they name."""
    drafts: dict[int, Draft] = {}
    names = Names()
    for entry in entries:
        try:
            draft = _read(entry, drafts, renewal)
            names.claim(entry, "AegisName", draft["aegis_name"], draft["id"])
        except DataError as error:
            report.wrong(error)
        else:
            drafts[draft["id"]] = draft
    for draft in drafts.values():
        _finish(draft)
    return dict(sorted(drafts.items()))


def _read(entry: Entry, drafts: dict[int, Draft], renewal: bool) -> Draft:
    monster = entry.integer("Id", 1001, 31998)
    if monster is None or 3998 < monster < 20021:
        raise entry.wrong("Id", "a whole number from 1001 to 3998 or from 20021 to 31998")
    entry.call(monster, "AegisName")
    entry.allow(FIELDS)
    draft = dict(drafts[monster]) if monster in drafts else _blank(monster, entry, renewal)
    for field, key in (("AegisName", "aegis_name"), ("Name", "name")):
        draft[key] = entry.text(field) or draft.get(key)
    for field, (key, low, high, _) in NUMBERS.items():
        number = entry.integer(field, low, high)
        if number is not None:
            draft[key] = number
    for field, (key, known) in NAMES.items():
        choice = entry.choice(field, known)
        if choice is not None:
            draft[key] = choice
    ai = entry.choice("Ai", AI_TYPES)
    if ai is not None:
        draft["mode"] = ai
    monster_class = entry.choice("Class", CLASSES)
    if monster_class is not None:
        draft["monster_class"] = monster_class
    for name, on in entry.switches("Modes", MODES).items():
        draft["mode"] = draft["mode"] | MODES[name] if on else draft["mode"] & ~MODES[name]
    _look_at_unused(entry)
    return draft


def _look_at_unused(entry: Entry) -> None:
    for field in UNUSED_NUMBERS:
        entry.integer(field, 0, HIGHEST_UNUSED)
    for field in UNUSED_TEXTS:
        if isinstance(entry.fields.get(field), dict | list):
            raise entry.wrong(field, "a name")
    for field in UNUSED_LISTS:
        drops = entry.rows(field)
        if drops is None and entry.fields.get(field) is not None:
            raise entry.wrong(field, "a list of items")
        for drop in drops or ():
            drop.allow(DROP_FIELDS)
            if drop.text("Item") is None:
                raise drop.wrong("Item", "the name of an item")
            drop.integer("Rate", 0, HIGHEST_DROP_RATE)
            drop.flag("StealProtected")


def _blank(monster: int, entry: Entry, renewal: bool) -> Draft:
    for field in ("AegisName", "Name"):
        if entry.text(field) is None:
            raise entry.wrong(field, "a name, as every new monster has one")
    draft: Draft = {"id": monster, "aegis_name": None, "name": None, "renewal": renewal}
    draft.update({key: default for key, _, _, default in NUMBERS.values()})
    draft.update({key: 0 for key, _ in NAMES.values()})
    draft.update(mode=AI_TYPES["06"], monster_class=CLASSES["Normal"])
    return draft


def _finish(draft: Draft) -> None:
    draft["mode"] |= CLASS_MODES[draft["monster_class"]]
    draft["hp"] = max(draft["hp"], 1)
    draft["sp"] = max(draft["sp"], 1)
    draft["attack_motion"] = min(max(draft["attack_motion"], FASTEST_MOTION), SLOWEST)
    delay = min(max(draft["attack_delay"], FASTEST_DELAY), SLOWEST)
    draft["attack_delay"] = max(delay, draft["attack_motion"])  # an attack's motion is never cut short
    if draft["renewal"] and draft["id"] == EMPERIUM:
        draft["attack"] = attack_minimum(draft["attack"], 1)  # the server derives its attack twice
    if not draft["renewal"]:
        draft["defense"] = min(draft["defense"], PRE_RENEWAL_DEFENSE)
        draft["magic_defense"] = min(draft["magic_defense"], PRE_RENEWAL_DEFENSE)
