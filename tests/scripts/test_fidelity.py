"""The comparison with a measured server: its tolerances, and that a planted wrong number fails."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts import fidelity
from scripts.fidelity_checks import attacks, behaviour, common, fights, groups, skills, statuses, tables, timing, usage
from tests.reference import reference_path

DOCUMENT = "docs/simulator.md"

shares = st.floats(0, 1)
samples = st.integers(1, 10**6)


def compared(tmp_path, probe, world=None, **files):
    """A comparison with a reference folder of a few files, `files` by stem."""
    (tmp_path / "golden").mkdir(exist_ok=True)
    for stem, content in files.items():
        text = content if isinstance(content, str) else json.dumps(content)
        ending = "csv" if isinstance(content, str) else "json"
        (tmp_path / "golden" / f"{stem}_re.{ending}").write_text(text)
    golden = common.Golden(tmp_path, "renewal")
    return common.Comparison(golden, world, SimpleNamespace(**probe), 1000)


def answering(answer):
    """A function of the probe that always says the same."""
    return lambda *_, **__: answer


def failing(checks):
    return [check.name for check in checks if not check.holds]


# Tolerances


def test_shares_may_differ_by_points_and_standard_errors():
    assert common.share_tolerance(0.5, 100, 0.5, 100, 0.03) == pytest.approx(0.03 + 2.6 * (0.5 / 10) * 2**0.5)
    assert common.share_tolerance(0.0, 60, 0.0, 600, 0.03) == 0.03


@given(measured=shares, sample=samples, simulated=shares, simulated_sample=samples)
def test_no_sample_makes_shares_stricter_than_the_points(measured, sample, simulated, simulated_sample):
    few = common.share_tolerance(measured, sample, simulated, simulated_sample, 0.03)
    assert 0.03 <= few <= 0.03 + 2.6 * 2**0.5 / 2 * max(1 / sample, 1 / simulated_sample) ** 0.5 + 1e-9


def test_means_may_differ_by_what_is_allowed_and_standard_errors():
    assert common.mean_tolerance(50, 100, 25, 0, 1) == pytest.approx(50 + 2.6 * 20)
    assert common.mean_tolerance(50, 30, 100, 40, 100) == pytest.approx(50 + 2.6 * 5)


def test_uses_may_differ_by_15_percent_and_their_square_roots():
    assert common.uses_tolerance(100) == pytest.approx(15 + 26)


@pytest.mark.parametrize(
    ("simulated", "holds"), [(10.5, True), (9.5, True), (10.51, False), (9.49, False), (None, False)]
)
def test_near(simulated, holds):
    assert common.Judge("family", "renewal").near("figure", 10, simulated, 0.5).holds is holds


@pytest.mark.parametrize(("simulated", "holds"), [(0, True), (30, True), (31, False), (-1, False), (None, False)])
def test_inside_the_measured_extremes(simulated, holds):
    assert common.Judge("family", "renewal").inside("figure", (10, 20), simulated, 10).holds is holds


@pytest.mark.parametrize(("extremes", "holds"), [((5, 8), True), ((16, 30), False), ((), False), ((None, 9), True)])
def test_the_simulated_extremes_cover(extremes, holds):
    assert common.Judge("family", "renewal").covers("figure", 10, extremes, 5).holds is holds


@pytest.mark.parametrize(("measured", "share", "holds"), [(True, 0.5, True), (True, 0.4, False), (False, 0.4, True)])
def test_the_likelier_outcome(measured, share, holds):
    assert common.Judge("family", "renewal").likelier("figure", measured, share).holds is holds


def test_mean_and_deviation_of_a_histogram():
    assert common.mean_and_std(common.histogram({"1": 1, "3": 3})) == pytest.approx((2.5, 0.75**0.5))


# Planted wrong numbers

PAIR = {
    "attacker_id": 1, "attacker": "A", "defender_id": 2, "defender": "B", "attacks": 2200,
    "attack_interval_ms_mean": 1875.0, "calc100k": {"n": 100, "hit": 51, "mean": 100.0, "min": 90, "max": 110},
}  # fmt: skip
ATTACK = {"hit_rate": 0.52, "damage_mean": 100.9, "damage_min": 90, "damage_max": 110}


@pytest.mark.parametrize(
    ("wrong", "names"),
    [
        ({}, []),
        ({"hit_rate": 0.53}, ["A on B: hit rate"]),
        ({"damage_mean": 101.1}, ["A on B: mean damage"]),
        ({"damage_min": 89}, ["A on B: least damage"]),
        ({"damage_max": 111}, ["A on B: most damage"]),
        ({"mean_ms": 1850}, ["A on B: attack interval, ms"]),
    ],
)
def test_attacks(tmp_path, wrong, names):
    answer = {**ATTACK, "mean_ms": 1872, **wrong}
    probe = {"normal_attacks": answering(answer), "attack_interval": answering(answer)}
    assert failing(attacks.checks(compared(tmp_path, probe, combat_normal=[PAIR]))) == names


MONSTER = SimpleNamespace(aegis_name="M", skills=[SimpleNamespace(skill="S", level=1, cast_ms=800)])
SKILL = {
    "skill": "S", "level": 1, "caster_id": 1, "status_natural_duration_ms": {"SC_STUN": {"mean": 5000}},
    "calc": [{"defender_id": 2, "n": 100, "hit": 90, "mean": 100.0, "min": 91, "max": 109}],
    "live": {
        "casts": 600, "connected": 600, "casttime_param": 800,
        "status": [
            {"name": "SC_STUN", "attempts": 600, "applied": 300,
             "rate_param_10000_and_duration_top": [[[5000, 4500], 600]]},
        ],
    },
    "live_defender_stats": {"mob_id": 2},
}  # fmt: skip
STRIKE = {
    "hit_rate": 0.9,
    "damage_mean": 101.9,
    "damage_min": 90,
    "damage_max": 110,
    "status_rate": 0.5,
    "cast_ms": 800,
}


@pytest.mark.parametrize(
    ("wrong", "count"),
    [
        ({}, 0),
        ({"hit_rate": 0.88}, 1),
        ({"damage_mean": 102.1}, 1),
        ({"damage_min": 92}, 1),
        ({"damage_max": 112}, 1),
        ({"status_rate": 0.6}, 1),
        ({"cast_ms": 801}, 1),
    ],
)
def test_skills(tmp_path, wrong, count):
    probe = dict.fromkeys(("skill_hits", "cast"), answering({**STRIKE, **wrong}))
    checks = list(skills.checks(compared(tmp_path, probe, {1: MONSTER, 2: MONSTER}, skills=[SKILL])))
    assert len(checks) == 5 and len(failing(checks)) == count


def test_a_healing_skill_is_compared_by_its_amount(tmp_path):
    heal = {**SKILL, "calc": [], "live": {"casts": 600, "casttime_param": 500, "heal_min_mean_max": [142, 145.0, 148]}}
    answer = {"damage_mean": 145.2, "damage_min": 142, "damage_max": 149}
    comparison = compared(tmp_path, {"skill_hits": answering(answer)}, {1: MONSTER, 2: MONSTER}, skills=[heal])
    assert failing(skills.checks(comparison)) == ["S 1 of M: most amount healed"]


@pytest.mark.parametrize(("rate", "duration", "count"), [(5000, 5000, 0), (5300, 5000, 1), (5000, 5101, 2)])
def test_statuses(tmp_path, rate, duration, count):
    sample = {
        "tag": "SC_STUN src1 tgt2",
        "sc_name": "SC_STUN",
        "rate": 5000,
        "duration_in": 4500,
        "n": 10000,
        "ok": 5000,
    }
    probe = {"status_chance": answering({"rate": rate, "duration_mean_ms": duration})}
    files = {"status_resistance": [{**sample, "durations": {"5000": 5000}}], "skills": [SKILL]}
    # 3 points are inside the standard errors of 600 live casts, not of 10,000 tries.
    assert len(failing(statuses.checks(compared(tmp_path, probe, **files)))) == count


USAGE = {
    "mob_id": 1, "aegis": "M", "phase": "berserk", "runs": 12, "seconds": 3600.0, "normal_attacks": 1000,
    "adelay": 1800, "amotion": 600,
    "skills": [
        {"skill": "S", "lv": 1, "uses": 100, "casttime": 500, "delay": 5000,
         "use_start_to_next_normal_attack_ms_top": {"2310": 60, "2304": 10}},
        {"skill": "S", "lv": 1, "uses": 0, "casttime": 500, "delay": 5000,
         "use_start_to_next_normal_attack_ms_top": None},
        {"skill": "R", "lv": 2, "uses": 59, "casttime": 0, "delay": 0, "use_start_to_next_normal_attack_ms_top": None},
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("uses", "attacks_an_hour", "wrong", "names"),
    [
        (140, 1230, {}, []),
        (142, 1230, {}, ["M berserk: uses of S:1"]),
        (100, 1235, {}, ["M berserk: attacks"]),
        (100, 1000, {"cast_ms": 0}, ["M S 1: cast time, ms"]),
        (100, 1000, {"delay_ms": 4000}, ["M S 1: delay, ms"]),
        (100, 1000, {"next_attack_ms": 2500}, ["M S 1: use to next attack, ms"]),
    ],
)
def test_usage(tmp_path, uses, attacks_an_hour, wrong, names):
    probe = {
        "skill_use_rate": answering({"uses_per_hour": {"S:1": uses}, "attacks_per_hour": attacks_an_hour}),
        "cast": answering({"cast_ms": 500, "delay_ms": 5000, "next_attack_ms": 2300, **wrong}),
    }
    assert failing(usage.checks(compared(tmp_path, probe, skill_usage=[USAGE]))) == names


FIGHT = {
    "first_id": 1, "first": "A", "second_id": 2, "second": "B", "start_distance": 8, "n": 300, "first_wins": 150,
    "undecided": 0, "duration_mean_ms": 20000.0, "duration_std_ms": 0.0, "winner_hp_left_fraction": [0.2, 0.2],
}  # fmt: skip
FOUGHT = {
    "first_wins": 500, "second_wins": 500, "undecided": 0, "duration_mean_ms": 20900.0, "duration_std_ms": 0.0,
    "winner_hp_left_mean": 0.22,
}  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "last_word"),
    [
        ({}, []),
        ({"first_wins": 620, "second_wins": 380}, ["first"]),
        ({"first_wins": 300, "second_wins": 300, "undecided": 400}, ["first"]),
        ({"duration_mean_ms": 21100.0}, ["ms"]),
        ({"winner_hp_left_mean": 0.24}, ["left"]),
    ],
)
def test_fights(tmp_path, wrong, last_word):
    comparison = compared(tmp_path, {"fight": answering({**FOUGHT, **wrong})}, fights=[FIGHT])
    assert [name.split()[-1] for name in failing(fights.checks(comparison))] == last_word


GROUP = {
    **FIGHT, "size": 3, "start": "field", "n": 200, "first_wins": 20, "undecided": 160, "decided": 40,
    "fights_started": 180, "first_contact_mean_ms": 20000.0, "first_contact_std_ms": 0.0, "survivors_hist": {"2": 40},
    "winner_pack_hp_fraction_mean": 0.2, "winner_pack_hp_fraction_std": 0.0,
}  # fmt: skip
GROUP_FOUGHT = {
    **FOUGHT, "first_wins": 100, "second_wins": 100, "undecided": 800, "survivors_mean": 2.05,
    "first_contact_mean_ms": 20900.0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "names"),
    [
        ({}, []),
        ({"first_wins": 300, "second_wins": 300, "undecided": 400}, ["share undecided"]),
        ({"first_wins": 190, "second_wins": 10}, ["share of the decided won by the first"]),
        ({"first_contact_mean_ms": 21100.0}, ["first contact, ms"]),
        ({"survivors_mean": 2.2}, ["survivors"]),
        ({"winner_hp_left_mean": 0.3}, ["winning pack's hp left"]),
    ],
)
def test_groups(tmp_path, wrong, names):
    comparison = compared(tmp_path, {"group_fight": answering({**GROUP_FOUGHT, **wrong})}, groups=[GROUP])
    assert [name.split(": ")[1] for name in failing(groups.checks(comparison))] == names


def test_timing(tmp_path):
    measured = {
        "walking": [{"mob_id": 1, "dx": 10, "dy": 0, "total_ms": 2000, "cells": 10}],
        "attack_cadence_with_and_without_being_hit": [
            {"mob": 1, "being_hit": True, "interval_mean": 1867.4, "interval_min": 1864, "interval_max": 1880}
        ],
        "chase_then_attack": [
            {"mob": 1, "dx": 3, "dy": 0, "speed": 200, "cells_walked": 2, "distance_at_first_attack": 1,
             "target_set_to_first_attack_ms": 480, "target_set_to_first_walk_ms": 60}
        ],
        "flinch_when_hit_while_walking": [
            {"mob": 1, "walk_segment_progress": 0.61, "completed_cell_instantly": True,
             "ms_until_walk_or_attack_resumes": 0},
        ],
    }  # fmt: skip
    right = {"total_ms": 2000, "cells": 10, "mean_ms": 1864, "min_ms": 1864, "max_ms": 1864}
    chase, flinch = {"cells": 2, "distance": 1, "walk_ms": 400}, {"completed": True, "resumes_max_ms": 100}
    probe = {"walk_time": answering(right), "attack_interval": answering(right), "flinch": answering(flinch)}
    probe["chase_then_attack"] = answering(chase)
    assert failing(timing.checks(compared(tmp_path, probe, timing=measured))) == []
    probe["walk_time"] = answering({"total_ms": 2001, "cells": 10})
    probe["attack_interval"] = answering({**right, "max_ms": 1901})
    probe["chase_then_attack"] = answering({**chase, "walk_ms": 450})
    probe["flinch"] = answering({"completed": False, "resumes_max_ms": 400})
    assert failing(timing.checks(compared(tmp_path, probe, timing=measured))) == [
        "1 walks 10, 0: ms",
        "1 attacks, hit: greatest interval, ms",
        "1 chases over 3, 0: first step to attack, ms",
        "1 hit at 0.61 of a step: cell completed",
        "1 hit at 0.61 of a step: ms until it goes on",
    ]


def test_a_target_that_is_never_dropped(tmp_path):
    entry = {"mob": 1, "chaser_speed": 200, "target_speed": 250, "start_distance": 3}
    never = {**entry, "dropped_after_ms": None, "distance_when_dropped": None}
    dropped = {**entry, "dropped_after_ms": 2000, "distance_when_dropped": 15}
    judge = common.Judge("behaviour", "renewal")
    answers = {"dropped_after_ms": (1700, 1800, 1900), "distance_when_dropped": (12, 13, 13)}
    probe = {"target_outruns": answering(answers)}
    found = behaviour.outrun_checks(judge, compared(tmp_path, probe), [never, dropped])
    assert [check.holds for check in found] == [False, True, True, False]
    probe = {
        "target_outruns": answering({"dropped_after_ms": (None,) * 3, "distance_when_dropped": (float("nan"),) * 3})
    }
    found = behaviour.outrun_checks(judge, compared(tmp_path, probe), [never, dropped])
    assert [check.holds for check in found] == [True, False, False, False]


def test_a_wrong_cell_of_a_table(tmp_path):
    world = SimpleNamespace(size_table=np.full((24, 3), 100))
    sizes = "weapon,small_percent,medium_percent,large_percent\nFist,100,100,100\nKnuckle,100,100,75\n"
    assert failing(tables.checks(compared(tmp_path, {}, world, size_fix=sizes))) == [
        "wrong cells of the weapons' sizes"
    ]


# The command


def made(holding, failed):
    judge = common.Judge("attacks", "renewal")
    return [judge.equal("right", 1, 1)] * holding + [judge.equal("planted", 1.25, 2.0)] * failed


def test_the_report_names_what_fails_and_the_total():
    lines = fidelity.report(made(97, 3)).splitlines()
    assert lines[1].split() == ["attacks", "renewal", "100", "97", "97.0%"]
    assert lines[4].split() == ["planted", "attacks", "renewal", "1.25", "2", "equal"]
    assert lines[-1] == "total: 97 of 100 checks hold, 97.0% (at least 98% must)"


@pytest.mark.parametrize(("holding", "failed", "code"), [(98, 2, 0), (97, 3, 1), (0, 0, 1)])
def test_the_exit_code(tmp_path, monkeypatch, holding, failed, code):
    for part in ("db", "golden"):
        (tmp_path / part).mkdir()
    monkeypatch.setattr(fidelity, "compare", answering(made(holding, failed)))
    written = tmp_path / "checks.json"
    assert fidelity.main([str(tmp_path), "--json", str(written)]) == code
    assert len(json.loads(written.read_text())) == holding + failed


def test_a_folder_without_measurements_is_named(tmp_path, capsys):
    (tmp_path / "db").mkdir()
    with pytest.raises(SystemExit):
        fidelity.main([str(tmp_path)])
    assert f"{tmp_path} has no golden/" in capsys.readouterr().err


@pytest.mark.slow
def test_the_simulator_is_true_to_the_measured_server(request):
    checks = fidelity.compare(reference_path(), fidelity.FAMILIES, common.SUFFIXES, fidelity.FIGHTS)
    assert fidelity.share_held(checks) >= fidelity.LEAST_SHARE, fidelity.report(checks)
    document = (request.config.rootpath / DOCUMENT).read_text(encoding="utf-8")
    assert [name for name in failing(checks) if name not in document] == [], f"failing checks not named in {DOCUMENT}"
