"""PPO of policies that remember: rows of equal length, each begun with the memory that acting had there."""

from typing import Any, ClassVar

import numpy as np
import torch
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.vec_env import VecEnv
from torch import Tensor

from agents.learners.ppo import SETTINGS, MaskedPPO
from agents.learners.sequences import SequencePiece, SequenceRecorder, Sequences
from policies.sb3.memory import MemoryActorCriticPolicy
from policies.storage import Tree


class MemoryPPO(MaskedPPO):
    """PPO over an LSTM, or over a Transformer-XL's memory carried across steps.

    A rollout of `n_steps` is cut into rows of `sequence` steps, all of them in one unless told otherwise; a row begins
    with the memory that was there when it was played, and gradients reach back to its beginning. Minibatches are whole
    rows. Moments without a choice are remembered, and not learnt from.
    """

    policy_aliases: ClassVar[dict[str, type[BasePolicy]]] = {
        "MlpPolicy": MemoryActorCriticPolicy,
        "MultiInputPolicy": MemoryActorCriticPolicy,
    }
    policy: MemoryActorCriticPolicy  # type: ignore[assignment]

    def __init__(
        self, policy: str | type[MemoryActorCriticPolicy], env: Any, *, sequence: int | None = None,
        n_steps: int = 128, **named: Any,
    ) -> None:  # fmt: skip
        sequence = n_steps if sequence is None else sequence  # as fast on a CPU, and cues far back are learnt sooner
        if sequence < 1 or n_steps % sequence:
            raise ValueError(f"sequence is {sequence}, expected a divisor of n_steps, {n_steps}")
        self.sequence = sequence
        super().__init__(policy, env, n_steps=n_steps, **named)  # type: ignore[arg-type]

    def _setup_model(self) -> None:
        super()._setup_model()
        shards = self._shards()
        size = self.policy.memory_size
        self.members = getattr(shards[0], "slots_a_match", 1) if self.policy.central else 1
        self._memories = [torch.zeros(shard.num_envs, size, device=self.device) for shard in shards]
        self._starts = [np.ones(shard.num_envs, np.bool_) for shard in shards]

    def _begun(self) -> None:
        super()._begun()
        for starts in self._starts:
            starts[:] = True

    def _recorder(self, number: int, env: VecEnv, steps: int) -> SequenceRecorder:
        made = SequenceRecorder(
            self.policy, self._shard_random[number], self._seen, steps, self.sequence, self.members,
            self._memories[number], self._starts[number],
        )  # fmt: skip
        return made

    def _rollout_of(self, pieces: list[SequencePiece], factor: float) -> Sequences:  # type: ignore[override]
        return Sequences.of(pieces, self.sequence, self.members, factor, self.gamma, self.gae_lambda)

    def _played(self, number: int, recorder: SequenceRecorder) -> None:
        self._memories[number] = recorder.memory

    def _told(self, policy: Any, part: Sequences) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        logits, values = policy.unroll(self._shown(part.observations), part.memories, part.starts, self.members)
        chosen = part.chosen.flatten()
        return logits[chosen], values[chosen]

    def _own_state(self) -> Tree:
        return {**super()._own_state(), "memories": self._memories, "starts": self._starts}

    def _set_own_state(self, state: Tree) -> None:
        super()._set_own_state(state)
        self._memories = [torch.as_tensor(np.array(kept)).to(self.device) for kept in state["memories"]]
        self._starts = [np.array(kept) for kept in state["starts"]]

    def _settings(self) -> list[str]:
        return [*SETTINGS, "sequence"]
