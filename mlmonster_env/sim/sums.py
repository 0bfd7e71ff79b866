"""Sums over what a step's account holds, for all units of all matches at once."""

import numpy as np

from mlmonster_env.sim import fields as f
from mlmonster_env.sim.compiled import entry


@entry
def sum_rows(tally, rows, factors, ends, sums):
    """Fill in each of the sums: rows of the tally, each times its factor.

    `ends` says for each sum where, in `rows`, those end that count in percent of the unit's most hit points, and where
    the others do, which come after them.
    """
    first = np.uint64(0)  # no index is counted from the end
    for i in range(np.uint64(sums.shape[0])):
        middle, last = np.uint64(ends[i, 0]), np.uint64(ends[i, 1])
        for match in range(np.uint64(sums.shape[1])):
            for u in range(np.uint64(sums.shape[2])):
                total = np.float32(0)
                if first < middle:
                    for k in range(first, middle):
                        total += factors[k] * np.float32(tally[match, rows[k], u])
                    total *= np.float32(100) / np.float32(max(tally[match, f.T_MAX_HP, u], 1))
                for k in range(middle, last):
                    total += factors[k] * np.float32(tally[match, rows[k], u])
                sums[i, match, u] = total
        first = last


@entry
def add_outcomes(units, match, ended, factors, sums):
    """Add to units of matches that have ended what each of the sums gives for being won, lost and drawn."""
    for i in range(sums.shape[0]):
        won, lost, drawn = factors[i, 0], factors[i, 1], factors[i, 2]
        for m in ended:
            winner = match[m, f.WINNER]
            for u in range(sums.shape[2]):
                sums[i, m, u] += drawn if winner < 0 else won if winner == units[m, f.SIDE, u] else lost


@entry
def gain_hp(units, tally, hp_before, most_before, ended, kept, gains):
    """What units have of their most hit points, times `kept`, less what they had; nothing is left once it has ended."""
    for match in range(np.uint64(gains.shape[0])):
        left = np.float32(0) if ended[match] else kept
        for u in range(np.uint64(gains.shape[1])):
            most = np.float32(max(tally[match, f.T_MAX_HP, u], 1))
            had = np.float32(hp_before[match, u]) / np.float32(max(most_before[match, u], 1))
            gains[match, u] = left * np.float32(units[match, f.HP, u]) / most - had
