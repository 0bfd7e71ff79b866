"""Which products must stay in single precision: those that cost most for their size, found by trying each of them."""

from collections.abc import Iterator

import numpy as np
import onnx

from agents.bundle.network import Array, Network
from agents.export.precision import halved, products
from agents.export.rounding import rounded

SHARES = (0.05, 0.2, 0.5, 0.75)  # of all weights, that are spared until there is parity
TRIED_ROWS = 250


def spared(model: onnx.ModelProto, given: dict[str, Array]) -> Iterator[frozenset[str]]:
    """Names of products to leave in single precision: none, and more and more as long as anybody asks."""
    yield frozenset()
    sizes = products(model)
    costs = _costs(model, {name: rows[:TRIED_ROWS] for name, rows in given.items()}, list(sizes))
    found: frozenset[str] = frozenset()
    for share in SHARES:
        left = share * sum(sizes.values())
        kept = set()
        for name in sorted(sizes, key=lambda name: (-costs[name] / sizes[name], name)):
            if sizes[name] <= left:
                kept.add(name)
                left -= sizes[name]
        if kept and kept != found:
            found = frozenset(kept)
            yield found


def _costs(model: onnx.ModelProto, given: dict[str, Array], names: list[str]) -> dict[str, float]:
    """How far any output is off when one product alone is in half precision."""
    right = Network(model.SerializeToString())(given)
    costs = {}
    for name in names:
        told = Network(rounded(halved(model, set(names) - {name})).SerializeToString())(given)
        costs[name] = max(
            float((np.abs(told[port] - rows) / np.maximum(1.0, np.abs(rows))).max())
            for port, rows in right.items()
            if rows.dtype.kind == "f"
        )
    return costs
