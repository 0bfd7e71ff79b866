"""Frozen snapshots of a model on disk: named by what they are, bounded, spread over history and strength."""

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from policies.policy import Policy
from policies.products import use_fast_products
from policies.storage import MANIFEST, read_manifest

NAME_DIGITS = 16  # of the hash that a snapshot is named by
FEWEST = 2  # the oldest and the newest


@dataclass(frozen=True)
class PastSelf:
    """A model as it was."""

    name: str  # the beginning of its hash
    steps: int  # decisions that it was trained by
    elo: float  # of the model when this was taken, the stock AI at 0


class Pool:
    """Snapshots in a folder, oldest first, `size` at most: who has joined last is always among them.

    Files of those who left stay until `sweep`, for a run may go back to a checkpoint that knew them.
    """

    def __init__(self, folder: Path, size: int, device: str = "cpu") -> None:
        if size < FEWEST:
            raise ValueError(f"size is {size}, expected at least {FEWEST}")
        self.folder = folder
        self.size = size
        self.device = device
        self.snapshots: tuple[PastSelf, ...] = ()
        self._loaded: dict[str, Policy] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Of the snapshots, oldest first."""
        return tuple(snapshot.name for snapshot in self.snapshots)

    def add(self, policy: Policy, steps: int, elo: float) -> PastSelf:
        """Take a snapshot; where there are too many then, the one that is missed least leaves."""
        name = policy.digest()[:NAME_DIGITS]
        made = PastSelf(name, steps, elo)
        if not (self.folder / name / MANIFEST).is_file():
            policy.save(self.folder / name, steps=steps, elo=elo)
        self._loaded.setdefault(name, self._ready(policy))
        kept = (*(one for one in self.snapshots if one.name != name), made)
        self.snapshots = tuple(kept if len(kept) <= self.size else without(kept, least_missed(kept)))
        return made

    def rate(self, name: str, elo: float) -> None:
        """Another rating for one of them."""
        self.snapshots = tuple(replace(one, elo=elo) if one.name == name else one for one in self.snapshots)

    def policy(self, name: str) -> Policy:
        """A snapshot's model, if it is still on the disk; whoever asks twice gets the same."""
        if name not in self._loaded:
            self._loaded[name] = self._ready(Policy.load(self.folder / name))
            if self._loaded[name].digest()[:NAME_DIGITS] != name:
                raise ValueError(f"{self.folder / name} holds another model than its name says")
        return self._loaded[name]

    def sweep(self, needed: Iterable[str]) -> None:
        """Delete what is neither in the pool nor among those that are needed."""
        keep = {*self.names, *needed}
        self._loaded = {name: policy for name, policy in self._loaded.items() if name in keep}
        if self.folder.is_dir():
            for path in self.folder.iterdir():
                if path.name.lstrip(".").partition(".")[0] not in keep:
                    shutil.rmtree(path, ignore_errors=True)

    def state(self) -> list[dict[str, Any]]:
        """Who is in it."""
        return [asdict(snapshot) for snapshot in self.snapshots]

    def set_state(self, state: Iterable[dict[str, Any]]) -> None:
        """Go on with those of whom `state` told; their files must be there."""
        self.snapshots = tuple(PastSelf(**told) for told in state)
        for name in self.names:
            read_manifest(self.folder / name)

    def _ready(self, policy: Policy) -> Policy:
        """To be played against: whether just taken or read again, it computes alike."""
        use_fast_products(policy.actor)
        policy.actor.to(self.device)
        return policy


def without(snapshots: Sequence[PastSelf], place: int) -> tuple[PastSelf, ...]:
    """All but one of them."""
    return (*snapshots[:place], *snapshots[place + 1 :])


def least_missed(snapshots: Sequence[PastSelf]) -> int:
    """Which one's leaving makes the smallest gap in history and in strength; never the oldest or the newest."""
    steps = [snapshot.steps for snapshot in snapshots]
    ratings = sorted((snapshot.elo, place) for place, snapshot in enumerate(snapshots))
    ranks = {place: rank for rank, (_, place) in enumerate(ratings)}
    span = max(steps[-1] - steps[0], 1)
    spread = max(ratings[-1][0] - ratings[0][0], 1.0)

    def gap(place: int) -> float:
        rank = ranks[place]
        below, above = ratings[max(rank - 1, 0)][0], ratings[min(rank + 1, len(ratings) - 1)][0]
        outermost = rank in (0, len(ratings) - 1)
        strength = 1.0 if outermost else (above - below) / spread
        return (steps[place + 1] - steps[place - 1]) / span + strength

    return min(range(1, len(snapshots) - 1), key=gap)
