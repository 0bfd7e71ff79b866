"""Widths by size, and counting what they come to without memory for it."""

import pytest
import torch
from gymnasium import spaces
from torch import nn

from mlmonster_env.contract import MODEL_TYPES
from policies.actors import actor_of, build_actor, megabytes, meta_policy, parameters, spaces_of
from policies.sizes import FULL, SIZES, SMALL, TINY, widths_of
from tests.policies.models import KINDS, policy_of


@pytest.mark.parametrize("model_type", FULL)
def test_sizes_grow(model_type):
    tiny, small, full = (widths_of(model_type, size) for size in SIZES)
    assert (tiny, small, full) == (TINY, SMALL, FULL[model_type])
    assert tiny.trunk < small.trunk < full.trunk


def test_full_widths_are_of_known_types():
    assert set(FULL) <= set(MODEL_TYPES)


def test_an_unknown_size_is_named():
    with pytest.raises(ValueError, match="size is 'huge', expected one of tiny, small, full"):
        widths_of("combat_dqn", "huge")


@pytest.mark.parametrize("size", SIZES)
def test_an_unknown_type_is_named_at_every_size(size):
    with pytest.raises(ValueError, match="model_type is 'combat_dqm', expected perhaps combat_dqn"):
        widths_of("combat_dqm", size)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_counted_without_memory_is_what_is_built(kind):
    made, control, blocks, arguments = KINDS[kind]
    counted = meta_policy(made, blocks, control, dict(arguments))
    built = policy_of(kind)
    assert all(weight.is_meta for weight in counted.parameters())
    assert parameters(actor_of(counted)) == parameters(actor_of(built))
    assert parameters(counted) == parameters(built)
    assert megabytes(actor_of(counted)) == megabytes(actor_of(built)) > 0


@pytest.mark.parametrize("kind", KINDS)
def test_the_acting_part_is_built_alone_and_shares_weights_with_its_policy(kind):
    made, control, blocks, arguments = KINDS[kind]
    policy = policy_of(kind)
    actor = actor_of(policy)
    own = {weight.data_ptr() for weight in policy.parameters()}
    assert all(weight.data_ptr() in own for weight in actor.parameters())
    alone = build_actor(made, blocks, control, dict(arguments))
    assert not alone.training and not any(weight.requires_grad for weight in alone.parameters())
    alone.load_state_dict(actor.state_dict())


def test_shared_numbers_are_counted_once():
    layer = nn.Linear(3, 3)
    both = nn.ModuleList([layer, layer])
    assert parameters(both) == parameters(layer) == 12
    layer.register_buffer("seen", torch.zeros(4))
    assert megabytes(both, 2) == pytest.approx(32e-6)


def test_what_is_no_policy_of_ours_has_no_acting_part():
    with pytest.raises(TypeError, match="policy is a Linear, expected one of MaskedActorCriticPolicy"):
        actor_of(nn.Linear(1, 1))


def test_spaces_are_those_of_the_environment():
    seen, done = spaces_of(("state", "action_mask"), "skill")
    assert seen["state"].shape == (64,) and seen["action_mask"].shape == (9,)
    assert done == spaces.Discrete(9)
    assert spaces_of(("state",), "continuous")[1].shape == (4,)
