"""Stable-Baselines3's value networks, dueling and masked: of values (DQN) and of their distributions (QR-DQN)."""

from typing import Any, ClassVar

from sb3_contrib.qrdqn.policies import QRDQNPolicy, QuantileNetwork
from stable_baselines3.common.type_aliases import PyTorchObs
from stable_baselines3.dqn.policies import DQNPolicy, QNetwork
from torch import Tensor, nn

from policies.heads import DuelingHead, DuelingQuantileHead
from policies.masks import masked_if_given
from policies.sb3.base import NeverUnpickled, OwnPolicy, in_single

HIDDEN = 64


def _hidden(net_arch: list[int] | None) -> int:
    """Width of the head's hidden layer: the only number in `net_arch`."""
    if net_arch is None or len(net_arch) != 1:
        raise ValueError(f"net_arch is {net_arch}, expected one number: the width of the dueling head")
    return net_arch[0]


class DuelingQNetwork(NeverUnpickled, QNetwork):
    """Values of actions; an illegal one's is `masks.FORBIDDEN`."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        hidden = _hidden(named.get("net_arch"))
        self.q_net = DuelingHead(self.features_dim, int(self.action_space.n), hidden)  # type: ignore[assignment]

    def forward(self, obs: PyTorchObs) -> Tensor:
        """[batch, actions]."""
        return masked_if_given(self.q_net(self.features_extractor(in_single(obs))), obs)

    def best(self, obs: PyTorchObs) -> Tensor:
        """The action of the greatest value [batch, 1]; what the situation is worth need not be known for that."""
        gain = self.q_net.gain(self.features_extractor(in_single(obs)))  # type: ignore[operator]
        return masked_if_given(gain, obs).argmax(1, keepdim=True)


class DuelingQPolicy(OwnPolicy, DQNPolicy):
    """DQN's policy over dueling networks."""

    defaults: ClassVar[dict[str, Any]] = {"net_arch": [HIDDEN]}

    def make_q_net(self) -> DuelingQNetwork:
        """A network with an extractor of its own."""
        arguments = self._update_features_extractor(self.net_args, features_extractor=None)
        return DuelingQNetwork(**arguments)


class DuelingQuantileNetwork(NeverUnpickled, QuantileNetwork):  # type: ignore[misc]
    """Quantiles of the returns of actions; an illegal one's are `masks.FORBIDDEN`."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.quantile_net = DuelingQuantileHead(
            self.features_dim, int(self.action_space.n), self.n_quantiles, _hidden(named.get("net_arch"))
        )

    def forward(self, obs: PyTorchObs) -> Tensor:
        """[batch, quantiles, actions]."""
        return masked_if_given(self.quantile_net(self.features_extractor(in_single(obs))), obs)


class DuelingQuantilePolicy(OwnPolicy, QRDQNPolicy):  # type: ignore[misc]
    """QR-DQN's policy over dueling networks."""

    defaults: ClassVar[dict[str, Any]] = {"net_arch": [HIDDEN]}

    def make_quantile_net(self) -> DuelingQuantileNetwork:
        """A network with an extractor of its own."""
        arguments = self._update_features_extractor(self.net_args, features_extractor=None)
        return DuelingQuantileNetwork(**arguments)


class ValueActor(nn.Module):
    """The part of a value learner that acts, to be deployed."""

    def __init__(self, network: DuelingQNetwork | DuelingQuantileNetwork) -> None:
        super().__init__()
        self.extractor = network.features_extractor
        self.head: Any = network.q_net if isinstance(network, DuelingQNetwork) else network.quantile_net
        self.distributional = not isinstance(network, DuelingQNetwork)

    def forward(self, observations: dict[str, Tensor]) -> Tensor:
        """Values [batch, actions]."""
        values = self.head(self.extractor(observations))
        values = values.mean(1) if self.distributional else values
        return masked_if_given(values, observations)
