"""Orders as numbers: what an order of each kind of control means, and how a vector is packed into one."""

from typing import Any

import numpy as np

from mlmonster_env.contract import ATTACK, CHANGE_TARGET, MOVE_CLOSER, MOVE_RANDOMLY, NOTHING_TO_DO
from mlmonster_env.sim import fields as f
from mlmonster_env.sim.compiled import small

# A vector's four numbers from -1 to 1 are bytes of one number, VECTOR_UNIT for 1.
VECTOR_UNIT = 127
BYTE = 0xFF

CONTROL_OF = {
    "combat": f.COMBAT_ORDERS,
    "movement": f.MOVES,
    "skill": f.SKILL_ORDERS,
    "pack": f.SIGNALS,
    "continuous": f.VECTORS,
}


def packed(vectors: np.ndarray[Any, np.dtype[Any]]) -> np.ndarray[Any, np.dtype[np.int32]]:
    """Vectors [n, 4] of numbers from -1 to 1 as orders [n]."""
    parts = np.rint(np.clip(vectors, -1.0, 1.0) * VECTOR_UNIT).astype(np.int64) + VECTOR_UNIT
    words: np.ndarray[Any, np.dtype[np.uint32]] = (parts << np.array([0, 8, 16, 24])).sum(1).astype(np.uint32)
    return words.view(np.int32)


STAND_STILL = int(packed(np.zeros((1, 4)))[0])
FIRST_ORDERS = {**NOTHING_TO_DO, "continuous": STAND_STILL}  # what a unit does until it is told otherwise


@small
def fights(control, order):
    """Whether an order is one to fight."""
    if control == f.COMBAT_ORDERS:
        return ATTACK <= order <= CHANGE_TARGET and not MOVE_CLOSER <= order <= MOVE_RANDOMLY
    if control == f.VECTORS:
        return engage_of(order) > 0
    return True


@small
def part_of(order, place):
    """One of the four numbers of a vector, from -127 to 127."""
    return (order >> 8 * place & BYTE) - VECTOR_UNIT


@small
def engage_of(order):
    """Above 0: strike whoever is in reach."""
    return part_of(order, 2)


@small
def ability_of(order):
    """Above 0: take what is on offer."""
    return part_of(order, 3)
