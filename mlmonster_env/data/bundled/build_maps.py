"""Packs the drawings under maps/ into db/map_cache.dat: `python -m mlmonster_env.data.bundled.build_maps`.

A drawing is a text file, north up, one character a cell: `.` ground, `,` shallow water, `#` wall, `~` a gap that
arrows and spells cross and feet do not.
"""

import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mlmonster_env.data.map_cache import HEADER, LONGEST_NAME, MAP

HERE = Path(__file__).parent
DRAWINGS = HERE / "maps"
MAP_CACHE = HERE / "db" / "map_cache.dat"

CELL_TYPES = {".": 0, "#": 1, ",": 3, "~": 5}


def read_drawing(path: Path) -> npt.NDArray[np.uint8]:
    """The cell types of a drawing, indexed [y, x] with y upwards; ValueError names a wrong line."""
    if len(path.stem) > LONGEST_NAME:
        raise ValueError(f"{path.name}: a map's name has at most {LONGEST_NAME} letters, this one {len(path.stem)}")
    lines = path.read_text(encoding="ascii").splitlines()
    for number, line in enumerate(lines, start=1):
        if len(line) != len(lines[0]):
            raise ValueError(f"{path.name}, line {number}: {len(line)} cells, the first line has {len(lines[0])}")
        strange = sorted(set(line) - CELL_TYPES.keys())
        if strange:
            raise ValueError(f"{path.name}, line {number}: {strange[0]!r} is no cell; cells are {' '.join(CELL_TYPES)}")
    # The first line is the northern edge, the server counts from the south.
    return np.array([[CELL_TYPES[cell] for cell in line] for line in reversed(lines)], dtype=np.uint8)


def read_drawings(folder: Path = DRAWINGS) -> dict[str, npt.NDArray[np.uint8]]:
    """Every drawing of a folder, by the map's name."""
    return {path.stem: read_drawing(path) for path in sorted(folder.glob("*.txt"))}


def pack(drawings: Mapping[str, npt.NDArray[np.uint8]]) -> bytes:
    """A map cache, as the server reads it."""
    maps = b""
    for name, cells in drawings.items():
        packed = zlib.compress(cells.tobytes(), 9)
        height, width = cells.shape
        maps += MAP.pack(name.encode("ascii"), width, height, len(packed)) + packed
    return HEADER.pack(HEADER.size + len(maps), len(drawings)) + maps


if __name__ == "__main__":
    MAP_CACHE.write_bytes(pack(read_drawings()))
