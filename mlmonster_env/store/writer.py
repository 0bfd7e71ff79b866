"""Experience in, without ever making its caller wait: a bounded queue, and a thread that copies it to the database."""

import logging
import threading
import time
from collections import deque
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any
from uuid import uuid4

import psycopg

from mlmonster_env.data.errors import check_number
from mlmonster_env.store import partitions
from mlmonster_env.store.copying import write_batch
from mlmonster_env.store.database import Store
from mlmonster_env.store.embedded import ServerError
from mlmonster_env.store.experience import Experience

QUEUE_ROWS = 65_536
BATCH_ROWS = 8_192
FLUSH_S = 0.5
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 5.0
DAYS_S = 3600.0  # between looks whether the next days have their partitions
# Rows that are refused will be refused again; all else may pass: a lost connection, a full disk, no schema or day yet.
REFUSED = (psycopg.DataError, psycopg.IntegrityError)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class WriterCounts:
    """Rows since the writer began. Each that was given is written, dropped, refused, or still queued."""

    given: int = 0
    written: int = 0
    dropped: int = 0  # there was no room for them, or no time at the end
    refused: int = 0  # by the database, as wrong
    queued: int = 0
    reconnects: int = 0
    last_error: str = ""


class ExperienceWriter:
    """Writes transitions in the background. Use it as a context, or close it.

    Up to `queue_rows` rows wait; what is put beyond them is dropped and counted. Batches of up to `batch_rows` go out
    at the latest `flush_s` seconds after they came, each in a transaction of its own. While the database is away they
    wait, and are tried again; a batch whose commit was lost on the way is not written twice.
    """

    def __init__(
        self,
        database: Store,
        *,
        queue_rows: int = QUEUE_ROWS,
        batch_rows: int = BATCH_ROWS,
        flush_s: float = FLUSH_S,
    ) -> None:
        check_number("queue_rows", queue_rows, 1)
        check_number("batch_rows", batch_rows)
        if not 1 <= batch_rows <= queue_rows:
            raise ValueError(f"batch_rows is {batch_rows}, expected 1 to queue_rows, {queue_rows}")
        self._database = database
        self._queue_rows = queue_rows
        self._batch_rows = batch_rows
        self._flush_s = flush_s
        self._waiting: deque[Experience] = deque()
        self._waiting_rows = 0
        self._counts = WriterCounts()
        self._changed = threading.Condition()
        self._pressed = False  # somebody waits for everything to be written
        self._closing = False
        self._deadline = float("inf")
        self._has_given_up = False
        self._in_trouble = False
        self._connection: psycopg.Connection[Any] | None = None
        self._days_due = 0.0
        self._lacks_days = False
        self._thread = threading.Thread(target=self._work, name="experience-writer", daemon=True)
        self._thread.start()

    @property
    def counts(self) -> WriterCounts:
        """What became of the rows so far."""
        with self._changed:
            return self._counts

    def put(self, rows: Experience) -> bool:
        """Queue rows, all of them or, where there is no room, none; returns at once. They must not change any more."""
        if not isinstance(rows, Experience):
            raise TypeError(f"rows are a {type(rows).__name__}, expected Experience")
        count = len(rows)
        with self._changed:
            if self._closing:
                raise RuntimeError("the writer is closed, expected an open one")
            room = self._counts.queued + count <= self._queue_rows
            self._counts = replace(
                self._counts,
                given=self._counts.given + count,
                queued=self._counts.queued + count * room,
                dropped=self._counts.dropped + count * (not room),
            )
            if room and count:
                first = not self._waiting
                self._waiting.append(rows)
                self._waiting_rows += count
                if first or self._waiting_rows >= self._batch_rows:
                    self._changed.notify_all()
        return room

    def flush(self, timeout_s: float | None = None) -> bool:
        """Wait until everything that was put is in the database, or refused by it.

        False if the time was over before, or the writer closed and dropped some.
        """
        with self._changed:
            self._pressed = True
            self._changed.notify_all()
            is_done = self._changed.wait_for(lambda: not self._counts.queued, timeout_s)
            return is_done and not self._has_given_up

    def close(self, timeout_s: float = 30.0) -> WriterCounts:
        """Write what is left, for so long at most; what cannot be written is dropped and counted.

        A batch that the database holds fast at that time may still get in: `counts` then says so.
        """
        with self._changed:
            self._closing = True
            self._deadline = min(self._deadline, time.monotonic() + timeout_s)
            self._changed.notify_all()
        self._thread.join(timeout_s + LONGEST_PAUSE_S)
        with self._changed:
            if self._counts.queued:
                left = self._counts.queued
                self._has_given_up = True
                self._counts = replace(self._counts, queued=0, dropped=self._counts.dropped + left)
                self._changed.notify_all()  # who waits for a flush waits for nothing more
                log.warning("%d transitions could not be written before the writer closed", left)
            return self._counts

    def __enter__(self) -> "ExperienceWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _work(self) -> None:
        try:
            while (parts := self._next_batch()) is not None:
                self._write(parts)
        finally:
            self._disconnect()

    def _next_batch(self) -> list[Experience] | None:
        """The next rows to write, when there are enough or they have waited long enough; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing)
            self._changed.wait_for(
                lambda: self._waiting_rows >= self._batch_rows or self._pressed or self._closing, self._flush_s
            )
            if not self._waiting or time.monotonic() > self._deadline:
                return None
            parts = [self._waiting.popleft()]
            count = len(parts[0])
            while self._waiting and count + len(self._waiting[0]) <= self._batch_rows:
                parts.append(self._waiting.popleft())
                count += len(parts[-1])
            self._waiting_rows -= count
        return parts

    def _write(self, parts: list[Experience]) -> None:
        """Try until the rows are written, or the wrong parts among them refused, or the time is over."""
        count = sum(map(len, parts))
        token = uuid4()
        pause = FIRST_PAUSE_S
        has_looked = False
        while True:
            try:
                write_batch(self._connected(), Experience.joined(parts), token)
                if self._in_trouble:
                    log.warning("the database can be written again")
                self._in_trouble = False
                return self._settle(count, "written")
            except REFUSED as error:
                if not is_without_partition(error):
                    return self._refuse(parts, error)
                if not has_looked:
                    has_looked, self._days_due = True, 0.0
                    continue
                self._note_trouble(error)  # the day may still come
            except (psycopg.Error, ServerError, OSError) as error:
                self._note_trouble(error)
            except Exception as error:
                return self._refuse(parts, error)
            if time.monotonic() + pause > self._deadline:
                return None
            with self._changed:
                closing = self._changed.wait_for(lambda: self._closing, pause)
            if closing:
                time.sleep(FIRST_PAUSE_S)
            pause = min(2 * pause, LONGEST_PAUSE_S)

    def _refuse(self, parts: list[Experience], error: Exception) -> None:
        """Some of the rows are wrong: each part is tried by itself, and one alone is it."""
        if len(parts) > 1:
            for part in parts:
                self._write([part])
            return
        told = str(error) if isinstance(error, psycopg.Error) else f"{type(error).__name__}: {error}"
        log.error("%d transitions were refused: %s", len(parts[0]), told)
        self._settle(len(parts[0]), "refused", told)

    def _settle(self, count: int, fate: str, error: str = "") -> None:
        with self._changed:
            counts = self._counts
            before = "dropped" if self._has_given_up else "queued"  # a database that stood still may yet take them
            self._counts = replace(
                counts,
                last_error=error or counts.last_error,
                **{before: getattr(counts, before) - count, fate: getattr(counts, fate) + count},
            )
            if not self._counts.queued:
                self._pressed = False
            self._changed.notify_all()

    def _note_trouble(self, error: Exception) -> None:
        self._disconnect()
        if not self._in_trouble:
            log.warning("the database cannot be written, trying again until it can: %s", error)
        self._in_trouble = True
        with self._changed:
            self._counts = replace(self._counts, last_error=str(error), reconnects=self._counts.reconnects + 1)

    def _connected(self) -> psycopg.Connection[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = self._database.connect()
            self._days_due = 0.0
        if time.monotonic() >= self._days_due:
            self._make_days(self._connection)
            self._days_due = time.monotonic() + DAYS_S
        return self._connection

    def _make_days(self, connection: psycopg.Connection[Any]) -> None:
        """Make the next days' partitions. Where that fails rows are tried all the same: they may have another place."""
        try:
            with connection.transaction():
                lacking = partitions.make(connection).told
        except Exception as error:  # whatever it was, the rows are not to blame
            if connection.closed:
                raise psycopg.OperationalError(str(error)) from error
            lacking = str(error)
        if lacking and not self._lacks_days:
            log.warning("days could not be made, rows are tried all the same: %s", lacking)
        self._lacks_days = bool(lacking)
        if lacking:
            with self._changed:
                self._counts = replace(self._counts, last_error=f"days could not be made: {lacking}")

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def is_without_partition(error: psycopg.Error) -> bool:
    """Whether rows were refused because their day has no partition; checks that have names are others."""
    return isinstance(error, psycopg.errors.CheckViolation) and error.diag.constraint_name is None
