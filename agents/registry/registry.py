"""The registry: what is registered never changes, and nothing moves without a line in the history."""

import getpass
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from psycopg.types.json import Jsonb

from agents.bundle import BundleError, verify
from agents.bundle.manifest import FILES, MANIFEST, MODEL
from agents.bundle.reading import Bundle, read
from agents.bundle.writing import write
from agents.judge.gates import GateVerdict
from agents.judge.sequential import ACCEPT
from agents.registry import published, records
from agents.registry.errors import NotAcceptedError, PublishError, RegistryError, SlotMovedError, UnknownVersionError
from agents.registry.judging import Judge, gates, told
from agents.registry.moving import Cause, move, tell
from agents.registry.records import EVERY_NAME, PRODUCTION, Connection, ModelName, ModelSlot, ModelVersion
from agents.steps import step
from mlmonster_env.store import Store
from mlmonster_env.store.migrating import check_schema

MODELS = Path("models")
KEEPING = 0x6D6C7267  # the server's lock that keeps bundles where they are: shared by all but who deletes


class Registry:
    """Versions, slots and history in a store, bundles and their published view below a folder."""

    def __init__(self, database: Store, models: str | Path = MODELS, actor: str | None = None) -> None:
        self.database = database
        self.models = Path(models).resolve()
        self.actor = actor or _user()

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """A connection on which every statement is a transaction of its own."""
        with self.database.connect(autocommit=True) as connection:
            check_schema(connection)
            yield connection

    def register(self, bundle: str | Path) -> ModelVersion:
        """A version of a bundle, which is checked, and copied to the others if it lies elsewhere.

        The same content is the same version, however often it is registered.
        """
        found = verify(bundle)
        name = ModelName(found.manifest.model.archetype, found.manifest.model.model_type)
        step("register 1 verified")
        with self.connect() as connection:
            connection.execute("SELECT pg_advisory_lock_shared(%s)", [KEEPING])
            folder = self._kept(found)
            step("register 2 kept")
            with connection.transaction():
                records.lock(connection, name)
                known = [one for one in records.versions(connection, name) if one.content_hash == found.name]
                if known:
                    return known[0]
                made = _insert(connection, name, found, folder)
                evidence = {"content_hash": found.name, "bundle": str(folder)}
                tell(connection, name, Cause("register", self.actor, None, evidence), to=made)
                step("register 3 told")
            step("register 4 committed")
            return records.version(connection, name, made)

    def promote(
        self, name: ModelName, version: int | None = None, stage: str = PRODUCTION, *, force: bool = False,
        reason: str | None = None, epoch: int | None = None, judge: Judge | None = None,
    ) -> ModelSlot:  # fmt: skip
        """Point a slot to a version, by default the latest, if the gates accept it; with `force` and a reason unasked.

        `epoch` is the slot's as it was looked at, by default as it is now. Where the slot points to that version
        already, nothing moves. The production slot is published afterwards.
        """
        if force:
            reason = _reason(reason, "promoting by force")
        elif reason is not None:
            _keepable(reason)
        with self.connect() as connection:
            seen = self._seen(connection, name, stage, epoch)
            one = records.version(connection, name, version)
            if seen.version == one.version:
                self._publish(connection, seen)
                return seen
            replaced = None if seen.version is None else records.version(connection, name, seen.version)
        verify(records.folder_of(one, self.models))
        if replaced is not None and not force:
            self._check_can_be_met(replaced)
        step("promote 1 verified")
        verdicts = () if force else self._judged(one, replaced, judge or gates())
        step("promote 2 judged")
        evidence = {
            "content_hash": one.content_hash,
            "replaced": replaced and replaced.content_hash,
            "gates": told(verdicts),
        }
        cause = Cause("force" if force else "promote", self.actor, reason, evidence)
        # Whoever served until a better one came was good; whoever passed the gates is, too.
        proven = [seen.version] if force else [seen.version, one.version]
        return self._move(seen, one, cause, {number: True for number in proven if stage == PRODUCTION})

    def rollback(
        self, name: ModelName, reason: str, stage: str = PRODUCTION, *, to: int | None = None,
        leaving: int | None = None, epoch: int | None = None,
    ) -> ModelSlot:  # fmt: skip
        """Point a slot back to the last version before that is known to be good, or to another such one.

        What is left is known good no longer. Who says which version he is `leaving` may repeat that.
        """
        reason = _reason(reason, "rolling back")
        with self.connect() as connection:
            seen = self._seen(connection, name, stage, epoch)
            if leaving is not None and seen.version != leaving:
                if to in (None, seen.version) and self._has_left(connection, seen, leaving):
                    self._publish(connection, seen)
                    return seen
                raise RegistryError(f"{seen} {seen.where}, expected {leaving} to roll back from")
            one = self._good(connection, seen, to)
            versions = records.versions(connection, name)
        try:
            read(records.folder_of(one, self.models), one.content_hash)
        except BundleError as error:
            others = [str(other.version) for other in versions if other.known_good]
            others = [number for number in others if number not in (str(one.version), str(seen.version))]
            instead = f"roll back --to {' or '.join(others)}, or withdraw" if others else "promote another, or withdraw"
            raise BundleError(error.name, f"{error.told}; {one} cannot be rolled back to, {instead}") from error
        step("rollback 1 verified")
        cause = Cause("rollback", self.actor, reason, {"content_hash": one.content_hash})
        return self._move(seen, one, cause, {seen.version: False} if stage == PRODUCTION else {})

    def withdraw(self, name: ModelName, reason: str, stage: str = PRODUCTION, *, epoch: int | None = None) -> ModelSlot:
        """Point a slot nowhere; what it pointed to is known good no longer."""
        reason = _reason(reason, "withdrawing")
        with self.connect() as connection:
            seen = self._seen(connection, name, stage, epoch)
            if seen.version is None:
                if published.published(self.models, name).exists():
                    self._publish(connection, seen)
                return seen
        cause = Cause("withdraw", self.actor, reason)
        return self._move(seen, None, cause, {seen.version: False} if stage == PRODUCTION else {})

    def pin(
        self, name: ModelName, version: int, *, pinned: bool = True, reason: str | None = None
    ) -> ModelVersion:  # fmt: skip
        """Keep a version from being deleted, or no longer."""
        if reason is not None:
            _keepable(reason)
        with self.connect() as connection:
            with connection.transaction():
                records.lock(connection, name)
                one = records.version(connection, name, version)
                if one.pinned != pinned:
                    _set(connection, one.name, one.version, "pinned", pinned)
                    cause = Cause("pin" if pinned else "unpin", self.actor, reason)
                    tell(connection, name, cause, to=version)
            return records.version(connection, name, version)

    def publish(self, names: Sequence[ModelName] = EVERY_NAME) -> list[str]:
        """Make the published view what the production slots say; what was changed.

        RegistryError, after all others are done, where one points to a bundle whose view is in another folder; where
        all of them do, nothing is touched.
        """
        with self.connect() as connection:
            chosen = [one for name, one in published.in_production(connection).items() if name in names]
            away = [one for one in chosen if records.home_elsewhere(one, self.models) is not None]
            if away and len(away) == len(chosen):
                raise RegistryError(self._belongs_elsewhere(away[0]))
            others = [name for name in names if name not in {one.name for one in away}]
            done = published.publish(connection, self.models, others)
        if away:
            raise RegistryError(f"the others follow their slots, but {self._belongs_elsewhere(away[0])}")
        return done

    def _kept(self, bundle: Bundle) -> Path:
        """Where a bundle lies among the others, after it was copied there if need be."""
        folder = self.models / bundle.name
        if bundle.path.resolve() != folder:
            told = (bundle.path / MANIFEST).read_bytes()
            write(self.models, told, {part: (bundle.path / part).read_bytes() for part in FILES})
        read(folder)
        return folder

    def _check_can_be_met(self, replaced: ModelVersion) -> None:
        """BundleError, before anything is played, where gates could not let a candidate meet who is in its place."""
        try:
            read(records.folder_of(replaced, self.models), replaced.content_hash)
        except BundleError as error:
            told = (
                f"{replaced} cannot be met at the gates; bring its bundle back, or promote with --force and a --reason"
            )
            raise BundleError(error.name, f"{error.told}; {told}") from error

    def _judged(self, one: ModelVersion, replaced: ModelVersion | None, judge: Judge) -> Sequence[GateVerdict]:
        """What the gates say, kept as scores of the content; NotAcceptedError unless they accept."""
        folder = records.folder_of(one, self.models)
        before = None if replaced is None else records.folder_of(replaced, self.models)
        verdicts = judge(folder, before, one.archetype)
        with self.connect() as connection, connection.transaction():
            for verdict, entry in zip(verdicts, told(verdicts), strict=True):
                if verdict.gate == "all" or verdict.void or not verdict.pairs:
                    continue
                evidence = {**entry, "previous": replaced and replaced.content_hash}
                add_score(connection, one.content_hash, f"wins against {verdict.gate}", verdict.win_rate, evidence)
                if verdict.gate == "stock":
                    _set(connection, one.name, one.version, "performance_score", verdict.win_rate)
        if verdicts[-1].verdict != ACCEPT:
            raise NotAcceptedError(f"{one} was not promoted: {verdicts[-1]}", verdicts)
        return verdicts

    def _move(
        self, seen: ModelSlot, to: ModelVersion | None, cause: Cause, proven: Mapping[int | None, bool]
    ) -> ModelSlot:
        """Move, note who is known to be good, and publish; `proven` by version."""
        with self.connect() as connection:
            with connection.transaction():
                records.lock(connection, seen.name)
                if to is not None:
                    records.version(connection, seen.name, to.version)  # it may have been deleted meanwhile
                    if records.home_elsewhere(to, self.models) is not None:
                        raise RegistryError(self._belongs_elsewhere(to, seen.version))
                    read(records.folder_of(to, self.models), to.content_hash)
                now = move(connection, seen, None if to is None else to.version, cause)
                for number, good in proven.items():
                    if number is not None:
                        _set(connection, seen.name, number, "known_good", good)
                if cause.action == "rollback":
                    _log_rollback(connection, seen, now, cause)
            step(f"{cause.action} 5 committed")
            self._publish(connection, now)
        return now

    def _publish(self, connection: Connection, now: ModelSlot) -> None:
        """Make the file of a slot that has moved follow it."""
        if now.stage != PRODUCTION:
            return
        try:
            published.publish(connection, self.models, [now.name])
        except PublishError as error:
            told = f"{now} {now.where} now (move {now.epoch}), and the published file does not follow yet"
            raise PublishError(f"{told}: {error}") from error

    def _seen(self, connection: Connection, name: ModelName, stage: str, epoch: int | None) -> ModelSlot:
        """The slot as it was looked at: its move is refused later if it has moved since.

        It is refused at once where what it points to is published in another folder, for that file would stay.
        """
        found = records.slot(connection, name, stage)
        if epoch is not None and epoch != found.epoch:
            raise SlotMovedError(f"{found} has moved {found.epoch} times, expected {epoch}; look again")
        if found.version is not None:
            one = records.version(connection, name, found.version)
            if records.home_elsewhere(one, self.models) is not None:
                raise RegistryError(self._belongs_elsewhere(one))
        return found

    def _belongs_elsewhere(self, one: ModelVersion, left: int | None = None) -> str:
        """What is wrong with a version of another folder; a slot that points to what is `left` here is emptied here."""
        home = records.home_elsewhere(one, self.models)
        first = "" if left is None else f"withdraw version {left} first, then "
        return (
            f"the bundle of {one} belongs in {home}, and what is published of it too, expected {self.models}; "
            f"{first}run this with --models {home}"
        )

    def _has_left(self, connection: Connection, seen: ModelSlot, leaving: int) -> bool:
        last = records.history(connection, seen.name, stage=seen.stage, latest=1)
        return bool(last) and (last[0].action, last[0].from_version) == ("rollback", leaving)

    def _good(self, connection: Connection, seen: ModelSlot, to: int | None) -> ModelVersion:
        """The version that a rollback goes to."""
        known = {one.version: one for one in records.versions(connection, seen.name)}
        if to is not None:
            one = records.version(connection, seen.name, to)
            if not one.known_good or to == seen.version:
                good = [str(one.version) for one in known.values() if one.known_good and one.version != seen.version]
                raise RegistryError(f"{one} cannot be rolled back to, expected one of {', '.join(good) or 'none'}")
            return one
        for line in reversed(records.history(connection, seen.name, stage=seen.stage)):
            before = known.get(line.to_version or 0)
            if before is not None and before.known_good and before.version != seen.version:
                return before
        raise UnknownVersionError(
            f"{seen} had no version before that is known to be good; promote another, or withdraw"
        )


def add_score(
    connection: Connection, content_hash: str, measure: str, score: float, evidence: Mapping[str, Any]
) -> None:
    """Note what a content was measured to be worth."""
    connection.execute(
        "INSERT INTO ml_model_scores (content_hash, measure, score, evidence) VALUES (%s, %s, %s, %s)",
        [content_hash, measure, score, Jsonb(dict(evidence))],
    )


def _insert(connection: Connection, name: ModelName, bundle: Bundle, folder: Path) -> int:
    """A new version's row; numbers of deleted versions are not given again."""
    made = connection.execute(
        "INSERT INTO ml_model_versions (archetype, model_type, version, content_hash, onnx_path, bundle_path, size, "
        "precision, manifest, validation_metric) SELECT %(archetype)s, %(model_type)s, 1 + greatest("
        "(SELECT coalesce(max(version), 0) FROM ml_model_versions "
        " WHERE (archetype, model_type) = (%(archetype)s, %(model_type)s)), "
        "(SELECT coalesce(max(to_version), 0) FROM ml_model_history "
        " WHERE (archetype, model_type) = (%(archetype)s, %(model_type)s))), "
        "%(hash)s, %(onnx)s, %(folder)s, %(size)s, %(precision)s, %(manifest)s, %(metric)s RETURNING version",
        {
            **name._asdict(), "hash": bundle.name, "onnx": str(folder / MODEL), "folder": str(folder),
            "size": bundle.manifest.model.size, "precision": bundle.manifest.precision,
            "manifest": Jsonb(bundle.manifest.model_dump(mode="json")), "metric": bundle.parity.outcomes.found,
        },
    ).fetchone()  # fmt: skip
    assert made is not None
    return int(made[0])


def _set(connection: Connection, name: ModelName, version: int, column: str, value: bool | float) -> None:
    query = f"UPDATE ml_model_versions SET {column} = %s WHERE (archetype, model_type, version) = (%s, %s, %s)"
    connection.execute(query.encode(), [value, *name, version])


def _log_rollback(connection: Connection, seen: ModelSlot, now: ModelSlot, cause: Cause) -> None:
    """Where operators look for rollbacks."""
    connection.execute(
        "INSERT INTO ml_continuous_training_log (archetype, model_type, training_start, training_end, rollback, "
        "from_version, to_version, reason, evidence) VALUES (%s, %s, now(), now(), true, %s, %s, %s, %s)",
        [*seen.name, seen.version, now.version, cause.reason, Jsonb({"stage": now.stage, "epoch": now.epoch})],
    )


def _user() -> str:
    """Who this is; some containers have users without names."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


def _reason(reason: str | None, what: str) -> str:
    if reason is None or not reason.strip():
        raise ValueError(f"{what} without a reason, expected one that the history can keep")
    return _keepable(reason.strip())


def _keepable(reason: str) -> str:
    """A reason as it is; ValueError if the database could not keep it, which would come out after the gates alone."""
    if "\0" in reason or any("\ud800" <= letter <= "\udfff" for letter in reason):
        raise ValueError(f"the reason is {reason!r}, expected text in UTF-8 without zero bytes")
    return reason
