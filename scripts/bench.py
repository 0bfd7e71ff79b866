"""Measure how fast the parts are: `python -m scripts.bench PART`."""

import argparse
from collections.abc import Callable

from mlmonster_env.command import end_with
from scripts import (
    bench_envs,
    bench_gpu,
    bench_recurrent,
    bench_rewards,
    bench_selfplay,
    bench_sim,
    bench_store,
    bench_train,
)

BENCHES: dict[str, tuple[Callable[[], int | None], str]] = {
    "sim": (bench_sim.main, "the simulator"),
    "envs": (bench_envs.main, "the interfaces"),
    "rewards": (bench_rewards.main, "an archetype's pay"),
    "train": (bench_train.main, "the learners"),
    "recurrent": (bench_recurrent.main, "PPO over an LSTM; its status is 1 below the speed that is wanted"),
    "selfplay": (bench_selfplay.main, "matches against a pool; its status is 1 where they cost more than they may"),
    "store": (bench_store.main, "the database; its status is 1 below the speed that is wanted, or if memory grows"),
    "gpu": (bench_gpu.main, "full-size models on a GPU"),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    told = "; ".join(f"{name}: {what}" for name, (_, what) in BENCHES.items())
    parser.add_argument("part", choices=BENCHES, help=told)
    given, rest = parser.parse_known_args()
    if given.part == "store":
        return bench_store.main(rest)
    if rest:
        parser.error(f"{given.part} has no option {rest[0]}")
    return BENCHES[given.part][0]() or 0


if __name__ == "__main__":
    end_with(main)
