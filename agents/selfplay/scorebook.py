"""How a learner does against each of its opponents while it changes, and how strong it has become."""

import math
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any

from agents.judge.ratings import SCALE

EVEN = 0.5
PRIOR = 2.0  # matches that everybody is taken to have drawn before the first one
STEEPEST = 4000.0  # Elo between which ratings lie


class Scorebook:
    """Results by opponent, older ones counting less: `recent` is how many of one opponent count in all."""

    def __init__(self, recent: int) -> None:
        if recent < 1:
            raise ValueError(f"recent is {recent}, expected at least 1 match")
        self.recent = recent
        self.played: dict[str, int] = {}
        self._weight: dict[str, float] = {}
        self._score: dict[str, float] = {}

    def note(self, opponent: str, scores: Iterable[float]) -> None:
        """Matches against one opponent, in order: 1 won, 0.5 drawn, 0 lost by the learner."""
        fade = 1.0 - 1.0 / self.recent
        for score in scores:
            self.played[opponent] = self.played.get(opponent, 0) + 1
            self._weight[opponent] = self._weight.get(opponent, 0.0) * fade + 1.0
            self._score[opponent] = self._score.get(opponent, 0.0) * fade + score

    def rate(self, opponent: str) -> float:
        """What the learner wins against one of late, drawn to even while little was played."""
        return (self._score.get(opponent, 0.0) + PRIOR * EVEN) / (self._weight.get(opponent, 0.0) + PRIOR)

    def ahead(self, opponent: str) -> float:
        """By how much Elo the learner is the stronger one."""
        rate = self.rate(opponent)
        return math.log(rate / (1.0 - rate)) / SCALE

    def elo(self, ratings: Mapping[str, float]) -> float:
        """The learner's Elo at which it would be likeliest to do as it did against those whose ratings are known."""
        known = [name for name in ratings if self._weight.get(name)]
        if not known:
            return 0.0
        low, high = -STEEPEST, STEEPEST
        while high - low > 1e-3:
            middle = (low + high) / 2
            surplus = sum(
                self._score[name] + PRIOR * EVEN
                - (self._weight[name] + PRIOR) * expected(middle - ratings[name])
                for name in known
            )  # fmt: skip
            low, high = (middle, high) if surplus > 0 else (low, middle)
        return (low + high) / 2

    def keep(self, opponents: Container[str]) -> None:
        """Let go of what is known of all others."""
        for kept in (self.played, self._weight, self._score):
            for name in [name for name in kept if name not in opponents]:
                del kept[name]

    def state(self) -> list[list[Any]]:
        """All that `set_state` needs to go on to the bit."""
        return [[name, count, self._weight[name], self._score[name]] for name, count in self.played.items()]

    def set_state(self, state: Iterable[Sequence[Any]]) -> None:
        """Go on from what `state` told."""
        kept = {str(name): (int(played), float(weight), float(score)) for name, played, weight, score in state}
        self.played = {name: played for name, (played, _, _) in kept.items()}
        self._weight = {name: weight for name, (_, weight, _) in kept.items()}
        self._score = {name: score for name, (_, _, score) in kept.items()}


def expected(difference: float) -> float:
    """What somebody wins who is stronger by so much Elo."""
    return 1.0 / (1.0 + math.exp(-SCALE * difference))
