"""How often the gate is right: `python -m scripts.gate_study runs/results/aggressive-combat_dqn-ppo-0`.

Twins of one model, and players known to be better or worse, go through the whole gate: a thousand times on pairs drawn
from banks of pairs that were really played, and some times on matches of their own. Stop it at any time and start it
again; what was played lies below --out. The figures are kept in docs/results/judge and rendered into docs/judging.md.
"""

import argparse
import json
import math
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import torch

from agents.ending import Stopped
from agents.judge.gates import FALSE_REJECT, NoOpponentError, error_a_slot
from agents.judge.matches import FaultError, NoEvidenceError
from agents.judge.players import model_folder
from agents.judge.study import (
    AGAINST_KNOWN,
    AGAINST_PREVIOUS,
    TWINS,
    Banks,
    Case,
    Gated,
    cases,
    drawn_gates,
    exploiter_runs,
    filled,
    real_gates,
    score_of,
    untrained,
)  # fmt: skip
from agents.report import reliability
from mlmonster_env.command import end_with
from mlmonster_env.envs.battle import Array
from mlmonster_env.scenarios import USUAL
from policies.policy import Policy
from policies.storage import DamagedError, write_text
from scripts.gate_study_doc import DOCUMENT, RESULTS, put_into

ALSO_AT = 0.05  # an error at which a thousand gates show whether it is kept: at that of a slot there is about one
PLANTED = 2  # adversaries of who is known to be beaten
PREVIOUS = (0.50, 0.55)  # what the gate against the model before tells apart


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    made = argparse.ArgumentParser(
        prog="python -m scripts.gate_study", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("model", help="a run or a model's folder: everybody in the study is made of it")
    made.add_argument("--scenario", default=USUAL)
    made.add_argument("--out", type=Path, default=Path("runs/study"), help="where what was played is kept")
    made.add_argument("--results", type=Path, default=RESULTS)
    made.add_argument("--document", type=Path, default=DOCUMENT)
    made.add_argument("--gates", type=int, default=1000, help="that are drawn, a case and error (default 1000)")
    made.add_argument("--real", type=int, default=20, help="gates that are played for real (default 20)")
    made.add_argument("--adversaries", type=int, default=5, help="of the exploiter gate (default 5)")
    made.add_argument(
        "--bank", type=int, nargs=3, default=(TWINS, AGAINST_PREVIOUS, AGAINST_KNOWN),
        metavar=("TWINS", "PREVIOUS", "KNOWN"),
        help=f"pairs in the bank of twins, of others, and against random and stock (default {TWINS} "
        f"{AGAINST_PREVIOUS} {AGAINST_KNOWN})",
    )  # fmt: skip
    return made


def main(words: Sequence[str] | None = None) -> int:
    """Run what is missing, and write down what came of all of it."""
    given = parser().parse_args(words)
    torch.set_num_threads(1)
    try:
        check_numbers(given)
        given.results.parent.mkdir(parents=True, exist_ok=True)  # before anything is played
        told = study(given)
    except Stopped as stop:
        print(stop, file=sys.stderr)
        return 128 + stop.by
    except (ValueError, FaultError, NoEvidenceError, NoOpponentError, DamagedError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    write_text(given.results, json.dumps(told, indent=1))
    put_into(given.document, told)
    return 0


def check_numbers(given: argparse.Namespace) -> None:
    """ValueError where one of them is too small for a figure to come of it; before anything is played."""
    for name, least in (("gates", 1), ("real", 0), ("adversaries", 0)):
        if getattr(given, name) < least:
            raise ValueError(f"--{name} is {getattr(given, name)}, expected at least {least}")
    if min(given.bank) < 2:
        raise ValueError(f"--bank is {tuple(given.bank)}, expected at least 2 of each: one pair has no scatter")


def study(given: argparse.Namespace) -> dict[str, Any]:
    """All figures."""
    if model_folder(Path(given.model)) is None:
        raise ValueError(f"model is {given.model!r}, expected the folder of a model, or of the run that made it")
    policy = Policy.load(given.model)
    archetype = policy.card.archetype
    known = cases(policy)
    where = (given.scenario, archetype)
    banks = filled(known, given.out / "banks", *where, sizes=tuple(given.bank))
    rows = []
    for number, case in enumerate(known):
        for error in (error_a_slot(), ALSO_AT):
            found = drawn_gates(case, banks, *where, given.gates, error, seed=number)
            rows.append(row(case, banks, found, error))
            print(f"{case.name}, error {error:.4f}: {rows[-1]['verdicts']}")
    real = real_gates(known[0], given.out / "gates", *where, given.real)
    adversaries = {
        name: exploiter_runs(candidate, given.out / "exploiter", given.scenario, runs, given.bank[2] // 2)
        for name, candidate, runs in (
            ("the model", policy, given.adversaries),
            ("the same network untrained", untrained(policy), min(given.adversaries, PLANTED)),
        )
    }
    return {
        "command": f"python -m scripts.gate_study {given.model}",
        "model": policy.digest(),
        "scenario": given.scenario,
        "archetype": archetype,
        "bank": list(given.bank),
        "cases": rows,
        "real": {"gates": len(real), "verdicts": Counter(gate.verdict for gate in real), "pairs": spread(total(real))},
        "exploiter": [{"against": name, **vars(one)} for name, runs in adversaries.items() for one in runs],
    }


def row(case: Case, banks: Banks, found: Sequence[Gated], error: float) -> dict[str, Any]:
    """A case at one error: its verdicts, and the pairs that they took."""
    score = score_of(case, banks)
    accepted = sum(gate.verdict == "accept" for gate in found)
    last = np.array([gate.pairs["previous"] for gate in found if "previous" in gate.pairs])
    return {
        "case": case.name,
        "error": error,
        "win_rate": score.win_rate,
        "interval": list(score.interval),
        "gates": len(found),
        "verdicts": Counter(gate.verdict for gate in found),
        "accepted": list(wilson(accepted, len(found))),
        "pairs": spread(total(found)),
        "previous": {"gates": len(last), **spread(last)},
        "fixed": fixed_size(float(score.pairs.mean(1).std(ddof=1)), error),
    }


def total(found: Sequence[Gated]) -> Array:
    """Pairs of the whole gate."""
    return np.array([gate.pairs["all"] for gate in found])


def spread(pairs: Array) -> dict[str, float]:
    """What half of them did with, and nine of ten; nothing of none."""
    if not len(pairs):
        return {}
    return {"median": float(np.median(pairs)), "p90": float(np.percentile(pairs, 90))}


def wilson(count: int, of: int) -> tuple[float, float]:
    """95% of a share."""
    low, high = reliability.wilson(np.array(count / of), np.array(of))
    return float(low), float(high)


def fixed_size(deviation: float, error: float) -> int:
    """Pairs that a test of a size chosen beforehand needs for the same errors, by the spread of a pair's mean."""
    z = NormalDist().inv_cdf(1 - error) + NormalDist().inv_cdf(1 - FALSE_REJECT)
    return math.ceil((z * deviation / (PREVIOUS[1] - PREVIOUS[0])) ** 2)


if __name__ == "__main__":
    end_with(main)
