"""How episodes ended, for each monster in them."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from typing import Any

import psycopg

TABLE = "ml_episode_outcomes"
ENDINGS = ("won", "lost", "drawn", "cut")


@dataclass(frozen=True, slots=True)
class EpisodeOutcome:
    """One monster's way through an episode, as a whole. `outcome` is its side's, one of `ENDINGS`."""

    archetype: str
    model_type: str
    model_version: str
    monster_id: int
    episode_id: int
    outcome: str
    survived: bool
    steps: int
    duration_ms: int
    total_reward: float
    damage_dealt: int | None = None
    damage_taken: int | None = None
    kills: int | None = None


def write_outcomes(connection: psycopg.Connection[Any], outcomes: Sequence[EpisodeOutcome]) -> None:
    """Put outcomes into the store, within the connection's transaction."""
    columns = ", ".join(field.name for field in fields(EpisodeOutcome))
    with connection.cursor() as cursor, cursor.copy(f"COPY {TABLE} ({columns}) FROM STDIN".encode()) as copy:
        for outcome in outcomes:
            copy.write_row(astuple(outcome))


def new_episodes(connection: psycopg.Connection[Any], count: int) -> list[int]:
    """Numbers of episodes that nobody else has in this store."""
    rows = connection.execute("SELECT nextval('ml_episode_ids') FROM generate_series(1, %s)", [count]).fetchall()
    return [number for (number,) in rows]
