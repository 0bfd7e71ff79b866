"""What all comparisons share: the check, the reference folder, and the tolerances."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from mlmonster_env.data import Bestiary

Value: TypeAlias = float | str | None

STANDARD_ERRORS = 2.6
THINK_MS = 100  # the mind runs every 100 ms, and a measurement may begin anywhere between two thoughts
QUANTUM_MS = 20  # the server's loop advances by at least this
SUFFIXES = {"renewal": "re", "pre-renewal": "pre"}


@dataclass(frozen=True, slots=True)
class Check:
    """One figure of the server beside the simulator's; `tolerance` says in words how far apart they may be."""

    family: str
    mode: str
    name: str
    measured: Value
    simulated: Value
    tolerance: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Golden:
    """The measured files of one mode under `<path>/golden`."""

    path: Path
    mode: str

    def file(self, stem: str, ending: str) -> Path | None:
        """The mode's file, or None where nothing of the kind was measured in this mode."""
        path = self.path / "golden" / f"{stem}_{SUFFIXES[self.mode]}.{ending}"
        return path if path.is_file() else None

    def json(self, stem: str) -> Any:
        """The content of a JSON file; an empty list where there is none."""
        path = self.file(stem, "json")
        return json.loads(path.read_text(encoding="utf-8")) if path else []

    def lines(self, stem: str, ending: str) -> list[str]:
        path = self.file(stem, ending)
        return path.read_text(encoding="utf-8").splitlines() if path else []


@dataclass(frozen=True, slots=True)
class Comparison:
    """What every family of checks needs: the measurements, the world read from the same folder, the probe."""

    golden: Golden
    world: Bestiary
    probe: Any  # the module `mlmonster_env.sim.probe`, or what a test puts in its place
    fights: int  # simulated fights for each measured setting

    @property
    def mode(self) -> str:
        return self.golden.mode


@dataclass(frozen=True, slots=True)
class Judge:
    """Makes the checks of one family in one mode."""

    family: str
    mode: str

    def check(self, name: str, measured: Value, simulated: Value, tolerance: str, holds: bool) -> Check:
        return Check(self.family, self.mode, name, measured, simulated, tolerance, bool(holds))

    def equal(self, name: str, measured: Value, simulated: Value) -> Check:
        return self.check(name, measured, simulated, "equal", measured == simulated)

    def near(self, name: str, measured: float, simulated: float | None, tolerance: float) -> Check:
        holds = simulated is not None and abs(simulated - measured) <= tolerance
        return self.check(name, measured, simulated, f"+-{tolerance:.4g}", holds)

    def inside(self, name: str, measured: Sequence[float], simulated: float | None, margin: float) -> Check:
        """The simulated figure lies between the measured extremes, widened by `margin`."""
        low, high = min(measured) - margin, max(measured) + margin
        holds = simulated is not None and low <= simulated <= high
        return self.check(name, span(measured), simulated, f"in {low:g}..{high:g}", holds)

    def covers(self, name: str, measured: float, simulated: Sequence[float | None], margin: float) -> Check:
        """One measured figure lies between the simulated extremes, widened by `margin`."""
        known = [value for value in simulated if value is not None]
        holds = bool(known) and min(known) - margin <= measured <= max(known) + margin
        return self.check(name, measured, span(known), f"inside, +-{margin:g}", holds)

    def likelier(self, name: str, measured: bool, simulated_share: float) -> Check:
        """What was seen once must be what the simulator does at least half of the time."""
        holds = (simulated_share if measured else 1 - simulated_share) >= 0.5
        return self.check(name, str(measured), simulated_share, "the likelier outcome", holds)


def span(values: Iterable[float]) -> str:
    numbers = list(values)
    return f"{min(numbers):g}..{max(numbers):g}" if numbers else "never"


def share_tolerance(measured: float, sample: int, simulated: float, simulated_sample: int, points: float) -> float:
    """`points` (a fraction) beside the standard errors of the difference between two samples' shares."""
    if not sample or not simulated_sample:
        return points
    pooled = (measured * sample + simulated * simulated_sample) / (sample + simulated_sample)
    variance = pooled * (1 - pooled) * (1 / sample + 1 / simulated_sample)
    return points + STANDARD_ERRORS * math.sqrt(max(variance, 0.0))


def mean_tolerance(allowed: float, std: float, sample: int, simulated_std: float, simulated_sample: int) -> float:
    """`allowed` beside the standard errors of the difference between two samples' means."""
    if not sample or not simulated_sample:
        return allowed
    return allowed + STANDARD_ERRORS * math.sqrt(std**2 / sample + simulated_std**2 / simulated_sample)


def uses_tolerance(uses: float) -> float:
    return 0.15 * uses + STANDARD_ERRORS * math.sqrt(uses)


def mean_and_std(counted: Mapping[float, int]) -> tuple[float, float]:
    """Of a histogram: value -> how often."""
    total = sum(counted.values())
    mean = sum(value * count for value, count in counted.items()) / total
    return mean, math.sqrt(sum((value - mean) ** 2 * count for value, count in counted.items()) / total)


def histogram(counted: Mapping[str, int]) -> dict[float, int]:
    return {float(value): count for value, count in counted.items()}
