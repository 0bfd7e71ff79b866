"""Two models compared, seed by seed: what tells one comparison from another, and what is kept of them."""

import argparse
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from agents.evaluation import ALL, Evaluation
from agents.judge.mirror import MirrorScore
from mlmonster_env.contract import ARCHETYPES

STARTS = ("field", "contact", ALL)
ALWAYS = object()  # in place of an option's default: to be told whatever it is


def name_of(given: argparse.Namespace, seed: int) -> str:
    """What tells one comparison from another."""
    parts = (given.archetype, given.size, seed, *(() if given.steps is None else (given.steps,)))
    return "-".join(str(part) for part in parts)


def command_of(script: str, given: argparse.Namespace, defaults: Mapping[str, object]) -> str:
    """What anybody can type to do the same: of the options named, those that are not as they are by default."""
    told = {option: getattr(given, option) for option, default in defaults.items() if getattr(given, option) != default}
    return " ".join((f"python -m scripts.{script}", *(f"--{option} {value}" for option, value in told.items())))


def kept_in(folder: Path) -> list[Any]:
    """What the files of a folder tell; nothing where there is no such folder."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]


def by_setting(found: Iterable[Any]) -> list[list[Any]]:
    """Comparisons that differ by their seeds alone side by side, in the order of the archetypes."""
    groups: dict[tuple[int, str, int], list[Any]] = defaultdict(list)
    for told in found:
        groups[ARCHETYPES.index(told["archetype"]), told["size"], told["steps_asked"] or 0].append(told)
    return [told for _, told in sorted(groups.items())]


def gain_of(ours: MirrorScore, theirs: MirrorScore) -> dict[str, float]:
    """How much higher our win rate is and the standard error of that, pair by pair of the same seed."""
    gain = (ours.pairs - theirs.pairs).mean(1)
    error = float(gain.std(ddof=1) / len(gain) ** 0.5) if len(gain) > 1 else 0.0
    return {"gain": round(float(gain.mean()), 5), "gain_se": round(error, 5)}


def gains(ours: Evaluation, theirs: Evaluation) -> dict[str, dict[str, float]]:
    """`gain_of` at each start."""
    return {start: gain_of(score, theirs.scores[start]) for start, score in ours.scores.items()}
