"""What counts as agreement: numbers within the tolerance, decisions alike or equally good, masks kept."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.bundle.agreement import LIMITS, Agreement, compare
from agents.bundle.parity import Outcomes, Parity, Recall
from agents.bundle.ports import ACTION, SCORES
from mlmonster_env.envs.battle import MASK
from policies.actors import BOX, LOGITS, THREAT
from policies.masks import FORBIDDEN

TOLERANCE = 1e-2


def scored(scores, mask=None):
    scores = np.array(scores, np.float32)
    legal = np.ones_like(scores) if mask is None else np.array(mask, np.float32)
    told = np.where(legal > 0, scores, np.float32(FORBIDDEN))
    return {MASK: legal}, {SCORES: told, ACTION: told.argmax(1)}


def beside(one, other, mask=None):
    seen, reference = scored(one, mask)
    return compare(seen, reference, scored(other, mask)[1], LOGITS, TOLERANCE)


@given(st.integers(0, 2**32 - 1))
def test_everything_agrees_with_itself(seed):
    random = np.random.default_rng(seed)
    scores = random.normal(size=(5, 4))
    mask = random.random((5, 4)) < 0.5
    mask[:, 0] = True
    found = beside(scores, scores, mask)
    assert (found.worst, found.different, found.illegal, found.by_gap) == (0.0, 0, 0, 0)
    assert found.decisions == (mask.sum(1) > 1).sum() and found.failures(LIMITS["fp32"]) == []


@given(st.integers(0, 2**32 - 1), st.floats(0.0, 1.0))
def test_the_worst_is_never_hidden(seed, size):
    random = np.random.default_rng(seed)
    scores = random.normal(size=(6, 3)) * 10
    other = scores.copy()
    other[random.integers(6), random.integers(3)] += size
    found = beside(scores, other)
    expected = (np.abs(other - scores) / np.maximum(1, np.abs(scores))).max()
    assert found.worst == pytest.approx(expected, abs=1e-5)


def test_a_gap_below_the_tolerance_is_agreement_and_counted_apart():
    found = beside([[1.0, 0.995], [1.0, 0.9]], [[0.995, 1.0], [0.9, 1.0]])
    assert (found.same, found.by_gap, found.different, found.share) == (0, 1, 1, 0.5)
    assert "decisions are the same" in found.failures(LIMITS["fp16"])[1]


def test_what_is_masked_is_compared_by_legality():
    seen, reference = scored([[1.0, 5.0, 0.0]], [[1, 0, 1]])
    lower = {SCORES: np.array([[1.0, -60000.0, 0.0]], np.float32), ACTION: np.array([0])}
    assert compare(seen, reference, lower, LOGITS, TOLERANCE).failures(LIMITS["fp32"]) == []
    legal = {SCORES: np.array([[1.0, -5.0, 0.0]], np.float32), ACTION: np.array([0])}
    assert compare(seen, reference, legal, LOGITS, TOLERANCE).illegal == 1
    chosen = {**lower, ACTION: np.array([1])}
    assert compare(seen, reference, chosen, LOGITS, TOLERANCE).illegal == 1
    barred = {SCORES: np.array([[1.0, -60000.0, -60000.0]], np.float32), ACTION: np.array([0])}
    assert compare(seen, reference, barred, LOGITS, TOLERANCE).illegal == 1


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_what_is_not_finite_fails(number):
    found = beside([[1.0, 2.0]], [[1.0, number]])
    assert found.not_finite == 1 and "not finite" in found.failures(LIMITS["fp16"])[0]


def test_boxes_and_threats_are_decisions_too():
    box = {ACTION: np.zeros((2, 4), np.float32)}
    other = {ACTION: np.array([[0, 0, 0, 0.005], [0, 0, 0, 0.5]], np.float32)}
    found = compare({}, box, other, BOX, TOLERANCE)
    assert (found.decisions, found.same, found.different) == (2, 1, 1)
    entities = np.zeros((3, 12, 16), np.float32)
    entities[0, :2, 0] = entities[1, :2, 0] = entities[2, :1, 0] = 1.0
    told = np.zeros((3, 6, 3), np.float32)
    told[:, 0, 0] = 0.5
    turned = told.copy()
    turned[1, 1, 0] = 0.9
    found = compare({"entities": entities}, {THREAT: told}, {THREAT: turned}, THREAT, TOLERANCE)
    assert (found.decisions, found.same, found.different) == (2, 1, 1)


GOOD = Agreement(rows=2000, worst=1e-6, decisions=2000, same=2000)
OUTCOMES = Outcomes(
    what="wins against stock", scenario="mirror-v1", pairs=10, reference=0.6, reference_interval=(0.5, 0.7), found=0.5,
    difference=-0.1, difference_interval=(-0.2, 0.1), changed=4,
)  # fmt: skip
PARITY = Parity(
    precision="fp32",
    scenario="mirror-v1",
    states=2000,
    here=GOOD,
    agreement=GOOD,
    batches=GOOD,
    rollout=None,
    outcomes=OUTCOMES,
)


@pytest.mark.parametrize(("change", "told"), [
    ({"states": 1999}, "1999, expected 2000"),
    ({"agreement": Agreement(rows=2000, worst=2e-4, decisions=2000, same=2000)}, "states: .* 2.00e-04 off"),
    ({"agreement": Agreement(rows=2000, decisions=2000, same=1990, by_gap=7, different=3)}, "99.850%"),
    ({"here": Agreement(rows=2000, worst=2e-4, decisions=2000, same=2000)}, "states, here: .* 2.00e-04 off"),
    ({"batches": Agreement(rows=128, worst=1.0)}, "batch of 1 against 128"),
    ({"batches": Agreement()}, "no row was compared"),
    ({"rollout": Recall(steps=400, monsters=1, agreement=GOOD, worst_early=0, worst_late=0)}, "400 steps"),
    ({"rollout": Recall(steps=500, monsters=1, agreement=GOOD + Agreement(worst=1.0), worst_early=0, worst_late=1)},
     "500 steps in a row"),
    ({"outcomes": OUTCOMES.model_copy(update={"difference_interval": (-0.2, -0.01)})}, "wins against stock: 50.0%"),
])  # fmt: skip
def test_every_part_of_parity_can_fail(change, told):
    assert PARITY.failures() == []
    failures = PARITY.model_copy(update=change).failures()
    assert len(failures) == 1 and re.search(told, failures[0])
