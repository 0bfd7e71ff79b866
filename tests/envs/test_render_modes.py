"""What each render mode shows of a match."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from mlmonster_env.envs.monster import MonsterEnv
from mlmonster_env.envs.sb3 import ArenaVecEnv
from mlmonster_env.plans import Side
from mlmonster_env.scenarios import named
from tests.envs.play import actions

ALIKE = replace(named("skirmish"), first=Side(species=("RUSTFANG",)))  # the same in every match


def shown(mode: str, steps: int, every: int = 1, seed: int = 3, **arguments: Any) -> list[Any]:
    """What an environment shows at its reset and every so many steps afterwards."""
    env = MonsterEnv(render_mode=mode, **arguments)
    env.reset(seed=seed)
    told = [env.render()]
    for step, action in zip(range(1, steps + 1), actions(env.action_space), strict=False):
        if any(env.step(action)[2:4]):
            break
        if step % every == 0:
            told.append(env.render())
    return told


@pytest.mark.parametrize("scenario", ["duel", "skirmish", "raid-6v3", "mirror-v1"])
def test_pictures_of_an_episode_are_of_one_size_and_change(scenario):
    pictures = shown("rgb_array", 40, scenario=scenario)
    assert len(pictures) > 10
    assert {picture.dtype for picture in pictures} == {np.dtype(np.uint8)}
    ((height, width, colours),) = {picture.shape for picture in pictures}
    assert min(height, width) >= 200 and colours == 3
    assert sum((before != after).any() for before, after in pairwise(pictures)) > len(pictures) / 2


def test_a_picture_is_of_the_moment():
    one, other = (shown("rgb_array", 12, every=every)[-1] for every in (12, 12))
    assert (one == other).all()


def test_text_shows_the_map_and_everybody():
    for text in shown("ansi", 40, every=20, scenario="mirror-v1", archetype="mage"):
        head, *rows = text.split("\n")
        assert head.startswith("mirror-v1  0:")
        field, told = rows[:-6], rows[-6:]
        assert [line[0] for line in told] == list("abcDEF")
        assert all("(mage): " in line and ("hp" in line or line.endswith("dead")) for line in told)
        assert len({len(row) for row in field}) == 1
        living = [line[0] for line in told if not line.endswith("dead")]
        assert any(letter in row for letter in living for row in field)
        assert set("".join(field)) <= set("abcDEF#.~!$+")


def test_text_tells_hp_and_lives():
    before, *_, after = shown("ansi", 30, scenario="duel", archetype="aggressive")
    first, second = before.split("\n")[-2:]
    assert first.startswith("a ") and second.startswith("B ")
    for line in (first, second):
        hp, most = (int(number) for number in line.partition("] ")[2].split(" hp")[0].split(" of "))
        assert hp == most > 0
        assert "[==========]" in line and line.endswith("3 lives")
    assert after.split("\n")[-2:] != [first, second]


def test_the_clock_shows_how_long_the_match_has_lasted():
    heads = [text.split("\n")[0].split()[-1] for text in shown("ansi", 4)]
    assert heads == ["0:00.0", "0:00.5", "0:01.0", "0:01.5", "0:02.0"]


def test_people_read_the_text_on_the_terminal(capsys):
    env = MonsterEnv(render_mode="human", scenario="duel")
    env.reset(seed=0)
    env.step(0)
    assert env.render() is None
    printed = capsys.readouterr().out
    assert printed.count("duel  0:") == 3
    assert printed.count("lives") == 6
    assert "\x1b" not in printed


def test_without_a_render_mode_nothing_is_shown():
    env = MonsterEnv()
    env.reset(seed=0)
    with pytest.warns(UserWarning, match="render_mode"):
        assert env.render() is None


@pytest.mark.parametrize("seed", [5, None])
def test_a_picture_of_one_match_knows_nothing_of_another_that_was_looked_at_before(seed):
    fresh, other = (MonsterEnv(render_mode="rgb_array", scenario=ALIKE) for _ in range(2))
    other.reset(seed=5)
    other.render()
    for _ in range(10):
        other.step(1)
    other.render()
    fresh.reset(seed=5)
    for env in (fresh, other):
        env.reset(seed=seed)
        for _ in range(14):
            env.step(1)
    assert (fresh.render() == other.render()).all()


def test_a_row_that_begins_again_by_itself_is_drawn_as_one_that_nobody_looked_at():
    watched, other = (
        ArenaVecEnv("combat", 1, scenario=ALIKE, max_episode_steps=15, render_mode="rgb_array", seed=2)
        for _ in range(2)
    )
    for env in (watched, other):
        env.reset()
        for step in range(29):
            env.step(np.ones(1, np.int64))
            if env is watched and step == 9:
                env.render()
    assert (watched.render() == other.render()).all()
