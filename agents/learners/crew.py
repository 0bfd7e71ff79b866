"""Threads that each do their share and seldom meet."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import torch

Item = TypeVar("Item")
Made = TypeVar("Made")


class Crew:
    """`workers` threads, of which the caller's is one; each computes with one torch thread."""

    def __init__(self, workers: int) -> None:
        if workers < 1:
            raise ValueError(f"workers is {workers}, expected at least 1")
        self.workers = workers
        self._pool = (
            ThreadPoolExecutor(workers - 1, initializer=torch.set_num_threads, initargs=(1,)) if workers > 1 else None
        )

    def map(self, work: Callable[[Item], Made], items: Sequence[Item]) -> list[Made]:
        """What comes of each item, in their order; the caller works the first one off itself."""
        if self._pool is None or not items:
            return [work(item) for item in items]
        others = [self._pool.submit(work, item) for item in items[1:]]
        return [work(items[0]), *(other.result() for other in others)]

    def __deepcopy__(self, memo: dict[int, Any]) -> "Crew":
        return Crew(self.workers)
