"""Rows of the store as the server sends them: three texts, and a block of bytes that NumPy takes apart.

The server packs the block itself: to make Python objects of eighteen columns would take three times as long.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import psycopg

from mlmonster_env.contract import STATE_SIZE
from mlmonster_env.store.experience import DTYPES, Array, Experience
from mlmonster_env.store.filters import Watermark
from mlmonster_env.store.wire import TABLE, TEXTS

# What a row's block is made of: name, type, and how the server writes it.
PARTS: tuple[tuple[str, Any, str], ...] = (
    ("transaction_id", (">i8",), "xid8send(transaction_id)"),
    ("id", (">i8",), "int8send(id)"),
    ("timestamp", (">i8",), 'timestamptz_send("timestamp")'),
    ("sample_count", (">i4",), "int4send(sample_count)"),
    ("monster_id", (">i8",), "int8send(monster_id)"),
    ("episode_id", (">i8",), "int8send(episode_id)"),
    ("tick", (">i8",), "int8send(tick)"),
    ("action", (">i4",), "int4send(action)"),
    ("log_probability", (">f4",), "float4send(coalesce(log_probability, 'NaN'))"),
    ("reward", (">f4",), "float4send(reward)"),
    ("done", ("?",), "boolsend(done)"),
    ("truncated", ("?",), "boolsend(truncated)"),
    ("priority", (">f4",), "float4send(priority)"),
    ("state", ("<f4", (STATE_SIZE,)), "state_vector"),
    ("next_state", ("<f4", (STATE_SIZE,)), "next_state_vector"),
)
BLOCK = np.dtype([(name, *kind) for name, kind, _ in PARTS])
SELECTED = f"{', '.join(TEXTS)}, {' || '.join(written for _, _, written in PARTS)}"
EPOCH = np.datetime64("2000-01-01T00:00:00", "us")  # the server's


@dataclass(frozen=True, slots=True, eq=False)
class StoredBatch:
    """Experience as they lie in the store."""

    transitions: Experience
    transaction_id: Array  # (transaction_id, id) names a row
    id: Array
    sample_count: Array
    timestamp: Array  # datetime64[us], UTC

    def __len__(self) -> int:
        return len(self.id)

    @property
    def watermark(self) -> Watermark:
        """The place of the last row."""
        return Watermark(int(self.transaction_id[-1]), int(self.id[-1]))


def batch_of(rows: list[tuple[Any, ...]]) -> StoredBatch:
    """What rows of `SELECTED`, fetched as binary, say."""
    archetype, model_type, model_version, blocks = zip(*rows, strict=True) if rows else ((), (), (), ())
    packed = np.frombuffer(b"".join(blocks), BLOCK)
    texts = dict(zip(TEXTS, map(_as_array, (archetype, model_type, model_version)), strict=True))
    columns = {name: texts[name] if name in texts else np.array(packed[name], DTYPES[name]) for name in DTYPES}
    return StoredBatch(
        transitions=Experience(**columns),
        transaction_id=packed["transaction_id"].astype(np.int64),
        id=packed["id"].astype(np.int64),
        sample_count=packed["sample_count"].astype(np.int32),
        timestamp=EPOCH + packed["timestamp"].astype("timedelta64[us]"),
    )


def _as_array(texts: Sequence[str]) -> Array:
    """Few texts, many times: NumPy takes fifty times as long to look at each."""
    places = {text: place for place, text in enumerate(dict.fromkeys(texts))}
    if len(places) == 1:
        return np.full(len(texts), texts[0])
    return np.array(list(places), np.str_)[np.fromiter(map(places.__getitem__, texts), np.intp, len(texts))]


def read_rows(connection: psycopg.Connection[Any], transaction_id: Array, number: Array) -> StoredBatch:
    """The rows of these names that are still there, in the order of the names; a name may be given more than once."""
    query = (
        f"SELECT {SELECTED} FROM unnest(%s::text[]::xid8[], %s::bigint[]) WITH ORDINALITY AS named (t, i, place) "
        f"JOIN {TABLE} ON (transaction_id, id) = (named.t, named.i) ORDER BY place"
    )
    with connection.cursor(binary=True) as cursor:
        names = [str(one) for one in transaction_id.tolist()]
        return batch_of(cursor.execute(query.encode(), [names, number.tolist()]).fetchall())
