"""The skill table: every entry compiles, real monsters' skills are covered, measured figures agree."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from mlmonster_env.data import Bestiary
from mlmonster_env.data.yaml_tree import YamlMap, parse_yaml
from mlmonster_env.sim import fields as f
from mlmonster_env.sim import skill_columns as c
from mlmonster_env.sim import skill_table
from mlmonster_env.sim.skill_table import compile_skills, implemented, left_out, skill_entries, without_effect
from mlmonster_env.sim.status_table import STATUS_NAMES, status_id
from mlmonster_env.sim.tables import compile_tables
from tests.reference import reference_path

MODES = ("renewal", "pre-renewal")
LEVELS = range(1, 12)
FEW = 5  # monsters


@cache
def bundled(mode: str) -> Bestiary:
    return Bestiary.load(None, mode)


@cache
def real(mode: str) -> Bestiary:
    return Bestiary.load(reference_path() / "db", mode)


def users(world: Bestiary) -> tuple[Counter[str], dict[str, set[int]]]:
    """Rows by skill, and monsters by skill."""
    rows: Counter[str] = Counter()
    monsters: dict[str, set[int]] = defaultdict(set)
    for monster in world:
        for row in monster.skills:
            rows[row.skill] += 1
            monsters[row.skill].add(monster.id)
    return rows, monsters


def statuses(row: npt.NDArray[np.int32]) -> list[tuple[str, int, int]]:
    """Name, chance and duration of each status of a row."""
    groups = [row[c.STATUS + i * c.STATUS_WIDTH :][: c.STATUS_WIDTH] for i in range(c.STATUS_SLOTS)]
    return [
        (STATUS_NAMES[group[c.S_STATUS]], int(group[c.S_CHANCE]), int(group[c.S_DURATION]))
        for group in groups
        if group[c.S_STATUS]
    ]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("world", [bundled, real])
def test_every_entry_compiles_at_every_level(world: Callable[[str], Bestiary], mode: str) -> None:
    bestiary = world(mode)
    wanted = [(name, level) for name in skill_entries() if name in bestiary.skills for level in LEVELS]
    table = compile_skills(bestiary, wanted)
    assert table.rows.shape == (len(wanted) + 1 + table.rows[:, c.LOTS].sum(), c.SKILL_WIDTH)
    assert not table.rows[0].any()
    for (name, level), at in table.index.items():
        row = table.rows[at]
        assert row[c.SKILL_ID] == bestiary.skills[name].id, name
        assert row[c.SKILL_LEVEL] == level or "level" in skill_entries()[name], name
        assert 1 <= row[c.REACH] <= 14, name
        if bestiary.skills[name].type == "none" and bestiary.skills[name].target_type == "passive":
            continue  # a name that this server keeps without a skill behind it
        if row[c.EFFECT] == c.AREA:
            assert row[c.AREA_MS] > 0, name
            assert 0 <= row[c.AREA_RADIUS] <= 14, name
        if row[c.EFFECT] == c.STRIKE:
            assert row[c.DAMAGE] != c.NO_DAMAGE, name
            assert row[c.WAVES] >= 1, name


@pytest.mark.parametrize("mode", MODES)
def test_real_monsters_skills_are_covered(mode: str) -> None:
    rows, monsters = users(real(mode))
    assert [name for name, who in monsters.items() if len(who) >= FEW and name not in skill_entries()] == []
    covered = sum(count for name, count in rows.items() if name in implemented())
    assert covered >= 0.95 * sum(rows.values())


def test_enough_skills_are_implemented() -> None:
    _, monsters = users(real("renewal"))
    frequent = {name for name, who in monsters.items() if len(who) >= FEW}
    assert len(frequent & implemented()) >= 160


def test_each_skill_is_counted_once() -> None:
    effective = implemented() - without_effect().keys()
    assert effective | without_effect().keys() | left_out().keys() == skill_entries().keys()
    assert not implemented() & left_out().keys()
    assert all(without_effect().values())
    assert all(left_out().values())


def test_what_is_not_simulated_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "skills-not-simulated.md").read_text()
    named = {line.split("`")[1]: line for line in page.splitlines() if line.startswith("| `")}
    assert named.keys() == left_out().keys() | without_effect().keys()
    for name, why in (left_out() | without_effect()).items():
        assert why in named[name], name


@pytest.mark.parametrize("mode", MODES)
def test_the_bundled_bestiary_uses_known_skills(mode: str) -> None:
    rows, _ = users(bundled(mode))
    assert rows.keys() <= implemented()


@pytest.mark.parametrize(("mode", "file"), [("renewal", "skills_re.json"), ("pre-renewal", "skills_pre.json")])
def test_chances_and_durations_are_those_measured(mode: str, file: str) -> None:
    measured = json.loads((reference_path() / "golden" / file).read_text())
    checked = 0
    for skill in measured:
        row = compile_skills(real(mode), [(skill["skill"], skill["level"])]).rows[1]
        if row[c.FLAGS] & c.LEVEL_CHANCE:
            continue  # what was measured holds for one pair of levels
        tried = {
            (status["name"], rate, duration)
            for status in skill["live"].get("status", [])
            for (rate, duration), _ in status["rate_param_10000_and_duration_top"]
        }
        assert set(statuses(row)) == tried, skill["skill"]
        checked += len(tried)
    assert checked >= 10


@pytest.mark.parametrize(("mode", "file"), [("renewal", "skills_re.json"), ("pre-renewal", "skills_pre.json")])
def test_areas_reach_as_far_as_measured(mode: str, file: str) -> None:
    measured = json.loads((reference_path() / "golden" / file).read_text())
    for skill in measured:
        if "area" not in skill:
            continue
        row = compile_skills(real(mode), [(skill["skill"], skill["level"])]).rows[1]
        reached = max(row[c.SPLASH], row[c.AREA_RADIUS] if row[c.EFFECT] == c.AREA else 0)
        from_centre = skill["area"]["max_chebyshev_from_target"]
        if row[c.AIM] == c.AIM_SUPPORT:
            from_centre = skill["area"]["max_chebyshev_from_caster"]
        assert reached == from_centre, skill["skill"]


@pytest.mark.parametrize(
    ("name", "level", "mode", "column", "value"),
    [
        ("SM_BASH", 10, "renewal", c.RATIO, 400),
        ("SM_BASH", 10, "renewal", c.HIT_BONUS, 50),
        ("AS_SONICBLOW", 5, "renewal", c.RATIO, 700),
        ("AS_SONICBLOW", 5, "pre-renewal", c.RATIO, 550),
        ("NPC_EARTHQUAKE", 5, "renewal", c.RATIO, 1000),
        ("NPC_FIREATTACK", 3, "renewal", c.ELEMENT, 3),
        ("NPC_FIREATTACK", 3, "renewal", c.REACH, 7),
        ("SM_MAGNUM", 9, "renewal", c.REACH, 9),
        ("MO_BODYRELOCATION", 1, "renewal", c.REACH, 14),
        ("WZ_JUPITEL", 3, "renewal", c.FIRST_MS, 150),
        ("WZ_JUPITEL", 3, "renewal", c.HURLED, c.HURLED_IN_SIGHT),
        ("NPC_DANCINGBLADE", 1, "renewal", c.HURLED, c.HURLED_LEAPING),
        ("WZ_WATERBALL", 5, "pre-renewal", c.HURLED, c.HURLED_FROM_CELLS),
        ("WZ_WATERBALL", 1, "renewal", c.AMOUNT, 0),
        ("WZ_WATERBALL", 3, "renewal", c.AMOUNT, 1),
        ("WZ_WATERBALL", 9, "renewal", c.AMOUNT, 2),
        ("WZ_WATERBALL", 10, "pre-renewal", c.AMOUNT, 4),
        ("WZ_WATERBALL", 5, "renewal", c.HITS, 1),
        ("WZ_WATERBALL", 5, "renewal", c.RATIO, 250),
        ("MG_SAFETYWALL", 10, "renewal", c.AREA_LIMIT_HITS, 11),
        ("WZ_METEOR", 11, "renewal", c.WAVES, 10),
        ("WZ_METEOR", 11, "renewal", c.SCATTER, 16),
        ("NPC_DARKBREATH", 1, "renewal", c.FORMULA_ARGUMENT, 10),
        ("NPC_DARKBREATH", 5, "renewal", c.FORMULA_ARGUMENT, 50),
        ("NPC_SUMMONSLAVE", 4, "renewal", c.AMOUNT, 4),
        ("NPC_ARMORBRAKE", 10, "renewal", c.STATUS + c.S_STATUS, 0),
        ("NPC_HELMBRAKE", 5, "pre-renewal", c.STATUS + c.S_STATUS, 0),
        ("NPC_SHIELDBRAKE", 5, "pre-renewal", c.STATUS + c.S_STATUS, 0),
        ("NPC_ALLHEAL", 1, "renewal", c.FLAGS, c.PERCENT_AMOUNT),
        ("NPC_CHEAL", 5, "renewal", c.FLAGS, c.SPARES_UNDEAD),
        ("NPC_DRAGONFEAR", 5, "renewal", c.FLAGS, c.UNTIL_ONE_TAKES),
        ("NPC_SELFDESTRUCTION", 1, "renewal", c.FLAGS, c.SURE_HIT | c.IGNORE_DEFENSE | c.HIT_FRIENDS),
        ("NPC_PIERCINGATT", 1, "renewal", c.FLAGS, c.IGNORE_DEFENSE),
        ("NPC_MENTALBREAKER", 5, "renewal", c.HIT_BONUS, 20),
        ("NPC_MENTALBREAKER", 5, "pre-renewal", c.HIT_BONUS, 20),
        ("AM_ACIDTERROR", 5, "renewal", c.FLAGS, c.SURE_HIT | c.IGNORE_GUARD),
        ("LK_SPIRALPIERCE", 5, "renewal", c.FLAGS, c.LEVEL_RATIO | c.LONG_RANGE | c.IGNORE_GUARD | c.SPARES_BOSSES),
        ("LK_SPIRALPIERCE", 5, "renewal", c.FORMULA, c.BASE_ATTACK),
        ("LK_SPIRALPIERCE", 5, "pre-renewal", c.FORMULA, c.BASE_SPEAR),
        ("LK_SPIRALPIERCE", 5, "renewal", c.GUARDED_AS, c.MISC),
        ("LK_SPIRALPIERCE", 5, "pre-renewal", c.GUARDED_AS, c.MISC),
        ("RG_INTIMIDATE", 5, "renewal", c.CARRIES, c.CARRIES_ONE),
        ("RG_INTIMIDATE", 5, "pre-renewal", c.CARRIES, c.CARRIES_ONE),
        ("NPC_FATALMENACE", 5, "renewal", c.CARRIES, c.CARRIES_ALL),
        ("RG_CLOSECONFINE", 1, "renewal", c.STATUS + c.STATUS_WIDTH + c.S_DURATION, 11_000),
        ("PF_SPIDERWEB", 1, "renewal", c.AREA_PULSE, c.PULSE_TRAP),
        ("KN_SPEARSTAB", 5, "renewal", c.AMOUNT, -4),
        ("HT_SKIDTRAP", 5, "renewal", c.KNOCKBACK, 10),
        ("HT_SKIDTRAP", 5, "renewal", c.FLAGS, c.SHORT_RANGE | c.SPARES_BOSSES),
        ("HT_ANKLESNARE", 5, "renewal", c.FLAGS, c.SHORT_RANGE | c.SPARES_BOSSES),
        ("HT_ANKLESNARE", 5, "pre-renewal", c.FLAGS, c.SHORT_RANGE),
        ("HT_FLASHER", 5, "renewal", c.FLAGS, c.SHORT_RANGE),
        ("HT_FREEZINGTRAP", 5, "renewal", c.CENTRE, c.AT_TARGET),
        ("HT_SANDMAN", 5, "pre-renewal", c.CENTRE, c.AT_TARGET),
        ("HT_CLAYMORETRAP", 5, "renewal", c.CENTRE, c.AT_GROUND),
        ("HT_CLAYMORETRAP", 5, "pre-renewal", c.AMOUNT, 150),
        ("HT_LANDMINE", 5, "pre-renewal", c.AMOUNT, 75),
        ("HT_LANDMINE", 5, "pre-renewal", c.RATIO, 200),
        ("KN_BOWLINGBASH", 10, "pre-renewal", c.HITS, 1),
        ("KN_BOWLINGBASH", 10, "pre-renewal", c.KNOCKBACK, 0),
        ("KN_BOWLINGBASH", 10, "pre-renewal", c.BOWLS, 1),
        ("KN_BOWLINGBASH", 10, "renewal", c.BOWLS, 0),
        ("TF_POISON", 10, "pre-renewal", c.PAST_DEFENCE, 150),
        ("TF_POISON", 10, "renewal", c.PAST_DEFENCE, 0),
        ("MO_EXTREMITYFIST", 5, "renewal", c.ADDED, 1000),
        ("MO_EXTREMITYFIST", 5, "renewal", c.SP_RATIO, 10),
        ("MO_EXTREMITYFIST", 5, "renewal", c.PLAIN_DEFENCE, 1),
        ("MO_EXTREMITYFIST", 5, "renewal", c.LUNGE, 3),
        ("NPC_JACKFROST", 5, "renewal", c.AGAINST, status_id("SC_FREEZING")),
        ("NPC_JACKFROST", 5, "renewal", c.AGAINST_RATIO, 2500),
        ("NPC_JACKFROST", 5, "renewal", c.LEVEL_PART, 150),
        ("HT_FLASHER", 5, "renewal", c.FIRST_MS, 1000),
        ("HT_SANDMAN", 5, "pre-renewal", c.FIRST_MS, 1000),
        ("PR_STRECOVERY", 1, "renewal", c.STATUS, status_id("SC_BLIND")),
        ("PR_STRECOVERY", 1, "renewal", c.STATUS + c.S_DURATION, 18000),
        ("NPC_PHANTOMTHRUST", 5, "renewal", c.PASSAGE, c.DRAWS),
        ("RG_BACKSTAP", 10, "renewal", c.PASSAGE, c.BEHIND),
        ("ASC_BREAKER", 10, "pre-renewal", c.FORMULA, c.BASE_SOUL),
        ("ASC_BREAKER", 10, "renewal", c.FORMULA, c.BASE_ATTACK),
        ("AM_ACIDTERROR", 5, "pre-renewal", c.FORMULA, c.BASE_ACID),
        ("RG_STRIPHELM", 5, "renewal", c.FLAGS, c.DEFT),
        ("ST_FULLSTRIP", 5, "pre-renewal", c.FLAGS, c.DEFT),
        ("CR_SHIELDBOOMERANG", 5, "renewal", c.FORMULA, c.BASE_FULL_ATTACK),
        ("NPC_POISON_BUSTER", 2, "renewal", c.RATIO, 3000),
        ("NPC_POISON_BUSTER", 2, "renewal", c.ELEMENT, 5),
        ("NPC_POISON_BUSTER", 2, "renewal", c.SPLASH, 0),
        ("NPC_POISON_BUSTER", 2, "renewal", c.SPENDS, status_id("SC_POISON")),
        ("SA_SPELLBREAKER", 4, "renewal", c.AMOUNT, 0),
        ("SA_SPELLBREAKER", 5, "renewal", c.AMOUNT, 2),
        ("SA_SPELLBREAKER", 5, "renewal", c.KIND, c.KIND_HARM),
        ("CG_TAROTCARD", 5, "renewal", c.SUCCESS, 41),
        ("PR_LEXDIVINA", 3, "renewal", c.LIFTS, status_id("SC_SILENCE")),
        ("AS_VENOMDUST", 3, "renewal", c.THROUGH_WALLS, 1),
        ("AS_VENOMDUST", 3, "renewal", c.AREA_SHAPE, c.PLUS),
        ("AS_VENOMDUST", 3, "renewal", c.AREA_REACH, 1),
        ("PR_SANCTUARY", 3, "renewal", c.AREA_SHAPE, c.CUT),
        ("PR_SANCTUARY", 3, "renewal", c.AREA_REACH, 1),
        ("WZ_STORMGUST", 3, "renewal", c.THROUGH_WALLS, 0),
        ("AM_POTIONPITCHER", 3, "renewal", c.AMOUNT, 175),
        ("AM_POTIONPITCHER", 3, "renewal", c.FORMULA_ARGUMENT, 60),
        ("AM_POTIONPITCHER", 3, "pre-renewal", c.RATIO, 180),
        ("CG_TAROTCARD", 5, "renewal", c.LOTS, 14),
        ("WL_TETRAVORTEX", 5, "renewal", c.LOTS, 4),
        ("WL_TETRAVORTEX", 5, "renewal", c.KIND, c.KIND_HARM),
        ("WL_EARTHSTRAIN", 5, "renewal", c.WAVES, 9),
        ("WL_EARTHSTRAIN", 5, "renewal", c.RUNS, 2),
        ("WL_EARTHSTRAIN", 5, "renewal", c.AMOUNT, 2000),
        ("NPC_MAGMA_ERUPTION", 5, "renewal", c.KIND, c.KIND_FIELD),
        ("CG_TAROTCARD", 5, "renewal", c.KIND, c.KIND_HARM),
    ],
)
def test_known_numbers(name: str, level: int, mode: str, column: int, value: int) -> None:
    assert compile_skills(real(mode), [(name, level)]).rows[1, column] == value


def test_an_unlisted_skill_costs_its_turn_and_does_nothing() -> None:
    world = real("renewal")
    assert "AS_SPLASHER" not in skill_entries()
    row = compile_skills(world, [("AS_SPLASHER", 5)]).rows[1]
    assert row[c.EFFECT] == c.NOTHING
    assert row[c.SKILL_ID] == world.skills["AS_SPLASHER"].id
    assert row[c.SKILL_LEVEL] == 5
    assert row[c.REACH] == 1


def test_each_level_of_immunity_is_to_an_element_of_its_own() -> None:
    table = compile_skills(real("renewal"), [("NPC_IMMUNE_PROPERTY", level) for level in range(1, 11)])
    held = table.rows[1:, c.STATUS + c.S_VALUE] - 1
    assert held.tolist() == [0, 1, 2, 3, 4, 7, 6, 5, 8, 9]


def test_lots_follow_their_skill() -> None:
    table = compile_skills(real("renewal"), [("CG_TAROTCARD", 5), ("SM_BASH", 1)])
    assert table.index == {("CG_TAROTCARD", 5): 1, ("SM_BASH", 1): 16}
    assert table.rows[2:16, c.SHARE].tolist() == [10, 10, 10, 7, 10, 15, 1, 6, 5, 8, 1, 2, 5, 10]
    assert not table.rows[[1, 16], c.SHARE].any()
    assert (table.rows[1:16, c.SKILL_ID] == 489).all()
    assert statuses(table.rows[12]) == [
        ("SC_INCATKRATE", 10_000, 30_000), ("SC_INCMATKRATE", 10_000, 30_000), ("SC_CURSE", 500, 18_000),
    ]  # fmt: skip


def test_all_lots_of_a_skill_are_strikes_and_ground_of_their_own() -> None:
    table = compile_skills(real("renewal"), [("WL_TETRAVORTEX", 5), ("NPC_MAGMA_ERUPTION", 5)])
    fire, wind, water, earth = blows = table.rows[2:6]
    assert [int(blow[c.ELEMENT]) for blow in blows] == [3, 4, 1, 2]
    assert [int(blow[c.FIRST_MS]) for blow in blows] == [0, 200, 400, 600]
    assert all(blow[c.RATIO] == 2800 and blow[c.HURLED] == c.HURLED_PAST_WALLS for blow in blows)
    assert [statuses(blow) for blow in (fire, wind, water)] == [[], [], []]
    assert statuses(earth) == [("SC_STUN", 10_000, 4500)]
    slam, eruption = table.rows[7:9]
    assert [int(slam[column]) for column in (c.DAMAGE, c.ELEMENT, c.SPLASH, c.IMMEDIATE)] == [c.WEAPON, 3, 3, 0]
    assert [int(eruption[column]) for column in (c.FORMULA_ARGUMENT, c.AREA_MS, c.AREA_DELAY_MS)] == [5000, 2500, -2]


@pytest.mark.parametrize(("level", "more"), [(1, 1), (4, 4)])
def test_the_first_of_the_meteors_that_rain_falls_on_the_chosen_cell(level: int, more: int) -> None:
    table = compile_skills(real("renewal"), [("NPC_RAINOFMETEOR", level)])
    columns = [c.WAVES, c.FIRST_MS, c.WAVE_MS, c.SCATTER, c.SPLASH, c.RATIO, c.CENTRE]
    assert table.rows[2, columns].tolist() == [1, 1000, 0, 0, 3, 450, c.AT_GROUND]
    assert table.rows[3, columns].tolist() == [more, 1000, 1000, (level + 1) // 2, 3, 450, c.AT_GROUND]


@pytest.mark.parametrize(
    ("name", "level", "between"),
    [("WZ_STORMGUST", 10, 500), ("WZ_VERMILION", 10, 1300), ("NPC_EARTHQUAKE", 5, 300), ("MG_FIREWALL", 5, 20)],
)
def test_ground_strikes_when_the_server_looks_at_it(name: str, level: int, between: int) -> None:
    assert compile_skills(real("renewal"), [(name, level)]).rows[1, c.AREA_INTERVAL] == between


def test_each_pair_has_one_row() -> None:
    world = real("renewal")
    table = compile_skills(world, [("SM_BASH", 1), ("SM_BASH", 2), ("SM_BASH", 1), ("NO_SUCH_SKILL", 1)])
    assert table.rows.shape[0] == 4
    assert set(table.index) == {("SM_BASH", 1), ("SM_BASH", 2), ("NO_SUCH_SKILL", 1)}
    assert table.rows[table.index["NO_SUCH_SKILL", 1], c.EFFECT] == c.NOTHING


@pytest.mark.parametrize(
    ("entry", "key"),
    [
        ("{effect: strike, ratio: 100 +}", "ratio"),
        ("{effect: strike, ratio: 100 + level}", "ratio"),
        ("{effect: strike, ratio: __import__('os')}", "ratio"),
        ("{effect: strike, ratio: 2.5}", "ratio"),
        ("{effect: strike, ratio: 99999999999}", "ratio"),
        ("{effect: strike, ratio: lv // (lv - lv)}", "ratio"),
        ("{effect: strike, flags: [sure]}", "flags"),
        ("{effect: strike, flags: sure_hit}", "flags"),
        ("{effect: strike, at: there}", "at"),
        ("{effect: strike, area: {pulse: strike}}", "area"),
        ("{effect: area}", "area"),
        ("{effect: area, area: {pulse: hurt}}", "area.pulse"),
        ("{effect: strike, statuses: [{status: SC_STUNNED}]}", "statuses[0].status"),
        ("{effect: strike, statuses: [{status: SC_STUN, odds: 1}]}", "statuses[0]"),
        ("{effect: strike, statuses: [{status: SC_STUN, whom: all}]}", "statuses[0].whom"),
        ("{effect: strike, element: flame}", "element"),
        ("{effect: strike, spends: SC_POISONED}", "spends"),
        ("{effect: draw_lots, lots: [{share: 99, effect: nothing}]}", "lots"),
        ("{effect: draw_lots, lots: [{share: 100, effect: sing}]}", "effect"),
        ("{effect: draw_lots, lots: [{share: 100, effect: nothing, luck: 1}]}", "lots"),
        ("{effect: draw_lots, lots: {share: 100, effect: nothing}}", "lots"),
        ("{effect: draw_lots, lots: [sing]}", "lots"),
        ("{effect: draw_lots}", "lots"),
        ("{effect: all_lots, lots: [{share: 100, effect: nothing}]}", "lots"),
    ],
)
def test_a_wrong_entry_is_named(entry: str, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    node = parse_yaml(entry.encode(), "an entry")
    assert isinstance(node, YamlMap)
    monkeypatch.setattr(skill_table, "skill_entries", lambda: {"SM_BASH": node})
    with pytest.raises(ValueError, match="SM_BASH") as caught:
        compile_skills(real("renewal"), [("SM_BASH", 1)])
    assert f"{key} is " in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SM_BASH: {effect: bash}", "effect is 'bash'"),
        ("SM_BASH: {effect: strike, power: 1}", "'power'"),
        ("SM_BASH: {effect: nothing}", "why is None"),
        ("SM_BASH: {effect: strike}\nSM_BASH: {effect: strike}", "each skill once"),
        ("- SM_BASH", "a mapping"),
    ],
)
def test_a_wrong_file_is_refused(text: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "skill_effects.yml"
    file.write_text(text)
    monkeypatch.setattr(skill_table, "FILE", file)
    with pytest.raises(ValueError, match=message):
        skill_entries.__wrapped__()


def test_statuses_are_numbered() -> None:
    row = compile_skills(real("renewal"), [("NPC_STOP", 1)]).rows[1]
    second = c.STATUS + c.STATUS_WIDTH
    assert row[c.STATUS + c.S_STATUS] == row[second + c.S_STATUS] == status_id("SC_STOP")
    assert (row[c.STATUS + c.S_WHOM], row[second + c.S_WHOM]) == (c.AT_TARGET, c.AT_SELF)
    assert row[c.STATUS + c.S_DURATION] == 15000
    assert row[c.SELF_STATUS_ONLY_IF_HIT] == 1


@pytest.mark.parametrize(("caller", "hp"), [(2222, 3910), (2229, 4100), (2236, 4100)])
def test_a_plant_is_as_hale_as_its_caller_is_skilled(caller: int, hp: int) -> None:
    world = real("renewal")
    tables = compile_tables(world, [world[caller], world[1590]])
    row = next(row for row in tables.rows[1] if tables.skills[row[f.R_SKILL], c.FORMULA_ARGUMENT] == c.PLANT)
    assert tables.skills[row[f.R_SKILL], [c.EFFECT, c.AMOUNT, c.FIRST_MS]].tolist() == [c.SUMMON, 1, 60_000]
    plant = tables.species[row[f.R_V1]]
    assert (plant[f.MONSTER_ID], plant[f.MAX_HP], tables.species[2, f.MAX_HP]) == (1590, hp, 3408)
    assert plant[f.BASE_MODE] & (f.CAN_MOVE | f.CAN_ATTACK | f.AGGRESSIVE_MODE) == f.CAN_ATTACK | f.AGGRESSIVE_MODE
    assert row[f.R_V2] == 0


def test_ground_that_goes_with_its_middle_counts_as_one_cell() -> None:
    rows = compile_skills(real("renewal"), [("AL_PNEUMA", 1), ("NPC_HELLBURNING", 1), ("WZ_QUAGMIRE", 1)]).rows
    assert rows[1:, [c.AREA_RADIUS, c.AREA_REACH]].tolist() == [[1, 1], [1, 1], [2, 0]]


@pytest.mark.parametrize(
    ("mode", "name", "stands"),
    [
        ("renewal", "HT_ANKLESNARE", True), ("renewal", "NPC_VENOMFOG", True), ("renewal", "WZ_STORMGUST", False),
        ("pre-renewal", "WZ_FIREPILLAR", False),
    ],
)  # fmt: skip
def test_traps_and_a_few_others_stand_fast(mode: str, name: str, stands: bool) -> None:
    row = compile_skills(real(mode), [(name, 1)]).rows[1]
    assert (row[c.EFFECT], bool(row[c.STANDS_FAST])) == (c.AREA, stands)


@pytest.mark.parametrize(("name", "element"), [("NPC_FIREWALK", 3), ("NPC_ELECTRICWALK", 4)])
def test_trails_are_of_an_element_and_so_many_cells(name: str, element: int) -> None:
    row = compile_skills(real("renewal"), [(name, 5)]).rows[1]
    columns = [c.EFFECT, c.DAMAGE, c.ELEMENT, c.RATIO, c.HITS, c.AMOUNT]
    assert row[columns].tolist() == [c.AREA, c.MAGIC, element, 500, 1, 16]
    areas = [c.AREA_PULSE, c.AREA_MS, c.AREA_INTERVAL, c.AREA_RADIUS]
    assert row[areas].tolist() == [c.PULSE_TRAIL, 12_000, 1000, 0]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("name", "whom"), [("NPC_GRANDDARKNESS", c.AT_TARGET), ("CR_GRANDCROSS", c.AT_UNHOLY)])
def test_grand_crosses_blind_those_in_a_cross(mode: str, name: str, whom: int) -> None:
    row = compile_skills(real(mode), [(name, 10)]).rows[1]
    columns = [
        c.CENTRE,
        c.RATIO,
        c.FORMULA,
        c.AREA_SHAPE,
        c.AREA_RADIUS,
        c.AREA_REACH,
        c.AREA_CELL_HITS,
        c.STATUS + c.S_WHOM,
    ]
    assert row[columns].tolist() == [c.AT_SELF, 500, c.BASE_ATTACK_AND_MAGIC, c.GRAND_CROSS, 4, 0, 3, whom]
    assert statuses(row) == [("SC_BLIND", 10_000, 18_000 if mode == "renewal" else 30_000)]


@pytest.mark.parametrize("mode", MODES)
def test_walls_of_fire_burn_so_often_a_cell(mode: str) -> None:
    rows = compile_skills(real(mode), [("MG_FIREWALL", level) for level in (1, 10)]).rows[1:]
    columns = [c.RATIO, c.HITS, c.AREA_PULSE, c.AREA_SHAPE, c.AREA_RADIUS, c.AREA_REACH, c.AREA_INTERVAL]
    assert [row[columns].tolist() for row in rows] == [[50, 1, c.PULSE_FIRE_WALL, c.WALL, 1, 0, 20]] * 2
    assert rows[:, [c.AREA_CELL_HITS, c.AREA_MS]].tolist() == [[5, 5000], [14, 14_000]]


def test_a_cross_of_flames_has_arms_of_two_cells() -> None:
    row = compile_skills(real("renewal"), [("NPC_FLAMECROSS", 1)]).rows[1]
    columns = [c.FORMULA, c.RATIO, c.AREA_SHAPE, c.AREA_RADIUS, c.AREA_REACH]
    assert row[columns].tolist() == [c.BASE_LEAST_ATTACK, 2000, c.ARMS, 2, 0]


@pytest.mark.parametrize(
    ("mode", "lengths"), [("renewal", [5, 5, 5, 5, 5, 5, 5]), ("pre-renewal", [2, 2, 3, 3, 4, 4, 5])]
)
def test_spears_are_brandished_so_far_before_the_caster(mode: str, lengths: list[int]) -> None:
    rows = compile_skills(real(mode), [("KN_BRANDISHSPEAR", level) for level in (1, 3, 4, 6, 7, 9, 10)]).rows[1:]
    assert rows[:, c.AMOUNT].tolist() == lengths
    assert all(row[c.FLAGS] & c.LINE and row[[c.SPLASH, c.FRONT, c.KNOCKBACK]].tolist() == [2, 1, 2] for row in rows)


def test_a_breaking_ignition_is_hottest_beside_the_caster() -> None:
    row = compile_skills(real("renewal"), [("NPC_IGNITIONBREAK", 5)]).rows[1]
    assert row[[c.RATIO, c.RING, c.SPLASH]].tolist() == [2750, 250, 5]
