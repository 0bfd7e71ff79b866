"""Policies of Stable-Baselines3 over our networks: what each gives, and that none of them is unpickled."""

import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3.common.distributions import CategoricalDistribution

from policies.actors import actor_of, build_policy, spaces_of
from policies.extractors import JointExtractor
from policies.masks import FORBIDDEN, MASK
from policies.sb3.actor_critic import MaskedActorCriticPolicy
from policies.sb3.memory import MemoryActorCriticPolicy
from policies.sb3.values import DuelingQPolicy, DuelingQuantilePolicy
from policies.sizes import TINY, Widths
from tests.policies.models import JOINT, KINDS, Hostile, policy_of, sights, tensors

ROWS = 32


def seen_by(kind: str) -> dict[str, torch.Tensor]:
    _, control, blocks, _ = KINDS[kind]
    return tensors(sights(blocks, control, ROWS))


def test_all_ways_to_ask_an_actor_critic_agree():
    policy, seen = policy_of("logits"), seen_by("logits")
    with torch.no_grad():
        logits, values = policy.logits_and_values(seen)
        actions, values_too, log_probs = policy.forward(seen, deterministic=True)
        evaluated, log_probs_too, entropy = policy.evaluate_actions(seen, actions)
        distribution = policy.get_distribution(seen)
        torch.testing.assert_close(actor_of(policy)(seen), logits)
        torch.testing.assert_close(policy.predict_values(seen)[:, 0], values)
    assert isinstance(distribution, CategoricalDistribution)
    assert torch.equal(actions, logits.argmax(1))
    torch.testing.assert_close(values_too[:, 0], values)
    torch.testing.assert_close(evaluated[:, 0], values)
    torch.testing.assert_close(log_probs_too, log_probs)
    torch.testing.assert_close(distribution.log_prob(actions), log_probs)
    assert entropy is not None and (entropy > 0).any()


def test_an_actor_critic_may_have_two_extractors():
    made, control, blocks, arguments = KINDS["logits"]
    policy = build_policy(made, blocks, control, {**arguments, "share_features_extractor": False})
    seen = seen_by("logits")
    with torch.no_grad():
        logits, values = policy.logits_and_values(seen)
        torch.testing.assert_close(actor_of(policy)(seen), logits)
        torch.testing.assert_close(policy.predict_values(seen)[:, 0], values)


def test_an_actor_critic_wants_discrete_actions():
    seen, _ = spaces_of(("state",), "combat")
    for done in (spaces.Box(-1, 1, (2,)), spaces.MultiDiscrete([3, 2]), spaces.MultiBinary(3)):
        for made in (MaskedActorCriticPolicy, MemoryActorCriticPolicy):
            with pytest.raises(ValueError, match="expected a Discrete space"):
                made(seen, done, lambda share: 0.0, **JOINT, net_arch=[8])


def test_quantiles_are_as_many_as_asked_for_and_acted_upon_by_their_mean():
    policy, seen = policy_of("quantiles"), seen_by("quantiles")
    with torch.no_grad():
        quantiles = policy.quantile_net(seen)
        acted = actor_of(policy)(seen)
    assert quantiles.shape == (ROWS, policy.n_quantiles, 9)
    forbidden = seen[MASK] == 0
    assert (quantiles.transpose(1, 2)[forbidden] == FORBIDDEN).all()
    torch.testing.assert_close(acted, quantiles.mean(1))


def test_values_are_those_of_the_network():
    policy, seen = policy_of("values"), seen_by("values")
    with torch.no_grad():
        values = policy.q_net(seen)
        torch.testing.assert_close(actor_of(policy)(seen), values)
        assert torch.equal(policy._predict(seen), values.argmax(1))


@pytest.mark.parametrize("kind", ["values", "quantiles"])
def test_the_target_begins_as_the_network(kind):
    policy, seen = policy_of(kind), seen_by(kind)
    networks = (
        (policy.q_net, policy.q_net_target) if kind == "values" else (policy.quantile_net, policy.quantile_net_target)
    )
    with torch.no_grad():
        first, second = (network(seen) for network in networks)
    assert torch.equal(first, second)
    own = {weight.data_ptr() for weight in networks[0].parameters()}
    assert not own & {weight.data_ptr() for weight in networks[1].parameters()}


def test_the_critics_of_a_box_have_extractors_of_their_own():
    policy = policy_of("box")
    assert policy.critic.features_extractor is not policy.actor.features_extractor
    seen, actions = seen_by("box"), torch.zeros(ROWS, 4)
    with torch.no_grad():
        values = policy.critic(seen, actions)
        torch.testing.assert_close(actor_of(policy)(seen), policy.actor(seen, deterministic=True))
    assert [tuple(value.shape) for value in values] == [(ROWS, 1)] * 2


@pytest.mark.parametrize("made", [DuelingQPolicy, DuelingQuantilePolicy])
def test_a_dueling_head_has_one_width(made):
    with pytest.raises(ValueError, match=r"net_arch is \[8, 8\], expected one number"):
        build_policy(made, ("state", MASK), "combat", {**JOINT, "net_arch": [8, 8]})


@pytest.mark.parametrize("kind", KINDS)
def test_observations_of_another_precision_are_taken(kind):
    _, control, blocks, _ = KINDS[kind]
    seen = sights(blocks, control, ROWS)
    precise = {name: block if name == MASK else block.astype(np.float64) for name, block in seen.items()}
    policy = policy_of(kind)
    np.testing.assert_array_equal(
        policy.predict(precise, deterministic=True)[0], policy.predict(seen, deterministic=True)[0]
    )


@pytest.mark.parametrize("made", [MaskedActorCriticPolicy, DuelingQPolicy, DuelingQuantilePolicy])
def test_a_plain_learner_may_show_spaces_of_another_precision(made):
    held = spaces.Dict({"state": spaces.Box(0, 1, (64,), np.float64), MASK: spaces.MultiBinary(3)})
    policy = made(held, spaces.Discrete(3), lambda share: 0.0)
    shown, _ = policy.obs_to_tensor(held.sample())
    raw = {"state": shown["state"].double(), MASK: shown[MASK].to(torch.int8)}  # as from a buffer of such a space
    assert torch.equal(policy(raw, deterministic=True)[0], policy(shown, deterministic=True)[0])
    if made is MaskedActorCriticPolicy:
        assert torch.equal(policy.predict_values(raw), policy.predict_values(shown))
        assert torch.equal(policy.get_distribution(raw).mode(), policy.get_distribution(shown).mode())


@pytest.mark.parametrize("made", [MaskedActorCriticPolicy, DuelingQPolicy, DuelingQuantilePolicy])
@pytest.mark.parametrize("size", [1, 4])
def test_a_mask_of_another_number_of_actions_is_named(made, size):
    held = spaces.Dict({"state": spaces.Box(0, 1, (64,)), MASK: spaces.MultiBinary(size)})
    with pytest.raises(ValueError, match=rf"'action_mask' is of shape \({size},\), expected \(3,\)"):
        made(held, spaces.Discrete(3), lambda share: 0.0)


@pytest.mark.parametrize("made", [MaskedActorCriticPolicy, DuelingQPolicy, DuelingQuantilePolicy])
def test_widths_asked_for_without_naming_the_extractor_are_taken(made):
    held, done = spaces_of(("state", MASK), "combat")
    for asked, width in ((None, Widths().trunk), ({}, Widths().trunk), ({"widths": TINY}, TINY.trunk)):
        policy = made(held, done, lambda share: 0.0, features_extractor_kwargs=asked)
        found = [module.features_dim for module in policy.modules() if isinstance(module, JointExtractor)]
        assert found and set(found) == {width}


def test_another_kind_of_adam_may_be_asked_for():
    held, done = spaces_of(("state", MASK), "combat")
    for asked, fused in (({"foreach": True}, None), ({"eps": 1e-3}, True), ({"fused": False}, False)):
        policy = MaskedActorCriticPolicy(held, done, lambda share: 0.0, optimizer_kwargs=asked)
        assert policy.optimizer.defaults["fused"] == fused


@pytest.mark.parametrize("kind", KINDS)
def test_a_policy_and_its_networks_are_never_unpickled(tmp_path, kind):
    marker, file = tmp_path / "it ran", tmp_path / "policy.pth"
    torch.save({"state_dict": {}, "data": Hostile(marker)}, file)
    torch.load(file, weights_only=False)
    assert marker.is_file()
    marker.unlink()
    ours = {type(module) for module in policy_of(kind).modules() if type(module).__module__.startswith("policies.")}
    loaded = [made for made in ours if hasattr(made, "load")]
    assert loaded
    for made in loaded:
        with pytest.raises((ValueError, NotImplementedError)):
            made.load(str(file))
        assert not marker.exists(), made
