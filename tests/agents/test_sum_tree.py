"""The tree of sums against a plain array: its total, what is drawn where, and that weight 0 is never drawn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.learners.sum_tree import SumTree

SIZES = st.integers(1, 40)
LAST = float(np.nextafter(1.0, 0.0))


@st.composite
def writes(draw, weights):
    """A size, and lists of rows with their weights, written one after the other."""
    size = draw(SIZES)
    rows = st.lists(st.tuples(st.integers(0, size - 1), weights), max_size=12)
    return size, draw(st.lists(rows, max_size=5))


def written(size, lists) -> tuple[SumTree, np.ndarray]:
    tree, plain = SumTree(size), np.zeros(size)
    for some in lists:
        rows = np.array([row for row, _ in some], np.int64)
        weights = np.array([weight for _, weight in some], np.float64)
        tree.set(rows, weights)
        for row, weight in some:
            plain[row] = weight
    return tree, plain


@given(writes(st.floats(0.0, 1e12)))
def test_the_total_is_the_sum_of_the_last_weights(told):
    tree, plain = written(*told)
    assert np.array_equal(tree.weights, plain)
    assert tree.total == pytest.approx(plain.sum(), rel=1e-12)


@given(writes(st.integers(0, 1000)), st.data())
def test_a_place_finds_the_row_whose_share_of_the_sum_it_lies_in(told, data):
    tree, plain = written(*told)
    total = int(plain.sum())
    if not total:
        return
    ends = np.cumsum(plain)
    parts = np.array(data.draw(st.lists(st.integers(0, total - 1), min_size=1, max_size=20)))
    rows = tree.draw((parts + 0.5) / total)
    assert np.array_equal(rows, np.searchsorted(ends, parts, side="right"))


@given(writes(st.integers(0, 30)))
def test_each_row_is_drawn_in_proportion_to_its_weight(told):
    tree, plain = written(*told)
    total = int(plain.sum())
    if not total:
        return
    rows = tree.draw((np.arange(4 * total) + 0.5) / (4 * total))
    assert np.array_equal(np.bincount(rows, minlength=len(plain)), 4 * plain)


@given(writes(st.sampled_from([0.0, 0.0, 5e-324, 1e-300, 0.1, 0.3, 1.0, 1e12])), st.floats(0.0, 1.0, exclude_max=True))
def test_weight_0_is_never_drawn(told, place):
    tree, plain = written(*told)
    if plain.sum() == 0:
        with pytest.raises(ValueError, match="all weights are 0"):
            tree.draw(np.array([place]))
        return
    rows = tree.draw(np.array([0.0, place, LAST, 1.0]))
    assert (rows >= 0).all() and (rows < len(plain)).all()
    assert (plain[rows] > 0).all()


@given(writes(st.floats(0.0, 1e6)), writes(st.floats(0.0, 1e6)))
def test_what_was_restored_is_all_that_counts(told, other):
    tree, plain = written(*told)
    size = len(plain)
    again, _ = written(size, [[(row % size, weight) for row, weight in some] for some in other[1]])
    again.restore(plain)
    assert np.array_equal(again.weights, plain) and again.total == tree.total


def test_no_error_adds_up():
    tree = SumTree(64)
    random = np.random.default_rng(0)
    for _ in range(2000):
        tree.set(random.integers(64, size=8), random.random(8) * 10.0 ** random.integers(-8, 8, 8))
    tree.set(np.arange(64), np.zeros(64))
    assert tree.total == 0.0


@pytest.mark.parametrize(
    ("rows", "weights", "error", "words"),
    [
        ([-1], [1.0], IndexError, "rows are -1 to -1, expected 0 to 3"),
        ([0, 4], [1.0, 1.0], IndexError, "rows are 0 to 4, expected 0 to 3"),
        ([0], [-1.0], ValueError, "negative"),
        ([0], [float("nan")], ValueError, "not finite"),
        ([0], [float("inf")], ValueError, "not finite"),
    ],
)
def test_what_cannot_be_is_refused(rows, weights, error, words):
    tree = SumTree(4)
    with pytest.raises(error, match=words):
        tree.set(np.array(rows), np.array(weights))
    assert tree.total == 0.0


def test_nothing_may_be_written():
    tree = SumTree(4)
    tree.set(np.zeros(0, np.int64), np.zeros(0))
    assert tree.total == 0.0
    with pytest.raises(ValueError, match="size is 0"):
        SumTree(0)
