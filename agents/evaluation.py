"""How strong the model of a run is just now: mirror pairs from held-out seeds, each start of the scenario apart."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import torch

from agents.behaviour import COLUMNS
from agents.judge.mirror import MirrorScore, Player, by_start, judge_mirror, together
from agents.judge.patterns import evaluate_patterns, teller
from agents.opponents.mix import STOCK
from agents.reading import battle_for
from agents.threat import BLOCKS as PICKER_BLOCKS
from agents.threat import TargetPicker
from mlmonster_env.scenarios import plan_of
from policies.acting import Acting
from policies.actors import STRATEGY, THREAT
from policies.pattern import PatternNetwork
from policies.policy import Policy

ALL = "all"


@dataclass(frozen=True)
class Evaluation:
    """Scores by start, and all of them together."""

    scores: dict[str, MirrorScore]
    what: str = "against stock"  # was measured
    of: str = "matches in mirror pairs"

    @property
    def whole(self) -> MirrorScore:
        """All starts together."""
        return self.scores[ALL]

    def rows(self, steps: int, seconds: float, mask: str = "own") -> list[dict[str, Any]]:
        """As lines of evaluation_results.csv."""
        return [row_of(name, score, steps, seconds, mask) for name, score in self.scores.items()]

    def line(self) -> str:
        """For people: the win rates, with 95%."""
        return ", ".join(f"{name} {score}" for name, score in self.scores.items())


def row_of(name: str, score: MirrorScore, steps: int, seconds: float, mask: str) -> dict[str, Any]:
    """A score as a line of a file."""
    low, high = score.interval
    told = {name: score.behaviour[name] for name in COLUMNS}
    return {
        "steps": steps, "seconds": round(seconds, 1), "start": name, "mask": mask, "pairs": len(score.pairs),
        "win_rate": score.win_rate, "low": low, "high": high, "won": score.won, "drawn": score.drawn, **told,
    }  # fmt: skip


def evaluate(
    policy: Policy, scenario: str, pairs: int, *, opponent: str = STOCK, threads: int = 1, mask: str = "own",
    seed: int = 0, **arguments: Any,
) -> Evaluation:  # fmt: skip
    """Play so many pairs at each start; greedy, and with no random stream of the training's.

    `opponent` is who has the other pack, a name of `opponent_of`; who only names styles has none.
    """
    card = policy.card
    if card.kind == STRATEGY:
        return _evaluate_patterns(policy, scenario, pairs, seed=seed, **arguments)
    starts = by_start(scenario)
    mind, control, blocks = minds_of(policy)
    told = {"mask": mask, "seed": seed, "opponent": opponent, "make_battle": battle_for(policy), **arguments}

    def play(start: Any) -> MirrorScore:
        return judge_mirror(mind, control, blocks, start[1], card.archetype, pairs, **told)

    with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        scores = list(pool.map(play, starts))
    found = {name: score for (name, _), score in zip(starts, scores, strict=True)}
    return Evaluation({**found, ALL: together(scores, str(scenario))}, f"against {opponent}")


def _evaluate_patterns(policy: Policy, scenario: str, pairs: int, **arguments: Any) -> Evaluation:
    """How often styles are named rightly; all is what is said after the most frames."""
    assert isinstance(policy.actor, PatternNetwork)
    split = "held-out" if plan_of(scenario).split == "held-out" else "train"
    found = evaluate_patterns(teller(policy.actor), policy.card.archetype, 2 * pairs, split=split, **arguments)
    return Evaluation({**found, ALL: list(found.values())[-1]}, "styles named rightly", "packs")


def minds_of(policy: Acting) -> tuple[Player, str, tuple[str, ...]]:
    """How a model plays: its mind, the orders it gives, and the blocks that it must see."""
    if policy.card.kind == THREAT:
        return TargetPicker(policy), "combat", PICKER_BLOCKS
    return (policy if policy.memory_size else policy.act), policy.card.control, policy.card.blocks
