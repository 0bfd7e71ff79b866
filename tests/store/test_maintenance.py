"""Days come and go, and what is wrong is said in words."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from types import ModuleType

import psycopg
import pytest

from mlmonster_env.store import ExperienceStream, ExperienceWriter, Store, doctor, partitions, timescale
from mlmonster_env.store import writer as writing
from mlmonster_env.store.__main__ import main
from mlmonster_env.store.doctor import LOOKS, examine
from mlmonster_env.store.maintaining import maintain
from mlmonster_env.store.partitions import BY_DAY, DAYS_AHEAD, RETENTION_DAYS
from mlmonster_env.store.place import data_root
from tests.store.rows import make_rows, ticks_of, write

TODAY = datetime.now(UTC).date()


def test_days_ahead_are_made_and_old_ones_go(own_database, own_connection):
    with own_connection.transaction():
        long_ago = partitions.make(own_connection, TODAY - timedelta(RETENTION_DAYS + 3)).made
    assert len(long_ago) == len(BY_DAY) * (DAYS_AHEAD + 1)
    later = partitions.drop_old(own_connection, TODAY)
    assert sorted({partition.day for partition in later}) == [TODAY - timedelta(RETENTION_DAYS + n) for n in (3, 2, 1)]
    own_connection.execute(f"DROP TABLE {partitions.Partition('ai_request_log', TODAY + timedelta(3)).name}")
    done = maintain(own_database)
    assert [partition.name for partition in done.made] == [f"ai_request_log_{TODAY + timedelta(3):%Y%m%d}"]
    assert done.dropped == [] and maintain(own_database).made == []


def test_rows_of_a_dropped_day_are_gone_and_others_stay(own_database, own_connection):
    with own_connection.transaction():
        partitions.make(own_connection, TODAY - timedelta(40))
    write(own_database, make_rows(2), make_rows(2, first=10))
    own_connection.execute(
        "UPDATE ml_experience_replay SET \"timestamp\" = now() - interval '40 days' WHERE tick >= 10"
    )
    assert len(ticks_of(own_database)) == 4
    assert len(maintain(own_database).dropped) > 0
    assert ticks_of(own_database) == [0, 1]


@pytest.fixture
def set_clock(monkeypatch):
    """Sets this machine's clock, as the store sees it; the server's stays."""

    def put(ahead: timedelta) -> None:
        class Clock(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> "Clock":
                return super().now(tz) + ahead

        module: ModuleType
        for module in (partitions, writing, doctor):
            monkeypatch.setattr(module, "datetime", Clock, raising=False)

    return put


def test_the_servers_clock_says_which_days_are_old(own_database, set_clock):
    write(own_database, make_rows(3))
    set_clock(timedelta(RETENTION_DAYS + 1))
    done = maintain(own_database)
    assert (done.made, done.dropped) == ([], [])
    assert ticks_of(own_database) == [0, 1, 2]


def test_the_servers_clock_says_which_day_a_writer_needs(own_database, own_connection, set_clock):
    own_connection.execute(f"DROP TABLE ml_experience_replay_{TODAY:%Y%m%d}")
    set_clock(timedelta(-20))
    with ExperienceWriter(own_database) as writer:
        writer.put(make_rows(3))
        assert writer.flush(10)
        assert (writer.counts.written, writer.counts.refused) == (3, 0)


@pytest.mark.parametrize(
    ("minutes", "words"), [(31, "1,860 s ahead of the server's"), (-31, "1,860 s behind the server's")]
)
def test_clocks_that_differ_are_found(database, set_clock, minutes, words):
    set_clock(timedelta(minutes=minutes))
    wrong = [finding for finding in examine(database) if not finding.is_well and finding.about != "crash safety"]
    assert [finding.about for finding in wrong] == ["clocks"] and words in wrong[0].told


def test_a_day_that_cannot_be_made_is_named_and_the_others_are_made(own_database, own_connection, capsys):
    """Its rows lie in a partition for all the rest."""
    days = [TODAY, TODAY + timedelta(2)]
    for day in days:
        own_connection.execute(f"DROP TABLE ml_experience_replay_{day:%Y%m%d}")
    own_connection.execute("CREATE TABLE ml_experience_replay_rest PARTITION OF ml_experience_replay DEFAULT")
    write(own_database, make_rows(2))
    assert main(["maintain", "--url", own_database.url]) == 1
    told = " ".join(capsys.readouterr().out.split())
    assert f"made ml_experience_replay_{days[1]:%Y%m%d}" in told and "1 days made" in told
    assert f"could not make ml_experience_replay_{TODAY:%Y%m%d}: updated partition constraint for default" in told
    assert list(maintain(own_database).lacking) == [partitions.Partition("ml_experience_replay", TODAY)]
    own_connection.execute("DELETE FROM ml_experience_replay_rest")
    assert main(["maintain", "--url", own_database.url]) == 0


@pytest.mark.parametrize("name", ["99999999", "20261301", "00000101"])
def test_a_partition_that_is_called_as_no_day_is_somebody_elses(own_database, own_connection, name):
    own_connection.execute(
        f"CREATE TABLE ml_experience_replay_{name} PARTITION OF ml_experience_replay "
        "FOR VALUES FROM ('2999-01-01') TO (MAXVALUE)"
    )
    done = maintain(own_database)
    assert (done.made, done.dropped, done.lacking) == ([], [], {})
    write(own_database, make_rows(2))


def test_old_requests_and_tokens_are_deleted(database, connection):
    for age in (40, 1):
        connection.execute(
            "INSERT INTO ai_requests (monster_id, archetype, model_type, state_vector, created_at) "
            "VALUES (1, 'mage', 'combat_dqn', %s, now() - make_interval(days => %s))", [bytes(256), age],
        )  # fmt: skip
    connection.execute("INSERT INTO ai_responses (request_id, monster_id, action) SELECT id, 1, 255 FROM ai_requests")
    write(database, make_rows(1))
    connection.execute("UPDATE ml_experience_batches SET written_at = now() - interval '2 days'")
    done = maintain(database)
    assert (done.requests, done.tokens) == (1, 1)
    assert connection.execute("SELECT count(*) FROM ai_responses").fetchone() == (1,)


def test_rows_of_another_server_are_found_and_put_in_order(database, connection):
    write(database, make_rows(3))
    connection.execute("UPDATE ml_experience_replay SET transaction_id = '1000000000000'")
    with ExperienceStream(database) as stream:
        assert list(stream) == []
    (found,) = [finding for finding in examine(database) if finding.about == "order of experience"]
    assert not found.is_well and "3 rows come from another server" in found.told and "maintain" in found.remedy
    assert maintain(database).renumbered == 3
    assert ticks_of(database) == [0, 1, 2]


def test_a_store_that_is_well_is_found_so(database):
    findings = examine(database)
    with database.connect() as connection:
        unsafe = connection.execute("SHOW fsync").fetchone() == ("off",)
    assert [finding.about for finding in findings if not finding.is_well] == ["crash safety"] * unsafe
    assert {"server", "schema", "crash safety", "open transactions"} <= {finding.about for finding in findings}


def test_a_transaction_that_holds_readers_up_is_named(database, connection, monkeypatch):
    monkeypatch.setattr("mlmonster_env.store.doctor.LONG_MINUTES", 0)
    with database.connect(application_name="sleeper") as slow:
        slow.execute("SELECT pg_current_xact_id()")
        (found,) = [finding for finding in examine(database) if finding.about == "open transactions"]
    assert not found.is_well and "sleeper" in found.told and "pg_terminate_backend" in found.remedy


def test_what_the_role_may_not_see_is_not_called_well(own_database, own_connection, monkeypatch):
    """To who is no superuser the server does not tell since when others' transactions are open."""
    role = f"lowly_{os.getpid()}"
    own_connection.execute(f"CREATE ROLE {role} LOGIN")
    try:
        own_connection.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
        theirs = Store(psycopg.conninfo.make_conninfo(own_database.url, user=role))
        with own_database.connect(application_name="sleeper") as slow:
            slow.execute("SELECT pg_current_xact_id()")
            (found,) = [finding for finding in examine(theirs) if finding.about == "open transactions"]
        assert not found.is_well and "sleeper" in found.told and "pg_read_all_stats" in found.remedy
    finally:
        own_connection.execute(f"DROP OWNED BY {role}")
        own_connection.execute(f"DROP ROLE {role}")


@pytest.mark.parametrize("days", [0, -1])
def test_days_that_are_wrong_are_named(own_database, own_connection, days):
    if days:
        with own_connection.transaction():
            partitions.make(own_connection, TODAY - timedelta(RETENTION_DAYS + 5))
    else:
        own_connection.execute(f"DROP TABLE {partitions.Partition('ml_episode_outcomes', TODAY).name}")
    wrong = [finding for finding in examine(own_database) if not finding.is_well and finding.about != "crash safety"]
    assert wrong and all("maintain" in finding.remedy for finding in wrong)
    assert ("missing" in wrong[0].told) == (days == 0)


def test_the_command_says_what_is_and_what_to_do(make_database, capsys, monkeypatch):
    monkeypatch.setattr("mlmonster_env.store.doctor.LOOKS", LOOKS[1:])  # the tests' own servers need not be safe
    made = make_database()
    url = ["--url", made.url]
    assert main(["status", *url]) == 1 and "0 of 5 migrations: run migrate" in capsys.readouterr().out
    assert main(["doctor", *url]) == 1 and "WRONG" in capsys.readouterr().out
    assert main(["maintain", *url]) == 2 and "python -m mlmonster_env.store migrate" in capsys.readouterr().err
    assert main(["migrate", *url]) == 0 and "applied 4 training" in capsys.readouterr().out
    assert main(["migrate", *url]) == 0 and "already up to date" in capsys.readouterr().out
    write(made, make_rows(3))
    assert main(["status", *url]) == 0
    told = capsys.readouterr().out
    assert "ml_experience_replay" in told and "mage" in told
    assert main(["maintain", *url]) == 0 and "0 dropped" in capsys.readouterr().out
    assert main(["doctor", *url]) == 0 and "WRONG" not in capsys.readouterr().out
    with made.connect() as connection:
        connection.execute("INSERT INTO mlmonster_migrations (number, name, checksum) VALUES (6, 'later', '')")
    assert main(["migrate", *url]) == 2 and "newer than this program" in capsys.readouterr().err
    assert main(["status", *url]) == 2 and "newer than this program" in capsys.readouterr().err
    assert main(["doctor", *url]) == 1
    told = " ".join(capsys.readouterr().out.split())
    assert "use the newer program, or another database" in told and "store migrate" not in told


@pytest.mark.parametrize(("home", "words"), [
    ("file/home", "cannot be made"),
    *((home, "without blanks") for home in ("a b", "a;b", "a&b", "a(b", "a%20b", "a,b", "a=b", "a$b")),
])  # fmt: skip
def test_a_home_that_cannot_be_is_one_line(home, words, tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("")
    monkeypatch.delenv("MLMONSTER_DATABASE_URL", raising=False)
    monkeypatch.setenv("MLMONSTER_HOME", str(tmp_path / home))
    assert main(["status"]) == 2
    error = capsys.readouterr().err
    assert words in error and error.count("\n") == 1


def test_a_home_may_begin_with_ones_own(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("MLMONSTER_DATABASE_URL", raising=False)
    monkeypatch.setenv("MLMONSTER_HOME", "~/x")
    assert data_root() == tmp_path / "x" and Store().folder == tmp_path / "x" / "postgres"
    assert Store(folder="~/y").folder == tmp_path / "y"
    monkeypatch.setenv("MLMONSTER_HOME", "~nobody-of-that-name/x")
    assert main(["status"]) == 2
    assert "MLMONSTER_HOME is '~nobody-of-that-name/x', expected" in capsys.readouterr().err


def test_a_folder_stays_where_it_was_when_one_goes_elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert Store(folder="here").folder == Path(tmp_path) / "here"


def test_a_server_that_is_away_is_no_traceback(capsys):
    url = ["--url", "postgresql://127.0.0.1:1/nowhere"]
    assert main(["status", *url]) == 2 and "error: connection" in capsys.readouterr().err
    assert main(["doctor", *url]) == 1 and "start the server" in capsys.readouterr().out
    assert main(["status", "--url", "mysql://here"]) == 2 and "expected postgresql://" in capsys.readouterr().err
    assert main(["status", "--url", ""]) == 2
    assert "the address of the database is '', expected postgresql://" in capsys.readouterr().err
    assert main(["status", "--url", "nonsense"]) == 2
    assert "(or --url) is no address" in (told := capsys.readouterr().err) and "expected postgresql://" in told


def test_a_busy_partition_is_no_traceback(own_database, own_connection, monkeypatch, capsys):
    monkeypatch.setattr("mlmonster_env.store.maintaining.DROP_PATIENCE_S", 0.5)
    with own_connection.transaction():
        partitions.make(own_connection, TODAY - timedelta(40))
    with own_database.connect() as reader:
        reader.execute("SELECT FROM ml_experience_replay")
        assert main(["maintain", "--url", own_database.url]) == 2
    assert "something reads what is to be dropped" in capsys.readouterr().err
    assert len(maintain(own_database).dropped) > 0


def test_writers_go_on_while_a_reader_keeps_a_day_from_being_dropped(own_database, own_connection, monkeypatch):
    """Whoever came after the one who drops once waited with him, for ten seconds."""
    monkeypatch.setattr("mlmonster_env.store.maintaining.DROP_PATIENCE_S", 5.0)
    with own_connection.transaction():
        partitions.make(own_connection, TODAY - timedelta(40))
    with ThreadPoolExecutor(1) as pool, own_database.connect() as reader, ExperienceWriter(own_database) as writer:
        reader.execute("SELECT FROM ml_experience_replay")
        maintained = pool.submit(maintain, own_database)
        for _ in range(4):
            writer.put(make_rows(5))
            assert writer.flush(3)
            time.sleep(0.3)
        assert not maintained.done()
        reader.rollback()
        assert len(maintained.result(20).dropped) > 0


def test_passwords_are_not_told():
    told = Store("postgresql://me:secret@here:5433/store").told
    assert told == "store at here:5433"


@pytest.mark.parametrize("url", [
    "postgresql://me:se%zcret@127.0.0.1:1/store",
    'postgresql://me:s"e%zcret@127.0.0.1:1/store',
    "postgresql://me:x@secret@127.0.0.1:1/store",
    "postgresql:/me:secret@127.0.0.1:1/store",
    "me:secret@127.0.0.1:1/store",
    "me@127.0.0.1/secret://store",
    "host=127.0.0.1 'secret",
])  # fmt: skip
def test_an_address_that_is_none_is_refused_without_its_password(url, capsys):
    assert main(["status", "--url", url]) == 2
    told = capsys.readouterr().err
    assert "MLMONSTER_DATABASE_URL" in told and "expected postgresql://" in told
    assert "cret" not in told


def test_a_password_may_look_like_another_kind_of_address():
    assert Store("host=here password=mysql://x dbname=store").told == "store at here:5432"
    with pytest.raises(psycopg.OperationalError):  # a socket of no file
        Store("host=@mlmonster-nobody dbname=store").connect()


def test_a_store_is_named_as_it_is_called(own_database, monkeypatch, capsys):
    monkeypatch.setattr(Store, "told", "store at [/here]:5432")
    url = ["--url", own_database.url]
    for what in ("status", "migrate", "doctor"):
        assert main([what, *url]) in (0, 1)
        assert "store at [/here]:5432" in capsys.readouterr().out


def test_who_has_no_home_is_told_what_to_set(monkeypatch, capsys):
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    for name in ("MLMONSTER_HOME", "MLMONSTER_DATABASE_URL", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    assert main(["status"]) == 2
    assert "HOME is not set" in (told := capsys.readouterr().err) and "expected MLMONSTER_HOME" in told


# TimescaleDB is on neither of the servers that tests run against. What would be asked of it is tried with functions
# of the same names that write down how they were called; the one statement that only it understands is looked at.


def test_hypertables_are_asked_for_as_they_should_be(own_database, own_connection):
    own_connection.execute("CREATE TABLE calls (what text, about text, days interval)")
    for name, parameter in (("add_compression_policy", "after"), ("add_retention_policy", "after")):
        own_connection.execute(
            f"CREATE FUNCTION {name}(t regclass, {parameter} interval, if_not_exists boolean) RETURNS void "
            f"LANGUAGE sql AS $$ INSERT INTO calls VALUES ('{name}', t::text, {parameter}) $$"
        )
    own_connection.execute(
        "CREATE FUNCTION create_hypertable(t regclass, c name, chunk_time_interval interval, if_not_exists boolean) "
        "RETURNS void LANGUAGE sql AS $$ INSERT INTO calls VALUES (c, t::text, chunk_time_interval) $$"
    )
    for table, column in BY_DAY.items():
        hypertable, compression, *policies = timescale.statements(table, column)
        assert compression == (
            f"ALTER TABLE {table} SET (timescaledb.compress, timescaledb.compress_segmentby = 'archetype', "
            f"timescaledb.compress_orderby = '{column}')"
        )
        for statement in (hypertable, *policies):
            own_connection.execute(statement.encode())
        assert own_connection.execute("DELETE FROM calls RETURNING *").fetchall() == [
            (column, table, timedelta(days=1)),
            ("add_compression_policy", table, timedelta(days=7)),
            ("add_retention_policy", table, timedelta(days=30)),
        ]


def test_without_timescale_nothing_is_asked_of_it(connection):
    assert not timescale.is_available(connection) and not timescale.install(connection)
    assert timescale.prepare(connection) == []
