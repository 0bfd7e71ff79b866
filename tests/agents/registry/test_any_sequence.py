"""Whatever is done in whatever order, slots, versions, history, bundles and the published view agree with a model of
them that knows only what it was told."""

import shutil
import tempfile
from collections import defaultdict
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from agents.registry import (
    STAGES,
    NotAcceptedError,
    Registry,
    RegistryError,
    SlotMovedError,
    check,
    records,
    sweep,
)
from tests.agents.registry.bundles import NAME, accepting, make_bundle, rejecting

BUNDLES = 5
NUMBERS = st.integers(1, BUNDLES + 3)
PLACES = st.sampled_from(STAGES)
REASON = "a test"
STEPS = 20


class Machine(RuleBasedStateMachine):
    """The registry beside a model of it."""

    database: object
    home: Path
    to_register: list[Path]

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(dir=self.home))
        self.registry = Registry(self.database, self.folder, actor="tester")  # type: ignore[arg-type]
        with self.registry.connect() as connection:
            self.first = len(records.history(connection))
        self.contents: dict[int, str] = {}  # by version
        self.past: defaultdict[str, list[int | None]] = defaultdict(list)  # where slots pointed to, by stage
        self.good: set[int] = set()
        self.pinned: set[int] = set()
        self.given = 0  # versions so far
        self.lines = 0
        self.is_published = True

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    def at(self, stage: str) -> int | None:
        return self.past[stage][-1] if self.past[stage] else None

    @rule(number=st.integers(0, BUNDLES - 1))
    def register(self, number: int) -> None:
        bundle = self.to_register[number]
        one = self.registry.register(bundle)
        if bundle.name not in self.contents.values():
            self.given += 1
            self.lines += 1
            self.contents[self.given] = bundle.name
        assert self.contents[one.version] == bundle.name

    @rule(number=NUMBERS, stage=PLACES, accepted=st.booleans(), force=st.booleans())
    def promote(self, number: int, stage: str, accepted: bool, force: bool) -> None:
        was = self.at(stage)
        allowed = number in self.contents and (accepted or force or was == number)
        try:
            judge = accepting if accepted else rejecting
            slot = self.registry.promote(NAME, number, stage, force=force, reason=REASON, judge=judge)
        except RegistryError as error:
            assert not allowed
            assert isinstance(error, NotAcceptedError) == (number in self.contents)
            return
        assert allowed and slot.version == number
        if was != number:
            self.moved(stage, number)
            if stage == "production":
                self.good |= {was} - {None}  # type: ignore[arg-type]
                if not force:
                    self.good.add(number)
        elif stage == "production":
            self.is_published = True

    @rule(stage=PLACES)
    def rollback(self, stage: str) -> None:
        was = self.at(stage)
        past = [one for one in reversed(self.past[stage]) if one in self.good and one != was]
        try:
            slot = self.registry.rollback(NAME, REASON, stage)
        except RegistryError:
            assert not past
            return
        assert slot.version == past[0]
        self.moved(stage, past[0])
        if stage == "production":
            self.good.discard(was)

    @rule(stage=PLACES)
    def withdraw(self, stage: str) -> None:
        was = self.at(stage)
        self.registry.withdraw(NAME, REASON, stage)
        if was is not None:
            self.moved(stage, None)
            if stage == "production":
                self.good.discard(was)

    @rule(stage=PLACES, number=NUMBERS, behind=st.integers(1, 2))
    def who_looked_too_early_is_refused(self, stage: str, number: int, behind: int) -> None:
        with pytest.raises(SlotMovedError):
            self.registry.promote(NAME, number, stage, force=True, reason=REASON, epoch=len(self.past[stage]) - behind)

    @precondition(lambda self: self.contents)
    @rule(choice=st.randoms(use_true_random=False), pinned=st.booleans())
    def pin(self, choice, pinned: bool) -> None:
        number = choice.choice(sorted(self.contents))
        self.lines += pinned != (number in self.pinned)
        (self.pinned.add if pinned else self.pinned.discard)(number)
        assert self.registry.pin(NAME, number, pinned=pinned).pinned == pinned

    @rule()
    def delete(self) -> None:
        pointed = {self.at(stage) for stage in STAGES}
        came = {self.past[stage][-2] for stage in STAGES if len(self.past[stage]) > 1 and self.at(stage) is not None}
        spare = set(self.contents) - self.good - self.pinned - pointed - came
        assert {one.version for one in sweep(self.registry, timedelta(0)).versions} == spare
        for number in spare:
            assert not (self.folder / self.contents.pop(number)).exists()
            self.lines += 1

    @rule()
    def lose_the_published_files(self) -> None:
        shutil.rmtree(self.folder / "production", ignore_errors=True)
        self.is_published = self.at("production") is None

    @rule()
    def publish(self) -> None:
        self.registry.publish()
        self.is_published = True

    def moved(self, stage: str, to: int | None) -> None:
        self.past[stage].append(to)
        self.lines += 1
        if stage == "production":
            self.is_published = True

    @invariant()
    def all_agree(self) -> None:
        assert [one.about for one in check(self.registry)] == ([] if self.is_published else ["published view"])
        with self.registry.connect() as connection:
            versions = {one.version: one for one in records.versions(connection)}
            slots = {slot.stage: (slot.version, slot.epoch) for slot in records.slots(connection)}
            history = records.history(connection)
        assert {number: one.content_hash for number, one in versions.items()} == self.contents
        assert {number for number, one in versions.items() if one.known_good} == self.good
        assert {number for number, one in versions.items() if one.pinned} == self.pinned
        assert {number for number, one in versions.items() if one.active} == {self.at("production")} - {None}
        expected = {stage: (self.at(stage), len(self.past[stage])) for stage in STAGES}
        assert slots == {stage: place for stage, place in expected.items() if place[0] is not None}
        assert len(history) == self.first + self.lines
        for stage in STAGES:
            assert [line.to_version for line in history if line.stage == stage] == self.past[stage]


@pytest.mark.parametrize("sequences", [5, pytest.param(60, marks=pytest.mark.slow)])
def test_any_sequence_keeps_history_and_pointers_consistent(make_database, template, tmp_path, sequences):
    """Each sequence has a database of its own, for a history cannot be emptied."""
    made = [make_bundle(tmp_path, number) for number in range(BUNDLES)]

    class Sequence(Machine):
        to_register = made
        home = tmp_path

        def __init__(self) -> None:
            self.database = make_database(template)
            super().__init__()

    run_state_machine_as_test(Sequence, settings=settings(max_examples=sequences, stateful_step_count=STEPS))
