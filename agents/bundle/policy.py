"""An exported model that plays as the trained one does."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from agents.bundle.manifest import ModelTold
from agents.bundle.network import CPU, Network
from agents.bundle.ports import ACTION, LATER, MEMORY, OWN_LATENT, SCORES, STYLES
from agents.bundle.reading import opened, read
from policies.acting import Acting, Array
from policies.actors import BOX, STRATEGY, THREAT

NUMBERS: dict[str, tuple[str, ...]] = {BOX: (ACTION,), THREAT: (THREAT,), STRATEGY: (STYLES, OWN_LATENT)}


class OnnxPolicy(Acting):
    """A network in ONNX Runtime and what it is; see `load`."""

    def __init__(self, model: ModelTold, network: Network, digest: str) -> None:
        super().__init__()
        self._model = model
        self._digest = digest
        self.network = network

    @classmethod
    def load(cls, path: str | Path, *, threads: int = 1, providers: Sequence[str] = CPU) -> "OnnxPolicy":
        """The model of a bundle, after all of `agents.bundle verify`."""
        bundle = read(Path(path))
        return cls(bundle.manifest.model, opened(bundle, threads=threads, providers=providers), bundle.name)

    @property
    def card(self) -> ModelTold:
        """What the model is."""
        return self._model

    @property
    def memory_size(self) -> int:
        """Numbers of what it remembers of one monster."""
        return self._model.memory_size

    def digest(self) -> str:
        """The bundle's name, which is a hash of its content."""
        return self._digest

    def numbers(self, seen: Mapping[str, Array], memory: Array | None) -> tuple[Array, Array]:
        """As the base class says."""
        rows = len(seen[self.card.blocks[0]])
        held = np.zeros((rows, self.memory_size), np.float32) if memory is None else memory
        told = self.network({**seen, MEMORY: held} if self.memory_size else seen)
        parts = [told[name] for name in NUMBERS.get(self.card.kind, (SCORES,))]
        return (parts[0] if len(parts) == 1 else np.concatenate(parts, 1)), told.get(LATER, held)
