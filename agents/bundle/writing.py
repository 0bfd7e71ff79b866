"""Bundles written: whole under their name, or not at all. What is under a name never changes."""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from safetensors.numpy import save as save_arrays

from agents.bundle.errors import BundleError
from agents.bundle.manifest import FILES, MANIFEST, FileTold, Manifest
from agents.bundle.reading import EXPECTED, GIVEN, Array, read
from agents.steps import step
from policies.storage import sync

LOCK = ".writing.lock"
WRITING = ".writing"


def golden_bytes(given: Mapping[str, Array], expected: Mapping[str, Array]) -> bytes:
    """golden.safetensors: inputs, and what the trained model says of them."""
    sides = ((GIVEN, given), (EXPECTED, expected))
    return save_arrays({f"{side}{name}": rows.copy() for side, arrays in sides for name, rows in arrays.items()})


def file_told(contents: bytes) -> FileTold:
    """What a manifest says of a file."""
    return FileTold(sha256=hashlib.sha256(contents).hexdigest(), bytes=len(contents))


def write(out: Path, manifest: Manifest | bytes, contents: Mapping[str, bytes]) -> Path:
    """Write a bundle into a folder of bundles; where it is already, that one is checked and left as it is.

    A manifest in bytes is written as it is, for its hash is the bundle's name.

    1 a folder under another name, 2 its files, 3 they and 4 the folder brought to the disk, 5 all of it read back and
    checked, 6 the folder given its name, 7 that brought to the disk. Killed before 6 nothing is there but what the
    next export sweeps away.
    """
    if set(contents) != set(FILES):
        raise ValueError(f"contents are {sorted(contents)}, expected {sorted(FILES)}")
    told = manifest if isinstance(manifest, bytes) else manifest.as_bytes()
    name = hashlib.sha256(told).hexdigest()
    out.mkdir(parents=True, exist_ok=True)
    folder = out / name
    with alone(out):
        for stale in out.glob(f".*{WRITING}"):
            shutil.rmtree(stale, ignore_errors=True)
        if folder.exists():
            try:
                found = read(folder).path
                with suppress(PermissionError):  # another user's
                    _note_made_again(found)
                return found
            except BundleError as error:
                raise BundleError(error.name, f"{error}; remove {folder} and export again") from error
        fresh = out / f".{name}{WRITING}"
        try:
            fresh.mkdir()
            step("export 1 folder")
            for part, text in (*contents.items(), (MANIFEST, told)):
                (fresh / part).write_bytes(text)
                step(f"export 2 {part} written")
                sync(fresh / part)
                step(f"export 3 {part} on the disk")
            sync(fresh)
            step("export 4 folder on the disk")
            read(fresh, name)
            step("export 5 read back")
            fresh.rename(folder)
            step("export 6 named")
            sync(out)
            step("export 7 name on the disk")
        except BaseException:
            shutil.rmtree(fresh, ignore_errors=True)
            raise
    return folder


def _note_made_again(folder: Path) -> None:
    """Move the time of its last change (ctime) alone: who deleted it before that does not take it away any more."""
    told = folder.stat()
    os.utime(folder, ns=(told.st_atime_ns, told.st_mtime_ns))


@contextmanager
def alone(out: Path, lock: str = LOCK) -> Iterator[None]:
    """One writer in a folder at a time, among those who hold the same lock."""
    with (out / lock).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
