"""Where data lies that cannot be made again."""

import os
from pathlib import Path


def data_root() -> Path:
    """`MLMONSTER_HOME`, else the user's data directory."""
    chosen = os.environ.get("MLMONSTER_HOME")
    if chosen:
        try:
            return Path(chosen).expanduser()  # no shell did it, where a file or a service manager set it
        except RuntimeError as error:
            raise ValueError(f"MLMONSTER_HOME is {chosen!r}, expected ~ or ~ and a user who has a home") from error
    base = os.environ.get("XDG_DATA_HOME")
    try:
        return (Path(base) if base else Path.home() / ".local" / "share") / "mlmonster"
    except RuntimeError as error:
        raise ValueError("HOME is not set, and who runs this has no home; expected MLMONSTER_HOME, or HOME") from error
