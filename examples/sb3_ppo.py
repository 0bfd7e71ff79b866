"""PPO of Stable-Baselines3, unmodified, for a pack of three that shares one policy.

python examples/sb3_ppo.py --steps 500000
"""

import argparse
from collections.abc import Sequence

from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import VecMonitor

from mlmonster_env import ArenaVecEnv


def main(arguments: Sequence[str] | None = None) -> PPO:
    parser = argparse.ArgumentParser(description="PPO on ArenaVecEnv")
    parser.add_argument("--steps", type=int, default=500_000, help="decisions of all monsters together")
    parser.add_argument("--save", help="where to keep the policy, a .zip file")
    asked = parser.parse_args(arguments)

    vec = VecMonitor(ArenaVecEnv("combat", 32, pack=True, scenario="skirmish", archetype="mage"))
    model = PPO("MlpPolicy", vec, n_steps=64, batch_size=1024, gamma=0.98, verbose=1, seed=0)
    model.learn(asked.steps)
    if asked.save:
        model.save(asked.save)
    return model


if __name__ == "__main__":
    main()
