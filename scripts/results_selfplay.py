"""The part of docs/results.md that tells what past selves are worth, from the files that scripts.selfplay keeps."""

from pathlib import Path
from statistics import mean
from typing import Any

from scripts.comparisons import STARTS, by_setting, kept_in
from scripts.intervals import over_seeds

SELF_PLAY = "selfplay"  # the folder of these files, below that of all results

INTRODUCTION = """The same learner twice with one seed and one budget: against the stock AI alone, and against a pool of
its past selves (80% of matches; 15% the stock AI, 5% random and idle). Then the two meet in mirror pairs, and each
meets the stock AI and the eight styles, whom neither has trained against. Win rates with 95%, a draw being half: over
training seeds (Student's t) where there are several, over pairs where there is one, marked *.
"""


def selfplay_section(folder: Path) -> list[str]:
    """Its lines; none where nothing was run."""
    found = kept_in(folder)
    if not found:
        return []
    lines = ["## What past selves are worth\n", INTRODUCTION]
    for told in by_setting(found):
        lines += _told(told)
    return lines


def _told(told: list[Any]) -> list[str]:
    """One archetype, size and budget."""
    first = told[0]
    models = [one["models"] for one in told]
    steps = mean(one["pool"]["steps"] for one in models) / 1e6
    spent = " and ".join(f"{mean(one[name]['seconds'] for one in models) / 60:.1f}" for name in ("stock", "pool"))
    lines = [
        f"### {first['archetype']}, {first['size']}\n",
        f"`{first['command']}`: {steps:.1f} M decisions each, {spent} minutes (stock alone and pool), "
        f"{len(told)} training seed{'s' if len(told) > 1 else ''}.\n",
        "| | field | contact | together |", "|---|---|---|---|",
        f"| pool against stock alone | {' | '.join(_rate([one['met'][start] for one in told]) for start in STARTS)} |",
        "",
        "| against | start | stock alone | pool |", "|---|---|---|---|",
    ]  # fmt: skip
    for opponent in first["models"]["pool"]["scores"]:
        for start in STARTS:
            shown = [_rate([one[name]["scores"][opponent][start] for one in models]) for name in ("stock", "pool")]
            lines.append(f"| {opponent} | {'together' if start == 'all' else start} | {' | '.join(shown)} |")
    worst = [_worst(models, name) for name in ("stock", "pool")]
    lines.append(f"| **the worst style** | together | {' | '.join(worst)} |")
    return [*lines, ""]


def _worst(models: list[Any], name: str) -> str:
    styles = [style for style in models[0][name]["scores"] if style != "stock"]
    rates = {style: mean(one[name]["scores"][style]["all"]["win_rate"] for one in models) for style in styles}
    worst = min(rates, key=lambda style: rates[style])
    return f"{worst}: {_rate([one[name]['scores'][worst]['all'] for one in models])}"


def _rate(scores: list[Any]) -> str:
    middle, half = over_seeds([one["win_rate"] for one in scores], [one["se"] for one in scores])
    mark = "" if len(scores) > 1 else "*"
    return f"{middle:.1%} [{max(0.0, middle - half):.1%}, {min(1.0, middle + half):.1%}]{mark}"
