"""Skills: 50,000 calculations for each of five defenders, and live casts."""

from collections.abc import Iterator
from typing import Any

from scripts.fidelity_checks.common import Check, Comparison, Judge, share_tolerance

STRIKES = 100_000
MEAN_SHARE = 0.02
HIT_POINTS = 0.015
STATUS_POINTS = 0.02


def checks(comparison: Comparison) -> Iterator[Check]:
    """Damage against each defender, amounts healed, statuses put on by the skill itself, and cast times."""
    judge = Judge("skills", comparison.mode)
    for entry in comparison.golden.json("skills"):
        for calculated in entry["calc"]:
            yield from damage_checks(judge, comparison, entry, calculated)
        if not entry["calc"] and "heal_min_mean_max" in entry["live"]:
            yield from heal_checks(judge, comparison, entry)
        yield from status_checks(judge, comparison, entry)
        yield from cast_checks(judge, comparison, entry)


def title(comparison: Comparison, entry: dict[str, Any]) -> str:
    return f"{entry['skill']} {entry['level']} of {comparison.world[entry['caster_id']].aegis_name}"


def strikes(comparison: Comparison, entry: dict[str, Any], defender: int) -> Any:
    caster = entry["caster_id"]
    return comparison.probe.skill_hits(comparison.world, entry["skill"], entry["level"], caster, defender, STRIKES, 1)


def damage_checks(
    judge: Judge, comparison: Comparison, entry: dict[str, Any], calculated: dict[str, Any]
) -> Iterator[Check]:
    defender = calculated["defender_id"]
    name = f"{title(comparison, entry)} on {comparison.world[defender].aegis_name}"
    simulated = strikes(comparison, entry, defender)
    # A strike that connects for nothing is counted apart in the file and is no hit here.
    yield judge.near(f"{name}: hit rate", calculated["hit"] / calculated["n"], simulated["hit_rate"], HIT_POINTS)
    if calculated["hit"]:
        mean = calculated["mean"]
        yield judge.near(f"{name}: mean damage", mean, simulated["damage_mean"], MEAN_SHARE * mean)
        # Samples may have missed the extreme rolls but never go beyond them.
        low, high = simulated["damage_min"], simulated["damage_max"]
        least, most, slack = calculated["min"], calculated["max"], max(1.0, MEAN_SHARE * mean)
        holds = least - slack <= low <= least and most <= high <= most + slack
        tolerance = f"at most {slack:.3g} beyond"
        yield judge.check(f"{name}: extremes", f"{least}..{most}", f"{low:g}..{high:g}", tolerance, holds)


def heal_checks(judge: Judge, comparison: Comparison, entry: dict[str, Any]) -> Iterator[Check]:
    """For a healing skill the probe's figures of damage are the amount healed."""
    name = title(comparison, entry)
    least, mean, most = entry["live"]["heal_min_mean_max"]
    simulated = strikes(comparison, entry, entry["live_defender_stats"]["mob_id"])
    yield judge.near(f"{name}: mean amount healed", mean, simulated["damage_mean"], MEAN_SHARE * mean)
    yield judge.equal(f"{name}: least amount healed", least, simulated["damage_min"])
    yield judge.equal(f"{name}: most amount healed", most, simulated["damage_max"])


def status_checks(judge: Judge, comparison: Comparison, entry: dict[str, Any]) -> Iterator[Check]:
    """The share of hits (of casts, where the skill does no damage) that put the status on."""
    live = entry["live"]
    for status in live.get("status", []):
        hits = live.get("connected", live["casts"])
        if status["attempts"] != hits:
            continue  # not every hit tries it (the third hit of pre-renewal's Storm Gust)
        simulated = strikes(comparison, entry, entry["live_defender_stats"]["mob_id"])["status_rate"]
        measured = status["applied"] / status["attempts"]
        allowed = share_tolerance(measured, status["attempts"], simulated, STRIKES, STATUS_POINTS)
        yield judge.near(f"{title(comparison, entry)}: {status['name']} a hit", measured, simulated, allowed)


def cast_checks(judge: Judge, comparison: Comparison, entry: dict[str, Any]) -> Iterator[Check]:
    """Cast time, where the live casts used the one that the monster's own rows have."""
    rows = [
        row
        for row in comparison.world[entry["caster_id"]].skills
        if (row.skill, row.level) == (entry["skill"], entry["level"])
    ]
    measured = entry["live"]["casttime_param"]
    if rows and {row.cast_ms for row in rows} == {measured}:
        simulated = comparison.probe.cast(comparison.world, entry["caster_id"], entry["skill"], entry["level"])
        yield judge.equal(f"{title(comparison, entry)}: cast time, ms", measured, simulated["cast_ms"])
