"""The eight ways to turn and mirror a battle: movement data that was seen one way is true of all of them.

A state vector holds no direction, so it stays as it is; what has one is turned: moves, two of the four continuous
numbers, the grid, and where entities are. Turn all that a model sees, or it learns that directions do not matter.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mlmonster_env.contract import CONTROLS, ENTITY_FEATURES, MOVES
from mlmonster_env.store.experience import Array, Experience

PRESENT, DX, DY = (ENTITY_FEATURES.index(name) for name in ("present", "0.5 + dx/28", "0.5 + dy/28"))
TURNED_BLOCKS = ("grid", "entities")
MOVEMENT_TYPES = ("movement_ppo", "spatial_vit")


@dataclass(frozen=True)
class Symmetry:
    """A quarter turn or a mirror: what becomes of a way (dx, dy)."""

    matrix: tuple[tuple[int, int], tuple[int, int]]

    def ways(self, ways: Array) -> Array:
        """Ways [..., 2] turned."""
        turned: Array = ways @ np.array(self.matrix, ways.dtype).T
        return turned

    def moves(self, moves: Array) -> Array:
        """Moves, by their numbers in contract.MOVES."""
        turned = [MOVES.index(tuple(self.ways(np.array(way)).tolist())) for way in MOVES]
        return np.array(turned, moves.dtype)[moves]

    def vectors(self, vectors: Array) -> Array:
        """Continuous orders [..., 4]: dx and dy of them."""
        turned = vectors.copy()
        turned[..., :2] = self.ways(vectors[..., :2])
        return turned

    def entities(self, rows: Array) -> Array:
        """The entities block [..., rows, features]; rows of nobody stay empty."""
        turned = rows.copy()
        there = rows[..., PRESENT] > 0
        ways = self.ways(rows[..., [DX, DY]] - np.float32(0.5)) + np.float32(0.5)
        turned[..., [DX, DY]] = np.where(there[..., None], ways, rows[..., [DX, DY]])
        return turned

    def grid(self, grids: Array) -> Array:
        """The grid block [..., channels, y, x], about the monster's own cell.

        The width is even, so an outermost row or column may have no counterpart: it repeats the one beside it.
        """
        size = grids.shape[-1]
        middle = size // 2
        y, x = np.mgrid[:size, :size] - middle
        back = np.array(self.matrix).T  # whose cell comes to stand here
        from_x = np.clip(back[0][0] * x + back[0][1] * y + middle, 0, size - 1)
        from_y = np.clip(back[1][0] * x + back[1][1] * y + middle, 0, size - 1)
        turned: Array = grids[..., from_y, from_x]
        return turned


IDENTITY = Symmetry(((1, 0), (0, 1)))
SYMMETRIES: tuple[Symmetry, ...] = tuple(
    Symmetry(matrix)
    for matrix in (
        ((1, 0), (0, 1)), ((0, 1), (-1, 0)), ((-1, 0), (0, -1)), ((0, -1), (1, 0)),
        ((-1, 0), (0, 1)), ((1, 0), (0, -1)), ((0, 1), (1, 0)), ((0, -1), (-1, 0)),
    )
)  # fmt: skip
MOST_EPISODES = np.iinfo(np.int64).max // len(SYMMETRIES) - 1  # each is turned into so many, with numbers of their own


def augmented(
    blocks: Mapping[str, Array], actions: Array, control: str, symmetry: Symmetry
) -> tuple[dict[str, Array], Array]:
    """What was seen and done, turned: blocks by name, and moves or continuous orders."""
    if control not in ("movement", "continuous"):
        raise ValueError(f"control is {control!r}, expected movement or continuous: others have no direction")
    turned = {
        name: getattr(symmetry, name)(block) if name in TURNED_BLOCKS else block for name, block in blocks.items()
    }
    if "action_mask" in blocks:
        order = np.arange(CONTROLS[control])
        turned["action_mask"] = blocks["action_mask"][..., np.argsort(symmetry.moves(order))]
    return turned, symmetry.moves(actions) if control == "movement" else symmetry.vectors(actions)


def augment_moves(rows: Experience) -> Experience:
    """Stored movement transitions in all eight ways, the first eighth as they are.

    Each way of a monster is turned as a whole, and is an episode of its own with a number below 0 that no other has.
    """
    wrong = sorted(set(rows.model_type.tolist()) - set(MOVEMENT_TYPES))
    if wrong:
        raise ValueError(f"model_type is {wrong[0]!r}, expected one of {', '.join(MOVEMENT_TYPES)}: others do not move")
    wrong = rows.action[(rows.action < 0) | (rows.action >= len(MOVES))].tolist()
    if wrong:
        raise ValueError(f"action is {wrong[0]}, expected a move, 0 to {len(MOVES) - 1}")
    wrong = rows.episode_id[(rows.episode_id < 0) | (rows.episode_id > MOST_EPISODES)].tolist()
    if wrong:
        raise ValueError(
            f"episode_id is {wrong[0]}, expected 0 to {MOST_EPISODES}: others leave no number for the turned"
        )
    parts = [rows]
    for number, symmetry in enumerate(SYMMETRIES[1:], start=1):
        columns = rows.columns()
        episode = -(rows.episode_id * len(SYMMETRIES) + number)
        parts.append(Experience.of(**{**columns, "action": symmetry.moves(rows.action), "episode_id": episode}))
    return Experience.joined(parts)
