"""The blocks beside the state: grid, entities, skills."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mlmonster_env.contract import BLOCKS, ENTITY_FEATURES, GRID_CHANNELS, SIGHT, SKILL_FEATURES
from mlmonster_env.plans import Side
from mlmonster_env.scenarios import named as plan_named
from mlmonster_env.sim import Arena
from mlmonster_env.sim import fields as f
from mlmonster_env.sim import skill_columns as k
from mlmonster_env.sim.lab import Place
from mlmonster_env.sim.staging import stage
from mlmonster_env.sim.views import observe_grids, observe_many_entities, observe_many_skills
from tests.sim.command import field, fighter, put, victim
from tests.sim.eyes import WALLS, under_ground
from tests.sim.grounds import bundled, drawn, named, open_ground

Numbers = np.ndarray[Any, np.dtype[np.float32]]
SEERS = {"grid": observe_grids, "entities": observe_many_entities, "skills": observe_many_skills}
ME = 16  # where a unit stands on its own grid


def see(arena: Arena, block: str, unit: int = 0, match: int = 0) -> Numbers:
    """One block of one unit."""
    seen = np.full((1, *BLOCKS[block]), np.nan, np.float32)
    SEERS[block](arena.words, np.array([match]), np.array([unit]), seen)
    view: Numbers = seen[0]
    return view


def grid(arena: Arena, unit: int = 0) -> dict[str, Numbers]:
    return dict(zip(GRID_CHANNELS, see(arena, "grid", unit), strict=True))


def entities(arena: Arena, unit: int = 0) -> dict[str, list[float]]:
    """Columns by their names."""
    rows = see(arena, "entities", unit)
    return {name: rows[:, place].tolist() for place, name in enumerate(ENTITY_FEATURES)}


def marked(channel: Numbers) -> dict[tuple[int, int], float]:
    """What a channel holds beside zeros: {(dx, dy): number}, from where the unit stands."""
    return {(int(x) - ME, int(y) - ME): round(float(channel[y, x]), 4) for y, x in np.argwhere(channel)}


def test_the_grid_has_its_owner_in_the_middle_and_others_where_they_stand():
    places = [Place(fighter(), 0, 30, 30), Place(fighter(), 0, 33, 28), Place(victim(), 1, 24, 38)]
    places.append(Place(victim(), 1, 50, 30))
    arena = field(None, places)
    arena.units[0, f.HP, 1] //= 2
    arena.units[0, f.TARGET, 0] = 2
    seen = grid(arena)
    assert marked(seen["allies"]) == {(0, 0): 1.0, (3, -2): 0.6}
    assert marked(seen["enemies"]) == {(-6, 8): 1.0}
    assert marked(seen["target"]) == {(-6, 8): 1.0}
    other = grid(arena, 2)
    assert marked(other["allies"]) == {(0, 0): 1.0}
    assert marked(other["enemies"]) == {(6, -8): 1.0, (9, -10): 0.6}


def test_threat_lies_where_enemies_reach_and_is_whole_where_they_are_after_the_unit():
    places = [Place(fighter(), 0, 30, 30), Place(victim(attack_range=2), 1, 35, 30)]
    places.append(Place(victim(attack_range=1), 1, 30, 40))
    arena = field(None, places)
    arena.units[0, f.TARGET, 2] = 0
    threat = marked(grid(arena)["threat"])
    assert threat == {
        **{(5 + dx, dy): 0.5 for dx in range(-2, 3) for dy in range(-2, 3)},
        **{(dx, 10 + dy): 1.0 for dx in range(-1, 2) for dy in range(-1, 2)},
    }


def test_walls_are_seen_and_so_is_the_end_of_the_map():
    ground = drawn("...#.", "..~..", ".....")
    arena = field(None, [Place(fighter(), 0, 1, 1), Place(victim(), 1, 4, 2)], ground=ground)
    walls = grid(arena)["walls"]
    inside = walls[ME - 1 : ME + 2, ME - 1 : ME + 4]
    assert inside.tolist() == [[0, 0, 0, 1, 0], [0, 0, 1, 0, 0], [0, 0, 0, 0, 0]]
    assert walls.sum() == 32 * 32 - 15 + 2


def test_hazards_and_items_are_seen():
    ground = open_ground()
    ground[28:30, 30] |= f.HAZARD_CELL
    arena = field(None, [Place(fighter(), 0, 30, 30), Place(victim(), 1, 40, 30)], ground=ground)
    at = f.ITEMS
    arena.match[:, [at + f.I_X, at + f.I_Y, at + f.I_HOLDER]] = 33, 27, f.NOBODY
    arena.match[:, at + f.ITEM_WIDTH + f.I_HOLDER] = 1
    seen = grid(arena)
    assert marked(seen["hazards"]) == {(0, -2): 1.0, (0, -1): 1.0}
    assert marked(seen["items"]) == {(3, -3): 1.0}


def test_enchanted_ground_is_a_hazard_to_the_other_side_only():
    plan = replace(plan_named("skirmish-3v3"), first=Side(3, species=("MIRE_WITCH",)))
    arena = Arena(60, stage(plan, bundled()), bundled(), 3)
    found = 0
    for _ in range(60):
        arena.run(5)
        for match in np.flatnonzero(arena.match[:, f.AREA_AT] != f.NEVER)[:3]:
            for u in np.flatnonzero(arena.units[match, f.ALIVE, :6])[:3]:
                areas = arena.match[match, f.AREAS : f.MATCH_WIDTH].reshape(-1, f.AREA_WIDTH)
                expected = np.zeros((2, 32, 32), bool)
                for area in areas:
                    if area[f.A_END] == f.NEVER:
                        continue
                    skill = arena.tables.skills[area[f.A_SKILL]]
                    own = int(area[f.A_SIDE] == arena.units[match, f.SIDE, u])
                    y, x = np.indices((32, 32)) - ME
                    x, y = x + arena.units[match, f.X, u], y + arena.units[match, f.Y, u]
                    expected[own] |= under_ground(skill, area, x, y)
                seen = dict(zip(GRID_CHANNELS, see(arena, "grid", u, match), strict=True))
                assert np.array_equal(seen["hazards"] == 1, expected[0])
                assert np.array_equal(seen["own ground"] == 1, expected[1])
                found += 1
    assert found > 50


@pytest.mark.parametrize(
    ("species", "skill", "centre"), [("EMBER_SCRIBE", "MG_FIREBALL", (0, 0)), ("FROST_SIBYL", "WZ_FROSTNOVA", (8, 6))]
)
def test_ground_is_about_to_burn_where_the_cast_falls_as_things_stand(species, skill, centre):
    """Around whom a ball of fire follows, around the caster of a frost nova; not where its victim once stood."""
    row = next(row for row in bundled()[species].skills if row.skill == skill)
    caster = replace(fighter(species), attack_range=1, skills=(replace(row, target="target"),))
    arena = field(None, [Place(fighter(), 0, 30, 30), Place(caster, 1, 38, 36)])
    number = arena.tables.rows[2, 0, f.R_SKILL]
    arena.units[0, [f.CAST_AT, f.CAST_SKILL, f.CAST_ON, f.CAST_X, f.CAST_Y], 1] = 5000, number, 0, 34, 30
    radius = arena.tables.skills[number, k.SPLASH]
    x, y = centre
    around = range(-radius, radius + 1)
    assert radius > 0
    assert marked(grid(arena)["hazards"]) == {(x + dx, y + dy): 0.5 for dx in around for dy in around}


def test_ground_is_about_to_burn_in_the_shape_that_it_will_have():
    arena = field(None, [Place(fighter(), 0, 30, 30), Place(bundled()["EMBER_SCRIBE"], 1, 38, 30)])
    number = arena.tables.rows[2, 0, f.R_SKILL]
    arena.tables.skills[number, [k.SPLASH, k.AREA_SHAPE, k.AREA_RADIUS, k.CENTRE]] = 0, k.ARMS, 2, k.AT_TARGET
    arena.units[0, [f.CAST_AT, f.CAST_SKILL, f.CAST_ON], 1] = 5000, number, 0
    arms = [(far, 0) for far in (-2, -1, 1, 2)]
    assert marked(grid(arena)["hazards"]) == {cell: 0.5 for x, y in arms for cell in ((x, y), (y, x))}


@pytest.mark.parametrize(("dx", "dy", "way"), [(8, 0, 2), (1, 8, 0), (8, 8, 3), (8, -8, 1)])
def test_a_wall_is_seen_before_and_after_it_is_laid_as_it_runs(dx, dy, way):
    """Across the way from its caster, by those cells that burn still."""
    caster = bundled()["EMBER_SCRIBE"]
    arena = field(None, [Place(fighter(), 0, 30, 30), Place(caster, 1, 30 + dx, 30 + dy)])
    number = next(row for row in arena.tables.rows[2, :, f.R_SKILL] if arena.tables.skills[row, k.AREA_SHAPE] == k.WALL)
    arena.units[0, [f.CAST_AT, f.CAST_SKILL, f.CAST_ON, f.CAST_X, f.CAST_Y], 1] = 5000, number, 0, 30, 30
    assert marked(grid(arena)["hazards"]) == {cell: 0.5 for cell in WALLS[way]}
    arena.units[0, f.CAST_AT, 1] = f.NEVER
    at = f.AREAS
    left = way << 25 | sum(3 << 5 * i for i in range(1, len(WALLS[way])))
    arena.match[0, [at + f.A_END, at + f.A_SKILL, at + f.A_OWNER, at + f.A_SIDE]] = 5000, number, 1, 1
    arena.match[0, [at + f.A_X, at + f.A_Y, at + f.A_LEFT]] = 30, 30, left
    assert marked(grid(arena)["hazards"]) == {cell: 1.0 for cell in WALLS[way][1:]}


def test_ground_is_about_to_burn_wherever_a_meteor_may_fall():
    arena = field(None, [Place(fighter(), 0, 30, 30), Place(bundled()["EMBER_SCRIBE"], 1, 38, 30)])
    number = arena.tables.rows[2, 0, f.R_SKILL]
    arena.tables.skills[number, [k.SPLASH, k.SCATTER, k.CENTRE]] = 1, 3, k.AT_TARGET
    arena.units[0, [f.CAST_AT, f.CAST_SKILL, f.CAST_ON], 1] = 5000, number, 0
    around = range(-4, 5)
    assert marked(grid(arena)["hazards"]) == {(x, y): 0.5 for x in around for y in around}


@pytest.mark.parametrize(("length", "columns"), [(4, range(5, 9)), (-3, range(3))])
def test_ground_is_about_to_burn_along_the_line_of_a_breath(length, columns):
    """From the caster towards its target, or from the target back to the caster."""
    arena = field(None, [Place(fighter(), 0, 30, 30), Place(bundled()["EMBER_SCRIBE"], 1, 38, 30)])
    number = arena.tables.rows[2, 0, f.R_SKILL]
    arena.tables.skills[number, [k.FLAGS, k.AMOUNT, k.SPLASH, k.CENTRE]] = k.LINE, length, 1, k.AT_TARGET
    arena.units[0, [f.CAST_AT, f.CAST_SKILL, f.CAST_ON], 1] = 5000, number, 0
    assert marked(grid(arena)["hazards"]) == {(x, y): 0.5 for x in columns for y in (-1, 0, 1)}


def test_the_nearest_enemies_come_first_then_the_nearest_allies():
    places = [Place(fighter(), 0, 30, 30)]
    places += [Place(victim(), 1, 30 + d, 30) for d in (9, 3, -14, 5, -1, 7, 2, 15)]
    places += [Place(fighter(), 0, 30, 30 + d) for d in (4, -2, 14, 6)]
    rows = entities(field(None, places))
    assert rows["present"] == [1] * 10 + [0, 0]
    assert rows["enemy"] == [1] * 6 + [0] * 6
    cells = [round(SIGHT * share) for share in rows["distance/14"]]
    assert cells == [1, 2, 3, 5, 7, 9, 2, 4, 6, 14, 0, 0]
    assert [round(28 * (x - 0.5)) for x in rows["0.5 + dx/28"][:6]] == [-1, 2, 3, 5, 7, 9]
    assert [round(28 * (y - 0.5)) for y in rows["0.5 + dy/28"][6:10]] == [-2, 4, 6, 14]


def test_an_entity_is_described():
    bot = replace(bundled()["BOT_WIZARD"], skills=())
    places = [Place(fighter(), 0, 30, 30), Place(bot, 1, 33, 30), Place(victim(), 1, 30, 34)]
    arena = field(None, places, leaders=(f.NOBODY, 1))
    arena.units[0, f.HP, 1] = bot.hp // 4
    arena.units[0, f.TARGET, 0] = 2
    arena.units[0, f.TARGET, 1] = 0
    arena.units[0, f.CAST_AT, 1] = 5000
    arena.units[0, f.CAST_ON, 1] = 0
    arena.units[0, f.STEP_AT, 2] = 5000
    rows = entities(arena)
    said = {name: [round(share, 4) for share in column[:2]] for name, column in rows.items()}
    assert said["hp share"] == [round(bot.hp // 4 / bot.hp, 4), 1]
    assert said["level/250"][0] == round(bot.level / 250, 4)
    assert said["attack range/14"] == [round(bot.attack_range / 14, 4), round(1 / 14, 4)]
    for name, column in {
        "targets me": [1, 0], "is my target": [0, 1], "casts": [1, 0], "casts at me": [1, 0], "walks": [0, 1],
        "bad statuses/5": [0, 0], "player": [1, 0], "leader": [1, 0],
    }.items():  # fmt: skip
        assert said[name] == column, name


def test_the_skills_block_describes_the_rows_of_a_list():
    monster = bundled()["EMBER_SCRIBE"]
    arena = field("skill", [Place(monster, 0, 30, 30), Place(victim(), 1, 34, 30)])
    arena.units[:, f.TARGET, 0] = 1
    arena.units[:, f.SKILL_DELAY, 0] = monster.skills[0].delay_ms // 2
    arena.match[:, f.CLOCK] = 0
    rows = see(arena, "skills")
    shown = [row for row in monster.skills if row.state in ("attack", "chase", "any", "anytarget")]
    shown = [row for row in shown if row.condition not in ("rudeattacked", "closedattacked", "longrangeattacked")][:8]
    columns = {name: rows[: len(shown), place].tolist() for place, name in enumerate(SKILL_FEATURES)}
    assert columns["present"] == [1] * len(shown) and not rows[len(shown) :].any()
    assert columns["rate/10000"] == pytest.approx([row.rate / 10_000 for row in shown])
    assert columns["cast time/5 s"] == pytest.approx([min(row.cast_ms / 5000, 1) for row in shown])
    assert columns["delay/30 s"] == pytest.approx([min(row.delay_ms / 30_000, 1) for row in shown])
    assert columns["on itself"] == [float(row.target == "self") for row in shown]
    assert columns["delay left share"][0] == pytest.approx(0.5)
    assert columns["castable now"][0] == 0 and max(columns["castable now"]) == 1
    assert all(sum(kinds) == 1 for kinds in zip(columns["harm"], columns["help"], columns["field"], strict=True))
    assert columns["magic"][0] == 1 and columns["weapon"][0] == 0


@pytest.mark.parametrize(("species", "damage"), [("GLIMMER_WISP", 0), ("EMBER_SCRIBE", 1)])
def test_only_what_does_damage_has_a_ratio_of_it(species, damage):
    skills = [row for row in bundled()[species].skills if row.skill in ("AL_HEAL", "MG_FIREBALL")]
    arena = field(
        "skill", [Place(replace(bundled()[species], skills=tuple(skills)), 0, 30, 30), Place(victim(), 1, 34, 30)]
    )
    rows = dict(zip(SKILL_FEATURES, see(arena, "skills")[0].tolist(), strict=True))
    assert rows["present"] == 1 and rows["magic"] == damage
    assert (rows["damage ratio/1000"] > 0) == bool(damage)


def test_nothing_is_castable_while_a_cast_is_under_way():
    monster = bundled()["EMBER_SCRIBE"]
    arena = field("skill", [Place(monster, 0, 30, 30), Place(victim(), 1, 34, 30)])
    arena.units[:, f.TARGET, 0] = 1
    column = SKILL_FEATURES.index("castable now")
    assert see(arena, "skills")[:, column].any()
    arena.units[:, f.CAST_AT, 0] = arena.match[:, f.CLOCK] + 1000
    assert not see(arena, "skills")[:, column].any()


@pytest.mark.parametrize("name", ["skirmish-8v8", "duel", "raid-6v3", "mirror-v1"])
def test_every_block_is_finite_in_its_range_and_empty_for_the_dead(name):
    arena = Arena(30, named(name), bundled(), 6, observed=True)
    places = arena.scenario.places
    matches, units = np.divmod(np.arange(30 * places), places)
    dead = 0
    for _ in range(12):
        arena.step(60)
        gone = arena.units[matches, f.ALIVE, units] == 0
        before = arena.digest()
        for block, observe in SEERS.items():
            seen = np.full((len(matches), *BLOCKS[block]), np.nan, np.float32)
            observe(arena.words, matches, units, seen)
            assert np.isfinite(seen).all() and seen.min() >= 0 and seen.max() <= 1
            assert not seen[gone].any()
            assert seen[~gone].any(0).any()
        assert arena.digest() == before
        dead += int(gone[units < arena.scenario.members].sum())
    assert dead > 0 or name == "duel"


def test_a_unit_at_the_edge_sees_walls_beyond():
    arena = field(None, [Place(fighter(), 0, 0, 59), Place(victim(), 1, 5, 55)])
    walls = grid(arena)["walls"]
    assert walls[:, :ME].all() and walls[ME + 1 :].all() and not walls[: ME + 1, ME:].any()
    put(arena, 0, 59, 0)
    walls = grid(arena)["walls"]
    assert walls[:, ME + 1 :].all() and walls[:ME].all() and not walls[ME:, : ME + 1].any()
