"""The one database: the embedded one, or the one that `MLMONSTER_DATABASE_URL` names."""

import os
import re
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import psycopg

from mlmonster_env.store import embedded
from mlmonster_env.store.place import data_root

URL = "MLMONSTER_DATABASE_URL"
OPTIONS = "PGOPTIONS"  # what libpq takes where an address has none
NAME = "mlmonster"
OLDEST = 15  # major versions that the schema is tested with: this one and the embedded one
SCHEMES = ("postgresql://", "postgres://")
SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:(//)?", re.IGNORECASE)
EXPECTED = "postgresql://user:password@host:port/name"
QUOTED = re.compile(r'".*"', re.DOTALL)  # what libpq quotes of an address may be its password
NO_ADDRESS = f"{URL} (or --url) is no address"
ENCODED = "in which @ : / ? # % of a user or password are written as %40 %3A %2F %3F %23 %25"
CONNECT_TIMEOUT_S = 10
# Whatever the server, its database or the role have set: who waited for a lock is to see what its holder did.
SETTINGS = r"-c timezone=UTC -c default_transaction_isolation=read\ committed"
ENCODING = "utf8"  # of texts on their way, as binary rows have them; the database may keep them as another


class Store:
    """Where connections come from.

    Without `url` (and without `MLMONSTER_DATABASE_URL`) an embedded server is used, whose files lie in `folder`; it is
    started when the first connection is asked for, and again if it was killed. Close it, or use it as a context: the
    server stops with the last store that is closed.
    """

    def __init__(self, url: str | None = None, folder: str | Path | None = None) -> None:
        if url is not None and not url.strip():  # such as a variable of a shell that is not set
            raise ValueError(f"the address of the database is {url!r}, expected {EXPECTED}")
        chosen = url or (None if folder else os.environ.get(URL))
        scheme = SCHEME.match(chosen or "")
        if chosen and scheme and not chosen.startswith(SCHEMES):
            raise ValueError(f"{URL} begins with {scheme[0]!r}, expected postgresql://")
        self.folder = None if chosen else (Path(folder).expanduser() if folder else data_root() / "postgres").absolute()
        self._url = chosen
        self._holder: int | None = None  # the process that holds the embedded server; a forked child does not yet
        self._has_database = False

    @property
    def told(self) -> str:
        """Where it is, in words and without a password."""
        if self.folder is not None:
            return f"embedded, in {self.folder}"
        known = psycopg.conninfo.conninfo_to_dict(self._url or "")
        host = known.get("host") or "the local socket"
        return f"{known.get('dbname', 'the default database')} at {host}:{known.get('port', 5432)}"

    @property
    def url(self) -> str:
        """The address; an embedded server runs when this returns."""
        if self.folder is None:
            assert self._url is not None
            return self._url
        with embedded.one_at_a_time:  # or another store of this process could let the server go in between
            holds = self._holder == os.getpid()
            address = embedded.start(self.folder) if holds else embedded.hold(self.folder)
            self._holder = os.getpid()
            if not self._has_database:
                _make(address)
                self._has_database = True
        return address.replace("/postgres?", f"/{NAME}?", 1)

    def connect(self, **options: Any) -> psycopg.Connection[Any]:
        """A connection of one's own, in UTC and UTF-8; options are `psycopg.connect`'s, after the address's."""
        url = self.url
        try:
            told = psycopg.conninfo.conninfo_to_dict(url)
        except psycopg.ProgrammingError as error:
            why = QUOTED.sub('"..."', str(error).strip())
            raise psycopg.ProgrammingError(f"{NO_ADDRESS}: {why}; expected {EXPECTED}, {ENCODED}") from None
        if "@" in str(told.get("host", ""))[1:]:  # an @ of a password that is not encoded; a socket's may be the first
            raise psycopg.ProgrammingError(f"{NO_ADDRESS}: there is an @ in its host; expected {EXPECTED}, {ENCODED}")
        for name, value in (("connect_timeout", CONNECT_TIMEOUT_S), ("application_name", "mlmonster")):
            if name not in told:
                options.setdefault(name, value)
        given = (told.get("options", os.environ.get(OPTIONS, "")), options.get("options", ""), SETTINGS)
        options["options"] = " ".join(str(some) for some in given if some)
        options["client_encoding"] = ENCODING
        return psycopg.connect(url, **options)

    def close(self) -> None:
        """The embedded server is no longer needed here."""
        with embedded.one_at_a_time:
            if self._holder == os.getpid() and self.folder is not None:
                self._holder, self._has_database = None, False
                embedded.release(self.folder)

    def __enter__(self) -> "Store":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _make(address: str) -> None:
    """Make the database in an embedded server, once."""
    with psycopg.connect(address, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S) as connection:
        known = connection.execute("SELECT FROM pg_database WHERE datname = %s", [NAME]).fetchone()
        if known is None:
            with suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):  # another was faster
                connection.execute(f"CREATE DATABASE {NAME}")
