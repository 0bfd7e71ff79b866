"""What a server's files become: monsters, their skill rows, skills and maps, each immutable."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from mlmonster_env.data import stat_formulas as formulas

# Two stats of a monster are called `str` and `int`, which hides the types of that name inside its class.
Whole: TypeAlias = int
Text: TypeAlias = str
Levels: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class MobSkill:
    """One row of mob_skill_db.txt: when a monster uses which skill on whom."""

    state: str  # "any" "idle" "walk" "dead" "loot" "attack" "angry" "chase" "follow" "anytarget"
    skill: str
    skill_id: int
    level: int
    rate: int  # per 10,000
    cast_ms: int
    delay_ms: int
    cancelable: bool
    target: str  # "target" "self" "friend" "master" "randomtarget" "around1" ... "around8"
    condition: str  # "always" "onspawn" "myhpltmaxrate" ..., as in the file
    condition_value: int | str  # a number; for conditions on a status "SC_..." or "anybad"
    values: tuple[int, int, int, int, int]
    emotion: int  # -1 for none


@dataclass(frozen=True, slots=True)
class Monster:
    """One monster as the server holds it after loading; enums as the numbers in `enums`."""

    id: Whole
    aegis_name: Text
    name: Text
    level: Whole
    hp: Whole
    sp: Whole
    attack: Whole
    attack2: Whole
    defense: Whole
    magic_defense: Whole
    resistance: Whole
    magic_resistance: Whole
    str: Whole
    agi: Whole
    vit: Whole
    int: Whole
    dex: Whole
    luk: Whole
    attack_range: Whole
    skill_range: Whole
    chase_range: Whole
    size: Whole
    race: Whole
    element: Whole
    element_level: Whole
    walk_speed: Whole
    attack_delay: Whole
    attack_motion: Whole
    damage_motion: Whole
    damage_taken: Whole  # percent of all damage that is taken
    mode: Whole  # bits of Ai, Class and Modes together
    monster_class: Whole
    renewal: bool  # which formulas `derived` follows
    player: bool  # a player-like bot of the bundled bestiary
    skills: tuple[MobSkill, ...]
    archetype: Text = ""
    archetype_margin: float = 0.0  # (best score - second) / best

    def derived(self) -> dict[Text, Whole]:
        """The numbers that the server computes from the database's, by the names that the simulator uses."""
        renewal = Whole(self.renewal)
        return {
            "level": self.level,
            "max_hp": self.hp,
            "hit": formulas.hit(self.level, self.dex, renewal),
            "flee": formulas.flee(self.level, self.agi, renewal),
            "def": self.defense,
            "def2": formulas.soft_defense(self.level, self.vit, renewal),
            "mdef": self.magic_defense,
            "mdef2": formulas.soft_magic_defense(self.level, self.int, self.vit, renewal),
            "batk": formulas.base_attack(self.level, self.str, renewal),
            "atk_min": formulas.attack_minimum(self.attack, renewal),
            "atk_max": formulas.attack_maximum(self.attack, self.attack2, renewal),
            "matk_min": formulas.magic_attack_minimum(self.level, self.int, self.attack2, renewal),
            "matk_max": formulas.magic_attack_maximum(self.level, self.int, self.attack2, renewal),
            "speed": self.walk_speed,
            "adelay": self.attack_delay,
            "amotion": self.attack_motion,
            "dmotion": self.damage_motion,
            "range": self.attack_range,
            "view_range": self.skill_range,
            "chase_range": self.chase_range,
            "mode": self.mode,
            "size": self.size,
            "race": self.race,
            "element": self.element,
            "element_level": self.element_level,
        }


@dataclass(frozen=True, slots=True)
class Skill:
    """One entry of skill_db.yml; what depends on the level is a tuple indexed by level - 1."""

    id: int
    name: str
    max_level: int
    type: str  # "none" "weapon" "magic" "misc"
    target_type: str  # "passive" "attack" "ground" "self" "support" "trap"
    damage_flags: frozenset[str]  # lower-case names
    flags: frozenset[str]
    ranges: Levels  # negative: the caster's weapon range counts
    hit: str  # "normal" "single" "multi_hit"
    hit_counts: Levels
    elements: Levels  # 0..9, WEAPON_ELEMENT, ENDOWED_ELEMENT, RANDOM_ELEMENT
    splash_areas: Levels
    knockbacks: Levels
    durations1: Levels
    durations2: Levels
    cooldowns: Levels
    after_cast_act_delays: Levels
    active_instances: Levels
    cast_times: Levels
    cast_cancel: bool
    unit_id: str  # lower case, "" if the skill places nothing
    unit_layouts: Levels
    unit_ranges: Levels
    unit_interval: int
    unit_target: str
    unit_flags: frozenset[str]
    status: str  # "SC_..." or ""


@dataclass(frozen=True, slots=True)
class GameMap:
    """A map's cells, indexed [y, x]."""

    name: str
    walkable: npt.NDArray[np.bool_]
    shootable: npt.NDArray[np.bool_]  # arrows and spells pass
