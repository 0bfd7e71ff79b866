"""Prioritised sampling: rows are drawn in proportion to their priority, and it is told how likely each was."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import psycopg

from mlmonster_env.store.database import Store
from mlmonster_env.store.experience import Array, is_priority
from mlmonster_env.store.filters import Wanted, Watermark
from mlmonster_env.store.rows import StoredBatch, read_rows
from mlmonster_env.store.wire import TABLE

CAPACITY = 1_000_000
EXPONENT = 0.6
CORRECTION = 0.4
NAME = np.dtype([("transaction_id", ">i8"), ("id", ">i8"), ("priority", ">f4")])
NAMES_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class PrioritySample:
    """Rows that were drawn, with replacement."""

    batch: StoredBatch
    probability: Array  # float64: how likely a draw was to take this row
    weight: Array  # float32: (rows x probability) to the power of minus `correction`, over the largest of the sample


class PrioritySampler:
    """Knows the names and priorities of the newest `capacity` wanted rows (20 bytes each) and draws among them.

    A row's chance is its priority to the power of `exponent`. Priorities that others change are seen by a new sampler.
    """

    def __init__(
        self,
        database: Store,
        wanted: Wanted | None = None,
        *,
        capacity: int = CAPACITY,
        exponent: float = EXPONENT,
        seed: int | None = None,
    ) -> None:
        if not (capacity >= 1 and 0 <= exponent < np.inf):
            raise ValueError(f"capacity is {capacity} and exponent {exponent}, expected at least 1 and 0")
        self._database = database
        self._wanted = wanted or Wanted()
        self._capacity = capacity
        self._exponent = exponent
        self._random = np.random.default_rng(seed)
        self._names = np.zeros(0, NAME)
        self._watermark = Watermark()

    def __len__(self) -> int:
        return len(self._names)

    def refresh(self) -> int:
        """Take in what is new; how many rows that was. Nothing that commits late is missed."""
        clauses, values = self._wanted.conditions()
        values |= {
            "transaction": self._watermark.transaction, "row": self._watermark.row, "limit": self._capacity,
        }  # fmt: skip
        query = (
            "SELECT xid8send(transaction_id) || int8send(id) || float4send(priority) "
            f"FROM {TABLE} WHERE (transaction_id, id) > (%(transaction)s::text::xid8, %(row)s) "
            f"AND transaction_id < pg_snapshot_xmin(pg_current_snapshot()){clauses} "
            "ORDER BY transaction_id DESC, id DESC LIMIT %(limit)s"
        )
        parts = []
        with self._database.connect() as connection, connection.cursor("names", binary=True) as cursor:
            cursor.execute(query.encode(), values)
            while rows := cursor.fetchmany(NAMES_AT_ONCE):
                parts.append(np.frombuffer(b"".join(name for (name,) in rows), NAME))
        if not parts:
            return 0
        fresh = np.concatenate(parts)[::-1]
        self._watermark = Watermark(int(fresh["transaction_id"][-1]), int(fresh["id"][-1]))
        self._names = np.concatenate([self._names, fresh])[-self._capacity :]
        return len(fresh)

    def draw(self, count: int, correction: float = CORRECTION) -> PrioritySample:
        """Draw rows, and count them as sampled in the store."""
        if count < 1:
            raise ValueError(f"count is {count}, expected at least 1")
        if not 0 <= correction < np.inf:
            raise ValueError(f"correction is {correction}, expected 0 or more, and finite")
        with self._database.connect() as connection:
            while True:
                priority = self._names["priority"].astype(np.float64)
                most = priority.max(initial=0.0) or 1.0  # over it, or a great power of a great one would be infinite
                chance = np.where(priority > 0, (priority / most) ** self._exponent, 0.0)
                total = chance.sum()
                if not total > 0:
                    raise ValueError(f"{len(self)} rows have a priority above 0, expected some: refresh, or want more")
                chosen = np.searchsorted(chance.cumsum() / total, self._random.random(count), side="right")
                chosen = np.minimum(chosen, len(self) - 1)
                names = self._names[chosen]
                batch = read_rows(connection, names["transaction_id"], names["id"])
                if len(batch) == count:
                    break
                self._forget_missing(connection, names, batch)
            _count_as_sampled(connection, names)
        probability = chance[chosen] / total
        weight = (len(self) * probability) ** -correction
        return PrioritySample(batch, probability, (weight / weight.max()).astype(np.float32))

    def set_priorities(self, batch: StoredBatch, priorities: Array) -> None:
        """Give rows other priorities, here and in the store; where a row is named twice the last one holds."""
        given = np.asarray(priorities, np.float32)
        if given.shape != (len(batch),) or not is_priority(given).all():
            raise ValueError(
                f"priorities are of shape {given.shape}, expected ({len(batch)},), each finite, and 0 or more"
            )
        names = zip(batch.transaction_id.tolist(), batch.id.tolist(), strict=True)
        by_name = dict(zip(names, given.tolist(), strict=True))
        with self._database.connect() as connection:
            _hold(connection, batch.transaction_id, batch.id)
            connection.execute(
                f"UPDATE {TABLE} SET priority = named.priority "
                "FROM unnest(%s::text[]::xid8[], %s::bigint[], %s::real[]) AS named (t, i, priority) "
                "WHERE (transaction_id, id) = (named.t, named.i)",
                [[str(t) for t, _ in by_name], [i for _, i in by_name], list(by_name.values())],
            )
        order = np.argsort(self._names["id"], kind="stable")
        ids = np.array([i for _, i in by_name], np.int64)
        places = np.searchsorted(self._names["id"][order], ids)
        for place, number, priority in zip(places.tolist(), ids.tolist(), by_name.values(), strict=True):
            if place < len(order) and self._names["id"][order[place]] == number:
                self._names["priority"][order[place]] = priority

    def _forget_missing(self, connection: psycopg.Connection[Any], drawn: Array, found: StoredBatch) -> None:
        """Rows may have grown too old meanwhile: whole days go at once, and some that came later than what stays."""
        row = connection.execute(f"SELECT min(transaction_id)::text::bigint FROM {TABLE}").fetchone()
        oldest = row[0] if row and row[0] is not None else None
        there = set(zip(found.transaction_id.tolist(), found.id.tolist(), strict=True))
        gone = [name for name in drawn[["transaction_id", "id"]].tolist() if name not in there]
        stay = ~np.isin(self._names["id"], [number for _, number in gone])
        stay |= ~np.isin(self._names["transaction_id"], [transaction for transaction, _ in gone])
        if oldest is not None:
            stay &= self._names["transaction_id"] >= oldest
        before = len(self)
        self._names = self._names[stay]
        if len(self) == before:
            raise LookupError("rows of the sample are more than once in the store, expected each once")


def _hold(connection: psycopg.Connection[Any], transaction_id: Array, number: Array) -> None:
    """Lock rows in one order, whoever it is: two who change the same ones would else wait for each other for good."""
    connection.execute(
        f"SELECT FROM unnest(%s::text[]::xid8[], %s::bigint[]) AS named (t, i) "
        f"JOIN {TABLE} ON (transaction_id, id) = (named.t, named.i) "
        f"ORDER BY transaction_id, id FOR NO KEY UPDATE OF {TABLE}".encode(),
        [[str(one) for one in transaction_id.tolist()], number.tolist()],
    )


def _count_as_sampled(connection: psycopg.Connection[Any], names: np.ndarray[Any, Any]) -> None:
    unique, counts = np.unique(names[["transaction_id", "id"]], return_counts=True)
    _hold(connection, unique["transaction_id"], unique["id"])
    connection.execute(
        f"UPDATE {TABLE} SET sample_count = sample_count + named.times "
        "FROM unnest(%s::text[]::xid8[], %s::bigint[], %s::integer[]) AS named (t, i, times) "
        "WHERE (transaction_id, id) = (named.t, named.i)",
        [[str(t) for t in unique["transaction_id"].tolist()], unique["id"].tolist(), counts.tolist()],
    )
