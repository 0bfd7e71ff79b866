"""What a run computes on: device, threads, versions. Decided once, kept with the run, and the same when it goes on."""

import os
import platform
import subprocess
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

GPU_PAYS_FROM = 1_000_000  # parameters; below that a CPU's small products are done before a GPU is asked
GPU_TIMES = 4  # as many matches and as large minibatches on a GPU
MOST_SHARDS = 8
PACKAGES = ("mlmonster", "torch", "stable-baselines3", "sb3-contrib", "gymnasium", "numpy", "numba")


@dataclass(frozen=True)
class Machine:
    """How a run computes."""

    device: str
    shards: int
    torch_threads: int = 1
    compile: bool = False
    times: int = 1  # matches and minibatch, over what the configuration says

    def line(self, parameters: int) -> str:
        """What was chosen, for the person who started the run."""
        threads = f"{self.shards} threads side by side, {self.torch_threads} torch thread each"
        size = f"{parameters:,} parameters"
        if self.device.startswith("cuda"):
            name = torch.cuda.get_device_name(torch.device(self.device))
            return f"computing on {name} ({size}), mixed precision, matches and minibatch x {self.times}; {threads}"
        why = " (a GPU would not pay for so few)" if torch.cuda.is_available() else ""
        return f"computing on the CPU: {size}{why}; {threads}"


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def choose(device: str, shards: int, compile: bool, parameters: int) -> Machine:
    """The machine for a network of so many parameters; `device` and `shards` are as asked, "auto" and 0 for us.

    Networks are compiled on GPUs alone: on a CPU these small ones took half a minute to compile and ran no faster.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() and parameters >= GPU_PAYS_FROM else "cpu"
    gpu = _is_gpu(device)
    return Machine(device, shards or max(1, min(cores(), MOST_SHARDS)), 1, compile and gpu, GPU_TIMES if gpu else 1)


def _is_gpu(device: str) -> bool:
    """Whether a device is a GPU; ValueError where it is none that a run can be on, or is not here."""
    try:
        asked = torch.device(device)
    except RuntimeError:
        asked = torch.device("meta")  # on which nothing runs either
    if asked.type not in ("cpu", "cuda"):
        raise ValueError(f"device is {device!r}, expected auto, cpu, cuda or such as cuda:1")
    if asked.type == "cpu":
        return False
    if not torch.cuda.is_available():
        raise ValueError(f"device is {device!r}, but torch {torch.__version__} sees no GPU; expected cpu or auto")
    if (asked.index or 0) >= torch.cuda.device_count():
        raise ValueError(f"device is {device!r}, expected cuda:0 to cuda:{torch.cuda.device_count() - 1}")
    return True


def facts(machine: Machine) -> dict[str, Any]:
    """What is kept of the surroundings of a run."""
    return {
        "machine": asdict(machine),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
        "git": git_state(),
        "cores": cores(),
    }


def git_state() -> dict[str, Any]:
    """The commit of the project's own tree, and whether it was changed since; empty outside a repository."""
    home = Path(__file__).resolve().parents[1]
    try:
        commit = _git(home, "rev-parse", "HEAD")
        return {"commit": commit, "changed": bool(_git(home, "status", "--porcelain", "--untracked-files=no"))}
    except (OSError, subprocess.SubprocessError):
        return {}


def _git(home: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=home, capture_output=True, text=True, check=True, timeout=10)
    return done.stdout.strip()


def _version(name: str) -> str:
    try:
        return version(name)
    except Exception:
        return "not installed"
