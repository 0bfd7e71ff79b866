"""Results on disk: what came of the matches, and every match, to be replayed and filmed later."""

from dataclasses import asdict
from pathlib import Path

import numpy as np

from agents.judge.matches import MatchResult, Void
from agents.judge.players import ModelRef
from mlmonster_env.sim.recording import Recording
from policies.storage import DamagedError, read_tree, write_tree

RESULT, MATCHES = "result", "matches"
LONGEST_BYTES = 200  # of a name in that of a folder, of which no file system takes more than 255


def save_result(result: MatchResult, folder: Path) -> None:
    """Write a result and the recordings that it holds into a folder of their own."""
    recordings = zip(result.seeds.tolist(), result.recordings, strict=True) if result.recordings else ()
    for seed, pair in recordings:
        for side, recording in enumerate(pair):
            recording.save(_path(folder, seed, side))
    told = {
        "first": asdict(result.first), "second": asdict(result.second), "scenario": result.scenario,
        "archetype": result.archetype, "seeds": result.seeds, "scores": result.scores,
        "digests": [list(pair) for pair in result.digests], "behaviour": result.behaviour,
        "void": [asdict(void) for void in result.void], "recorded": bool(result.recordings),
    }  # fmt: skip
    write_tree(folder / RESULT, told)  # last: where it stands, the rest does


def load_result(folder: Path) -> MatchResult:
    """Read what `save_result` wrote; DamagedError if any of it is not what it was."""
    told = read_tree(folder / RESULT)
    digests = tuple((first, second) for first, second in told["digests"])
    recordings = []
    for seed, pair in zip(told["seeds"].tolist() if told["recorded"] else (), digests, strict=told["recorded"]):
        found = [_recording(_path(folder, seed, side), pair[side]) for side in (0, 1)]
        recordings.append((found[0], found[1]))
    return MatchResult(
        ModelRef(**told["first"]), ModelRef(**told["second"]), told["scenario"], told["archetype"], told["seeds"],
        np.asarray(told["scores"], float), digests, tuple(recordings), told["behaviour"],
        tuple(Void(**{**void, "seeds": tuple(void["seeds"])}) for void in told["void"]),
    )  # fmt: skip


def folder_name(ref: ModelRef) -> str:
    """Of a player's results: what it is called, as far as a folder can be called so, and its hash."""
    called = ref.name.replace("/", "-")  # a model's may be archetype/type, a mix names folders
    return f"{called.encode()[:LONGEST_BYTES].decode(errors='ignore')}-{ref.digest[:8]}"


def _path(folder: Path, seed: int, side: int) -> Path:
    return folder / MATCHES / f"{seed}-{side}.npz"


def _recording(path: Path, digest: str) -> Recording:
    try:
        found = Recording.load(path)
    except (OSError, ValueError) as error:
        raise DamagedError(f"{path} cannot be read: {error}") from error
    if found.digest != digest:
        raise DamagedError(f"{path} is of a match that ended at {found.digest}, expected {digest}")
    return found
