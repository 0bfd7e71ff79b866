"""Versions never change, slots move one at a time, and the history keeps why."""

import hashlib
import json
import shutil
import time
from dataclasses import replace
from datetime import timedelta

import pytest

from agents.bundle import BundleError
from agents.bundle.manifest import MANIFEST, MODEL
from agents.judge.gates import GateVerdict
from agents.judge.matches import Void
from agents.judge.sequential import REJECT
from agents.registry import (
    NotAcceptedError,
    Registry,
    RegistryError,
    SlotMovedError,
    UnknownVersionError,
    check,
    records,
    sweep,
    sweeping,
)
from agents.registry.published import published
from tests.agents.exports import exported
from tests.agents.registry.bundles import NAME, accepting, flip, make_bundle, rejecting
from tests.store.test_operations import ask

COARSE_S = 0.05  # files' times come from a clock that is some milliseconds behind


def view(registry):
    return published(registry.models, NAME)


def lines(registry, **asked):
    with registry.connect() as connection:
        return records.history(connection, NAME, **asked)


def version(registry, number):
    with registry.connect() as connection:
        return records.version(connection, NAME, number)


def force(registry, number, stage="production"):
    return registry.promote(NAME, number, stage, force=True, reason="a test")


def test_a_bundle_becomes_a_version_once(registry, tmp_path):
    bundle = make_bundle(tmp_path / "elsewhere", 1)
    one = registry.register(bundle)
    assert (one.version, one.content_hash, one.name) == (1, bundle.name, NAME)
    assert one.onnx_path == str(registry.models / bundle.name / MODEL)
    assert (registry.models / bundle.name / MODEL).read_bytes() == (bundle / MODEL).read_bytes()
    assert registry.register(bundle) == registry.register(registry.models / bundle.name) == one
    assert registry.register(make_bundle(registry.models, 2)).version == 2
    assert [(line.action, line.to_version) for line in lines(registry)] == [("register", 1), ("register", 2)]
    assert check(registry) == []


def test_gates_are_asked_and_what_they_say_is_kept(registry, register):
    register(1)
    one = version(registry, 1)
    with pytest.raises(NotAcceptedError, match="random: weak") as refused:
        registry.promote(NAME, 1, judge=rejecting)
    assert [verdict.gate for verdict in refused.value.verdicts] == ["random", "all"]
    assert not view(registry).exists()
    slot = registry.promote(NAME, 1, reason="strong", judge=accepting)
    assert (slot.version, slot.previous, slot.epoch) == (1, None, 1)
    (line,) = lines(registry, stage="production")
    assert (line.action, line.reason, line.actor) == ("promote", "strong", "tester")
    assert [gate["verdict"] for gate in line.evidence["gates"]] == ["accept"] * 3
    assert line.evidence["content_hash"] == one.content_hash
    with registry.connect() as connection:
        told = [(score.measure, score.score) for score in records.scores(connection, one.content_hash)]
    assert told == [("wins against random", 0.4), ("wins against random", 0.95), ("wins against stock", 0.7)]
    now = version(registry, 1)
    assert now.active and now.known_good and now.performance_score == 0.7
    assert view(registry).read_bytes() == (registry.models / one.content_hash / MODEL).read_bytes()
    assert check(registry) == []


def test_a_gate_that_broke_off_is_no_score(registry, register):
    register(1)
    void = (Void((7,), 0, "it broke"),)

    def judge(candidate, previous, archetype):
        found = GateVerdict("stock", REJECT, "a match is void: it broke", 0.6, 50, void)
        return [found, replace(found, gate="all")]

    with pytest.raises(NotAcceptedError, match="it broke"):
        registry.promote(NAME, 1, judge=judge)
    assert version(registry, 1).performance_score is None
    with registry.connect() as connection:
        assert records.scores(connection, version(registry, 1).content_hash) == []


def test_the_gates_meet_who_is_in_that_place(registry, register):
    register(1), register(2)
    force(registry, 1)
    asked = []

    def judge(*given):
        asked.append(given)
        return accepting(*given)

    registry.promote(NAME, judge=judge)
    ((candidate, previous, archetype),) = asked
    assert (candidate.name, previous.name, archetype) == (
        version(registry, 2).content_hash, version(registry, 1).content_hash, "mage",
    )  # fmt: skip


def test_force_needs_a_reason_and_leaves_it(registry, register):
    register(1)
    for reason in (None, "", "  "):
        with pytest.raises(ValueError, match="without a reason"):
            registry.promote(NAME, 1, force=True, reason=reason)
    force(registry, 1)
    (line,) = lines(registry, stage="production")
    assert (line.action, line.reason, line.evidence["gates"]) == ("force", "a test", [])
    assert not version(registry, 1).known_good


def test_promoting_what_is_there_moves_nothing_and_publishes(registry, register):
    register(1)
    slot = force(registry, 1)
    view(registry).unlink()
    assert force(registry, 1) == slot and view(registry).exists()
    assert len(lines(registry, stage="production")) == 1


def test_a_rollback_goes_to_who_was_good_before(registry, register, own_connection):
    for number in (1, 2, 3):
        register(number)
        force(registry, number)
    with pytest.raises(ValueError, match="without a reason"):
        registry.rollback(NAME, "")
    slot = registry.rollback(NAME, "it stands still", leaving=3)
    assert (slot.version, slot.previous, slot.epoch) == (2, 3, 4)
    assert registry.rollback(NAME, "it stands still", leaving=3) == slot  # may be repeated
    with pytest.raises(RegistryError, match="expected 1 to roll back from"):
        registry.rollback(NAME, "it stands still", leaving=1)
    assert not version(registry, 3).known_good
    assert registry.rollback(NAME, "this one too").version == 1
    with pytest.raises(UnknownVersionError, match="no version before that is known to be good"):
        registry.rollback(NAME, "and this one")
    logged = ask(own_connection, "SELECT * FROM ml_continuous_training_log WHERE rollback")
    assert [(row["from_version"], row["to_version"], row["reason"]) for row in logged] == [
        (2, 1, "this one too"), (3, 2, "it stands still"),
    ]  # fmt: skip
    (active,) = ask(own_connection, "WHERE active = TRUE")
    assert (active["version"], active["onnx_path"]) == (1, version(registry, 1).onnx_path)
    assert check(registry) == []


def test_who_left_a_version_for_another_one_is_not_told_that_it_is_done(registry, register):
    for number in (1, 2, 3):
        register(number)
        force(registry, number)
    slot = registry.rollback(NAME, "it stands still", leaving=3)
    with pytest.raises(RegistryError, match="production points to version 2, expected 3 to roll back from"):
        registry.rollback(NAME, "it stands still", to=1, leaving=3)
    assert registry.rollback(NAME, "it stands still", to=2, leaving=3) == slot
    registry.withdraw(NAME, "it stands still too")
    with pytest.raises(RegistryError, match="production points nowhere, expected 3 to roll back from"):
        registry.rollback(NAME, "it stands still", leaving=3)


def test_a_rollback_may_name_a_version_that_is_good(registry, register):
    for number in (1, 2, 3):
        register(number)
        force(registry, number)
    register(4)
    with pytest.raises(RegistryError, match="version 4 cannot be rolled back to, expected one of 1, 2"):
        registry.rollback(NAME, "broken", to=4)
    assert registry.rollback(NAME, "broken", to=1).version == 1


def test_a_withdrawn_slot_counts_on(registry, register):
    register(1)
    force(registry, 1)
    assert registry.withdraw(NAME, "broken").version is None
    assert not view(registry).exists() and not version(registry, 1).active
    assert registry.withdraw(NAME, "broken").epoch == 2
    assert force(registry, 1).epoch == 3
    assert [line.epoch for line in lines(registry, stage="production")] == [1, 2, 3]
    assert check(registry) == []


def test_stages_are_apart_and_only_production_is_published(registry, register):
    register(1)
    force(registry, 1, "staging")
    assert not view(registry).exists() and not version(registry, 1).active
    with pytest.raises(ValueError, match="the stage is 'live', expected"):
        force(registry, 1, "live")
    with pytest.raises(UnknownVersionError, match="has no version 7, expected one of 1"):
        force(registry, 7)


def test_who_looked_too_early_is_told(registry, register):
    register(1), register(2)
    force(registry, 1)
    with pytest.raises(SlotMovedError, match="has moved 1 times, expected 0"):
        registry.promote(NAME, 2, force=True, reason="a test", epoch=0)

    def overtaken(*given):
        force(registry, 2)
        return accepting(*given)

    register(3)
    with pytest.raises(SlotMovedError, match="points to version 2 since its move 2, and was to move on from 1"):
        registry.promote(NAME, 3, judge=overtaken)
    assert check(registry) == []


def test_a_flipped_byte_is_refused(registry, register, tmp_path):
    register(1)
    spoilt = make_bundle(tmp_path / "elsewhere", 2)
    flip(spoilt / MODEL)
    with pytest.raises(BundleError, match="wrong hash"):
        registry.register(spoilt)
    one = version(registry, 1)
    flip(registry.models / one.content_hash / MODEL)
    for judge in (accepting, None):
        with pytest.raises(BundleError, match="wrong hash"):
            registry.promote(NAME, 1, force=judge is None, reason="a test", judge=judge)
    assert lines(registry, stage="production") == []
    assert [broken.about for broken in check(registry)] == ["bundle"]


def test_a_rollback_to_what_is_damaged_says_where_else_to_go(registry, register):
    for number in (1, 2, 3):
        register(number)
        registry.promote(NAME, number, judge=accepting)
    flip(registry.models / version(registry, 2).content_hash / MODEL)
    with pytest.raises(BundleError, match=r"version 2 cannot be rolled back to, roll back --to 1, or withdraw"):
        registry.rollback(NAME, "it stands still")
    assert registry.rollback(NAME, "it stands still", to=1).version == 1


@pytest.mark.parametrize(
    ("lose", "told"), [(shutil.rmtree, "no bundle"), (lambda path: flip(path / MODEL), "wrong hash")]
)
def test_before_gates_play_it_is_told_that_who_is_in_the_place_is_lost(registry, register, lose, told):
    one = register(1)
    register(2)
    force(registry, 1)
    lose(registry.models / one.content_hash)

    def playing(*given):
        pytest.fail("the gates were asked")

    with pytest.raises(BundleError, match=rf"{told}: .*version 1 cannot be met at the gates; .* with --force"):
        registry.promote(NAME, 2, judge=playing)
    assert force(registry, 2).version == 2


def test_a_byte_that_flips_while_gates_are_asked_is_refused(registry, register):
    one = register(1)

    def spoiling(*given):
        flip(registry.models / one.content_hash / MODEL)
        return accepting(*given)

    with pytest.raises(BundleError, match="wrong hash"):
        registry.promote(NAME, 1, judge=spoiling)
    assert lines(registry, stage="production") == []


@pytest.mark.parametrize("change", [flip, lambda path: path.unlink()])
def test_a_published_file_that_is_another_is_found_and_repaired(registry, register, change):
    register(1)
    force(registry, 1)
    change(view(registry))
    assert [(broken.about, "publish" in broken.remedy) for broken in check(registry)] == [("published view", True)]
    assert registry.publish() == [f"{view(registry)} is version 1"]
    assert check(registry) == [] and registry.publish() == []


def test_only_what_nobody_needs_is_deleted(registry, register):
    made = {number: register(number) for number in range(1, 7)}
    force(registry, 1), force(registry, 2), force(registry, 3, "staging")
    registry.pin(NAME, 4, reason="for a comparison")
    assert sweep(registry).versions == []  # all are recent
    assert [one.version for one in sweep(registry, timedelta(0), only_look=True).versions] == [5, 6]
    found = sweep(registry, timedelta(0))
    assert [one.version for one in found.versions] == [5, 6]
    assert {folder.name for folder in found.folders} == {made[5].content_hash, made[6].content_hash}
    assert not (registry.models / made[5].content_hash).exists() and (registry.models / made[4].content_hash).exists()
    assert check(registry) == []
    assert register(7).version == 7  # numbers are not given twice
    assert register(5).version == 8
    registry.pin(NAME, 4, pinned=False)
    assert [one.version for one in sweep(registry, timedelta(0)).versions] == [4, 7, 8]
    assert [line.action for line in lines(registry)].count("delete") == 5
    assert check(registry) == []


def test_what_is_made_again_after_it_was_deleted_is_not_swept(registry, register):
    one = register(1)
    sweep(registry, timedelta(0))
    made = make_bundle(registry.models, 1)
    assert made.name == one.content_hash
    assert sweep(registry, timedelta(0)).folders == [] and made.exists()


def test_what_is_made_again_before_it_was_taken_away_is_not_swept(registry, register):
    in_the_way = registry.models / f".{register(1).content_hash}.writing"
    in_the_way.write_text("no folder")
    assert len(sweep(registry, timedelta(0)).failed) == 1
    in_the_way.unlink()
    time.sleep(COARSE_S)
    made = make_bundle(registry.models, 1)
    assert sweep(registry).folders == [] and made.exists()
    assert registry.register(made).version == 2


def test_what_is_made_again_just_when_it_is_to_be_taken_away_is_not_swept(registry, register, monkeypatch):
    look = sweeping._left

    def then_export(*args):
        found = look(*args)
        time.sleep(COARSE_S)
        make_bundle(registry.models, 1)
        return found

    register(1), register(2)
    monkeypatch.setattr(sweeping, "_left", then_export)
    found = sweep(registry, timedelta(0))
    made = make_bundle(registry.models, 1)
    assert len(found.versions) == 2 and len(found.folders) == 1 and made not in found.folders and found.failed == []
    assert registry.register(made).version == 3


def test_what_was_brought_back_after_it_was_deleted_is_not_swept(registry, register, tmp_path):
    """From a backup, which keeps the time at which it was written."""
    folder = registry.models / register(1).content_hash
    backup = shutil.copytree(folder, tmp_path / "backup")
    sweep(registry, timedelta(0))
    shutil.copytree(backup, folder)
    assert sweep(registry).folders == [] and folder.exists()
    assert registry.register(folder).version == 2


def test_what_cannot_be_taken_away_keeps_nothing_else_from_being_deleted(registry, register):
    one, other = register(1), register(2)
    in_the_way = registry.models / f".{one.content_hash}.writing"
    in_the_way.write_text("no folder")
    found = sweep(registry, timedelta(0))
    assert [made.version for made in found.versions] == [1, 2]
    assert found.folders == [registry.models / other.content_hash]
    assert len(found.failed) == 1 and str(registry.models / one.content_hash) in found.failed[0]
    in_the_way.unlink()
    assert sweep(registry, timedelta(0)).folders == [registry.models / one.content_hash]


def test_what_could_not_be_taken_away_when_it_was_out_of_sight_goes_the_next_time(registry, register, monkeypatch):
    def denied(path: object) -> None:
        raise PermissionError(f"Permission denied: {path}")

    register(1)
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", denied)
        for _ in range(2):
            assert "Permission denied" in sweep(registry, timedelta(0)).failed[0]
    assert len(sweep(registry).folders) == 1
    assert [path.name for path in registry.models.iterdir()] == [".writing.lock"]
    assert sweep(registry).folders == []


def test_what_was_left_of_the_same_content_is_not_in_the_way_of_its_deletion(registry, register):
    """By a deletion that was killed, before the bundle was brought back."""
    folder = registry.models / register(1).content_hash
    shutil.copytree(folder, folder.with_name(f".{folder.name}.writing"))
    assert sweep(registry, timedelta(0)).folders == [folder]
    assert [path.name for path in registry.models.iterdir()] == [".writing.lock"]


def test_a_manifest_that_is_written_otherwise_is_copied_as_it_is(registry, tmp_path):
    source = make_bundle(tmp_path, 1)
    text = json.dumps(json.loads((source / MANIFEST).read_text())).encode()
    (source / MANIFEST).write_bytes(text)
    source = source.rename(source.with_name(hashlib.sha256(text).hexdigest()))
    one = registry.register(source)
    assert one.content_hash == source.name
    assert [path.name for path in registry.models.iterdir() if path.is_dir()] == [source.name]
    assert check(registry) == []


def test_bundles_that_were_moved_with_their_folder_are_found(registry, register, tmp_path):
    register(1)
    registry.models = registry.models.rename(tmp_path / "moved")
    force(registry, 1)
    assert check(registry) == []


def test_a_version_whose_bundle_is_lost_is_withdrawn_from_its_own_folder_alone(registry, register, tmp_path):
    one = register(1)
    force(registry, 1)
    shutil.rmtree(registry.models / one.content_hash)
    away = Registry(registry.database, tmp_path / "elsewhere")
    with pytest.raises(RegistryError, match=f"run this with --models {registry.models}"):
        away.withdraw(NAME, "a test")
    assert view(registry).exists()
    assert registry.withdraw(NAME, "a test").version is None
    assert not view(registry).exists()


def test_a_slot_goes_from_one_folder_to_another_by_way_of_nowhere(registry, register, tmp_path):
    register(1)
    force(registry, 1)
    other = Registry(registry.database, tmp_path / "other", actor="tester")
    other.register(make_bundle(other.models, 2))
    with pytest.raises(
        RegistryError, match=f"version 1 belongs in {registry.models}, .* with --models {registry.models}"
    ):
        force(other, 2)
    with pytest.raises(RegistryError, match=f"version 2 belongs in {other.models}, .*; withdraw version 1 first"):
        force(registry, 2)
    assert registry.withdraw(NAME, "it moves").version is None
    assert force(other, 2).version == 2
    assert view(other).exists() and not view(registry).exists()


def test_files_of_this_folder_are_published_where_others_are_of_another(registry, register, tmp_path):
    register(1)
    force(registry, 1)
    other = Registry(registry.database, tmp_path / "other", actor="tester")
    threat = other.register(exported("threat_assessment"))
    other.promote(threat.name, 1, force=True, reason="a test")
    view(registry).unlink()
    with pytest.raises(RegistryError, match=f"the others follow their slots, but .* with --models {other.models}"):
        registry.publish()
    assert view(registry).exists() and not published(registry.models, threat.name).exists()
    with pytest.raises(RegistryError, match=f"the others follow their slots, but .* with --models {registry.models}"):
        other.publish()
    assert not view(other).exists() and published(other.models, threat.name).exists()


def test_withdrawing_again_publishes_again(registry, register):
    """The first may have been killed before, or had no room."""
    register(1)
    force(registry, 1)
    served = view(registry).read_bytes()
    registry.withdraw(NAME, "a test")
    view(registry).write_bytes(served)
    assert registry.withdraw(NAME, "a test").epoch == 2
    assert not view(registry).exists() and check(registry) == []


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE ml_model_versions SET active = true", "active, and not in production"),
        ("UPDATE ml_model_versions SET pinned = true", "is pinned or not, and the history says otherwise"),
        ("DELETE FROM ml_model_versions", "version 1 is not there, and the history says otherwise"),
        (
            "INSERT INTO ml_model_history (archetype, model_type, action, stage, to_version, epoch) "
            "VALUES ('mage', 'combat_dqn', 'promote', 'staging', 1, 2)",
            "tells of move 2, expected 1",
        ),
    ],
)
def test_what_others_did_to_the_tables_is_found(registry, register, own_connection, statement, told):
    register(1)
    own_connection.execute(statement)
    assert any(told in broken.told for broken in check(registry))
