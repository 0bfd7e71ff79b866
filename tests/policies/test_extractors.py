"""Extractors: what is not there says nothing, order says nothing, and each serves Stable-Baselines3 by itself."""

from typing import Any, cast

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3 import PPO

from mlmonster_env.contract import BLOCKS, GRID_CELLS
from mlmonster_env.envs.battle import block_space
from policies.extractors import EntityExtractor, GridExtractor, JointExtractor, SkillExtractor, StateExtractor
from policies.extractors.entities import EntityAttention
from policies.masks import MASK
from policies.sizes import SMALL, TINY, Widths
from tests.policies.models import KINDS, policy_of, sights, tensors

ALONE = {"state": StateExtractor, "grid": GridExtractor, "entities": EntityExtractor, "skills": SkillExtractor}
EVERYTHING = ("state", *(name for name in ALONE if name != "state"), MASK)
ROWS = 16


def box(name: str) -> spaces.Box:
    return spaces.Box(0.0, 1.0, BLOCKS[name], np.float32)


def everything() -> spaces.Dict:
    return spaces.Dict({name: block_space(name, "combat") for name in EVERYTHING})


def seen(name: str, seed: int = 0) -> torch.Tensor:
    return tensors(sights((name,), "combat", ROWS, seed))[name]


def with_other_things_where_nobody_is(rows: torch.Tensor) -> torch.Tensor:
    """The same rows, but all features of those who are not there are something else."""
    absent = rows[..., :1] == 0
    assert absent.any() and not absent.all()
    other = torch.randn(rows.shape) * 100
    other[..., 0] = 0.0
    return torch.where(absent, other, rows)


class Blank(gym.Env[Any, Any]):
    """Random observations of a space; pays for one of three actions."""

    def __init__(self, space: spaces.Space[Any]) -> None:
        self.observation_space = space
        self.action_space = spaces.Discrete(3)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.observation_space.seed(seed)
        return self.observation_space.sample(), {}

    def step(self, action):
        return self.observation_space.sample(), float(action == 1), bool(self.np_random.random() < 0.2), False, {}


def test_the_order_of_entities_does_not_matter():
    extractor = EntityExtractor(box("entities"), 16, 4, 2)
    rows = seen("entities")
    order = torch.randperm(rows.shape[1])
    assert order.tolist() != sorted(order.tolist())
    with torch.no_grad():
        torch.testing.assert_close(extractor(rows[:, order]), extractor(rows), atol=1e-5, rtol=1e-5)


def test_attention_moves_with_the_rows():
    layer = EntityAttention(16, 4)
    rows, present = torch.randn(3, 6, 16), (torch.rand(3, 6) < 0.6).float()
    order = torch.randperm(6)
    with torch.no_grad():
        torch.testing.assert_close(layer(rows[:, order], present[:, order]), layer(rows, present)[:, order])


@pytest.mark.parametrize("name", ["entities", "skills"])
def test_what_is_absent_does_not_matter(name):
    extractor = ALONE[name](box(name))
    rows = seen(name)
    with torch.no_grad():
        torch.testing.assert_close(extractor(with_other_things_where_nobody_is(rows)), extractor(rows))


@pytest.mark.parametrize(("kind", "block"), [("quantiles", "skills"), ("box", "entities")])
def test_what_is_absent_does_not_matter_to_a_whole_policy(kind, block):
    _, control, blocks, _ = KINDS[kind]
    policy = policy_of(kind)
    rows = sights(blocks, control, ROWS)
    other = {**rows, block: with_other_things_where_nobody_is(torch.from_numpy(rows[block])).numpy()}
    chosen, _ = policy.predict(rows, deterministic=True)
    chosen_too, _ = policy.predict(other, deterministic=True)
    np.testing.assert_allclose(chosen, chosen_too, atol=1e-5)


@pytest.mark.parametrize("name", ["entities", "skills"])
def test_what_is_there_does_matter(name):
    extractor = ALONE[name](box(name))
    rows = torch.rand(ROWS, *BLOCKS[name])
    rows[..., 0] = 1.0
    changed = rows.clone()
    changed[:, 3, 1:] += 0.5
    gone = rows.clone()
    gone[:, 3, 0] = 0.0
    with torch.no_grad():
        before = extractor(rows)
        assert ((extractor(changed) - before).abs().amax(1) > 1e-4).all()
        assert ((extractor(gone) - before).abs().amax(1) > 1e-4).all()


def test_nobody_is_told_as_zeros():
    with torch.no_grad():
        for extractor, name in (
            (EntityExtractor(box("entities")), "entities"),
            (SkillExtractor(box("skills")), "skills"),
        ):
            rows = torch.randn(ROWS, *BLOCKS[name])
            rows[..., 0] = 0.0
            assert torch.equal(extractor(rows).abs(), torch.zeros(ROWS, extractor.features_dim))


def test_an_absent_slot_is_zeros_in_its_place_and_the_rest_stay_in_theirs():
    extractor = SkillExtractor(box("skills"), 32)
    rows = seen("skills")
    with torch.no_grad():
        slots = extractor(rows).reshape(ROWS, -1, 32)
    absent = rows[..., 0] == 0
    assert (slots[:, :-1][absent] == 0).all() and (slots[:, :-1][~absent].abs().sum(-1) > 0).all()
    torch.testing.assert_close(slots[:, -1], slots[:, :-1].sum(1))


def test_of_the_grid_each_cell_close_by_is_seen_and_rows_and_columns_of_the_rest():
    extractor = GridExtractor(box("grid"), 64)
    grid = torch.zeros_like(seen("grid"))
    middle = GRID_CELLS // 2

    def looks(*cells: tuple[int, int]) -> torch.Tensor:
        shown = grid.clone()
        for y, x in cells:
            shown[:, 2, middle + y, middle + x] = 1.0
        with torch.no_grad():
            features: torch.Tensor = extractor(shown)
        return features

    close = [looks((y, x)) for y in (-4, 0, 4) for x in (-4, 0, 4)]
    far = [looks((y, x)) for y in (-16, -9, 5, 15) for x in (-16, 7, 15)]
    different = [*close, *far]
    for number, one in enumerate(different):
        assert not any(torch.allclose(one, other) for other in different[:number])
    assert torch.allclose(looks((9, 7), (-9, -7)), looks((9, -7), (-9, 7)), atol=1e-5)  # far off only the sums count
    assert not torch.allclose(looks((3, 2), (-3, -2)), looks((3, -2), (-3, 2)))


@pytest.mark.parametrize("name", ALONE)
def test_a_block_alone_is_as_good_as_among_others(name):
    alone, among = ALONE[name](box(name)), ALONE[name](everything())
    among.load_state_dict(alone.state_dict())
    rows = tensors(sights(EVERYTHING, "combat", ROWS))
    with torch.no_grad():
        assert torch.equal(alone(rows[name]), among(rows))
    assert alone(rows[name]).shape == (ROWS, alone.features_dim)


@pytest.mark.parametrize("dicts", [False, True], ids=["box", "dict"])
@pytest.mark.parametrize("name", ALONE)
def test_an_extractor_serves_a_plain_learner(name, dicts):
    space = everything() if dicts else box(name)
    learner = PPO(
        "MultiInputPolicy" if dicts else "MlpPolicy", Blank(space), n_steps=16, batch_size=8, n_epochs=1, seed=0,
        policy_kwargs={"features_extractor_class": ALONE[name], "net_arch": [8]}, device="cpu",
    )  # fmt: skip
    learns(learner)


def test_the_joint_extractor_serves_a_plain_learner():
    learner = PPO(
        "MultiInputPolicy", Blank(everything()), n_steps=16, batch_size=8, n_epochs=1, seed=0, device="cpu",
        policy_kwargs={
            "features_extractor_class": JointExtractor, "features_extractor_kwargs": {"widths": TINY}, "net_arch": [8],
        },
    )  # fmt: skip
    learns(learner)


def learns(learner: PPO) -> None:
    extractor = learner.policy.features_extractor
    before = {name: weight.detach().clone() for name, weight in extractor.named_parameters()}
    learner.learn(32)
    assert learner.num_timesteps == 32
    assert all(bool(weight.isfinite().all()) for weight in extractor.parameters())
    changed = [name for name, weight in extractor.named_parameters() if not torch.equal(weight, before[name])]
    assert len(changed) >= 0.8 * len(before), sorted(set(before) - set(changed))


@pytest.mark.parametrize("blocks", [("state",), ("state", MASK), ("state", "grid"), EVERYTHING])
@pytest.mark.parametrize("widths", [TINY, SMALL], ids=["tiny", "small"])
def test_the_joint_extractor_takes_whatever_blocks_there_are(blocks, widths):
    extractor = JointExtractor(spaces.Dict({name: block_space(name, "combat") for name in blocks}), widths)
    rows = tensors(sights(blocks, "combat", 3))
    out = extractor(rows)
    assert out.shape == (3, widths.trunk) == (3, extractor.features_dim)
    for name in blocks:
        if name != MASK:
            more = {**rows, name: torch.rand_like(rows[name])}
            if name in ("skills", "entities"):
                more[name][..., 0] = 1.0
            assert not torch.equal(extractor(more), out), name


def test_the_mask_is_left_to_the_head():
    extractor = JointExtractor(everything(), TINY)
    rows = tensors(sights(EVERYTHING, "combat", 3))
    with torch.no_grad():
        assert torch.equal(extractor({**rows, MASK: torch.ones_like(rows[MASK])}), extractor(rows))


@pytest.mark.parametrize("made", ALONE.values(), ids=ALONE.keys())
@pytest.mark.parametrize("space", [spaces.Box(0, 1, (7,)), spaces.Dict({"other": spaces.Box(0, 1, (7,))})])
def test_a_space_that_does_not_fit_is_named(made, space):
    name = next(name for name, known in ALONE.items() if known is made)
    with pytest.raises(ValueError, match=rf"expected '{name}' of shape") as error:
        made(space)
    assert ("(7,)" if isinstance(space, spaces.Box) else "other") in str(error.value)


@pytest.mark.parametrize("blocks", [("grid",), ("state", "history")])
def test_blocks_that_the_joint_extractor_does_not_know_are_named(blocks):
    space = spaces.Dict({name: box(name) for name in blocks})
    with pytest.raises(ValueError, match="expected 'state' and any of") as error:
        JointExtractor(space, TINY)
    assert blocks[-1] in str(error.value)


def test_the_joint_extractor_wants_blocks_by_name():
    with pytest.raises(ValueError, match=r"observations are Box\(.*, expected a Dict of 'state' and other blocks"):
        JointExtractor(cast(Any, box("state")))


def test_the_joint_extractor_has_widths_of_its_own():
    assert JointExtractor(spaces.Dict({"state": box("state")})).features_dim == Widths().trunk


def test_a_width_that_heads_do_not_divide_is_named():
    with pytest.raises(ValueError, match="width is 10, expected a multiple of heads, 4"):
        EntityExtractor(box("entities"), 10, 4)
