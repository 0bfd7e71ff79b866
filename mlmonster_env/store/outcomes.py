"""How episodes ended, for each monster in them."""

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from typing import Any

import psycopg

from mlmonster_env.contract import ARCHETYPES, MODEL_TYPES
from mlmonster_env.data.errors import one_of

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

    def __post_init__(self) -> None:
        for name, known in (("archetype", ARCHETYPES), ("model_type", MODEL_TYPES), ("outcome", ENDINGS)):
            if getattr(self, name) not in known:
                raise ValueError(
                    f"{name} is {getattr(self, name)!r}, expected {one_of(str(getattr(self, name)), known)}"
                )
        if not isinstance(self.model_version, str) or not self.model_version.isprintable():
            raise ValueError(f"model_version is {self.model_version!r}, expected printable text")
        for name in ("steps", "duration_ms"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} is {getattr(self, name)}, expected 0 or more")
        if not math.isfinite(self.total_reward):  # one such would make every mean of them so
            raise ValueError(f"total_reward is {self.total_reward}, expected a finite number")


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
