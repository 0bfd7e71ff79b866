"""Judged matches: two players, each seed twice with the sides changed, and what came of it, to be replayed at will."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from agents.behaviour import COLUMNS, Behaviour
from agents.judge.players import ModelRef, Player, player_of
from mlmonster_env.envs.battle import MASK, Array, Battle
from mlmonster_env.envs.rivals import Rival
from mlmonster_env.scenarios import Plan, plan_of
from mlmonster_env.sim.recording import Recording
from policies.policy import Policy

AT_ONCE = 256  # pairs in one batch
SLOWEST_S = 60.0  # that a player may think about one decision of a batch
Z_95 = 1.959964


class FaultError(Exception):
    """A player failed; what was being played then is void."""


class NoEvidenceError(Exception):
    """Nothing valid was played, so nothing can be said."""


@dataclass(frozen=True)
class Void:
    """Matches that do not count, and why."""

    seeds: tuple[int, ...]
    side: int
    reason: str


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
    recordings: tuple[tuple[Recording, Recording], ...]
    behaviour: dict[str, float]  # of the first, and seconds a decision took it
    void: tuple[Void, ...] = field(default=())

    @property
    def win_rate(self) -> float:
        """What the first scored, a draw being half."""
        self._check()
        return float(self.scores.mean())

    @property
    def interval(self) -> tuple[float, float]:
        """95% of it, over pairs."""
        self._check()
        means = self.scores.mean(1)
        half = Z_95 * float(means.std(ddof=1)) / np.sqrt(len(means)) if len(means) > 1 else 1.0
        return max(0.0, self.win_rate - half), min(1.0, self.win_rate + half)

    def recording(self, seed: int, side: int = 0) -> Recording:
        """One of the matches, to be replayed or filmed."""
        found = np.flatnonzero(self.seeds == seed)
        if side not in (0, 1) or not len(found):
            raise ValueError(f"seed is {seed}, side {side}, expected a seed of the result, and 0 or 1")
        return self.recordings[int(found[0])][side]

    def _check(self) -> None:
        if not len(self.scores):
            reasons = "; ".join(sorted({void.reason for void in self.void}))
            met = f"{self.first} and {self.second} played no valid pair"
            raise NoEvidenceError(f"{met}: {reasons or 'none was asked for'}")


def play(
    first: "str | Path | Policy | Player",
    second: "str | Path | Policy | Player",
    scenario: str | Plan,
    seeds: Sequence[int] | Array,
    *,
    archetype: str | None = None,
    slowest_s: float = SLOWEST_S,
    **arguments: Any,
) -> MatchResult:
    """Let two players meet: every seed twice, the first on side 0 and then on side 1.

    Other arguments are those of `Battle`. A player that fails, gives numbers that are none, or thinks for longer than
    `slowest_s` voids the matches that it was playing; they are told in `void`, and never played on by somebody else.
    """
    one, other = player_of(first), player_of(second)
    plan = plan_of(scenario)
    chosen = archetype or one.archetype or other.archetype
    if chosen is None:
        raise ValueError("archetype is None, expected one: neither player was trained for one")
    if one.make is None:
        return _turned(play(other, one, plan, seeds, archetype=chosen, slowest_s=slowest_s, **arguments))
    parts = [
        _pairs(one, other, plan, chosen, np.asarray(seeds[at : at + AT_ONCE], np.int64), slowest_s, arguments)
        for at in range(0, len(seeds), AT_ONCE)
    ]
    return _joined(one.ref, other.ref, plan.name, chosen, parts)


@dataclass
class _Side:
    """What came of a batch of matches in which the first had one side."""

    scores: Array
    valid: Array
    recordings: list[Recording | None]
    behaviour: dict[str, float]
    void: list[Void]


def _pairs(
    one: Player, other: Player, plan: Plan, archetype: str, seeds: Array, slowest_s: float, arguments: dict[str, Any]
) -> tuple[Array, list[_Side]]:
    return seeds, [_side(one, other, plan, archetype, seeds, side, slowest_s, arguments) for side in (0, 1)]


def _side(
    one: Player, other: Player, plan: Plan, archetype: str, seeds: Array, side: int, slowest_s: float,
    arguments: dict[str, Any],
) -> _Side:  # fmt: skip
    """Play every seed once, the first player on this side."""
    count = len(seeds)
    told = _Side(np.zeros(count), np.zeros(count, np.bool_), [None] * count, {}, [])
    going = np.ones(count, np.bool_)
    try:
        assert one.make is not None
        mind = Guarded(one.make(2 * side), one.ref, slowest_s)
        rival = "stock" if other.make is None else Guarded(other.make(2 * side + 1), other.ref, slowest_s)
        battle = Battle(
            count, mind.control, archetype=archetype, scenario=plan, pack=True, side=side, observe=mind.blocks,
            opponent=rival, record=True, **arguments,
        )  # fmt: skip
        mind.sit(count, battle.num_slots // count)
        battle.reset(seeds)
        mind.forget(np.arange(battle.num_slots))
        if mind.yields(np.arange(count)).any():
            raise ValueError(f"first is {one.ref.name}, which leaves matches to the stock AI; expected it second")
        deeds = Behaviour(battle)
        while going.any():
            seen = battle.observe()
            blocks = seen if isinstance(seen, dict) else {"state": seen}
            actions = mind(blocks)
            _, terminated, truncated = battle.step(actions)
            deeds.note(actions, blocks.get(MASK), going)
            ended = (terminated | truncated) & going
            told.scores[ended] = (battle.outcome()[ended] + 1) / 2
            told.valid[ended] = True
            for match in np.flatnonzero(ended).tolist():
                told.recordings[match] = battle.recording(match)
            deeds.close(ended)
            going &= ~ended
        told.behaviour = {**deeds.means(), "decision_s": mind.seconds / max(mind.calls, 1)}
    except FaultError as fault:
        told.void.append(Void(tuple(seeds[going].tolist()), side, str(fault)))
    return told


class Guarded:
    """A rival whose every answer is looked at: what it raises, how long it takes, what it says."""

    def __init__(self, rival: Rival, ref: ModelRef, slowest_s: float) -> None:
        self.control, self.blocks = rival.control, rival.blocks
        self.seconds, self.calls = 0.0, 0
        self._rival, self._ref, self._slowest_s = rival, ref, slowest_s
        self._members = 1
        self._yielded = np.zeros(0, np.bool_)

    def __call__(self, seen: dict[str, Array]) -> Array:
        """Its orders; FaultError instead of any that cannot be trusted."""
        begun = time.perf_counter()
        try:
            actions = np.asarray(self._rival(seen))
        except Exception as error:
            raise FaultError(f"{self._ref}: {type(error).__name__}: {error}") from error
        took = time.perf_counter() - begun
        self.seconds += took
        self.calls += 1
        if took > self._slowest_s:
            raise FaultError(f"{self._ref} thought for {took:.1f} s, expected {self._slowest_s:g} at most")
        slots = len(next(iter(seen.values())))
        if np.shape(actions)[:1] != (slots,):
            raise FaultError(f"{self._ref} gave orders of shape {np.shape(actions)}, expected one for each of {slots}")
        if MASK in seen and not (_legal(actions, seen[MASK]) | self._left_alone()).all():
            raise FaultError(f"{self._ref} ordered what is illegal")
        return actions

    def sit(self, matches: int, members: int) -> None:
        """It is told how large its battle is, if it asks."""
        self._members, self._yielded = members, np.zeros(matches, np.bool_)
        sit = getattr(self._rival, "sit", None)
        if sit is not None:
            sit(matches, members)

    def forget(self, slots: Array) -> None:
        """The matches of these slots begin anew."""
        self._rival.forget(slots)

    def rewind(self) -> None:
        """It draws again as at the very beginning, if it draws."""
        rewind = getattr(self._rival, "rewind", None)
        if rewind is not None:
            rewind()

    def yields(self, matches: Array) -> Array:
        """Which of these matches it leaves to the stock AI."""
        yields = getattr(self._rival, "yields", None)
        self._yielded[matches] = False if yields is None else np.asarray(yields(matches))
        return self._yielded[matches]

    def _left_alone(self) -> Array:
        """Of each slot, whether the stock AI plays it, so that orders for it are not heeded."""
        return np.repeat(self._yielded, self._members)

    def state(self) -> dict[str, Any]:
        """Of the rival."""
        return self._rival.state()

    def set_state(self, state: dict[str, Any]) -> None:
        """Of the rival."""
        self._rival.set_state(state)


def _legal(actions: Array, mask: Array) -> Array:
    """Of each slot, whether its action is one that there is, and that the mask allows."""
    known = (actions >= 0) & (actions < mask.shape[1]) & (actions.dtype.kind in "iu")
    within = np.where(known, actions, 0).astype(np.int64)
    return np.asarray(known & (np.take_along_axis(mask, within[:, None], 1)[:, 0] != 0))


def _joined(
    first: ModelRef, second: ModelRef, scenario: str, archetype: str, parts: list[tuple[Array, list[_Side]]]
) -> MatchResult:
    seeds, scores, recordings, void = [], [], [], []
    behaviours: list[dict[str, float]] = []
    for given, (here, there) in parts:
        void += [*here.void, *there.void]
        behaviours += [side.behaviour for side in (here, there) if side.behaviour]
        for number in np.flatnonzero(here.valid & there.valid).tolist():
            pair = (here.recordings[number], there.recordings[number])
            assert pair[0] is not None and pair[1] is not None
            seeds.append(int(given[number]))
            scores.append((here.scores[number], there.scores[number]))
            recordings.append((pair[0], pair[1]))
    names = (*COLUMNS, "decision_s") if behaviours else ()
    return MatchResult(
        first, second, scenario, archetype, np.array(seeds, np.int64), np.array(scores).reshape(-1, 2),
        tuple((a.digest, b.digest) for a, b in recordings), tuple(recordings),
        {name: float(np.mean([told[name] for told in behaviours])) for name in names}, tuple(void),
    )  # fmt: skip


def _turned(result: MatchResult) -> MatchResult:
    """The same matches as the other player sees them; of how it behaved nothing is told."""
    return replace(
        result, first=result.second, second=result.first, scores=1.0 - result.scores[:, ::-1],
        digests=tuple((b, a) for a, b in result.digests),
        recordings=tuple((b, a) for a, b in result.recordings), behaviour={},
    )  # fmt: skip
