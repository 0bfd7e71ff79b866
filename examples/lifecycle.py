"""From nothing to a model in production, and back: store, experience, training, export, registry.

    python examples/lifecycle.py --folder lifecycle

Everything comes below that folder, the embedded database too; but MLMONSTER_DATABASE_URL, or MLMONSTER_HOME, may name
another one. Each line that is printed with a $ is a command that can be typed as well.
"""

import argparse
import importlib
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from agents.bundle.parity import LEAST_STATES
from agents.export.outcomes import PAIRS

ARCHETYPE, MODEL_TYPE = "mage", "combat_dqn"
MODEL = f"{ARCHETYPE}/{MODEL_TYPE}"
HASH_DIGITS = 64  # in the name of a bundle
REASON = "the first of its kind, and only to show how it is done"


def main(words: Sequence[str] | None = None) -> list[Path]:
    """Do all of it; the bundles that were made."""
    given = parser().parse_args(words)
    folder: Path = given.folder
    if folder.exists() and any(folder.iterdir()):
        raise SystemExit(f"error: {folder} holds something already, expected a new folder")
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # scripts are no part of what is installed
    os.environ.setdefault("MLMONSTER_HOME", str(folder.resolve() / "home"))
    print(f"$ export MLMONSTER_HOME={shlex.quote(os.environ['MLMONSTER_HOME'])}")
    torch.set_num_threads(1)
    do("mlmonster_env.store", "migrate")
    do("scripts.collect_initial_data", f"--archetype {ARCHETYPE} --samples-per-archetype {given.samples}")
    do("mlmonster_env.store", "status")
    models = folder / "models"
    below = f"--models {shlex.quote(str(models))}"
    promote = f"promote {MODEL} {below}"
    by_force = f"--force --reason {shlex.quote(REASON)}"
    bundles = []
    for seed in (0, 1):
        run = shlex.quote(str(folder / "runs" / f"{ARCHETYPE}-{seed}"))
        do(
            "agents.train",
            f"--archetype {ARCHETYPE} --model-type {MODEL_TYPE} --size tiny --preset test --seed {seed} "
            f"--steps {given.steps} --out {run}",
        )
        do("agents.export", f"{run} --out {shlex.quote(str(models))} --states {given.states} --pairs {given.pairs}")
        (made,) = (path for path in models.iterdir() if len(path.name) == HASH_DIGITS and path not in bundles)
        bundles.append(made)
        bundle = shlex.quote(str(made))
        do("agents.bundle", f"verify {bundle}")
        do("agents.registry", f"register {bundle} {below}")
        if do("agents.registry", f"{promote} --most-pairs {given.most_pairs}", expected=(0, 1)) == 1:
            do("agents.registry", f"{promote} {by_force}")  # the gates did not accept it
    do("agents.registry", f"list {MODEL} {below}")
    do("agents.registry", f"rollback {MODEL} {below} --reason 'to show how it is done'")
    do("agents.registry", f"history {MODEL} {below}")
    do("agents.registry", f"check {below}")
    print(f"in production: {models / 'production' / ARCHETYPE / MODEL_TYPE}.onnx")
    return bundles


def do(program: str, words: str, expected: Sequence[int] = (0,)) -> int:
    """Run a command as `python -m` would; an error unless its status is one that was expected."""
    print(f"\n$ python -m {program} {words}", flush=True)
    package = importlib.import_module(program)
    module = importlib.import_module(f"{program}.__main__") if hasattr(package, "__path__") else package
    run: Callable[[Sequence[str]], int] = module.main
    status = run(shlex.split(words))
    if status not in expected:
        raise SystemExit(f"the status of {program} is {status}, expected {' or '.join(map(str, expected))}")
    return status


def parser() -> argparse.ArgumentParser:
    """Budgets; the smallest are enough to see it work."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--folder", type=Path, default=Path("lifecycle"), help="default lifecycle")
    made.add_argument("--samples", type=int, default=2000, help="transitions that are collected (default 2000)")
    made.add_argument("--steps", type=int, default=20_000, help="decisions of training (default 20000)")
    made.add_argument("--states", type=int, default=LEAST_STATES, help=f"compared (default {LEAST_STATES})")
    made.add_argument("--pairs", type=int, default=PAIRS, help=f"of matches compared (default {PAIRS})")
    made.add_argument("--most-pairs", type=int, default=500, help="at each gate (default 500)")
    return made


if __name__ == "__main__":
    main()
