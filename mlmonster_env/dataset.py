"""Recorded state encodings as Minari datasets, written straight from the batch."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gymnasium as gym
import minari
import numpy as np
from minari.data_collector import EpisodeBuffer
from minari.dataset.minari_dataset import MinariDataset
from minari.dataset.minari_storage import MinariStorage

from mlmonster_env.contract import CONTROLS
from mlmonster_env.envs.battle import Array, Battle, Observation, seeds_from

Policy = Callable[[Observation, Array | None], Array]

ENVIRONMENT_OF = {
    "combat": "MLMonster/Combat-v0",
    "movement": "MLMonster/Movement-v0",
    "skill": "MLMonster/Skill-v0",
    "pack": "MLMonster/Pack-v0",
    "continuous": "MLMonster/Continuous-v0",
}


def random_policy(control: str, seed: int = 0) -> Policy:
    """Legal actions at random, each as likely."""
    random = np.random.default_rng(seed)

    def act(observation: Observation, masks: Array | None) -> Array:
        if masks is None:
            count = len(next(iter(observation.values())) if isinstance(observation, dict) else observation)
            return random.uniform(-1.0, 1.0, (count, 4)).astype(np.float32)
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
    if episodes < 1:
        raise ValueError(f"episodes is {episodes}, expected at least 1")
    if Path(path).exists():
        raise ValueError(f"path is {str(path)!r}, which is there already, expected a new directory")
    battle = Battle(min(num_envs, episodes), control, pack=pack, **arguments)
    battle.reset(seeds_from(seed, battle.num_matches))
    spec = _spec_of(control, arguments)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    storage = MinariStorage.new(
        path,
        observation_space=battle.observation_space,
        action_space=battle.action_space,
        env_spec=spec,
        jpeg_encoding=False,
    )
    act = random_policy(control, seed) if policy is None else policy
    played = list(_episodes(battle, act, episodes, seed))
    storage.update_metadata(
        {
            "dataset_id": f"mlmonster/{control}/{Path(path).name}-v0",
            "description": description
            or f"{control} control, {'random legal actions' if policy is None else 'a policy'}",
            "minari_version": minari.__version__,
        }
    )
    storage.update_episodes(played)
    return MinariDataset(storage)


def _spec_of(control: str, arguments: dict[str, Any]) -> gym.envs.registration.EnvSpec | None:
    """The environment that the episodes were played in, as long as its arguments can be written down."""
    told = {name: value for name, value in arguments.items() if value is not None}
    if not all(isinstance(value, str | int | float | list | tuple) for value in told.values()):
        return None
    spec = gym.spec(ENVIRONMENT_OF[control])
    spec = gym.envs.registration.EnvSpec.from_json(spec.to_json())
    spec.kwargs |= told
    return spec


class _Slots:
    """What the slots of a battle saw, did and were paid since their matches began."""

    def __init__(self, battle: Battle) -> None:
        self.seen: list[Observation] = []
        self.actions: list[Array] = []
        self.rewards: list[Array] = []
        self.alive: list[Array] = []
        self.since = np.zeros(battle.num_matches, np.int64)

    def forget(self) -> None:
        """Drop steps that no running match needs."""
        past = int(self.since.min())
        for kept in (self.seen, self.actions, self.rewards, self.alive):
            del kept[:past]
        self.since -= past


def _episodes(battle: Battle, policy: Policy, episodes: int, seed: int) -> Iterator[EpisodeBuffer]:
    kept = _Slots(battle)
    slots = battle.num_slots // battle.num_matches
    share, rest = divmod(-(-episodes // slots), battle.num_matches)
    left = share + (np.arange(battle.num_matches) < rest)  # matches that each row has yet to play
    count = 0
    while left.any():
        observation = battle.observe()
        masks = battle.action_masks() if CONTROLS[battle.control] else None
        actions = np.asarray(policy(observation, masks))
        kept.seen.append(observation)
        kept.alive.append(battle.alive)
        kept.actions.append(actions)
        rewards, terminated, truncated = battle.step(actions)
        kept.rewards.append(rewards)
        ended = np.flatnonzero(terminated | truncated)
        if not len(ended):
            continue
        wanted = ended[left[ended] > 0]
        left[wanted] -= 1
        rows = (wanted[:, None] * slots + np.arange(slots)).ravel()
        last = battle.observe(rows)
        for row, slot in enumerate(rows.tolist()):
            match = slot // slots
            if count == episodes:
                return
            yield _episode(kept, slot, int(kept.since[match]), last, row, bool(terminated[match]), count, seed)
            count += 1
        battle.begin(ended)
        kept.since[ended] = len(kept.rewards)
        kept.forget()


def _episode(
    kept: _Slots, slot: int, since: int, last: Observation, row: int, terminated: bool, number: int, seed: int
) -> EpisodeBuffer:
    steps = range(since, len(kept.rewards))
    ends = np.zeros(len(steps), np.bool_)
    ends[-1] = True
    return EpisodeBuffer(
        id=number,
        seed=seed,
        observations=_stacked([kept.seen[step] for step in steps], slot, last, row),
        actions=np.array([kept.actions[step][slot] for step in steps]),
        rewards=np.array([kept.rewards[step][slot] for step in steps]),
        terminations=ends & terminated,
        truncations=ends & (not terminated),
        infos={"alive": np.array([kept.alive[step][slot] for step in steps])},
    )


def _stacked(seen: list[Any], slot: int, last: Any, row: int) -> Any:
    """What a slot saw, step by step, and at the end."""
    if isinstance(last, dict):
        return {name: np.stack([*(step[name][slot] for step in seen), block[row]]) for name, block in last.items()}
    return np.stack([*(step[slot] for step in seen), last[row]])
