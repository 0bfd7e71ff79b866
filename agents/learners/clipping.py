"""Gradients held to a greatest norm: what torch's clip_grad_norm_ does, in fewer calls."""

from collections.abc import Sequence

import torch
from torch import Tensor


@torch.no_grad()
def clip_gradients(parameters: Sequence[Tensor], most: float) -> None:
    """Shrink all gradients alike if their common norm is above `most`; they are on one device and of one kind."""
    gradients = [p.grad for p in parameters if p.grad is not None]
    if not gradients:
        return
    norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
    torch._foreach_mul_(gradients, torch.clamp(most / (norm + 1e-6), max=1.0))
