"""The vision transformer: every patch in its place, every weight of use, and what it says of its attention is true."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3 import PPO

from mlmonster_env.contract import BLOCKS, GRID_CHANNELS
from mlmonster_env.envs.battle import block_space
from policies.actors import actor_of, build_policy, meta_policy, parameters
from policies.extractors import GridExtractor, JointExtractor, VisionExtractor
from policies.extractors.vision import ACROSS, PATCH, PATCHES, TOKENS
from policies.masks import MASK
from policies.policy import Card, Policy
from policies.recipes import decode, encode
from policies.sb3.actor_critic import MaskedActorCriticPolicy
from policies.sizes import FULL, SMALL, TINY, Widths, widths_of
from tests.policies.models import sights, tensors

ROWS = 6
ENEMIES = GRID_CHANNELS.index("enemies")
SEEN = ("grid", "state", MASK)


class Blank(gym.Env[Any, Any]):
    """Random observations of a space."""

    def __init__(self, space: Any) -> None:
        self.observation_space = space
        self.action_space = spaces.Discrete(3)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return self.observation_space.sample(), {}

    def step(self, action):
        return self.observation_space.sample(), float(action == 1), bool(self.np_random.random() < 0.2), False, {}


def extractor(width: int = 16, layers: int = 2, heads: int = 4) -> VisionExtractor:
    return VisionExtractor(spaces.Box(0.0, 1.0, BLOCKS["grid"], np.float32), width, layers, heads)


def grids(rows: int = ROWS, seed: int = 0) -> torch.Tensor:
    return tensors(sights(("grid",), "movement", rows, seed))["grid"]


def with_enemy(y: int, x: int) -> torch.Tensor:
    grid = torch.zeros(1, *BLOCKS["grid"])
    grid[0, ENEMIES, y, x] = 1.0
    return grid


def arguments(widths: Widths = TINY) -> dict[str, Any]:
    return {
        "features_extractor_class": JointExtractor,
        "features_extractor_kwargs": {"widths": widths, "grid": "patches"},
        "net_arch": {"pi": [16], "vf": [16]},
    }


@pytest.mark.parametrize(("width", "layers", "heads"), [(16, 1, 2), (16, 2, 4), (24, 3, 1)])
def test_features_are_as_many_as_asked_for(width, layers, heads):
    made = extractor(width, layers, heads)
    assert made(grids()).shape == (ROWS, width) == (ROWS, made.features_dim)
    assert made.attention(grids()).shape == (ROWS, layers, heads, PATCHES)


def test_a_row_does_not_depend_on_its_neighbours():
    made = extractor()
    with torch.no_grad():
        torch.testing.assert_close(made(grids()[2:3]), made(grids())[2:3])


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_every_weight_is_of_use(layers):
    made = extractor(layers=layers)
    (made(grids()) * torch.randn(16)).sum().backward()
    without = [name for name, w in made.named_parameters() if w.grad is None or not w.grad.abs().sum() > 0]
    assert without == []


@pytest.mark.parametrize(("y", "x"), [(0, 0), (0, 31), (7, 8), (16, 16), (15, 16), (31, 0), (31, 31)])
def test_an_enemy_stands_in_its_patch_and_in_no_other(y, x):
    made = extractor()
    with torch.no_grad():
        moved = (made.tokens(with_enemy(y, x)) - made.tokens(torch.zeros(1, *BLOCKS["grid"]))).abs().amax(-1)[0]
    assert moved.shape == (TOKENS,)
    assert torch.nonzero(moved).flatten().tolist() == [1 + y // PATCH * ACROSS + x // PATCH]


def test_where_an_enemy_stands_within_a_patch_and_in_which_patch_matters():
    made = extractor()
    with torch.no_grad():
        looks = [made(with_enemy(y, x))[0] for y, x in ((3, 3), (3, 4), (3, 11), (11, 3))]
    for i, one in enumerate(looks):
        assert all((one - other).abs().max() > 1e-5 for other in looks[i + 1 :])


def test_what_is_told_of_attention_is_what_is_used():
    """One layer, gone through by hand: features made from the told weights are the features that come out."""
    made = extractor(16, 1, 4)
    layer: Any = made.layers[0]
    with torch.no_grad():
        told = made.attention(grids())[:, 0]
        assert (told > 0).all() and (told.sum(-1) < 1).all()
        weights = torch.cat([1 - told.sum(-1, keepdim=True), told], -1)
        tokens = made.tokens(grids())
        value = layer.key_value(layer.before(tokens))[..., 16:].reshape(ROWS, TOKENS, 4, 4)
        mixed = torch.einsum("bht,bthe->bhe", weights, value).reshape(ROWS, 16)
        asked = tokens[:, 0] + layer.answered(mixed)
        out = made.norm(asked + layer.back(torch.relu(layer.forth(layer.between(asked)))))
        torch.testing.assert_close(out, made(grids()), atol=1e-5, rtol=1e-4)


def test_attention_is_softmax_over_all_tokens():
    """The same layer by torch's own attention."""
    made = extractor(16, 1, 4)
    layer: Any = made.layers[0]
    with torch.no_grad():
        normed = layer.before(made.tokens(grids()))
        query = layer.query(normed).reshape(ROWS, TOKENS, 4, 4).transpose(1, 2)
        key, value = layer.key_value(normed).reshape(ROWS, TOKENS, 2, 4, 4).permute(2, 0, 3, 1, 4)
        mixed = torch.nn.functional.scaled_dot_product_attention(query, key, value).transpose(1, 2)
        _, weights = layer(made.tokens(grids()), TOKENS)
        torch.testing.assert_close((weights @ value).transpose(1, 2), mixed, atol=1e-5, rtol=1e-4)


def test_asking_for_the_class_token_alone_changes_nothing():
    layer: Any = extractor().layers[0]
    tokens = torch.randn(ROWS, TOKENS, 16)
    with torch.no_grad():
        torch.testing.assert_close(layer(tokens, 1)[0], layer(tokens, TOKENS)[0][:, :1], atol=1e-5, rtol=1e-4)


def test_it_can_be_exported_for_any_number_of_rows():
    made = extractor().eval().requires_grad_(False)
    rows = torch.export.Dim("rows", min=1, max=4096)
    exported = torch.export.export(made, (grids(2, seed=1),), dynamic_shapes=({0: rows},)).module()
    torch.testing.assert_close(exported(grids()), made(grids()), atol=1e-5, rtol=1e-4)


def test_a_whole_actor_can_be_exported():
    actor = actor_of(build_policy(MaskedActorCriticPolicy, SEEN, "movement", arguments())).eval().requires_grad_(False)
    seen = tensors(sights(SEEN, "movement", ROWS))
    exported = torch.export.export(actor, (seen,)).module()
    torch.testing.assert_close(exported(seen), actor(seen), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("dicts", [False, True], ids=["box", "dict"])
def test_it_serves_a_plain_learner(dicts):
    space: Any = block_space("grid", "movement")
    if dicts:
        space = spaces.Dict({"grid": space, "state": block_space("state", "movement")})
    learner = PPO(
        "MultiInputPolicy" if dicts else "MlpPolicy", Blank(space), n_steps=8, batch_size=8, n_epochs=1, seed=0,
        policy_kwargs={
            "features_extractor_class": VisionExtractor, "features_extractor_kwargs": {"width": 16, "heads": 2},
        },
        device="cpu",
    )  # fmt: skip
    learner.learn(16)
    assert learner.num_timesteps == 16


def test_the_joint_extractor_looks_as_it_is_told():
    space = spaces.Dict({name: block_space(name, "movement") for name in SEEN})
    assert isinstance(JointExtractor(space, TINY).parts["grid"], GridExtractor)
    looking = JointExtractor(space, TINY, "patches")
    assert isinstance(looking.parts["grid"], VisionExtractor) and looking.parts["grid"].features_dim == TINY.vision
    with pytest.raises(ValueError, match="grid is 'pathces', expected one of around, patches"):
        JointExtractor(space, TINY, "pathces")


def test_heads_must_share_the_width():
    with pytest.raises(ValueError, match="vision is 10 wide, expected a multiple of its heads, 4"):
        extractor(10)


def test_a_look_of_no_layers_is_refused():
    """It would be the same whatever stood in the grid."""
    with pytest.raises(ValueError, match="layers is 0, expected at least 1"):
        extractor(layers=0)


def test_a_space_without_a_grid_is_named():
    with pytest.raises(ValueError, match="expected 'grid' of shape"):
        VisionExtractor(spaces.Dict({"state": block_space("state", "movement")}))


def test_the_recipe_says_how_it_looks():
    told, left_out = encode(arguments())
    assert left_out == [] and decode(told) == arguments()
    assert decode(encode(VisionExtractor)[0]) is VisionExtractor


def test_a_model_that_was_saved_looks_the_same(tmp_path):
    policy = build_policy(MaskedActorCriticPolicy, SEEN, "movement", arguments())
    card = Card("spatial_vit", "mage", "tiny", "movement", SEEN, MaskedActorCriticPolicy, arguments())
    made = Policy(card, actor_of(policy).requires_grad_(False))
    made.save(tmp_path / "model")
    again = Policy.load(tmp_path / "model")
    seen = tensors(sights(SEEN, "movement", ROWS))
    assert torch.equal(again.actor(seen), made.actor(seen))


def test_sizes_grow_and_are_counted_without_memory():
    counts = []
    for size in ("tiny", "small", "full"):
        counted = meta_policy(MaskedActorCriticPolicy, SEEN, "movement", arguments(widths_of("spatial_vit", size)))
        counts.append(parameters(actor_of(counted)))
    assert counts == sorted(counts)
    assert all(w.vision % w.vision_heads == 0 for w in (TINY, SMALL, FULL["spatial_vit"]))
