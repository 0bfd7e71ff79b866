"""What the arguments of the single environment do, and what it tells."""

import pickle
from copy import deepcopy
from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
import pytest

from mlmonster_env import parallel_env
from mlmonster_env.contract import BLOCKS, CONTROLS
from mlmonster_env.data import Bestiary
from mlmonster_env.envs.battle import Battle, seeds_from
from mlmonster_env.envs.monster import MonsterEnv
from mlmonster_env.scenarios import load, named
from mlmonster_env.sim import fields as f
from mlmonster_env.sim.recording import Recording
from tests.envs.play import actions, differences, trajectory

SHORT = replace(named("skirmish"), time_limit_s=6)
MASK = "action_mask"
FILE = """
name: ambush
first: {size: 2, archetype: tank}
second: {size: 4, archetype: ranged}
maps: [open-40]
starts: [{name: near, apart: [6, 8], aware: true}]
time_limit_s: 30
"""


def harm_done(side: int, told: list[float]) -> Any:
    """A reward that keeps what a side dealt; it pays nothing."""

    def reward(events: Any) -> Any:
        told.append(float((events.damage_dealt * (events.side == side) * events.member).sum()))
        return np.zeros(events.side.shape)

    return reward


def play(env: MonsterEnv, seed: int, steps: int = 200, action: int | None = None) -> int:
    """Play one episode at random, or always the same action; returns its steps."""
    env.reset(seed=seed)
    for step, chosen in zip(range(1, steps + 1), actions(env.action_space, seed), strict=False):
        _, _, terminated, truncated, _ = env.step(chosen if action is None else action)
        if terminated or truncated:
            return step
    return steps


def test_a_win_pays_one_and_a_loss_costs_one():
    paid = {1: 0, -1: 0}
    env = MonsterEnv()
    for seed in range(12):
        env.reset(seed=seed)
        reward, terminated, truncated = 0.0, False, False
        while not (terminated or truncated):
            assert reward == 0
            _, reward, terminated, truncated, info = env.step(1)
        assert type(reward) is float
        assert reward == info["outcome"]
        paid[info["outcome"]] += 1
    assert paid[1] and paid[-1]


def test_a_reward_is_any_function_of_events():
    shapes = set()

    def seconds_lived(events):
        shapes.add(events.alive_ms.shape)
        return events.alive_ms / 1000 + 10 * events.member

    env = MonsterEnv(reward=seconds_lived, scenario="skirmish-2v2")
    env.reset(seed=0)
    assert [env.step(0)[1] for _ in range(3)] == [10.5] * 3
    (shape,) = shapes
    assert shape[0] == 1 and shape[1] >= 4


def test_a_reward_counts_the_monsters_own_deeds():
    own, paid = [], 0.0

    def dealt(events):
        own.append(float(events.damage_dealt[0, 0]))
        return events["damage_dealt"]

    env = MonsterEnv(reward=dealt)
    env.reset(seed=1)
    for _ in range(40):
        _, reward, terminated, truncated, _ = env.step(1)
        paid += reward
        if terminated or truncated:
            break
    assert paid == sum(own) > 0


def test_a_misspelt_event_names_the_right_one():
    env = MonsterEnv(reward=lambda events: events.damage_delt)
    env.reset(seed=0)
    with pytest.raises(AttributeError, match="no event 'damage_delt', perhaps damage_dealt"):
        env.step(0)


def test_stock_opponents_fight_and_idle_ones_do_not():
    harm: dict[str, list[float]] = {"stock": [], "idle": [], "random": []}
    for opponent, told in harm.items():
        for seed in range(3):
            play(MonsterEnv(opponent=opponent, archetype="aggressive", reward=harm_done(1, told)), seed, action=1)
    assert sum(harm["idle"]) == 0
    assert sum(harm["stock"]) > sum(harm["random"]) > 0


@pytest.mark.parametrize("opponent", ["stock", "random", "idle"])
def test_a_seed_is_a_trajectory(opponent):
    told = trajectory(MonsterEnv(opponent=opponent), 90, seed=3)
    assert differences(told, trajectory(MonsterEnv(opponent=opponent), 90, seed=3)) == []
    assert differences(told, trajectory(MonsterEnv(opponent=opponent), 90, seed=4)) != []


@pytest.mark.parametrize("control", CONTROLS)
@pytest.mark.parametrize("observe", ["state", ("entities", "skills", "history")])
def test_an_opponent_may_be_a_function_of_what_its_monsters_see(control, observe):
    seen: list[dict[str, Any]] = []
    both = parallel_env(control, observe=("state", "entities", "skills"))
    orders = both.action_space("first_0")

    def remember(blocks):
        seen.append(blocks)
        return np.stack([orders.sample() for _ in range(3)])

    env = MonsterEnv(control, opponent=remember, observe=observe)
    env.reset(seed=5)
    assert seen == []
    env.step(env.action_space.sample())
    env.step(env.action_space.sample())
    blocks = {"state"} if observe == "state" else {"entities", "skills"}
    assert len(seen) == 2
    assert {*seen[0]} == blocks | ({MASK} if CONTROLS[control] else set())
    told, infos = both.reset(seed=5)
    for number in range(3):
        agent = f"second_{number}"
        for name in blocks:
            assert (seen[0][name][number] == told[agent][name]).all()
        if CONTROLS[control]:
            assert (seen[0][MASK][number] == infos[agent][MASK]).all()


def test_an_opponent_that_attacks_is_obeyed():
    told: list[float] = []
    orders = {"attack": lambda seen: np.ones(3, int), "nothing": lambda seen: np.zeros(3, int)}
    for opponent in orders.values():
        told.append(0.0)
        harm: list[float] = []
        for seed in range(3):
            play(MonsterEnv(opponent=opponent, archetype="aggressive", reward=harm_done(1, harm)), seed, action=1)
        told[-1] = sum(harm)
    assert told[0] > 0 == told[1]


@pytest.mark.parametrize(
    ("orders", "words"),
    [
        ([0, 12, 0], "action is 12, expected 0 to 9: 0 idle"),
        ([0, 0], r"action is array\(\[0, 0\]\), expected one whole number for each of 3 slots"),
    ],
)
def test_wrong_orders_of_an_opponent_are_named(orders, words):
    env = MonsterEnv(opponent=lambda seen: np.array(orders))
    env.reset(seed=0)
    with pytest.raises(ValueError, match=words):
        env.step(0)


def test_free_skills_are_castable_more_often_than_fair_ones():
    castable = {}
    for skills in ("fair", "free"):
        env = MonsterEnv("skill", skills=skills, archetype="mage", opponent="idle")
        castable[skills] = 0
        for seed in range(4):
            env.reset(seed=seed)
            for _ in range(60):
                *_, info = env.step(8)
                castable[skills] += info[MASK][:8].sum()
    assert castable["free"] > 2 * castable["fair"] > 0


@pytest.mark.parametrize(("decision_ms", "steps"), [(100, 60), (500, 12), (1000, 6), (1500, 4)])
def test_a_decision_lasts_its_time(decision_ms, steps):
    env = MonsterEnv(scenario=SHORT, decision_ms=decision_ms)
    assert play(env, 0, action=0) == steps
    assert env.recording().ticks == decision_ms // 100


def test_time_truncates_and_is_a_draw():
    env = MonsterEnv(scenario=SHORT)
    env.reset(seed=0)
    for _ in range(11):
        assert env.step(0)[1:4] == (0.0, False, False)
    *told, info = env.step(0)
    assert told[1:] == [0.0, False, True]
    assert info["outcome"] == 0


def test_a_limit_of_steps_truncates():
    env = MonsterEnv(max_episode_steps=4)
    assert [play(env, seed, action=0) for seed in range(3)] == [4, 4, 4]
    env.reset()
    assert [env.step(0)[3] for _ in range(4)] == [False] * 3 + [True]


@pytest.mark.parametrize("control", CONTROLS)
def test_infos_tell_who_lives_and_what_is_legal(control):
    blocks = ("state", MASK) if CONTROLS[control] else ("state",)
    env = MonsterEnv(control, observe=blocks)
    seen, info = env.reset(seed=0)
    deaths = 0
    for _, action in zip(range(300), actions(env.action_space), strict=False):
        assert set(info) - {"outcome"} == ({"alive", MASK} if CONTROLS[control] else {"alive"})
        assert info["alive"] is bool(seen["state"].any())
        deaths += not info["alive"]
        if CONTROLS[control]:
            assert info[MASK].dtype == np.int8 and (info[MASK] == seen[MASK]).all()
            assert (env.action_masks() == info[MASK].astype(bool)).all()
        seen, _, terminated, truncated, info = env.step(action)
        assert info["outcome"] == 0 or terminated
        if terminated or truncated:
            seen, info = env.reset()
            assert info["alive"] is True
    assert deaths


def test_episodes_of_a_seed_follow_each_other():
    env, other = MonsterEnv(), MonsterEnv()
    begun = [env.reset(seed=2)[0], *(env.reset()[0] for _ in range(4))]
    assert len({seen.tobytes() for seen in begun}) == 5
    other.reset(seed=2)
    for seen in begun[1:]:
        for _ in range(5):
            other.step(1)
        assert (other.reset()[0] == seen).all()


@pytest.mark.parametrize("copy", [deepcopy, lambda env: pickle.loads(pickle.dumps(env))], ids=["deepcopy", "pickle"])
def test_a_copy_is_a_world_of_its_own(copy):
    env = MonsterEnv()
    env.reset(seed=0)
    env.step(1)
    before = env.battle.arena.digest()
    twin = copy(env)
    told = [twin.step(1) for _ in range(20)]
    assert env.battle.arena.digest() == before
    assert differences(told, [env.step(1) for _ in range(20)]) == []


def test_a_step_needs_a_reset():
    with pytest.raises(gymnasium.error.ResetNeeded):
        MonsterEnv().step(0)


@pytest.mark.parametrize("control", CONTROLS)
@pytest.mark.parametrize("opponent", ["stock", "random", lambda seen: np.zeros(3, int)], ids=["stock", "random", "own"])
def test_a_recording_replays_to_its_digest(tmp_path, control, opponent):
    if callable(opponent) and not CONTROLS[control]:
        opponent = lambda seen: np.zeros((3, 4))  # noqa: E731
    env = MonsterEnv(control, opponent=opponent, skills="free", archetype="mage")
    for seed in (7, None):
        env.reset(seed=seed)
        steps = 0
        for _, action in zip(range(25), actions(env.action_space, 1), strict=False):
            steps += 1
            if any(env.step(action)[2:4]):
                break
        recording = env.recording()
        assert len(recording.orders) == steps
        assert recording.replayed_digest() == recording.digest == env.battle.arena.digest()[0]
        recording.save(tmp_path / "match.npz")
        assert Recording.load(tmp_path / "match.npz").replayed_digest() == recording.digest
    altered = replace(recording, seed=recording.seed + 1)
    assert altered.replayed_digest() != recording.digest


def test_a_scenario_may_be_a_plan_or_a_file(tmp_path):
    path = tmp_path / "ambush.yml"
    path.write_text(FILE)
    for scenario in (path, str(path), load(path)):
        env = MonsterEnv(scenario=scenario, render_mode="ansi")
        env.reset(seed=0)
        text = env.render()
        assert text.startswith("ambush")
        assert (text.count("(tank)"), text.count("(ranged)")) == (2, 4)


def test_another_bestiary_is_another_world():
    older = Bestiary.load(mode="pre-renewal")
    env = MonsterEnv(bestiary=older)
    told = trajectory(env, 30)
    assert differences(told, trajectory(MonsterEnv(), 30)) != []
    recording = env.recording()
    assert recording.mode == "pre-renewal"
    assert recording.replayed_digest(older) == recording.digest


def test_every_block_is_within_its_space():
    env = MonsterEnv(observe=(*BLOCKS, MASK), scenario="raid-6v3", opponent="random")
    for told in trajectory(env, 120):
        assert env.observation_space.contains(told[0])


def test_an_opponent_sees_the_state_where_it_would_see_nothing():
    told: list[Any] = []

    def stand(seen):
        told.append({name: block.shape for name, block in seen.items()})
        return np.zeros((3, 4), np.float32)

    env = MonsterEnv("continuous", opponent=stand, observe=("history",))
    env.reset(seed=0)
    env.step(env.action_space.sample())
    assert told == [{"state": (3, 64)}]


def test_time_decides_a_duel_for_who_has_more_lives_or_items_and_that_terminates():
    plan = replace(named("duel"), time_limit_s=20)
    batch = Battle(64, "combat", scenario=plan, opponent="random")
    batch.reset(seeds_from(0, 64))
    for _ in range(40):
        masks = batch.action_masks()
        _, terminated, truncated = batch.step(np.where(masks[:, 1], 1, 4 * masks[:, 4]))
    outcome = batch.outcome()
    on_time = batch.arena.match[:, f.ENDED_AT] >= batch.scenario.time_limit_ms
    assert {1, 0} <= set(outcome[on_time].tolist())
    assert (terminated == (outcome != 0))[on_time].all() and (truncated == (outcome == 0))[on_time].all()
