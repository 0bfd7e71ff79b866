"""Experience to put into a store: each can be told from all others."""

import time
from typing import Any
from uuid import uuid4

import numpy as np

from mlmonster_env.contract import STATE_SIZE
from mlmonster_env.store import Experience, ExperienceStream, Store, Wanted, Watermark
from mlmonster_env.store.copying import write_batch


def make_rows(count: int, first: int = 0, **columns: Any) -> Experience:
    """Rows of one monster's way, whose ticks are `first` and on; states tell them apart."""
    ticks = np.arange(first, first + count)
    state = np.zeros((count, STATE_SIZE), np.float32)
    state[:, 0] = ticks / 1e6
    given: dict[str, Any] = {
        "archetype": "mage", "model_type": "combat_dqn", "model_version": "stock", "monster_id": 1, "episode_id": 1,
        "tick": ticks, "action": ticks % 10, "reward": ticks / 2, "done": False, "state": state,
        "next_state": state + np.float32(1e-6), **columns,
    }  # fmt: skip
    return Experience.of(**given)


def write(database: Store, *parts: Experience) -> None:
    """Put batches into the store, each in a transaction of its own."""
    with database.connect() as connection:
        for part in parts:
            write_batch(connection, part, uuid4())
    settle(database)


def settle(database: Store, seconds: float = 60.0) -> None:
    """Wait until what is written can be read: readers wait for all older transactions of a server, other tests' too."""
    until = time.monotonic() + seconds
    with database.connect(autocommit=True) as connection:
        while time.monotonic() < until:
            found = connection.execute(
                "SELECT coalesce(max(transaction_id) < pg_snapshot_xmin(pg_current_snapshot()), true) "
                "FROM ml_experience_replay"
            ).fetchone()
            if found is not None and found[0]:
                return
            time.sleep(0.02)
    raise TimeoutError(f"some transaction of the server has been open for {seconds:g} s")


def ticks_of(database: Store, wanted: Wanted | None = None, after: Watermark | None = None, **given: Any) -> list[int]:
    """The ticks of all that a stream gives out once everything written can be read, in its order."""
    settle(database)
    with ExperienceStream(database, wanted, after=after, **given) as stream:
        return [tick for batch in stream for tick in batch.transitions.tick.tolist()]
