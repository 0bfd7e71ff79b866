"""An actor-critic that remembers and is told how its enemies play: a pattern encoder goes with it."""

from collections.abc import Sequence
from typing import Any

from gymnasium import spaces

from policies.pattern import PatternNetwork
from policies.sb3.memory import MemoryActor, MemoryActorCriticPolicy


class ConditionedPolicy(MemoryActorCriticPolicy):
    """It sees a `latent` that a layer above makes by its encoder, `pattern`, every so many decisions.

    The encoder learns by a loss of its own, and not by this policy's optimizer: to name which of `styles` an enemy
    plays. A `blind` one has the same networks, but is always shown zeros.
    """

    def __init__(
        self,
        observation_space: spaces.Space[Any],
        *arguments: Any,
        styles: Sequence[str],
        every: int = 8,
        blind: bool = False,
        **named: Any,
    ) -> None:
        if every < 1:
            raise ValueError(f"every is {every}, expected at least 1 decision")
        super().__init__(observation_space, *arguments, **named)
        self.styles = tuple(styles)
        self.every = every
        self.blind = blind
        widths = named.get("features_extractor_kwargs", {}).get("widths")
        # After the optimizer was made, so that it holds the acting part alone.
        self.pattern = PatternNetwork(None, widths, len(self.styles))


class ConditionedActor(MemoryActor):
    """The part of it that acts, and the encoder that its `latent` is to be made with."""

    def __init__(self, policy: ConditionedPolicy) -> None:
        super().__init__(policy)
        self.pattern = policy.pattern
        self.styles = policy.styles
        self.every = policy.every
        self.blind = policy.blind
