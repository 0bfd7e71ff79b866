"""How strong each style is: `python -m agents.opponents --archetype mage --pairs 100`.

Mirror pairs against the same pack under the stock AI, sides swapped; each start of the scenario apart.
"""

import argparse
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from agents.judge.mirror import MirrorScore, by_start, judge_mirror
from agents.opponents.names import STYLES, opponent_of
from agents.opponents.offers import takes_offers
from mlmonster_env.command import end_with
from mlmonster_env.contract import ARCHETYPES
from mlmonster_env.data.errors import one_of
from mlmonster_env.envs.battle import MASK


def judge_style(name: str, scenario: str, archetype: str, pairs: int, seed: int = 0) -> dict[str, MirrorScore]:
    """What an opponent wins against the stock AI, by start."""
    return {
        start: judge_mirror(
            takes_offers, "skill", ("state", MASK), plan, archetype, pairs, seed=seed, opponent=name
        ).turned()
        for start, plan in by_start(scenario)
    }  # fmt: skip


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="python -m agents.opponents", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )  # fmt: skip
    made.add_argument("styles", nargs="*", help=f"which (default: all): {', '.join(STYLES)}, mix:rusher=2,kiter=1")
    made.add_argument(
        "--archetype", action="append", help=f"{', '.join(ARCHETYPES)} (default aggressive); more than once if you like"
    )
    made.add_argument("--pairs", type=int, default=100, help="of matches at each start (default 100)")
    made.add_argument("--scenario", default="mirror-v1", help="default mirror-v1")
    made.add_argument("--seed", type=int, default=0)
    return made


def main(words: Sequence[str] | None = None) -> int:
    """Run the command; the exit status: 0, or 2 for a wrong option."""
    given = parser().parse_args(words)
    styles = given.styles or list(STYLES)
    archetypes = given.archetype or ["aggressive"]
    console = Console(emoji=False, markup=False)
    try:
        for archetype in archetypes:
            if archetype not in ARCHETYPES:
                raise ValueError(f"--archetype is {archetype!r}, expected {one_of(archetype, ARCHETYPES)}")
        for name in styles:
            opponent_of(name, what="style")
        for archetype in archetypes:
            starts = [start for start, _ in by_start(given.scenario)]
            made = Table(title=f"{archetype}: won against the stock AI in {given.pairs} pairs, a draw being half (95%)")
            for heading in ("style", *(word for start in starts for word in (start, "drawn"))):
                made.add_column(heading)
            for name in styles:
                scores = judge_style(name, given.scenario, archetype, given.pairs, given.seed)
                made.add_row(name, *(word for score in scores.values() for word in (str(score), f"{score.drawn:.0%}")))
            console.print(made)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    end_with(main)
