"""Experience as Minari datasets, a day each, and datasets as experience."""

from pathlib import Path
from typing import Any

import minari
import numpy as np
from gymnasium import spaces
from minari.data_collector import EpisodeBuffer
from minari.dataset.minari_dataset import MinariDataset
from minari.dataset.minari_storage import MinariStorage

from mlmonster_env.contract import CONTROLS, STATE_SIZE
from mlmonster_env.data.errors import one_of
from mlmonster_env.store.database import Store
from mlmonster_env.store.experience import Array, Experience
from mlmonster_env.store.files import ExportedDay, export_days
from mlmonster_env.store.filters import Wanted

DISCRETE = tuple(control for control, actions in CONTROLS.items() if actions)


def export_minari(database: Store, folder: str | Path, wanted: Wanted, control: str = "combat") -> list[ExportedDay]:
    """Write each day's wanted experience as a Minari dataset; days that are as they were are left alone.

    `control` says what the actions are; all must be of that kind.
    """

    def write(rows: Experience, path: Path) -> None:
        write_minari(rows, path, control)

    return export_days(database, folder, wanted, f"{control}-minari", write)


def write_minari(rows: Experience, path: str | Path, control: str = "combat") -> MinariDataset:
    """One dataset in a directory that is not there yet: an episode for each unbroken stretch of a monster's way.

    A stretch that does not end with `done` is truncated. Monster, episode, tick, priority and log-probability are in
    the infos; archetype and model are not, so want one of each.
    """
    if control not in DISCRETE:
        raise ValueError(f"control is {control!r}, expected {one_of(str(control), DISCRETE)}")
    actions = CONTROLS[control]
    wrong = rows.action[(rows.action < 0) | (rows.action >= actions)]
    if len(wrong):
        raise ValueError(f"action is {wrong[0]}, expected 0 to {actions - 1} of {control} control")
    storage = MinariStorage.new(
        Path(path).absolute(),  # Minari 0.5.4 joins a relative one to itself
        observation_space=spaces.Box(0.0, 1.0, (STATE_SIZE,), np.float32),
        action_space=spaces.Discrete(actions),
        jpeg_encoding=False,
    )
    storage.update_metadata(
        {
            "dataset_id": f"mlmonster/{control}/{Path(path).stem}-v0",
            "description": f"{control} control, from the store",
            "minari_version": minari.__version__,
        }
    )
    storage.update_episodes([_episode(rows, way, number) for number, way in enumerate(_stretches(rows))])
    return MinariDataset(storage)


def from_minari(dataset: MinariDataset, archetype: str, model_type: str, model_version: str) -> Experience:
    """The transitions of a dataset of state vectors and discrete actions; its episodes' ids become theirs."""
    if not isinstance(dataset.action_space, spaces.Discrete):
        raise ValueError(f"the action space is {dataset.action_space}, expected a discrete one")
    parts = []
    for episode in dataset.iterate_episodes():
        states: Any = episode.observations
        states = states["state"] if isinstance(states, dict) else states
        infos: dict[str, Any] = episode.infos or {}
        parts.append(
            Experience.of(
                archetype=archetype,
                model_type=model_type,
                model_version=model_version,
                monster_id=infos.get("monster_id", 0),
                episode_id=infos.get("episode_id", int(episode.id)),
                tick=infos.get("tick", np.arange(len(episode.actions))),
                action=episode.actions,
                log_probability=infos.get("log_probability", np.nan),
                reward=episode.rewards,
                done=np.asarray(episode.terminations) | np.asarray(episode.truncations),
                truncated=np.asarray(episode.truncations) & ~np.asarray(episode.terminations),
                priority=infos.get("priority", 1.0),
                state=states[:-1],
                next_state=states[1:],
            )
        )
    return Experience.joined(parts)


def _stretches(rows: Experience) -> list[Array]:
    """Numbers of rows that follow one another, way by way."""
    found: list[Array] = []
    for way in rows.ways():
        broken = (rows.next_state[way[:-1]] != rows.state[way[1:]]).any(1) | rows.done[way[:-1]]
        found += np.split(way, np.flatnonzero(broken) + 1)
    return found


def _episode(rows: Experience, way: Array, number: int) -> EpisodeBuffer:
    ends = np.arange(len(way)) == len(way) - 1
    finished = bool(rows.done[way[-1]]) and not rows.truncated[way[-1]]
    infos = {name: rows.columns()[name][way] for name in ("monster_id", "episode_id", "tick", "priority")}
    infos["log_probability"] = rows.log_probability[way]
    return EpisodeBuffer(
        id=number,
        observations=np.concatenate([rows.state[way], rows.next_state[way[-1:]]]),
        actions=rows.action[way].astype(np.int64),
        rewards=rows.reward[way],
        terminations=ends & finished,
        truncations=ends & (not finished),
        infos=infos,
    )
