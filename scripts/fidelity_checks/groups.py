"""Packs against packs, in contact and from the field."""

from collections.abc import Iterator
from typing import Any

from scripts.fidelity_checks.common import (
    QUANTUM_MS,
    Check,
    Comparison,
    Judge,
    histogram,
    mean_and_std,
    mean_tolerance,
    share_tolerance,
)
from scripts.fidelity_checks.fights import DURATION_SHARE, HP_POINTS, SHARE_POINTS, undecided_share

# The field's file says when the packs met, that of contact when the first attack fell: the same event.
CONTACT_FIELDS = (("first_contact_mean_ms", "first_contact_std_ms"), ("first_attack_mean_ms", "first_attack_std_ms"))


def checks(comparison: Comparison) -> Iterator[Check]:
    judge = Judge("groups", comparison.mode)
    for entry in comparison.golden.json("groups"):
        if entry["size"] > 1:
            yield from group_checks(judge, comparison, entry)


def group_checks(judge: Judge, comparison: Comparison, entry: dict[str, Any]) -> Iterator[Check]:
    """Share undecided of all fights; share won, duration, survivors and the winning pack's hp of the decided ones."""
    fights, size = comparison.fights, entry["size"]
    simulated = comparison.probe.group_fight(
        comparison.world, entry["first_id"], entry["second_id"], size, entry["start"], fights, 1
    )
    name = f"{entry['first']} against {entry['second']}, {size} a side, {entry['start']}"
    measured_undecided, undecided = entry["undecided"] / entry["n"], undecided_share(simulated)
    allowed = share_tolerance(measured_undecided, entry["n"], undecided, fights, SHARE_POINTS)
    yield judge.near(f"{name}: share undecided", measured_undecided, undecided, allowed)

    contact, contact_std = next((entry[m], entry[s]) for m, s in CONTACT_FIELDS if m in entry)
    met = entry.get("fights_started", entry["n"])
    allowed = mean_tolerance(QUANTUM_MS + DURATION_SHARE * contact, contact_std, met, contact_std, fights)
    yield judge.near(f"{name}: first contact, ms", contact, simulated["first_contact_mean_ms"], allowed)

    decided, simulated_decided = entry["decided"], round(fights * (1 - undecided))
    if not decided:
        return
    won = entry["first_wins"] / decided
    simulated_won = simulated["first_wins"] / max(simulated["first_wins"] + simulated["second_wins"], 1e-9)
    allowed = share_tolerance(won, decided, simulated_won, simulated_decided, SHARE_POINTS)
    yield judge.near(f"{name}: share of the decided won by the first", won, simulated_won, allowed)

    duration, std = entry["duration_mean_ms"], entry["duration_std_ms"]
    allowed = mean_tolerance(DURATION_SHARE * duration, std, decided, simulated["duration_std_ms"], simulated_decided)
    yield judge.near(f"{name}: duration, ms", duration, simulated["duration_mean_ms"], allowed)

    survivors, std = mean_and_std(histogram(entry["survivors_hist"]))
    allowed = mean_tolerance(DURATION_SHARE * survivors, std, decided, std, simulated_decided)
    yield judge.near(f"{name}: survivors", survivors, simulated["survivors_mean"], allowed)

    left, std = entry["winner_pack_hp_fraction_mean"], entry["winner_pack_hp_fraction_std"]
    allowed = mean_tolerance(HP_POINTS, std, decided, std, simulated_decided)
    yield judge.near(f"{name}: winning pack's hp left", left, simulated["winner_hp_left_mean"], allowed)
