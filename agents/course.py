"""What happens between two rollouts of a run: records, evaluations, checkpoints, and whether to go on."""

import shutil
import signal
import sys
import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback

from agents.checkpoints import Checkpoints
from agents.config.read import as_tree
from agents.config.tree import Config
from agents.ending import Enough, Signals, Stopped, advice
from agents.evaluation import Evaluation, evaluate
from agents.learners.build import card_of
from agents.learners.watched import FinishedMatch
from agents.machine import Machine
from agents.opponents.names import yardstick_of
from agents.progress import ProgressLine, counted
from agents.records import RunRecords
from agents.selfplay.league import League
from agents.trackers import TENSORBOARD, Trackers
from mlmonster_env.envs.arguments import MASK
from policies.actors import actor_of
from policies.policy import FINAL, Policy
from policies.storage import DamagedError

CHECKPOINTS, BEST = "checkpoints", "best"
REMEMBER_S = 10.0  # how old the state may be that is written when something breaks
WHILE_TRAINING, AT_THE_END = 0, 1  # seeds of evaluations: the last one judges on matches that chose nothing


class RunOf(Protocol):
    """What a course must know of its run."""

    folder: Path
    config: Config
    machine: Machine
    total: int
    resumed: bool


class Course(BaseCallback):
    """What happens between two rollouts: records, evaluations, checkpoints, and whether to go on."""

    def __init__(self, run: RunOf, learner: Any, league: League | None = None) -> None:
        super().__init__()
        self.run = run
        self.learner = learner
        self.league = league
        self.budget = run.config.budget
        self.checkpoints = Checkpoints(run.folder / CHECKPOINTS, self.budget.keep, self.say)
        self.matches = 0
        self.seconds = 0.0  # of training alone
        self.best: float | None = None  # score of an evaluation
        self.worse = 0  # evaluations since the best
        self.evaluated = 0
        self.evaluated_at = 0  # decisions, when it was last judged
        self.enough = False  # training ended before its budget did
        self.failed = False  # something broke
        self.kept = 0  # checkpoints that were due and written
        self.stopped: signal.Signals | None = None
        self.records: RunRecords | None = None
        self.trackers: Trackers | None = None
        self.progress: ProgressLine | None = None
        self.last_evaluation: Evaluation | None = None
        self._remembered: tuple[int, dict[str, Any], list[str]] | None = None  # decisions, state, snapshots
        self._remembered_at = -REMEMBER_S
        self._since: float | None = None
        self._sizes: dict[str, int] | None = None

    def open(self, steps: int) -> None:
        """Open the files and trackers of the run."""
        run = self.run
        terms = list(run_terms(self.learner.env))
        self.records = RunRecords(run.folder, terms, self._sizes, league=self.league is not None)
        resumed_at = steps if run.resumed else None
        self.trackers = Trackers(run.folder, as_tree(run.config), wandb=run.config.wandb, resumed_at=resumed_at)
        self.progress = ProgressLine(run.total, steps, trained_s=self.seconds)

    def close(self) -> None:
        """Close everything that is open; what cannot be closed is told, for something else may be on its way up."""
        closing: list[Callable[[], None]] = []
        if self.progress is not None:
            closing.append(self.progress.close)
        if self.trackers is not None:
            closing.append(partial(self.trackers.close, failed=self.failed or self.stopped is not None))
        if self.records is not None:
            closing.append(self.records.close)
        for close in closing:
            try:
                close()
            except OSError as error:
                print(f"a file of the run could not be closed: {error}", file=sys.stderr)

    def signals(self) -> Signals:
        """A context in which the first SIGINT or SIGTERM asks for a stop at the next boundary."""
        return Signals(self)

    def _on_step(self) -> bool:
        return True

    def _on_rollout_start(self) -> None:
        """A boundary: everything that was played has been learnt from."""
        now = time.perf_counter()
        if self._since is not None:
            self.seconds += now - self._since
        self._note_matches()
        self._check_losses()
        steps = self.learner.num_timesteps
        if steps:
            self._tell(steps)
        if self.league is not None:
            self.league.reach(steps, self.run.total)
            if self.league.due(steps, self.run.total):
                self.league.admit(self.policy(), steps, self.run.total)
        due = steps * self.budget.evaluations // self.run.total
        if steps and due > self.evaluated and steps < self.run.total:
            self.evaluated = due
            self._evaluate()
            self._check_patience()
        due = steps * self.budget.checkpoints // self.run.total
        self._stop_if_asked()
        if due > self.kept:
            self.kept = due
            self.checkpoint("regular")
        elif now - self._remembered_at > REMEMBER_S:
            self._remember()
        self._since = time.perf_counter()

    def _stop_if_asked(self) -> None:
        if self.stopped is not None:
            self.checkpoint("emergency")
            raise Stopped(
                f"stopped by {self.stopped.name} after {self.learner.num_timesteps:,} decisions; all of them are "
                f"saved. Go on: --resume {self.run.folder}", int(self.stopped),
            )  # fmt: skip

    def _note_matches(self) -> None:
        assert self.records is not None
        steps = self.learner.num_timesteps
        finished = [m for shard in self.learner.env.shards for m in shard.finished]
        for match in finished:
            self._record(steps, match)
            self.matches += 1
        for shard in self.learner.env.shards:
            shard.finished.clear()
        if self.league is not None:
            self.league.note((match.opponent, match.score) for match in finished)
        if finished and self.trackers is not None:
            numbers = {
                "rollout/return": float(np.mean([m.paid for m in finished])),
                "rollout/decisions": float(np.mean([m.decisions for m in finished])),
                "rollout/win_rate": float(np.mean([m.score for m in finished])),
            }
            for name in finished[0].terms:
                numbers[f"reward/{name}"] = float(np.mean([m.terms[name] for m in finished]))
            self.trackers.log(steps, numbers)

    def _record(self, steps: int, match: FinishedMatch) -> None:
        assert self.records is not None
        same = {"steps": steps, "match": self.matches}
        told = {"decisions": match.decisions, "return": match.paid, "outcome": match.outcome}
        self.records.add("monitor", {**same, **told})
        self.records.add("reward_breakdown", {**same, **match.terms})
        self.records.add("behavior_metrics", {**same, **match.behaviour})

    def _check_losses(self) -> None:
        for name, value in self.learner.losses.items():
            if not np.isfinite(value):
                raise FloatingPointError(f"the {name} loss is {value} after {self.learner.num_timesteps:,} decisions")

    def _tell(self, steps: int) -> None:
        assert self.progress is not None and self.trackers is not None
        losses = self.learner.losses
        facts = {f"{name} loss": f"{value:.3g}" for name, value in losses.items() if name != "entropy"}
        self.progress.update(steps, self.seconds, **facts)
        numbers = {k: float(v) for k, v in self.learner.logger.name_to_value.items() if isinstance(v, int | float)}
        if numbers:
            self.trackers.log(steps, {**numbers, "time/seconds": self.seconds})
            self.learner.logger.name_to_value.clear()

    def policy(self) -> Policy:
        """The model as it is now, with weights of its own."""
        card = card_of(self.run.config)
        return Policy(card, deepcopy(actor_of(self.learner.policy)).cpu().requires_grad_(False))

    def _evaluate(self) -> None:
        assert self.progress is not None
        steps = self.learner.num_timesteps
        policy = self.policy()
        found = self._judge(policy, self.budget.evaluation_pairs, WHILE_TRAINING)
        self._note_evaluation(found, steps)
        self.evaluated_at = steps
        self.progress.say(
            f"after {counted(steps)} decisions, {self.seconds / 60:.1f} min, {found.what}: {found.line()}"
        )
        if self.league is not None:
            self._note_league(steps)
        self.progress.update(steps, self.seconds, **{"win rate": str(found.whole)})
        score = self._score(found)
        if self.best is None or score is None or score > self.best:
            self.best = score
            self.worse = 0
            policy.save(self.run.folder / CHECKPOINTS / BEST, steps=steps, win_rate=found.whole.win_rate)
        else:
            self.worse += 1

    def _score(self, found: Evaluation) -> float | None:
        """What the best model has most of: wins, or foresight where that is learnt; None before it can be told."""
        if not hasattr(self.learner, "held_out_loss"):
            return found.whole.win_rate
        loss: float | None = self.learner.held_out_loss()
        if loss is None:
            return None
        assert self.trackers is not None
        self.trackers.log(self.learner.num_timesteps, {"evaluation/held_out_loss": loss})
        return -loss

    def _note_league(self, steps: int) -> None:
        assert self.league is not None and self.records is not None
        assert self.progress is not None and self.trackers is not None
        for row in self.league.rows():
            self.records.add("opponents", {"steps": steps, **row})
        self.trackers.log(steps, {"selfplay/elo": self.league.elo, "selfplay/pool": float(len(self.league.pool.names))})
        self.progress.say(self.league.line())

    def _check_patience(self) -> None:
        patience = self.run.config.patience
        assert self.progress is not None and self.last_evaluation is not None
        if self.last_evaluation.whole.interval[0] >= patience.win_rate:
            self.progress.say("training ends early: the wanted win rate was reached")
            self.enough = True
        elif patience.evaluations and self.worse >= patience.evaluations:
            self.progress.say(f"training ends early: {self.worse} evaluations brought nothing better")
            self.enough = True
        if self.enough:
            raise Enough

    def _judge(self, policy: Policy, pairs: int, seed: int, mask: str = "own") -> Evaluation:
        config = self.run.config
        return evaluate(
            policy, config.scenario, pairs, opponent=yardstick_of(config.opponents), mask=mask, seed=seed,
            threads=self.run.machine.shards, skills=config.skills, decision_ms=config.batch.decision_ms,
        )  # fmt: skip

    def _note_evaluation(self, found: Evaluation, steps: int, mask: str = "own") -> None:
        assert self.records is not None and self.trackers is not None
        for row in found.rows(steps, self.seconds, mask):
            self.records.add("evaluation_results", row)
        prefix = "evaluation" if mask == "own" else f"evaluation_{mask}_mask"
        self.trackers.log(steps, {f"{prefix}/{name}": score.win_rate for name, score in found.scores.items()})
        self.last_evaluation = found

    def state(self) -> dict[str, Any]:
        """The whole run, as it is at a boundary."""
        assert self.records is not None
        return {
            "learner": self.learner.state(),
            "course": {
                "matches": self.matches, "seconds": self.seconds, "best": self.best, "worse": self.worse,
                "evaluated": self.evaluated, "kept": self.kept, "evaluated_at": self.evaluated_at,
                "enough": self.enough,
            },
            "files": self.records.sizes(),
            "league": None if self.league is None else self.league.state(),
        }  # fmt: skip

    def begin(self) -> int:
        """Before the first decision: the untrained model is the first of the past selves. 0, for none was made."""
        if self.league is not None:
            self.league.admit(self.policy(), 0, self.run.total)
        return 0

    def restore(self) -> int:
        """Go on from the newest whole checkpoint; how many decisions had been made."""
        tree, manifest = self.checkpoints.newest()
        if self.league is not None:
            self.league.set_state(tree["league"])
        self.learner.set_state(tree["learner"])
        for name, value in tree["course"].items():
            setattr(self, name, value)
        self._sizes = tree["files"]
        self._check_best()
        if hasattr(self.learner, "replay_kept"):
            self.learner.replay_kept = self.learner.replay_buffer.written
        for path in self.checkpoints.all():
            if int(path.name) > manifest["steps"]:
                shutil.rmtree(path)
        self.say(f"going on after {manifest['steps']:,} decisions")
        return int(manifest["steps"])

    def _check_best(self) -> None:
        """Without the best model that was kept, the next one that is judged takes its place."""
        try:
            if self.best is not None:
                Policy.load(self.run.folder / CHECKPOINTS / BEST)
        except (DamagedError, OSError, ValueError) as error:
            self.say(f"{error}; the best model is chosen anew")
            self.best, self.evaluated_at = None, 0

    def clear(self) -> None:
        """Forget what a run left that was stopped before its first checkpoint."""
        shutil.rmtree(self.run.folder / TENSORBOARD, ignore_errors=True)  # its curves would be drawn twice
        if self.league is not None:
            self.league.pool.sweep(())

    def checkpoint(self, reason: str) -> None:
        """Write the state of the run."""
        self._write(self.learner.num_timesteps, self.state(), self._snapshots(), reason)
        if hasattr(self.learner, "replay_kept"):
            self.learner.replay_kept = self.learner.replay_buffer.written
        self._remember()

    def _snapshots(self) -> list[str]:
        """The past selves that the state just now cannot do without."""
        return [] if self.league is None else self.league.needed()

    def _write(self, steps: int, state: dict[str, Any], snapshots: list[str], reason: str) -> None:
        self.checkpoints.write(steps, state, reason=reason, machine=asdict(self.run.machine), snapshots=snapshots)
        if self.league is not None:
            self.league.pool.sweep(self.checkpoints.named("snapshots"))

    def _remember(self) -> None:
        """Keep a copy of the state, to be written if what follows breaks."""
        self._remembered = (self.learner.num_timesteps, deepcopy(self.state()), self._snapshots())
        self._remembered_at = time.perf_counter()

    def rescue(self, error: BaseException) -> str:
        """Something broke: write down the last whole boundary; what happened, what was saved, what to change."""
        self.failed = True
        told = f"{type(error).__name__}: {error}"
        saved = "nothing could be saved"
        if self._remembered is not None:
            steps, state, snapshots = self._remembered
            try:
                self._write(steps, state, snapshots, "emergency")
                saved = f"the state after {steps:,} decisions is saved; go on: --resume {self.run.folder}"
            except OSError as second:
                found = self.checkpoints.all()
                newest = f"the newest checkpoint is {found[-1]}" if found else "there is no checkpoint yet"
                saved = f"it could not be saved either ({second}); {newest}"
        return f"{told}\n{saved}\n{advice(error, self.run.config.learn)}".rstrip()

    def finish(self) -> dict[str, Any]:
        """The end of training: the better of the last and the best model is kept as `final`, and judged."""
        assert self.progress is not None and self.records is not None
        run, steps = self.run, self.learner.num_timesteps
        if self._since is not None:
            self.seconds += time.perf_counter() - self._since
            self._since = None
        self._note_matches()
        self._check_losses()
        self._tell(steps)
        self._stop_if_asked()
        if self.evaluated_at != steps:
            self._evaluate()
        self._stop_if_asked()
        self.checkpoint("regular")
        # Against the stock AI it does not show which of a league's models is the best; the last one learnt most.
        policy = Policy.load(run.folder / CHECKPOINTS / BEST) if self.league is None else self.policy()
        found = self._judge(policy, self.budget.final_pairs, AT_THE_END)
        self._stop_if_asked()
        self._note_evaluation(found, steps)
        scores = {name: list(score.interval) for name, score in found.scores.items()}
        summary = {
            "steps": steps, "seconds": round(self.seconds, 1), "win_rate": found.whole.win_rate, "intervals": scores,
        }  # fmt: skip
        if MASK in policy.card.blocks:
            derived = self._judge(policy, self.budget.final_pairs, AT_THE_END, "derived")
            self._stop_if_asked()
            self._note_evaluation(derived, steps, "derived")
            summary["win_rate_derived_mask"] = derived.whole.win_rate
        policy.save(run.folder / FINAL, **summary, algo=run.config.algo, seed=run.config.seed)
        self.progress.say(f"trained {counted(steps)} decisions in {self.seconds / 60:.1f} min")
        self.progress.say(f"{found.what}, {found.whole.matches} {found.of}: {found.line()}")
        if "win_rate_derived_mask" in summary:
            self.progress.say(f"with masks told from the state alone: {summary['win_rate_derived_mask']:.1%}")
        self.progress.say(f"the model is in {run.folder / FINAL}")
        return summary

    def say(self, text: str) -> None:
        """Tell whoever watches, above the line of progress where there is one."""
        (print if self.progress is None else self.progress.say)(text)


def run_terms(env: Any) -> list[str]:
    """The terms that matches are paid by."""
    return list(env.shards[0].breakdown.payment.parts)
