"""Experience goes in whole and in order, and never makes its caller wait."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.errors import CheckViolation

from mlmonster_env.store import Experience, ExperienceStream, ExperienceWriter, Wanted, migrate, partitions
from mlmonster_env.store import writer as writing
from mlmonster_env.store.copying import write_batch
from mlmonster_env.store.database import Store
from tests.store.rows import make_rows, settle, ticks_of, write

NOW = datetime.now(UTC)


def joined(database, **given) -> Experience:
    settle(database)
    with ExperienceStream(database, **given) as stream:
        return Experience.joined([batch.transitions for batch in stream])


def test_what_comes_out_is_what_went_in_to_the_bit(database):
    random = np.random.default_rng(0)
    count = 300
    rows = make_rows(
        count,
        archetype=random.choice(["mage", "tank"], count),
        model_type=random.choice(["combat_dqn", "skill_dqn", "spatial_vit"], count),
        model_version=random.choice(["stock", "mage-ä-1"], count),
        monster_id=random.integers(-(1 << 62), 1 << 62, count),
        log_probability=np.where(random.random(count) < 0.5, np.nan, -random.random(count)),
        reward=random.normal(size=count),
        done=random.random(count) < 0.2,
        truncated=False,
        priority=random.random(count),
        state=random.random((count, 64)),
        next_state=random.random((count, 64)),
    )
    with ExperienceWriter(database) as writer:
        for start in range(0, count, 37):
            assert writer.put(rows.where(slice(start, start + 37)))
        assert writer.flush(10)
        assert writer.counts.written == count
    found = joined(database)
    for name, column in rows.columns().items():
        other = getattr(found, name)
        assert other.dtype.kind == column.dtype.kind
        assert np.array_equal(other, column, equal_nan=column.dtype.kind == "f"), name


def test_operators_read_the_same_numbers_in_sql(database, connection):
    write(database, make_rows(1, first=7, log_probability=np.nan, priority=2.5), make_rows(1, log_probability=-0.5))
    assert connection.execute(
        "SELECT archetype, model_type, model_version, monster_id, episode_id, tick, action, log_probability, reward, "
        "done, truncated, priority, sample_count FROM ml_experience_replay ORDER BY id"
    ).fetchall() == [
        ("mage", "combat_dqn", "stock", 1, 1, 7, 7, None, 3.5, False, False, 2.5, 0),
        ("mage", "combat_dqn", "stock", 1, 1, 0, 0, -0.5, 0.0, False, False, 1.0, 0),
    ]
    row = connection.execute("SELECT state_vector FROM ml_experience_replay WHERE tick = 7").fetchone()
    assert np.frombuffer(row[0], "<f4")[0] == np.float32(7e-6)


def test_puts_never_wait_and_what_has_no_room_is_counted(database, monkeypatch):
    """The database stands still: as many as fit are kept, the rest is dropped at once."""
    gate = threading.Event()
    began = threading.Event()
    real = write_batch

    def stuck(*given):
        began.set()
        gate.wait(30)
        return real(*given)

    monkeypatch.setattr(writing, "write_batch", stuck)
    writer = ExperienceWriter(database, queue_rows=100, batch_rows=10)
    taken = [writer.put(make_rows(10, first=10 * number)) for number in range(25)]
    assert began.wait(10)
    counts = writer.counts
    assert taken == [True] * 10 + [False] * 15
    assert (counts.given, counts.queued, counts.dropped, counts.written) == (250, 100, 150, 0)
    gate.set()
    counts = writer.close()
    assert (counts.queued, counts.dropped, counts.written) == (0, 150, 100)
    assert ticks_of(database) == list(range(100))


def test_rows_that_the_database_refuses_hold_nobody_up(own_database, own_connection):
    own_connection.execute("ALTER TABLE ml_experience_replay ADD CONSTRAINT known CHECK (tick < 1000)")
    with ExperienceWriter(own_database) as writer:
        writer.put(make_rows(5, first=1000))
        assert writer.flush(10)
        writer.put(make_rows(5))
        assert writer.flush(10)
        counts = writer.counts
    assert (counts.refused, counts.written) == (5, 5) and '"known"' in counts.last_error
    assert ticks_of(own_database) == [0, 1, 2, 3, 4]


def test_only_what_is_wrong_among_many_is_refused(own_database, own_connection, monkeypatch):
    own_connection.execute("ALTER TABLE ml_experience_replay ADD CONSTRAINT known CHECK (tick < 1000)")
    with ExperienceWriter(own_database, flush_s=5.0) as writer:
        for first in (0, 1000, 5):
            writer.put(make_rows(5, first=first))
        assert writer.flush(10)
        counts = writer.counts
    assert (counts.refused, counts.written) == (5, 10)
    assert ticks_of(own_database) == list(range(10))


def test_a_writer_outlives_what_it_cannot_put_into_bytes(database, monkeypatch):
    real = write_batch

    def spoilt(connection, rows, token):
        if rows.tick[0] == 1000:
            raise UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed")
        real(connection, rows, token)

    monkeypatch.setattr(writing, "write_batch", spoilt)
    with ExperienceWriter(database) as writer:
        writer.put(make_rows(3, first=1000))
        assert writer.flush(10)
        writer.put(make_rows(2))
        assert writer.flush(10)
        counts = writer.counts
    assert (counts.refused, counts.written, counts.queued) == (3, 2, 0)
    assert "UnicodeEncodeError" in counts.last_error


def test_a_writer_outlives_what_is_no_experience(database):
    """Its thread once ended by it, and wrote nothing more."""
    with ExperienceWriter(database) as writer:
        with pytest.raises(TypeError, match="rows are a list, expected Experience"):
            writer.put([1, 2])  # type: ignore[arg-type]
        writer.put(make_rows(2))
        writer.put(replace(make_rows(3), state=np.zeros((3, 63), np.float32)))
        writer.put(make_rows(4))
        assert writer.flush(10)
        counts = writer.counts
    assert (counts.refused, counts.written, counts.queued) == (3, 6, 0)


def test_a_day_is_made_while_somebody_reads(own_database, own_connection):
    """At a change of day: a reader in the middle of its page neither stops the writer nor is stopped."""
    write(own_database, make_rows(2000))
    last = max(day.day for day in partitions.existing(own_connection, "ml_experience_replay"))
    own_connection.execute(f"DROP TABLE ml_experience_replay_{last:%Y%m%d}")
    with ExperienceStream(own_database) as stream:
        batches = iter(stream)
        next(batches)
        with ExperienceWriter(own_database) as writer:
            writer.put(make_rows(3, first=5000))
            assert writer.flush(10)
        assert sum(len(batch) for batch in batches) >= 2000 - 256
    assert last in [day.day for day in partitions.existing(own_connection, "ml_experience_replay")]


def test_a_partition_of_somebody_elses_is_left_alone(own_database, own_connection):
    own_connection.execute("CREATE TABLE ml_experience_replay_rest PARTITION OF ml_experience_replay DEFAULT")
    with ExperienceWriter(own_database) as writer:
        writer.put(make_rows(3))
        assert writer.flush(10)
    assert ticks_of(own_database) == [0, 1, 2]


def test_a_day_that_cannot_be_made_costs_no_rows(own_database, own_connection, caplog):
    """A partition for all the rest holds rows of that day already: it takes more of them."""
    today = partitions.existing(own_connection, "ml_experience_replay")[0]
    own_connection.execute(f"DROP TABLE {today.name}")
    own_connection.execute("CREATE TABLE ml_experience_replay_rest PARTITION OF ml_experience_replay DEFAULT")
    write(own_database, make_rows(1))
    with ExperienceWriter(own_database) as writer:
        for first in (1, 5):
            writer.put(make_rows(4, first=first))
            assert writer.flush(10)
            writer._days_due = 0.0
        counts = writer.counts
    assert (counts.written, counts.refused, counts.reconnects) == (8, 0, 0)
    assert f"days could not be made: {today.name}: updated partition constraint" in counts.last_error
    assert caplog.text.count("days could not be made") == 1
    assert ticks_of(own_database) == list(range(9))


@pytest.mark.parametrize("error", [ValueError, CheckViolation])
def test_whatever_keeps_days_from_being_made_costs_no_rows(database, monkeypatch, error):
    def fail(*_):
        raise error("no days")

    monkeypatch.setattr(partitions, "make", fail)
    with ExperienceWriter(database) as writer:
        writer.put(make_rows(3))
        assert writer.flush(10)
        counts = writer.counts
    assert (counts.written, counts.refused) == (3, 0) and "no days" in counts.last_error


def test_rows_wait_for_a_day_that_cannot_be_made(own_database, own_connection):
    """A table that is no partition has its name."""
    today = partitions.existing(own_connection, "ml_experience_replay")[0]
    own_connection.execute(f"ALTER TABLE ml_experience_replay DETACH PARTITION {today.name}")
    with ExperienceWriter(own_database) as writer:
        writer.put(make_rows(3))
        assert not writer.flush(0.7)
        assert (writer.counts.queued, writer.counts.refused) == (3, 0)
        own_connection.execute(f"DROP TABLE {today.name}")
        assert writer.flush(20)
    assert ticks_of(own_database) == [0, 1, 2]


def test_an_address_may_say_more_than_where(make_database):
    database = make_database()
    with database.connect(autocommit=True) as connection:
        connection.execute("CREATE SCHEMA game")
    told = Store(make_conninfo(database.url, options="-csearch_path=game", application_name="site7"))
    with told.connect() as connection:
        assert connection.execute("SHOW search_path").fetchone() == ("game",)
        assert connection.execute("SHOW application_name").fetchone() == ("site7",)
        assert connection.execute("SHOW timezone").fetchone() == ("UTC",)


def test_what_libpq_is_told_by_the_environment_holds(make_database, monkeypatch):
    monkeypatch.setenv("PGOPTIONS", "-csearch_path=game")
    with make_database().connect() as connection:
        assert connection.execute("SHOW search_path").fetchone() == ("game",)
        assert connection.execute("SHOW timezone").fetchone() == ("UTC",)


def test_a_writer_waits_for_its_schema(make_database):
    database = make_database()
    with ExperienceWriter(database) as writer:
        writer.put(make_rows(5))
        assert not writer.flush(0.5)
        assert "ml_experience" in writer.counts.last_error
        migrate(database)
        assert writer.flush(20)
    assert ticks_of(database) == [0, 1, 2, 3, 4]


def test_a_missing_day_is_made(own_database, own_connection):
    writer = ExperienceWriter(own_database)
    writer.put(make_rows(2))
    assert writer.flush(10)
    for (name,) in own_connection.execute(
        "SELECT relname FROM pg_class WHERE relname ~ '^ml_experience_replay_2' AND relkind = 'r'"
    ).fetchall():
        own_connection.execute(f"DROP TABLE {name}")
    writer.put(make_rows(3, first=5))
    assert writer.flush(10)
    assert writer.close().written == 5
    assert ticks_of(own_database) == [5, 6, 7]


def test_closing_gives_up_after_its_time_and_says_how_much_was_lost():
    writer = ExperienceWriter(Store("postgresql://127.0.0.1:1/nowhere"))
    writer.put(make_rows(5))
    start = time.monotonic()
    counts = writer.close(timeout_s=0.3)
    assert time.monotonic() - start < 20
    assert (counts.dropped, counts.written, counts.queued) == (5, 0, 0)
    with pytest.raises(RuntimeError, match="the writer is closed"):
        writer.put(make_rows(1))


def test_who_waits_for_rows_hears_that_they_were_dropped():
    writer = ExperienceWriter(Store("postgresql://127.0.0.1:1/nowhere"))
    writer.put(make_rows(5))
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(writer.flush)
        time.sleep(0.1)
        assert writer.close(timeout_s=0.3).dropped == 5
        try:
            assert waiting.result(5) is False
        finally:
            writer.flush(0)  # which once was all that woke the one who waits
    assert writer.flush(1) is False


def test_rows_that_get_in_after_the_writer_gave_up_are_not_called_dropped(own_database, monkeypatch):
    monkeypatch.setattr(writing, "LONGEST_PAUSE_S", 0.1)
    writer = ExperienceWriter(own_database)
    with own_database.connect() as operator:
        operator.execute("LOCK TABLE ml_experience_replay")
        writer.put(make_rows(5))
        assert not writer.flush(1.0)
        assert writer.close(0.1).dropped == 5
    assert ticks_of(own_database) == [0, 1, 2, 3, 4]
    until = time.monotonic() + 10
    while not writer.counts.written and time.monotonic() < until:
        time.sleep(0.02)
    assert (writer.counts.written, writer.counts.dropped, writer.counts.queued) == (5, 0, 0)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Wanted(), [0, 1, 10, 11, 20, 21]),
        (Wanted("mage"), [0, 1, 20, 21]),
        (Wanted(("mage", "tank"), "skill_dqn"), [20, 21]),
        (Wanted(np.array(["mage", "tank"]), np.array(["combat_dqn"])), [0, 1, 10, 11]),  # type: ignore[arg-type]
        (Wanted(least_priority=2), [10, 11]),
        (Wanted(least_priority=0.7), [0, 1, 10, 11, 20, 21]),  # 32 bits of it are less
        (Wanted(least_priority=0.71), [0, 1, 10, 11]),
        (Wanted(least_priority=np.float32(0.71)), [0, 1, 10, 11]),  # type: ignore[arg-type]
        (Wanted(least_priority=np.int64(2)), [10, 11]),  # type: ignore[arg-type]
        (Wanted(least_priority=10**400), []),
        (Wanted(least_priority=-np.inf), [0, 1, 10, 11, 20, 21]),
    ],
)
def test_streams_are_filtered(database, wanted, expected):
    write(
        database,
        make_rows(2),
        make_rows(2, first=10, archetype="tank", priority=3),
        make_rows(2, first=20, model_type="skill_dqn", priority=0.7),
    )
    assert ticks_of(database, wanted) == expected


def test_streams_are_filtered_by_time(database, connection):
    write(database, make_rows(2))
    (now,) = connection.execute("SELECT clock_timestamp()").fetchone()
    write(database, make_rows(2, first=10))
    assert ticks_of(database, Wanted(since=now)) == [10, 11]
    assert ticks_of(database, Wanted(until=now)) == [0, 1]


def test_a_stream_goes_on_though_the_server_ends_what_is_idle(own_database, own_connection):
    write(own_database, make_rows(30))
    own_connection.execute(
        f"ALTER DATABASE {own_connection.info.dbname} SET idle_in_transaction_session_timeout = '100ms'"
    )
    ticks = []
    with ExperienceStream(own_database, batch_rows=10) as stream:
        for batch in stream:
            ticks += batch.transitions.tick.tolist()
            time.sleep(0.4)
        assert stream.reconnects > 0
    assert ticks == list(range(30))


def test_batches_are_of_256_unless_told_otherwise(database):
    write(database, make_rows(600))
    with ExperienceStream(database) as stream:
        assert [len(batch) for batch in stream] == [256, 256, 88]
    with ExperienceStream(database, batch_rows=100, page_rows=250) as stream:
        assert [len(batch) for batch in stream] == [100, 100, 50, 100, 100, 50, 100]


def test_a_stream_is_read_by_one_at_a_time(database):
    write(database, make_rows(30))
    with ExperienceStream(database, batch_rows=10) as stream:
        first: Any = iter(stream)
        assert next(first).transitions.tick[0] == 0
        with pytest.raises(RuntimeError, match="the stream is being read, expected one iteration at a time"):
            next(iter(stream))
        assert next(first).transitions.tick[0] == 10  # and nothing is lost to it
        first.close()
        assert [batch.transitions.tick[0] for batch in stream] == [20]
        for _ in stream:
            pass
        write(database, make_rows(10, first=30))
        for batch in stream:
            assert batch.transitions.tick[0] == 30
            break
        assert list(stream) == []


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: make_rows(2, archetype="wizard"), "archetype is 'wizard', expected"),
        (lambda: make_rows(2, model_type="dqn"), "model_type is 'dqn', expected"),
        (lambda: make_rows(2, priority=-1), "priority is -1.0, expected 0 or more"),
        (lambda: make_rows(2, priority=np.inf), "priority is inf, expected 0 or more, and finite"),
        (lambda: make_rows(2, action=np.full(2, 2**32 + 5)), "action is 4294967301, expected int32"),
        (lambda: make_rows(2, action=np.full(2, 1.9)), "action is 1.9, expected int32"),
        (lambda: make_rows(2, action=np.nan), "action is no array of int32: cannot convert float NaN"),
        (lambda: make_rows(2, monster_id=np.full(2, 2**64 - 1, np.uint64)), "monster_id is 18446744073709551615"),
        (lambda: make_rows(2, done="False"), "done is 'False', expected bool"),
        (lambda: make_rows(2, reward="1.5"), "reward is '1.5', expected float32"),
        (lambda: make_rows(2, model_version="a\0b"), "model_version is 'a\\x00b', expected printable text"),
        (lambda: make_rows(2, model_version="v\ud800"), "model_version is 'v\\ud800', expected printable text"),
        (lambda: make_rows(2, reward=np.nan), "reward has a value that is not finite"),
        (lambda: make_rows(2, model_version=None), "model_version is None, expected text"),
        (lambda: make_rows(2, model_version=np.nan), "model_version is nan, expected text"),
        (lambda: make_rows(2, model_version=5), "model_version is 5, expected text"),
        (lambda: make_rows(2, model_version=""), "model_version is '', expected printable text"),
        (lambda: make_rows(2, log_probability=np.inf), "log_probability is infinite, expected a finite number"),
        (lambda: make_rows(2, state=[["0.5"] * 64] * 2, next_state=0.0), "state is '0.5', expected float32"),
        (lambda: make_rows(2, state="x", next_state=0.0), "state is no array of float32"),
        (lambda: make_rows(2, truncated=True), "truncated is true where done is false"),
        (lambda: make_rows(2, next_state=np.zeros((2, 63))), r"next_state is of shape (2, 63), expected (2, 64)"),
        (lambda: make_rows(2, mood=1), "unknown: mood"),
        (lambda: Experience.of(state=np.zeros((1, 64))), "missing: archetype"),
        (lambda: Wanted("wizard"), "archetype is 'wizard', expected"),
        (lambda: Wanted(since="2026-01-01"), "since is '2026-01-01', expected a time with its zone"),  # type: ignore[arg-type]
        (lambda: Wanted(since=NOW, until=NOW - timedelta(1)), "expected a time before until"),
        (lambda: Wanted(least_priority=np.nan), "least_priority is nan, expected a number"),
        (lambda: Wanted(least_priority="high"), "least_priority is 'high', expected a number"),  # type: ignore[arg-type]
        (lambda: ExperienceWriter(Store("x"), batch_rows=0), "batch_rows is 0, expected 1 to queue_rows"),
        (lambda: ExperienceStream(Store("x"), batch_rows=0), "batch_rows is 0, expected 1 to page_rows"),
        (lambda: ExperienceStream(Store("x"), batch_rows=2.5), "batch_rows is 2.5, expected a whole number"),  # type: ignore[arg-type]
        (lambda: ExperienceStream(Store("x"), page_rows=500.5), "page_rows is 500.5, expected a whole number"),  # type: ignore[arg-type]
        (lambda: ExperienceWriter(Store("x"), batch_rows=2.5), "batch_rows is 2.5, expected a whole number"),  # type: ignore[arg-type]
        (lambda: Store("mysql://here"), "MLMONSTER_DATABASE_URL begins with 'mysql://', expected postgresql://"),
    ],
)
def test_mistakes_are_named(make, words):
    with pytest.raises(ValueError) as error:
        make()
    assert words in str(error.value)
