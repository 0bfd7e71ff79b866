"""The yardstick of the learners' speed: the same mathematics written by hand for this one case, and nothing besides.

Plain layers, tensors that are allocated once, no masks, no records, no callbacks, no settings that could be otherwise.
"""

from typing import Any

import numpy as np
import torch
from numba import njit
from stable_baselines3.common.vec_env import VecEnv
from torch import Tensor, nn, optim

from agents.learners.sum_tree import SumTree

Array = np.ndarray[Any, np.dtype[Any]]

GAMMA = 0.99
GAE_LAMBDA = 0.95
CLIP = 0.2
VALUE_SHARE = 0.5
PPO_MAX_NORM = 0.5
DQN_MAX_NORM = 10.0
PRIORITY = 0.6
CORRECTION = 0.4
LEAST_PRIORITY = 1e-3


class BarePPO:
    """PPO of two networks, of scores and of values; a call of `run` plays a rollout and learns from it."""

    def __init__(
        self, env: VecEnv, widths: tuple[int, int], steps: int, batch: int, epochs: int, entropy: float, adam: Any
    ) -> None:
        self.env = env
        self.steps, self.batch, self.epochs, self.entropy = steps, batch, epochs, entropy
        inputs, actions = sizes_of(env)
        slots = env.num_envs
        self.actor = tanh_layers(inputs, *widths, actions)
        self.critic = tanh_layers(inputs, *widths, 1)
        self.parameters = [*self.actor.parameters(), *self.critic.parameters()]
        self.optimizer = optim.Adam(self.parameters, **adam)
        self.states = torch.zeros(steps, slots, inputs)
        self.actions = torch.zeros(steps, slots, dtype=torch.int64)
        self.log_probs = torch.zeros(steps, slots)
        self.values = torch.zeros(steps + 1, slots)
        self.advantages = torch.zeros(steps, slots)
        self.rewards = np.zeros((steps, slots), np.float32)
        self.ended = np.zeros((steps, slots), np.bool_)
        self.seen = torch.from_numpy(env.reset())

    def run(self) -> int:
        """One rollout and what is learnt from it; how many decisions that was."""
        self.play()
        self.learn()
        return self.rewards.size

    @torch.inference_mode()
    def play(self) -> None:
        """Fill the tensors with a rollout."""
        for step in range(self.steps):
            self.states[step] = self.seen
            every = self.actor(self.seen).log_softmax(1)
            drawn = (every - torch.empty_like(every).exponential_().log_()).argmax(1)
            self.actions[step] = drawn
            self.log_probs[step] = every.gather(1, drawn[:, None])[:, 0]
            self.values[step] = self.critic(self.seen)[:, 0]
            state, self.rewards[step], self.ended[step], infos = self.env.step(drawn.numpy())
            for slot in np.flatnonzero(self.ended[step]):
                if infos[slot]["TimeLimit.truncated"]:
                    last = torch.from_numpy(infos[slot]["terminal_observation"])
                    self.rewards[step, slot] += GAMMA * float(self.critic(last))
            self.seen = torch.from_numpy(state)
        self.values[self.steps] = self.critic(self.seen)[:, 0]
        estimate(self.rewards, self.ended, self.values.numpy(), self.advantages.numpy())

    def learn(self) -> None:
        """All epochs over the rollout."""
        states, actions, told = self.states.flatten(0, 1), self.actions.flatten(), self.log_probs.flatten()
        advantages = self.advantages.flatten()
        returns = advantages + self.values[: self.steps].flatten()
        for _ in range(self.epochs):
            for rows in torch.randperm(len(actions)).split(self.batch):  # type: ignore[no-untyped-call]
                gained = advantages[rows]
                gained = (gained - gained.mean()) / (gained.std() + 1e-8)
                seen = states[rows]
                every = self.actor(seen).log_softmax(1)
                ratio = (every.gather(1, actions[rows, None])[:, 0] - told[rows]).exp()
                policy_loss = -torch.min(gained * ratio, gained * ratio.clamp(1 - CLIP, 1 + CLIP)).mean()
                entropy = -(every.exp() * every).sum(1).mean()
                value_loss = nn.functional.mse_loss(self.critic(seen)[:, 0], returns[rows])
                step(self, policy_loss - self.entropy * entropy + VALUE_SHARE * value_loss, PPO_MAX_NORM)


class Dueling(nn.Module):
    """A shared layer; then, half of the second layer each, what the situation is worth and what each action adds."""

    def __init__(self, inputs: int, widths: tuple[int, int], actions: int) -> None:
        super().__init__()
        first, half = widths[0], widths[1] // 2
        self.shared = nn.Sequential(nn.Linear(inputs, first), nn.ReLU())
        self.worth = nn.Sequential(nn.Linear(first, half), nn.ReLU(), nn.Linear(half, 1))
        self.gain = nn.Sequential(nn.Linear(first, half), nn.ReLU(), nn.Linear(half, actions))

    def forward(self, states: Tensor) -> Tensor:
        """[batch, actions]."""
        features = self.shared(states)
        gain = self.gain(features)
        return self.worth(features) + gain - gain.mean(1, keepdim=True)  # type: ignore[no-any-return]


class BareDQN:
    """Dueling Double DQN with a replay by priority; a call of `run` plays some steps and learns at each."""

    def __init__(
        self, env: VecEnv, widths: tuple[int, int], steps: int, batch: int, updates: int, capacity: int,
        explores: float, copy_every: int, adam: Any,
    ) -> None:  # fmt: skip
        self.env = env
        self.steps, self.batch, self.updates, self.capacity = steps, batch, updates, capacity
        self.explores, self.copy_every = explores, copy_every
        inputs, self.choices = sizes_of(env)
        self.network, self.target = Dueling(inputs, widths, self.choices), Dueling(inputs, widths, self.choices)
        self.target.load_state_dict(self.network.state_dict())
        self.parameters = list(self.network.parameters())
        self.optimizer = optim.Adam(self.parameters, **adam)
        self.states = torch.zeros(capacity, inputs)
        self.next_states = torch.zeros(capacity, inputs)
        self.actions = torch.zeros(capacity, 1, dtype=torch.int64)
        self.rewards = torch.zeros(capacity, 1)
        self.discounts = torch.zeros(capacity, 1)
        self.tree = SumTree(capacity)
        self.greatest = 1.0
        self.written = 0
        self.played = 0
        self.random = np.random.default_rng(0)
        self.seen = torch.from_numpy(env.reset())

    def run(self) -> int:
        """So many steps and what is learnt at them; how many decisions that was."""
        for _ in range(self.steps):
            self.play()
            for _ in range(self.updates):
                self.learn()
        return self.steps * self.env.num_envs

    def play(self) -> None:
        """One step of all slots, into the replay."""
        slots = self.env.num_envs
        with torch.inference_mode():
            drawn = self.network(self.seen).argmax(1).numpy()
        at_random = self.random.random(slots) < self.explores
        drawn = np.where(at_random, self.random.integers(0, self.choices, slots), drawn)
        state, rewards, ended, infos = self.env.step(drawn)
        fresh = torch.from_numpy(state)
        rows = np.arange(self.written, self.written + slots) % self.capacity
        where = torch.from_numpy(rows)
        self.states[where] = self.seen
        self.next_states[where] = fresh
        self.actions[where, 0] = torch.from_numpy(drawn)
        self.rewards[where, 0] = torch.from_numpy(rewards)
        self.discounts[where, 0] = torch.from_numpy(np.where(ended, 0, GAMMA).astype(np.float32))
        for slot in np.flatnonzero(ended):
            if infos[slot]["TimeLimit.truncated"]:
                self.next_states[rows[slot]] = torch.from_numpy(infos[slot]["terminal_observation"])
                self.discounts[rows[slot]] = GAMMA
        self.tree.set(rows, np.full(slots, self.greatest))
        self.written += slots
        self.seen = fresh
        self.played += 1
        if self.played % self.copy_every == 0:
            self.target.load_state_dict(self.network.state_dict())

    def learn(self) -> None:
        """One step of the optimizer."""
        rows = self.tree.draw((np.arange(self.batch) + self.random.random(self.batch)) / self.batch)
        likely = self.tree.weights[rows]
        weights = torch.from_numpy(((likely / likely.min()) ** -CORRECTION).astype(np.float32))
        where = torch.from_numpy(rows)
        later = self.next_states[where]
        with torch.no_grad():
            best = self.network(later).argmax(1, keepdim=True)
            wanted = self.rewards[where] + self.discounts[where] * self.target(later).gather(1, best)
        values = self.network(self.states[where]).gather(1, self.actions[where])
        losses = nn.functional.smooth_l1_loss(values, wanted, reduction="none")
        step(self, (losses[:, 0] * weights).mean(), DQN_MAX_NORM)
        errors = (values.detach() - wanted)[:, 0].numpy()
        fresh = (np.abs(errors).astype(np.float64) + LEAST_PRIORITY) ** PRIORITY
        self.greatest = max(self.greatest, float(fresh.max()))
        self.tree.set(rows, fresh)


def sizes_of(env: VecEnv) -> tuple[int, int]:
    """How many numbers a slot sees, and how many actions it has."""
    assert env.observation_space.shape is not None
    return env.observation_space.shape[0], int(env.action_space.n)  # type: ignore[attr-defined]


def tanh_layers(inputs: int, first: int, second: int, outputs: int) -> nn.Sequential:
    """Two hidden layers."""
    return nn.Sequential(
        nn.Linear(inputs, first), nn.Tanh(), nn.Linear(first, second), nn.Tanh(), nn.Linear(second, outputs)
    )


def step(learner: BarePPO | BareDQN, loss: Tensor, most: float) -> None:
    """Follow the gradient of a loss, its length cut to `most`."""
    learner.optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(learner.parameters, most)
    learner.optimizer.step()


@njit(nogil=True)  # type: ignore[untyped-decorator]
def estimate(rewards: Array, ended: Array, values: Array, advantages: Array) -> None:
    """Generalised advantages of a rollout; `values` has a step more."""
    steps, slots = rewards.shape
    following = np.zeros(slots, np.float32)
    for step in range(steps - 1, -1, -1):
        for slot in range(slots):
            goes_on = np.float32(0.0) if ended[step, slot] else np.float32(GAMMA)
            surprise = rewards[step, slot] + goes_on * values[step + 1, slot] - values[step, slot]
            following[slot] = surprise + goes_on * np.float32(GAE_LAMBDA) * following[slot]
            advantages[step, slot] = following[slot]
