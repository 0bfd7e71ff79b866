"""A model's pack against the same pack under the stock AI: each seed twice, once on either side of the map."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from agents.behaviour import Behaviour
from agents.opponents import opponent_of
from agents.seeds import A_SEED, EVALUATIONS
from mlmonster_env.contract import CONTROLS, derive_mask
from mlmonster_env.envs.battle import MASK, Array, Battle, Opponent
from mlmonster_env.envs.rivals import Rival
from mlmonster_env.plans import Plan
from mlmonster_env.scenarios import plan_of

Mind = Callable[[dict[str, Array]], Array]  # observations of slots by block to actions


class Beginning(Protocol):
    """What has a mind of its own for each batch of matches, such as a policy that remembers."""

    def begin(self, slots: int) -> Mind:
        """The minds of so many monsters whose matches begin."""


Player = Mind | Beginning
LAST_SEED = A_SEED - 1  # of an evaluation: with it come A_SEED pairs, and those of gates begin behind the last
AT_ONCE = 512  # matches in one batch
Z_95 = 1.959964
UNSEEN = 3.0  # over how many were looked at: what is rarer than this is not seen once in twenty times


@dataclass(frozen=True)
class MirrorScore:
    """What came of pairs of matches; the pair is what statistics count."""

    scenario: str
    pairs: Array  # [pairs, 2]: 1 won, 0.5 drawn, 0 lost, on the first and on the second side
    behaviour: dict[str, float] = field(default_factory=dict)

    @property
    def matches(self) -> int:
        return int(self.pairs.size)

    @property
    def win_rate(self) -> float:
        """Share of matches won, a draw being half."""
        return float(self.pairs.mean())

    @property
    def won(self) -> float:
        return float((self.pairs == 1).mean())

    @property
    def drawn(self) -> float:
        return float((self.pairs == 0.5).mean())

    @property
    def standard_error(self) -> float:
        """Of the win rate, over pairs."""
        count = len(self.pairs)
        return float(self.pairs.mean(1).std(ddof=1) / math.sqrt(count)) if count > 1 else math.inf

    @property
    def interval(self) -> tuple[float, float]:
        """95% of the win rate; few pairs, or ones that are nearly alike, may hide others that are rare."""
        half = max(Z_95 * self.standard_error, UNSEEN / len(self.pairs))
        return max(0.0, self.win_rate - half), min(1.0, self.win_rate + half)

    def turned(self) -> "MirrorScore":
        """The same pairs as the opponent sees them; of how it behaved nothing is told."""
        return MirrorScore(self.scenario, 1 - self.pairs)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.win_rate:.1%} [{low:.1%}, {high:.1%}]"


def together(scores: Sequence[MirrorScore], name: str) -> MirrorScore:
    """Several scores as one; behaviour is the mean."""
    keys = scores[0].behaviour
    behaviour = {key: float(np.mean([score.behaviour[key] for score in scores])) for key in keys}
    return MirrorScore(name, np.concatenate([score.pairs for score in scores]), behaviour)


def judge_mirror(
    mind: Player,
    control: str,
    blocks: Sequence[str],
    scenario: str | Plan,
    archetype: str,
    pairs: int,
    *,
    seed: int = 0,
    mask: str = "own",
    opponent: str | Callable[[dict[str, Array]], Array] = "stock",
    make_battle: Callable[..., Battle] = Battle,
    **arguments: Any,
) -> MirrorScore:
    """Play pairs of matches of one scenario from seeds of their own; `mask="derived"` plays without the true masks.

    `opponent` plays the other pack: a name of `opponent_of`, of which each batch has one of its own, or a function.
    `make_battle` makes the battles of a model that must see more than a `Battle` shows.
    """
    if pairs < 1:
        raise ValueError(f"pairs is {pairs}, expected at least 1")
    if not 0 <= seed <= LAST_SEED:
        raise ValueError(f"seed is {seed}, expected 0 to {LAST_SEED}")
    if isinstance(opponent, Rival):
        raise ValueError("opponent is a rival of one battle, expected its name, since pairs are played in several")
    plan = plan_of(scenario)
    told = {**arguments, "opponent": opponent}
    parts = [
        _sides(
            make_battle, mind, control, blocks, plan, archetype, first, min(AT_ONCE // 2, pairs - first), seed, mask,
            told,
        )
        for first in range(0, pairs, AT_ONCE // 2)
    ]  # fmt: skip
    counts = [len(outcome) for outcome, _ in parts]
    behaviour = {
        key: float(np.average([told[key] for _, told in parts], weights=counts))
        for key in (parts[0][1] if parts else ())
    }
    return MirrorScore(plan.name, np.concatenate([outcome for outcome, _ in parts]), behaviour)


def by_start(scenario: str | Plan) -> list[tuple[str, Plan]]:
    """A scenario's starts, each a plan of its own."""
    plan = plan_of(scenario)
    return [(start.name, plan.narrowed(start=start.name)) for start in plan.starts]


def _sides(
    make_battle: Callable[..., Battle], mind: Player, control: str, blocks: Sequence[str], plan: Plan, archetype: str,
    first: int, count: int, seed: int, mask: str, arguments: dict[str, Any],
) -> tuple[Array, dict[str, float]]:  # fmt: skip
    """Outcomes [count, 2] of the same seeds on both sides, and how the model behaved."""
    seeds = EVALUATIONS + seed * A_SEED + first + np.arange(count)
    outcomes, deeds = [], []
    for side in (0, 1):
        battle = make_battle(
            count, control, archetype=archetype, scenario=plan, pack=True, side=side, observe=tuple(blocks),
            **{**arguments, "opponent": _fresh(arguments["opponent"], seed * A_SEED + first)},
        )  # fmt: skip
        battle.reset(seeds)
        outcome, told = play_out(mind, battle, mask)
        outcomes.append((outcome + 1) / 2)
        deeds.append(told)
    behaviour = {key: float(np.mean([told[key] for told in deeds])) for key in deeds[0]}
    return np.stack(outcomes, 1), behaviour


def _fresh(opponent: Opponent, seed: int) -> Opponent:
    return opponent_of(opponent, seed) if isinstance(opponent, str) else opponent


def mind_for(player: Player, slots: int) -> Mind:
    """What plays so many slots from the beginning of their matches on."""
    begin = getattr(player, "begin", None)
    return begin(slots) if begin is not None else player  # type: ignore[return-value]


def play_out(mind: Player, battle: Battle, mask: str = "own") -> tuple[Array, dict[str, float]]:
    """Play every match of a battle to its end: outcomes 1, 0 or -1, and the means of what the model's side did."""
    count = battle.num_matches
    play = mind_for(mind, battle.num_slots)
    deeds = Behaviour(battle)
    outcome = np.zeros(count, np.int64)
    going = np.ones(count, np.bool_)
    while going.any():
        seen = battle.observe()
        assert isinstance(seen, dict)
        if mask == "derived" and CONTROLS[battle.control]:
            seen[MASK] = derive_mask(seen["state"], battle.control)
        actions = play(seen)
        legal = seen.get(MASK)
        _, terminated, truncated = battle.step(actions)
        deeds.note(actions, legal, going)
        ended = (terminated | truncated) & going
        outcome[ended] = battle.outcome()[ended]
        deeds.close(ended)
        going &= ~ended
    return outcome, deeds.means()
