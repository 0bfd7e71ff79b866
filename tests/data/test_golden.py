"""Everything that is loaded, against what a real server held in memory after loading the same files."""

import csv
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlmonster_env.contract import MODES
from mlmonster_env.data import Bestiary, Monster
from mlmonster_env.data.enums import DAMAGE_FLAGS, SKILL_FLAGS, WEAPONS
from tests.reference import reference_path

SUFFIX = {"renewal": "re", "pre-renewal": "pre"}

# The server's numbers for states, targets and conditions of skill rows.
STATES = {"idle": 0, "walk": 1, "loot": 2, "dead": 3, "attack": 4, "angry": 5, "chase": 6, "follow": 7, "any": -1}
TARGETS = (
    "target", "randomtarget", "self", "friend", "master",
    "around5", "around6", "around7", "around8", "around1", "around2", "around3", "around4",
)  # fmt: skip
CONDITIONS = (
    "always", "myhpltmaxrate", "myhpinrate", "friendhpltmaxrate", "friendhpinrate", "mystatuson", "mystatusoff",
    "friendstatuson", "friendstatusoff", "attackpcgt", "attackpcge", "slavelt", "slavele", "closedattacked",
    "longrangeattacked", "afterskill", "skillused", "casttargeted", "rudeattacked", "masterhpltmaxrate",
    "masterattacked", "alchemist", "onspawn", "mobnearbygt", "groundattacked", "damagedgt", "trickcasting",
)  # fmt: skip
STATUSES = {"anybad": -1, "SC_STONE": 0, "SC_HIDING": 24}

DERIVED = {
    "level": "level", "max_hp": "max_hp", "batk": "batk", "rhw_atk": "atk_min", "rhw_atk2": "atk_max",
    "matk_min": "matk_min", "matk_max": "matk_max", "range": "range", "speed": "speed", "amotion": "amotion",
    "adelay": "adelay", "dmotion": "dmotion", "mode": "mode", "hit": "hit", "flee": "flee", "def": "def",
    "def2": "def2", "mdef": "mdef", "mdef2": "mdef2", "def_ele": "element", "ele_lv": "element_level",
    "size": "size", "race": "race", "view_range": "view_range", "chase_range": "chase_range",
}  # fmt: skip
PLAIN = {
    "mob_id": "id", "aegis": "aegis_name", "name": "name", "hp": "hp", "max_sp": "sp", "str": "str", "agi": "agi",
    "vit": "vit", "int": "int", "dex": "dex", "luk": "luk", "res": "resistance", "mres": "magic_resistance",
    "class": "monster_class", "damagetaken": "damage_taken",
}  # fmt: skip

SKILL_TYPES = {"none": 0, "weapon": 1, "magic": 2, "misc": 4}
TARGET_TYPES = {"passive": 0, "attack": 1, "ground": 2, "self": 4, "support": 16, "trap": 32}
HITS = {"normal": 0, "single": 6, "multi_hit": 8}
UNIT_TARGETS = {"": 0, "enemy": 0x20000, "all": 0x3F0000}
SKILL_ELEMENTS = {-1: 12, -2: 13, -3: 14}
LEVELS = {
    "range": "ranges", "splash": "splash_areas", "num": "hit_counts", "cast": "cast_times",
    "delay": "after_cast_act_delays", "time": "durations1", "time2": "durations2", "cooldown": "cooldowns",
    "blew": "knockbacks", "maxcount": "active_instances", "unit_range": "unit_ranges",
}  # fmt: skip


@cache
def world(mode: str) -> Bestiary:
    return Bestiary.load(reference_path(), mode, cache=False)


def golden(name: str, mode: str) -> Path:
    return reference_path() / "golden" / f"{name}_{SUFFIX[mode]}"


def lines(name: str, mode: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in golden(name, mode).with_suffix(".jsonl").read_text("utf-8").splitlines()]


def skill_rows(monster: Monster) -> list[dict[str, Any]]:
    return [
        {
            "skill": row.skill_id,
            "name": row.skill,
            "lv": row.level,
            "state": STATES[row.state],
            "rate": row.rate,
            "casttime": row.cast_ms,
            "delay": row.delay_ms,
            "cancel": int(row.cancelable),
            "target": TARGETS.index(row.target),
            "cond1": CONDITIONS.index(row.condition),
            "cond2": STATUSES[row.condition_value] if isinstance(row.condition_value, str) else row.condition_value,
            "val": list(row.values),
            "emotion": row.emotion,
        }
        for row in monster.skills
    ]


@pytest.mark.parametrize("mode", MODES)
def test_every_stat_of_every_monster(mode: str) -> None:
    checked, wrong = 0, []
    for measured in lines("mobs", mode):
        monster = world(mode)[measured["stats"]["mob_id"]]
        ours = {key: monster.derived()[name] for key, name in DERIVED.items()}
        ours |= {key: getattr(monster, name) for key, name in PLAIN.items()}
        checked += len(ours)
        theirs = measured["stats"]
        wrong += [(monster.id, key, value, theirs[key]) for key, value in ours.items() if value != theirs[key]]
    assert wrong == []
    assert checked > 20_000


@pytest.mark.parametrize("mode", MODES)
def test_every_skill_row_of_every_monster(mode: str) -> None:
    checked = 0
    for measured in lines("mobs", mode):
        monster = world(mode)[measured["stats"]["mob_id"]]
        assert skill_rows(monster) == measured["skills"], monster.aegis_name
        checked += len(monster.skills)
    assert checked > 3_000


@pytest.mark.parametrize("mode", MODES)
def test_every_property_of_every_skill(mode: str) -> None:
    for measured in lines("skills_props", mode):
        skill = world(mode).skills[measured["name"]]
        assert skill.id == measured["id"]
        assert SKILL_TYPES[skill.type] == measured["type"], skill.name
        assert TARGET_TYPES[skill.target_type] == measured["inf"], skill.name
        assert HITS[skill.hit] == measured["hit"], skill.name
        assert skill.cast_cancel == measured["castcancel"], skill.name
        assert skill.unit_interval == measured["unit_interval"], skill.name
        assert UNIT_TARGETS[skill.unit_target] == measured["unit_target"], skill.name
        assert skill.max_level == measured["max"], skill.name
        assert bits(skill.damage_flags, DAMAGE_FLAGS) == measured["nk"], skill.name
        assert bits(skill.flags, SKILL_FLAGS) == measured["inf2"], skill.name
        for level in measured["levels"]:
            index = level["lv"] - 1
            for key, name in LEVELS.items():
                assert getattr(skill, name)[index] == level[key], (skill.name, key, level["lv"])
            element = skill.elements[index]
            assert SKILL_ELEMENTS.get(element, element) == level["ele"], (skill.name, level["lv"])


def bits(flags: frozenset[str], names: tuple[str, ...]) -> str:
    return "".join(str(int(name.lower() in flags)) for name in reversed(names))


@pytest.mark.parametrize("mode", MODES)
def test_tables(mode: str) -> None:
    attributes = np.zeros((4, 10, 10), dtype=np.int32)
    for level, attack, defence, percent in read_csv(golden("attr_fix", mode)):
        attributes[int(level) - 1, int(attack), int(defence)] = int(percent)
    assert np.array_equal(world(mode).attribute_table, attributes)
    sizes = {row[0]: [int(percent) for percent in row[1:]] for row in read_csv(golden("size_fix", mode))}
    assert {name: world(mode).size_table[i].tolist() for i, name in enumerate(WEAPONS)} == sizes


def read_csv(path: Path) -> list[list[str]]:
    return list(csv.reader(path.with_suffix(".csv").read_text("utf-8").splitlines()))[1:]


@pytest.mark.parametrize("mode", MODES)
def test_all_of_it_is_there(mode: str) -> None:
    assert len(world(mode)) == {"renewal": 2675, "pre-renewal": 1004}[mode]
    assert len(world(mode).skills) == {"renewal": 1635, "pre-renewal": 1228}[mode]
    assert len(world(mode).maps) == 1296
    assert world(mode).unknown_skills == {}
    assert world(mode).skipped == ()
    assert not any(monster.player for monster in world(mode))
