"""Which products must stay in single precision: those that cost most, in all or for their size, found by trying each.

What is remembered is fed back, for a small error in it grows from moment to moment.
"""

from collections.abc import Callable, Iterator

import numpy as np
import onnx

from agents.bundle.network import Array, Network
from agents.bundle.ports import LATER, MEMORY
from agents.export.precision import halved, products
from agents.export.rounding import rounded

SHARES = (0.05, 0.2, 0.5, 0.75, 0.9)  # of all weights, that are spared until there is parity
TRIED_ROWS = 250
STEPS = 24  # in a row, of what remembers


def spared(model: onnx.ModelProto, given: dict[str, Array]) -> Iterator[frozenset[str]]:
    """Names of products to leave in single precision: none, and more and more as long as anybody asks."""
    yield frozenset()
    sizes = products(model)
    costs = _costs(model, {name: rows[:TRIED_ROWS] for name, rows in given.items()}, list(sizes))
    tried: set[frozenset[str]] = set()
    for share in SHARES:
        for worth in (lambda name: costs[name] / sizes[name], lambda name: costs[name]):
            found = _dearest(sizes, share * sum(sizes.values()), worth)
            if found and found not in tried:
                tried.add(found)
                yield found


def _dearest(sizes: dict[str, int], room: float, worth: Callable[[str], float]) -> frozenset[str]:
    """What is worth most of all that there is room for."""
    kept = set()
    for name in sorted(sizes, key=lambda name: (-worth(name), name)):
        if sizes[name] <= room:
            kept.add(name)
            room -= sizes[name]
    return frozenset(kept)


def _costs(model: onnx.ModelProto, given: dict[str, Array], names: list[str]) -> dict[str, float]:
    """How far any output is off when one product alone is in half precision."""
    right = list(_course(model, given))
    costs = {}
    for name in names:
        told = _course(rounded(halved(model, set(names) - {name})), given)
        costs[name] = max(
            float((np.abs(found[port] - rows) / np.maximum(1.0, np.abs(rows))).max())
            for found, expected in zip(told, right, strict=True)
            for port, rows in expected.items()
            if rows.dtype.kind == "f"
        )
    return costs


def _course(model: onnx.ModelProto, given: dict[str, Array]) -> Iterator[dict[str, Array]]:
    """Outputs for the rows; of what remembers, also for the steps after that, each row going on with the next one's."""
    network = Network(model.SerializeToString())
    told = network(given)
    yield told
    if MEMORY in given:
        for step in range(1, STEPS):
            seen = {name: np.roll(rows, -step, axis=0) for name, rows in given.items()}
            told = network({**seen, MEMORY: told[LATER]})
            yield told
