"""Checkpoints: newest first, older ones let go, damaged ones passed over, and rows of a replay written once."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.checkpoints import SEGMENTS, Checkpoints
from agents.learners.replay import Replay
from policies.storage import ARRAYS, MANIFEST, VALUES, DamagedError, read_manifest, sha256, write_tree
from tests.policies.models import pickled

SHAPES = {"state": (3,), "action_mask": (2,)}
SLOTS, CAPACITY = 2, 40


def state(number: int) -> dict[str, Any]:
    return {"learner": {"weights": np.full(3, float(number))}, "course": {"matches": number}}


def kept_in(folder: Path, keep: int = 3) -> tuple[Checkpoints, list[str]]:
    said: list[str] = []
    return Checkpoints(folder, keep, said.append), said


def damage(file: Path) -> None:
    told = bytearray(file.read_bytes())
    told[len(told) // 2] ^= 1
    file.write_bytes(told)


def segments(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / SEGMENTS).iterdir())


class Killed(BaseException):
    """The process is no more."""


class Learner:
    """As much of a learner as has a replay: what it sees at its n-th decision is told by n."""

    def __init__(self) -> None:
        self.replay = Replay(CAPACITY, SLOTS, SHAPES, n_steps=2, gamma=0.9)
        self.kept = 0

    def play(self, steps: int) -> None:
        for _ in range(steps):
            numbers = self.replay.written + np.arange(SLOTS)
            seen = {"state": numbers[:, None] + np.zeros((1, 3), np.float32), "action_mask": numbers[:, None] % (2, 3)}
            self.replay.decide(np.arange(SLOTS), seen, numbers % 2)
            self.replay.pay(numbers.astype(np.float32), numbers % 11 == 0)

    def save(self, checkpoints: Checkpoints, steps: int) -> None:
        checkpoints.write(steps, {"learner": {"own": {"replay": self.replay.state(self.kept)}}})
        self.kept = self.replay.written

    @classmethod
    def restored(cls, checkpoints: Checkpoints) -> "Learner":
        made = cls()
        made.replay.set_state(checkpoints.newest()[0]["learner"]["own"]["replay"])
        made.kept = made.replay.written
        return made

    def whole(self) -> bool:
        """Whether every row that can be drawn, and what followed, is what was seen then."""
        replay = self.replay
        rows = replay.rows_since(0)
        numbers = np.arange(max(0, replay.written - CAPACITY), replay.written)
        return bool(
            (replay.blocks["state"][rows] == numbers[:, None]).all()
            and (replay.blocks["action_mask"][rows] == numbers[:, None] % (2, 3)).all()
            and (replay.actions[rows, 0] == numbers % 2).all()
        )


def test_the_newest_comes_back(tmp_path):
    checkpoints, said = kept_in(tmp_path)
    for number in (1, 2):
        checkpoints.write(100 * number, state(number), reason="regular", machine={"device": "cpu"})
    tree, manifest = checkpoints.newest()
    assert tree["course"] == {"matches": 2} and tree["learner"]["weights"].tolist() == [2.0] * 3
    assert (manifest["steps"], manifest["reason"], manifest["machine"]) == (200, "regular", {"device": "cpu"})
    assert said == []


@pytest.mark.parametrize("keep", [1, 2, 5])
def test_older_ones_are_let_go(tmp_path, keep):
    checkpoints, _ = kept_in(tmp_path, keep)
    for number in range(1, 6):
        checkpoints.write(9 * number, state(number))
    assert [int(path.name) for path in checkpoints.all()] == [9, 18, 27, 36, 45][-keep:]


def test_they_are_in_order_of_decisions_however_many_there_were(tmp_path):
    checkpoints, _ = kept_in(tmp_path)
    for steps in (5, 1000, 20):
        checkpoints.write(steps, state(steps))
    assert [int(path.name) for path in checkpoints.all()] == [5, 20, 1000]
    assert checkpoints.newest()[1]["steps"] == 1000


@pytest.mark.parametrize("name", [ARRAYS, VALUES, MANIFEST])
@pytest.mark.parametrize("gone", [True, False], ids=["missing", "damaged"])
def test_a_damaged_one_is_named_and_the_one_before_it_used(tmp_path, name, gone):
    checkpoints, said = kept_in(tmp_path)
    paths = [checkpoints.write(100 * number, state(number)) for number in (1, 2, 3)]
    for path in paths[1:]:
        if gone:
            (path / name).unlink()
        elif name == MANIFEST:
            (path / name).write_text("{")
        else:
            damage(path / name)
    tree, manifest = checkpoints.newest()
    assert tree["course"]["matches"] == 1 and manifest["steps"] == 100
    assert len(said) == 2 and str(paths[2]) in said[0] and str(paths[1]) in said[1]
    assert all(name in line and "the checkpoint before it" in line for line in said)


def test_whatever_byte_of_a_manifest_is_damaged_what_comes_back_was_written(tmp_path):
    checkpoints, _ = kept_in(tmp_path)
    written = [read_manifest(checkpoints.write(100 * n, state(n))) for n in (1, 2)]
    file = checkpoints.all()[1] / MANIFEST
    whole = file.read_bytes()
    odd = []
    for place in range(len(whole)):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        try:
            manifest = checkpoints.newest()[1]
        except Exception as error:
            odd.append(f"{type(error).__name__}: {error}")
        else:
            if manifest not in written:
                odd.append(str(manifest))
    assert odd == []


def test_where_all_are_damaged_or_there_is_none_that_is_said(tmp_path):
    checkpoints, said = kept_in(tmp_path / "none")
    with pytest.raises(DamagedError, match=r"there is no checkpoint in .*none"):
        checkpoints.newest()
    checkpoints, said = kept_in(tmp_path / "some")
    for number in (1, 2):
        damage(checkpoints.write(number, state(number)) / ARRAYS)
    with pytest.raises(DamagedError, match="all 2 checkpoints"):
        checkpoints.newest()
    assert len(said) == 2


def test_what_breaks_off_leaves_the_one_before(tmp_path, monkeypatch):
    checkpoints, said = kept_in(tmp_path)
    checkpoints.write(100, state(1))
    with monkeypatch.context() as patch:
        patch.setattr("policies.storage.save_file", lambda *_: (_ for _ in ()).throw(OSError(28, "the disk is full")))
        with pytest.raises(OSError, match="full"):
            checkpoints.write(200, state(2))
    assert checkpoints.newest()[1]["steps"] == 100 and said == []


def test_the_only_one_is_found_again_if_a_process_was_killed_while_it_was_replaced(tmp_path, monkeypatch):
    checkpoints, said = kept_in(tmp_path, 1)
    checkpoints.write(100, state(1))
    rename = Path.rename

    def killed_after_moving(path, target):
        rename(path, target)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", killed_after_moving)
        patch.setattr(shutil, "rmtree", lambda *_, **__: None)
        with pytest.raises(Killed):
            checkpoints.write(100, state(2))
    again, said = kept_in(tmp_path, 1)
    assert [path.name for path in again.all()] == [f"{100:012d}"]
    assert again.newest()[0]["course"] == {"matches": 1} and said == []


def test_what_killed_processes_left_of_writing_is_swept_away(tmp_path):
    checkpoints, _ = kept_in(tmp_path, 2)
    written = checkpoints.write(100, state(1))
    for name in (f".{150:012d}.writing", f".{100:012d}.old", ".best.writing"):
        shutil.copytree(written, tmp_path / name)
    checkpoints.write(200, state(2))
    assert sorted(path.name for path in tmp_path.iterdir()) == [".best.writing", f"{100:012d}", f"{200:012d}"]


def test_what_is_no_checkpoint_is_left_alone(tmp_path):
    checkpoints, _ = kept_in(tmp_path, 1)
    write_tree(tmp_path / "best", {"weights": {}})
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / ".000000000100.writing").mkdir()
    for number in (1, 2, 3):
        checkpoints.write(100 * number, state(number))
    assert (tmp_path / "best").is_dir() and (tmp_path / "notes.txt").read_text() == "mine"
    assert [int(path.name) for path in checkpoints.all()] == [300]


@pytest.mark.parametrize("steps", [1, 7, 30])
def test_a_replay_comes_back_from_its_segments(tmp_path, steps):
    checkpoints, said = kept_in(tmp_path, 2)
    learner = Learner()
    for number in range(1, 7):
        learner.play(steps)
        learner.save(checkpoints, 100 * number)
        again = Learner.restored(checkpoints)
        assert again.replay.written == learner.replay.written and again.whole()
        for _ in range(3):
            assert np.array_equal(again.replay.draw(9).rows, learner.replay.draw(9).rows)
    assert said == []


def test_rows_are_written_once_and_let_go_when_they_are_overwritten(tmp_path):
    checkpoints, _ = kept_in(tmp_path, 2)
    learner = Learner()
    sizes = []
    for number in range(1, 9):
        learner.play(5)
        learner.save(checkpoints, 100 * number)
        sizes.append({name: (tmp_path / SEGMENTS / name).stat().st_size for name in segments(tmp_path)})
    assert len({max(found.values()) for found in sizes}) == 1
    assert [len(found) for found in sizes] == [1, 2, 3, 4, 5, 5, 5, 5]
    assert all(name.startswith("000000000800") for name in sizes[-1] if name not in sizes[-2])


def test_a_replay_that_did_not_grow_needs_no_segment_of_its_own(tmp_path):
    checkpoints, _ = kept_in(tmp_path)
    learner = Learner()
    learner.play(4)
    learner.save(checkpoints, 100)
    learner.save(checkpoints, 200)
    assert len(segments(tmp_path)) == 1
    assert Learner.restored(checkpoints).whole()


def test_it_goes_on_after_it_was_taken_up_again(tmp_path):
    checkpoints, _ = kept_in(tmp_path, 2)
    learner = Learner()
    for number in range(1, 4):
        learner.play(6)
        learner.save(checkpoints, 100 * number)
        learner = Learner.restored(checkpoints)
    learner.play(6)
    learner.save(checkpoints, 400)
    again = Learner.restored(checkpoints)
    assert again.whole() and again.replay.written == 4 * 6 * SLOTS


@pytest.mark.parametrize("gone", [True, False], ids=["missing", "damaged"])
def test_a_damaged_segment_is_named_and_the_checkpoint_before_it_used(tmp_path, gone):
    checkpoints, said = kept_in(tmp_path)
    learner = Learner()
    for number in (1, 2):
        learner.play(5)
        learner.save(checkpoints, 100 * number)
    last = tmp_path / SEGMENTS / segments(tmp_path)[-1]
    if gone:
        last.unlink()
    else:
        damage(last)
    again = Learner.restored(checkpoints)
    assert again.replay.written == 10 and again.whole()
    assert len(said) == 1 and last.name in said[0]


def test_rows_that_no_segment_holds_are_missed(tmp_path):
    checkpoints, said = kept_in(tmp_path)
    learner = Learner()
    for number in (1, 2):
        learner.play(5)
        learner.save(checkpoints, 100 * number)
    (tmp_path / "000000000200" / MANIFEST).write_text("{")
    learner.play(5)
    learner.save(checkpoints, 300)
    again = Learner.restored(checkpoints)
    assert again.whole(), f"{again.replay.written} decisions, said: {said}"


def test_a_pickle_in_the_place_of_a_segment_never_runs(tmp_path):
    checkpoints, said = kept_in(tmp_path)
    learner, marker = Learner(), tmp_path / "it ran"
    learner.play(5)
    learner.save(checkpoints, 100)
    file = tmp_path / SEGMENTS / segments(tmp_path)[0]
    file.write_bytes(pickled(marker))
    manifest = json.loads((tmp_path / "000000000100" / MANIFEST).read_text())
    manifest["segments"][0]["sha256"] = sha256(file)
    (tmp_path / "000000000100" / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(DamagedError):
        checkpoints.newest()
    assert said and not marker.exists()


def test_the_state_that_is_written_is_not_changed(tmp_path):
    checkpoints, _ = kept_in(tmp_path)
    learner = Learner()
    learner.play(5)
    tree = {"learner": {"own": {"replay": learner.replay.state()}}}
    checkpoints.write(100, tree)
    assert len(tree["learner"]["own"]["replay"]["fresh"]["actions"]) == 10
