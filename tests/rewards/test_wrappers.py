"""One pay behind three interfaces, and what it was for."""

import csv
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from sb3_contrib.common.maskable.utils import get_action_masks, is_masking_supported
from stable_baselines3.common.vec_env import VecMonitor

from mlmonster_env.envs.monster import MonsterEnv
from mlmonster_env.envs.sb3 import ArenaVecEnv
from mlmonster_env.envs.shards import ShardedVecEnv
from mlmonster_env.envs.vector import MonsterVectorEnv
from rewards import Payment, for_archetype
from rewards.payment import custom
from rewards.wrappers import STEP, RewardWrapper, VecRewardWrapper, VectorRewardWrapper

OPTIONS: dict[str, Any] = {"archetype": "aggressive", "scenario": "skirmish-1v1"}
STEPS = 150


def test_all_three_pay_alike_and_as_the_reward_argument_does():
    plain = MonsterEnv(**OPTIONS, reward=for_archetype("aggressive"))
    single = RewardWrapper(MonsterEnv(**OPTIONS), "aggressive")
    vector = VectorRewardWrapper(MonsterVectorEnv(1, autoreset_mode="SameStep", **OPTIONS), "aggressive")
    batch = VecRewardWrapper(ArenaVecEnv("combat", 1, seed=4, **OPTIONS), "aggressive")
    for env in (plain, single, vector):
        env.reset(seed=4)
    batch.reset()
    total = 0.0
    for _ in range(STEPS):
        expected, terminated, truncated, _ = plain.step(1)[1:]
        paid = single.step(1)
        assert paid[1] == expected
        _, rewards, _, _, infos = vector.step(np.array([1]))
        assert rewards[0] == expected
        _, slots, _, told = batch.step(np.array([1]))
        assert slots[0] == np.float32(expected)
        assert sum(paid[4]["reward_terms"].values()) == pytest.approx(expected, abs=1e-5)
        assert told[0]["reward_terms"] == paid[4]["reward_terms"]
        assert infos["reward_terms"]["win"][0] == np.float32(paid[4]["reward_terms"]["win"])
        total += expected
        if terminated or truncated:
            assert sum(paid[4]["episode_reward_terms"].values()) == pytest.approx(total, abs=1e-4)
            assert told[0]["episode_reward_terms"] == pytest.approx(paid[4]["episode_reward_terms"])
            plain.reset()
            single.reset()
            total = 0.0


def test_a_term_that_counts_its_calls_is_asked_once_a_step():
    def fifth() -> Payment:
        calls = iter(range(1, 100))
        return Payment({custom("fifth", lambda events: np.full(events.side.shape, next(calls) == 5)): 1.0})

    plain = MonsterEnv(**OPTIONS, reward=fifth())
    wrapped = RewardWrapper(MonsterEnv(**OPTIONS), fifth())
    plain.reset(seed=4)
    wrapped.reset(seed=4)
    paid = []
    for _ in range(8):
        reward, told = wrapped.step(1)[1::3]
        assert told["reward_terms"]["fifth"] == reward == plain.step(1)[1]
        paid.append(reward)
    assert paid == [0, 0, 0, 0, 1, 0, 0, 0]


def test_a_payment_of_nothing_pays_nothing():
    env = RewardWrapper(MonsterEnv(**OPTIONS), Payment({}))
    env.reset(seed=4)
    _, reward, _, _, told = env.step(1)
    assert reward == 0.0 and told["reward_terms"] == {}


@pytest.mark.parametrize("mode", ["NextStep", "SameStep"])
def test_terms_of_a_vector_add_up_to_its_rewards_when_matches_begin_again_too(mode):
    batch = MonsterVectorEnv(6, autoreset_mode=mode, scenario="mirror-v1:contact", max_episode_steps=20)
    env = VectorRewardWrapper(batch, "aggressive")
    env.reset(seed=1)
    ends = 0
    for _ in range(50):
        _, rewards, terminated, truncated, told = env.step(np.ones(6, np.int64))
        assert sum(told["reward_terms"].values()) == pytest.approx(rewards, abs=1e-5)
        ends += (terminated | truncated).sum()
    assert ends >= 6


def test_matches_become_lines_of_a_file(tmp_path):
    path = tmp_path / "run" / "reward_breakdown.csv"
    env = VecMonitor(
        VecRewardWrapper(ArenaVecEnv("combat", 4, pack=True, archetype="support", seed=1), "support", path)
    )
    env.reset()
    ends = returns = 0.0
    for _ in range(120):
        _, _, dones, infos = env.step(np.ones(env.num_envs, np.int64))
        ends += dones.sum()
        returns += sum(info["episode"]["r"] for info in infos if "episode" in info)
    with path.open(newline="") as file:  # before it is closed, for who is killed does not close it
        lines = list(csv.DictReader(file))
    env.close()
    assert ends > 0 and len(lines) == ends
    assert sum(float(line["return"]) for line in lines) == pytest.approx(returns, abs=1e-2)
    terms = [name for name in lines[0] if name not in ("episode", "slot", "steps", "outcome", "return")]
    for line in lines:
        assert sum(float(line[name]) for name in terms) == pytest.approx(float(line["return"]), abs=1e-4)


@pytest.mark.filterwarnings("ignore:.*is different from the unwrapped version")
@pytest.mark.parametrize("pay", ["mage", for_archetype("mage")])
def test_a_paid_environment_can_be_checked_and_made_again_from_its_specification(pay):
    env = RewardWrapper(gym.make("MLMonster/Combat-v0", scenario="skirmish-1v1"), pay)
    check_env(env, skip_render_check=True)
    assert env.spec is not None
    other = gym.make(env.spec)
    env.reset(seed=3), other.reset(seed=3)
    for _ in range(20):
        found, expected = other.step(1), env.step(1)
        assert found[1:4] == expected[1:4] and found[4][STEP] == expected[4][STEP]


@pytest.mark.parametrize("pay", [None, lambda events: events.won])
def test_what_is_no_pay_is_named(pay):
    with pytest.raises(ValueError, match=r"pay is .*, expected an archetype or a Payment; of a function of events"):
        RewardWrapper(MonsterEnv(**OPTIONS), pay)


def test_environments_of_others_are_refused():
    with pytest.raises(ValueError, match="expected an environment of this library"):
        RewardWrapper(gym.make("CartPole-v1"), "mage")


def test_shards_are_wrapped_one_by_one():
    with pytest.raises(ValueError, match="of several battles, expected each of its shards to be wrapped by itself"):
        VecRewardWrapper(ShardedVecEnv([ArenaVecEnv("combat", 1)]), "mage")
    env = ShardedVecEnv([VecRewardWrapper(ArenaVecEnv("combat", 2, seed=seed), "mage") for seed in (0, 2)])
    env.reset()
    _, rewards, _, infos = env.step(np.zeros(4, np.int64))
    assert [sum(info[STEP].values()) for info in infos] == pytest.approx(rewards.tolist(), abs=1e-6)


def test_legal_actions_are_told_through_every_wrapper():
    """As sb3_contrib asks for them, and by hand."""
    plain, single = MonsterEnv(**OPTIONS), RewardWrapper(gym.wrappers.TimeLimit(MonsterEnv(**OPTIONS), 50), "mage")
    vectors = MonsterVectorEnv(3, **OPTIONS), VectorRewardWrapper(MonsterVectorEnv(3, **OPTIONS), "mage")
    bare, inner, other = (ArenaVecEnv("combat", 3, seed=4, **OPTIONS) for _ in range(3))
    batches: Any = (bare, VecRewardWrapper(inner, "mage"), ShardedVecEnv([VecRewardWrapper(other, "mage")]))
    for one in (plain, single, *vectors):
        one.reset(seed=4)
    for batch in batches:
        batch.reset()
    for step in range(12):
        assert np.array_equal(single.action_masks(), plain.action_masks())
        assert np.array_equal(get_action_masks(single), plain.action_masks())
        expected = vectors[0].action_masks()
        assert expected.dtype == np.bool_ and expected.shape == (3, 10) and expected.any(1).all()
        assert np.array_equal(vectors[1].action_masks(), expected)
        for batch in batches:
            assert is_masking_supported(batch)
            assert np.array_equal(get_action_masks(batch), bare.action_masks())
        order = 1 if step % 2 else 2
        plain.step(order)
        single.step(order)
        for vector in vectors:
            infos = vector.step(np.full(3, order))[4]
            assert np.array_equal(infos["action_mask"], vector.action_masks())
        for batch in batches:
            batch.step(np.full(3, order))


def test_who_steers_freely_has_no_masks_through_wrappers_either():
    free = {**OPTIONS, "control": "continuous"}
    for env in (RewardWrapper(MonsterEnv(**free), "mage"), VectorRewardWrapper(MonsterVectorEnv(2, **free), "mage")):
        env.reset(seed=0)
        with pytest.raises(AttributeError, match="continuous control has no action masks, expected a discrete one"):
            env.action_masks()
