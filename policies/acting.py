"""What a finished model does for whoever only wants actions, whatever computes its numbers."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import torch

from mlmonster_env.contract import BLOCKS, CONTROLS, NOTHING_TO_DO, SHAPES, derive_mask
from mlmonster_env.envs.battle import MASK
from policies.actors import LOGITS, TOLD
from policies.masks import FORBIDDEN
from policies.sb3.actor_critic import sample

Array = np.ndarray[Any, np.dtype[Any]]
COLDEST = np.float32(1e-6)  # a temperature at which the best action is drawn all but always
BELOW_1 = np.nextafter(np.float32(1), np.float32(0))


class NotFiniteError(ArithmeticError):
    """A network gave what is no number."""


class Described(Protocol):
    """What must be known of a model to let it act."""

    @property
    def model_type(self) -> str: ...
    @property
    def archetype(self) -> str: ...
    @property
    def size(self) -> str: ...
    @property
    def control(self) -> str: ...
    @property
    def blocks(self) -> tuple[str, ...]: ...
    @property
    def kind(self) -> str:
        """What the network's numbers are: scores ("logits"), "values", a "box" of numbers, "threat", "strategy"."""
        ...


class Acting(ABC):
    """A model that acts; a subclass computes the numbers that actions are chosen by."""

    def __init__(self) -> None:
        self.random = np.random.default_rng(0)

    @property
    @abstractmethod
    def card(self) -> Described:
        """What the model is."""

    @property
    @abstractmethod
    def memory_size(self) -> int:
        """Numbers of what it remembers of one monster; 0 where it remembers nothing."""

    @abstractmethod
    def digest(self) -> str:
        """A hash that is another as soon as anything of the model is."""

    @abstractmethod
    def numbers(self, seen: dict[str, Array], memory: Array | None) -> tuple[Array, Array]:
        """What the network says of a batch of observations, and the memories [batch, memory_size] after it.

        `memory` is None only where nothing is remembered.
        """

    def predict(
        self,
        observation: Any,
        state: Any = None,
        episode_start: Any = None,
        deterministic: bool = True,
    ) -> tuple[Array, Any]:
        """Actions for observations, one or many, by block (a bare array is the state vector); as SB3's `predict`.

        Where there is no `action_mask`, contract.derive_mask tells from the state what can be legal. A network of
        values always gives the best action; one of probabilities draws it unless `deterministic`. A threat model gives
        of each enemy row its expected damage, the probability of any, and its members' disagreement: [..., 6, 3]; a
        model of patterns the scores of the styles and the latent: [..., 8 + 256].

        A model that remembers takes what it gave as `state` at the moment before, [many, memory_size]; where
        `episode_start` is true a match begins. `session()` and `begin()` keep that by themselves.
        """
        checked, single = self.shown(observation)
        if self.memory_size:
            memory = self._memory(state, episode_start, _rows(checked))
            actions, state = self.think(checked, memory, deterministic)
        else:
            actions = self.act(checked, deterministic)
        return (actions[0] if single else actions), state

    def act(
        self,
        seen: dict[str, Array],
        deterministic: bool = True,
        lots: Array | None = None,
        temperature: Array | None = None,
    ) -> Array:
        """Actions for a batch of observations by block; `lots` [batch], from 0 up to 1, draw them if given.

        With a `temperature` [batch] too, from 0 up, scores and values alike are drawn by exp(number / temperature).
        """
        if self.memory_size:
            raise ValueError(f"{self.card.model_type} remembers, and was called without its memory; expected begin()")
        return self._chosen(self._finite(seen, None)[0], deterministic, lots, temperature)

    def think(
        self,
        seen: dict[str, Array],
        memory: Array,
        deterministic: bool = True,
        lots: Array | None = None,
        temperature: Array | None = None,
    ) -> tuple[Array, Array]:
        """As `act`, for observations and memories [batch, memory_size]: actions, and the memories after them."""
        told, later = self._finite(seen, self._held(memory, _rows(seen)))
        return self._chosen(told, deterministic, lots, temperature), later

    def consider(self, seen: dict[str, Array], memory: Array) -> tuple[Array, Array]:
        """What the network says of a batch of observations before anything is chosen, and the memories after it.

        The numbers are of `card.kind`, but of logits the probabilities: an illegal action's is 0. `memory` is
        [batch, memory_size].
        """
        told, later = self._finite(seen, self._held(memory, _rows(seen)))
        if self.card.kind == LOGITS:
            told = torch.softmax(torch.from_numpy(told), -1).numpy()
        return told, later

    def begin(self, slots: int, deterministic: bool = True) -> "Minds":
        """Minds for so many monsters, stepped together."""
        return Minds(self, slots, deterministic)

    def session(self, deterministic: bool = True) -> "Session":
        """A mind for one monster, to be stepped by hand."""
        return Session(self, deterministic)

    def _chosen(self, told: Array, deterministic: bool, lots: Array | None, temperature: Array | None) -> Array:
        if self.card.kind in TOLD:
            return told
        # What is no number would draw the first action, legal or not.
        lots = None if lots is None else _each("lots", lots, len(told), 1.0)
        if temperature is not None:
            heated = told / np.maximum(_each("temperature", temperature, len(told), np.inf), COLDEST)[:, None]
            told = np.where(told <= FORBIDDEN / 2, np.minimum(heated, np.float32(FORBIDDEN)), heated)
        if temperature is not None or (self.card.kind == LOGITS and not (deterministic and lots is None)):
            drawn = self.random.random(len(told)) if lots is None else lots
            below = np.minimum(np.asarray(drawn, np.float32), BELOW_1)
            return np.asarray(sample(torch.from_numpy(told), torch.from_numpy(below)).numpy())
        return np.asarray(told.argmax(-1))

    def _finite(self, seen: dict[str, Array], memory: Array | None) -> tuple[Array, Array]:
        """As `numbers`; an error where some are not finite, with what was shown where that is to blame."""
        self._check_shapes(seen)
        self._check_bounds(seen)
        self._check_mask(seen)
        told, later = self.numbers(seen, memory)
        if np.isfinite(told).all():
            return told, later
        wrong = f"the {self.card.model_type} gave numbers that are not finite"
        for name in self.card.blocks:
            rows = np.asarray(seen[name], np.float32)
            where = np.flatnonzero(~np.isfinite(rows.reshape(len(rows), -1)).all(1))
            if len(where):
                wrong += f": {name!r} of row {where[0]}, which it was shown, holds some that are not, expected 0 to 1"
                break
        else:
            where = np.flatnonzero(~np.isfinite(memory).all(1) if memory is not None else [])
            if len(where):
                wrong += f": the memory of row {where[0]} holds some that are not, expected what it gave before"
        raise NotFiniteError(wrong)

    def _memory(self, state: Any, episode_start: Any, rows: int) -> Array:
        """What is remembered of each row; an error where that is unknown."""
        starts = np.asarray(False if episode_start is None else episode_start, np.bool_)
        if starts.shape not in ((), (rows,)):
            raise ValueError(f"episode_start is of shape {starts.shape}, expected {(rows,)}")
        starts = np.broadcast_to(starts, rows)
        if state is None:
            if not starts.all():
                raise ValueError(
                    f"state is None, expected what predict() gave before, [{rows}, {self.memory_size}], "
                    "or episode_start=True where a match begins"
                )
            return np.zeros((rows, self.memory_size), np.float32)
        return np.where(starts[:, None], np.float32(0), self._held(state, rows, "state"))

    def _held(self, memory: Any, rows: int, what: str = "memory") -> Array:
        """A memory for each row; an error where it is not."""
        held = np.asarray(memory, np.float32)
        if held.shape != (rows, self.memory_size):
            raise ValueError(f"{what} is of shape {held.shape}, expected {(rows, self.memory_size)}")
        return held

    def shown(self, observation: Any) -> tuple[dict[str, Array], bool]:
        """Observations by block, of many, checked, with a mask; and whether that of a single monster was given."""
        first = "state" if "state" in self.card.blocks else self.card.blocks[0]
        given = _by_block(observation, first)
        if first not in given:
            raise ValueError(f"observations hold {sorted(given)}, expected {first!r} too: {self.card.blocks}")
        if not np.ndim(given[first]):
            raise ValueError(f"{first!r} is {given[first]!r}, expected an array of shape {SHAPES[first]}, or many")
        single = np.ndim(given[first]) == len(BLOCKS[first])
        seen = {name: np.asarray(block)[None] if single else np.asarray(block) for name, block in given.items()}
        return self._checked(seen, len(seen[first])), single

    def _checked(self, seen: dict[str, Array], rows: int) -> dict[str, Array]:
        """Observations that hold every block, in shape; a mask is derived where there is none."""
        if MASK in self.card.blocks and MASK not in seen:
            self._check_shape(seen, "state", rows)
            seen[MASK] = derive_mask(seen["state"], self.card.control)
        for name in self.card.blocks:
            self._check_shape(seen, name, rows)
            if name == "history" and not np.isfinite(seen[name]).all():  # the network would hold it for an unseen frame
                raise NotFiniteError("'history' holds what is no number, expected frames of zeros where none was seen")
        return {name: seen[name] for name in self.card.blocks}  # of anything else the model knows nothing

    def _check_shapes(self, seen: dict[str, Array]) -> None:
        """ValueError unless a batch holds every block in shape: a mask of one row or one action would be spread."""
        for name in self.card.blocks:
            self._check_shape(seen, name, _rows(seen))

    def _check_bounds(self, seen: dict[str, Array]) -> None:
        """NotFiniteError where a state is infinite: its scale clips that, and the answer would not show it."""
        if "state" not in self.card.blocks:
            return
        with np.errstate(over="ignore"):  # in single precision it may become so
            where = np.flatnonzero(np.isinf(np.asarray(seen["state"], np.float32)).any(1))
        if len(where):
            raise NotFiniteError(f"'state' of row {where[0]} holds an infinite number, expected 0 to 1")

    def _check_mask(self, seen: dict[str, Array]) -> None:
        """ValueError where nothing is legal: whatever were chosen would be against the mask."""
        if MASK not in self.card.blocks:
            return
        barred = np.flatnonzero(~(np.asarray(seen[MASK]) > 0.5).any(-1))
        if len(barred):
            raise ValueError(f"{MASK!r} of row {barred[0]} allows nothing, expected one legal action or more")

    def _check_shape(self, seen: dict[str, Array], name: str, rows: int) -> None:
        if name not in seen:
            raise ValueError(f"observations hold {sorted(seen)}, expected {name!r} too: {self.card.blocks}")
        shape = (CONTROLS[self.card.control],) if name == MASK else SHAPES[name]
        if np.shape(seen[name]) != (rows, *shape):
            raise ValueError(f"{name!r} is of shape {np.shape(seen[name])}, expected {(rows, *shape)}")


def _by_block(observation: Any, bare: str) -> dict[str, Any]:
    """Observations by block, those of an array alone under the name `bare`."""
    if isinstance(observation, tuple):
        told = "expected an array, or arrays by block: of what reset() and step() give, the first"
        raise ValueError(f"the observation is a tuple of {len(observation)}, {told}")
    return dict(observation) if isinstance(observation, Mapping) else {bare: observation}


def _rows(seen: dict[str, Array]) -> int:
    return len(next(iter(seen.values())))


def _each(name: str, given: Any, rows: int, most: float) -> Array:
    """A number for each row, from 0 to `most`; ValueError where it is not."""
    numbers = np.asarray(given, np.float32)
    if numbers.shape != (rows,):
        raise ValueError(f"{name} is of shape {numbers.shape}, expected {(rows,)}")
    wrong = np.flatnonzero(~((numbers >= 0) & (numbers <= most)))
    if len(wrong):
        raise ValueError(f"{name} of row {wrong[0]} is {numbers[wrong[0]]:g}, expected 0 to {most:g}")
    return numbers


class Minds:
    """The minds of several monsters that are stepped together; each call is one moment of all of them."""

    def __init__(self, policy: Acting, slots: int, deterministic: bool = True) -> None:
        if not isinstance(slots, int | np.integer) or slots < 0:
            raise ValueError(f"slots is {slots!r}, expected a whole number of monsters")
        self._policy = policy
        self._deterministic = deterministic
        self.memory = np.zeros((slots, policy.memory_size), np.float32)

    def __call__(self, observation: Any) -> Array:
        """Actions for a batch of observations, as `Acting.predict` takes them: one of each monster."""
        seen, single = self._policy.shown(observation)
        if single or _rows(seen) != len(self.memory):
            shown = "one without a batch" if single else f"{_rows(seen)}"
            raise ValueError(f"observations are {shown}, expected {len(self.memory)}: one of each monster")
        if not self._policy.memory_size:
            return self._policy.act(seen, self._deterministic)
        actions, self.memory = self._policy.think(seen, self.memory, self._deterministic)
        return actions

    def forget(self, slots: Array) -> None:
        """Another match begins for these: their numbers, or of every monster whether it is one of them (bool)."""
        count, which = len(self.memory), np.asarray(slots)
        if which.dtype == np.bool_:
            if which.shape != (count,):
                raise ValueError(f"slots is of shape {which.shape}, expected {(count,)}: one bool of each monster")
        elif which.size and (which.dtype.kind not in "iu" or which.min() < 0 or which.max() >= count):
            raise ValueError(f"slots is {slots!r}, expected numbers from 0 to {count - 1}, or {count} bools")
        self.memory = self.memory.copy()
        self.memory[which if which.size else []] = 0.0


class Session:
    """One monster's mind: an observation in, an order out. It keeps what the model remembers, and the `history`."""

    def __init__(self, policy: Acting, deterministic: bool) -> None:
        self._policy = policy
        self._deterministic = deterministic
        self._memory: Any = None
        self._fresh = True
        self._history = np.zeros(BLOCKS["history"], np.float32)

    def act(self, observation: Any) -> Any:
        """What to do now: a whole number, or the numbers that such a model gives (see `Acting.predict`).

        A model that sees a `history` may be shown the `state` of each moment instead.
        """
        blocks = self._policy.card.blocks
        given = _by_block(observation, "state")
        history = self._history
        if "history" in blocks and "history" not in given:
            if "state" not in given:
                raise ValueError(f"observations hold {sorted(given)}, expected 'history' or 'state'")
            state = np.asarray(given["state"], np.float32)
            if state.shape != BLOCKS["state"]:
                raise ValueError(f"'state' is of shape {state.shape}, expected {BLOCKS['state']}: that of one monster")
            given["history"] = history = np.concatenate([history[1:], state[None]])
        seen, single = self._policy.shown(given)
        if not single:
            raise ValueError(f"observations are a batch of {_rows(seen)}, expected those of one monster")
        told, memory = self._policy.predict(given, self._memory, self._fresh, self._deterministic)
        self._history, self._memory, self._fresh = history, memory, False  # now that nothing was wrong with it
        return told if self._policy.card.kind in TOLD else int(told)

    def reset(self) -> None:
        """Another match begins: nothing is remembered."""
        self._memory = None
        self._fresh = True
        self._history = np.zeros_like(self._history)

    @property
    def nothing(self) -> int:
        """The order that does nothing."""
        card = self._policy.card
        if card.control not in NOTHING_TO_DO:
            raise ValueError(f"{card.model_type} gives no orders, so that none of them does nothing")
        return NOTHING_TO_DO[card.control]
