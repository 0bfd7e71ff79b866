"""Every kind of wrong file: one clear error that says where, what it was and what would be right."""

import os
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import pytest

from mlmonster_env.data import Bestiary, DataError, mob_skill_db
from tests.data.servers import MAPS, MOB_SKILLS, MONSTER_ENTRIES, SKILL_ENTRIES, pack_maps, write_server

MONSTERS, SKILLS, ROWS = "re/mob_db.yml", "re/skill_db.yml", "re/mob_skill_db.txt"


def spoil(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new, 1)


monsters = partial(spoil, MONSTER_ENTRIES)
skills = partial(spoil, SKILL_ENTRIES)
rows = partial(spoil, MOB_SKILLS)


# File, its spoilt content (None: missing); then of the error: entry, field, found and expected (parts of them).
WRONG: dict[str, tuple[str, str | bytes | None, str, str, str, str]] = {
    "unknown field": (MONSTERS, monsters("Level:", "Lvel:"), "1002 (PORING", "a field", "Lvel", "Level"),
    "field twice": (MONSTERS, monsters("    Hp: 60", "    Level: 4"), "1002", "Level", "twice", "one value"),
    "no number": (MONSTERS, monsters("Hp: 60", "Hp: many"), "1002", "Hp", "many", "0 to 4294967295"),
    "number too large": (MONSTERS, monsters("Speed: 400", "Speed: 4000"), "1002", "WalkSpeed", "4000", "20 to 1000"),
    "negative": (MONSTERS, monsters("Attack: 8", "Attack: -8"), "1002", "Attack", "-8", "0 to 65535"),
    "unused number": (MONSTERS, monsters("Hp: 60", "BaseExp: lots"), "1002", "BaseExp", "lots", "whole number"),
    "unused list": (MONSTERS, monsters("Hp: 60", "Drops: 5"), "1002", "Drops", "5", "a list of items"),
    "drop of nothing": (MONSTERS, monsters("Hp: 60", "Drops: [{Rate: 5}]"), "Drops[0]", "Item", "missing", "an item"),
    "drop rate": (
        MONSTERS,
        monsters("Hp: 60", "Drops: [{Item: Jellopy, Rate: 10001}]"),
        "Drops[0]",
        "Rate",
        "10001",
        "0 to 10000",
    ),
    "drop field": (MONSTERS, monsters("Hp: 60", "Drops: [{Item: J, Raet: 5}]"), "Drops[0]", "a field", "Raet", "Rate"),
    "drop rate twice": (
        MONSTERS,
        monsters("Hp: 60", "Drops: [{Item: J, Rate: 5, Rate: 7}]"),
        "Drops[0]",
        "Rate",
        "twice",
        "one value",
    ),
    "unused text": (MONSTERS, monsters("Hp: 60", "Title: [a]"), "1002", "Title", "['a']", "a name"),
    "unprintable name": (MONSTERS, monsters("PORING", r'"PO\nRING"'), r"PO\nRING", "AegisName", "PO", "printable"),
    "blank name": (MONSTERS, monsters("PORING", '"  "'), "1002", "AegisName", "  ", "printable"),
    "list for name": (MONSTERS, monsters("PORING", f"[{'x,' * 999}]"), "..., line 6)", "AegisName", "x", "a name"),
    "unused flag": (
        SKILLS,
        skills("Description: Bash", "Description: Bash\n    CastTimeFlags: {IgnoreDx: true}"),
        "5 (SM_BASH",
        "CastTimeFlags",
        "IgnoreDx",
        "IgnoreDex",
    ),
    "unused part": (
        SKILLS,
        skills("Description: Bash", "Description: Bash\n    NoNearNPC: 5"),
        "5 (SM_BASH",
        "NoNearNPC",
        "5",
        "a mapping",
    ),
    "cost field": (
        SKILLS,
        skills("Description: Bash", "Description: Bash\n    Requires: {SpCots: 5}"),
        "Requires",
        "a field",
        "SpCots",
        "SpCost",
    ),
    "cost": (
        SKILLS,
        skills("Description: Bash", "Description: Bash\n    Requires: {SpCost: lots}"),
        "Requires",
        "SpCost",
        "lots",
        "whole number",
    ),
    "item cost": (
        SKILLS,
        skills("Description: Bash", "Description: Bash\n    Requires: {ItemCost: [{Itme: Gem}]}"),
        "ItemCost[0]",
        "a field",
        "Itme",
        "Item",
    ),
    "level twice": (SKILLS, skills("Level: 2", "Level: 1"), "HitCount[1]", "Level", "1", "each level once"),
    "no element": (SKILLS, skills("Element: Fire", "Element: []"), "83", "Element", "[]", "at least one level"),
    "flag twice": (
        SKILLS,
        skills("NoDamage: true", "NoDamage: true\n      nodamage: false"),
        "28 (AL_HEAL",
        "nodamage",
        "twice",
        "one value",
    ),
    "unused time": (
        SKILLS,
        skills("Description: Bash", "Description: Bash\n    FixedCastTime: soon"),
        "5 (SM_BASH",
        "FixedCastTime",
        "soon",
        "whole number",
    ),
    "unused mapping": (
        SKILLS,
        skills("Description: Bash", "Description: Bash\n    Requires: 5"),
        "5 (SM_BASH",
        "Requires",
        "5",
        "a mapping",
    ),
    "decimal": (MONSTERS, monsters("Level: 3", "Level: 3.5"), "1002", "Level", "3.5", "whole number"),
    "no value": (MONSTERS, monsters("Level: 3", "Level:"), "1002", "Level", "None", "whole number"),
    "list for number": (MONSTERS, monsters("Level: 3", "Level: [3]"), "1002", "Level", "['3']", "whole number"),
    "unknown element": (MONSTERS, monsters("Water", "Watr"), "1002", "Element", "Watr", "Water"),
    "unknown race": (MONSTERS, monsters("Plant", "Plent"), "1002", "Race", "Plent", "Plant"),
    "unknown size": (MONSTERS, monsters("Medium", "Huge"), "1002", "Size", "Huge", "Small, Medium, Large"),
    "unknown mode": (MONSTERS, monsters("Mvp:", "Mvpp:"), "1031", "Modes", "Mvpp", "Mvp"),
    "no boolean": (MONSTERS, monsters("Mvp: true", "Mvp: yes"), "1031", "Mvp", "yes", "true or false"),
    "unknown ai": (MONSTERS, monsters("Ai: 02", "Ai: 2"), "1002", "Ai", "2", "02"),
    "bad id": (MONSTERS, monsters("1002", "5000"), "line", "Id", "5000", "1001 to 3998"),
    "no name": (MONSTERS, monsters("    Name: Poring\n", ""), "1002", "Name", "missing", "a name"),
    "name taken": (MONSTERS, monsters("POPORING", "PORING"), "1031", "AegisName", "PORING", "1002 has PORING"),
    "no mapping": (MONSTERS, monsters("    Modes:\n      Mvp: true", "    Modes: 3"), "1031", "Modes", "3", "mapping"),
    "no entry": (MONSTERS, MONSTER_ENTRIES + "  - hello\n", "Body[2]", "an entry", "hello", "mapping"),
    "no header": (MONSTERS, "Body" + MONSTER_ENTRIES.partition("Body")[2], "", "Header", "missing", "MOB_DB"),
    "no mapping at all": (MONSTERS, "- 1\n- 2\n", "", "the file", "1", "mapping with Header"),
    "other header": (MONSTERS, monsters("MOB_DB", "ITEM_DB"), "Header", "Type", "ITEM_DB", "MOB_DB"),
    "new version": (MONSTERS, monsters("Version: 5", "Version: 6"), "Header", "Version", "6", "1 to 5"),
    "yaml syntax": (MONSTERS, monsters("Level: 3", "Level: 3\n   bad"), "line", "the YAML", "", "well-formed"),
    "yaml alias": (MONSTERS, monsters("Level: 3", "Level: *a"), "line", "a value", "*a", "no YAML aliases"),
    "yaml depth": (MONSTERS, "Body: " + "[" * 99 + "]" * 99, "line 1", "the YAML", "levels", "at most"),
    "not utf-8": (MONSTERS, b"Header: \xff\xfe\n", "", "the YAML", "", "well-formed"),
    "missing file": (MONSTERS, None, "", "the file", "missing", "a file at"),
    "missing rows": (ROWS, None, "", "the file", "missing", "a file at"),
    "missing maps": ("map_cache.dat", None, "", "the file", "missing", "a file at"),
    "unknown flag": (SKILLS, skills("NoDamage", "NoDamge"), "28", "DamageFlags", "NoDamge", "NoDamage"),
    "unknown type": (SKILLS, skills("Type: Magic", "Type: Magick"), "28", "Type", "Magick", "Magic"),
    "bad level": (SKILLS, skills("Level: 2", "Level: 14"), "HitCount[1]", "Level", "14", "1 to 13"),
    "no unit id": (SKILLS, skills("      Id: Dummyskill\n", ""), "Unit", "Id", "missing", "skill unit"),
    "bad weapon": (
        "size_fix.yml",
        "Header: {Type: SIZE_FIX_DB, Version: 1}\nBody: [{Weapon: Bwo}]",
        "line 2",
        "Weapon",
        "Bwo",
        "Bow",
    ),
    "bad percent": (
        "attr_fix.yml",
        "Header: {Type: ATTRIBUTE_DB, Version: 1}\nBody: [{Level: 1, Fire: {Water: 201}}]",
        "Fire",
        "Water",
        "201",
        "-100 to 200",
    ),
    "columns": (ROWS, rows(",yes", ""), "line 2", "the row", "18 columns", "19 columns"),
    "unknown monster": (ROWS, rows("1002,", "1003,"), "line 2", "MobID", "1003", "1002"),
    "unknown state": (ROWS, rows(",attack,", ",attak,"), "line 2", "State", "attak", "attack"),
    "unknown target": (ROWS, rows(",friend,", ",frend,"), "line 3", "Target", "frend", "friend"),
    "unknown condition": (ROWS, rows("mystatuson", "mystatus"), "line 4", "Condition", "mystatus", "mystatuson"),
    "unknown status": (ROWS, rows("hiding", "hidden"), "line 4", "ConditionValue", "hidden", "hiding"),
    "status for a number": (ROWS, rows("always,0", "slavelt,stun"), "line 2", "ConditionValue", "stun", "whole number"),
    "number of no status": (ROWS, rows("hiding", "99999"), "line 4", "ConditionValue", "99999", "its number"),
    "endless cast": (ROWS, rows("2000,0,", "2000,2147483647,"), "line 2", "CastTime", "2147483647", "0 to 86400000"),
    "many hits": (SKILLS, skills("HitCount: 1", "HitCount: 9999"), "5 (SM_BASH", "HitCount", "9999", "-1000 to 1000"),
    "bad rate": (ROWS, rows("2000", "often"), "line 2", "Rate", "often", "whole number"),
    "skill no number": (ROWS, rows(",5,3,", ",bash,3,"), "line 2", "SkillID", "bash", "whole number"),
    "maps truncated": ("map_cache.dat", MAPS[:-1], "", "the file", "bytes", "truncated"),
    "maps without header": ("map_cache.dat", b"\x08", "", "the file", "1 bytes", "8 bytes"),
    "cells damaged": ("map_cache.dat", MAPS.replace(b"\x78\x9c", b"\x00\x00", 1), "map field", "its cells", "", "zlib"),
    "cells missing": (
        "map_cache.dat",
        pack_maps({"hall": (4, 4, bytes(15))}),
        "map hall",
        "its cells",
        "15",
        "16 cells",
    ),
    "cell type": ("map_cache.dat", pack_maps({"hall": (1, 1, b"\x07")}), "map hall", "its cells", "7", "0 to 6"),
    "map size": ("map_cache.dat", pack_maps({"hall": (0, 4, b"")}), "map hall", "its size", "0 x 4", "cells"),
    "map name": (
        "map_cache.dat",
        pack_maps({"abcdefghijkl": (1, 1, b"\0")}),
        "map abcdefghijkl",
        "its name",
        "abcdefghijkl",
        "11",
    ),
    "archetype": (
        "import/archetypes.yml",
        "Header: {Type: ARCHETYPE_DB, Version: 1}\nBody: [{Monster: PORING, Archetype: mge}]",
        "line 2",
        "Archetype",
        "mge",
        "mage",
    ),
}

# What a server cannot do without is fatal however lenient the reader.
ALWAYS = {
    "no header",
    "no mapping at all",
    "other header",
    "new version",
    "yaml syntax",
    "yaml alias",
    "yaml depth",
    "not utf-8",
}
ALWAYS |= {"missing file", "missing rows", "missing maps"}


@pytest.mark.parametrize("case", WRONG)
def test_the_error_says_where_and_what(case: str, tmp_path: Path) -> None:
    file, content, entry, field, found, expected = WRONG[case]
    with pytest.raises(DataError) as caught:
        Bestiary.load(write_server(tmp_path, {file: content}), cache=False)
    error = caught.value
    assert error.file == f"db/{file}"
    assert entry in error.entry
    assert error.field == field
    assert found in str(error.found)
    assert expected in error.expected
    assert all(part in str(error) for part in (error.file, error.entry, error.expected))


@pytest.mark.parametrize("case", sorted(set(WRONG) - ALWAYS))
def test_lenient_loading_skips_and_reports(case: str, tmp_path: Path) -> None:
    file, content, _, field, _, _ = WRONG[case]
    world = Bestiary.load(write_server(tmp_path, {file: content}), strict=False, cache=False)
    assert (world.skipped[0].file, world.skipped[0].field) == (f"db/{file}", field)


@pytest.mark.parametrize("case", sorted(ALWAYS))
def test_lenient_loading_still_needs_the_servers_own_files(case: str, tmp_path: Path) -> None:
    file, content = WRONG[case][:2]
    with pytest.raises(DataError):
        Bestiary.load(write_server(tmp_path, {file: content}), strict=False, cache=False)


def test_only_the_wrong_entry_is_skipped(tmp_path: Path) -> None:
    spoilt = spoil(MONSTER_ENTRIES, "Hp: 60", "Hp: many")
    world = Bestiary.load(write_server(tmp_path, {MONSTERS: spoilt}), strict=False, cache=False)
    assert [monster.aegis_name for monster in world] == ["POPORING"]
    assert [error.field for error in world.skipped] == ["Hp", "MobID"]  # the entry, and the row that is for it


def test_a_wrong_change_leaves_the_monster_as_it_was(tmp_path: Path) -> None:
    change = "Header:\n  Type: MOB_DB\n  Version: 5\nBody:\n  - Id: 1002\n    Level: 50\n    Hp: many\n"
    world = Bestiary.load(write_server(tmp_path, {"import/mob_db.yml": change}), strict=False, cache=False)
    assert world["PORING"].level == 3


def test_wrong_additions_are_skipped_as_a_whole(tmp_path: Path) -> None:
    for content in ("Header: [", "", "Header:\n  Type: MOB_DB\n  Version: 99\n"):
        world = Bestiary.load(write_server(tmp_path, {"import/mob_db.yml": content}), strict=False, cache=False)
        assert [error.file for error in world.skipped] == ["db/import/mob_db.yml"]
        assert len(world) == 2


def test_maps_before_a_cut_are_kept(tmp_path: Path) -> None:
    cut = pack_maps({"field": (2, 2, bytes(4)), "hall": (2, 2, bytes(4)), "town": (2, 2, bytes(4))})[:-3]
    world = Bestiary.load(write_server(tmp_path, {"map_cache.dat": cut}), strict=False, cache=False)
    assert list(world.maps) == ["field", "hall"]
    assert [(error.entry, error.field) for error in world.skipped] == [
        ("", "the file"),
        ("map 3 of 3", "its packed length"),
    ]


@pytest.mark.parametrize("rows", [MOB_SKILLS, MOB_SKILLS.partition("\n")[2]])
def test_rows_may_begin_with_the_mark_of_utf_8(rows: str, tmp_path: Path) -> None:
    world = Bestiary.load(write_server(tmp_path, {ROWS: "\ufeff" + rows}), cache=False)
    assert [row.skill for row in world["PORING"].skills] == ["SM_BASH"]


def test_rows_may_end_as_they_did_on_old_machines(tmp_path: Path) -> None:
    for end in ("\r", "\r\n"):
        world = Bestiary.load(write_server(tmp_path, {ROWS: MOB_SKILLS.replace("\n", end)}), cache=False)
        assert [len(monster.skills) for monster in world] == [1, 2]


def test_an_error_is_one_line_whatever_a_row_holds(tmp_path: Path) -> None:
    spoilt = rows("Poring@SM_BASH,attack", "\x1b[31m" + "x" * 500 + ",attak")
    with pytest.raises(DataError) as caught:
        Bestiary.load(write_server(tmp_path, {ROWS: spoilt}), cache=False)
    assert str(caught.value).isprintable() and len(caught.value.entry) < 120


def test_what_is_near_a_lost_monster_is_looked_for_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def one_of(name: str, known: Iterable[str]) -> str:
        asked.append(name)
        return f"one of {list(known)}"

    monkeypatch.setattr(mob_skill_db, "one_of", one_of)
    many = MOB_SKILLS.splitlines()[1].replace("1002", "1003") + "\n"
    world = Bestiary.load(write_server(tmp_path, {ROWS: many * 40}), strict=False, cache=False)
    assert [error.expected for error in world.skipped] == [
        "the id of a monster in mob_db, one of ['1002', '1031']"
    ] * 40
    assert asked == ["1003"]


def test_a_pipe_in_place_of_a_file_is_not_waited_for(tmp_path: Path) -> None:
    server = write_server(tmp_path, {"import/mob_db.yml": ""})
    (server / "db/import/mob_db.yml").unlink()
    os.mkfifo(server / "db/import/mob_db.yml")
    with pytest.raises(DataError, match="a pipe, socket or device', expected a readable file"):
        Bestiary.load(server, cache=False)
    assert len(Bestiary.load(server, strict=False, cache=False)) == 2


def test_a_file_that_imports_itself(tmp_path: Path) -> None:
    loop = "Header:\n  Type: MOB_DB\n  Version: 5\nFooter:\n  Imports:\n  - Path: db/import/mob_db.yml\n"
    with pytest.raises(DataError, match="every file imported once"):
        Bestiary.load(write_server(tmp_path, {"import/mob_db.yml": loop}), cache=False)


IMPORT = "Header:\n  Type: MOB_DB\n  Version: 5\nFooter:\n  Imports:\n  - Path: "


@pytest.mark.parametrize("missing", ["db/custom/mobs.yml", "db/import/my_mbos.yml", "db/re/mobs.yml"])
def test_a_missing_import_is_named_with_who_asked_for_it(missing: str, tmp_path: Path) -> None:
    server = write_server(tmp_path, {"import/mob_db.yml": IMPORT + missing + "\n"})
    with pytest.raises(DataError, match=r"which db/import/mob_db\.yml, Footer, Imports\[0\], imports") as caught:
        Bestiary.load(server, cache=False)
    assert caught.value.file == missing
    assert [error.file for error in Bestiary.load(server, strict=False, cache=False).skipped] == [missing]


def test_a_ring_of_imports_names_the_one_that_closes_it(tmp_path: Path) -> None:
    files: dict[str, str | bytes | None] = {
        "import/mob_db.yml": IMPORT + "db/import/b.yml\n",
        "import/b.yml": IMPORT + "db/import/mob_db.yml\n",
    }
    with pytest.raises(DataError, match="every file imported once") as caught:
        Bestiary.load(write_server(tmp_path, files), cache=False)
    assert (caught.value.file, caught.value.field) == ("db/import/b.yml", "Path")


def test_a_long_chain_of_imports_has_an_end(tmp_path: Path) -> None:
    chain = {f"import/c{i}.yml": IMPORT + f"db/import/c{i + 1}.yml\n" for i in range(1200)}
    server = write_server(tmp_path, {"import/mob_db.yml": IMPORT + "db/import/c0.yml\n", **chain})
    with pytest.raises(DataError, match="at most 50 imports one inside the other"):
        Bestiary.load(server, cache=False)
    assert len(Bestiary.load(server, strict=False, cache=False)) == 2


SUMMON = "1002,P@NPC_SUMMONSLAVE,attack,196,1,10000,0,0,no,self,always,0,{},,,,,,\n"
SUMMONING = "  - Id: 196\n    Name: NPC_SUMMONSLAVE\n    Description: Call\n    MaxLevel: 10\n"


def test_a_slave_that_does_not_exist_is_named(tmp_path: Path) -> None:
    files: dict[str, str | bytes | None] = {SKILLS: SKILL_ENTRIES + SUMMONING, ROWS: SUMMON.format(9999)}
    with pytest.raises(DataError, match="id of a monster") as caught:
        Bestiary.load(write_server(tmp_path, files), cache=False)
    assert (caught.value.field, caught.value.found) == ("val1", "9999")
    for right in ("1031", "0", ""):
        world = Bestiary.load(write_server(tmp_path, {**files, ROWS: SUMMON.format(right)}), cache=False)
        assert world["PORING"].skills[0].values[0] == int(right or 0)


@pytest.mark.parametrize(
    ("written", "meant"), [("0", "SC_STONE"), ("24", "SC_HIDING"), ("-1", "anybad"), ("stun", "SC_STUN")]
)
def test_statuses_in_conditions_go_by_name_or_by_the_servers_number(written: str, meant: str, tmp_path: Path) -> None:
    world = Bestiary.load(write_server(tmp_path, {ROWS: rows("hiding", written)}), cache=False)
    found = {row.condition_value for monster in world for row in monster.skills if row.condition == "mystatuson"}
    assert found == {meant}


@pytest.mark.parametrize("cache", [True, False])
@pytest.mark.parametrize(
    "folder", ["import/mob_db.yml", "import/mob_skill_db.txt", "import/map_cache.dat", "re/map_cache.dat"]
)
def test_a_folder_in_place_of_an_addition_is_skipped(folder: str, cache: bool, tmp_path: Path) -> None:
    server = write_server(tmp_path, {})
    (server / "db" / folder).mkdir(parents=True)
    world = Bestiary.load(server, strict=False, cache=cache)
    assert [error.file for error in world.skipped] == [f"db/{folder}"] and len(world) == 2
    with pytest.raises(DataError):
        Bestiary.load(server, cache=cache)


@pytest.mark.parametrize("cache", [True, False])
def test_a_folder_that_nobody_reads_is_no_error(cache: bool, tmp_path: Path) -> None:
    server = write_server(tmp_path, {})
    (server / "db" / "re" / "archetypes.yml").mkdir()
    assert not Bestiary.load(server, cache=cache).skipped


@pytest.mark.parametrize("name", ["nowhere", "empty", "file", "x" * 500, "a\0b"])
def test_no_server_there(name: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="db/"):
        Bestiary.load(tmp_path / name, cache=False)
