"""A judged match played again as its recording has it: what the model saw, and what it thought, at each decision."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from agents.evaluation import minds_of
from agents.reading import battle_for
from mlmonster_env.contract import CONTINUOUS, CONTROLS
from mlmonster_env.envs.battle import Array, Battle
from mlmonster_env.envs.vector import by_block
from mlmonster_env.sim.orders import VECTOR_UNIT
from mlmonster_env.sim.recording import Recording
from policies.policy import Policy


class ReplayError(Exception):
    """A match that does not come out as it was recorded."""


@dataclass(frozen=True)
class Moment:
    """One decision of a model's pack; arrays are by member."""

    battle: Battle
    seen: dict[str, Array]
    memory: Array  # before it
    told: Array  # what the network said: see Policy.consider
    orders: Array  # that were given; of a box of numbers [members, 4]
    alive: Array


class Recorded:
    """A rival that gives the orders of a recording."""

    blocks: tuple[str, ...] = ("state",)

    def __init__(self, control: str, orders: Array) -> None:
        self.control = control
        self._orders = orders
        self._next = 0

    def __call__(self, seen: dict[str, Array]) -> Array:
        """Those of the next moment."""
        self._next += 1
        return as_actions(self._orders[self._next - 1], self.control)

    def forget(self, slots: Array) -> None:
        """The match begins."""
        self._next = 0

    def state(self) -> dict[str, Any]:
        """Where it is."""
        return {"next": self._next}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self._next = int(state["next"])


def moments(policy: Policy, recording: Recording, side: int, **arguments: Any) -> Iterator[Moment]:
    """Every decision of a match that was judged; ReplayError if it does not end as it did.

    `side` is the model's; other arguments are those of `Battle` that the match was played with.
    """
    _, control, blocks = minds_of(policy)
    own = recording.controls[0][1]
    if recording.controls[0][0] != control or recording.index or recording.serial:
        raise ReplayError(
            f"the recording is of {recording.controls[0][0]} orders, expected a judged match of {control}"
        )
    members = len(own)
    rivals = recording.orders[:, members:]
    rival_control = recording.controls[1][0] if len(recording.controls) > 1 else None
    opponent = "stock" if rival_control is None else Recorded(rival_control, rivals)
    told = {"skills": recording.skills, **arguments}
    battle = battle_for(policy)(
        1, control, archetype=policy.card.archetype, scenario=recording.plan, pack=True, side=side, observe=blocks,
        opponent=opponent, record=True, **told,
    )  # fmt: skip
    battle.reset(np.array([recording.seed]))
    memory = np.zeros((members, policy.memory_size), np.float32)
    for row in recording.orders:
        given = by_block(battle.observe())
        orders = as_actions(row[:members], control)
        numbers, later = policy.consider(given, memory)
        yield Moment(battle, given, memory, numbers, orders, battle.alive.copy())
        memory = later
        battle.step(orders)
    if battle.recording().digest != recording.digest:
        raise ReplayError(f"seed {recording.seed} on side {side} does not end as it did when it was judged")


def as_actions(orders: Array, control: str) -> Array:
    """Orders as they are recorded to actions as a battle takes them."""
    if CONTROLS[control]:
        return np.asarray(orders)
    words = np.asarray(orders, np.int32).view(np.uint32)[:, None] >> np.arange(0, 8 * len(CONTINUOUS), 8)
    return ((words & 0xFF).astype(np.int64) - VECTOR_UNIT) / VECTOR_UNIT
