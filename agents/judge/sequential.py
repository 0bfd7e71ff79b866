"""A sequential test of a win rate on pairs of matches: it ends as soon as the pairs that were played say enough."""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
LEVELS = np.array([0.0, 0.25, 0.5, 0.75, 1.0])  # what a pair of matches can come to
PLAIN: list[float] = LEVELS.tolist()
MOST_STEPS, CLOSE = 100, 1e-9  # of the search for a distribution
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
        if not 0.0 < self.not_enough < self.enough < 1.0:
            found = f"not_enough is {self.not_enough}, enough {self.enough}"
            raise ValueError(f"{found}, expected above 0, below 1, and the first below the second")
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
    weights = [float(count) + PRIOR for count in counts]
    return sum(
        weight * math.log(above / below)
        for weight, above, below in zip(weights, tilted(weights, high), tilted(weights, low), strict=True)
    )


def tilted(weights: list[float], mean: float) -> list[float]:
    """The distribution over LEVELS with that mean under which the weights are likeliest.

    Of plain numbers: it is asked twice for every pair, and five are too few for arrays.
    """
    if not LEVELS[0] < mean < LEVELS[-1]:
        raise ValueError(f"mean is {mean}, expected above {LEVELS[0]}, below {LEVELS[-1]}")
    total = math.fsum(weights)
    rows = [(weight / total, level - mean) for weight, level in zip(weights, PLAIN, strict=True)]
    # shares / (1 + t * off) has the mean for the one t at which the sum below is 0; it falls with t.
    low, high = -1.0 / (PLAIN[-1] - mean), 1.0 / (mean - PLAIN[0])
    t = 0.0
    for _ in range(MOST_STEPS):
        parts = [share * off / (1.0 + t * off) for share, off in rows]
        left = math.fsum(parts)
        if left > 0.0:
            low = t
        else:
            high = t
        slope = -sum(part * part / share for part, (share, _) in zip(parts, rows, strict=True))
        nearer = t - left / slope
        step = (nearer if low < nearer < high else 0.5 * (low + high)) - t
        t += step
        if abs(step) <= CLOSE * (high - low + abs(t)):
            break
    found = [share / (1.0 + t * off) for share, off in rows]
    total = math.fsum(found)
    return [share / total for share in found]
