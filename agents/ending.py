"""How a run ends before its time: asked to stop, good enough, or broken; and what may be changed then."""

import signal
from typing import Any, Protocol

import torch


class RunError(Exception):
    """A run that cannot begin, or had to end: what happened, what was saved, what to change."""


class Stopped(RunError):
    """A run that was asked to stop, and did so at a boundary."""

    def __init__(self, told: str, by: int) -> None:
        super().__init__(told)
        self.by = by


class Enough(Exception):
    """Training ends before its budget does, because it was good enough or grew no better."""


class Stoppable(Protocol):
    """What can be asked to stop: by which signal, once it was; and where that is said."""

    stopped: signal.Signals | None

    def say(self, text: str) -> None: ...


class Signals:
    """The first SIGINT or SIGTERM stops a run at its next boundary, the second at once."""

    def __init__(self, course: Stoppable) -> None:
        self._course = course
        self._before: dict[int, Any] = {}

    def __enter__(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            try:
                self._before[number] = signal.signal(number, self._take)
            except ValueError:  # not the main thread, as in some notebooks
                return

    def __exit__(self, *_: Any) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    def _take(self, number: int, frame: Any) -> None:
        if self._course.stopped is not None:
            raise KeyboardInterrupt
        self._course.stopped = signal.Signals(number)
        self._course.say(f"{self._course.stopped.name}: stopping at the next boundary; once more stops at once")


def advice(error: BaseException, learn: Any) -> str:
    """What to change after an error, of the options that the algorithm has."""
    text = str(error).lower()
    if isinstance(error, MemoryError | torch.cuda.OutOfMemoryError) or "out of memory" in text:
        parts = ", or learn.accumulate=2 for the same batch" if hasattr(learn, "accumulate") else ""
        return f"smaller: --set learn.batch_size=..., --set batch.matches=...{parts}"
    if isinstance(error, FloatingPointError):
        norm = ", or a lower learn.max_grad_norm" if hasattr(learn, "max_grad_norm") else ""
        return f"steadier: a lower --set learn.learning_rate.value=...{norm}"
    if isinstance(error, OSError) and getattr(error, "errno", None) == 28:
        return "the disk is full: make room, or choose another --out; then --resume"
    return ""
