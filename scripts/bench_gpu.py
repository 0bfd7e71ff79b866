"""Full-size models on a GPU: mixed-precision training steps, and the memory that they took beside what was planned."""

import time
from dataclasses import dataclass

import torch
from rich.console import Console
from rich.table import Table
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger

from agents.catalog import TYPES
from agents.config.read import resolve
from agents.learners.build import build_env, build_learner
from agents.machine import Machine
from agents.plan import GIB, footprint
from mlmonster_env.scenarios import USUAL

MATCHES = 32
SMALL = {
    "ppo": {"learn.n_steps": 16, "learn.batch_size": 1024},
    "recurrent_ppo": {"learn.n_steps": 16, "learn.sequence": 16, "learn.batch_size": 1024},
    "transformer_ppo": {"learn.n_steps": 16, "learn.sequence": 16, "learn.batch_size": 1024},
    "ddqn": {"learn.batch_size": 1024, "learn.learning_starts": 500, "learn.buffer_size": 20_000},
    "qrdqn": {"learn.batch_size": 1024, "learn.learning_starts": 500, "learn.buffer_size": 20_000},
    "sac": {"learn.batch_size": 1024, "learn.learning_starts": 500, "learn.buffer_size": 20_000},
    "supervised": {"learn.batch_size": 1024},
    "patterns": {"learn.batch_size": 1024},
}  # enough to see every kind of step, and quick
STEPS = 6000


@dataclass(frozen=True)
class Seen:
    """What a model's training took."""

    model_type: str
    algo: str
    rows_a_second: float  # environment decisions
    planned: int  # bytes
    peak: int | None  # None where it cannot be measured
    losses: dict[str, float]


class Quiet(BaseCallback):
    """Asks for nothing."""

    def _on_step(self) -> bool:
        return True


def train_a_while(model_type: str, size: str, device: str, steps: int, matches: int = MATCHES) -> Seen:
    """Some training steps of a model; the peak of the device's memory beside the plan."""
    kind = TYPES[model_type]
    algo = kind.algos[0]
    config = resolve({
        "model_type": model_type, "size": size, "steps": steps, "batch.matches": matches, **SMALL[algo],
        "scenario": f"{USUAL}:contact",
    })  # fmt: skip
    machine = Machine(device, 1)
    gpu = device.startswith("cuda")
    if gpu:
        torch.cuda.reset_peak_memory_stats(device)
    learner = build_learner(config, build_env(config, machine), machine)
    learner.set_logger(Logger(folder=None, output_formats=[]))
    start = time.perf_counter()
    learner.learn(steps, callback=Quiet())
    seconds = time.perf_counter() - start
    peak = int(torch.cuda.max_memory_allocated(device)) if gpu else None
    planned = footprint(kind, size).training_bytes(config.learn.batch_size)
    return Seen(model_type, algo, learner.num_timesteps / seconds, planned, peak, dict(learner.losses))


def table(seen: list[Seen], name: str) -> Table:
    """All of them."""
    made = Table(title=f"full size on {name}, mixed precision, batches of 1,024")
    for heading in ("model type", "algorithm", "decisions/s", "planned, GiB", "peak, GiB", "losses"):
        made.add_column(heading)
    for one in seen:
        peak = "-" if one.peak is None else f"{one.peak / GIB:.2f}"
        losses = ", ".join(f"{key} {value:.3g}" for key, value in one.losses.items())
        made.add_row(one.model_type, one.algo, f"{one.rows_a_second:,.0f}", f"{one.planned / GIB:.2f}", peak, losses)
    return made


def main() -> None:
    console = Console()
    if not torch.cuda.is_available():
        console.print(f"torch {torch.__version__} sees no GPU here: nothing was measured")
        return
    built = list(TYPES)
    seen = [train_a_while(name, "full", "cuda", STEPS) for name in built]
    console.print(table(seen, torch.cuda.get_device_name()))
    over = [one.model_type for one in seen if one.peak is not None and one.peak > one.planned]
    console.print(f"more memory than planned: {', '.join(over) or 'none'}")
