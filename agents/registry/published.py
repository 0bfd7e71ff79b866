"""models/production/{archetype}/{model_type}.onnx: the production slots as files, for programs that read files."""

from collections.abc import Iterable
from pathlib import Path

import psycopg

from agents.bundle import BundleError
from agents.bundle.among import PUBLISHING, VIEW
from agents.bundle.reading import read
from agents.bundle.writing import WRITING, alone
from agents.registry.errors import PublishError
from agents.registry.records import (
    EVERY_NAME,
    PRODUCTION,
    Connection,
    ModelName,
    ModelVersion,
    folder_of,
    slots,
    versions,
)
from agents.steps import step
from policies.storage import sha256, sync


def published(models: Path, name: ModelName) -> Path:
    """Where a model's production version is published."""
    return models / VIEW / name.archetype / f"{name.model_type}.onnx"


def is_published(path: Path, one: ModelVersion) -> bool:
    """Whether a file is a version's model, to the last byte."""
    return path.is_file() and not path.is_symlink() and sha256(path) == one.model_hash


def in_production(connection: Connection) -> dict[ModelName, ModelVersion]:
    """Which version each production slot points to."""
    pointed = slots(connection, PRODUCTION)  # first, for a version is there before any slot points to it
    known = {(one.name, one.version): one for one in versions(connection)}
    return {one.name: known[one.name, one.version] for one in pointed if one.version is not None}


def publish(connection: Connection, models: Path, names: Iterable[ModelName] = EVERY_NAME) -> list[str]:
    """Make files what slots say, and tell what was changed; as often as you like, and by several at once.

    A file is replaced in one step, and only by bytes that were checked. PublishError, after all others are done, with
    those that could not be; each of these is left as it was.
    """
    folder = models / VIEW
    done: list[str] = []
    failed: list[str] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with alone(folder, PUBLISHING):
            step("publish 1 alone")
            chosen = in_production(connection)  # read when alone, so that whoever comes last has seen the latest move
            for stale in folder.glob(f"*/.*{WRITING}"):
                stale.unlink(missing_ok=True)
            for name in names:
                try:
                    done += _follow(published(models, name), chosen.get(name), models)
                except (BundleError, OSError) as error:
                    failed.append(f"{published(models, name)} does not follow its slot: {error}")
    except (OSError, psycopg.Error) as error:
        failed.append(f"{folder} cannot be published into: {error}")
    if failed:
        remedy = f"mend that, then run python -m agents.registry publish --models {models}"
        raise PublishError(f"{'; '.join(failed)}; {remedy}")
    return done


def _follow(path: Path, one: ModelVersion | None, models: Path) -> list[str]:
    """Make a file what its slot says, and tell what was changed."""
    if one is None and path.exists():
        path.unlink()
        sync(path.parent)
        return [f"{path} is gone"]
    if one is not None and not is_published(path, one):
        _replace(path, read(folder_of(one, models), one.content_hash).model)
        return [f"{path} is version {one.version}"]
    return []


def _replace(path: Path, contents: bytes) -> None:
    """Put a file in the place of another, whole or not at all."""
    path.parent.mkdir(exist_ok=True)
    fresh = path.with_name(f".{path.name}{WRITING}")
    try:
        fresh.write_bytes(contents)
        step("publish 2 written")
        sync(fresh)
        step("publish 3 on the disk")
        fresh.replace(path)
        step("publish 4 renamed")
        sync(path.parent)
        step("publish 5 folder on the disk")
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
