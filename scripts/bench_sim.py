"""The simulator's speed, what it depends on, and how it compares with a bare kernel in the same run."""

import os
import subprocess
import sys
import tempfile
from collections import Counter
from threading import Thread
from time import perf_counter, sleep

import numpy as np
from rich.console import Console
from rich.table import Table

from mlmonster_env.sim import Arena
from mlmonster_env.sim import fields as f
from scripts.bare_kernel import BareFights
from scripts.stopwatch import median_speeds, speed_again

MATCHES = 1024
SIZE = 5
LONG_CHUNK = 500  # ticks a call
MIDDLE_CHUNK = 50  # thousands of matches would make a long one outlast a round
DECISION_CHUNK = 5
WARM_UP = 300  # ticks; by then the matches are no longer all at their beginning
ROUNDS = 5
SECONDS = 1.0
MATCH_COUNTS = (64, 256, 1024, 4096, 8192)
SIZES = (1, 2, 3, 5, 8, 12)
FEW_MATCHES, FEW_TICKS, TIMES = 16, 100, 400  # of what comes again and again; enough to do all that a fight holds
SAMPLE_SECONDS = 0.0005
WORK = {f.ON_MINDS: "minds", f.ON_RULES: "rules", f.ON_MOVEMENT: "movement", f.ON_TIMERS: "finding what is due"}
START = "from mlmonster_env.sim import Arena; Arena(1, 'skirmish-5v5', seed=0).run(1)"


def main() -> None:
    console = Console()
    first, again = start_seconds()
    console.print(f"first start, compiling: {first:.1f} s; from the cache: {again:.1f} s")
    console.print(f"bytes a match at {SIZE} v {SIZE}: {arena(1).bytes_per_match:,}")
    console.print(by_matches())
    console.print(by_size())
    console.print(by_threads())
    console.print(by_work())
    console.print(foretold())
    beside_bare(console)


def arena(matches: int, size: int = SIZE, threads: int = 1) -> Arena:
    return Arena(matches, f"skirmish-{size}v{size}", seed=0, threads=threads, restart=True)


def warm_arena(matches: int, size: int = SIZE, threads: int = 1) -> Arena:
    made = arena(matches, size, threads)
    made.run(WARM_UP)
    return made


def warm_bare(matches: int) -> BareFights:
    made = BareFights(matches, SIZE)
    made.run(WARM_UP)
    return made


def start_seconds() -> tuple[float, float]:
    """Seconds of a process that makes its first tick, with an empty kernel cache and with the one that this leaves."""
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "MLMONSTER_CACHE": cache}

        def once() -> float:
            start = perf_counter()
            subprocess.run([sys.executable, "-c", START], env=environment, check=True, stdout=subprocess.DEVNULL)
            return perf_counter() - start

        return once(), once()


def by_matches() -> Table:
    speeds: dict[str, float] = {}
    for count in MATCH_COUNTS:
        speeds |= median_speeds({f"{count:,}": (warm_arena(count), MIDDLE_CHUNK)}, ROUNDS, SECONDS / 2)
    return speed_table(f"by matches, {SIZE} v {SIZE}, one thread", speeds)


def by_size() -> Table:
    speeds: dict[str, float] = {}
    for size in SIZES:
        speeds |= median_speeds({f"{size} v {size}": (warm_arena(MATCHES, size), LONG_CHUNK)}, ROUNDS, SECONDS / 2)
    return speed_table(f"by units a side, {MATCHES:,} matches", speeds)


def by_threads() -> Table:
    """One thread and two, with a meeting each long chunk and with one each decision."""
    table = Table("ticks a call", "1 thread, M/s", "2 threads, M/s", "gain", title="by threads, unit-ticks/s")
    runners = {threads: warm_arena(MATCHES, threads=threads) for threads in (1, 2)}
    for chunk in (LONG_CHUNK, DECISION_CHUNK):
        one, two = median_speeds({str(n): (r, chunk) for n, r in runners.items()}, ROUNDS, SECONDS).values()
        table.add_row(str(chunk), f"{one / 1e6:.2f}", f"{two / 1e6:.2f}", f"{two / one:.2f}")
    return table


def by_work() -> Table:
    """What an arena at work is at work on, sampled from outside."""
    table = Table("", "share", title=f"by kind of work, {SIZE} v {SIZE}, one thread")
    counts = sampled_work(warm_arena(MATCHES), ROUNDS * SECONDS)
    for kind, name in WORK.items():
        table.add_row(name, f"{counts[kind] / max(counts.total(), 1):.0%}")
    return table


def sampled_work(runner: Arena, seconds: float) -> Counter[int]:
    """How often a look at a running arena of one thread found it at each kind of work."""
    counts: Counter[int] = Counter()
    end = perf_counter() + seconds
    while perf_counter() < end:
        worker = Thread(target=runner.run, args=(LONG_CHUNK,))
        worker.start()
        while worker.is_alive():
            now = runner.scratch[:, f.PHASE].copy()  # it goes on changing
            counts.update(now[np.flatnonzero(now)][:1].tolist())
            sleep(SAMPLE_SECONDS)
        worker.join()
    return counts


def foretold() -> str:
    """The simulator beside the bare kernel where the same ticks come again and again."""
    sim = speed_again(warm_arena(FEW_MATCHES), FEW_TICKS, TIMES)
    bare = speed_again(warm_bare(FEW_MATCHES), FEW_TICKS, TIMES)
    told = f"{sim / 1e6:.2f} beside {bare / 1e6:.2f} M unit-ticks/s, {sim / bare:.2f}"
    return f"the same {FEW_TICKS} ticks of {FEW_MATCHES} matches again and again: {told}"


def beside_bare(console: Console) -> None:
    bare = warm_bare(MATCHES)
    speeds = median_speeds({"bare": (bare, LONG_CHUNK), "sim": (warm_arena(MATCHES), LONG_CHUNK)}, ROUNDS, SECONDS)
    console.print(f"bare kernel: {speeds['bare'] / 1e6:.2f} M unit-ticks/s on one core, {SIZE} v {SIZE}")
    console.print(f"simulator:   {speeds['sim'] / 1e6:.2f} M unit-ticks/s on one core, {SIZE} v {SIZE}, stock AI")
    console.print(f"simulator over bare kernel: {speeds['sim'] / speeds['bare']:.2f}")


def speed_table(title: str, speeds: dict[str, float]) -> Table:
    table = Table("", "M unit-ticks/s", "ns a unit-tick", title=title)
    for name, per_second in speeds.items():
        table.add_row(name, f"{per_second / 1e6:.2f}", f"{1e9 / per_second:.0f}")
    return table
