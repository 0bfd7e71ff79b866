"""Trees on disk: whole or not at all, checked by hash, and never code that runs."""

import contextlib
import json
import os
import pickle
import shutil
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from policies import storage
from policies.storage import ARRAYS, MANIFEST, VALUES, DamagedError, read_manifest, read_tree, write_text, write_tree
from tests.envs.play import differences
from tests.policies.models import pickled

DTYPES = [np.bool_, np.int8, np.uint8, np.int32, np.uint32, np.int64, np.float16, np.float32, np.float64]
NAMES = st.text(st.characters(exclude_characters="/", exclude_categories=["Cs"]), max_size=8).filter(
    lambda name: name != "$array"
)
ARRAY = st.sampled_from(DTYPES).flatmap(
    lambda kind: arrays.arrays(kind, arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | ARRAY
TREES = st.dictionaries(
    NAMES, st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3)),
    max_size=4,
)  # fmt: skip
OLD: dict[str, Any] = {"weights": {"a": np.arange(6.0).reshape(2, 3)}, "steps": 3}
NEW: dict[str, Any] = {"weights": {"a": np.zeros((2, 3))}, "steps": 4}


def same(first: Any, second: Any) -> bool:
    """To the bit, and of the same kinds; NaN is itself."""
    if isinstance(first, dict):
        return (
            isinstance(second, dict) and list(first) == list(second) and all(same(first[k], second[k]) for k in first)
        )
    if isinstance(first, list):
        return isinstance(second, list) and len(first) == len(second) and all(map(same, first, second))
    if isinstance(first, np.ndarray):
        return (
            isinstance(second, np.ndarray)
            and (first.dtype, first.shape) == (second.dtype, second.shape)
            and first.tobytes() == second.tobytes()
        )
    return type(first) is type(second) and (first == second or (first != first and second != second))


@given(TREES)
def test_what_is_written_is_read(tmp_path_factory, tree):
    folder = tmp_path_factory.mktemp("trees") / "tree"
    write_tree(folder, tree)
    assert same(tree, read_tree(folder))


@pytest.mark.parametrize(
    "array",
    [
        np.array(True),
        np.array(2.5),
        np.array(7, np.int8),
        np.zeros((0,), np.float32),
        np.zeros((3, 0, 2), np.int64),
        np.array([[True, False], [False, True]]),
        np.arange(12).reshape(3, 4).T,
        np.arange(12.0)[::-2],
        np.broadcast_to(np.float32(3), (2, 2)),
    ],
    ids=lambda array: f"{array.dtype}{array.shape}",
)
def test_arrays_of_every_shape_come_back(tmp_path, array):
    write_tree(tmp_path / "tree", {"it": array, "list": [array, {"in": array}]})
    read = read_tree(tmp_path / "tree")
    for found in (read["it"], read["list"][0], read["list"][1]["in"]):
        assert differences(found, array) == []


@pytest.mark.parametrize(
    "tensor",
    [torch.tensor(3), torch.zeros(0, 2), torch.arange(6).reshape(2, 3).T, torch.ones(3, dtype=torch.float16)],
    ids=str,
)
def test_tensors_come_back_as_arrays(tmp_path, tensor):
    write_tree(tmp_path / "tree", {"it": tensor, "learnt": torch.nn.Parameter(torch.ones(2))})
    read = read_tree(tmp_path / "tree")
    assert differences(read["it"], tensor.numpy()) == []
    assert differences(read["learnt"], np.ones(2, np.float32)) == []


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_all_files_may_be_read_by_whom_the_process_lets_read(tmp_path, mask, mode):
    before = os.umask(mask)
    try:
        for _ in range(2):
            write_tree(tmp_path / "tree", OLD)
    finally:
        os.umask(before)
    assert {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "tree").iterdir()} == dict.fromkeys(
        (ARRAYS, VALUES, MANIFEST), mode
    )


def test_numbers_of_numpy_come_back_as_plain_ones(tmp_path):
    write_tree(tmp_path / "tree", {"a": np.float32(0.5), "b": np.int64(3), "c": np.bool_(True), "d": (1, 2)})
    assert same(read_tree(tmp_path / "tree"), {"a": 0.5, "b": 3, "c": True, "d": [1, 2]})


def test_what_was_written_does_not_change_with_what_it_was_made_from(tmp_path):
    own = np.arange(3)
    shared = {"one": own, "other": own[:2]}
    write_tree(tmp_path / "tree", shared)
    own[:] = 9
    assert read_tree(tmp_path / "tree")["one"].tolist() == [0, 1, 2]
    assert read_tree(tmp_path / "tree")["other"].tolist() == [0, 1]


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ({"a": {"b": object()}}, "/a/b is a object, expected arrays"),
        ({"a": [1, {2}]}, "/a/1 is a set"),
        ({"a/b": 1}, "key 'a/b' at the top"),
        ({"a": {"$array": 1}}, "key '$array' at /a"),
        ({"a": {3: 1}}, "key 3 at /a"),
        ({"a": print}, "/a is a builtin"),
    ],
)
def test_what_cannot_be_stored_is_named_and_nothing_is_left(tmp_path, tree, words):
    with pytest.raises(TypeError) as error:
        write_tree(tmp_path / "tree", tree)
    assert words in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_facts_are_read_without_the_arrays(tmp_path):
    write_tree(tmp_path / "tree", OLD, steps=12, reason="regular")
    (tmp_path / "tree" / ARRAYS).unlink()
    manifest = read_manifest(tmp_path / "tree")
    assert (manifest["steps"], manifest["reason"]) == (12, "regular")


@pytest.mark.parametrize("name", [ARRAYS, VALUES])
def test_every_damaged_byte_is_noticed_and_the_file_named(tmp_path, name):
    folder = tmp_path / "tree"
    write_tree(folder, OLD)
    file = folder / name
    whole = file.read_bytes()
    for place in range(len(whole)):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(DamagedError, match=f"{name} is damaged"):
            read_tree(folder)
    for cut in (0, 1, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:cut])
        with pytest.raises(DamagedError, match=f"{name} is damaged"):
            read_tree(folder)
    file.write_bytes(whole)
    assert same(read_tree(folder), OLD)


def test_every_damaged_byte_of_the_manifest_is_noticed(tmp_path):
    folder = tmp_path / "tree"
    write_tree(folder, OLD, steps=1200, model={"control": "combat"})
    file = folder / MANIFEST
    whole = file.read_bytes()
    told = read_manifest(folder)
    unnoticed = []
    for place in range(len(whole)):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        try:
            read_tree(folder)
            if (now := read_manifest(folder)) != told:
                unnoticed.append(now)
        except DamagedError as error:
            assert str(folder) in str(error)
    assert unnoticed == []


@pytest.mark.parametrize("name", [ARRAYS, VALUES, MANIFEST])
def test_a_missing_file_is_named(tmp_path, name):
    folder = tmp_path / "tree"
    write_tree(folder, OLD)
    (folder / name).unlink()
    with pytest.raises(DamagedError, match=f"{name} is missing"):
        read_tree(folder)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(DamagedError, match="nowhere"):
        read_tree(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is damaged"),
        ("[]", "holds no hashes"),
        ("{}", "holds no hashes"),
        ('{"sha256": 3}', "holds no hashes"),
        ('{"sha256": {}}', "format None, expected 1"),
        ('{"sha256": {}, "format": 2}', "format 2, expected 1"),
        ('{"sha256": {"../secret": "0"}, "format": 1}', ""),
        ("\x00\xff", "is damaged"),
    ],
)
def test_a_manifest_that_is_none_is_named(tmp_path, text, words):
    folder = tmp_path / "tree"
    write_tree(folder, OLD)
    (folder / MANIFEST).write_bytes(text.encode("latin-1"))
    with pytest.raises(DamagedError) as error:
        read_tree(folder)
    assert words in str(error.value) and MANIFEST in str(error.value)


CALLS = [
    ("save_file", storage, "save_file"),
    ("write_text", Path, "write_text"),
    ("fsync", os, "fsync"),
    ("rename", Path, "rename"),
]


@pytest.mark.parametrize("there", [True, False], ids=["over another", "new"])
@pytest.mark.parametrize(("name", "home", "attribute"), CALLS, ids=[call[0] for call in CALLS])
def test_a_write_that_breaks_off_leaves_what_was_there(tmp_path, monkeypatch, name, home, attribute, there):
    folder = tmp_path / "tree"
    broke = 0
    for turn in range(1, 9):
        if there:
            write_tree(folder, OLD)
        with monkeypatch.context() as patch:
            patch.setattr(home, attribute, failing_at(turn, getattr(home, attribute)))
            try:
                write_tree(folder, NEW)
                break
            except OSError as error:
                assert "disk is full" in str(error)
        broke += 1
        if there or folder.exists():
            found = read_tree(folder)
            assert same(found, OLD) or same(found, NEW), turn
        assert [path for path in tmp_path.iterdir() if path.name.endswith(".writing")] == []
    assert broke >= 1
    assert same(read_tree(folder), NEW)


def failing_at(turn: int, call: Any) -> Any:
    """The call, but for the time of that number, at which the disk is full."""
    made = 0

    def instead(*arguments: Any, **named: Any) -> Any:
        nonlocal made
        made += 1
        if made == turn:
            raise OSError(28, "the disk is full")
        return call(*arguments, **named)

    return instead


class Killed(BaseException):
    """The process is no more."""


def test_a_process_that_is_killed_while_it_puts_one_in_the_place_of_another_leaves_one_of_them(tmp_path, monkeypatch):
    folder = tmp_path / "tree"
    rename = Path.rename
    for turn in (1, 2):
        write_tree(folder, OLD)
        calls: list[Path] = []

        def dying(path, target, turn=turn, calls=calls):
            calls.append(path)
            if len(calls) == turn:
                raise Killed
            return rename(path, target)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "rename", dying)
            patch.setattr(shutil, "rmtree", lambda path, ignore_errors=False: None)
            with contextlib.suppress(Killed):
                write_tree(folder, NEW)
        found = read_tree(folder)
        assert same(found, OLD) or same(found, NEW), turn


def test_what_a_killed_write_left_behind_does_not_disturb_the_next(tmp_path):
    folder = tmp_path / "tree"
    write_tree(folder, OLD)
    for name in (".tree.writing", ".tree.old"):
        (tmp_path / name).mkdir()
        (tmp_path / name / ARRAYS).write_bytes(b"half")
    assert same(read_tree(folder), OLD)
    write_tree(folder, NEW)
    assert same(read_tree(folder), NEW)
    assert [path.name for path in tmp_path.iterdir()] == ["tree"]


@pytest.mark.parametrize("there", [True, False], ids=["beside a tree", "alone"])
def test_a_folder_that_holds_anything_else_is_left_as_it_is(tmp_path, there):
    folder = tmp_path / "work"
    if there:
        write_tree(folder, OLD)
    folder.mkdir(exist_ok=True)
    (folder / "thesis.txt").write_text("years of work")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(ValueError, match=r"work holds 'thesis\.txt', expected a new folder"):
        write_tree(folder, NEW)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["work"]


def test_a_file_where_a_folder_is_to_be_is_left_as_it_is(tmp_path):
    (tmp_path / "model").write_text("years of work")
    with pytest.raises(ValueError, match="model is a file, expected a folder"):
        write_tree(tmp_path / "model", NEW)
    assert (tmp_path / "model").read_text() == "years of work"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_an_empty_folder_or_what_is_left_of_a_tree_is_written_into(tmp_path):
    folder = tmp_path / "tree"
    folder.mkdir()
    write_tree(folder, OLD)
    (folder / ARRAYS).unlink()
    write_tree(folder, NEW)
    assert same(read_tree(folder), NEW)


def test_a_text_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "facts.json"
    write_text(path, "old")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", failing_at(1, os.fsync))
        with pytest.raises(OSError, match="full"):
            write_text(path, "new")
    assert path.read_text() == "old"
    write_text(path, "new")
    assert path.read_text() == "new"


@pytest.mark.parametrize("name", [ARRAYS, VALUES, MANIFEST])
@pytest.mark.parametrize("hashed", [True, False], ids=["with its hash", "without"])
def test_a_pickle_in_the_place_of_a_file_never_runs(tmp_path, name, hashed):
    folder, marker = tmp_path / "tree", tmp_path / "it ran"
    write_tree(folder, OLD)
    (folder / name).write_bytes(pickled(marker))
    if hashed and name != MANIFEST:
        manifest = json.loads((folder / MANIFEST).read_text())
        manifest["sha256"][name] = storage.sha256(folder / name)
        (folder / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(DamagedError):
        read_tree(folder)
    assert not marker.exists()


def test_an_array_of_objects_is_not_written(tmp_path):
    with pytest.raises(Exception, match=r"object|dtype"):
        write_tree(tmp_path / "tree", {"it": np.array([pickle, None], dtype=object)})
    assert list(tmp_path.iterdir()) == []


def beside(work: Any) -> threading.Thread:
    """Something done in another thread, which has had time to do it unless it was made to wait."""
    thread = threading.Thread(target=work)
    thread.start()
    thread.join(0.3)
    return thread


def test_who_writes_while_another_writes_waits(tmp_path, monkeypatch):
    folder = tmp_path / "tree"
    fill = storage.write_arrays
    others: list[threading.Thread] = []

    def disturbed(path, arrays):
        monkeypatch.setattr(storage, "write_arrays", fill)
        others.append(beside(lambda: write_tree(folder, NEW)))
        fill(path, arrays)

    monkeypatch.setattr(storage, "write_arrays", disturbed)
    write_tree(folder, OLD)
    others[0].join()
    assert same(read_tree(folder), NEW)
    assert [path.name for path in tmp_path.iterdir()] == ["tree"]


def test_who_reads_while_one_is_put_in_the_place_of_another_waits(tmp_path, monkeypatch):
    folder = tmp_path / "tree"
    write_tree(folder, OLD)
    rename = Path.rename
    found: list[storage.Tree] = []
    readers: list[threading.Thread] = []

    def disturbed(path, target):
        rename(path, target)
        if Path(target).name == ".tree.old":
            readers.append(beside(lambda: found.append(read_tree(folder))))

    monkeypatch.setattr(Path, "rename", disturbed)
    write_tree(folder, NEW)
    readers[0].join()
    assert len(found) == 1 and same(found[0], NEW) and same(read_tree(folder), NEW)
    assert [path.name for path in tmp_path.iterdir()] == ["tree"]


def test_what_is_put_in_the_place_of_another_while_that_is_read_is_not_called_damaged(tmp_path, monkeypatch):
    folder = tmp_path / "tree"
    write_tree(folder, OLD)
    with monkeypatch.context() as patch:

        def disturbed(path):
            patch.undo()
            write_tree(folder, NEW)
            return storage.sha256(path)

        patch.setattr(storage, "sha256", disturbed)
        assert same(read_tree(folder), NEW)


def test_a_link_stays_and_what_it_leads_to_is_written(tmp_path):
    write_tree(tmp_path / "first", OLD)
    for name in ("first", "second"):  # the second is not there yet
        (tmp_path / "current").unlink(missing_ok=True)
        (tmp_path / "current").symlink_to(tmp_path / name)
        for tree in (NEW, OLD, NEW):
            write_tree(tmp_path / "current", tree)
            assert same(read_tree(tmp_path / name), tree)
    assert (tmp_path / "current").is_symlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["current", "first", "second"]


@pytest.mark.parametrize("name", [".", "", "../here"])
def test_the_folder_where_a_program_runs_is_not_replaced(tmp_path, monkeypatch, name):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(ValueError, match="here is where the program runs, expected another folder"):
        write_tree(Path(name), NEW)


def test_facts_are_what_json_makes_of_them(tmp_path):
    write_tree(tmp_path / "tree", OLD, wins={2: 0.5, 10: 0.7}, rate=np.float32(0.5), known={True: 1, "a": 2})
    manifest = read_manifest(tmp_path / "tree")
    assert (manifest["wins"], manifest["rate"]) == ({"2": 0.5, "10": 0.7}, 0.5)
    assert same(read_tree(tmp_path / "tree"), OLD)


@pytest.mark.parametrize(
    ("facts", "error", "words"),
    [
        ({"format": 3}, ValueError, "a fact is named 'format', expected none of format, sha256, self, files"),
        ({"sha256": {}}, ValueError, "a fact is named 'sha256'"),
        ({"files": []}, ValueError, "a fact is named 'files'"),
        ({"made_by": Path("me")}, TypeError, r"a fact holds a \w*Path, expected numbers, texts, lists and mappings"),
    ],
)
def test_facts_that_could_not_be_read_again_are_named(tmp_path, facts, error, words):
    write_tree(tmp_path / "tree", OLD)
    with pytest.raises(error, match=words):
        write_tree(tmp_path / "tree", NEW, **facts)
    assert same(read_tree(tmp_path / "tree"), OLD)
    assert [path.name for path in tmp_path.iterdir()] == ["tree"]
