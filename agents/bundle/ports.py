"""What an exported model takes and gives: names, shapes and meanings of its inputs and outputs."""

import hashlib
import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from mlmonster_env.contract import (
    CONTINUOUS,
    CONTROLS,
    ENTITY_FEATURES,
    ENTITY_KIND_ROWS,
    GRID_CHANNELS,
    HISTORY,
    LATENT,
    SHAPES,
    SKILL_FEATURES,
    VERSION,
    state_names,
)
from mlmonster_env.envs.arguments import ACTION_NAMES, MASK
from policies.actors import BOX, LOGITS, STRATEGY, THREAT, VALUES
from policies.masks import FORBIDDEN

SCORES, ACTION, MEMORY, LATER, STYLES, OWN_LATENT = "scores", "action", "memory", "memory_next", "styles", "latent"
BATCH = "batch"  # the first dimension of every input and output, of any length
BLOCK_MEANINGS: dict[str, str] = {
    "state": "the state vector",
    "grid": "channel, row from the south, column from the west, centred on the monster",
    "entities": "the nearest enemies, then the nearest allies, and what is known of each",
    "skills": "the skill slots, and what is known of each",
    "history": f"the last {HISTORY} state vectors, the newest last, zeros where none was seen",
    "latent": "what a pattern encoder says of the enemies, zeros while nobody was seen",
    MASK: "1 where an action is legal, else 0; without one contract.derive_mask tells it from the state",
}
SCORE_MEANINGS: dict[str, str] = {
    LOGITS: f"of each action, its logarithmic odds: their softmax is the probability; {FORBIDDEN:g} if it is illegal",
    VALUES: f"of each action, the return that is expected of it; {FORBIDDEN:g} if it is illegal",
}


class Port(BaseModel):
    """One input or output; every row of a batch is one monster."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    type: Literal["float32", "int64"]
    shape: tuple[int, ...]  # of one row
    meaning: str


def inputs_of(blocks: tuple[str, ...], control: str, memory_size: int) -> tuple[Port, ...]:
    """What a model takes: its blocks, and what it remembers."""
    found = [Port(name=b, type="float32", shape=shape_of(b, control), meaning=BLOCK_MEANINGS[b]) for b in blocks]
    if memory_size:
        told = f"{LATER} of the moment before, zeros where a match begins"
        found.append(Port(name=MEMORY, type="float32", shape=(memory_size,), meaning=told))
    return tuple(found)


def outputs_of(kind: str, control: str, memory_size: int, classes: int = 0) -> tuple[Port, ...]:
    """What a model gives; `classes` are the styles that a model of patterns knows."""
    found: list[Port] = []
    if kind in SCORE_MEANINGS:
        scores = SCORE_MEANINGS[kind]
        found.append(Port(name=SCORES, type="float32", shape=(CONTROLS[control],), meaning=scores))
        best = "the number of the legal action with the highest score, the first of equals"
        found.append(Port(name=ACTION, type="int64", shape=(), meaning=best))
    elif kind == BOX:
        does = f"{', '.join(CONTINUOUS)}, each from -1 to 1"
        found.append(Port(name=ACTION, type="float32", shape=(len(CONTINUOUS),), meaning=does))
    elif kind == THREAT:
        does = (
            "of each enemy row, the damage that it is expected to do over the watcher's hit points, the probability "
            "of any, and how far the ensemble's members are apart; 0 where there is nobody"
        )
        found.append(Port(name=THREAT, type="float32", shape=(ENTITY_KIND_ROWS, 3), meaning=does))
    elif kind == STRATEGY:
        odds = "of each style, its logarithmic odds: their softmax is the probability"
        found.append(Port(name=STYLES, type="float32", shape=(classes,), meaning=odds))
        latent = "what the network knows of how the monster plays"
        found.append(Port(name=OWN_LATENT, type="float32", shape=(LATENT,), meaning=latent))
    else:
        raise ValueError(f"kind is {kind!r}, expected {LOGITS}, {VALUES}, {BOX}, {THREAT} or {STRATEGY}")
    if memory_size:
        told = f"what is to be given as {MEMORY} at the next moment"
        found.append(Port(name=LATER, type="float32", shape=(memory_size,), meaning=told))
    return tuple(found)


def shape_of(block: str, control: str) -> tuple[int, ...]:
    """The shape of one row of a block."""
    return (CONTROLS[control],) if block == MASK else SHAPES[block]


def schema_hash(blocks: tuple[str, ...], control: str) -> str:
    """A hash of what every number that such a model sees and orders means in this program's contract."""
    features: dict[str, Any] = {
        "state": state_names(), "history": state_names(), "grid": GRID_CHANNELS, "entities": ENTITY_FEATURES,
        "skills": SKILL_FEATURES,
    }  # fmt: skip
    told = {
        "contract": VERSION,
        "sees": {block: [shape_of(block, control), features.get(block)] for block in blocks},
        "orders": ACTION_NAMES.get(control, CONTINUOUS if control else None),
    }
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
