"""What the store holds, at a glance."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from mlmonster_env.store import partitions, timescale
from mlmonster_env.store.database import Store
from mlmonster_env.store.migrating import applied, checked, migrations
from mlmonster_env.store.partitions import BY_DAY
from mlmonster_env.store.wire import TABLE

# Rows are what the server's own statistics say: to count millions takes seconds.
TABLES = """
SELECT coalesce(parent.relname, own.relname), sum(coalesce(seen.n_live_tup, 0))::bigint,
    sum(pg_total_relation_size(own.oid))::bigint
FROM pg_class own
LEFT JOIN pg_stat_user_tables seen ON seen.relid = own.oid
LEFT JOIN pg_inherits i ON i.inhrelid = own.oid
LEFT JOIN pg_class parent ON parent.oid = i.inhparent
WHERE own.relkind IN ('r', 'p') AND own.relnamespace = current_schema()::regnamespace
    AND coalesce(parent.relname, own.relname) ~ '^(ai|ml)_'
GROUP BY 1 ORDER BY 1
"""
RECENT = f"""
SELECT archetype, model_type, count(*), max("timestamp") FROM {TABLE}
WHERE "timestamp" > now() - interval '1 hour' GROUP BY archetype, model_type ORDER BY archetype, model_type
"""


@dataclass(frozen=True)
class Overview:
    """One look."""

    where: str
    server: str
    migrations: int
    known: int
    days: str  # how tables are kept by day
    tables: list[tuple[str, int, int]]  # name, rows (about), bytes
    recent: list[tuple[str, str, int, datetime]]  # archetype, model type, rows of the last hour, the latest

    @property
    def is_up_to_date(self) -> bool:
        """Whether the schema is this program's."""
        return self.migrations == self.known


def look(database: Store) -> Overview:
    """Look at the store, without changing it."""
    with database.connect(autocommit=True) as connection:
        version = connection.info.server_version
        known = migrations()
        found = checked(applied(connection), known)
        ready = found == len(known)
        return Overview(
            where=database.told,
            server=f"PostgreSQL {version // 10_000}.{version % 10_000}",
            migrations=found,
            known=len(known),
            days=_days(connection) if ready else "",
            tables=connection.execute(TABLES).fetchall() if ready else [],
            recent=connection.execute(RECENT.encode()).fetchall() if ready else [],
        )


def _days(connection: psycopg.Connection[Any]) -> str:
    if timescale.is_installed(connection) and not partitions.is_partitioned(connection, TABLE):
        return "hypertables of TimescaleDB"
    count = sum(len(partitions.existing(connection, table)) for table in BY_DAY)
    return f"{count} partitions"
