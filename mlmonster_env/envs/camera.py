"""What a render mode shows of a match: a picture, a text, or the text on the terminal."""

import sys
from typing import Any

from mlmonster_env.envs.film import joined
from mlmonster_env.envs.render import Frame, draw
from mlmonster_env.envs.text import as_text
from mlmonster_env.sim import Arena
from mlmonster_env.sim.scene import Scene

RENDER_MODES = ("rgb_array", "ansi", "human")
WINDOW = (40, 26)  # cells wide and high; the same for all pictures, so that they make a film
SCALE = 16  # pixels a cell
TOP_LEFT = "\x1b[H\x1b[2J"


class Camera:
    """Looks at one match of an arena; between two looks it sees who was hurt."""

    def __init__(self, arena: Arena, match: int) -> None:
        self._arena = arena
        self._match = match
        self._before: Scene | None = None

    def show(self, mode: str) -> Any:
        """An RGB array [height, width, 3], a text, or None after writing the text to the terminal."""
        scene = self._look()
        if mode == "rgb_array":
            return draw(scene, SCALE, window_around(scene))
        text = as_text(scene, window_around(scene))
        if mode == "ansi":
            return text
        sys.stdout.write((TOP_LEFT if sys.stdout.isatty() else "") + text + "\n")
        sys.stdout.flush()
        return None

    def _look(self) -> Scene:
        scene = self._arena.scene(self._match)
        before = self._before
        self._before = scene
        if before is None or before.clock_ms > scene.clock_ms:
            return scene
        return joined([before, scene])[-1]


def window_around(scene: Scene) -> Frame:
    """The part of the map that is shown: of one size, around the middle of those who live."""
    height, width = scene.walkable.shape
    shown = [unit for unit in scene.units if not unit.dead] or list(scene.units)
    columns, rows = min(WINDOW[0], width), min(WINDOW[1], height)
    left = first_of([unit.x for unit in shown], columns, width)
    return Frame(left, first_of([unit.y for unit in shown], rows, height), columns, rows)


def first_of(places: list[float], size: int, limit: int) -> int:
    """The first of `size` cells around the middle of some places, within a map of `limit` cells."""
    middle = round((min(places) + max(places)) / 2) if places else limit // 2
    return min(max(middle - size // 2, 0), limit - size)
