"""Dueling heads: the gains of actions have mean 0, so that what a situation is worth is told apart from them."""

import pytest
import torch

from policies.heads import DuelingHead, DuelingQuantileHead
from policies.layers import ResidualBlock, Trunk


def test_the_mean_of_values_is_what_the_situation_is_worth():
    head = DuelingHead(12, 7, 9)
    features = torch.randn(5, 12)
    values = head(features)
    assert values.shape == (5, 7)
    torch.testing.assert_close(values.mean(-1, keepdim=True), head.worth(features))
    gains = values - head.worth(features)
    torch.testing.assert_close(gains.mean(-1), torch.zeros(5), atol=1e-6, rtol=0)
    assert gains.std() > 0.01


def test_the_mean_over_actions_of_each_quantile_is_its_worth():
    head = DuelingQuantileHead(12, 7, 5, 9)
    features = torch.randn(4, 12)
    values = head(features)
    assert values.shape == (4, 5, 7)
    torch.testing.assert_close(values.mean(-1), head.worth(features))


def test_what_is_added_to_all_gains_changes_nothing():
    head = DuelingHead(12, 7, 9)
    features = torch.randn(5, 12)
    before = head(features)
    with torch.no_grad():
        list(head.gain.parameters())[-1].add_(3.0)
    torch.testing.assert_close(head(features), before)


def test_a_residual_block_that_says_nothing_passes_features_on():
    block = ResidualBlock(8)
    torch.nn.init.zeros_(block.outer.weight)
    torch.nn.init.zeros_(block.outer.bias)
    features = torch.randn(3, 8)
    assert torch.equal(block(features), features)


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_a_trunk_of_any_depth_gives_positive_numbers_of_its_width(depth):
    trunk = Trunk(5, 8, depth)
    out = trunk(torch.randn(4, 5))
    assert out.shape == (4, 8) and (out >= 0).all()
    assert len(list(trunk.blocks)) == depth
