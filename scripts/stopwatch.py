"""Speeds measured so that a noisy machine misleads least: medians of rounds that take turns."""

from collections.abc import Mapping
from statistics import median
from time import perf_counter
from typing import Any, Protocol


class Runner(Protocol):
    """Something that plays on by ticks and counts the unit-ticks that it has worked."""

    @property
    def unit_ticks(self) -> int: ...

    def run(self, ticks: int) -> None: ...


class Rewinder(Runner, Protocol):
    """One that can be put back to where it was."""

    def snapshot(self) -> Any: ...

    def restore(self, snapshot: Any, /) -> None: ...


def speed(runner: Runner, chunk: int, seconds: float) -> float:
    """Unit-ticks a second over at least `seconds`, in calls of `chunk` ticks."""
    worked_before = runner.unit_ticks
    start = perf_counter()
    while (passed := perf_counter() - start) < seconds:
        runner.run(chunk)
    return (runner.unit_ticks - worked_before) / passed


def median_speeds(runners: Mapping[str, tuple[Runner, int]], rounds: int, seconds: float) -> dict[str, float]:
    """The median speed of each (runner, chunk), all measured once in every round."""
    measured: dict[str, list[float]] = {name: [] for name in runners}
    for _ in range(rounds):
        for name, (runner, chunk) in runners.items():
            measured[name].append(speed(runner, chunk, seconds))
    return {name: median(speeds) for name, speeds in measured.items()}


def speed_again(runner: Rewinder, ticks: int, times: int) -> float:
    """Unit-ticks a second where the same ticks come so many times that a processor can learn their branches."""
    beginning = runner.snapshot()
    seconds = []
    for _ in range(times):
        runner.restore(beginning)
        worked_before = runner.unit_ticks
        start = perf_counter()
        runner.run(ticks)
        seconds.append(perf_counter() - start)
    return (runner.unit_ticks - worked_before) / median(seconds[times // 2 :])
