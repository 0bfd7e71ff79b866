"""Statistics of observations: those of all rows seen, in whatever portions they came."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from policies.normalize import LEAST_VARIANCE, MOST, RunningScale, update_scales


@given(st.lists(st.integers(0, 9), min_size=1, max_size=6), st.integers(0, 2**32 - 1))
def test_portions_do_not_matter(portions, seed):
    random = np.random.default_rng(seed)
    rows = torch.from_numpy(random.normal(3.0, 2.0, (sum(portions), 4)).astype(np.float32))
    scale = RunningScale(4, "state")
    for part in rows.split(portions):
        scale.update(part)
    assert int(scale.count) == len(rows)
    if len(rows):
        torch.testing.assert_close(scale.mean, rows.mean(0), atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(scale.variance, rows.var(0, correction=0), atol=1e-3, rtol=1e-3)


def test_what_was_seen_comes_out_with_mean_0_and_variance_1():
    rows = torch.randn(4000, 3) * torch.tensor([0.1, 1.0, 20.0]) + torch.tensor([5.0, 0.0, -100.0])
    scale = RunningScale(3, "state")
    scale.update(rows)
    out = scale(rows)
    torch.testing.assert_close(out.mean(0), torch.zeros(3), atol=0.01, rtol=0)
    torch.testing.assert_close(out.var(0), torch.ones(3), atol=0.02, rtol=0)


def test_what_is_far_off_is_clipped_and_what_never_changes_does_not_explode():
    scale = RunningScale(2, "state")
    scale.update(torch.tensor([[1.0, 0.0], [1.0, 2.0]]))
    out = scale(torch.tensor([[1.0, 1e9], [1.0 + LEAST_VARIANCE**0.5, -1e9]]))
    torch.testing.assert_close(out, torch.tensor([[0.0, MOST], [1.0, -MOST]]), atol=1e-3, rtol=0)


def test_nothing_changes_but_in_update():
    scale = RunningScale(2, "state").train()
    before = {name: tensor.clone() for name, tensor in scale.state_dict().items()}
    scale(torch.randn(9, 2))
    scale.update(torch.zeros(0, 2))
    assert all(torch.equal(tensor, before[name]) for name, tensor in scale.state_dict().items())


def test_statistics_travel_with_the_weights():
    first, second = RunningScale(2, "state"), RunningScale(2, "state")
    first.update(torch.randn(9, 2) + 4)
    second.load_state_dict(first.state_dict())
    rows = torch.randn(5, 2)
    assert torch.equal(first(rows), second(rows))


def test_each_scale_sees_its_own_block():
    state, grid = RunningScale(2, "state"), RunningScale(3, "grid")
    network = nn.ModuleDict({"a": state, "b": grid, "c": nn.Linear(2, 2)})
    update_scales(network, {"state": torch.ones(4, 2)})
    assert (int(state.count), int(grid.count)) == (4, 0)


def test_a_great_count_still_takes_rows_in():
    scale = RunningScale(1, "state")
    scale.count.fill_(3e7)
    scale.update(torch.full((4096, 1), 100.0))
    assert float(scale.count) == 3e7 + 4096
    assert float(scale.mean) > 0.01
