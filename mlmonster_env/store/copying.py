"""A batch into the table: all of it or nothing, and once, however often it is tried."""

from typing import Any
from uuid import UUID

import psycopg

from mlmonster_env.store.experience import Experience
from mlmonster_env.store.wire import COPY, HEADER, TRAILER, copy_rows


def write_batch(connection: psycopg.Connection[Any], rows: Experience, token: UUID) -> bool:
    """Write rows in one transaction; False where the batch of this token was written before."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ml_experience_batches (token, rows) VALUES (%s, %s) ON CONFLICT DO NOTHING", [token, len(rows)]
        )
        if not cursor.rowcount:
            return False
        with cursor.copy(COPY) as copy:
            copy.write(HEADER)
            copy.write(copy_rows(rows))
            copy.write(TRAILER)
        return True
