"""2,000 matches of like against like under the stock AI, by archetype, and one more as an animated picture."""

from pathlib import Path
from time import perf_counter

import numpy as np
from rich.console import Console
from rich.table import Table

from mlmonster_env.contract import ARCHETYPES
from mlmonster_env.data import Bestiary
from mlmonster_env.envs.film import write_gif
from mlmonster_env.sim import Arena, Results
from mlmonster_env.sim.staging import stage

MATCHES = 2000
SIZE = 3
SEED = 0
TICKS = 1800  # the time limit of a skirmish
FILMED, FILMED_SIZE = "mage", 5  # whose fights have the most to see
CANDIDATES = 64  # matches of which the closest is filmed
FILM_MS = range(8_000, 25_000)
SPEED_UP = 2  # ticks a picture, at ten pictures a second
FILM = Path("runs/demo/match.gif")


def main() -> None:
    console = Console()
    bestiary = Bestiary.load()
    Arena(1, bestiary=bestiary).run(1)  # the kernels, so that the clock below tells the fights alone
    start = perf_counter()
    results = {archetype: fought(bestiary, archetype, matches) for archetype, matches in shares().items()}
    seconds = perf_counter() - start
    console.print(table(results))
    played_ms = sum(int(result.duration_ms.sum()) for result in results.values())
    console.print(f"{MATCHES:,} matches, {played_ms / 3_600_000:.1f} hours of fighting, in {seconds:.1f} s on one core")
    pictures = film(bestiary)
    console.print(f"one match as a picture: {FILM} ({pictures} scenes)")


def shares() -> dict[str, int]:
    """The matches dealt out evenly."""
    even, rest = divmod(MATCHES, len(ARCHETYPES))
    return {archetype: even + (i < rest) for i, archetype in enumerate(ARCHETYPES)}


def fought(bestiary: Bestiary, archetype: str, matches: int) -> Results:
    arena = arena_of(bestiary, archetype, matches, SIZE)
    arena.run(TICKS)
    return arena.results


def arena_of(bestiary: Bestiary, archetype: str, matches: int, size: int) -> Arena:
    return Arena(matches, stage(f"skirmish-{size}v{size}", bestiary, archetype), bestiary, SEED)


def table(results: dict[str, Results]) -> Table:
    made = Table(title=f"Stock AI against itself, {SIZE} v {SIZE}, both sides the same species")
    made.add_column("archetype")
    for heading in ("matches", "A won", "B won", "draws", "mean length", "survivors of the winner"):
        made.add_column(heading, justify="right")
    for archetype, result in results.items():
        won = [result.winner == side for side in (0, 1)]
        alive = np.concatenate([result.survivors[won[side], side] for side in (0, 1)])
        made.add_row(
            archetype,
            f"{len(result.winner):,}",
            f"{won[0].mean():.1%}",
            f"{won[1].mean():.1%}",
            f"{(result.winner < 0).mean():.1%}",
            f"{result.duration_ms.mean() / 1000:.1f} s",
            f"{alive.mean():.2f} of {SIZE}" if len(alive) else "-",
        )
    return made


def film(bestiary: Bestiary) -> int:
    """Write the closest of some matches as a picture; how many scenes it has."""
    arena = arena_of(bestiary, FILMED, CANDIDATES, FILMED_SIZE)
    arena.run(TICKS)
    results = arena.results
    closest = min(
        range(CANDIDATES),
        key=lambda m: (
            results.winner[m] < 0 or results.duration_ms[m] not in FILM_MS,
            results.survivors[m].max(),
            results.hp_share[m].max(),
        ),
    )
    arena.reset()
    scenes = [arena.scene(closest)]
    while scenes[-1].clock_ms < results.duration_ms[closest]:
        arena.run(SPEED_UP)
        scenes.append(arena.scene(closest))
    write_gif(FILM, scenes)
    return len(scenes)


if __name__ == "__main__":
    main()
