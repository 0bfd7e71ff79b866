"""A training run: a folder, and the way from the first decision to the finished model."""

import fcntl
import hashlib
import json
import shutil
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import torch
import yaml
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.logger import Logger

from agents import machine as machines
from agents import plan
from agents.config.read import as_yaml, resolved_from
from agents.config.tree import Config
from agents.course import Course
from agents.ending import Enough, RunError, Stopped
from agents.learners.build import build_env, build_learner, card_of, kind_of, matches_by_shard
from agents.opponents.names import POOL, digest_of, parts_of
from agents.selfplay.league import League
from mlmonster_env.data.errors import shorten
from mlmonster_env.scenarios import plan_of
from policies.actors import actor_of, meta_policy, parameters
from policies.storage import write_text

CONFIG, FACTS, LOCK = "config.yaml", "facts.json", ".lock"
NEEDED_BYTES = 200_000_000  # free on the disk before a run begins


class TakenError(RunError):
    """A folder that is another run's."""


class Run:
    """One run, new or gone on with; `go` trains it to its end."""

    def __init__(self, folder: Path, config: Config, facts: dict[str, Any], *, lock: IO[str], resumed: bool) -> None:
        self.folder = folder
        self._lock = lock  # held until the run ends: two processes in one folder would spoil each other's files
        self.config = config
        self.machine = machines.Machine(**facts["machine"])
        self.total = config.total_steps
        self.resumed = resumed
        self.say: Callable[[str], None] = print

    @classmethod
    def begin(cls, folder: Path, config: Config) -> "Run":
        """A new run in a folder of its own."""
        if (folder / CONFIG).exists():
            raise TakenError(
                f"{folder} holds a run already; go on with it by --resume {folder}, or choose another --out"
            )
        card = card_of(config)
        size = parameters(actor_of(meta_policy(card.policy_class, card.blocks, card.control, card.policy_arguments)))
        chosen = machines.choose(config.device, config.batch.shards, config.compile, size)
        matches_by_shard(config, chosen)  # while there is no folder yet
        _warn_of_memory(config, chosen)
        _warn_of_idleness(config)
        if config.compile and not chosen.compile:
            print(f"note: compile is for GPUs alone, and this run is on the {chosen.device}")
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise RunError(
                f"{folder} cannot be made ({error.strerror}), expected a folder; choose another --out"
            ) from None
        lock = _locked(folder)
        if (folder / CONFIG).exists():
            raise TakenError(f"{folder} holds a run by now, of another process; choose another --out")
        _check_room(folder)
        facts = {**machines.facts(chosen), "played": _played_with(config)}
        write_text(folder / FACTS, json.dumps(facts, indent=1))
        write_text(folder / CONFIG, as_yaml(config))  # the last: with it the folder holds a run
        return cls(folder, config, facts, lock=lock, resumed=False)

    @classmethod
    def resume(cls, folder: Path) -> "Run":
        """The run in a folder, to go on with: by the configuration and on the kind of machine that it began with."""
        _check_run(folder)
        lock = _locked(folder)
        config, facts = kept_of(folder)
        now = _played_with(config)
        for name, before in facts.get("played", {}).items():
            if now.get(name) != before:
                raise RunError(f"{name} is not what it was when {folder} was begun; what follows would be another run")
        device = facts["machine"]["device"]
        if device.startswith("cuda") and not torch.cuda.is_available():
            raise RunError(f"{folder} was begun on {device}, which is not here; what follows would not be the same run")
        packages = machines.facts(machines.Machine(**facts["machine"]))["packages"]
        for name, before in facts["packages"].items():
            if packages.get(name) != before:
                print(
                    f"note: {name} is {packages.get(name)}, the run was begun with {before}; the last bits may differ"
                )
        return cls(folder, config, facts, lock=lock, resumed=True)

    def go(self) -> dict[str, Any]:
        """Train to the end, keep the model in `final`, and say how strong it is."""
        try:
            return self._train()
        finally:
            self._lock.close()  # however it ended: the same process may go on with it

    def _train(self) -> dict[str, Any]:
        torch.set_num_threads(self.machine.torch_threads)
        league = self._league()
        try:
            env = build_env(self.config, self.machine, league)
            learner = build_learner(self.config, env, self.machine)
        except Exception as error:
            if not self.resumed:  # what cannot even be built holds no folder
                for name in (CONFIG, FACTS, LOCK):
                    (self.folder / name).unlink()
            if isinstance(error, AssertionError | NotImplementedError):  # as others say that an option is wrong
                raise RunError(f"the learner cannot be made: {error}") from error
            raise
        learner.set_logger(Logger(folder=None, output_formats=[]))
        course = Course(self, learner, league)
        if self.resumed and not course.checkpoints.all():
            self.say("there is no checkpoint yet; beginning at the first decision")
            self.resumed = False
            course.clear()
        started_at = course.restore() if self.resumed else course.begin()
        self.say(self.machine.line(parameters(actor_of(learner.policy))))
        course.open(started_at)
        try:
            with course.signals():
                if started_at < self.total and not course.enough:
                    # The course tells what is logged; what the learner wrote down by itself would be lost to it.
                    quiet: dict[str, Any] = {"log_interval": None} if isinstance(learner, BaseAlgorithm) else {}
                    with suppress(Enough):
                        learner.learn(
                            self.total - started_at, callback=course, reset_num_timesteps=not self.resumed, **quiet
                        )
                return course.finish()
        except Stopped:
            raise
        except KeyboardInterrupt as error:
            raise Stopped(course.rescue(error), int(course.stopped or signal.SIGINT)) from error
        except SystemExit as error:  # nobody reads what is said
            course.rescue(error)
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


def _locked(folder: Path) -> IO[str]:
    """The folder's lock, held; TakenError where another process holds it."""
    lock = (folder / LOCK).open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise TakenError(f"another process trains in {folder}, expected one that has ended, or another --out") from None
    return lock


def _played_with(config: Config) -> dict[str, str]:
    """Hashes of what a run is played in and against, by name: none of it may be another when it is gone on with."""
    found = {config.scenario: hashlib.sha256(repr(plan_of(config.scenario)).encode()).hexdigest()}
    for name in parts_of(config.opponents):
        if (digest := digest_of(name)) is not None:
            found[name] = digest
    return found


def _check_run(folder: Path) -> None:
    if not (folder / CONFIG).is_file():
        raise RunError(f"{folder} holds no run (no {CONFIG}), expected a folder that --out named")


def kept_of(folder: Path) -> tuple[Config, dict[str, Any]]:
    """The configuration and the facts that the run in a folder was begun with."""
    _check_run(folder)
    try:
        tree = yaml.safe_load((folder / CONFIG).read_text(encoding="utf-8"))
        if not isinstance(tree, dict):
            raise ValueError(f"it holds {shorten(tree)}")
        config = resolved_from(tree)
    except (OSError, ValueError, yaml.YAMLError) as error:
        told = " ".join(str(error).split())
        raise RunError(f"{folder / CONFIG} cannot be used: {told}; expected what the run wrote") from error
    try:
        facts: dict[str, Any] = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        machines.Machine(**facts["machine"])
        facts["packages"].items()
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunError(f"{folder / FACTS} cannot be used: {error!r}; expected what the run wrote") from error
    return config, facts


def _warn_of_memory(config: Config, machine: machines.Machine) -> None:
    """Say before anything begins if it would not fit into the device's memory."""
    if not machine.device.startswith("cuda"):
        return
    free, _ = torch.cuda.mem_get_info(torch.device(machine.device))
    batch = config.learn.batch_size * machine.times
    told = plan.warning(kind_of(config), config.size, config.algo, batch, free)
    if told is not None:
        print(f"warning: {told}")


def _warn_of_idleness(config: Config) -> None:
    """Say before anything begins if nothing would be learnt."""
    starts = getattr(config.learn, "learning_starts", 0)
    if starts >= config.total_steps:
        print(
            f"warning: learning starts after {starts:,} decisions and the run has {config.total_steps:,}, so it will "
            "learn nothing; more --steps, or a smaller learn.learning_starts"
        )


def _check_room(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < NEEDED_BYTES:
        raise RunError(f"{folder} has {free / 1e6:.0f} MB free, expected {NEEDED_BYTES / 1e6:.0f} at least")
