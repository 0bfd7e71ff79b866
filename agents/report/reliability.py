"""Whether predictors mean what they say: how often things happened that were given so much of a chance."""

from dataclasses import dataclass

import numpy as np

from agents.judge.mirror import Z_95
from agents.judge.patterns import FRAMES, show, teller
from agents.learners.build import WATCHED
from agents.learners.threat_data import Watched, watch
from agents.seeds import A_SEED, EVALUATIONS
from mlmonster_env.envs.battle import MASK, Array
from mlmonster_env.envs.sb3 import ArenaVecEnv
from mlmonster_env.scenarios import USUAL
from policies.actors import STRATEGY, THREAT
from policies.extractors.entities import PRESENT
from policies.pattern import PatternNetwork
from policies.policy import Policy

BINS = 10
MATCHES = 128
STEPS = 400
HORIZON = 10  # decisions
DECISION_S = 0.5
EVERY = 4
JUDGED_BY = 11  # the seed of matches that neither training, nor its evaluations, nor results have seen
STYLED = 160  # matches in which styles are to be named
LEAST = 20  # predictions that a point stands for


@dataclass(frozen=True)
class Reliability:
    """Chances that were told, and what came of them, in bins of what was told; bins of too few are left out."""

    what: str  # was predicted
    predictions: int
    said: Array  # [bins], mean chance
    happened: Array  # [bins], share
    low: Array  # [bins], 95% of it
    high: Array
    counts: Array
    error: float  # mean gap between said and happened, weighed by how often
    brier: float
    brier_of_mean: float  # of always telling the mean

    @property
    def skill(self) -> float:
        """How much of the mean's Brier score is gone: 0 tells nothing, 1 everything."""
        return 1.0 - self.brier / max(self.brier_of_mean, 1e-12)


def tells_chances(policy: Policy) -> bool:
    """Whether what a model says are chances of something that then happens or does not."""
    return policy.card.kind in (THREAT, STRATEGY)


def reliability_of(policy: Policy, horizon: int = HORIZON) -> Reliability:
    """Of a model that tells chances: those of damage within so many decisions, or of the style that it names."""
    return of_threats(policy, horizon) if policy.card.kind == THREAT else of_styles(policy)


def of_threats(policy: Policy, horizon: int = HORIZON) -> Reliability:
    """The chance that an enemy in sight does damage within so many decisions."""
    unseen = watched(policy.card.archetype, JUDGED_BY, horizon)
    told = policy.predict({"state": unseen.state, "entities": unseen.entities})[0]
    here = unseen.entities[:, : unseen.damage.shape[1], PRESENT] > 0.5
    what = f"an enemy in sight does damage within {horizon * DECISION_S:g} seconds"
    return binned(what, told[..., 1][here], unseen.damage[here] > 0)


def of_styles(policy: Policy) -> Reliability:
    """The chance of the style that is named after all frames."""
    assert isinstance(policy.actor, PatternNetwork)
    windows = show(policy.card.archetype, STYLED, seed=JUDGED_BY).tape.after(FRAMES[-1])
    chances = teller(policy.actor)(windows.history)
    right = chances.argmax(1) == windows.style
    return binned(f"the style that is named after {FRAMES[-1]} frames is the right one", chances.max(1), right)


def watched(archetype: str, seed: int, horizon: int = HORIZON) -> Watched:
    """Stock minds fighting from seeds of their own, and what followed within so many decisions."""
    env = ArenaVecEnv(
        WATCHED, MATCHES, pack=True, archetype=archetype, scenario=USUAL, observe=("state", "entities", MASK)
    )
    env.seed(EVALUATIONS + seed * A_SEED)
    return watch(env, env.reset(), STEPS, horizon, EVERY, 2)[0]  # type: ignore[arg-type]


def binned(what: str, chance: Array, happened: Array) -> Reliability:
    """Chances and truths [n] in bins, with Wilson's intervals."""
    if not len(chance):
        raise ValueError(f"nobody told a chance that {what}, expected at least one prediction")
    place = np.clip((chance * BINS).astype(int), 0, BINS - 1)
    counts = np.bincount(place, minlength=BINS)
    enough = counts >= LEAST
    said = np.bincount(place, chance, minlength=BINS) / np.maximum(counts, 1)
    share = np.bincount(place, happened.astype(float), minlength=BINS) / np.maximum(counts, 1)
    low, high = wilson(share, np.maximum(counts, 1))
    mean = float(happened.mean())
    return Reliability(
        what, len(chance), said[enough], share[enough], low[enough], high[enough], counts[enough],
        calibration_error(chance, happened), float(((chance - happened) ** 2).mean()), mean * (1.0 - mean),
    )  # fmt: skip


def calibration_error(chance: Array, happened: Array) -> float:
    """Mean gap between what was said and what happened, over ten bins of what was said."""
    bins = np.clip((chance * BINS).astype(int), 0, BINS - 1)
    gaps = [
        (bins == b).mean() * abs(float(chance[bins == b].mean()) - float(happened[bins == b].mean()))
        for b in range(BINS)
        if (bins == b).any()
    ]
    return float(sum(gaps))


def wilson(share: Array, count: Array) -> tuple[Array, Array]:
    """95% of shares of so many."""
    z2 = Z_95**2
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = Z_95 * np.sqrt(share * (1 - share) / count + z2 / (4 * count**2)) / (1 + z2 / count)
    return np.maximum(middle - half, 0.0), np.minimum(middle + half, 1.0)
