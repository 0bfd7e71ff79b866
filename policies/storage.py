"""Trees of arrays and plain values on disk: whole or not at all, checked by hash, and never a pickle."""

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

FORMAT = 1
ARRAYS = "arrays.safetensors"
VALUES = "values.json"
MANIFEST = "manifest.json"
OWN_FACTS = ("format", "sha256", "self", "files")  # what a manifest says of its folder, or a bundle's of its own
READS = 20  # times that a folder is read anew because another was put in its place meanwhile
Tree = dict[str, Any]


class DamagedError(Exception):
    """A file that is not what was written."""


def write_tree(folder: Path, tree: Mapping[str, Any], **facts: Any) -> None:
    """Write a tree of mappings whose leaves are arrays, tensors or what JSON can hold, in the place of `folder`.

    `facts` go into the manifest, to be read without the arrays. ValueError where `folder` holds anything else. Who
    writes there at the same time is waited for; a link stays, and what it leads to is written.
    """
    _check_facts(facts)
    place = _real(folder)
    _check_place(place)
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    values = _without_arrays(tree, "", arrays)
    place.parent.mkdir(parents=True, exist_ok=True)
    with _alone_beside(place):
        _check_place(place)
        fresh = place.with_name(f".{place.name}.writing")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        try:
            _fill(fresh, arrays, values, facts)
            _exchange(fresh, place)
        except BaseException:
            shutil.rmtree(fresh, ignore_errors=True)
            raise


def _fill(fresh: Path, arrays: Mapping[str, np.ndarray[Any, Any]], values: Any, facts: Mapping[str, Any]) -> None:
    """All files of a tree, brought to the disk."""
    write_arrays(fresh / ARRAYS, arrays)
    (fresh / VALUES).write_text(json.dumps(values), encoding="utf-8")
    hashes = {name: sha256(fresh / name) for name in (ARRAYS, VALUES)}
    # As it will be read: the hash is of that, and keys that are numbers become texts, in another order.
    manifest = json.loads(json.dumps({"format": FORMAT, "sha256": hashes, **facts}, default=_plain))
    told = {**manifest, "self": _hash_of(manifest)}
    (fresh / MANIFEST).write_text(json.dumps(told, indent=1, sort_keys=True), encoding="utf-8")
    for name in (ARRAYS, VALUES, MANIFEST):
        sync(fresh / name)
    sync(fresh)


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
    """Arrays by name as a file; OSError where the disk cannot take it, as any other file would raise it."""
    path.touch()
    mode = path.stat().st_mode  # that of any other file: what safetensors writes nobody but its owner may read
    try:
        save_file(dict(arrays), path)
        path.chmod(mode)
    except SafetensorError as error:
        path.unlink(missing_ok=True)
        reason = errno.ENOSPC if f"os error {errno.ENOSPC}" in str(error) else errno.EIO
        raise OSError(reason, f"{error}", str(path)) from error


def read_tree(folder: Path) -> Tree:
    """The tree in a folder; DamagedError, with the file's name, if a byte of it is not as it was written."""
    return read_whole(folder)[1]


def read_whole(folder: Path) -> tuple[dict[str, Any], Tree]:
    """The manifest and the tree of one writing, though others put theirs in its place meanwhile."""
    for _ in range(READS):
        recover(folder)
        before = _which(folder)
        try:
            found = _read(folder)
        except (DamagedError, FileNotFoundError):
            if _which(folder) == before:
                raise
        else:
            if _which(folder) == before:
                return found
    raise DamagedError(f"{folder} was written anew {READS} times while it was read, expected to be left alone")


def _which(folder: Path) -> tuple[int, int] | None:
    """What tells a folder from another that was put in its place."""
    try:
        told = folder.stat()
    except FileNotFoundError:
        return None
    return told.st_ino, told.st_mtime_ns


def _read(folder: Path) -> tuple[dict[str, Any], Tree]:
    manifest = read_manifest(folder)
    for name, expected in manifest["sha256"].items():
        if name not in (ARRAYS, VALUES):
            raise DamagedError(f"{folder / MANIFEST} names {name!r}, expected {ARRAYS} and {VALUES}")
        if not (folder / name).is_file():
            raise DamagedError(f"{folder / name} is missing")
        if (found := sha256(folder / name)) != expected:
            raise DamagedError(
                f"{folder / name} is damaged: its SHA-256 is {found[:12]}..., expected {expected[:12]}..."
            )
    try:
        arrays = load_file(folder / ARRAYS)
        values = json.loads((folder / VALUES).read_text(encoding="utf-8"))
    except Exception as error:
        raise DamagedError(f"{folder} cannot be read: {error}") from error
    return manifest, _with_arrays(values, arrays)


def read_manifest(folder: Path) -> dict[str, Any]:
    """What a folder's manifest says."""
    recover(folder)
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DamagedError(f"{path} is missing: {folder} is no checkpoint or model") from error
    except (OSError, ValueError) as error:
        raise DamagedError(f"{path} is damaged: {error}") from error
    if isinstance(manifest, dict) and "files" in manifest:
        raise DamagedError(f"{folder} is a bundle, expected a checkpoint or model; OnnxPolicy.load opens bundles")
    if not isinstance(manifest, dict) or not isinstance(manifest.get("sha256"), dict):
        raise DamagedError(f"{path} is damaged: it holds no hashes")
    if manifest.get("format") != FORMAT:
        raise DamagedError(f"{path} is of format {manifest.get('format')!r}, expected {FORMAT}")
    if manifest.pop("self", None) != _hash_of(manifest):
        raise DamagedError(f"{path} is damaged: its own hash is another")
    return manifest


def recover(folder: Path) -> None:
    """Put back what a process was putting another in the place of when it was killed; who still does is waited for."""
    place = _real(folder)
    if not place.name or place.exists() or not (_aside(place) / MANIFEST).is_file():
        return
    with _alone_beside(place):
        _put_back(place)


def _put_back(place: Path) -> None:
    if not place.exists() and (_aside(place) / MANIFEST).is_file():
        _aside(place).rename(place)


def _aside(place: Path) -> Path:
    """Where a folder waits while another is put in its place."""
    return place.with_name(f".{place.name}.old")


def _real(folder: Path) -> Path:
    """Where a folder is, or will be, whatever links lead there."""
    return Path(os.path.realpath(folder))


@contextlib.contextmanager
def _alone_beside(place: Path) -> Iterator[None]:
    """Nobody else puts a folder in the place of another beside this one meanwhile."""
    handle = os.open(place.parent, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some file systems lock no folders
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_UN)  # by name: a child that was forked meanwhile has the handle too
        os.close(handle)


def _hash_of(manifest: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()


def sha256(path: Path) -> str:
    """The hash of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync(path: Path) -> None:
    """Bring a file or folder to the disk itself."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_text(path: Path, text: str) -> None:
    """A text file, whole or not at all."""
    fresh = path.with_name(f".{path.name}.writing")
    fresh.write_text(text, encoding="utf-8")
    sync(fresh)
    fresh.replace(path)


def _check_place(folder: Path) -> None:
    """Whatever was not written by `write_tree` is not put out of the way."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise ValueError(f"{folder} is a file, expected a folder to write into, or a new name")
    if folder == _real(Path()):
        raise ValueError(f"{folder} is where the program runs, expected another folder: this one would be replaced")
    others = sorted(path.name for path in folder.iterdir() if path.name not in (ARRAYS, VALUES, MANIFEST))
    if others:
        raise ValueError(f"{folder} holds {others[0]!r}, expected a new folder, or one that holds nothing but a model")


def _check_facts(facts: Mapping[str, Any]) -> None:
    if taken := sorted(set(facts) & set(OWN_FACTS)):
        raise ValueError(f"a fact is named {taken[0]!r}, expected none of {', '.join(OWN_FACTS)}: they have a meaning")


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"a fact holds a {type(value).__name__}, expected numbers, texts, lists and mappings")


def _exchange(fresh: Path, folder: Path) -> None:
    """Put a finished folder in the place of another."""
    _put_back(folder)
    old = _aside(folder)
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    try:
        fresh.rename(folder)
    except BaseException:
        _put_back(folder)
        raise
    sync(folder.parent)
    shutil.rmtree(old, ignore_errors=True)


def _without_arrays(value: Any, path: str, arrays: dict[str, Any]) -> Any:
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str) or "/" in key or key == "$array":
                raise TypeError(f"the key {key!r} at {path or 'the top'} cannot be stored, expected text without '/'")
        return {key: _without_arrays(inner, f"{path}/{key}", arrays) for key, inner in value.items()}
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu().numpy()
    if isinstance(value, np.ndarray):
        arrays[path] = np.ascontiguousarray(value).reshape(value.shape).copy()
        return {"$array": path}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, list | tuple):
        return [_without_arrays(inner, f"{path}/{i}", arrays) for i, inner in enumerate(value)]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{path} is a {type(value).__name__}, expected arrays, numbers, texts, lists and mappings")


def _with_arrays(value: Any, arrays: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        if set(value) == {"$array"}:
            return arrays[value["$array"]]
        return {key: _with_arrays(inner, arrays) for key, inner in value.items()}
    if isinstance(value, list):
        return [_with_arrays(inner, arrays) for inner in value]
    return value
