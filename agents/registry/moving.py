"""The one way in which a slot moves: from the epoch that was seen, with a line in the history, or not at all."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from psycopg.types.json import Jsonb

from agents.registry.errors import SlotMovedError
from agents.registry.records import Connection, ModelName, ModelSlot, lock, slot
from agents.steps import step

MOVE = """
UPDATE ml_model_slots SET version = %s, previous = %s, epoch = %s, moved_at = now()
WHERE (archetype, model_type, stage) = (%s, %s, %s)
"""
FILL = """
INSERT INTO ml_model_slots (version, previous, epoch, archetype, model_type, stage) VALUES (%s, %s, %s, %s, %s, %s)
"""


@dataclass(frozen=True)
class Cause:
    """Why something is done, by whom, and on what evidence."""

    action: str  # as the history names it
    actor: str
    reason: str | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)


def move(connection: Connection, seen: ModelSlot, to: int | None, cause: Cause) -> ModelSlot:
    """Point a slot to another version, or (None) to none; within a transaction, for this model's lock is held then.

    SlotMovedError, and nothing changed, unless the slot is still as it was seen.
    """
    name, stage, epoch = seen.name, seen.stage, seen.epoch + 1
    lock(connection, name)
    now = slot(connection, name, stage)
    if now.epoch != seen.epoch:
        where = "nowhere" if now.version is None else f"to version {now.version}"
        raise SlotMovedError(
            f"{seen} points {where} since its move {now.epoch}, and was to move on from {seen.epoch}: somebody else "
            "was faster, nothing was changed; look again"
        )
    if to is None:
        connection.execute(
            "DELETE FROM ml_model_slots WHERE (archetype, model_type, stage) = (%s, %s, %s)", [*name, stage]
        )
    else:
        connection.execute((FILL if now.version is None else MOVE).encode(), [to, now.version, epoch, *name, stage])
    step(f"{cause.action} 3 moved")
    tell(connection, name, cause, was=now.version, to=to, stage=stage, epoch=epoch)
    step(f"{cause.action} 4 told")
    return slot(connection, name, stage)


def tell(
    connection: Connection, name: ModelName, cause: Cause, *, was: int | None = None, to: int | None = None,
    stage: str | None = None, epoch: int | None = None,
) -> None:  # fmt: skip
    """Add a line to the history."""
    connection.execute(
        "INSERT INTO ml_model_history (archetype, model_type, action, stage, from_version, to_version, epoch, reason, "
        "evidence, actor) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [*name, cause.action, stage, was, to, epoch, cause.reason, Jsonb(dict(cause.evidence)), cause.actor],
    )
