"""Where the measured figures of a real server lie; tests that need them say loudly when they are absent."""

import os
from pathlib import Path

import pytest

DEFAULT = Path(__file__).resolve().parents[2] / "shared" / "rathena"


def reference_path() -> Path:
    """The reference folder (holding db/ and golden/), or a skip that names what is missing."""
    path = Path(os.environ.get("MLMONSTER_REFERENCE", DEFAULT))
    if not (path / "golden").is_dir():
        pytest.skip(f"REFERENCE ABSENT: no golden/ in {path}; set MLMONSTER_REFERENCE to the measured server's folder")
    return path
