"""Which experience is wanted, and from where on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from mlmonster_env.contract import ARCHETYPES, MODEL_TYPES
from mlmonster_env.data.errors import one_of, shorten

LAST_ID = (1 << 63) - 1


@dataclass(frozen=True, order=True)
class Watermark:
    """A place in the order in which experience became visible: everything up to it has been read."""

    transaction: int = 0
    row: int = 0

    def __post_init__(self) -> None:
        if self.transaction < 0 or self.row < 0:  # to PostgreSQL a transaction below 0 is the last there can be
            raise ValueError(f"watermark is {self}, expected two whole numbers from 0 on")

    def __str__(self) -> str:
        return f"{self.transaction}:{self.row}"

    @classmethod
    def parse(cls, text: str) -> "Watermark":
        """What `str` wrote."""
        transaction, _, row = text.partition(":")
        if not (transaction.isdecimal() and row.isdecimal()):
            raise ValueError(f"watermark is {text!r}, expected two whole numbers such as 1234:56")
        return cls(int(transaction), int(row))


@dataclass(frozen=True)
class Wanted:
    """A filter; what is None, or empty, is not asked for. Times are aware; `since` is in, `until` is not."""

    archetypes: Sequence[str] | str | None = ()
    model_types: Sequence[str] | str | None = ()
    least_priority: float | None = None
    since: datetime | None = None
    until: datetime | None = None

    def __post_init__(self) -> None:
        for name, known in (("archetypes", ARCHETYPES), ("model_types", MODEL_TYPES)):
            value = getattr(self, name)
            chosen = (value,) if isinstance(value, str) else () if value is None else tuple(value)
            for one in chosen:
                if one not in known:
                    raise ValueError(f"{name[:-1]} is {one!r}, expected {one_of(str(one), known)}")
            object.__setattr__(self, name, chosen)
        for name in ("since", "until"):
            time = getattr(self, name)
            if time is not None and not (isinstance(time, datetime) and time.utcoffset() is not None):
                raise ValueError(f"{name} is {shorten(time)}, expected a time with its zone")
        if self.since is not None and self.until is not None and self.since > self.until:
            raise ValueError(f"since is {self.since}, expected a time before until, {self.until}")
        least = self.least_priority
        # To PostgreSQL what is not a number is more than all numbers: nothing would be found.
        if least is not None and not (isinstance(least, int | float | np.number) and least == least):
            raise ValueError(f"least_priority is {shorten(least)}, expected a number")

    def conditions(self) -> tuple[str, dict[str, Any]]:
        """SQL that begins with AND, or nothing, and its parameters."""
        clauses = {
            "archetypes": "archetype = ANY(%(archetypes)s)",
            "model_types": "model_type = ANY(%(model_types)s)",
            "least_priority": "priority >= %(least_priority)s",
            "since": '"timestamp" >= %(since)s',
            "until": '"timestamp" < %(until)s',
        }
        given = {name: value for name in clauses if _is_asked_for(value := getattr(self, name))}
        values = {name: list(value) if isinstance(value, tuple) else value for name, value in given.items()}
        if self.least_priority is not None:
            values["least_priority"] = _as_stored(self.least_priority)
        return "".join(f" AND {clauses[name]}" for name in given), values


def _is_asked_for(value: Any) -> bool:
    """Whether a filter says anything; NumPy's numbers are compared with nothing, for they take `()` for an array."""
    return bool(value) if isinstance(value, tuple) else value is not None


def _as_stored(priority: float) -> float:
    """The store keeps 32 bits of a priority: what was written as 0.7 is less than 0.7."""
    with np.errstate(over="ignore"):
        return float(np.float32(min(max(priority, -1e300), 1e300)))
