"""How often each skill is used, and what its use costs in time."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from scripts.fidelity_checks.common import QUANTUM_MS, THINK_MS, Check, Comparison, Judge, uses_tolerance

LEAST_USES = 60
LOW_HP_PERCENT = 10
# The file's phase -> the probe's phase and hp.
PHASES = {
    "berserk": ("attacking", 100),
    "lowhp_berserk": ("attacking", LOW_HP_PERCENT),
    "chase": ("chasing", 100),
    "idle": ("idle", 100),
}
REPEATS = 2  # simulated runs for each measured one
HOUR_S = 3600.0
ATTACKS = "attacks"


def checks(comparison: Comparison) -> Iterator[Check]:
    judge = Judge("usage", comparison.mode)
    for entry in comparison.golden.json("skill_usage"):
        yield from rate_checks(judge, comparison, entry)
        if entry["phase"] == "berserk":
            yield from cast_checks(judge, comparison, entry)


def rate_checks(judge: Judge, comparison: Comparison, entry: dict[str, Any]) -> Iterator[Check]:
    """Uses and attacks in the measured time; rows of one skill and level in several states count together."""
    uses: Counter[str] = Counter()
    for row in entry["skills"]:
        uses[f"{row['skill']}:{row['lv']}"] += row["uses"]
    name = f"{entry['aegis']} {entry['phase']}"
    simulated = simulated_rates(comparison, entry)
    hours = entry["seconds"] / HOUR_S
    for skill, measured in uses.items():
        if measured >= LEAST_USES:
            yield judge.near(
                f"{name}: uses of {skill}", measured, simulated.get(skill, 0.0) * hours, uses_tolerance(measured)
            )
    attacks = entry["normal_attacks"]
    if attacks >= LEAST_USES:
        yield judge.near(f"{name}: attacks", attacks, simulated[ATTACKS] * hours, uses_tolerance(attacks))


def simulated_rates(comparison: Comparison, entry: dict[str, Any]) -> dict[str, float]:
    """Per hour, over twice the measured time."""
    phase, hp_percent = PHASES[entry["phase"]]
    rates = comparison.probe.skill_use_rate(
        comparison.world, entry["mob_id"], entry["seconds"] * REPEATS, phase=phase, hp_percent=hp_percent, seed=1
    )
    return {**rates["uses_per_hour"], ATTACKS: rates["attacks_per_hour"]}


def cast_checks(judge: Judge, comparison: Comparison, entry: dict[str, Any]) -> Iterator[Check]:
    """Cast time and delay of each used row, and the earliest next attack, 0 to 20 ms after cast and attack delay.

    Where a monster's attack delay barely exceeds its motion, a thought starts the next attack, not the delay's end.
    """
    rows: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for row in entry["skills"]:
        rows.setdefault((row["skill"], row["lv"]), []).append(row)
    for (skill, level), same in rows.items():
        used = [row for row in same if row["uses"] >= LEAST_USES]
        if not used or len({(row["casttime"], row["delay"]) for row in same}) > 1:
            continue
        name = f"{entry['aegis']} {skill} {level}"
        simulated = comparison.probe.cast(comparison.world, entry["mob_id"], skill, level)
        yield judge.equal(f"{name}: cast time, ms", used[0]["casttime"], simulated["cast_ms"])
        yield judge.equal(f"{name}: delay, ms", used[0]["delay"], simulated["delay_ms"])
        times = used[0]["use_start_to_next_normal_attack_ms_top"]
        if times and entry["adelay"] > entry["amotion"] + THINK_MS:
            earliest = min(int(ms) for ms in times)
            yield judge.near(f"{name}: use to next attack, ms", earliest, simulated["next_attack_ms"], QUANTUM_MS)
