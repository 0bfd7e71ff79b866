"""What is kept: one PostgreSQL database, its schema, and experience in and out of it."""

from mlmonster_env.store.database import Store
from mlmonster_env.store.experience import Experience
from mlmonster_env.store.filters import Wanted, Watermark
from mlmonster_env.store.migrating import migrate
from mlmonster_env.store.rows import StoredBatch
from mlmonster_env.store.stream import ExperienceStream
from mlmonster_env.store.writer import ExperienceWriter

__all__ = [
    "Experience",
    "ExperienceStream",
    "ExperienceWriter",
    "Store",
    "StoredBatch",
    "Wanted",
    "Watermark",
    "migrate",
]
