"""What stands at the end of a network: values, quantiles."""

from torch import Tensor, nn


class DuelingHead(nn.Module):
    """Values of actions as what the situation is worth plus what each action adds to the mean of all."""

    def __init__(self, features: int, actions: int, hidden: int) -> None:
        super().__init__()
        self.worth = nn.Sequential(nn.Linear(features, hidden), nn.ReLU(), nn.Linear(hidden, 1))
        self.gain = nn.Sequential(nn.Linear(features, hidden), nn.ReLU(), nn.Linear(hidden, actions))

    def forward(self, features: Tensor) -> Tensor:
        """[batch, features] to [batch, actions]."""
        gain = self.gain(features)
        return self.worth(features) + (gain - gain.mean(-1, keepdim=True))  # type: ignore[no-any-return]


class DuelingQuantileHead(nn.Module):
    """The same, for each of `quantiles` equal parts of the distribution of returns."""

    def __init__(self, features: int, actions: int, quantiles: int, hidden: int) -> None:
        super().__init__()
        self.actions = actions
        self.quantiles = quantiles
        self.worth = nn.Sequential(nn.Linear(features, hidden), nn.ReLU(), nn.Linear(hidden, quantiles))
        self.gain = nn.Sequential(nn.Linear(features, hidden), nn.ReLU(), nn.Linear(hidden, quantiles * actions))

    def forward(self, features: Tensor) -> Tensor:
        """[batch, features] to [batch, quantiles, actions]."""
        gain = self.gain(features).reshape(-1, self.quantiles, self.actions)
        return self.worth(features)[..., None] + gain - gain.mean(-1, keepdim=True)  # type: ignore[no-any-return]
