"""What every memory is: a row of numbers a monster, zeros for one that has seen nothing yet."""

from abc import ABC, abstractmethod

from torch import Tensor, nn


class MemoryCore(nn.Module, ABC):
    """Takes features [..., inputs] in the order of time and gives features [..., width]."""

    def __init__(self, inputs: int, width: int, size: int) -> None:
        super().__init__()
        self.inputs = inputs
        self.width = width
        self.size = size  # numbers of a memory

    @abstractmethod
    def step(self, x: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """One moment: features [batch, inputs] and memories [batch, size] to features and the memories after it."""

    @abstractmethod
    def unroll(self, x: Tensor, memory: Tensor, starts: Tensor) -> Tensor:
        """Many moments at once, as `step` would see them one by one: [rows, length, inputs] to [rows, length, width].

        `memory` [rows, size] is that before the first moment; where `starts` [rows, length] is true nothing before
        that moment is remembered.
        """
