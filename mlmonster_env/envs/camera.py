"""What a render mode shows of a match: a picture, a text, or the text on the terminal."""

import sys
from typing import Any

from mlmonster_env.envs.battle import Battle
from mlmonster_env.envs.film import joined
from mlmonster_env.envs.render import Frame, draw
from mlmonster_env.envs.text import as_text
from mlmonster_env.sim.scene import Scene

RENDER_MODES = ("rgb_array", "ansi", "human")
WINDOW = (40, 26)  # cells wide and high that are shown of a wide fight; of a close one half as many, twice as large
SCALE = 16  # pixels a cell, of the wide view: pictures are of one size, so that they make a film
MARGIN = 2  # cells around those who fight in a close view
TOP_LEFT = "\x1b[H\x1b[2J"


class Camera:
    """Looks at one row of a battle; between two looks at the same match it sees who was hurt."""

    def __init__(self, battle: Battle, match: int) -> None:
        self._battle = battle
        self._match = match
        self._before: Scene | None = None
        self._turn = 0  # which of the row's matches it looked at last

    def show(self, mode: str) -> Any:
        """An RGB array [height, width, 3], a text, or None after writing the text to the terminal."""
        scene = self._look()
        if mode == "rgb_array":
            frame, zoom = window_around(scene)
            return draw(scene, SCALE * zoom, frame)
        text = as_text(scene, window_around(scene)[0])
        if mode == "ansi":
            return text
        sys.stdout.write((TOP_LEFT if sys.stdout.isatty() else "") + text + "\n")
        sys.stdout.flush()
        return None

    def _look(self) -> Scene:
        scene, turn = self._battle.arena.scene(self._match), int(self._battle.turns[self._match])
        before = self._before if turn == self._turn else None
        self._before, self._turn = scene, turn
        if before is None:
            return scene
        return joined([before, scene])[-1]


def window_around(scene: Scene) -> tuple[Frame, int]:
    """The part of the map that is shown, around the middle of those who live, and how many times larger than usual."""
    height, width = scene.walkable.shape
    shown = [unit for unit in scene.units if not unit.dead] or list(scene.units)
    x, y = [unit.x for unit in shown], [unit.y for unit in shown]
    columns, rows = min(WINDOW[0], width // 2 * 2), min(WINDOW[1], height // 2 * 2)
    close = (columns // 2, rows // 2)
    zoom = 2 if fits(x, close[0]) and fits(y, close[1]) else 1
    columns, rows = columns // zoom, rows // zoom
    return Frame(first_of(x, columns, width), first_of(y, rows, height), columns, rows), zoom


def fits(places: list[float], size: int) -> bool:
    """Whether places lie within so many cells, with some room around."""
    return max(places) - min(places) + 1 + 2 * MARGIN <= size


def first_of(places: list[float], size: int, limit: int) -> int:
    """The first of `size` cells around the middle of some places, within a map of `limit` cells."""
    middle = round((min(places) + max(places)) / 2)
    return min(max(middle - size // 2, 0), limit - size)
