"""What each visible enemy then did: rows of what was seen, and the damage that followed."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from agents.opponents.offers import takes_offers
from mlmonster_env.contract import ENTITY_KIND_ROWS, SIGHT
from mlmonster_env.envs.battle import Array, Battle
from mlmonster_env.sim import fields as f
from policies.storage import Tree

NOBODY = -1


def enemies_in_rows(battle: Battle) -> Array:
    """Which unit stands in each enemy row of what slots see: [slots, 6], -1 for nobody; the nearest first."""
    units = battle.arena.units
    match, unit = battle.matches, battle.units
    x, y = units[:, f.X], units[:, f.Y]
    cells = np.maximum(np.abs(x[match] - x[match, unit][:, None]), np.abs(y[match] - y[match, unit][:, None]))
    hostile = units[match, f.SIDE] != units[match, f.SIDE, unit][:, None]
    seen = hostile & (units[match, f.ALIVE] != 0) & (cells <= SIGHT) & battle.alive[:, None]
    places = np.arange(cells.shape[1])
    order = np.argsort(np.where(seen, cells * len(places) + places, np.iinfo(np.int32).max), 1)[:, :ENTITY_KIND_ROWS]
    found: Array = np.where(np.take_along_axis(seen, order, 1), order, NOBODY)
    return found


def check_matches(env: Any) -> None:
    """ValueError where some shard would have matches that are held out and none to learn from."""
    fewest = min(shard.battle.num_matches for shard in env.shards)
    if fewest < 2:
        shards = len(env.shards)
        among = f" in each of {shards} scenarios" if shards > 1 else ""
        raise ValueError(f"batch.matches leaves {fewest}{among}, expected at least 2{among}: some are held out")


@dataclass
class Watched:
    """Rows of what was seen and what followed; `damage` is over the watcher's hit points."""

    state: Array
    entities: Array
    damage: Array  # [rows, 6]
    held_out: Array  # of matches that are not learnt from

    def __len__(self) -> int:
        return len(self.state)

    def where(self, chosen: Array) -> "Watched":
        """Some of the rows."""
        return Watched(self.state[chosen], self.entities[chosen], self.damage[chosen], self.held_out[chosen])

    def latest(self, most: int) -> "Watched":
        """The last rows, no more than so many."""
        return self.where(np.arange(max(0, len(self) - most), len(self)))

    @classmethod
    def of(cls, parts: "list[Watched]") -> "Watched":
        """All parts in one."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__dataclass_fields__))

    def as_tree(self) -> Tree:
        """To be written down."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def watch(env: Any, seen: dict[str, Array], steps: int, horizon: int, every: int, apart: int) -> tuple[Watched, Any]:
    """Let stock minds fight for so many decisions; rows of every `every`-th one, and what is seen at the end.

    `horizon` decisions make what followed. Every `apart`-th match of the batch is held out.
    """
    battle: Battle = env.battle
    count = battle.num_matches
    dealt = np.zeros((steps, count, battle.arena.units.shape[2]))
    running = np.zeros((steps + 1, count), np.int64)  # which match of its row each moment belongs to
    kept = []
    max_hp = battle.arena.tables.species[:, f.MAX_HP]
    for step in range(steps):
        if step % every == 0 and step + horizon <= steps:
            whole = max_hp[battle.arena.units[battle.matches, f.SPECIES, battle.units]]
            kept.append((step, seen["state"], seen["entities"], enemies_in_rows(battle), whole))
        seen, _, dones, _ = env.step(takes_offers(seen))
        dealt[step] = battle.arena.tally[:, f.T_DEALT]  # an account outlives the beginning of its row's next match
        running[step + 1] = running[step] + dones.reshape(count, -1)[:, 0]
    return Watched.of([_labelled(battle, *k, dealt, running, horizon, apart) for k in kept]), seen


def _labelled(
    battle: Battle, step: int, state: Array, entities: Array, enemies: Array, whole: Array, dealt: Array,
    running: Array, horizon: int, apart: int,
) -> Watched:  # fmt: skip
    match = battle.matches
    same = (running[step : step + horizon] == running[step]).astype(float)  # until the match ended
    followed = (dealt[step : step + horizon] * same[..., None]).sum(0)
    damage = np.where(enemies >= 0, followed[match[:, None], np.maximum(enemies, 0)], 0.0)
    rows = np.flatnonzero((enemies >= 0).any(1))
    share = (damage / np.maximum(whole, 1)[:, None]).astype(np.float32)
    return Watched(state[rows], entities[rows], share[rows], (match % apart == 0)[rows])
