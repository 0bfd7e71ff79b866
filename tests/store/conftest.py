"""One embedded server for all tests, and a system's own where there is one; a database of its own for each test."""

import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest

from mlmonster_env.store import Store, migrate
from mlmonster_env.store import embedded as embedded_server

SYSTEM = "MLMONSTER_TEST_DATABASE_URL"
NUMBERS = count()
FILLED = ("ml_experience_replay", "ml_episode_outcomes", "ml_experience_batches", "ai_requests")


def to_database(url: str, name: str) -> str:
    """The same server's other database."""
    return psycopg.conninfo.make_conninfo(url, dbname=name)


def execute(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


@pytest.fixture(scope="session")
def make_folder() -> Iterator[Callable[[], Path]]:
    """Makes folders for servers. Not pytest's own: it shuts those to the user that root's servers run as."""
    made: list[Path] = []

    def make() -> Path:
        made.append(Path(tempfile.mkdtemp(prefix="mlmonster-")))
        return made[-1] / "postgres"

    yield make
    for folder in made:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def embedded_url(make_folder) -> Iterator[str]:
    folder = make_folder()
    url = embedded_server.hold(folder)
    execute(url, "ALTER SYSTEM SET fsync = off")  # nothing here is to outlive a crash, and databases are made faster
    execute(url, "SELECT pg_reload_conf()")
    yield url
    embedded_server.release(folder)


@pytest.fixture(scope="session")
def system_url() -> str:
    url = os.environ.get(SYSTEM)
    if not url:
        warnings.warn(f"{SYSTEM} is not set: nothing was tried against a system's PostgreSQL", stacklevel=1)
        pytest.skip(f"{SYSTEM} is not set, expected the address of a PostgreSQL 15 that tests may use")
    return url


@pytest.fixture(scope="session", params=["embedded", "system"])
def server(request) -> str:
    """The address of a server, once for each kind."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture(scope="session")
def template(server) -> Iterator[str]:
    """The name of a migrated database that others are copied from."""
    name = f"mlmonster_template_{os.getpid()}_{next(NUMBERS)}"
    execute(server, f"CREATE DATABASE {name}")
    migrate(Store(to_database(server, name)))
    yield name
    execute(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def make_database(server) -> Iterator[Callable[..., Store]]:
    """Makes databases that go when the test is over: empty ones, or copies of another."""
    made: list[str] = []

    def make(template: str = "template0") -> Store:
        name = f"mlmonster_test_{os.getpid()}_{next(NUMBERS)}"
        execute(server, f"CREATE DATABASE {name} TEMPLATE {template}")
        made.append(name)
        return Store(to_database(server, name))

    yield make
    for name in made:
        execute(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def own_database(make_database, template) -> Store:
    """A store that holds nothing yet, for tests that change more than what it holds."""
    made: Store = make_database(template)
    return made


@pytest.fixture
def own_connection(own_database) -> Iterator[psycopg.Connection[Any]]:
    with own_database.connect(autocommit=True) as opened:
        yield opened


@pytest.fixture(scope="session")
def shared(server, template) -> Iterator[Store]:
    name = f"mlmonster_shared_{os.getpid()}_{next(NUMBERS)}"
    execute(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield Store(to_database(server, name))
    execute(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database(shared) -> Store:
    """A store that holds nothing yet; its tables must stay as they are."""
    with shared.connect() as cleaner:
        for table in FILLED:
            cleaner.execute(f"DELETE FROM {table}")
    made: Store = shared
    return made


@pytest.fixture
def connection(database) -> Iterator[psycopg.Connection[Any]]:
    with database.connect(autocommit=True) as opened:
        yield opened
