"""How dangerous each visible enemy is: a deep ensemble over rows of entities, sure of itself only where it may be."""

import torch
from gymnasium import spaces
from torch import Tensor, nn

from mlmonster_env.contract import ENTITY_KIND_ROWS, STATE_SIZE
from policies.extractors.blocks import check_block
from policies.extractors.entities import PRESENT, EntityEncoder
from policies.layers import Trunk
from policies.normalize import RunningScale
from policies.sizes import Widths

UNIT = 0.01  # of damage over the watcher's hit points, below which amounts are all alike
LEAST_SPREAD, MOST_SPREAD = -4.0, 2.0  # natural logarithms


class ThreatMember(nn.Module):
    """One member: of each enemy row the odds that it does damage, and the amount's logarithm, middle and spread."""

    def __init__(self, widths: Widths) -> None:
        super().__init__()
        self.encoder = EntityEncoder(widths.rows, widths.heads, widths.layers)
        self.own = nn.Linear(STATE_SIZE, widths.rows)
        self.trunk = Trunk(2 * widths.rows, widths.trunk, widths.depth)
        self.head = nn.Linear(widths.trunk, 3)

    def forward(self, state: Tensor, entities: Tensor) -> Tensor:
        """[batch, enemies, 3]."""
        rows, _ = self.encoder(entities)
        rows = rows[:, :ENTITY_KIND_ROWS]
        own = torch.relu(self.own(state))[:, None].expand(-1, ENTITY_KIND_ROWS, -1)
        told: Tensor = self.head(self.trunk(torch.cat([rows, own], -1)))
        return torch.cat([told[..., :2], told[..., 2:].clamp(LEAST_SPREAD, MOST_SPREAD)], -1)


class ThreatEnsemble(nn.Module):
    """What each of the six nearest enemies is about to do to the watcher's side, as several networks see it.

    Out come, by enemy row: the expected damage over the watcher's hit points, the probability of any, and how far the
    members are apart in what they expect. Rows with nobody in them are 0.
    """

    temperature: Tensor

    def __init__(self, observation_space: spaces.Space[object], widths: Widths | None = None) -> None:
        check_block(observation_space, "state")
        check_block(observation_space, "entities")
        super().__init__()
        chosen = widths or Widths()
        self.scale = RunningScale(STATE_SIZE, "state")
        self.members = nn.ModuleList(ThreatMember(chosen) for _ in range(chosen.members))
        self.register_buffer("temperature", torch.ones(()))  # of the odds, set on matches that nothing was learnt from

    def each(self, observations: dict[str, Tensor]) -> Tensor:
        """What every member says: [members, batch, enemies, 3]."""
        state = self.scale(observations["state"])
        return torch.stack([member(state, observations["entities"]) for member in self.members])

    def forward(self, observations: dict[str, Tensor]) -> Tensor:
        """[batch, enemies, 3]: expected damage, probability of any, disagreement."""
        told = self.each(observations)
        chances = torch.sigmoid(told[..., 0] / self.temperature)
        amounts = UNIT * torch.exp(torch.clamp(told[..., 1] + 0.5 * torch.exp(2 * told[..., 2]), max=8.0))
        expected = chances * amounts
        here = observations["entities"][:, :ENTITY_KIND_ROWS, PRESENT]
        middle = expected.mean(0)
        apart = ((expected - middle) ** 2).mean(0).sqrt()
        return torch.stack([middle * here, chances.mean(0) * here, apart * here], -1)


def likelihood_loss(told: Tensor, damage: Tensor, present: Tensor) -> Tensor:
    """How unlikely what happened was to one member: odds and, where damage was done, its amount; mean over rows."""
    hurt = (damage > 0).to(told.dtype)
    odds = nn.functional.binary_cross_entropy_with_logits(told[..., 0], hurt, reduction="none")
    amount = torch.log(torch.clamp(damage, min=UNIT / 10) / UNIT)
    off = (amount - told[..., 1]) * torch.exp(-told[..., 2])
    unlikely = 0.5 * off**2 + told[..., 2]
    return ((odds + hurt * unlikely) * present).sum() / torch.clamp(present.sum(), min=1.0)
