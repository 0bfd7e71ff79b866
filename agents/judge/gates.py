"""What a model must have shown before it may take another's place: sequential tests, and an error for all slots."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from agents.catalog import CATALOG
from agents.judge.matches import MatchResult, Void, play
from agents.judge.players import Player, player_of
from agents.judge.sequential import ACCEPT, REJECT, UNDECIDED, Hypotheses, SequentialTest
from agents.seeds import GATES
from mlmonster_env.data.errors import check_number
from mlmonster_env.plans import Plan

FAMILY_ERROR = 0.05  # the probability that of all slots, gated once each, any is given to a model that is not enough
FALSE_REJECT = 0.05  # the probability that a model that is enough is turned away at one gate
AT_ONCE = 50  # pairs between two looks
MOST_PAIRS = 5000  # after which a gate stays undecided


@dataclass(frozen=True)
class Gate:
    """An opponent, and the win rates that are enough and not enough against it."""

    name: str
    opponent: Player
    not_enough: float
    enough: float


class NoOpponentError(Exception):
    """A gate's opponent could not be had, so that nothing can be said of who would have met it."""

    def __init__(self, gate: str, told: str) -> None:
        super().__init__(told)
        self.gate = gate


@dataclass(frozen=True)
class GateVerdict:
    """What a gate, or all of them, said of a model, and why."""

    gate: str
    verdict: str  # accept, reject or undecided
    why: str
    win_rate: float
    pairs: int  # that it took
    void: tuple[Void, ...] = ()

    def __str__(self) -> str:
        return f"{self.gate}: {self.verdict} after {self.pairs} pairs ({self.why})"


Plays = Callable[..., MatchResult]


def stage_gates(previous: Player | None = None) -> list[Gate]:
    """The operators' thresholds: 85% against random orders, 60% against the stock AI, 55% against the model before."""
    found = [Gate("random", player_of("random"), 0.80, 0.85), Gate("stock", player_of("stock"), 0.55, 0.60)]
    return [*found, Gate("previous", previous, 0.50, 0.55)] if previous is not None else found


def error_a_slot(family: float = FAMILY_ERROR, slots: int = len(CATALOG)) -> float:
    """How often one slot may be given wrongly, so that over all slots it is no more than `family`."""
    check_number("slots", slots, 1)
    if not 0.0 < family < 1.0:
        raise ValueError(f"family is {family}, expected above 0, below 1")
    return float(1.0 - (1.0 - family) ** (1.0 / slots))


def through(
    candidate: Player,
    gate: Gate,
    scenario: str | Plan,
    archetype: str,
    *,
    error: float | None = None,
    most_pairs: int = MOST_PAIRS,
    first_seed: int = GATES,
    plays: Plays = play,
    **arguments: Any,
) -> GateVerdict:
    """Let a candidate meet a gate's opponent until enough is known, or `most_pairs` were played."""
    check_number("most_pairs", most_pairs, 1)
    given = error_a_slot() if error is None else error
    test = SequentialTest(Hypotheses(gate.not_enough, gate.enough, given, FALSE_REJECT))
    void: tuple[Void, ...] = ()
    for at in range(0, most_pairs, AT_ONCE):
        seeds = first_seed + np.arange(at, min(at + AT_ONCE, most_pairs))
        result = plays(candidate, gate.opponent, scenario, seeds, archetype=archetype, **arguments)
        void += result.void
        if void:
            # Whose opponent fails has shown nothing; who fails himself is not fit to play.
            innocent = all(one.by == gate.opponent.ref.digest != candidate.ref.digest for one in void)
            verdict = UNDECIDED if innocent else REJECT
            why = f"a match is void: {void[0].reason}"
            return GateVerdict(gate.name, verdict, why, test.win_rate, test.pairs, void)
        if test.add(result.scores) != UNDECIDED:
            break
    return GateVerdict(gate.name, test.verdict, _why(test, gate), test.win_rate, test.pairs)


def through_all(
    candidate: Player, gates: Iterable[Gate], scenario: str | Plan, archetype: str, **arguments: Any
) -> list[GateVerdict]:
    """One gate after the other, until one does not accept; the last verdict is that of all of them.

    A gate whose opponent cannot be had is no acceptance: nothing is decided then.
    """
    told: list[GateVerdict] = []
    try:
        for gate in gates:
            told.append(through(candidate, gate, scenario, archetype, **arguments))
            if told[-1].verdict != ACCEPT:
                break
    except NoOpponentError as error:
        told.append(GateVerdict(error.gate, UNDECIDED, str(error), 0.0, 0))
    if not told:
        raise ValueError("there are no gates, expected at least one")
    last = told[-1]
    names = ", ".join(verdict.gate for verdict in told)
    why = f"accepted by {names}" if last.verdict == ACCEPT else str(last)
    return [*told, replace(last, gate="all", why=why, pairs=sum(verdict.pairs for verdict in told))]


def _why(test: SequentialTest, gate: Gate) -> str:
    rate = f"{test.win_rate:.1%} against {gate.opponent.ref.name}"
    if test.verdict == ACCEPT:
        return f"{rate}: more than {gate.not_enough:.0%}, as sure as was asked for"
    if test.verdict == REJECT:
        return f"{rate}: less than {gate.enough:.0%}, as sure as was asked for"
    return f"{rate}: neither above {gate.not_enough:.0%} nor below {gate.enough:.0%} for sure"
