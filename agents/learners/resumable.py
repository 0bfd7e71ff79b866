"""All that a learner is, as a tree of arrays and numbers: to go on from to the bit, and to save without a pickle."""

import random
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.type_aliases import TrainFreq
from stable_baselines3.common.utils import ConstantSchedule, FloatSchedule
from torch import nn, optim

from policies.recipes import decode, encode
from policies.storage import Tree, read_manifest, read_tree, write_tree

COUNTERS = (
    "num_timesteps", "_n_updates", "_n_calls", "_episode_num", "_current_progress_remaining", "exploration_rate",
    "_total_timesteps",
)  # fmt: skip
REFUSED = {
    "n_steps": "decisions_ahead says how many are summed",
    "action_noise": "what is drawn at random is the learner's own",
    "use_sde": "what is drawn at random is the learner's own",
}
LOADED_BY_PICKLE = "it would be unpickled, which runs whatever code stands in it"


class Resumable(BaseAlgorithm):
    """To be mixed with an algorithm of Stable-Baselines3: `state` and `set_state`, and `save` and `load` by them."""

    def state(self) -> Tree:
        """Everything that is needed to go on as if nothing had happened, the environment included.

        It is of the learner's own arrays: write it down, or copy it deeply, before the learner goes on.
        """
        return {
            **self.learnt_state(),
            "counters": {name: getattr(self, name) for name in COUNTERS if hasattr(self, name)},
            "random": random_states(),
            "own": self._own_state(),
            "env": self.env.state(),  # type: ignore[union-attr]
        }

    def set_state(self, state: Tree) -> None:
        """Go on from what `state` told of a learner made alike."""
        self.set_learnt_state(state)
        for name, value in state["counters"].items():
            setattr(self, name, value)
        self.env.set_state(state["env"])  # type: ignore[union-attr]
        self._set_own_state(state["own"])
        set_random_states(state["random"])

    def learnt_state(self) -> Tree:
        """Weights and optimizers."""
        return {
            "weights": weights_of(self.policy),
            "optimizers": {name: optimizer_state(made) for name, made in self._optimizers().items()},
            "numbers": dict(self._loose_tensors()),
        }

    def set_learnt_state(self, state: Tree) -> None:
        """Take over weights and optimizers."""
        set_weights(self.policy, state["weights"])
        for name, made in self._optimizers().items():
            set_optimizer_state(made, state["optimizers"][name])
        for name, tensor in self._loose_tensors().items():
            with torch.no_grad():
                tensor.copy_(torch.as_tensor(state["numbers"][name]))

    def _optimizers(self) -> dict[str, optim.Optimizer]:
        return {"policy": self.policy.optimizer}

    def _loose_tensors(self) -> dict[str, torch.Tensor]:
        """Tensors that are learnt but are no part of the policy."""
        return {}

    def _own_state(self) -> Tree:
        """What else a learner keeps between two rollouts."""
        raise NotImplementedError

    def _set_own_state(self, state: Tree) -> None:
        raise NotImplementedError

    def save(self, path: Any, exclude: Any = None, include: Any = None) -> None:
        """Write weights, optimizers and settings into the folder `path`; what cannot be written down is left out."""
        settings, left_out = encode({name: self._setting(name) for name in self._settings()})
        tree = {
            **self.learnt_state(),
            "counters": {name: getattr(self, name) for name in COUNTERS if hasattr(self, name)},
        }
        policy, _ = encode(self.policy_class)
        write_tree(Path(path), tree, algorithm=type(self).__name__, settings=settings, policy=policy, left_out=left_out)

    @classmethod
    def load(cls, path: Any, env: Any = None, device: Any = "auto", **named: Any) -> Any:  # type: ignore[override]
        """The learner that `save` wrote, for an environment. Settings that were left out are to be given again."""
        folder = _folder(path)
        manifest = read_manifest(folder)
        if manifest.get("algorithm") != cls.__name__:
            raise ValueError(f"{folder} is of {manifest.get('algorithm')}, expected {cls.__name__}")
        if env is None:
            raise ValueError("env is None, expected an environment: it is not saved with a learner")
        given = {**decode(manifest["settings"]), **named}
        missing = [name for name in manifest["left_out"] if name not in named]
        if missing:
            raise ValueError(f"{', '.join(missing)} could not be saved, expected to be given to load()")
        if "train_freq" in given:
            given["train_freq"] = tuple(given["train_freq"])
        policy = given.pop("policy", None) or decode(manifest["policy"])
        made = cls(policy, env, device=device, **given)
        tree = read_tree(folder)
        made.set_learnt_state(tree)
        for name, value in tree["counters"].items():
            setattr(made, name, value)
        return made

    def set_parameters(self, load_path_or_dict: Any, exact_match: bool = True, device: Any = "auto") -> None:
        """Take over weights: of a folder that `save` wrote, or given as Stable-Baselines3 gives them."""
        if isinstance(load_path_or_dict, Mapping):
            super().set_parameters(dict(load_path_or_dict), exact_match, device)
        else:
            self.set_learnt_state(read_tree(_folder(load_path_or_dict)))

    def save_replay_buffer(self, path: Any) -> None:
        """The replay belongs to `state`."""
        raise NotImplementedError(f"a replay is not pickled: {LOADED_BY_PICKLE}; it is a part of state()")

    def load_replay_buffer(self, path: Any, truncate_last_traj: bool = True) -> None:
        """Refused: see `save_replay_buffer`."""
        raise NotImplementedError(f"{path} is not loaded: {LOADED_BY_PICKLE}; a replay is a part of state()")

    def _setting(self, name: str) -> Any:
        """A setting as it was given."""
        value = getattr(self, name, None)
        if isinstance(value, FloatSchedule) and isinstance(value.value_schedule, ConstantSchedule):
            return value.value_schedule.val
        if isinstance(value, TrainFreq):
            return [value.frequency, value.unit.value]
        return value

    def _settings(self) -> list[str]:
        """Names of what the learner was made with."""
        raise NotImplementedError


def refuse(named: Mapping[str, Any], **expected: Any) -> None:
    """ValueError where an argument that Stable-Baselines3 knows, and a learner here does not, says something."""
    for name, value in expected.items():
        if named.get(name, value) != value:
            raise ValueError(
                f"{name} is {named[name]!r}, expected {value!r}: {REFUSED.get(name, 'it is not used here')}"
            )


def _folder(path: Any) -> Path:
    folder = Path(path)
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder that save() wrote; a zip is not loaded: {LOADED_BY_PICKLE}")
    return folder


def weights_of(network: nn.Module) -> dict[str, torch.Tensor]:
    """A network's tensors, those that several names share once."""
    known: dict[int, str] = {}
    found = {}
    for name, tensor in network.state_dict().items():
        where = tensor.data_ptr() if tensor.numel() else id(tensor)
        if where not in known:
            known[where] = name
            found[name] = tensor
    return found


def set_weights(network: nn.Module, weights: Mapping[str, Any]) -> None:
    """Take over what `weights_of` gave of a network made alike."""
    own = weights_of(network)
    if set(own) != set(weights):
        odd = sorted(set(own) ^ set(weights))
        raise ValueError(f"the weights do not fit the network: {odd[0]} is in one of them alone ({len(odd)} in all)")
    with torch.no_grad():
        for name, tensor in own.items():
            given = torch.as_tensor(weights[name])
            if given.shape != tensor.shape:
                raise ValueError(f"{name} is of shape {tuple(given.shape)}, expected {tuple(tensor.shape)}")
            tensor.copy_(given)


def optimizer_state(optimizer: optim.Optimizer) -> Tree:
    """An optimizer's state by parameter, and its groups' numbers."""
    state = optimizer.state_dict()
    groups = [{k: v for k, v in group.items() if k != "params"} for group in state["param_groups"]]
    return {"state": {str(k): dict(v) for k, v in state["state"].items()}, "groups": groups}


def set_optimizer_state(optimizer: optim.Optimizer, tree: Tree) -> None:
    """Take over what `optimizer_state` gave."""
    groups = optimizer.state_dict()["param_groups"]
    whole = [
        {**group, **{k: tuple(v) if isinstance(group.get(k), tuple) else v for k, v in kept.items()}}
        for group, kept in zip(groups, tree["groups"], strict=True)
    ]
    state = {
        int(k): {
            name: torch.tensor(value) if isinstance(value, np.ndarray) else deepcopy(value) for name, value in v.items()
        }
        for k, v in tree["state"].items()
    }
    optimizer.load_state_dict({"state": state, "param_groups": whole})


def random_states() -> Tree:
    """Where the process's own random streams are."""
    kind, keys, place, has_gauss, gauss = np.random.get_state(legacy=True)
    version, internal, next_gauss = random.getstate()
    states: Tree = {
        "numpy": {"kind": kind, "keys": keys, "place": place, "has_gauss": has_gauss, "gauss": gauss},
        "python": {"version": version, "internal": list(internal), "gauss": next_gauss},
        "torch": torch.get_rng_state(),
    }
    if torch.cuda.is_available():
        states["cuda"] = torch.cuda.get_rng_state()
    return states


def set_random_states(states: Tree) -> None:
    """Go on with the process's random streams from there."""
    numpy, python = states["numpy"], states["python"]
    np.random.set_state((numpy["kind"], numpy["keys"], numpy["place"], numpy["has_gauss"], numpy["gauss"]))
    random.setstate((python["version"], tuple(python["internal"]), python["gauss"]))
    torch.set_rng_state(torch.as_tensor(states["torch"]))
    if "cuda" in states and torch.cuda.is_available():
        torch.cuda.set_rng_state(torch.as_tensor(states["cuda"]))


def generator_state(made: np.random.Generator) -> Tree:
    """Where a generator is."""
    return dict(made.bit_generator.state)


def set_generator_state(made: np.random.Generator, state: Tree) -> None:
    """Go on from there."""
    made.bit_generator.state = state
