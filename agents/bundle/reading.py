"""Bundles read back: refused by name for whatever is wrong with them, before anything of them is run."""

import hashlib
import json
import stat
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays

from agents.bundle import graph, manifest, parity
from agents.bundle.agreement import LIMITS, Agreement, compare
from agents.bundle.errors import BundleError
from agents.bundle.manifest import FILES, GOLDEN, MANIFEST, MODEL, PARITY, WEIGHTS, Manifest, ModelTold
from agents.bundle.network import Network
from agents.bundle.parity import Parity
from agents.bundle.ports import ACTION, schema_hash
from mlmonster_env.contract import CONTROLS, SHAPES
from mlmonster_env.envs.arguments import MASK

Array = np.ndarray[Any, np.dtype[Any]]
MOST_BYTES: dict[str, int] = {
    MANIFEST: 1 << 20, PARITY: 1 << 20, GOLDEN: 1 << 26, WEIGHTS: (1 << 31) - 1, MODEL: (1 << 31) - 1,
}  # fmt: skip
MOST_HEADER_BYTES = 1 << 20  # of a file of arrays
GIVEN, EXPECTED = "in/", "out/"  # before the names of golden arrays


@dataclass(frozen=True)
class Bundle:
    """What is in a bundle, checked."""

    path: Path
    name: str
    manifest: Manifest
    parity: Parity
    model: bytes
    golden: dict[str, Array]

    @property
    def given(self) -> dict[str, Array]:
        """Golden inputs by name."""
        return {name.removeprefix(GIVEN): rows for name, rows in self.golden.items() if name.startswith(GIVEN)}

    @property
    def expected(self) -> dict[str, Array]:
        """What the trained model said of them, by output."""
        return {name.removeprefix(EXPECTED): rows for name, rows in self.golden.items() if name.startswith(EXPECTED)}


def verify(path: str | Path) -> Bundle:
    """Everything that can be known of a bundle is checked, and its golden inputs are played again."""
    bundle = read(Path(path))
    opened(bundle)
    return bundle


def opened(bundle: Bundle, **options: Any) -> Network:
    """The network of a bundle, its golden inputs played again; options are those of `Network`."""
    try:
        network = Network(bundle.model, **options)
        replay(bundle, network)
    except BundleError:
        raise
    except Exception as error:  # of whatever kind the runtime's are: what it cannot run is no model
        raise BundleError("cannot run", f"{bundle.path / MODEL}: {error}") from error
    return network


def read(path: Path, name: str | None = None) -> Bundle:
    """A bundle whose every byte is as it was written; `name` is what it is to be called, its folder's by default."""
    contents = _contents(path)
    expected = path.resolve().name if name is None else name
    found = hashlib.sha256(contents[MANIFEST]).hexdigest()
    if found != expected:
        raise BundleError("wrong hash", f"{path / MANIFEST} has SHA-256 {found}, and the bundle is called {expected}")
    told = manifest.parsed(contents[MANIFEST], str(path / MANIFEST))
    if set(told.files) != set(FILES):
        raise BundleError("bad manifest", f"{path / MANIFEST} tells of {sorted(told.files)}, expected {sorted(FILES)}")
    for part, facts in told.files.items():
        hashed = hashlib.sha256(contents[part]).hexdigest()
        if len(contents[part]) != facts.bytes or hashed != facts.sha256:
            raise BundleError("wrong hash", f"{path / part} has SHA-256 {hashed}, expected {facts.sha256}")
    known = {*SHAPES, MASK} if told.model.control in ("", *CONTROLS) else set()
    if not set(told.model.blocks) <= known:
        raise BundleError(
            "other schema", f"{path / MANIFEST} sees {', '.join(told.model.blocks)} and gives {told.model.control} "
            f"orders, expected blocks of {', '.join(SHAPES)} and orders of {', '.join(CONTROLS)}",
        )  # fmt: skip
    own = schema_hash(told.model.blocks, told.model.control)
    if told.schema_hash != own:
        raise BundleError(
            "other schema",
            f"{path / MANIFEST} was made for schema {told.schema_hash[:12]}, this program's is {own[:12]}",
        )
    report = parity.parsed(contents[PARITY], str(path / PARITY))
    if report.precision != told.precision:
        raise BundleError("other parity report", f"{path / PARITY} is of {report.precision}, not {told.precision}")
    if failures := report.failures():
        raise BundleError("no parity", f"{path / PARITY}: {'; '.join(failures)}")
    if (report.rollout is None) != (told.model.memory_size == 0):
        remembers = "remembers nothing" if report.rollout else "remembers"
        raise BundleError("other parity report", f"{path / PARITY} is not of a model that {remembers}")
    graph.check(graph.parse(contents[MODEL], str(path / MODEL)), told, str(path / MODEL))
    weights = _arrays(contents[WEIGHTS], path / WEIGHTS)
    if (digest := weights_digest(told.model, weights)) != told.model.digest:
        raise BundleError("other weights", f"{path / WEIGHTS} are of model {digest}, expected {told.model.digest}")
    golden = _arrays(contents[GOLDEN], path / GOLDEN)
    _check_golden(golden, told, path / GOLDEN)
    return Bundle(path, found, told, report, contents[MODEL], golden)


def replay(bundle: Bundle, network: Network) -> Agreement:
    """Play the golden inputs again; BundleError unless the network still says what the trained model said."""
    kind, limit = bundle.manifest.model.kind, LIMITS[bundle.manifest.precision]
    found = compare(bundle.given, bundle.expected, network(bundle.given), kind, limit.tolerance)
    if failures := found.failures(limit):
        raise BundleError("other answers", f"{bundle.path / MODEL} on its golden inputs: {'; '.join(failures)}")
    return found


def weights_digest(model: ModelTold, weights: dict[str, Array]) -> str:
    """What `Policy.digest()` gives of the same numbers and recipe."""
    recipe = {
        name: getattr(model, name)
        for name in (
            "model_type", "archetype", "size", "control", "blocks", "policy_class", "policy_arguments",
        )
    }  # fmt: skip
    made = hashlib.sha256(json.dumps(recipe, sort_keys=True).encode())
    for name, array in sorted(weights.items()):
        made.update(name.encode())
        made.update(np.ascontiguousarray(array).tobytes())
    return made.hexdigest()


def _contents(path: Path) -> dict[str, bytes]:
    """The bytes of every file of a bundle; nothing else may lie in it."""
    if path.is_symlink():
        raise BundleError("symlink", f"{path} is a symbolic link, expected the bundle itself")
    if not path.is_dir():
        raise BundleError("no bundle", f"{path} is no directory, expected a bundle")
    wanted = (MANIFEST, *FILES)
    for entry in sorted(path.iterdir()):
        mode = entry.lstat().st_mode
        if stat.S_ISLNK(mode):
            raise BundleError("symlink", f"{entry} is a symbolic link, expected a file")
        if entry.name not in wanted:
            raise BundleError("extra file", f"{entry} is no part of a bundle, expected {', '.join(wanted)}")
        if not stat.S_ISREG(mode):
            raise BundleError("no file", f"{entry} is no regular file, expected one")
    found = {}
    for name in wanted:
        entry = path / name
        if not entry.exists():
            raise BundleError("missing file", f"{entry} is missing")
        if (size := entry.stat().st_size) > MOST_BYTES[name]:
            raise BundleError("oversized file", f"{entry} has {size:,} bytes, expected {MOST_BYTES[name]:,} at most")
        found[name] = entry.read_bytes()
    return found


def _arrays(text: bytes, where: Path) -> dict[str, Array]:
    """The arrays of a file; its header is looked at first."""
    header = struct.unpack("<Q", text[:8])[0] if len(text) >= 8 else 0
    if header > MOST_HEADER_BYTES:
        told = f"{where} has a header of {header:,} bytes, expected {MOST_HEADER_BYTES:,} at most"
        raise BundleError("oversized header", told)
    try:
        return load_arrays(text)
    except (SafetensorError, ValueError, KeyError) as error:
        raise BundleError("bad arrays", f"{where} cannot be read: {error}") from error


def _check_golden(golden: dict[str, Array], told: Manifest, where: Path) -> None:
    """Golden arrays are of the model's ports, all with the same rows."""
    sides = ((GIVEN, told.inputs), (EXPECTED, told.outputs))
    expected = {f"{side}{port.name}": (port.type, port.shape) for side, ports in sides for port in ports}
    found = {name: (str(rows.dtype), rows.shape[1:]) for name, rows in golden.items()}
    if found != expected:
        raise BundleError("other golden arrays", f"{where} holds {found}, expected {expected}")
    if len({len(rows) for rows in golden.values()}) != 1:
        raise BundleError("other golden arrays", f"{where} holds arrays of different lengths")
    if not len(next(iter(golden.values()))):
        raise BundleError("other golden arrays", f"{where} holds no row, expected at least one")
    for name, rows in golden.items():
        if rows.dtype.kind == "f" and not np.isfinite(rows).all():
            raise BundleError("not finite", f"{where} holds {name!r}, in which a number is not finite")
    actions = golden.get(EXPECTED + ACTION)
    if actions is not None and actions.dtype.kind == "i" and not _are_orders(actions, told.model.control):
        raise BundleError("other golden arrays", f"{where} holds actions that are no {told.model.control} orders")


def _are_orders(actions: Array, control: str) -> bool:
    return bool((actions >= 0).all() and (actions < CONTROLS[control]).all())
