"""How strong a model is: `python -m agents.judge gauntlet MODEL`, `gate MODEL`, `ladder MODEL...`."""

import argparse
import sys
from collections.abc import Sequence
from itertools import combinations

from rich.console import Console
from rich.table import Table

from agents.judge.gates import GateVerdict, stage_gates, through_all
from agents.judge.gauntlet import JudgeError, check_order, gauntlet, known_order
from agents.judge.matches import FaultError, MatchResult, NoEvidenceError, play
from agents.judge.players import Player, player_of
from agents.judge.ratings import Ladder, Meeting, rate, rings
from agents.judge.sequential import ACCEPT
from mlmonster_env.contract import ARCHETYPES

ANCHORS = {"stock": 0.0}
LADDER_SEEDS = 5 << 48


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    command = argparse.ArgumentParser(prog="python -m agents.judge", description=__doc__)
    command.add_argument("what", choices=("gauntlet", "gate", "ladder"))
    command.add_argument(
        "models", nargs="+", metavar="MODEL", help="a run, a model's folder, or a script such as rusher"
    )
    command.add_argument("--scenario", default="mirror-v1:train", help="default mirror-v1:train")
    command.add_argument("--archetype", choices=ARCHETYPES, help="the model's own by default")
    command.add_argument("--pairs", type=int, default=100, help="of matches against each opponent (default 100)")
    command.add_argument("--previous", help="gate: the model whose place is to be taken")
    command.add_argument("--unchecked", action="store_true", help="gauntlet: leave out the check of the known order")
    return command


def main(words: Sequence[str] | None = None) -> int:
    """Judge, and print what came of it; 1 where a gate does not accept, 2 where nothing can be said."""
    given = parser().parse_args(words)
    try:
        players = [player_of(name) for name in given.models]
        archetype = given.archetype or next((p.archetype for p in players if p.archetype), None)
        if archetype is None:
            raise ValueError("--archetype is missing: none of these was trained for one")
        if given.what == "ladder":
            return _ladder(players, given.scenario, archetype, given.pairs)
        if given.what == "gate":
            previous = None if given.previous is None else player_of(given.previous)
            return _gate(players[0], previous, given.scenario, archetype)
        if not given.unchecked:
            check_order(known_order(players[0]), given.scenario, archetype, given.pairs)
        results = gauntlet(players[0], given.scenario, archetype, given.pairs, players[1:])
        Console(width=110, emoji=False).print(table_of(results))
    except (ValueError, JudgeError, NoEvidenceError, FaultError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def table_of(results: Sequence[MatchResult]) -> Table:
    """A line an opponent."""
    first = results[0]
    made = Table(title=f"{first.first} in {first.scenario}, {first.archetype}; 95% over pairs, a draw is half")
    for heading in ("against", "pairs", "win rate", "95%", "void"):
        made.add_column(heading, justify="left" if heading == "against" else "right")
    for result in results:
        low, high = result.interval
        lost = sum(len(void.seeds) for void in result.void)
        made.add_row(
            str(result.second), f"{len(result.scores)}", f"{result.win_rate:.1%}", f"{low:.1%} to {high:.1%}", str(lost)
        )
    return made


def _gate(candidate: Player, previous: Player | None, scenario: str, archetype: str) -> int:
    told: list[GateVerdict] = through_all(candidate, stage_gates(previous), scenario, archetype)
    for verdict in told:
        print(verdict)
    return 0 if told[-1].verdict == ACCEPT else 1


def _ladder(players: Sequence[Player], scenario: str, archetype: str, pairs: int) -> int:
    known = [player_of(name) for name in ("random", "stock")]
    everybody = [*players, *(one for one in known if one.ref not in [p.ref for p in players])]
    seeds = [LADDER_SEEDS + number for number in range(pairs)]
    names = {player.ref.digest: player.ref.name for player in everybody}
    meetings = []
    for one, other in combinations(everybody, 2):
        result = play(one, other, scenario, seeds, archetype=archetype)
        meetings.append(Meeting(one.ref.digest, other.ref.digest, result.scores))
    anchors = {digest: ANCHORS[name] for digest, name in names.items() if name in ANCHORS}
    ladder: Ladder = rate(meetings, anchors)
    made = Table(title=f"{archetype} in {scenario}, {pairs} pairs each; Elo, the stock AI at 0, with 95%")
    for heading in ("player", "Elo", "better than the next"):
        made.add_column(heading, justify="left" if heading == "player" else "right")
    for rating, lower in zip(ladder.ratings, [*ladder.ratings[1:], None], strict=True):
        sure = "" if lower is None else f"{ladder.better(rating.player, lower.player):.1%}"
        made.add_row(f"{names[rating.player]} ({rating.player[:8]})", str(rating), sure)
    Console(width=110, emoji=False).print(made)
    for ring in rings(meetings):
        print("no ladder is true of these: " + " beats ".join(names[digest] for digest in (*ring, ring[0])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
