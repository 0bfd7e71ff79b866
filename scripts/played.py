"""Matches played to their ends, as transitions of each monster in them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from agents.opponents import STYLES, mix_of
from agents.opponents.offers import takes_offers
from agents.opponents.sight import BLOCKS
from agents.seeds import COLLECTED
from mlmonster_env.contract import ATTACK, CHANGE_TARGET, IDLE, MOVE_RANDOMLY, USE_HARM
from mlmonster_env.envs.battle import MASK, Array, Battle
from mlmonster_env.sim import fields as f
from mlmonster_env.sim import skill_columns as k
from mlmonster_env.store import Experience
from mlmonster_env.store.outcomes import EpisodeOutcome
from rewards import for_archetype

MODEL_TYPE = "combat_dqn"  # whose actions are recorded
STOCK_VERSION = "stock-ai"
SCRIPT_VERSION = "script-"  # and the name of the style
COUNTED = ("damage_dealt", "damage_taken", "kills")


@dataclass(frozen=True)
class Way:
    """One monster's way through a match, until it died or the match was over."""

    rows: Experience
    outcome: EpisodeOutcome

    def cut(self, most: int) -> "Way":
        """So many rows of it at most; where it is cut, its time is over."""
        if len(self.rows) <= most:
            return self
        rows = self.rows.where(slice(most))
        columns = rows.columns()
        last = np.arange(most) == most - 1
        decision_ms = self.outcome.duration_ms // len(self.rows)
        outcome = replace(
            self.outcome, outcome="cut", survived=True, steps=most, duration_ms=most * decision_ms,
            total_reward=float(rows.reward.sum()), damage_dealt=None, damage_taken=None, kills=None,
        )  # fmt: skip
        return Way(Experience.of(**{**columns, "done": last, "truncated": last}), outcome)


def play_scripts(archetype: str, scenario: str, episodes: Sequence[int]) -> list[Way]:
    """Mirror matches in which each side plays a style, drawn anew for each match."""
    battle = _battle(archetype, scenario, len(episodes), "combat", BLOCKS)
    sides = battle.scenario.sides[battle.units]
    slots_of = [np.flatnonzero(sides == side) for side in (0, 1)]
    mixes = [mix_of(dict.fromkeys(STYLES, 1.0), seed=2 * episodes[0] + side) for side in (0, 1)]
    for mix, slots in zip(mixes, slots_of, strict=True):
        mix.sit(battle.num_matches, len(slots) // battle.num_matches)
        mix.forget(np.arange(len(slots)))

    def act(seen: dict[str, Array]) -> Array:
        orders = np.full(battle.num_slots, IDLE)
        for mix, slots in zip(mixes, slots_of, strict=True):
            orders[slots] = mix({name: block[slots] for name, block in seen.items()})
        return orders

    styles = np.stack([mix.labels for mix in mixes], 1)[battle.matches, sides]
    versions = np.array([SCRIPT_VERSION + name for name in mixes[0].names])[styles]
    return _played(battle, archetype, episodes, act, lambda orders, before: orders, versions)


def play_stock(archetype: str, scenario: str, episodes: Sequence[int]) -> list[Way]:
    """Mirror matches in which everybody plays as the stock AI does: whatever skill is on offer is used."""
    battle = _battle(archetype, scenario, len(episodes), "skill", ("state", MASK))
    versions = np.full(battle.num_slots, STOCK_VERSION)
    return _played(battle, archetype, episodes, takes_offers, lambda _, before: deeds(battle, before), versions)


def deeds(battle: Battle, before: Array) -> Array:
    """The combat orders that tell what slots did in the last step; `before` is whom they were after when it began.

    Who used a skill of a kind used it; who let a living target go for another changed it; who struck, or was after
    somebody, attacked; who walked without a target walked about; who did nothing of this was idle.
    """
    arena, match, unit = battle.arena, battle.matches, battle.units
    target = arena.units[match, f.TARGET, unit]
    events = arena.events
    kind = _kinds(battle)[arena.units[match, f.LAST_SKILL, unit]]
    alive = arena.units[match, f.ALIVE, np.maximum(before, 0)] != 0
    changed = (before != f.NOBODY) & (target != f.NOBODY) & (target != before) & alive
    cast = (events.casts[match, unit] > 0) & (kind >= 0)
    fought = (events.attacks[match, unit] > 0) | (target != f.NOBODY)
    walked = events.steps[match, unit] > 0
    choices = [USE_HARM + kind, np.full(len(kind), CHANGE_TARGET), np.full(len(kind), ATTACK)]
    return np.select([cast, changed, fought, walked], [*choices, np.full(len(kind), MOVE_RANDOMLY)], IDLE)


def _kinds(battle: Battle) -> Array:
    """By number of a skill: harm, help or field; -1 for none."""
    skills = battle.arena.tables.skills
    kinds = np.full(int(skills[:, k.SKILL_ID].max(initial=0)) + 1, -1)
    kinds[skills[:, k.SKILL_ID]] = skills[:, k.KIND]
    kinds[0] = -1
    return kinds


def _battle(archetype: str, scenario: str, matches: int, control: str, blocks: Sequence[str]) -> Battle:
    return Battle(
        matches, control, archetype=archetype, scenario=scenario, observe=blocks, both_sides=True,
        reward=for_archetype(archetype),
    )  # fmt: skip


def _played(
    battle: Battle, archetype: str, episodes: Sequence[int], act: Callable[[dict[str, Array]], Array],
    told: Callable[[Array, Array], Array], versions: Array,
) -> list[Way]:  # fmt: skip
    """Play all matches to their ends. `told` makes actions of orders, and of whom slots were after before them."""
    battle.reset(COLLECTED + np.asarray(episodes, np.int64))
    going = np.ones(battle.num_matches, np.bool_)
    timed_out = np.zeros(battle.num_matches, np.bool_)
    kept: dict[str, list[Array]] = {}
    while going.any():
        seen = battle.observe()
        assert isinstance(seen, dict)
        taken = battle.alive & going[battle.matches]
        before = battle.arena.units[battle.matches, f.TARGET, battle.units].copy()
        tick = battle.steps[battle.matches] * battle.ticks
        orders = np.asarray(act(seen))
        rewards, terminated, truncated = battle.step(orders)
        following = battle.observe()
        assert isinstance(following, dict)
        timed_out |= going & truncated
        going &= ~(terminated | truncated)
        events = battle.arena.events
        row = {
            "taken": taken, "tick": tick, "action": told(orders, before), "reward": rewards,
            "state": seen["state"].copy(), "next_state": following["state"].copy(),
            **{name: events[name][battle.matches, battle.units].copy() for name in COUNTED},
        }  # fmt: skip
        for name, column in row.items():
            kept.setdefault(name, []).append(column)
    columns = {name: np.stack(parts, 1) for name, parts in kept.items()}  # [slots, steps]
    won = battle.outcome()[battle.matches] * np.where(battle.scenario.sides[battle.units] == battle.side, 1, -1)
    alive = battle.alive
    ways = []
    for slot in range(battle.num_slots):
        own = {name: column[slot][columns["taken"][slot]] for name, column in columns.items()}
        match = int(battle.matches[slot])
        last = np.arange(len(own["action"])) == len(own["action"]) - 1
        named: dict[str, Any] = {
            "archetype": archetype, "model_type": MODEL_TYPE, "model_version": str(versions[slot]),
            "monster_id": int(battle.units[slot]), "episode_id": episodes[match],
        }  # fmt: skip
        rows = Experience.of(
            **named, **{name: own[name] for name in ("tick", "action", "reward", "state", "next_state")},
            done=last, truncated=last & bool(timed_out[match] & alive[slot]),
        )  # fmt: skip
        counts: dict[str, Any] = {name: int(own[name].sum()) for name in COUNTED}
        outcome = EpisodeOutcome(
            **named, outcome=("lost", "drawn", "won")[int(won[slot]) + 1], survived=bool(alive[slot]),
            steps=len(rows), duration_ms=len(rows) * battle.ticks * f.THINK_MS,
            total_reward=float(rows.reward.sum()), **counts,
        )  # fmt: skip
        ways.append(Way(rows, outcome))
    return ways
