"""The whole grid through a vision transformer: patches of 8 x 8 cells, and a class token that asks them."""

import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import Tensor, nn

from mlmonster_env.contract import GRID_CELLS, GRID_CHANNELS
from policies.extractors.blocks import Observations, block_of, check_block

PATCH = 8  # cells, each way
ACROSS = GRID_CELLS // PATCH
PATCHES = ACROSS**2
TOKENS = PATCHES + 1  # the class token comes first
SPREAD = 0.02  # of positions, as they are drawn


class VisionLayer(nn.Module):
    """Attention of some tokens to all, and a feed-forward layer after it; each normed before and added to what was."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        if heads < 1 or width % heads:
            raise ValueError(f"vision is {width} wide, expected a multiple of its heads, {heads}")
        self.heads = heads
        self.before = nn.LayerNorm(width)
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.answered = nn.Linear(width, width)
        self.between = nn.LayerNorm(width)
        self.forth = nn.Linear(width, 2 * width)
        self.back = nn.Linear(2 * width, width)

    def forward(self, tokens: Tensor, asking: int) -> tuple[Tensor, Tensor]:
        """The first `asking` of tokens [batch, n, width] anew, and what they attended to [batch, heads, asking, n]."""
        batch, count, width = tokens.shape
        each = width // self.heads
        normed = self.before(tokens)
        query = self.query(normed[:, :asking]).reshape(batch, asking, self.heads, each).transpose(1, 2)
        key, value = self.key_value(normed).reshape(batch, count, 2, self.heads, each).permute(2, 0, 3, 1, 4).unbind()
        weights = torch.softmax(query @ key.transpose(-1, -2) * each**-0.5, -1)
        mixed = (weights @ value).transpose(1, 2).reshape(batch, asking, width)
        asked = tokens[:, :asking] + self.answered(mixed)
        return asked + self.back(nn.functional.relu(self.forth(self.between(asked)))), weights


class VisionExtractor(BaseFeaturesExtractor):
    """`width` features of the whole grid: what the class token knows after `layers` of attention."""

    def __init__(
        self, observation_space: spaces.Space[object], width: int = 64, layers: int = 2, heads: int = 4
    ) -> None:
        check_block(observation_space, "grid")
        if layers < 1:  # the class token would ask nobody
            raise ValueError(f"layers is {layers}, expected at least 1")
        super().__init__(observation_space, width)
        self.embedding = nn.Conv2d(len(GRID_CHANNELS), width, PATCH, stride=PATCH)  # cutting and embedding in one
        self.places = nn.Parameter(torch.randn(PATCHES, width) * SPREAD)
        self.asker = nn.Parameter(torch.randn(1, 1, width) * SPREAD)
        self.layers = nn.ModuleList(VisionLayer(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)

    def forward(self, observations: Observations) -> Tensor:
        """[batch, width]."""
        return self._look(observations)[0]

    def tokens(self, observations: Observations) -> Tensor:
        """The tokens [batch, 17, width] before any attention: the class token, then patches by row from the south."""
        patches = self.embedding(block_of(observations, "grid")).flatten(2).transpose(1, 2) + self.places
        return torch.cat([self.asker.expand(patches.shape[0], -1, -1), patches], 1)

    def attention(self, observations: Observations) -> Tensor:
        """What the class token attends to of each patch [batch, layers, heads, 16]; the rest of 1 it gives itself."""
        return torch.stack([weights[:, :, 0, 1:] for weights in self._look(observations)[1]], 1)

    def _look(self, observations: Observations) -> tuple[Tensor, list[Tensor]]:
        tokens = self.tokens(observations)
        seen = []
        for number, layer in enumerate(self.layers, start=1):
            # Of the last layer only the class token is read, so that only it asks.
            tokens, weights = layer(tokens, 1 if number == len(self.layers) else TOKENS)
            seen.append(weights)
        return self.norm(tokens[:, 0]), seen
