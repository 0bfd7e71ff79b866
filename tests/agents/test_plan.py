"""What fits: counted without memory, and told before it is too late."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.activations import FLOAT, bytes_a_row
from agents.catalog import TYPES
from agents.learners.build import make_card
from agents.plan import CONTEXT_BYTES, COPIES, GIB, Footprint, footprint, main, table, warning
from policies.actors import build_policy, meta_policy, parameters, spaces_of
from policies.sizes import SIZES

ACTING = [kind for kind in TYPES.values() if kind.control]


@pytest.mark.parametrize("algo", ["ppo", "ddqn", "qrdqn"])
def test_what_is_planned_is_what_is_built(algo):
    kind = TYPES["combat_dqn"]
    plan = footprint(kind, "tiny", algo)
    card = make_card(kind, "mage", "tiny", algo)
    policy = build_policy(card.policy_class, card.blocks, card.control, card.policy_arguments)
    learnt = sum(weight.numel() for group in policy.optimizer.param_groups for weight in group["params"])
    assert plan.trained == learnt and plan.deployed <= parameters(policy)
    assert plan.fp32_mb == pytest.approx(2 * plan.fp16_mb) and plan.fp16_mb >= plan.deployed * 2e-6


def test_targets_take_memory_and_are_not_learnt():
    kind = TYPES["combat_dqn"]
    by_values, target = footprint(kind, "tiny", "ddqn"), footprint(kind, "tiny", "ddqn").deployed
    assert by_values.trained == target  # a network of values is all that is learnt and all that is exported
    assert by_values.fixed_bytes - CONTEXT_BYTES == (COPIES + 1) * by_values.trained * FLOAT
    free = TYPES["soft_actor_critic"]
    card = make_card(free, "mage", "tiny", "sac")
    policy = build_policy(card.policy_class, card.blocks, card.control, card.policy_arguments)
    learnt = sum(parameters(policy.get_submodule(name)) for name in ("actor", "critic"))
    assert footprint(free, "tiny").trained == learnt


@pytest.mark.parametrize("kind", ACTING, ids=lambda kind: kind.name)
def test_larger_models_and_batches_take_more(kind):
    plans = [footprint(kind, size) for size in SIZES]
    for smaller, larger in pairwise(plans):
        assert smaller.deployed < larger.deployed
        assert smaller.training_bytes(512) < larger.training_bytes(512) < larger.training_bytes(1024)
        assert smaller.batch_in(12e9) >= larger.batch_in(12e9)


@given(st.integers(0, 10**12), st.integers(1, 10**6), st.integers(0, 10**13))
def test_the_batch_that_fits_is_the_largest_power_of_two(fixed, a_row, memory):
    plan = Footprint("made up", "tiny", 1, 0.1, 0.2, 1, fixed, a_row)
    batch = plan.batch_in(memory)
    if batch:
        assert batch.bit_count() == 1 and plan.training_bytes(batch) <= memory * (1 + 1e-9)
        assert plan.training_bytes(2 * batch) > memory * (1 - 1e-9)
    else:
        assert plan.training_bytes(1) > memory * (1 - 1e-9)


@pytest.mark.parametrize(("kind", "algo"), [(kind, algo) for kind in TYPES.values() for algo in kind.algos], ids=str)
def test_activations_are_counted_as_a_cpu_keeps_them(kind, algo):
    kind = kind.by(algo)
    card = make_card(kind, "mage", "small", algo)
    asked = (card.policy_class, card.blocks, card.control, card.policy_arguments)
    shapes = {name: space.shape or () for name, space in spaces_of(card.blocks, card.control)[0].items()}
    planned = bytes_a_row(meta_policy(*asked), shapes)
    assert planned == pytest.approx(bytes_a_row(build_policy(*asked), shapes), rel=0.15)
    assert planned < footprint(kind, "small", algo).bytes_a_row


def test_what_would_not_fit_is_told_with_what_would():
    kind = TYPES["movement_ppo"]
    plan = footprint(kind, "full")
    assert warning(kind, "small", "ppo", 256, 12e9) is None
    told = warning(kind, "full", "ppo", 1 << 22, 12e9)
    assert told is not None and "movement_ppo at full with a batch of 4,194,304" in told
    assert f"a batch of {plan.batch_in(12e9):,} fits" in told and f"{12e9 / GIB:.1f} GiB" in told
    hopeless = warning(kind, "full", "ppo", 64, 1e8)
    assert hopeless is not None and "choose --size small" in hopeless


def test_the_table_has_a_line_for_each_model_and_size():
    made = table(ACTING, SIZES, 8.0)
    assert made.row_count == 3 * len(ACTING) and "8 GB" in str(made.title)


def test_the_command_prints_the_plan(capsys):
    assert main(["skill_dqn", "--size", "tiny", "--size", "full", "--vram", "24"]) == 0
    told = capsys.readouterr().out
    assert told.count("skill_dqn") == 2 and "24 GB" in told and "combat_dqn" not in told
    assert main([]) == 0
    told = capsys.readouterr().out
    assert all(told.count(f" {kind.name} ") == len(SIZES) for kind in ACTING)


def test_the_command_answers_a_wrong_name_with_the_nearest(capsys):
    assert main(["skil_dqn"]) == 2
    assert "perhaps skill_dqn" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["--size", "huge"])


@pytest.mark.parametrize("gigabytes", ["-1", "0", "nan", "inf"])
def test_the_command_refuses_a_gpu_without_memory(capsys, gigabytes):
    assert main(["skill_dqn", f"--vram={gigabytes}"]) == 2
    assert f"--vram is {float(gigabytes):g}, expected gigabytes above 0" in capsys.readouterr().err


def test_nothing_is_allocated():
    kind = TYPES["movement_ppo"]
    card = make_card(kind, "mage", "full", "ppo")
    policy = meta_policy(card.policy_class, card.blocks, card.control, card.policy_arguments)
    assert all(tensor.is_meta for tensor in (*policy.parameters(), *policy.buffers()))
