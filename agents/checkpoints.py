"""A run's checkpoints: whole or not at all, rotated, and if one is damaged its predecessor is used."""

import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.numpy import load_file

from policies.storage import (
    DamagedError,
    Tree,
    read_manifest,
    read_tree,
    recover,
    sha256,
    sync,
    write_arrays,
    write_tree,
)

SEGMENTS = "replay"


@dataclass
class Checkpoints:
    """Those in RUN/checkpoints, by how many decisions had been made; `keep` of the regular ones stay.

    The rows of a replay lie in segments beside them, each written once and shared by the checkpoints that need it.
    """

    folder: Path
    keep: int
    say: Callable[[str], None] = print

    def write(self, steps: int, tree: Tree, *, reason: str = "regular", **facts: Any) -> Path:
        """Write the state of a run, and let go of older ones."""
        tree = _copied(tree)
        segments = self._segments_of_last()
        replay = _replay_in(tree)
        if replay is not None:
            segments = self._write_segment(segments, replay, steps)
        path = self.folder / f"{steps:012d}"
        write_tree(path, tree, steps=steps, reason=reason, segments=segments, **facts)
        self._rotate()
        return path

    def all(self) -> list[Path]:
        """The checkpoints that are there, newest last; one that a killed process was replacing is put back."""
        if not self.folder.is_dir():
            return []
        for path in self._left_behind():
            recover(self.folder / path.name.split(".")[1])
        return sorted(path for path in self.folder.iterdir() if path.is_dir() and path.name.isdigit())

    def newest(self) -> tuple[Tree, dict[str, Any]]:
        """The newest whole state and its manifest; damaged ones are named and passed over."""
        found = self.all()
        if not found:
            raise DamagedError(f"there is no checkpoint in {self.folder}, expected one at least")
        for path in reversed(found):
            try:
                manifest = read_manifest(path)
                tree = read_tree(path)
                self._read_segments(tree, manifest["segments"])
                return tree, manifest
            except DamagedError as error:
                self.say(f"{error}; going back to the checkpoint before it")
        raise DamagedError(
            f"all {len(found)} checkpoints in {self.folder} are damaged, expected a whole one; begin anew elsewhere"
        )

    def named(self, fact: str) -> set[str]:
        """All that the checkpoints that are there name under a fact."""
        found: set[str] = set()
        for path in self.all():
            with suppress(DamagedError):
                found.update(read_manifest(path).get(fact, ()))
        return found

    def _write_segment(self, segments: list[dict[str, Any]], replay: Tree, steps: int) -> list[dict[str, Any]]:
        """Put the rows that are new into a segment of their own; which segments hold the replay now."""
        fresh = replay["fresh"]
        count = len(fresh["actions"])
        rows = {name: value for name, value in fresh.items() if name != "since"}
        replay["fresh"] = {"since": fresh["since"], **{name: value[:0] for name, value in rows.items()}}
        oldest = replay["written"] - len(replay["weights"])
        segments = [s for s in segments if s["since"] + s["count"] > oldest and s["since"] < fresh["since"]]
        if count:
            name = f"{steps:012d}-{fresh['since']:012d}.safetensors"
            place = self.folder / SEGMENTS
            place.mkdir(parents=True, exist_ok=True)
            write_arrays(place / f".{name}", {key: value.copy() for key, value in rows.items()})
            sync(place / f".{name}")
            (place / f".{name}").replace(place / name)
            sync(place)
            segments.append({
                "name": name, "since": int(fresh["since"]), "count": count, "sha256": sha256(place / name)
            })  # fmt: skip
        return segments

    def _read_segments(self, tree: Tree, segments: list[dict[str, Any]]) -> None:
        replay = _replay_in(tree)
        if replay is None:
            return
        found = []
        for segment in segments:
            path = self.folder / SEGMENTS / segment["name"]
            if not path.is_file():
                raise DamagedError(f"{path} is missing")
            if sha256(path) != segment["sha256"]:
                raise DamagedError(f"{path} is damaged: its SHA-256 is not as it was written")
            try:
                found.append({"since": segment["since"], **load_file(path)})
            except SafetensorError as error:
                raise DamagedError(f"{path} cannot be read: {error}") from error
        reached = max(0, replay["written"] - len(replay["weights"]))
        for segment in segments:
            if segment["since"] > reached:
                raise DamagedError(f"{self.folder / SEGMENTS} lacks the decisions from {reached} to {segment['since']}")
            reached = max(reached, segment["since"] + segment["count"])
        if reached < replay["written"]:
            raise DamagedError(f"{self.folder / SEGMENTS} lacks the decisions from {reached} on")
        replay["segments"] = found

    def _segments_of_last(self) -> list[dict[str, Any]]:
        for path in reversed(self.all()):
            try:
                return list(read_manifest(path)["segments"])
            except DamagedError:
                continue
        return []

    def _left_behind(self) -> list[Path]:
        """What `write_tree` had not finished, or not yet taken away, when a process was killed."""
        hidden = [path for ending in ("writing", "old") for path in self.folder.glob(f".*.{ending}")]
        return [path for path in hidden if path.name.split(".")[1].isdigit()]

    def _rotate(self) -> None:
        """Keep the newest ones, and the segments that they need."""
        found = self.all()
        for path in self._left_behind():
            shutil.rmtree(path, ignore_errors=True)
        for path in found[: -self.keep]:
            shutil.rmtree(path, ignore_errors=True)
        needed = set()
        for path in found[-self.keep :]:
            try:
                needed |= {segment["name"] for segment in read_manifest(path)["segments"]}
            except DamagedError:
                return
        place = self.folder / SEGMENTS
        if place.is_dir():
            for file in place.iterdir():
                if file.name not in needed:
                    file.unlink(missing_ok=True)


def _copied(tree: Tree) -> Tree:
    """The mappings copied, what they hold not."""
    return {name: _copied(value) if isinstance(value, dict) else value for name, value in tree.items()}


def _replay_in(tree: Tree) -> Tree | None:
    """The replay's part of a learner's state, if it has one."""
    found = tree.get("learner", {}).get("own", {}).get("replay")
    return found if isinstance(found, dict) else None
