"""What is wrong with the store, and what to do about it."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from mlmonster_env.store import partitions, timescale
from mlmonster_env.store.database import OLDEST, Store
from mlmonster_env.store.embedded import ServerError
from mlmonster_env.store.migrating import NewerSchemaError, SchemaError, check_schema
from mlmonster_env.store.partitions import BY_DAY, RETENTION_DAYS
from mlmonster_env.store.wire import TABLE

MAINTAIN = "python -m mlmonster_env.store maintain"
LONG_MINUTES = 5
LEAST_FREE_GB = 2.0
LEAST_DAYS_AHEAD = 2
CLOCKS_APART_S = 60.0

Connection = psycopg.Connection[Any]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    about: str
    is_well: bool
    told: str
    remedy: str = ""


def examine(database: Store) -> list[Finding]:
    """Look at everything that can be looked at; what follows a fault that hides the rest is left out."""
    try:
        connection = database.connect(autocommit=True)
    except (psycopg.OperationalError, ServerError) as error:
        remedy = "start the server, or correct MLMONSTER_DATABASE_URL; without it an embedded server is used"
        return [Finding("server", False, str(error).strip(), remedy)]
    with connection:
        findings = [_version(connection)]
        try:
            check_schema(connection)
            findings.append(Finding("schema", True, "up to date"))
        except SchemaError as error:
            newer = "use the newer program, or another database"
            remedy = newer if isinstance(error, NewerSchemaError) else "python -m mlmonster_env.store migrate"
            return [*findings, Finding("schema", False, str(error), remedy)]
        findings += [look(connection) for look in LOOKS]
        findings += _days(connection)
        findings += _disk(database)
    return findings


def _version(connection: Connection) -> Finding:
    version = connection.info.server_version
    told = f"PostgreSQL {version // 10_000}.{version % 10_000}"
    return Finding("server", version // 10_000 >= OLDEST, told, f"use PostgreSQL {OLDEST} or newer")


def _safety(connection: Connection) -> Finding:
    off = [name for name in ("fsync", "full_page_writes") if _one(connection, f"SHOW {name}") == "off"]
    remedy = "switch it on, or a crash of the machine may destroy the database"
    return Finding("crash safety", not off, f"{' and '.join(off)} off" if off else "on", remedy)


def _open_transactions(connection: Connection) -> Finding:
    rows = connection.execute(
        "SELECT who, since FROM ("
        "SELECT 'process ' || pid || ' of ' || application_name, xact_start FROM pg_stat_activity "
        "WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid() "
        "UNION ALL SELECT 'prepared ' || gid, prepared FROM pg_prepared_xacts) AS open (who, since) "
        "WHERE since IS NULL OR since < now() - make_interval(mins => %s) ORDER BY since",
        [LONG_MINUTES],
    ).fetchall()
    if any(since is None for _, since in rows):
        told = ", ".join(who for who, since in rows if since is None)
        remedy = "GRANT pg_read_all_stats to the role of this address: who is open for long holds readers up"
        return Finding("open transactions", False, f"{told}: since when may not be seen", remedy)
    if not rows:
        return Finding("open transactions", True, f"none is older than {LONG_MINUTES} minutes")
    told = ", ".join(f"{who} since {since:%Y-%m-%d %H:%M}" for who, since in rows)
    remedy = "experience that came later is read only when they end: end them (pg_terminate_backend)"
    return Finding("open transactions", False, told, remedy)


def _numbers(connection: Connection) -> Finding:
    count = _one(
        connection,
        f"SELECT count(*) FROM {TABLE} WHERE transaction_id >= pg_snapshot_xmax(pg_current_snapshot())",
    )
    told = f"{count} rows come from another server and would not be read" if count else "all rows are of this server"
    return Finding("order of experience", not count, told, MAINTAIN)


def _clocks(connection: Connection) -> Finding:
    before = datetime.now(UTC)
    theirs: datetime = _one(connection, "SELECT clock_timestamp()")
    after = datetime.now(UTC)  # the question may have taken long: what lies between is no difference
    ahead, behind = (before - theirs).total_seconds(), (theirs - after).total_seconds()
    apart = max(ahead, behind, 0.0)
    told = f"this machine's is {apart:,.0f} s {'ahead of' if ahead > behind else 'behind'} the server's"
    remedy = "set both by the same time service: days are the server's, what programs say of time is this machine's"
    return Finding("clocks", apart <= CLOCKS_APART_S, told if apart >= 1 else "the same", remedy)


LOOKS: tuple[Callable[[Connection], Finding], ...] = (_safety, _open_transactions, _numbers, _clocks)


def _days(connection: Connection) -> Iterator[Finding]:
    today = partitions.today_of(connection)
    for table in BY_DAY:
        if not partitions.is_partitioned(connection, table):
            yield _hypertable(connection, table)
            continue
        days = {partition.day for partition in partitions.existing(connection, table)}
        missing = [day for n in range(LEAST_DAYS_AHEAD + 1) if (day := today + timedelta(n)) not in days]
        old = [day for day in days if day < today - timedelta(RETENTION_DAYS)]
        told = f"{len(days)} days, the last {max(days)}" if days else "no day"
        if missing:
            told += f"; missing: {', '.join(map(str, missing))}"
        if old:
            told += f"; {len(old)} older than {RETENTION_DAYS} days"
        yield Finding(f"days of {table}", not (missing or old), told, f"{MAINTAIN}, once a day")


def _hypertable(connection: Connection, table: str) -> Finding:
    if not timescale.is_installed(connection):
        remedy = "restore the table as it was made, with partitions or TimescaleDB"
        return Finding(f"days of {table}", False, "neither partitions nor a hypertable", remedy)
    jobs = _one(connection, "SELECT count(*) FROM timescaledb_information.jobs WHERE hypertable_name = %s", [table])
    told = f"a hypertable with {jobs} policies"
    return Finding(f"days of {table}", jobs >= 2, told, "python -m mlmonster_env.store migrate")


def _disk(database: Store) -> Iterator[Finding]:
    if database.folder is None:
        return  # another machine's, perhaps
    free = shutil.disk_usage(database.folder).free / 1e9
    told = f"{free:.1f} GB free where the embedded server keeps its files"
    remedy = f"free some: below {LEAST_FREE_GB:.0f} GB writing may soon fail"
    yield Finding("disk", free >= LEAST_FREE_GB, told, remedy)


def _one(connection: Connection, query: str, values: list[Any] | None = None) -> Any:
    row = connection.execute(query.encode(), values).fetchone()
    assert row is not None
    return row[0]
