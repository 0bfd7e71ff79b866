"""What every memory is: a row of numbers a monster, zeros for one that has seen nothing yet."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn


class MemoryCore(nn.Module, ABC):
    """Takes features [..., inputs] in the order of time and gives features [..., width]."""

    def __init__(self, inputs: int, width: int, size: int) -> None:
        super().__init__()
        self.inputs = inputs
        self.width = width
        self.size = size  # numbers of a memory

    def check(self, x: Tensor, memory: Tensor, starts: Tensor | None = None) -> None:
        """ValueError unless there is a memory for each row of features, and a start for each of its moments."""
        if torch.compiler.is_compiling() or torch.jit.is_tracing():  # type: ignore[attr-defined, no-untyped-call]
            return  # an exported graph is of any batch, and would be tied to one by asking
        if memory.shape != (x.shape[0], self.size):
            raise ValueError(f"memory is of shape {tuple(memory.shape)}, expected {(x.shape[0], self.size)}")
        if starts is not None and starts.shape != x.shape[:2]:
            raise ValueError(f"starts is of shape {tuple(starts.shape)}, expected {tuple(x.shape[:2])}")

    @abstractmethod
    def step(self, x: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """One moment: features [batch, inputs] and memories [batch, size] to features and the memories after it."""

    @abstractmethod
    def unroll(self, x: Tensor, memory: Tensor, starts: Tensor) -> Tensor:
        """Many moments at once, as `step` would see them one by one: [rows, length, inputs] to [rows, length, width].

        `memory` [rows, size] is that before the first moment; where `starts` [rows, length] is true nothing before
        that moment is remembered.
        """
