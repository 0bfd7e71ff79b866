"""Full size on a CPU: a forward pass and a training step of one row, and the memory that they take beside the plan."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from agents.catalog import TYPES
from agents.plan import CONTEXT_BYTES, footprint

ROOT = Path(__file__).resolve().parents[2]
STEP = """
import json, sys
import torch
from agents.config.read import resolve
from agents.learners.build import build_env, build_learner
from agents.machine import Machine
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger

class Quiet(BaseCallback):
    def _on_step(self):
        return True

torch.set_num_threads(2)
name, small = sys.argv[1], json.loads(sys.argv[2])
config = resolve({"model_type": name, "size": "full", "batch.shards": 1, "learn.batch_size": 2, **small})
machine = Machine("cpu", 1)
env = build_env(config, machine)
env.reset()

def most_memory():
    # Not getrusage's: that begins with the most that the parent ever had.
    line = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    return 1024 * int(line.split()[1])

before = most_memory()
learner = build_learner(config, env, machine)
learner.set_logger(Logger(folder=None, output_formats=[]))
weights = [p.detach().clone() for p in learner.policy.parameters() if p.requires_grad][:4]
if name == "pattern_recognition":
    learner._seen = env.reset()
    learner._keep(learner._watch())
    learner.batch_size = 1
    learner.optimizer.param_groups[0]["lr"] = 1e-3  # it begins at 0
    told = learner._step(learner.kept)
    losses = {"style": told[0]}
else:
    learner.batch_size = 1
    learner.learn(1, callback=Quiet())
    losses = learner.losses
moved = any(not torch.equal(a, b) for a, b in zip(weights, learner.policy.parameters()))
print(json.dumps({"bytes": most_memory() - before, "losses": losses, "moved": moved}))
"""
SMALL = {
    "spatial_vit": {"batch.matches": 1, "learn.n_steps": 1, "learn.n_epochs": 1},
    "temporal_transformer": {"batch.matches": 1, "learn.n_steps": 1, "learn.sequence": 1, "learn.n_epochs": 1},
    "team_coordination": {"batch.matches": 1, "learn.n_steps": 1, "learn.sequence": 1, "learn.n_epochs": 1},
    "pattern_recognition": {"batch.matches": 16},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_a_step_takes_about_as_much_as_was_planned(name):
    done = subprocess.run(
        [sys.executable, "-c", STEP, name, json.dumps(SMALL[name])], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    planned = footprint(TYPES[name], "full").training_bytes(1) - CONTEXT_BYTES
    print(f"{name}: planned {planned / 1e9:.2f} GB, seen {told['bytes'] / 1e9:.2f} GB, losses {told['losses']}")
    assert told["moved"] and all(abs(value) < 1e6 for value in told["losses"].values())
    assert 0.6 * planned < told["bytes"] < 1.6 * planned
