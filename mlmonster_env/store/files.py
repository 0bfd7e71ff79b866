"""Experience as NumPy files, a day each: what has not changed since is not written again."""

import hashlib
import json
import os
import shutil
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import psycopg

from mlmonster_env.store.database import Store
from mlmonster_env.store.experience import DTYPES, Experience
from mlmonster_env.store.filters import Wanted
from mlmonster_env.store.stream import ExperienceStream
from mlmonster_env.store.wire import TABLE

LEDGER = "ledger.json"  # what was written: by day, the fingerprint of its rows and the path
READ_ROWS = 4096


@dataclass(frozen=True)
class ExportedDay:
    """One day's experience, as it lies on disk."""

    day: date
    path: Path
    rows: int
    is_fresh: bool  # whether it was written just now


def export_npz(database: Store, folder: str | Path, wanted: Wanted | None = None) -> list[ExportedDay]:
    """Write each day's wanted experience to an .npz file of a folder; days that are as they were are left alone."""

    def write(rows: Experience, path: Path) -> None:
        with path.open("wb") as file:
            np.savez(file, **rows.columns())  # type: ignore[arg-type]
            file.flush()
            os.fsync(file.fileno())

    return export_days(database, folder, wanted or Wanted(), "npz", write)


def load_npz(path: str | Path) -> Experience:
    """What `export_npz` wrote, checked anew."""
    try:
        with np.load(path, allow_pickle=False) as kept:
            return Experience.of(**{name: kept[name] for name in DTYPES})
    except (ValueError, KeyError, EOFError, TypeError, AttributeError, BadZipFile) as error:
        raise ValueError(f"{path}: {error}, expected a file of transitions") from error


def export_days(
    database: Store, folder: str | Path, wanted: Wanted, suffix: str, write: Callable[[Experience, Path], None]
) -> list[ExportedDay]:
    """Let `write` write each day that is new or has changed to a path that is not there yet.

    A day lies at its path whole, or as it was before. What the filter is stands in the path.
    """
    place = Path(folder) / f"{suffix}-{_digest(wanted.conditions())[:12]}"
    place.mkdir(parents=True, exist_ok=True)
    ledger = _ledger(place)
    found = []
    # Its transaction keeps days from being dropped while they are written: the server is not to end it as idle.
    with database.connect(options="-c idle_in_transaction_session_timeout=0") as connection:
        for day, count, fingerprint in _fingerprints(connection, wanted):
            known = ledger.get(day.isoformat())
            if known and known["fingerprint"] == fingerprint and (place / known["path"]).exists():
                found.append(ExportedDay(day, place / known["path"], count, False))
                continue
            path = place / f"{day}-{fingerprint[:12]}.{suffix}"
            if not path.exists():
                with tempfile.TemporaryDirectory(dir=place, prefix=".part-") as part:
                    write(_rows_of(database, wanted, day), Path(part) / path.name)
                    _put(Path(part) / path.name, path)
            ledger[day.isoformat()] = {"fingerprint": fingerprint, "path": path.name, "rows": count}
            _keep(ledger, place)
            if known and known["path"] != path.name:
                _remove(place / known["path"])
            found.append(ExportedDay(day, path, count, True))
    return found


def _fingerprints(connection: psycopg.Connection[Any], wanted: Wanted) -> list[tuple[date, int, str]]:
    """Day, rows and a fingerprint of all that would be written; rows that are not settled yet are left out."""
    clauses, values = wanted.conditions()
    rows = connection.execute(
        "SELECT (\"timestamp\" AT TIME ZONE 'UTC')::date, count(*), min(id), max(id), "
        "max(transaction_id)::text, sum(hashint8(id)::numeric * hashfloat4(priority))::text "
        f"FROM {TABLE} WHERE transaction_id < pg_snapshot_xmin(pg_current_snapshot()){clauses} "
        "GROUP BY 1 ORDER BY 1".encode(),
        values,
    ).fetchall()
    return [(day, count, _digest([count, *map(str, rest)])) for day, count, *rest in rows]


def _rows_of(database: Store, wanted: Wanted, day: date) -> Experience:
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
    since = begin if wanted.since is None else max(begin, wanted.since)
    end = begin + timedelta(1)
    until = end if wanted.until is None else min(end, wanted.until)
    narrowed = Wanted(wanted.archetypes, wanted.model_types, wanted.least_priority, since, until)
    with ExperienceStream(database, narrowed, batch_rows=READ_ROWS) as stream:
        return Experience.joined([batch.transitions for batch in stream])


def _ledger(place: Path) -> dict[str, Any]:
    """What is known to be written, by day; a line that is damaged is none, and its day is written anew."""
    try:
        told = json.loads((place / LEDGER).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError, RecursionError):
        return {}
    return {day: line for day, line in told.items() if _is_line(line)} if isinstance(told, dict) else {}


def _is_line(line: Any) -> bool:
    """Whether a ledger's line can be one; the path is a name in the ledger's own folder, for it may be removed."""
    if not (isinstance(line, dict) and all(isinstance(line.get(name), str) for name in ("fingerprint", "path"))):
        return False
    return line["path"] not in ("", "..", LEDGER) and Path(line["path"]).name == line["path"]


def _keep(ledger: dict[str, Any], place: Path) -> None:
    part = place / f".{LEDGER}.{os.getpid()}.{threading.get_ident()}"
    part.write_text(json.dumps(ledger, indent=1, sort_keys=True), encoding="utf-8")
    part.replace(place / LEDGER)


def _put(written: Path, path: Path) -> None:
    """Move it to its place, unless another export of the same rows was faster: a directory takes no other's place."""
    try:
        written.rename(path)
    except OSError:
        if not path.exists():
            raise


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _digest(what: Any) -> str:
    return hashlib.sha256(json.dumps(what, default=str, sort_keys=True).encode()).hexdigest()
