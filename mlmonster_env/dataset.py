"""Recorded state encodings as Minari datasets, written straight from the batch."""

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gymnasium as gym
import minari
import numpy as np
from minari.data_collector import EpisodeBuffer
from minari.dataset.minari_dataset import MinariDataset
from minari.dataset.minari_storage import MinariStorage

from mlmonster_env.contract import CONTINUOUS, CONTROLS
from mlmonster_env.data.errors import whole
from mlmonster_env.envs.arguments import checked_seed
from mlmonster_env.envs.battle import Array, Battle, Observation, seeds_from

Policy = Callable[[Observation, Array | None], Array]

ENVIRONMENT_OF = {
    "combat": "MLMonster/Combat-v0",
    "movement": "MLMonster/Movement-v0",
    "skill": "MLMonster/Skill-v0",
    "pack": "MLMonster/Pack-v0",
    "continuous": "MLMonster/Continuous-v0",
}

UNSEEN = ("threads", "record")  # a battle's arguments that change nothing it shows, and that no environment has


def random_policy(control: str, seed: int = 0) -> Policy:
    """Legal actions at random, each as likely."""
    random = np.random.default_rng(seed)

    def act(observation: Observation, masks: Array | None) -> Array:
        if masks is None:
            count = len(next(iter(observation.values())) if isinstance(observation, dict) else observation)
            return random.uniform(-1.0, 1.0, (count, len(CONTINUOUS))).astype(np.float32)
        lots = random.random(masks.shape) * (masks != 0)
        return np.asarray(lots.argmax(1))

    return act


def record_dataset(
    path: str | Path,
    control: str = "combat",
    *,
    episodes: int = 100,
    policy: Policy | None = None,
    num_envs: int = 64,
    pack: bool = False,
    seed: int = 0,
    description: str = "",
    **arguments: Any,
) -> MinariDataset:
    """Play so many episodes and write them to a directory that is not there yet.

    `policy` takes what slots see and their masks (None for continuous control) and gives their actions; without one
    they are random legal ones. With `pack` every monster of the first side gives an episode of its own. Each row of the
    batch plays as many, so that short matches do not crowd out long ones. Other arguments are those of `MonsterEnv`.
    """
    for name, count in (("episodes", episodes), ("num_envs", num_envs)):
        if not whole(count) or count < 1:
            raise ValueError(f"{name} is {count!r}, expected at least 1, a whole number")
    seed = checked_seed(seed, optional=False)
    if policy is not None and not callable(policy):
        raise ValueError(f"policy is {policy!r}, expected a function of what slots see and their masks, or None")
    if Path(path).exists():
        raise ValueError(f"path is {str(path)!r}, which is there already, expected a new directory")
    battle = Battle(min(num_envs, episodes), control, pack=pack, **arguments)
    battle.reset(seeds_from(seed, battle.num_matches))
    told = description or f"{control} control, {'random legal actions' if policy is None else 'a policy'}"
    storage = new_storage(path, battle, control, told, arguments)
    act = random_policy(control, seed) if policy is None else policy
    try:
        storage.update_episodes(list(_episodes(battle, act, episodes, seed)))
    except BaseException:
        shutil.rmtree(storage.data_path)  # or the next try would find it in its way
        raise
    return MinariDataset(storage)


def new_storage(
    path: str | Path, battle: Battle, control: str, description: str, arguments: dict[str, Any]
) -> MinariStorage:
    """An empty dataset of what a battle's slots see and do; `arguments` are those that the battle was made with."""
    place = Path(path).absolute()  # Minari 0.5.4 joins a relative one to itself
    place.parent.mkdir(parents=True, exist_ok=True)
    storage = MinariStorage.new(
        place, observation_space=battle.observation_space, action_space=battle.action_space,
        env_spec=_spec_of(control, arguments), jpeg_encoding=False,
    )  # fmt: skip
    storage.update_metadata({
        "dataset_id": f"mlmonster/{control}/{re.sub('[^A-Za-z0-9_-]', '-', place.name)}-v0",
        "description": description,
        "minari_version": minari.__version__,
    })  # fmt: skip
    return storage


def _spec_of(control: str, arguments: dict[str, Any]) -> gym.envs.registration.EnvSpec | None:
    """The environment that shows and takes what the episodes do, as long as its arguments can be written down."""
    told = {name: value for name, value in arguments.items() if value is not None and name not in UNSEEN}
    elsewhere = told.pop("side", 0) != 0, told.pop("both_sides", False)  # no environment stands on the other side
    if any(elsewhere) or not all(isinstance(value, str | int | float | list | tuple) for value in told.values()):
        return None
    spec = gym.spec(ENVIRONMENT_OF[control])
    spec = gym.envs.registration.EnvSpec.from_json(spec.to_json())
    spec.kwargs = {"control": control, **told}  # what else is usual for this id was not so in the battle
    return spec


class EpisodeKeeper:
    """What the slots of a battle saw, did and were paid since their matches began, until somebody takes it."""

    def __init__(self, battle: Battle) -> None:
        self._battle = battle
        self._slots = battle.num_slots // battle.num_matches
        self._seen: list[Observation] = []
        self._actions: list[Array] = []
        self._rewards: list[Array] = []
        self._alive: list[Array] = []
        self._since = np.zeros(battle.num_matches, np.int64)

    def note(self, seen: Observation, alive: Array, actions: Array, rewards: Array) -> None:
        """One decision of all slots: what they saw and whether they lived before it, and what they were paid for it."""
        self._seen.append(seen)
        self._alive.append(alive)
        self._actions.append(actions)
        self._rewards.append(rewards)

    def take(self, matches: Array, terminated: Array, first: int, seed: int) -> list[EpisodeBuffer]:
        """The episodes of matches that have just ended, before they begin anew; `first` is the number of the first."""
        rows = (matches[:, None] * self._slots + np.arange(self._slots)).ravel()
        last = self._battle.observe(rows)
        return [
            self._episode(slot, last, row, bool(terminated[slot // self._slots]), first + row, seed)
            for row, slot in enumerate(rows.tolist())
        ]

    def begin(self, matches: Array) -> None:
        """These matches begin anew."""
        self._since[matches] = len(self._rewards)
        past = int(self._since.min())
        for kept in (self._seen, self._actions, self._rewards, self._alive):
            del kept[:past]
        self._since -= past

    def _episode(
        self, slot: int, last: Observation, row: int, terminated: bool, number: int, seed: int
    ) -> EpisodeBuffer:
        steps = range(int(self._since[slot // self._slots]), len(self._rewards))
        ends = np.zeros(len(steps), np.bool_)
        ends[-1] = True
        return EpisodeBuffer(
            id=number,
            seed=seed,
            observations=_stacked([self._seen[step] for step in steps], slot, last, row),
            actions=np.array([self._actions[step][slot] for step in steps]),
            rewards=np.array([self._rewards[step][slot] for step in steps]),
            terminations=ends & terminated,
            truncations=ends & (not terminated),
            infos={"alive": np.array([self._alive[step][slot] for step in steps])},
        )


def _episodes(battle: Battle, policy: Policy, episodes: int, seed: int) -> Iterator[EpisodeBuffer]:
    kept = EpisodeKeeper(battle)
    slots = battle.num_slots // battle.num_matches
    share, rest = divmod(-(-episodes // slots), battle.num_matches)
    left = share + (np.arange(battle.num_matches) < rest)  # matches that each row has yet to play
    count = 0
    while left.any():
        seen, alive = battle.observe(), battle.alive
        masks = battle.action_masks() if CONTROLS[battle.control] else None
        actions = np.asarray(policy(seen, masks))
        rewards, terminated, truncated = battle.step(actions)
        kept.note(seen, alive, actions, rewards)
        ended = np.flatnonzero(terminated | truncated)
        if not len(ended):
            continue
        wanted = ended[left[ended] > 0]
        left[wanted] -= 1
        made = kept.take(wanted, terminated, count, seed)[: episodes - count] if len(wanted) else []
        count += len(made)
        yield from made
        battle.begin(ended)
        kept.begin(ended)


def _stacked(seen: list[Any], slot: int, last: Any, row: int) -> Any:
    """What a slot saw, step by step, and at the end."""
    if isinstance(last, dict):
        return {name: np.stack([*(step[name][slot] for step in seen), block[row]]) for name, block in last.items()}
    return np.stack([*(step[slot] for step in seen), last[row]])
