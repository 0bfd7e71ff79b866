"""An archetype's pay around environments that are there already: Gymnasium's, its vectors, Stable-Baselines3's.

All three let a `Breakdown` take the place of the battle's reward, so that they pay alike, and tell in `info` what for:
`reward_terms` of each step, and `episode_reward_terms` at the end of a match.
"""

from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import VectorEnv, VectorWrapper
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper
from stable_baselines3.common.vec_env.base_vec_env import VecEnvObs, VecEnvStepReturn

from mlmonster_env.envs.battle import Battle
from rewards.archetypes import for_archetype
from rewards.breakdown import Breakdown, BreakdownFile
from rewards.payment import Payment

STEP, EPISODE = "reward_terms", "episode_reward_terms"


def payment_of(pay: str | Payment) -> Payment:
    """A payment, or that of an archetype."""
    if isinstance(pay, str):
        return for_archetype(pay)
    if not isinstance(pay, Payment):
        wanted = "expected an archetype or a Payment; of a function of events that is Payment({custom(name, it): 1.0})"
        raise ValueError(f"pay is {pay!r}, {wanted}")
    return pay


def battle_of(env: Any) -> Battle:
    """The battle under an environment, however wrapped; an error if there is none."""
    battle = getattr(env.unwrapped, "battle", None)
    if hasattr(env.unwrapped, "shards"):
        raise ValueError(f"env is {env!r} of several battles, expected each of its shards to be wrapped by itself")
    if not isinstance(battle, Battle):
        raise ValueError(f"env is {env!r}, expected an environment of this library")
    return battle


class RewardWrapper(gym.Wrapper[Any, Any, Any, Any], gym.utils.RecordConstructorArgs):
    """Pays the monster of a single environment."""

    def __init__(self, env: gym.Env[Any, Any], pay: str | Payment) -> None:
        gym.utils.RecordConstructorArgs.__init__(self, pay=pay, _disable_deepcopy=True)
        super().__init__(env)
        self.breakdown = Breakdown(battle_of(env), payment_of(pay))

    def action_masks(self) -> Any:
        """Which actions are legal now, as the environment says."""
        return self.env.get_wrapper_attr("action_masks")()

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """One decision, and what it was paid for."""
        seen, reward, terminated, truncated, info = self.env.step(action)
        info[STEP] = self.breakdown.of_step(0)
        if terminated or truncated:
            info[EPISODE] = self.breakdown.of_episode(0)
        return seen, reward, terminated, truncated, info


class VectorRewardWrapper(VectorWrapper[Any, Any, Any]):
    """Pays the monsters of a native vector environment; the terms in `infos` are arrays by name."""

    def __init__(self, env: VectorEnv[Any, Any, Any], pay: str | Payment) -> None:
        super().__init__(env)
        self.breakdown = Breakdown(battle_of(env), payment_of(pay))

    def action_masks(self) -> Any:
        """Of each environment, which actions are legal now."""
        return self.unwrapped.action_masks()  # type: ignore[attr-defined]

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """One decision in every match, and what each was paid for."""
        seen, rewards, terminated, truncated, infos = self.env.step(actions)
        ended = terminated | truncated
        played = ended | (battle_of(self.env).steps > 0)  # a match that has just begun in place of a step paid nothing
        infos[STEP] = {name: np.where(played, paid, np.float32(0)) for name, paid in self.breakdown.step_terms.items()}
        if ended.any():
            infos[EPISODE] = {name: np.where(ended, paid, 0.0) for name, paid in self.breakdown.episode_terms.items()}
            infos[f"_{EPISODE}"] = ended.copy()
        return seen, rewards, terminated, truncated, infos


class VecRewardWrapper(VecEnvWrapper):
    """Pays the slots of an `ArenaVecEnv`; with `path` every match that ends becomes a line of a CSV file."""

    def __init__(self, venv: VecEnv, pay: str | Payment, path: str | Path | None = None) -> None:
        super().__init__(venv)
        self.breakdown = Breakdown(battle_of(venv), payment_of(pay))
        self._file = None if path is None else BreakdownFile(path, list(self.breakdown.payment.parts))

    def reset(self) -> VecEnvObs:
        """Begin all matches anew."""
        return self.venv.reset()

    def step_wait(self) -> VecEnvStepReturn:
        """One decision in every match, and what each was paid for."""
        seen, rewards, dones, infos = self.venv.step_wait()
        for slot, info in enumerate(infos):
            info[STEP] = self.breakdown.of_step(slot)
        for slot in np.flatnonzero(dones).tolist():
            terms = self.breakdown.of_episode(slot)
            infos[slot][EPISODE] = terms
            if self._file is not None:
                self._file.write(slot, int(self.breakdown.steps[slot]), infos[slot]["outcome"], terms)
        return seen, rewards, dones, infos

    def close(self) -> None:
        """Close the file and the environment."""
        if self._file is not None:
            self._file.close()
        self.venv.close()
