"""Many matches as learners step them: orders in; observations, rewards and endings out. Every interface uses this."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.error import ResetNeeded

from mlmonster_env.contract import (
    ARCHETYPES,
    BLOCKS,
    CONTINUOUS,
    CONTROLS,
    HISTORY,
    IDLE,
    STATE_SIZE,
)
from mlmonster_env.data import Bestiary
from mlmonster_env.data.errors import one_of, shorten, whole
from mlmonster_env.envs.arguments import MASK as MASK
from mlmonster_env.envs.arguments import Array as Array
from mlmonster_env.envs.arguments import as_orders, checked, checked_blocks, checked_seed
from mlmonster_env.envs.arguments import block_space as block_space
from mlmonster_env.envs.rivals import RewindingRival, Rival, SeatedRival, YieldingRival
from mlmonster_env.plans import Plan
from mlmonster_env.scenarios import plan_of
from mlmonster_env.sim import Arena, Scenario
from mlmonster_env.sim import fields as f
from mlmonster_env.sim.arena import Snapshot
from mlmonster_env.sim.deeds import Events
from mlmonster_env.sim.legal import random_orders
from mlmonster_env.sim.recording import Recording
from mlmonster_env.sim.setup import SEED_MASK
from mlmonster_env.sim.staging import stage
from mlmonster_env.sim.views import observe_grids, observe_many_entities, observe_many_skills, observe_states

Observation = Array | dict[str, Array]
Opponent = str | Rival | Callable[[dict[str, Array]], Array]
Reward = Callable[[Events], Array]

OPPONENTS = ("stock", "random", "idle")
SKILLS = ("fair", "free")
LONGEST_PAST = 512  # steps of matches that nobody plays any more, kept before they are thrown away
OBSERVERS = {
    "state": observe_states,
    "grid": observe_grids,
    "entities": observe_many_entities,
    "skills": observe_many_skills,
}


def win_or_lose(events: Events) -> Array:
    """What is paid when nothing else is said: 1 to the side that wins, -1 to the one that loses."""
    return events.won.astype(np.float32) - events.lost.astype(np.float32)  # type: ignore[no-any-return]


class Battle:
    """A batch of matches, and the slots of it that a learner decides for.

    A slot is one monster of one match: by default the first member of the learner's `side`, its allies being under the
    stock AI; with `pack` every member of that side; with `both_sides` every member of both. Slots are in order of
    match, then member. `seeds` begin matches: what a match is depends on its seed and on how many its row had since.
    """

    def __init__(
        self,
        matches: int,
        control: str = "combat",
        *,
        archetype: str | None = None,
        scenario: str | Path | Plan | Scenario = "skirmish",
        opponent: Opponent = "stock",
        bestiary: Bestiary | None = None,
        observe: str | Sequence[str] = "state",
        reward: Reward | None = None,
        skills: str = "fair",
        decision_ms: int = 500,
        max_episode_steps: int | None = None,
        pack: bool = False,
        both_sides: bool = False,
        side: int = 0,
        threads: int = 1,
        record: bool = False,
    ) -> None:
        self.control = checked("control", control, CONTROLS)
        if archetype is not None:
            checked("archetype", archetype, ARCHETYPES)
        self.blocks = checked_blocks(observe, control)
        self.plain = observe == "state"
        if isinstance(opponent, str):
            if opponent not in OPPONENTS:
                raise ValueError(
                    f"opponent is {opponent!r}, expected {one_of(opponent, OPPONENTS)}; a style, a model or a mix of "
                    f"them plays as agents.opponents.opponent_of({opponent!r})"
                )
        elif not callable(opponent):
            raise ValueError(
                f"opponent is {opponent!r}, expected {one_of('', OPPONENTS)}, a Rival or a function of observations"
            )
        if not whole(decision_ms) or decision_ms <= 0 or decision_ms % f.THINK_MS:
            raise ValueError(f"decision_ms is {decision_ms!r}, expected a multiple of {f.THINK_MS}")
        if max_episode_steps is not None and (not whole(max_episode_steps) or max_episode_steps < 1):
            raise ValueError(
                f"max_episode_steps is {max_episode_steps!r}, expected a whole number, at least 1, or None"
            )
        if not whole(matches) or matches < 1:
            raise ValueError(f"num_envs is {matches!r}, expected at least 1")
        if bestiary is not None and not isinstance(bestiary, Bestiary):
            raise ValueError(f"bestiary is {bestiary!r}, expected a Bestiary, such as Bestiary.load(path)")
        checked("skills", skills, SKILLS)
        if reward is not None and not callable(reward):
            raise ValueError(f"reward is {reward!r}, expected a function of events")
        if isinstance(scenario, Scenario):
            for name, value, usual in (("archetype", archetype, None), ("skills", skills, "fair")):
                if value != usual:
                    raise ValueError(
                        f"{name} is {value!r} beside a Scenario, which was staged before; expected {usual!r}, or a Plan"
                    )
        self.bestiary = bundled() if bestiary is None else bestiary
        self.plan = None if isinstance(scenario, Scenario) else plan_of(scenario).narrowed(archetype)
        self.skills = skills
        staged = scenario if isinstance(scenario, Scenario) else staged_once(self.plan, self.bestiary, skills)
        self.arena = Arena(matches, staged, self.bestiary, threads=threads, observed=True)
        self.scenario = staged
        self.reward = win_or_lose if reward is None else reward
        self.ticks = decision_ms // f.THINK_MS
        self.longest = max_episode_steps
        sides = staged.sides
        if side not in (0, 1):
            raise ValueError(f"side is {side!r}, expected 0 or 1: the one that the learner is on")
        self.side = side
        own = np.flatnonzero(sides == side)
        self.members = np.arange(staged.members) if both_sides else (own if pack else own[:1])
        self.rivals = np.zeros(0, np.int64) if both_sides or opponent == "stock" else np.flatnonzero(sides != side)
        self.opponent = opponent
        self.rival = opponent if isinstance(opponent, Rival) else None
        self._yielding = opponent if isinstance(opponent, YieldingRival) else None
        self.rival_control, self.rival_blocks = self._terms_of_rival()
        self.matches, self.units = self._slots(self.members)
        self.rival_matches, self.rival_units = self._slots(self.rivals)
        self.arena.put_under_orders(self.control, self.members.tolist())
        self.arena.put_under_orders(self.rival_control, self.rivals.tolist())
        if isinstance(self.rival, SeatedRival):
            self.rival.sit(matches, len(self.rivals))
        self.steps = np.zeros(matches, np.int64)
        self._history = np.zeros((len(self.matches), HISTORY, STATE_SIZE), np.float32)
        self._remembers = "history" in self.blocks
        self._orders: list[Array] | None = [] if record else None
        self._since = np.zeros(matches, np.int64)
        self.begun = np.zeros(matches, np.bool_)  # of each match, whether it was ever reset
        self.turns = np.zeros(matches, np.int64)  # how many matches each row has begun, or taken over

    @property
    def num_matches(self) -> int:
        return self.arena.num_matches

    @property
    def num_slots(self) -> int:
        return len(self.matches)

    @property
    def action_space(self) -> spaces.Space[Any]:
        """Of one slot."""
        actions = CONTROLS[self.control]
        if actions:
            return spaces.Discrete(actions)
        return spaces.Box(-1.0, 1.0, (len(CONTINUOUS),), np.float32)

    @property
    def observation_space(self) -> spaces.Space[Any]:
        """Of one slot."""
        if self.plain:
            return block_space("state", self.control)
        return spaces.Dict({name: block_space(name, self.control) for name in self.blocks})

    @property
    def alive(self) -> Array:
        """Of each slot, whether its monster lives."""
        return np.asarray(self.arena.units[self.matches, f.ALIVE, self.units] != 0)

    def reset(self, seeds: Array) -> None:
        """Begin all matches anew, each from a seed of its own."""
        if isinstance(self.rival, RewindingRival):
            self.rival.rewind()
        self._begin(np.arange(self.num_matches), np.asarray(seeds, np.int64))

    def begin(self, which: Array, seeds: Array | None = None) -> None:
        """Begin the matches named by `which`: from seeds of their own, or the next ones after those that they had."""
        self._begin(np.asarray(which, np.int64), seeds)

    def step(self, actions: Any) -> tuple[Array, Array, Array]:
        """Play one decision: rewards of slots, and of matches whether they ended, and whether time ended them."""
        self._check_begun("step was called")
        orders = self._as_orders(actions)
        rival_orders = self._rival_orders()
        self.arena.order(self.matches, self.units, orders)
        if len(self.rival_matches):
            led = self._led()
            self.arena.order(self.rival_matches[led], self.rival_units[led], rival_orders[led])
        if self._orders is not None:
            self._orders.append(np.concatenate([
                orders.reshape(self.num_matches, -1), rival_orders.reshape(self.num_matches, -1)
            ], 1))  # fmt: skip
        self.arena.step(self.ticks)
        self.steps += 1
        rewards = self._rewards()
        terminated, truncated = self._endings()
        if self._remembers:
            self._remember()
        return rewards, terminated, truncated

    def outcome(self) -> Array:
        """Of each match: 1 won by the learner's side, -1 lost, 0 drawn or not over."""
        winner = self.arena.match[:, f.WINNER]
        over = self.arena.match[:, f.OVER] != 0
        return np.where(over & (winner == self.side), 1, np.where(over & (winner == 1 - self.side), -1, 0))

    def out_of_steps(self) -> Array:
        """Of each match, whether it has come to `max_episode_steps`, ended or not, as Gymnasium's TimeLimit says."""
        return np.zeros_like(self.begun) if self.longest is None else self.steps >= self.longest

    def action_masks(self) -> Array:
        """Of each slot, which actions are legal: int8 [slots, actions]. A dead monster's is only to do nothing."""
        self._check_begun("masks were asked for")
        return self.arena.legal(self.matches, self.units, CONTROLS[self.control])

    def observe(self, slots: Array | None = None) -> Observation:
        """What slots see now (all of them, or those named): one array, or arrays by block."""
        chosen = slice(None) if slots is None else np.asarray(slots)
        seen = self._see(self.blocks, self.matches[chosen], self.units[chosen], self.control)
        if self._remembers:
            seen["history"] = self._history[chosen] * self.alive[chosen, None, None]
        return seen["state"] if self.plain else seen

    def see(self, blocks: Sequence[str]) -> dict[str, Array]:
        """Blocks that all slots could see now, whether they were asked for at the beginning or not; no history."""
        return self._see(blocks, self.matches, self.units, self.control)

    def state(self) -> dict[str, Any]:
        """Arrays and numbers by name: all that `set_state` needs to go on from here to the bit."""
        if self._orders is not None or (callable(self.opponent) and self.rival is None):
            raise RuntimeError("a battle that is recorded, or whose opponent is a function, cannot be written down")
        told = {
            "arena": self.arena.snapshot().as_tree(),
            "steps": self.steps.copy(),
            "history": self._history.copy() if self._remembers else np.zeros(0, np.float32),
        }
        return told if self.rival is None else {**told, "rival": self.rival.state()}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what `state` told of a battle made alike."""
        if ("rival" in state) != (self.rival is not None):
            told = "with" if "rival" in state else "without"
            raise ValueError(f"the state is of a battle {told} a rival that remembers, expected one made alike")
        self.arena.restore(Snapshot.of_tree(state["arena"]))
        if self.rival is not None:
            self.rival.set_state(state["rival"])
        self.steps[:] = state["steps"]
        if self._remembers:
            self._history[:] = state["history"]
        self.begun[:] = True
        self.turns += 1

    def recording(self, match: int = 0) -> Recording:
        """The match that a row is playing, from its beginning until now."""
        if self._orders is None or self.plan is None:
            raise RuntimeError("nothing was recorded; make it with record=True and a scenario that is a plan or a name")
        self._check_begun("a recording was asked for")
        if not whole(match) or not 0 <= match < self.num_matches:
            raise ValueError(f"match is {match!r}, expected a whole number, 0 to {self.num_matches - 1}")
        arena = self.arena
        rivals = self.rivals[self._led()[self.rival_matches == match]]
        slots = len(self.members) + len(rivals)
        steps = [orders[match][:slots] for orders in self._orders[int(self._since[match]) :]]
        controls = [(self.control, tuple(self.members.tolist())), (self.rival_control, tuple(rivals.tolist()))]
        return Recording(
            plan=self.plan,
            mode=self.bestiary.mode,
            bestiary=self.bestiary.content_hash,
            skills=self.skills,
            seed=int(arena.streams.seeds[match]),
            index=int(arena.streams.indices[match]),
            serial=int(arena.streams.serials[match]),
            ticks=self.ticks,
            controls=tuple((kind, members) for kind, members in controls if members),
            units=np.concatenate([self.members, rivals]).astype(np.int32),
            orders=np.array(steps, np.int32).reshape(len(steps), slots),
            digest=arena.digest()[match],
        )

    def _check_begun(self, what: str) -> None:
        if not self.begun.all():
            none = "" if not self.begun.any() else f" of matches {np.flatnonzero(~self.begun).tolist()}"
            raise ResetNeeded(f"{what} before reset{none}, expected reset first")

    def _rewards(self) -> Array:
        paid = np.asarray(self.reward(self.arena.events.of_members()))
        expected = (self.num_matches, self.scenario.members)
        if paid.shape != expected:
            raise ValueError(f"the reward is of shape {paid.shape}, expected {expected}: [matches, members]")
        slots = paid[self.matches, self.units]
        if slots.dtype.kind not in "biuf":
            raise ValueError(f"the reward of a slot is {shorten(slots.tolist()[0])}, expected finite numbers")
        with np.errstate(over="ignore"):  # what overflows is told below
            told = slots.astype(np.float32)
        if not np.isfinite(told).all():
            raise ValueError(f"the reward of a slot is {slots[~np.isfinite(told)][0]}, expected finite numbers")
        return told

    def _slots(self, members: Array) -> tuple[Array, Array]:
        count = self.arena.num_matches
        return np.repeat(np.arange(count), len(members)), np.tile(members, count).astype(np.int64)

    def _begin(self, which: Array, seeds: Array | None) -> None:
        if not len(which):
            return
        self._begin_arena(which, seeds)
        self.steps[which] = 0
        self.begun[which] = True
        self.turns[which] += 1
        if self._orders is not None:
            if len(which) == self.num_matches:
                self._orders.clear()
            self._since[which] = len(self._orders)
            if (past := int(self._since.min())) > LONGEST_PAST:
                del self._orders[:past]
                self._since -= past
        if self._remembers:
            begun = np.isin(self.matches, which)
            self._history[begun] = 0.0
            self._history[begun, -1] = self._states()[begun]

    def _begin_arena(self, which: Array, seeds: Array | None) -> None:
        """Begin matches, those that the rival yields under the stock AI on its side."""
        members = len(self.rivals)
        yielded = np.zeros(len(which), np.bool_)
        if self.rival is not None and members:
            self.rival.forget((which[:, None] * members + np.arange(members)).ravel())
            if self._yielding is not None:
                yielded = np.asarray(self._yielding.yields(which), np.bool_)
        for control, chosen in ((None, yielded), (self.rival_control, ~yielded)):
            self.arena.put_under_orders(control, self.rivals.tolist())
            if chosen.any():
                self.arena.begin(which[chosen], None if seeds is None else np.asarray(seeds)[chosen])

    def _led(self) -> Array:
        """Of each rival slot, whether it is under orders."""
        return np.asarray(self.arena.units[self.rival_matches, f.CONTROL, self.rival_units] != f.STOCK)

    def _terms_of_rival(self) -> tuple[str, tuple[str, ...]]:
        """What orders the opponent gives, and the blocks that it is shown."""
        if self.rival is not None:
            control = checked("control of the rival", self.rival.control, CONTROLS)
            return control, checked_blocks(self.rival.blocks, control, "blocks of the rival", ("history",))
        if not callable(self.opponent):
            return "combat", ()
        masks = (MASK,) if CONTROLS[self.control] else ()
        blocks = [block for block in self.blocks if block != "history"] or ["state"]  # it would see nothing at all
        return self.control, tuple(dict.fromkeys((*blocks, *masks)))

    def _endings(self) -> tuple[Array, Array]:
        match = self.arena.match
        over = match[:, f.OVER] != 0
        limit = self.scenario.time_limit_ms
        in_time = (match[:, f.WINNER] >= 0) | (match[:, f.ENDED_AT] < limit) if limit else np.ones_like(over)
        terminated = over & in_time
        truncated = over & ~in_time
        if self.longest is not None:
            truncated |= self.out_of_steps() & ~terminated
        return terminated, truncated

    def _as_orders(self, actions: Any) -> Array:
        return as_orders(actions, self.control, self.num_slots)

    def _rival_orders(self) -> Array:
        count = len(self.rival_matches)
        orders = np.full(count, IDLE, np.int32)
        if self.opponent == "random" and count:
            legal = np.zeros((count, CONTROLS[self.rival_control]), np.int8)
            random_orders(self.arena.words, self.rival_matches, self.rival_units, legal, orders)
        elif callable(self.opponent) and count:
            seen = self._see(self.rival_blocks, self.rival_matches, self.rival_units, self.rival_control)
            orders = as_orders(self.opponent(seen), self.rival_control, count)
        return orders

    def _see(self, blocks: Sequence[str], matches: Array, units: Array, control: str) -> dict[str, Array]:
        seen: dict[str, Array] = {}
        for name in blocks:
            if name == MASK:
                seen[name] = self.arena.legal(matches, units, CONTROLS[control])
            elif name in OBSERVERS:
                seen[name] = np.empty((len(matches), *BLOCKS[name]), np.float32)
                OBSERVERS[name](self.arena.words, matches, units, seen[name])
        return seen

    def _remember(self) -> None:
        """Put the state that slots see now at the end of their history."""
        self._history[:, :-1] = self._history[:, 1:]
        self._history[:, -1] = self._states()

    def _states(self) -> Array:
        """The state vectors that slots see now."""
        states = np.empty((self.num_slots, STATE_SIZE), np.float32)
        observe_states(self.arena.words, self.matches, self.units, states)
        return states


def seeds_from(seed: int, count: int) -> Array:
    """Seeds for the rows of a batch: that of the first, the next, and so on."""
    seed = checked_seed(seed, optional=False)
    return (np.arange(count, dtype=np.uint64) + np.uint64(seed & SEED_MASK)).astype(np.int64) & SEED_MASK


@lru_cache(maxsize=4)
def bundled(mode: str = "renewal") -> Bestiary:
    """The bundled bestiary, read once."""
    return Bestiary.load(mode=mode)


@lru_cache(maxsize=64)
def staged_once(plan: Plan, bestiary: Bestiary, skills: str) -> Scenario:
    """A scenario that several environments share."""
    return stage(plan, bestiary, skills=skills)
