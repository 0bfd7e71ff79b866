"""Judged matches: two players, each seed twice with the sides changed, and what came of it, to be replayed at will."""

import threading
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from agents.behaviour import COLUMNS, Behaviour
from agents.judge.guarded import FaultError as FaultError
from agents.judge.guarded import Guarded
from agents.judge.mirror import MirrorScore
from agents.judge.players import ModelRef, Player, player_of
from mlmonster_env.data.errors import shorten
from mlmonster_env.envs.battle import MASK, Array, Battle
from mlmonster_env.envs.vector import by_block
from mlmonster_env.plans import Plan
from mlmonster_env.scenarios import plan_of
from mlmonster_env.sim.recording import Recording
from policies.acting import Acting

AT_ONCE = 256  # pairs in one batch
SLOWEST_S = 60.0  # that a player may think about one decision of a batch
LAST_SEED = (1 << 63) - 1
BEHAVIOUR = (*COLUMNS, "decision_s")  # the last: seconds that one order of one monster took


class NoEvidenceError(Exception):
    """Nothing valid was played, so nothing can be said."""


@dataclass(frozen=True)
class Void:
    """Matches that do not count, the side that the first player had in them, why, and the digest of whose fault."""

    seeds: tuple[int, ...]
    side: int
    reason: str
    by: str = ""


@dataclass(frozen=True)
class MatchResult:
    """Pairs of matches between two players; only pairs of which both matches are valid count."""

    first: ModelRef
    second: ModelRef
    scenario: str
    archetype: str
    seeds: Array  # of the valid pairs
    scores: Array  # [pairs, 2]: what the first reached on either side, 1, 0.5 or 0
    digests: tuple[tuple[str, str], ...]  # of the last moments
    recordings: tuple[tuple[Recording, Recording], ...]  # none where they were not asked for
    behaviour: dict[str, float]  # of the first, by BEHAVIOUR
    void: tuple[Void, ...] = field(default=())

    @property
    def score(self) -> MirrorScore:
        """What the pairs say: win rate, interval, won, drawn. NoEvidenceError where there are none."""
        if not len(self.scores):
            reasons = "; ".join(sorted({void.reason for void in self.void}))
            met = f"{self.first} and {self.second} played no valid pair"
            raise NoEvidenceError(f"{met}: {reasons or 'none was asked for'}")
        return MirrorScore(self.scenario, self.scores, self.behaviour)

    @property
    def win_rate(self) -> float:
        """What the first scored, a draw being half."""
        return self.score.win_rate

    @property
    def interval(self) -> tuple[float, float]:
        """95% of it, over pairs."""
        return self.score.interval

    def recording(self, seed: int, side: int = 0) -> Recording:
        """One of the matches, to be replayed or filmed."""
        found = np.flatnonzero(self.seeds == seed)
        if side not in (0, 1) or not len(found):
            raise ValueError(f"seed is {seed}, side {side}, expected a seed of the result, and 0 or 1")
        if not self.recordings:
            raise ValueError("the result holds no recordings, expected one that was played with record=True")
        return self.recordings[int(found[0])][side]


def play(
    first: "str | Path | Acting | Player",
    second: "str | Path | Acting | Player",
    scenario: str | Plan,
    seeds: Sequence[int] | Array,
    *,
    archetype: str | None = None,
    slowest_s: float = SLOWEST_S,
    record: bool = True,
    **arguments: Any,
) -> MatchResult:
    """Let two players meet: every seed twice, the first on side 0 and then on side 1.

    Other arguments are those of `Battle`. A player that does not load, fails, gives numbers that are none, or thinks
    for longer than `slowest_s` voids the matches that it was playing; they are told in `void`, and never played on by
    somebody else. Without `record` there is nothing to replay, and little memory is taken.
    """
    one, other = player_of(first), player_of(second)
    plan = plan_of(scenario)
    chosen = archetype or one.archetype or other.archetype
    if chosen is None and (one.broken or other.broken):
        chosen = "unknown"  # whoever does not load never comes as far as a battle
    if chosen is None:
        raise ValueError("archetype is None, expected one: neither player was trained for one")
    given = np.asarray(seeds)
    if given.ndim != 1 or (len(given) and given.dtype.kind not in "iu"):
        raise ValueError(f"seeds are {shorten(seeds)}, expected whole numbers in a row, such as range(100)")
    if len(given) and given.max() > LAST_SEED:  # it would come out below 0
        raise ValueError(f"seeds are {shorten(seeds)}, expected {LAST_SEED} at most")
    given = given.astype(np.int64)
    is_number = isinstance(slowest_s, int | float | np.number) and not isinstance(slowest_s, bool)
    if not is_number or not 0.0 <= slowest_s <= threading.TIMEOUT_MAX:  # the player would be blamed for it
        raise ValueError(f"slowest_s is {slowest_s!r}, expected 0 to {threading.TIMEOUT_MAX:.0f} seconds")
    if len(np.unique(given)) < len(given):
        raise ValueError(f"seeds are {len(given)}, {len(np.unique(given))} of them different, expected each once")
    if one.make is None and other.make is None:
        raise ValueError("both players are the stock AI, expected one of them to be somebody else")
    if one.make is None:
        told = {**arguments, "slowest_s": slowest_s, "record": record}
        return _turned(play(other, one, plan, given, archetype=chosen, **told))
    table = _Table(one, other, plan, chosen, slowest_s, record, arguments)
    parts = []
    for at in range(0, len(given), AT_ONCE):
        here = given[at : at + AT_ONCE]
        parts.append((here, table.side(here, 0), table.side(here, 1)))
    return _joined(table, parts)


@dataclass
class _Side:
    """What came of a batch of matches in which the first had one side."""

    scores: Array
    valid: Array
    digests: list[str]
    recordings: list[Recording | None]
    behaviour: dict[str, float]
    void: list[Void]


@dataclass(frozen=True)
class _Table:
    """Who plays whom, and where."""

    one: Player
    other: Player
    plan: Plan
    archetype: str
    slowest_s: float
    record: bool
    arguments: dict[str, Any]

    def side(self, seeds: Array, side: int) -> _Side:
        """Play every seed once, the first player on this side."""
        count = len(seeds)
        told = _Side(np.zeros(count), np.zeros(count, np.bool_), [""] * count, [None] * count, {}, [])
        try:
            with ExitStack() as stack:
                self._play(seeds, side, told, stack)
        except FaultError as fault:
            told.void.append(Void(tuple(seeds[~told.valid].tolist()), side, str(fault), fault.by))
        return told

    def _play(self, seeds: Array, side: int, told: _Side, stack: ExitStack) -> None:
        count = len(seeds)
        # Who draws draws from a stream of its own in every batch: no two batches are played with the same luck.
        stream = 4 * int(seeds[0]) + 2 * side
        mind = stack.enter_context(Guarded(self.one, stream, self.slowest_s))
        stock = self.other.make is None
        rival = "stock" if stock else stack.enter_context(Guarded(self.other, stream + 1, self.slowest_s))
        battle = Battle(
            count, mind.control, archetype=self.archetype, scenario=self.plan, pack=True, side=side,
            observe=mind.blocks, opponent=rival, record=self.record, **self.arguments,
        )  # fmt: skip
        mind.sit(count, battle.num_slots // count)
        battle.reset(seeds)
        mind.forget(np.arange(battle.num_slots))
        if mind.yields(np.arange(count)).any():
            raise ValueError(f"first is {self.one.ref.name}, which leaves matches to the stock AI; expected it second")
        deeds = Behaviour(battle)
        while not told.valid.all():
            blocks = by_block(battle.observe())
            actions = mind(blocks)
            _, terminated, truncated = battle.step(actions)
            deeds.note(actions, blocks.get(MASK), ~told.valid)
            ended = (terminated | truncated) & ~told.valid
            if not ended.any():
                continue
            told.scores[ended] = (battle.outcome()[ended] + 1) / 2
            digests = battle.arena.digest()
            for match in np.flatnonzero(ended).tolist():
                told.digests[match] = digests[match]
                told.recordings[match] = battle.recording(match) if self.record else None
            deeds.close(ended)
            told.valid |= ended
            told.behaviour = {**deeds.means(), "decision_s": mind.seconds / mind.decisions}


def _joined(table: _Table, parts: list[tuple[Array, _Side, _Side]]) -> MatchResult:
    seeds, scores, digests, recordings, void = [], [], [], [], []
    sides = [side for _, here, there in parts for side in (here, there) if side.behaviour]
    for given, here, there in parts:
        void += [*here.void, *there.void]
        for number in np.flatnonzero(here.valid & there.valid).tolist():
            seeds.append(int(given[number]))
            scores.append((here.scores[number], there.scores[number]))
            digests.append((here.digests[number], there.digests[number]))
            pair = (here.recordings[number], there.recordings[number])
            if pair[0] is not None and pair[1] is not None:
                recordings.append((pair[0], pair[1]))
    weights = [int(side.valid.sum()) for side in sides]
    behaviour = {
        name: float(np.average([side.behaviour[name] for side in sides], weights=weights))
        for name in (BEHAVIOUR if sides else ())
    }
    return MatchResult(
        table.one.ref, table.other.ref, table.plan.name, table.archetype, np.array(seeds, np.int64),
        np.array(scores).reshape(-1, 2), tuple(digests), tuple(recordings), behaviour, tuple(void),
    )  # fmt: skip


def _turned(result: MatchResult) -> MatchResult:
    """The same matches as the other player sees them; of how it behaved nothing is told."""
    return replace(
        result, first=result.second, second=result.first, scores=1.0 - result.scores[:, ::-1],
        digests=tuple((b, a) for a, b in result.digests),
        recordings=tuple((b, a) for a, b in result.recordings), behaviour={},
        void=tuple(replace(void, side=1 - void.side) for void in result.void),
    )  # fmt: skip
