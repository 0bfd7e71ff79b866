"""Play matches between engines and write them down: `python -m agents.selfplay --archetype mage --matches 10000`.

OUT/transitions holds Minari datasets, a folder for each engine and process: what the first side's monsters saw, did
and were paid; OUT/recordings the matches, to be replayed or filmed; OUT/summary.json who won how often.
"""

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from agents.machine import cores
from agents.opponents.model import Temperature
from agents.selfplay.background import KNOWN_BLOCKS, Order, Summary, play_matches
from mlmonster_env.command import end_with
from mlmonster_env.contract import ARCHETYPES
from mlmonster_env.envs.arguments import checked
from policies.acting import NotFiniteError
from policies.storage import DamagedError

ENGINES = "stock, a style, random, idle, a model's folder, or mix:stock=2,styles=1,runs/x=1, drawn for each match"


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="python -m agents.selfplay", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )  # fmt: skip
    made.add_argument("--archetype", required=True, choices=ARCHETYPES)
    made.add_argument("--matches", type=int, default=1000, help="default 1000")
    made.add_argument("--out", type=Path, default=Path("runs/selfplay"), help="a new folder (default runs/selfplay)")
    made.add_argument("--engines", default=Order.first, help=f"of both sides: {ENGINES} (default {Order.first})")
    made.add_argument("--first", help="of the side whose transitions are written, instead of --engines")
    made.add_argument("--second", help="of the other side, instead of --engines")
    made.add_argument("--scenario", default=Order.scenario, help=f"default {Order.scenario}")
    made.add_argument(
        "--observe", default=",".join(Order.observe),
        help=f"blocks to write: {', '.join(KNOWN_BLOCKS)} (default {','.join(Order.observe)})",
    )  # fmt: skip
    made.add_argument("--temperature", type=float, help="models draw their actions at this; greedy without it")
    made.add_argument("--temperature-last", type=float, help="to which it goes in the course of a match")
    made.add_argument("--temperature-over", type=int, default=60, help="decisions that this takes (default 60)")
    made.add_argument("--no-recordings", action="store_true", help="write transitions alone")
    made.add_argument("--seed", type=int, default=0)
    made.add_argument("--workers", type=int, default=cores(), help="processes (default: one a core)")
    return made


def main(words: Sequence[str] | None = None) -> int:
    """Run the command; the exit status: 0, or 2 where nothing could be played."""
    given = parser().parse_args(words)
    console = Console(width=100, emoji=False, markup=False)
    try:
        summary = play_matches(order_of(given), given.out, given.workers)
    except (ValueError, DamagedError, NotFiniteError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    console.print(table_of(summary))
    console.print(
        f"{summary.matches:,} matches in {summary.seconds:.1f} s, {summary.matches_a_second:.1f} matches/s by "
        f"{summary.workers} processes, starting and writing included; all in {given.out}",
        highlight=False, soft_wrap=True,
    )  # fmt: skip
    return 0


def order_of(given: argparse.Namespace) -> Order:
    """What the words ask for."""
    blocks = tuple(given.observe.split(","))
    for block in blocks:
        checked("--observe", block, KNOWN_BLOCKS)
    heat = None
    if given.temperature is not None:
        last = given.temperature if given.temperature_last is None else given.temperature_last
        if not (0 <= given.temperature < math.inf and 0 <= last < math.inf):
            raise ValueError(f"--temperature goes from {given.temperature} to {last}, expected 0 or more")
        if given.temperature_over < 1:
            raise ValueError(f"--temperature-over is {given.temperature_over}, expected at least 1 decision")
        heat = Temperature(given.temperature, last, given.temperature_over)
    elif given.temperature_last is not None:
        raise ValueError(
            f"--temperature-last is {given.temperature_last}, expected a --temperature that it goes on from"
        )
    return Order(
        given.archetype, given.matches, given.first or given.engines, given.second or given.engines, given.scenario,
        blocks, given.seed, heat, not given.no_recordings,
    )  # fmt: skip


def table_of(summary: Summary) -> Table:
    """A line for each engine of the first side."""
    made = Table(title=f"against {summary.order['second']} in {summary.order['scenario']}")
    for heading in ("engine", "matches", "won", "drawn", "lost", "decisions a match"):
        made.add_column(heading, justify="left" if heading == "engine" else "right")
    for name, tally in summary.by_engine.items():
        lost = tally.matches - tally.won - tally.drawn
        shares = [f"{part / tally.matches:.0%}" for part in (tally.won, tally.drawn, lost)]
        made.add_row(name, f"{tally.matches:,}", *shares, f"{tally.decisions / tally.matches:.0f}")
    return made


if __name__ == "__main__":
    end_with(main)
