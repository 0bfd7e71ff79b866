"""How a run is going, for the person who watches: a bar on a terminal, plain lines elsewhere."""

import sys
from time import monotonic
from typing import Any, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

LINE_EVERY_S = 15.0
RATE_OVER_S = 30.0
MANY = 10_000  # decisions


def counted(decisions: int) -> str:
    """A number of decisions as it is said: by the million where there are many."""
    return f"{decisions / 1e6:.2f} M" if decisions >= MANY else f"{decisions:,}"


class ProgressLine:
    """Rate and time left are of training alone: evaluation and checkpoints do not count."""

    def __init__(self, total: int, begun_at: int = 0, stream: TextIO | None = None, *, trained_s: float = 0.0) -> None:
        self.total = total
        self._stream = sys.stdout if stream is None else stream
        self._terminal = self._stream.isatty()
        self._moments: list[tuple[float, int]] = [(trained_s, begun_at)]
        self._told = -LINE_EVERY_S
        self._facts: dict[str, str] = {}
        self._bar: Progress | None = None
        self._task: Any = None
        if self._terminal:
            self._bar = Progress(
                BarColumn(24), TextColumn("{task.percentage:>5.1f}%"), TextColumn("{task.description}", markup=False),
                console=Console(file=self._stream), transient=True,
            )  # fmt: skip
            self._task = self._bar.add_task("compiling", total=total, completed=begun_at)
            self._bar.start()

    def update(self, steps: int, trained_s: float, **facts: str) -> None:
        """So many decisions were made in so many seconds of training; facts are texts to show."""
        self._facts.update(facts)
        self._moments.append((trained_s, steps))
        while len(self._moments) > 2 and self._moments[0][0] < trained_s - RATE_OVER_S:
            self._moments.pop(0)
        text = self.text(steps)
        if self._bar is not None:
            self._bar.update(self._task, completed=steps, description=text)
        elif monotonic() - self._told >= LINE_EVERY_S:
            self._told = monotonic()
            print(f"{min(steps / self.total, 1.0):6.1%} {text}", file=self._stream, flush=True)

    def text(self, steps: int) -> str:
        """Decisions, rate, time left, and the facts."""
        (first_s, first), (last_s, last) = self._moments[0], self._moments[-1]
        rate = (last - first) / (last_s - first_s) if last_s > first_s else 0.0
        left = max(self.total - steps, 0) / rate if rate > 0 else 0.0
        pace = f"{rate:,.0f}/s  {left / 60:.1f} min left" if rate > 0 else ""  # nothing is known of it yet
        facts = "  ".join(f"{name} {value}" for name, value in self._facts.items())
        return f"{counted(steps)} decisions  {pace}  {facts}".rstrip()

    def say(self, text: str) -> None:
        """A line that stays."""
        if self._bar is not None:
            self._bar.console.print(text, highlight=False, markup=False, emoji=False, soft_wrap=True)
        else:
            print(text, file=self._stream, flush=True)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
