"""How a monster looks: the grid turned and mirrored so that enemies are ahead, and moves turned back.

Where they stand on several sides the nearest count most: one at half the distance as much as sixteen. The world has no
favourite direction, so that what is learnt of an enemy in the east serves for one in the south-west.
"""

from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor

from mlmonster_env.contract import GRID_CELLS, GRID_CHANNELS, MOVES

GRID = "grid"
MIRROR_X, MIRROR_Y, SWAP = 1, 2, 4  # what a facing, 0 to 7, is made of, in this order
FACINGS = MIRROR_X + MIRROR_Y + SWAP + 1
ENEMIES, ALLIES = GRID_CHANNELS.index("enemies"), GRID_CHANNELS.index("allies")
NEARNESS = 4  # somebody twice as far off counts 2 to the power of this less
BESIDE = 2.0**22  # what somebody on the next cell counts: so that whole numbers tell all cells, in sums that are exact


def _pull() -> Tensor:
    """How much somebody on a cell draws the look to the east and to the north: [2, cells]."""
    axis = np.arange(GRID_CELLS) - GRID_CELLS // 2
    way = np.stack(np.meshgrid(axis, axis)).reshape(2, -1)
    return torch.tensor(np.rint(BESIDE * way / np.maximum(np.hypot(*way), 1.0) ** (NEARNESS + 1)), dtype=torch.float32)


def _cells() -> Tensor:
    """Which cell of the grid each cell of the turned one shows: [facings, cells]."""
    mirrored = (GRID_CELLS - np.arange(GRID_CELLS)) % GRID_CELLS  # about the monster; the outermost row stays
    shown = []
    for facing in range(FACINGS):
        cells = np.arange(GRID_CELLS**2).reshape(GRID_CELLS, GRID_CELLS)
        cells = cells[:, mirrored] if facing & MIRROR_X else cells
        cells = cells[mirrored] if facing & MIRROR_Y else cells
        shown.append((cells.T if facing & SWAP else cells).reshape(-1))
    return torch.tensor(np.stack(shown))


def _moves() -> Tensor:
    """Which move, to the turned, each move of the world is: [facings, moves]."""

    def turned_move(facing: int, dx: int, dy: int) -> int:
        dx, dy = (-dx if facing & MIRROR_X else dx), (-dy if facing & MIRROR_Y else dy)
        return MOVES.index((dy, dx) if facing & SWAP else (dx, dy))

    return torch.tensor([[turned_move(facing, *move) for move in MOVES] for facing in range(FACINGS)])


PULL, CELLS, SEEN_AS = _pull(), _cells(), _moves()


def facing_of(grid: Tensor) -> Tensor:
    """How to turn each grid [batch, channels, rows, columns], from 0 to 7: towards enemies.

    Towards allies, where no enemy is in sight or those that are draw to opposite sides alike.
    """
    enemies, allies = _pulled(grid[:, ENEMIES]), _pulled(grid[:, ALLIES])
    some = enemies.abs().sum(1, keepdim=True) > 0
    east, north = torch.where(some, enemies, allies).unbind(1)
    far_east, far_north = east.abs(), north.abs()
    return MIRROR_X * (far_east > east).long() + MIRROR_Y * (far_north > north).long() + SWAP * (far_north > far_east)


def turned(grid: Tensor, facing: Tensor) -> Tensor:
    """The grid with what it faces between east and north-east."""
    cells = CELLS.to(grid.device).index_select(0, facing)
    return grid.flatten(2).gather(2, cells[:, None].expand(-1, grid.shape[1], -1)).reshape(grid.shape)


def told_back(scores: Tensor, facing: Tensor | None) -> Tensor:
    """Scores of moves [batch, 9], as the turned sees them, by the directions of the world; as they are for None."""
    if facing is None:
        return scores
    return scores.gather(1, SEEN_AS.to(scores.device).index_select(0, facing))


def ahead(observations: Any, turns: bool) -> tuple[Any, Tensor | None]:
    """Observations with their grid turned, and how it was; as they are, and None, for one that does not turn."""
    if not turns:
        return observations, None
    facing = facing_of(observations[GRID])
    return {**observations, GRID: turned(observations[GRID], facing)}, facing


def check_turns(observation_space: spaces.Space[Any], action_space: spaces.Space[Any]) -> None:
    """ValueError unless there are a grid to turn and moves to tell back."""
    has_grid = isinstance(observation_space, spaces.Dict) and GRID in observation_space.spaces
    if not has_grid or not isinstance(action_space, spaces.Discrete) or action_space.n != len(MOVES):
        right = f"expected a Dict with {GRID!r} and Discrete({len(MOVES)})"
        raise ValueError(f"turns is True of {observation_space} and {action_space}, {right}")


def _pulled(channel: Tensor) -> Tensor:
    """[batch, 2]: to the east and to the north. A sum, no product of matrices: that would be of half precision."""
    there = (channel.flatten(1) > 0).float()
    return (there[:, None] * PULL.to(channel.device)).sum(2)
