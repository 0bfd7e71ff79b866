"""As many different bundles of one model as a test wants, and what gates might say of them."""

from pathlib import Path

import onnx

from agents.bundle.manifest import FILES, MODEL
from agents.bundle.reading import read
from agents.bundle.writing import file_told, write
from agents.judge.gates import GateVerdict
from agents.judge.sequential import ACCEPT, REJECT
from agents.registry import ModelName
from tests.agents.exports import exported

NAME = ModelName("mage", "combat_dqn")


def make_bundle(out: Path, number: int) -> Path:
    """The tiny model's bundle, but for its graph's name."""
    source = read(exported("combat_dqn"))
    contents = {part: (source.path / part).read_bytes() for part in FILES}
    graph = onnx.ModelProto.FromString(contents[MODEL])
    graph.graph.name = f"number {number}"
    contents[MODEL] = graph.SerializeToString(deterministic=True)
    files = {part: file_told(text) for part, text in contents.items()}
    return write(out, source.manifest.model_copy(update={"files": files}), contents)


def accepting(candidate, previous, archetype):
    """Gates that accept everybody."""
    found = [GateVerdict("random", ACCEPT, "strong", 0.95, 100), GateVerdict("stock", ACCEPT, "enough", 0.7, 200)]
    return [*found, GateVerdict("all", ACCEPT, "accepted by random, stock", 0.7, 300)]


def rejecting(candidate, previous, archetype):
    """Gates that accept nobody."""
    return [GateVerdict("random", REJECT, "weak", 0.4, 50), GateVerdict("all", REJECT, "random: weak", 0.4, 50)]


def flip(path: Path) -> None:
    """Change one byte of a file."""
    text = bytearray(path.read_bytes())
    text[len(text) // 2] ^= 1
    path.write_bytes(text)
