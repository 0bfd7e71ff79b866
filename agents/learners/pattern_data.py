"""Frames of monsters whose style is known, and windows that are cut from them as a model will see them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from agents.learners.styled import WINNING, StyledVecEnv
from mlmonster_env.contract import HISTORY, STATE_SIZE
from mlmonster_env.envs.battle import Array
from mlmonster_env.envs.shards import ShardedVecEnv, parted, stacked
from mlmonster_env.plans import Plan
from mlmonster_env.scenarios import plan_of
from policies.storage import Tree
from rewards.payment import Payment

LEAST = 10  # frames that a window shows
SCENARIOS = ("mirror-v1:field", "mirror-v1:contact", "skirmish", "pack-4")  # learnt from
UNSEEN = ("skirmish-2v2", "skirmish-5v5", "pack-6")  # only judged on
PACKS_A_SHARD = 1 << 40
SPECIES_HELD_OUT = 2  # every how many-th, where a scenario names none


def plans(scenarios: Sequence[str | Plan] = SCENARIOS, split: str = "train") -> list[Plan]:
    """The plans of scenarios, each of them without the species that are held out, or with those alone."""
    found = []
    for scenario in scenarios:
        plan = plan_of(scenario)
        species = plan.held_out_species or SPECIES_HELD_OUT
        found.append(replace(plan, held_out_species=species).narrowed(split=split))
    return found


def styled_shards(
    archetype: str,
    matches: int,
    seed: int,
    *,
    scenarios: Sequence[str | Plan] = SCENARIOS,
    split: str = "train",
    payment: Payment = WINNING,
    **arguments: Any,
) -> ShardedVecEnv:
    """Matches between styles, as evenly as can be in each of the scenarios: a shard is a scenario."""
    chosen = plans(scenarios, split)
    if matches < len(chosen):
        raise ValueError(f"matches is {matches}, expected at least one for each of {len(chosen)} scenarios")
    counts = [matches // len(chosen) + (number < matches % len(chosen)) for number in range(len(chosen))]
    made = ShardedVecEnv(
        [
            StyledVecEnv(count, payment, archetype=archetype, scenario=plan, **arguments)
            for count, plan in zip(counts, chosen, strict=True)
        ]
    )
    made.seed(seed)
    return made


@dataclass
class Windows:
    """What a model sees of monsters, and what it is to say of them."""

    history: Array  # float32 [rows, HISTORY, 64], the newest frame last, zeros where none was seen
    style: Array
    pack: Array

    def __len__(self) -> int:
        return len(self.style)

    def where(self, chosen: Array) -> "Windows":
        """Some of the rows."""
        return Windows(self.history[chosen], self.style[chosen], self.pack[chosen])


@dataclass
class Tape:
    """Frames, one monster's stretch after the other; kept in half precision, half the bytes of what they came in."""

    frames: Array  # float16 [n, 64]
    age: Array  # which frame of its stretch each is, from 1
    style: Array
    pack: Array
    held_out: Array  # of matches that are not learnt from

    def __len__(self) -> int:
        return len(self.age)

    def where(self, chosen: Array) -> "Tape":
        """Some of the frames; whole stretches, or ages are no longer true."""
        return Tape(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))

    def latest(self, most: int) -> "Tape":
        """The last stretches, of no more than so many frames together."""
        begins = np.flatnonzero(self.age == 1)
        begins = begins[begins >= len(self) - most]
        return self.where(slice(begins[0] if len(begins) else len(self), None))  # type: ignore[arg-type]

    @classmethod
    def of(cls, parts: "Sequence[Tape]") -> "Tape":
        """All parts in one."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__dataclass_fields__))

    def as_tree(self) -> Tree:
        """To be written down."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def windows(self, ends: Array, lengths: Array | int) -> Windows:
        """Windows whose newest frames are `ends`; of at most so many frames each, and none from before its stretch."""
        back = np.arange(HISTORY - 1, -1, -1)
        seen = back < np.minimum(lengths, self.age[ends])[:, None]
        history = np.where(seen[..., None], self.frames[np.where(seen, ends[:, None] - back, 0)], 0).astype(np.float32)
        return Windows(history, self.style[ends].astype(np.int64), self.pack[ends])

    @property
    def can_be_drawn_from(self) -> bool:
        """Whether anything is long enough for a window."""
        return bool((self.age >= LEAST).any())

    def draw(self, random: np.random.Generator, count: int) -> Windows:
        """Windows at random moments; half of them show everything there is, half of them only the last so many frames.

        None shows less than LEAST frames.
        """
        able = np.flatnonzero(self.age >= LEAST)
        ends = able[random.integers(0, len(able), count)]
        return self.windows(ends, random.integers(LEAST, 2 * HISTORY, count))

    def after(self, frames: int) -> Windows:
        """One window of every stretch that was so long: what was seen when so many frames had been."""
        return self.windows(np.flatnonzero(self.age == frames), frames)


def watch(env: StyledVecEnv, seen: dict[str, Array], steps: int, apart: int) -> tuple[Tape, dict[str, Array]]:
    """Let styles play so many decisions; what each monster went through, and what is seen at the end.

    Every `apart`-th match of the batch is held out. Frames are those that `history` would hold: what a monster sees
    before the first decision of its match and after each while it lives. A stretch ends with the monster, its match, or
    the watching.
    """
    battle = env.battle
    slots = battle.num_slots
    frames = np.zeros((steps + 1, slots, STATE_SIZE), np.float16)
    style = np.zeros((steps + 1, slots), np.int8)
    pack = np.zeros((steps + 1, slots), np.int64)
    goes_on = np.zeros((steps + 1, slots), np.int64)
    frames[0], style[0], pack[0] = seen["state"], env.labels, env.packs
    for step in range(1, steps + 1):
        told: Any = env.step(env.play(seen))
        seen = told[0]
        frames[step], style[step], pack[step] = seen["state"], env.labels, env.packs
        goes_on[step] = ~told[2]  # else this is the first sight of the next match
    there = frames.any(-1).T
    run = np.where(there, 1, 0)
    for step in range(1, steps + 1):
        run[:, step] *= run[:, step - 1] * goes_on[step] + 1
    held_out = np.broadcast_to((battle.matches % apart == 0)[:, None], there.shape)
    return Tape(frames.transpose(1, 0, 2)[there], run[there], style.T[there], pack.T[there], held_out[there]), seen


def watch_shards(env: Any, seen: Any, steps: int, apart: int) -> tuple[Tape, dict[str, Array]]:
    """As `watch`, in every shard of what `styled_shards` made; packs of different shards have different numbers."""
    tapes, views = [], []
    for number, (shard, own) in enumerate(zip(env.shards, parted(seen, env.shards), strict=True)):
        tape, last = watch(shard, own, steps, apart)
        tapes.append(replace(tape, pack=tape.pack + number * PACKS_A_SHARD))
        views.append(last)
    return Tape.of(tapes), stacked(views)
