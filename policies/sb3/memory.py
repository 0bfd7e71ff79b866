"""An actor-critic that remembers: a memory between what the extractor sees and what the heads say."""

from typing import Any, NoReturn

import torch
from gymnasium import spaces
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.torch_layers import MlpExtractor
from torch import Tensor, nn

from policies.extractors.pack import PackEncoder
from policies.masks import masked_if_given
from policies.memory import LSTMCore, MemoryCore, TransformerXLCore
from policies.normalize import RunningScale
from policies.sb3.base import OwnPolicy, check_discrete

Observations = dict[str, Tensor] | Tensor
CORES = ("lstm", "transformer")
CRITICS = ("shared", "own", "none")
WITHOUT = (
    "a policy that remembers was called without its memory; expected step(observations, memory) or "
    "unroll(observations, memory, starts), or policies.Policy with a session"
)


class MemoryActorCriticPolicy(OwnPolicy, ActorCriticPolicy):
    """Where observations hold `action_mask`, illegal actions have probability 0.

    `core` is what remembers: "lstm", or "transformer" (Transformer-XL over the last `span` moments). The critic shares
    the actor's memory, has its `own`, or "none". A `central` critic sees the states of the actor's whole pack: then
    rows are those of whole packs, a pack's side by side, and calls name how many `members` it has.
    """

    def __init__(
        self,
        observation_space: spaces.Space[Any],
        action_space: spaces.Space[Any],
        *arguments: Any,
        core: str = "lstm",
        core_width: int = 128,
        core_layers: int = 1,
        core_heads: int = 4,
        span: int = 32,
        critic: str = "own",
        central: bool = False,
        **named: Any,
    ) -> None:
        check_discrete(action_space)
        if core not in CORES:
            raise ValueError(f"core is {core!r}, expected one of {', '.join(CORES)}")
        if critic not in CRITICS:
            raise ValueError(f"critic is {critic!r}, expected one of {', '.join(CRITICS)}")
        if central and critic == "shared":
            raise ValueError("a central critic cannot share the actor's memory, expected critic 'own' or 'none'")
        self._core: dict[str, Any] = {
            "core": core,
            "width": core_width,
            "layers": core_layers,
            "heads": core_heads,
            "span": span,
        }
        self.critic = critic
        self.central = central
        super().__init__(observation_space, action_space, *arguments, **named)
        self.return_scale = RunningScale(1, "returns")

    def _build_mlp_extractor(self) -> None:
        """The cores too: they stand before the heads' hidden layers, and learn by the same optimizer."""
        self.actor_core = _core(self.features_dim, **self._core)
        width = self.actor_core.width
        self.pack = PackEncoder(self.features_dim) if self.central else None
        self.critic_core = _core(self.features_dim, **self._core) if self.critic == "own" else None
        plain = nn.Sequential(nn.Linear(self.features_dim, width), nn.ReLU())
        self.critic_entrance = plain if self.critic == "none" else None
        self.mlp_extractor = MlpExtractor(width, self.net_arch, self.activation_fn, device=self.device)

    @property
    def memory_size(self) -> int:
        """Numbers of a memory: the actor's, then the critic's."""
        return self.actor_core.size + (self.critic_core.size if self.critic_core is not None else 0)

    def step(self, observations: Observations, memory: Tensor, members: int = 1) -> tuple[Tensor, Tensor, Tensor]:
        """One moment: masked scores [batch, actions], values [batch], and the memories after it."""
        size = self._own_part(memory)
        seen, worth = self._features(observations, 1, members)
        told, later = self.actor_core.step(seen[:, 0], memory[:, :size])
        if self.critic_core is not None:
            judged, kept = self.critic_core.step(worth[:, 0], memory[:, size:])
            later = torch.cat([later, kept], 1)
        else:
            judged = told if self.critic_entrance is None else self.critic_entrance(worth[:, 0])
        return self._scores(told, observations), self._values(judged), later

    def unroll(
        self, observations: Observations, memory: Tensor, starts: Tensor, members: int = 1
    ) -> tuple[Tensor, Tensor]:
        """Many moments [rows, length, ...]: masked scores [rows * length, actions], values [rows * length]."""
        rows, length = starts.shape
        size = self._own_part(memory)
        flat = _flat(observations)
        seen, worth = self._features(flat, length, members)
        told = self.actor_core.unroll(seen, memory[:, :size], starts)
        if self.critic_core is not None:
            judged = self.critic_core.unroll(worth, memory[:, size:], starts)
        else:
            judged = told if self.critic_entrance is None else self.critic_entrance(worth)
        told, judged = told.reshape(rows * length, -1), judged.reshape(rows * length, -1)
        return self._scores(told, flat), self._values(judged)

    def _own_part(self, memory: Tensor) -> int:
        """How many numbers of each memory are the actor's, the first of them."""
        if memory.dim() != 2 or memory.shape[1] != self.memory_size:
            raise ValueError(f"memory is of shape {tuple(memory.shape)}, expected [rows, {self.memory_size}]")
        return self.actor_core.size

    def _features(self, flat: Observations, length: int, members: int) -> tuple[Tensor, Tensor]:
        """Features for actor and critic, [rows, length, features] each, of observations [rows * length, ...]."""
        if self.share_features_extractor or self.pack is not None:
            seen = self.pi_features_extractor(flat)
            worth = seen
        else:
            seen, worth = self.pi_features_extractor(flat), self.vf_features_extractor(flat)
        seen = seen.reshape(-1, length, self.features_dim)
        if self.pack is None:
            return seen, worth.reshape(-1, length, self.features_dim)
        states = flat["state"] if isinstance(flat, dict) else flat
        return seen, self.pack(states.reshape(-1, length, states.shape[-1]), members)

    def _scores(self, told: Tensor, observations: Observations) -> Tensor:
        return masked_if_given(self.action_net(self.mlp_extractor.forward_actor(told)), observations)

    def _values(self, judged: Tensor) -> Tensor:
        values: Tensor = self.value_net(self.mlp_extractor.forward_critic(judged))
        return values.flatten()

    def forward(self, *arguments: Any, **named: Any) -> NoReturn:
        """Refused, as all that would have to make up a memory."""
        raise ValueError(WITHOUT)

    predict = evaluate_actions = get_distribution = predict_values = forward


class MemoryActor(nn.Module):
    """The part of it that acts, to be deployed: observations and memories to masked scores and memories."""

    def __init__(self, policy: MemoryActorCriticPolicy) -> None:
        super().__init__()
        self.extractor = policy.pi_features_extractor
        self.core = policy.actor_core
        self.trunk = policy.mlp_extractor.policy_net
        self.head = policy.action_net

    @property
    def memory_size(self) -> int:
        """Numbers of a memory."""
        return self.core.size

    def forward(self, observations: dict[str, Tensor], memory: Tensor) -> tuple[Tensor, Tensor]:
        """Masked scores [batch, actions], and the memories [batch, size] after this moment."""
        told, later = self.core.step(self.extractor(observations), memory)
        return masked_if_given(self.head(self.trunk(told)), observations), later


def _core(inputs: int, core: str, width: int, layers: int, heads: int, span: int) -> MemoryCore:
    if core == "lstm":
        return LSTMCore(inputs, width, layers)
    return TransformerXLCore(inputs, width, layers, heads, span)


def _flat(observations: Observations) -> Observations:
    """Observations [rows, length, ...] as [rows * length, ...]."""
    if isinstance(observations, dict):
        return {name: block.flatten(0, 1) for name, block in observations.items()}
    return observations.flatten(0, 1)
