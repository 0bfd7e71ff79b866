"""The part of docs/results.md that tells what eyes are worth, from the files that scripts.sight keeps."""

from pathlib import Path
from typing import Any

from mlmonster_env.contract import ARCHETYPES
from scripts.comparisons import kept_in
from scripts.intervals import Z_95

SIGHT = "sight"  # the folder of these files, below that of all results
SPLITS = {"train": "known maps and species", "held out": "held-out map and species"}

INTRODUCTION = """Each row trains twice with one seed and one budget on `sight-v1`, where walls and fires stand between
the packs: spatial_vit with its grid, and the same learner on the state vector alone. Both are judged on the same pairs
of matches that training has not seen; the gain is over pairs, with 95%. The state vector tells no directions, so that
what is gained is to know where enemies are as well as where walls and fires are.
"""
HEADS = (
    "archetype", "seed", "M decisions", "minutes, eyes / state", "where", "start", "eyes", "state alone", "gain",
)  # fmt: skip


def sight_section(folder: Path) -> list[str]:
    """Its lines; none where nothing was run."""
    found = kept_in(folder)
    if not found:
        return []
    found.sort(key=lambda told: (ARCHETYPES.index(told["archetype"]), told["seed"]))
    lines = ["## What eyes are worth\n", INTRODUCTION, f"`{found[0]['command']}`, and so on.\n"]
    lines += [f"| {' | '.join(HEADS)} |", f"|{'---|' * len(HEADS)}"]
    lines += [f"| {' | '.join(row)} |" for told in found for row in _rows(told)]
    return [*lines, ""]


def _rows(told: dict[str, Any]) -> list[tuple[str, ...]]:
    eyes, blind = told["models"]["eyes"], told["models"]["state"]
    first = (
        told["archetype"], str(told["seed"]), f"{eyes['steps'] / 1e6:.1f}",
        f"{eyes['seconds'] / 60:.1f} / {blind['seconds'] / 60:.1f}",
    )  # fmt: skip
    rows: list[tuple[str, ...]] = []
    for split, where in SPLITS.items():
        for start, gain in told["gain"][split].items():
            seen, unseen = (_shown(model["scores"][split][start]) for model in (eyes, blind))
            shown = f"{gain['gain']:+.1%} ± {Z_95 * gain['gain_se']:.1%}"
            rows.append((*first, where, "together" if start == "all" else start, seen, unseen, shown))
    return rows


def _shown(score: dict[str, Any]) -> str:
    rate, half = score["win_rate"], Z_95 * score["se"]
    return f"{rate:.1%} [{max(0.0, rate - half):.1%}, {min(1.0, rate + half):.1%}]"
