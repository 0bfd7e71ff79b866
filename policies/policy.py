"""A finished model for people who only want actions."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from mlmonster_env.contract import BLOCKS, CONTROLS, NOTHING_TO_DO, SHAPES, VERSION, derive_mask
from mlmonster_env.envs.battle import MASK
from policies.actors import KINDS, LOGITS, TOLD, build_actor
from policies.recipes import decode, encode
from policies.sb3.actor_critic import sample
from policies.storage import read_manifest, read_tree, write_tree

Array = np.ndarray[Any, np.dtype[Any]]
COLDEST = 1e-6  # a temperature at which the best action is drawn all but always
BELOW_1 = np.nextafter(np.float32(1), np.float32(0))


class NotFiniteError(ArithmeticError):
    """A network gave what is no number."""


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

    def digest(self) -> str:
        """A hash of the network's numbers and of how it is made: another as soon as anything of it is."""
        made = hashlib.sha256(json.dumps(self._told(), sort_keys=True).encode())
        for name, tensor in sorted(self.actor.state_dict().items()):
            made.update(name.encode())
            made.update(tensor.detach().cpu().contiguous().numpy().tobytes())
        return made.hexdigest()

    def _told(self) -> dict[str, Any]:
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
        write_tree(Path(path), tree, model=self._told(), contract=VERSION, **facts)

    @property
    def memory_size(self) -> int:
        """Numbers of what it remembers of one monster; 0 where it remembers nothing."""
        return int(getattr(self.actor, "memory_size", 0))

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
        of each enemy row its expected damage, the probability of any, and its members' disagreement: [..., 6, 3]; a
        model of patterns the scores of the styles and the latent: [..., 8 + 256].

        A model that remembers takes what it gave as `state` at the moment before, [many, memory_size]; where
        `episode_start` is true a match begins. `session()` and `begin()` keep that by themselves.
        """
        first = "state" if "state" in self.card.blocks else self.card.blocks[0]
        given = observation if isinstance(observation, dict) else {first: observation}
        if first not in given:
            raise ValueError(f"observations hold {sorted(given)}, expected {first!r} too: {self.card.blocks}")
        single = np.ndim(given[first]) == len(BLOCKS[first])
        seen = {name: np.asarray(block)[None] if single else np.asarray(block) for name, block in given.items()}
        checked = self._checked(seen, len(seen[first]))
        if self.memory_size:
            memory = self._memory(state, episode_start, len(seen[first]))
            actions, state = self.think(checked, memory, deterministic)
        else:
            actions = self.act(checked, deterministic)
        return (actions[0] if single else actions), state

    def act(
        self,
        seen: dict[str, Array],
        deterministic: bool = True,
        lots: Array | None = None,
        temperature: Array | None = None,
    ) -> Array:
        """Actions for a batch of observations by block; `lots` [batch], from 0 up to 1, draw them if given.

        With a `temperature` [batch] too, scores and values alike are drawn by exp(number / temperature).
        """
        if self.memory_size:
            raise ValueError(f"{self.card.model_type} remembers, and was called without its memory; expected begin()")
        if hasattr(self.actor, "memory_size"):  # a transformer that looks back on nothing
            nothing = np.zeros((len(next(iter(seen.values()))), 0), np.float32)
            return self.think(seen, nothing, deterministic, lots, temperature)[0]
        with torch.inference_mode():
            told = self.actor(self._rows(seen))
        return self._chosen(told, deterministic, lots, temperature)

    def think(
        self,
        seen: dict[str, Array],
        memory: Array,
        deterministic: bool = True,
        lots: Array | None = None,
        temperature: Array | None = None,
    ) -> tuple[Array, Array]:
        """As `act`, for observations and memories [batch, memory_size]: actions, and the memories after them."""
        with torch.inference_mode():
            told, later = self.actor(self._rows(seen), torch.as_tensor(memory).to(self._device))
        return self._chosen(told, deterministic, lots, temperature), later.cpu().numpy()

    def consider(self, seen: dict[str, Array], memory: Array) -> tuple[Array, Array]:
        """What the network says of a batch of observations before anything is chosen, and the memories after it.

        The numbers are of `card.kind`, but of logits the probabilities: an illegal action's is 0. `memory` is
        [batch, memory_size].
        """
        with torch.inference_mode():
            rows = self._rows(seen)
            if hasattr(self.actor, "memory_size"):
                told, later = self.actor(rows, torch.as_tensor(memory).to(self._device))
                memory = later.cpu().numpy()
            else:
                told = self.actor(rows)
            if self.card.kind == LOGITS:
                told = torch.softmax(told, -1)
        return told.cpu().numpy(), memory

    def begin(self, slots: int, deterministic: bool = True) -> "Minds":
        """Minds for so many monsters, stepped together."""
        return Minds(self, slots, deterministic)

    def session(self, deterministic: bool = True) -> "Session":
        """A mind for one monster, to be stepped by hand."""
        return Session(self, deterministic)

    @property
    def _device(self) -> torch.device:
        return next(self.actor.parameters()).device

    def _rows(self, seen: dict[str, Array]) -> dict[str, torch.Tensor]:
        return {name: torch.as_tensor(seen[name]).float().to(self._device) for name in self.card.blocks}

    def _chosen(
        self, told: torch.Tensor, deterministic: bool, lots: Array | None, temperature: Array | None
    ) -> Array:
        if not bool(torch.isfinite(told).all()):
            raise NotFiniteError(f"the {self.card.model_type} gave numbers that are not finite")
        if self.card.kind in TOLD:
            return np.asarray(told.cpu().numpy())
        if temperature is not None:
            least = np.maximum(temperature.astype(np.float32), COLDEST)
            told = told / torch.from_numpy(least).to(told)[:, None]
        if temperature is not None or (self.card.kind == LOGITS and not (deterministic and lots is None)):
            drawn = self.random.random(len(told)) if lots is None else lots
            below = np.minimum(drawn.astype(np.float32), BELOW_1)
            return np.asarray(sample(told, torch.from_numpy(below).to(told.device)).cpu().numpy())
        return np.asarray(told.argmax(-1).cpu().numpy())

    def _memory(self, state: Any, episode_start: Any, rows: int) -> Array:
        """What is remembered of each row; an error where that is unknown."""
        starts = np.asarray(False if episode_start is None else episode_start, np.bool_)
        if starts.shape not in ((), (rows,)):
            raise ValueError(f"episode_start is of shape {starts.shape}, expected {(rows,)}")
        starts = np.broadcast_to(starts, rows)
        if state is None:
            if not starts.all():
                raise ValueError(
                    f"state is None, expected what predict() gave before, [{rows}, {self.memory_size}], "
                    "or episode_start=True where a match begins"
                )
            return np.zeros((rows, self.memory_size), np.float32)
        memory = np.asarray(state, np.float32)
        if memory.shape != (rows, self.memory_size):
            raise ValueError(f"state is of shape {memory.shape}, expected {(rows, self.memory_size)}")
        return memory * ~starts[:, None]

    def _checked(self, seen: dict[str, Array], rows: int) -> dict[str, Array]:
        """Observations that hold every block, in shape; a mask is derived where there is none."""
        for name in self.card.blocks:
            if name == MASK and name not in seen:
                seen[MASK] = derive_mask(seen["state"], self.card.control)
            if name not in seen:
                raise ValueError(f"observations hold {sorted(seen)}, expected {name!r} too: {self.card.blocks}")
            shape = (CONTROLS[self.card.control],) if name == MASK else SHAPES[name]
            if seen[name].shape != (rows, *shape):
                raise ValueError(f"{name!r} is of shape {seen[name].shape}, expected {(rows, *shape)}")
        return seen


class Minds:
    """The minds of several monsters that are stepped together; each call is one moment of all of them."""

    def __init__(self, policy: Policy, slots: int, deterministic: bool = True) -> None:
        self._policy = policy
        self._deterministic = deterministic
        self.memory = np.zeros((slots, policy.memory_size), np.float32)

    def __call__(self, seen: dict[str, Array]) -> Array:
        """Actions for a batch of observations by block."""
        if not self._policy.memory_size:
            return self._policy.act(seen, self._deterministic)
        actions, self.memory = self._policy.think(seen, self.memory, self._deterministic)
        return actions

    def forget(self, slots: Array) -> None:
        """Another match begins for these."""
        self.memory = self.memory.copy()
        self.memory[slots] = 0.0


class Session:
    """One monster's mind: an observation in, an order out. It keeps what the model remembers, and the `history`."""

    def __init__(self, policy: Policy, deterministic: bool) -> None:
        self._policy = policy
        self._deterministic = deterministic
        self._memory: Any = None
        self._fresh = True
        self._history = np.zeros(BLOCKS["history"], np.float32)

    def act(self, observation: Any) -> Any:
        """What to do now: a whole number, or the numbers that such a model gives (see `Policy.predict`).

        A model that sees a `history` may be shown the `state` of each moment instead.
        """
        blocks = self._policy.card.blocks
        given = dict(observation) if isinstance(observation, dict) else {"state": observation}
        if "history" in blocks and "history" not in given:
            if "state" not in given:
                raise ValueError(f"observations hold {sorted(given)}, expected 'history' or 'state'")
            self._history = np.concatenate([self._history[1:], np.asarray(given["state"], np.float32)[None]])
            given["history"] = self._history
        action, self._memory = self._policy.predict(given, self._memory, self._fresh, self._deterministic)
        self._fresh = False
        return action if self._policy.card.kind in TOLD else int(action)

    def reset(self) -> None:
        """Another match begins: nothing is remembered."""
        self._memory = None
        self._fresh = True
        self._history = np.zeros_like(self._history)

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
