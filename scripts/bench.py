"""Measure how fast the parts are: `python -m scripts.bench sim`, `envs`, `rewards`."""

import argparse

from scripts import bench_envs, bench_rewards, bench_sim, bench_train

BENCHES = {"sim": bench_sim.main, "envs": bench_envs.main, "rewards": bench_rewards.main, "train": bench_train.main}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "part",
        choices=BENCHES,
        help="sim: the simulator; envs: the interfaces; rewards: an archetype's pay; train: the learners",
    )
    BENCHES[parser.parse_args().part]()


if __name__ == "__main__":
    main()
