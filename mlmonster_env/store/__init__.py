"""What is kept: one PostgreSQL database, its schema, and experience in and out of it."""

from mlmonster_env.store.database import Database
from mlmonster_env.store.filters import Wanted, Watermark
from mlmonster_env.store.migrating import migrate
from mlmonster_env.store.rows import StoredBatch
from mlmonster_env.store.stream import ExperienceStream
from mlmonster_env.store.transitions import Transitions
from mlmonster_env.store.writer import ExperienceWriter

__all__ = [
    "Database", "ExperienceStream", "ExperienceWriter", "StoredBatch", "Transitions", "Wanted", "Watermark", "migrate",
]  # fmt: skip
