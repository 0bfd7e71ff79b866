"""How episodes ended, for each monster in them."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from typing import Any

import numpy as np
import psycopg

from mlmonster_env.contract import ARCHETYPES, MODEL_TYPES
from mlmonster_env.data.errors import one_of, whole

TABLE = "ml_episode_outcomes"
ENDINGS = ("won", "lost", "drawn", "cut")
# Whole numbers, and the bits that the table has for them.
WHOLE = {
    "monster_id": 64, "episode_id": 64, "steps": 32, "duration_ms": 64,
    "damage_dealt": 64, "damage_taken": 64, "kills": 32,
}  # fmt: skip
OPTIONAL = ("damage_dealt", "damage_taken", "kills")
MOST_REWARD = float(np.finfo(np.float32).max)


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
        if not isinstance(self.model_version, str) or not (
            self.model_version.strip() and self.model_version.isprintable()
        ):
            raise ValueError(f"model_version is {self.model_version!r}, expected printable text")
        for name, bits in WHOLE.items():
            value = getattr(self, name)
            if not (_is_whole(value, bits) or (value is None and name in OPTIONAL)):
                raise ValueError(f"{name} is {value!r}, expected a whole number of {bits} bits")
        if not isinstance(self.survived, bool | np.bool_):
            raise ValueError(f"survived is {self.survived!r}, expected True or False")
        for name in ("steps", "duration_ms"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} is {getattr(self, name)}, expected 0 or more")
        reward = self.total_reward
        # One that is not finite would make every mean of them so.
        if not (isinstance(reward, int | float | np.number) and abs(reward) <= MOST_REWARD):
            raise ValueError(f"total_reward is {reward!r}, expected a finite number of 32 bits")


def _is_whole(value: Any, bits: int) -> bool:
    return whole(value) and -(1 << (bits - 1)) <= int(value) < 1 << (bits - 1)


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
