"""How far values are off."""

import torch
from torch import Tensor, nn


def huber(values: Tensor, wanted: Tensor) -> Tensor:
    """Of each row: quadratic near, linear far."""
    return nn.functional.smooth_l1_loss(values, wanted, reduction="none")


def quantile_huber(quantiles: Tensor, wanted: Tensor) -> Tensor:
    """Of each row, how far quantiles [batch, n] are off draws of the distribution [batch, m]: summed over n."""
    count = quantiles.shape[1]
    middles = (torch.arange(count, device=quantiles.device, dtype=quantiles.dtype) + 0.5) / count
    gap = wanted[:, None, :] - quantiles[:, :, None]
    far = gap.abs()
    loss = torch.where(far > 1, far - 0.5, 0.5 * gap**2)
    return ((middles[:, None] - (gap.detach() < 0).to(loss.dtype)).abs() * loss).sum(1).mean(1)
