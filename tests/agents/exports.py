"""Small models that several tests export: drawn, not learnt, but with the scales and the spread of learnt ones."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import nn

from agents.bundle.ports import MEMORY
from agents.catalog import TYPES
from agents.export.make import Trained, export
from agents.export.sights import from_play
from agents.learners.build import make_card
from policies.actors import build_actor
from policies.normalize import update_scales
from policies.policy import Policy

HOME = TemporaryDirectory()  # of all that tests of this process share
SPREAD = 1.0  # standard deviation of what a head says: drawn ones say nearly the same of every action
SEEN = 300  # states that scales are set by


def model(model_type: str, size: str = "tiny", archetype: str = "mage", algo: str | None = None) -> Policy:
    """A model with scales of real states, and scores that differ as much as if it were learnt."""
    kind = TYPES[model_type]
    chosen = algo or kind.algos[0]
    torch.manual_seed(0)
    card = make_card(kind.by(chosen), archetype, size, chosen)
    actor = build_actor(card.policy_class, card.blocks, card.control, card.policy_arguments)
    policy = Policy(card, actor)
    if algo == "conditioned_ppo":
        return policy
    seen = from_play(policy, SEEN).given
    update_scales(policy.actor, {name: torch.from_numpy(rows).float() for name, rows in _frames(seen).items()})
    told, _ = policy.numbers(seen, seen.get(MEMORY))
    legal = told[told > -1000]
    for last in _last_layers(policy.actor):
        last.weight.data *= SPREAD / max(float(legal.std()), 1e-3)
    return policy


@cache
def trained(model_type: str, size: str = "tiny", archetype: str = "mage", algo: str | None = None) -> Trained:
    """A model in a folder, ready to be exported; built once for all tests of a process."""
    return Trained.of(saved(model_type, size, archetype, algo), pairs=2)


@cache
def saved(model_type: str, size: str = "tiny", archetype: str = "mage", algo: str | None = None) -> Path:
    """The folder of a model."""
    folder = Path(HOME.name) / "runs" / f"{archetype}-{model_type}-{size}-{algo}"
    model(model_type, size, archetype, algo).save(folder)
    return folder


@cache
def exported(model_type: str, precision: Any = "fp32") -> Path:
    """A bundle of a tiny model; nobody may change it."""
    return export(trained(model_type), Path(HOME.name) / "models", precision=precision)


def _frames(seen: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """With the single frames of histories, which have a scale of their own."""
    if "history" not in seen:
        return seen
    frames = seen["history"].reshape(-1, seen["history"].shape[-1])
    return {**seen, "frame": frames[np.abs(frames).max(1) > 0]}


def _last_layers(actor: nn.Module) -> list[nn.Linear]:
    head = getattr(actor, "head", None)
    if head is None:
        return []
    return [head if isinstance(head, nn.Linear) else head.gain[-1]]
