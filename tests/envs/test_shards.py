"""Several batches as one environment, and going on from a state that was written down."""

from typing import Any

import numpy as np
import pytest

from mlmonster_env.envs.sb3 import ArenaVecEnv
from mlmonster_env.envs.shards import ShardedVecEnv, parted, stacked
from policies.storage import read_tree, write_tree

SEES = ("state", "action_mask")


def sharded(seed=5, counts=(3, 2)):
    made = ShardedVecEnv([ArenaVecEnv("combat", n, pack=True, scenario="mirror-v1", observe=SEES) for n in counts])
    made.seed(seed)
    return made


def legal_orders(seen, random):
    mask = seen["action_mask"]
    return (random.random(mask.shape) * mask).argmax(1)


def play(env, seen, steps, seed=0):
    random = np.random.default_rng(seed)
    told = []
    for _ in range(steps):
        seen, rewards, dones, _ = env.step(legal_orders(seen, random))
        told.append((seen["state"].copy(), rewards.copy(), dones.copy()))
    return seen, told


def same(one, other):
    return all(np.array_equal(a, b) for x, y in zip(one, other, strict=True) for a, b in zip(x, y, strict=True))


@pytest.mark.parametrize("count", [14, 16])
def test_a_wrong_number_of_actions_is_named(count):
    env = sharded()
    env.reset()
    with pytest.raises(ValueError, match=f"there are {count} actions, expected one for each of 15 slots"):
        env.step(np.ones(count, np.int64))


def test_shards_are_one_batch_of_all_their_matches():
    whole = ArenaVecEnv("combat", 5, pack=True, scenario="mirror-v1", observe=SEES, seed=5)
    parts = sharded()
    assert parts.num_envs == whole.num_envs == 15 and parts.slots_a_match == 3
    _, of_whole = play(whole, whole.reset(), 60)
    _, of_parts = play(parts, parts.reset(), 60)
    assert same(of_whole, of_parts)


def test_a_state_goes_on_to_the_bit_through_a_file(tmp_path):
    env = sharded()
    seen, _ = play(env, env.reset(), 50)
    write_tree(tmp_path / "kept", {"env": env.state(), "seen": dict(seen)})
    _, told = play(env, seen, 150, seed=1)
    other = sharded(seed=99)
    kept = read_tree(tmp_path / "kept")
    other.set_state(kept["env"])
    _, again = play(other, kept["seen"], 150, seed=1)
    assert same(told, again)


def test_what_is_asked_of_slots_is_asked_of_their_shards():
    env = sharded()
    env.reset()
    assert env.action_masks().shape == (15, 10) and env.alive.all()
    assert env.get_attr("alive", [0, 14]) == [True, True]
    assert len(env.env_method("action_masks", indices=[1, 10])) == 2
    assert env.env_is_wrapped(object) == [False] * 15


def test_shards_of_another_number_are_refused():
    with pytest.raises(ValueError, match="of 2 shards, expected 1"):
        sharded(counts=(5,)).set_state(sharded().state())
    with pytest.raises(ValueError, match="at least one"):
        ShardedVecEnv([])


def test_a_battle_with_a_function_for_an_opponent_cannot_be_written_down():
    env = ArenaVecEnv("combat", 1, opponent=lambda seen: np.zeros(3, np.int64), observe=SEES, seed=0)
    env.reset()
    with pytest.raises(RuntimeError, match="cannot be written down"):
        env.state()


@pytest.mark.parametrize("side", [0, 1])
def test_either_side_can_be_the_learners(side):
    env = ArenaVecEnv("combat", 40, pack=True, scenario="mirror-v1:contact", observe=SEES, side=side, seed=1)
    seen: Any = env.reset()
    assert (env.battle.arena.scenario.sides[env.battle.members] == side).all()
    won = []
    for _ in range(200):
        mask = seen["action_mask"]
        orders = np.where(mask[:, 1], 1, 0)
        for offer in (5, 6, 7):
            orders = np.where(mask[:, offer], offer, orders)
        seen, rewards, dones, infos = env.step(orders)
        won += [infos[slot]["outcome"] for slot in np.flatnonzero(dones)]
        assert all((rewards[slot] > 0) == (infos[slot]["outcome"] > 0) for slot in np.flatnonzero(dones))
    assert np.mean(won) > -0.3


def test_a_side_that_there_is_not_is_refused():
    with pytest.raises(ValueError, match="side is 2, expected 0 or 1"):
        ArenaVecEnv("combat", 1, side=2)


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"control": "movement"}, r"action_space of shard 1 is Discrete\(9\), expected .* Discrete\(10\)"),
        ({"observe": ("state", "grid")}, r"observation_space of shard 1 is Dict.*, expected .* Box"),
    ],
)
def test_shards_that_are_not_alike_are_refused(other, told):
    with pytest.raises(ValueError, match=told):
        ShardedVecEnv([ArenaVecEnv("combat", 2), ArenaVecEnv(**{"control": "combat", "num_envs": 2, **other})])


def test_what_is_parted_can_be_stacked_again():
    env = sharded()
    seen = env.reset()
    parts = parted(seen, env.shards)
    assert [len(part["state"]) for part in parts] == [shard.num_envs for shard in env.shards]
    again = stacked(parts)
    assert list(again) == list(seen) and all(np.array_equal(again[name], block) for name, block in seen.items())


def test_a_reset_tells_who_lives_in_every_shard():
    env = ShardedVecEnv([ArenaVecEnv("combat", 2, seed=0), ArenaVecEnv("combat", 1, seed=2)])
    env.reset()
    assert env.reset_infos == [{"alive": True}] * 3
