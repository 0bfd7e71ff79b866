"""How somebody plays, from the frames that were seen of it: a class of style and a latent that tells more."""

import torch
from gymnasium import spaces
from torch import Tensor, nn

from mlmonster_env.contract import HISTORY, LATENT, STATE_SIZE
from policies.extractors.blocks import check_block
from policies.extractors.entities import EntityAttention
from policies.layers import Trunk
from policies.masks import masked
from policies.normalize import RunningScale
from policies.sizes import Widths

STYLES = 8
FRAMES_A_TOKEN = 3
TOKENS = HISTORY // FRAMES_A_TOKEN


class PatternNetwork(nn.Module):
    """The last frames of one monster to its style: [batch, classes + LATENT], calibrated scores first, then the latent.

    The probabilities of the styles are the softmax of the scores. A frame of zeros is one that was not seen: what is
    before the first frame, or between frames, changes nothing. Where there is none at all the scores are finite and
    always the same.
    """

    temperature: Tensor

    def __init__(
        self, observation_space: spaces.Space[object] | None = None, widths: Widths | None = None, classes: int = STYLES
    ) -> None:
        if observation_space is not None:
            check_block(observation_space, "history")
        if classes < 2:
            raise ValueError(f"classes is {classes}, expected at least 2")
        super().__init__()
        chosen = widths or Widths()
        width = chosen.tokens
        self.classes = classes
        self.scale = RunningScale(STATE_SIZE, "frame")  # single frames, for absent ones must not count
        self.embedding = nn.Linear(FRAMES_A_TOKEN * (STATE_SIZE + 1), width)
        self.places = nn.Parameter(torch.randn(TOKENS, width) * 0.02)  # the last one is the newest
        self.encoders = nn.ModuleList(EntityAttention(width, chosen.heads) for _ in range(chosen.encoders))
        self.trunk = Trunk(2 * width, chosen.trunk, chosen.depth)
        self.latent = nn.Sequential(nn.Linear(chosen.trunk, LATENT), nn.LayerNorm(LATENT))
        self.head = nn.Linear(LATENT, classes)
        # Of the scores, set on matches that nothing was learnt from.
        self.register_buffer("temperature", torch.ones(()))

    def encode(self, frames: Tensor, present: Tensor) -> Tensor:
        """The latent [batch, LATENT] of frames [batch, HISTORY, 64], of which those that are `present` count."""
        rows, here = self._tokens(frames, present)
        for encoder in self.encoders:
            rows = encoder(rows, here)
        count = here.sum(1, keepdim=True)
        middle = (rows * here[..., None]).sum(1) / torch.clamp(count, min=1.0)
        greatest = masked(rows.transpose(1, 2), here[:, None, :]).amax(-1) * torch.clamp(count, max=1.0)
        return self.latent(self.trunk(torch.cat([middle, greatest], 1)))  # type: ignore[no-any-return]

    def attention(self, frames: Tensor) -> Tensor:
        """What each stretch of frames attends to in each layer [batch, layers, heads, TOKENS, TOKENS], oldest first."""
        rows, here = self._tokens(frames, seen_frames(frames))
        seen = []
        for encoder in self.encoders:
            rows, weights = encoder.look(rows, here)  # type: ignore[operator]
            seen.append(weights)
        return torch.stack(seen, 1)

    def _tokens(self, frames: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """Stretches of frames before any attention [batch, TOKENS, width], and which of them are there."""
        there = present > 0.5
        scaled = torch.where(there[..., None], self.scale(frames), torch.zeros_like(frames))
        marked = torch.cat([scaled, there[..., None].to(frames.dtype)], -1)
        rows = self.embedding(marked.reshape(-1, TOKENS, FRAMES_A_TOKEN * (STATE_SIZE + 1))) + self.places
        return rows, there.reshape(-1, TOKENS, FRAMES_A_TOKEN).to(frames.dtype).amax(-1)

    def scores(self, latent: Tensor) -> Tensor:
        """Of each style [batch, classes], as they are learnt: not calibrated yet."""
        return self.head(latent)  # type: ignore[no-any-return]

    def forward(self, observations: dict[str, Tensor]) -> Tensor:
        """[batch, classes + LATENT]."""
        frames = observations["history"]
        latent = self.encode(frames, seen_frames(frames))
        return torch.cat([self.scores(latent) / self.temperature, latent], 1)


class Projection(nn.Module):
    """From the latent to the unit sphere on which styles are told apart; it serves to learn and is not deployed."""

    def __init__(self, width: int = 128) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(LATENT, width), nn.ReLU(), nn.Linear(width, width))

    def forward(self, latent: Tensor) -> Tensor:
        """[batch, width], each of length 1."""
        return nn.functional.normalize(self.layers(latent), dim=-1)


def seen_frames(frames: Tensor) -> Tensor:
    """Which frames [..., 64] were seen, as 1 and 0: somebody alive is never all zeros."""
    return (frames.abs().amax(-1) > 0).to(frames.dtype)


def contrastive_loss(points: Tensor, styles: Tensor, matches: Tensor, temperature: float = 0.1) -> Tensor:
    """How far windows of one style are from being each other's nearest; mean over those that have a like one.

    `points` are of length 1. Alike are windows of the same style from different matches; two of the same style from one
    match are neither alike nor unlike, for they show the same fight.
    """
    near = points @ points.T / temperature
    same = styles[:, None] == styles[None]
    together = matches[:, None] == matches[None]
    alike = (same & ~together).to(points.dtype)
    compared = ~(same & together)
    chance = near - torch.logsumexp(near.masked_fill(~compared, -torch.inf), 1, keepdim=True).clamp(min=-1e4)
    count = alike.sum(1)
    own = -(alike * chance).sum(1) / count.clamp(min=1.0)
    return (own * (count > 0)).sum() / (count > 0).sum().clamp(min=1)
