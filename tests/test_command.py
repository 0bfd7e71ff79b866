"""How commands end."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mlmonster_env.command import INTERRUPTED, end_with

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("status", [0, 1, 2, None])
def test_a_command_ends_with_its_status(status):
    with pytest.raises(SystemExit) as told:
        end_with(lambda: status)
    assert told.value.code == status


def test_who_is_interrupted_says_so_in_one_line(capsys):
    def interrupted() -> int:
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as told:
        end_with(interrupted)
    assert told.value.code == INTERRUPTED
    assert capsys.readouterr().err == "stopped by SIGINT\n"


# Where somebody without a home runs what another installed, numba has no other place.
NOWHERE_ELSE = "from numba.core.caching import CacheImpl; CacheImpl._locator_classes = CacheImpl._locator_classes[:1]; "


@pytest.mark.parametrize("before", ["", NOWHERE_ELSE])
def test_a_cache_that_cannot_be_written_is_named(tmp_path, before):
    (tmp_path / "cache").write_text("a file in its place")
    start = f"{before}from mlmonster_env.sim import Arena; Arena(1).run(1)"
    environment = {**os.environ, "MLMONSTER_CACHE": str(tmp_path / "cache")}
    found = subprocess.run([sys.executable, "-c", start], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert found.returncode != 0
    last = found.stderr.strip().splitlines()[-1]
    assert "cannot be written" in last and "MLMONSTER_CACHE names another" in last
