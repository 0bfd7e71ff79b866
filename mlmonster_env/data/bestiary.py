"""A server's monsters, skills, tables and maps as one object."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mlmonster_env.contract import ARCHETYPES, MODES
from mlmonster_env.data.cache import BestiaryCache
from mlmonster_env.data.errors import DataError, one_of, whole
from mlmonster_env.data.files import BUNDLED, ServerFiles
from mlmonster_env.data.loading import Loaded, known_files, load_all
from mlmonster_env.data.model import GameMap, Monster, Skill


class Bestiary:
    """What fights, with what, where. Look a monster up by id or AegisName: `bestiary[1002]`, `bestiary["PORING"]`."""

    def __init__(self, loaded: Loaded) -> None:
        self.mode = loaded.mode
        self.monsters: dict[int, Monster] = loaded.monsters
        self.skills: dict[str, Skill] = loaded.skills
        self.attribute_table: npt.NDArray[np.int32] = loaded.attribute_table
        self.size_table: npt.NDArray[np.int32] = loaded.size_table
        self.maps: Mapping[str, GameMap] = loaded.maps
        self.skipped: tuple[DataError, ...] = loaded.skipped
        self.unknown_skills: dict[str, int] = loaded.unknown_skills
        self.content_hash = _content_hash(loaded)
        self._by_name = {monster.aegis_name: monster for monster in self.monsters.values()}

    @classmethod
    def load(
        cls, path: str | Path | None = None, mode: str = "renewal", strict: bool = True, cache: bool = True
    ) -> "Bestiary":
        """Read a server's files; `path` is its root or its db folder, None the bundled bestiary.

        With `strict` the first wrong entry raises DataError; without, wrong entries are left out and kept in `skipped`.
        With `cache` a second load of the same content takes a fraction of the time. A file db/import/archetypes.yml may
        say what monsters are of which archetype, and weigh traits its own way (see archetypes.yml of this package).
        """
        if mode not in MODES:
            raise ValueError(f"mode is {mode!r}, expected {one_of(str(mode), MODES)}")
        bundled = path is None
        files = ServerFiles(BUNDLED if path is None else path)
        kept = BestiaryCache(files, mode, bundled, known_files(mode)) if cache else None
        loaded = kept.load() if kept else None
        if loaded is None:
            loaded = load_all(files, mode, strict, bundled)
            if kept:
                kept.save(loaded)
        elif strict and loaded.skipped:
            raise loaded.skipped[0]
        return cls(loaded)

    def __getitem__(self, key: int | str) -> Monster:
        monster = self._by_name.get(key) if isinstance(key, str) else self.monsters.get(key) if whole(key) else None
        if monster is None:
            known = self._by_name if isinstance(key, str) else map(str, self.monsters)
            raise KeyError(f"no monster {key!r}, {one_of(str(key), known)}")
        return monster

    def __contains__(self, key: object) -> bool:
        return key in self._by_name or key in self.monsters

    def __iter__(self) -> Iterator[Monster]:
        return iter(self.monsters.values())

    def __len__(self) -> int:
        return len(self.monsters)

    def of_archetype(self, archetype: str) -> list[Monster]:
        """Monsters of one archetype, by id."""
        if archetype not in ARCHETYPES:
            raise KeyError(f"no archetype {archetype!r}, {one_of(str(archetype), ARCHETYPES)}")
        return [monster for monster in self if monster.archetype == archetype]


def _content_hash(loaded: Loaded) -> str:
    digest = hashlib.sha256(loaded.mode.encode())
    for name, content in sorted(loaded.files.items()):
        digest.update(f"\n{name} {content}".encode())
    return digest.hexdigest()
