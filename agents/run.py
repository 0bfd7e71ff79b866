"""A training run: a folder, and the way from the first decision to the finished model."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import yaml
from stable_baselines3.common.logger import Logger

from agents import machine as machines
from agents import plan
from agents.config.read import as_yaml, resolved_from
from agents.config.tree import Config
from agents.course import Course, Enough, RunError, Stopped
from agents.learners.build import build_env, build_learner, card_of, kind_of, matches_by_shard
from agents.opponents.names import POOL, parts_of
from agents.selfplay.league import League
from policies.actors import actor_of, meta_policy, parameters
from policies.storage import write_text

CONFIG, FACTS = "config.yaml", "facts.json"
NEEDED_BYTES = 200_000_000  # free on the disk before a run begins


class Run:
    """One run, new or gone on with; `go` trains it to its end."""

    def __init__(self, folder: Path, config: Config, facts: dict[str, Any], *, resumed: bool) -> None:
        self.folder = folder
        self.config = config
        self.machine = machines.Machine(**facts["machine"])
        self.total = config.total_steps
        self.resumed = resumed
        self.say: Callable[[str], None] = print

    @classmethod
    def begin(cls, folder: Path, config: Config) -> "Run":
        """A new run in a folder of its own."""
        if (folder / CONFIG).exists():
            raise RunError(f"{folder} holds a run already; go on with it by --resume {folder}, or choose another --out")
        card = card_of(config)
        size = parameters(actor_of(meta_policy(card.policy_class, card.blocks, card.control, card.policy_arguments)))
        chosen = machines.choose(config.device, config.batch.shards, config.compile, size)
        matches_by_shard(config, chosen)  # while there is no folder yet
        _warn_of_memory(config, chosen)
        folder.mkdir(parents=True, exist_ok=True)
        _check_room(folder)
        facts = machines.facts(chosen)
        write_text(folder / CONFIG, as_yaml(config))
        write_text(folder / FACTS, json.dumps(facts, indent=1))
        return cls(folder, config, facts, resumed=False)

    @classmethod
    def resume(cls, folder: Path) -> "Run":
        """The run in a folder, to go on with: by the configuration and on the kind of machine that it began with."""
        if not (folder / CONFIG).is_file():
            raise RunError(f"{folder} holds no run (no {CONFIG}), expected a folder that --out named")
        config = resolved_from(yaml.safe_load((folder / CONFIG).read_text(encoding="utf-8")))
        facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        device = facts["machine"]["device"]
        if device.startswith("cuda") and not torch.cuda.is_available():
            raise RunError(f"{folder} was begun on {device}, which is not here; what follows would not be the same run")
        now = machines.facts(machines.Machine(**facts["machine"]))["packages"]
        for name, before in facts["packages"].items():
            if now.get(name) != before:
                print(f"note: {name} is {now.get(name)}, the run was begun with {before}; the last bits may differ")
        return cls(folder, config, facts, resumed=True)

    def go(self) -> dict[str, Any]:
        """Train to the end, keep the model in `final`, and say how strong it is."""
        torch.set_num_threads(self.machine.torch_threads)
        league = self._league()
        env = build_env(self.config, self.machine, league)
        learner = build_learner(self.config, env, self.machine)
        learner.set_logger(Logger(folder=None, output_formats=[]))
        course = Course(self, learner, league)
        started_at = course.restore() if self.resumed else course.begin()
        self.say(self.machine.line(parameters(actor_of(learner.policy))))
        course.open(started_at)
        try:
            with course.signals():
                if started_at < self.total:
                    learner.learn(self.total - started_at, callback=course, reset_num_timesteps=not self.resumed)
            return course.finish()
        except Enough:
            return course.finish()
        except Stopped:
            raise
        except BaseException as error:
            raise RunError(course.rescue(error)) from error
        finally:
            course.close()

    def _league(self) -> League | None:
        """The past selves that it plays against, where it does."""
        if POOL not in parts_of(self.config.opponents):
            return None
        card, device = card_of(self.config), self.machine.device
        return League(self.config.opponents, self.config.selfplay, self.folder, card, device)


def _warn_of_memory(config: Config, machine: machines.Machine) -> None:
    """Say before anything begins if it would not fit into the device's memory."""
    if not machine.device.startswith("cuda"):
        return
    free, _ = torch.cuda.mem_get_info(torch.device(machine.device))
    batch = config.learn.batch_size * machine.times
    told = plan.warning(kind_of(config), config.size, config.algo, batch, free)
    if told is not None:
        print(f"warning: {told}")


def _check_room(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < NEEDED_BYTES:
        raise RunError(f"{folder} has {free / 1e6:.0f} MB free, expected {NEEDED_BYTES / 1e6:.0f} at least")
