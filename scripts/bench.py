"""Measure how fast the parts are: `python -m scripts.bench sim`."""

import argparse

from scripts import bench_sim

BENCHES = {"sim": bench_sim.main}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=BENCHES, help="sim: the simulator beside a bare kernel")
    BENCHES[parser.parse_args().part]()


if __name__ == "__main__":
    main()
