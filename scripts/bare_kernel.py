"""The yardstick of the simulator's speed: the least that a batch fight under the same clocks can do, written as well.

Each living unit, each tick of 100 ms, looks for the nearest living enemy. Then, in order of the times at which they
fall due within the tick, units step one cell towards it or hit it for a random amount. Units differ in walk time,
attack delay, range, hp and damage, and fights begin scattered, as the simulator's do: a batch of equal fights would
only measure how well the processor guesses. No statuses, skills, paths, walls, minds or statistics. A fight that is
over begins again at once.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numba import njit

TICK_MS = 100

# Rows of a match: [rows, units].
SIDE, X, Y, HP, READY_AT, WALK_MS, ATTACK_MS, RANGE, DAMAGE, TARGET = range(10)
ROWS = 10

Int32Array = np.ndarray[Any, np.dtype[np.int32]]
Int64Array = np.ndarray[Any, np.dtype[np.int64]]
F = TypeVar("F", bound=Callable[..., Any])


def kernel(function: F) -> F:
    """Compile `function`, with all that it calls, as one program."""
    return njit(nogil=True, error_model="numpy")(function)  # type: ignore[no-any-return]


class BareFights:
    """`num_matches` fights of `size` against `size` on open ground."""

    def __init__(self, num_matches: int, size: int) -> None:
        self._units = np.zeros((num_matches, ROWS, 2 * size), np.int32)
        self._clocks = np.zeros(num_matches, np.int64)
        self._rolls = np.arange(num_matches, dtype=np.int64) << 32
        self.unit_ticks = 0
        for match in range(num_matches):
            begin(self._units[match], self._rolls[match : match + 1], 0)

    def run(self, ticks: int) -> None:
        self.unit_ticks += play(self._units, self._clocks, self._rolls, ticks)

    def snapshot(self) -> tuple[Int32Array, Int64Array, Int64Array]:
        return self._units.copy(), self._clocks.copy(), self._rolls.copy()

    def restore(self, snapshot: tuple[Int32Array, Int64Array, Int64Array]) -> None:
        units, clocks, rolls = snapshot
        self._units, self._clocks, self._rolls = units.copy(), clocks.copy(), rolls.copy()


@kernel
def roll(rolls: Int64Array, bound: int) -> int:
    """A random number from 0 to `bound` - 1, the next of the match's own stream."""
    rolls[0] += 1
    bits = np.uint64(rolls[0]) * np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (np.int64(bits >> np.uint64(32)) * bound) >> 32  # type: ignore[return-value]


@kernel
def begin(units: Int32Array, rolls: Int64Array, clock: int) -> None:
    size = units.shape[1] // 2
    for i in range(2 * size):
        units[SIDE, i] = i // size
        units[X, i] = 40 + 12 * units[SIDE, i] + roll(rolls, 6)
        units[Y, i] = 60 + roll(rolls, 8)
        units[HP, i] = 2000 + roll(rolls, 2000)
        units[READY_AT, i] = clock + roll(rolls, TICK_MS)
        units[WALK_MS, i] = 150 + roll(rolls, 150)
        units[ATTACK_MS, i] = 700 + roll(rolls, 1000)
        units[RANGE, i] = 7 if roll(rolls, 3) == 0 else 1
        units[DAMAGE, i] = 80 + roll(rolls, 80)


@kernel
def play(all_units: Int32Array, clocks: Int64Array, all_rolls: Int64Array, ticks: int) -> int:
    """Every match `ticks` further; how many unit-ticks living units worked."""
    worked = 0
    for match in range(all_units.shape[0]):
        units = all_units[match]
        rolls = all_rolls[match : match + 1]
        clock = clocks[match]
        for _ in range(ticks):
            clock += TICK_MS
            living, over = look_around(units)
            worked += living
            if over:
                begin(units, rolls, clock)
            else:
                act_in_order(units, rolls, clock)
        clocks[match] = clock
    return worked


@kernel
def look_around(units: Int32Array) -> tuple[int, bool]:
    """Choose everybody's target; how many live, and whether somebody found no enemy."""
    living = 0
    over = False
    for i in range(units.shape[1]):
        if units[HP, i] > 0:
            living += 1
            units[TARGET, i] = nearest_enemy(units, i)
            over |= units[TARGET, i] < 0
    return living, over


@kernel
def nearest_enemy(units: Int32Array, i: int) -> int:
    """The living enemy of `i` that is fewest cells away; -1 if none lives."""
    best, best_distance = -1, 1 << 30
    for j in range(units.shape[1]):
        if units[HP, j] > 0 and units[SIDE, j] != units[SIDE, i]:
            distance = cells_between(units, i, j)
            if distance < best_distance:
                best, best_distance = j, distance
    return best


@kernel
def cells_between(units: Int32Array, i: int, j: int) -> int:
    distance: int = max(abs(units[X, j] - units[X, i]), abs(units[Y, j] - units[Y, i]))
    return distance


@kernel
def act_in_order(units: Int32Array, rolls: Int64Array, clock: int) -> None:
    """Steps and hits that are due by `clock`, the earliest first."""
    while True:
        first, due = -1, clock + 1
        for i in range(units.shape[1]):
            if units[HP, i] > 0 and units[READY_AT, i] < due:
                first, due = i, units[READY_AT, i]
        if first < 0:
            return
        target = units[TARGET, first]
        if cells_between(units, first, target) > units[RANGE, first]:
            units[X, first] += np.sign(units[X, target] - units[X, first])
            units[Y, first] += np.sign(units[Y, target] - units[Y, first])
            units[READY_AT, first] += units[WALK_MS, first]
        else:
            units[HP, target] -= units[DAMAGE, first] + roll(rolls, units[DAMAGE, first] // 2)
            units[READY_AT, first] += units[ATTACK_MS, first]
