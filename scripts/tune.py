"""Search for better options without any account: `python -m scripts.tune --archetype mage --trials 20`.

What is searched is what the W&B sweep of the algorithm searches (scripts/sweeps/ALGO.yaml). Trials are kept in a file,
and a search that was stopped goes on when the same command is given again.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import optuna
import yaml
from rich.console import Console
from rich.table import Table
from sqlalchemy.exc import DatabaseError

from agents.catalog import model_type
from agents.config.read import ConfigError, option, resolve
from agents.ending import RunError, Stopped
from agents.run import Run
from mlmonster_env.command import end_with

SWEEPS = Path(__file__).parent / "sweeps"
FOLDER = Path("runs/tune")
HELD = "held fixed"  # where a study keeps it


def space_of(algo: str) -> dict[str, dict[str, Any]]:
    """What is searched for an algorithm: ranges and choices by option."""
    path = SWEEPS / f"{algo}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(found.stem for found in SWEEPS.glob("*.yaml")))
        raise ConfigError(f"algo is {algo!r}, of which there is no sweep; expected one of {known}")
    told: dict[str, dict[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8"))["parameters"]
    return told


def held(fixed: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """All that is held fixed by dotted path; what is not searched is not shown as if it had been."""
    found: dict[str, Any] = {}
    for name, value in fixed.items():
        found |= held(value, f"{above}{name}.") if isinstance(value, Mapping) else {f"{above}{name}": value}
    return found


def keep_comparable(study: optuna.Study, fixed: dict[str, Any]) -> None:
    """ConfigError where a search was begun with something else held fixed: its trials would be of another contest."""
    before = study.user_attrs.get(HELD)
    if before is None:
        study.set_user_attr(HELD, fixed)
        return
    for name in sorted(set(before) | set(fixed)):
        if before.get(name) != fixed.get(name):
            raise ConfigError(
                f"{name} is {fixed.get(name, 'not fixed')}, expected {before.get(name, 'not fixed')} as when the "
                f"search for {study.study_name} was begun; or choose another --out"
            )


def opened(folder: Path, name: str) -> optuna.Study:
    """The search of a name in a folder, begun or gone on with."""
    folder.mkdir(parents=True, exist_ok=True)
    storage = f"sqlite:///{folder / name}.db"
    return optuna.create_study(study_name=name, storage=storage, load_if_exists=True, direction="maximize")


def suggest(trial: optuna.Trial, space: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Options of a trial."""
    chosen = {}
    for path, told in space.items():
        if "value" in told:
            chosen[path] = told["value"]
        elif "values" in told:
            chosen[path] = trial.suggest_categorical(path, told["values"])
        else:
            log = told["distribution"].startswith("log")
            chosen[path] = trial.suggest_float(path, told["min"], told["max"], log=log)
    return chosen


def main(words: Sequence[str] | None = None) -> int:
    """Run the search."""
    command = argparse.ArgumentParser(prog="python -m scripts.tune", description=__doc__)
    command.add_argument("--archetype", required=True)
    command.add_argument("--model-type", default="combat_dqn")
    command.add_argument("--algo", help="the model type's own by default")
    command.add_argument("--trials", type=int, default=20, help="more of them, however many there were (default 20)")
    command.add_argument("--seed", type=int, default=0, help="of the search; runs take the number of their trial")
    command.add_argument("--set", action="append", default=[], metavar="PATH=VALUE", help="held fixed in all trials")
    command.add_argument("--out", type=Path, default=FOLDER)
    given = command.parse_args(words)
    try:
        algo = given.algo or model_type(given.model_type).algos[0]
        fixed = {
            "archetype": given.archetype, "model_type": given.model_type, "algo": algo,
            **dict(option(text) for text in given.set),
        }  # fmt: skip
        settled = resolve(fixed)
        space = {path: told for path, told in space_of(settled.algo).items() if path not in held(fixed)}
        if given.trials < 1 or given.seed < 0:
            raise ConfigError(f"trials is {given.trials}, seed {given.seed}, expected at least 1 and 0")
    except (ConfigError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    name = f"{settled.archetype}-{settled.model_type}-{settled.algo}"
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        study = opened(given.out, name)
    except (OSError, DatabaseError) as error:
        told = " ".join(str(error).split())
        print(f"error: {given.out / name}.db cannot be used: {told}; expected a search's or none", file=sys.stderr)
        return 2
    try:
        keep_comparable(study, held(fixed))
    except ConfigError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    # A search that goes on draws on, and not the same again.
    before = len(study.trials)
    study.sampler = optuna.samplers.TPESampler(seed=given.seed + before)

    def objective(trial: optuna.Trial) -> float:
        config = resolve({**suggest(trial, space), "seed": trial.number, **fixed})
        try:
            return float(Run.begin(given.out / name / str(trial.number), config).go()["win_rate"])
        except Stopped:
            raise
        except (RunError, ValueError, OSError) as error:
            print(f"trial {trial.number} failed: {error}", file=sys.stderr)
            return float("nan")  # which counts as failed

    try:
        study.optimize(objective, n_trials=given.trials)
    except Stopped as stop:
        print(stop, file=sys.stderr)
        return 128 + stop.by
    Console().print(table(study))
    if all(trial.value is None for trial in study.trials[before:]):
        print("error: no trial came to its end, expected one at least; why is said above", file=sys.stderr)
        return 1
    return 0


def table(study: optuna.Study) -> Table:
    """The best trials, and the options that each was trained with."""
    done = [t for t in study.trials if t.value is not None]
    best = sorted(done, key=lambda t: -(t.value or 0.0))[:5]
    made = Table(title=f"{study.study_name}: {len(done)} of {len(study.trials)} trials came to their end")
    made.add_column("trial")
    made.add_column("win rate")
    made.add_column("options")
    for trial in best:
        told = " ".join(f"{path}={_short(value)}" for path, value in trial.params.items())
        made.add_row(str(trial.number), f"{trial.value:.1%}", told)
    return made


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    end_with(main)
