"""Cores that remember: one moment at a time and many at once are the same, and nobody remembers too much."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from policies.actors import actor_of
from policies.memory import LSTMCore, MemoryCore, TransformerXLCore
from policies.memory.lstm import A_CALL, _stretches
from policies.sb3.memory import MemoryActorCriticPolicy
from tests.policies.models import memory_policy_of, sights, tensors

INPUTS, WIDTH, SPAN = 5, 8, 4
CORES: dict[str, Callable[[], MemoryCore]] = {
    "lstm": lambda: LSTMCore(INPUTS, WIDTH),
    "two lstms": lambda: LSTMCore(INPUTS, WIDTH, 2),
    "transformer": lambda: TransformerXLCore(INPUTS, WIDTH, 1, 2, SPAN),
    "two transformers": lambda: TransformerXLCore(INPUTS, WIDTH, 2, 2, SPAN),
    "wide transformer": lambda: TransformerXLCore(INPUTS, WIDTH, 2, 4, 40),
}
STARTS = st.tuples(
    st.integers(1, 4), st.integers(1, 23), st.sampled_from([0.0, 0.05, 0.3, 0.9, 1.0]), st.integers(0, 99)
)


def core(kind: str) -> MemoryCore:
    """A core in which nothing is zero by chance of how it begins."""
    torch.manual_seed(0)
    made = CORES[kind]()
    with torch.no_grad():
        for weight in made.parameters():
            weight.add_(0.3 * torch.randn_like(weight))
    return made


def drawn(rows: int, length: int, seed: int = 0) -> Tensor:
    return torch.randn(rows, length, INPUTS, generator=torch.Generator().manual_seed(seed))


def stepped(made: MemoryCore, x: Tensor, memory: Tensor, starts: Tensor) -> tuple[Tensor, Tensor]:
    """What a core tells moment by moment, and the memory at last."""
    told = []
    for moment in range(x.shape[1]):
        memory = memory * (~starts[:, moment, None]).float()
        seen, memory = made.step(x[:, moment], memory)
        told.append(seen)
    return torch.stack(told, 1), memory


def nothing(made: MemoryCore, rows: int) -> Tensor:
    return torch.zeros(rows, made.size)


def never(rows: int, length: int) -> Tensor:
    return torch.zeros(rows, length, dtype=torch.bool)


@pytest.mark.parametrize("kind", CORES)
@given(case=STARTS)
@settings(max_examples=25)
def test_many_moments_at_once_are_those_one_by_one(kind, case):
    rows, length, share, seed = case
    made = core(kind)
    starts = torch.from_numpy(np.random.default_rng(seed).random((rows, length)) < share)
    before = drawn(rows, 7, seed + 1)
    with torch.no_grad():
        _, memory = stepped(made, before, nothing(made, rows), never(rows, 7))
        x = drawn(rows, length, seed)
        told, _ = stepped(made, x, memory, starts)
        torch.testing.assert_close(made.unroll(x, memory, starts), told, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", CORES)
def test_gradients_are_those_of_steps(kind):
    made = core(kind)
    x, starts = drawn(3, 9), torch.from_numpy(np.random.default_rng(0).random((3, 9)) < 0.2)
    with torch.no_grad():
        _, memory = stepped(made, drawn(3, 5, 1), nothing(made, 3), never(3, 5))
    aim = drawn(3, 9, 2)[..., :1]
    found: list[list[Tensor | None]] = []
    for told in (made.unroll(x, memory, starts), stepped(made, x, memory, starts)[0]):
        (told * aim).sum().backward()
        found.append([weight.grad for weight in made.parameters()])
        made.zero_grad()
    for (name, _), one, other in zip(made.named_parameters(), *found, strict=True):
        assert one is not None and other is not None, name
        assert one.abs().max() > 0, name
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("kind", CORES)
def test_what_was_before_a_start_is_forgotten(kind):
    made = core(kind)
    x, starts = drawn(2, 12), never(2, 12)
    starts[0, 7] = True
    other = x.clone()
    other[:, :7] = drawn(2, 7, 5)
    memory = torch.ones(2, made.size)
    with torch.no_grad():
        one, two = made.unroll(x, memory, starts), made.unroll(other, memory * 0.5, starts)
    torch.testing.assert_close(one[0, 7:], two[0, 7:])
    assert not torch.allclose(one[1, 7:8], two[1, 7:8])


@pytest.mark.parametrize("kind", CORES)
@pytest.mark.parametrize("share", [0.0, 0.3])
def test_no_row_knows_of_another(kind, share):
    made = core(kind)
    starts = torch.from_numpy(np.random.default_rng(1).random((4, 11)) < share)
    x, memory = drawn(4, 11), torch.rand(4, made.size).round()
    with torch.no_grad():
        together = made.unroll(x, memory, starts)
        for row in range(4):
            one = slice(row, row + 1)
            torch.testing.assert_close(made.unroll(x[one], memory[one], starts[one]), together[one])
        x[1:] = 100.0
        memory[1:] = 7.0
        torch.testing.assert_close(made.unroll(x, memory, starts)[:1], together[:1])
        steps = made.step(x[:, 0], memory)
        alone = made.step(x[:1, 0], memory[:1])
    for lone, first in zip(alone, steps, strict=True):
        torch.testing.assert_close(lone, first[:1])


def test_moments_to_come_are_not_known():
    for kind in CORES:
        made = core(kind)
        x = drawn(2, 9)
        later = x.clone()
        later[:, 5:] = 3.0
        with torch.no_grad():
            one, two = (made.unroll(seen, nothing(made, 2), never(2, 9)) for seen in (x, later))
        torch.testing.assert_close(one[:, :5], two[:, :5])


def reach(made: MemoryCore, length: int) -> list[int]:
    """How many moments ago something can be and still change what is told at the last of `length` moments."""
    x = drawn(1, length).requires_grad_()
    told = made.unroll(x, nothing(made, 1), never(1, length))
    (moved,) = torch.autograd.grad(told[0, -1].sum() + told[0, -1, 0] * 3, x)
    return [length - 1 - int(moment) for moment in moved[0].abs().sum(-1).nonzero()[:, 0]]


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_each_layer_looks_as_far_back_as_its_span_and_no_further(layers):
    torch.manual_seed(0)
    made = TransformerXLCore(INPUTS, WIDTH, layers, 2, SPAN)
    assert sorted(reach(made, 20)) == list(range(layers * SPAN + 1))
    # Through a carried memory no further, and as far: what layers took in is kept, not made again.
    x = drawn(1, 20)
    for ago, known in ((layers * SPAN, True), (layers * SPAN + 1, False)):
        other = x.clone()
        other[:, 19 - ago] = 5.0
        with torch.no_grad():
            one, two = (stepped(made, seen, nothing(made, 1), never(1, 20))[0][:, -1] for seen in (x, other))
        assert torch.equal(one, two) != known


@pytest.mark.parametrize("kind", ["transformer", "two transformers"])
def test_the_time_that_passed_is_known(kind):
    made = core(kind)
    sign, rest = drawn(1, 1), drawn(1, 1, 1)
    told = []
    for ago in (1, 2, 3):
        x = rest.repeat(1, SPAN + 1, 1)
        x[:, SPAN - ago] = sign[:, 0]
        with torch.no_grad():
            told.append(made.unroll(x, nothing(made, 1), never(1, SPAN + 1))[:, -1])
    assert not torch.allclose(told[0], told[1], atol=1e-4) and not torch.allclose(told[1], told[2], atol=1e-4)


def test_without_a_span_nothing_is_remembered():
    torch.manual_seed(0)
    made = TransformerXLCore(INPUTS, WIDTH, 2, 2, 0)
    assert made.size == 0 and reach(made, 6) == [0]
    x = drawn(3, 6)
    told, memory = stepped(made, x, nothing(made, 3), never(3, 6))
    assert memory.shape == (3, 0)
    torch.testing.assert_close(made.unroll(x, memory, never(3, 6)), told)


def test_what_cannot_be_is_named():
    with pytest.raises(ValueError, match="span is -1, expected 0 moments or more"):
        TransformerXLCore(INPUTS, WIDTH, span=-1)
    with pytest.raises(ValueError, match="width is 10, expected a multiple of heads, 4"):
        TransformerXLCore(INPUTS, 10, heads=4)
    with pytest.raises(ValueError, match="layers is 0, expected at least 1"):
        TransformerXLCore(INPUTS, WIDTH, layers=0)


@pytest.mark.parametrize("kind", CORES)
def test_nobody_is_no_error(kind):
    made = core(kind)
    told, later = made.step(drawn(0, 1)[:, 0], nothing(made, 0))
    assert told.shape == (0, WIDTH) and later.shape == (0, made.size)


@pytest.mark.parametrize("kind", CORES)
def test_a_memory_for_each_row_and_a_start_for_each_moment(kind):
    made = core(kind)
    x, memory, starts = drawn(3, 6), nothing(made, 3), never(3, 6)
    for wrong in (memory[:1], memory[:, 1:], memory[0]):
        with pytest.raises(ValueError, match=rf"memory is of shape .*expected \(3, {made.size}\)"):
            made.step(x[:, 0], wrong)
        with pytest.raises(ValueError, match="memory is of shape"):
            made.unroll(x, wrong, starts)
    with pytest.raises(ValueError, match=r"starts is of shape \(3, 5\), expected \(3, 6\)"):
        made.unroll(x, memory, starts[:, 1:])


@pytest.mark.parametrize("kind", CORES)
@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64, torch.float32])
def test_starts_may_be_numbers(kind, dtype):
    made, x = core(kind), drawn(3, 6)
    _, memory = made.step(x[:, 0], nothing(made, 3))
    starts = torch.rand(3, 6, generator=torch.Generator().manual_seed(0)) < 0.3
    assert torch.equal(made.unroll(x, memory, starts.to(dtype)), made.unroll(x, memory, starts))


@given(case=STARTS)
def test_stretches_are_all_moments_once_and_begin_at_starts(case):
    rows, length, share, seed = case
    starts = torch.from_numpy(np.random.default_rng(seed).random((rows, length)) < share)
    seen = torch.zeros(rows, length, dtype=torch.int64)
    for group in _stretches(starts):
        spans = group[:, 2] - group[:, 1]
        assert int(spans.min()) >= 1
        for row, first, last in group.tolist():
            seen[row, first:last] += 1
            assert first == 0 or starts[row, first]
            assert last == length or starts[row, last]
            assert not starts[row, first + 1 : last].any()
    assert (seen == 1).all()


def padded(groups: list[Tensor]) -> int:
    """What groups cost, by their own measure."""
    return sum(int((group[:, 2] - group[:, 1]).max()) * (len(group) + A_CALL) for group in groups)


@given(case=STARTS)
def test_stretches_are_grouped_at_no_more_cost_than_all_alike_or_each_length_by_itself(case):
    rows, length, share, seed = case
    groups = _stretches(torch.from_numpy(np.random.default_rng(seed).random((rows, length)) < share))
    whole = torch.cat(groups)
    spans = whole[:, 2] - whole[:, 1]
    assert padded(groups) <= padded([whole])
    assert padded(groups) <= padded([whole[spans == span] for span in spans.unique()])


@pytest.mark.parametrize("kind", ["lstm", "transformer"])
def test_its_actor_is_exported_with_any_number_of_rows(kind):
    actor, seen, memory = acting(kind)
    rows = torch.export.Dim("rows", min=2, max=4096)
    program = torch.export.export(
        actor, (seen, memory), dynamic_shapes=({name: {0: rows} for name in seen}, {0: rows}), strict=False
    )
    agrees(program.module(), actor)


@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("kind", ["lstm", "transformer"])
def test_its_actor_is_traced(kind):
    actor, seen, memory = acting(kind)
    file = io.BytesIO()
    torch.jit.save(torch.jit.trace(actor, (seen, memory), strict=False), file)
    file.seek(0)
    agrees(torch.jit.load(file), actor)


def acting(kind: str) -> tuple[Any, dict[str, Tensor], Tensor]:
    policy = memory_policy_of(kind)
    assert isinstance(policy, MemoryActorCriticPolicy)
    actor: Any = actor_of(policy).eval().requires_grad_(False)
    return actor, tensors(sights(("state", "action_mask"), "combat", 6)), torch.zeros(6, actor.memory_size)


def agrees(made: Any, actor: Any) -> None:
    """Over some moments, and with another number of rows than it was made with."""
    memory = other = torch.zeros(3, actor.memory_size)
    for moment in range(12):
        seen = tensors(sights(("state", "action_mask"), "combat", 3, seed=moment))
        told, memory = actor(seen, memory)
        same, other = made(seen, other)
        torch.testing.assert_close(same, told, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(other, memory, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("heads", [0, -2])
def test_a_transformer_without_heads_is_refused(heads):
    with pytest.raises(ValueError, match=f"width is 8, expected a multiple of heads, {heads}"):
        TransformerXLCore(4, 8, 1, heads, 2)
