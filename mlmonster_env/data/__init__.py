"""A real server's data files, or our own bestiary in the same formats, as typed objects and arrays."""

from mlmonster_env.data.bestiary import Bestiary
from mlmonster_env.data.errors import DataError
from mlmonster_env.data.model import GameMap, MobSkill, Monster, Skill

__all__ = ["Bestiary", "DataError", "GameMap", "MobSkill", "Monster", "Skill"]
