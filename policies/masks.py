"""Which actions may be taken, inside networks: what is illegal is worth so little that nothing ever chooses it."""

import torch
from torch import Tensor

from mlmonster_env.envs.arguments import MASK as MASK

FORBIDDEN = -30000.0  # finite in half precision, and its exponential is 0


def masked(values: Tensor, mask: Tensor) -> Tensor:
    """Values [..., actions] with `FORBIDDEN` where the mask [batch, actions] is 0."""
    legal = mask > 0.5
    while legal.dim() < values.dim():
        legal = legal.unsqueeze(1)
    return torch.where(legal, values, torch.full_like(values, FORBIDDEN))


def masked_if_given(values: Tensor, observations: object) -> Tensor:
    """Values under the mask that observations hold, or as they are where there is none."""
    if isinstance(observations, dict) and MASK in observations:
        return masked(values, observations[MASK])
    return values
