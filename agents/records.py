"""Files of a run that anyone can plot: lines are added, and taken back to where a checkpoint was written."""

import csv
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agents.behaviour import COLUMNS

MONITOR = ("steps", "match", "decisions", "return", "outcome")
EVALUATION = (
    "steps", "seconds", "start", "mask", "pairs", "win_rate", "low", "high", "won", "drawn", *COLUMNS,
)  # fmt: skip
OPPONENTS = ("steps", "opponent", "matches", "win_rate", "elo", "weight")


class Records:
    """One CSV file."""

    def __init__(self, path: Path, columns: Sequence[str], keep: int | None = None) -> None:
        """Begin the file; with `keep`, go on with one after cutting it to so many bytes, or to what is left of it."""
        self.path = path
        self.columns = tuple(columns)
        left = 0 if keep is None else _cut(path, keep)
        self._file = path.open("a" if left else "w", newline="", encoding="utf-8")
        self._writer = csv.writer(self._file)
        if not left:
            self._writer.writerow(self.columns)
            self.flush()

    def add(self, row: dict[str, Any]) -> None:
        """Add a line."""
        values = [row[name] for name in self.columns]
        self._writer.writerow([f"{value:.6g}" if isinstance(value, float) else value for value in values])

    def flush(self) -> int:
        """Bring all lines to the disk; the file's size in bytes."""
        self._file.flush()
        os.fsync(self._file.fileno())
        return self._file.tell()

    def close(self) -> None:
        """Write what is left and close the file."""
        self._file.close()


def _cut(path: Path, keep: int) -> int:
    """Cut a file to so many bytes, or, where it has lost some of them, to its whole lines; how many bytes are left."""
    size = path.stat().st_size if path.is_file() else 0
    if size >= keep:
        os.truncate(path, keep)
        return keep
    print(f"{path} has {size} of the {keep} bytes that were written; its last lines are lost", file=sys.stderr)
    whole = path.read_bytes().rfind(b"\n") + 1 if size else 0
    if size:
        os.truncate(path, whole)
    return whole


class RunRecords:
    """The files of a run: four, and a fifth where it plays in a league."""

    def __init__(
        self, folder: Path, terms: Sequence[str], keep: dict[str, int] | None = None, *, league: bool = False
    ) -> None:
        columns = {
            "monitor": MONITOR,
            "reward_breakdown": ("steps", "match", *terms),
            "behavior_metrics": ("steps", "match", *COLUMNS),
            "evaluation_results": EVALUATION,
        }
        if league:
            columns["opponents"] = OPPONENTS
        self.files = {
            name: Records(folder / f"{name}.csv", heads, None if keep is None else keep[name])
            for name, heads in columns.items()
        }

    def add(self, name: str, row: dict[str, Any]) -> None:
        """Add a line to one of them."""
        self.files[name].add(row)

    def sizes(self) -> dict[str, int]:
        """How long each file is: where to cut it when a run goes on from here."""
        return {name: file.flush() for name, file in self.files.items()}

    def close(self) -> None:
        """Close all files."""
        for file in self.files.values():
            file.close()
