"""Killed at any numbered step, raced, or out of room: what is promised holds, and the same command goes through."""

import os
import resource
import signal
import threading
from collections.abc import Callable
from datetime import timedelta

import pytest

from agents import steps
from agents.bundle import BundleError
from agents.bundle.manifest import FILES, MODEL
from agents.bundle.reading import read, verify
from agents.bundle.writing import write
from agents.registry import ModelSlot, PublishError, Registry, SlotMovedError, check, checking, records, sweep
from agents.registry import published as view
from agents.registry.published import published
from tests.agents.exports import exported
from tests.agents.registry.bundles import NAME, accepting, flip, make_bundle

NOTHING = 0  # the status of a child that came to its end
FAILED = 3


def in_a_child(action: Callable[[], object], before: Callable[[], object] = lambda: None) -> int:
    """What becomes of a process that does something: minus the signal that ended it, or its status."""
    child = os.fork()
    if child == 0:
        status = FAILED
        try:
            before()
            action()
            status = NOTHING
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def killed_at(number: int) -> Callable[[], None]:
    """Makes a process kill itself after so many steps."""

    def prepare() -> None:
        passed: list[str] = []

        def heard(name: str) -> None:
            passed.append(name)
            if len(passed) == number:
                os.kill(os.getpid(), signal.SIGKILL)

        steps.listeners.append(heard)

    return prepare


def steps_of(action: Callable[[], object]) -> list[str]:
    """The names of the steps that something takes."""
    passed: list[str] = []
    steps.listeners.append(passed.append)
    try:
        action()
    finally:
        steps.listeners.remove(passed.append)
    return passed


def holds(registry: Registry) -> bool:
    """Whether all is well, after a publisher was run again at most."""
    broken = check(registry)
    assert {one.about for one in broken} <= {"published view"}
    registry.publish()
    return check(registry) == []


def move(registry: Registry, number: int, how: str = "promote") -> ModelSlot:
    if how == "promote":
        return registry.promote(NAME, number, judge=accepting)
    return registry.promote(NAME, number, force=True, reason="a test")


def pointed(registry: Registry) -> int | None:
    with registry.connect() as connection:
        return records.slot(connection, NAME, "production").version


def test_an_export_killed_at_any_step_is_whole_or_not_there(tmp_path):
    source = read(exported("combat_dqn"))
    contents = {name: (source.path / name).read_bytes() for name in FILES}
    taken = steps_of(lambda: write(tmp_path / "whole", source.manifest, contents))
    assert [name.split()[1] for name in taken] == ["1", *["2", "3"] * 5, "4", "5", "6", "7"]
    for number, name in enumerate(taken, start=1):
        out = tmp_path / str(number)
        assert in_a_child(lambda: write(out, source.manifest, contents), killed_at(number)) == -signal.SIGKILL, name  # noqa: B023
        there = [path for path in out.iterdir() if path.is_dir() and not path.name.startswith(".")]
        assert len(there) == (name.split()[1] in "67"), name
        for path in there:
            verify(path)
        verify(write(out, source.manifest, contents))
        assert sorted(path.name for path in out.iterdir()) == [".writing.lock", source.name]


def test_registering_killed_at_any_step_can_be_repeated(registry, tmp_path):
    taken = steps_of(lambda: registry.register(make_bundle(tmp_path, 0)))
    ours = [name for name in taken if name.startswith("register")]
    assert [name.split()[1] for name in ours] == ["1", "2", "3", "4"]
    source = make_bundle(tmp_path, 1)
    for number in range(1, 100):
        status = in_a_child(lambda: registry.register(source), killed_at(number))
        assert holds(registry)
        if status == NOTHING:
            break
        assert status == -signal.SIGKILL
    else:
        pytest.fail("there is no end to the steps")
    assert number > 4
    assert registry.register(source).version == 2
    assert holds(registry)


@pytest.mark.parametrize("how", ["promote", pytest.param("force", marks=pytest.mark.slow)])
def test_promoting_killed_at_any_step_can_be_repeated(registry, register, how):
    register(1), register(2)
    move(registry, 1)
    taken = steps_of(lambda: move(registry, 2, how))
    assert {f"{how} 3 moved", f"{how} 5 committed", "publish 2 written", "publish 4 renamed"} <= set(taken)
    for number, name in enumerate(taken, start=1):
        target = 1 + number % 2
        move(registry, 3 - target)
        before = pointed(registry)
        assert in_a_child(lambda: move(registry, target, how), killed_at(number)) == -signal.SIGKILL, name  # noqa: B023
        committed = name.split()[1] == "5" or name.startswith("publish")
        assert pointed(registry) == (target if committed else before), name
        assert holds(registry), name
        move(registry, target, how)
        assert pointed(registry) == target and check(registry) == [], name


def test_publishing_killed_at_any_step_can_be_repeated(registry, register):
    register(1), register(2)
    move(registry, 1)
    path = published(registry.models, NAME)
    one = path.read_bytes()
    path.unlink()
    taken = steps_of(registry.publish)
    assert [name.split()[1] for name in taken] == ["1", "2", "3", "4", "5"]
    for number, name in enumerate(taken, start=1):
        flip(path)
        spoilt = path.read_bytes()
        assert in_a_child(registry.publish, killed_at(number)) == -signal.SIGKILL, name
        assert path.read_bytes() == (one if number > 3 else spoilt), name  # never half of it
        assert holds(registry), name
        assert sorted(entry.name for entry in path.parent.iterdir()) == [path.name], name


@pytest.mark.parametrize("how", ["rollback", "withdraw"])
def test_taking_back_killed_at_any_step_can_be_repeated(registry, register, how):
    register(1), register(2)

    def take_back() -> object:
        if how == "rollback":
            return registry.rollback(NAME, "a test", leaving=2)
        return registry.withdraw(NAME, "a test")

    move(registry, 1), move(registry, 2)
    taken = steps_of(take_back)
    for number, name in enumerate(taken, start=1):
        move(registry, 1), move(registry, 2)
        assert in_a_child(take_back, killed_at(number)) == -signal.SIGKILL, name
        assert holds(registry), name
        take_back()
        assert pointed(registry) == (1 if how == "rollback" else None), name
        assert check(registry) == [], name


def test_deleting_killed_at_any_step_can_be_repeated(registry, register):
    def delete() -> object:
        return sweep(registry, timedelta(0))

    register(1)
    for number in range(1, len(steps_of(delete)) + 1):
        one = register(number + 1)
        assert in_a_child(delete, killed_at(number)) == -signal.SIGKILL
        assert holds(registry)
        delete()
        assert not (registry.models / one.content_hash).exists() and holds(registry)
        make_bundle(registry.models, 0)  # sweeps what a killed one had put out of sight
        assert not list(registry.models.glob(".*.writing"))


def in_a_thread_within(name: str, action: Callable[[], object]) -> threading.Thread:
    """Does something beside whoever comes to a step first, who waits a moment for it there."""
    thread = threading.Thread(target=action)

    def heard(step: str) -> None:
        if step == name and thread.ident is None:
            thread.start()
            thread.join(1.0)

    steps.listeners.append(heard)
    return thread


def test_who_exports_while_bundles_are_deleted_is_not_in_the_way(registry, register):
    gone = [registry.models / register(number).content_hash for number in (1, 2)]
    thread = in_a_thread_within("gc 2 out of sight", lambda: make_bundle(registry.models, 3))
    try:
        assert sorted(sweep(registry, timedelta(0)).folders) == sorted(gone)
    finally:
        steps.listeners.pop()
    thread.join()
    assert sorted(path.name[:8] for path in registry.models.iterdir()) == sorted(
        [".writing", make_bundle(registry.models, 3).name[:8]]
    )


def test_a_check_is_not_misled_by_what_happens_while_bundles_are_read(registry, register, monkeypatch):
    register(1), register(2)
    spare = registry.models / register(3).content_hash
    move(registry, 1)
    deleting = threading.Thread(target=lambda: sweep(registry, timedelta(0)))

    def reading(path, name):
        if deleting.ident is None:
            move(registry, 2)
            deleting.start()
            deleting.join(1.0)
        return read(path, name)

    monkeypatch.setattr(checking, "read", reading)
    assert check(registry) == []
    deleting.join()
    assert not spare.exists()


def test_a_version_that_comes_into_production_while_slots_are_read_breaks_no_other_publisher(
    registry, register, monkeypatch
):
    """It is published by who moved it."""
    register(1)

    def moving(reading):
        def read_and_move(*given):
            found = reading(*given)
            monkeypatch.undo()
            register(2)
            move(registry, 2)
            return found

        return read_and_move

    with registry.connect() as connection:
        for name in ("versions", "slots"):
            monkeypatch.setattr(view, name, moving(getattr(records, name)))
        assert view.in_production(connection) == {}
        assert [one.version for one in view.in_production(connection).values()] == [2]


def test_of_promoters_who_race_one_wins_and_the_others_are_told(registry, register):
    for number in (1, 2, 3, 4):
        register(number)
    move(registry, 1)
    gathered = threading.Barrier(3)
    told: dict[int, object] = {}

    def judge(*given):
        gathered.wait()
        return accepting(*given)

    def promote(number: int) -> None:
        try:
            told[number] = registry.promote(NAME, number, judge=judge)
        except SlotMovedError as error:
            told[number] = error

    threads = [threading.Thread(target=promote, args=[number]) for number in (2, 3, 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    losers = [one for one in told.values() if isinstance(one, SlotMovedError)]
    winner = [number for number, one in told.items() if not isinstance(one, SlotMovedError)]
    assert len(losers) == 2 and winner == [pointed(registry)]
    assert all("somebody else was faster, nothing was changed" in str(error) for error in losers)
    assert check(registry) == []


def test_of_processes_that_race_for_an_empty_slot_one_wins(registry, register):
    """Each looked before any moved; who comes second is refused by the slot's count of moves."""
    for number in (1, 2, 3):
        register(number)
    ready, go = os.pipe(), os.pipe()

    def promote(number: int) -> int:
        def judge(*given):
            os.write(ready[1], b".")
            os.read(go[0], 1)
            return accepting(*given)

        child = os.fork()
        if child == 0:
            status = FAILED
            try:
                registry.promote(NAME, number, judge=judge)
                status = NOTHING
            except SlotMovedError:
                status = 1
            finally:
                os._exit(status)
        return child

    children = [promote(number) for number in (1, 2, 3)]
    for _ in children:
        os.read(ready[0], 1)
    os.write(go[1], b"...")
    statuses = sorted(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children)
    for end in (*ready, *go):
        os.close(end)
    assert statuses == [NOTHING, 1, 1]
    assert check(registry) == []


def test_of_those_who_register_the_same_at_once_all_get_the_same(registry, tmp_path):
    bundle = make_bundle(tmp_path, 1)
    found = []
    threads = [threading.Thread(target=lambda: found.append(registry.register(bundle))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.version for one in found] == [1] * 4 and check(registry) == []


def no_room() -> None:
    """The system refuses this process any file of more than a kilobyte, as a full disk would."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))


def test_without_room_nothing_is_half_there(registry, register, tmp_path):
    source = make_bundle(tmp_path, 1)

    def register_without_room() -> None:
        with pytest.raises(OSError, match="File too large"):
            registry.register(source)

    assert in_a_child(register_without_room, no_room) == NOTHING
    assert check(registry) == [] and not (registry.models / source.name).exists()
    registry.register(source), register(2)
    move(registry, 1)
    path = published(registry.models, NAME)
    before = path.read_bytes()

    def promote_without_room() -> None:
        with pytest.raises(PublishError, match=r"does not follow its slot: .*File too large.*registry publish"):
            move(registry, 2)

    assert in_a_child(promote_without_room, no_room) == NOTHING
    assert pointed(registry) == 2 and path.read_bytes() == before
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    assert holds(registry)


def test_a_damaged_bundle_is_not_published(registry, register):
    one = register(1)
    move(registry, 1)
    path = published(registry.models, NAME)
    path.unlink()
    flip(registry.models / one.content_hash / MODEL)
    with pytest.raises(PublishError, match="wrong hash"):
        registry.publish()
    assert not path.exists()
    flip(registry.models / one.content_hash / MODEL)
    assert holds(registry)


def test_a_server_that_goes_while_it_moves_leaves_the_slot(registry, register):
    """The connection is cut before the commit."""
    register(1), register(2)
    move(registry, 1)

    def cut(name: str) -> None:
        if name == "promote 4 told":
            with registry.database.connect(autocommit=True) as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )

    steps.listeners.append(cut)
    try:
        with pytest.raises(Exception, match=r"terminat|closed|lost"):
            move(registry, 2)
    finally:
        steps.listeners.remove(cut)
    assert pointed(registry) == 1 and check(registry) == []
    move(registry, 2)
    assert check(registry) == []


def test_what_lies_damaged_in_the_way_of_a_copy_is_told(registry, tmp_path):
    source = make_bundle(tmp_path, 1)
    flip(make_bundle(registry.models, 1) / MODEL)
    with pytest.raises(BundleError, match=r"remove .* and export again"):
        registry.register(source)
