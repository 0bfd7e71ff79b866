"""What two fixed rules of pack signals come to against the stock AI: `python -m scripts.signals`.

They are what a trained team_coordination is to be held against: a pack that obeys any signal to fight is stronger than
the stock AI already. What came of it is a file an archetype in docs/results/signals/, and docs/results.md is written
anew.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import numpy as np

from agents.evaluation import ALL, Evaluation
from agents.judge.mirror import by_start, judge_mirror, together
from agents.machine import cores
from mlmonster_env.command import at_least, end_with
from mlmonster_env.contract import ARCHETYPES, ATTACK_TARGET, DEFEND_LEADER, ENTITY_KIND_ROWS
from mlmonster_env.envs.battle import MASK, Array
from mlmonster_env.scenarios import USUAL
from policies.extractors.entities import PRESENT
from policies.storage import write_text
from scripts.results import FEWER, FOLDER, JUDGED_BY, PACKS, kept
from scripts.results_doc import DOCUMENT, render
from scripts.results_signals import SIGNALS

SEEN = ("state", "entities", MASK)
SCENARIOS = (USUAL, *PACKS)
ENEMIES_PRESENT = (slice(None), slice(ENTITY_KIND_ROWS), PRESENT)
Rule = Callable[[dict[str, Array]], Array]


def always(signal: int) -> Rule:
    """The same signal at all times; who may not follow it attacks."""
    return lambda seen: legal_or_attack(seen, np.full(len(seen[MASK]), signal))


def gathers_then_attacks(seen: dict[str, Array]) -> Array:
    """Stay around the leader until an enemy is in sight."""
    sees = (seen["entities"][ENEMIES_PRESENT] > 0.5).any(1)
    return legal_or_attack(seen, np.where(sees, ATTACK_TARGET, DEFEND_LEADER))


def legal_or_attack(seen: dict[str, Array], signals: Array) -> Array:
    """Signals, except that who may not follow one attacks."""
    return np.where(seen[MASK][np.arange(len(signals)), signals] != 0, signals, ATTACK_TARGET)


RULES: dict[str, Rule] = {"attack": always(ATTACK_TARGET), "gather": gathers_then_attacks}


def judged(archetype: str, rule: Rule, scenario: str, pairs: int) -> Evaluation:
    """Scores of a rule by start."""
    parts = {
        start: judge_mirror(rule, "pack", SEEN, plan, archetype, pairs, seed=JUDGED_BY)
        for start, plan in by_start(scenario)
    }
    return Evaluation({**parts, ALL: together(list(parts.values()), ALL)}, "against stock")


def main(words: Sequence[str] | None = None) -> int:
    """Judge both rules for each archetype, and keep what came of it."""
    command = argparse.ArgumentParser(prog="python -m scripts.signals", description=__doc__)
    command.add_argument("--archetype", action="append", choices=ARCHETYPES, help="may be given several times")
    command.add_argument(
        "--pairs", type=at_least(2), default=FEWER, help="of each scenario and start (default %(default)s)"
    )
    given = command.parse_args(words)
    place = FOLDER / SIGNALS
    place.mkdir(parents=True, exist_ok=True)
    for archetype in given.archetype or ("aggressive", "mage"):
        jobs = list(product(RULES, SCENARIOS))
        with ThreadPoolExecutor(cores()) as pool:
            found = list(pool.map(lambda job, a=archetype: judged(a, RULES[job[0]], job[1], given.pairs), jobs))
        rules: dict[str, dict[str, object]] = {rule: {} for rule in RULES}
        for (rule, scenario), evaluation in zip(jobs, found, strict=True):
            rules[rule][scenario.partition(":")[0]] = kept(evaluation)
        told = {"archetype": archetype, "command": "python -m scripts.signals", "rules": rules}
        write_text(place / f"{archetype}.json", json.dumps(told, indent=1) + "\n")
    DOCUMENT.write_text(render(FOLDER), encoding="utf-8")
    return 0


if __name__ == "__main__":
    end_with(main)
