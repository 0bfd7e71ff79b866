"""Where a run's curves go: TensorBoard always, Weights & Biases when asked."""

import json
from pathlib import Path
from typing import Any

from torch.utils.tensorboard import SummaryWriter

from policies.storage import write_text

WANDB_ID, TENSORBOARD = "wandb.json", "tensorboard"


class Trackers:
    """Writes numbers by name against environment decisions."""

    def __init__(self, folder: Path, config: dict[str, Any], *, wandb: bool, resumed_at: int | None = None) -> None:
        self._board = SummaryWriter(
            str(folder / TENSORBOARD), purge_step=None if resumed_at is None else resumed_at + 1
        )
        self._wandb = start_wandb(folder, config) if wandb else None

    def log(self, steps: int, numbers: dict[str, float]) -> None:
        """Numbers of a moment."""
        for name, value in numbers.items():
            self._board.add_scalar(name, value, steps)
        if self._wandb is not None:
            self._wandb.log({**numbers, "steps": steps}, step=steps)

    def close(self, failed: bool = False) -> None:
        """Bring everything to the disk."""
        self._board.close()
        if self._wandb is not None:
            self._wandb.finish(exit_code=1 if failed else 0)


def start_wandb(folder: Path, config: dict[str, Any]) -> Any:
    """A W&B run that keeps its id when the run goes on; without a network it is kept on this disk."""
    import wandb

    kept = folder / WANDB_ID
    arguments: dict[str, Any] = {
        "project": "mlmonster", "name": folder.name, "dir": str(folder), "config": config,
        "id": _id_in(kept), "resume": "allow",
    }  # fmt: skip
    try:
        run = wandb.init(**arguments)
    except (wandb.Error, OSError) as error:
        print(f"W&B cannot be reached ({error}); the run is kept in {folder / 'wandb'}: `wandb sync` sends it later")
        run = wandb.init(**arguments, mode="offline")
    write_text(kept, json.dumps({"id": run.id}))
    return run


def _id_in(kept: Path) -> str | None:
    """The id that the run had before; None where it begins."""
    if not kept.is_file():
        return None
    try:
        return str(json.loads(kept.read_text(encoding="utf-8"))["id"])
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(
            f"{kept} cannot be used: {error!r}; expected what the run wrote, or no such file for a W&B run of its own"
        ) from error
