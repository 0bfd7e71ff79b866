"""What several tests of environments need: comparison of whatever interfaces return, and seeded random play."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from gymnasium import Env, spaces


def differences(first: Any, second: Any, where: str = "") -> list[str]:
    """Where two nested results differ, in names, types or numbers; empty if they are the same."""
    if isinstance(first, dict) and isinstance(second, dict):
        if first.keys() != second.keys():
            return [f"{where}: {sorted(first)} and {sorted(second)}"]
        return [found for name in first for found in differences(first[name], second[name], f"{where}/{name}")]
    if isinstance(first, tuple | list) and isinstance(second, tuple | list):
        if len(first) != len(second):
            return [f"{where}: {len(first)} and {len(second)} parts"]
        pairs = enumerate(zip(first, second, strict=True))
        return [found for place, (a, b) in pairs for found in differences(a, b, f"{where}/{place}")]
    a, b = np.asarray(first), np.asarray(second)
    if a.dtype != b.dtype or a.shape != b.shape:
        return [f"{where}: {a.dtype}{a.shape} and {b.dtype}{b.shape}"]
    if a.dtype.hasobject:
        if a.ndim == 0:
            return [] if first is second else [f"{where}: {first!r} and {second!r}"]
        pairs = enumerate(zip(a, b, strict=True))
        return [found for row, (x, y) in pairs for found in differences(x, y, f"{where}/{row}")]
    return [] if np.array_equal(a, b) else [f"{where}: {first!r} and {second!r}"]


def actions(space: spaces.Space[Any], seed: int = 0) -> Iterator[Any]:
    """Random actions without end, the same ones for a seed."""
    space.seed(seed)
    while True:
        yield space.sample()


def trajectory(env: Env[Any, Any], steps: int, seed: int = 0) -> list[Any]:
    """Everything that an environment returns under random actions, episode after episode."""
    told: list[Any] = [env.reset(seed=seed)]
    for _, action in zip(range(steps), actions(env.action_space, seed), strict=False):
        told.append(env.step(action))
        if told[-1][2] or told[-1][3]:
            told.append(env.reset())
    return told


def observations(seen: Any, row: int) -> Any:
    """A copy of what one row of a batch sees."""
    return {name: block[row].copy() for name, block in seen.items()} if isinstance(seen, dict) else seen[row].copy()
