"""Measure how fast the parts are: `python -m scripts.bench sim`, `envs`."""

import argparse

from scripts import bench_envs, bench_sim

BENCHES = {"sim": bench_sim.main, "envs": bench_envs.main}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=BENCHES, help="sim: the simulator beside a bare kernel; envs: the interfaces")
    BENCHES[parser.parse_args().part]()


if __name__ == "__main__":
    main()
