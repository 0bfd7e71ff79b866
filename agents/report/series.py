"""Curves of one or several runs over decisions: each run by itself, their mean, and how far they are apart."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from agents.evaluation import ALL
from agents.report.sources import Columns, Subject
from mlmonster_env.envs.battle import Array

POINTS = 60  # stretches of a curve of matches
SAME = ("steps", "match")


@dataclass(frozen=True)
class Series:
    """A quantity over decisions; `runs` [runs, points] holds NaN where a run has nothing.

    `low` and `high` are the least and the greatest of the runs, or of one run alone what was given with it.
    """

    name: str
    steps: Array  # [points], decisions
    runs: Array
    low: Array
    high: Array

    @property
    def mean(self) -> Array:
        """Over the runs that have something."""
        return np.asarray(np.nanmean(self.runs, 0))

    @property
    def seeds(self) -> int:
        return len(self.runs)

    @property
    def last(self) -> float:
        return float(self.mean[-1])


def win_rates(subjects: Sequence[Subject]) -> list[Series]:
    """What evaluations during training said, by start; the band of one run is its 95%."""
    told = [s.records["evaluation_results"] for s in subjects if "evaluation_results" in s.records]
    starts = [name for columns in told for name in columns["start"]]
    return [_evaluated(told, start) for start in dict.fromkeys(starts)]


def of_matches(subjects: Sequence[Subject], record: str, names: Sequence[str] | None = None) -> list[Series]:
    """Means over stretches of training matches, of all columns of a record or of those named."""
    told = [s.records[record] for s in subjects if record in s.records]
    if not told:
        return []
    wanted = names or [name for name in told[0] if name not in SAME]
    longest = min(float(columns["steps"][-1]) for columns in told)
    points = min(POINTS, max(2, min(len(columns["steps"]) for columns in told) // 4))
    edges = np.linspace(0.0, longest, points + 1)
    return [_binned(told, name, edges) for name in wanted if all(name in columns for columns in told)]


def _binned(told: Sequence[Columns], name: str, edges: Array) -> Series:
    runs = []
    for columns in told:
        steps, values = np.array(columns["steps"], float), np.array(columns[name], float)
        place = np.clip(np.searchsorted(edges, steps, side="left") - 1, 0, len(edges) - 1)
        inside = place < len(edges) - 1
        count = np.bincount(place[inside], minlength=len(edges) - 1)
        sums = np.bincount(place[inside], values[inside], minlength=len(edges) - 1)
        runs.append(np.where(count > 0, sums / np.maximum(count, 1), np.nan))
    made = np.stack(runs)
    here = np.isfinite(made).any(0)
    made, middle = made[:, here], ((edges[:-1] + edges[1:]) / 2)[here]
    return Series(name, middle, made, np.nanmin(made, 0), np.nanmax(made, 0))


def _evaluated(told: Sequence[Columns], start: str) -> Series:
    """Evaluations while training; a second one after the same decisions is that of the model that was kept."""
    found = []
    for columns in told:
        own = (np.array(columns["start"]) == start) & (np.array(columns["mask"]) == "own")
        steps = np.array(columns["steps"], float)[own]
        _, first = np.unique(steps, return_index=True)
        kept = {name: np.array(columns[name], float)[own][first] for name in ("steps", "win_rate", "low", "high")}
        found.append(kept)
    if len(found) == 1:
        only = found[0]
        return Series(start, only["steps"], only["win_rate"][None], only["low"], only["high"])
    longest = max(range(len(found)), key=lambda number: len(found[number]["steps"]))
    grid = found[longest]["steps"]
    runs = np.stack([np.interp(grid, one["steps"], one["win_rate"], left=np.nan, right=np.nan) for one in found])
    return Series(start, grid, runs, np.nanmin(runs, 0), np.nanmax(runs, 0))


def final_score(subject: Subject) -> tuple[float, float, float, int] | None:
    """What training's own last evaluation said of all starts: win rate, 95%, and pairs."""
    columns = subject.records.get("evaluation_results")
    if columns is None:
        return None
    rows = [n for n, (s, m) in enumerate(zip(columns["start"], columns["mask"], strict=True)) if (s, m) == (ALL, "own")]
    if not rows:
        return None
    last = rows[-1]
    rate, low, high = (float(columns[name][last]) for name in ("win_rate", "low", "high"))
    return rate, low, high, int(columns["pairs"][last])
