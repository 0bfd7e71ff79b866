"""Experience as arrays, one row each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from mlmonster_env.contract import ARCHETYPES, MODEL_TYPES, STATE_SIZE
from mlmonster_env.data.errors import one_of, shorten

Array = np.ndarray[Any, np.dtype[Any]]

VECTORS = ("state", "next_state")
DTYPES: dict[str, Any] = {
    "archetype": np.str_,
    "model_type": np.str_,
    "model_version": np.str_,
    "monster_id": np.int64,
    "episode_id": np.int64,
    "tick": np.int64,
    "action": np.int32,
    "log_probability": np.float32,
    "reward": np.float32,
    "done": np.bool_,
    "truncated": np.bool_,
    "priority": np.float32,
    "state": np.float32,
    "next_state": np.float32,
}
DEFAULTS: dict[str, Any] = {"log_probability": np.nan, "truncated": False, "priority": 1.0}


@dataclass(frozen=True, slots=True, eq=False)
class Experience:
    """Steps that monsters took. Make them with `Experience.of`, which checks them.

    An episode is a match or a life on a server; (`episode_id`, `monster_id`) is one monster's way through it, in order
    of `tick`. `action` is the order as a number (four continuous ones packed as `sim.orders.packed` does it).
    `done` is true in the last row of a way, `truncated` too if only its time was over. Where no probability is known
    `log_probability` is not a number.
    """

    archetype: Array
    model_type: Array
    model_version: Array
    monster_id: Array
    episode_id: Array
    tick: Array
    action: Array
    log_probability: Array
    reward: Array
    done: Array
    truncated: Array
    priority: Array
    state: Array  # float32 [n, 64]
    next_state: Array

    def __len__(self) -> int:
        return len(self.action)

    @classmethod
    def of(cls, **columns: Any) -> "Experience":
        """Rows from columns by name, copied; a single value stands for all rows. What is wrong is named."""
        unknown = [name for name in columns if name not in DTYPES]
        missing = [name for name in DTYPES if name not in columns and name not in DEFAULTS]
        if unknown or missing:
            raise ValueError(
                f"columns are {', '.join(columns)}; unknown: {', '.join(unknown) or 'none'}, "
                f"missing: {', '.join(missing) or 'none'}"
            )
        rows = len(np.array(_converted("state", columns["state"]), ndmin=2))
        given = {**DEFAULTS, **columns}
        made = {name: _column(name, given[name], rows) for name in DTYPES}
        _check_names(made["archetype"], "archetype", ARCHETYPES)
        _check_names(made["model_type"], "model_type", MODEL_TYPES)
        _check_texts(made["model_version"], "model_version")
        wrong = made["priority"][~is_priority(made["priority"])]
        if len(wrong):
            raise ValueError(f"priority is {wrong[0]}, expected 0 or more, and finite")
        if not np.isfinite(made["reward"]).all():
            raise ValueError("reward has a value that is not finite, expected finite numbers")
        if np.isinf(made["log_probability"]).any():
            raise ValueError(
                "log_probability is infinite, expected a finite number, or none (nan) where it is not known"
            )
        if (made["truncated"] & ~made["done"]).any():
            raise ValueError("truncated is true where done is false, expected done as well")
        return cls(**made)

    @classmethod
    def empty(cls) -> "Experience":
        """No rows."""
        return cls(**{name: np.zeros((0, STATE_SIZE) if name in VECTORS else 0, DTYPES[name]) for name in DTYPES})

    @classmethod
    def joined(cls, parts: "Sequence[Experience]") -> "Experience":
        """All parts, one after the other."""
        if not parts:
            return cls.empty()
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in DTYPES))

    def where(self, rows: Any) -> "Experience":
        """Some of the rows, by a mask, numbers or a slice."""
        return Experience(*(getattr(self, name)[rows] for name in DTYPES))

    def columns(self) -> dict[str, Array]:
        """The arrays by name."""
        return {name: getattr(self, name) for name in DTYPES}

    def ways(self) -> "Iterable[Array]":
        """Of each monster's way, the numbers of its rows in order of tick."""
        order = np.lexsort((self.tick, self.monster_id, self.episode_id))
        episode, monster = self.episode_id[order], self.monster_id[order]
        cuts = np.flatnonzero((episode[1:] != episode[:-1]) | (monster[1:] != monster[:-1])) + 1
        return np.split(order, cuts) if len(order) else ()


def _column(name: str, value: Any, rows: int) -> Array:
    made = _converted(name, value)
    expected = (rows, STATE_SIZE) if name in VECTORS else (rows,)
    if made.shape != expected and made.ndim < len(expected):
        made = np.array(np.broadcast_to(made, expected))
    if made.shape != expected:
        raise ValueError(f"{name} is of shape {made.shape}, expected {expected}")
    return made


def _converted(name: str, value: Any) -> Array:
    """A copy of a column as its type, unless that would make other values of it."""
    try:
        given = np.asarray(value)
        with np.errstate(invalid="ignore", over="ignore"):  # what does not fit is found below
            made = np.array(value, DTYPES[name])
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{name} is no array of {np.dtype(DTYPES[name])}: {error}") from error
    _check_kept(name, given, made)
    return made


def is_priority(values: Array) -> Array:
    """Of each value, whether it can be a priority."""
    return np.isfinite(values) & (values >= 0)


def _check_kept(name: str, given: Array, made: Array) -> None:
    """Refuse numbers that became other ones, and what is no number where one belongs; floats may lose digits."""
    kind = made.dtype.kind
    if kind == "U":
        _check_are_texts(name, given)
        return
    numbers = given.dtype.kind in "biuf"
    kept = (made == given) if numbers and kind in "bi" else np.full(made.shape, numbers)
    if not np.all(kept):
        raise ValueError(
            f"{name} is {shorten(np.atleast_1d(given)[~np.atleast_1d(kept)].tolist()[0])}, expected {made.dtype}"
        )


def _check_are_texts(name: str, given: Array) -> None:
    """NumPy makes a text of anything, such as "None" of a version that is not known."""
    for one in given.ravel().tolist() if given.dtype.kind != "U" else ():
        if not isinstance(one, str):
            raise ValueError(f"{name} is {shorten(one)}, expected text")


def _check_texts(texts: Array, what: str) -> None:
    for text in np.unique(texts).tolist():
        if not text.strip() or not text.isprintable():
            raise ValueError(f"{what} is {text!r}, expected printable text")


def _check_names(names: Array, what: str, known: Sequence[str]) -> None:
    for name in np.unique(names).tolist():
        if name not in known:
            raise ValueError(f"{what} is {name!r}, expected {one_of(name, known)}")


assert tuple(DTYPES) == tuple(field.name for field in fields(Experience))
