"""A Transformer-XL: each layer attends to what it took in during the last moments, by how long ago they were."""

import math

import torch
from torch import Tensor, nn

from policies.masks import FORBIDDEN
from policies.memory.core import MemoryCore


class XLLayer(nn.Module):
    """Attention over what came before, by content and by time passed, and a feed-forward layer after it."""

    def __init__(self, width: int, heads: int, span: int) -> None:
        super().__init__()
        if heads < 1 or width % heads:
            raise ValueError(f"width is {width}, expected a multiple of heads, {heads}")
        self.heads = heads
        self.depth = width // heads
        self.before = nn.LayerNorm(width)
        self.asked = nn.Linear(width, width, bias=False)
        self.keyed = nn.Linear(width, width, bias=False)
        self.valued = nn.Linear(width, width, bias=False)
        self.timed = nn.Linear(width, width, bias=False)
        self.by_content = nn.Parameter(torch.zeros(heads, 1, self.depth))
        self.by_time = nn.Parameter(torch.zeros(heads, 1, self.depth))
        self.answered = nn.Linear(width, width)
        self.between = nn.LayerNorm(width)
        self.forth = nn.Linear(width, 4 * width)
        self.back = nn.Linear(4 * width, width)
        self.register_buffer("waves", waves(span + 1, width), persistent=False)

    waves: Tensor

    def step(self, x: Tensor, memory: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """One moment [batch, width] over `memory` [batch, span, width]; features, and what is to be remembered."""
        features, taken, _ = self.look(x, memory, present)
        return features, taken

    def look(self, x: Tensor, memory: Tensor, present: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """As `step`, and what was attended to [batch, heads, span + 1], the oldest moment first, this one last."""
        taken = self.before(x)
        batch = x.shape[0]  # not len(), which a trace would keep as a number
        query = self.asked(taken).reshape(batch, self.heads, 1, self.depth)
        rows = torch.cat([memory, taken[:, None]], 1)
        seen = torch.cat([present, present.new_ones(batch, 1)], 1)
        # One query against many rows: it is cheaper to bring the query to the rows than all rows to keys and values.
        keys = self.keyed.weight.reshape(self.heads, self.depth, -1)
        scores = ((query + self.by_content) @ keys).squeeze(2) @ rows.transpose(1, 2)
        times = self._times().flip(1)  # the oldest is the first row
        scores = scores + ((query + self.by_time) @ times.transpose(1, 2)).squeeze(2)
        weights = self._weights(scores, seen[:, None] > 0.5)
        values = self.valued.weight.reshape(self.heads, self.depth, -1)
        mixed = torch.einsum("bhw,hdw->bhd", weights @ rows, values)
        return self._after(x, mixed.reshape(batch, self.heads * self.depth)), taken, weights

    def unroll(self, x: Tensor, memory: Tensor, allowed: Tensor, distance: Tensor) -> Tensor:
        """Moments [rows, length, width] over `memory` and each other; `allowed` [rows, length, span + length]."""
        taken = self.before(x)
        rows, length, width = x.shape
        query = self._split(self.asked(taken))
        whole = torch.cat([memory, taken], 1)
        key, value = self._split(self.keyed(whole)), self._split(self.valued(whole))
        scores = (query + self.by_content) @ key.transpose(-1, -2)
        by_time = (query + self.by_time) @ self._times().transpose(1, 2)
        scores = scores + by_time.gather(-1, distance.expand(rows, self.heads, -1, -1))
        weights = self._weights(scores, allowed[:, None])
        mixed = (weights @ value).transpose(1, 2).reshape(rows, length, width)
        return self._after(x, mixed)

    def _times(self) -> Tensor:
        """What each distance in time is like: [heads, span + 1, depth], 0 first."""
        return self.timed(self.waves).reshape(-1, self.heads, self.depth).transpose(0, 1)  # type: ignore[no-any-return]

    def _weights(self, scores: Tensor, allowed: Tensor) -> Tensor:
        scaled = scores * self.depth**-0.5
        return torch.softmax(torch.where(allowed, scaled, torch.full_like(scaled, FORBIDDEN)), -1)

    def _split(self, x: Tensor) -> Tensor:
        rows, length, _ = x.shape
        return x.reshape(rows, length, self.heads, self.depth).transpose(1, 2)

    def _after(self, x: Tensor, mixed: Tensor) -> Tensor:
        x = x + self.answered(mixed)
        return x + self.back(nn.functional.relu(self.forth(self.between(x))))  # type: ignore[no-any-return]


class TransformerXLCore(MemoryCore):
    """Layers of attention, each over the last `span` moments of the layer below it.

    A memory holds for each of those moments, the oldest first, what every layer took in, and whether it was there at
    all. With `span=0` nothing is remembered.
    """

    def __init__(self, inputs: int, width: int, layers: int = 2, heads: int = 4, span: int = 32) -> None:
        if span < 0:
            raise ValueError(f"span is {span}, expected 0 moments or more")
        if layers < 1:
            raise ValueError(f"layers is {layers}, expected at least 1")
        super().__init__(inputs, width, span * (layers * width + 1))
        self.span = span
        self.entrance = nn.Linear(inputs, width)
        self.layers = nn.ModuleList(XLLayer(width, heads, span) for _ in range(layers))
        self.exit = nn.LayerNorm(width)

    def step(self, x: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """As the base class says."""
        self.check(x, memory)
        held, present = self._parts(memory)
        x = self.entrance(x)
        taken = []
        for number, layer in enumerate(self.layers):
            x, fresh = layer.step(x, held[:, :, number], present)  # type: ignore[operator]
            taken.append(fresh)
        row = torch.cat([*taken, torch.ones_like(x[:, :1])], 1)
        later = torch.cat([memory, row], 1)[:, row.shape[1] :]
        return self.exit(x), later

    def attention(self, x: Tensor, memory: Tensor) -> Tensor:
        """What one moment attends to in each layer [batch, layers, heads, span + 1]: the oldest first, itself last."""
        held, present = self._parts(memory)
        x = self.entrance(x)
        seen = []
        for number, layer in enumerate(self.layers):
            x, _, weights = layer.look(x, held[:, :, number], present)  # type: ignore[operator]
            seen.append(weights)
        return torch.stack(seen, 1)

    def unroll(self, x: Tensor, memory: Tensor, starts: Tensor) -> Tensor:
        """As the base class says."""
        self.check(x, memory, starts)
        held, present = self._parts(memory)
        length = x.shape[1]
        lives = starts.bool().long().cumsum(1)  # how many resets before or at each moment
        earlier = (lives[:, :, None] == 0) & (present[:, None, :] > 0.5)
        among = lives[:, :, None] == lives[:, None, :]
        ago = torch.arange(length)[:, None] + self.span - torch.arange(self.span + length)
        in_reach = ((ago >= 0) & (ago <= self.span)).to(x.device)
        allowed = torch.cat([earlier, among], 2) & in_reach
        distance = ago.clamp(0, self.span).to(x.device)
        x = self.entrance(x)
        for number, layer in enumerate(self.layers):
            x = layer.unroll(x, held[:, :, number], allowed, distance)  # type: ignore[operator]
        return self.exit(x)  # type: ignore[no-any-return]

    def _parts(self, memory: Tensor) -> tuple[Tensor, Tensor]:
        """What was taken in [batch, span, layers, width], and whether it was there [batch, span]."""
        batch = memory.shape[0]
        rows = memory.reshape(batch, self.span, len(self.layers) * self.width + 1)
        return rows[..., :-1].reshape(batch, self.span, len(self.layers), self.width), rows[..., -1]


def waves(distances: int, width: int) -> Tensor:
    """Sines and cosines of each distance in time: [distances, width]."""
    rates = torch.exp(torch.arange(0, width, 2, dtype=torch.float32) * (-math.log(10_000.0) / width))
    angles = torch.arange(distances)[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], 1)[:, :width]
