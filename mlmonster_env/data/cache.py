"""Keeps what was read from a server's files, so that the same content loads in a fraction of the time.

An entry is JSON behind a checksum (nothing that is loaded may run code), named by a hash of the files that any server
may have and of this package's source; it lists every file that was read, and counts only while all are the same.
"""

import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Iterable
from dataclasses import fields
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np

from mlmonster_env.data import archetypes
from mlmonster_env.data.errors import DataError
from mlmonster_env.data.files import UNREADABLE, ServerFiles
from mlmonster_env.data.loading import Loaded
from mlmonster_env.data.map_cache import Maps, PackedMap
from mlmonster_env.data.model import Levels, MobSkill, Monster, Skill

PACKAGE = Path(__file__).resolve().parent
SOURCES = (*sorted(PACKAGE.glob("*.py")), archetypes.TABLE, PACKAGE.parent / "contract.py")

MOB_SKILL_FIELDS = tuple(field.name for field in fields(MobSkill))
MONSTER_FIELDS = tuple(field.name for field in fields(Monster))
SKILL_FIELDS = tuple(field.name for field in fields(Skill))

log = logging.getLogger(__name__)


def cache_root() -> Path:
    """Where everything is kept that can be made again: `MLMONSTER_CACHE`, else the user's cache directory."""
    chosen = os.environ.get("MLMONSTER_CACHE")
    base = os.environ.get("XDG_CACHE_HOME")
    try:
        if chosen:
            return Path(chosen).expanduser()  # no shell did it, where a file or a service manager set it
        return (Path(base) if base else Path.home() / ".cache") / "mlmonster"
    except RuntimeError as error:
        told = f"MLMONSTER_CACHE is {chosen!r}" if chosen else "HOME is not set, and who runs this has no home"
        raise ValueError(f"{told}; expected a folder that MLMONSTER_CACHE names, or HOME") from error


class BestiaryCache:
    """The cache's entry for one server's files in one mode; `known_files` are those that name it."""

    def __init__(self, files: ServerFiles, mode: str, bundled: bool, known_files: Iterable[str]) -> None:
        self._files = files
        self._mode = mode
        digest = hashlib.sha256(f"{mode} {bundled}".encode())
        for source in SOURCES:
            digest.update(source.read_bytes())
        for name in known_files:
            digest.update(f"{name} {self._digest(name)}\n".encode())
        self.path = cache_root() / "bestiary" / f"{digest.hexdigest()[:32]}.json"

    def load(self) -> Loaded | None:
        """What was kept; None if there is nothing, if it is damaged, or if any file has changed since."""
        try:
            checksum, _, body = self.path.read_bytes().partition(b"\n")
        except OSError:
            return None
        if hashlib.sha256(body).hexdigest().encode() != checksum:
            return None
        entry = json.loads(body)
        if any(self._digest(name) != digest for name, digest in entry["files"].items()):
            return None
        return self._unpack(entry)

    def save(self, loaded: Loaded) -> None:
        """Keep `loaded`; whoever reads meanwhile sees the old entry or the new one, never a part.

        What came of a file that could not be read is not kept: no digest would tell when that is mended.
        """
        if UNREADABLE in loaded.files.values():
            return
        body = json.dumps(self._pack(loaded), separators=(",", ":")).encode()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self.path.parent) as folder:
                part = Path(folder) / self.path.name
                part.write_bytes(hashlib.sha256(body).hexdigest().encode() + b"\n" + body)
                part.replace(self.path)
        except OSError as error:
            log.warning("the bestiary could not be cached in %s: %s", self.path.parent, error)

    def _digest(self, name: str) -> str:
        """The digest of a file; one that cannot be read is like no other, and for whoever reads it to complain of."""
        try:
            return self._files.digest(name)
        except DataError:
            return UNREADABLE

    def _pack(self, loaded: Loaded) -> dict[str, Any]:
        rows: dict[MobSkill, int] = {}
        monsters = []
        for monster in loaded.monsters.values():
            values = {name: getattr(monster, name) for name in MONSTER_FIELDS}
            values["skills"] = [rows.setdefault(row, len(rows)) for row in monster.skills]
            monsters.append(list(values.values()))
        levels: dict[tuple[int, ...], int] = {}
        return {
            "files": loaded.files,
            "rows": [[getattr(row, name) for name in MOB_SKILL_FIELDS] for row in rows],
            "monsters": monsters,
            "skills": [_pack_skill(skill, levels) for skill in loaded.skills.values()],
            "levels": list(levels),
            "attribute_table": loaded.attribute_table.tolist(),
            "size_table": loaded.size_table.tolist(),
            "maps": [
                [packed.file, packed.name, packed.width, packed.height, packed.start, packed.length]
                for packed in loaded.maps.packed.values()
            ],
            "unknown_skills": loaded.unknown_skills,
            "skipped": [error.args for error in loaded.skipped],
        }

    def _unpack(self, entry: dict[str, Any]) -> Loaded:
        values_at = MOB_SKILL_FIELDS.index("values")
        rows = []
        for row in entry["rows"]:
            row[values_at] = tuple(row[values_at])
            rows.append(MobSkill(*row))
        skills_at = MONSTER_FIELDS.index("skills")
        monsters = {}
        for values in entry["monsters"]:
            values[skills_at] = tuple([rows[index] for index in values[skills_at]])
            monster = Monster(*values)
            monsters[monster.id] = monster
        levels = [tuple(values) for values in entry["levels"]]
        skills = [_unpack_skill(values, levels) for values in entry["skills"]]
        return Loaded(
            mode=self._mode,
            files=entry["files"],
            monsters=monsters,
            skills={skill.name: skill for skill in skills},
            attribute_table=np.array(entry["attribute_table"], dtype=np.int32),
            size_table=np.array(entry["size_table"], dtype=np.int32),
            maps=Maps({name: self._packed_map(file, name, *rest) for file, name, *rest in entry["maps"]}),
            unknown_skills=entry["unknown_skills"],
            skipped=tuple(DataError(*arguments) for arguments in entry["skipped"]),
        )

    def _packed_map(self, file: str, name: str, width: int, height: int, start: int, length: int) -> PackedMap:
        return PackedMap(file, name, width, height, start, length, self._files.require(file))


# Fields of a skill that JSON does not hold as they are, by kind.
LEVEL_FIELDS = tuple(i for i, field in enumerate(fields(Skill)) if field.type == Levels)
SET_FIELDS = tuple(i for i, field in enumerate(fields(Skill)) if field.type == frozenset[str])


def _pack_skill(skill: Skill, levels: dict[tuple[int, ...], int]) -> list[Any]:
    values = list(attrgetter(*SKILL_FIELDS)(skill))
    for i in LEVEL_FIELDS:
        values[i] = levels.setdefault(values[i], len(levels))
    for i in SET_FIELDS:
        values[i] = sorted(values[i])
    return values


def _unpack_skill(values: list[Any], levels: list[tuple[int, ...]]) -> Skill:
    for i in LEVEL_FIELDS:
        values[i] = levels[values[i]]
    for i in SET_FIELDS:
        values[i] = frozenset(values[i])
    return Skill(*values)
