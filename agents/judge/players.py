"""Who plays in a judged match: the stock AI, a script, or a model, each known by a hash of what it is."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from agents import opponents
from agents.bundle import OnnxPolicy
from agents.opponents import ModelRival, opponent_of
from agents.opponents.names import SIMPLE
from agents.opponents.style import Style
from mlmonster_env import sim
from mlmonster_env.envs.rivals import Rival
from policies.acting import Acting
from policies.storage import read_manifest

STOCK = "stock"


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


def player_of(told: "str | Path | Acting | Player", name: str | None = None) -> Player:
    """The player of a name ("stock", "random", "idle", a style, "mix:..."), of a model's folder, or of a policy."""
    if isinstance(told, Player):
        return told
    if isinstance(told, Acting):
        policy = told
        digest = policy.digest()
        return Player(ModelRef(name or policy.card.model_type, digest), _of_policy(policy), policy.card.archetype)
    text = str(told)
    if text == STOCK:
        return Player(ModelRef(STOCK, script_digest(STOCK)), None)
    if text in SIMPLE:
        return Player(ModelRef(text, script_digest(text)), lambda seed: Style(SIMPLE[text], seed))
    made = opponent_of(text, what="player")
    if isinstance(made, ModelRival):
        return player_of(made.policy, name or _name_of(Path(text), made.policy))
    return Player(ModelRef(text, script_digest(text)), lambda seed: _rival(text, seed))


def script_digest(name: str) -> str:
    """The hash of a script: its name, and the source that all scripts and the stock AI are written in."""
    return hashlib.sha256(f"{name}:{_source_digest()}".encode()).hexdigest()


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


def _name_of(path: Path, policy: Acting) -> str:
    """A short name for a model's folder; a bundle's own is a hash."""
    if isinstance(policy, OnnxPolicy):
        return f"{policy.card.archetype}/{policy.card.model_type}"
    folder = path if path.name != "final" else path.parent
    manifest = read_manifest(path if (path / "manifest.json").is_file() else path / "final")
    return folder.name or str(manifest["model"]["model_type"])
