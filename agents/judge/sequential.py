"""A sequential test of a win rate on pairs of matches: it ends as soon as the pairs that were played say enough."""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
LEVELS = np.array([0.0, 0.25, 0.5, 0.75, 1.0])  # what a pair of matches can come to
PRIOR = 0.25  # pairs that each level is held to have been seen before the first: a run of luck is no certainty
ACCEPT, REJECT, UNDECIDED = "accept", "reject", "undecided"


@dataclass(frozen=True)
class Hypotheses:
    """A win rate that is not enough, one that is, and how often either may be taken for the other."""

    not_enough: float
    enough: float
    false_accept: float = 0.05  # probability of accepting at `not_enough` or below
    false_reject: float = 0.05  # probability of rejecting at `enough` or above

    def __post_init__(self) -> None:
        if not 0.0 <= self.not_enough < self.enough <= 1.0:
            found = f"not_enough is {self.not_enough}, enough {self.enough}"
            raise ValueError(f"{found}, expected 0 to 1, and the first below the second")
        for name in ("false_accept", "false_reject"):
            if not 0.0 < getattr(self, name) < 0.5:
                raise ValueError(f"{name} is {getattr(self, name)}, expected above 0, below 0.5")

    @property
    def bounds(self) -> tuple[float, float]:
        """Log-likelihood ratios at which to reject and to accept."""
        reject = math.log(self.false_reject / (1.0 - self.false_accept))
        return reject, math.log((1.0 - self.false_reject) / self.false_accept)


@dataclass
class SequentialTest:
    """Wald's sequential probability ratio test on the means of pairs; `add` pairs until `verdict` says something."""

    hypotheses: Hypotheses
    counts: Array = field(default_factory=lambda: np.zeros(len(LEVELS), np.int64))
    verdict: str = UNDECIDED

    def add(self, pairs: Array) -> str:
        """Take scores [n, 2] of pairs in the order in which they were played; the verdict, which does not change."""
        for mean in np.asarray(pairs, float).mean(1):
            if self.verdict != UNDECIDED:
                break
            level = round(float(mean) * 4)
            if not 0 <= level < len(LEVELS) or not math.isclose(LEVELS[level], mean):
                raise ValueError(f"a pair came to {mean}, expected one of {LEVELS.tolist()}")
            self.counts[level] += 1
            self.verdict = self._decide()
        return self.verdict

    @property
    def pairs(self) -> int:
        """How many were needed so far."""
        return int(self.counts.sum())

    @property
    def win_rate(self) -> float:
        """Mean of the pairs that were taken."""
        return float(self.counts @ LEVELS / max(self.pairs, 1))

    @property
    def ratio(self) -> float:
        """The logarithm of how much better `enough` explains the pairs than `not_enough` does."""
        return log_ratio(self.counts, self.hypotheses.not_enough, self.hypotheses.enough)

    def _decide(self) -> str:
        reject, accept = self.hypotheses.bounds
        ratio = self.ratio
        return ACCEPT if ratio >= accept else REJECT if ratio <= reject else UNDECIDED


def log_ratio(counts: Array, low: float, high: float) -> float:
    """Log-likelihood of pairs' levels at a mean of `high` less that at `low`, each at its likeliest distribution."""
    weighed = counts + PRIOR
    return float(weighed @ (np.log(tilted(weighed, high)) - np.log(tilted(weighed, low))))


def tilted(weights: Array, mean: float) -> Array:
    """The distribution over LEVELS with that mean under which the weights are likeliest."""
    shares = weights / weights.sum()
    off = LEVELS - mean
    if mean <= LEVELS[0] or mean >= LEVELS[-1]:
        raise ValueError(f"mean is {mean}, expected above {LEVELS[0]}, below {LEVELS[-1]}")
    # shares / (1 + t * off) has the mean for the one t at which the sum below is 0; it falls with t.
    low, high = -1.0 / off.max() + 1e-9, -1.0 / off.min() - 1e-9
    for _ in range(60):
        middle = 0.5 * (low + high)
        if float((shares * off / (1.0 + middle * off)).sum()) > 0.0:
            low = middle
        else:
            high = middle
    found: Array = shares / (1.0 + 0.5 * (low + high) * off)
    return found / found.sum()  # type: ignore[no-any-return]
