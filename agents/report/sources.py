"""What a report is of: runs and models, read from their folders, and which of them differ by nothing but the seed."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from agents.catalog import TYPES
from agents.config.read import resolved_from
from agents.config.tree import Config
from agents.course import BEST, CHECKPOINTS
from agents.run import CONFIG
from mlmonster_env.scenarios import USUAL
from policies.policy import FINAL, Policy
from policies.storage import MANIFEST, read_manifest

RECORDS = ("monitor", "reward_breakdown", "behavior_metrics", "evaluation_results")  # files of a run, as .csv
DECISION_MS = 500
Columns = dict[str, list[str]]


@dataclass(frozen=True)
class Subject:
    """A run, or a model alone; a run that was never finished has its best model so far, or none."""

    name: str
    policy: Policy | None
    facts: dict[str, Any]  # what was written beside the model
    config: Config | None  # of the run, where there is one
    records: dict[str, Columns]  # the run's CSV files; those that are missing or empty are not here
    unfinished: bool = False

    @property
    def kind(self) -> tuple[str, ...]:
        """What it is in words; runs of one kind are seeds of each other if their configurations are alike too."""
        if self.config is not None:
            return (self.config.archetype, self.config.model_type, self.config.algo)
        assert self.policy is not None
        card = self.policy.card
        return (card.archetype, card.model_type, str(self.facts.get("algo", "")))

    @property
    def archetype(self) -> str:
        return self.kind[0]

    @property
    def scenario(self) -> str:
        """Where it is judged."""
        return USUAL if self.config is None else self.config.scenario

    @property
    def terms(self) -> dict[str, Any]:
        """How it is judged: arguments of `Battle`."""
        config = self.config
        return {} if config is None else {"skills": config.skills, "decision_ms": config.batch.decision_ms}

    @property
    def decision_s(self) -> float:
        """Seconds between two of its decisions."""
        return float(self.terms.get("decision_ms", DECISION_MS)) / 1000


@dataclass(frozen=True)
class Kind:
    """Runs that differ by nothing but the seed, or a single model."""

    subjects: tuple[Subject, ...]

    @property
    def first(self) -> Subject:
        return self.subjects[0]

    @property
    def title(self) -> str:
        """Such as "mage combat_dqn by ppo"."""
        archetype, model_type, algo = self.first.kind
        return f"{archetype} {model_type}" + (f" by {algo}" if algo else "")

    @property
    def models(self) -> tuple[Subject, ...]:
        """Those of which there is a model."""
        return tuple(subject for subject in self.subjects if subject.policy is not None)

    @property
    def recorded(self) -> tuple[Subject, ...]:
        """Those of which there are curves."""
        return tuple(subject for subject in self.subjects if subject.records)


def subjects_of(paths: Sequence[Path]) -> list[Subject]:
    """The runs and models in folders, each with a name of its own; ValueError where one cannot be read."""
    if not paths:
        raise ValueError("nothing was named, expected folders of runs or models")
    found: list[Subject] = []
    digests: dict[str, Path] = {}
    places = [path.resolve() for path in paths]
    for number, path in enumerate(paths):
        if places[number] in places[:number]:  # a run without a model has no digest that would tell
            raise ValueError(f"{path} is given twice, expected each once")
        subject = read_subject(path)
        if subject.policy is not None:
            before = digests.setdefault(subject.policy.digest(), path)
            if before is not path:
                raise ValueError(f"{path} holds the same model as {before}, expected each once")
        found.append(subject)
    names = [subject.name for subject in found]
    return [
        subject if names.count(subject.name) == 1 else _renamed(subject, path)
        for subject, path in zip(found, paths, strict=True)
    ]


def read_subject(path: Path) -> Subject:
    """What a folder holds; ValueError if that is neither a run nor a model."""
    if not path.is_dir():
        raise ValueError(f"{path} is no folder, expected that of a run or a model")
    model = next((f for f in (path, path / FINAL, path / CHECKPOINTS / BEST) if (f / MANIFEST).is_file()), None)
    config = _config(path)
    records = {name: columns for name in RECORDS if (columns := read_csv(path / f"{name}.csv"))}
    if model is None and not records:
        raise ValueError(f"{path} holds neither a model nor the records of a run, expected one of them")
    if records and config is None:
        raise ValueError(f"{path} holds records but no {CONFIG}, expected the folder of a run")
    policy = None if model is None else Policy.load(model)
    if policy is not None and policy.card.model_type not in TYPES:
        raise ValueError(f"{model} holds a {policy.card.model_type}, expected one of {', '.join(TYPES)}")
    facts = {} if model is None else read_manifest(model)
    name = path.parent.name if path.name == FINAL and path.parent.name else path.resolve().name
    return Subject(name, policy, facts, config, records, model == path / CHECKPOINTS / BEST or model is None)


def kinds_of(subjects: Sequence[Subject]) -> list[Kind]:
    """Runs whose configurations are alike but for the seed, together; models alone each by itself."""
    groups: list[list[Subject]] = []
    for subject in subjects:
        alike = next((g for g in groups if subject.config is not None and _unseeded(g[0]) == _unseeded(subject)), None)
        if alike is None:
            groups.append([subject])
        else:
            alike.append(subject)
    return [Kind(tuple(group)) for group in groups]


def read_csv(path: Path) -> Columns:
    """A file's columns by name; none where there is no file or no line, ValueError where a line is cut off."""
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    if len(rows) < 2:
        return {}
    for number, row in enumerate(rows, start=1):
        if len(row) != len(rows[0]):
            raise ValueError(f"{path}, line {number}, holds {len(row)} values, expected {len(rows[0])}")
    return dict(zip(rows[0], map(list, zip(*rows[1:], strict=True)), strict=True))


def _config(folder: Path) -> Config | None:
    path = folder / CONFIG
    if not path.is_file():
        return None
    try:
        return resolved_from(yaml.safe_load(path.read_text(encoding="utf-8")), to_play=False)
    except yaml.YAMLError as error:
        raise ValueError(f"{path} cannot be read: {error}") from error


def _unseeded(subject: Subject) -> Config | None:
    return None if subject.config is None else subject.config.model_copy(update={"seed": 0})


def _renamed(subject: Subject, path: Path) -> Subject:
    return replace(subject, name="/".join(path.resolve().parts[-2:]))
