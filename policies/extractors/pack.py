"""A whole pack at once, for a critic that may see more than the actors: any number of members, in any order."""

import torch
from torch import Tensor, nn

from mlmonster_env.contract import HP_SHARE, STATE_SIZE
from policies.layers import Trunk
from policies.normalize import RunningScale


class PackEncoder(nn.Module):
    """`width` features of each member: its own, and the mean and greatest of those of all that live."""

    def __init__(self, width: int, depth: int = 1) -> None:
        super().__init__()
        self.scale = RunningScale(STATE_SIZE, "state")
        self.member = nn.Linear(STATE_SIZE, width)
        self.trunk = Trunk(3 * width, width, depth)

    def forward(self, states: Tensor, members: int) -> Tensor:
        """States [packs * members, length, 64], a pack's side by side, to features [packs * members, length, width]."""
        rows, length, _ = states.shape
        if rows % members:
            raise ValueError(f"there are {rows} rows, expected whole packs of {members}")
        told = torch.relu(self.member(self.scale(states)))
        lives = (states[..., HP_SHARE] > 0).to(told.dtype)[..., None]
        packs = (told * lives).reshape(-1, members, length, told.shape[-1])
        count = lives.reshape(-1, members, length, 1).sum(1).clamp(min=1.0)
        whole = torch.cat([packs.sum(1) / count, packs.amax(1)], -1)  # what is told of the living is never below 0
        shared = whole[:, None].expand(-1, members, -1, -1).reshape(rows, length, -1)
        return self.trunk(torch.cat([told, shared], -1))  # type: ignore[no-any-return]
