"""Proof, for any scenario, that the batch and single environments are the same world."""

from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from mlmonster_env.envs.monster import MonsterEnv
from mlmonster_env.envs.vector import MonsterVectorEnv

MODES = (AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP)


def check_vector_matches_scalar(
    control: str = "combat", *, num_envs: int = 3, steps: int = 200, seed: int = 0, **arguments: Any
) -> None:
    """Step a native batch beside single environments under random actions, in both autoreset modes.

    Raises AssertionError that names the step and what differed: observations, rewards, ends, or what was seen last.
    `max_episode_steps` among the arguments makes for more endings.
    """
    for mode in MODES:
        batch = MonsterVectorEnv(num_envs, control, autoreset_mode=mode, **arguments)
        single = SyncVectorEnv([lambda: MonsterEnv(control, **arguments)] * num_envs, autoreset_mode=mode)
        single.action_space.seed(seed)
        _same(f"{mode.value}, reset", batch.reset(seed=seed), single.reset(seed=seed))
        for step in range(steps):
            actions = single.action_space.sample()
            _same(f"{mode.value}, step {step}", batch.step(actions), single.step(actions))


def _same(where: str, batch: Any, single: Any) -> None:
    """Compare two results of whatever parts, part by part."""
    if isinstance(batch, dict) and isinstance(single, dict):
        if batch.keys() != single.keys():
            raise AssertionError(f"{where}: the batch has {sorted(batch)}, single environments {sorted(single)}")
        for name in batch:
            _same(f"{where}, {name}", batch[name], single[name])
    elif isinstance(batch, tuple) and isinstance(single, tuple):
        for place, (one, other) in enumerate(zip(batch, single, strict=True)):
            _same(f"{where}, part {place}", one, other)
    elif getattr(batch, "dtype", None) is not None and batch.dtype.hasobject:
        for row, (one, other) in enumerate(zip(batch, single, strict=True)):
            if one is not None or other is not None:
                _same(f"{where}, row {row}", one, other)
    elif not np.array_equal(batch, single):
        raise AssertionError(f"{where}: the batch gives {batch}, single environments {single}")
