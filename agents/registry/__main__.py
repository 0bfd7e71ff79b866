"""Which model is where: `python -m agents.registry list`, `show`, `register`, `promote`, `rollback`, `withdraw`,
`history`, `pin`, `gc`, `publish`, `check`.

A MODEL is an archetype and a model type, such as mage/combat_dqn; a VERSION is its number.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import psycopg
from rich.console import Console

from agents.bundle import BundleError
from agents.bundle.among import PASSED, passed_over
from agents.judge.gates import MOST_PAIRS
from agents.judge.guarded import FaultError
from agents.judge.matches import NoEvidenceError
from agents.registry import records, tables
from agents.registry.checking import check
from agents.registry.errors import NotAcceptedError, PublishError, RegistryError, UnknownVersionError
from agents.registry.judging import gates
from agents.registry.records import PRODUCTION, STAGES, ModelName, ModelSlot
from agents.registry.registry import MODELS, Registry
from agents.registry.sweeping import RECENT, sweep
from mlmonster_env.command import end_with
from mlmonster_env.scenarios import USUAL
from mlmonster_env.store import Store
from mlmonster_env.store.database import URL
from mlmonster_env.store.embedded import ServerError
from mlmonster_env.store.migrating import SchemaError

WIDE = 140  # characters of a table that no terminal shows

Run = Callable[[Registry, argparse.Namespace, Console], int]
MOST_DAYS = 36_500


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    command = argparse.ArgumentParser(
        prog="python -m agents.registry", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="The status is 0 if it was done and all is well, 1 if it was refused or something is to be done, "
        "2 if it could not be found out or done.",
    )  # fmt: skip
    parts = command.add_subparsers(dest="what", required=True)
    made = _part(parts, "list", _list, "versions, and where stages point to")
    made.add_argument("model", nargs="?", type=_model, metavar="MODEL", help="its versions, one by one")
    made = _of_model(parts, "show", _show, "all that is known of a version")
    made.add_argument("version", nargs="?", type=int, metavar="VERSION", help="by default the latest")
    made = _part(parts, "register", _register, "make bundles versions of their models")
    made.add_argument("bundles", nargs="+", type=Path, metavar="BUNDLE")
    made = _of_model(parts, "promote", _promote, "point a stage to a version, if the gates accept it")
    made.add_argument("version", nargs="?", type=int, metavar="VERSION", help="by default the latest")
    _of_move(made, needs_reason=False)
    made.add_argument("--force", action="store_true", help="ask no gate; needs a --reason")
    made.add_argument("--scenario", default=USUAL, help=f"that gates are played in (default {USUAL})")
    made.add_argument("--most-pairs", type=int, default=MOST_PAIRS, help=f"of matches at a gate (default {MOST_PAIRS})")
    made = _of_model(parts, "rollback", _rollback, "point a stage back to the version before that is known to be good")
    _of_move(made, needs_reason=True)
    made.add_argument("--to", type=int, metavar="VERSION", help="another one that is known to be good")
    made.add_argument("--leaving", type=int, metavar="VERSION", help="which one is left: refused if it is not there")
    made = _of_model(parts, "withdraw", _withdraw, "point a stage nowhere")
    _of_move(made, needs_reason=True)
    made = _part(parts, "history", _history, "everything that happened, the latest last")
    made.add_argument("model", nargs="?", type=_model, metavar="MODEL", help="to one model")
    made.add_argument("--stage", choices=STAGES, help="in one stage")
    made.add_argument("--latest", type=int, default=50, metavar="N", help="lines (default 50)")
    made = _of_model(parts, "pin", _pin, "keep a version from being deleted")
    made.add_argument("version", type=int, metavar="VERSION")
    made.add_argument("--release", action="store_true", help="keep it no longer")
    made.add_argument("--reason", help="that the history keeps")
    made = _part(parts, "gc", _gc, "delete versions that no stage needs, not known good, not pinned, and not recent")
    made.add_argument(
        "--days", type=float, default=RECENT.days, help=f"for which a version is recent (default {RECENT.days})"
    )
    made.add_argument("--dry-run", action="store_true", help="only tell which")
    _part(parts, "publish", _publish, "make the published files follow their slots again")
    _part(parts, "check", _check, "whether rows, history, bundles and published files agree")
    return command


def main(words: Sequence[str] | None = None) -> int:
    """Do what was asked for."""
    given = parser().parse_args(words)
    console = Console(width=None if sys.stdout.isatty() else WIDE, emoji=False, highlight=False, markup=False)
    try:
        with Store(given.url) as database:
            return int(given.run(Registry(database, given.models), given, console))
    except NotAcceptedError as error:
        for verdict in error.verdicts[:-1]:
            print(verdict, file=sys.stderr)
        print(f"refused: {error}", file=sys.stderr)
        return 1
    except PublishError as error:  # what was asked for may be done, and the file alone left: no refusal
        print(error, file=sys.stderr)
    except UnknownVersionError as error:
        print(f"error: {error}", file=sys.stderr)
    except (RegistryError, BundleError) as error:
        print(f"refused: {error}", file=sys.stderr)
        return 1
    except (SchemaError, ServerError, ValueError, FaultError, NoEvidenceError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
    except psycopg.Error as error:
        print(f"error: {str(error).strip() or type(error).__name__}", file=sys.stderr)
    return 2


def _list(registry: Registry, given: argparse.Namespace, console: Console) -> int:
    with registry.connect() as connection:
        versions, slots = records.versions(connection, given.model), records.slots(connection)
    if not versions:
        console.print(f"{given.model or 'the registry'} has no version")
    elif given.model:
        console.print(tables.version_table(given.model, versions, slots))
    else:
        console.print(tables.slot_table(sorted({one.name for one in versions}), slots, versions))
    return 0


def _show(registry: Registry, given: argparse.Namespace, console: Console) -> int:
    with registry.connect() as connection:
        one = records.version(connection, given.model, given.version)
        slots = [slot for slot in records.slots(connection) if slot.name == one.name]
        scores = records.scores(connection, one.content_hash)
    console.print(tables.facts_table(one, slots, str(records.folder_of(one, registry.models))))
    console.print(tables.score_table(scores) if scores else "no scores of this content")
    return 0


def _register(registry: Registry, given: argparse.Namespace, console: Console) -> int:
    status, passed = 0, passed_over(given.bundles)
    for path in given.bundles:
        if path in passed:
            console.print(f"{path}: {PASSED}", soft_wrap=True)
            continue
        try:
            console.print(f"{path}: {registry.register(path)}", soft_wrap=True)
        except BundleError as error:
            status = max(status, 1)
            print(f"refused: {error}", file=sys.stderr)
        except OSError as error:  # the others are registered all the same
            status = 2
            print(f"error: {path}: {error}", file=sys.stderr)
    return status


def _promote(registry: Registry, given: argparse.Namespace, console: Console) -> int:
    if given.most_pairs < 1:
        raise ValueError(f"--most-pairs is {given.most_pairs}, expected at least 1")
    slot = registry.promote(
        given.model, given.version, given.stage, force=given.force, reason=given.reason, epoch=given.epoch,
        judge=gates(given.scenario, given.most_pairs),
    )  # fmt: skip
    return _moved(slot, console)


def _rollback(registry: Registry, given: argparse.Namespace, console: Console) -> int:
    slot = registry.rollback(
        given.model, given.reason, given.stage, to=given.to, leaving=given.leaving, epoch=given.epoch
    )
    return _moved(slot, console)


def _withdraw(registry: Registry, given: argparse.Namespace, console: Console) -> int:
    return _moved(registry.withdraw(given.model, given.reason, given.stage, epoch=given.epoch), console)


def _history(registry: Registry, given: argparse.Namespace, console: Console) -> int:
    if given.latest < 1:
        raise ValueError(f"--latest is {given.latest}, expected at least 1")
    with registry.connect() as connection:
        lines = records.history(connection, given.model, stage=given.stage, latest=given.latest)
    console.print(tables.history_table(lines) if lines else "nothing happened")
    return 0


def _pin(registry: Registry, given: argparse.Namespace, console: Console) -> int:
    one = registry.pin(given.model, given.version, pinned=not given.release, reason=given.reason)
    console.print(f"{one} is {'pinned' if one.pinned else 'not pinned'}")
    return 0


def _gc(registry: Registry, given: argparse.Namespace, console: Console) -> int:
    if not 0 <= given.days <= MOST_DAYS:
        raise ValueError(f"--days is {given.days:g}, expected 0 to {MOST_DAYS}")
    found = sweep(registry, timedelta(days=given.days), only_look=given.dry_run)
    for one in found.versions:
        console.print(f"{one} {'would be' if given.dry_run else 'is'} deleted", soft_wrap=True)
    for folder in found.folders:
        console.print(f"{folder} is gone", soft_wrap=True)
    for told in found.failed:
        print(f"error: {told}", file=sys.stderr)
    if not (found.versions or found.folders or found.failed):
        console.print("there is nothing to delete")
    return 2 if found.failed else 0


def _publish(registry: Registry, given: argparse.Namespace, console: Console) -> int:
    changed = registry.publish()
    for told in changed:
        console.print(told, soft_wrap=True)
    if not changed:
        console.print("published files follow their slots already")
    return 0


def _check(registry: Registry, given: argparse.Namespace, console: Console) -> int:
    found = check(registry)
    console.print(tables.broken_table(found) if found else "all is well")
    return 1 if found else 0


def _moved(slot: ModelSlot, console: Console) -> int:
    console.print(f"{slot} {slot.where} (move {slot.epoch})")
    return 0


def _part(
    parts: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, run: Run, told: str
) -> argparse.ArgumentParser:
    made = parts.add_parser(name, help=told, description=told)
    made.set_defaults(run=run)
    made.add_argument("--url", help=f"the database (default: {URL}, else the embedded one)")
    made.add_argument("--models", type=Path, default=MODELS, metavar="FOLDER", help=f"of bundles (default {MODELS})")
    return made


def _of_model(
    parts: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, run: Run, told: str
) -> argparse.ArgumentParser:
    made = _part(parts, name, run, told)
    made.add_argument("model", type=_model, metavar="MODEL", help="such as mage/combat_dqn")
    return made


def _of_move(made: argparse.ArgumentParser, *, needs_reason: bool) -> None:
    made.add_argument("--stage", choices=STAGES, default=PRODUCTION, help=f"default {PRODUCTION}")
    made.add_argument("--reason", required=needs_reason, help="that the history keeps")
    made.add_argument("--epoch", type=int, metavar="N", help="moves that the slot has made: refused if it made others")


def _model(text: str) -> ModelName:
    try:
        return ModelName.of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


if __name__ == "__main__":
    end_with(main)
