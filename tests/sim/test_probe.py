"""What probes answer at the edges of what they can be asked."""

from collections.abc import Callable
from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mlmonster_env.data import Bestiary
from mlmonster_env.sim import fields as f
from mlmonster_env.sim import probe
from mlmonster_env.sim.lab import Place, open_field
from mlmonster_env.sim.tables import called_by
from tests.sim.grounds import bundled

LEVELS = range(1, 6)


def test_everybody_has_an_attack_interval_or_none():
    world = bundled()
    for monster in world:
        told = probe.attack_interval(world, monster.id, "KNIGHT_BOT" if "KNIGHT_BOT" in world else monster.id)
        if monster.mode & f.CAN_ATTACK:
            assert 0 < told["min_ms"] <= told["mean_ms"] <= told["max_ms"], monster.aegis_name
        else:
            assert set(told.values()) == {-1}, monster.aegis_name


@pytest.mark.parametrize("n", [0, -1])
@pytest.mark.parametrize(
    "ask",
    [
        lambda world, one, n: probe.normal_attacks(world, one, one, n, 0),
        lambda world, one, n: probe.skill_hits(world, next(iter(world.skills)), 1, one, one, n, 0),
        lambda world, one, n: probe.status_chance(world, "SC_STUN", 5000, 5000, one, one, n, 0),
    ],
)
def test_nothing_can_be_told_of_no_tries(ask: Any, n: int) -> None:
    with pytest.raises(ValueError, match=f"n is {n}, expected at least 1"):
        ask(bundled(), next(iter(bundled())).id, n)


@pytest.mark.parametrize("level", [0, -1])
def test_a_skill_begins_at_its_first_level(level: int) -> None:
    one = next(iter(bundled())).id
    with pytest.raises(ValueError, match=f"level is {level}, expected 1 to 100"):
        probe.skill_hits(bundled(), next(iter(bundled().skills)), level, one, one, 5, 0)


@pytest.mark.parametrize("distance", [80, -80, 1000])
def test_nobody_fights_from_outside_the_field(distance: int) -> None:
    one = next(iter(bundled())).id
    with pytest.raises(ValueError, match=f"start_distance is {distance}, expected -79 to 79"):
        probe.fight(bundled(), one, one, distance, 1, 0)


@pytest.mark.parametrize("size", [0, -1, 33, 40])
def test_a_pack_has_somebody_and_room(size: int) -> None:
    caller = next(monster for monster in bundled() if called_by(bundled(), monster)).id
    with pytest.raises(ValueError, match=f"size is {size}, expected 1 to 32"):
        probe.group_fight(bundled(), caller, caller, size, "contact", 1, 0)


@pytest.mark.parametrize("size", [30, 32])
def test_packs_of_those_who_call_others_leave_slaves_what_room_there_is(size: int) -> None:
    caller = next(monster for monster in bundled() if called_by(bundled(), monster)).id
    told = probe.group_fight(bundled(), caller, caller, size, "contact", 2, 0)
    assert told["first_wins"] + told["second_wins"] + told["undecided"] == 2


def test_an_experiment_with_more_units_than_a_match_has_room_for_is_refused() -> None:
    caller = next(monster for monster in bundled() if called_by(bundled(), monster))
    with pytest.raises(ValueError, match="the scenario has 66 places, expected at most 64"):
        open_field(bundled(), [Place(caller, unit % 2, 80, 80) for unit in range(66)], 1, 0)


@pytest.mark.parametrize(
    ("rate", "duration", "message"),
    [
        (-1, 5000, "rate is -1, expected at least 0"),
        (5000, -1, "duration_ms is -1, expected 0 to 2147483647"),
        (5000, 2**31, "duration_ms is 2147483648, expected 0 to 2147483647"),
    ],
)
def test_a_status_has_a_chance_and_a_time(rate: int, duration: int, message: str) -> None:
    one = next(iter(bundled())).id
    with pytest.raises(ValueError, match=message):
        probe.status_chance(bundled(), "SC_STUN", rate, duration, one, one, 5, 0)


@pytest.mark.parametrize("hp_percent", [0, -5, 101])
def test_skills_are_used_by_the_living(hp_percent: int) -> None:
    one = next(iter(bundled())).id
    with pytest.raises(ValueError, match=f"hp_percent is {hp_percent}, expected 1 to 100"):
        probe.skill_use_rate(bundled(), one, 10, hp_percent=hp_percent)


NUMBERS_ASKED: list[tuple[Callable[..., Any], str]] = [
    (lambda world, one: probe.walk_time(world, one, 1.5, 0), "dx is 1.5, expected a whole number"),  # type: ignore[arg-type]
    (lambda world, one: probe.walk_time(world, one, 1, dy="2"), "dy is '2', expected a whole number"),  # type: ignore[arg-type]
    (lambda world, one: probe.fight(world, one, one, 3, 0, 0), "n is 0, expected at least 1"),
    (lambda world, one: probe.fight(world, one, one, 3.5, 1, 0), "start_distance is 3.5, expected a whole number, -79"),  # type: ignore[arg-type]
    (lambda world, one: probe.group_fight(world, one, one, 2, "contact", True, 0), "n is True, expected a whole"),
    (lambda world, one: probe.normal_attacks(world, one, one, 5, "x"), "seed is 'x', expected a whole number"),  # type: ignore[arg-type]
    (lambda world, one: probe.skill_hits(world, "SM_BASH", 101, one, one, 5, 0), "level is 101, expected 1 to 100"),
    (lambda world, one: probe.cast(world, one, "SM_BASH", 0), "level is 0, expected 1 to 100"),
    (lambda world, one: probe.skill_use_rate(world, one, "x"), "seconds is 'x', expected a finite number"),  # type: ignore[arg-type]
    (lambda world, one: probe.skill_use_rate(world, one, 1, hp_percent=50.5), "hp_percent is 50.5, expected a whole"),  # type: ignore[arg-type]
    (lambda world, one: probe.first_attack(world, one, 2, -3, 0), "n is -3, expected at least 1"),
    (lambda world, one: probe.chase_then_attack(world, one, 5, 0, 0), "speed is 0, expected 20 to 1000"),
    (lambda world, one: probe.chase_then_attack(world, one, 30, 0, 200), "strikes nobody 30, 0 cells away within 20 s"),
    (lambda world, one: probe.target_outruns(world, one, 150, 0, 5, 3, 0), "target_speed is 0, expected 20 to 1000"),
    (lambda world, one: probe.random_walk(world, one, 0, 3, 0), "seconds is 0, expected at least 0.1"),
    (lambda world, one: probe.flinch(world, one, float("nan")), "progress is nan, expected a finite number, 0 to 1"),
    (lambda world, one: probe.flinch(world, one, 1.5), "progress is 1.5, expected 0 to 1"),
    (lambda world, one: probe.after_kill(world, one, 2.5, 0), "n is 2.5, expected a whole number, at least 1"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("ask", "words"), NUMBERS_ASKED)
def test_a_wrong_number_is_named(ask: Any, words: str) -> None:
    with pytest.raises(ValueError) as told:
        ask(bundled(), next(iter(bundled())).id)
    assert words in str(told.value)


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda world, one: probe.walk_time(world, "NOBODY", 1, 0), "no monster 'NOBODY'"),
        (lambda world, one: probe.walk_time(world, [one], 1, 0), "no monster ["),  # type: ignore[arg-type]
        (lambda world, one: probe.skill_hits(world, "SM_BASHH", 1, one, one, 5, 0), "perhaps SM_BASH"),
        (lambda world, one: probe.status_chance(world, "SC_STUNN", 1, 1, one, one, 5, 0), "perhaps SC_STUN"),
        (lambda world, one: probe.status_chance(world, 5, 1, 1, one, one, 5, 0), "no status 5"),  # type: ignore[arg-type]
    ],
)
def test_an_unknown_name_is_named_with_those_that_are_known(ask: Any, words: str) -> None:
    with pytest.raises(KeyError) as told:
        ask(bundled(), next(iter(bundled())).id)
    assert words in str(told.value)


def test_numbers_of_numpy_are_numbers() -> None:
    one = next(iter(bundled())).id
    asked: Any = np.int64(3)
    assert probe.walk_time(bundled(), one, asked, 0) == probe.walk_time(bundled(), one, 3, 0)


def test_who_never_walks_in_so_short_a_time_tells_of_no_walk() -> None:
    told = probe.random_walk(bundled(), next(iter(bundled())).id, 0.5, 2, 0)
    assert all(np.isnan(value) for value in told.values())


def shape_changers(cast_ms: int) -> Bestiary:
    """A world in which the sleeping idol wakes as soon as it can, to a longer list than its own."""
    world = copy(bundled())
    sleeping, waking = world[30064], world[30065]
    wakes = next(row for row in sleeping.skills if row.skill == "NPC_METAMORPHOSIS")
    wakes = replace(wakes, rate=10_000, cast_ms=cast_ms, condition="always", condition_value=0)
    bash = next(row for row in waking.skills if row.skill == "SM_BASH")
    bashes = tuple(
        replace(bash, level=level, rate=3000, condition="myhpltmaxrate", condition_value=40) for level in LEVELS
    )
    world.monsters = {
        **world.monsters,
        30064: replace(sleeping, hp=10_000, skills=(wakes,)),
        30065: replace(waking, hp=1000, skills=bashes),
    }
    return world


@pytest.mark.parametrize("cast_ms", [0, 730])
def test_who_changes_shape_uses_the_list_and_the_hit_points_of_its_new_shape(cast_ms: int) -> None:
    uses: Any = probe.skill_use_rate(shape_changers(cast_ms), 30064, 3000, hp_percent=30, seed=3)["uses_per_hour"]
    assert uses.pop("NPC_METAMORPHOSIS:1") == 30  # once in each run of two minutes
    assert set(uses) == {f"SM_BASH:{level}" for level in LEVELS}


def test_the_blow_after_a_cast_is_the_earliest_that_the_rounds_of_thinking_allow() -> None:
    caster = replace(bundled()[30065], attack_delay=480, attack_motion=480)
    world = copy(bundled())
    world.monsters = {**world.monsters, 30065: caster}
    told = probe.cast(world, 30065, "SM_BASH", 7)
    assert told["cast_ms"] + 480 <= told["next_attack_ms"] <= told["cast_ms"] + 500


def test_answers_are_plain_numbers():
    one = next(iter(bundled())).id
    told = {**probe.normal_attacks(bundled(), one, one, 50, 0), **probe.fight(bundled(), one, one, 2, 3, 0)}
    assert not any(isinstance(value, np.generic) for value in told.values())
