"""Fast products are the usual ones, but for the last bits, forward and backward."""

import copy

import pytest
import torch
from torch import nn

from policies.layers import Trunk
from policies.products import AVAILABLE, FastLinear, use_fast_products

pytestmark = pytest.mark.skipif(not AVAILABLE, reason="this torch has no oneDNN products")


@pytest.mark.parametrize("rows", [1, 63, 64, 1000])
@pytest.mark.parametrize("widths", [(32, 32), (64, 128), (128, 64), (256, 32)])
def test_layers_and_gradients_are_the_usual_ones(rows, widths):
    usual = nn.Linear(*widths)
    fast = copy.deepcopy(usual)
    use_fast_products(fast)
    assert isinstance(fast, FastLinear)
    found = []
    for layer in (usual, fast):
        x = torch.linspace(-1, 1, rows * widths[0]).reshape(rows, -1).requires_grad_()
        y = layer(x)
        y.square().sum().backward()
        found.append((y.detach(), x.grad, layer.weight.grad, layer.bias.grad))
    for a, b in zip(*found, strict=True):
        assert torch.allclose(a, b, rtol=1e-4, atol=1e-4 * float(a.abs().max()))


def test_rows_of_rows_keep_their_shape():
    layer = nn.Linear(32, 64)
    fast = copy.deepcopy(layer)
    use_fast_products(fast)
    x = torch.rand(50, 6, 32)
    assert fast(x).shape == (50, 6, 64) and torch.allclose(fast(x), layer(x), atol=1e-5)


def test_a_network_keeps_its_weights_and_their_names():
    network = Trunk(64, 64, 2)
    before = copy.deepcopy(network.state_dict())
    use_fast_products(network)
    after = network.state_dict()
    assert list(before) == list(after) and all(torch.equal(before[name], after[name]) for name in before)
    assert sum(isinstance(module, FastLinear) for module in network.modules()) == 5


def test_narrow_layers_and_other_kinds_are_left_alone():
    network = nn.Sequential(nn.Linear(64, 10), nn.Linear(10, 64), nn.LayerNorm(64))
    use_fast_products(network)
    assert not any(isinstance(module, FastLinear) for module in network.modules())


def test_half_precision_and_inference_work():
    layer = nn.Linear(64, 64)
    use_fast_products(layer)
    assert layer.to(torch.bfloat16)(torch.rand(100, 64, dtype=torch.bfloat16)).dtype == torch.bfloat16
    layer.float()
    with torch.inference_mode():
        assert layer(torch.rand(100, 64)).shape == (100, 64)
