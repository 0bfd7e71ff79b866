"""Learning curves of scripts.memory_tasks as pictures."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from scripts.tasks import CUES

NAMES = {"memory": "recurrent-learning.png", "recall": "recall.png"}
TITLES = {
    "memory": "The memory task: a cue, asked for {least} to {most} moments later",
    "recall": "The recall task: a cue, asked for {least} to {most} moments later; rows of 8",
}
COLOURS = ("#1f6feb", "#d9822b")


def draw(path: Path, folder: Path) -> Path:
    """The picture of a file that scripts.memory_tasks wrote: means over seeds, and from the least to the most."""
    told = json.loads(path.read_text(encoding="utf-8"))
    by_learner: dict[str, list[Any]] = {}
    for curve in told["curves"]:
        by_learner.setdefault(curve["trial"]["learner"], []).append(curve)
    figure = Figure(figsize=(8.0, 4.4), layout="constrained")
    axes = figure.subplots()
    for (learner, curves), colour in zip(sorted(by_learner.items()), COLOURS, strict=False):
        steps = np.array(curves[0]["steps"]) / 1000
        right = np.array([curve["right"] for curve in curves]) * 100
        axes.fill_between(steps, right.min(0), right.max(0), color=colour, alpha=0.2, linewidth=0)
        axes.plot(steps, right.mean(0), color=colour, label=f"{learner} ({len(curves)} seeds)")
    axes.axhline(100 / CUES, color="#888888", linestyle=":", label="chance")
    least, most = told["gap"]
    axes.set_title(TITLES[told["task"]].format(least=least, most=most), fontsize=11)
    axes.set_xlabel("decisions, thousands")
    axes.set_ylabel("right answers of a rollout, %")
    axes.set_ylim(0, 102)
    axes.grid(alpha=0.3)
    axes.legend(loc="upper left")
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / NAMES[told["task"]]
    figure.savefig(made, dpi=110)
    return made
