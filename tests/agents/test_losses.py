"""Losses against their definitions, and that what makes them least is what they are for."""

import numpy as np
import pytest
import torch

from agents.learners.losses import huber, quantile_huber


def slowly(quantiles: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    found = np.zeros(len(quantiles))
    for row in range(len(quantiles)):
        for i, quantile in enumerate(quantiles[row]):
            middle = (i + 0.5) / quantiles.shape[1]
            for draw in wanted[row]:
                gap = draw - quantile
                loss = 0.5 * gap**2 if abs(gap) <= 1 else abs(gap) - 0.5
                found[row] += abs(middle - (gap < 0)) * loss / wanted.shape[1]
    return found


@pytest.mark.parametrize(("count", "draws"), [(1, 1), (5, 5), (3, 8)])
def test_the_quantile_loss_is_its_definition(count, draws):
    random = np.random.default_rng(0)
    quantiles, wanted = random.normal(size=(6, count)) * 3, random.normal(size=(6, draws)) * 3
    found = quantile_huber(torch.from_numpy(quantiles), torch.from_numpy(wanted))
    np.testing.assert_allclose(found.numpy(), slowly(quantiles, wanted))


def test_the_quantiles_of_what_is_wanted_have_the_least_loss():
    wanted = torch.from_numpy(np.random.default_rng(0).exponential(20.0, (1, 4000)))
    quantiles = torch.zeros(1, 8, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([quantiles], lr=0.5)
    for _ in range(400):
        optimizer.zero_grad()
        quantile_huber(quantiles, wanted).sum().backward()
        optimizer.step()
    expected = np.quantile(wanted.numpy(), (np.arange(8) + 0.5) / 8)
    np.testing.assert_allclose(quantiles.detach().numpy()[0], expected, rtol=0.05, atol=1.0)


def test_huber_is_quadratic_near_and_linear_far():
    values = torch.tensor([[0.5], [-3.0]], requires_grad=True)
    losses = huber(values, torch.zeros(2, 1))
    assert losses[:, 0].tolist() == pytest.approx([0.125, 2.5])
    losses.sum().backward()
    assert values.grad is not None and values.grad[:, 0].tolist() == pytest.approx([0.5, -1.0])
