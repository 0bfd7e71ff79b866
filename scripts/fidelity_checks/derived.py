"""Derived stats: every number of every measured monster, as the server holds it after loading."""

import json
from collections.abc import Iterator

from scripts.fidelity_checks.common import Check, Comparison, Judge

SERVER_NAMES = {
    "atk_min": "rhw_atk",
    "atk_max": "rhw_atk2",
    "element": "def_ele",
    "element_level": "ele_lv",
}
STATS = (
    "level", "max_hp", "hit", "flee", "def", "def2", "mdef", "mdef2", "batk", "atk_min", "atk_max", "matk_min",
    "matk_max", "speed", "adelay", "amotion", "dmotion", "range", "view_range", "chase_range", "mode", "size", "race",
    "element", "element_level",
)  # fmt: skip
NAMED_MISMATCHES = 3


def checks(comparison: Comparison) -> Iterator[Check]:
    """One check for each stat, which holds if all monsters agree: thousands of easy checks would hide the others."""
    judge = Judge("derived", comparison.mode)
    monsters = [json.loads(line)["stats"] for line in comparison.golden.lines("mobs", "jsonl")]
    known = [stats for stats in monsters if stats["mob_id"] in comparison.world]
    if monsters:
        yield judge.equal("monsters known", len(monsters), len(known))
    derived = {stats["mob_id"]: comparison.world[stats["mob_id"]].derived() for stats in known}
    for stat in STATS if known else ():
        wrong = [
            f"{stats['aegis']} {stats[SERVER_NAMES.get(stat, stat)]} not {derived[stats['mob_id']][stat]}"
            for stats in known
            if stats[SERVER_NAMES.get(stat, stat)] != derived[stats["mob_id"]][stat]
        ]
        name = f"{stat} of all monsters" + (f" ({', '.join(wrong[:NAMED_MISMATCHES])})" if wrong else "")
        yield judge.equal(name, len(known), len(known) - len(wrong))
