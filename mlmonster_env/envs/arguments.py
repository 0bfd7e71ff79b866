"""What environments are told, checked: blocks to see, orders to give, and words out of a list."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from gymnasium import spaces

from mlmonster_env.contract import (
    ADDED_BLOCKS,
    BLOCKS,
    COMBAT_ACTIONS,
    CONTINUOUS,
    CONTROLS,
    MOVE_NAMES,
    NOTHING_TO_DO,
    SIGNALS,
    SKILL_SLOTS,
)
from mlmonster_env.data.errors import one_of, shorten, whole
from mlmonster_env.sim.orders import packed

Array = np.ndarray[Any, np.dtype[Any]]

MASK = "action_mask"
ACTION_NAMES: dict[str, Sequence[str]] = {
    "combat": COMBAT_ACTIONS,
    "movement": MOVE_NAMES,
    "skill": [*(f"slot {slot + 1}" for slot in range(SKILL_SLOTS)), "none"],
    "pack": SIGNALS,
}


def checked(what: str, value: str, known: Sequence[str] | dict[str, Any]) -> str:
    """The value, if it is one that is known; else an error that names the nearest right ones."""
    if not isinstance(value, str) or value not in known:
        raise ValueError(f"{what} is {value!r}, expected {one_of(str(value), known)}")
    return value


def checked_seed(value: Any, optional: bool = True) -> int:
    """A seed as Python's own number, whatever kind of whole number it came as."""
    if not whole(value) or value < 0:
        raise ValueError(f"seed is {value!r}, expected a whole number{' or None' if optional else ''}, at least 0")
    return int(value)


def checked_blocks(
    observe: str | Sequence[str], control: str, what: str = "observe", without: Sequence[str] = ()
) -> tuple[str, ...]:
    """The blocks asked for, each known and once; those `without` are none."""
    known = [name for name in ([*BLOCKS, MASK] if CONTROLS[control] else [*BLOCKS]) if name not in without]
    blocks = (observe,) if isinstance(observe, str) else tuple(observe) if isinstance(observe, Iterable) else ()
    for name in blocks:
        checked(what, name, known)
    if not blocks or len(set(blocks)) != len(blocks):
        raise ValueError(f"{what} is {observe!r}, expected blocks, each once: {one_of('', known)}")
    return blocks


def block_space(name: str, control: str) -> spaces.Space[Any]:
    """The space of one block."""
    if name == MASK:
        return spaces.MultiBinary(CONTROLS[control])
    if name in ADDED_BLOCKS:
        return spaces.Box(-np.inf, np.inf, ADDED_BLOCKS[name], np.float32)
    return spaces.Box(0.0, 1.0, BLOCKS[name], np.float32)


def as_orders(given: Any, control: str, slots: int) -> Array:
    """Actions of slots as the simulator takes them, checked."""
    try:
        actions: Array = np.asarray(given)
    except ValueError:  # rows of unequal length
        raise ValueError(f"action is {shorten(given)}, expected as many numbers for each of {slots} slots") from None
    return _as_vectors(actions, slots) if not CONTROLS[control] else _as_numbers(actions, control, slots)


def _as_vectors(actions: Array, slots: int) -> Array:
    shaped = actions.shape == (slots, len(CONTINUOUS)) and actions.dtype.kind in "iuf"
    finite = np.isfinite(actions).all(1) if shaped else np.zeros(slots, np.bool_)
    if not finite.all():
        wrong = actions[~finite][0] if shaped else actions[0] if actions.shape[:1] == (1,) else actions
        raise ValueError(f"action is {shorten(wrong)}, expected {len(CONTINUOUS)} finite numbers a slot: {CONTINUOUS}")
    return packed(actions)


def _as_numbers(actions: Array, control: str, slots: int) -> Array:
    size = CONTROLS[control]
    if actions.shape != (slots,) or actions.dtype.kind not in "iu":
        wrong = actions[0] if actions.shape[:1] == (1,) else actions
        raise ValueError(f"action is {shorten(wrong)}, expected one whole number for each of {slots} slots")
    if slots and (actions.min() < 0 or actions.max() >= size):
        wrong = actions[(actions < 0) | (actions >= size)][0]
        named = ", ".join(f"{number} {name}" for number, name in enumerate(ACTION_NAMES[control]))
        raise ValueError(f"action is {wrong}, expected 0 to {size - 1}: {named}")
    return actions.astype(np.int32)


def check_masked(control: str) -> None:
    """Fail unless a control numbers its actions; only then are there masks of them."""
    if not CONTROLS[control]:
        raise AttributeError(f"{control} control has no action masks, expected a discrete one")


def do_nothing(control: str) -> int:
    """The action by which a dead monster's slot is filled."""
    return NOTHING_TO_DO[control]
