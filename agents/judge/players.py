"""Who plays in a judged match: the stock AI, a script, or a model, each known by a hash of what it is."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from agents import opponents
from agents.bundle import OnnxPolicy
from agents.opponents import ModelRival, opponent_of
from agents.opponents.mix import STOCK as STOCK
from agents.opponents.names import digest_of, digest_of_maker, model_of, parts_of
from agents.opponents.plain import PLAIN, Plain
from mlmonster_env import sim
from mlmonster_env.envs.rivals import Rival
from policies.acting import Acting
from policies.policy import FINAL
from policies.policy import model_folder as model_folder


@dataclass(frozen=True)
class ModelRef:
    """What plays: a name to be read, and a hash that is another as soon as anything about it is."""

    name: str
    digest: str

    def __str__(self) -> str:
        return f"{self.name} ({self.digest[:8]})"


@dataclass(frozen=True)
class Player:
    """Somebody who can be asked to matches; `make` gives a rival for one battle, by a seed. The stock AI has none."""

    ref: ModelRef
    make: Callable[[int], Rival] | None
    archetype: str | None = None  # that a model was trained for
    broken: str | None = None  # why it cannot play: every match of its is void


def player_of(told: "str | Path | Acting | Player", name: str | None = None) -> Player:
    """The player of a name ("stock", "random", "idle", a style, "mix:..."), of a model's folder, or of a policy.

    A folder that holds a model which does not load is a player whose matches are void.
    """
    if isinstance(told, Player):
        return told
    if isinstance(told, Acting):
        return Player(ModelRef(name or told.card.model_type, told.digest()), _of_policy(told), told.card.archetype)
    text = str(told)
    if text == STOCK:
        return Player(ModelRef(STOCK, script_digest(STOCK)), None)
    if text in PLAIN:
        return Player(ModelRef(text, script_digest(text)), lambda seed: Plain(text, seed))
    if (folder := model_folder(Path(text))) is not None:
        return _loaded(folder, name)
    opponent_of(text, what="player")
    return Player(ModelRef(text, _digest_of_parts(text)), lambda seed: _rival(text, seed))


def sampled(policy: Acting, name: str) -> Player:
    """A model that draws its orders as it did while it learnt, from a stream of each match's side's own."""
    ref = ModelRef(name, f"{policy.digest()}~sampled")
    return Player(ref, lambda seed: ModelRival(policy, seed, deterministic=False), policy.card.archetype)


def script_digest(name: str) -> str:
    """The hash of a script: its name, and the source that all scripts and the stock AI are written in."""
    return hashlib.sha256(f"{name}:{_source_digest()}".encode()).hexdigest()


def _digest_of_parts(name: str) -> str:
    """The hash of a script, or of a mix, in which the models and makers that it names are what they are just now."""
    inner = [found for part in parts_of(name) if (found := digest_of(part) or digest_of_maker(part)) is not None]
    script = script_digest(name)
    return hashlib.sha256(":".join([script, *inner]).encode()).hexdigest() if inner else script


@cache
def _source_digest() -> str:
    found = hashlib.sha256()
    for folder in (Path(opponents.__file__).parent, Path(sim.__file__).parent):
        for path in sorted(folder.glob("*.py")):
            found.update(path.read_bytes())
    return found.hexdigest()


def _rival(name: str, seed: int) -> Rival:
    made = opponent_of(name, seed)
    assert isinstance(made, Rival), f"{name} is no rival"
    return made


def _of_policy(policy: Acting) -> Callable[[int], Rival]:
    return lambda seed: ModelRival(policy, seed)


def _loaded(folder: Path, name: str | None) -> Player:
    """The player of a model's folder, or one that says why there is none."""
    try:
        policy = model_of(folder)
        ModelRival(policy)
        return player_of(policy, name or _name_of(folder, policy))
    except Exception as error:
        told = f"{folder} does not load: {type(error).__name__}: {error}"
    found = hashlib.sha256(told.encode())
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        found.update(path.read_bytes())

    def make(seed: int) -> Rival:
        raise RuntimeError(told)

    return Player(ModelRef(name or _name_of(folder), found.hexdigest()), make, broken=told)


def _name_of(folder: Path, policy: Acting | None = None) -> str:
    """A short name for a model's folder; a bundle's own is a hash."""
    if isinstance(policy, OnnxPolicy):
        return f"{policy.card.archetype}/{policy.card.model_type}"
    return (folder.parent if folder.name == FINAL else folder).absolute().name
