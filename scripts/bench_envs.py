"""The environments' speed: decisions a second through each interface, and their share of a learner's time."""

from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv

from mlmonster_env.envs.monster import MonsterEnv
from mlmonster_env.envs.sb3 import ArenaVecEnv
from mlmonster_env.envs.vector import MonsterVectorEnv

SCENARIO = "skirmish"  # 3 v 3, stock opponent, five ticks a decision
SLOTS = 512
FEW = 8  # single environments under the wrappers of others
ROUNDS = 5
SECONDS = 1.5
WARM_UP = 40
PPO_STEPS = 64  # decisions of each slot between two updates
PPO_BATCH = 1024
PPO_UPDATES = 3
NET = [256, 128]


def main() -> None:
    torch.set_num_threads(1)
    console = Console()
    console.print(speeds())
    console.print(learner_share())


def speeds() -> Table:
    """Decisions a second, medians of rounds taken in turn."""
    runners = {
        f"ArenaVecEnv, {SLOTS} matches": through_sb3(ArenaVecEnv("combat", SLOTS, scenario=SCENARIO, seed=0)),
        f"ArenaVecEnv, {SLOTS} matches, packs": through_sb3(
            ArenaVecEnv("combat", SLOTS, scenario=SCENARIO, seed=0, pack=True)
        ),
        f"native vector environment, {SLOTS}": through_gym(MonsterVectorEnv(SLOTS, scenario=SCENARIO)),
        f"DummyVecEnv, {FEW} single ones": through_sb3(DummyVecEnv([single] * FEW)),
        f"SubprocVecEnv, {FEW} processes": through_sb3(SubprocVecEnv([single] * FEW)),
        f"AsyncVectorEnv, {FEW} processes": through_gym(gym.vector.AsyncVectorEnv([single] * FEW)),
    }
    taken: dict[str, list[float]] = {name: [] for name in runners}
    for _ in range(ROUNDS):
        for name, (step, slots) in runners.items():
            start = perf_counter()
            steps = 0
            while perf_counter() - start < SECONDS:
                step()
                steps += 1
            taken[name].append(steps * slots / (perf_counter() - start))
    table = Table("", "decisions/s", "times DummyVecEnv", title=f"{SCENARIO}, combat control, state vector, one thread")
    plain = float(np.median(taken[f"DummyVecEnv, {FEW} single ones"]))
    for name, found in taken.items():
        table.add_row(name, f"{np.median(found):,.0f}", f"{np.median(found) / plain:.1f}")
    return table


def single() -> gym.Env[Any, Any]:
    return MonsterEnv("combat", scenario=SCENARIO)


def through_sb3(env: Any) -> tuple[Callable[[], Any], int]:
    """One step of a VecEnv with random actions, and how many decisions that is."""
    random = np.random.default_rng(0)
    env.reset()
    step = partial(_sb3_step, env, random)
    for _ in range(WARM_UP):
        step()
    return step, env.num_envs


def _sb3_step(env: Any, random: np.random.Generator) -> None:
    env.step(random.integers(0, env.action_space.n, env.num_envs))


def through_gym(env: Any) -> tuple[Callable[[], Any], int]:
    """One step of a vector environment with random actions, and how many decisions that is."""
    random = np.random.default_rng(0)
    env.reset(seed=0)
    step = partial(_gym_step, env, random)
    for _ in range(WARM_UP):
        step()
    return step, env.num_envs


def _gym_step(env: Any, random: np.random.Generator) -> None:
    env.step(random.integers(0, env.single_action_space.n, env.num_envs))


class TimedArena(ArenaVecEnv):
    """Adds up the time that is spent in it."""

    seconds = 0.0

    def step_wait(self) -> Any:
        """As ever, but timed."""
        start = perf_counter()
        result = super().step_wait()
        self.seconds += perf_counter() - start
        return result


def learner_share() -> Table:
    """What part of the time of Stable-Baselines3's PPO goes into the environment."""
    env = TimedArena("combat", SLOTS, scenario=SCENARIO, seed=0)
    model = PPO(
        "MlpPolicy", env, n_steps=PPO_STEPS, batch_size=PPO_BATCH, policy_kwargs={"net_arch": NET}, seed=0, device="cpu"
    )
    model.learn(SLOTS * PPO_STEPS)
    env.seconds = 0.0
    start = perf_counter()
    model.learn(SLOTS * PPO_STEPS * PPO_UPDATES)
    whole = perf_counter() - start
    table = Table("", "", title=f"Stable-Baselines3 PPO, {SLOTS} slots, MLP {NET}, {model.n_epochs} epochs, one thread")
    table.add_row("decisions/s", f"{SLOTS * PPO_STEPS * PPO_UPDATES / whole:,.0f}")
    table.add_row("environment's share of the time", f"{env.seconds / whole:.1%}")
    return table
