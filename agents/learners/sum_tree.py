"""A binary tree of sums: draws rows in proportion to their weights, in logarithmic time."""

from typing import Any

import numpy as np

from mlmonster_env.sim.compiled import loop

Array = np.ndarray[Any, np.dtype[Any]]


class SumTree:
    """Weights of `size` rows, all 0 at first."""

    def __init__(self, size: int) -> None:
        if size < 1:
            raise ValueError(f"size is {size}, expected at least 1")
        self.size = size
        self._first = 1 << (size - 1).bit_length()  # where the leaves begin
        self._nodes = np.zeros(2 * self._first)

    @property
    def total(self) -> float:
        """The sum of all weights."""
        return float(self._nodes[1])

    @property
    def weights(self) -> Array:
        """The weight of each row; a view that is not to be written to."""
        return self._nodes[self._first : self._first + self.size]

    def set(self, rows: Array, weights: Array) -> None:
        """Give rows their weights; where a row comes twice, the last one counts."""
        if len(rows) and not (rows.min() >= 0 and rows.max() < self.size):
            raise IndexError(f"rows are {rows.min()} to {rows.max()}, expected 0 to {self.size - 1}")
        if len(weights) and not (np.isfinite(weights).all() and weights.min() >= 0):
            raise ValueError("a weight is negative or not finite, expected 0 or more")
        _set(self._nodes, self._first, np.asarray(rows, np.int64), np.asarray(weights, np.float64))

    def draw(self, places: Array) -> Array:
        """Rows at places [0, 1) of the whole sum."""
        if self._nodes[1] <= 0:
            raise ValueError("all weights are 0, expected a row that can be drawn")
        return _draw(self._nodes, self._first, np.asarray(places, np.float64))

    def draw_with_weights(self, places: Array) -> tuple[Array, Array]:
        """Rows at places [0, 1) of the whole sum, and what they weigh."""
        rows = self.draw(places)
        return rows, self._nodes[self._first + rows]

    def reweigh(self, rows: Array, errors: Array, least: float, power: float) -> float:
        """Give rows that still have a weight that of (|error| + least) ** power; the greatest of these weights."""
        return float(_reweigh(self._nodes, self._first, rows, errors, least, power))

    def restore(self, weights: Array) -> None:
        """Take over the weights of all rows."""
        self._nodes[:] = 0.0
        self.set(np.arange(self.size), weights)


@loop
def _set(nodes: Array, first: int, rows: Array, weights: Array) -> None:
    for i in range(rows.shape[0]):
        node = first + rows[i]
        nodes[node] = weights[i]
        node >>= 1
        while node >= 1:
            nodes[node] = nodes[2 * node] + nodes[2 * node + 1]  # summed afresh: no error adds up
            node >>= 1


@loop
def _draw(nodes: Array, first: int, places: Array) -> Array:
    found = np.empty(places.shape[0], np.int64)
    for i in range(places.shape[0]):
        left = places[i] * nodes[1]
        node = 1
        while node < first:
            node *= 2
            if left >= nodes[node] and nodes[node + 1] > 0:
                left -= nodes[node]
                node += 1
        found[i] = node - first
    return found


@loop
def _reweigh(nodes: Array, first: int, rows: Array, errors: Array, least: float, power: float) -> float:
    greatest = 0.0
    for i in range(rows.shape[0]):
        node = first + rows[i]
        weight = (abs(errors[i]) + least) ** power
        greatest = max(greatest, weight)
        if nodes[node] > 0.0:
            nodes[node] = weight
            node >>= 1
            while node >= 1:
                nodes[node] = nodes[2 * node] + nodes[2 * node + 1]
                node >>= 1
    return greatest
