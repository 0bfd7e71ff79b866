"""Pieces that networks are put together from."""

from torch import Tensor, nn


class ResidualBlock(nn.Module):
    """x + W2 relu(W1 norm(x)): keeps the width, and the way of the gradient open."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.inner = nn.Linear(width, width)
        self.outer = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Features [batch, width] to features of the same shape."""
        return x + self.outer(nn.functional.relu(self.inner(self.norm(x))))  # type: ignore[no-any-return]


class Trunk(nn.Module):
    """From any number of features to `width`, through residual blocks; positive numbers come out."""

    def __init__(self, inputs: int, width: int, depth: int) -> None:
        super().__init__()
        self.entrance = nn.Linear(inputs, width)
        self.blocks = nn.Sequential(*(ResidualBlock(width) for _ in range(depth)))

    def forward(self, x: Tensor) -> Tensor:
        """Features [batch, inputs] to features [batch, width]."""
        return nn.functional.relu(self.blocks(nn.functional.relu(self.entrance(x))))
