"""map_cache.dat: the cells of every map, zlib-packed one map after the other."""

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from mlmonster_env.data.errors import DataError, one_of
from mlmonster_env.data.fields import Report
from mlmonster_env.data.model import GameMap

HEADER = struct.Struct("<IHxx")  # size of the file, number of maps
MAP = struct.Struct("<12shhi")  # name, width, height, packed bytes
MAX_CELLS = 512 * 512
LONGEST_NAME = 11  # characters, for a zero follows them

# What the client's cell types mean to the server: 0 ground, 1 wall, 3 water, 5 gap; 2, 4 and 6 count as ground.
WALKABLE = np.array([True, False, True, True, True, False, True])
SHOOTABLE = np.array([True, False, True, True, True, True, True])


@dataclass(frozen=True, slots=True)
class PackedMap:
    """Where a map's cells lie in a map cache, whose whole content is `cache`."""

    file: str
    name: str
    width: int
    height: int
    start: int
    length: int
    cache: bytes

    def unpack(self) -> GameMap:
        """The map's cells; raises DataError if they are damaged."""
        size = self.width * self.height
        unpacker = zlib.decompressobj()
        try:
            cells = unpacker.decompress(self.cache[self.start : self.start + self.length], size + 1)
        except zlib.error as error:
            raise self._wrong(str(error), "whole zlib data") from error
        if len(cells) != size or not unpacker.eof:
            raise self._wrong(f"{len(cells)} cells", f"{size} cells ({self.width} x {self.height})")
        types = np.frombuffer(cells, dtype=np.uint8).reshape(self.height, self.width)
        if types.max() >= len(WALKABLE):
            raise self._wrong(f"cell type {types.max()}", f"cell types 0 to {len(WALKABLE) - 1}")
        return GameMap(self.name, WALKABLE[types], SHOOTABLE[types])

    def _wrong(self, found: str, expected: str) -> DataError:
        return DataError(self.file, f"map {self.name}", "its cells", found, expected)


class Maps(Mapping[str, GameMap]):
    """Maps by name, unpacked when asked for; a wrong name's KeyError names the nearest."""

    def __init__(self, packed: Mapping[str, PackedMap]) -> None:
        self.packed = dict(sorted(packed.items()))

    def __getitem__(self, name: str) -> GameMap:
        try:
            packed = self.packed[name]
        except KeyError:
            raise KeyError(f"no map {name!r}, {one_of(str(name), self.packed)}") from None
        return packed.unpack()

    def __contains__(self, name: object) -> bool:
        return name in self.packed

    def __iter__(self) -> Iterator[str]:
        return iter(self.packed)

    def __len__(self) -> int:
        return len(self.packed)


def read_map_cache(content: bytes, file: str, report: Report, check_cells: bool) -> dict[str, PackedMap]:
    """Every map in `content`; damaged ones go to `report`, their cells only looked at if `check_cells`."""
    maps: dict[str, PackedMap] = {}
    try:
        count = _read_header(content, file, report)
    except DataError as error:
        report.wrong(error)
        return maps
    position = HEADER.size
    for number in range(1, count + 1):
        try:
            packed = _read_map(content, position, file, f"map {number} of {count}")
        except DataError as error:
            report.wrong(error)  # where the next map begins is unknown now
            return maps
        position = packed.start + packed.length
        try:
            _check(packed, check_cells)
        except DataError as error:
            report.wrong(error)
        else:
            maps.setdefault(packed.name, packed)
    if position != len(content):
        extra = f"{len(content) - position} bytes after the last map"
        report.wrong(DataError(file, "", "its end", extra, f"{count} maps and no more"))
    return maps


def _read_header(content: bytes, file: str, report: Report) -> int:
    """How many maps follow; a size that is not the file's goes to `report`, for the maps before a cut are whole."""
    if len(content) < HEADER.size:
        raise DataError(file, "", "the file", f"{len(content)} bytes", f"a header of {HEADER.size} bytes")
    size, count = HEADER.unpack_from(content)
    if size != len(content):
        expected = f"{size} bytes, as its header says (truncated?)"
        report.wrong(DataError(file, "", "the file", f"{len(content)} bytes", expected))
    return int(count)


def _read_map(content: bytes, position: int, file: str, entry: str) -> PackedMap:
    left = len(content) - position
    if left < MAP.size:
        expected = f"{MAP.size} bytes of a map's header (truncated?)"
        raise DataError(file, entry, "the file", f"{left} bytes left", expected)
    raw_name, width, height, length = MAP.unpack_from(content, position)
    if not 0 < length <= left - MAP.size:
        raise DataError(file, entry, "its packed length", length, f"1 to {left - MAP.size}, the bytes that are left")
    name = raw_name.split(b"\0")[0].decode("ascii", "backslashreplace")
    return PackedMap(file, name, width, height, position + MAP.size, length, content)


def _check(packed: PackedMap, check_cells: bool) -> None:
    entry = f"map {packed.name}"
    plain_name = packed.name.strip() and packed.name.isprintable() and "\\" not in packed.name
    if not plain_name or len(packed.name) > LONGEST_NAME:
        raise DataError(packed.file, entry, "its name", packed.name, f"up to {LONGEST_NAME} plain characters")
    if packed.width <= 0 or packed.height <= 0 or packed.width * packed.height > MAX_CELLS:
        raise DataError(packed.file, entry, "its size", f"{packed.width} x {packed.height}", f"1 to {MAX_CELLS} cells")
    if check_cells:
        packed.unpack()
