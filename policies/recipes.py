"""How something is made, as JSON: numbers, texts, and a few classes by their names. Nothing is looked up but these."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from torch import nn, optim

from policies.ensemble import ThreatEnsemble
from policies.extractors import (
    EntityExtractor,
    GridExtractor,
    JointExtractor,
    LatentExtractor,
    SkillExtractor,
    StateExtractor,
    VisionExtractor,
)
from policies.pattern import PatternNetwork
from policies.sb3.actor_critic import MaskedActorCriticPolicy
from policies.sb3.box import SquashedGaussianPolicy
from policies.sb3.conditioned import ConditionedPolicy
from policies.sb3.memory import MemoryActorCriticPolicy
from policies.sb3.values import DuelingQPolicy, DuelingQuantilePolicy
from policies.sizes import Widths

MADE: tuple[type[Any], ...] = (
    EntityExtractor, GridExtractor, JointExtractor, LatentExtractor, SkillExtractor, StateExtractor, VisionExtractor,
    MaskedActorCriticPolicy, MemoryActorCriticPolicy, ConditionedPolicy, SquashedGaussianPolicy, DuelingQPolicy,
    DuelingQuantilePolicy, ThreatEnsemble, PatternNetwork, nn.ReLU, nn.Tanh, optim.Adam,
)  # fmt: skip
KNOWN: dict[str, type[Any]] = {made.__name__: made for made in MADE}


def encode(value: Any, path: str = "") -> tuple[Any, list[str]]:
    """A value as JSON, and the top-level names of what could not be told."""
    if isinstance(value, Widths):
        return {"$widths": asdict(value)}, []
    if isinstance(value, type):
        name = value.__name__
        return ({"$class": name}, []) if KNOWN.get(name) is value else (None, [path])
    if isinstance(value, Mapping):
        found, left_out = {}, []
        for key, inner in value.items():
            told, missed = encode(inner, path or str(key))
            left_out += missed
            if not missed:
                found[str(key)] = told
        return found, sorted(set(left_out))
    if isinstance(value, list | tuple):
        parts = [encode(inner, path) for inner in value]
        return [told for told, _ in parts], sorted({name for _, missed in parts for name in missed})
    if value is None or isinstance(value, bool | int | float | str):
        return value, []
    return None, [path]


def decode(told: Any) -> Any:
    """What `encode` told of."""
    if isinstance(told, dict):
        if set(told) == {"$widths"}:
            return Widths(**told["$widths"])
        if set(told) == {"$class"}:
            if told["$class"] not in KNOWN:
                raise ValueError(f"class is {told['$class']!r}, expected one of {', '.join(sorted(KNOWN))}")
            return KNOWN[told["$class"]]
        return {key: decode(inner) for key, inner in told.items()}
    if isinstance(told, list):
        return [decode(inner) for inner in told]
    return told
