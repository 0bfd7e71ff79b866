"""The skill table: skill_effects.yml and the server's skill_db compiled to the rows that kernels execute."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from mlmonster_env.data import Bestiary, Skill
from mlmonster_env.data.errors import DataError, one_of
from mlmonster_env.data.skill_levels import STORED_LEVELS, at_levels
from mlmonster_env.data.yaml_tree import YamlMap, YamlNode, parse_yaml
from mlmonster_env.sim import skill_columns as c
from mlmonster_env.sim.expressions import evaluate
from mlmonster_env.sim.status_table import status_id

FILE = Path(__file__).with_name("skill_effects.yml")
MODES = ("renewal", "pre-renewal")
LARGEST = 2**31 - 1

LEFT_OUT = "left_out"
EFFECTS = {
    name: getattr(c, name.upper())
    for name in (
        "nothing", "strike", "area", "heal", "give_status", "summon", "call_slaves", "teleport", "transform", "emotion",
        "self_destruct", "dispel", "warp_to", "run_away", "suicide", "knock_back", "clear_areas", "draw_in",
        "revenge", "forget_target", "cure", "break_cast", "clear_buffs", "hurt", "draw_lots", "all_lots",
    )
} | {LEFT_OUT: c.NOTHING}  # fmt: skip
DAMAGES = {"none": c.NO_DAMAGE, "weapon": c.WEAPON, "magic": c.MAGIC, "misc": c.MISC}
BASES = {
    name: getattr(c, f"BASE_{name.upper()}")
    for name in (
        "attack", "caster_hp", "target_hp_percent", "fixed", "target_max_hp_percent", "caster_lost_hp", "heal",
        "magic_as_weapon", "random", "attack_and_magic", "full_attack", "trap", "spear", "soul",
        "acid", "least_attack",
    )
}  # fmt: skip
FLAGS = {
    name: getattr(c, name.upper())
    for name in (
        "sure_hit", "ignore_defense", "ignore_element", "critical", "split", "hit_friends", "half_hp_bonus",
        "undead_bonus", "line", "cannot_kill", "short_range", "long_range", "level_ratio", "size_hits",
        "status_from_third", "level_chance", "one_status", "spares_undead_and_demons", "percent_amount",
        "heal_by_vit", "str_ratio", "spares_frozen", "str_int_ratio", "int_vit_ratio", "caster_chance",
        "spares_undead", "until_one_takes", "heals_the_spared", "ignore_guard", "spares_bosses", "deft",
    )
}  # fmt: skip
PULSES = {
    name: getattr(c, f"PULSE_{name.upper()}")
    for name in (
        "nothing", "strike", "trap", "status", "block_ranged", "block_melee", "heal", "no_areas", "fire_wall",
        "trail",
    )
}  # fmt: skip
KINDS = {"harm": c.KIND_HARM, "help": c.KIND_HELP, "field": c.KIND_FIELD}
PLACES = {"target": c.AT_TARGET, "self": c.AT_SELF, "ground": c.AT_GROUND}
ELEMENTS = ("neutral", "water", "earth", "fire", "wind", "poison", "holy", "dark", "ghost", "undead")
WHOM = {"target": c.AT_TARGET, "self": c.AT_SELF, "unholy": c.AT_UNHOLY}
SHAPES = {name: getattr(c, name.upper()) for name in ("square", "grand_cross", "arms", "plus", "cut", "wall")}
SWITCH = {"yes": 1, "no": 0}
PASSAGES = {"draws": c.DRAWS, "behind": c.BEHIND}
CARRIES = {"one": c.CARRIES_ONE, "all": c.CARRIES_ALL}
HURLED = {
    "leaping": c.HURLED_LEAPING, "in_sight": c.HURLED_IN_SIGHT, "from_cells": c.HURLED_FROM_CELLS,
    "past_walls": c.HURLED_PAST_WALLS,
}  # fmt: skip

# What skill_db itself says of a skill's blows. Its "critical" needs a critical rate, of which monsters have none.
DAMAGE_FLAGS = {
    "ignoredefense": c.IGNORE_DEFENSE,
    "ignoreflee": c.SURE_HIT,
    "ignoreelement": c.IGNORE_ELEMENT,
    "splashsplit": c.SPLIT,
}

STRIKING = ("strike", "self_destruct")
STRIKING_PULSES = ("strike", "trap", "fire_wall", "trail")
HARMING = ("strike", "self_destruct", "dispel", "knock_back", "draw_in", "break_cast", "draw_lots", "all_lots")
HELPING = ("heal", "cure")
LOTTERIES = ("draw_lots", "all_lots")
EXCUSED = ("nothing", LEFT_OUT)

NUMBERS = {
    "ratio": c.RATIO,
    "hit_bonus": c.HIT_BONUS,
    "argument": c.FORMULA_ARGUMENT,
    "drain": c.DRAIN,
    "waves": c.WAVES,
    "wave_ms": c.WAVE_MS,
    "first_ms": c.FIRST_MS,
    "undead_ratio": c.UNDEAD_RATIO,
    "added": c.ADDED,
    "past_defence": c.PAST_DEFENCE,
    "amount": c.AMOUNT,
    "success": c.SUCCESS,
    "scatter": c.SCATTER,
    "level": c.SKILL_LEVEL,
    "hits": c.HITS,
    "splash": c.SPLASH,
    "knockback": c.KNOCKBACK,
    "share": c.SHARE,
    "ring": c.RING,
    "lunge": c.LUNGE,
    "against_ratio": c.AGAINST_RATIO,
    "level_part": c.LEVEL_PART,
    "sp_ratio": c.SP_RATIO,
    "runs": c.RUNS,
}
AREA_NUMBERS = {
    "ms": c.AREA_MS,
    "interval": c.AREA_INTERVAL,
    "radius": c.AREA_RADIUS,
    "limit": c.AREA_LIMIT_HITS,
    "delay": c.AREA_DELAY_MS,
    "cell_hits": c.AREA_CELL_HITS,
}
CHOICES: Mapping[str, tuple[int, Mapping[str, int]]] = {
    "damage": (c.DAMAGE, DAMAGES),
    "base": (c.FORMULA, BASES),
    "at": (c.CENTRE, PLACES),
    "kind": (c.KIND, KINDS),
    "element": (c.ELEMENT, {name: number for number, name in enumerate(ELEMENTS)}),
    "immediate": (c.IMMEDIATE, SWITCH),
    "self_only_if_hit": (c.SELF_STATUS_ONLY_IF_HIT, SWITCH),
    "front": (c.FRONT, SWITCH),
    "guarded_as": (c.GUARDED_AS, DAMAGES),
    "carries": (c.CARRIES, CARRIES),
    "bowls": (c.BOWLS, SWITCH),
    "passage": (c.PASSAGE, PASSAGES),
    "hurled": (c.HURLED, HURLED),
}
STATUSES = {"spends": c.SPENDS, "spared_under": c.SPARED_UNDER, "lifts": c.LIFTS, "against": c.AGAINST}
KEYS = ("effect", "why", "flags", "area", "statuses", "lots", *NUMBERS, *CHOICES, *STATUSES)
AREA_KEYS = ("pulse", "shape", *AREA_NUMBERS)
STATUS_KEYS = ("status", "chance", "ms", "value", "whom")

ALWAYS = 10000
GROUND_MS = 100  # how often the server looks at ground: what is due between two looks comes at the second
LONGEST_REACH = 14
REACH_OF_NONE = 9  # a monster may use on others what players use on themselves
WHOLE_RATIO = 100
WHOLE_SHARE = 100
NO_TRAP = "WZ_FIREPILLAR"  # flagged as a trap before renewal, but forbidden like any other ground


@dataclass(frozen=True, slots=True)
class SkillTable:
    """Compiled skills: `rows[index[name, level]]`; row 0 does nothing and stands for the normal attack."""

    rows: npt.NDArray[np.int32]
    index: dict[tuple[str, int], int]


@cache
def skill_entries() -> Mapping[str, YamlMap]:
    """The entries of skill_effects.yml by skill, their keys checked."""
    tree = parse_yaml(FILE.read_bytes(), FILE.name)
    if not isinstance(tree, YamlMap):
        raise DataError(FILE.name, "", "the file", tree, "a mapping from skill names to entries")
    if tree.repeated:
        raise DataError(FILE.name, "", "the skill", tree.repeated[0], "each skill once")
    entries = {}
    for name, entry in tree.items():
        entries[name] = _mapping(entry, name, "the entry", KEYS)
        effect = entries[name].get("effect")
        if effect not in EFFECTS:
            raise DataError(FILE.name, name, "effect", effect, one_of(str(effect), EFFECTS))
        if effect in EXCUSED and not entries[name].get("why"):
            raise DataError(FILE.name, name, "why", None, f"the reason for {effect}")
    return entries


def implemented() -> set[str]:
    """Skills that do here what they do on the server, those without effect between monsters included."""
    return {name for name, entry in skill_entries().items() if entry["effect"] != LEFT_OUT}


def without_effect() -> dict[str, str]:
    """Skills that do nothing between monsters on the server either, with the reason."""
    return _excused("nothing")


def left_out() -> dict[str, str]:
    """Skills whose effect is not simulated, with the reason."""
    return _excused(LEFT_OUT)


def compile_skills(bestiary: Bestiary, wanted: Iterable[tuple[str, int]]) -> SkillTable:
    """One row for each (skill, level). Skills without an entry do nothing, but cost dice, cast and delays as ever."""
    rows = [np.zeros(c.SKILL_WIDTH, np.int32)]
    index: dict[tuple[str, int], int] = {}
    for name, level in wanted:
        if (name, level) not in index:
            index[name, level] = len(rows)
            skill = bestiary.skills.get(name)
            rows.append(compile_skill(skill, name, level, bestiary.mode))
            rows += compile_lots(skill, name, level, bestiary.mode)
    return SkillTable(np.stack(rows), index)


def compile_lots(skill: Skill | None, name: str, level: int, mode: str) -> list[npt.NDArray[np.int32]]:
    """The rows of what a skill may draw, or does all of: each is a skill of its own under the same name."""
    entry = skill_entries().get(name)
    if entry is None or skill is None or entry.get("effect") not in LOTTERIES:
        return []
    lots = entry.get("lots")
    if not isinstance(lots, list):
        raise DataError(FILE.name, name, "lots", lots, "a list of entries")
    rows = [compile_skill(skill, name, level, mode, lot) for lot in lots if isinstance(lot, YamlMap)]
    shared = sum(int(row[c.SHARE]) for row in rows)
    whole = WHOLE_SHARE if entry["effect"] == "draw_lots" else 0
    if len(rows) < len(lots) or shared != whole:
        raise DataError(FILE.name, name, "lots", shared, f"entries whose shares come to {whole}")
    return rows


def compile_skill(
    skill: Skill | None, name: str, level: int, mode: str, lot: YamlMap | None = None
) -> npt.NDArray[np.int32]:
    """The row of one skill at one level, or of a lot; `skill` is None for one that skill_db does not know."""
    row = np.zeros(c.SKILL_WIDTH, np.int32)
    row[c.SKILL_LEVEL] = level
    row[c.REACH] = REACH_OF_NONE
    row[c.KIND] = c.KIND_HELP
    if skill is None:
        return row
    row[c.SKILL_ID] = skill.id
    row[c.AIM] = aim_of(skill)
    row[c.REACH] = reach_of(skill, level)
    entry = _mapping(lot, name, "lots", KEYS) if lot is not None else skill_entries().get(name)
    if entry is not None:
        _Compiler(skill, name, level, mode, row).fill(entry)
    elif row[c.AIM] != c.AIM_SUPPORT:
        row[c.KIND] = c.KIND_FIELD if row[c.AIM] == c.AIM_GROUND else c.KIND_HARM
    return row


def aim_of(skill: Skill) -> int:
    """How the server aims it: at a cell, at an enemy, to harm it or otherwise, or at any unit."""
    if skill.target_type == "ground":
        return c.AIM_GROUND
    if skill.target_type == "attack" and "nodamage" in skill.damage_flags:
        return c.AIM_AFFLICT
    if skill.target_type == "support" or "nodamage" in skill.damage_flags:
        return c.AIM_SUPPORT
    if skill.target_type == "self":
        return c.AIM_HARM if "notargetself" in skill.flags else c.AIM_SUPPORT
    return c.AIM_HARM


def reach_of(skill: Skill, level: int) -> int:
    """How many cells away a monster can use it."""
    reach = min(abs(at_level(skill.ranges, level)), LONGEST_REACH)
    return reach or REACH_OF_NONE


def at_level(values: Collection[int], level: int) -> int:
    """A skill's value at a level; what is beyond the levels that it has is as the server goes on from them."""
    sequence = tuple(values)
    if level > len(sequence) >= STORED_LEVELS:
        sequence = at_levels(sequence[:STORED_LEVELS], level)
    return sequence[min(level, len(sequence)) - 1]


class _Compiler:
    """Fills one row from an entry, with skill_db's values where it gives none."""

    def __init__(self, skill: Skill, name: str, level: int, mode: str, row: npt.NDArray[np.int32]) -> None:
        self.skill = skill
        self.name = name
        self.level = level
        self.mode = mode
        self.row = row
        self.names = {
            "lv": level,
            "time1": at_level(skill.durations1, level),
            "time2": at_level(skill.durations2, level),
        }
        self.functions: dict[str, Callable[..., int]] = {
            "min": min,
            "max": max,
            "time1": lambda at: at_level(skill.durations1, at),
            "time2": lambda at: at_level(skill.durations2, at),
        }

    def fill(self, entry: YamlMap) -> None:
        effect = str(entry.get("effect"))
        self.row[c.EFFECT] = self._choice(effect, "effect", EFFECTS)
        area = self._area(entry, effect)
        self._defaults(effect, str(area.get("pulse")))
        self._flags(entry)
        for key, (column, known) in CHOICES.items():
            value = self._of_mode(entry.get(key))
            if value is not None:
                self.row[column] = self._choice(value, key, known)
        for key, column in NUMBERS.items():
            self._number(entry, key, column)
        for key, column in AREA_NUMBERS.items():
            self._number(area, key, column, "area.")
        for key, column in STATUSES.items():
            if entry.get(key) is not None:
                self.row[column] = self._status(entry[key], key)
        self.row[c.LOTS] = len(self._list(entry.get("lots"), "lots"))
        if effect not in EXCUSED:
            self._statuses(entry, effect)
        if "kind" not in entry:
            self.row[c.KIND] = self._kind(effect)

    def _area(self, entry: YamlMap, effect: str) -> YamlMap:
        if effect != "area":
            if "area" in entry:
                self._wrong("area", entry["area"], "none, for only the effect area has one")
            return YamlMap(0)
        area = _mapping(self._of_mode(entry.get("area")), self.name, "area", AREA_KEYS)
        self.row[c.AREA_PULSE] = self._choice(self._of_mode(area.get("pulse")), "area.pulse", PULSES)
        self.row[c.AREA_SHAPE] = self._choice(area.get("shape", "square"), "area.shape", SHAPES)
        skill = self.skill
        self.row[c.AREA_MS] = self.names["time1"]
        self.row[c.AREA_INTERVAL] = _as_looked_at(max(skill.unit_interval, 0))
        layout = max(at_level(skill.unit_layouts, self.level), 0)
        self.row[c.AREA_REACH] = max(at_level(skill.unit_ranges, self.level), 0)
        self.row[c.AREA_RADIUS] = layout + self.row[c.AREA_REACH]
        if "rangedsingleunit" in skill.unit_flags:
            self.row[c.AREA_REACH] += layout  # all cells go with the one in the middle
        self.row[c.THROUGH_WALLS] = "pathcheck" not in skill.unit_flags
        trap = "istrap" in skill.flags and self.name != NO_TRAP
        self.row[c.STANDS_FAST] = trap or "ignorelandprotector" in skill.flags
        return area

    def _defaults(self, effect: str, pulse: str) -> None:
        row, skill, level = self.row, self.skill, self.level
        strikes = effect in STRIKING or (effect == "area" and pulse in STRIKING_PULSES)
        row[c.CENTRE] = c.AT_GROUND if row[c.AIM] == c.AIM_GROUND else c.AT_TARGET
        row[c.RATIO] = WHOLE_RATIO
        row[c.WAVES] = 1
        if strikes:
            row[c.DAMAGE] = DAMAGES[skill.type]
            row[c.HITS] = at_level(skill.hit_counts, level)
            row[c.ELEMENT] = at_level(skill.elements, level)
            row[c.IMMEDIATE] = effect != "strike" or row[c.AIM] == c.AIM_GROUND
        if strikes or effect == "knock_back":
            row[c.KNOCKBACK] = at_level(skill.knockbacks, level)
        if "splash" in skill.damage_flags and (effect != "area" or pulse == "trap"):
            row[c.SPLASH] = at_level(skill.splash_areas, level)
        for flag, bit in DAMAGE_FLAGS.items():
            if flag in skill.damage_flags:
                row[c.FLAGS] |= bit
        row[c.PLAIN_DEFENCE] = "simpledefense" in skill.damage_flags
        if "istrap" in skill.flags:
            row[c.FLAGS] |= c.SHORT_RANGE
        if "ignoreautoguard" in skill.flags:
            row[c.FLAGS] |= c.IGNORE_GUARD

    def _flags(self, entry: YamlMap) -> None:
        for flag in self._list(self._of_mode(entry.get("flags")), "flags"):
            self.row[c.FLAGS] |= self._choice(flag, "flags", FLAGS)

    def _statuses(self, entry: YamlMap, effect: str) -> None:
        listed = self._list(self._of_mode(entry.get("statuses")), "statuses")
        if not listed and effect == "give_status":
            if not self.skill.status:
                self._wrong("statuses", None, "at least one status, for skill_db names none")
            own = YamlMap(0)
            own["status"] = self.skill.status
            listed = [own]
        if len(listed) > c.STATUS_SLOTS:
            self._wrong("statuses", len(listed), f"at most {c.STATUS_SLOTS} of them")
        usual_ms = "time2" if effect in STRIKING or effect == "area" else "time1"
        for slot, node in enumerate(listed):
            status = _mapping(node, self.name, f"statuses[{slot}]", STATUS_KEYS)
            at = c.STATUS + slot * c.STATUS_WIDTH
            self.row[at + c.S_CHANCE] = ALWAYS
            self.row[at + c.S_DURATION] = self.names[usual_ms]
            self.row[at + c.S_VALUE] = self.level
            self.row[at + c.S_WHOM] = self._choice(status.get("whom", "target"), f"statuses[{slot}].whom", WHOM)
            for key, offset in (("chance", c.S_CHANCE), ("ms", c.S_DURATION), ("value", c.S_VALUE)):
                self._number(status, key, at + offset, f"statuses[{slot}].")
            self.row[at + c.S_STATUS] = self._status(status.get("status"), f"statuses[{slot}].status")
            if self.row[at + c.S_CHANCE] <= 0:
                self.row[at : at + c.STATUS_WIDTH] = 0

    def _kind(self, effect: str) -> int:
        if effect == "area" or self.row[c.AIM] == c.AIM_GROUND:
            return c.KIND_FIELD
        if effect in HARMING:
            return c.KIND_HARM
        if effect in HELPING:
            return c.KIND_HELP
        if effect == "give_status" or effect in EXCUSED:
            return c.KIND_HARM if self.skill.target_type == "attack" else c.KIND_HELP
        return c.KIND_FIELD

    def _number(self, node: YamlMap, key: str, column: int, path: str = "") -> None:
        value = self._of_mode(node.get(key))
        if value is None:
            return
        try:
            number = evaluate(str(value), self.names, self.functions)
        except ValueError as error:
            self._wrong(path + key, value, str(error))
        if not -LARGEST <= number <= LARGEST:
            self._wrong(path + key, value, f"a number that fits in 32 bits, at level {self.level} it is {number}")
        self.row[column] = number

    def _status(self, name: YamlNode, key: str) -> int:
        try:
            return status_id(str(name))
        except KeyError as error:
            self._wrong(key, name, str(error.args[0]))

    def _choice(self, value: YamlNode, key: str, known: Mapping[str, int]) -> int:
        if not isinstance(value, str) or value not in known:
            self._wrong(key, value, one_of(str(value), known))
        return known[value]

    def _list(self, node: YamlNode, key: str) -> list[YamlNode]:
        if node is None:
            return []
        if not isinstance(node, list):
            self._wrong(key, node, "a list")
        return node

    def _of_mode(self, node: YamlNode) -> YamlNode:
        """What holds in this mode, where an entry tells the modes apart."""
        if isinstance(node, YamlMap) and node and all(key in MODES for key in node):
            return node.get(self.mode)
        return node

    def _wrong(self, key: str, found: Any, expected: str) -> NoReturn:
        raise DataError(FILE.name, self.name, key, found, expected)


def _as_looked_at(interval_ms: int) -> int:
    """How long it really is from one strike of ground to the next; what strikes more often is left as it is."""
    return interval_ms if interval_ms < GROUND_MS else -(-interval_ms // GROUND_MS) * GROUND_MS


def _excused(effect: str) -> dict[str, str]:
    return {name: str(entry["why"]) for name, entry in skill_entries().items() if entry["effect"] == effect}


def _mapping(node: YamlNode, name: str, key: str, known: Collection[str]) -> YamlMap:
    if not isinstance(node, YamlMap):
        raise DataError(FILE.name, name, key, node, "a mapping")
    for given in (*node, *node.repeated):
        if given not in known or given in node.repeated:
            raise DataError(FILE.name, name, key, given, "each key once" if given in known else one_of(given, known))
    return node
