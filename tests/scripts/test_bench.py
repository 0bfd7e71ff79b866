"""The yardstick fights as it says, and speeds are what they are called."""

import numpy as np
import pytest

from mlmonster_env.sim import Arena
from mlmonster_env.sim import fields as f
from scripts import stopwatch
from scripts.bare_kernel import HP, ROWS, SIDE, TARGET, BareFights, X, Y, cells_between, nearest_enemy
from scripts.bench_sim import WORK, sampled_work
from scripts.stopwatch import median_speeds, speed, speed_again


class Clock:
    """A runner that works `pace` unit-ticks a tick and makes the watch's time pass."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        self.calls: list[tuple[str, int]] = []
        monkeypatch.setattr(stopwatch, "perf_counter", lambda: self.now)

    def runner(self, name, pace, seconds_a_tick):
        clock = self

        class Fake:
            unit_ticks = 0

            def run(self, ticks):
                self.unit_ticks += pace * ticks
                clock.now += seconds_a_tick.pop(0) * ticks
                clock.calls.append((name, ticks))

        return Fake()


def test_speed_is_work_over_time(monkeypatch):
    clock = Clock(monkeypatch)
    assert speed(clock.runner("a", 10, [0.5, 0.25, 0.25]), chunk=2, seconds=1.9) == pytest.approx(60 / 2.0)


def test_rounds_take_turns_and_medians_are_told(monkeypatch):
    clock = Clock(monkeypatch)
    one, two = clock.runner("a", 1, [1.0, 4.0, 2.0]), clock.runner("b", 1, [0.5, 0.5, 0.25])
    assert median_speeds({"a": (one, 1), "b": (two, 2)}, rounds=3, seconds=0.1) == {"a": 0.5, "b": 2.0}
    assert [name for name, _ in clock.calls] == ["a", "b"] * 3


def test_what_comes_again_is_put_back_outside_of_the_time(monkeypatch):
    clock = Clock(monkeypatch)
    runner = clock.runner("a", 6, [9.0, 9.0, 1.0, 2.0, 1.5])
    runner.snapshot = lambda: "beginning"

    def restore(snapshot):
        assert snapshot == "beginning"
        clock.now += 100.0

    runner.restore = restore
    assert speed_again(runner, ticks=2, times=5) == pytest.approx(12 / 3.0)


def test_bare_fights_are_put_back():
    fights = BareFights(3, 2)
    fights.run(20)
    beginning = fights.snapshot()
    fights.run(400)
    once, ends = fights.unit_ticks, fights.snapshot()
    fights.restore(beginning)
    fights.run(400)
    for one, other in zip(ends, fights.snapshot(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert fights.unit_ticks > once and not np.array_equal(beginning[0], ends[0])


def units_of(*columns: tuple[int, int, int, int]) -> np.ndarray:
    """A match of units given as (side, x, y, hp)."""
    units = np.zeros((ROWS, len(columns)), np.int32)
    for i, column in enumerate(columns):
        units[[SIDE, X, Y, HP], i] = column
    return units


def test_nearest_enemy_skips_friends_and_the_dead():
    units = units_of((0, 50, 50, 9), (0, 51, 50, 9), (1, 52, 50, 0), (1, 45, 56, 9), (1, 50, 43, 9))
    assert nearest_enemy(units, 0) == 3
    assert cells_between(units, 0, 3) == 6
    assert nearest_enemy(units_of((0, 1, 1, 9), (1, 2, 2, 0)), 0) == -1


def test_bare_fights_are_fought_out_and_begin_again():
    fights = BareFights(8, 5)
    deaths, restarts = np.zeros(8, int), np.zeros(8, int)
    living = (fights._units[:, HP] > 0).sum(axis=1)
    for _ in range(3000):
        fights.run(1)
        now = (fights._units[:, HP] > 0).sum(axis=1)
        deaths += np.maximum(living - now, 0)
        restarts += now > living
        living = now
    assert (restarts > 0).all()
    assert (deaths >= 5 * restarts).all()


def test_bare_fights_count_only_the_living():
    fights = BareFights(4, 3)
    fights.run(1)
    assert fights.unit_ticks == 24
    fights._units[:, HP, 0] = 0
    fights.run(1)
    assert fights.unit_ticks == 24 + 20


def test_bare_fights_do_not_depend_on_chunks():
    whole, pieces = BareFights(3, 5), BareFights(3, 5)
    whole.run(400)
    for _ in range(80):
        pieces.run(5)
    assert np.array_equal(whole._units, pieces._units)
    assert whole.unit_ticks == pieces.unit_ticks
    assert len({match.tobytes() for match in whole._units[:, [X, Y, HP, TARGET]]}) == 3


def test_samples_find_every_kind_of_work():
    arena = Arena(256, "skirmish-5v5", seed=0, restart=True)
    arena.run(1)
    counts = sampled_work(arena, 1.0)
    assert set(counts) == set(WORK)
    assert not arena.scratch[:, f.PHASE].any()
