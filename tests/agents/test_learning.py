"""Learners learn what is best in small worlds where that is known, and never take what is forbidden."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3.common.vec_env import DummyVecEnv

from agents.learners.dqn import DoubleDQN, QuantileDQN
from agents.learners.ppo import MaskedPPO
from agents.learners.replaying import SHORT
from agents.learners.sac import ReplayingSAC
from policies.extractors import StateExtractor
from policies.masks import MASK
from tests.agents.toys import ACTIONS, FORCED, PLACES, Corridor, Flat, Pointing, arguments_of, many

VALUES: dict[str, Any] = {
    "buffer_size": 5000, "learning_starts": 320, "batch_size": 64, "train_freq": (1, "step"), "gradient_steps": 1,
    "gamma": 0.9, "decisions_ahead": 2, "learning_rate": 2e-3, "target_update_interval": 320,
    "exploration_fraction": 0.6, "exploration_final_eps": 0.05,
}  # fmt: skip
LEARNERS: dict[str, tuple[Any, dict[str, Any]]] = {
    "ppo": (
        MaskedPPO,
        {"n_steps": 32, "batch_size": 128, "n_epochs": 4, "learning_rate": 3e-3, "gamma": 0.95, "ent_coef": 0.01},
    ),
    "ddqn": (DoubleDQN, VALUES),
    "qrdqn": (QuantileDQN, VALUES),
}
SAC: dict[str, Any] = {
    "buffer_size": 8000, "learning_starts": 400, "batch_size": 64, "train_freq": (1, "step"), "gradient_steps": 2,
    "gamma": 0.3, "learning_rate": 3e-3, "tau": 0.05,
}  # fmt: skip


def learner(kind: str, env: Any = None, **more: Any) -> Any:
    algorithm, settings = LEARNERS[kind]
    return algorithm(
        "MultiInputPolicy", many(Corridor) if env is None else env, seed=0, device="cpu",
        policy_kwargs=arguments_of(kind), **{**settings, **more},
    )  # fmt: skip


def pointer(env: Any = None, **more: Any) -> ReplayingSAC:
    arguments = {**arguments_of("sac"), "share_features_extractor": False}
    return ReplayingSAC(
        "MultiInputPolicy", many(Pointing, 8) if env is None else env, seed=0, device="cpu", policy_kwargs=arguments,
        **{**SAC, **more},
    )  # fmt: skip


def score(model: Any, made: Any, episodes: int = 64) -> float:
    """What an episode pays on average, played as well as can be."""
    env = many(made, episodes)
    env.seed(10_000)
    seen = env.reset()
    paid, going = np.zeros(episodes), np.ones(episodes, np.bool_)
    while going.any():
        chosen, _ = model.predict(seen, deterministic=True)
        seen, rewards, dones, _ = env.step(chosen)
        paid += rewards * going
        going &= ~dones
    return float(paid.mean())


def illegal(model: Any) -> int:
    """How often what was forbidden was done."""
    return sum(env.unwrapped.illegal for env in model.env.envs)


@pytest.mark.parametrize("kind", LEARNERS)
def test_a_learner_finds_the_best_that_is_legal(kind):
    model = learner(kind)
    assert score(model, Corridor) < 0.5
    model.learn(6000)
    assert score(model, Corridor) >= 0.95
    assert illegal(model) == 0


def test_sac_finds_what_it_is_told():
    model = pointer()
    assert score(model, Pointing) < -2.0
    model.learn(4000)
    assert score(model, Pointing) > -0.5


class Elsewhere(gym.ActionWrapper[Any, Any, Any]):
    """The same world, its four numbers of other boxes, some of which do not hold 0; `taken` are those that came."""

    low = np.array([0.0, -4.0, 2.0, -1.0], np.float32)
    high = np.array([10.0, 2.0, 3.0, 1.0], np.float32)

    def __init__(self, env: Any, taken: list[np.ndarray]) -> None:
        super().__init__(env)
        self.action_space = spaces.Box(self.low, self.high, dtype=np.float32)
        self.taken = taken

    def action(self, action: Any) -> Any:
        self.taken.append(action)
        return (action - self.low) / (self.high - self.low) * 2 - 1


def test_sac_plays_in_the_box_that_it_answers_in():
    taken: list[np.ndarray] = []
    env = DummyVecEnv([lambda: Elsewhere(Pointing(), taken)] * 8)
    model = pointer(env)
    model.learn(4000)
    played = np.array(taken)
    assert (played >= Elsewhere.low).all() and (played <= Elsewhere.high).all()
    assert (np.ptp(played, 0) > 0.9 * (Elsewhere.high - Elsewhere.low)).all()
    assert np.abs(model.replay_buffer.actions).max() <= 1.0
    seen: Any = env.reset()
    wanted = seen["state"][:, :4] * 1.6 - 0.8
    found = (model.predict(seen, deterministic=True)[0] - Elsewhere.low) / (Elsewhere.high - Elsewhere.low) * 2 - 1
    assert ((found - wanted) ** 2).sum(1).mean() < 0.5 / 4


def test_sac_tries_short_vectors_as_often_as_long_ones():
    model = pointer(learning_starts=100_000)
    model.learn(4000)
    kept = model.replay_buffer
    longest = np.abs(kept.actions[np.flatnonzero(kept.tree.weights)]).max(1)
    in_a_box = SHORT ** kept.actions.shape[1]
    assert len(longest) > 1000
    assert np.mean(longest < SHORT) == pytest.approx((1 + in_a_box) / 2, abs=0.05)


def test_what_a_mean_costs_draws_actions_to_the_middle():
    plain, dear = pointer(), pointer(mean_cost=1.0)
    shown = many(Pointing, 256)
    shown.seed(1)
    seen = {name: torch.as_tensor(block) for name, block in shown.reset().items()}  # type: ignore[union-attr]
    for model in (plain, dear):
        model.learn(1500)
    with torch.no_grad():
        far, near = (model.actor.get_action_dist_params(seen)[0].abs().mean() for model in (plain, dear))
    assert near < far / 2


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 4))
@pytest.mark.parametrize("kind", LEARNERS)
def test_a_learner_finds_the_best_whatever_the_seed(kind, seed):
    algorithm, settings = LEARNERS[kind]
    model = algorithm(
        "MultiInputPolicy", many(Corridor), seed=seed, device="cpu", policy_kwargs=arguments_of(kind), **settings
    )
    model.learn(10_000)
    assert score(model, Corridor) >= 0.95
    assert illegal(model) == 0


@pytest.mark.parametrize("kind", ["ddqn", "qrdqn"])
def test_a_replay_holds_decisions_alone(kind):
    model = learner(kind, learning_starts=100_000)
    model.learn(3000)
    kept = model.replay_buffer
    rows = np.flatnonzero(kept.tree.weights)
    places = kept.blocks["state"][rows, :PLACES].argmax(1)
    assert len(rows) > 1000 and FORCED not in places
    legal = kept.blocks[MASK][rows]
    assert legal[np.arange(len(rows)), kept.actions[rows, 0]].all() and (legal.sum(1) > 1).all()


def test_a_rollout_holds_decisions_alone():
    model = learner("ppo")
    model.learn(512)
    assert model.rollout is not None and len(model.rollout) < 512
    seen = model.rollout.observations
    assert FORCED not in seen["state"][:, :PLACES].argmax(1)
    assert (seen[MASK].sum(1) > 1).all()
    assert seen[MASK].gather(1, model.rollout.actions[:, None]).all()


@pytest.mark.parametrize("kind", ["ddqn", "qrdqn"])
def test_exploration_is_drawn_for_each_slot_among_its_legal_actions(kind):
    model = learner(kind)
    random = np.random.default_rng(0)
    legal = (random.random((16, ACTIONS)) < 0.5).astype(np.int8)
    legal[np.arange(16), random.integers(ACTIONS, size=16)] = 1
    seen = {"state": random.random((16, 64), np.float32), MASK: legal}
    drawn = np.stack([model._draw(seen, 1.0, 16) for _ in range(3000)])
    assert np.take_along_axis(legal, drawn.T, 1).all()
    for slot in range(16):
        shares = np.bincount(drawn[:, slot], minlength=ACTIONS) / 3000
        np.testing.assert_allclose(shares, legal[slot] / legal[slot].sum(), atol=0.05)
    both = legal[:, None] & legal[None]
    first, second = np.argwhere(np.triu(both.sum(-1) > 1, 1))[0]
    assert (drawn[:, first] != drawn[:, second]).mean() > 0.2


@pytest.mark.parametrize("kind", ["ddqn", "qrdqn"])
def test_each_slot_explores_by_itself(kind):
    model = learner(kind)
    seen = {"state": np.zeros((16, 64), np.float32), MASK: np.ones((16, ACTIONS), np.int8)}
    greedy = model._draw(seen, 0.0, 16)
    assert (greedy == greedy[0]).all()
    drawn = np.stack([model._draw(seen, 0.4, 16) for _ in range(1000)])
    other = drawn != greedy[0]
    assert other.mean() == pytest.approx(0.4 * (1 - 1 / ACTIONS), abs=0.02)
    counts = other.sum(1)
    assert counts.var() == pytest.approx(16 * 0.3 * 0.7, rel=0.2)


def test_a_box_is_explored_in_all_of_its_numbers():
    model = pointer()
    seen = {"state": np.zeros((8, 64), np.float32)}
    drawn = np.stack([model._draw(seen, 1.0, 8) for _ in range(500)]).reshape(-1, 4)
    assert np.abs(drawn).max() <= 1.0
    np.testing.assert_allclose(drawn.mean(0), 0.0, atol=0.05)
    np.testing.assert_allclose(drawn.var(0), (1 + SHORT**2) / 2 / 3, atol=0.02)  # every second one is short
    assert np.abs(np.corrcoef(drawn.T) - np.eye(4)).max() < 0.06
    told = np.stack([model._draw(seen, 0.0, 8) for _ in range(500)])
    assert (np.abs(told) <= 1.0).all() and told.std(0).min() > 0.1


class Bound(Corridor):
    """A corridor in which nobody ever has a choice."""

    def mask(self) -> np.ndarray:
        legal = np.zeros(ACTIONS, np.int8)
        legal[self.right()] = 1
        return legal


@pytest.mark.parametrize("kind", LEARNERS)
def test_nobody_may_have_a_choice_for_a_while(kind):
    few = {"n_steps": 8, "batch_size": 8} if kind == "ppo" else {"learning_starts": 1000}
    model = learner(kind, many(Bound, 2), **few)
    model.learn(64)
    assert model.num_timesteps >= 64 and illegal(model) == 0


@pytest.mark.parametrize("kind", ["ddqn", "qrdqn"])
def test_there_may_be_nothing_to_learn_from_yet(kind):
    model = learner(kind, many(Bound, 2), learning_starts=8)
    model.learn(64)
    assert model.num_timesteps >= 64


def for_a_moment(algorithm: Any, name: str, made: Any, settings: dict[str, Any], **more: Any) -> None:
    """Let a learner learn a little, and ask it for actions."""
    few = {"batch_size": 8, **({"n_steps": 8} if algorithm is MaskedPPO else {"learning_starts": 8})}
    env = many(made, 2)
    model = algorithm(name, env, seed=0, device="cpu", **{**settings, **few}, **more)
    model.learn(64)
    chosen, _ = model.predict(env.reset(), deterministic=True)
    assert all(env.action_space.contains(action) for action in chosen)


def flat_corridor() -> Any:
    return Flat(Corridor())


def flat_pointing() -> Any:
    return Flat(Pointing())


@pytest.mark.parametrize("kind", [*LEARNERS, "sac"])
def test_the_state_alone_may_be_all_there_is(kind):
    algorithm, settings = LEARNERS.get(kind, (ReplayingSAC, SAC))
    head = {
        **arguments_of(kind),
        "features_extractor_class": StateExtractor,
        "features_extractor_kwargs": {"width": 16},
    }
    for_a_moment(
        algorithm, "MlpPolicy", flat_pointing if kind == "sac" else flat_corridor, settings, policy_kwargs=head
    )


@pytest.mark.parametrize("name", ["MlpPolicy", "MultiInputPolicy"])
@pytest.mark.parametrize("kind", [*LEARNERS, "sac"])
def test_a_policy_of_a_name_takes_what_it_is_named_for(kind, name):
    algorithm, settings = LEARNERS.get(kind, (ReplayingSAC, SAC))
    worlds = {
        "MlpPolicy": flat_pointing if kind == "sac" else flat_corridor,
        "MultiInputPolicy": Pointing if kind == "sac" else Corridor,
    }
    for_a_moment(algorithm, name, worlds[name], settings)


@pytest.mark.parametrize("kind", LEARNERS)
def test_the_same_seed_learns_the_same(kind):
    told = []
    for _ in range(2):
        model = learner(kind, many(Corridor, 4))
        model.learn(800)
        told.append([weight.detach().clone() for weight in model.policy.parameters()])
    assert all(torch.equal(one, other) for one, other in zip(*told, strict=True))


def test_sac_learns_the_same_from_the_same_seed():
    told = []
    for _ in range(2):
        model = pointer()
        model.learn(600)
        told.append([weight.detach().clone() for weight in model.policy.parameters()])
    assert all(torch.equal(one, other) for one, other in zip(*told, strict=True))


def test_losses_are_told():
    for model in (learner("ppo"), learner("ddqn"), learner("qrdqn"), pointer()):
        model.learn(700)
        assert model.losses and all(np.isfinite(value) for value in model.losses.values())
