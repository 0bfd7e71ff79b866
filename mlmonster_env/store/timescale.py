"""TimescaleDB, where the server has it: hypertables by day, compressed after a week, dropped after a month."""

import logging
from typing import Any

import psycopg

from mlmonster_env.store.partitions import BY_DAY, RETENTION_DAYS, is_partitioned

COMPRESS_AFTER_DAYS = 7
SEGMENT_BY = "archetype"

log = logging.getLogger(__name__)


def is_available(connection: psycopg.Connection[Any]) -> bool:
    """Whether the server could be asked for it."""
    row = connection.execute("SELECT FROM pg_available_extensions WHERE name = 'timescaledb'").fetchone()
    return row is not None


def is_installed(connection: psycopg.Connection[Any]) -> bool:
    """Whether this database has it."""
    return connection.execute("SELECT FROM pg_extension WHERE extname = 'timescaledb'").fetchone() is not None


def install(connection: psycopg.Connection[Any]) -> bool:
    """Ask for it before there are tables; whether it is there. Without the right to, partitions serve as well."""
    if is_available(connection) and not is_installed(connection):
        try:
            with connection.transaction():
                connection.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
        except psycopg.Error as error:
            log.warning("TimescaleDB is on the server but could not be installed, partitions are used: %s", error)
    connection.commit()
    return is_installed(connection)


def prepare(connection: psycopg.Connection[Any]) -> list[str]:
    """Make hypertables of those tables that have no partitions of our own; the statements that were run."""
    if not is_installed(connection):
        return []
    run = []
    for table, column in BY_DAY.items():
        if not is_partitioned(connection, table):
            for statement in statements(table, column):
                connection.execute(statement.encode())
                run.append(statement)
    return run


def statements(table: str, column: str) -> list[str]:
    """What makes a hypertable of a table; each may be run again."""
    return [
        f"SELECT create_hypertable('{table}', '{column}', chunk_time_interval => interval '1 day', "
        "if_not_exists => true)",
        f"ALTER TABLE {table} SET (timescaledb.compress, timescaledb.compress_segmentby = '{SEGMENT_BY}', "
        f"timescaledb.compress_orderby = '{column}')",
        f"SELECT add_compression_policy('{table}', interval '{COMPRESS_AFTER_DAYS} days', if_not_exists => true)",
        f"SELECT add_retention_policy('{table}', interval '{RETENTION_DAYS} days', if_not_exists => true)",
    ]
