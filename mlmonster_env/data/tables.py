"""attr_fix.yml and size_fix.yml: percentages by element and by weapon and size."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from mlmonster_env.data.database import Format
from mlmonster_env.data.enums import ELEMENT_LEVELS, ELEMENTS, SIZES, WEAPONS
from mlmonster_env.data.errors import DataError
from mlmonster_env.data.fields import Entry, Report

ATTRIBUTE_FORMAT = Format("ATTRIBUTE_DB", newest=1)
SIZE_FORMAT = Format("SIZE_FIX_DB", newest=1)

Table = npt.NDArray[np.int32]


def read_attribute_table(entries: Iterable[Entry], report: Report) -> Table:
    """Damage in percent, [level of the target's element - 1, attack element, target's element]."""
    table = np.full((ELEMENT_LEVELS, len(ELEMENTS), len(ELEMENTS)), 100, dtype=np.int32)
    for entry in entries:
        try:
            _read_attributes(entry, table)
        except DataError as error:
            report.wrong(error)
    return table


def _read_attributes(entry: Entry, table: Table) -> None:
    entry.allow(("Level", *ELEMENTS))
    level = entry.integer("Level", 1, ELEMENT_LEVELS)
    if level is None:
        raise entry.wrong("Level", f"a whole number from 1 to {ELEMENT_LEVELS}")
    changed = table[level - 1].copy()
    for attack, row in ELEMENTS.items():
        ratios = entry.inner(attack)
        if ratios is None:
            continue
        ratios.allow(ELEMENTS)
        for defence, column in ELEMENTS.items():
            percent = ratios.integer(defence, -100, 200)
            if percent is not None:
                changed[row, column] = percent
    table[level - 1] = changed


def read_size_table(entries: Iterable[Entry], report: Report) -> Table:
    """Damage in percent, [weapon (`enums.WEAPONS`), target's size]."""
    table = np.full((len(WEAPONS), len(SIZES)), 100, dtype=np.int32)
    rows = {name: index for index, name in enumerate(WEAPONS)}
    for entry in entries:
        try:
            entry.allow(("Weapon", *SIZES))
            weapon = entry.choice("Weapon", rows)
            if weapon is None:
                raise entry.wrong("Weapon", "the name of a weapon")
            percents = {column: entry.integer(name, 0, 100) for name, column in SIZES.items()}
            for column, percent in percents.items():
                if percent is not None:
                    table[weapon, column] = percent
        except DataError as error:
            report.wrong(error)
    return table
