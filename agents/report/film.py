"""The best match of a model as a film."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agents.evaluation import minds_of
from agents.judge.mirror import mind_for
from agents.reading import battle_for
from agents.seeds import A_SEED, EVALUATIONS
from mlmonster_env.envs.film import film
from mlmonster_env.plans import Plan
from policies.policy import Policy

CANDIDATES = 64
SEED = 9  # of matches that no evaluation plays
SHOWN_MS = range(10_000, 60_000)


@dataclass(frozen=True)
class Filmed:
    """A match that was filmed."""

    path: Path
    seed: int
    seconds: float
    survivors: int
    size: int


def film_best(policy: Policy, scenario: str | Plan, path: Path) -> Filmed | None:
    """Film the match that a model wins with the most survivors, if it wins one; rather one of a watchable length."""
    player, control, blocks = minds_of(policy)
    battle = battle_for(policy)(
        CANDIDATES, control, archetype=policy.card.archetype, scenario=scenario, pack=True, observe=blocks, record=True
    )
    mind = mind_for(player, battle.num_slots)
    seeds = EVALUATIONS + SEED * A_SEED + np.arange(CANDIDATES)
    battle.reset(seeds)
    going = np.ones(CANDIDATES, np.bool_)
    best: tuple[tuple[bool, int, int], int] | None = None
    recording = None
    while going.any():
        _, terminated, truncated = battle.step(mind(battle.observe()))  # type: ignore[arg-type]
        ended = (terminated | truncated) & going
        for match in np.flatnonzero(ended & (battle.outcome() == 1)).tolist():
            length = int(battle.arena.clock_ms[match])
            alive = int(battle.alive.reshape(CANDIDATES, -1)[match].sum())
            worth = (length in SHOWN_MS, alive, length)
            if best is None or worth > best[0]:
                best, recording = (worth, match), battle.recording(match)
        going &= ~ended
    if best is None or recording is None:
        return None
    film(recording, path, battle.bestiary)
    (_, alive, length), match = best
    return Filmed(path, int(seeds[match]), length / 1000, alive, len(battle.members))
