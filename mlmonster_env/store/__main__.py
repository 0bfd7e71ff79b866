"""Look after the store: `python -m mlmonster_env.store status`, `migrate`, `maintain`, `doctor`."""

import argparse
import sys
from collections.abc import Callable, Sequence

import psycopg
from rich.console import Console
from rich.table import Table

from mlmonster_env.command import end_with
from mlmonster_env.store.database import URL, Store
from mlmonster_env.store.doctor import examine
from mlmonster_env.store.embedded import ServerError
from mlmonster_env.store.maintaining import maintain
from mlmonster_env.store.migrating import SchemaError, migrate
from mlmonster_env.store.overview import look

LOCKED = "something reads what is to be dropped, and did not stop in time: try again"


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    command = argparse.ArgumentParser(
        prog="python -m mlmonster_env.store",
        description=__doc__,
        epilog="The status is 0 if all is well, 1 if something is to be done, 2 if it could not be found out or done.",
    )
    commands = command.add_subparsers(dest="what", required=True)
    for name, (_, told) in COMMANDS.items():
        one = commands.add_parser(name, help=told, description=told)
        one.add_argument("--url", help=f"the database (default: {URL}, else the embedded one)")
    return command


def main(words: Sequence[str] | None = None) -> int:
    """Do what was asked for."""
    given = parser().parse_args(words)
    console = Console(width=None if sys.stdout.isatty() else 120, emoji=False, highlight=False, markup=False)
    try:
        with Store(given.url) as database:
            return COMMANDS[given.what][0](database, console)
    except (SchemaError, ServerError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
    except psycopg.errors.LockNotAvailable:
        print(f"error: {LOCKED}", file=sys.stderr)
    except psycopg.Error as error:
        print(f"error: {str(error).strip() or type(error).__name__}", file=sys.stderr)
    return 2


def _status(database: Store, console: Console) -> int:
    found = look(database)
    console.print(f"{found.where}: {found.server}")
    if not found.is_up_to_date:
        console.print(f"the schema has {found.migrations} of {found.known} migrations: run migrate")
        return 1
    console.print(f"the schema is up to date ({found.known} migrations), {found.days}")
    tables = Table("table", "rows, about", "MB", title="what is kept")
    for column in tables.columns[1:]:
        column.justify = "right"
    for name, rows, size in found.tables:
        tables.add_row(name, f"{rows:,}", f"{size / 1e6:,.1f}")
    console.print(tables)
    recent = Table("archetype", "model type", "rows", "latest (UTC)", title="experience of the last hour")
    for archetype, model_type, count, latest in found.recent:
        recent.add_row(archetype, model_type, f"{count:,}", f"{latest:%Y-%m-%d %H:%M:%S}")
    console.print(recent if found.recent else "no experience in the last hour")
    return 0


def _migrate(database: Store, console: Console) -> int:
    done = migrate(database)
    for step in done:
        console.print(f"applied {step.number} {step.name}")
    console.print(f"{database.told}: {'the schema is now' if done else 'the schema was already'} up to date")
    return 0


def _maintain(database: Store, console: Console) -> int:
    done = maintain(database)
    for what, partitions in (("made", done.made), ("dropped", done.dropped)):
        for partition in partitions:
            console.print(f"{what} {partition.name}")
    for partition, why in done.lacking.items():
        console.print(f"could not make {partition.name}: {why}")
    console.print(
        f"{len(done.made)} days made, {len(done.dropped)} dropped, {done.requests} old requests deleted"
        + (f", {done.renumbered} rows of another server put in order" if done.renumbered else "")
    )
    return 1 if done.lacking else 0


def _doctor(database: Store, console: Console) -> int:
    findings = examine(database)
    table = Table("about", "", "found", "what to do", title=database.told)
    for finding in findings:
        state = "well" if finding.is_well else "WRONG"
        table.add_row(finding.about, state, finding.told, "" if finding.is_well else finding.remedy)
    console.print(table)
    return 0 if all(finding.is_well for finding in findings) else 1


COMMANDS: dict[str, tuple[Callable[[Store, Console], int], str]] = {
    "status": (_status, "what the store holds"),
    "migrate": (_migrate, "bring the schema up to date"),
    "maintain": (_maintain, "make the next days' partitions and drop what is older than 30 days; once a day"),
    "doctor": (_doctor, "what is wrong, and what to do about it"),
}


if __name__ == "__main__":
    end_with(main)
