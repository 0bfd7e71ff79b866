"""Players under guard: what they raise, how long they take, what they order is looked at; every fault is named."""

import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any

import numpy as np

from agents.judge.players import Player
from mlmonster_env.contract import CONTROLS
from mlmonster_env.envs.arguments import as_orders
from mlmonster_env.envs.battle import MASK, Array
from mlmonster_env.envs.rivals import Rival


class FaultError(Exception):
    """A player failed, `by` being the digest of what it is; what was being played then is void."""

    def __init__(self, told: str, by: str = "") -> None:
        super().__init__(told)
        self.by = by


class _LateError(Exception):
    """There is no answer yet."""


class Watch:
    """A thread in which somebody is asked. Who does not answer in time is left behind in it, and holds up nobody."""

    def __init__(self) -> None:
        self._asked: SimpleQueue[Callable[[], Any] | None] = SimpleQueue()
        self._told: SimpleQueue[tuple[Any, BaseException | None]] = SimpleQueue()
        threading.Thread(target=self._work, daemon=True).start()

    def ask(self, what: Callable[[], Any], seconds: float) -> Any:
        """What it gives, or what it raises; late after so many seconds."""
        self._asked.put(what)
        try:
            answer, error = self._told.get(timeout=seconds)
        except Empty:
            raise _LateError from None
        if error is not None:
            raise error
        return answer

    def end(self) -> None:
        """Nothing more will be asked."""
        self._asked.put(None)

    def _work(self) -> None:
        while (what := self._asked.get()) is not None:
            try:
                self._told.put((what(), None))
            except BaseException as error:  # it is raised again where it was asked for
                self._told.put((None, error))


class Guarded:
    """A player's rival for one battle, each answer of which is looked at; FaultError instead of one not to be trusted.

    To be used as a context: its thread ends with it.
    """

    def __init__(self, player: Player, seed: int, slowest_s: float) -> None:
        self.seconds, self.decisions = 0.0, 0  # spent on so many orders of one monster each
        self._ref, self._slowest_s = player.ref, slowest_s
        self._members = 1
        self._yielded = np.zeros(0, np.bool_)
        make = player.make
        assert make is not None, "the stock AI gives no orders that could be looked at"
        self._watch = Watch()
        try:
            self._rival: Rival = self._asked(lambda: make(seed))
            self.control, self.blocks = self._rival.control, self._rival.blocks
        except BaseException:
            self._watch.end()
            raise

    def __enter__(self) -> "Guarded":
        return self

    def __exit__(self, *_: Any) -> None:
        self._watch.end()

    def __call__(self, seen: dict[str, Array]) -> Array:
        """Its orders, which the mask allows."""
        begun = time.perf_counter()
        actions: Array = self._asked(lambda: np.asarray(self._rival(seen)))
        slots = len(next(iter(seen.values())))
        self.seconds += time.perf_counter() - begun
        self.decisions += slots
        if np.shape(actions)[:1] != (slots,):
            self._fail(f"gave orders of shape {np.shape(actions)}, expected one for each of {slots}")
        mask = seen.get(MASK)
        if mask is not None and CONTROLS[self.control]:
            if not (_legal(actions, mask) | self._left_alone()).all():
                self._fail("ordered what is illegal")
            return actions
        try:
            as_orders(actions, self.control, slots)
        except ValueError as error:
            self._fail(f"ordered what is illegal: {error}")
        return actions

    def sit(self, matches: int, members: int) -> None:
        """It is told how large its battle is, if it asks."""
        self._members, self._yielded = members, np.zeros(matches, np.bool_)
        sit = getattr(self._rival, "sit", None)
        if sit is not None:
            self._asked(lambda: sit(matches, members))

    def forget(self, slots: Array) -> None:
        """The matches of these slots begin anew."""
        self._asked(lambda: self._rival.forget(slots))

    def rewind(self) -> None:
        """It draws again as at the very beginning, if it draws."""
        rewind = getattr(self._rival, "rewind", None)
        if rewind is not None:
            self._asked(rewind)

    def yields(self, matches: Array) -> Array:
        """Which of these matches it leaves to the stock AI."""
        yields = getattr(self._rival, "yields", None)
        found = False if yields is None else np.asarray(self._asked(lambda: yields(matches)))
        self._yielded[matches] = found
        return self._yielded[matches]

    def state(self) -> dict[str, Any]:
        """Of the rival."""
        return self._rival.state()

    def set_state(self, state: dict[str, Any]) -> None:
        """Of the rival."""
        self._rival.set_state(state)

    def _asked(self, what: Callable[[], Any]) -> Any:
        try:
            return self._watch.ask(what, self._slowest_s)
        except _LateError:
            raise FaultError(f"{self._ref} thought for more than {self._slowest_s:g} s", self._ref.digest) from None
        except FaultError as fault:
            raise FaultError(str(fault), self._ref.digest) from fault
        except Exception as error:
            raise FaultError(f"{self._ref}: {type(error).__name__}: {error}", self._ref.digest) from error

    def _fail(self, how: str) -> None:
        raise FaultError(f"{self._ref} {how}", self._ref.digest)

    def _left_alone(self) -> Array:
        """Of each slot, whether the stock AI plays it, so that orders for it are not heeded."""
        return np.repeat(self._yielded, self._members)


def _legal(actions: Array, mask: Array) -> Array:
    """Of each slot, whether its action is one that there is, and that the mask allows."""
    if actions.ndim != 1 or actions.dtype.kind not in "iu":  # what is no number cannot be compared with one
        return np.zeros(len(mask), np.bool_)
    known = (actions >= 0) & (actions < mask.shape[1])
    within = np.where(known, actions, 0).astype(np.int64)
    return np.asarray(known & (np.take_along_axis(mask, within[:, None], 1)[:, 0] != 0))
