"""Small runs that several tests train."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from agents.config.read import resolve
from agents.run import Run
from policies.storage import read_tree

CLOCKS = ("/course/seconds", "/files/evaluation_results")  # both tell how long it took
ROOT = Path(__file__).resolve().parents[2]
TYPES = (
    ("combat_dqn", "ddqn"), ("combat_dqn", "qrdqn"), ("combat_dqn", "ppo"), ("movement_ppo", "ppo"),
    ("spatial_vit", "ppo"), ("skill_dqn", "qrdqn"), ("soft_actor_critic", "sac"), ("threat_assessment", "supervised"),
    ("team_coordination", "recurrent_ppo"), ("temporal_transformer", "transformer_ppo"),
    ("combat_dqn", "recurrent_ppo"), ("pattern_recognition", "conditioned_ppo"),
    ("pattern_recognition", "patterns"),
)  # fmt: skip
SMALL = {
    "size": "tiny", "preset": "test", "scenario": "mirror-v1:train:contact", "batch.matches": 8, "batch.shards": 2,
    "budget.evaluation_pairs": 2, "budget.final_pairs": 2, "budget.evaluations": 1, "budget.checkpoints": 6,
}  # fmt: skip
BY_ALGO: dict[str, dict[str, Any]] = {
    "ppo": {"learn.n_steps": 8, "learn.batch_size": 64},
    "ddqn": {"learn.learning_starts": 100, "learn.batch_size": 32, "learn.buffer_size": 1000},
    "qrdqn": {"learn.learning_starts": 100, "learn.batch_size": 32, "learn.buffer_size": 1000},
    "sac": {"learn.learning_starts": 100, "learn.batch_size": 32, "learn.buffer_size": 1000},
    "supervised": {"learn.batch_size": 64},
    "recurrent_ppo": {"learn.n_steps": 8, "learn.sequence": 4, "learn.batch_size": 64},
    "transformer_ppo": {"learn.n_steps": 8, "learn.sequence": 4, "learn.batch_size": 64},
    "conditioned_ppo": {
        "learn.n_steps": 8, "learn.sequence": 4, "learn.batch_size": 64, "learn.every": 4, "learn.pattern_batch": 8,
    },
    "patterns": {"learn.batch_size": 64},
}  # fmt: skip
STEPS = {"supervised": 4000, "patterns": 30_000}  # where fewer are no boundary


def options(model_type: str, algo: str, steps: int = 1200, **more: Any) -> dict[str, Any]:
    """Options of a run of a few seconds."""
    archetype = more.pop("archetype", "mage")
    return {
        **SMALL, **BY_ALGO[algo], "archetype": archetype, "model_type": model_type, "algo": algo,
        "steps": STEPS.get(algo, steps), **more,
    }  # fmt: skip


def begin(folder: Path, model_type: str, algo: str, **more: Any) -> Run:
    """A run that has not been trained yet."""
    return Run.begin(folder, resolve(options(model_type, algo, **more)))


def words(given: dict[str, Any]) -> list[str]:
    """Options as words of the command line."""
    return [word for path, value in given.items() for word in ("--set", f"{path}={value}")]


def command(*said: str) -> "subprocess.Popen[str]":
    """The command as a process of its own, in a group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "agents.train", *said],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def checkpoints(folder: Path) -> list[Path]:
    """Those of a run, oldest first."""
    place = folder / "checkpoints"
    return sorted(p for p in place.iterdir() if p.name.isdigit()) if place.is_dir() else []


def last_state(folder: Path) -> dict[str, Any]:
    """Every leaf of a run's newest checkpoint, by path, but for the clock."""
    leaves = dict(_leaves(read_tree(checkpoints(folder)[-1]), ""))
    return {path: leaf for path, leaf in leaves.items() if path not in CLOCKS}


def differing(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """Paths at which two states are not the same to the bit."""
    odd = set(one) ^ set(other)
    return sorted(odd | {path for path in set(one) & set(other) if not _same(one[path], other[path])})


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray):
        return bool(a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes())
    return bool(a == b)


def _leaves(tree: Any, path: str) -> Any:
    if isinstance(tree, dict):
        for name, inner in tree.items():
            yield from _leaves(inner, f"{path}/{name}")
    elif isinstance(tree, list):
        for number, inner in enumerate(tree):
            yield from _leaves(inner, f"{path}/{number}")
    else:
        yield path, tree
