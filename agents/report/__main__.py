"""A report of runs and models in one HTML file: `python -m agents.report RUN_OR_MODEL...`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from agents.judge.matches import FaultError, NoEvidenceError
from agents.report.replayed import ReplayError
from agents.report.write import PAIRS, write_report
from mlmonster_env.command import end_with
from policies.storage import DamagedError


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    command = argparse.ArgumentParser(prog="python -m agents.report", description=__doc__)
    command.add_argument(
        "paths", nargs="+", type=Path, metavar="RUN_OR_MODEL",
        help="folders; runs that differ by nothing but the seed are shown together",
    )  # fmt: skip
    command.add_argument("--out", type=Path, default=Path("report.html"), help="the file (default report.html)")
    command.add_argument("--pairs", type=int, default=PAIRS, help=f"of matches against each opponent (default {PAIRS})")
    return command


def main(words: Sequence[str] | None = None) -> int:
    """Write a report; 2 where that cannot be done."""
    given = parser().parse_args(words)
    try:
        path = write_report(given.paths, given.out, given.pairs, say=lambda text: print(text, flush=True))
    except (ValueError, OSError, DamagedError, NoEvidenceError, FaultError, ReplayError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"report: {path} ({path.stat().st_size / 1e6:.1f} MB)")
    return 0


if __name__ == "__main__":
    end_with(main)
