"""Observation statistics that live in a network and so travel with its weights."""

import torch
from torch import Tensor, nn

MOST = 5.0  # standard deviations from the mean that are let through
LEAST_VARIANCE = 1e-4


class RunningScale(nn.Module):
    """Brings features to mean 0 and variance 1, as they were seen in training. Changes only in `update`."""

    mean: Tensor
    variance: Tensor
    count: Tensor

    def __init__(self, size: int, block: str) -> None:
        super().__init__()
        self.block = block
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("variance", torch.ones(size))
        self.register_buffer("count", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        """Features [..., size], scaled and clipped."""
        scaled = (x - self.mean) * torch.rsqrt(torch.clamp(self.variance, min=LEAST_VARIANCE))
        return torch.clamp(scaled, -MOST, MOST)

    @torch.no_grad()
    def update(self, rows: Tensor) -> None:
        """Take rows [n, size] into the statistics."""
        fresh = float(len(rows))
        if not fresh:
            return
        total = self.count + fresh
        mean = rows.mean(0)
        gap = mean - self.mean
        squares = self.variance * self.count + rows.var(0, correction=0) * fresh
        self.variance.copy_((squares + gap**2 * self.count * fresh / total) / total)
        self.mean.add_(gap * fresh / total)
        self.count.copy_(total)


def update_scales(network: nn.Module, observations: dict[str, Tensor]) -> None:
    """Let every scale of a network see observations, arrays by block."""
    for module in network.modules():
        if isinstance(module, RunningScale) and module.block in observations:
            module.update(observations[module.block])
