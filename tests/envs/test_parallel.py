"""Monsters of one side or both as PettingZoo's agents."""

from typing import Any

import numpy as np
import pytest
from gymnasium.error import ResetNeeded

from mlmonster_env import parallel_env
from mlmonster_env.contract import BLOCKS, CONTROLS
from mlmonster_env.envs.monster import MonsterEnv
from tests.envs.play import differences

FIRST = ["first_0", "first_1", "first_2"]
SECOND = ["second_0", "second_1", "second_2"]
MASK = "action_mask"


def played(env: Any, seed: int | None = 0, steps: int = 400) -> list[Any]:
    """Everything that a match returns under random actions."""
    told: list[Any] = [env.reset(seed=seed)]
    for number, agent in enumerate(env.possible_agents):
        env.action_space(agent).seed(number)
    while env.agents and len(told) <= steps:
        told.append(env.step({agent: env.action_space(agent).sample() for agent in env.agents}))
    return told


def test_agents_are_called_by_side_and_number():
    assert parallel_env().possible_agents == [*FIRST, *SECOND]
    assert parallel_env(sides="first").possible_agents == FIRST
    raid = parallel_env(scenario="raid-6v3").possible_agents
    assert raid == [*(f"first_{i}" for i in range(6)), *SECOND]


@pytest.mark.parametrize("sides", ["both", "first"])
def test_agents_leave_when_they_die(sides):
    left_early = 0
    for seed in range(4):
        env = parallel_env(sides=sides)
        present = list(env.possible_agents)
        env.reset(seed=seed)
        assert env.agents == present
        while env.agents:
            seen, rewards, terminated, truncated, infos = env.step({agent: 1 for agent in env.agents})
            assert [*seen] == [*rewards] == [*terminated] == [*truncated] == [*infos] == present
            over = not env.agents
            dead = [agent for agent in present if not seen[agent].any()]
            assert not any(terminated[agent] and truncated[agent] for agent in present)
            if not over:
                assert [agent for agent in present if terminated[agent]] == dead
                assert env.agents == [agent for agent in present if agent not in dead]
                assert not any(truncated.values())
                left_early += len(dead)
            else:
                assert all(terminated[agent] or truncated[agent] for agent in present)
            present = list(env.agents)
    assert left_early > 4


def test_what_one_side_gains_the_other_loses():
    outcomes = set()
    for seed in range(6):
        told = played(parallel_env(), seed)
        for _, rewards, *_ in told[1:-1]:
            assert not any(rewards.values())
        last = told[-1][1]
        first = {last[agent] for agent in last if agent in FIRST}
        second = {last[agent] for agent in last if agent in SECOND}
        assert (first, second) in (({1.0}, {-1.0}), ({-1.0}, {1.0}), ({0.0}, {0.0}), (set(), {1.0}), ({1.0}, set()))
        outcomes |= first
    assert {1.0, -1.0} <= outcomes


def test_a_draw_truncates_the_living_and_pays_nobody():
    env = parallel_env(max_episode_steps=3)
    _, rewards, terminated, truncated, _ = played(env)[-1]
    assert rewards == dict.fromkeys([*FIRST, *SECOND], 0.0)
    assert truncated == dict.fromkeys([*FIRST, *SECOND], True)
    assert terminated == dict.fromkeys([*FIRST, *SECOND], False)
    assert env.agents == []


def test_the_first_sides_first_agent_is_the_single_environments_monster():
    together, alone = parallel_env(sides="first", scenario="skirmish-1v1"), MonsterEnv(scenario="skirmish-1v1")
    seen, _ = together.reset(seed=9)
    assert (seen["first_0"] == alone.reset(seed=9)[0]).all()
    while together.agents:
        seen, rewards, terminated, truncated, infos = together.step({"first_0": 1})
        expected = alone.step(1)
        told = (seen["first_0"], rewards["first_0"], terminated["first_0"], truncated["first_0"])
        assert differences(told, expected[:4]) == []
        assert (infos["first_0"][MASK] == expected[4][MASK]).all()


@pytest.mark.parametrize("control", CONTROLS)
def test_a_seed_is_a_whole_match(control):
    blocks = [*BLOCKS, MASK] if CONTROLS[control] else [*BLOCKS]
    one, other = (parallel_env(control, observe=blocks, sides="both") for _ in range(2))
    told = played(one, 5, 120)
    assert differences(told, played(other, 5, 120)) == []
    assert differences(played(one, None, 40), played(other, None, 40)) == []
    assert differences(told, played(one, 5, 120)) == []
    assert differences(told, played(one, 6, 120)) != []


def test_each_agent_has_spaces_of_its_own():
    env = parallel_env(observe=("state", MASK))
    for agent in env.possible_agents:
        assert env.observation_space(agent) is env.observation_space(agent)
        assert env.action_space(agent) is env.action_space(agent)
    assert env.action_space("first_0") is not env.action_space("first_1")
    seen, _ = env.reset(seed=0)
    assert all(env.observation_space(agent).contains(seen[agent]) for agent in env.agents)


def test_masks_are_told_in_infos():
    env = parallel_env(observe=("state", MASK))
    seen, infos = env.reset(seed=0)
    for _ in range(20):
        assert all((infos[agent][MASK] == seen[agent][MASK]).all() for agent in seen)
        seen, _, _, _, infos = env.step({agent: 2 for agent in env.agents})
    assert parallel_env("continuous").reset(seed=0)[1]["first_0"].get(MASK) is None


def test_who_is_given_no_order_does_nothing():
    told = []
    for nobody in (False, True):
        env = parallel_env()
        env.reset(seed=1)
        told.append([env.step({} if nobody else dict.fromkeys(env.agents, 0)) for _ in range(30)])
    assert differences(told[0], told[1]) == []


def test_the_state_is_what_all_agents_see():
    env = parallel_env(sides="first")
    env.reset(seed=0)
    seen, *_ = env.step(dict.fromkeys(env.agents, 1))
    assert (env.state().ravel() == np.concatenate([seen[agent] for agent in FIRST])).all()


def test_it_renders():
    env = parallel_env(render_mode="ansi")
    env.reset(seed=0)
    assert "hp" in env.render()
    picture = parallel_env(render_mode="rgb_array")
    picture.reset(seed=0)
    assert picture.render().ndim == 3
    assert {"render_modes", "name"} <= set(picture.metadata)


def misuse(words: str, *given: Any, **marks: Any) -> Any:
    return pytest.param(*given, words, **marks)


@pytest.mark.parametrize(
    ("control", "agent", "action", "words"),
    [
        misuse("agent is 'first_9', expected perhaps first_", "combat", "first_9", 1),
        misuse("agent is 'frist_0', expected perhaps first_0", "combat", "frist_0", 1),
        misuse("action is 10, expected 0 to 9: 0 idle", "combat", "first_0", 10),
        misuse("action is -1, expected 0 to 8", "movement", "second_1", -1),
        misuse("action is .*1.7.*expected", "combat", "first_0", 1.7),
        misuse("action is .*attack.*expected", "combat", "first_0", "attack"),
        misuse("action is .*expected 4 finite numbers", "continuous", "first_0", [0.0, 1.0]),
        misuse("action is .*expected 4 finite numbers", "continuous", "second_2", [0.0, 0.0, 0.0, float("nan")]),
    ],
)
def test_wrong_orders_are_named(control, agent, action, words):
    env = parallel_env(control)
    env.reset(seed=0)
    with pytest.raises(ValueError, match=words):
        env.step({agent: action})


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"sides": "bth"}, "sides is 'bth', expected perhaps both, one of first, both"),
        ({"render_mode": "rgb"}, "render_mode is 'rgb', expected .*rgb_array"),
        ({"archetype": "maeg"}, "archetype is 'maeg', expected perhaps mage"),
        ({"pack": True}, "pack is True, expected who is an agent to be said by sides='both'"),
        ({"both_sides": False}, "both_sides is False, expected who is an agent to be said by sides='both'"),
        ({"sides": "first", "side": 1}, "side is 1, expected who is an agent to be said by sides='first'"),
    ],
)
def test_wrong_arguments_are_named(asked, words):
    with pytest.raises(ValueError, match=words):
        parallel_env(**asked)


@pytest.mark.parametrize("seed", [1.5, "1", True, -1])
def test_a_wrong_seed_is_named(seed):
    with pytest.raises(ValueError, match=r"seed is .*, expected a whole number or None"):
        parallel_env().reset(seed=seed)


@pytest.mark.parametrize("kind", [np.int32, np.uint8, np.int64])
def test_any_whole_number_is_a_seed(kind):
    seen, same = (parallel_env().reset(seed=seed)[0] for seed in (4, kind(4)))
    assert all((seen[agent] == same[agent]).all() for agent in seen)


@pytest.mark.parametrize("actions", [None, [1], 1])
def test_actions_that_are_no_dict_are_named(actions):
    env = parallel_env()
    env.reset(seed=0)
    with pytest.raises(ValueError, match=r"actions are .*, expected a dict of an action for each agent"):
        env.step(actions)


def test_human_mode_shows_each_step(capsys):
    env = parallel_env(render_mode="human")
    for play in (lambda: env.reset(seed=0), lambda: env.step({})):
        play()
        assert "hp" in capsys.readouterr().out


def test_a_step_needs_a_reset():
    env = parallel_env()
    with pytest.raises(ResetNeeded, match="step was called before reset"):
        env.step({})
