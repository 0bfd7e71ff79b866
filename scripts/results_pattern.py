"""How well a pattern model names styles: `python -m scripts.results_pattern RUN`.

It is judged after 30, 60 and 90 frames of matches that nothing was learnt from: other seeds, other monsters, other
scenarios. Beside it stands a logistic regression over features made by hand.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

matplotlib.use("agg")

import matplotlib.pyplot as plt

from agents.judge.patterns import FRAMES, Shown, Teller, score, show, teller
from agents.judge.plain_patterns import PlainPatterns
from agents.learners.pattern_data import SCENARIOS, UNSEEN, Tape, styled_shards, watch_shards
from agents.opponents import STYLES
from agents.report.reliability import calibration_error
from mlmonster_env.command import at_least, end_with
from mlmonster_env.contract import NEAREST_ENEMY, SIGHT
from mlmonster_env.envs.battle import Array
from policies.pattern import PatternNetwork
from policies.policy import Policy
from policies.storage import DamagedError
from scripts.intervals import Z_95

PLACES: dict[str, tuple[tuple[str, ...], str]] = {
    "held-out seeds": (SCENARIOS, "train"),
    "held-out monsters": (SCENARIOS, "held-out"),
    "held-out scenarios": (UNSEEN, "train"),
}
IMAGES = Path("docs/images")
MATCHES = 400  # of each place
JUDGED_BY = 7  # the seed of matches that neither training nor its evaluations have seen
WANTED = 0.85  # after all frames, on held-out seeds
WATCHED = 256  # matches that the plain features are learnt from
ROUNDS, STEPS = 6, 180
WINDOWS = 40_000
CLOSE = 8 / SIGHT
LEAST_CLOSE = 10  # frames with an enemy so close, in which a style can show itself
LEARNT_FROM = 1 << 22  # seeds of what the plain features see: no run's evaluation begins there
PAIRS_TOLD = 6
INTRODUCTION = f"""How often one of eight styles is named rightly, by how much of a match was seen; beside it, in
brackets, a logistic regression over features made by hand. Intervals are 95%, over packs. What is seen are a monster's
own state vectors, one a decision, whether or not anybody stands where he could see it; a row of {FRAMES[-1]} frames is
of those monsters that lived so long. The last column is of those that had an enemy within 8 cells in {LEAST_CLOSE} of
their frames or more: the others are told apart by how they stand and wander. Held-out scenarios are packs of other
sizes on the maps and from the starts that were learnt from; held-out monsters are other species.
"""


def plain(archetype: str) -> PlainPatterns:
    """The logistic regression, learnt from training's scenarios and monsters."""
    env = styled_shards(archetype, WATCHED, LEARNT_FROM)
    seen: Any = env.reset()
    tapes = []
    for _ in range(ROUNDS):
        tape, seen = watch_shards(env, seen, STEPS, 2)
        tapes.append(tape)
    return PlainPatterns(Tape.of(tapes).draw(np.random.default_rng(0), WINDOWS), len(STYLES))


def judge_pattern(policy: Policy, images: Path, matches: int = MATCHES) -> dict[str, Any]:
    """Accuracies by place and frames, of the model and of the plain features; what is confused, drawn too."""
    network, archetype = policy.actor, policy.card.archetype
    if not isinstance(network, PatternNetwork):
        raise ValueError(f"the model is a {policy.card.model_type}, expected pattern_recognition")
    tellers: dict[str, Teller] = {"model": teller(network), "plain": plain(archetype)}
    told: dict[str, Any] = {"styles": list(STYLES), "places": {}}
    for place, (scenarios, split) in PLACES.items():
        shown = show(archetype, matches, scenarios=scenarios, split=split, seed=JUDGED_BY)
        told["places"][place] = {str(frames): _accuracies(tellers, shown, frames) for frames in FRAMES}
        if place == next(iter(PLACES)):
            windows = shown.tape.after(FRAMES[-1])
            chances = tellers["model"](windows.history)
            confusion = confusion_of(chances.argmax(1), windows.style, len(STYLES))
            right = chances.argmax(1) == windows.style
            told["calibration_error"] = round(calibration_error(chances.max(1), right), 5)
            told["confusion"] = confusion.tolist()
            told["confused"] = most_confused(confusion, list(STYLES))
            title = f"{archetype}: after {FRAMES[-1]} frames on held-out seeds"
            plot_confusion(confusion, list(STYLES), title, images / f"patterns-{archetype}.png")
    return told


def _accuracies(tellers: dict[str, Teller], shown: Shown, frames: int) -> dict[str, Any]:
    windows = shown.tape.after(frames)
    close = windows.where(close_frames(windows.history) >= LEAST_CLOSE)
    found: dict[str, Any] = {"windows": len(windows), "close_windows": len(close)}
    for name, tell in tellers.items():
        whole = score(tell, windows, name)
        found[name] = {"accuracy": round(whole.win_rate, 5), "se": round(whole.standard_error, 5)}
        if len(close):
            found[name]["accuracy_where_close"] = round(score(tell, close, name).win_rate, 5)
    return found


def close_frames(histories: Array) -> Array:
    """Of each history, in how many frames an enemy was close."""
    return np.asarray(((histories[..., NEAREST_ENEMY] <= CLOSE) & np.abs(histories).any(-1)).sum(1))


def confusion_of(named: Array, styles: Array, classes: int) -> Array:
    """How often each style (a row) was named as each (a column)."""
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (styles, named), 1)
    return counts


def most_confused(confusion: Array, styles: list[str]) -> list[dict[str, Any]]:
    """Pairs of styles, the one taken for the other most often first: the share of both that was."""
    pairs: list[tuple[float, list[str]]] = []
    for one in range(len(styles)):
        for other in range(one + 1, len(styles)):
            both = confusion[[one, other]].sum()
            wrong = confusion[one, other] + confusion[other, one]
            pairs.append((float(wrong / max(both, 1)), [styles[one], styles[other]]))
    pairs.sort(key=lambda pair: -pair[0])
    return [{"styles": names, "share": round(share, 4)} for share, names in pairs[:PAIRS_TOLD]]


def plot_confusion(confusion: Array, styles: list[str], title: str, path: Path) -> Path:
    """Draw which style is taken for which; where the picture is."""
    shares = confusion / np.maximum(confusion.sum(1, keepdims=True), 1)
    figure, axes = plt.subplots(figsize=(6.4, 5.6), constrained_layout=True)
    axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0)
    for row, column in np.ndindex(*shares.shape):
        colour = "white" if shares[row, column] > 0.5 else "#333333"
        axes.text(column, row, f"{shares[row, column]:.0%}", ha="center", va="center", fontsize=8, color=colour)
    axes.set_xticks(range(len(styles)), styles, rotation=45, ha="right")
    axes.set_yticks(range(len(styles)), styles)
    axes.set(title=title, xlabel="named", ylabel="played")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    plt.close(figure)
    return path


def pattern_section(rows: dict[str, list[Any]]) -> list[str]:
    """Its part of docs/results.md: what the runs of each archetype came to."""
    heads = (
        "archetype", "seed", "M decisions", "minutes", "where", *(f"{frames} frames" for frames in FRAMES),
        f"{FRAMES[-1]} frames, enemies close",
    )  # fmt: skip
    lines = [INTRODUCTION, f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    for archetype, told in rows.items():
        for t in told:
            first = (archetype, str(t["seed"]), f"{t['steps'] / 1e6:.1f}", f"{t['seconds'] / 60:.1f}")
            for place, found in t["pattern"]["places"].items():
                cells = (_told_rightly(found[str(frames)]) for frames in FRAMES)
                close = found[str(FRAMES[-1])]["model"].get("accuracy_where_close")
                shown = "" if close is None else f"{close:.1%}"
                lines.append(f"| {' | '.join((*first, place, *cells, shown))} |")
    lines += ["", *_against_wanted(rows)]
    for archetype, told in rows.items():
        pattern = told[0]["pattern"]
        worst = ", ".join(f"{' and '.join(pair['styles'])} {pair['share']:.0%}" for pair in pattern["confused"][:3])
        lines += [
            f"Of the {archetype}, the pairs most often taken for each other: {worst}; its probabilities are off by "
            f"{pattern['calibration_error']:.3f} (expected calibration error).\n",
            f"![What is taken for what](images/patterns-{archetype}.png)\n",
        ]
    return lines


def _against_wanted(rows: dict[str, list[Any]]) -> list[str]:
    """Where so much is named rightly as was wanted, and where not."""
    last = str(FRAMES[-1])
    lines = [f"Against what was wanted ({WANTED:.0%} after {last} frames on matches that are held out):\n"]
    for place in PLACES:
        reached: list[str] = []
        missed: list[str] = []
        for archetype, told in rows.items():
            rates = [t["pattern"]["places"][place][last]["model"]["accuracy"] for t in told]
            (reached if min(rates) >= WANTED else missed).append(archetype)
        lines.append(f"- {place}: reached by {', '.join(reached) or 'none'}; not by {', '.join(missed) or 'none'}")
    return [*lines, ""]


def _told_rightly(found: dict[str, Any]) -> str:
    rate, half = found["model"]["accuracy"], Z_95 * found["model"]["se"]
    return f"{rate:.1%} ± {half:.1%} ({found['plain']['accuracy']:.1%})"


def main(words: Sequence[str] | None = None) -> int:
    """Judge a model and print all of it."""
    command = argparse.ArgumentParser(prog="python -m scripts.results_pattern", description=__doc__)
    command.add_argument("model", type=Path, help="the folder of a run or a model")
    command.add_argument("--matches", type=at_least(1), default=MATCHES, help="of each place that it is judged in")
    command.add_argument("--images", type=Path, default=IMAGES, help="where the picture of what is confused goes")
    given = command.parse_args(words)
    try:
        told = judge_pattern(Policy.load(given.model), given.images, given.matches)
    except (DamagedError, ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(json.dumps(told, indent=1))
    reached = told["places"]["held-out seeds"][str(FRAMES[-1])]["model"]["accuracy"]
    print(f"{reached:.1%} of styles named rightly after {FRAMES[-1]} frames on held-out seeds, wanted {WANTED:.0%}")
    return 0


if __name__ == "__main__":
    end_with(main)
