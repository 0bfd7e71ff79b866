"""A match from above as a picture: side by colour, archetype by shape, y growing upwards as on the server's maps."""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mlmonster_env.contract import ARCHETYPES
from mlmonster_env.sim.scene import Scene, SceneUnit

Picture = np.ndarray[Any, np.dtype[np.uint8]]
Colour = tuple[int, int, int]
Point = tuple[float, float]

FINE = 2  # drawn so many times larger and shrunk, for smooth edges
MARGIN = 2  # cells around the outermost units
SMALLEST_FRAME = (15, 11)  # cells wide and high
SIZE, CALLED_SIZE = 0.48, 0.36  # of a unit's shape, in cells from its middle
SHARING = 0.7  # of its size, where several stand on one cell
LETTERS_ACROSS = 26  # the unit of header and footer: so many fill the width
LONGEST_NAMES = 24
HEADER, FOOTER = 3.0, 1.5  # their heights, in that unit

SIDE_COLOURS: tuple[Colour, Colour] = ((86, 170, 255), (255, 116, 72))
SIDE_LETTERS = ("A", "B")
FLOOR: tuple[Colour, Colour] = ((78, 92, 74), (84, 99, 79))
WALL: Colour = (40, 42, 52)
WALL_EDGE: Colour = (104, 108, 126)
PANEL: Colour = (22, 24, 30)
INK: Colour = (18, 18, 22)
PALE: Colour = (236, 238, 242)
DIM: Colour = (150, 156, 168)
EMPTY_BAR: Colour = (70, 30, 34)
CAST: Colour = (255, 226, 92)
HAZARD: Colour = (190, 70, 40)
ITEM: Colour = (250, 214, 70)
HURT: Colour = (255, 232, 170)
HEALED: Colour = (120, 240, 140)
HP_COLOURS: tuple[tuple[float, Colour], ...] = ((0.5, (110, 220, 100)), (0.25, (240, 200, 70)), (0.0, (240, 90, 80)))


def polygon(corners: int, turn: float = 0.0, inner: float = 1.0) -> tuple[Point, ...]:
    """A regular outline of radius 1 whose first corner points up; with `inner` below 1 a star of as many points."""
    count = corners if inner == 1.0 else 2 * corners
    radii = [1.0 if i % 2 == 0 else inner for i in range(count)]
    angles = [turn + 2 * math.pi * i / count for i in range(count)]
    return tuple((r * math.sin(a), -r * math.cos(a)) for r, a in zip(radii, angles, strict=True))


# Outlines in a box from -1 to 1, y downwards.
SHAPES: dict[str, tuple[Point, ...]] = {
    "aggressive": polygon(3),
    "defensive": ((-0.8, -0.85), (0.8, -0.85), (0.8, 0.15), (0, 1.0), (-0.8, 0.15)),
    "support": tuple(
        (x, y)
        for x, y in (
            (-0.35, -1), (0.35, -1), (0.35, -0.35), (1, -0.35), (1, 0.35), (0.35, 0.35),
            (0.35, 1), (-0.35, 1), (-0.35, 0.35), (-1, 0.35), (-1, -0.35), (-0.35, -0.35),
        )
    ),
    "mage": polygon(5, inner=0.45),
    "tank": polygon(6, turn=math.pi / 6),
    "ranged": ((0, -1), (0.9, 0.9), (0, 0.4), (-0.9, 0.9)),
}  # fmt: skip


class Frame(NamedTuple):
    """The cells that a picture shows: `left` and `bottom` included, `width` and `height` of them."""

    left: int
    bottom: int
    width: int
    height: int


def frame_around(scenes: Sequence[Scene]) -> Frame:
    """The smallest frame, within the map, that shows every unit of every scene with some ground around."""
    height, width = scenes[0].walkable.shape
    left, columns = span([unit.x for scene in scenes for unit in scene.units], SMALLEST_FRAME[0], width)
    bottom, rows = span([unit.y for scene in scenes for unit in scene.units], SMALLEST_FRAME[1], height)
    return Frame(left, bottom, columns, rows)


def span(places: Sequence[float], least: int, limit: int) -> tuple[int, int]:
    """First cell and number of cells, at least `least`, along one axis of a map of `limit` cells."""
    low, high = (math.floor(min(places)) - MARGIN, math.ceil(max(places)) + MARGIN + 1) if places else (0, limit)
    size = min(max(high - low, least), limit)
    first = (low + high - size) // 2
    return min(max(first, 0), limit - size), size


def draw(scene: Scene, scale: int = 18, frame: Frame | None = None) -> Picture:
    """The scene as RGB [height, width, 3], `scale` pixels a cell; without `frame`, the part of the map with units."""
    return Canvas(scene, scale, frame or frame_around([scene])).picture()


class Canvas:
    """One picture in the making."""

    def __init__(self, scene: Scene, scale: int, frame: Frame) -> None:
        self.scene = scene
        self.scale = scale
        self.frame = frame
        self.cell = scale * FINE
        self.letter = frame.width * scale / LETTERS_ACROSS
        self.ground = ground(scene.walkable.tobytes(), scene.walkable.shape, frame, self.cell).copy()
        self.pen = ImageDraw.Draw(self.ground, "RGBA")

    def picture(self) -> Picture:
        places, sizes = self.places()
        self.hazards()
        self.areas()
        self.items()
        self.aims(places)
        # The dead lie below the living; those farther down stand in front.
        order = sorted(range(len(places)), key=lambda i: (not self.scene.units[i].dead, -self.scene.units[i].y))
        for i in order:
            self.unit(self.scene.units[i], places[i], sizes[i])
        top, bottom = round(HEADER * self.letter), round(FOOTER * self.letter)
        field = self.ground.reduce(FINE)
        whole = Image.new("RGB", (field.width, field.height + top + bottom), PANEL)
        whole.paste(field, (0, top))
        pen = ImageDraw.Draw(whole)
        self.numbers(pen, top)
        self.header(pen, whole.width)
        self.footer(pen, whole.width, whole.height - bottom, bottom)
        return np.asarray(whole)

    def places(self) -> tuple[list[Point], list[float]]:
        """Centre and size of every unit in fine pixels; units that share a cell stand around its middle, smaller."""
        sharing: dict[tuple[float, float, bool], list[int]] = defaultdict(list)
        for i, unit in enumerate(self.scene.units):
            sharing[round(unit.x), round(unit.y), unit.dead].append(i)
        places = [self.point(unit.x, unit.y) for unit in self.scene.units]
        sizes = [self.cell * (CALLED_SIZE if unit.called else SIZE) for unit in self.scene.units]
        for group in sharing.values():
            for rank, i in enumerate(group if len(group) > 1 else []):
                angle = 2 * math.pi * (rank / len(group) + 0.1)
                x, y = places[i]
                places[i] = (x + 0.32 * self.cell * math.cos(angle), y + 0.32 * self.cell * math.sin(angle))
                sizes[i] *= SHARING
        return places, sizes

    def point(self, x: float, y: float) -> Point:
        return (x - self.frame.left + 0.5) * self.cell, (self.frame.bottom + self.frame.height - y - 0.5) * self.cell

    def hazards(self) -> None:
        if self.scene.hazard is None:
            return
        rows, columns = np.nonzero(self.scene.hazard)
        for x, y in zip(columns.tolist(), rows.tolist(), strict=True):
            if 0 <= x - self.frame.left < self.frame.width and 0 <= y - self.frame.bottom < self.frame.height:
                left, middle = self.point(x, y)
                half = self.cell / 2
                box = (left - half, middle - half, left + half - 1, middle + half - 1)
                self.pen.rectangle(box, fill=(*HAZARD, 90 if (x + y) % 2 else 120))

    def items(self) -> None:
        for item in self.scene.items:
            x, y = self.point(*item)
            size = self.cell * 0.26
            diamond = [(x, y - size), (x + size, y), (x, y + size), (x - size, y)]
            self.pen.polygon(diamond, fill=ITEM, outline=INK, width=FINE)

    def aims(self, places: list[Point]) -> None:
        """A thin line from everybody to the one he is after."""
        at = {unit.place: i for i, unit in enumerate(self.scene.units)}
        for i, unit in enumerate(self.scene.units):
            if not unit.dead and unit.target in at and not self.scene.units[at[unit.target]].dead:
                line = (*places[i], *places[at[unit.target]])
                self.pen.line(line, fill=(*SIDE_COLOURS[unit.side], 70), width=max(FINE, self.cell // 12))

    def areas(self) -> None:
        squares = [(*square, SIDE_COLOURS[area.side]) for area in self.scene.areas for square in area.squares]
        for cell_x, cell_y, radius, colour in squares:
            x, y = self.point(cell_x, cell_y)
            reach = (radius + 0.5) * self.cell
            self.pen.rounded_rectangle(
                (x - reach, y - reach, x + reach, y + reach),
                radius=self.cell * 0.4,
                fill=(*colour, 40),
                outline=(*colour, 190),
                width=FINE,
            )

    def unit(self, unit: SceneUnit, place: Point, size: float) -> None:
        x, y = place
        if unit.dead:
            arm = size * 0.6
            for colour, width in ((INK, self.cell // 4), (SIDE_COLOURS[unit.side], self.cell // 9)):
                for sign in (-1, 1):
                    self.pen.line((x - arm, y - sign * arm, x + arm, y + sign * arm), fill=(*colour, 130), width=width)
            return
        self.pen.ellipse((x - size, y + size * 0.45, x + size, y + size * 1.25), fill=(0, 0, 0, 90))
        if unit.casting:
            ring = size * 1.5
            for start in range(0, 360, 45):
                box = (x - ring, y - ring, x + ring, y + ring)
                self.pen.arc(box, start, start + 27, fill=CAST, width=max(2, self.cell // 10))
        outline = SHAPES[unit.archetype]
        for grown, colour in ((1.24, INK), (1.0, SIDE_COLOURS[unit.side])):
            self.pen.polygon([(x + px * size * grown, y + py * size * grown) for px, py in outline], fill=colour)
        self.bar(x, y - size * 1.55, size * 1.8, unit.hp / unit.max_hp)
        for life in range(unit.lives if unit.lives > 1 else 0):
            dot = x + (life - (unit.lives - 1) / 2) * size * 0.5
            self.pen.ellipse((dot - size * 0.16, y + size * 1.2, dot + size * 0.16, y + size * 1.52), fill=PALE)

    def bar(self, x: float, y: float, width: float, share: float) -> None:
        half, thick = width / 2, self.cell * 0.085
        edge = FINE
        self.pen.rectangle((x - half - edge, y - thick - edge, x + half + edge, y + thick + edge), fill=INK)
        self.pen.rectangle((x - half, y - thick, x + half, y + thick), fill=EMPTY_BAR)
        colour = next(c for least, c in HP_COLOURS if share >= least)
        self.pen.rectangle((x - half, y - thick, x - half + width * min(share, 1.0), y + thick), fill=colour)

    def numbers(self, pen: ImageDraw.ImageDraw, top: int) -> None:
        font = ImageFont.load_default(size=self.letter * 0.72)
        for i, hit in enumerate(self.scene.hits):
            x, y = self.point(hit.x + (i % 3 - 1) * 0.45, hit.y)  # side by side, as several may fall at once
            rise = (0.9 + hit.age_ms / 600) * self.scale
            pen.text(
                (x / FINE, y / FINE + top - rise),
                f"{hit.amount}" if hit.amount > 0 else f"+{-hit.amount}",
                font=font,
                fill=HURT if hit.amount > 0 else HEALED,
                anchor="mm",
                stroke_width=max(1, round(self.letter / 12)),
                stroke_fill=INK,
            )

    def header(self, pen: ImageDraw.ImageDraw, width: int) -> None:
        """Clock in the middle; on either hand a side's letter, who it is, who of it stands, and its hp together."""
        unit = self.letter
        middle = width / 2
        seconds = self.scene.clock_ms / 1000
        large, small = ImageFont.load_default(size=unit * 1.05), ImageFont.load_default(size=unit * 0.72)
        pen.text((middle, unit * 0.95), f"{seconds // 60:.0f}:{seconds % 60:04.1f}", font=large, fill=PALE, anchor="mm")
        pen.text((middle, unit * 2.1), self.scene.title, font=small, fill=DIM, anchor="mm")
        reach = width * 0.5 - unit * 4.2
        for side, (colour, letter) in enumerate(zip(SIDE_COLOURS, SIDE_LETTERS, strict=True)):
            own = [u for u in self.scene.units if u.side == side and not u.called]
            outward = -1 if side == 0 else 1
            outer = middle + outward * (width / 2 - unit * 0.7)
            inner = outer - outward * reach
            anchor, other = ("lm", "rm") if side == 0 else ("rm", "lm")
            pen.text((outer, unit * 0.95), f"{letter}  {names(own)}", font=small, fill=colour, anchor=anchor)
            living = sum(not u.dead for u in own)
            lives = sum(u.lives for u in own if not u.dead)
            left = f"{lives} lives" if lives > living else f"{living} of {len(own)}"
            pen.text((inner, unit * 2.1), left, font=small, fill=PALE, anchor=other)
            share = sum(max(u.hp, 0) for u in own) / max(sum(u.max_hp for u in own), 1)
            end = inner - outward * -unit * 2.6
            pen.rectangle(box(outer, end, unit * 1.8, unit * 2.4), fill=EMPTY_BAR)
            if share > 0:
                pen.rectangle(box(outer, outer + (end - outer) * share, unit * 1.8, unit * 2.4), fill=colour)

    def footer(self, pen: ImageDraw.ImageDraw, width: int, top: int, height: int) -> None:
        """Which shape is which, of those that are there."""
        present = [name for name in ARCHETYPES if any(u.archetype == name for u in self.scene.units)]
        font = ImageFont.load_default(size=self.letter * 0.6)
        y = top + height / 2
        size = self.letter * 0.33
        room = [font.getlength(name) + 2.5 * size for name in present]
        gap = (width - sum(room)) / (len(present) + 1)
        x = gap
        for name, taken in zip(present, room, strict=True):
            pen.polygon([(x + size + px * size, y + py * size) for px, py in SHAPES[name]], fill=DIM)
            pen.text((x + 2.5 * size, y), name, font=font, fill=DIM, anchor="lm")
            x += taken + gap


def names(units: Sequence[SceneUnit]) -> str:
    """Who a side is, cut where it would run into the clock."""
    counts = Counter(u.name for u in units)
    told = ", ".join(f"{count} {name}" if count > 1 else name for name, count in counts.items())
    return told if len(told) <= LONGEST_NAMES else told[: LONGEST_NAMES - 3].rstrip(", ") + "..."


def box(x: float, other_x: float, top: float, bottom: float) -> tuple[float, float, float, float]:
    return min(x, other_x), top, max(x, other_x), bottom


@lru_cache(maxsize=1)  # a film shows the same ground in every picture
def ground(walkable_bytes: bytes, shape: tuple[int, int], frame: Frame, cell: int) -> Image.Image:
    """Floor in two close shades, cell by cell, and walls with a lit edge towards the floor below them."""
    rows = slice(frame.bottom, frame.bottom + frame.height)
    columns = slice(frame.left, frame.left + frame.width)
    walkable = np.frombuffer(walkable_bytes, np.bool_).reshape(shape)[rows, columns][::-1]
    shade = np.add.outer(np.arange(rows.stop - 1, rows.start - 1, -1), np.arange(columns.start, columns.stop)) % 2
    colours = np.where(walkable[..., None], np.array(FLOOR, np.uint8)[shade], np.array(WALL, np.uint8))
    picture = colours.repeat(cell, axis=0).repeat(cell, axis=1)
    lit = np.zeros_like(walkable)
    lit[:-1] = ~walkable[:-1] & walkable[1:]
    edge = max(2, cell // 6)
    for y, x in np.argwhere(lit):
        picture[(y + 1) * cell - edge : (y + 1) * cell, x * cell : (x + 1) * cell] = WALL_EDGE
    return Image.fromarray(picture.astype(np.uint8))
