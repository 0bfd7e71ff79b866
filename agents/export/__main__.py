"""Export trained models to ONNX: `python -m agents.export RUN...`, or `--all` that lie in runs/.

Each is compared with the trained model, state by state and match by match, before anything is written: a folder named
by its content in --out. What does not agree leaves nothing behind, and the exit status is 1.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from agents.bundle import BundleError, verify
from agents.bundle.manifest import PRECISIONS
from agents.bundle.parity import LEAST_STATES
from agents.export.graph import CannotExportError
from agents.export.make import STATES, ParityError, Trained, export
from agents.export.outcomes import PAIRS
from agents.export.sights import NoSightsError
from agents.train import RUNS
from mlmonster_env.command import at_least, end_with
from policies.acting import NotFiniteError
from policies.policy import FINAL
from policies.storage import MANIFEST, DamagedError

OUT = Path("models")
EXPECTED = (
    ParityError, CannotExportError, NoSightsError, BundleError, DamagedError, NotFiniteError, ValueError, OSError,
)  # fmt: skip


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    command = argparse.ArgumentParser(
        prog="python -m agents.export", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    command.add_argument("runs", nargs="*", metavar="RUN", type=Path, help="a run, or a model's folder")
    command.add_argument("--all", action="store_true", help="every finished run that lies in --runs")
    command.add_argument("--runs", dest="below", type=Path, default=RUNS, metavar="FOLDER", help="default runs")
    command.add_argument("--precision", choices=PRECISIONS, default="fp32", help="of the weights (default fp32)")
    command.add_argument("--verify", action="store_true", help="then check the bundle as `agents.bundle verify` does")
    command.add_argument("--optimize", action="store_true", help="shorten the graph first, for any machine")
    command.add_argument("--out", type=Path, default=OUT, metavar="FOLDER", help="of bundles (default models)")
    command.add_argument(
        "--states",
        type=at_least(LEAST_STATES),
        default=STATES,
        help=f"from play, that are compared (default {STATES})",
    )
    command.add_argument(
        "--pairs", type=at_least(2), default=PAIRS, help=f"of matches against stock, played by both (default {PAIRS})"
    )
    return command


def main(words: Sequence[str] | None = None) -> int:
    """Export; 0 if all went well, 1 if any could not be exported, 2 if nothing was asked for."""
    command = parser()
    given = command.parse_args(words)
    if given.all == bool(given.runs):
        command.error("expected runs to export, or --all")
    runs = sorted(path.parents[1] for path in given.below.glob(f"*/{FINAL}/{MANIFEST}")) if given.all else given.runs
    if not runs:
        print(f"error: there is no finished run in {given.below}", file=sys.stderr)
        return 1
    failed = 0
    for run in runs:
        try:
            trained = Trained.of(run, states=given.states, pairs=given.pairs)
            folder = export(trained, given.out, precision=given.precision, optimize=given.optimize)
            if given.verify:
                verify(folder)
            print(f"{run}: {given.precision}, {folder}")
        except Exception as error:  # whatever is wrong with one run, the others are exported
            failed += 1
            told = error if isinstance(error, EXPECTED) else f"{type(error).__name__}: {error}"
            print(f"{run} was not exported: {told}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    end_with(main)
