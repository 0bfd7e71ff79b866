"""Tables by day where TimescaleDB is not there: the next days' partitions are made, old ones are dropped."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
from psycopg import sql

BY_DAY: dict[str, str] = {
    "ml_experience_replay": "timestamp",
    "ml_episode_outcomes": "timestamp",
    "ai_request_log": "created_at",
}  # and the column that says when
RETENTION_DAYS = 30
DAYS_AHEAD = 7
LOCK = 0x6D6C6D6F  # of everybody who changes the schema or its partitions


@dataclass(frozen=True)
class Partition:
    """One day of a table."""

    table: str
    day: date

    @property
    def name(self) -> str:
        """What the partition is called."""
        return f"{self.table}_{self.day:%Y%m%d}"


def is_partitioned(connection: psycopg.Connection[Any], table: str) -> bool:
    """Whether a table has partitions of our own; a hypertable has not."""
    kind = connection.execute("SELECT relkind = 'p' FROM pg_class WHERE oid = to_regclass(%s)", [table]).fetchone()
    return bool(kind and kind[0])


def existing(connection: psycopg.Connection[Any], table: str) -> list[Partition]:
    """The days that a table has partitions for, the oldest first."""
    rows = connection.execute(
        "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = %s::regclass",
        [table],
    ).fetchall()
    ours = re.compile(rf"{table}_(\d{{8}})")  # an operator may have added others, such as one for all the rest
    days = (datetime.strptime(m[1], "%Y%m%d").date() for (name,) in rows if (m := ours.fullmatch(name)))
    return [Partition(table, day) for day in sorted(days)]


def make(connection: psycopg.Connection[Any], today: date | None = None) -> list[Partition]:
    """Make the partitions of today (UTC) and the next days that are missing; those that were made.

    In a transaction, at whose end others may.
    """
    first = datetime.now(UTC).date() if today is None else today
    made = []
    connection.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    for table, column in BY_DAY.items():
        if not is_partitioned(connection, table):
            continue
        there = set(existing(connection, table))
        for days in range(DAYS_AHEAD + 1):
            partition = Partition(table, first + timedelta(days))
            if partition not in there:
                _make(connection, partition, column)
                made.append(partition)
    return made


def drop_old(connection: psycopg.Connection[Any], today: date | None = None) -> list[Partition]:
    """Drop partitions of which all is older than `RETENTION_DAYS`; those that were dropped."""
    connection.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    last = (datetime.now(UTC).date() if today is None else today) - timedelta(RETENTION_DAYS)
    dropped = []
    for table in BY_DAY:
        if is_partitioned(connection, table):
            for partition in existing(connection, table):
                if partition.day < last:
                    connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(partition.name)))
                    dropped.append(partition)
    return dropped


def _make(connection: psycopg.Connection[Any], partition: Partition, column: str) -> None:
    begin = datetime(partition.day.year, partition.day.month, partition.day.day, tzinfo=UTC)
    own, table = sql.Identifier(partition.name), sql.Identifier(partition.table)
    # Made beside the table, then attached: made as a part of it at once it would wait for every reader, and all for it.
    connection.execute(sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)").format(own, table))
    connection.execute(
        sql.SQL("ALTER TABLE {} ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})").format(
            table, own, begin, begin + timedelta(1)
        )
    )
