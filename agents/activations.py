"""What a step of training keeps for its way back, counted on networks without memory for their weights."""

from typing import Any

import torch
from torch import Tensor, nn

from agents.learners.losses import quantile_huber
from policies.actors import KINDS
from policies.ensemble import ThreatEnsemble
from policies.memory import LSTMCore
from policies.pattern import PatternNetwork
from policies.sb3.actor_critic import MaskedActorCriticPolicy
from policies.sb3.box import SquashedGaussianPolicy
from policies.sb3.memory import MemoryActorCriticPolicy
from policies.sb3.values import DuelingQPolicy, DuelingQuantilePolicy

FLOAT = 4
SEQUENCE = 32  # moments of one monster, as most recipes have it
MANY = 128  # rows, so that what is kept once a batch counts for little
WORKSPACE = 9  # floats for each unit of a fused LSTM's layers, which nobody sees where nothing is computed
Shapes = dict[str, tuple[int, ...]]


def bytes_a_row(policy: nn.Module, shapes: Shapes) -> int:
    """Memory for one row (one moment, where something is remembered) of blocks of these shapes; all single precision.

    Of a policy of `policies.actors.meta_policy` nothing is computed; one on a device is asked there.
    """
    device = next(policy.parameters()).device
    rows = MANY // SEQUENCE if isinstance(policy, MemoryActorCriticPolicy) else MANY
    moments = MANY // rows
    of_network = {tensor.untyped_storage()._cdata for tensor in (*policy.parameters(), *policy.buffers())}
    kept: dict[int, Tensor] = {}  # by storage, alive so that no other takes its place

    def keep(tensor: Tensor) -> Tensor:
        where = tensor.untyped_storage()._cdata
        if where not in of_network:
            kept.setdefault(where, tensor)
        return tensor

    lead = (rows, moments) if moments > 1 else (rows,)
    with torch.device(device), torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = _loss(policy, {name: torch.zeros(*lead, *shape) for name, shape in shapes.items()})
    assert loss.requires_grad
    units = sum(core.layers * core.width for core in policy.modules() if isinstance(core, LSTMCore))
    unseen = FLOAT * WORKSPACE * units if device.type == "meta" else 0
    return sum(tensor.untyped_storage().nbytes() for tensor in kept.values()) // MANY + unseen


def _loss(policy: nn.Module, seen: dict[str, Tensor]) -> Any:
    """Something to learn by, with all that its learner looks at on the way."""
    if isinstance(policy, MemoryActorCriticPolicy):
        rows, moments = next(iter(seen.values())).shape[:2]
        place = "cpu" if isinstance(policy.actor_core, LSTMCore) else None  # an LSTM looks where they are
        starts = torch.zeros(rows, moments, dtype=torch.bool, device=place)
        logits, values = policy.unroll(seen, torch.zeros(rows, policy.memory_size), starts)
        return logits.log_softmax(-1).sum() + values.square().sum()
    if isinstance(policy, MaskedActorCriticPolicy):
        logits, values = policy.logits_and_values(seen)
        return logits.log_softmax(-1).sum() + values.square().sum()
    if isinstance(policy, DuelingQPolicy):
        return policy.q_net(seen).square().sum()
    if isinstance(policy, DuelingQuantilePolicy):
        quantiles = policy.quantile_net(seen)[..., 0]
        return quantile_huber(quantiles, quantiles.detach()).sum()
    if isinstance(policy, SquashedGaussianPolicy):
        means, spread, _ = policy.actor.get_action_dist_params(seen)
        drawn = torch.tanh(means + spread.exp())
        return sum(judged.square().sum() for judged in policy.critic(seen, drawn)) + spread.sum()
    if isinstance(policy, ThreatEnsemble | PatternNetwork):
        return policy(seen).square().sum()
    raise TypeError(f"policy is a {type(policy).__name__}, expected one of {', '.join(k.__name__ for k in KINDS)}")
