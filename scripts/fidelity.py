"""How true the simulator is to a measured server: python -m scripts.fidelity PATH, a folder holding db/ and golden/.

Prints a table of checks by family and mode, every check that fails, and the total; exits with 0 only if 98% hold.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from mlmonster_env.command import end_with
from mlmonster_env.data import Bestiary
from mlmonster_env.sim import probe
from scripts.fidelity_checks import (
    attacks,
    behaviour,
    derived,
    fights,
    groups,
    skills,
    statuses,
    tables,
    timing,
    usage,
)
from scripts.fidelity_checks.common import SUFFIXES, Check, Comparison, Golden, Value

FAMILIES: dict[str, Callable[[Comparison], Iterator[Check]]] = {
    "derived": derived.checks,
    "tables": tables.checks,
    "attacks": attacks.checks,
    "skills": skills.checks,
    "statuses": statuses.checks,
    "timing": timing.checks,
    "behaviour": behaviour.checks,
    "usage": usage.checks,
    "fights": fights.checks,
    "groups": groups.checks,
}
LEAST_SHARE = 0.98
LEAST_FIGHTS, FIGHTS = 600, 1200


def compare(path: Path, families: Iterable[str], modes: Iterable[str], fights: int) -> list[Check]:
    """All checks of `families` in `modes` against the measured files under `path`; tells stderr how long each took."""
    found: list[Check] = []
    for mode in modes:
        comparison = Comparison(Golden(path, mode), Bestiary.load(path, mode=mode), probe, fights)
        for family in families:
            began = time.perf_counter()
            made = list(FAMILIES[family](comparison))
            found += made
            seconds = time.perf_counter() - began
            print(f"{family}, {mode}: {len(made)} checks in {seconds:.1f} s", file=sys.stderr, flush=True)
    return found


def share_held(checks: Sequence[Check]) -> float:
    return sum(check.holds for check in checks) / len(checks) if checks else 0.0


def report(checks: Sequence[Check]) -> str:
    """The table by family and mode, the checks that fail, and the total."""
    rows = [("family", "mode", "checks", "hold", "share")]
    for family in FAMILIES:
        for mode in SUFFIXES:
            group = [check for check in checks if (check.family, check.mode) == (family, mode)]
            if group:
                rows.append((family, mode, *counted(group)))
    failing = [("failing check", "family", "mode", "measured", "simulated", "tolerance")]
    failing += [
        (check.name, check.family, check.mode, shown(check.measured), shown(check.simulated), check.tolerance)
        for check in checks
        if not check.holds
    ]
    parts = [aligned(rows)]
    if len(failing) > 1:
        parts.append(aligned(failing))
    count, hold, share = counted(checks)
    parts.append(f"total: {hold} of {count} checks hold, {share} (at least {LEAST_SHARE:.0%} must)")
    return "\n\n".join(parts)


def counted(checks: Sequence[Check]) -> tuple[str, str, str]:
    return str(len(checks)), str(sum(check.holds for check in checks)), f"{share_held(checks):.1%}"


def shown(value: Value) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def fight_count(text: str) -> int:
    count = int(text)
    if count < LEAST_FIGHTS:
        raise argparse.ArgumentTypeError(f"{count} fights say too little; at least {LEAST_FIGHTS}")
    return count


def reference_folder(text: str) -> Path:
    path = Path(text)
    for part in ("db", "golden"):
        if not (path / part).is_dir():
            raise argparse.ArgumentTypeError(f"{path} has no {part}/; expected a folder holding db/ and golden/")
    return path


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.fidelity", description=__doc__.splitlines()[0])
    parser.add_argument("path", type=reference_folder, help="the measured server's folder, holding db/ and golden/")
    parser.add_argument("--family", action="append", choices=FAMILIES, help="only this one; may be repeated")
    parser.add_argument("--mode", choices=SUFFIXES, help="only this one")
    parser.add_argument(
        "--fights", type=fight_count, default=FIGHTS, metavar="N",
        help=f"simulated fights a setting, {LEAST_FIGHTS} at least (default {FIGHTS})",
    )  # fmt: skip
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every check there too")
    options = parser.parse_args(arguments)
    modes = [options.mode] if options.mode else list(SUFFIXES)
    checks = compare(options.path, options.family or list(FAMILIES), modes, options.fights)
    print(report(checks))
    if options.json:
        options.json.write_text(
            json.dumps([asdict(check) for check in checks], indent=1, default=float), encoding="utf-8"
        )
    return 0 if share_held(checks) >= LEAST_SHARE else 1


if __name__ == "__main__":
    end_with(main)
