"""An LSTM that is stepped by its own formulas and unrolled by torch's fused kernels, resets and all."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from policies.memory.core import MemoryCore

Array = np.ndarray[Any, np.dtype[Any]]
A_CALL = 6  # stretches, whose work is what each moment of a fused call costs beside them


class LSTMCore(MemoryCore):
    """Layers of LSTM; a memory holds every layer's output and cell."""

    def __init__(self, inputs: int, width: int, layers: int = 1) -> None:
        super().__init__(inputs, width, 2 * layers * width)
        self.layers = layers
        self.lstm = nn.LSTM(inputs, width, layers)

    def step(self, x: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """As the base class says."""
        self.check(x, memory)
        held = memory.reshape(-1, 2 * self.layers, self.width)
        outputs, cells = [], []
        for layer in range(self.layers):
            w_in, w_own, b_in, b_own = (
                getattr(self.lstm, f"{name}_l{layer}") for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            )
            gates = nn.functional.linear(x, w_in, b_in) + nn.functional.linear(held[:, layer], w_own, b_own)
            let_in, keep, fresh, let_out = gates.chunk(4, 1)
            cell = torch.sigmoid(keep) * held[:, self.layers + layer] + torch.sigmoid(let_in) * torch.tanh(fresh)
            x = torch.sigmoid(let_out) * torch.tanh(cell)
            outputs.append(x)
            cells.append(cell)
        return x, torch.cat([*outputs, *cells], 1)

    def unroll(self, x: Tensor, memory: Tensor, starts: Tensor) -> Tensor:
        """As the base class says. Between two resets lies a stretch; stretches of like length share one fused call."""
        self.check(x, memory, starts)
        starts = starts.bool()
        held = memory * (~starts[:, :1]).to(memory)
        if not bool(starts[:, 1:].any()):
            return self._fused(x, held)
        rows, length, _ = x.shape
        flat = x.reshape(rows * length, -1)
        parts, places = [], []
        for group in _stretches(starts.cpu()):
            row, first, last = group.unbind(1)
            longest = int((last - first).max())
            steps = first[:, None] + torch.arange(longest)
            there = steps < last[:, None]
            where = (row[:, None] * length + torch.minimum(steps, last[:, None] - 1)).to(x.device)
            known = (first == 0).to(held.dtype).to(x.device)[:, None]  # later stretches begin with nothing
            told = self._fused(flat[where.flatten()].reshape(len(group), longest, -1), held[row.to(x.device)] * known)
            parts.append(told.reshape(-1, self.width)[there.flatten().to(x.device)])
            places.append(where.flatten()[there.flatten().to(x.device)])
        order = torch.cat(places).argsort()
        return torch.cat(parts)[order].reshape(rows, length, self.width)

    def _fused(self, x: Tensor, memory: Tensor) -> Tensor:
        held = memory.reshape(-1, 2, self.layers, self.width).permute(1, 2, 0, 3).contiguous()
        told, _ = self.lstm(x.transpose(0, 1).contiguous(), (held[0], held[1]))
        return told.transpose(0, 1)  # type: ignore[no-any-return]


def _stretches(starts: Tensor) -> list[Tensor]:
    """Stretches without a reset: rows of (row, first, last + 1), in groups of like length to be padded alike."""
    rows, length = starts.shape
    begins = starts.clone()
    begins[:, 0] = True
    at = begins.flatten().nonzero()[:, 0]
    ends = torch.cat([at[1:], torch.tensor([rows * length])])
    row = at // length
    found = torch.stack([row, at % length, ends - row * length], 1)
    spans = found[:, 2] - found[:, 1]
    lengths, counts = np.unique(spans.numpy(), return_counts=True)
    return [found[(spans > low) & (spans <= high)] for low, high in _alike(lengths, counts)]


def _alike(lengths: Array, counts: Array) -> list[tuple[int, int]]:
    """Lengths in rising order, and how many stretches have each, to groups (above, up to) that cost least in all.

    A group costs its longest stretch times its stretches and `A_CALL`.
    """
    ends = np.concatenate([[0], lengths])
    below = np.concatenate([[0], counts.cumsum()])
    least = np.zeros(len(ends))  # cost of the stretches up to each length
    first = np.zeros(len(ends), np.int64)  # where the last of their groups begins
    for last in range(1, len(ends)):
        costs = least[:last] + ends[last] * (below[last] - below[:last] + A_CALL)
        first[last] = costs.argmin()
        least[last] = costs[first[last]]
    groups, last = [], len(lengths)
    while last:
        groups.append((int(ends[first[last]]), int(ends[last])))
        last = int(first[last])
    return groups
