"""Statuses: chance and duration against targets of many resistances, and of the skills that were cast live."""

import re
from collections.abc import Iterator

from scripts.fidelity_checks.common import Check, Comparison, Judge, histogram, mean_and_std, share_tolerance

TRIES = 20_000
RATE_POINTS = 0.02
DURATION_MS = 100
TAG = re.compile(r"(?P<status>\w+) src(?P<source>\d+) tgt(?P<target>\d+)")


def checks(comparison: Comparison) -> Iterator[Check]:
    yield from resistance_checks(comparison)
    yield from live_checks(comparison)


def resistance_checks(comparison: Comparison) -> Iterator[Check]:
    """10,000 tries each, so the tolerance of 2 points needs no standard errors."""
    judge = Judge("statuses", comparison.mode)
    for sample in comparison.golden.json("status_resistance"):
        tag = TAG.fullmatch(sample["tag"])
        if tag is None:
            raise ValueError(f"status_resistance: tag is {sample['tag']!r}, expected 'SC_NAME src1 tgt2'")
        source, target = int(tag["source"]), int(tag["target"])
        simulated = comparison.probe.status_chance(
            comparison.world, sample["sc_name"], sample["rate"], sample["duration_in"], source, target, TRIES, 1
        )
        name = f"{sample['tag']} at {sample['rate']}"
        yield judge.near(f"{name}: chance", sample["ok"] / sample["n"], simulated["rate"] / 10000, RATE_POINTS)
        if sample["ok"]:
            mean, _ = mean_and_std(histogram(sample["durations"]))
            yield judge.near(f"{name}: duration, ms", mean, simulated["duration_mean_ms"], DURATION_MS)


def live_checks(comparison: Comparison) -> Iterator[Check]:
    """What skills asked for, as they asked for it, with some hundred tries each."""
    judge = Judge("statuses", comparison.mode)
    for entry in comparison.golden.json("skills"):
        for status in entry["live"].get("status", []):
            (rate, duration), _ = status["rate_param_10000_and_duration_top"][0]
            source, target = entry["caster_id"], entry["live_defender_stats"]["mob_id"]
            simulated = comparison.probe.status_chance(
                comparison.world, status["name"], rate, duration, source, target, TRIES, 1
            )
            name = f"{status['name']} of {entry['skill']} {entry['level']}"
            measured = status["applied"] / status["attempts"]
            allowed = share_tolerance(measured, status["attempts"], simulated["rate"] / 10000, TRIES, RATE_POINTS)
            yield judge.near(f"{name}: chance", measured, simulated["rate"] / 10000, allowed)
            natural = entry["status_natural_duration_ms"].get(status["name"])
            if natural:
                yield judge.near(f"{name}: duration, ms", natural["mean"], simulated["duration_mean_ms"], DURATION_MS)
