"""The part of docs/results.md that tells what fixed rules of pack signals come to, from what scripts.signals keeps."""

import json
from pathlib import Path
from typing import Any

from mlmonster_env.contract import ARCHETYPES
from scripts.comparisons import kept_in
from scripts.intervals import Z_95

SIGNALS = "signals"  # the folder of these files, below that of all results
LEARNT = "*-team_coordination-recurrent_ppo-0.json"
NAMES = {"attack": "always attack", "gather": "gather, then attack"}
INTRODUCTION = """What team_coordination has learnt beside two rules that learn nothing, in half of the same matches:
every monster is told to attack at all times, or to stay around its leader until it sees an enemy and to attack then (in
`mirror-v1` there is no leader). A pack that obeys is stronger than the stock AI already; what is learnt is worth what
it adds to the better of these.
"""


def signals_section(folder: Path) -> list[str]:
    """Its lines; none where nothing was run."""
    found = kept_in(folder / SIGNALS)
    if not found:
        return []
    found.sort(key=lambda told: ARCHETYPES.index(told["archetype"]))
    learnt = {told["archetype"]: told for told in map(_read, folder.glob(LEARNT))}
    heads = ("archetype", "scenario", "start", "learnt", *NAMES.values())
    lines = ["## What fixed signals are worth\n", INTRODUCTION, f"`{found[0]['command']}`\n"]
    lines += [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    for told in found:
        archetype, rules = told["archetype"], told["rules"]
        for scenario in next(iter(rules.values())):
            for start in ("field", "contact"):
                own = learnt.get(archetype, {}).get("scores", {}).get(scenario, {}).get(start)
                cells = [own, *(rules[rule][scenario][start] for rule in NAMES)]
                lines.append(f"| {archetype} | {scenario} | {start} | {' | '.join(map(_rate, cells))} |")
    return [*lines, ""]


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _rate(score: Any) -> str:
    if score is None:
        return ""
    return f"{score['win_rate']:.1%} ± {Z_95 * score['se']:.1%}"
