"""A world's species, skill lists, skills, statuses and elements as the arrays that kernels read."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mlmonster_env.contract import ARCHETYPES
from mlmonster_env.data import Bestiary, MobSkill, Monster
from mlmonster_env.data.enums import CALLING_SKILLS, PLANTING_SKILL, PLANTS
from mlmonster_env.sim import fields as f
from mlmonster_env.sim.skill_table import compile_skills
from mlmonster_env.sim.status_table import compile_statuses, status_id

Int32Array = np.ndarray[Any, np.dtype[np.int32]]

STATES = {
    "idle": f.IDLE,
    "walk": f.WALK,
    "loot": f.LOOT,
    "dead": f.DEAD,
    "attack": f.BERSERK,
    "angry": f.ANGRY,
    "chase": f.RUSH,
    "follow": f.FOLLOW,
    "any": f.ANY,
    "anytarget": f.ANYTARGET,
}
TARGETS = {
    "target": f.ON_TARGET,
    "self": f.ON_SELF,
    "friend": f.ON_FRIEND,
    "master": f.ON_MASTER,
    "randomtarget": f.ON_RANDOM,
    **{f"around{n}": f.AROUND + n for n in range(1, 5)},
    "around": f.AROUND + 4,
    **{f"around{n + 4}": f.AROUND_TARGET + n for n in range(1, 5)},
}
CONDITIONS = {
    "always": f.ALWAYS,
    "onspawn": f.ON_SPAWN,
    "myhpltmaxrate": f.MY_HP_BELOW,
    "myhpinrate": f.MY_HP_BETWEEN,
    "mystatuson": f.MY_STATUS_ON,
    "mystatusoff": f.MY_STATUS_OFF,
    "friendhpltmaxrate": f.FRIEND_HP_BELOW,
    "friendhpinrate": f.FRIEND_HP_BETWEEN,
    "friendstatuson": f.FRIEND_STATUS_ON,
    "friendstatusoff": f.FRIEND_STATUS_OFF,
    "attackpcgt": f.ATTACKERS_ABOVE,
    "attackpcge": f.ATTACKERS_FROM,
    "slavelt": f.SLAVES_BELOW,
    "slavele": f.SLAVES_UP_TO,
    "closedattacked": f.CLOSE_ATTACKED,
    "longrangeattacked": f.RANGED_ATTACKED,
    "skillused": f.SKILL_USED,
    "afterskill": f.AFTER_SKILL,
    "casttargeted": f.CAST_TARGETED,
    "rudeattacked": f.RUDE_ATTACKED,
    "masterhpltmaxrate": f.MASTER_HP_BELOW,
    "masterattacked": f.MASTER_ATTACKED,
    "alchemist": f.ALCHEMIST,
    "groundattacked": f.GROUND_ATTACKED,
    "damagedgt": f.DAMAGED_ABOVE,
    "mobnearbygt": f.MOBS_NEARBY_ABOVE,
    "trickcasting": f.TRICK_CASTING,
}
EVENTS = {
    f.RUDE_ATTACKED: f.HAS_RUDE,
    f.RANGED_ATTACKED: f.HAS_RANGED,
    f.CLOSE_ATTACKED: f.HAS_DAMAGED,
    f.DAMAGED_ABOVE: f.HAS_DAMAGED,
    f.SKILL_USED: f.HAS_SKILL_USED,
    f.GROUND_ATTACKED: f.HAS_SKILL_USED,
    f.CAST_TARGETED: f.HAS_CAST_TARGETED,
    f.ON_SPAWN: f.HAS_SPAWN,
}
SUMMONING_SKILLS = ("NPC_SUMMONSLAVE", "NPC_SUMMONMONSTER", "NPC_DEATHSUMMON")
LIMIT = 2**31 - 1

# What hit points a plant has: so many, and more for each level of the skill and of its caller.
PLANT_HP, PLANT_HP_OF_A_SKILL_LEVEL, PLANT_HP_OF_A_LEVEL = 1500, 200, 10


@dataclass(frozen=True, slots=True)
class Tables:
    """Everything about a world that does not change while it is played."""

    renewal: bool
    monsters: tuple[Monster, ...]  # by species number less one; species 0 is nobody
    species: Int32Array
    rows: Int32Array
    skills: Int32Array
    statuses: Int32Array
    elements: Int32Array

    @property
    def most_skills(self) -> int:
        """How many skills the richest list has; a skill's rows share its delay."""
        return int(self.rows[:, :, f.R_GROUP].max()) + 1

    def species_of(self, monster: Monster) -> int:
        """The number of a monster's species, from 1."""
        return self.monsters.index(monster) + 1


def compile_tables(bestiary: Bestiary, monsters: Iterable[Monster]) -> Tables:
    """Tables for these monsters and for all that they can call or become."""
    chosen = _with_callable(bestiary, monsters)
    wanted = [(row.skill, row.level) for monster in chosen for row in monster.skills]
    table = compile_skills(bestiary, wanted)
    numbers = {monster: number for number, monster in enumerate(chosen, start=1)}
    longest = max((len(monster.skills) for monster in chosen), default=0)
    species = np.zeros((len(chosen) + 1, f.SPECIES_WIDTH), np.int32)
    rows = np.zeros((len(chosen) + 1, max(longest, 1), f.ROW_WIDTH), np.int32)
    for number, monster in enumerate(chosen, start=1):
        species[number] = _species_row(monster)
        groups: dict[int, int] = {}
        for r, row in enumerate(monster.skills):
            group = groups.setdefault(row.skill_id, len(groups))
            called = [numbers[other] for other in _called_by_row(bestiary, monster, row)]
            rows[number, r] = _skill_row(row, table.index, called, group)
            species[number, f.EVENT_ROWS] |= EVENTS.get(int(rows[number, r, f.R_CONDITION]), 0)
            if rows[number, r, f.R_STATE] == f.DEAD:
                species[number, f.EVENT_ROWS] |= f.HAS_DEATH
    return Tables(
        renewal=bestiary.mode == "renewal",
        monsters=tuple(chosen),
        species=species,
        rows=rows,
        skills=np.ascontiguousarray(table.rows, np.int32),
        statuses=np.ascontiguousarray(compile_statuses(bestiary.mode), np.int32),
        elements=np.ascontiguousarray(bestiary.attribute_table, np.int32),
    )


def called_by(bestiary: Bestiary, monster: Monster) -> list[Monster]:
    """Whom a monster's skills call or turn it into."""
    return [other for row in monster.skills for other in _called_by_row(bestiary, monster, row)]


def most_slaves(monster: Monster) -> int:
    """How many monsters one cast of this one brings, at most."""
    plants = [1 for row in monster.skills if row.skill == PLANTING_SKILL]
    return max([*plants, *(row.level for row in monster.skills if row.skill in SUMMONING_SKILLS)], default=0)


def _called_by_row(bestiary: Bestiary, monster: Monster, row: MobSkill) -> list[Monster]:
    if row.skill == PLANTING_SKILL:
        plant = PLANTS[min(row.level, len(PLANTS)) - 1]
        return [_plant(bestiary[plant], monster.level, row.level)] if plant in bestiary.monsters else []
    if row.skill in CALLING_SKILLS:
        return [bestiary[number] for number in row.values if number in bestiary.monsters]
    return []


def _plant(plant: Monster, level: int, skill_level: int) -> Monster:
    """A plant as a caller of some level grows it."""
    hp = PLANT_HP + PLANT_HP_OF_A_SKILL_LEVEL * skill_level + PLANT_HP_OF_A_LEVEL * level
    return replace(plant, hp=hp, mode=plant.mode | f.CAN_ATTACK | f.AGGRESSIVE_MODE)


def _with_callable(bestiary: Bestiary, monsters: Iterable[Monster]) -> list[Monster]:
    chosen = list(dict.fromkeys(monsters))
    for monster in chosen:
        for other in called_by(bestiary, monster):
            if other not in chosen:
                chosen.append(other)
    return chosen


def _species_row(monster: Monster) -> Int32Array:
    row = np.zeros(f.SPECIES_WIDTH, np.int32)
    derived = monster.derived()
    values = {
        f.LEVEL: monster.level,
        f.MAX_HP: derived["max_hp"],
        f.MAX_SP: monster.sp,
        f.STR: monster.str,
        f.AGI: monster.agi,
        f.VIT: monster.vit,
        f.INT: monster.int,
        f.DEX: monster.dex,
        f.LUK: monster.luk,
        f.ATTACK: monster.attack,
        f.ATTACK2: monster.attack2,
        f.BATK: derived["batk"],
        f.ATK_MIN: derived["atk_min"],
        f.ATK_MAX: derived["atk_max"],
        f.MATK_MIN: derived["matk_min"],
        f.MATK_MAX: derived["matk_max"],
        f.HIT: derived["hit"],
        f.FLEE: derived["flee"],
        f.DEF: derived["def"],
        f.DEF2: derived["def2"],
        f.MDEF: derived["mdef"],
        f.MDEF2: derived["mdef2"],
        f.RES: monster.resistance,
        f.MRES: monster.magic_resistance,
        f.SPEED: derived["speed"],
        f.ADELAY: derived["adelay"],
        f.AMOTION: derived["amotion"],
        f.DMOTION: derived["dmotion"],
        f.RANGE: derived["range"],
        f.VIEW: derived["view_range"],
        f.CHASE: derived["chase_range"],
        f.BASE_MODE: monster.mode,
        f.SIZE: monster.size,
        f.RACE: monster.race,
        f.ELEMENT: monster.element,
        f.ELEMENT_LEVEL: monster.element_level,
        f.DAMAGE_TAKEN_PERCENT: monster.damage_taken,
        f.CLASS: monster.monster_class,
        f.IS_PLAYER: int(monster.player),
        f.ROWS: len(monster.skills),
        f.MONSTER_ID: monster.id,
        f.ARCHETYPE: ARCHETYPES.index(monster.archetype),
        f.MARGIN: round(1000 * monster.archetype_margin),
        f.MAX_SLAVES: most_slaves(monster),
    }
    for column, value in values.items():
        row[column] = min(value, LIMIT)
    return row


def _skill_row(row: MobSkill, skills: dict[tuple[str, int], int], called: list[int], group: int) -> Int32Array:
    values = list(row.values)
    if row.skill in CALLING_SKILLS or row.skill == PLANTING_SKILL:
        values = [*called, *[0] * (5 - len(called))]
    return np.array(
        [
            skills[row.skill, row.level],
            STATES[row.state],
            row.rate,
            row.cast_ms,
            row.delay_ms,
            int(row.cancelable),
            TARGETS[row.target],
            CONDITIONS[row.condition],
            _condition_value(row),
            *values,
            group,
        ],
        np.int64,
    ).astype(np.int32)


def _condition_value(row: MobSkill) -> int:
    if isinstance(row.condition_value, int):
        return row.condition_value
    if row.condition_value == "anybad":
        return 0
    try:
        return status_id(row.condition_value)
    except KeyError:
        return -1
