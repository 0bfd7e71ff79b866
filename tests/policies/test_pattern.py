"""A pattern network sees the frames that are there, in their order, and nothing else."""

import numpy as np
import pytest
import torch
from gymnasium import spaces

from mlmonster_env.contract import HISTORY, LATENT, STATE_SIZE
from mlmonster_env.envs.battle import block_space
from policies.normalize import update_scales
from policies.pattern import STYLES, PatternNetwork, Projection, contrastive_loss, seen_frames
from policies.sizes import TINY, widths_of


def network(**named):
    torch.manual_seed(0)
    made = PatternNetwork(widths=TINY, **named)
    update_scales(made, {"frame": torch.rand(64, STATE_SIZE)})
    return made.eval()


def frames(count=4, seed=0):
    return 0.1 + 0.9 * torch.rand(count, HISTORY, STATE_SIZE, generator=torch.Generator().manual_seed(seed))


def only_last(told, count):
    shown = told.clone()
    shown[:, : HISTORY - count] = 0
    return shown


def test_scores_and_a_latent_come_out():
    told = network()({"history": frames()})
    assert told.shape == (4, STYLES + LATENT) and told.isfinite().all()
    assert network(classes=3)({"history": frames()}).shape == (4, 3 + LATENT)


@pytest.mark.parametrize("size", ["tiny", "small"])
def test_an_empty_history_is_no_error(size):
    torch.manual_seed(0)
    made = PatternNetwork(widths=widths_of("pattern_recognition", size))
    history = frames()
    history[1] = 0
    history.requires_grad_()
    told = made({"history": history})
    told.sum().backward()
    assert told.isfinite().all() and history.grad.isfinite().all()
    assert all(p.grad is None or p.grad.isfinite().all() for p in made.parameters())


@pytest.mark.parametrize("seed", range(8))
def test_what_stands_in_absent_frames_does_not_matter(seed):
    random = torch.Generator().manual_seed(seed)
    made, told = network(), frames(seed=seed)
    present = (torch.rand(4, HISTORY, generator=random) < torch.rand(4, 1, generator=random)).float()
    present[0] = 0
    present[1, : HISTORY - 31] = 0
    other = torch.where(present[..., None] > 0.5, told, 100 * torch.randn(told.shape, generator=random))
    other[2][present[2] < 0.5] = torch.nan
    assert torch.equal(made.encode(told, present), made.encode(other, present))


@pytest.mark.parametrize("count", [1, 10, 29, 30, 31, 60, 89])
def test_zeros_are_frames_that_were_not_seen(count):
    made, told = network(), frames()
    present = torch.zeros(4, HISTORY)
    present[:, HISTORY - count :] = 1
    short = made({"history": only_last(told, count)})
    assert torch.equal(seen_frames(only_last(told, count)), present)
    assert torch.equal(short[:, STYLES:], made.encode(told, present))
    assert not torch.allclose(short, made({"history": told}), atol=1e-3)


def test_rows_do_not_know_of_each_other():
    made, told = network(), only_last(frames(), 40)
    together = made({"history": told})
    alone = torch.cat([made({"history": row[None]}) for row in told])
    assert torch.allclose(together, alone, atol=1e-5)


def test_order_matters():
    made, told = network(), frames()
    assert not torch.allclose(made({"history": told}), made({"history": told.flip(1)}), atol=1e-3)
    later = told.roll(1, 1)
    assert not torch.allclose(made({"history": told}), made({"history": later}), atol=1e-4)


def test_the_temperature_is_of_the_scores_alone():
    made, told = network(), frames()
    before = made({"history": told})
    made.temperature.fill_(2.0)
    after = made({"history": told})
    assert torch.allclose(after[:, :STYLES] * 2, before[:, :STYLES])
    assert torch.equal(after[:, STYLES:], before[:, STYLES:])


def test_it_takes_histories_alone():
    PatternNetwork(spaces.Dict({"history": block_space("history", "")}), TINY)
    with pytest.raises(ValueError, match="expected 'history'"):
        PatternNetwork(spaces.Dict({"state": block_space("state", "combat")}), TINY)
    with pytest.raises(ValueError, match="classes is 1, expected at least 2"):
        PatternNetwork(classes=1)


def test_full_size_is_what_is_deployed():
    with torch.device("meta"):
        made = PatternNetwork(widths=widths_of("pattern_recognition", "full"))
    megabytes = 2e-6 * sum(t.numel() for t in (*made.parameters(), *made.buffers()))
    assert 225 <= megabytes <= 275


def test_it_is_exported_with_any_number_of_rows():
    made, told = network(), only_last(frames(), 33)
    program = torch.export.export(
        made, ({"history": told},), dynamic_shapes=({"history": {0: torch.export.Dim("rows", min=1, max=4096)}},)
    )
    fewer = told[:3].clone()
    fewer[0] = 0
    assert torch.allclose(program.module()({"history": fewer}), made({"history": fewer}), atol=1e-5)


def test_projections_are_of_length_one():
    told = Projection()(torch.randn(5, LATENT))
    assert torch.allclose(told.norm(dim=1), torch.ones(5))


def test_contrastive_losses_that_are_known():
    here, there = [1.0, 0.0], [0.0, 1.0]
    styles, matches = torch.tensor([0, 0, 1, 1]), torch.tensor([0, 1, 2, 3])
    apart = contrastive_loss(torch.tensor([here, here, there, there]), styles, matches, temperature=1.0)
    # One like it at 1, two others at 0.
    assert apart.item() == pytest.approx(-1 + np.log(np.e + 2), abs=1e-6)
    alike = contrastive_loss(torch.tensor([here] * 4), styles, matches, temperature=0.1)
    assert alike.item() == pytest.approx(np.log(3), abs=1e-5)


def test_windows_of_one_match_are_neither_alike_nor_unlike():
    points = torch.nn.functional.normalize(torch.randn(5, 4, generator=torch.Generator().manual_seed(1)), dim=1)
    styles, matches = torch.tensor([0, 0, 1, 1, 0]), torch.tensor([0, 1, 2, 3, 0])
    without = contrastive_loss(points[:4], styles[:4], matches[:4], 1.0)
    lone = contrastive_loss(points[:2], torch.tensor([0, 0]), torch.tensor([5, 5]), 1.0)
    assert lone.item() == 0.0
    near = points @ points.T
    own = [float(torch.logsumexp(near[a, others], 0) - near[a, b]) for a, b, others in (
        (0, 1, [1, 2, 3]), (1, 0, [0, 2, 3]), (2, 3, [0, 1, 3]), (3, 2, [0, 1, 2]))]  # fmt: skip
    assert without.item() == pytest.approx(np.mean(own), abs=1e-5)


def test_where_nothing_is_alike_there_is_no_loss_and_no_nan():
    points = torch.nn.functional.normalize(torch.randn(3, 4), dim=1).requires_grad_()
    loss = contrastive_loss(points, torch.tensor([0, 1, 2]), torch.tensor([0, 1, 2]))
    loss.backward()
    assert loss.item() == 0.0 and points.grad is not None and points.grad.isfinite().all()
    same = torch.nn.functional.normalize(torch.randn(2, 4), dim=1).requires_grad_()
    contrastive_loss(same, torch.tensor([0, 0]), torch.tensor([0, 0])).backward()
    assert same.grad is not None and same.grad.isfinite().all()
