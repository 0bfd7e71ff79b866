"""The store's speed: transitions a second in and out, beside bare psycopg in the same run, and its memory."""

import argparse
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import psutil
from rich.console import Console
from rich.table import Table

from mlmonster_env.contract import STATE_SIZE
from mlmonster_env.store import Experience, ExperienceStream, ExperienceWriter, Store, migrate
from mlmonster_env.store.wire import COLUMNS
from mlmonster_env.store.writer import BATCH_ROWS

IN_WANTED, OUT_WANTED = 50_000, 150_000
ROUNDS = 5
ROWS = 100_000  # of each round
PUT_ROWS = 500
FLAT_ROWS = 5_000_000
FLAT_MB = 32  # that memory may grow between the first tenth of a long stream and its end
VERSION = "bench"
BARE = "bare_experience"
# A plain table with the same columns, without anything that the store's has besides.
BARE_TABLE = f"""
CREATE TABLE {BARE} (id bigserial, archetype text, model_type text, model_version text, monster_id bigint,
    episode_id bigint, tick bigint, action integer, log_probability real, reward real, done boolean,
    truncated boolean, priority real, state_vector bytea, next_state_vector bytea)
"""
BARE_TYPES = ["text"] * 3 + ["int8"] * 3 + ["int4", "float4", "float4", "bool", "bool", "float4", "bytea", "bytea"]


def main(words: list[str] | None = None) -> int:
    """Measure; 1 where a wanted speed was not reached or memory grew."""
    parser = argparse.ArgumentParser(prog="python -m scripts.bench store", description=__doc__)
    parser.add_argument("--rows", type=int, default=FLAT_ROWS, help=f"of the long stream (default {FLAT_ROWS:,})")
    parser.add_argument("--round-rows", type=int, default=ROWS, help=f"of each round (default {ROWS:,})")
    parser.add_argument(
        "--url", help="a database to measure in, without experience; default: an embedded server of its own"
    )
    given = parser.parse_args(words)
    if given.rows < 1 or given.round_rows < BATCH_ROWS:
        parser.error(f"--rows is {given.rows}, --round-rows {given.round_rows}, expected 1 and {BATCH_ROWS} or more")
    console = Console(width=100, highlight=False)
    with _database(given.url) as database:
        migrate(database)
        if held := others(database):
            parser.error(f"--url is {database.told}, which holds experience of {held!r}; expected none: it is emptied")
        speeds = measured(database, given.round_rows)
        first, last = memory(database, given.rows)
    console.print(table_of(speeds))
    console.print(f"streaming {given.rows:,} rows: {first:.0f} MB after a tenth, {last:.0f} MB at the end")
    slow = speeds["in"] < IN_WANTED or speeds["out"] < OUT_WANTED
    if slow:
        console.print(f"wanted: {IN_WANTED:,} in and {OUT_WANTED:,} out")
    if last > first + FLAT_MB:
        console.print(f"memory grew by {last - first:.0f} MB, wanted {FLAT_MB} at most")
    return int(slow or last > first + FLAT_MB)


def others(database: Store) -> str | None:
    """Whose experience the database holds that is not of a benchmark before this one."""
    with database.connect() as connection:
        row = connection.execute(
            "SELECT model_version FROM ml_experience_replay WHERE model_version <> %s LIMIT 1", [VERSION]
        ).fetchone()
    return None if row is None else str(row[0])


def measured(database: Store, rows: int) -> dict[str, float]:
    """Rows a second, medians of rounds that take turns."""
    block = made_up(rows)
    with database.connect(autocommit=True) as connection:
        connection.execute(f"DROP TABLE IF EXISTS {BARE}")
        connection.execute(BARE_TABLE.encode())
    ways: dict[str, Callable[[], None]] = {
        "in": lambda: write(database, block),
        "bare in": lambda: bare_write(database, block),
        "out": lambda: read(database, rows),
        "bare out": lambda: bare_read(database, rows),
    }
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        with database.connect(autocommit=True) as connection:
            connection.execute(f"TRUNCATE ml_experience_replay, ml_experience_batches, {BARE}")
        for name, way in ways.items():
            start = perf_counter()
            way()
            taken[name].append(perf_counter() - start)
    with database.connect(autocommit=True) as connection:
        connection.execute(f"DROP TABLE {BARE}")
        connection.execute("TRUNCATE ml_experience_replay, ml_experience_batches")
    return {name: rows / median(seconds) for name, seconds in taken.items()}


def made_up(rows: int) -> Experience:
    """Numbers at random: how fast they go in and out does not depend on what they say."""
    random = np.random.default_rng(0)
    return Experience.of(
        archetype="mage", model_type="combat_dqn", model_version=VERSION, monster_id=random.integers(0, 99, rows),
        episode_id=np.arange(rows) // 60, tick=np.arange(rows), action=random.integers(0, 10, rows),
        log_probability=-random.random(rows), reward=random.normal(size=rows), done=np.arange(rows) % 60 == 59,
        state=random.random((rows, STATE_SIZE), np.float32), next_state=random.random((rows, STATE_SIZE), np.float32),
    )  # fmt: skip


def write(database: Store, block: Experience) -> None:
    """Through the writer, from its first row until all are committed."""
    with ExperienceWriter(database, queue_rows=len(block)) as writer:
        for start in range(0, len(block), PUT_ROWS):
            writer.put(block.where(slice(start, start + PUT_ROWS)))
        writer.flush()
        assert writer.counts.written == len(block), writer.counts


def bare_write(database: Store, block: Experience) -> None:
    """Binary COPY of one row after the other, as psycopg's manual has it, in one transaction."""
    columns = [block.columns()[name] for name in block.columns()]
    rows = [column.tobytes() for column in columns[-2:]]
    size = 4 * STATE_SIZE
    vectors = [[whole[start : start + size] for start in range(0, len(whole), size)] for whole in rows]
    values: list[list[Any]] = [column.tolist() for column in columns[:-2]] + vectors
    statement = f"COPY {BARE} ({', '.join(COLUMNS)}) FROM STDIN (FORMAT binary)".encode()
    with database.connect() as connection, connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types(BARE_TYPES)
        for row in zip(*values, strict=True):
            copy.write_row(row)


def read(database: Store, rows: int) -> None:
    """Through the stream, as arrays."""
    with ExperienceStream(database) as stream:
        assert sum(len(batch) for batch in stream) == rows


def bare_read(database: Store, rows: int) -> None:
    """Rows as Python objects, from a server-side cursor, with their vectors as arrays."""
    count = 0
    with database.connect() as connection, connection.cursor("bare", binary=True) as cursor:
        cursor.execute(f"SELECT {', '.join(COLUMNS)} FROM {BARE} ORDER BY id".encode())
        while found := cursor.fetchmany(256):
            for place in (-2, -1):
                np.frombuffer(b"".join(row[place] for row in found), np.float32).reshape(-1, STATE_SIZE)
            count += len(found)
    assert count == rows


def memory(database: Store, rows: int) -> tuple[float, float]:
    """Megabytes of this program after a tenth of a long stream and at its end: the most of each half."""
    block = made_up(PUT_ROWS * 20)
    with ExperienceWriter(database, queue_rows=200_000) as writer:
        left = rows
        while left:
            part = block if left >= len(block) else block.where(slice(left))
            while writer.counts.queued + len(part) > 150_000:
                writer.flush(0.01)
            writer.put(part)
            left -= len(part)
        writer.flush()
        assert writer.counts.written == rows, writer.counts
    own = psutil.Process()
    count = 0
    first = last = 0.0
    with ExperienceStream(database) as stream:
        for number, batch in enumerate(stream):
            count += len(batch)
            if number % 100 == 0:
                now = own.memory_info().rss / 1e6
                if count <= max(rows // 10, 256):
                    first = max(first, now)
                last = max(last, now)
    assert count == rows, count
    return first, last


def table_of(speeds: dict[str, float]) -> Table:
    """In and out, beside bare psycopg."""
    table = Table("", "rows/s", "bare psycopg", "ratio", title="transitions with 64-number states")
    for way in ("in", "out"):
        bare = speeds[f"bare {way}"]
        table.add_row(way, f"{speeds[way]:,.0f}", f"{bare:,.0f}", f"{speeds[way] / bare:.2f}")
    return table


@contextmanager
def _database(url: str | None) -> Iterator[Store]:
    """One to be filled and emptied: a server of its own, or the one that was named."""
    if url:
        with Store(url) as database:
            yield database
        return
    with tempfile.TemporaryDirectory(prefix="mlmonster-bench-") as folder:
        Path(folder).chmod(0o755)
        with Store(folder=Path(folder) / "postgres") as database:
            yield database
