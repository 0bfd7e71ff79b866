"""Advantage actor-critic in plain PyTorch on the native batch of environments, with masks of legal actions.

    python examples/torch_policy_gradient.py --steps 300000

A step is one decision of one monster, which is paid for damage that it deals and for the match.
"""

import argparse
from collections.abc import Sequence
from typing import Any

import gymnasium
import torch
from torch import nn
from torch.distributions import Categorical

import mlmonster_env  # noqa: F401 - registers the environments

ENVS, ROLLOUT = 128, 16  # matches at once, and decisions of each between two updates
GAMMA, LEARNING_RATE = 0.97, 1e-3
VALUE_COST, ENTROPY_BONUS = 0.5, 0.01


def reward(events: Any) -> Any:
    """1 for a win, -1 for a loss, and a little for damage on the way."""
    return events.won * 1.0 - events.lost * 1.0 + 1e-3 * events.damage_dealt.clip(max=100)


class ActorCritic(nn.Module):
    def __init__(self, seen: int, actions: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(seen, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh())
        self.actor = nn.Linear(64, actions)
        self.critic = nn.Linear(64, 1)

    def forward(self, seen: Any, legal: Any) -> tuple[Categorical, torch.Tensor]:
        hidden = self.body(torch.as_tensor(seen))
        logits = self.actor(hidden).masked_fill(torch.as_tensor(legal) == 0, -1e9)
        return Categorical(logits=logits), self.critic(hidden).squeeze(-1)


def main(arguments: Sequence[str] | None = None) -> list[float]:
    """Learn; the mean return of the episodes that ended before each line of output."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=300_000, help="decisions to learn from")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(arguments)
    torch.manual_seed(asked.seed)

    env = gymnasium.make_vec("MLMonster/Combat-v0", ENVS, autoreset_mode="SameStep", scenario="duel", reward=reward)
    policy = ActorCritic(64, 10)
    optimizer = torch.optim.Adam(policy.parameters(), LEARNING_RATE)
    seen, infos = env.reset(seed=asked.seed)
    returns, ended, means = torch.zeros(ENVS), [], []
    updates = -(-asked.steps // (ENVS * ROLLOUT))
    for update in range(1, updates + 1):
        told = []
        for _ in range(ROLLOUT):
            choice, value = policy(seen, infos["action_mask"])
            action = choice.sample()
            seen, paid, terminated, truncated, infos = env.step(action.numpy())
            rewards = torch.as_tensor(paid, dtype=torch.float32)
            over = torch.as_tensor(terminated | truncated)  # time that runs out counts as an end
            told.append((choice.log_prob(action), choice.entropy(), value, rewards, over))
            returns += rewards
            ended += returns[over].tolist()
            returns[over] = 0.0

        log_probs, entropies, values, *_ = (torch.stack(column) for column in zip(*told, strict=True))
        targets = torch.empty(ROLLOUT, ENVS)
        with torch.no_grad():
            to_come = policy(seen, infos["action_mask"])[1]
            for step in reversed(range(ROLLOUT)):
                rewards, over = told[step][3:]
                targets[step] = to_come = rewards + GAMMA * to_come * ~over
        advantages = targets - values
        loss = -(log_probs * advantages.detach()).mean() + VALUE_COST * advantages.square().mean()
        loss -= ENTROPY_BONUS * entropies.mean()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(policy.parameters(), 0.5)
        optimizer.step()

        if ended and (update % max(1, updates // 10) == 0 or update == updates):
            means.append(sum(ended) / len(ended))
            print(f"{update * ENVS * ROLLOUT:>9,} decisions: mean return {means[-1]:+.3f} of {len(ended)} episodes")
            ended.clear()
    return means


if __name__ == "__main__":
    main()
