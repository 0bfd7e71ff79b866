"""A wrong argument gives an error that names it, and what would have been right."""

import re
from typing import Any

import numpy as np
import pytest
from gymnasium.error import ResetNeeded

from mlmonster_env.envs.monster import MonsterEnv
from mlmonster_env.envs.sb3 import ArenaVecEnv
from mlmonster_env.envs.vector import MonsterVectorEnv

FILE = """
name: ambush
first: {size: 2, archetype: tank}
second: {size: 4, archetype: ranged}
maps: [open-40]
starts: [{name: near, apart: [6, 8], aware: true}]
time_limit_s: 30
"""


def wrong(argument: str, value: Any, *words: str) -> Any:
    """One case: what is wrong, and the words that its error must hold."""
    return pytest.param({argument: value}, words, id=f"{argument} {value}")


def said(error: Exception, *words: str) -> bool:
    return all(word in str(error) for word in words)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        wrong("control", "combt", "'combt'", "perhaps combat"),
        wrong("control", "Combat", "'Combat'", "perhaps combat"),
        wrong("control", None, "None", "movement"),
        wrong("control", ["combat"], "['combat']", "combat"),
        wrong("archetype", "maeg", "'maeg'", "perhaps mage"),
        wrong("archetype", "", "''", "aggressive, defensive, support, mage, tank, ranged"),
        wrong("archetype", ["mage"], "['mage']", "mage"),
        wrong("scenario", "skirmsh", "'skirmsh'", "perhaps skirmish"),
        wrong("scenario", "skirmish-0v3", "'skirmish-0v3'", "1 to 24"),
        wrong("scenario", "mirror-v1:helt-out", "'helt-out'", "perhaps held-out"),
        wrong("scenario", "skirmish:contact", "'contact'", "near"),
        wrong("scenario", None, "None", "skirmish"),
        wrong("scenario", "nowhere.yml", "'nowhere.yml'", "a file that is there"),
        wrong("opponent", "stok", "'stok'", "perhaps stock"),
        wrong("opponent", 5, "5", "stock, random, idle", "function"),
        wrong("observe", "stat", "'stat'", "perhaps state"),
        wrong("observe", ("state", "gird"), "'gird'", "perhaps grid"),
        wrong("observe", ("state", "state"), "('state', 'state')", "each once"),
        wrong("observe", (), "()", "each once"),
        wrong("observe", 5, "observe is 5", "state"),
        wrong("observe", None, "observe is None", "state"),
        wrong("reward", 5, "5", "a function of events"),
        wrong("skills", "fre", "'fre'", "perhaps free"),
        wrong("skills", None, "None", "fair, free"),
        wrong("skills", ["fair"], "['fair']", "fair, free"),
        wrong("decision_ms", 250, "250", "a multiple of 100"),
        wrong("decision_ms", 0, "0", "a multiple of 100"),
        wrong("decision_ms", -500, "-500", "a multiple of 100"),
        wrong("decision_ms", "500", "'500'", "a multiple of 100"),
        wrong("decision_ms", 500.0, "500.0", "a multiple of 100"),
        wrong("decision_ms", None, "None", "a multiple of 100"),
        wrong("max_episode_steps", 0, "0", "at least 1"),
        wrong("max_episode_steps", "5", "'5'", "at least 1"),
        wrong("max_episode_steps", 2.5, "2.5", "at least 1"),
        wrong("render_mode", "rgb", "'rgb'", "rgb_array, ansi, human"),
        wrong("bestiary", "renewal", "bestiary", "'renewal'"),
    ],
)
def test_a_wrong_argument_is_named(arguments, words):
    (argument,) = arguments
    with pytest.raises(ValueError) as caught:
        MonsterEnv(**arguments)
    assert said(caught.value, argument, *words), caught.value


def test_an_unknown_argument_is_named():
    with pytest.raises(TypeError, match="archtype"):
        MonsterEnv(archtype="mage")  # type: ignore[call-arg]


def test_masks_are_not_offered_to_vectors():
    with pytest.raises(ValueError, match=r"observe is 'action_mask', expected one of state, grid, .*history$"):
        MonsterEnv("continuous", observe=("state", "action_mask"))


def test_vectors_have_no_masks():
    env = MonsterEnv("continuous")
    env.reset(seed=0)
    with pytest.raises(AttributeError, match="continuous control has no action masks, expected a discrete one"):
        env.action_masks()


@pytest.mark.parametrize(
    ("control", "action", "words"),
    [
        ("combat", 10, "action is 10, expected 0 to 9: 0 idle, 1 attack, 2 move closer"),
        ("combat", -1, "action is -1, expected 0 to 9"),
        ("combat", 255, "action is 255, expected 0 to 9"),
        ("movement", 9, "action is 9, expected 0 to 8: 0 north"),
        ("skill", 9, "action is 9, expected 0 to 8: 0 slot 1"),
        ("pack", 5, "action is 5, expected 0 to 4: 0 attack target"),
        ("combat", "attack", "attack"),
        ("combat", 1.0, "1."),
        ("combat", float("nan"), "nan"),
        ("combat", None, "None"),
        ("combat", True, "True"),
        ("combat", [1, 2], "[1, 2]"),
        ("combat", [1], "[1]"),
        ("combat", [1, [2, 3]], "[1, [2, 3]]"),
        ("continuous", 1, "1"),
        ("continuous", [0.0, 0.0, 0.0], "4 finite numbers a slot: ('dx', 'dy', 'engage', 'ability')"),
        ("continuous", [0.0, 0.0, 0.0, float("nan")], "nan"),
        ("continuous", [0.0, float("inf"), 0.0, 0.0], "inf"),
        ("continuous", np.zeros((1, 4)), "4 finite numbers"),
        ("continuous", None, "None"),
        ("continuous", ["a", "b", "c", "d"], "4 finite numbers"),
    ],
)  # fmt: skip
def test_a_wrong_action_is_named(control, action, words):
    env = MonsterEnv(control)
    env.reset(seed=0)
    before = env.battle.arena.digest()
    with pytest.raises(ValueError) as caught:
        env.step(action)
    assert said(caught.value, "action is", words, "expected"), caught.value
    assert env.battle.arena.digest() == before
    env.step(env.action_space.sample())


@pytest.mark.parametrize("action", [1, None, 0.5, "attack", [0, [1]]])
@pytest.mark.parametrize("control", ["combat", "continuous"])
@pytest.mark.parametrize("make", [MonsterVectorEnv, lambda n, control: ArenaVecEnv(control, n)])
def test_one_action_for_a_batch_is_named(make, control, action):
    env = make(2, control)
    env.reset()
    with pytest.raises(ValueError, match=r"action is .*expected"):
        env.step(action)


@pytest.mark.parametrize("answer", [1, None, [0.5]])
def test_an_opponent_who_answers_with_something_else_is_told_so(answer):
    env = MonsterEnv(opponent=lambda seen: answer)
    env.reset(seed=0)
    with pytest.raises(ValueError, match=r"action is .*expected one whole number for each of 3 slots"):
        env.step(1)


@pytest.mark.parametrize("name", ["pack", "both_sides"])
def test_a_vector_environment_has_one_monster_a_match(name):
    asked: dict[str, Any] = {name: True}
    with pytest.raises(ValueError, match=f"{name} is True, expected one monster a match"):
        MonsterVectorEnv(2, **asked)


def test_a_recording_begins_with_a_reset():
    with pytest.raises(ResetNeeded, match="a recording was asked for before reset"):
        MonsterEnv().recording()


@pytest.mark.parametrize("kind", [int, np.int32, np.int64, np.uint8, np.array])
def test_an_action_is_any_whole_number(kind):
    env, other = MonsterEnv(), MonsterEnv()
    env.reset(seed=0), other.reset(seed=0)
    assert np.array_equal(env.step(kind(3))[0], other.step(3)[0])


@pytest.mark.parametrize(
    ("was", "mistake", "words"),
    [
        ("size: 2", "size: 99", ("first", "size is '99'", "24")),
        ("size: 2", "size: two", ("first", "size is 'two'")),
        ("archetype: tank", "archetype: tnak", ("archetype is 'tnak'", "perhaps tank")),
        ("archetype: tank", "arketype: tank", ("'arketype'", "perhaps archetype")),
        ("archetype: tank", "species: [PORNIG]", ("PORNIG",)),
        ("archetype: tank", "who: bot", ("who is 'bot'", "perhaps bots")),
        ("maps: [open-40]", "maps: open-40", ("maps is 'open-40'", "a list of")),
        ("maps: [open-40]", "maps: [medow]", ("'medow'", "perhaps meadow")),
        ("maps: [open-40]", "maps: [open-4]", ("open-4",)),
        ("maps: [open-40]", "maps: []", ("maps is []", "a list of maps")),
        ("maps: [open-40]", "mops: [open-40]", ("'mops'", "perhaps maps")),
        ("apart: [6, 8]", "apart: [8, 6]", ("apart is", "the smaller first")),
        ("apart: [6, 8]", "apart: 6", ("apart is '6'", "two numbers")),
        ("aware: true", "aware: maybe", ("aware is 'maybe'",)),
        ("time_limit_s: 30", "time_limit_s: 0", ("time_limit_s is '0'", "1")),
        ("time_limit_s: 30", "time_limit: 30", ("'time_limit'", "perhaps time_limit_s")),
        ("time_limit_s: 30", "time_limit_s: 30\ntime_limit_s: 40", ("time_limit_s", "twice")),
        ("first: {size: 2, archetype: tank}", "", ("first is 'missing'", "who fights")),
        ("starts: [{name: near, apart: [6, 8], aware: true}]", "", ("starts is 'missing'", "a list of starts")),
        ("name: ambush", "- ambush", ("ambush.yml",)),
    ],
)
def test_a_mistake_in_a_scenario_file_is_named(tmp_path, was, mistake, words):
    path = tmp_path / "ambush.yml"
    assert was in FILE
    path.write_text(FILE.replace(was, mistake, 1))
    with pytest.raises(ValueError) as caught:
        MonsterEnv(scenario=path)
    assert said(caught.value, "ambush", *words), caught.value


def test_an_empty_scenario_file_is_named(tmp_path):
    path = tmp_path / "nothing.yml"
    path.write_text("")
    with pytest.raises(ValueError, match=re.escape("nothing.yml")):
        MonsterEnv(scenario=path)


@pytest.mark.parametrize(("argument", "value"), [("archetype", "mage"), ("skills", "free")])
def test_what_a_staged_scenario_could_not_heed_is_named(argument, value):
    staged = MonsterEnv(scenario="skirmish-1v1", archetype="tank").battle.scenario
    assert MonsterEnv(scenario=staged).battle.scenario is staged
    with pytest.raises(ValueError, match=f"{argument} is '{value}' beside a Scenario"):
        MonsterEnv(scenario=staged, **{argument: value})


@pytest.mark.parametrize("worth", [1e300, "a", None, 1j])
def test_a_reward_that_is_no_finite_number_of_single_precision_is_named(worth):
    env = MonsterEnv(reward=lambda events: np.full(events.side.shape, worth))
    env.reset(seed=0)
    with pytest.raises(ValueError, match=r"the reward of a slot is .*, expected finite numbers"):
        env.step(0)


@pytest.mark.parametrize("match", [2, -1, 0.5, True])
def test_a_recording_of_a_match_that_there_is_not_is_named(match):
    env = ArenaVecEnv("combat", 2, opponent="random", record=True, seed=0)
    env.reset()
    with pytest.raises(ValueError, match=f"match is {match}, expected a whole number, 0 to 1"):
        env.recording(match)
