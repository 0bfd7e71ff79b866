"""What eyes are worth: `python -m scripts.sight --archetype mage`. Stop it at any time and start it again.

Trains spatial_vit twice on a scenario of walls and fires, with its grid and with the state vector alone, and judges
both on the same mirror pairs; what came of it is a file in docs/results/sight/, and docs/results.md is written anew.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agents.config.read import ConfigError
from agents.ending import RunError
from agents.evaluation import Evaluation, evaluate
from agents.machine import cores
from mlmonster_env.command import at_least, end_with
from mlmonster_env.contract import ARCHETYPES
from policies.sizes import SIZES
from policies.storage import write_text
from scripts.comparisons import ALWAYS, command_of, gains, name_of
from scripts.results import FOLDER, JUDGED_BY, PAIRS, kept, spent_on, trained
from scripts.results_doc import DOCUMENT, render
from scripts.results_sight import SIGHT

RUNS = Path("runs/sight")
SCENARIO = "sight-v1"
HIDDEN: dict[str, list[str]] = {"eyes": [], "state": ["grid"]}  # blocks that each of the two is not shown
DEFAULTS = {"archetype": ALWAYS, "size": ALWAYS, "seed": ALWAYS, "steps": None, "pairs": PAIRS}
SPLITS = {"train": f"{SCENARIO}:train", "held out": f"{SCENARIO}:held-out"}


def asked(given: argparse.Namespace, model: str) -> dict[str, Any]:
    """The options of one of the two runs."""
    options = {
        "archetype": given.archetype, "model_type": "spatial_vit", "size": given.size, "seed": given.seed,
        "scenario": SPLITS["train"], "leave_out": HIDDEN[model],
    }  # fmt: skip
    return options if given.steps is None else {**options, "steps": given.steps}


def compare(given: argparse.Namespace, runs: Path) -> dict[str, Any]:
    """Train both, judge both, and tell what the grid gained."""
    told: dict[str, Any] = {
        "archetype": given.archetype, "seed": given.seed, "size": given.size, "scenario": SCENARIO,
        "command": command_of("sight", given, DEFAULTS), "models": {}, "gain": {},
    }  # fmt: skip
    found: dict[str, dict[str, Evaluation]] = {}
    for model in HIDDEN:
        folder = runs / f"{name_of(given, given.seed)}-{model}"
        policy = trained(folder, asked(given, model))
        found[model] = {
            split: evaluate(policy, scenario, given.pairs, threads=cores(), seed=JUDGED_BY)
            for split, scenario in SPLITS.items()
        }
        scores = {split: kept(evaluation) for split, evaluation in found[model].items()}
        told["models"][model] = {"sees": list(policy.card.blocks), **spent_on(folder), "scores": scores}
    told["gain"] = {split: gains(found["eyes"][split], found["state"][split]) for split in SPLITS}
    return told


def main(words: Sequence[str] | None = None) -> int:
    """Compare, and keep what came of it."""
    command = argparse.ArgumentParser(prog="python -m scripts.sight", description=__doc__)
    command.add_argument("--archetype", choices=ARCHETYPES, default="mage")
    command.add_argument("--steps", type=int, help="environment decisions of each of the two (default: a standard run)")
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--size", choices=SIZES, default="small")
    command.add_argument(
        "--pairs", type=at_least(2), default=PAIRS, help="of judging, at each start (default %(default)s)"
    )
    command.add_argument("--runs", type=Path, default=RUNS, help="where the runs are kept (default %(default)s)")
    command.add_argument("--results", type=Path, default=FOLDER, help="where results are kept (default %(default)s)")
    given = command.parse_args(words)
    try:
        told = compare(given, given.runs)
    except (ConfigError, RunError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2 if isinstance(error, ConfigError) else 1
    place = given.results / SIGHT
    place.mkdir(parents=True, exist_ok=True)
    write_text(place / f"{name_of(given, given.seed)}.json", json.dumps(told, indent=1) + "\n")
    if given.results == FOLDER:
        DOCUMENT.write_text(render(FOLDER), encoding="utf-8")
    for split, by_start in told["gain"].items():
        for start, gain in by_start.items():
            eyes, state = (told["models"][m]["scores"][split][start]["win_rate"] for m in HIDDEN)
            print(f"{split}, {start}: eyes {eyes:.1%}, state alone {state:.1%}, gain {gain['gain']:+.1%}")
    return 0


if __name__ == "__main__":
    end_with(main)
