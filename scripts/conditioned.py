"""What it is worth to know how somebody plays: `python -m scripts.conditioned --archetype mage --steps 8000000`.

For each seed it trains two policies against the mix of styles, one that is told what is read in the enemies and one
that is shown zeros, and judges both against each style on the same mirror pairs. What came of a seed is a file in
docs/results/conditioned/, and docs/results.md is written anew. Stop it at any time and start it again.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch

from agents.config.read import ConfigError
from agents.ending import RunError
from agents.evaluation import ALL, Evaluation, minds_of
from agents.judge.mirror import MirrorScore, by_start, judge_mirror, together
from agents.machine import cores
from agents.opponents import STYLES
from agents.reading import Told, battle_for
from mlmonster_env.command import at_least, end_with
from mlmonster_env.contract import ARCHETYPES
from mlmonster_env.scenarios import USUAL
from policies.policy import Policy
from policies.sb3.conditioned import ConditionedActor
from policies.sizes import SIZES
from policies.storage import write_text
from scripts.comparisons import ALWAYS, command_of, gains, name_of
from scripts.intervals import T_95, Z_95
from scripts.results import FOLDER, JUDGED_BY, PAIRS, kept, spent_on, trained
from scripts.results_conditioned import CONDITIONED, EVERY_STYLE
from scripts.results_doc import DOCUMENT, render

RUNS = Path("runs/conditioned")
SCENARIO = USUAL
MODELS: dict[str, bool] = {"told": False, "blind": True}
MANY_FRAMES = 30
DEFAULTS = {"archetype": ALWAYS, "size": ALWAYS, "seeds": ALWAYS, "steps": None, "pairs": PAIRS}


class Named:
    """How often the style that a pack plays was named by the latent of it, over all readings."""

    def __init__(self, actor: ConditionedActor, style: str) -> None:
        self.actor = actor
        self.style = actor.styles.index(style)
        self.right = np.zeros(2, np.int64)  # of all, and where many frames of one of the pack were seen
        self.read = np.zeros(2, np.int64)

    def __call__(self, told: Told) -> None:
        """Something was read."""
        with torch.inference_mode():
            scores = self.actor.pattern.scores(torch.from_numpy(told.latents)).numpy()
        _, pack = np.unique(told.matches, return_inverse=True)
        sums = np.zeros((pack.max() + 1, scores.shape[1]))
        np.add.at(sums, pack, scores)  # as good as of the mean latent, for scores are linear in it
        frames = np.zeros(len(sums), np.int64)
        np.maximum.at(frames, pack, told.histories.any(-1).sum(1))
        right, many = sums.argmax(1) == self.style, frames >= MANY_FRAMES
        self.right += (right.sum(), (right & many).sum())
        self.read += (len(right), many.sum())


def asked(given: argparse.Namespace, seed: int, model: str) -> dict[str, Any]:
    """The options of one of the two runs."""
    options = {
        "archetype": given.archetype, "model_type": "pattern_recognition", "algo": "conditioned_ppo",
        "opponents": "styles", "size": given.size, "seed": seed, "scenario": SCENARIO, "learn.blind": MODELS[model],
    }  # fmt: skip
    return options if given.steps is None else {**options, "steps": given.steps}


def compare(given: argparse.Namespace, seed: int) -> dict[str, Any]:
    """Train both of a seed, judge both against each style, and tell what knowing the style gained."""
    told: dict[str, Any] = {
        "archetype": given.archetype, "seed": seed, "size": given.size, "steps_asked": given.steps,
        "scenario": SCENARIO, "command": command_of("conditioned", given, DEFAULTS), "styles": list(STYLES),
        "models": {}, "gain": {}, "named": {},
    }  # fmt: skip
    found: dict[str, dict[str, Evaluation]] = {}
    for model in MODELS:
        folder = given.runs / f"{name_of(given, seed)}-{model}"
        policy = trained(folder, asked(given, seed, model))
        found[model], named = judged(policy, given.pairs)
        if model == "told":
            told["named"] = named
        scores = {style: kept(evaluation) for style, evaluation in found[model].items()}
        told["models"][model] = {**spent_on(folder), "scores": scores}
    told["gain"] = {style: gains(found["told"][style], found["blind"][style]) for style in found["told"]}
    return told


def judged(policy: Policy, pairs: int) -> tuple[dict[str, Evaluation], dict[str, Any]]:
    """Scores against each style by start, and how often the style was named there; the last is the mean of all."""
    actor, card = policy.actor, policy.card
    assert isinstance(actor, ConditionedActor)
    starts = dict(by_start(SCENARIO))
    mind, control, blocks = minds_of(policy)

    def play(job: tuple[str, str]) -> tuple[MirrorScore, Named]:
        style, start = job
        named = Named(actor, style)
        score = judge_mirror(
            mind, control, blocks, starts[start], card.archetype, pairs, seed=JUDGED_BY, opponent=style,
            make_battle=partial(battle_for(policy), teller=named),
        )  # fmt: skip
        return score, named

    jobs = list(product(STYLES, starts))
    with ThreadPoolExecutor(cores(), initializer=torch.set_num_threads, initargs=(1,)) as pool:
        done = dict(zip(jobs, pool.map(play, jobs), strict=True))
    scores, shares = {}, {}
    for style, group in {**{style: (style,) for style in STYLES}, EVERY_STYLE: tuple(STYLES)}.items():
        parts = {start: [done[one, start] for one in group] for start in starts}
        parts[ALL] = [part for start in starts for part in parts[start]]
        found = {start: together([score for score, _ in some], start) for start, some in parts.items()}
        scores[style] = Evaluation(found, f"against {style}")
        shares[style] = {start: shares_of([named for _, named in some]) for start, some in parts.items()}
    return scores, shares


def shares_of(counts: Sequence[Named]) -> dict[str, float]:
    """How much was named rightly of all readings, and of those of many frames; 0 where there was none."""
    right, read = sum(one.right for one in counts), sum(one.read for one in counts)
    share, share_30 = (right / np.maximum(read, 1)).round(5).tolist()
    return {"share": share, "share_30": share_30, "readings": int(np.max(read))}


def main(words: Sequence[str] | None = None) -> int:
    """Compare seed by seed, and keep what came of it."""
    command = argparse.ArgumentParser(prog="python -m scripts.conditioned", description=__doc__)
    command.add_argument("--archetype", choices=ARCHETYPES, default="mage")
    command.add_argument("--steps", type=int, help="environment decisions of each run (default: a standard run)")
    command.add_argument(
        "--seeds", type=int, default=3, choices=(1, *T_95), help="how many, from 0 on (default %(default)s)"
    )
    command.add_argument("--minutes", type=float, default=float("inf"), help="begin no other seed after so long")
    command.add_argument("--size", choices=SIZES, default="small")
    command.add_argument("--pairs", type=at_least(2), default=PAIRS, help="of judging, for each style and start")
    command.add_argument("--runs", type=Path, default=RUNS, help="where the runs are kept (default %(default)s)")
    command.add_argument("--results", type=Path, default=FOLDER, help="where results are kept (default %(default)s)")
    given = command.parse_args(words)
    place = given.results / CONDITIONED
    place.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    for seed in range(given.seeds):
        path = place / f"{name_of(given, seed)}.json"
        if path.is_file() or time.monotonic() - begun > 60 * given.minutes:
            continue
        try:
            told = compare(given, seed)
        except (ConfigError, RunError) as error:
            print(f"error: {error}", file=sys.stderr)
            return 2 if isinstance(error, ConfigError) else 1
        write_text(path, json.dumps(told, indent=1) + "\n")
        for style, by in told["gain"].items():
            gain, named = by[ALL], told["named"][style][ALL]["share"]
            print(f"seed {seed}, {style}: gain {gain['gain']:+.1%} ± {Z_95 * gain['gain_se']:.1%}, named {named:.1%}")
    if given.results == FOLDER:
        DOCUMENT.write_text(render(FOLDER), encoding="utf-8")
    return 0


if __name__ == "__main__":
    end_with(main)
