"""A finished model for people who only want actions."""

import hashlib
import json
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from mlmonster_env.contract import VERSION
from policies.acting import Acting, Array
from policies.actors import KINDS, build_actor
from policies.recipes import decode, encode
from policies.storage import MANIFEST, read_whole, recover, write_tree

FINAL = "final"  # in the folder of a run: the model that it made
_BUILDING = threading.Lock()  # one at a time puts back torch's random stream, which is the whole process's


@dataclass(frozen=True)
class Card:
    """What a model is."""

    model_type: str
    archetype: str
    size: str
    control: str
    blocks: tuple[str, ...]
    policy_class: Any
    policy_arguments: dict[str, Any]

    @property
    def kind(self) -> str:
        """What the network's numbers are: scores ("logits"), "values", a "box" of numbers, "threat", "strategy"."""
        return KINDS[self.policy_class]


class Policy(Acting):
    """A trained network and what it is; see `load`."""

    def __init__(self, card: Card, actor: nn.Module) -> None:
        super().__init__()
        self._card = card
        self.actor = actor.eval()

    @property
    def card(self) -> Card:
        """What the model is."""
        return self._card

    @classmethod
    def load(cls, path: str | Path, device: str | torch.device = "cpu") -> "Policy":
        """The model in a folder: a run's, or its `final`, or any that `save` wrote."""
        folder = folder_of(path)
        manifest, tree = read_whole(folder)
        told = manifest.get("model")
        if told is None:
            raise ValueError(f"{folder} holds a checkpoint, expected a model, such as that in `final`")
        if manifest.get("contract") != VERSION:
            raise ValueError(f"{folder} was made for contract {manifest.get('contract')}, expected {VERSION}")
        made = {**told, "blocks": tuple(told["blocks"])}
        card = Card(**{k: decode(v) if k.startswith("policy") else v for k, v in made.items()})
        # The weights that a network begins with are drawn, and thrown away; whatever torch makes by default elsewhere,
        # this one is made here and of single precision.
        with _BUILDING, torch.random.fork_rng(devices=[]), torch.device("cpu"):
            actor = build_actor(card.policy_class, card.blocks, card.control, card.policy_arguments).float()
        weights = {name: torch.from_numpy(value) for name, value in tree["weights"].items()}
        try:
            actor.load_state_dict(weights)
        except RuntimeError as error:
            raise ValueError(f"{folder} holds weights of another network than this program builds: {error}") from error
        return cls(card, actor.to(device))

    def digest(self) -> str:
        """A hash of the network's numbers and of how it is made: another as soon as anything of it is."""
        made = hashlib.sha256(json.dumps(self.told(), sort_keys=True).encode())
        for name, tensor in sorted(self.actor.state_dict().items()):
            made.update(name.encode())
            made.update(tensor.detach().cpu().contiguous().numpy().tobytes())
        return made.hexdigest()

    def told(self) -> dict[str, Any]:
        """The card as it is written down."""
        card = self.card
        told = {name: getattr(card, name) for name in ("model_type", "archetype", "size", "control", "blocks")}
        for name in ("policy_class", "policy_arguments"):
            told[name], left_out = encode(getattr(card, name))
            if left_out:
                raise ValueError(f"{name} holds {', '.join(left_out)}, which cannot be written down")
        return told

    def save(self, path: str | Path, **facts: Any) -> None:
        """Write the model into a folder; `facts` are kept beside it."""
        tree = {"weights": dict(self.actor.state_dict())}
        write_tree(Path(path), tree, model=self.told(), contract=VERSION, **facts)

    @property
    def memory_size(self) -> int:
        """Numbers of what it remembers of one monster; 0 where it remembers nothing."""
        return int(getattr(self.actor, "memory_size", 0))

    def numbers(self, seen: dict[str, Array], memory: Array | None) -> tuple[Array, Array]:
        """As the base class says."""
        rows = {name: _tensor(seen[name]).to(self._device) for name in self.card.blocks}
        held = np.zeros((len(seen[self.card.blocks[0]]), 0), np.float32) if memory is None else memory
        # Who calls from inside an autocast has another network in mind.
        with torch.inference_mode(), torch.autocast(self._device.type, enabled=False):
            if not hasattr(self.actor, "memory_size"):
                return self.actor(rows).cpu().numpy(), held
            # A transformer that looks back on nothing has a memory too, of no numbers.
            told, later = self.actor(rows, _tensor(held).to(self._device))
            return told.cpu().numpy(), later.cpu().numpy()

    @property
    def _device(self) -> torch.device:
        return next(self.actor.parameters()).device


def _tensor(array: Array) -> torch.Tensor:
    """An array of any strides, kind and byte order; torch wants plain ones, and warns of those that are read-only."""
    return torch.from_numpy(np.require(array, np.float32, ["C", "W"]))


def model_folder(path: Path) -> Path | None:
    """Where a folder, a model's or that of the run which made it, holds its model; None if it holds none."""
    for folder in (path, path / FINAL):
        if not (folder / MANIFEST).is_file():  # killed, or being put in the place of another
            recover(folder)
        if (folder / MANIFEST).is_file():
            return folder
    return None


def folder_of(path: str | Path) -> Path:
    """The folder of a model, given it or the run that made it."""
    if (folder := model_folder(Path(path))) is not None:
        return folder
    raise ValueError(f"there is no model in {path}, expected a folder with manifest.json, or a run with `final`")
