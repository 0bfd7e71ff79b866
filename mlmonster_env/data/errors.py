"""The one error that bad data files cause, the nearest right names for a wrong one, and numbers checked."""

import math
import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

import numpy as np

SHORT_LIST = 32
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")  # control characters and ends of lines


class DataError(ValueError):
    """A data file holds something wrong: which file, entry and field, what stood there, what would be right."""

    def __init__(self, file: str, entry: str, field: str, found: Any, expected: str) -> None:
        super().__init__(file, entry, field, found, expected)
        self.file = file
        self.entry = entry
        self.field = field
        self.found = found
        self.expected = expected

    def __str__(self) -> str:
        where = ", ".join(part for part in (self.file, self.entry) if part)
        subject = f"{self.field} is " if self.field else "found "
        return f"{where}: {subject}{shorten(self.found)}, expected {self.expected}"


def shorten(value: Any) -> str:
    """`value` as it would be written, cut where a message would become unreadable."""
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def plain(value: Any) -> str:
    """`value` without quotes, to call something by, unless it is no short printable text."""
    usual = isinstance(value, str) and len(value) <= 60 and not UNPRINTABLE.search(value)
    return str(value) if usual else shorten(value)


def one_of(name: str, known: Iterable[str]) -> str:
    """What to expect instead of `name`: the nearest names if any is near, and all of a short list."""
    names = [str(candidate) for candidate in known]
    folded = {candidate.lower(): candidate for candidate in names}
    near = [folded[match] for match in get_close_matches(name.lower()[:80], folded, n=3, cutoff=0.6)]
    guess = "perhaps " + " or ".join(near) if near else ""
    if len(names) <= SHORT_LIST:
        return f"{guess}{', ' if guess else ''}one of {', '.join(names)}"
    return guess or f"one of {len(names)} known names, such as {', '.join(names[:3])}"


def whole(value: Any) -> bool:
    """Whether a value is a whole number, and no truth."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def check_number(what: str, value: Any, least: Any = None, most: Any = None, kind: type = int) -> None:
    """ValueError unless a value is a whole number, or with `kind` float any finite one, from `least` to `most`."""
    right = whole(value) or (kind is float and isinstance(value, float | np.floating) and math.isfinite(value))
    if right and (least is None or value >= least) and (most is None or value <= most):
        return
    expected = [] if right else ["a whole number" if kind is int else "a finite number"]
    if least is not None:
        expected += [f"at least {least}" if most is None else f"{least} to {most}"]
    raise ValueError(f"{what} is {shorten(value)}, expected {', '.join(expected)}")
