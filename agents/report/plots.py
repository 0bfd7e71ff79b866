"""A run's curves as one picture, from its CSV files."""

from pathlib import Path

import matplotlib
import numpy as np

matplotlib.use("agg")

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from agents.behaviour import COLUMNS
from agents.evaluation import ALL
from agents.report.series import POINTS, SAME
from agents.report.sources import read_csv

COLOURS = {"field": "#4c78a8", "contact": "#e45756", ALL: "#333333"}


def plot_run(folder: Path, path: Path | None = None) -> Path:
    """Draw win rates, pay by term, behaviour and lengths of a run; where the picture is."""
    out = folder / "curves.png" if path is None else path
    figure, ((first, second), (third, fourth)) = plt.subplots(2, 2, figsize=(11, 7), constrained_layout=True)
    _win_rates(first, read_csv(folder / "evaluation_results.csv"))
    terms = read_csv(folder / "reward_breakdown.csv")
    _curves(second, terms, [name for name in terms if name not in SAME], "paid a match, by term")
    behaviour = read_csv(folder / "behavior_metrics.csv")
    _curves(third, behaviour, [n for n in COLUMNS if n not in ("knock_outs", "pick_ups")], "behaviour in training")
    monitor = read_csv(folder / "monitor.csv")
    _curves(fourth, monitor, ["decisions"], "decisions a match")
    figure.suptitle(folder.name, parse_math=False)  # its dollar signs are no formula
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=110)
    plt.close(figure)
    return out


def _win_rates(axes: Axes, columns: dict[str, list[str]]) -> None:
    if columns:
        steps = np.array(columns["steps"], float) / 1e6
        while_training = np.array(columns["mask"]) == "own"
        for start in dict.fromkeys(columns["start"]):
            chosen = (np.array(columns["start"]) == start) & while_training
            numbers = {name: np.array(columns[name], float)[chosen] for name in ("win_rate", "low", "high")}
            colour = COLOURS.get(start)
            axes.plot(steps[chosen], numbers["win_rate"], marker="o", markersize=3, label=start, color=colour)
            axes.fill_between(steps[chosen], numbers["low"], numbers["high"], alpha=0.15, color=colour)
        axes.legend(loc="lower right", fontsize=8)
    axes.axhline(0.5, color="#999999", linewidth=0.8)
    axes.set(title="against stock, with 95%", xlabel="million decisions", ylabel="win rate", ylim=(0, 1))


def _curves(axes: Axes, columns: dict[str, list[str]], names: list[str], title: str) -> None:
    if columns:
        parts = np.array_split(np.arange(len(columns["steps"])), min(POINTS, len(columns["steps"])))
        steps = np.array(columns["steps"], float) / 1e6
        where = [steps[part].mean() for part in parts]
        for name in names:
            values = np.array(columns[name], float)
            axes.plot(where, [values[part].mean() for part in parts], label=name.replace("_", " "), linewidth=1.2)
        if len(names) > 1:
            axes.legend(fontsize=7)
    axes.set(title=title, xlabel="million decisions")
