"""Versions that nobody needs any more, and their bundles, taken away."""

import shutil
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from agents.bundle.writing import WRITING, alone
from agents.registry import records
from agents.registry.moving import Cause, tell
from agents.registry.records import Connection, ModelVersion
from agents.registry.registry import KEEPING, Registry
from agents.steps import step

RECENT = timedelta(days=7)
SPARE = """
SELECT version FROM ml_model_versions one
WHERE (archetype, model_type) = (%s, %s) AND NOT (known_good OR pinned OR active) AND created_at <= now() - %s
    AND NOT EXISTS (
        SELECT FROM ml_model_slots slot
        WHERE (slot.archetype, slot.model_type) = (one.archetype, one.model_type)
            AND one.version IN (slot.version, slot.previous)
    )
ORDER BY version
"""


@dataclass
class Swept:
    """What went."""

    versions: list[ModelVersion] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)  # bundles that are not gone, and why; the next sweep tries again


def sweep(registry: Registry, recent: timedelta = RECENT, *, only_look: bool = False) -> Swept:
    """Delete versions, then their bundles, that no slot points to or came from, that are not known good, not pinned,
    and not registered within `recent`."""
    found = Swept()
    with registry.connect() as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [KEEPING])
        for name in sorted({one.name for one in records.versions(connection)}):
            with connection.transaction():
                records.lock(connection, name)
                spare = {number for (number,) in connection.execute(SPARE, [*name, recent])}
                going = [one for one in records.versions(connection, name) if one.version in spare]
                found.versions += going
                if not only_look:
                    for one in going:
                        _delete(connection, one, registry.actor)
            step("gc 1 committed")
        if not only_look:
            for folder, deleted in sorted(_left(connection, registry.models).items()):
                try:
                    if _remove(folder, deleted):
                        found.folders.append(folder)
                except OSError as error:
                    found.failed.append(f"{folder} could not be taken away: {error}")
    return found


def _delete(connection: Connection, one: ModelVersion, actor: str) -> None:
    connection.execute(
        "DELETE FROM ml_model_versions WHERE (archetype, model_type, version) = (%s, %s, %s)", [*one.name, one.version]
    )
    evidence = {"content_hash": one.content_hash, "bundle": one.bundle_path}
    tell(connection, one.name, Cause("delete", actor, None, evidence), was=one.version)


def _left(connection: Connection, models: Path) -> dict[Path, float]:
    """Bundles of versions that were deleted, also by one who was killed before he came to them or was done with them;
    and when that was.

    One that was made again or brought back since its deletion, to be registered again, is another's.
    """
    known = {one.content_hash for one in records.versions(connection)}
    found: dict[Path, float] = {}
    for line in records.history(connection):
        content = line.evidence.get("content_hash", "")
        if line.action == "delete" and content not in known:
            deleted = line.happened_at.timestamp()
            for folder in {models / content, Path(line.evidence.get("bundle") or models / content)}:
                if folder.name == content and _is_left(folder, deleted):
                    found[folder] = max(deleted, found.get(folder, deleted))
                elif folder.name == content and _out_of_sight(folder).is_dir():
                    found[_out_of_sight(folder)] = deleted
    return found


def _is_left(folder: Path, deleted: float) -> bool:
    """Whether a bundle is the one that was deleted then; not by the time of writing, which a backup brings back."""
    return folder.is_dir() and folder.stat().st_ctime <= deleted


def _out_of_sight(folder: Path) -> Path:
    """What a bundle is called while it is taken away."""
    return folder.with_name(f".{folder.name}{WRITING}")


def _remove(folder: Path, deleted: float) -> bool:
    """Out of sight in one step, then gone; no export that sweeps away what others left comes in between.

    False where one came before, and made it again.
    """
    going = folder if folder.name.endswith(WRITING) else _out_of_sight(folder)
    with alone(folder.parent):
        if folder != going and not _is_left(folder, deleted):
            return False
        if going.exists():  # left by one who was killed
            shutil.rmtree(going)
        if folder != going:
            folder.rename(going)
            step("gc 2 out of sight")
            shutil.rmtree(going)
    return True
