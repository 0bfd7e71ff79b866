"""What a threat model is worth: its foresight against simple rules, its odds, and fights in which it picks targets."""

from typing import Any

import numpy as np

from agents.evaluation import ALL
from agents.judge.mirror import by_start, judge_mirror, together
from agents.learners.threat_data import Watched
from agents.report.reliability import calibration_error, watched
from agents.threat import BLOCKS, TargetPicker
from mlmonster_env.contract import ENTITY_FEATURES
from mlmonster_env.envs.battle import Array
from mlmonster_env.scenarios import USUAL
from policies.extractors.entities import PRESENT
from policies.policy import Policy
from scripts.comparisons import gain_of

RIDGE = 1.0
DISTANCE = ENTITY_FEATURES.index("distance/14")


def judge_threat(policy: Policy, pairs: int, seed: int) -> dict[str, Any]:
    """Foresight on matches that nothing was learnt from, and what picking targets by it changes in fights."""
    known, unseen = watched(policy.card.archetype, seed + 1), watched(policy.card.archetype, seed)
    told = policy.predict({"state": unseen.state, "entities": unseen.entities})[0]
    here = unseen.entities[:, : unseen.damage.shape[1], PRESENT] > 0.5
    damage = unseen.damage[here]
    foreseen = {
        "model": told[..., 0][here],
        "mean": np.full(len(damage), known.damage[known.entities[:, : known.damage.shape[1], PRESENT] > 0.5].mean()),
        "distance": by_least_squares(known, unseen, [DISTANCE]),
        "linear": by_least_squares(known, unseen, list(range(len(ENTITY_FEATURES)))),
    }
    chance, hurt = told[..., 1][here], damage > 0
    return {
        "rows": int(here.sum()),
        "mean_absolute_error": {name: round(float(np.abs(f - damage).mean()), 5) for name, f in foreseen.items()},
        "rank_correlation": {
            name: round(rank_correlation(f, damage), 4) for name, f in foreseen.items() if name != "mean"
        },
        "brier": {
            "model": round(float(((chance - hurt) ** 2).mean()), 5),
            "mean": round(float(((hurt.mean() - hurt) ** 2).mean()), 5),
        },
        "calibration_error": round(calibration_error(chance, hurt), 5),
        "fights": fights(policy, pairs, seed),
    }


def by_least_squares(known: Watched, unseen: Watched, features: list[int]) -> Array:
    """Damage by a line through features of the enemy's row, and the watcher's state when all features are used."""

    def rows(of: Watched) -> tuple[Array, Array]:
        enemies = of.damage.shape[1]
        here = of.entities[:, :enemies, PRESENT] > 0.5
        parts = [of.entities[:, :enemies][here][:, features]]
        if len(features) > 1:
            parts.append(np.repeat(of.state, enemies, 0).reshape(len(of), enemies, -1)[here])
        parts.append(np.ones((int(here.sum()), 1)))
        return np.concatenate(parts, 1), of.damage[here]

    x, y = rows(known)
    weights = np.linalg.solve(x.T @ x + RIDGE * np.eye(x.shape[1]), x.T @ y)
    return np.asarray(rows(unseen)[0] @ weights)


def rank_correlation(a: Array, b: Array) -> float:
    """Spearman's, ties in the order in which they come."""
    ranks = [np.argsort(np.argsort(values, kind="stable"), kind="stable").astype(float) for values in (a, b)]
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def fights(policy: Policy, pairs: int, seed: int) -> dict[str, Any]:
    """The same attacking pack with and without the model's picking, on the same seeds, against stock."""
    scores: dict[str, dict[str, Any]] = {"picking": {}, "keeping": {}}
    for name, mind in (("picking", TargetPicker(policy)), ("keeping", TargetPicker(None))):
        for start, plan in by_start(USUAL):
            scores[name][start] = judge_mirror(mind, "combat", BLOCKS, plan, policy.card.archetype, pairs, seed=seed)
        scores[name][ALL] = together(list(scores[name].values()), USUAL)
    told = {}
    for start in scores["picking"]:
        with_it, without = scores["picking"][start], scores["keeping"][start]
        rates = {"picking": round(with_it.win_rate, 5), "keeping": round(without.win_rate, 5)}
        told[start] = {**rates, **gain_of(with_it, without)}
    return told
