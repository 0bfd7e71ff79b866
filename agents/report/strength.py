"""How strong models are: each start against the stock AI, everybody who is known, and a ladder of all of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from agents.evaluation import ALL, minds_of
from agents.judge.gauntlet import Known, gauntlet, known_order
from agents.judge.matches import MatchResult, play
from agents.judge.mirror import MirrorScore, by_start
from agents.judge.players import STOCK, ModelRef, Player, player_of
from agents.judge.ratings import Ladder, Meeting, rate, rings
from agents.opponents import STYLES
from agents.report.sources import Subject
from agents.seeds import REPORTS
from mlmonster_env.envs.battle import Array
from policies.actors import BOX, STRATEGY, THREAT
from policies.policy import Policy

Say = Callable[[str], None]


@dataclass(frozen=True)
class Score:
    """A win rate with 95% over pairs; a draw is half."""

    name: str
    pairs: int
    win_rate: float
    low: float
    high: float
    drawn: float
    void: int = 0

    @classmethod
    def of(cls, name: str, result: MatchResult) -> "Score":
        low, high = result.interval
        void = sum(len(void.seeds) for void in result.void)
        drawn = float((result.scores == 0.5).mean())
        return cls(name, len(result.scores), result.win_rate, float(low), float(high), drawn, void)

    @property
    def told_apart(self) -> str:
        """Whether it is better or worse than even, as far as 95% tell."""
        return "better" if self.low > 0.5 else "worse" if self.high < 0.5 else "even"


@dataclass(frozen=True)
class OrderCheck:
    """Somebody known to be weaker than another, and what the weaker one scored."""

    weaker: str
    stronger: str
    score: Score

    @property
    def verdict(self) -> str:
        return {"worse": "as known", "even": "not told apart", "better": "the wrong way round"}[self.score.told_apart]


@dataclass(frozen=True)
class Strength:
    """What is known of a model's strength; `starts` are against the stock AI, the last of them is all together."""

    subject: Subject
    starts: tuple[Score, ...]
    results: dict[str, MatchResult]  # those against the stock AI, by start
    checks: tuple[OrderCheck, ...] = ()
    gauntlet: tuple[Score, ...] = ()
    met: tuple[MatchResult, ...] = ()
    behaviour: dict[str, float] | None = None

    @property
    def whole(self) -> Score:
        return self.starts[-1]

    @property
    def trusted(self) -> bool:
        """Whether nothing came out the wrong way round that is known."""
        return all(check.score.told_apart != "better" for check in self.checks)


@dataclass(frozen=True)
class Standing:
    """A ladder of all who met in one scenario with packs of one archetype."""

    archetype: str
    scenario: str
    ladder: Ladder
    names: dict[str, str]  # by digest
    models: frozenset[str]  # digests of those that the report is of
    rings: tuple[tuple[str, str, str], ...]


class Deciding:
    """A model that gives no order of a list as a rival: one that names threats, or gives a box of numbers."""

    def __init__(self, policy: Policy) -> None:
        mind, self.control, self.blocks = minds_of(policy)
        assert callable(mind)
        self._mind = mind

    def __call__(self, seen: dict[str, Array]) -> Array:
        """Actions of all slots."""
        return self._mind(seen)

    def forget(self, slots: Array) -> None:
        """It remembers nothing."""

    def state(self) -> dict[str, Any]:
        """Nothing."""
        return {}

    def set_state(self, state: dict[str, Any]) -> None:
        """It has none."""


def fights(policy: Policy | None) -> bool:
    """Whether a model can be asked to matches at all: one that only names styles cannot."""
    return policy is not None and policy.card.kind != STRATEGY


def player_for(subject: Subject) -> Player:
    """A subject as a player of matches."""
    policy = subject.policy
    assert policy is not None
    if policy.card.kind in (BOX, THREAT):
        return Player(ModelRef(subject.name, policy.digest()), lambda seed: Deciding(policy), policy.card.archetype)
    return player_of(policy, subject.name)


def measure(subject: Subject, pairs: int, say: Say) -> Strength:
    """Play a model against the stock AI at each start, check what is known, and let it meet everybody."""
    player = player_for(subject)
    told = {"archetype": subject.archetype, **subject.terms}
    results = {}
    for start, plan in by_start(subject.scenario):
        say(f"{subject.name} against the stock AI, {start}: {pairs} pairs")
        results[start] = play(player, STOCK, plan, REPORTS + np.arange(pairs), **told)
    starts = [Score.of(start, result) for start, result in results.items()]
    if len(starts) > 1:
        starts.append(together(list(results.values())))
    say(f"{subject.name}: what is known, {pairs} pairs each")
    order = known_order(player)
    order = [known for known in order if known.stronger is not player or _draws_orders(subject)]
    checks = [_check(known, subject, pairs, told) for known in order]
    say(f"{subject.name} against random orders, {len(STYLES)} styles and the stock AI: {pairs} pairs each")
    terms = {name: value for name, value in told.items() if name != "archetype"}
    met = gauntlet(player, subject.scenario, subject.archetype, pairs, **terms)
    scores = tuple(Score.of(result.second.name, result) for result in met)
    behaviour = {name: float(np.mean([r.behaviour[name] for r in results.values()])) for name in met[-1].behaviour}
    return Strength(subject, tuple(starts), results, tuple(checks), scores, tuple(met), behaviour)


def together(results: Sequence[MatchResult]) -> Score:
    """All pairs of several results as one score."""
    whole = MirrorScore(ALL, np.concatenate([result.scores for result in results]))
    void = sum(len(void.seeds) for result in results for void in result.void)
    return Score(ALL, len(whole.pairs), whole.win_rate, *whole.interval, whole.drawn, void)


def standings(strengths: Sequence[Strength], pairs: int, say: Say) -> list[Standing]:
    """A ladder for each archetype and scenario: models, random orders, styles and the stock AI, which is at 0."""
    places: dict[tuple[Any, ...], list[Strength]] = {}
    for strength in strengths:
        subject = strength.subject
        if strength.trusted:
            key = (subject.archetype, subject.scenario, *sorted(subject.terms.items()))
            places.setdefault(key, []).append(strength)
    return [_standing(group, pairs, say) for group in places.values()]


def _standing(group: Sequence[Strength], pairs: int, say: Say) -> Standing:
    subject = group[0].subject
    told = {"archetype": subject.archetype, **subject.terms}
    seeds = REPORTS + (1 << 32) + np.arange(pairs)
    results = [result for strength in group for result in strength.met]
    players = [player_for(strength.subject) for strength in group]
    for one, other in combinations(players, 2):
        say(f"{one.ref.name} against {other.ref.name}: {pairs} pairs")
        results.append(play(one, other, subject.scenario, seeds, **told))
    say(f"the stock AI against random orders and {len(STYLES)} styles, for the ladder: {pairs} pairs each")
    results += [play(player_of(name), STOCK, subject.scenario, seeds, **told) for name in ("random", *STYLES)]
    meetings = [Meeting(r.first.digest, r.second.digest, r.scores) for r in results if len(r.scores)]
    names = {ref.digest: ref.name for r in results for ref in (r.first, r.second)}
    return Standing(
        subject.archetype, subject.scenario, rate(meetings, {player_of(STOCK).ref.digest: 0.0}), names,
        frozenset(player.ref.digest for player in players), tuple(rings(meetings)),
    )  # fmt: skip


def _draws_orders(subject: Subject) -> bool:
    """Whether some of its orders can be drawn at random instead: of a box of numbers nobody knows what is legal."""
    return subject.policy is not None and subject.policy.card.kind != BOX


def _check(known: Known, subject: Subject, pairs: int, told: dict[str, Any]) -> OrderCheck:
    found = play(known.weaker, known.stronger, subject.scenario, REPORTS + (2 << 32) + np.arange(pairs), **told)
    return OrderCheck(known.weaker.ref.name, known.stronger.ref.name, Score.of(known.weaker.ref.name, found))
