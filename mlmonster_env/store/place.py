"""Where data lies that cannot be made again."""

import os
from pathlib import Path


def data_root() -> Path:
    """`MLMONSTER_HOME`, else the user's data directory."""
    chosen = os.environ.get("MLMONSTER_HOME")
    if chosen:
        return Path(chosen)
    base = os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "mlmonster"
