"""A match from above as text: walls, ground, and a letter for each monster."""

from mlmonster_env.envs.render import Frame
from mlmonster_env.sim.scene import Scene, SceneUnit

WALL, FLOOR, GROUND, HAZARD, ITEM, DEAD = "#", ".", "~", "!", "$", "+"
BAR = 10


def as_text(scene: Scene, frame: Frame) -> str:
    """The map, north up, then a line for each monster; those of the first side are small letters."""
    rows = [
        "".join(_cell(scene, x, y) for x in range(frame.left, frame.left + frame.width))
        for y in range(frame.bottom + frame.height - 1, frame.bottom - 1, -1)
    ]
    grid = [list(row) for row in rows]
    for unit in sorted(scene.units, key=lambda unit: not unit.dead):
        x, y = round(unit.x) - frame.left, frame.height - 1 - (round(unit.y) - frame.bottom)
        if 0 <= x < frame.width and 0 <= y < frame.height:
            grid[y][x] = DEAD if unit.dead else letter(unit)
    seconds = scene.clock_ms / 1000
    head = f"{scene.title}  {seconds // 60:.0f}:{seconds % 60:04.1f}"
    return "\n".join([head, *("".join(row) for row in grid), *(_line(unit) for unit in scene.units)])


def letter(unit: SceneUnit) -> str:
    """A unit's own letter."""
    return chr(ord("a" if unit.side == 0 else "A") + unit.place % 26)


def _cell(scene: Scene, x: int, y: int) -> str:
    if not scene.walkable[y, x]:
        return WALL
    if (x, y) in scene.items:
        return ITEM
    squares = (square for area in scene.areas for square in area.squares)
    if any(max(abs(at_x - x), abs(at_y - y)) <= radius for at_x, at_y, radius in squares):
        return GROUND
    return HAZARD if scene.hazard is not None and scene.hazard[y, x] else FLOOR


def _line(unit: SceneUnit) -> str:
    full = round(BAR * max(unit.hp, 0) / unit.max_hp)
    state = "dead" if unit.dead else f"[{'=' * full}{' ' * (BAR - full)}] {unit.hp} of {unit.max_hp} hp"
    lives = f", {unit.lives} lives" if unit.lives > 1 else ""
    return f"{letter(unit)} {unit.name} ({unit.archetype}): {state}{', casting' if unit.casting else ''}{lives}"
