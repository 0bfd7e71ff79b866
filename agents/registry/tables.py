"""What the registry holds, to be read by people."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from rich.table import Column, Table

from agents.registry.checking import Broken
from agents.registry.records import STAGES, HistoryLine, ModelName, ModelScore, ModelSlot, ModelVersion


def slot_table(models: Iterable[ModelName], slots: Sequence[ModelSlot], versions: Sequence[ModelVersion]) -> Table:
    """One line a model: how many versions there are, and where each stage points."""
    made = Table("model", "versions", *STAGES, title="where stages point to")
    pointed = {(slot.name, slot.stage): slot for slot in slots}
    for name in models:
        own = [one.version for one in versions if one.name == name]
        cells = []
        for stage in STAGES:
            slot = pointed.get((name, stage))
            cells.append(f"{slot.version} since {_time(slot.moved_at)}" if slot else "")
        made.add_row(str(name), f"{len(own)}, the last {own[-1]}" if own else "none", *cells)
    return made


def version_table(name: ModelName, versions: Sequence[ModelVersion], slots: Sequence[ModelSlot]) -> Table:
    """One line a version."""
    made = Table("version", "content", "size", "registered (UTC)", "against stock", "kept because", title=str(name))
    for one in versions:
        where = [slot.stage for slot in slots if (slot.name, slot.version) == (name, one.version)]
        kept = [*where, *(["known good"] if one.known_good else []), *(["pinned"] if one.pinned else [])]
        score = one.validation_metric if one.performance_score is None else one.performance_score
        made.add_row(
            str(one.version), one.content_hash[:12], f"{one.size}, {one.precision}", _time(one.created_at),
            "" if score is None else f"{score:.1%}", ", ".join(kept),
        )  # fmt: skip
    return made


def facts_table(one: ModelVersion, slots: Sequence[ModelSlot], where: str) -> Table:
    """All that is known of one version."""
    stages = [f"{slot.stage} since {_time(slot.moved_at)}" for slot in slots if slot.version == one.version]
    made = Table("", Column(overflow="fold"), show_header=False, title=str(one))
    for name, value in {
        "content": one.content_hash,
        "bundle": where,
        "size": f"{one.size}, {one.precision}",
        "registered": _time(one.created_at),
        "in": ", ".join(stages) or "no stage",
        "last deployed": _time(one.deployed_at),
        "known good": "yes" if one.known_good else "no",
        "pinned": "yes" if one.pinned else "no",
    }.items():
        made.add_row(name, value)
    return made


def score_table(scores: Sequence[ModelScore]) -> Table:
    """What a content was measured to be worth."""
    made = Table("measured (UTC)", "what", "score", "found", title="scores of this content")
    for score in scores:
        made.add_row(_time(score.measured_at), score.measure, f"{score.score:.3f}", str(score.evidence.get("why", "")))
    return made


def history_table(lines: Sequence[HistoryLine]) -> Table:
    """One line for everything that happened."""
    made = Table(
        "when (UTC)", "who", "model", "what", "stage", "from", "to", "why and on what evidence", title="history"
    )
    for line in lines:
        made.add_row(
            _time(line.happened_at), line.actor or "", f"{line.archetype}/{line.model_type}", line.action,
            line.stage or "", _text(line.from_version), _text(line.to_version), _why(line),
        )  # fmt: skip
    return made


def broken_table(found: Sequence[Broken]) -> Table:
    """What does not hold."""
    made = Table("about", "found", "what to do")
    for column in made.columns:
        column.overflow = "fold"  # a path that is cut short would not name the file
    for one in found:
        made.add_row(one.about, one.told, one.remedy)
    return made


def _why(line: HistoryLine) -> str:
    gates = line.evidence.get("gates") or []
    parts = [line.reason, gates[-1]["why"] if gates else None]
    if line.action == "register":
        parts.append(f"content {line.evidence.get('content_hash', '')[:12]}")
    return "; ".join(part for part in parts if part)


def _time(when: datetime | None) -> str:
    return "" if when is None else f"{when:%Y-%m-%d %H:%M:%S}"


def _text(value: Any) -> str:
    return "" if value is None else str(value)
