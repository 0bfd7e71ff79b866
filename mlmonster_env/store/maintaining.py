"""What has to be done now and then: the next days' partitions, and away with what is old."""

import time
from dataclasses import dataclass
from typing import Any

import psycopg

from mlmonster_env.store import partitions
from mlmonster_env.store.database import Store
from mlmonster_env.store.migrating import check_schema
from mlmonster_env.store.partitions import RETENTION_DAYS, Partition
from mlmonster_env.store.wire import TABLE

LOCK_TIMEOUT = "10s"  # for those who change the schema or its days
# Who waits to drop a day holds up everybody who comes after him: he waits for its readers for moments only, again and
# again.
DROP_LOCK_TIMEOUT = "200ms"
DROP_PAUSE_S = 1.0
DROP_PATIENCE_S = 15.0
TOKENS_KEPT_HOURS = 24


@dataclass(frozen=True)
class Maintained:
    """What was done."""

    made: list[Partition]
    dropped: list[Partition]
    requests: int  # old ones that were deleted, with their answers
    tokens: int
    renumbered: int  # rows that came from another server
    lacking: dict[Partition, str]  # what could not be made, and why


def maintain(database: Store) -> Maintained:
    """Do it; as often as you like, once a day is enough. Each step stands for itself if a later one fails."""
    with database.connect(options=f"-c lock_timeout={LOCK_TIMEOUT}", autocommit=True) as connection:
        check_schema(connection)
        with connection.transaction():
            days = partitions.make(connection)
        # Numbers of transactions begin anew on another server; readers wait for those that are still to come.
        renumbered = connection.execute(
            f"UPDATE {TABLE} SET transaction_id = pg_current_xact_id() "
            "WHERE transaction_id >= pg_snapshot_xmax(pg_current_snapshot())"
        ).rowcount
        requests = connection.execute(
            "DELETE FROM ai_requests WHERE created_at < now() - make_interval(days => %s)", [RETENTION_DAYS]
        ).rowcount
        tokens = connection.execute(
            "DELETE FROM ml_experience_batches WHERE written_at < now() - make_interval(hours => %s)",
            [TOKENS_KEPT_HOURS],
        ).rowcount
        dropped = _drop_old(connection)
    return Maintained(days.made, dropped, requests, tokens, renumbered, days.lacking)


def _drop_old(connection: psycopg.Connection[Any]) -> list[Partition]:
    until = time.monotonic() + DROP_PATIENCE_S
    while True:
        try:
            with connection.transaction():
                connection.execute(f"SET LOCAL lock_timeout = '{DROP_LOCK_TIMEOUT}'")
                return partitions.drop_old(connection)
        except psycopg.errors.LockNotAvailable:
            if time.monotonic() > until:
                raise
            time.sleep(DROP_PAUSE_S)
