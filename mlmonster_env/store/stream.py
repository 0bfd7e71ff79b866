"""Experience out: page by page through a server-side cursor, in an order in which nothing that commits late is lost."""

import logging
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import psycopg

from mlmonster_env.data.errors import check_number
from mlmonster_env.store.database import Store
from mlmonster_env.store.embedded import ServerError
from mlmonster_env.store.filters import LAST_ID, Wanted, Watermark
from mlmonster_env.store.rows import SELECTED, StoredBatch, batch_of
from mlmonster_env.store.wire import TABLE

BATCH_ROWS = 256
PAGE_ROWS = 65_536  # a cursor's; a transaction that reads for hours would keep the server from cleaning up
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 5.0
PATIENCE_S = 60.0
# A server may end what is idle in a transaction, as a stream is while its batches are made use of.
LOST = (
    psycopg.OperationalError, psycopg.InterfaceError, psycopg.errors.IdleInTransactionSessionTimeout, ServerError,
)  # fmt: skip

log = logging.getLogger(__name__)


class ExperienceStream:
    """Iterates over batches of what is stored, in the order in which it can be read safely, to its present end.

    `watermark` is behind the last batch that was given out: keep it, and go on from it with another stream. A row is
    given out when no transaction is running any more that began before its own did, so that none can be missed; one
    that is open for long holds everybody up (`python -m mlmonster_env.store doctor` names it). If the connection is
    lost the stream connects again and goes on, for `patience_s` seconds without success at most.

    It is read by one iteration at a time, since it has one watermark: a second one is refused until the first is over.
    """

    def __init__(
        self,
        database: Store,
        wanted: Wanted | None = None,
        *,
        after: Watermark | None = None,
        batch_rows: int = BATCH_ROWS,
        page_rows: int = PAGE_ROWS,
        patience_s: float = PATIENCE_S,
    ) -> None:
        check_number("page_rows", page_rows, 1)
        check_number("batch_rows", batch_rows)
        if not 1 <= batch_rows <= page_rows:
            raise ValueError(f"batch_rows is {batch_rows}, expected 1 to page_rows, {page_rows}")
        self.watermark = after or Watermark()
        self.reconnects = 0
        self._database = database
        self._wanted = wanted or Wanted()
        self._batch_rows = batch_rows
        self._page_rows = page_rows
        self._patience_s = patience_s
        self._connection: psycopg.Connection[Any] | None = None
        self._at_end = False
        self._is_read = False

    def __iter__(self) -> Iterator[StoredBatch]:
        """Batches from the watermark to what is the end now; more may follow later."""
        if self._is_read:
            raise RuntimeError("the stream is being read, expected one iteration at a time, or a stream for each")
        self._is_read = True
        try:
            yield from self._batches()
        finally:
            self._is_read = False

    def _batches(self) -> Iterator[StoredBatch]:
        pause = FIRST_PAUSE_S
        lost_at: float | None = None
        while True:
            try:
                for batch in self._page():
                    pause, lost_at = FIRST_PAUSE_S, None
                    self.watermark = batch.watermark
                    yield batch
                if self._at_end:
                    return
            except LOST as error:
                self.close()
                lost_at = lost_at or time.monotonic()
                if time.monotonic() - lost_at > self._patience_s:
                    raise
                log.warning("the stream lost its connection and goes on from %s: %s", self.watermark, error)
                self.reconnects += 1
                time.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE_S)

    def follow(self, poll_s: float = 1.0) -> Iterator[StoredBatch]:
        """Batches for ever: waits at the end for more."""
        while True:
            yield from self
            time.sleep(poll_s)

    def close(self) -> None:
        """Let the connection go; it comes again when it is needed."""
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.close()
            self._connection = None

    def __enter__(self) -> "ExperienceStream":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _page(self) -> Iterator[StoredBatch]:
        """One cursor's batches; `_at_end` tells afterwards whether there was less than a page."""
        if self._connection is None or self._connection.closed:
            self._connection = self._database.connect()
        self._at_end = False
        clauses, values = self._wanted.conditions()
        with self._connection.transaction():
            horizon = self._horizon(self._connection)
            query = (
                f"SELECT {SELECTED} FROM {TABLE} WHERE (transaction_id, id) > (%(transaction)s::text::xid8, %(row)s) "
                f"AND transaction_id < %(horizon)s::text::xid8{clauses} ORDER BY transaction_id, id LIMIT %(limit)s"
            )
            values |= {
                "transaction": self.watermark.transaction, "row": self.watermark.row, "horizon": horizon,
                "limit": self._page_rows,
            }  # fmt: skip
            seen = 0
            with self._connection.cursor("experience", binary=True) as cursor:
                cursor.execute(query.encode(), values)
                while rows := cursor.fetchmany(self._batch_rows):
                    seen += len(rows)
                    yield batch_of(rows)
        if seen < self._page_rows:
            self._at_end = True
            self.watermark = max(self.watermark, Watermark(horizon - 1, LAST_ID))  # also past what was not wanted

    def _horizon(self, connection: psycopg.Connection[Any]) -> int:
        """The oldest transaction that still runs."""
        row = connection.execute(
            "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint, "
            "pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
        ).fetchone()
        assert row is not None
        if self.watermark.transaction > row[1]:
            raise ValueError(
                f"the watermark {self.watermark} lies ahead of the server, which is at transaction {row[1]}; "
                "expected one of this server's own"
            )
        return int(row[0])
