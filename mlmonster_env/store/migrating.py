"""The schema: numbered SQL files, each applied once and in order, by one program at a time."""

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from mlmonster_env.contract import ARCHETYPES, MODEL_TYPES
from mlmonster_env.store import partitions, timescale
from mlmonster_env.store.database import OLDEST, Store

FOLDER = Path(__file__).parent / "migrations"
TABLE = "mlmonster_migrations"

log = logging.getLogger(__name__)


class SchemaError(RuntimeError):
    """The schema is not one that this program can use."""


class NewerSchemaError(SchemaError):
    """The schema is one of a newer program."""


@dataclass(frozen=True)
class Migration:
    """One numbered file."""

    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """Of what it says."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations(folder: Path = FOLDER) -> list[Migration]:
    """All files, in order; their numbers are 1, 2, and so on."""
    found = []
    for number, path in enumerate(sorted(folder.glob("*.sql")), start=1):
        digits, _, name = path.stem.partition("_")
        if digits != f"{number:04d}" or not name:
            raise SchemaError(f"{path.name} is migration {number}, expected a name such as {number:04d}_name.sql")
        found.append(Migration(number, name, path.read_text(encoding="utf-8")))
    return found


def migrate(database: Store, known: Sequence[Migration] | None = None) -> list[Migration]:
    """Bring the schema up to date, all or nothing; what was applied. Twice, or by two programs at once, is no harm."""
    steps = migrations() if known is None else list(known)
    with database.connect() as connection:
        major = connection.info.server_version // 10_000
        if major < OLDEST:
            raise SchemaError(f"the server is PostgreSQL {major}, expected {OLDEST} or newer")
        timescale.install(connection)
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", [partitions.LOCK])
            if not is_there(connection):  # to ask for it takes a right that whoever only writes rows may lack
                connection.execute(
                    f"CREATE TABLE {TABLE} (number integer PRIMARY KEY, name text NOT NULL, "
                    "checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
                )
            pending = steps[checked(applied(connection), steps) :]
            for step in pending:
                _apply(connection, step)
            connection.cursor().executemany(
                "INSERT INTO ml_models (archetype, model_type) VALUES (%s, %s) ON CONFLICT DO NOTHING",
                [(archetype, model_type) for archetype in ARCHETYPES for model_type in MODEL_TYPES],
            )
            timescale.prepare(connection)
            lacking = partitions.make(connection).told
    if lacking:
        log.warning("days could not be made: %s", lacking)
    return pending


def is_there(connection: psycopg.Connection[Any]) -> bool:
    """Whether it is noted what the schema consists of."""
    row = connection.execute("SELECT to_regclass(%s) IS NOT NULL", [TABLE]).fetchone()
    return bool(row and row[0])


def applied(connection: psycopg.Connection[Any]) -> list[tuple[int, str, str]]:
    """Number, name and checksum of what the schema consists of; empty where there is none."""
    if not is_there(connection):
        return []
    return connection.execute(f"SELECT number, name, checksum FROM {TABLE} ORDER BY number").fetchall()


def checked(found: Sequence[tuple[int, str, str]], steps: Sequence[Migration]) -> int:
    """How many migrations are applied, if they are the first of `steps`."""
    if len(found) > len(steps):
        newer = ", ".join(f"{number} {name}" for number, name, _ in found[len(steps) :])
        raise NewerSchemaError(
            f"the schema is newer than this program: it has migration {newer}, this program knows {len(steps)}; "
            "expected a newer program, or another database"
        )
    for (number, name, checksum), step in zip(found, steps, strict=False):
        if (number, checksum) != (step.number, step.checksum):
            raise SchemaError(
                f"migration {number} {name} was applied as another file than {step.number:04d}_{step.name}.sql, "
                "expected a program of the same line of versions"
            )
    return len(found)


def check_schema(connection: psycopg.Connection[Any]) -> None:
    """An error in words unless the schema is this program's."""
    steps = migrations()
    count = checked(applied(connection), steps)
    if count < len(steps):
        raise SchemaError(
            f"the schema has {count} of {len(steps)} migrations, expected all: python -m mlmonster_env.store migrate"
        )


def _apply(connection: psycopg.Connection[Any], step: Migration) -> None:
    try:
        connection.execute(step.sql.encode())
    except psycopg.Error as error:
        raise SchemaError(f"migration {step.number} {step.name} failed and nothing was changed: {error}") from error
    connection.execute(
        f"INSERT INTO {TABLE} (number, name, checksum) VALUES (%s, %s, %s)", [step.number, step.name, step.checksum]
    )
