"""What is illegal is never chosen, whatever the network says of it and however few bits it says it in."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from policies.masks import FORBIDDEN, MASK, masked, masked_if_given
from policies.sb3.actor_critic import sample
from tests.policies.models import DISCRETE, KINDS, masks, model_of, policy_of, sights, tensors

ROWS = 400
PRECISIONS = [torch.float32, torch.bfloat16, torch.float16]
SCORES = st.lists(st.floats(-1000.0, 1000.0, width=16), min_size=1, max_size=10)


@pytest.mark.parametrize("precision", PRECISIONS, ids=str)
@given(SCORES, st.data())
def test_a_forbidden_action_has_probability_0_and_is_never_the_best(precision, scores, data):
    legal = data.draw(st.lists(st.booleans(), min_size=len(scores), max_size=len(scores)).filter(any))
    values = masked(torch.tensor([scores], dtype=precision), torch.tensor([legal]))
    probabilities = torch.softmax(values, -1)[0]
    assert values.dtype == precision and torch.isfinite(values).all()
    assert legal[int(values.argmax())]
    assert (probabilities[~torch.tensor(legal)] == 0.0).all()
    assert float(probabilities.sum()) == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("kind", [torch.int8, torch.bool, torch.float32, torch.float16])
def test_a_mask_may_be_of_any_kind_of_number(kind):
    values = masked(torch.zeros(1, 3), torch.tensor([[1, 0, 1]]).to(kind))
    assert values.tolist() == [[0.0, FORBIDDEN, 0.0]]


def test_all_quantiles_of_a_forbidden_action_are_forbidden():
    legal = torch.from_numpy(masks(5, 8))
    values = masked(torch.randn(8, 7, 5), legal)
    assert ((values == FORBIDDEN) == (legal == 0)[:, None, :]).all()


def test_without_a_mask_nothing_is_forbidden():
    values = torch.randn(2, 3)
    assert masked_if_given(values, {"state": torch.zeros(2, 64)}) is values
    assert masked_if_given(values, torch.zeros(2, 64)) is values


@given(SCORES, st.data(), st.floats(0.0, 1.0, exclude_max=True, width=32))
def test_a_draw_is_never_of_probability_0(scores, data, place):
    legal = data.draw(st.lists(st.booleans(), min_size=len(scores), max_size=len(scores)).filter(any))
    logits = masked(torch.tensor([scores] * 3), torch.tensor([legal] * 3))
    last = float(np.nextafter(np.float32(1), np.float32(0)))
    for drawn in sample(logits, torch.tensor([0.0, place, last])).tolist():
        assert legal[drawn]


def test_draws_are_as_likely_as_the_scores_say():
    logits = torch.tensor([[0.0, 1.0, FORBIDDEN, 2.0]]).repeat(40_000, 1)
    noise = (torch.arange(40_000) + 0.5) / 40_000
    shares = torch.bincount(sample(logits, noise), minlength=4) / 40_000
    assert torch.allclose(shares, torch.softmax(logits[0], -1), atol=1e-3)


@pytest.mark.parametrize("deterministic", [True, False])
@pytest.mark.parametrize("kind", DISCRETE)
def test_a_policy_never_chooses_what_is_forbidden(kind, deterministic):
    _, control, blocks, _ = KINDS[kind]
    seen = sights(blocks, control, ROWS)
    rows = np.arange(ROWS)
    wild = policy_of(kind)
    for parameter in wild.parameters():
        parameter.data *= 3.0
    for policy in (wild, policy_of(kind)):
        chosen, _ = policy.predict(seen, deterministic=deterministic)
        assert seen[MASK][rows, chosen].all()
    chosen, _ = model_of(kind).predict(seen, deterministic=deterministic)
    assert seen[MASK][rows, chosen].all()


@pytest.mark.parametrize("precision", [torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("kind", DISCRETE)
def test_what_is_forbidden_stays_so_in_half_precision(kind, precision):
    _, control, blocks, _ = KINDS[kind]
    seen = sights(blocks, control, ROWS)
    rows = {name: block.to(precision) for name, block in tensors(seen).items()}
    with torch.inference_mode():
        told = model_of(kind).actor.to(precision)(rows)
    assert told.dtype == precision and torch.isfinite(told).all()
    assert seen[MASK][np.arange(ROWS), told.argmax(1).numpy()].all()
    assert (torch.softmax(told, -1)[torch.from_numpy(seen[MASK] == 0)] == 0.0).all()


@pytest.mark.parametrize("kind", DISCRETE)
def test_half_precision_says_nearly_the_same(kind):
    _, control, blocks, _ = KINDS[kind]
    rows = tensors(sights(blocks, control, ROWS))
    model = model_of(kind)
    with torch.inference_mode():
        whole = model.actor(rows)
        half = model.actor.half()({name: block.half() for name, block in rows.items()})
    assert (whole - half.float()).abs().max() < 0.02


def test_the_probability_of_what_is_forbidden_is_0_in_the_policy_that_learns():
    _, control, blocks, _ = KINDS["logits"]
    seen = sights(blocks, control, ROWS)
    policy = policy_of("logits")
    with torch.no_grad():
        distribution = policy.get_distribution(tensors(seen)).distribution
        _, log_probs, entropy = policy.evaluate_actions(tensors(seen), torch.from_numpy(seen[MASK]).argmax(1))
    assert (distribution.probs[torch.from_numpy(seen[MASK] == 0)] == 0.0).all()
    assert torch.isfinite(log_probs).all()
    assert entropy is not None and torch.isfinite(entropy).all() and (entropy >= 0).all()
    alone = torch.from_numpy(seen[MASK].sum(1) == 1)
    assert alone.any() and torch.allclose(entropy[alone], torch.zeros(()), atol=1e-6)
