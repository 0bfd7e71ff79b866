"""What the registry's tables hold, read: versions, slots and their history."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from psycopg.rows import class_row

from agents.bundle.manifest import MODEL
from agents.registry.errors import RegistryError, UnknownVersionError
from mlmonster_env.contract import ARCHETYPES, MODEL_TYPES
from mlmonster_env.data.errors import one_of

DEVELOPMENT, STAGING, PRODUCTION = STAGES = ("development", "staging", "production")
Connection = psycopg.Connection[Any]


class ModelName(NamedTuple):
    """One of the 54 models."""

    archetype: str
    model_type: str

    @classmethod
    def of(cls, text: str) -> "ModelName":
        """The name in a text such as "mage/combat_dqn"; ValueError with words if it is none."""
        archetype, slash, model_type = text.partition("/")
        if not slash:
            raise ValueError(f"the model is {text!r}, expected archetype and model type, such as mage/combat_dqn")
        _known(archetype, ARCHETYPES, "archetype")
        _known(model_type, MODEL_TYPES, "model type")
        return cls(archetype, model_type)

    def __str__(self) -> str:
        return f"{self.archetype}/{self.model_type}"


EVERY_NAME = tuple(ModelName(archetype, model_type) for archetype in ARCHETYPES for model_type in MODEL_TYPES)


@dataclass(frozen=True)
class ModelVersion:
    """A registered bundle. Only the last five ever change."""

    archetype: str
    model_type: str
    version: int
    content_hash: str
    onnx_path: str
    bundle_path: str | None
    size: str | None
    precision: str | None
    manifest: dict[str, Any]
    created_at: datetime
    validation_metric: float | None
    performance_score: float | None
    known_good: bool
    pinned: bool
    active: bool
    deployed_at: datetime | None

    @property
    def name(self) -> ModelName:
        """Of which model."""
        return ModelName(self.archetype, self.model_type)

    @property
    def model_hash(self) -> str:
        """The SHA-256 of its model.onnx; empty if it was registered without a manifest."""
        return str(self.manifest.get("files", {}).get(MODEL, {}).get("sha256", ""))

    def __str__(self) -> str:
        return f"{self.name} version {self.version}"


@dataclass(frozen=True)
class ModelSlot:
    """Which version a stage points to; `epoch` counts its moves, also when it was emptied (version is None then)."""

    archetype: str
    model_type: str
    stage: str
    version: int | None
    previous: int | None
    epoch: int
    moved_at: datetime | None

    @property
    def name(self) -> ModelName:
        """Of which model."""
        return ModelName(self.archetype, self.model_type)

    @property
    def where(self) -> str:
        """Where it points to, in words."""
        return "points nowhere" if self.version is None else f"points to version {self.version}"

    def __str__(self) -> str:
        return f"{self.name} {self.stage}"


@dataclass(frozen=True)
class HistoryLine:
    """One thing that happened."""

    id: int
    archetype: str
    model_type: str
    action: str
    stage: str | None
    from_version: int | None
    to_version: int | None
    epoch: int | None
    reason: str | None
    evidence: dict[str, Any]
    actor: str | None
    happened_at: datetime


@dataclass(frozen=True)
class ModelScore:
    """What a content hash was measured to be worth."""

    content_hash: str
    measure: str
    score: float
    error: float | None
    evidence: dict[str, Any]
    measured_at: datetime


def _known(name: str, known: Iterable[str], what: str) -> None:
    if name not in known:
        raise ValueError(f"the {what} is {name!r}, expected {one_of(name, known)}")


def _columns(kind: type) -> str:
    return ", ".join(kind.__dataclass_fields__)  # type: ignore[attr-defined]


VERSIONS = f"SELECT {_columns(ModelVersion)} FROM ml_model_versions"
HISTORY = f"SELECT {_columns(HistoryLine)} FROM ml_model_history"
SCORES = f"SELECT {_columns(ModelScore)} FROM ml_model_scores"
SLOT = """
SELECT told.archetype, told.model_type, told.stage, slot.version, slot.previous, slot.moved_at,
    coalesce(slot.epoch, (
        SELECT max(past.epoch) FROM ml_model_history past
        WHERE (past.archetype, past.model_type, past.stage) = (told.archetype, told.model_type, told.stage)
    ), 0) AS epoch
FROM (VALUES (%s::text, %s::text, %s::text)) AS told (archetype, model_type, stage)
LEFT JOIN ml_model_slots slot USING (archetype, model_type, stage)
"""
OF_MODEL = " WHERE (archetype, model_type) = (%s, %s)"


def versions(connection: Connection, name: ModelName | None = None) -> list[ModelVersion]:
    """All versions, or those of one model, the oldest first."""
    query = VERSIONS + (OF_MODEL if name else "") + " ORDER BY archetype, model_type, version"
    with connection.cursor(row_factory=class_row(ModelVersion)) as cursor:
        return cursor.execute(query.encode(), name).fetchall()


def version(connection: Connection, name: ModelName, number: int | None = None) -> ModelVersion:
    """One version, by default the latest; UnknownVersionError if there is none."""
    found = versions(connection, name)
    if not found:
        raise UnknownVersionError(f"{name} has no version; register a bundle first")
    if number is None:
        return found[-1]
    for one in found:
        if one.version == number:
            return one
    known = ", ".join(str(one.version) for one in found)
    raise UnknownVersionError(f"{name} has no version {number}, expected one of {known}")


def slot(connection: Connection, name: ModelName, stage: str) -> ModelSlot:
    """A slot as it is now."""
    _known(stage, STAGES, "stage")
    with connection.cursor(row_factory=class_row(ModelSlot)) as cursor:
        found = cursor.execute(SLOT.encode(), [*name, stage]).fetchone()
    assert found is not None
    return found


def slots(connection: Connection, stage: str | None = None) -> list[ModelSlot]:
    """All slots that point somewhere, or those of one stage."""
    query = f"SELECT {_columns(ModelSlot)} FROM ml_model_slots" + (" WHERE stage = %s" if stage else "")
    with connection.cursor(row_factory=class_row(ModelSlot)) as cursor:
        rows = cursor.execute(query.encode(), [stage] if stage else None).fetchall()
    return sorted(rows, key=lambda one: (one.archetype, one.model_type, STAGES.index(one.stage)))


def history(
    connection: Connection, name: ModelName | None = None, *, stage: str | None = None, latest: int | None = None
) -> list[HistoryLine]:
    """What happened, the oldest first; `latest` so many lines."""
    asked = {"archetype": name and name.archetype, "model_type": name and name.model_type, "stage": stage}
    given = {column: value for column, value in asked.items() if value is not None}
    where = " AND ".join(f"{column} = %({column})s" for column in given)
    query = f"{HISTORY}{' WHERE ' if where else ''}{where} ORDER BY id DESC LIMIT %(latest)s"
    with connection.cursor(row_factory=class_row(HistoryLine)) as cursor:
        return cursor.execute(query.encode(), {**given, "latest": latest}).fetchall()[::-1]


def scores(connection: Connection, content_hash: str) -> list[ModelScore]:
    """What a content was measured to be worth, the oldest first."""
    with connection.cursor(row_factory=class_row(ModelScore)) as cursor:
        query = f"{SCORES} WHERE content_hash = %s ORDER BY measured_at, measure"
        return cursor.execute(query.encode(), [content_hash]).fetchall()


def lock(connection: Connection, name: ModelName) -> None:
    """Until the transaction's end nobody else moves, registers or deletes what belongs to this model."""
    found = connection.execute(
        "SELECT FROM ml_models WHERE (archetype, model_type) = (%s, %s) FOR NO KEY UPDATE", name
    ).fetchone()
    if found is None:
        raise RegistryError(f"the store knows no model {name}: python -m mlmonster_env.store migrate")


def home_elsewhere(one: ModelVersion, models: Path) -> Path | None:
    """Where a version's bundle belongs if that is not among `models`: its published view is there too.

    A bundle that is lost belongs where it was; one that was moved, with its folder, where it is.
    """
    if one.bundle_path is None:
        return None
    home = Path(one.bundle_path).parent.resolve()
    was_moved = not Path(one.bundle_path).is_dir() and folder_of(one, models).is_dir()
    return home if home != models and home.is_dir() and not was_moved else None


def folder_of(one: ModelVersion, models: Path) -> Path:
    """Where a version's bundle lies: where it was registered, or, if all was moved elsewhere, among `models`."""
    told = Path(one.bundle_path or one.onnx_path)
    return told if told.is_dir() else models / one.content_hash
