"""Kernels index what is there: arrays know no indices from their end, and nobody looks in play."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLAY = """
import numpy as np
from mlmonster_env.contract import CONTROLS
from mlmonster_env.sim import Arena

random = np.random.default_rng(0)
for name in ("skirmish-5v5", "pack-6", "raid-6v3", "sight-v1", "duel"):
    Arena(24, name, seed=1, restart=True).run(300)
for control, actions in CONTROLS.items():
    for name in ("pack-4", "sight-v1", "duel"):
        arena = Arena(12, name, seed=2, observed=True)
        members = arena.scenario.members
        arena.put_under_orders(control, range(members))
        arena.reset()
        matches, units = np.repeat(np.arange(12), members), np.tile(np.arange(members), 12)
        for _ in range(40):
            orders = random.integers(0, actions or 2**20, len(matches))
            arena.order(matches, units, orders.astype(np.int32))
            arena.step(5)
print("played")
"""


def play_checked(package: Path, cache: Path) -> subprocess.CompletedProcess[str]:
    """What comes of the same play with kernels that look at every index."""
    path = os.pathsep.join([str(package), str(ROOT)])
    env = {**os.environ, "NUMBA_BOUNDSCHECK": "1", "MLMONSTER_CACHE": str(cache), "PYTHONPATH": path}
    return subprocess.run([sys.executable, "-c", PLAY], cwd=package, env=env, capture_output=True, text=True)


@pytest.mark.slow
def test_no_kernel_leaves_its_arrays(tmp_path):
    played = play_checked(ROOT, tmp_path)
    assert played.stdout == "played\n", played.stderr


@pytest.mark.slow
def test_a_kernel_that_leaves_its_arrays_is_found(tmp_path):
    shutil.copytree(ROOT / "mlmonster_env", tmp_path / "mlmonster_env", ignore=shutil.ignore_patterns("__pycache__"))
    mind = tmp_path / "mlmonster_env" / "sim" / "mind.py"
    text = mind.read_text()
    guard = "    if s[f.TARGET, u] == f.NOBODY:\n        return False\n"
    assert text.count(guard) == 1
    mind.write_text(text.replace(guard, ""))
    assert "IndexError" in play_checked(tmp_path, tmp_path / "cache").stderr
