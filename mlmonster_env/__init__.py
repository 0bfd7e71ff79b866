"""Monsters of a Ragnarok Online server as a reinforcement-learning world: importing this registers its environments.

`gymnasium.make("MLMonster/Combat-v0")` and its like; `ArenaVecEnv` for Stable-Baselines3; `parallel_env`
for PettingZoo.
"""

import sys
from typing import Any

if sys.platform == "win32":
    raise ImportError("mlmonster locks its files as POSIX systems do, expected Linux; on Windows use it within WSL")

from gymnasium import register

from mlmonster_env.contract import ARCHETYPES

_CONTROLS = {
    "Combat": {"control": "combat"},
    "Movement": {"control": "movement"},
    "Skill": {"control": "skill"},
    "Pack": {"control": "pack", "scenario": "pack-3"},
    "Continuous": {"control": "continuous"},
    "Duel": {"control": "combat", "scenario": "duel"},
}
ENVIRONMENTS: tuple[str, ...] = tuple(f"MLMonster/{name}-v0" for name in _CONTROLS)

for _name, _arguments in _CONTROLS.items():
    register(
        f"MLMonster/{_name}-v0",
        entry_point="mlmonster_env.envs.monster:MonsterEnv",
        vector_entry_point="mlmonster_env.envs.vector:MonsterVectorEnv",
        kwargs=_arguments,
    )

register("MLMonster/Replay-v0", entry_point="mlmonster_env.envs.replay:ReplayEnv")

__all__ = ["ARCHETYPES", "ENVIRONMENTS", "ArenaVecEnv", "check_vector_matches_scalar", "film", "parallel_env"]


def __getattr__(name: str) -> Any:
    """What needs heavy packages is imported when it is asked for."""
    if name == "ArenaVecEnv":
        from mlmonster_env.envs.sb3 import ArenaVecEnv

        return ArenaVecEnv
    if name == "parallel_env":
        from mlmonster_env.envs.parallel import parallel_env

        return parallel_env
    if name == "film":
        from mlmonster_env.envs.film import film

        return film
    if name == "check_vector_matches_scalar":
        from mlmonster_env.envs.check import check_vector_matches_scalar

        return check_vector_matches_scalar
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
