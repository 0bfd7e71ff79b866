"""Which of the six archetypes a monster is of: traits measured here, weighed by the table in archetypes.yml."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mlmonster_env.contract import ARCHETYPES
from mlmonster_env.data.database import Format
from mlmonster_env.data.enums import MODES
from mlmonster_env.data.errors import DataError, one_of
from mlmonster_env.data.fields import Entry, Report
from mlmonster_env.data.model import MobSkill, Monster, Skill
from mlmonster_env.data.yaml_tree import YamlMap, parse_yaml

FORMAT = Format("ARCHETYPE_DB", newest=1)
TABLE = Path(__file__).resolve().parent / "archetypes.yml"

FIGHTING_STATES = frozenset({"attack", "angry", "chase", "follow", "any", "anytarget"})
FRIEND_TARGETS = frozenset({"friend", "master"})
MELEE_REACH = 3

HEALS = frozenset(
    {"AB_CHEAL", "AL_HEAL", "AM_POTIONPITCHER", "NPC_ALLHEAL", "NPC_CHEAL", "NPC_DAMAGE_HEAL", "PR_SANCTUARY"}
)
SUMMONS = frozenset({"NPC_SUMMONSLAVE", "NPC_CALLSLAVE", "NPC_DEATHSUMMON"})
GUARDS = frozenset(
    {
        "CR_AUTOGUARD", "CR_DEFENDER", "CR_REFLECTSHIELD", "SM_ENDURE", "NPC_BARRIER", "NPC_DEFENDER", "NPC_KEEPING",
        "NPC_MAGICMIRROR", "NPC_MAXPAIN", "NPC_MILLENNIUMSHIELD", "NPC_STONESKIN", "NPC_ANTIMAGIC", "NPC_INVINCIBLE",
        "NPC_REBIRTH",
    }
)  # fmt: skip
BLESSINGS = frozenset(
    {
        "AL_ANGELUS", "AL_BLESSING", "AL_INCAGI", "BS_ADRENALINE", "HP_ASSUMPTIO", "PR_GLORIA", "PR_IMPOSITIO",
        "PR_KYRIE", "PR_MAGNIFICAT", "PR_STRECOVERY",
    }
)  # fmt: skip
NOT_HINDERING = frozenset({"MO_BODYRELOCATION", "NPC_EMOTION", "NPC_EMOTION_ON", "HW_GANBANTEIN"})

# Decimal logarithm of a level's usual hit points: at level 0, and what each level adds.
USUAL_HP = {True: (1.9, 0.025), False: (2.1, 0.035)}


class Facts:
    """What traits look at: a monster, its derived stats and what its skills are."""

    def __init__(self, monster: Monster, skills: Mapping[str, Skill]) -> None:
        self.monster = monster
        self._skills = skills

    @cached_property
    def derived(self) -> dict[str, int]:
        return self.monster.derived()

    @cached_property
    def names(self) -> set[str]:
        return {row.skill for row in self.monster.skills}

    @cached_property
    def harmful(self) -> list[Skill]:
        """Distinct skills that damage enemies in a fight."""
        return [self._skills[name] for name in sorted({row.skill for row in self.monster.skills if self._harms(row)})]

    def _harms(self, row: MobSkill) -> bool:
        skill = self._skills[row.skill]
        return (
            row.state in FIGHTING_STATES
            and row.target not in FRIEND_TARGETS
            and "nodamage" not in skill.damage_flags
            and skill.type in ("weapon", "magic", "misc")
        )

    @cached_property
    def hindering(self) -> list[str]:
        """Distinct skills without damage that are aimed at enemies or the ground."""
        candidates = self.names - NOT_HINDERING - HEALS - GUARDS
        return [name for name in sorted(candidates) if self._hinders(self._skills[name])]

    def _hinders(self, skill: Skill) -> bool:
        return "nodamage" in skill.damage_flags and skill.target_type in ("attack", "ground")

    def has(self, mode: str) -> bool:
        return bool(self.monster.mode & MODES[mode])

    def count(self, kind: str) -> int:
        return sum(skill.type == kind for skill in self.harmful)


def _clip(value: float) -> float:
    return min(max(value, 0.0), 1.0)


def _sturdy(facts: Facts) -> float:
    start, step = USUAL_HP[facts.monster.renewal]
    return _clip(0.2 + math.log10(facts.monster.hp) - start - step * facts.monster.level)


def _stopped(defense: int, renewal: bool) -> float:
    """Share of a hit that a hard defence stops, against a high one of its rules."""
    if renewal:
        return _clip((1 - (4000 + defense) / (4000 + 10 * defense)) / 0.35)
    return _clip(defense / 60)


def _magic_power(facts: Facts) -> float:
    stats = facts.derived
    magic = stats["matk_min"] + stats["matk_max"]
    weapon = 2 * stats["batk"] + stats["atk_min"] + stats["atk_max"]
    return _clip(magic / max(magic + weapon, 1) * 2 - 0.5)


def _helps_friends(facts: Facts) -> float:
    rows = facts.monster.skills
    return float(any(row.target in FRIEND_TARGETS or row.condition.startswith("friend") for row in rows))


def _far(skill: Skill) -> bool:
    return abs(skill.ranges[0]) > MELEE_REACH


TRAITS: dict[str, Callable[[Facts], float]] = {
    "aggressive": lambda facts: float(facts.has("Aggressive")),
    "passive": lambda facts: float(not facts.has("Aggressive")),
    "assists": lambda facts: float(facts.has("Assist")),
    "rooted": lambda facts: float(not facts.has("CanMove")),
    "swift": lambda facts: _clip((250 - facts.monster.walk_speed) / 100) * facts.has("CanMove"),
    "quick": lambda facts: _clip((1600 - facts.monster.attack_delay) / 1000) * facts.has("CanAttack"),
    "sturdy": _sturdy,
    "armoured": lambda facts: _stopped(facts.monster.defense, facts.monster.renewal),
    "warded": lambda facts: _stopped(facts.monster.magic_defense, facts.monster.renewal),
    "guards": lambda facts: float(bool(facts.names & GUARDS)),
    "melee_skills": lambda facts: _clip(sum(s.type == "weapon" and not _far(s) for s in facts.harmful) / 3),
    "reach": lambda facts: float(facts.monster.attack_range > MELEE_REACH),
    "shots": lambda facts: _clip(sum(s.type == "weapon" and _far(s) for s in facts.harmful) / 2),
    "magic": lambda facts: _clip(facts.count("magic") / 3),
    "magic_share": lambda facts: facts.count("magic") / max(len(facts.harmful), 1),
    "magic_power": _magic_power,
    "helps_friends": _helps_friends,
    "heals": lambda facts: float(bool(facts.names & HEALS)),
    "blessings": lambda facts: _clip(len(facts.names & BLESSINGS) / 2),
    "hinders": lambda facts: _clip(len(facts.hindering) / 4),
    "leads": lambda facts: float(bool(facts.names & SUMMONS)),
}


@dataclass(frozen=True, slots=True)
class Rules:
    """Weights by trait and archetype, and monsters (by AegisName) whose archetype was simply said."""

    weights: Mapping[str, Mapping[str, float]]
    said: Mapping[str, str]

    def judge(self, monster: Monster, skills: Mapping[str, Skill]) -> tuple[str, float]:
        """The monster's archetype and by how much it leads: (best score - second) / best."""
        if monster.aegis_name in self.said:
            return self.said[monster.aegis_name], 1.0
        facts = Facts(monster, skills)
        scores = dict.fromkeys(ARCHETYPES, 0.0)
        for trait, weights in self.weights.items():
            value = TRAITS[trait](facts)
            for archetype, weight in weights.items():
                scores[archetype] += weight * value
        first, second = sorted(ARCHETYPES, key=lambda archetype: -scores[archetype])[:2]
        best = scores[first]
        return first, _clip((best - scores[second]) / best) if best > 0 else 0.0


def own_table() -> Iterator[Entry]:
    """The rows of this package's own table."""
    root = parse_yaml(TABLE.read_bytes(), TABLE.name)
    assert isinstance(root, YamlMap)
    body = root["Body"]
    assert isinstance(body, list)
    for node in body:
        assert isinstance(node, YamlMap)
        yield Entry(TABLE.name, f"line {node.line}", node)


def read_rules(entries: Iterable[Entry], report: Report, monsters: Mapping[int, Mapping[str, Any]]) -> Rules:
    """Rules from our own table and whatever a server adds to it; later rows replace earlier ones."""
    names = [draft["aegis_name"] for draft in monsters.values()]
    known = frozenset(names)
    weights: dict[str, dict[str, float]] = {}
    said: dict[str, str] = {}
    for entry in entries:
        try:
            if "Monster" in entry:
                entry.allow(("Monster", "Archetype"))
                name, archetype = entry.text("Monster"), entry.choice("Archetype", {name: name for name in ARCHETYPES})
                if name not in known:
                    raise entry.wrong("Monster", f"the AegisName of a monster, {one_of(str(name), names)}")
                if archetype is None:
                    raise entry.wrong("Archetype", one_of("", ARCHETYPES))
                said[str(name)] = archetype
            else:
                entry.allow(("Trait", *ARCHETYPES))
                trait = entry.choice("Trait", {name: name for name in TRAITS})
                if trait is None:
                    raise entry.wrong("Trait", "a trait, or Monster and Archetype")
                found = {archetype: entry.number(archetype, 0, 100) for archetype in ARCHETYPES}
                weights[trait] = {archetype: value for archetype, value in found.items() if value is not None}
        except DataError as error:
            report.wrong(error)
    return Rules(weights, said)
