"""Everybody against everybody, and the ladder that comes of it: a table, a picture, and where no ladder is true."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from agents.judge.matches import MatchResult, play
from agents.judge.players import STOCK, Player, player_of, script_digest
from agents.judge.ratings import Ladder, Meeting, rate, rings
from agents.seeds import LADDERS
from mlmonster_env.data.errors import check_number, one_of
from mlmonster_env.plans import Plan

ANCHORS = {script_digest(STOCK): 0.0}
POINTS_WIDE, ROW_HIGH = 9.0, 0.42  # inches of the picture, and of each of its rows


@dataclass(frozen=True)
class Standings:
    """A ladder, the names of those who stand on it by digest, and those of whom each beats the next in a ring."""

    ladder: Ladder
    names: dict[str, str]
    rings: tuple[tuple[str, str, str], ...]
    title: str

    def named(self, digest: str) -> str:
        """For people."""
        return f"{self.names[digest]} ({digest[:8]})"

    def warnings(self) -> list[str]:
        """One line for each three of whom no ladder is true."""
        return [
            "no ladder is true of these: " + " beats ".join(self.names[digest] for digest in (*ring, ring[0]))
            for ring in self.rings
        ]


def standings(results: Iterable[MatchResult], title: str) -> Standings:
    """From results among whom the stock AI played; a result without a valid pair is no evidence."""
    known = list(results)
    meetings = [Meeting(r.first.digest, r.second.digest, r.score.pairs) for r in known if r.first != r.second]
    names = {ref.digest: ref.name for result in known for ref in (result.first, result.second)}
    return Standings(rate(meetings, ANCHORS), names, tuple(rings(meetings)), title)


def everybody(
    players: Sequence[Player], scenario: str | Plan, archetype: str, pairs: int, **arguments: Any
) -> Standings:
    """These, random orders and the stock AI, each against each other on the same seeds."""
    check_number("pairs", pairs, 2)  # one has no scatter
    known = [player_of(name) for name in ("random", STOCK)]
    each = list({player.ref.digest: player for player in (*players, *known)}.values())
    seeds = LADDERS + np.arange(pairs)
    results = [
        play(one, other, scenario, seeds, archetype=archetype, record=False, **arguments)
        for one, other in combinations(each, 2)
    ]
    return standings(results, f"{archetype} in {scenario}, {pairs} pairs each; Elo, the stock AI at 0, with 95%")


def ladder_table(found: Standings) -> Table:
    """A line a player, the strongest first."""
    made = Table(title=found.title)
    for heading in ("player", "Elo", "better than the next"):
        made.add_column(heading, justify="left" if heading == "player" else "right")
    ratings = found.ladder.ratings
    for rating, lower in zip(ratings, [*ratings[1:], None], strict=True):
        sure = "" if lower is None else f"{found.ladder.better(rating.player, lower.player):.1%}"
        made.add_row(found.named(rating.player), str(rating), sure)
    return made


def check_picture(path: Path) -> None:
    """ValueError unless a ladder can be drawn into a file of this name."""
    from matplotlib.backend_bases import FigureCanvasBase

    known = FigureCanvasBase.get_supported_filetypes()
    if path.suffix and path.suffix[1:].lower() not in known:  # without an ending it becomes a PNG
        raise ValueError(f"plot is {path}, expected a name that ends in {one_of(path.suffix[1:], sorted(known))}")


def plot_ladder(found: Standings, path: Path) -> None:
    """Draw ratings with 95%, the strongest on top, and below them those of whom no ladder is true."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    ratings = found.ladder.ratings[::-1]
    warnings = found.warnings()
    height = 1.2 + ROW_HIGH * (len(ratings) + len(warnings))
    figure, axes = plt.subplots(figsize=(POINTS_WIDE, height), constrained_layout=True)
    elo, rows = [rating.elo for rating in ratings], np.arange(len(ratings))
    axes.errorbar(elo, rows, xerr=[rating.half for rating in ratings], fmt="o", color="#4c78a8", capsize=3)
    # A name may hold dollar signs, between which there is no formula.
    axes.set_yticks(rows, [found.named(rating.player) for rating in ratings], parse_math=False)
    axes.axvline(0.0, color="#999999", linewidth=0.8)
    axes.set_title(found.title, fontsize=9, parse_math=False)
    axes.set_xlabel("\n".join(["Elo", *warnings]), parse_math=False)
    axes.grid(axis="x", alpha=0.3)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    plt.close(figure)
