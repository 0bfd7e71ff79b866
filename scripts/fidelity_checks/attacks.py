"""Normal attacks: the server's damage function called 100,000 times, and about 2,200 attacks for the interval."""

from collections.abc import Iterator

from scripts.fidelity_checks.common import QUANTUM_MS, Check, Comparison, Judge

ATTACKS = 100_000
HIT_POINTS = 0.015
MEAN_SHARE, MEAN_POINTS = 0.01, 0.5


def checks(comparison: Comparison) -> Iterator[Check]:
    judge = Judge("attacks", comparison.mode)
    for pair in comparison.golden.json("combat_normal"):
        attacker, defender, calculated = pair["attacker_id"], pair["defender_id"], pair["calc100k"]
        name = f"{pair['attacker']} on {pair['defender']}"
        simulated = comparison.probe.normal_attacks(comparison.world, attacker, defender, ATTACKS, 1)
        yield judge.near(f"{name}: hit rate", calculated["hit"] / calculated["n"], simulated["hit_rate"], HIT_POINTS)
        mean = calculated["mean"]
        allowed = max(MEAN_SHARE * mean, MEAN_POINTS)
        yield judge.near(f"{name}: mean damage", mean, simulated["damage_mean"], allowed)
        yield judge.equal(f"{name}: least damage", calculated["min"], simulated["damage_min"])
        yield judge.equal(f"{name}: most damage", calculated["max"], simulated["damage_max"])
        if pair["attacks"]:
            interval = comparison.probe.attack_interval(comparison.world, attacker, defender)["mean_ms"]
            yield judge.near(f"{name}: attack interval, ms", pair["attack_interval_ms_mean"], interval, QUANTUM_MS)
