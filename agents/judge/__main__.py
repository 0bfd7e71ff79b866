"""How strong a model is: `python -m agents.judge gauntlet MODEL`, `gate MODEL`, `ladder MODEL...`, `film RESULT`.

A MODEL is a run, a model's folder, an exported bundle, or a name: stock, random, idle, or a style such as rusher.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

from agents.ending import Stopped
from agents.judge.archive import folder_name, load_result, save_result
from agents.judge.exploiter import gates_with_exploiter
from agents.judge.gates import stage_gates, through_all
from agents.judge.gauntlet import JudgeError, check_order, gauntlet, known_order, pool_samples, table_of
from agents.judge.ladder import check_picture, everybody, ladder_table, plot_ladder
from agents.judge.matches import FaultError, NoEvidenceError
from agents.judge.players import Player, player_of
from agents.judge.sequential import ACCEPT
from mlmonster_env.command import end_with
from mlmonster_env.contract import ARCHETYPES
from mlmonster_env.envs.film import film
from mlmonster_env.scenarios import USUAL
from policies.storage import DamagedError

WIDE = 120  # characters of a table


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    command = argparse.ArgumentParser(
        prog="python -m agents.judge", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parts = command.add_subparsers(dest="what", required=True, metavar="gauntlet | gate | ladder | film")
    made = _part(parts, "gauntlet", _gauntlet, "against random orders, every style, the stock AI and others")
    made.add_argument("model", metavar="MODEL")
    made.add_argument("others", nargs="*", metavar="OTHER", help="players that it meets too")
    made.add_argument("--production", metavar="FOLDER", help="the model in production, which it meets too")
    made.add_argument("--pool", type=Path, metavar="FOLDER", help="of models' folders, some of which it meets too")
    made.add_argument("--samples", type=int, default=4, help="of the pool (default 4)")
    made.add_argument("--seed", type=int, default=0, help="by which they are drawn")
    made.add_argument("--pairs", type=int, default=100, help="of matches against each opponent (default 100)")
    made.add_argument("--unchecked", action="store_true", help="leave out the check of the known order")
    made.add_argument("--out", type=Path, metavar="FOLDER", help="keep every result, and every match to be filmed")
    made = _part(parts, "gate", _gate, "whether it may take another's place")
    made.add_argument("model", metavar="MODEL")
    made.add_argument("--previous", metavar="MODEL", help="whose place is to be taken")
    made.add_argument(
        "--exploiter", action="store_true", help="train an adversary against it too, which must not beat it"
    )
    made = _part(parts, "ladder", _ladder, "everybody against everybody, and against random orders and the stock AI")
    made.add_argument("models", nargs="+", metavar="MODEL")
    made.add_argument("--pairs", type=int, default=100, help="of matches between each two (default 100)")
    made.add_argument("--plot", type=Path, metavar="FILE", help="draw it too")
    made = parts.add_parser("film", help="a match of a kept result")
    made.set_defaults(run=_film)
    made.add_argument("result", type=Path, metavar="RESULT", help="a folder that gauntlet --out wrote")
    made.add_argument("--number", type=int, required=True, help="the seed of the match")
    made.add_argument("--side", type=int, default=0, choices=(0, 1), help="that the first player had (default 0)")
    made.add_argument("--to", type=Path, required=True, metavar="FILE", help="such as match.gif or match.mp4")
    return command


def main(words: Sequence[str] | None = None) -> int:
    """Judge, and print what came of it; 1 where a gate does not accept, 2 where nothing can be said, 128 + a signal."""
    given = parser().parse_args(words)
    try:
        return int(given.run(given))
    except Stopped as stop:
        print(stop, file=sys.stderr)
        return 128 + stop.by
    except (ValueError, JudgeError, NoEvidenceError, FaultError, DamagedError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _gauntlet(given: argparse.Namespace) -> int:
    model = player_of(given.model)
    archetype = _archetype(given, [model])
    named = [*given.others, *([given.production] if given.production else [])]
    others = [player_of(name) for name in named]
    others += pool_samples(given.pool, given.samples, given.seed) if given.pool else []
    if model.broken:
        raise FaultError(model.broken)
    if given.out is not None:
        _make_folder(given.out)  # before anything is played
    if not given.unchecked:
        check_order(known_order(model), given.scenario, archetype, given.pairs)
    results = gauntlet(model, given.scenario, archetype, given.pairs, others, record=given.out is not None)
    Console(width=WIDE, emoji=False, markup=False).print(table_of(results))
    for number, result in enumerate(results if given.out else ()):
        save_result(result, given.out / f"{number:02d}-{folder_name(result.second)}")
    for result in results:
        result.score  # noqa: B018 - a line without evidence is an error, and no line of a table
    return 0


def _gate(given: argparse.Namespace) -> int:
    candidate = player_of(given.model)
    previous = None if given.previous is None else player_of(given.previous)
    archetype = _archetype(given, [candidate, *([previous] if previous else [])])
    gates = (
        gates_with_exploiter(given.model, previous, given.scenario, archetype)
        if given.exploiter
        else stage_gates(previous)
    )
    told = through_all(candidate, gates, given.scenario, archetype, record=False)
    for verdict in told:
        print(verdict)
    return 0 if told[-1].verdict == ACCEPT else 1


def _ladder(given: argparse.Namespace) -> int:
    players = [player_of(name) for name in given.models]
    if given.plot is not None:
        check_picture(given.plot)
        given.plot.parent.mkdir(parents=True, exist_ok=True)  # before anything is played
    found = everybody(players, given.scenario, _archetype(given, players), given.pairs)
    Console(width=WIDE, emoji=False, markup=False).print(ladder_table(found))
    for warning in found.warnings():
        print(warning)
    if given.plot is not None:
        plot_ladder(found, given.plot)
    return 0


def _film(given: argparse.Namespace) -> int:
    film(load_result(given.result).recording(given.number, given.side), given.to)
    return 0


def _make_folder(folder: Path) -> None:
    """A new folder to write into; ValueError where there can be none."""
    if folder.is_dir() and any(folder.iterdir()):
        raise ValueError(f"{folder} holds something already, expected a new folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"{folder} cannot be made ({error.strerror}), expected a new folder") from None
    if not os.access(folder, os.W_OK):
        raise ValueError(f"{folder} cannot be written into, expected a new folder")


def _part(
    parts: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str,
    run: Callable[[argparse.Namespace], int], told: str,
) -> argparse.ArgumentParser:  # fmt: skip
    made = parts.add_parser(name, help=told, description=told)
    made.set_defaults(run=run)
    made.add_argument("--scenario", default=USUAL, help=f"default {USUAL}")
    made.add_argument("--archetype", choices=ARCHETYPES, help="the model's own by default")
    return made


def _archetype(given: argparse.Namespace, players: Sequence[Player]) -> str:
    found = given.archetype or next((player.archetype for player in players if player.archetype), None)
    if found is None:
        if broken := next((player.broken for player in players if player.broken), None):
            raise FaultError(broken)
        raise ValueError("--archetype is missing: none of these was trained for one")
    return str(found)


if __name__ == "__main__":
    end_with(main)
