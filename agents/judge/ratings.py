"""Elo ratings by maximum likelihood, with standard errors: how much better each of several players is than another."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np

from agents.judge.mirror import UNSEEN
from agents.judge.mirror import Z_95 as Z_95

Array = np.ndarray[Any, np.dtype[Any]]
SCALE = math.log(10.0) / 400.0  # of the logistic curve, by point of Elo
DRAWS = 1.0  # matches that everybody is held to have drawn with somebody of the middle: ratings stay finite
LEAST_SCATTER = 0.5  # of the means of n pairs, over n: as if one of them could have come out otherwise
STEPS = 100
CLOSE = 1e-9


@dataclass(frozen=True)
class Meeting:
    """Pairs of matches between two players, each named by the hash of what it is."""

    first: str
    second: str
    pairs: Array  # [n, 2]: what the first scored on either side, 1, 0.5 or 0


@dataclass(frozen=True)
class Rating:
    """A player's Elo, and its standard error; an anchor's is given and has none."""

    player: str
    elo: float
    error: float

    @property
    def half(self) -> float:
        """How far 95% reach to either side."""
        return Z_95 * self.error

    def __str__(self) -> str:
        return f"{self.elo:+.0f} ± {self.half:.0f}"


@dataclass(frozen=True)
class Ladder:
    """Ratings that were found together, the strongest first."""

    ratings: tuple[Rating, ...]
    covariance: Array  # in the order of `ratings`

    def __contains__(self, player: str) -> bool:
        return any(rating.player == player for rating in self.ratings)

    def __getitem__(self, player: str) -> Rating:
        return self.ratings[self._place(player)]

    def better(self, first: str, second: str) -> float:
        """The probability that the first is the stronger one of the two."""
        a, b = self._place(first), self._place(second)
        gap = self.ratings[a].elo - self.ratings[b].elo
        variance = self.covariance[a, a] + self.covariance[b, b] - 2.0 * self.covariance[a, b]
        if variance <= 0.0:
            return 0.5 if gap == 0.0 else float(gap > 0.0)
        return 0.5 * math.erfc(-gap / math.sqrt(2.0 * variance))

    def expected(self, first: str, second: str) -> float:
        """The score that the first is to be expected to reach against the second."""
        return float(_expected(np.array(self[first].elo - self[second].elo)))

    def _place(self, player: str) -> int:
        for place, rating in enumerate(self.ratings):
            if rating.player == player:
                return place
        raise ValueError(f"player is {player!r}, expected one of {', '.join(r.player for r in self.ratings)}")


def rate(meetings: Sequence[Meeting], anchors: Mapping[str, float]) -> Ladder:
    """Ratings of all who met; those of `anchors` are given, and all others are told by them.

    Errors are those of pairs, not of matches: two matches of one seed are not two pieces of evidence.
    """
    players = sorted({name for m in meetings for name in (m.first, m.second)})
    if not anchors or not set(anchors) <= set(players):
        raise ValueError(f"anchors are {sorted(anchors)}, expected at least one of those who played: {players}")
    _check_joined(meetings, anchors, players)
    free = [name for name in players if name not in anchors]
    elo = np.array([anchors.get(name, 0.0) for name in players])
    place = {name: number for number, name in enumerate(players)}
    moved = np.array([place[name] for name in free], np.int64)
    rows = [(place[m.first], place[m.second], np.asarray(m.pairs, float)) for m in meetings if len(m.pairs)]
    middle = float(np.mean(list(anchors.values())))
    for _ in range(STEPS):
        slope, bend, _ = _sums(rows, elo, moved, middle)
        step = np.linalg.solve(bend[np.ix_(moved, moved)], slope[moved]) if len(moved) else np.zeros(0)
        step = np.clip(step, -200.0, 200.0)
        elo[moved] += step
        if np.abs(step).max(initial=0.0) < CLOSE:
            break
    _, bend, spread = _sums(rows, elo, moved, middle)
    covariance = np.zeros((len(players), len(players)))
    if len(moved):
        inverse = np.linalg.inv(bend[np.ix_(moved, moved)])
        covariance[np.ix_(moved, moved)] = inverse @ spread[np.ix_(moved, moved)] @ inverse
    order = np.argsort(-elo, kind="stable")
    ratings = tuple(Rating(players[i], float(elo[i]), float(math.sqrt(max(covariance[i, i], 0.0)))) for i in order)
    return Ladder(ratings, covariance[np.ix_(order, order)])


def rings(meetings: Sequence[Meeting], surely: float = Z_95) -> list[tuple[str, str, str]]:
    """Three players of whom each beats the next beyond chance, the last one the first: no ladder is true of them."""
    beats = set()
    for m in meetings:
        means = np.asarray(m.pairs, float).mean(1)
        if len(means) < 2:
            continue
        doubt = max(surely * float(means.std(ddof=1)) / math.sqrt(len(means)), UNSEEN / len(means))
        if abs(means.mean() - 0.5) > doubt:
            beats.add((m.first, m.second) if means.mean() > 0.5 else (m.second, m.first))
    players = sorted({name for pair in beats for name in pair})
    return [
        (a, b, c) for a, b, c in permutations(players, 3) if a == min(a, b, c) and {(a, b), (b, c), (c, a)} <= beats
    ]


def _expected(gap: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-SCALE * gap))


def _sums(rows: list[tuple[int, int, Array]], elo: Array, moved: Array, middle: float) -> tuple[Array, Array, Array]:
    """Of the likelihood: its slope, its bend (positive), and the spread of the slope over pairs."""
    players = len(elo)
    slope, bend, spread = np.zeros(players), np.zeros((players, players)), np.zeros((players, players))
    for a, b, pairs in rows:
        chance = float(_expected(np.array(elo[a] - elo[b])))
        off = (pairs - chance).sum(1) * SCALE  # by pair
        weight = pairs.size * chance * (1.0 - chance) * SCALE**2
        count = len(pairs)
        # Few pairs scatter more than about the mean that was fitted to them, and alike ones are not certain.
        scatter = max(float((off**2).sum()) * count / max(count - 1, 1), (2.0 * LEAST_SCATTER * SCALE) ** 2 / count)
        for one, sign in ((a, 1.0), (b, -1.0)):
            slope[one] += sign * off.sum()
            for other, turned in ((a, 1.0), (b, -1.0)):
                bend[one, other] += sign * turned * weight
                spread[one, other] += sign * turned * scatter
    for one in moved:  # a few draws with the middle
        chance = float(_expected(np.array(elo[one] - middle)))
        slope[one] += DRAWS * (0.5 - chance) * SCALE
        weight = DRAWS * chance * (1.0 - chance) * SCALE**2
        bend[one, one] += weight
        spread[one, one] += DRAWS * ((0.5 - chance) * SCALE) ** 2
    return slope, bend, spread


def _check_joined(meetings: Sequence[Meeting], anchors: Mapping[str, float], players: list[str]) -> None:
    """Everybody must have met an anchor, or somebody who did, and so on."""
    known = set(anchors)
    while True:
        more = {n for m in meetings for n in (m.first, m.second) if len(m.pairs) and {m.first, m.second} & known}
        if more <= known:
            break
        known |= more
    if lost := sorted(set(players) - known):
        raise ValueError(f"{lost[0]} met nobody who is tied to an anchor, expected matches that join all players")
