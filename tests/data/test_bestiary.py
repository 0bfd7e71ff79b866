"""Looking things up, and the server's defaults, limits and overrides."""

from pathlib import Path

import numpy as np
import pytest

from mlmonster_env.data import Bestiary
from mlmonster_env.data.enums import CLASS_MODES, MODES
from tests.data.servers import pack_maps, write_server

IMPORT = "Header:\n  Type: {}\n  Version: 1\nBody:\n"


def load(root: Path, changes: dict[str, str | bytes | None] | None = None, mode: str = "renewal") -> Bestiary:
    return Bestiary.load(write_server(root, changes), mode, cache=False)


def test_lookup_by_id_and_by_name(tmp_path: Path) -> None:
    world = load(tmp_path)
    assert world[1002] is world["PORING"]
    assert 1031 in world and "POPORING" in world and 1003 not in world
    assert [monster.id for monster in world] == [1002, 1031]
    assert len(world) == 2


def test_wrong_lookups_name_what_is_near(tmp_path: Path) -> None:
    world = load(tmp_path)
    with pytest.raises(KeyError, match="PORING"):
        world["PORIGN"]
    with pytest.raises(KeyError, match="1002"):
        world[1003]
    with pytest.raises(KeyError, match="town"):
        world.maps["twon"]
    with pytest.raises(KeyError, match="support"):
        world.of_archetype("suport")
    with pytest.raises(ValueError, match="pre-renewal"):
        Bestiary.load(tmp_path, mode="prerenewal")


def test_a_root_and_its_db_folder_are_the_same(tmp_path: Path) -> None:
    root = load(tmp_path)
    folder = Bestiary.load(tmp_path / "db", cache=False)
    assert root.monsters == folder.monsters
    assert root.skills == folder.skills
    assert root.content_hash == folder.content_hash


def test_defaults_of_absent_fields(tmp_path: Path) -> None:
    body = "  - Id: 1100\n    AegisName: NOBODY\n    Name: Nobody\n"
    nobody = load(tmp_path, {"import/mob_db.yml": IMPORT.format("MOB_DB") + body})["NOBODY"]
    assert (nobody.level, nobody.hp, nobody.sp, nobody.str, nobody.luk) == (1, 1, 1, 1, 1)
    assert (nobody.attack, nobody.defense, nobody.attack_range, nobody.skill_range) == (0, 0, 0, 0)
    assert (nobody.size, nobody.race, nobody.element, nobody.element_level) == (0, 0, 0, 1)
    assert (nobody.walk_speed, nobody.attack_delay, nobody.attack_motion, nobody.damage_motion) == (150, 100, 100, 0)
    assert (nobody.mode, nobody.monster_class, nobody.damage_taken) == (0, 0, 100)


def test_limits_of_delays(tmp_path: Path) -> None:
    body = "  - Id: {}\n    AegisName: A{}\n    Name: A\n    AttackDelay: {}\n    AttackMotion: {}\n"
    given = {1100: (0, 0), 1101: (9000, 9000), 1102: (200, 700)}
    text = "".join(body.format(number, number, *delays) for number, delays in given.items())
    world = load(tmp_path, {"import/mob_db.yml": IMPORT.format("MOB_DB") + text})
    found = {number: (world[number].attack_delay, world[number].attack_motion) for number in given}
    assert found == {1100: (100, 1), 1101: (8000, 8000), 1102: (700, 700)}


def test_a_class_brings_its_modes(tmp_path: Path) -> None:
    boss = load(tmp_path)["POPORING"]
    assert boss.monster_class == 1
    assert boss.mode == 0x3695 | MODES["Mvp"] | CLASS_MODES[1]


def test_later_files_change_only_what_they_name(tmp_path: Path) -> None:
    body = "  - Id: 1002\n    Hp: 999\n    Modes:\n      Looter: false\n      Aggressive: true\n"
    before = load(tmp_path)["PORING"]
    after = load(tmp_path, {"import/mob_db.yml": IMPORT.format("MOB_DB") + body})["PORING"]
    assert after.hp == 999
    assert after.mode == before.mode & ~MODES["Looter"] | MODES["Aggressive"]
    assert (after.level, after.skills, after.walk_speed) == (before.level, before.skills, before.walk_speed)


def test_a_file_may_clear_what_came_before(tmp_path: Path) -> None:
    header = "Header:\n  Type: MOB_DB\n  Version: 5\n  Clear: true\n"
    text = header + "Body:\n  - Id: 1002\n    AegisName: ONE\n    Name: One\n"
    world = load(tmp_path, {"import/mob_db.yml": text, "re/mob_skill_db.txt": ""})
    assert [monster.aegis_name for monster in world] == ["ONE"]


def test_imports_of_the_other_mode_are_left_out(tmp_path: Path) -> None:
    other = "Header:\n  Type: MOB_DB\n  Version: 5\nBody:\n  - Id: 1002\n    AegisName: OLD\n    Name: Old\n"
    changes: dict[str, str | bytes | None] = {"pre-re/mob_db.yml": other, "pre-re/mob_skill_db.txt": ""}
    assert "OLD" not in load(tmp_path, changes)
    assert "OLD" in load(tmp_path, changes, "pre-renewal")


def test_an_import_may_import(tmp_path: Path) -> None:
    first = "Header:\n  Type: MOB_DB\n  Version: 1\nFooter:\n  Imports:\n  - Path: db/custom/more.yml\n"
    second = IMPORT.format("MOB_DB") + "  - Id: 1002\n    Hp: 7\n"
    assert load(tmp_path, {"import/mob_db.yml": first, "custom/more.yml": second})["PORING"].hp == 7


def test_skill_rows(tmp_path: Path) -> None:
    heal, meteor = load(tmp_path)["POPORING"].skills
    assert (heal.skill, heal.target) == ("AL_HEAL", "friend")
    assert (heal.condition, heal.condition_value) == ("friendhpltmaxrate", 60)
    assert (heal.emotion, heal.cancelable) == (6, False)
    assert (meteor.rate, meteor.target, meteor.condition_value) == (10_000, "around4", "SC_HIDING")
    assert meteor.values == (0x81, 0, 0, 0, 0)


def test_skill_rows_for_all_of_a_kind_and_clearing(tmp_path: Path) -> None:
    row = "{},x@SM_BASH,attack,5,{},0,0,0,yes,around2,always,,,,,,,,\n"
    text = "1002,clear,,,,,,,,,,,,,,,,,\n" + row.format(-1, 1) + row.format(-2, 2) + row.format(-3, 3)
    world = load(tmp_path, {"import/mob_skill_db.txt": text})
    assert [(skill.level, skill.rate) for skill in world["PORING"].skills] == [(2, 1), (3, 1)]
    assert [skill.target for skill in world["PORING"].skills] == ["target", "target"]  # no ground skill
    assert [skill.level for skill in world["POPORING"].skills[-2:]] == [1, 3]


def test_unknown_skills_are_listed(tmp_path: Path) -> None:
    text = "1002,Poring@NPC_NEW,attack,9999,1,2000,0,0,yes,target,always,0,,,,,,,\n" * 2
    world = load(tmp_path, {"import/mob_skill_db.txt": text})
    assert world.unknown_skills == {"NPC_NEW": 2}
    assert [row.skill for row in world["PORING"].skills] == ["SM_BASH"]


def test_skills(tmp_path: Path) -> None:
    skills = load(tmp_path).skills
    assert list(skills) == ["SM_BASH", "AL_HEAL", "WZ_METEOR"]
    bash, meteor = skills["SM_BASH"], skills["WZ_METEOR"]
    assert (bash.type, bash.target_type, bash.status, bash.unit_id) == ("weapon", "attack", "SC_STUN", "")
    assert (bash.ranges, bash.elements[0], bash.durations2) == ((-1,) * 13, -1, (4500,) * 13)
    assert meteor.hit_counts == (1, 2, *range(3, 16))  # as far as the monster's level 15
    assert (meteor.unit_interval, meteor.unit_target, meteor.unit_flags) == (1000, "enemy", frozenset({"pathcheck"}))


def test_names_may_hold_any_letters_and_spaces(tmp_path: Path) -> None:
    for name in ("Po ring", "\ud3ec\ub9c1", "\u30dd\u30ea\u30f3\u3000A", "Po\u00a0ring", "\u00e9"):
        body = f"  - Id: 1002\n    Name: '{name}'\n    JapaneseName: ''\n    Title: ~\n"
        assert load(tmp_path, {"import/mob_db.yml": IMPORT.format("MOB_DB") + body})["PORING"].name == name


def test_tables(tmp_path: Path) -> None:
    change = "Header:\n  Type: ATTRIBUTE_DB\n  Version: 1\nBody:\n  - Level: 1\n    Fire:\n      Water: -10\n"
    world = load(tmp_path, {"import/attr_fix.yml": change})
    assert world.attribute_table[0, 3].tolist() == [100, -10, 150, 100, 100, 100, 100, 100, 100, 100]
    assert (world.attribute_table[1:] == 100).all()
    assert world.size_table[1].tolist() == [100, 100, 50]


def test_maps(tmp_path: Path) -> None:
    world = load(tmp_path)
    assert list(world.maps) == ["field", "town"]
    field = world.maps["field"]
    assert field.walkable.tolist() == [[True, False, False], [True, True, True]]
    assert field.shootable.tolist() == [[True, False, True], [True, True, True]]
    assert field.walkable.dtype == np.bool_


def test_a_servers_own_map_hides_those_of_the_mode_and_of_all(tmp_path: Path) -> None:
    changes: dict[str, str | bytes | None] = {
        "re/map_cache.dat": pack_maps({"town": (1, 1, bytes(1)), "field": (1, 1, bytes(1))}),
        "import/map_cache.dat": pack_maps({"town": (1, 3, bytes(3))}),
    }
    shapes = {name: world_map.walkable.shape for name, world_map in load(tmp_path, changes).maps.items()}
    assert shapes == {"field": (1, 1), "town": (3, 1)}
