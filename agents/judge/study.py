"""Is the gate right as often as it says: twins, and players known to be better or worse, are gated many times.

A bank of pairs that were really played is drawn from (with replacement) for a thousand gates a case; some gates are
played for real; the exploiter gate, which trains its own opponent, is studied apart.
"""

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from agents.judge.bank import Bank
from agents.judge.exploiter import Exploiter
from agents.judge.gates import GateVerdict, Plays, stage_gates, through, through_all
from agents.judge.gauntlet import careless
from agents.judge.matches import MatchResult, play
from agents.judge.mirror import MirrorScore
from agents.judge.players import STOCK, Player, player_of, sampled, script_digest
from agents.seeds import ADVERSARIES, REAL_GATES, REPORTS
from mlmonster_env.envs.battle import Array
from policies.actors import build_actor
from policies.policy import Policy
from policies.storage import write_text

APART = 1 << 32  # seeds between two banks, and between two gates that are played for real
SHARES = (0.1, 0.2, 0.3)  # of actions that are random: how much worse the planted players are
TWINS, AGAINST_PREVIOUS, AGAINST_KNOWN = 20_000, 1_500, 500  # pairs in a bank


@dataclass(frozen=True)
class Case:
    """A candidate whose strength against the one before is known: equal, better or worse."""

    name: str
    candidate: Player
    previous: Player
    by_lot: bool = False  # which of two twins is the candidate is drawn for every pair: exactly 50%


@dataclass(frozen=True)
class Banks:
    """Scores of the first against the second, by their digests."""

    scores: dict[tuple[str, str], Array]

    def of(self, first: Player, second: Player) -> Array:
        """[pairs, 2]"""
        key = (first.ref.digest, second.ref.digest)
        return self.scores[key] if key in self.scores else 1.0 - self.scores[key[::-1]][:, ::-1]

    def drawn_by(self, random: np.random.Generator, by_lot: bool = False) -> Plays:
        """Matches that are drawn instead of played, each as likely as any other of its bank."""

        def plays(one: Player, other: Player, scenario: str, seeds: Array, *, archetype: str) -> MatchResult:
            bank = self.of(one, other)
            scores = bank[random.integers(len(bank), size=len(seeds))]
            if by_lot and one.ref == other.ref:
                scores = np.where(random.random((len(seeds), 1)) < 0.5, scores, 1.0 - scores[:, ::-1])
            return MatchResult(one.ref, other.ref, str(scenario), archetype, np.asarray(seeds), scores, (), (), {})

        return plays


def cases(policy: Policy) -> list[Case]:
    """Twins first; then who is so much more careless than the one before, or less; then a model's best orders."""
    twin, greedy = sampled(policy, "twin"), player_of(policy, "greedy")
    worse = {share: careless(twin, share) for share in SHARES}
    return [
        Case("twins", twin, twin),
        *(Case(f"{share:.0%} random against twin", one, twin) for share, one in worse.items()),
        *(Case(f"twin against {share:.0%} random", twin, one) for share, one in worse.items()),
        Case("greedy against twin", greedy, twin),
        Case("twin against greedy", twin, greedy),
        Case("twins, by lot which is which", twin, twin, by_lot=True),
    ]


@dataclass(frozen=True)
class Gated:
    """One gate that somebody was sent through: the verdict, and the pairs that each of its tests needed."""

    verdict: str
    pairs: dict[str, int]
    why: str

    @classmethod
    def of(cls, told: Sequence[GateVerdict]) -> "Gated":
        """From what `through_all` told."""
        return cls(told[-1].verdict, {verdict.gate: verdict.pairs for verdict in told}, told[-1].why)


def filled(
    given: Sequence[Case], folder: Path, scenario: str, archetype: str, say: Callable[[str], None] = print,
    sizes: tuple[int, int, int] = (TWINS, AGAINST_PREVIOUS, AGAINST_KNOWN),
) -> Banks:  # fmt: skip
    """Every pair that these cases need, played unless it was already."""
    twins, previous, known = sizes
    wanted: dict[tuple[str, str], tuple[Player, Player, int]] = {}
    for case in given:
        key = (case.candidate.ref.digest, case.previous.ref.digest)
        if key[::-1] not in wanted:
            wanted[key] = (case.candidate, case.previous, twins if key[0] == key[1] else previous)
    for case in given:
        for gate in stage_gates():
            key = (case.candidate.ref.digest, gate.opponent.ref.digest)
            wanted[key] = (case.candidate, gate.opponent, known)
    scores = {}
    for number, (key, (one, other, count)) in enumerate(wanted.items()):
        name = f"{number:02d}-{one.ref.name}-{other.ref.name}".replace("%", "").replace(", ", "-").replace(" ", "-")
        bank = Bank(folder / name, one, other, scenario, archetype, REPORTS + number * APART)
        scores[key] = bank.pairs(count, say)
    return Banks(scores)


def drawn_gates(
    case: Case, banks: Banks, scenario: str, archetype: str, gates: int, error: float, seed: int = 0
) -> list[Gated]:
    """A case through the whole gate so many times, on pairs that are drawn from the banks."""
    plays = banks.drawn_by(np.random.default_rng(seed), case.by_lot)
    tests = stage_gates(case.previous)
    return [
        Gated.of(through_all(case.candidate, tests, scenario, archetype, error=error, plays=plays))
        for _ in range(gates)
    ]


def real_gates(
    case: Case, folder: Path, scenario: str, archetype: str, gates: int, say: Callable[[str], None] = print
) -> list[Gated]:
    """A case through the whole gate so many times, every match played; what was done before is read."""
    found = []
    met = [gate.opponent.ref.digest for gate in stage_gates(case.previous)]
    what = _hash_of(case.candidate.ref.digest, met, str(scenario), archetype)
    for number in range(gates):
        path = folder / f"{what}-{number:02d}.json"
        if not path.is_file():
            told = through_all(
                case.candidate, stage_gates(case.previous), scenario, archetype,
                first_seed=REAL_GATES + number * APART, record=False,
            )  # fmt: skip
            folder.mkdir(parents=True, exist_ok=True)
            write_text(path, json.dumps(asdict(Gated.of(told)), indent=1))
            say(f"gate {number + 1} of {gates}: {told[-1]}")
        found.append(Gated(**json.loads(path.read_text(encoding="utf-8"))))
    return found


@dataclass(frozen=True)
class Exploited:
    """One adversary against a candidate."""

    seed: int
    win_rate: float  # the adversary's, over the pairs of `score_pairs`
    low: float
    high: float
    verdict: str  # on the candidate
    pairs: int  # that the verdict took
    seconds: float  # of training


def exploiter_runs(
    policy: Policy, folder: Path, scenario: str, runs: int, score_pairs: int, exploiter: Exploiter | None = None,
    say: Callable[[str], None] = print,
) -> list[Exploited]:  # fmt: skip
    """So many adversaries, each trained anew; what was done before is read."""
    asked = Exploiter.read() if exploiter is None else exploiter
    candidate, archetype = player_of(policy, "candidate"), policy.card.archetype
    found = []
    simulator = script_digest(STOCK)
    what = _hash_of(candidate.ref.digest, scenario, archetype, asdict(asked), score_pairs, simulator)
    for seed in range(runs):
        path = folder / f"{what}-{seed:02d}.json"
        if not path.is_file():
            begun = time.perf_counter()
            adversary = asked.train(policy, scenario, archetype, seed=seed, say=lambda _: None)
            took = time.perf_counter() - begun
            first_seed = ADVERSARIES + seed * APART
            seeds = first_seed + APART // 2 + np.arange(score_pairs)
            score = play(adversary, candidate, scenario, seeds, archetype=archetype, record=False).score
            told = through(
                candidate, asked.gate(adversary), scenario, archetype, first_seed=first_seed, record=False
            )  # fmt: skip
            one = Exploited(seed, score.win_rate, *score.interval, told.verdict, told.pairs, round(took, 1))
            folder.mkdir(parents=True, exist_ok=True)
            write_text(path, json.dumps(asdict(one), indent=1))
            say(f"adversary {seed}: {score}; {told}")
        found.append(Exploited(**json.loads(path.read_text(encoding="utf-8"))))
    return found


def _hash_of(*what: Any) -> str:
    """Of all that makes a result what it is: where any of it is another, what was done before is of something else."""
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:12]


def score_of(case: Case, banks: Banks) -> MirrorScore:
    """What the candidate really scored against the one before."""
    pairs = banks.of(case.candidate, case.previous)
    return MirrorScore(case.name, np.concatenate([pairs, 1.0 - pairs[:, ::-1]]) if case.by_lot else pairs)


def untrained(policy: Policy) -> Policy:
    """The same network with weights as they are drawn: whom an adversary must be able to beat."""
    card = policy.card
    torch.manual_seed(0)
    return Policy(card, build_actor(card.policy_class, card.blocks, card.control, card.policy_arguments))
