"""A finished model for people who only want actions."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from mlmonster_env.contract import BLOCKS, CONTROLS, NOTHING_TO_DO, VERSION, derive_mask
from mlmonster_env.envs.battle import MASK
from policies.actors import BOX, KINDS, LOGITS, THREAT, build_actor
from policies.recipes import decode, encode
from policies.storage import read_manifest, read_tree, write_tree

Array = np.ndarray[Any, np.dtype[Any]]


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
        """What the network's numbers are: scores ("logits"), "values", a "box" of numbers, "threat"."""
        return KINDS[self.policy_class]


class Policy:
    """A trained network and what it is; see `load`."""

    def __init__(self, card: Card, actor: nn.Module) -> None:
        self.card = card
        self.actor = actor.eval()
        self.random = np.random.default_rng(0)

    @classmethod
    def load(cls, path: str | Path, device: str | torch.device = "cpu") -> "Policy":
        """The model in a folder: a run's, or its `final`, or any that `save` wrote."""
        folder = _model_in(Path(path))
        manifest = read_manifest(folder)
        told = manifest.get("model")
        if told is None:
            raise ValueError(f"{folder} holds a checkpoint, expected a model, such as that in `final`")
        if manifest.get("contract") != VERSION:
            raise ValueError(f"{folder} was made for contract {manifest.get('contract')}, expected {VERSION}")
        made = {**told, "blocks": tuple(told["blocks"])}
        card = Card(**{k: decode(v) if k.startswith("policy") else v for k, v in made.items()})
        actor = build_actor(card.policy_class, card.blocks, card.control, card.policy_arguments)
        weights = {name: torch.as_tensor(value) for name, value in read_tree(folder)["weights"].items()}
        actor.load_state_dict(weights)
        return cls(card, actor.to(device))

    def save(self, path: str | Path, **facts: Any) -> None:
        """Write the model into a folder; `facts` are kept beside it."""
        card = self.card
        told = {name: getattr(card, name) for name in ("model_type", "archetype", "size", "control", "blocks")}
        for name in ("policy_class", "policy_arguments"):
            told[name], left_out = encode(getattr(card, name))
            if left_out:
                raise ValueError(f"{name} holds {', '.join(left_out)}, which cannot be written down")
        write_tree(Path(path), {"weights": dict(self.actor.state_dict())}, model=told, contract=VERSION, **facts)

    def predict(
        self,
        observation: Any,
        state: Any = None,
        episode_start: Any = None,
        deterministic: bool = True,
    ) -> tuple[Array, Any]:
        """Actions for observations, one or many, by block (a bare array is the state vector); as SB3's `predict`.

        Where there is no `action_mask`, contract.derive_mask tells from the state what can be legal. A network of
        values always gives the best action; one of probabilities draws it unless `deterministic`. A threat model gives
        of each enemy row its expected damage, the probability of any, and its members' disagreement: [..., 6, 3].
        """
        given = observation if isinstance(observation, dict) else {"state": observation}
        if "state" not in given:
            raise ValueError(f"observations hold {sorted(given)}, expected 'state' too: {self.card.blocks}")
        single = np.ndim(given["state"]) == 1
        seen = {name: np.asarray(block)[None] if single else np.asarray(block) for name, block in given.items()}
        actions = self.act(self._checked(seen), deterministic)
        return (actions[0] if single else actions), state

    def act(self, seen: dict[str, Array], deterministic: bool = True) -> Array:
        """Actions for a batch of observations by block."""
        device = next(self.actor.parameters()).device
        rows = {name: torch.as_tensor(seen[name]).float().to(device) for name in self.card.blocks}
        with torch.inference_mode():
            told = self.actor(rows)
        if self.card.kind in (BOX, THREAT):
            return np.asarray(told.cpu().numpy())
        if self.card.kind == LOGITS and not deterministic:
            noise = torch.from_numpy(self.random.gumbel(size=told.shape).astype(np.float32)).to(device)
            told = told + noise
        return np.asarray(told.argmax(-1).cpu().numpy())

    def session(self, deterministic: bool = True) -> "Session":
        """A mind for one monster, to be stepped by hand."""
        return Session(self, deterministic)

    def _checked(self, seen: dict[str, Array]) -> dict[str, Array]:
        """Observations that hold every block, in shape; a mask is derived where there is none."""
        rows = len(seen["state"])
        for name in self.card.blocks:
            if name == MASK and name not in seen:
                seen[MASK] = derive_mask(seen["state"], self.card.control)
            if name not in seen:
                raise ValueError(f"observations hold {sorted(seen)}, expected {name!r} too: {self.card.blocks}")
            shape = (CONTROLS[self.card.control],) if name == MASK else BLOCKS[name]
            if seen[name].shape != (rows, *shape):
                raise ValueError(f"{name!r} is of shape {seen[name].shape}, expected {(rows, *shape)}")
        return seen


class Session:
    """One monster's mind: an observation in, an order out."""

    def __init__(self, policy: Policy, deterministic: bool) -> None:
        self._policy = policy
        self._deterministic = deterministic

    def act(self, observation: Any) -> Any:
        """What to do now: a whole number, or the four numbers of continuous control."""
        action, _ = self._policy.predict(observation, deterministic=self._deterministic)
        return action if self._policy.card.kind in (BOX, THREAT) else int(action)

    def reset(self) -> None:
        """Another match begins."""

    @property
    def nothing(self) -> int:
        """The order that does nothing."""
        return NOTHING_TO_DO[self._policy.card.control]


def _model_in(path: Path) -> Path:
    """The folder of a model, given it or the run that made it."""
    for folder in (path, path / "final"):
        if (folder / "manifest.json").is_file():
            return folder
    raise ValueError(f"there is no model in {path}, expected a folder with manifest.json, or a run with `final`")
