"""The element and size tables, cell by cell."""

import csv
from collections.abc import Iterator

import numpy as np

from mlmonster_env.data.enums import WEAPONS
from scripts.fidelity_checks.common import Check, Comparison, Judge

ELEMENT_LEVELS, ELEMENTS = 4, 10


def checks(comparison: Comparison) -> Iterator[Check]:
    """One check for each element level and one for the weapons' sizes; each counts its wrong cells."""
    judge = Judge("tables", comparison.mode)
    element_rows = list(csv.DictReader(comparison.golden.lines("attr_fix", "csv")))
    if element_rows:
        measured = np.full((ELEMENT_LEVELS, ELEMENTS, ELEMENTS), np.iinfo(np.int32).min)
        for row in element_rows:
            cell = int(row["level"]) - 1, int(row["attack_element"]), int(row["defense_element"])
            measured[cell] = int(row["ratio_percent"])
        for level in range(ELEMENT_LEVELS):
            wrong = int(np.count_nonzero(measured[level] != comparison.world.attribute_table[level]))
            yield judge.equal(f"wrong cells of element level {level + 1}", 0, wrong)
    size_rows = list(csv.DictReader(comparison.golden.lines("size_fix", "csv")))
    if size_rows:
        measured = np.array(
            [[int(row[f"{size}_percent"]) for size in ("small", "medium", "large")] for row in size_rows]
        )
        simulated = comparison.world.size_table[[WEAPONS.index(row["weapon"]) for row in size_rows]]
        yield judge.equal("wrong cells of the weapons' sizes", 0, int(np.count_nonzero(measured != simulated)))
