"""Walking, the chase up to the first attack, the cadence of attacks, and the flinch of a walking monster."""

from collections.abc import Iterator
from typing import Any

from scripts.fidelity_checks.common import QUANTUM_MS, THINK_MS, Check, Comparison, Judge

DUMMY = 1002  # whom the attacks of the cadence are aimed at: it never matters to the interval


def checks(comparison: Comparison) -> Iterator[Check]:
    judge = Judge("timing", comparison.mode)
    timing = comparison.golden.json("timing")
    if timing:
        yield from walking_checks(judge, comparison, timing["walking"])
        yield from cadence_checks(judge, comparison, timing["attack_cadence_with_and_without_being_hit"])
        yield from chase_checks(judge, comparison, timing["chase_then_attack"])
        yield from flinch_checks(judge, comparison, timing["flinch_when_hit_while_walking"])


def walking_checks(judge: Judge, comparison: Comparison, entries: list[dict[str, Any]]) -> Iterator[Check]:
    for entry in entries:
        name = f"{entry['mob_id']} walks {entry['dx']}, {entry['dy']}"
        simulated = comparison.probe.walk_time(comparison.world, entry["mob_id"], entry["dx"], entry["dy"])
        yield judge.equal(f"{name}: ms", entry["total_ms"], simulated["total_ms"])
        yield judge.equal(f"{name}: cells", entry["cells"], simulated["cells"])


def cadence_checks(judge: Judge, comparison: Comparison, entries: list[dict[str, Any]]) -> Iterator[Check]:
    """Being hit does not disturb the cadence, so one interval answers for both."""
    for entry in entries:
        simulated = comparison.probe.attack_interval(comparison.world, entry["mob"], DUMMY)
        name = f"{entry['mob']} attacks, {'hit' if entry['being_hit'] else 'not hit'}"
        yield judge.near(f"{name}: mean interval, ms", entry["interval_mean"], simulated["mean_ms"], QUANTUM_MS)
        yield judge.near(f"{name}: least interval, ms", entry["interval_min"], simulated["min_ms"], QUANTUM_MS)
        yield judge.near(f"{name}: greatest interval, ms", entry["interval_max"], simulated["max_ms"], QUANTUM_MS)


def chase_checks(judge: Judge, comparison: Comparison, entries: list[dict[str, Any]]) -> Iterator[Check]:
    """From the first step to the first attack, which falls with the last step: a loop's quantum apart at most."""
    for entry in entries:
        dx, dy, speed = entry["dx"], entry["dy"], entry["speed"]
        simulated = comparison.probe.chase_then_attack(comparison.world, entry["mob"], dx, dy, speed)
        name = f"{entry['mob']} chases over {dx}, {dy}"
        measured = f"{entry['cells_walked']} cells, from {entry['distance_at_first_attack']}"
        yield judge.equal(name, measured, f"{simulated['cells']:g} cells, from {simulated['distance']:g}")
        if entry["cells_walked"]:
            walked = entry["target_set_to_first_attack_ms"] - entry["target_set_to_first_walk_ms"]
            yield judge.near(f"{name}: first step to attack, ms", walked, simulated["walk_ms"], QUANTUM_MS)


def flinch_checks(judge: Judge, comparison: Comparison, entries: list[dict[str, Any]]) -> Iterator[Check]:
    """A hit past the middle of a step completes the cell; it goes on with the next thought, at most 100 ms later."""
    for entry in entries:
        progress, waited = entry["walk_segment_progress"], entry["ms_until_walk_or_attack_resumes"]
        simulated = comparison.probe.flinch(comparison.world, entry["mob"], progress)
        name = f"{entry['mob']} hit at {progress} of a step"
        yield judge.equal(
            f"{name}: cell completed", str(entry["completed_cell_instantly"]), str(bool(simulated["completed"]))
        )
        longest = simulated["resumes_max_ms"]
        holds = waited - QUANTUM_MS <= longest <= THINK_MS + QUANTUM_MS
        yield judge.check(f"{name}: ms until it goes on", waited, longest, f"at most {THINK_MS + QUANTUM_MS}", holds)
