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
            for folder in _left(connection, registry.models):
                try:
                    _remove(folder)
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


def _left(connection: Connection, models: Path) -> list[Path]:
    """Bundles of versions that were deleted, also by one who was killed before he came to them or was done with them.

    One that was made again or brought back since its deletion, to be registered again, is another's.
    """
    known = {one.content_hash for one in records.versions(connection)}
    found = set()
    for line in records.history(connection):
        content = line.evidence.get("content_hash", "")
        if line.action == "delete" and content not in known:
            for folder in {models / content, Path(line.evidence.get("bundle") or models / content)}:
                # Not by the time of writing: what comes back from a backup has that of the one that was deleted.
                made_before = folder.is_dir() and folder.stat().st_ctime <= line.happened_at.timestamp()
                if made_before and folder.name == content:
                    found.add(folder)
                elif folder.name == content and _out_of_sight(folder).is_dir():
                    found.add(_out_of_sight(folder))
    return sorted(found)


def _out_of_sight(folder: Path) -> Path:
    """What a bundle is called while it is taken away."""
    return folder.with_name(f".{folder.name}{WRITING}")


def _remove(folder: Path) -> None:
    """Out of sight in one step, then gone; no export that sweeps away what others left comes in between."""
    going = folder if folder.name.endswith(WRITING) else _out_of_sight(folder)
    with alone(folder.parent):
        if going.exists():  # left by one who was killed
            shutil.rmtree(going)
        if folder != going:
            folder.rename(going)
            step("gc 2 out of sight")
            shutil.rmtree(going)
