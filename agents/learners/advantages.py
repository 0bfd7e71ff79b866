"""Advantages over decisions: time in which a slot has no choice belongs to the decision before."""

from typing import Any

import numpy as np

from mlmonster_env.sim.compiled import loop

Array = np.ndarray[Any, np.dtype[Any]]


@loop
def advantages(
    rewards: Array, ended: Array, rows: Array, values: Array, last_values: Array, gamma: float, gae_lambda: float
) -> tuple[Array, Array]:
    """Generalised advantages and returns of the decisions of a rollout.

    `rewards` and `ended` are [steps, slots]; `rows` [steps, slots] says which row of `values` a decision is, -1 where a
    slot had no choice. `last_values` [slots] is what each slot is worth after the last step.
    """
    steps, slots = rewards.shape
    gained = np.zeros(values.shape[0], np.float32)
    returns = np.zeros(values.shape[0], np.float32)
    for slot in range(slots):
        later = last_values[slot]  # value of what follows
        advantage = 0.0  # of the decision that follows
        for step in range(steps - 1, -1, -1):
            if ended[step, slot]:
                later = 0.0
                advantage = 0.0
            row = rows[step, slot]
            if row < 0:
                later = rewards[step, slot] + gamma * later
                advantage = gamma * advantage
            else:
                delta = rewards[step, slot] + gamma * later - values[row]
                advantage = delta + gamma * gae_lambda * advantage
                gained[row] = advantage
                returns[row] = advantage + values[row]
                later = values[row]
    return gained, returns
