"""Where ground burns: an edge around a map, and patches that are strewn over it. Cells are told by a mask [y, x]."""

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

Mask = np.ndarray[Any, np.dtype[np.bool_]]
MOST_PATCHES = 1000


def edge(free: Mask, width: int) -> Mask:
    """The free cells of a map's edge, so many cells wide."""
    inner = np.zeros(free.shape, np.bool_)
    inner[width:-width, width:-width] = True
    return free & ~inner


def patches(free: Mask, percent: float, radius: int, random: np.random.Generator) -> Mask:
    """Round patches of free cells, laid one after the other until so many percent of them burn."""
    y, x = np.indices(free.shape)
    places = np.argwhere(free)
    burning = np.zeros(free.shape, np.bool_)
    for _ in range(MOST_PATCHES):
        if burning.sum() >= percent * len(places) / 100:
            break
        middle = places[random.integers(len(places))]
        burning |= free & ((y - middle[0]) ** 2 + (x - middle[1]) ** 2 <= radius * (radius + 1))
    return burning


def near(mask: Mask, cells: int) -> Mask:
    """What lies within so many cells of a mask, each way."""
    padded = np.pad(mask, cells)
    return np.asarray(sliding_window_view(padded, (2 * cells + 1, 2 * cells + 1)).any((2, 3)))
