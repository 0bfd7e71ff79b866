"""The state vector through a residual network."""

from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import Tensor

from mlmonster_env.contract import STATE_SIZE
from policies.extractors.blocks import Observations, block_of, check_block
from policies.layers import Trunk
from policies.normalize import RunningScale


class StateExtractor(BaseFeaturesExtractor):
    """`width` features of the state vector; takes it alone, or among the blocks of a `Dict`."""

    def __init__(self, observation_space: spaces.Space[object], width: int = 128, depth: int = 1) -> None:
        check_block(observation_space, "state")
        super().__init__(observation_space, width)
        self.scale = RunningScale(STATE_SIZE, "state")
        self.trunk = Trunk(STATE_SIZE, width, depth)

    def forward(self, observations: Observations) -> Tensor:
        """[batch, width]."""
        return self.trunk(self.scale(block_of(observations, "state")))  # type: ignore[no-any-return]
