"""Tables by day where TimescaleDB is not there: the next days' partitions are made, old ones are dropped."""

import re
from contextlib import suppress
from dataclasses import dataclass, field
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


@dataclass(frozen=True)
class Making:
    """What became of the days that were missing."""

    made: list[Partition] = field(default_factory=list)
    lacking: dict[Partition, str] = field(default_factory=dict)  # those that could not be made, and why

    @property
    def told(self) -> str:
        """What could not be made, in words; nothing if all could."""
        return ", ".join(f"{partition.name}: {why}" for partition, why in self.lacking.items())


def today_of(connection: psycopg.Connection[Any]) -> date:
    """The server's day (UTC): rows carry its time, and this machine's clock may be another."""
    row = connection.execute("SELECT (now() AT TIME ZONE 'UTC')::date").fetchone()
    assert row is not None
    day: date = row[0]
    return day


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
    ours = re.compile(rf"{table}_([0-9]{{8}})")
    days = []
    for (name,) in rows:
        # An operator may have added others, such as one for all the rest, and may call them as days are not called.
        with suppress(ValueError):
            if named := ours.fullmatch(name):
                days.append(date.fromisoformat(named[1]))
    return [Partition(table, day) for day in sorted(days)]


def make(connection: psycopg.Connection[Any], today: date | None = None) -> Making:
    """Make the partitions of today (the server's, UTC) and the next days that are missing.

    In a transaction, at whose end others may. One that cannot be made keeps no other from it.
    """
    connection.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    first = today_of(connection) if today is None else today
    done = Making()
    for table, column in BY_DAY.items():
        if not is_partitioned(connection, table):
            continue
        there = set(existing(connection, table))
        for days in range(DAYS_AHEAD + 1):
            partition = Partition(table, first + timedelta(days))
            if partition in there:
                continue
            try:
                with connection.transaction():
                    _make(connection, partition, column)
                done.made.append(partition)
            except psycopg.Error as error:
                if connection.closed:
                    raise
                done.lacking[partition] = error.diag.message_primary or str(error)
    return done


def drop_old(connection: psycopg.Connection[Any], today: date | None = None) -> list[Partition]:
    """Drop partitions of which all is older than `RETENTION_DAYS`; those that were dropped."""
    connection.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    last = (today_of(connection) if today is None else today) - timedelta(RETENTION_DAYS)
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
