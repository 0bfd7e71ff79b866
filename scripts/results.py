"""Train and judge what docs/results.md tells of: `python -m scripts.results`. Stop it at any time and start it again.

Every line of the queue is a training run and its judging; what came of one is a file in docs/results/, and a line whose
file is there is not run again. The document is written anew after each.
"""

import argparse
import json
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from agents.config.read import resolve
from agents.course import CHECKPOINTS
from agents.ending import RunError
from agents.evaluation import Evaluation, evaluate
from agents.machine import cores
from agents.run import CONFIG, FACTS, Run
from mlmonster_env.command import end_with
from mlmonster_env.contract import ARCHETYPES
from mlmonster_env.envs.arguments import MASK
from mlmonster_env.scenarios import USUAL
from policies.policy import FINAL, Policy
from policies.storage import MANIFEST, read_manifest, write_text
from scripts.results_doc import DOCUMENT, render
from scripts.results_pattern import IMAGES, judge_pattern
from scripts.results_threat import judge_threat

FOLDER = Path("docs/results")
RUNS = Path("runs/results")
PAIRS = 500  # at each start of a scenario: 1,000 pairs, 2,000 matches
FEWER = 250  # for what is told beside
JUDGED_BY = 7  # the seed of matches that neither training nor its evaluations have seen
SEEDS = (0, 1, 2)
OWN_PAY = "archetype"
SETTINGS = ("archetype", "model_type", "algo", "seed", "reward")
BEST_ALGO = "ppo"  # of combat_dqn; see docs/results.md
FIRST = 14  # of the other lines, that come before the flagship's further seeds
PACKS = ("pack-3", "pack-5", "pack-8")  # that signals are judged by
PAID_AS = {"tank": "aggressive"}  # see what was tried with its own, in docs/results.md


@dataclass(frozen=True)
class Job:
    """One line of the queue."""

    archetype: str
    model_type: str
    algo: str
    seed: int

    @property
    def name(self) -> str:
        return f"{self.archetype}-{self.model_type}-{self.algo}-{self.seed}"

    @property
    def command(self) -> str:
        """What anybody can type to do the same."""
        return (
            f"python -m agents.train --archetype {self.archetype} --model-type {self.model_type} "
            f"--algo {self.algo} --seed {self.seed}{f' --reward {self.reward}' if self.reward != OWN_PAY else ''}"
        )

    @property
    def reward(self) -> str:
        """What it is paid by."""
        return PAID_AS.get(self.archetype, OWN_PAY)


def queue() -> list[Job]:
    """Everything, in the order in which it is worth having."""
    flagship = [Job(archetype, "combat_dqn", BEST_ALGO, seed) for seed in SEEDS for archetype in ARCHETYPES]
    others = [
        Job("ranged", "movement_ppo", "ppo", 0),
        Job("mage", "skill_dqn", "qrdqn", 0),
        Job("tank", "soft_actor_critic", "sac", 0),
        Job("mage", "threat_assessment", "supervised", 0),
        Job("mage", "combat_dqn", "ddqn", 0),
        Job("aggressive", "temporal_transformer", "transformer_ppo", 0),
        Job("mage", "team_coordination", "recurrent_ppo", 0),
        Job("mage", "pattern_recognition", "patterns", 0),
        Job("aggressive", "spatial_vit", "ppo", 0),
        Job("mage", "temporal_transformer", "transformer_ppo", 0),
        Job("aggressive", "team_coordination", "recurrent_ppo", 0),
        Job("aggressive", "pattern_recognition", "patterns", 0),
        Job("support", "spatial_vit", "ppo", 0),
        Job("mage", "combat_dqn", "recurrent_ppo", 0),
        Job("aggressive", "movement_ppo", "ppo", 0),
        Job("support", "skill_dqn", "qrdqn", 0),
        Job("aggressive", "soft_actor_critic", "sac", 0),
        Job("aggressive", "threat_assessment", "supervised", 0),
        Job("mage", "combat_dqn", "qrdqn", 0),
    ]
    once = len(ARCHETYPES)
    return [*flagship[:once], *others[:FIRST], *flagship[once:], *others[FIRST:]]


def work(job: Job) -> dict[str, Any]:
    """Train (or go on training), judge, and keep what came of it."""
    folder = RUNS / job.name
    policy = trained(folder, {name: getattr(job, name) for name in SETTINGS})
    started = time.perf_counter()
    told = {
        **asdict(job),
        "reward": job.reward,
        "command": job.command,
        **spent_on(folder),
    }
    if job.model_type == "pattern_recognition":
        told["pattern"] = judge_pattern(policy, IMAGES)
    else:
        told["scores"] = scores_of(job, policy)
    if job.model_type == "threat_assessment":
        told["threat"] = judge_threat(policy, PAIRS, JUDGED_BY)
    told["judging_seconds"] = round(time.perf_counter() - started, 1)
    return told


def scores_of(job: Job, policy: Policy) -> dict[str, Any]:
    """How a model does against the stock AI, here and elsewhere."""
    found = {
        "mirror-v1": judged(policy, USUAL, PAIRS),
        "held out": judged(policy, "mirror-v1:held-out", FEWER),
    }
    if MASK in policy.card.blocks:
        found["derived mask"] = judged(policy, USUAL, FEWER, mask="derived")
    if job.model_type in ("combat_dqn", "skill_dqn"):
        found["free skills"] = judged(policy, USUAL, FEWER, skills="free")
    if job.model_type == "team_coordination":
        found |= {size: judged(policy, size, PAIRS) for size in PACKS}
    return found


def trained(folder: Path, asked: Mapping[str, Any]) -> Policy:
    """The model of the run in a folder, which is begun, or gone on with, unless it is done."""
    if (folder / CONFIG).is_file():
        kept = yaml.safe_load((folder / CONFIG).read_text(encoding="utf-8"))
        wanted = json.loads(json.dumps(asked))  # tuples are lists there
        other = {option: _at(kept, option) for option in wanted if _at(kept, option) != wanted[option]}
        if other:
            right = {option: wanted[option] for option in other}
            raise RunError(f"{folder} holds a run of {other}, expected {right}; delete it, or judge it by itself")
    if not (folder / FINAL / MANIFEST).is_file():
        if (folder / CONFIG).is_file() and any((folder / CHECKPOINTS).glob("[0-9]*")):
            Run.resume(folder).go()
        else:
            shutil.rmtree(folder, ignore_errors=True)  # stopped before its first checkpoint
            Run.begin(folder, resolve(asked)).go()
    return Policy.load(folder / FINAL)


def _at(tree: Any, option: str) -> Any:
    """What a tree of options holds at such a place as learn.gamma; None where there is no such place."""
    for name in option.split("."):
        tree = tree.get(name) if isinstance(tree, Mapping) else None
    return tree


def spent_on(folder: Path) -> dict[str, Any]:
    """Decisions and seconds of a run that is done, and the commit that it is of."""
    manifest = read_manifest(folder / FINAL)
    commit = json.loads((folder / FACTS).read_text(encoding="utf-8"))["git"].get("commit", "")[:12]
    return {"steps": manifest["steps"], "seconds": manifest["seconds"], "commit": commit}


def judged(policy: Policy, scenario: str, pairs: int, **arguments: Any) -> dict[str, Any]:
    """Scores by start, as they are kept."""
    return kept(evaluate(policy, scenario, pairs, threads=cores(), seed=JUDGED_BY, **arguments))


def kept(found: Evaluation) -> dict[str, Any]:
    """Scores by start as they are written down."""
    return {
        name: {
            "pairs": len(score.pairs), "win_rate": round(score.win_rate, 5), "se": round(score.standard_error, 5),
            "won": round(score.won, 5), "drawn": round(score.drawn, 5),
            "behaviour": {key: round(value, 4) for key, value in score.behaviour.items()},
        }
        for name, score in found.scores.items()
    }  # fmt: skip


def main(words: Sequence[str] | None = None) -> int:
    """Work the queue off."""
    command = argparse.ArgumentParser(prog="python -m scripts.results", description=__doc__)
    command.add_argument("--list", action="store_true", help="only show what is done and what is left")
    command.add_argument("--render", action="store_true", help="only write the document anew")
    command.add_argument("--only", default="", help="only lines whose name holds this text")
    command.add_argument("--minutes", type=float, default=float("inf"), help="begin nothing new after so long")
    given = command.parse_args(words)
    begun = time.monotonic()
    for job in queue():
        path = FOLDER / f"{job.name}.json"
        if given.only not in job.name or given.render:
            continue
        if given.list:
            print(f"{'done' if path.is_file() else 'left'}  {job.name}")
        elif not path.is_file() and time.monotonic() - begun < 60 * given.minutes:
            print(f"== {job.command}", flush=True)
            try:
                told = work(job)
            except RunError as error:
                print(f"error: {error}", file=sys.stderr)
                return 1
            FOLDER.mkdir(parents=True, exist_ok=True)
            write_text(path, json.dumps(told, indent=1) + "\n")
            DOCUMENT.write_text(render(FOLDER), encoding="utf-8")
    if not given.list:
        DOCUMENT.write_text(render(FOLDER), encoding="utf-8")
    return 0


if __name__ == "__main__":
    end_with(main)
