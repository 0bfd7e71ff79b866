"""How far two computations of one model agree: number by number, and decision by decision."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict
from pydantic import NonNegativeInt as Count

from agents.bundle.ports import ACTION, SCORES, STYLES
from mlmonster_env.contract import ENTITY_FEATURES, ENTITY_KIND_ROWS
from mlmonster_env.envs.arguments import MASK
from policies.actors import BOX, THREAT
from policies.masks import FORBIDDEN

Array = np.ndarray[Any, np.dtype[Any]]
Arrays = Mapping[str, Array]
PRESENT = ENTITY_FEATURES.index("present")


@dataclass(frozen=True)
class Limit:
    """What is still agreement."""

    tolerance: float  # of a number, times the greater of 1 and its size
    same: float  # share of decisions


LIMITS: dict[str, Limit] = {"fp32": Limit(1e-4, 0.999), "fp16": Limit(1e-2, 0.99)}


class Agreement(BaseModel):
    """What came of comparing rows."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    rows: Count = 0
    worst: float = 0.0  # difference of any number over the greater of 1 and the reference's size
    worst_output: str = ""
    decisions: Count = 0  # rows in which there was something to decide
    same: Count = 0  # of them
    by_gap: Count = 0  # decided otherwise where the reference held both for equally good within the tolerance
    different: Count = 0  # decided otherwise
    illegal: Count = 0  # rows in which something illegal was decided, or told to be legal
    not_finite: Count = 0  # rows with a number that is none

    @property
    def share(self) -> float:
        """Of decisions that are the same or as good."""
        return (self.same + self.by_gap) / self.decisions if self.decisions else 1.0

    def __add__(self, other: "Agreement") -> "Agreement":
        """Of both together."""
        worst = max(self, other, key=lambda one: one.worst)
        counts = {
            name: getattr(self, name) + getattr(other, name)
            for name in ("rows", "decisions", "same", "by_gap", "different", "illegal", "not_finite")
        }
        return Agreement(worst=worst.worst, worst_output=worst.worst_output, **counts)

    def failures(self, limit: Limit) -> list[str]:
        """What is beyond a limit, in words; nothing where all is well."""
        found = []
        if not self.rows:
            found.append("no row was compared")
        told = self.same + self.by_gap + self.different
        if told != self.decisions or self.decisions > self.rows:
            found.append(f"{told} of {self.decisions} decisions in {self.rows} rows are told of, expected all of them")
        if self.not_finite:
            found.append(f"{self.not_finite} of {self.rows} rows hold numbers that are not finite")
        if self.worst > limit.tolerance:
            found.append(f"{self.worst_output} is {self.worst:.2e} off, expected {limit.tolerance:g} at most")
        if self.illegal:
            found.append(f"{self.illegal} of {self.rows} rows are against the mask")
        if self.share < limit.same:
            found.append(
                f"{self.share:.3%} of {self.decisions} decisions are the same, expected {limit.same:.1%} at least"
            )
        return found


def compare(seen: Arrays, reference: Arrays, found: Arrays, kind: str, tolerance: float) -> Agreement:
    """How far `found` is from `reference`: outputs of one model by name, for the same rows `seen`."""
    rows = len(next(iter(reference.values())))
    bad = np.zeros(rows, np.bool_)
    illegal = np.zeros(rows, np.bool_)
    worst, worst_output = 0.0, ""
    for name, right in reference.items():
        if right.dtype.kind != "f":
            continue
        told = found[name]
        finite = np.isfinite(told) & np.isfinite(right)
        bad |= ~finite.reshape(rows, -1).all(1)
        size = np.maximum(1.0, np.abs(np.where(finite, right, 0.0)))
        off = np.abs(np.where(finite, told, 0.0).astype(np.float64) - np.where(finite, right, 0.0)) / size
        if name == SCORES and MASK in seen:  # what is illegal is compared by that alone
            barred = seen[MASK] <= 0.5
            illegal |= (barred & (told > FORBIDDEN / 2)).any(1) | (~barred & (told <= FORBIDDEN / 2)).any(1)
            off = np.where(barred, 0.0, off)
        if off.size and off.max() > worst:
            worst, worst_output = float(off.max()), name
    there, equal, near = _decisions(seen, reference, found, kind, tolerance)
    if SCORES in reference and MASK in seen:
        chosen = found[ACTION].astype(np.int64)
        illegal |= np.take_along_axis(seen[MASK], chosen[:, None], 1)[:, 0] <= 0.5
    return Agreement(
        rows=rows, worst=worst, worst_output=worst_output, decisions=int(there.sum()), same=int((there & equal).sum()),
        by_gap=int((there & ~equal & near).sum()), different=int((there & ~equal & ~near).sum()),
        illegal=int(illegal.sum()), not_finite=int(bad.sum()),
    )  # fmt: skip


def _decisions(
    seen: Arrays, reference: Arrays, found: Arrays, kind: str, tolerance: float
) -> tuple[Array, Array, Array]:
    """Of each row: whether something is decided, whether alike, and whether the reference cared little."""
    if kind == BOX:
        right, told = reference[ACTION], found[ACTION]
        equal = (np.abs(told - right) <= tolerance * np.maximum(1.0, np.abs(right))).all(1)
        return np.ones(len(right), np.bool_), equal, np.zeros(len(right), np.bool_)
    there = np.ones(len(next(iter(reference.values()))), np.bool_)
    if kind == THREAT:  # who is the most dangerous
        here = seen["entities"][:, :ENTITY_KIND_ROWS, PRESENT] > 0.5
        there = here.sum(1) > 1
        worth, other = (np.where(here, told[THREAT][..., 0], -1.0) for told in (reference, found))
        choice, chosen = worth.argmax(1), other.argmax(1)
    elif STYLES in reference:
        worth = reference[STYLES]
        choice, chosen = worth.argmax(1), found[STYLES].argmax(1)
    else:
        worth = reference[SCORES]
        choice, chosen = reference[ACTION], found[ACTION]
        if MASK in seen:
            there = (seen[MASK] > 0.5).sum(1) > 1
    at = np.arange(len(worth))
    best = worth[at, choice]
    near = best - worth[at, chosen] < tolerance * np.maximum(1.0, np.abs(best))
    return there, choice == chosen, near
