"""The part of docs/results.md that tells what a latent is worth, from the files that scripts.conditioned keeps."""

from pathlib import Path
from statistics import mean
from typing import Any

from scripts.comparisons import STARTS, by_setting, kept_in
from scripts.intervals import Z_95, over_seeds

CONDITIONED = "conditioned"  # the folder of these files, below that of all results
EVERY_STYLE = "mean"  # over the styles

INTRODUCTION = """Each seed trains twice with one budget against the mix of scripted styles: a recurrent policy that is
shown what a pattern encoder, trained beside it, reads in the enemies it sees, and the same networks shown zeros
instead. Both are judged in mirror pairs against each style on the same seeds, which training has not seen; *blind* and
*told* are win rates, a draw being half, and the gain is told minus blind. Intervals are 95%: over training seeds
(Student's t) where there are several, over pairs where there is one, marked *. *Named* is how often the best score that
the latent gives was the style that was played, over all readings of packs of which anybody was seen, and over those
in which thirty frames of one of them were; chance is one in the number of styles.
"""
HEADS = ("style", "start", "seeds", "told", "blind", "gain", "named", "named, 30 frames")


def conditioned_section(folder: Path) -> list[str]:
    """Its lines; none where nothing was run."""
    found = kept_in(folder)
    if not found:
        return []
    lines = ["## What it is worth to know how somebody plays\n", INTRODUCTION]
    for told in by_setting(found):
        lines += _table_of(told)
    return lines


def _table_of(told: list[Any]) -> list[str]:
    """One archetype, size and budget."""
    first = told[0]
    steps = mean(one["models"]["told"]["steps"] for one in told) / 1e6
    minutes = (mean(one["models"][model]["seconds"] for one in told) / 60 for model in ("told", "blind"))
    spent = " and ".join(f"{one:.1f}" for one in minutes)
    pairs = first["models"]["told"]["scores"][first["styles"][0]][STARTS[0]]["pairs"]
    lines = [
        f"### {first['archetype']}, {first['size']}\n",
        f"`{first['command']}`: {steps:.1f} M decisions each, {spent} minutes (told and blind); judged "
        f"on {pairs:,} pairs a style and start.\n",
        f"| {' | '.join(HEADS)} |", f"|{'---|' * len(HEADS)}",
    ]  # fmt: skip
    for style in [*first["styles"], EVERY_STYLE]:
        lines += [f"| {' | '.join(_row(told, style, start))} |" for start in STARTS]
    gains = [one["gain"][EVERY_STYLE]["all"] for one in told]
    each = ", ".join(f"{one['gain']:+.1%} ± {Z_95 * one['gain_se']:.1%}" for one in gains)
    return [*lines, "", f"The gain on the mean of the styles, together, of each seed by itself, over pairs: {each}.\n"]


def _row(told: list[Any], style: str, start: str) -> tuple[str, ...]:
    scores = {model: [one["models"][model]["scores"][style][start] for one in told] for model in ("told", "blind")}
    gains = [one["gain"][style][start] for one in told]
    named = [one["named"][style][start] for one in told]
    return (
        style, "together" if start == "all" else start, str(len(told)),
        *(_rate([s["win_rate"] for s in scores[model]], [s["se"] for s in scores[model]]) for model in scores),
        _gain([g["gain"] for g in gains], [g["gain_se"] for g in gains]),
        *(f"{mean(one[key] for one in named):.1%}" for key in ("share", "share_30")),
    )  # fmt: skip


def _rate(values: list[float], errors: list[float]) -> str:
    middle, half = over_seeds(values, errors)
    mark = "" if len(values) > 1 else "*"
    return f"{middle:.1%} [{max(0.0, middle - half):.1%}, {min(1.0, middle + half):.1%}]{mark}"


def _gain(values: list[float], errors: list[float]) -> str:
    middle, half = over_seeds(values, errors)
    return f"{middle:+.1%} ± {half:.1%}{'' if len(values) > 1 else '*'}"
