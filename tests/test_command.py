"""How commands end."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mlmonster_env.command import INTERRUPTED, UNREAD, end_with

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


@pytest.mark.parametrize(
    "said",
    [
        "print('a line')",
        "print('a line\\n' * 100_000)",
        "print('a line', flush=True)",
        "Console().print('a line\\n' * 10_000)",
        "argparse.ArgumentParser(epilog='x' * 10_000).parse_args(['--help'])",
        "sys.stderr.write('an error\\n')",
    ],
)
def test_a_command_that_nobody_reads_ends_quietly(said):
    """Its reader is gone before it says a word; and it takes errors of files for errors of its own."""
    program = (
        "import argparse, sys\nfrom rich.console import Console\nfrom mlmonster_env.command import end_with\n"
        "def main():\n    sys.stdin.read()\n    try:\n"
        f"        {said}\n        return 0\n    except OSError as error:\n        print(error, file=sys.stderr)\n"
        "        return 2\n"
        "end_with(main)\n"
    )
    errors = subprocess.PIPE if "stderr" not in said else subprocess.STDOUT
    command = [sys.executable, "-c", program]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
    ) as process:
        for pipe in (process.stdout, process.stdin):
            assert pipe is not None
            pipe.close()
        told = process.stderr.read() if process.stderr else ""
    assert (process.returncode, told) == (UNREAD, "")


def test_a_command_that_is_read_says_all_and_ends_with_its_own_status():
    program = (
        "from mlmonster_env.command import end_with\n"
        "def main():\n    print('héllo\\n' * 50_000, end='')\n    return 3\nend_with(main)\n"
    )
    found = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert (found.returncode, found.stdout.count("héllo"), found.stderr) == (3, 50_000, "")


def test_every_command_ends_so():
    for package in ("agents", "mlmonster_env", "policies", "rewards", "scripts"):
        for path in (ROOT / package).rglob("*.py"):
            _, begins, told = path.read_text(encoding="utf-8").partition('if __name__ == "__main__":\n')
            assert not begins or path.name == "build_maps.py" or told == "    end_with(main)\n", path


def test_what_is_said_unbuffered_is_read_at_once():
    program = "import sys\nfrom mlmonster_env.command import end_with\n"
    program += "def main():\n    print('a word', end='')\n    sys.stdin.read()\nend_with(main)\n"
    with subprocess.Popen(
        [sys.executable, "-u", "-c", program], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        assert process.stdout.read(6) == b"a word"
        process.stdin.close()
    assert process.returncode == 0
