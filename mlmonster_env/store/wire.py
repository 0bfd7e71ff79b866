"""Experience as PostgreSQL's binary rows: packed by NumPy, a block at a time."""

from typing import Any

import numpy as np

from mlmonster_env.contract import STATE_SIZE
from mlmonster_env.store.experience import DTYPES, Array, Experience

TABLE = "ml_experience_replay"
HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"

TEXTS = ("archetype", "model_type", "model_version")
COLUMN_OF = {"state": "state_vector", "next_state": "next_state_vector"}  # where the names differ
WIRE: dict[str, Any] = {
    "monster_id": ">i8",
    "episode_id": ">i8",
    "tick": ">i8",
    "action": ">i4",
    "log_probability": ">f4",
    "reward": ">f4",
    "done": "u1",
    "truncated": "u1",
    "priority": ">f4",
    "state": ("<f4", (STATE_SIZE,)),
    "next_state": ("<f4", (STATE_SIZE,)),
}  # bytes as the server's types have them; vectors are the contract's own
COLUMNS = tuple(COLUMN_OF.get(name, name) for name in DTYPES)
COPY = f"COPY {TABLE} ({', '.join(COLUMNS)}) FROM STDIN (FORMAT binary)"


def copy_rows(rows: Experience) -> bytes:
    """What `COPY` reads for these rows, in their order, without its header and trailer."""
    groups = _alike(rows)
    if len(groups) == 1:
        return _packed(rows)
    pieces = np.empty(len(rows), object)
    for group in groups:
        packed = _packed(rows.where(group))
        size = len(packed) // len(group)
        pieces[group] = [packed[start : start + size] for start in range(0, len(packed), size)]
    return b"".join(pieces.tolist())


def _alike(rows: Experience) -> list[Array]:
    """Numbers of rows by what makes their bytes lie differently: their texts, and whether a probability is known."""
    codes = np.zeros(len(rows), np.int64)
    for key in (*(getattr(rows, name) for name in TEXTS), np.isnan(rows.log_probability)):
        if not (key == key[:1]).all():
            values, own = np.unique(key, return_inverse=True)
            codes = codes * len(values) + own
    return [np.flatnonzero(codes == code) for code in np.unique(codes)]


def _packed(block: Experience) -> bytes:
    layout: list[Any] = [("count", ">i2")]
    values: list[tuple[str, Any]] = [("count", len(DTYPES))]
    for name in DTYPES:
        value: Array = getattr(block, name)
        if name in TEXTS:
            text = str(value[0]).encode()
            layout += [(f"{name} length", ">i4"), (name, f"V{len(text)}")]
            values += [(f"{name} length", len(text)), (name, np.void(text))]
        elif name == "log_probability" and np.isnan(value[0]):
            layout.append((f"{name} length", ">i4"))
            values.append((f"{name} length", -1))
        else:
            kind = WIRE[name]
            plain = kind if isinstance(kind, tuple) else (kind, ())
            layout += [(f"{name} length", ">i4"), (name, *plain)]
            values += [(f"{name} length", np.dtype(plain).itemsize), (name, value)]
    packed = np.empty(len(block), np.dtype(layout))
    for name, value in values:
        packed[name] = value
    return packed.tobytes()
