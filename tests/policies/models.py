"""What several tests need: made-up observations, tiny policies of each kind, and files that run code when unpickled."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.policies import BasePolicy
from torch import nn

from mlmonster_env.contract import BLOCKS, CONTROLS
from policies.actors import actor_of, build_policy
from policies.extractors import JointExtractor
from policies.masks import MASK
from policies.policy import Card, Policy
from policies.sb3.actor_critic import MaskedActorCriticPolicy
from policies.sb3.box import SquashedGaussianPolicy
from policies.sb3.memory import MemoryActorCriticPolicy
from policies.sb3.values import DuelingQPolicy, DuelingQuantilePolicy
from policies.sizes import TINY

JOINT: dict[str, Any] = {"features_extractor_class": JointExtractor, "features_extractor_kwargs": {"widths": TINY}}
KINDS: dict[str, tuple[type[BasePolicy], str, tuple[str, ...], dict[str, Any]]] = {
    "logits": (
        MaskedActorCriticPolicy,
        "movement",
        ("state", "grid", MASK),
        {**JOINT, "net_arch": {"pi": [16], "vf": [16]}, "activation_fn": nn.ReLU},
    ),
    "values": (DuelingQPolicy, "combat", ("state", MASK), {**JOINT, "net_arch": [16]}),
    "quantiles": (
        DuelingQuantilePolicy,
        "skill",
        ("state", "skills", MASK),
        {**JOINT, "net_arch": [16], "n_quantiles": TINY.quantiles},
    ),
    "box": (
        SquashedGaussianPolicy,
        "continuous",
        ("state", "entities"),
        {**JOINT, "net_arch": [16], "share_features_extractor": False},
    ),
}
DISCRETE = [kind for kind in KINDS if kind != "box"]


def sights(blocks: tuple[str, ...], control: str, rows: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Observations by block, as random as can be; every mask leaves something to do."""
    random = np.random.default_rng(seed)
    made: dict[str, np.ndarray] = {}
    for name in blocks:
        if name == MASK:
            made[name] = masks(CONTROLS[control], rows, seed)
        else:
            made[name] = random.random((rows, *BLOCKS[name]), np.float32)
            if name in ("skills", "entities"):
                made[name][..., 0] = random.random(made[name].shape[:2]) < 0.5
    return made


def masks(actions: int, rows: int, seed: int = 0) -> np.ndarray:
    """Random masks with at least one legal action."""
    random = np.random.default_rng(seed)
    made = (random.random((rows, actions)) < 0.4).astype(np.int8)
    made[np.arange(rows), random.integers(actions, size=rows)] = 1
    return made


def tensors(blocks: dict[str, np.ndarray]) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(block).float() for name, block in blocks.items()}


def policy_of(kind: str, seed: int = 0) -> Any:
    """A tiny policy of Stable-Baselines3 with weights drawn from a seed."""
    torch.manual_seed(seed)
    made, control, blocks, arguments = KINDS[kind]
    return build_policy(made, blocks, control, dict(arguments))


def model_of(kind: str, seed: int = 0) -> Policy:
    """A tiny model such as a run ends with."""
    made, control, blocks, arguments = KINDS[kind]
    card = Card("made up", "mage", "tiny", control, blocks, made, dict(arguments))
    return Policy(card, actor_of(policy_of(kind, seed)).requires_grad_(False))


def memory_arguments(kind: str, **more: Any) -> dict[str, Any]:
    """What a tiny policy that remembers is made with; `kind` is "lstm" or "transformer"."""
    core = {"core": kind, "core_width": 16, "core_layers": 1, "core_heads": 2, "span": 8}
    return {**JOINT, "net_arch": {"pi": [16], "vf": [16]}, "activation_fn": nn.ReLU, **core, **more}


def memory_policy_of(kind: str, seed: int = 0, **more: Any) -> Any:
    """A tiny policy that remembers, of combat orders."""
    torch.manual_seed(seed)
    return build_policy(MemoryActorCriticPolicy, ("state", MASK), "combat", memory_arguments(kind, **more))


def memory_model_of(kind: str, seed: int = 0, **more: Any) -> Policy:
    """The same as a model such as a run ends with."""
    arguments = memory_arguments(kind, **more)
    card = Card("made up", "mage", "tiny", "combat", ("state", MASK), MemoryActorCriticPolicy, arguments)
    return Policy(card, actor_of(memory_policy_of(kind, seed, **more)).requires_grad_(False))


class Hostile:
    """Whoever unpickles it makes a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.marker,)


def pickled(marker: Path) -> bytes:
    """Bytes that make a file when they are unpickled; that they do is checked here."""
    told = pickle.dumps(Hostile(marker))
    pickle.loads(told)
    assert marker.is_file()
    marker.unlink()
    return told
