"""Whole fights, one against one, to the death."""

import statistics
from collections.abc import Iterator
from typing import Any

from scripts.fidelity_checks.common import Check, Comparison, Judge, mean_tolerance, share_tolerance

SHARE_POINTS = 0.03
DURATION_SHARE = 0.05
HP_POINTS = 0.03


def checks(comparison: Comparison) -> Iterator[Check]:
    """The single fights of the file of packs are among them."""
    packs = [entry for entry in comparison.golden.json("groups") if entry["size"] == 1]
    for entry in [*comparison.golden.json("fights"), *packs]:
        yield from fight_checks(Judge("fights", comparison.mode), comparison, entry)


def fight_checks(judge: Judge, comparison: Comparison, entry: dict[str, Any]) -> Iterator[Check]:
    """Share won of all fights (so that undecided ones count against it), duration and hp left of the decided ones."""
    simulated = comparison.probe.fight(
        comparison.world, entry["first_id"], entry["second_id"], entry["start_distance"], comparison.fights, 1
    )
    name = f"{entry['first']} against {entry['second']}, {entry['n']} at {entry['start_distance']}"
    decided = entry["n"] - entry["undecided"]
    won, share = entry["first_wins"] / entry["n"], won_share(simulated)
    simulated_decided = round(comparison.fights * (1 - undecided_share(simulated)))
    allowed = share_tolerance(won, entry["n"], share, comparison.fights, SHARE_POINTS)
    yield judge.near(f"{name}: share won by the first", won, share, allowed)
    if not decided:
        return
    duration = entry["duration_mean_ms"]
    allowed = mean_tolerance(
        DURATION_SHARE * duration, entry["duration_std_ms"], decided, simulated["duration_std_ms"], simulated_decided
    )
    yield judge.near(f"{name}: duration, ms", duration, simulated["duration_mean_ms"], allowed)
    left, left_std = hp_left(entry)
    allowed = mean_tolerance(HP_POINTS, left_std, decided, left_std, simulated_decided)
    yield judge.near(f"{name}: winner's hp left", left, simulated["winner_hp_left_mean"], allowed)


def fought(simulated: dict[str, float]) -> float:
    return simulated["first_wins"] + simulated["second_wins"] + simulated["undecided"]


def won_share(simulated: dict[str, float]) -> float:
    return simulated["first_wins"] / fought(simulated)


def undecided_share(simulated: dict[str, float]) -> float:
    return simulated["undecided"] / fought(simulated)


def hp_left(entry: dict[str, Any]) -> tuple[float, float]:
    """Mean and standard deviation of the winner's hp; older entries hold the fights, later ones the figures."""
    if "winner_hp_left_fraction_mean" in entry:
        return entry["winner_hp_left_fraction_mean"], entry["winner_hp_left_fraction_std"]
    fractions = entry["winner_hp_left_fraction"]
    return statistics.fmean(fractions), statistics.pstdev(fractions)
