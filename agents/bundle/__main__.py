"""Look at exported models: `python -m agents.bundle show BUNDLE`, `verify BUNDLE...`, `diff ONE OTHER`."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from agents.bundle.among import PASSED, passed_over
from agents.bundle.errors import BundleError
from agents.bundle.reading import Bundle, read, verify
from mlmonster_env.command import end_with


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    command = argparse.ArgumentParser(prog="python -m agents.bundle", description=__doc__)
    kinds = command.add_subparsers(dest="what", required=True)
    show = kinds.add_parser("show", help="what a bundle says of itself")
    show.add_argument("bundles", nargs=1, metavar="BUNDLE", type=Path)
    show.add_argument("--json", action="store_true", help="the manifest and the parity report, as they are")
    check = kinds.add_parser("verify", help="check every byte, and play the golden inputs again")
    check.add_argument("bundles", nargs="+", metavar="BUNDLE", type=Path)
    compare = kinds.add_parser("diff", help="in what two bundles differ; exit status 1 if in anything")
    compare.add_argument("bundles", nargs=2, metavar="BUNDLE", type=Path)
    return command


def main(words: Sequence[str] | None = None) -> int:
    """Run the command; 1 where something is refused, or two bundles differ."""
    given = parser().parse_args(words)
    try:
        if given.what == "show":
            return _show(read(given.bundles[0]), given.json)
        if given.what == "diff":
            return _diff(*(read(path) for path in given.bundles))
    except (BundleError, OSError) as error:
        print(f"refused: {error}", file=sys.stderr)
        return 1
    refused, passed = 0, passed_over(given.bundles)
    for path in given.bundles:
        if path in passed:
            print(f"{path}: {PASSED}")
            continue
        try:
            bundle = verify(path)
            print(f"{path}: whole, and answers as {bundle.manifest.model.model_type} did")
        except (BundleError, OSError) as error:
            refused += 1
            print(f"refused: {error}", file=sys.stderr)
    return 1 if refused else 0


def _show(bundle: Bundle, as_json: bool) -> int:
    told, report = bundle.manifest, bundle.parity
    if as_json:
        print(
            json.dumps({"manifest": told.model_dump(mode="json"), "parity": report.model_dump(mode="json")}, indent=1)
        )
        return 0
    model, window = told.model, told.data_window
    lines = {
        "bundle": bundle.name,
        "model": f"{model.archetype}/{model.model_type}, {model.size}, {told.precision}"
        + (", optimized" if told.optimized else ""),
        "weights": model.digest,
        "contract": f"{told.contract}, schema {told.schema_hash[:12]}, code {told.code_hash[:12]}",
        "learnt": f"{window.learner or 'unknown'}, {window.decisions or 'unknown'} decisions in "
        f"{window.scenario or 'unknown'} against {window.opponents or 'unknown'}",
        "scores": ", ".join(f"{name} {value}" for name, value in told.scores.items()) or "none",
        "parity": f"{report.agreement.worst:.1e} off at most, {report.agreement.share:.2%} of "
        f"{report.agreement.decisions:,} decisions alike, {report.agreement.by_gap} of them by their gap",
        "outcomes": f"{report.outcomes.what}: {report.outcomes.found:.1%}, trained {report.outcomes.reference:.1%}",
        "bytes": f"{sum(file.bytes for file in told.files.values()):,}",
    }
    made = Table(show_header=False)
    for name, line in lines.items():
        made.add_row(name, line)
    ports = Table("", "port", "type", "shape", "what")
    for side, found in (("in", told.inputs), ("out", told.outputs)):
        for port in found:
            ports.add_row(side, port.name, port.type, str(["batch", *port.shape]).replace("'", ""), port.meaning)
    console = Console(width=130, emoji=False, markup=False)
    console.print(made)
    console.print(ports)
    return 0


def _diff(one: Bundle, other: Bundle) -> int:
    both = [_leaves({"manifest": b.manifest.model_dump(mode="json"), "parity": b.parity.model_dump(mode="json")})
            for b in (one, other)]  # fmt: skip
    differ = [path for path in sorted(set(both[0]) | set(both[1])) if both[0].get(path) != both[1].get(path)]
    for path in differ:
        print(f"{path}: {both[0].get(path)} | {both[1].get(path)}")
    if not differ:
        print("the same")
    return 1 if differ else 0


def _leaves(tree: Any, path: str = "") -> dict[str, Any]:
    if isinstance(tree, dict):
        return {key: leaf for name, inner in tree.items() for key, leaf in _leaves(inner, f"{path}.{name}").items()}
    return {path.lstrip("."): tree}


if __name__ == "__main__":
    end_with(main)
