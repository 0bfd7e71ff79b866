"""Finds a server's data files and remembers which were read, so that a cache can tell whether they changed."""

import hashlib
import os
import stat
from pathlib import Path

from mlmonster_env.data.errors import DataError

BUNDLED = Path(__file__).resolve().parent / "bundled"
UNREADABLE = "unreadable"  # in place of the digest of a file that is there and cannot be read


class ServerFiles:
    """A server's files by the names the server itself uses ("db/re/mob_db.yml").

    `path` is the server's root (holding db/), or the db folder itself.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if os.path.isdir(self.path / "db"):
            self._db = self.path / "db"
        elif os.path.isfile(self.path / "mob_db.yml"):
            self._db = self.path
        else:
            expected = "a server's root with db/, or the db folder itself"
            raise DataError(str(self.path), "", "the data folder", _what_is(self.path), expected)
        self.used: dict[str, str] = {}  # digests of the files that were read
        self._contents: dict[str, bytes | None] = {}
        self._digests: dict[str, str] = {}

    def read(self, name: str) -> bytes | None:
        """The content of `name`, None if there is no such file."""
        self.used[name] = UNREADABLE
        self.used[name] = self.digest(name)
        return self._contents[name]

    def digest(self, name: str) -> str:
        """A hash of the content of `name`, "" if there is no such file; does not count as use."""
        if name not in self._digests:
            content = self._contents[name] = self._load(name)
            self._digests[name] = "" if content is None else hashlib.sha256(content).hexdigest()
        return self._digests[name]

    def require(self, name: str, why: str = "") -> bytes:
        """The content of a file that every server has, or that is needed for another reason."""
        content = self.read(name)
        if content is None:
            raise DataError(name, "", "the file", "missing", f"a file at {self.locate(name)}{why}")
        return content

    def locate(self, name: str) -> Path:
        """Where `name` lies or would lie."""
        return self._db.joinpath(*name.split("/")[1:]) if name.startswith("db/") else self._db.parent / name

    def _load(self, name: str) -> bytes | None:
        try:
            path = self.locate(name)
            if not stat.S_ISREG(path.stat().st_mode) and not path.is_dir():  # a pipe or a device may never end
                raise OSError("a pipe, socket or device")
            return path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError) as error:
            raise DataError(name, "", "the file", str(error), "a readable file") from error


def _what_is(path: Path) -> str:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return f"missing ({path})"
    except (OSError, ValueError) as error:
        return str(error)
    return "a file" if path.is_file() else "a folder without db/ and mob_db.yml"
