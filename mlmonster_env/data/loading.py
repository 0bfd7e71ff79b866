"""Reads all files of a server, in the order in which they need each other."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from mlmonster_env.data import archetypes, mob_db, skill_db, tables
from mlmonster_env.data.database import Database, Format
from mlmonster_env.data.enums import PLAYER_RACES, PRE_RENEWAL, RENEWAL
from mlmonster_env.data.errors import DataError
from mlmonster_env.data.fields import Entry, Report
from mlmonster_env.data.files import ServerFiles
from mlmonster_env.data.map_cache import Maps, PackedMap, read_map_cache
from mlmonster_env.data.mob_skill_db import MobSkillRows, skill_files
from mlmonster_env.data.model import Monster, Skill

FOLDERS = {RENEWAL: "re", PRE_RENEWAL: "pre-re"}
DATABASES = ("attr_fix.yml", "size_fix.yml", "skill_db.yml", "mob_db.yml")


def known_files(mode: str) -> list[str]:
    """Files that any server may have; what they import comes on top."""
    folders = ("db", f"db/{FOLDERS[mode]}", "db/import")
    names = (*DATABASES, "mob_skill_db.txt", "map_cache.dat", "archetypes.yml")
    return [f"{folder}/{name}" for folder in folders for name in names]


@dataclass(frozen=True, slots=True)
class Loaded:
    """Everything that a bestiary holds."""

    mode: str
    files: dict[str, str]  # digest of each file that was asked for, "" for an absent one
    monsters: dict[int, Monster]
    skills: dict[str, Skill]
    attribute_table: npt.NDArray[np.int32]
    size_table: npt.NDArray[np.int32]
    maps: Maps
    unknown_skills: dict[str, int] = field(default_factory=dict)
    skipped: tuple[DataError, ...] = ()


def load_all(files: ServerFiles, mode: str, strict: bool, bundled: bool) -> Loaded:
    """Read and check every file; wrong entries raise (`strict`) or are left out and listed."""
    report = Report(strict)
    folder = FOLDERS[mode]

    def entries(name: str, format: Format) -> Database:
        return Database(files, report, mode, name, format)

    attribute_table = tables.read_attribute_table(entries("attr_fix.yml", tables.ATTRIBUTE_FORMAT), report)
    size_table = tables.read_size_table(entries("size_fix.yml", tables.SIZE_FORMAT), report)
    skill_drafts = skill_db.read_skill_db(entries("skill_db.yml", skill_db.FORMAT), report)
    mob_drafts = mob_db.read_mob_db(entries("mob_db.yml", mob_db.FORMAT), report, mode == RENEWAL)

    rows = MobSkillRows(mob_drafts, skill_drafts, report)
    for name, required in skill_files(folder):
        content = files.require(name) if required else _addition(files, name, report)
        if content is not None:
            rows.add_file(content, name)

    skills = skill_db.finish_skills(skill_drafts, rows.highest_levels())
    rules = archetypes.read_rules(_archetype_entries(files, report, mode), report, mob_drafts)
    monsters = {}
    for number, draft in mob_drafts.items():
        player = bundled and draft["race"] in PLAYER_RACES
        monster = Monster(**draft, player=player, skills=rows.of(number))
        archetype, margin = rules.judge(monster, skills)
        monsters[number] = replace(monster, archetype=archetype, archetype_margin=margin)
    return Loaded(
        mode=mode,
        files=dict(files.used),
        monsters=monsters,
        skills=skills,
        attribute_table=attribute_table,
        size_table=size_table,
        maps=Maps(read_maps(files, folder, report)),
        unknown_skills=dict(rows.unknown),
        skipped=tuple(report.skipped),
    )


def _archetype_entries(files: ServerFiles, report: Report, mode: str) -> Iterator[Entry]:
    yield from archetypes.own_table()
    yield from Database(files, report, mode, "import/archetypes.yml", archetypes.FORMAT)


def _addition(files: ServerFiles, name: str, report: Report) -> bytes | None:
    """A file that a server may have; one that cannot be read is reported."""
    try:
        return files.read(name)
    except DataError as error:
        report.wrong(error)
        return None


def read_maps(files: ServerFiles, folder: str, report: Report, check_cells: bool = True) -> dict[str, PackedMap]:
    """Maps by name from all map caches; a server's own additions come before what they replace."""
    maps: dict[str, PackedMap] = {}
    for name in ("db/map_cache.dat", f"db/{folder}/map_cache.dat", "db/import/map_cache.dat"):
        content = files.require(name) if name == "db/map_cache.dat" else _addition(files, name, report)
        if content is not None:
            maps.update(read_map_cache(content, name, report, check_cells))
    return maps
