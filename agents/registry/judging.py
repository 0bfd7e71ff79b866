"""Gates asked for the registry, and what they said as evidence."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from agents.judge.gates import MOST_PAIRS, GateVerdict, stage_gates, through_all
from agents.judge.players import player_of
from agents.registry.errors import NotAcceptedError
from mlmonster_env.data.errors import check_number
from mlmonster_env.scenarios import USUAL

Judge = Callable[[Path, Path | None, str], Sequence[GateVerdict]]  # candidate, who is in its place, archetype


def gates(scenario: str = USUAL, most_pairs: int = MOST_PAIRS) -> Judge:
    """Who lets a bundle meet random orders, the stock AI, and whoever is in the place that it is to take."""
    check_number("most_pairs", most_pairs, 1)

    def judge(candidate: Path, previous: Path | None, archetype: str) -> Sequence[GateVerdict]:
        player = player_of(candidate)
        if player.broken:
            raise NotAcceptedError(f"no gate can judge it: {player.broken}; expected --force with a --reason")
        before = None if previous is None else player_of(previous)
        return through_all(player, stage_gates(before), scenario, archetype, record=False, most_pairs=most_pairs)

    return judge


def told(verdicts: Sequence[GateVerdict]) -> list[dict[str, Any]]:
    """Verdicts as the history keeps them."""
    return [asdict(verdict) for verdict in verdicts]
