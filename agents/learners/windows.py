"""Windows of decisions that wait for what comes of them: [slots, n_steps], oldest first; -1 is no decision."""

import numpy as np

from mlmonster_env.sim.compiled import loop


@loop
def close_oldest(slots, serials, waiting, paid, factor, capacity, written, rewards, discounts, next_rows, dones):
    """Slots decided anew: their oldest window is closed by that, and a new one opened; rows that were closed."""
    steps = waiting.shape[1]
    closed = np.empty(slots.shape[0], np.int64)
    count = 0
    for i in range(slots.shape[0]):
        slot = slots[i]
        oldest = waiting[slot, 0]
        if oldest >= 0 and oldest >= written - capacity:
            row = oldest % capacity
            rewards[row] = paid[slot, 0]
            discounts[row] = factor[slot, 0]
            next_rows[row] = serials[i] % capacity
            dones[row] = 0.0
            closed[count] = row
            count += 1
        for k in range(steps - 1):
            waiting[slot, k] = waiting[slot, k + 1]
            paid[slot, k] = paid[slot, k + 1]
            factor[slot, k] = factor[slot, k + 1]
        waiting[slot, steps - 1] = serials[i]
        paid[slot, steps - 1] = 0.0
        factor[slot, steps - 1] = 1.0
    return closed[:count]


@loop
def pay_all(paid_now, ended, waiting, paid, factor, gamma, capacity, written, rewards, discounts, next_rows, dones):
    """A step was paid for: all windows grow, and those of matches that ended are closed; rows that were closed."""
    slots, steps = waiting.shape
    closed = np.empty(slots * steps, np.int64)
    count = 0
    for slot in range(slots):
        for k in range(steps):
            serial = waiting[slot, k]
            if serial < 0:
                continue
            paid[slot, k] += factor[slot, k] * paid_now[slot]
            factor[slot, k] *= gamma
            if ended[slot]:
                if serial >= written - capacity:
                    row = serial % capacity
                    rewards[row] = paid[slot, k]
                    discounts[row] = 0.0
                    next_rows[row] = row
                    dones[row] = 1.0
                    closed[count] = row
                    count += 1
                waiting[slot, k] = -1
    return closed[:count]


@loop
def close_all(slots, serials, waiting, paid, factor, capacity, written, rewards, discounts, next_rows, dones):
    """Matches of slots were cut short: all their windows are closed by what was seen last; rows that were closed."""
    steps = waiting.shape[1]
    closed = np.empty(slots.shape[0] * steps, np.int64)
    count = 0
    for i in range(slots.shape[0]):
        slot = slots[i]
        for k in range(steps):
            serial = waiting[slot, k]
            if serial >= 0 and serial >= written - capacity:
                row = serial % capacity
                rewards[row] = paid[slot, k]
                discounts[row] = factor[slot, k]
                next_rows[row] = serials[i] % capacity
                dones[row] = 0.0
                closed[count] = row
                count += 1
            waiting[slot, k] = -1
    return closed[:count]
