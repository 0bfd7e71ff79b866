"""Whether experience is fit to learn from: checks, each a share of what is well, a score, and reasons."""

import hashlib
from dataclasses import dataclass

import numpy as np

from mlmonster_env.store.experience import Array, Experience, is_priority

LEAST_STEPS = 2
MOST_STEPS = 10_000
FAIR_ENTROPY = 0.5  # of actions, over that of actions that are all as frequent; from here on it is no fault


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    share: float  # of what is well, 0 to 1
    wanted: float
    told: str

    @property
    def is_well(self) -> bool:
        """Whether the share is what is wanted."""
        return self.share >= self.wanted


@dataclass(frozen=True)
class Quality:
    """All checks of some experience."""

    rows: int
    checks: tuple[Check, ...]

    @property
    def score(self) -> float:
        """The product of all shares: 1 is without fault, 0 is of no use."""
        return float(np.prod([check.share for check in self.checks])) if self.rows else 0.0

    @property
    def reasons(self) -> list[str]:
        """What is not as wanted, in words."""
        if not self.rows:
            return ["there are no rows"]
        return [f"{check.name}: {check.told}" for check in self.checks if not check.is_well]


def examine(rows: Experience) -> Quality:
    """Look at experience; whole episodes, or the checks of episodes find faults that are none."""
    if not len(rows):
        return Quality(0, ())
    ways = list(rows.ways())
    checks = (
        _numbers(rows),
        _amounts(rows),
        _lengths(ways),
        _finished(rows, ways),
        _unbroken(rows, ways),
        _balance(rows),
        _duplicates(rows),
    )
    return Quality(len(rows), checks)


def _numbers(rows: Experience) -> Check:
    """A comparison with what is not a number is false."""
    vectors = (rows.state, rows.next_state)
    within = np.all([((vector >= 0) & (vector <= 1)).all(1) for vector in vectors], axis=0)
    wrong = int((~within).sum())
    return Check("numbers", 1 - wrong / len(rows), 1.0, f"{wrong} rows have states that are not numbers from 0 to 1")


def _amounts(rows: Experience) -> Check:
    """Others than this program may have written the rows, and the database takes every number."""
    wrong = int((~(np.isfinite(rows.reward) & is_priority(rows.priority) & ~np.isinf(rows.log_probability))).sum())
    told = f"{wrong} rows have a reward, a priority or a log-probability that cannot be one"
    return Check("amounts", 1 - wrong / len(rows), 1.0, told)


def _lengths(ways: list[Array]) -> Check:
    lengths = np.array([len(way) for way in ways])
    wrong = int(((lengths < LEAST_STEPS) | (lengths > MOST_STEPS)).sum())
    told = f"{wrong} of {len(ways)} ways have fewer than {LEAST_STEPS} or more than {MOST_STEPS:,} steps"
    return Check("lengths", 1 - wrong / len(ways), 0.95, told)


def _finished(rows: Experience, ways: list[Array]) -> Check:
    """The last row is done, and no row before it."""
    open_ones = sum(not rows.done[way[-1]] or bool(rows.done[way[:-1]].any()) for way in ways)
    told = f"{open_ones} of {len(ways)} ways do not end where they say that they do"
    return Check("finished episodes", 1 - open_ones / len(ways), 0.95, told)


def _unbroken(rows: Experience, ways: list[Array]) -> Check:
    before = np.concatenate([way[:-1] for way in ways])
    after = np.concatenate([way[1:] for way in ways])
    broken = int((rows.next_state[before] != rows.state[after]).any(1).sum())
    told = f"{broken} of {len(before)} steps do not begin where the one before ended"
    return Check("unbroken ways", 1 - broken / max(len(before), 1), 0.99, told)


def _balance(rows: Experience) -> Check:
    _, counts = np.unique(rows.action, return_counts=True)
    shares = counts / counts.sum()
    entropy = abs(float((shares * np.log(shares)).sum() / np.log(max(len(counts), 2))))  # of one action 0, not -0
    told = f"one action makes up {shares.max():.0%} of all (entropy {entropy:.2f}, wanted {FAIR_ENTROPY})"
    return Check("class balance", min(1.0, entropy / FAIR_ENTROPY), 1.0, told)


def _duplicates(rows: Experience) -> Check:
    seen = {
        hashlib.blake2b(state.tobytes() + following.tobytes() + bytes(f"{action} {reward}", "ascii")).digest()
        for state, following, action, reward in zip(
            rows.state, rows.next_state, rows.action.tolist(), rows.reward.tolist(), strict=True
        )
    }
    repeated = len(rows) - len(seen)
    return Check("duplicates", 1 - repeated / len(rows), 0.99, f"{repeated} of {len(rows)} rows are repeated")
