"""What a bundle says of itself: the schema of manifest.json."""

import json
from collections.abc import Iterator
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agents.bundle.errors import BundleError
from agents.bundle.ports import Port
from mlmonster_env.contract import VERSION
from mlmonster_env.data.errors import shorten

FORMAT = 1
MODEL, WEIGHTS, MANIFEST, PARITY, GOLDEN = (
    "model.onnx", "weights.safetensors", "manifest.json", "parity.json", "golden.safetensors",
)  # fmt: skip
FILES = (MODEL, WEIGHTS, PARITY, GOLDEN)  # that a manifest tells of
Precision = Literal["fp32", "fp16"]
PRECISIONS: tuple[Precision, ...] = ("fp32", "fp16")
SHA256 = r"^[0-9a-f]{64}$"


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FileTold(_Told):
    """One file of the bundle."""

    sha256: str = Field(pattern=SHA256)
    bytes: int = Field(ge=0)


class ModelTold(_Told):
    """What the model is; what `policies.policy.Policy` calls its card, and more."""

    model_type: str
    archetype: str
    size: str
    control: str  # the kind of orders it gives; "" where it gives none itself
    blocks: tuple[str, ...]
    kind: str  # what its numbers are: logits, values, box, threat, strategy
    memory_size: int = Field(ge=0)  # numbers of what it remembers of one monster
    policy_class: dict[str, Any]  # as policies.recipes tells it: with the weights, enough to learn on
    policy_arguments: dict[str, Any]
    digest: str = Field(pattern=SHA256)  # of weights and recipe, Policy.digest()


class DataWindow(_Told):
    """What it was trained on."""

    source: Literal["simulation", "unknown"]
    scenario: str | None = None
    opponents: str | None = None
    seeds: tuple[int, int] | None = None  # of matches, from the first to before the last
    decisions: int | None = None
    learner: str | None = None
    commit: str | None = None


class Manifest(_Told):
    """manifest.json; the bundle's name is its SHA-256."""

    format: Literal[1]
    contract: int
    schema_hash: str = Field(pattern=SHA256)  # of what every number it sees and orders means
    code_hash: str = Field(pattern=SHA256)  # of the program that exported it
    made_with: dict[str, str]  # packages and their versions
    model: ModelTold
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    precision: Precision
    half_share: float = Field(ge=0, le=1)  # of the weights, that is in half precision
    optimized: bool
    data_window: DataWindow
    parents: tuple[str, ...]  # bundles that it was learnt on from
    scores: dict[str, Any]  # what its run said of it
    files: dict[str, FileTold]

    def as_bytes(self) -> bytes:
        """As it is written."""
        return (json.dumps(self.model_dump(mode="json"), indent=1, sort_keys=True) + "\n").encode()


def parsed(text: bytes, where: str) -> Manifest:
    """The manifest in a file's bytes; BundleError with words if it is none, or one of another time."""
    try:
        told = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BundleError("bad manifest", f"{where} is no JSON: {error}") from error
    if not isinstance(told, dict):
        raise BundleError("bad manifest", f"{where} is a {type(told).__name__}, expected an object")
    for name, known in (("format", FORMAT), ("contract", VERSION)):
        found = told.get(name)
        if isinstance(found, int) and found > known:
            raise BundleError(f"newer {name}", f"{where} is of {name} {found}, this program knows {known}; update it")
        if found != known:
            raise BundleError(f"other {name}", f"{where} is of {name} {found!r}, expected {known}")
    for place, value in _texts(told):
        if "\0" in value:
            raise BundleError("bad manifest", f"{where} at {place}: {shorten(value)}, expected text without NUL")
    try:
        return Manifest.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BundleError("bad manifest", f"{where} at {place}: {first['msg']}") from error


def _texts(told: Any) -> Iterator[tuple[str, str]]:
    """Every text in a tree, names of values too, and where it stands."""
    left = [("", told)]
    while left:
        place, value = left.pop()
        inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for name, part in inner:
            below = f"{place}.{name}".lstrip(".")
            left.append((below, part))
            if isinstance(name, str):
                yield place, name
        if isinstance(value, str):
            yield place, value
