"""Whether everything that the registry promises holds: rows, history, bundles and published files."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from agents.bundle import BundleError
from agents.bundle.reading import read
from agents.registry import records
from agents.registry.published import in_production, is_published, published
from agents.registry.records import EVERY_NAME, PRODUCTION, Connection, HistoryLine, ModelName, ModelSlot
from agents.registry.registry import KEEPING, Registry

SLOT, HISTORY, BUNDLE, VIEW = "slot", "history", "bundle", "published view"
PUBLISH = "run python -m agents.registry publish"
EXPORT = "bring the bundle back, or export the same run again; meanwhile roll back"
RESTORE = "restore the database from a backup: only something other than the registry can have done this"


@dataclass(frozen=True)
class Broken:
    """A promise that does not hold."""

    about: str
    told: str
    remedy: str


def check(registry: Registry) -> list[Broken]:
    """Everything that does not hold; empty if all is well."""
    with registry.connect() as connection:
        connection.execute("SELECT pg_advisory_lock_shared(%s)", [KEEPING])  # no bundle is deleted meanwhile
        connection.execute("SET default_transaction_isolation TO 'repeatable read'")
        with connection.transaction():
            found = [*_slots(connection), *_versions(connection)]
            bundles = list(_bundles(connection, registry))
        view = list(_view(connection, registry))  # slots as they are now: bundles take long, and some may have moved
    return [*found, *bundles, *view]


def _slots(connection: Connection) -> Iterator[Broken]:
    """Each slot is where the last line of its history says, and lines follow each other without a gap."""
    lines: defaultdict[tuple[ModelName, str], list[HistoryLine]] = defaultdict(list)
    for line in records.history(connection):
        if line.stage is not None:
            lines[ModelName(line.archetype, line.model_type), line.stage].append(line)
    now = {(slot.name, slot.stage): slot for slot in records.slots(connection)}
    for key in sorted({*lines, *now}):
        where = f"{key[0]} {key[1]}"
        yield from _chain(where, lines[key])
        yield from _end(where, lines[key], now.get(key))


def _chain(where: str, lines: list[HistoryLine]) -> Iterator[Broken]:
    before: int | None = None
    for number, line in enumerate(lines, start=1):
        if line.epoch != number:
            yield Broken(HISTORY, f"{where}: line {line.id} tells of move {line.epoch}, expected {number}", RESTORE)
        if line.from_version != before:
            told = f"line {line.id} moves from version {line.from_version}, expected {before}"
            yield Broken(HISTORY, f"{where}: {told}", RESTORE)
        before = line.to_version


def _end(where: str, lines: list[HistoryLine], slot: ModelSlot | None) -> Iterator[Broken]:
    last = lines[-1] if lines else None
    expected = (last.to_version, last.from_version, last.epoch) if last and last.to_version is not None else None
    found = (slot.version, slot.previous, slot.epoch) if slot else None
    if found != expected:
        told = f"{where} is at (version, previous, move) {found}, and its history ends at {expected}"
        yield Broken(SLOT, told, RESTORE)


def _versions(connection: Connection) -> Iterator[Broken]:
    """What was registered and not deleted is there; what production slots point to is active, and nothing else."""
    told: set[tuple[ModelName, int]] = set()
    pinned: set[tuple[ModelName, int]] = set()
    for line in records.history(connection):
        name = ModelName(line.archetype, line.model_type)
        if line.action == "register" and line.to_version is not None:
            told.add((name, line.to_version))
        elif line.action == "delete" and line.from_version is not None:
            told.discard((name, line.from_version))
        elif line.action in ("pin", "unpin") and line.to_version is not None:
            (pinned.add if line.action == "pin" else pinned.discard)((name, line.to_version))
    known = {(one.name, one.version): one for one in records.versions(connection)}
    for name, number in sorted(told ^ known.keys()):
        was = "is there" if (name, number) in known else "is not there"
        yield Broken(HISTORY, f"{name} version {number} {was}, and the history says otherwise", RESTORE)
    for key in sorted(known.keys() & told):
        if known[key].pinned != (key in pinned):
            yield Broken(HISTORY, f"{known[key]} is pinned or not, and the history says otherwise", RESTORE)
    active = {key for key, one in known.items() if one.active}
    pointed = {(slot.name, slot.version) for slot in records.slots(connection, PRODUCTION)}
    for name, version in active ^ pointed:
        is_so = "active, and not in production" if (name, version) in active else "in production, and not active"
        yield Broken(SLOT, f"{name} version {version} is {is_so}", RESTORE)


def _bundles(connection: Connection, registry: Registry) -> Iterator[Broken]:
    """Every version's files are there, and are what they were."""
    for one in records.versions(connection):
        if (home := records.home_elsewhere(one, registry.models)) is not None:
            yield Broken(BUNDLE, f"{one} belongs in {home}, not in {registry.models}", f"run it with --models {home}")
        try:
            found = read(records.folder_of(one, registry.models), one.content_hash).manifest
        except (BundleError, OSError) as error:
            yield Broken(BUNDLE, f"{one}: {error}", EXPORT)
            continue
        if (found.model.archetype, found.model.model_type) != one.name:
            told = f"{one} has the bundle of a {found.model.archetype}/{found.model.model_type}"
            yield Broken(BUNDLE, told, RESTORE)


def _view(connection: Connection, registry: Registry) -> Iterator[Broken]:
    """Published files are those that production slots point to, and no others."""
    chosen = in_production(connection)
    for name in EVERY_NAME:
        path, one = published(registry.models, name), chosen.get(name)
        if one is None and path.exists():
            yield Broken(VIEW, f"{path} is there, and no version is in production", PUBLISH)
        if one is not None and not is_published(path, one):
            yield Broken(VIEW, f"{path} is not version {one.version}, which is in production", PUBLISH)
