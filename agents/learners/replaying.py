"""What learners from replay share: how they play, explore, keep what they saw, and learn while they play on."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.type_aliases import RolloutReturn
from stable_baselines3.common.vec_env import VecEnv
from torch import Tensor, nn

from agents.learners.replay import Replay
from agents.learners.resumable import Resumable, generator_state, refuse, set_generator_state
from mlmonster_env.contract import free_to_act
from mlmonster_env.envs.vector import by_block
from policies.masks import MASK
from policies.normalize import RunningScale, update_scales
from policies.products import use_fast_products
from policies.storage import Tree

Array = np.ndarray[Any, np.dtype[Any]]
ROWS_TO_SCALE_BY = 20_000  # fewer are all of matches' beginnings, and what varies later seems not to
SHORT = 0.25  # of its length, a vector whose movement is too short to be any
SETTINGS = [
    "learning_rate", "buffer_size", "learning_starts", "batch_size", "tau", "gamma", "gradient_steps", "seed",
    "policy_kwargs", "decisions_ahead", "priority", "correction", "bootstrap_truncated", "overlap", "mixed_precision",
    "target_update_interval", "train_freq",
]  # fmt: skip


@dataclass
class Step:
    """One step of all slots, before it is kept."""

    choosing: Array  # slots that had a choice
    observations: dict[str, Array]  # of those
    actions: Array  # of those
    rewards: Array  # of all slots
    ended: Array
    cut: Array  # slots whose match time ended, where that is no end to learn from
    last: dict[str, Array]  # what those saw last
    endings: dict[int, dict[str, Any]] = field(default_factory=dict)  # by slot, what was told of matches that ended

    def over(self, slots: int) -> Array:
        """Of each slot, whether its match ended."""
        ended = np.zeros(slots, np.bool_)
        ended[[*self.endings]] = True
        return ended

    def kept(self) -> Tree:
        """What is to be kept of it until it is learnt from."""
        return {name: value for name, value in vars(self).items() if name != "endings"}


class Replaying(Resumable, OffPolicyAlgorithm):
    """To be mixed with an algorithm of Stable-Baselines3 that learns from replay.

    The replay holds decisions alone, `decisions_ahead` of them summed. Exploration is drawn for every slot by itself,
    among its legal actions. With `overlap` the environment plays on in a second thread while the networks learn, one
    step ahead and by the weights of before: the same whatever the threads' speeds.
    """

    def __init__(
        self,
        policy: Any,
        env: Any,
        *,
        decisions_ahead: int = 1,
        priority: float = 0.6,
        correction: float = 0.4,
        bootstrap_truncated: bool = True,
        overlap: bool = False,
        mixed_precision: bool = True,
        **named: Any,
    ) -> None:
        refuse(
            named, n_steps=1, action_noise=None, use_sde=False, replay_buffer_class=None, replay_buffer_kwargs=None,
            optimize_memory_usage=False,
        )  # fmt: skip
        train_freq = named.get("train_freq")
        if isinstance(train_freq, tuple) and getattr(train_freq[1], "value", train_freq[1]) != "step":
            raise ValueError(f"train_freq is {train_freq}, expected a number of steps: matches of a batch end apart")
        self.decisions_ahead = decisions_ahead
        self.priority = priority
        self.correction = correction
        self.bootstrap_truncated = bootstrap_truncated
        self.overlap = overlap
        self.mixed_precision = mixed_precision
        self.losses: dict[str, float] = {}
        super().__init__(policy, env, **named)

    def _setup_model(self) -> None:
        if not isinstance(self.observation_space, spaces.Dict):
            shapes = {"state": self.observation_space.shape or ()}
        else:
            shapes = {name: inner.shape or () for name, inner in self.observation_space.spaces.items()}
        box = isinstance(self.action_space, spaces.Box)
        self.replay_buffer: Any = Replay(
            self.buffer_size,
            self.n_envs,
            shapes,
            (self.action_space.shape or ()) if box else (),
            n_steps=self.decisions_ahead,
            gamma=self.gamma,
            priority=self.priority,
            seed=0 if self.seed is None else self.seed + 1,
            device=self.device,
            plain=not isinstance(self.observation_space, spaces.Dict),
        )
        super()._setup_model()
        use_fast_products(self.policy)
        self.random = np.random.default_rng(self.seed)
        self._seen: dict[str, Array] = {}
        self._ahead: Future[list[Step]] | list[Step] | None = None
        self.replay_kept = 0  # decisions whose rows are kept elsewhere, so that `state` leaves them out
        self._pool = ThreadPoolExecutor(1, initializer=torch.set_num_threads, initargs=(1,)) if self.overlap else None
        self._tensors: tuple[list[Tensor], list[Tensor]] | tuple[()] = ()
        self._acting: nn.Module = deepcopy(self._network()) if self.overlap else self._network()

    def _setup_learn(
        self, total_timesteps: int, callback: Any = None, reset_num_timesteps: bool = True, *more: Any, **named: Any
    ) -> Any:
        begins = reset_num_timesteps or self._last_obs is None  # then the environment is reset
        if begins:
            self.settle()
        told = super()._setup_learn(total_timesteps, callback, reset_num_timesteps, *more, **named)
        if begins:
            self._seen, self._ahead = {}, None
            self.replay_buffer.forget_open()
        return told

    def _network(self) -> nn.Module:
        """The network that decides what is done."""
        raise NotImplementedError

    def _act(self, observations: Any, noise: Array) -> Array:
        """What the acting network does; `noise` are normal draws [batch, numbers] for those that need some."""
        raise NotImplementedError

    @property
    def explores(self) -> float:
        """The share of decisions that are drawn at random."""
        if self.num_timesteps < self.learning_starts:
            return 1.0
        return float(getattr(self, "exploration_rate", 0.0))

    def collect_rollouts(
        self,
        env: VecEnv,
        callback: BaseCallback,
        train_freq: Any,
        replay_buffer: Any,
        action_noise: Any = None,
        learning_starts: int = 0,
        log_interval: int | None = None,
    ) -> RolloutReturn:
        """Play `train_freq` steps and keep them."""
        self.policy.set_training_mode(False)
        if not self._seen:
            self._seen = by_block(self._last_obs)
        count = int(train_freq.frequency)
        ahead = self.settle()
        callback.on_rollout_start()  # whoever keeps the state here keeps the steps that were played ahead with it
        steps = ahead or self._player(env, count)()
        self._ahead = None
        if self._pool is not None:
            self._copy_to_acting()
            self._ahead = self._pool.submit(self._player(env, count))
        goes_on = True
        matches = 0
        for step in steps:
            self._keep(step)
            self.num_timesteps += env.num_envs
            infos = [step.endings.get(slot, {}) for slot in range(env.num_envs)]
            callback.update_locals({"infos": infos, "dones": step.over(env.num_envs), "rewards": step.rewards})
            goes_on = goes_on and callback.on_step()  # what was played is kept, whoever wants to stop
            self._update_info_buffer([*step.endings.values()], np.ones(len(step.endings), np.bool_))
            matches += len(step.endings)
            self._update_current_progress_remaining(self.num_timesteps, self._total_timesteps)
            self._on_step()
        self._tell_matches(matches, log_interval)
        if goes_on:
            callback.on_rollout_end()
        return RolloutReturn(count * env.num_envs, matches, goes_on)

    def _tell_matches(self, ended: int, every: int | None) -> None:
        """Count slots' matches that ended, and log when another `every` of them have."""
        before = self._episode_num
        self._episode_num += ended
        if every is not None and self._episode_num // every > before // every:
            self.dump_logs()

    @torch.no_grad()
    def _copy_to_acting(self) -> None:
        """Let the acting network be what the learning one is now."""
        if not self._tensors:
            own, other = self._network(), self._acting
            self._tensors = (
                [*other.parameters(), *other.buffers()],
                [*own.parameters(), *own.buffers()],
            )
        torch._foreach_copy_(*self._tensors)

    def settle(self) -> list[Step]:
        """Wait for the steps that are being played ahead; nothing more is played until the next rollout."""
        if isinstance(self._ahead, Future):
            self._ahead = self._ahead.result()
        return self._ahead or []

    def _player(self, env: VecEnv, count: int) -> Callable[[], list[Step]]:
        explores = self.explores
        return lambda: [self._play(env, explores) for _ in range(count)]

    def _play(self, env: VecEnv, explores: float) -> Step:
        """One step of all slots."""
        seen = self._seen
        choosing, actions = self._choices(seen, env)
        observations = {name: block[choosing] for name, block in seen.items()}
        drawn = self._draw(observations, explores, len(choosing))
        actions[choosing] = drawn
        fresh, rewards, dones, infos = env.step(self._in_bounds(actions))
        endings = {slot: infos[slot] for slot in np.flatnonzero(dones).tolist()}
        cut = np.zeros(0, np.int64)
        last: dict[str, Array] = {}
        if self.bootstrap_truncated:  # a dead monster sees nothing that a worth could be told from
            some = [s for s, told in endings.items() if told.get("TimeLimit.truncated") and told.get("alive", True)]
            cut = np.array(some, np.int64)
        if len(cut):
            views = [by_block(infos[slot]["terminal_observation"]) for slot in cut]
            last = {name: np.stack([view[name] for view in views]) for name in views[0]}
            dones = dones.copy()
            dones[cut] = False
        self._seen = by_block(fresh)
        paid = np.asarray(rewards, np.float32)
        return Step(choosing, observations, drawn, paid, np.asarray(dones), cut, last, endings)

    def _choices(self, seen: dict[str, Array], env: VecEnv) -> tuple[Array, Array]:
        """Slots that have a choice, and actions of all, where there is but one."""
        slots = env.num_envs
        if MASK in seen:
            legal = seen[MASK]
            return np.flatnonzero(legal.sum(1) > 1), legal.argmax(1).astype(np.int64)
        alive = getattr(env, "alive", None)
        choosing = np.arange(slots) if alive is None else np.flatnonzero(alive)
        if isinstance(self.action_space, spaces.Box):
            if alive is not None and "state" in seen:
                choosing = np.flatnonzero(alive & free_to_act(seen["state"]))
            return choosing, np.zeros((slots, *self.action_space.shape), np.float32)
        return choosing, np.zeros(slots, np.int64)

    def _draw(self, observations: dict[str, Array], explores: float, count: int) -> Array:
        """Actions of slots: what the network says, or, each slot by itself, any legal one."""
        box = isinstance(self.action_space, spaces.Box)
        numbers = self.action_space.shape[0] if isinstance(self.action_space, spaces.Box) else 1
        noise = self.random.standard_normal((count, numbers), np.float32)
        at_random = self.random.random(count) < explores
        lots = self.random.random((count, numbers if box else int(self.action_space.n)), np.float32)  # type: ignore[attr-defined]
        legal = lots * observations[MASK] if MASK in observations else lots
        any_one = self._any_vectors(lots) if box else legal.argmax(1)
        if not count or at_random.all():
            return any_one
        rows = {name: torch.as_tensor(block).float().to(self.device) for name, block in observations.items()}
        with torch.inference_mode():
            chosen = self._act(self._shown(rows), noise)
        return np.where(at_random[:, None] if box else at_random, any_one, chosen)

    def _in_bounds(self, actions: Array) -> Array:
        """Actions as the environment takes them: the networks' vectors are of -1 to 1, its box may be another."""
        box = self.action_space
        if not isinstance(box, spaces.Box) or ((box.low == -1.0) & (box.high == 1.0)).all():
            return actions  # as it is: to take numbers there and back would cost them their last bits
        played = box.low + (actions + 1.0) / 2.0 * (box.high - box.low)
        return np.asarray(np.clip(played, box.low, box.high), box.dtype)

    def _any_vectors(self, lots: Array) -> Array:
        """Vectors from draws [count, numbers] of 0 to 1: every second one short, as few vectors at random are."""
        short = self.random.random(len(lots)) < 1 / 2
        return np.asarray((lots * 2 - 1) * np.where(short, SHORT, 1.0).astype(np.float32)[:, None])

    def _shown(self, observations: dict[str, Tensor]) -> Any:
        """Observations as the policy was made for them: by block, or one block alone."""
        return observations if isinstance(self.observation_space, spaces.Dict) else observations["state"]

    def _keep(self, step: Step) -> None:
        """Put a step into the replay."""
        self.replay_buffer.decide(step.choosing, step.observations, step.actions)
        if len(step.cut):
            ended = step.ended.copy()
            self.replay_buffer.pay(step.rewards, ended)
            self.replay_buffer.cut(step.cut, step.last)
        else:
            self.replay_buffer.pay(step.rewards, step.ended)
        seen_enough = self.num_timesteps > self.learning_starts and self._scaled_by() >= ROWS_TO_SCALE_BY
        if not seen_enough and len(step.choosing):
            rows = {name: torch.as_tensor(block).float().to(self.device) for name, block in step.observations.items()}
            self._scale_by(rows)

    def _own_state(self) -> Tree:
        ahead = [step.kept() for step in self.settle()]
        return {
            "random": generator_state(self.random),
            "seen": self._seen,
            "ahead": ahead,
            "replay": self.replay_buffer.state(self.replay_kept),
        }

    def _set_own_state(self, state: Tree) -> None:
        set_generator_state(self.random, state["random"])
        self._seen = state["seen"]
        self._last_obs = state["seen"] or None  # nothing was seen before the first rollout: then it begins anew
        self._ahead = [Step(**step) for step in state["ahead"]] or None
        self.replay_buffer.set_state(state["replay"])

    def _settings(self) -> list[str]:
        return SETTINGS

    def _scaled_by(self) -> float:
        """How many rows the networks' scales have seen; endless where there are none."""
        return min((float(m.count) for m in self._network().modules() if isinstance(m, RunningScale)), default=np.inf)

    def _scale_by(self, rows: dict[str, Tensor]) -> None:
        """Let the networks' scales see observations."""
        update_scales(self._network(), rows)
        own = [m for m in self._network().modules() if isinstance(m, RunningScale)]
        for module in self.policy.modules():
            if isinstance(module, RunningScale) and own and module is not own[0]:
                module.load_state_dict(own[0].state_dict())
