"""Measure how fast the parts are: `python -m scripts.bench sim`, `envs`, `rewards`, `train`, `gpu`."""

import argparse

from scripts import bench_envs, bench_gpu, bench_rewards, bench_sim, bench_train

BENCHES = {
    "sim": (bench_sim.main, "the simulator"),
    "envs": (bench_envs.main, "the interfaces"),
    "rewards": (bench_rewards.main, "an archetype's pay"),
    "train": (bench_train.main, "the learners"),
    "gpu": (bench_gpu.main, "full-size models on a GPU"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    told = "; ".join(f"{name}: {what}" for name, (_, what) in BENCHES.items())
    parser.add_argument("part", choices=BENCHES, help=told)
    BENCHES[parser.parse_args().part][0]()


if __name__ == "__main__":
    main()
