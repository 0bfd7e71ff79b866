"""Opponents that are objects: they say what they see and order, may remember, and can be written down."""

from typing import Any, Protocol, runtime_checkable

from mlmonster_env.envs.arguments import Array


@runtime_checkable
class Rival(Protocol):
    """An opponent of one battle: what it is called with are its own slots, in order of match, then member.

    A battle calls `forget` for slots whose match begins, with all of them at a reset. What it remembers is by slot, so
    two battles must never share one.
    """

    control: str  # the kind of orders that it gives: contract.CONTROLS
    blocks: tuple[str, ...]  # what it must see: contract.BLOCKS without the history, and "action_mask"

    def __call__(self, seen: dict[str, Array]) -> Array:
        """One action for each slot."""
        ...

    def forget(self, slots: Array) -> None:
        """The matches of these slots begin anew."""
        ...

    def state(self) -> dict[str, Any]:
        """A tree of arrays, numbers and text: all that `set_state` needs to go on to the bit."""
        ...

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what `state` told of a rival made alike."""
        ...


@runtime_checkable
class SeatedRival(Rival, Protocol):
    """A rival that is told, once and before anything else, how large its battle is."""

    def sit(self, matches: int, members: int) -> None:
        """It plays so many matches, with so many slots in each."""
        ...


@runtime_checkable
class YieldingRival(Rival, Protocol):
    """A rival that leaves some matches to the stock AI."""

    def yields(self, matches: Array) -> Array:
        """Of these matches, which begin just now: truths, whether the stock AI is to play them instead."""
        ...


@runtime_checkable
class RewindingRival(Rival, Protocol):
    """A rival that draws: when its battle is reset from seeds, it draws again as it did at the very beginning."""

    def rewind(self) -> None:
        """Go back to the beginning of all that is drawn; `forget` follows."""
        ...
