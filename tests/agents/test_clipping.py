"""Clipping is torch's own."""

import copy
from typing import Any

import pytest
import torch
from torch import nn

from agents.learners.clipping import clip_gradients


@pytest.mark.parametrize("most", [0.01, 0.5, 1e6])
def test_gradients_are_clipped_as_torch_clips_them(most):
    network = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2))
    network(torch.rand(32, 8)).square().sum().backward()
    other = copy.deepcopy(network)
    pairs: list[Any] = list(zip(network.parameters(), other.parameters(), strict=True))
    for own, theirs in pairs:
        theirs.grad = own.grad.clone()
    nn.utils.clip_grad_norm_(other.parameters(), most)
    clip_gradients(list(network.parameters()), most)
    for own, theirs in pairs:
        assert torch.allclose(own.grad, theirs.grad, rtol=1e-5)


def test_no_gradients_are_no_mistake():
    clip_gradients(list(nn.Linear(2, 2).parameters()), 1.0)
