"""The part of a policy that acts: what is deployed, and what its numbers mean."""

from typing import Any

import torch
from gymnasium import spaces
from stable_baselines3.common.policies import ActorCriticPolicy
from torch import nn

from mlmonster_env.contract import CONTINUOUS, CONTROLS
from mlmonster_env.envs.battle import block_space
from policies.ensemble import ThreatEnsemble
from policies.pattern import PatternNetwork
from policies.sb3.actor_critic import MaskedActorCriticPolicy, PolicyActor
from policies.sb3.box import BoxActor, SquashedGaussianPolicy
from policies.sb3.conditioned import ConditionedActor, ConditionedPolicy
from policies.sb3.memory import MemoryActor, MemoryActorCriticPolicy
from policies.sb3.values import DuelingQPolicy, DuelingQuantilePolicy, ValueActor

LOGITS, VALUES, BOX, THREAT, STRATEGY = "logits", "values", "box", "threat", "strategy"
TOLD = (BOX, THREAT, STRATEGY)  # numbers that are the answer themselves, not scores to choose by
KINDS: dict[type[nn.Module], str] = {
    MaskedActorCriticPolicy: LOGITS,
    MemoryActorCriticPolicy: LOGITS,
    ConditionedPolicy: LOGITS,
    DuelingQPolicy: VALUES,
    DuelingQuantilePolicy: VALUES,
    SquashedGaussianPolicy: BOX,
    ThreatEnsemble: THREAT,
    PatternNetwork: STRATEGY,
}


def actor_of(policy: nn.Module) -> nn.Module:
    """The module that takes observations by block and gives scores, values or numbers; it shares its weights."""
    if isinstance(policy, MaskedActorCriticPolicy):
        return PolicyActor(policy)
    if isinstance(policy, ConditionedPolicy):
        return ConditionedActor(policy)
    if isinstance(policy, MemoryActorCriticPolicy):
        return MemoryActor(policy)
    if isinstance(policy, DuelingQPolicy):
        return ValueActor(policy.q_net)  # type: ignore[arg-type]
    if isinstance(policy, DuelingQuantilePolicy):
        return ValueActor(policy.quantile_net)
    if isinstance(policy, SquashedGaussianPolicy):
        return BoxActor(policy)
    if isinstance(policy, ThreatEnsemble | PatternNetwork):
        return policy
    raise TypeError(f"policy is a {type(policy).__name__}, expected one of {', '.join(k.__name__ for k in KINDS)}")


def spaces_of(blocks: tuple[str, ...], control: str) -> tuple[spaces.Dict, spaces.Space[Any]]:
    """What a model of these blocks and orders sees and does."""
    seen = spaces.Dict({name: block_space(name, control) for name in blocks})
    actions = CONTROLS.get(control, 0)
    return seen, spaces.Discrete(actions) if actions else spaces.Box(-1.0, 1.0, (len(CONTINUOUS),))


def build_policy(
    policy_class: type[nn.Module], blocks: tuple[str, ...], control: str, arguments: dict[str, Any]
) -> Any:
    """A policy for blocks and orders, its weights as they are drawn."""
    seen, done = spaces_of(blocks, control)
    if issubclass(policy_class, ThreatEnsemble | PatternNetwork):
        return policy_class(seen, **arguments)
    return policy_class(seen, done, _never_learns, **arguments)


def build_actor(policy_class: type[nn.Module], blocks: tuple[str, ...], control: str, arguments: Any) -> nn.Module:
    """The acting part alone, ready for weights."""
    actor = actor_of(build_policy(policy_class, blocks, control, arguments))
    return actor.eval().requires_grad_(False)


def megabytes(network: nn.Module, bytes_a_number: int = 2) -> float:
    """Size of a network's parameters and buffers, each counted once."""
    tensors = {id(t): t.numel() for t in (*network.parameters(), *network.buffers())}
    return sum(tensors.values()) * bytes_a_number / 1e6


def parameters(network: nn.Module) -> int:
    """How many numbers are learnt, each counted once."""
    return sum({id(p): p.numel() for p in network.parameters()}.values())


def _never_learns(progress: float) -> float:
    return 0.0


def meta_policy(policy_class: type[nn.Module], blocks: tuple[str, ...], control: str, arguments: Any) -> nn.Module:
    """The whole policy without memory for its weights: to be counted."""
    drawn = issubclass(policy_class, ActorCriticPolicy)
    plain = {"ortho_init": False} if drawn else {}  # that is drawn, in memory
    with torch.device("meta"):
        return build_policy(policy_class, blocks, control, {**arguments, **plain})  # type: ignore[no-any-return]
