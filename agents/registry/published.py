"""models/production/{archetype}/{model_type}.onnx: the production slots as files, for programs that read files."""

import fcntl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from agents.bundle import BundleError
from agents.bundle.reading import read
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

FOLDER = "production"
LOCK = ".publishing.lock"
WRITING = ".writing"


def published(models: Path, name: ModelName) -> Path:
    """Where a model's production version is published."""
    return models / FOLDER / name.archetype / f"{name.model_type}.onnx"


def is_published(path: Path, one: ModelVersion) -> bool:
    """Whether a file is a version's model, to the last byte."""
    return path.is_file() and not path.is_symlink() and sha256(path) == one.model_hash


def in_production(connection: Connection) -> dict[ModelName, ModelVersion]:
    """Which version each production slot points to."""
    known = {(one.name, one.version): one for one in versions(connection)}
    return {one.name: known[one.name, one.version] for one in slots(connection, PRODUCTION) if one.version is not None}


def publish(connection: Connection, models: Path, names: Iterable[ModelName] = EVERY_NAME) -> list[str]:
    """Make files what slots say, and tell what was changed; as often as you like, and by several at once.

    A file is replaced in one step, and only by bytes that were checked. PublishError, after all others are done, with
    those that could not be; each of these is left as it was.
    """
    folder = models / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    done, failed = [], []
    with _alone(folder):
        step("publish 1 alone")
        chosen = in_production(connection)  # read when alone, so that whoever comes last has seen the latest move
        for stale in folder.glob(f"*/.*{WRITING}"):
            stale.unlink(missing_ok=True)
        for name in names:
            path, one = published(models, name), chosen.get(name)
            try:
                if one is None and path.exists():
                    path.unlink()
                    sync(path.parent)
                    done.append(f"{path} is gone")
                elif one is not None and not is_published(path, one):
                    _replace(path, read(folder_of(one, models), one.content_hash).model)
                    done.append(f"{path} is version {one.version}")
            except (BundleError, OSError) as error:
                failed.append(f"{path} does not follow its slot: {error}")
    if failed:
        raise PublishError("; ".join(failed) + "; then run python -m agents.registry publish")
    return done


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


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One publisher at a time."""
    with (folder / LOCK).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
