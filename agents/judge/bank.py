"""Results of many pairs between two players, kept on disk in chunks: made once, gone on with, and drawn from."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from agents.judge.matches import FaultError, MatchResult, play
from agents.judge.players import Player
from mlmonster_env.envs.battle import Array
from mlmonster_env.plans import Plan
from policies.storage import DamagedError, sync

CHUNK = 500  # pairs in a file


@dataclass(frozen=True)
class Bank:
    """A folder of pairs that the first really played against the second, from `first_seed` on."""

    folder: Path
    first: Player
    second: Player
    scenario: str | Plan
    archetype: str
    first_seed: int

    def pairs(self, count: int, say: Callable[[str], None] = print, plays: Callable[..., MatchResult] = play) -> Array:
        """What the first scored in the first `count` pairs [count, 2]; chunks that are missing are played."""
        chunks = []
        for at in range(0, count, CHUNK):
            path = self.folder / f"{at:08d}.npz"
            if not path.is_file():
                self._make(path, at, plays)
                say(f"{self.folder.name}: {at + CHUNK} of {count} pairs")
            chunks.append(self._read(path, at))
        return np.concatenate(chunks)[:count]

    def _make(self, path: Path, at: int, plays: Callable[..., MatchResult]) -> None:
        seeds = self._seeds(at)
        result = plays(self.first, self.second, self.scenario, seeds, archetype=self.archetype, record=False)
        if result.void:
            raise FaultError(f"{path} would lack matches: {result.void[0].reason}", result.void[0].by)
        arrays = {"scores": result.scores, "digests": np.array(result.digests, "U32")}
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".writing")
        with fresh.open("wb") as file:
            np.savez_compressed(file, sha256=np.array(self._hash(at, arrays)), **arrays)  # type: ignore[arg-type]
        sync(fresh)
        fresh.replace(path)

    def _read(self, path: Path, at: int) -> Array:
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
                arrays: dict[str, Array] = {name: kept[name] for name in ("scores", "digests")}
                expected = str(kept["sha256"])
        except (ValueError, KeyError, EOFError, OSError, BadZipFile) as error:
            raise DamagedError(f"{path} cannot be read: {error}; delete it to have it played again") from error
        if self._hash(at, arrays) != expected:
            raise DamagedError(f"{path} is damaged, or of other players; delete it to have it played again")
        return arrays["scores"]

    def _seeds(self, at: int) -> Array:
        return self.first_seed + np.arange(at, at + CHUNK)

    def _hash(self, at: int, arrays: dict[str, Array]) -> str:
        """Of the results, and of who played where."""
        who = [self.first.ref.digest, self.second.ref.digest, str(self.scenario), self.archetype]
        made = hashlib.sha256(json.dumps([*who, self.first_seed + at]).encode())
        for name, array in sorted(arrays.items()):
            made.update(name.encode() + array.tobytes())
        return made.hexdigest()
