"""Fill the store with what simulated monsters do: under the stock AI, and by scripts.

`python -m scripts.collect_initial_data --all --samples-per-archetype 10000`. Every row was played: mirror matches,
paid as the archetype is. Scripts give combat orders, which are their actions. The stock AI gives none; its actions are
the combat orders that tell what it did: see docs/operations.md.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import uuid4

import numpy as np
import psycopg
from rich.console import Console
from rich.table import Table

from agents.opponents import STYLES
from mlmonster_env.command import end_with
from mlmonster_env.contract import ARCHETYPES
from mlmonster_env.scenarios import USUAL
from mlmonster_env.store import Experience, Store, migrate
from mlmonster_env.store.copying import write_batch
from mlmonster_env.store.embedded import ServerError
from mlmonster_env.store.migrating import SchemaError
from mlmonster_env.store.outcomes import new_episodes, write_outcomes
from mlmonster_env.store.quality import Quality, examine
from scripts.played import Way, play_scripts, play_stock

SCRIPTED = 0.5  # of the rows
MATCHES = 32  # played side by side, to their ends, so that short ones do not crowd out long ones


@dataclass(frozen=True)
class Collected:
    """What was stored of one archetype."""

    archetype: str
    rows: dict[str, int]  # by who played
    ways: int
    quality: Quality


def collect(database: Store, archetype: str, samples: int, scenario: str, scripted: float) -> Collected:
    """Play and store exactly so many rows; the last way is cut where they are full."""
    counts = {"scripts": round(samples * scripted)}
    counts["stock AI"] = samples - counts["scripts"]
    kept: list[Way] = []
    with database.connect() as connection:
        for who, count in counts.items():
            for ways in _rounds(connection, who, archetype, scenario, count):
                with connection.transaction():
                    write_batch(connection, Experience.joined([way.rows for way in ways]), uuid4())
                    write_outcomes(connection, [way.outcome for way in ways])
                kept += ways
    return Collected(archetype, counts, len(kept), examine(Experience.joined([way.rows for way in kept])))


def _rounds(
    connection: psycopg.Connection[tuple[object, ...]], who: str, archetype: str, scenario: str, count: int
) -> Iterator[list[Way]]:
    """Rounds of matches until there are so many rows; the last one is cut to fit, at random among its ways."""
    play = play_scripts if who == "scripts" else play_stock
    left = count
    while left:
        episodes = new_episodes(connection, MATCHES)
        connection.commit()
        ways = play(archetype, scenario, episodes)
        np.random.default_rng(episodes[0]).shuffle(ways)
        chosen = []
        for way in ways:
            if not left:
                break
            chosen.append(way.cut(left))
            left -= len(chosen[-1].rows)
        yield chosen


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    command = argparse.ArgumentParser(
        prog="python -m scripts.collect_initial_data", description=__doc__, allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    which = command.add_mutually_exclusive_group(required=True)
    which.add_argument("--all", action="store_true", help="all archetypes")
    which.add_argument("--archetype", action="append", choices=ARCHETYPES, help="one; more than once if you like")
    command.add_argument("--samples-per-archetype", type=int, default=10_000, metavar="N", help="default 10000")
    command.add_argument("--scenario", default=USUAL, help=f"default {USUAL}")
    command.add_argument(
        "--scripted", type=float, default=SCRIPTED,
        help=f"the share that scripts play (default {SCRIPTED}): {', '.join(STYLES)}; the stock AI plays the rest",
    )  # fmt: skip
    command.add_argument("--url", help="the database (default: MLMONSTER_DATABASE_URL, else the embedded one)")
    return command


def main(words: Sequence[str] | None = None) -> int:
    """Collect, and tell what it is worth; 2 where that cannot be done."""
    given = parser().parse_args(words)
    console = Console(width=None if sys.stdout.isatty() else 120, emoji=False, highlight=False, markup=False)
    try:
        if given.samples_per_archetype < 1:
            raise ValueError(f"--samples-per-archetype is {given.samples_per_archetype}, expected at least 1")
        if not 0 <= given.scripted <= 1:
            raise ValueError(f"--scripted is {given.scripted}, expected 0 to 1")
        with Store(given.url) as database:
            migrate(database)
            table = Table("archetype", "stock AI", "scripts", "ways", "quality", "because", title=database.told)
            for archetype in dict.fromkeys(ARCHETYPES if given.all else given.archetype):
                done = collect(database, archetype, given.samples_per_archetype, given.scenario, given.scripted)
                rows = [f"{done.rows[who]:,}" for who in ("stock AI", "scripts")]
                reasons = "; ".join(done.quality.reasons) or "nothing is wrong"
                table.add_row(archetype, *rows, f"{done.ways:,}", f"{done.quality.score:.2f}", reasons)
        console.print(table)
    except (ValueError, SchemaError, ServerError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except psycopg.Error as error:
        print(f"error: {str(error).strip() or type(error).__name__}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    end_with(main)
