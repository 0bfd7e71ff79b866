"""What remembers, and how fast it learns to: `python -m scripts.memory_tasks`.

Trains on the two tasks of scripts/tasks.py, several seeds each, and writes figures and pictures into `docs`:

memory  our PPO over an LSTM beside sb3-contrib's, by the same network and settings
recall  our PPO over a Transformer-XL beside its twin that looks back on nothing
"""

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from statistics import mean
from time import perf_counter
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from sb3_contrib import RecurrentPPO
from stable_baselines3.common.callbacks import BaseCallback

from agents.learners.memory_ppo import MemoryPPO
from mlmonster_env.command import at_least, end_with
from scripts.memory_plots import draw
from scripts.tasks import CueTask, memory_task, recall_task

EPISODES = 64  # side by side
STEPS = 128  # of each, between two updates
SEGMENT = 8  # of the recall task's learners: stretches that gradients do not leave
WIDTH = {"memory": 64, "recall": 32}
ROLLOUTS = {"memory": 30, "recall": 36}
EPOCHS = {"memory": 10, "recall": 4}
COMMON: dict[str, Any] = {
    "n_steps": STEPS, "batch_size": 1024, "learning_rate": 1e-3, "gamma": 0.98, "gae_lambda": 0.95, "ent_coef": 0.0,
    "clip_range": 0.2, "vf_coef": 0.5, "max_grad_norm": 0.5, "device": "cpu",
}  # fmt: skip
LSTM, THEIRS, TRANSFORMER, TWIN = "MemoryPPO, LSTM", "RecurrentPPO", "MemoryPPO, Transformer-XL", "without memory"
LEARNERS = {"memory": (LSTM, THEIRS), "recall": (TRANSFORMER, TWIN)}
HELD_OUT = 1 << 20  # seeds of what a finished model is judged by
ANSWERS = 2000


@dataclass(frozen=True)
class Trial:
    """One training."""

    task: str
    learner: str
    seed: int
    rollouts: int


@dataclass(frozen=True)
class Curve:
    """What came of it."""

    trial: Trial
    steps: list[int]  # decisions, after each rollout
    right: list[float]  # share of the answers of that rollout
    judged: float  # share of answers that are right when the likeliest is given, in episodes of another seed
    seconds: float


class Watch(BaseCallback):
    """Keeps what share of each rollout's answers was right."""

    def __init__(self, task: CueTask) -> None:
        super().__init__()
        self.task = task
        self.steps: list[int] = []
        self.right: list[float] = []

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        self.steps.append(self.model.num_timesteps)
        self.right.append(self.task.share_right())


def task_of(name: str, seed: int) -> CueTask:
    """A task as it is trained on."""
    return memory_task(EPISODES, seed) if name == "memory" else recall_task(EPISODES, SEGMENT, seed)


def learner_of(trial: Trial, task: CueTask) -> MemoryPPO | RecurrentPPO:
    """A learner that has not begun."""
    width = WIDTH[trial.task]
    common = {**COMMON, "n_epochs": EPOCHS[trial.task], "seed": trial.seed}
    if trial.learner == THEIRS:
        return RecurrentPPO("MlpLstmPolicy", task, policy_kwargs={"lstm_hidden_size": width}, **common)
    if trial.learner == LSTM:
        core: dict[str, Any] = {"core": "lstm", "core_width": width}
        # Theirs reaches back through a whole rollout, so ours does.
        return MemoryPPO("MlpPolicy", task, sequence=STEPS, normalize_returns=False, policy_kwargs=core, **common)
    reach = 0 if trial.learner == TWIN else task.gap[1]
    core = {"core": "transformer", "core_width": width, "core_heads": 2, "span": reach, "critic": "shared"}
    return MemoryPPO("MlpPolicy", task, sequence=SEGMENT, normalize_returns=False, policy_kwargs=core, **common)


def learn(trial: Trial) -> Curve:
    """Train once."""
    torch.set_num_threads(1)
    task = task_of(trial.task, trial.seed)
    watch = Watch(task)
    model = learner_of(trial, task)
    start = perf_counter()
    model.learn(trial.rollouts * EPISODES * STEPS, callback=watch)
    seconds = perf_counter() - start
    return Curve(trial, watch.steps, watch.right, judged(model, task_of(trial.task, HELD_OUT + trial.seed)), seconds)


def judged(model: MemoryPPO | RecurrentPPO, task: CueTask, answers: int | None = None) -> float:
    """Of at least so many answers, each the likeliest one, how many are right."""
    seen: Any = task.reset()
    starts = np.ones(task.num_envs, np.bool_)
    state: Any = None
    while task.answered < (ANSWERS if answers is None else answers):
        if isinstance(model, MemoryPPO):
            memory = torch.zeros(task.num_envs, model.policy.memory_size) if state is None else state
            with torch.inference_mode():
                logits, _, state = model.policy.step(
                    torch.from_numpy(seen), memory * torch.from_numpy(~starts)[:, None].float()
                )
            actions = logits.argmax(-1).numpy()
        else:
            actions, state = model.predict(seen, state, starts, deterministic=True)
        seen, _, starts, _ = task.step(actions)
    return task.share_right()


def trials(tasks: Sequence[str], seeds: int, rollouts: int | None = None) -> list[Trial]:
    """All that are to be run, the longest first."""
    return [
        Trial(task, learner, seed, rollouts or ROLLOUTS[task])
        for task in tasks
        for learner in reversed(LEARNERS[task])
        for seed in range(seeds)
    ]


def run(wanted: list[Trial], processes: int, console: Console) -> list[Curve]:
    """Train all of them, several at once."""
    found: list[Curve] = []

    def told(curve: Curve) -> None:
        found.append(curve)
        console.print(
            f"{curve.trial.task}, {curve.trial.learner}, seed {curve.trial.seed}: "
            f"{curve.judged:.1%} right after {curve.steps[-1]:,} decisions, {curve.seconds:.0f} s"
        )

    if processes == 1:
        for trial in wanted:
            told(learn(trial))
    else:
        with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
            for curve in pool.map(learn, wanted):
                told(curve)
    return found


def written(curves: list[Curve], folder: Path) -> list[Path]:
    """One file a task."""
    by_task: dict[str, list[Curve]] = defaultdict(list)
    for curve in curves:
        by_task[curve.trial.task].append(curve)
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for task, found in by_task.items():
        path = folder / f"{task}.json"
        settings = {**COMMON, "n_epochs": EPOCHS[task], "width": WIDTH[task], "episodes": EPISODES}
        told = {
            "task": task, "command": "python -m scripts.memory_tasks", "gap": task_of(task, 0).gap,
            "settings": settings, "curves": [_told(curve) for curve in found],
        }  # fmt: skip
        path.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
        made.append(path)
    return made


def _told(curve: Curve) -> dict[str, Any]:
    """All but the seconds, in which other programs have a part."""
    return {name: value for name, value in asdict(curve).items() if name != "seconds"}


def table(curves: list[Curve]) -> Table:
    """What share was right in the end, and how long it took."""
    made = Table("task", "learner", "seeds", "right, mean", "least", "most", "decisions to 90%", "seconds, mean")
    groups: dict[tuple[str, str], list[Curve]] = defaultdict(list)
    for curve in curves:
        groups[curve.trial.task, curve.trial.learner].append(curve)
    for (task, learner), found in groups.items():
        judged = [curve.judged for curve in found]
        reached = [decisions_to(curve, 0.9) for curve in found]
        when = f"{mean(r for r in reached if r is not None):,.0f}" if None not in reached else "not all"
        made.add_row(
            task, learner, str(len(found)), f"{mean(judged):.1%}", f"{min(judged):.1%}", f"{max(judged):.1%}", when,
            f"{mean(curve.seconds for curve in found):.0f}",
        )  # fmt: skip
    return made


def decisions_to(curve: Curve, share: float) -> int | None:
    """After how many decisions so many answers of a rollout were right for the first time."""
    return next((steps for steps, right in zip(curve.steps, curve.right, strict=True) if right >= share), None)


def main(words: Sequence[str] | None = None) -> int:
    command = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    command.add_argument("tasks", nargs="*", help=f"{', '.join(LEARNERS)} (both by default)")
    command.add_argument("--seeds", type=at_least(1), default=3, help="trainings of each learner (default 3)")
    command.add_argument("--rollouts", type=at_least(1), help="of each training (default: enough)")
    command.add_argument("--processes", type=at_least(1), default=2, help="trainings at once (default 2)")
    command.add_argument("--out", type=Path, default=Path("docs"), help="figures go into results/, pictures images/")
    given = command.parse_args(words)
    for name in given.tasks:
        if name not in LEARNERS:
            print(f"error: task is {name!r}, expected one of {', '.join(LEARNERS)}", file=sys.stderr)
            return 2
    console = Console(width=120)
    curves = run(trials(given.tasks or list(LEARNERS), given.seeds, given.rollouts), given.processes, console)
    console.print(table(curves))
    for path in written(curves, given.out / "results" / "memory"):
        console.print(f"wrote {path}, {draw(path, given.out / 'images')}")
    return 0


if __name__ == "__main__":
    end_with(main)
