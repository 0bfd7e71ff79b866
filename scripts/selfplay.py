"""What past selves are worth to train against: `python -m scripts.selfplay --archetype aggressive`.

Trains the same learner twice with one seed and one budget, against the stock AI alone and against a pool of its past
selves; lets the two meet in mirror pairs, and each of them the eight styles. What came of it is a file in
docs/results/selfplay/, and docs/results.md is written anew. Stop it at any time and start it again.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any

import torch

from agents.config.read import ConfigError
from agents.ending import RunError
from agents.evaluation import ALL, Evaluation, minds_of
from agents.judge.mirror import MirrorScore, by_start, judge_mirror, together
from agents.machine import cores
from agents.opponents import STYLES
from mlmonster_env.command import at_least, end_with
from mlmonster_env.contract import ARCHETYPES
from mlmonster_env.scenarios import USUAL
from policies.policy import FINAL, Policy
from policies.storage import write_text
from scripts.comparisons import ALWAYS, command_of, name_of
from scripts.results import FOLDER, JUDGED_BY, OWN_PAY, PAID_AS, PAIRS, kept, spent_on, trained
from scripts.results import RUNS as STANDARD_RUNS
from scripts.results_doc import DOCUMENT, render
from scripts.results_selfplay import SELF_PLAY

RUNS = Path("runs/selfplay")
SCENARIO = USUAL
STOCK, POOL = "stock", "pool"
MODELS = (STOCK, POOL)  # what each of the two is trained against
DEFAULTS = {"archetype": ALWAYS, "size": ALWAYS, "seeds": 1, "steps": None, "pairs": PAIRS}


def asked(given: argparse.Namespace, seed: int, model: str) -> dict[str, Any]:
    """The options of one of the two runs."""
    options = {
        "archetype": given.archetype, "model_type": "combat_dqn", "algo": "ppo", "seed": seed, "opponents": model,
        "reward": PAID_AS.get(given.archetype, OWN_PAY), "size": given.size,
    }  # fmt: skip
    return options if given.steps is None else {**options, "steps": given.steps}


def folder_of(given: argparse.Namespace, seed: int, model: str) -> Path:
    """Where a run is; the one against stock alone is the standard one of scripts.results, if that is what is asked."""
    if model == STOCK and given.steps is None and given.size == "small":
        return STANDARD_RUNS / f"{given.archetype}-combat_dqn-ppo-{seed}"
    return RUNS / f"{name_of(given, seed)}-{model}"


def compare(given: argparse.Namespace, seed: int) -> dict[str, Any]:
    """Train both of a seed, let them meet, and each of them the styles."""
    told: dict[str, Any] = {
        "archetype": given.archetype, "seed": seed, "size": given.size, "steps_asked": given.steps,
        "scenario": SCENARIO, "command": command_of("selfplay", given, DEFAULTS), "models": {}, "met": {},
    }  # fmt: skip
    policies = {}
    for model in MODELS:
        folder = folder_of(given, seed, model)
        policies[model] = trained(folder, asked(given, seed, model))
        told["models"][model] = spent_on(folder)
    told["met"] = kept(judged(policies[POOL], [str(folder_of(given, seed, STOCK) / FINAL)], given.pairs)[0])
    for model, policy in policies.items():
        found = judged(policy, (STOCK, *STYLES), given.pairs)
        scores = {name: kept(score) for name, score in zip((STOCK, *STYLES), found, strict=True)}
        told["models"][model]["scores"] = scores
    return told


def judged(policy: Policy, opponents: Sequence[str], pairs: int) -> list[Evaluation]:
    """Scores by start against each of the opponents."""
    starts = dict(by_start(SCENARIO))
    mind, control, blocks = minds_of(policy)

    def play(job: tuple[str, str]) -> MirrorScore:
        opponent, start = job
        return judge_mirror(
            mind, control, blocks, starts[start], policy.card.archetype, pairs, seed=JUDGED_BY, opponent=opponent
        )

    jobs = list(product(opponents, starts))
    with ThreadPoolExecutor(cores(), initializer=torch.set_num_threads, initargs=(1,)) as pool:
        done = dict(zip(jobs, pool.map(play, jobs), strict=True))
    found = []
    for opponent in opponents:
        scores = {start: done[opponent, start] for start in starts}
        found.append(Evaluation({**scores, ALL: together(list(scores.values()), SCENARIO)}, f"against {opponent}"))
    return found


def main(words: Sequence[str] | None = None) -> int:
    """Compare, and keep what came of it."""
    command = argparse.ArgumentParser(prog="python -m scripts.selfplay", description=__doc__)
    command.add_argument("--archetype", choices=ARCHETYPES, default="aggressive")
    command.add_argument("--seeds", type=at_least(1), default=1, help="how many, from 0 on (default 1)")
    command.add_argument("--steps", type=int, help="environment decisions of each run (default: a standard run)")
    command.add_argument("--size", default="small")
    command.add_argument(
        "--pairs", type=at_least(2), default=PAIRS, help="of each meeting and start (default %(default)s)"
    )
    command.add_argument("--results", type=Path, default=FOLDER, help="where results are kept (default %(default)s)")
    given = command.parse_args(words)
    place = given.results / SELF_PLAY
    place.mkdir(parents=True, exist_ok=True)
    for seed in range(given.seeds):
        path = place / f"{name_of(given, seed)}.json"
        if path.is_file():
            continue
        try:
            told = compare(given, seed)
        except (ConfigError, RunError) as error:
            print(f"error: {error}", file=sys.stderr)
            return 2 if isinstance(error, ConfigError) else 1
        write_text(path, json.dumps(told, indent=1) + "\n")
        for start, score in told["met"].items():
            print(f"seed {seed}, {start}: the one of the pool wins {score['win_rate']:.1%} against the other")
    if given.results == FOLDER:
        DOCUMENT.write_text(render(FOLDER), encoding="utf-8")
    return 0


if __name__ == "__main__":
    end_with(main)
