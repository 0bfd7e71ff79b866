"""What fits: parameters, megabytes and training memory of any of the models: `python -m agents.plan`.

Nothing is allocated: networks are built without memory and counted.
"""

import argparse
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from rich.console import Console
from rich.table import Table

from agents.activations import FLOAT, bytes_a_row
from agents.catalog import TYPES, ModelType
from agents.config.tree import LearnConditionedPPO
from agents.learners.build import make_card
from mlmonster_env.command import end_with
from mlmonster_env.contract import BLOCKS, CONTROLS, SHAPES
from mlmonster_env.data.errors import one_of
from mlmonster_env.envs.battle import MASK
from policies.actors import actor_of, megabytes, meta_policy, parameters
from policies.sb3.conditioned import ConditionedPolicy
from policies.sizes import SIZES

GIB = 1 << 30
COPIES = 4  # of each learnt number: itself, its gradient, and Adam's two means
TARGET = "_target"  # how networks are called that follow others
CONTEXT_BYTES = 600_000_000  # what a GPU's runtime takes for itself
WINDOWS = LearnConditionedPPO.model_fields["pattern_batch"].default


@dataclass(frozen=True)
class Footprint:
    """What a model takes."""

    model_type: str
    size: str
    deployed: int  # parameters of what is exported
    fp16_mb: float
    fp32_mb: float
    trained: int  # parameters that are learnt, critics included; not the targets, which are copies
    fixed_bytes: int  # of training, whatever the batch
    bytes_a_row: int  # of a batch

    def training_bytes(self, batch: int) -> int:
        """Memory of training with a batch of so many rows."""
        return self.fixed_bytes + batch * self.bytes_a_row

    def batch_in(self, vram_bytes: float) -> int:
        """The largest power of two that fits, 0 if none does."""
        rows = (vram_bytes - self.fixed_bytes) / self.bytes_a_row
        return 0 if rows < 1 else 1 << (int(rows).bit_length() - 1)


def footprint(kind: ModelType, size: str, algo: str | None = None) -> Footprint:
    """What a type of model takes at a size."""
    chosen = algo or kind.algos[0]
    kind = kind.by(chosen)
    card = make_card(kind, "mage", size, chosen)
    policy = meta_policy(card.policy_class, card.blocks, card.control, card.policy_arguments)
    actor = actor_of(policy)
    everything = sum({id(p): p.numel() for p in policy.parameters()}.values())
    learnt = sum({id(p): p.numel() for name, p in policy.named_parameters() if _is_learnt(name, p)}.values())
    shapes = {name: (CONTROLS[kind.control],) if name == MASK else SHAPES[name] for name in kind.blocks}
    seen = sum(math.prod(shape) for shape in shapes.values())
    fixed = everything * FLOAT + learnt * FLOAT * (COPIES - 1) + CONTEXT_BYTES
    if isinstance(policy, ConditionedPolicy):  # its encoder has batches of its own
        fixed += WINDOWS * bytes_a_row(policy.pattern, {"history": BLOCKS["history"]})
    return Footprint(
        kind.name, size, parameters(actor), megabytes(actor, 2), megabytes(actor, 4), learnt, fixed,
        2 * seen * FLOAT + bytes_a_row(policy, shapes),
    )  # fmt: skip


def _is_learnt(name: str, weight: torch.nn.Parameter) -> bool:
    """Whether gradients change it; a target follows what they change."""
    return weight.requires_grad and not name.partition(".")[0].endswith(TARGET)


def warning(kind: ModelType, size: str, algo: str, batch: int, vram_bytes: float) -> str | None:
    """A sentence if a run would not fit, with what would."""
    plan = footprint(kind, size, algo)
    needed = plan.training_bytes(batch)
    if needed <= vram_bytes:
        return None
    fits = plan.batch_in(vram_bytes)
    advice = f"a batch of {fits:,} fits" if fits else "no batch fits; choose --size small"
    return (
        f"{kind.name} at {size} with a batch of {batch:,} takes about {needed / GIB:.1f} GiB, "
        f"there are {vram_bytes / GIB:.1f} GiB; {advice}"
    )


def table(kinds: Sequence[ModelType], sizes: Sequence[str], vram_gb: float) -> Table:
    """Plans as a table."""
    made = Table(title=f"batch: the largest that trains in {vram_gb:g} GB")
    for heading in ("model type", "size", "deployed", "FP16 MB", "wanted", "FP32 MB", "trained", "1,024 rows", "batch"):
        made.add_column(heading, justify="left" if heading in ("model type", "size") else "right")
    for kind in kinds:
        for size in sizes:
            plan = footprint(kind, size)
            made.add_row(
                kind.name, size, f"{plan.deployed:,}", f"{plan.fp16_mb:.2f}",
                f"{kind.megabytes:g}" if size == "full" else "", f"{plan.fp32_mb:.2f}", f"{plan.trained:,}",
                f"{plan.training_bytes(1024) / GIB:.2f} GiB", f"{plan.batch_in(vram_gb * 1e9):,}",
            )  # fmt: skip
    return made


def main(words: Sequence[str] | None = None) -> int:
    """Print the plan."""
    command = argparse.ArgumentParser(prog="python -m agents.plan", description=__doc__)
    built = list(TYPES)
    command.add_argument("model_types", nargs="*", metavar="MODEL_TYPE", help=f"{', '.join(built)} (all by default)")
    command.add_argument("--size", action="append", choices=SIZES, help="may be given several times (all by default)")
    command.add_argument("--vram", type=float, default=12.0, help="gigabytes of the GPU (default 12)")
    given = command.parse_args(words)
    for name in given.model_types:
        if name not in built:
            print(f"error: model type is {name!r}, expected {one_of(name, built)}", file=sys.stderr)
            return 2
    if not 0 < given.vram < math.inf:
        print(f"error: --vram is {given.vram:g}, expected gigabytes above 0", file=sys.stderr)
        return 2
    kinds = [TYPES[name] for name in given.model_types or built]
    Console(width=120).print(table(kinds, given.size or SIZES, given.vram))
    return 0


if __name__ == "__main__":
    end_with(main)
