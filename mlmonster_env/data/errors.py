"""The one error that bad data files cause, and the nearest right names for a wrong one."""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

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
