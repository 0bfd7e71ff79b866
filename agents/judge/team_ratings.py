"""Ratings from a stream of outcomes: teams of different models, live matches, several teams at once, draws.

Elo by openskill's Bradley-Terry model (Weng and Lin), updated outcome by outcome and keyed by content hash. Where two
models meet on paired seeds, `agents.judge.ratings` says more with less.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from openskill.models import BradleyTerryFull

from agents.judge.ratings import SCALE, Rating
from policies.storage import write_text

FORMAT = 1
UNKNOWN = 200.0  # points of Elo: the standard error of who was never seen
BETA = 1.0 / (SCALE * math.sqrt(2.0))  # so that strengths are points of Elo


def _told(c: float, teams: int, mean: float, variance: float, team: Sequence[Any], *_: Any) -> float:
    """How much of the error an outcome takes away.

    All of it where one met one; less of a team, whose outcome says little of who in it was how strong, and of several
    teams, whose places hang together. openskill's own choice leaves errors twice as wide as they are one on one.
    """
    return 2.0 / (teams * len(team))


MODEL = BradleyTerryFull(mu=0.0, sigma=UNKNOWN, beta=BETA, gamma=_told, tau=0.0)


@dataclass
class TeamRatings:
    """Strengths of models by content hash; a team is as strong as the sum of its members, an average one adding 0."""

    outcomes: int = 0  # that were taken
    _known: dict[str, tuple[float, float]] = field(default_factory=dict)

    def add(self, teams: Sequence[Sequence[str]], places: Sequence[float]) -> None:
        """One match: who was in each team, and the place that each team came in; the least is best, equal is a draw."""
        if len(teams) < 2 or len(places) != len(teams):
            raise ValueError(
                f"{len(teams)} teams came in {len(places)} places, expected two teams at least, a place each"
            )
        if not all(math.isfinite(place) for place in places):
            raise ValueError(f"places are {tuple(places)}, expected finite numbers, the least for the best")
        members = [list(team) for team in teams]
        if empty := [number for number, team in enumerate(members) if not team]:
            raise ValueError(f"team {empty[0]} has nobody in it, expected a digest at least")
        everybody = [player for team in members for player in team]
        before = [[MODEL.rating(*self._of(player)) for player in team] for team in members]
        after = MODEL.rate(before, ranks=[float(place) for place in places])
        moved: dict[str, list[tuple[float, float]]] = {}
        for player, rating in zip(everybody, (one for team in after for one in team), strict=True):
            moved.setdefault(player, []).append((rating.mu, rating.sigma))
        for player, told in moved.items():
            mean, error = self._of(player)
            # Who is in a match more than once, such as in both teams, moves by all that was told of him.
            shrunk = math.prod(sigma / error for _, sigma in told)
            self._known[player] = (mean + sum(mu - mean for mu, _ in told), error * shrunk)
        self.outcomes += 1

    def __getitem__(self, player: str) -> Rating:
        """Of somebody who was seen, or never was."""
        return Rating(player, *self._of(player))

    def __len__(self) -> int:
        return len(self._known)

    @property
    def ratings(self) -> tuple[Rating, ...]:
        """Of all who were seen, the strongest first."""
        return tuple(sorted((self[player] for player in self._known), key=lambda rating: (-rating.elo, rating.player)))

    def better(self, first: str, second: str) -> float:
        """The probability that the first is the stronger one of the two."""
        one, other = self[first], self[second]
        gap = math.hypot(one.error, other.error)
        return 0.5 * math.erfc((other.elo - one.elo) / (gap * math.sqrt(2.0)))

    def save(self, path: Path) -> None:
        """Write them down as JSON, to the bit."""
        told = {"format": FORMAT, "outcomes": self.outcomes, "known": {k: list(v) for k, v in self._known.items()}}
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, json.dumps(told, indent=1, sort_keys=True))

    @classmethod
    def load(cls, path: Path) -> "TeamRatings":
        """Read what `save` wrote."""
        try:
            told: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            if told["format"] != FORMAT:
                raise ValueError(f"format {told['format']}, expected {FORMAT}")
            known = {str(player): (float(elo), float(error)) for player, (elo, error) in told["known"].items()}
            if not all(math.isfinite(elo) and 0.0 < error < math.inf for elo, error in known.values()):
                raise ValueError("a rating that is no finite number")
            return cls(int(told["outcomes"]), known)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{path} holds {error}, expected ratings that TeamRatings.save wrote") from error

    def _of(self, player: str) -> tuple[float, float]:
        return self._known.get(player, (MODEL.mu, MODEL.sigma))
