"""What probes answer at the edges of what they can be asked."""

from typing import Any

import numpy as np
import pytest

from mlmonster_env.sim import fields as f
from mlmonster_env.sim import probe
from tests.sim.grounds import bundled


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
    with pytest.raises(ValueError, match=f"level is {level}, expected at least 1"):
        probe.skill_hits(bundled(), next(iter(bundled().skills)), level, one, one, 5, 0)


@pytest.mark.parametrize("distance", [80, -80, 1000])
def test_nobody_fights_from_outside_the_field(distance: int) -> None:
    one = next(iter(bundled())).id
    with pytest.raises(ValueError, match=f"start_distance is {distance}, expected -79 to 79 cells"):
        probe.fight(bundled(), one, one, distance, 1, 0)


@pytest.mark.parametrize("size", [0, -1])
def test_a_pack_has_somebody(size: int) -> None:
    one = next(iter(bundled())).id
    with pytest.raises(ValueError, match=f"size is {size}, expected at least 1"):
        probe.group_fight(bundled(), one, one, size, "contact", 1, 0)


@pytest.mark.parametrize(
    ("rate", "duration", "message"),
    [
        (-1, 5000, "rate is -1, expected 0 or more of 10,000"),
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


def test_answers_are_plain_numbers():
    one = next(iter(bundled())).id
    told = {**probe.normal_attacks(bundled(), one, one, 50, 0), **probe.fight(bundled(), one, one, 2, 3, 0)}
    assert not any(isinstance(value, np.generic) for value in told.values())
