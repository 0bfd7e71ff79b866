"""PPO of Stable-Baselines3 over decisions: masked, sharded over threads, its minibatches split among them."""

import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.utils import explained_variance
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper
from torch import Tensor, nn

from agents.learners.clipping import clip_gradients
from agents.learners.crew import Crew
from agents.learners.recorders import DecisionRecorder
from agents.learners.resumable import Resumable, generator_state, refuse, set_generator_state
from agents.learners.rollout import Piece, Rollout
from mlmonster_env.envs.shards import parted, stacked
from mlmonster_env.envs.vector import by_block
from policies.normalize import update_scales
from policies.products import use_fast_products
from policies.sb3.actor_critic import MaskedActorCriticPolicy
from policies.storage import Tree

Array = np.ndarray[Any, np.dtype[Any]]
LEAST_SCALE = 1e-4
SETTINGS = [
    "learning_rate", "n_steps", "batch_size", "n_epochs", "gamma", "gae_lambda", "normalize_advantage", "ent_coef",
    "clip_range", "clip_range_vf", "vf_coef", "max_grad_norm", "target_kl", "seed", "policy_kwargs",
    "bootstrap_truncated", "normalize_returns", "accumulate", "mixed_precision",
]  # fmt: skip


@dataclass(frozen=True)
class Played:
    """What one shard gave in a rollout."""

    piece: Any
    returns: Array  # discounted ones that its slots had, at each step
    endings: list[dict[int, dict[str, Any]]]  # of each step, by slot what was told of matches that ended
    slots: int


class _NoBuffer:
    """In the place of Stable-Baselines3's buffer, whose memory is not needed."""

    def __init__(self, *arguments: Any, **named: Any) -> None: ...


class MaskedPPO(Resumable, PPO):
    """PPO that learns from decisions alone: moments in which a slot had but one legal action are skipped over.

    An environment with `shards` (`ShardedVecEnv`) is played by one thread a shard, and each minibatch is split among as
    many threads; what comes out depends on the number of shards, not on how fast they are. Callbacks' `on_step` is
    called for every step once the rollout is done. `ent_coef` may be a schedule of the progress remaining, as
    `learning_rate` may. With `bootstrap_truncated=False` a match that time ended is over like any other.
    """

    policy_aliases: ClassVar[dict[str, type[BasePolicy]]] = {
        "MlpPolicy": MaskedActorCriticPolicy,
        "MultiInputPolicy": MaskedActorCriticPolicy,
    }
    policy: MaskedActorCriticPolicy

    def __init__(
        self,
        policy: str | type[MaskedActorCriticPolicy],
        env: Any,
        *,
        ent_coef: float | Callable[[float], float] = 0.0,
        bootstrap_truncated: bool = True,
        normalize_returns: bool = True,
        accumulate: int = 1,
        mixed_precision: bool = True,
        **named: Any,
    ) -> None:
        refuse(named, rollout_buffer_class=None, rollout_buffer_kwargs=None)
        self.ent_schedule = ent_coef if callable(ent_coef) else None
        self.bootstrap_truncated = bootstrap_truncated
        self.normalize_returns = normalize_returns
        self.accumulate = accumulate
        self.mixed_precision = mixed_precision
        self.losses: dict[str, float] = {}
        with warnings.catch_warnings():  # of a last minibatch that is cut short: ours are all of about one size
            warnings.filterwarnings("ignore", "You have specified a mini-batch size")
            super().__init__(policy, env, ent_coef=0.0 if callable(ent_coef) else ent_coef, **named)

    def _setup_model(self) -> None:
        self.rollout_buffer_class = _NoBuffer  # type: ignore[assignment]
        super()._setup_model()
        self.rollout: Rollout | None = None
        shards = self._shards()
        self.crew = Crew(len(shards))
        use_fast_products(self.policy)
        self._replicas = [self.policy, *(deepcopy(self.policy) for _ in shards[1:])]
        self._parameters = [list(replica.parameters()) for replica in self._replicas]
        seed = np.random.SeedSequence(self.seed)
        self.random, *self._shard_random = [np.random.default_rng(s) for s in seed.spawn(1 + len(shards))]
        self._last: list[dict[str, Array]] = []
        self._discounted = [np.zeros(shard.num_envs) for shard in shards]

    def _setup_learn(
        self, total_timesteps: int, callback: Any = None, reset_num_timesteps: bool = True, *more: Any, **named: Any
    ) -> Any:
        begins = reset_num_timesteps or self._last_obs is None  # then the environment is reset
        told = super()._setup_learn(total_timesteps, callback, reset_num_timesteps, *more, **named)
        if begins:
            self._begun()
        return told

    def _begun(self) -> None:
        """Every match begins anew."""
        self._last = []
        for discounted in self._discounted:
            discounted[:] = 0.0

    def set_env(self, env: Any, force_reset: bool = True) -> None:
        """Learn from another environment, of as many slots in as many shards."""
        own, before = self.env, [shard.num_envs for shard in self._shards()]
        super().set_env(env, force_reset)
        found = [shard.num_envs for shard in self._shards()]
        if found != before:
            self.env = own
            raise ValueError(f"the environment's shards are of {found} slots, expected {before}")

    def _shards(self) -> list[VecEnv]:
        # A wrapper would be passed by if what it wraps were played shard by shard.
        whole: list[Any] = [self.env]
        return whole if isinstance(self.env, VecEnvWrapper) else list(getattr(self.env, "shards", whole))

    def collect_rollouts(self, env: VecEnv, callback: BaseCallback, rollout_buffer: Any, n_rollout_steps: int) -> bool:
        """Let every shard play `n_rollout_steps` steps; False if a callback wants to stop."""
        self.policy.set_training_mode(False)
        shards = self._shards()
        if not self._last:
            self._last = parted(by_block(self._last_obs), shards)
        callback.on_rollout_start()  # whoever keeps the state here keeps what is seen now with it
        played = self.crew.map(
            lambda number: self._play(number, shards[number], n_rollout_steps), list(range(len(shards)))
        )
        if self.normalize_returns:
            scale = self.policy.return_scale
            scale.update(torch.cat([torch.from_numpy(one.returns) for one in played])[:, None].float())
            factor = 1.0 / max(float(scale.variance.sqrt()), LEAST_SCALE)
        else:
            factor = 1.0
        self.rollout = self._rollout_of([one.piece for one in played], factor)
        for step in range(n_rollout_steps):
            self.num_timesteps += env.num_envs
            infos = [one.endings[step].get(slot, {}) for one in played for slot in range(one.slots)]
            dones = np.concatenate([one.piece.ended[step] for one in played])
            rewards = np.concatenate([one.piece.rewards[step] for one in played])
            callback.update_locals({"infos": infos, "dones": dones, "rewards": rewards})
            if not callback.on_step():
                return False
            self._update_info_buffer([infos[slot] for slot in np.flatnonzero(dones)], np.ones(int(dones.sum()), bool))
        callback.on_rollout_end()
        return True

    def _rollout_of(self, pieces: list[Piece], factor: float) -> Any:
        """What is learnt from, rewards multiplied by `factor`."""
        return Rollout.of(pieces, factor, self.gamma, self.gae_lambda)

    def _play(self, number: int, env: VecEnv, steps: int) -> "Played":
        """One shard's part of a rollout."""
        seen = self._last[number]
        discounted = self._discounted[number]
        slots = env.num_envs
        recorder = self._recorder(number, env, steps)
        rewards = np.zeros((steps, slots), np.float32)
        ended = np.zeros((steps, slots), np.bool_)
        beyond = np.zeros((steps, slots), np.float32)
        returns = np.zeros((steps, slots), np.float32)
        endings: list[dict[int, dict[str, Any]]] = []
        for step in range(steps):
            fresh, paid, dones, infos = env.step(recorder.act(step, seen))
            rewards[step] = paid
            ended[step] = dones
            endings.append({slot: infos[slot] for slot in np.flatnonzero(dones).tolist()})
            if self.bootstrap_truncated and dones.any():
                beyond[step] = self._beyond(recorder, endings[step], env)
            recorder.end(dones)
            discounted[:] = discounted * self.gamma + paid
            returns[step] = discounted
            discounted[dones] = 0.0
            seen = by_block(fresh)
        self._last[number] = seen
        worth = self._worth(recorder, seen, env)
        self._played(number, recorder)
        return Played(recorder.piece(rewards, ended, worth, beyond), returns.ravel(), endings, slots)

    def _played(self, number: int, recorder: Any) -> None:
        """A shard's part of a rollout is over."""

    def _recorder(self, number: int, env: VecEnv, steps: int) -> Any:
        """What acts for a shard and keeps what is to be learnt from."""
        return DecisionRecorder(self.policy, self._shard_random[number], self._seen, steps, self._last[number])

    def _seen(self, observations: dict[str, Tensor]) -> Any:
        """Observations by block as the policy takes them, on its device."""
        return self._shown(_on(observations, self.device))

    def _beyond(self, recorder: Any, endings: dict[int, dict[str, Any]], env: VecEnv) -> Array:
        """What slots whose match was cut short would still have been worth, in the scale of the values."""
        extra = np.zeros(env.num_envs, np.float32)
        cut = [slot for slot, info in endings.items() if info.get("TimeLimit.truncated")]
        if cut:
            last = [by_block(endings[slot]["terminal_observation"]) for slot in cut]
            rows = {name: np.stack([row[name] for row in last]) for name in last[0]}
            alive = np.array([endings[slot].get("alive", True) for slot in cut], np.bool_)
            extra[cut] = self.gamma * _of_packs(recorder.values(rows, np.array(cut)), alive, env)
        return extra

    def _worth(self, recorder: Any, seen: dict[str, Array], env: VecEnv) -> Array:
        """What slots are worth after the last step."""
        values: Array = recorder.values(seen, np.arange(env.num_envs))
        alive = getattr(env, "alive", None)
        return values if alive is None else _of_packs(values, alive, env)

    def train(self) -> None:
        """Improve the policy by the last rollout."""
        assert self.rollout is not None, "train comes after collect_rollouts"
        if not len(self.rollout):
            return  # nobody had a choice
        rollout = self.rollout.to(self.device)
        if not len(rollout):
            return
        self.policy.set_training_mode(True)
        self._update_learning_rate(self.policy.optimizer)
        update_scales(self.policy, rollout.seen)
        self._share_buffers()
        if self.ent_schedule is not None:
            self.ent_coef = float(self.ent_schedule(self._current_progress_remaining))
        clip = float(self.clip_range(self._current_progress_remaining))  # type: ignore[operator]
        sums = torch.zeros(5)
        batches = 0
        stopped = False
        for _ in range(self.n_epochs):
            for batch in rollout.batches(self.batch_size, self.random):
                told = self._update(batch, clip)
                sums += told
                batches += 1
                stopped = self.target_kl is not None and float(told[3]) > 1.5 * self.target_kl
                if stopped:
                    break
            self._n_updates += 1
            if stopped:
                break
        self._tell(rollout, sums / batches, clip)

    def _update(self, batch: Rollout, clip: float) -> Tensor:
        """One step of the optimizer; the losses of the batch."""
        if self.normalize_advantage and len(batch) > 1:
            batch = batch.normalized()
        parts = self.crew.workers * self.accumulate
        if parts == 1:
            told = self._learn_from((0, batch), clip, len(batch))
        else:
            self._share_weights()
            told = torch.zeros(5)
            for turn in _in_turns(batch.parts(parts), self.crew.workers):
                learn = partial(self._learn_from, clip=clip, whole=len(batch))
                told += sum(self.crew.map(learn, list(enumerate(turn))))
            self._add_gradients()
        clip_gradients(self._parameters[0], self.max_grad_norm)
        self.policy.optimizer.step()
        for parameters in self._parameters:
            for parameter in parameters:
                parameter.grad = None
        return told

    def _add_gradients(self) -> None:
        """Bring what the replicas found to the policy."""
        for others in self._parameters[1:]:
            pairs = [
                (own.grad, other.grad)
                for own, other in zip(self._parameters[0], others, strict=True)
                if own.grad is not None and other.grad is not None
            ]
            if pairs:
                torch._foreach_add_([own for own, _ in pairs], [other for _, other in pairs])

    def _learn_from(self, numbered: tuple[int, Rollout], clip: float, whole: int) -> Tensor:
        """Add the gradients of a part of a batch to those of a replica; its share of the losses."""
        replica, part = numbered
        policy = self._replicas[replica]
        with self._precision():
            logits, values = self._told(policy, part)
        logits = logits.float()
        every = logits.log_softmax(-1)
        log_probs = every.gather(1, part.actions[:, None])[:, 0]
        entropy = -(every.exp() * every).sum(-1).mean()
        change = log_probs - part.log_probs
        ratio = change.exp()
        clipped = torch.clamp(ratio, 1 - clip, 1 + clip)
        policy_loss = -torch.min(part.advantages * ratio, part.advantages * clipped).mean()
        value_loss = nn.functional.mse_loss(self._near(values.float(), part.values), part.returns)
        loss = policy_loss - self.ent_coef * entropy + self.vf_coef * value_loss
        share = len(part) / whole
        (loss if share == 1 else loss * share).backward()  # type: ignore[no-untyped-call]
        with torch.no_grad():
            moved = ratio.detach() - 1
            kl = (moved - change.detach()).mean()
            outside = (moved.abs() > clip).float().mean()
            return torch.stack([policy_loss, value_loss, entropy, kl, outside]).cpu() * share

    def _near(self, values: Tensor, before: Tensor) -> Tensor:
        """Values no farther from those that were told while playing than `clip_range_vf` allows."""
        if self.clip_range_vf is None:
            return values
        most = float(self.clip_range_vf(self._current_progress_remaining))  # type: ignore[operator]
        return before + torch.clamp(values - before, -most, most)

    def _told(self, policy: Any, part: Rollout) -> tuple[Tensor, Tensor]:
        """What a policy says of decisions: masked scores and values."""
        return policy.logits_and_values(self._shown(part.observations))  # type: ignore[no-any-return]

    def _own_state(self) -> Tree:
        return {
            "random": [generator_state(made) for made in (self.random, *self._shard_random)],
            "last": self._last,
            "discounted": self._discounted,
        }

    def _set_own_state(self, state: Tree) -> None:
        for made, kept in zip((self.random, *self._shard_random), state["random"], strict=True):
            set_generator_state(made, kept)
        self._last = deepcopy(state["last"])
        self._discounted = deepcopy(state["discounted"])
        self._last_obs = stacked(self._last) if self._last else None  # before the first rollout it begins anew
        self._share_buffers()

    def _setting(self, name: str) -> Any:
        return self.ent_schedule if name == "ent_coef" and self.ent_schedule is not None else super()._setting(name)

    def _settings(self) -> list[str]:
        return SETTINGS

    def _shown(self, observations: dict[str, Tensor]) -> Any:
        """Observations as the policy was made for them: by block, or one block alone."""
        return observations if isinstance(self.observation_space, spaces.Dict) else observations["state"]

    def _precision(self) -> AbstractContextManager[Any]:
        if self.mixed_precision and self.device.type == "cuda":
            return torch.autocast("cuda", torch.bfloat16)
        return nullcontext()

    def _share_weights(self) -> None:
        for others in self._parameters[1:]:
            with torch.no_grad():
                torch._foreach_copy_([*others], [*self._parameters[0]])

    def _share_buffers(self) -> None:
        for replica in self._replicas[1:]:
            for own, other in zip(self.policy.buffers(), replica.buffers(), strict=True):
                other.copy_(own)

    def _tell(self, rollout: Rollout, means: Tensor, clip: float) -> None:
        policy_loss, value_loss, entropy, kl, outside = means.tolist()
        self.losses = {"policy": policy_loss, "value": value_loss, "entropy": entropy}
        self.logger.record("train/policy_gradient_loss", policy_loss)
        self.logger.record("train/value_loss", value_loss)
        self.logger.record("train/entropy_loss", -entropy)
        self.logger.record("train/approx_kl", kl)
        self.logger.record("train/clip_fraction", outside)
        self.logger.record("train/clip_range", clip)
        self.logger.record("train/ent_coef", float(self.ent_coef))
        self.logger.record("train/decisions", len(rollout))
        worth = explained_variance(rollout.values.cpu().numpy(), rollout.returns.cpu().numpy())
        self.logger.record("train/explained_variance", worth)
        self.logger.record("train/n_updates", self._n_updates, exclude="tensorboard")


def _of_packs(values: Array, alive: Array, env: VecEnv) -> Array:
    """Values of whole packs' slots; that of a dead monster is the mean of its living allies'."""
    if alive.all():
        return values
    team = values.reshape(-1, getattr(env, "slots_a_match", 1))
    living = alive.reshape(team.shape)
    mean = (team * living).sum(1, keepdims=True) / np.maximum(living.sum(1, keepdims=True), 1)
    return np.where(living, team, mean).ravel().astype(np.float32)


def _on(observations: dict[str, Tensor], device: torch.device) -> dict[str, Tensor]:
    return {name: block.to(device) for name, block in observations.items()}


def _in_turns(parts: list[Rollout], workers: int) -> list[list[Rollout]]:
    return [parts[first : first + workers] for first in range(0, len(parts), workers)]
