"""What matches against a pool cost beside matches against the stock AI, played by the same learner."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from agents.config.read import resolve
from agents.learners.build import build_env, card_of
from agents.machine import Machine
from agents.selfplay.league import League
from mlmonster_env.envs.battle import MASK
from policies.actors import build_actor
from policies.policy import Policy

MATCHES = 1024
SNAPSHOTS = 12
MOST = 2.2  # times what matches against the stock AI cost
ROUNDS = 7
STEPS = 6  # of a round
WARM_UP = 60  # steps, by which matches are spread over their course
STOCK, POOL, ALONE = (
    "against the stock AI",
    f"against {SNAPSHOTS} snapshots",
    f"against {SNAPSHOTS} snapshots, no stock",
)


def main() -> int:
    """Print the table; 1 where the pool costs more than it may."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        runners = {
            STOCK: _runner("stock", Path(folder)),
            POOL: _runner("pool", Path(folder)),
            ALONE: _runner("mix:pool=1", Path(folder)),
        }
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in runners}
        for _ in range(ROUNDS):
            for name, play in runners.items():
                taken[name].append(play())
    whole = {name: median(thought + played for thought, played in found) for name, found in taken.items()}
    played = {name: median(played for _, played in found) for name, found in taken.items()}
    title = f"{MATCHES:,} matches of mirror-v1, combat_dqn of the mage, small; one thread, medians of {ROUNDS} rounds"
    table = Table(
        "", "a decision of all, ms", "times stock", "without the learner's thinking, ms", "times stock", title=title
    )
    for name in runners:
        table.add_row(
            name, f"{1e3 * whole[name] / STEPS:.0f}", f"{whole[name] / whole[STOCK]:.2f}",
            f"{1e3 * played[name] / STEPS:.0f}", f"{played[name] / played[STOCK]:.2f}",
        )  # fmt: skip
    console = Console(width=120)
    console.print(table)
    ratio = whole[POOL] / whole[STOCK]
    console.print(f"{ratio:.2f} times what they cost against the stock AI, {MOST} at most are wanted")
    return 0 if ratio <= MOST else 1


def _runner(opponents: str, folder: Path) -> Callable[[], tuple[float, float]]:
    """Plays a round: seconds of the learner's thinking, and of everything else."""
    config = resolve({
        "archetype": "mage", "algo": "ppo", "opponents": opponents, "batch.matches": MATCHES,
        "selfplay.pool": SNAPSHOTS, "selfplay.matchmaking": "uniform",
    })  # fmt: skip
    card = card_of(config)
    league = (
        None if opponents == "stock" else League(opponents, config.selfplay, folder / opponents.replace(":", "-"), card)
    )
    env = build_env(config, Machine("cpu", 1), league)
    policies = []
    for seed in range(SNAPSHOTS):
        torch.manual_seed(seed)
        actor = build_actor(card.policy_class, card.blocks, card.control, card.policy_arguments)
        policies.append(Policy(card, actor))
        if league is not None:
            league.admit(policies[-1], seed, SNAPSHOTS)
    learner, random = policies[0], np.random.default_rng(0)
    seen: Any = env.reset()

    def step() -> float:
        nonlocal seen
        begun = perf_counter()
        legal = seen[MASK].sum(1) > 1
        actions = seen[MASK].argmax(1)
        some = {name: block[legal] for name, block in seen.items()}
        actions[legal] = learner.act(some, lots=random.random(int(legal.sum())))
        thought = perf_counter() - begun
        seen, _, _, _ = env.step(actions)
        return thought

    def play() -> tuple[float, float]:
        begun = perf_counter()
        thought = sum(step() for _ in range(STEPS))
        return thought, perf_counter() - begun - thought

    for _ in range(WARM_UP):
        step()
    return play
