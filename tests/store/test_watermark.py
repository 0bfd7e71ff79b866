"""No late commit is lost: what the plain `id > last` does lose is shown first."""

import threading
from contextlib import ExitStack
from typing import Any
from uuid import uuid4

import numpy as np
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlmonster_env.store import ExperienceStream, Wanted, Watermark
from mlmonster_env.store.copying import write_batch
from tests.store.rows import make_rows, settle, ticks_of, write


def test_a_row_that_commits_late_is_read_though_later_ones_were_there_first(database):
    late, early = database.connect(), database.connect()
    with late, early:
        late.execute("BEGIN")
        write_batch(late, make_rows(3, first=0), uuid4())  # inside: not committed yet
        write_batch(early, make_rows(3, first=10), uuid4())
        with database.connect() as reader:
            seen = reader.execute("SELECT tick, id FROM ml_experience_replay ORDER BY id").fetchall()
        last_id = max(number for _, number in seen)
        assert [tick for tick, _ in seen] == [10, 11, 12]

        stream = ExperienceStream(database)
        assert [len(batch) for batch in stream] == []  # nobody knows yet what comes before
        late.commit()
        settle(database)
        assert [tick for batch in stream for tick in batch.transitions.tick.tolist()] == [0, 1, 2, 10, 11, 12]
        assert list(stream) == []
        stream.close()
        with database.connect() as reader:
            lost = reader.execute("SELECT count(*) FROM ml_experience_replay WHERE id > %s", [last_id]).fetchone()
    assert lost == (0,)  # by the plain watermark the three late ones would never be seen


def test_writers_that_commit_in_any_order_are_all_read_once(database):
    """Four writers hold their transactions open for random times while a reader follows."""
    writers, batches, rows = 4, 15, 5
    stop = threading.Event()
    read: list[int] = []

    def work(number: int) -> None:
        random = np.random.default_rng(number)
        with database.connect() as connection:
            for batch in range(batches):
                connection.execute("BEGIN")
                write_batch(connection, make_rows(rows, first=(number * batches + batch) * rows), uuid4())
                stop.wait(float(random.random()) * 0.03)
                (connection.rollback if random.random() < 0.2 else connection.commit)()

    def follow() -> None:
        with ExperienceStream(database, batch_rows=7, page_rows=20) as stream:
            while not stop.is_set():
                read.extend(tick for batch in stream for tick in batch.transitions.tick.tolist())
            read.extend(tick for batch in stream for tick in batch.transitions.tick.tolist())

    reader = threading.Thread(target=follow)
    workers = [threading.Thread(target=work, args=(number,)) for number in range(writers)]
    for thread in (reader, *workers):
        thread.start()
    for thread in workers:
        thread.join()
    settle(database)
    stop.set()
    reader.join()
    with database.connect() as connection:
        there = [tick for (tick,) in connection.execute("SELECT tick FROM ml_experience_replay").fetchall()]
    assert 0 < len(there) < writers * batches * rows
    assert sorted(read) == sorted(there)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_interleaving_of_transactions_is_read_in_full(database, data):
    """Transactions begin, write, commit and roll back in any order, and reads fall in between."""
    with database.connect(autocommit=True) as connection:
        connection.execute("TRUNCATE ml_experience_replay")
    with ExitStack() as stack:  # an example may end anywhere, and who leaves a transaction open blocks the next one
        stream = stack.enter_context(ExperienceStream(database, batch_rows=3, page_rows=5))
        open_ones: dict[psycopg.Connection[Any], list[int]] = {}
        expected: list[int] = []
        read: list[int] = []
        tick = 0
        for step in data.draw(st.lists(st.sampled_from(["begin", "write", "commit", "rollback", "read"]), max_size=25)):
            if step == "begin" and len(open_ones) < 3:
                connection = database.connect()
                stack.callback(connection.close)
                connection.execute("SELECT pg_current_xact_id()")
                open_ones[connection] = []
            elif step == "read":
                read += [t for batch in stream for t in batch.transitions.tick.tolist()]
            elif open_ones:
                connection = data.draw(st.sampled_from(list(open_ones)))
                if step == "write":
                    write_batch(connection, make_rows(2, first=tick), uuid4())
                    open_ones[connection] += [tick, tick + 1]
                    tick += 2
                elif step in ("commit", "rollback"):
                    getattr(connection, step)()
                    ticks = open_ones.pop(connection)
                    expected += ticks if step == "commit" else []
                    connection.close()
        for connection in open_ones:
            connection.close()
        settle(database)
        read += [t for batch in stream for t in batch.transitions.tick.tolist()]
    assert sorted(read) == sorted(expected)


def test_a_stream_goes_on_from_a_watermark_that_was_kept(database):
    write(database, make_rows(10))
    with ExperienceStream(database, batch_rows=4) as stream:
        kept = str(next(iter(stream)).watermark)
    assert ticks_of(database, after=Watermark.parse(kept)) == list(range(4, 10))


def test_rows_that_were_not_wanted_are_not_looked_at_again(database):
    write(database, make_rows(5, archetype="tank"))
    stream = ExperienceStream(database, Wanted("mage"))
    assert list(stream) == []
    behind = stream.watermark
    write(database, make_rows(2))
    assert [tick for batch in stream for tick in batch.transitions.tick.tolist()] == [0, 1]
    assert stream.watermark > behind > Watermark()
    stream.close()


def test_another_servers_watermark_is_refused(database):
    ahead = Watermark(1 << 60, 1)
    with pytest.raises(ValueError, match=r"the watermark .* lies ahead of the server.*expected one of this server"):
        ticks_of(database, after=ahead)


@pytest.mark.parametrize("text", ["", "12", "a:1", "1:-2"])
def test_a_watermark_that_is_none_is_named(text):
    with pytest.raises(ValueError, match=r"watermark is .*, expected two whole numbers such as 1234:56"):
        Watermark.parse(text)


@pytest.mark.parametrize("place", [(-1, 0), (0, -1)])
def test_nothing_lies_before_the_first_watermark(place):
    with pytest.raises(ValueError, match=r"watermark is .*-1.*, expected two whole numbers from 0 on"):
        Watermark(*place)
