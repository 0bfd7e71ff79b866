"""The status table and its rules, against what a real server did and by hand."""

import json
from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlmonster_env.data import Bestiary, DataError, Monster
from mlmonster_env.data.yaml_tree import parse_yaml
from mlmonster_env.sim import status_columns as c
from mlmonster_env.sim import status_rules, status_table
from mlmonster_env.sim.status_table import STATUS_NAMES, compile_statuses, status_entries, status_id
from tests.reference import reference_path
from tests.sim.from_python import FromPython

# Level and luk of the source, then level, str, agi, vit, int, dex, luk, mdef of the target.
Who: TypeAlias = tuple[int, int, int, int, int, int, int, int, int, int]

rules = FromPython(status_rules)

GOLDEN_SUFFIX = {"renewal": "re", "pre-renewal": "pre"}
MODES = tuple(GOLDEN_SUFFIX)
SLOTS = 10
EFFECTS_MONSTER = 1023
EFFECTS_HIT = 1000  # the monster whose stats were read had its hit raised
NAMED_OTHERWISE = {"SC_ADRENALINE": "SC_ADRENALINE_GIVEN"}  # started as another's cast starts it
# Started with one number, where the skill gives two; the missing one is what acts on these.
WITHOUT_SECOND_NUMBER = {"SC_POWERUP": "hit", "SC_AGIUP": "flee"}


def golden(name: str, mode: str) -> Any:
    return json.loads((reference_path() / "golden" / f"{name}_{GOLDEN_SUFFIX[mode]}.json").read_text())


@pytest.fixture(scope="module")
def worlds() -> dict[str, Bestiary]:
    return {mode: Bestiary.load(reference_path(), mode=mode) for mode in MODES}


def slots(*active: tuple[str, int]) -> tuple[np.ndarray, np.ndarray]:
    ids = np.zeros(SLOTS, dtype=np.int32)
    values = np.zeros(SLOTS, dtype=np.int32)
    for slot, (name, value) in enumerate(active):
        ids[slot] = status_id(name)
        values[slot] = value
    return ids, values


def resistance_arguments(source: Monster, target: Monster) -> Who:
    return (
        source.level, source.luk, target.level, target.str, target.agi, target.vit, target.int, target.dex, target.luk,
        target.magic_defense,
    )  # fmt: skip


@pytest.mark.parametrize("mode", MODES)
def test_resistance_as_measured(mode: str, worlds: dict[str, Bestiary]) -> None:
    table, renewal = compile_statuses(mode), int(mode == "renewal")
    samples = golden("status_resistance", mode)
    assert len(samples) == 366
    for sample in samples:
        name, source, target = sample["tag"].split()
        who = resistance_arguments(worlds[mode][int(source[3:])], worlds[mode][int(target[3:])])
        # Both numbers were asked of the resistance alone, without the immunity of bosses.
        rate = rules.resisted_rate(table, renewal, status_id(name), sample["rate"], *who, 0) / 10_000
        tries = sample["n"]
        taken = sample["ok"] / tries
        spread = (rate * (1 - rate) / tries) ** 0.5
        assert abs(taken - rate) <= min(4 * spread, 0.02), (sample["tag"], sample["rate"], rate, taken)
        if sample["ok"]:
            lasts = rules.resisted_duration(table, renewal, status_id(name), sample["duration_in"], *who, 0)
            assert sample["durations"] == {str(lasts): sample["ok"]}, sample["tag"]


def stats_under(monster: Monster, mode: str, name: str, value: int) -> Iterator[tuple[str, int, int]]:
    """Name, value before and value under the status for every stat that was measured."""
    table, renewal = compile_statuses(mode), int(mode == "renewal")
    ids, values = slots((name, value))
    base = monster.derived()
    base["hit"] = EFFECTS_HIT
    primary = {stat: getattr(monster, stat) for stat in c.STATS[c.STR : c.LUK + 1]}
    now = {stat: rules.attribute(table, c.STATS.index(stat), before, ids, values) for stat, before in primary.items()}
    for stat, before in primary.items():
        yield stat, before, now[stat]
    shifts = {
        "hit": rules.hit_shift(renewal, primary["dex"], now["dex"], primary["luk"], now["luk"]),
        "flee": rules.flee_shift(renewal, primary["agi"], now["agi"], primary["luk"], now["luk"]),
        "def": 0,
        "def2": rules.def2_shift(renewal, primary["vit"], now["vit"], primary["agi"], now["agi"]),
        "mdef": 0,
        "mdef2": rules.mdef2_shift(
            renewal, primary["int"], now["int"], primary["vit"], now["vit"], primary["dex"], now["dex"]
        ),
    }
    least = {"def2": -99 if renewal else 1}
    for stat, shift in shifts.items():
        changed = rules.modified(table, c.STATS.index(stat), base[stat] + shift, ids, values)
        yield stat, base[stat], max(changed, least.get(stat, changed))
    yield "batk", base["batk"], base["batk"] + rules.batk_shift(renewal, primary["str"], now["str"])
    for stat, divisor in (("matk_min", 7), ("matk_max", 5)):
        yield stat, base[stat], base[stat] + rules.matk_shift(renewal, divisor, primary["int"], now["int"])
    yield "speed", base["speed"], rules.walk_speed(table, base["speed"], ids, values)
    rate = rules.attack_delay_rate(table, ids, values)
    motion = rules.attack_motion(base["amotion"], rate)
    yield "aspd_rate", 1000, rate
    yield "amotion", base["amotion"], motion
    yield "adelay", base["adelay"], rules.attack_delay(base["adelay"], motion, rate)
    yield "def_ele", base["element"], rules.element_under(table, base["element"], base["element_level"], ids, values)[0]


@pytest.mark.parametrize("mode", MODES)
def test_effects_as_measured(mode: str, worlds: dict[str, Bestiary]) -> None:
    samples = golden("status_effects", mode)
    assert len(samples) == 33
    for sample in samples:
        measured = {stat: tuple(pair) for stat, pair in sample["stat_changes"].items()}
        name = NAMED_OTHERWISE.get(sample["sc"], sample["sc"])
        changed = {
            stat: (before, after)
            for stat, before, after in stats_under(worlds[mode][EFFECTS_MONSTER], mode, name, sample["val1"])
            if before != after and stat != WITHOUT_SECOND_NUMBER.get(name)
        }
        assert changed == measured, (name, sample["val1"])


@pytest.mark.parametrize("mode", MODES)
def test_ability_to_act_as_measured(mode: str) -> None:
    table = compile_statuses(mode)
    for sample in golden("status_effects", mode):
        row = table[status_id(sample["sc"])]
        flags, holds = row[c.FLAGS], row[c.HOLDS] != 0
        assert (holds or bool(flags & c.NO_ATTACK)) == (sample["attacks_in_9s"] == 0), sample["sc"]
        if sample["sc"] != "SC_STONEWAIT":  # had turned to stone before it was told to walk
            assert (holds or bool(flags & c.NO_MOVE)) == (not sample["walk_command_accepted"]), sample["sc"]


@pytest.mark.parametrize("mode", MODES)
def test_periodic_damage_as_measured(mode: str) -> None:
    table = compile_statuses(mode)
    most = 1_000_000
    for sample in golden("status_effects", mode):
        status = status_id(sample["sc"])
        lost = [hp for hp in sample["hp_loss_per_second"] if hp]
        status = table[status, c.NEXT_STATUS] or status
        if not lost:
            # Bleeding begins after the nine seconds that were watched.
            assert table[status, c.TICK_MS] in (0, 10_000), sample["sc"]
            continue
        step = rules.tick_damage(table, status, sample["val1"], most, most, 0)
        # The clock of the measurement sometimes saw two ticks in one second.
        assert all(hp % step == 0 for hp in lost), sample["sc"]
        assert sum(lost) / step == pytest.approx(9000 // table[status, c.TICK_MS], abs=1), sample["sc"]


def test_periodic_damage_stops() -> None:
    table = compile_statuses("renewal")
    poison, bleeding, burning = (status_id(name) for name in ("SC_POISON", "SC_BLEEDING", "SC_BURNING"))
    assert rules.tick_damage(table, poison, 1, 251, 1000, 0) == 7
    assert rules.tick_damage(table, poison, 1, 250, 1000, 0) == 0
    assert rules.tick_damage(table, bleeding, 1, 300, 1000, 599) == 299
    assert rules.tick_damage(table, burning, 1, 300, 1000, 0) == 1030
    assert rules.tick_damage(table, status_id("SC_DEEPSLEEP"), 1, 300, 1000, 0) == -30


def test_names_are_the_servers() -> None:
    # A name that the server has not would never be given by one of its skills; two of these split one of its statuses,
    # one stands for ten, two for numbers beside them.
    ours = {"SC_ADRENALINE_GIVEN", "SC_INVISIBLE", "SC_IMMUNE_PROPERTY", "SC_STORM_HITS", "SC_ROW_STRUCK"}
    known: set[str] = set()
    for where in ("re", "pre-re"):
        file = reference_path() / "db" / where / "status.yml"
        tree = parse_yaml(file.read_bytes(), file.name)
        assert isinstance(tree, dict)
        known.update("SC_" + entry["Status"].upper() for entry in tree["Body"])  # type: ignore[index,union-attr,call-overload]
    assert set(status_entries()) - known == ours


@pytest.mark.parametrize(("mode", "where"), [("renewal", "re"), ("pre-renewal", "pre-re")])
def test_what_clearing_leaves_is_the_servers(mode: str, where: str) -> None:
    file = reference_path() / "db" / where / "status.yml"
    tree = parse_yaml(file.read_bytes(), file.name)
    assert isinstance(tree, dict)
    table = compile_statuses(mode)
    checked = 0
    for entry in tree["Body"]:  # type: ignore[union-attr]
        name = "SC_" + entry["Status"].upper()  # type: ignore[index,union-attr,call-overload]
        if name in status_entries():
            flags = entry.get("Flags") or {}  # type: ignore[union-attr]
            stays = "NoClearbuff" in flags or "Debuff" in flags
            assert bool(table[status_id(name), c.STAYS]) == stays, name
            checked += 1
    assert checked > 80


def test_bosses_are_immune_to_what_is_flagged() -> None:
    table = compile_statuses("renewal")
    who = (99, 1, 50, 1, 1, 1, 1, 1, 1, 1)
    assert rules.resisted_rate(table, 1, status_id("SC_STUN"), 10_000, *who, 1) == 0
    assert rules.resisted_duration(table, 1, status_id("SC_STUN"), 5000, *who, 1) == 0
    assert rules.resisted_rate(table, 1, status_id("SC_QUAGMIRE"), 10_000, *who, 1) == 10_000


def test_no_luk_means_no_curse() -> None:
    for mode in MODES:
        who = (99, 1, 50, 1, 1, 1, 1, 1, 0, 1)
        assert rules.resisted_rate(compile_statuses(mode), mode == "renewal", status_id("SC_CURSE"), 9000, *who, 0) == 0


def test_level_advantage_is_kept_in_sixteen_bits() -> None:
    # 58 levels: 58 * 58 // 5 * 100 = 67,200, of which the server keeps 1,664: 50 vit resist 33.36% instead of nothing.
    who = (108, 1, 50, 1, 1, 50, 1, 1, 1, 1)
    assert rules.resisted_rate(compile_statuses("renewal"), 1, status_id("SC_STUN"), 10_000, *who, 0) == 6670


def test_durations_that_the_skill_does_not_decide() -> None:
    table = compile_statuses("renewal")
    who = (1, 1, 1, 1, 1, 1, 1, 1, 1, 1)
    assert rules.resisted_duration(table, 1, status_id("SC_CLOAKING"), 500, *who, 0) == c.ENDLESS_MS
    assert rules.resisted_duration(table, 1, status_id("SC_AETERNA"), 600_000, *who, 0) == c.ENDLESS_MS
    assert rules.resisted_duration(table, 1, status_id("SC_POWERUP"), 0, *who, 0) == 1


def test_changes_of_one_stat_follow_the_servers_order() -> None:
    # Poison before provoke: 97 * 750 // 1000 = 72, then 10% off; the other way round 88, then 66.
    table = compile_statuses("renewal")
    for active in ((("SC_POISON", 1), ("SC_PROVOKE", 1)), (("SC_PROVOKE", 1), ("SC_POISON", 1))):
        assert rules.modified(table, c.DEF, 97, *slots(*active)) == 65


def test_a_fixed_stat_wins() -> None:
    table = compile_statuses("renewal")
    assert rules.modified(table, c.DEF, 40, *slots(("SC_ASSUMPTIO", 5), ("SC_KEEPING", 1))) == 90
    assert rules.modified(table, c.LUK, 40, *slots(("SC_GLORIA", 5), ("SC_CURSE", 1))) == 0


@pytest.mark.parametrize(("level", "defence", "attack"), [(9, 50, 129), (10, 0, 100), (1, 90, 105)])
def test_provoke_of_level_ten_is_another(level: int, defence: int, attack: int) -> None:
    table = compile_statuses("renewal")
    active = slots(("SC_PROVOKE", level))
    assert rules.modified(table, c.DEF, 100, *active) == defence
    assert rules.modified(table, c.ATTACK_PERCENT, 100, *active) == attack


def test_levels_above_the_cycle_repeat_the_effect() -> None:
    table = compile_statuses("renewal")
    assert rules.modified(table, c.HEALED, 100, *slots(("SC_CRITICALWOUND", 2))) == 60
    assert rules.modified(table, c.HEALED, 100, *slots(("SC_CRITICALWOUND", 7))) == 60
    assert rules.modified(table, c.MAGIC_MIRROR, 0, *slots(("SC_MAGICMIRROR", 10))) == 100


def test_the_largest_haste_and_the_largest_slow_meet() -> None:
    table = compile_statuses("renewal")
    assert rules.walk_speed(table, 200, *slots(("SC_CURSE", 1), ("SC_DECREASEAGI", 5), ("SC_AGIUP", 1))) == 700
    assert rules.walk_speed(table, 150, *slots(("SC_ARMOR", 1))) == 200
    assert rules.walk_speed(table, 400, *slots(("SC_CURSE", 1))) == 1000


def test_attack_delay() -> None:
    table = compile_statuses("renewal")
    assert rules.attack_delay_rate(table, *slots(("SC_TWOHANDQUICKEN", 30), ("SC_ADRENALINE", 10))) == 300
    assert rules.attack_delay_rate(table, *slots(("SC_TWOHANDQUICKEN", 5))) == 700
    slowed = rules.attack_delay_rate(table, *slots(("SC_FREEZING", 1)))
    assert rules.attack_motion(1000, slowed) == 1300
    assert rules.attack_delay(1200, 1300, slowed) == 1300


def test_damage_through_statuses() -> None:
    table = compile_statuses("pre-renewal")
    active = slots(("SC_ASSUMPTIO", 1), ("SC_AETERNA", 1), ("SC_ARMORCHANGE", 3), ("SC_ARMOR", 1))
    # Doubled, halved, 60% off for weapons and 60% on for magic, an eighth for what comes from afar.
    assert rules.modified(table, c.TAKEN_WEAPON_NEAR, 1000, *active) == 400
    assert rules.modified(table, c.TAKEN_WEAPON_FAR, 1000, *active) == 50
    assert rules.modified(table, c.TAKEN_MAGIC, 1000, *active) == 1600
    assert rules.modified(table, c.TAKEN_MISC_FAR, 1000, *active) == 125


def test_element_under_statuses() -> None:
    table = compile_statuses("renewal")
    assert rules.element_under(table, 3, 2, *slots()) == (3, 2)
    assert rules.element_under(table, 3, 2, *slots(("SC_ELEMENTALCHANGE", 63))) == (6, 3)
    assert rules.element_under(table, 3, 2, *slots(("SC_ELEMENTALCHANGE", 63), ("SC_FREEZE", 1))) == (1, 1)


@pytest.mark.parametrize(("level", "percent"), [(1, 5), (2, 10), (5, 21), (10, 30)])
def test_guard(level: int, percent: int) -> None:
    table = compile_statuses("renewal")
    assert rules.block_percent(table, *slots(("SC_AUTOGUARD", level))) == percent
    assert rules.block_percent(table, *slots(("SC_ARMOR", level))) == 0


@pytest.mark.parametrize(
    ("given_status", "value", "active", "outcome"),
    [
        ("SC_STUN", 1, [("SC_STUN", 1)], rules.REFUSED),
        ("SC_STONEWAIT", 1, [("SC_STONE", 1)], rules.TOGGLED),
        ("SC_CONFUSION", 1, [("SC_CONFUSION", 1)], rules.TOGGLED),
        ("SC_AUTOGUARD", 3, [("SC_AUTOGUARD", 3)], rules.TOGGLED),
        ("SC_DEFENDER", 1, [("SC_DEFENDER", 1)], rules.TOGGLED),
        ("SC_MAXIMIZEPOWER", 1, [("SC_MAXIMIZEPOWER", 1)], rules.TOGGLED),
        ("SC_CLOAKING", 1, [("SC_CLOAKING", 1)], rules.TOGGLED),
        ("SC_REFLECTSHIELD", 1, [("SC_REFLECTSHIELD", 1)], rules.STARTS),
        ("SC_INCREASEAGI", 3, [("SC_INCREASEAGI", 10)], rules.KEPT),
        ("SC_INCREASEAGI", 10, [("SC_INCREASEAGI", 10)], rules.STARTS),
        ("SC_INCREASEAGI", 3, [("SC_QUAGMIRE", 1)], rules.REFUSED),
        ("SC_INCREASEAGI", 3, [("SC_DECREASEAGI", 1)], rules.STARTS),
    ],
)
def test_admission(given_status: str, value: int, active: list[tuple[str, int]], outcome: int) -> None:
    table = compile_statuses("renewal")
    assert rules.admission(table, status_id(given_status), value, *slots(*active)) == outcome


def test_increase_and_decrease_agility_end_each_other() -> None:
    table = compile_statuses("renewal")
    more, less = status_id("SC_INCREASEAGI"), status_id("SC_DECREASEAGI")
    assert rules.in_set(table, more, c.ENDS, less)
    assert rules.in_set(table, less, c.ENDS, more)
    assert not rules.in_set(table, less, c.ENDS, less)


def test_flags_of_several_statuses() -> None:
    table = compile_statuses("renewal")
    flags = rules.union_of_flags(table, slots(("SC_SILENCE", 1), ("SC_ANKLE", 1))[0])
    assert flags & c.NO_CAST
    assert flags & c.NO_MOVE
    assert not flags & c.NO_ATTACK
    assert rules.union_of_flags(table, slots()[0]) == 0


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(KeyError, match="SC_STUN"):
        status_id("SC_STUNN")
    with pytest.raises(ValueError, match="pre-renewal"):
        compile_statuses("renewed")


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("{flags: [no_moves]}", "perhaps no_move"),
        ("{mods: {deff: {flat: 1}}}", "deff"),
        ("{mods: {def: {flats: 1}}}", "flats"),
        ("{mods: {def: {flat: many}}}", "a whole number"),
        ("{ends: [SC_TON]}", "SC_TON"),
        ("{resist: {rate: {wit: 1}}}", "wit"),
        ("{element: wood}", "wood"),
        ("{tick: {stop: never}}", "never"),
        ("{colour: red}", "colour"),
        ("[1]", "a mapping"),
    ],
)
def test_a_wrong_entry_is_named(
    entry: str, said: str, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path_factory.mktemp("statuses") / "statuses.yml"
    file.write_text(f"SC_STUN: {entry}\n")
    monkeypatch.setattr(status_table, "FILE", file)
    # A second reading beside the one that is kept.
    monkeypatch.setattr(status_table, "status_entries", status_table.status_entries.__wrapped__)
    monkeypatch.setattr(status_table, "_ids", status_table._ids.__wrapped__)
    with pytest.raises(DataError) as error:
        compile_statuses.__wrapped__("renewal")
    assert "SC_STUN" in str(error.value)
    assert said in str(error.value)


actives = st.lists(
    st.tuples(st.sampled_from(STATUS_NAMES[1:]), st.integers(1, 10)), max_size=SLOTS, unique_by=lambda x: x[0]
)


@given(active=actives, mode=st.sampled_from(MODES), base=st.integers(0, 30_000), data=st.data())
def test_the_order_of_slots_does_not_matter(
    active: list[tuple[str, int]], mode: str, base: int, data: st.DataObject
) -> None:
    table = compile_statuses(mode)
    shuffled = data.draw(st.permutations(active))
    for stat in range(c.STAT_COUNT):
        assert rules.modified(table, stat, base, *slots(*active)) == rules.modified(
            table, stat, base, *slots(*shuffled)
        )
    assert 20 <= rules.walk_speed(table, 200, *slots(*active)) <= 1000


@given(
    who=st.lists(st.integers(0, 300), min_size=10, max_size=10).map(tuple),
    rate=st.integers(0, 20_000),
    duration=st.integers(0, 600_000),
    name=st.sampled_from(STATUS_NAMES[1:]),
    mode=st.sampled_from(MODES),
)
def test_chances_and_durations_stay_in_bounds(who: Who, rate: int, duration: int, name: str, mode: str) -> None:
    table = compile_statuses(mode)
    assert 0 <= rules.resisted_rate(table, mode == "renewal", status_id(name), rate, *who, 0) <= 10_000
    assert rules.resisted_duration(table, mode == "renewal", status_id(name), duration, *who, 0) >= 1
