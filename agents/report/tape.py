"""A match as the page's player takes it: where everybody was, as small whole numbers, and what the model thought."""

import base64
from dataclasses import dataclass
from typing import Any

import numpy as np

from agents.judge.matches import MatchResult
from agents.judge.players import STOCK
from agents.report.replayed import moments
from agents.report.sources import Subject
from mlmonster_env.contract import COMBAT_ACTIONS, CONTINUOUS, ENTITY_KIND_ROWS, MOVE_NAMES, NO_SKILL, SIGNALS
from mlmonster_env.envs.battle import MASK, Array
from mlmonster_env.envs.render import Frame, frame_around
from mlmonster_env.sim import fields as f
from mlmonster_env.sim.recording import Recording
from mlmonster_env.sim.scene import Scene
from policies.actors import LOGITS, THREAT, VALUES
from policies.extractors.entities import PRESENT
from policies.masks import FORBIDDEN

TICKS = 2  # between two frames
FRAME_MS = TICKS * f.THINK_MS
NOBODY = 255
LEVELS = 250  # that a number is told in; ILLEGAL is one more
ILLEGAL = 255
HERE, ALIVE, CASTING = 1, 2, 4  # bits of a unit's flags
ACTIONS: dict[str, tuple[str, ...]] = {
    "combat": COMBAT_ACTIONS,
    "movement": MOVE_NAMES,
    "skill": (*(f"skill slot {number + 1}" for number in range(NO_SKILL)), "no skill"),
    "pack": SIGNALS,
    "continuous": CONTINUOUS,
}
KINDS = {
    LOGITS: "probability of each order",
    VALUES: "value of each order (the return that is expected)",
    THREAT: "chance that each enemy in sight does damage within the time that it was taught",
}
BOX_KIND = "each number of the order, from -1 to 1"


@dataclass(frozen=True)
class ShownMatch:
    """A match worth looking at, and why."""

    result: MatchResult
    seed: int
    side: int
    start: str

    @property
    def recording(self) -> Recording:
        return self.result.recording(self.seed, self.side)

    @property
    def outcome(self) -> str:
        found = int(np.flatnonzero(self.result.seeds == self.seed)[0])
        return {1.0: "won", 0.0: "lost", 0.5: "drawn"}[float(self.result.scores[found, self.side])]

    @property
    def title(self) -> str:
        against = "the stock AI" if self.result.second.name == STOCK else self.result.second.name
        return f"{self.start}, {self.outcome} against {against}"


def chosen(results: dict[str, MatchResult], worst: MatchResult | None) -> list[ShownMatch]:
    """The first match won and the first one lost of each start, and the first one lost to whom it loses most.

    The start whose matches are the shortest comes first.
    """
    found = []
    for start, result in sorted(results.items(), key=lambda told: _length(told[1])):
        found += [shown for score in (1.0, 0.0) if (shown := _first(result, score, start)) is not None]
    if worst is not None and worst.second.name != STOCK and (shown := _first(worst, 0.0, "any start")) is not None:
        found.append(shown)
    return found


def tape(subject: Subject, shown: ShownMatch) -> dict[str, Any]:
    """The match as plain numbers and text, arrays in base64."""
    recording = shown.recording
    scenes = list(recording.scenes(ticks=TICKS))
    frame = frame_around(scenes)
    rows, columns = slice(frame.bottom, frame.bottom + frame.height), slice(frame.left, frame.left + frame.width)
    ground = scenes[0].walkable[rows, columns].astype(np.uint8)
    if scenes[0].hazard is not None:
        ground = np.where(scenes[0].hazard[rows, columns] & (ground == 1), 2, ground)
    return {
        "title": shown.title,
        "outcome": shown.outcome,
        "seed": str(recording.seed),  # too large for a number of JavaScript's
        "side": shown.side,
        "digest": recording.digest[:12],
        "model": subject.name,
        "opponent": "stock AI" if shown.result.second.name == STOCK else shown.result.second.name,
        "frameMs": FRAME_MS,
        "seconds": len(recording.orders) * recording.ticks * f.THINK_MS / 1000,
        "width": frame.width,
        "height": frame.height,
        "ground": _packed(ground),
        "frames": len(scenes),
        **_units(scenes, frame.left, frame.bottom),
        "areas": _spans([_squares(scene, frame) for scene in scenes]),
        "items": _spans([[(x - frame.left, y - frame.bottom) for x, y in s.items] for s in scenes]),
        "thoughts": _thoughts(subject, shown),
    }


def _squares(scene: Scene, frame: Frame) -> list[tuple[int, ...]]:
    squares = [(*square, area.side) for area in scene.areas for square in area.squares]
    return [(x - frame.left, y - frame.bottom, radius, side) for x, y, radius, side in squares]


def _length(result: MatchResult) -> float:
    return float(np.mean([len(recording.orders) for pair in result.recordings for recording in pair]))


def _first(result: MatchResult, score: float, start: str) -> ShownMatch | None:
    found = np.argwhere(result.scores == score)
    return ShownMatch(result, int(result.seeds[found[0, 0]]), int(found[0, 1]), start) if len(found) else None


def _units(scenes: list[Scene], left: int, bottom: int) -> dict[str, Any]:
    """Who there is, and of each frame and unit: cell, hp, flags and whom it is after."""
    who = {(unit.place, unit.name): unit for scene in scenes for unit in scene.units}
    row = {key: number for number, key in enumerate(who)}
    shape = (len(scenes), len(who))
    x, y, flags = (np.zeros(shape, np.uint8) for _ in range(3))
    target = np.full(shape, NOBODY, np.uint8)
    hp = np.zeros(shape, np.uint32)
    for number, scene in enumerate(scenes):
        at = {unit.place: row[unit.place, unit.name] for unit in scene.units}
        for unit in scene.units:
            own = at[unit.place]
            x[number, own], y[number, own] = int(unit.x) - left, int(unit.y) - bottom
            hp[number, own] = max(unit.hp, 0)
            flags[number, own] = HERE | (not unit.dead) * ALIVE | unit.casting * CASTING
            target[number, own] = at.get(unit.target, NOBODY)
    told = [
        {
            "name": unit.name, "archetype": unit.archetype, "side": unit.side, "place": unit.place,
            "maxHp": unit.max_hp, "called": unit.called,
        }
        for unit in who.values()
    ]  # fmt: skip
    arrays: dict[str, Array] = {"x": x, "y": y, "hp": hp, "flags": flags, "target": target}
    return {"units": told, **{name: _packed(array) for name, array in arrays.items()}}


def _spans(frames: list[list[tuple[int, ...]]]) -> list[list[int]]:
    """What lies on the ground: first frame, the one after the last, and what it is."""
    told: list[list[int]] = []
    since: dict[tuple[int, ...], int] = {}
    for number, things in enumerate([*frames, []]):
        here = set(things)
        told += [[begun, number, *thing] for thing, begun in since.items() if thing not in here]
        since = {thing: since.get(thing, number) for thing in here}
    return sorted(told)


def _thoughts(subject: Subject, shown: ShownMatch) -> dict[str, Any]:
    """What the model said of each member at each decision, and the order that it gave."""
    policy = subject.policy
    assert policy is not None
    recording = shown.recording
    numbers, orders = [], []
    control, members = recording.controls[0]
    for moment in moments(policy, recording, shown.side):
        told = moment.told[..., 1] if policy.card.kind == THREAT else moment.told
        legal = moment.seen.get(MASK)
        if policy.card.kind == THREAT:
            told = np.where(moment.seen["entities"][:, :ENTITY_KIND_ROWS, PRESENT] > 0.5, told, np.nan)
        elif legal is not None:
            told = np.where((legal != 0) & (told > FORBIDDEN / 2), told, np.nan)
        numbers.append(np.where(moment.alive[:, None], told, np.nan))
        orders.append(moment.orders if moment.orders.ndim == 1 else np.full(len(moment.orders), NOBODY))
    values = np.stack(numbers)
    kind = policy.card.kind
    low, high = (0.0, 1.0) if kind in (LOGITS, THREAT) else (float(np.nanmin(values)), float(np.nanmax(values)))
    labels = [f"enemy {n + 1}" for n in range(ENTITY_KIND_ROWS)] if kind == THREAT else list(ACTIONS[control])
    return {
        "what": KINDS.get(kind, BOX_KIND),
        "share": kind in (LOGITS, THREAT),
        "labels": labels,
        "orders": list(ACTIONS[control]),
        "places": list(members),
        "everyMs": recording.ticks * f.THINK_MS,
        "low": low,
        "high": high,
        "numbers": _packed(_levels(values, low, high)),
        "given": _packed(np.stack(orders).astype(np.uint8)),
        "decisions": len(values),
    }


def _levels(values: Array, low: float, high: float) -> Array:
    known = np.isfinite(values)
    scaled = np.rint((np.where(known, values, low) - low) / max(high - low, 1e-9) * LEVELS)
    return np.where(known, np.clip(scaled, 0, LEVELS), ILLEGAL).astype(np.uint8)


def _packed(array: Array) -> str:
    """Little-endian bytes in base64."""
    return base64.b64encode(np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<"))).tobytes()).decode()
