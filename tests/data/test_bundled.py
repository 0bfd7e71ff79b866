"""The bundled bestiary: enough of everything to train and to judge on, in both modes, without a download."""

import re
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from mlmonster_env.contract import ARCHETYPES, MODES
from mlmonster_env.data import Bestiary
from mlmonster_env.data.bundled.build_maps import MAP_CACHE, pack, read_drawing, read_drawings
from mlmonster_env.data.enums import MODES as MODE_BITS
from tests.reference import reference_path

GUIDE = Path(__file__).parents[2] / "docs" / "bestiary.md"
SAME_IN_BOTH = ("id", "aegis_name", "level", "size", "race", "element", "element_level", "mode", "player")


@cache
def bundled(mode: str) -> Bestiary:
    return Bestiary.load(mode=mode)


def own_kind(bestiary: Bestiary) -> list[int]:
    """Ids of the monsters that are no player-like bots."""
    return [monster.id for monster in bestiary if not monster.player]


@pytest.mark.parametrize("mode", MODES)
def test_nothing_is_skipped_or_unknown(mode: str) -> None:
    assert bundled(mode).skipped == ()
    assert bundled(mode).unknown_skills == {}


@pytest.mark.parametrize("mode", MODES)
def test_six_of_every_archetype(mode: str) -> None:
    counts = Counter(bundled(mode)[number].archetype for number in own_kind(bundled(mode)))
    assert set(counts) == set(ARCHETYPES)
    assert min(counts.values()) >= 6, counts


@pytest.mark.parametrize("mode", MODES)
def test_every_size_race_element_and_level_of_element(mode: str) -> None:
    monsters = [bundled(mode)[number] for number in own_kind(bundled(mode))]
    assert {monster.size for monster in monsters} == set(range(3))
    assert {monster.race for monster in monsters} == set(range(10))
    assert {monster.element for monster in monsters} == set(range(10))
    assert {monster.element_level for monster in monsters} == {1, 2, 3, 4}


@pytest.mark.parametrize("mode", MODES)
def test_about_ten_player_bots_that_attack(mode: str) -> None:
    bots = [monster for monster in bundled(mode) if monster.player]
    assert len(bots) >= 10
    assert all(bot.mode & MODE_BITS["Aggressive"] and bot.sp > 1 and bot.walk_speed == 150 for bot in bots)
    assert len({bot.archetype for bot in bots}) >= 4


@pytest.mark.parametrize("mode", MODES)
def test_every_monster_has_skills_and_no_skill_lies_idle(mode: str) -> None:
    bestiary = bundled(mode)
    assert all(2 <= len(monster.skills) <= 10 for monster in bestiary)
    assert {row.skill for monster in bestiary for row in monster.skills} == set(bestiary.skills)


@pytest.mark.parametrize("mode", MODES)
def test_followers_and_new_shapes_exist(mode: str) -> None:
    bestiary = bundled(mode)
    summoners = set()
    for monster in bestiary:
        for row in monster.skills:
            if row.skill in ("NPC_SUMMONSLAVE", "NPC_METAMORPHOSIS"):
                called = [number for number in row.values if number]
                assert called and all(number in bestiary.monsters for number in called), (monster.aegis_name, row)
                summoners.add(monster.id)
    assert len(summoners) >= 6


@pytest.mark.parametrize("mode", MODES)
def test_a_fight_between_two_of_a_kind_is_neither_a_blow_nor_an_age(mode: str) -> None:
    for number in own_kind(bundled(mode)):
        monster = bundled(mode)[number]
        if monster.mode & (MODE_BITS["IgnoreMelee"] | MODE_BITS["Mvp"]):
            continue
        stats = monster.derived()
        base = 80 if mode == "pre-renewal" else 0
        hit_rate = base + stats["hit"] - stats["flee"]
        assert 70 <= hit_rate <= 95, (monster.aegis_name, hit_rate)
        blow = (stats["batk"] + (stats["atk_min"] + stats["atk_max"]) / 2) / stats["max_hp"]
        assert 0.03 <= blow <= 0.3, (monster.aegis_name, blow)
        assert 700 <= monster.attack_delay <= 1900


def test_both_modes_hold_the_same_creatures() -> None:
    renewal, older = (bundled(mode) for mode in MODES)
    assert list(renewal.monsters) == list(older.monsters)
    for number in renewal.monsters:
        for field in SAME_IN_BOTH:
            assert getattr(renewal[number], field) == getattr(older[number], field), (number, field)


def test_the_mvp_takes_a_tenth_in_renewal_only() -> None:
    mvp = [monster.aegis_name for monster in bundled("renewal") if monster.mode & MODE_BITS["Mvp"]]
    assert mvp == ["VAEL"]
    assert bundled("renewal")["VAEL"].damage_taken == 10
    assert bundled("pre-renewal")["VAEL"].damage_taken == 100


def test_map_cache_holds_what_the_drawings_show() -> None:
    drawn = read_drawings()
    maps = bundled("renewal").maps
    assert set(maps) == set(drawn)
    for name, cells in drawn.items():
        assert np.array_equal(maps[name].walkable, (cells != 1) & (cells != 5)), name
        assert np.array_equal(maps[name].shootable, cells != 1), name
    # The packed bytes may differ between versions of zlib; the file's own length may not.
    assert MAP_CACHE.stat().st_size == int.from_bytes(MAP_CACHE.read_bytes()[:4], "little")
    assert pack(drawn)[4:6] == MAP_CACHE.read_bytes()[4:6]


@pytest.mark.parametrize("name", [path.stem for path in sorted((MAP_CACHE.parents[1] / "maps").glob("*.txt"))])
def test_all_ground_of_a_map_hangs_together(name: str) -> None:
    walkable = bundled("renewal").maps[name].walkable
    assert walkable.sum() > 1000
    assert not (walkable[0].any() or walkable[-1].any() or walkable[:, 0].any() or walkable[:, -1].any())
    assert np.array_equal(reachable(walkable), walkable)


def reachable(walkable: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Cells that straight steps reach from the first walkable one."""
    reached = np.zeros_like(walkable)
    reached[tuple(np.argwhere(walkable)[0])] = True
    while True:
        wider = reached.copy()
        wider[1:] |= reached[:-1]
        wider[:-1] |= reached[1:]
        wider[:, 1:] |= reached[:, :-1]
        wider[:, :-1] |= reached[:, 1:]
        wider &= walkable
        if np.array_equal(wider, reached):
            return reached
        reached = wider


@pytest.mark.parametrize(
    ("name", "drawing", "complaint"),
    [
        ("ragged", "...\n..\n", "ragged.txt, line 2: 2 cells, the first line has 3"),
        ("strange", "...\n.?.\n", "strange.txt, line 2: '?' is no cell"),
        ("a_long_name_", "...\n", "at most 11 letters"),
    ],
)
def test_a_wrong_drawing_is_named(tmp_path: Path, name: str, drawing: str, complaint: str) -> None:
    path = tmp_path / f"{name}.txt"
    path.write_text(drawing)
    with pytest.raises(ValueError, match=re.escape(complaint)):
        read_drawing(path)


def test_the_guide_lists_every_monster_as_it_is() -> None:
    listed = re.findall(r"^\| (\d+) \| (\w+) \| [^|]+ \| (\d+) \| (\w+) \|", GUIDE.read_text(), flags=re.MULTILINE)
    monsters = bundled("renewal")
    assert listed == [(str(m.id), m.aegis_name, str(m.level), m.archetype) for m in monsters]


@pytest.mark.parametrize("mode", MODES)
def test_tables_and_skill_figures_are_the_real_servers(mode: str) -> None:
    real, ours = Bestiary.load(reference_path(), mode=mode), bundled(mode)
    assert np.array_equal(real.attribute_table, ours.attribute_table)
    assert np.array_equal(real.size_table, ours.size_table)
    for name, skill in ours.skills.items():
        other = real.skills[name]
        for field in (
            "id",
            "max_level",
            "type",
            "target_type",
            "damage_flags",
            "hit",
            "cast_cancel",
            "status",
            "unit_id",
        ):
            assert getattr(skill, field) == getattr(other, field), (name, field)
        for field in ("ranges", "hit_counts", "elements", "splash_areas", "knockbacks", "durations1", "durations2"):
            # The real server's monsters may use levels that ours do not reach.
            pairs = zip(getattr(skill, field), getattr(other, field), strict=False)
            assert all(mine == theirs for mine, theirs in pairs), (name, field)


def test_names_and_ids_are_our_own() -> None:
    real, ours = Bestiary.load(reference_path()), bundled("renewal")
    assert not {monster.id for monster in ours} & {monster.id for monster in real}
    theirs = {word.lower() for monster in real for word in (monster.name, monster.aegis_name)}
    assert not [monster.name for monster in ours if {monster.name.lower(), monster.aegis_name.lower()} & theirs]
