"""From nothing to a mage pack that beats the stock AI: train five minutes, judge in mirror pairs, plot, film, report.

`make demo`, or `python -m scripts.demo`.
"""

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from agents.config.read import resolve
from agents.config.tree import Config
from agents.ending import RunError
from agents.evaluation import evaluate
from agents.judge.mirror import MirrorScore
from agents.report.film import film_best
from agents.report.plots import plot_run
from agents.report.words import STARTS
from agents.report.write import write_report
from agents.run import CONFIG, Run
from mlmonster_env.command import at_least, end_with
from mlmonster_env.sim import Arena
from policies.policy import Policy
from policies.sizes import SIZES

FOLDER = Path("runs/demo")
ARCHETYPE, MODEL_TYPE, ALGO = "mage", "combat_dqn", "ppo"
LENGTH = 0.5  # of the standard preset: five minutes
PAIRS = 250  # at each start
REPORT_PAIRS = 30  # against each opponent of its report: under a minute
JUDGED_BY = 8  # the seed of matches that training's own evaluations do not play


def main(words: Sequence[str] | None = None) -> int:
    """Run the demo."""
    command = argparse.ArgumentParser(prog="python -m scripts.demo", description=__doc__)
    command.add_argument(
        "--out", type=Path, default=FOLDER, help=f"the run's folder; a run that it holds is deleted (default {FOLDER})"
    )
    command.add_argument("--steps", type=at_least(1), help="environment decisions, instead of five minutes' worth")
    command.add_argument("--pairs", type=at_least(2), default=PAIRS, help=f"judged at each start (default {PAIRS})")
    command.add_argument("--size", choices=SIZES, default="small", help="of the network (default small)")
    given = command.parse_args(words)
    config = demo_config(given.steps, given.size)
    print(f"{ARCHETYPE} {MODEL_TYPE} by {ALGO}: {config.total_steps:,} decisions from nothing", flush=True)
    print("compiling the simulator (about a minute the first time) ...", flush=True)
    Arena(1, observed=True).step(1)
    if given.out.exists() and not (given.out / CONFIG).is_file() and given.out != FOLDER:
        print(f"error: {given.out} holds no run, expected a new folder, or that of a run to replace", file=sys.stderr)
        return 2
    shutil.rmtree(given.out, ignore_errors=True)
    try:
        Run.begin(given.out, config).go()
    except RunError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1 if (given.out / CONFIG).exists() else 2
    policy = Policy.load(given.out)
    found = evaluate(policy, config.scenario, given.pairs, threads=2, seed=JUDGED_BY)
    for name, score in found.scores.items():
        print(sentence(name, score))
    print(f"curves: {plot_run(given.out)}")
    filmed = film_best(policy, config.scenario, given.out / "best.gif")
    if filmed is None:
        print("it won none of the matches that were to be filmed")
    else:
        print(
            f"film of its best match: {filmed.path} (seed {filmed.seed}, {filmed.seconds:.0f} s, "
            f"{filmed.survivors} of {filmed.size} left)"
        )
    report = write_report(
        [given.out], given.out / "report.html", min(given.pairs, REPORT_PAIRS), say=lambda text: print(text, flush=True)
    )
    print(f"report: {report} (open it in a browser)")
    return 0


def demo_config(steps: int | None, size: str) -> Config:
    """What the demo trains."""
    asked = {"archetype": ARCHETYPE, "model_type": MODEL_TYPE, "algo": ALGO, "size": size, "budget.length": LENGTH}
    asked |= {"budget.evaluations": 5, "budget.final_pairs": 50}
    return resolve({**asked, **({} if steps is None else {"steps": steps})})


def sentence(name: str, score: MirrorScore) -> str:
    """What was learnt, in words."""
    low, high = score.interval
    where = STARTS.get(name, name)
    verdict = "better than stock" if low > 0.5 else "worse than stock" if high < 0.5 else "not told apart from stock"
    return (
        f"{where}: {score.win_rate:.1%} of {score.matches:,} matches [95%: {low:.1%} to {high:.1%}], "
        f"{score.drawn:.1%} drawn: {verdict}"
    )


if __name__ == "__main__":
    end_with(main)
