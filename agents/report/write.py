"""From folders to a report on the disk."""

from collections.abc import Sequence
from pathlib import Path

from agents.report.page import page
from agents.report.sections import gather
from agents.report.sources import kinds_of, subjects_of
from agents.report.strength import Say
from policies.storage import write_text

PAIRS = 100


def write_report(paths: Sequence[Path], out: Path, pairs: int = PAIRS, *, say: Say) -> Path:
    """Judge what is in these folders and write the report; ValueError where something given is wrong."""
    if pairs < 2:
        raise ValueError(f"pairs is {pairs}, expected at least 2")
    if out.is_dir():
        raise ValueError(f"{out} is a folder, expected a file to write, such as {out / 'report.html'}")
    kinds = kinds_of(subjects_of(paths))
    out.parent.mkdir(parents=True, exist_ok=True)
    write_text(out, page(gather(kinds, pairs, say)))
    return out
