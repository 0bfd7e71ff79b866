"""What the stock mind does: whom it notices, when it strikes, whom it leaves, whom it turns on.

Each figure of the server carries its own scatter, mostly 100 ms of thinking and 20 ms of the loop (`MARGIN_MS`): the
simulated one must lie between the measured extremes, widened by that. Many situations were seen once: there the
simulator must do the same at least half of the time, and the one time that was measured must lie between the simulated
extremes, widened by the margin.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any

from scripts.fidelity_checks.common import (
    QUANTUM_MS,
    THINK_MS,
    Check,
    Comparison,
    Judge,
    histogram,
    mean_and_std,
    mean_tolerance,
)

RUNS = 200
MARGIN_MS = THINK_MS + QUANTUM_MS
MARGIN_CELLS = 1
# The walker of the file is not named: all cells took 200 ms, and it met nobody.
WALKER, WALKERS, WALK_SECONDS = 1063, 20, 1800
CELLS_SHARE = 0.01


def checks(comparison: Comparison) -> Iterator[Check]:
    judge = Judge("behaviour", comparison.mode)
    measured = comparison.golden.json("ai")
    if not measured:
        return
    yield from aggro_checks(judge, comparison, measured["aggro_range"])
    yield from first_attack_checks(judge, comparison, measured["spawn_to_first_attack"])
    yield from warp_checks(judge, comparison, measured["target_warped_away"])
    yield from outrun_checks(judge, comparison, measured["target_outruns"])
    yield from choice_checks(judge, comparison, measured["target_choice_nearest"])
    yield from change_checks(judge, comparison, measured["change_target_when_hit_by_another"])
    yield from retaliation_checks(judge, comparison, measured["passive_mob_damage_to_retaliation_ms"])
    yield from after_kill_checks(judge, comparison, measured["after_kill"])
    yield from random_walk_checks(judge, comparison, measured["random_walk"])
    yield from assist_checks(judge, comparison, measured["assist"])


def known(values: Sequence[float | None]) -> list[float]:
    """Without what never happened: None, or no number."""
    return [value for value in values if value is not None and not math.isnan(value)]


def aggro_checks(judge: Judge, comparison: Comparison, entries: dict[str, Any]) -> Iterator[Check]:
    for monster, entry in entries.items():
        simulated = comparison.probe.aggro_range(comparison.world, int(monster))
        farthest, nearest = entry["max_chebyshev_distance_acquired"], entry["min_chebyshev_not_acquired"]
        yield judge.equal(f"{monster}: farthest noticed, cells", farthest, simulated["acquired"])
        yield judge.equal(f"{monster}: nearest not noticed, cells", nearest, simulated["not_acquired"])
        for which, ms in zip(("soonest", "latest"), simulated["ms_to_acquire"], strict=True):
            yield judge.inside(f"{monster}: {which} noticed, ms", entry["ms_to_acquire"], ms, MARGIN_MS)


def first_attack_checks(judge: Judge, comparison: Comparison, entries: dict[str, Any]) -> Iterator[Check]:
    """From appearing to the first attack; keys are as "1139 dist 5 speed 200"."""
    for key, entry in entries.items():
        monster, distance = int(key.split()[0]), int(key.split()[2])
        simulated = comparison.probe.first_attack(comparison.world, monster, distance, RUNS, 1)
        measured = entry["first_attack_ms_min_mean_max"]
        for which in ("min_ms", "mean_ms", "max_ms"):
            yield judge.inside(f"{monster} at {distance}: first attack, {which}", measured, simulated[which], MARGIN_MS)


def warp_checks(judge: Judge, comparison: Comparison, entries: dict[str, Any]) -> Iterator[Check]:
    """The target is suddenly elsewhere: one check for what was done, of three likelier outcomes."""
    outcomes = ("dropped", "chased", "attacked_again")
    for monster, tries in entries.items():
        for entry in tries:
            dx, dy = entry["dx"], entry["dy"]
            simulated = comparison.probe.target_warped(comparison.world, int(monster), dx, dy, RUNS, 1)
            measured = " ".join(outcome for outcome in outcomes if entry[outcome])
            done = " ".join(outcome for outcome in outcomes if simulated[outcome] >= 0.5)
            name = f"{monster}: target warped by {dx}, {dy}"
            yield judge.check(name, measured, done, "the likelier outcomes", measured == done)


def outrun_checks(judge: Judge, comparison: Comparison, entries: list[dict[str, Any]]) -> Iterator[Check]:
    for entry in entries:
        monster, chaser, target = entry["mob"], entry["chaser_speed"], entry["target_speed"]
        start = entry["start_distance"]
        simulated = comparison.probe.target_outruns(comparison.world, monster, chaser, target, start, RUNS, 1)
        name = f"{monster} at {chaser} after {target}, {start} apart"
        times = known(simulated["dropped_after_ms"] or ())
        yield judge.equal(f"{name}: ever dropped", str(entry["dropped_after_ms"] is not None), str(bool(times)))
        if entry["dropped_after_ms"] is not None:
            cells = known(simulated["distance_when_dropped"] or ())
            yield judge.covers(f"{name}: dropped after, ms", entry["dropped_after_ms"], times, MARGIN_MS)
            yield judge.covers(f"{name}: dropped at, cells", entry["distance_when_dropped"], cells, MARGIN_CELLS)


def choice_checks(judge: Judge, comparison: Comparison, entries: list[dict[str, Any]]) -> Iterator[Check]:
    for entry in entries:
        monster, first, second = entry["mob"], entry["dist_first_spawned"], entry["dist_second_spawned"]
        simulated = comparison.probe.target_choice(comparison.world, monster, first, second, RUNS, 1)
        name = f"{monster}: first at {first} chosen, not second at {second}"
        yield judge.likelier(name, entry["chosen"] == "first", simulated["first"])


def change_checks(judge: Judge, comparison: Comparison, entries: list[dict[str, Any]]) -> Iterator[Check]:
    """Hit by another; a monster that had turned before the hit (a negative time) has no time to compare."""
    for entry in entries:
        monster, state, attacker = entry["mob"], entry["state"], entry["second_attacker"]
        simulated = comparison.probe.change_target(comparison.world, monster, state, attacker, RUNS, 1)
        name = f"{monster} {state}, hit by a second, {attacker}"
        yield judge.likelier(f"{name}: turns on it", entry["switched"], simulated["switched"])
        ms = entry["ms_from_first_hit_received_to_switch"]
        if ms is not None and ms >= 0:
            yield judge.covers(f"{name}: hit to turning, ms", ms, known(simulated["ms"] or ()), MARGIN_MS)


def retaliation_checks(judge: Judge, comparison: Comparison, entries: dict[str, list[int]]) -> Iterator[Check]:
    """A passive monster is hit; a negative time stands for one that never strikes back."""
    for monster, times in entries.items():
        simulated = comparison.probe.retaliation(comparison.world, int(monster), RUNS, 1)
        never = min(times) < 0
        yield judge.likelier(f"{monster} hit: never strikes back", never, simulated["never"])
        if not never:
            for which in ("min_ms", "mean_ms", "max_ms"):
                yield judge.inside(f"{monster} hit: strikes back, {which}", times, simulated[which], MARGIN_MS)


def after_kill_checks(judge: Judge, comparison: Comparison, entries: dict[str, Any]) -> Iterator[Check]:
    for monster, retargets in entries["retarget_ms"].items():
        simulated = comparison.probe.after_kill(comparison.world, int(monster), RUNS, 1)
        walks = entries["idle_to_first_random_walk_ms"][monster]
        for event, times, key in (("next target", retargets, "retarget_ms"), ("first walk", walks, "walk_ms")):
            for which, ms in zip(("soonest", "latest"), simulated[key], strict=True):
                yield judge.inside(f"{monster} after a kill: {which} {event}, ms", times, ms, MARGIN_MS)


def random_walk_checks(judge: Judge, comparison: Comparison, entry: dict[str, Any]) -> Iterator[Check]:
    simulated = comparison.probe.random_walk(comparison.world, WALKER, WALK_SECONDS, WALKERS, 1)
    idle, walks = entry["idle_between_walks_ms"], entry["walks"]
    extremes = (idle["min"], idle["max"])
    yield judge.inside("random walk: least idle, ms", extremes, simulated["idle_min_ms"], MARGIN_MS)
    yield judge.inside("random walk: longest idle, ms", extremes, simulated["idle_max_ms"], MARGIN_MS)
    allowed = mean_tolerance(QUANTUM_MS, idle["std"], walks, idle["std"], walks)
    yield judge.near("random walk: mean idle, ms", idle["mean"], simulated["idle_mean_ms"], allowed)
    cells, std = mean_and_std(histogram(entry["path_len_hist"]))
    allowed = mean_tolerance(CELLS_SHARE * cells, std, walks, std, walks)
    yield judge.near("random walk: mean cells", entry["mean_path_len"], simulated["mean_cells"], allowed)


def assist_checks(judge: Judge, comparison: Comparison, entries: list[dict[str, Any]]) -> Iterator[Check]:
    """One of the same kind attacks beside it; an ally that is attacked first only does so later."""
    for entry in entries:
        if entry["case"] != "ally attacks a target":
            continue
        simulated = comparison.probe.assist(comparison.world, entry["mob"], RUNS, 1)
        yield judge.likelier(f"{entry['mob']}: joins an ally's attack", entry["second_joined"], simulated["joined"])
        if entry["second_joined"]:
            measured = entry["ms_after_allys_first_attack"]
            yield judge.near(f"{entry['mob']}: joins after, ms", measured, simulated["ms"], MARGIN_MS)
