"""Who is near: rows of allies and enemies that attend to each other. In which order they come does not matter."""

import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import Tensor, nn

from mlmonster_env.contract import ENTITY_FEATURES
from policies.extractors.blocks import Observations, block_of, check_block
from policies.masks import masked

PRESENT = ENTITY_FEATURES.index("present")


class EntityAttention(nn.Module):
    """One layer of self-attention among rows that are there, and a feed-forward layer after it."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        if heads < 1 or width % heads:
            raise ValueError(f"width is {width}, expected a multiple of heads, {heads}")
        self.heads = heads
        self.before = nn.LayerNorm(width)
        self.asked = nn.Linear(width, 3 * width)
        self.answered = nn.Linear(width, width)
        self.between = nn.LayerNorm(width)
        self.forth = nn.Linear(width, 2 * width)
        self.back = nn.Linear(2 * width, width)

    def forward(self, rows: Tensor, present: Tensor) -> Tensor:
        """Rows [batch, n, width] and which of them are there [batch, n] to rows of the same shape."""
        return self.look(rows, present)[0]

    def look(self, rows: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """As `forward`, and what each row attended to [batch, heads, n, n]."""
        batch, count, width = rows.shape
        parts = self.asked(self.before(rows)).reshape(batch, count, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        scores = query @ key.transpose(-1, -2) * (width // self.heads) ** -0.5
        weights = torch.softmax(masked(scores, present[:, None, :]), -1)
        mixed = (weights @ value).transpose(1, 2).reshape(batch, count, width)
        rows = rows + self.answered(mixed)
        return rows + self.back(nn.functional.relu(self.forth(self.between(rows)))), weights


class EntityEncoder(nn.Module):
    """Rows of the `entities` block to embeddings that know of each other."""

    def __init__(self, width: int = 32, heads: int = 2, layers: int = 1) -> None:
        super().__init__()
        self.embedding = nn.Linear(len(ENTITY_FEATURES), width)
        self.layers = nn.ModuleList(EntityAttention(width, heads) for _ in range(layers))

    def forward(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Rows [batch, n, features] to embeddings [batch, n, width], and which of them are there [batch, n]."""
        present = rows[..., PRESENT]
        embedded = torch.relu(self.embedding(rows))
        for layer in self.layers:
            embedded = layer(embedded, present)
        return embedded, present

    def attention(self, rows: Tensor) -> Tensor:
        """What each row attends to in each layer [batch, layers, heads, n, n]; rows of nobody mean nothing."""
        present = rows[..., PRESENT]
        embedded = torch.relu(self.embedding(rows))
        seen = []
        for layer in self.layers:
            embedded, weights = layer.look(embedded, present)  # type: ignore[operator]
            seen.append(weights)
        return torch.stack(seen, 1)


class EntityExtractor(BaseFeaturesExtractor):
    """Mean and greatest of what the encoder says of those who are there: 2 `width` numbers; 0 where nobody is."""

    def __init__(
        self, observation_space: spaces.Space[object], width: int = 32, heads: int = 2, layers: int = 1
    ) -> None:
        check_block(observation_space, "entities")
        super().__init__(observation_space, 2 * width)
        self.encoder = EntityEncoder(width, heads, layers)

    def forward(self, observations: Observations) -> Tensor:
        """[batch, 2 * width]."""
        embedded, present = self.encoder(block_of(observations, "entities"))
        here = present[..., None]
        count = torch.clamp(here.sum(1), min=1.0)
        greatest = (masked(embedded.transpose(1, 2), present[:, None, :])).amax(-1)
        somebody = (here.sum(1) > 0.5).to(embedded.dtype)
        return torch.cat([(embedded * here).sum(1) / count, greatest * somebody], 1)
