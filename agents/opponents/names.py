"""Opponents by name: the styles, and how what was asked for becomes one."""

import hashlib
import importlib
import importlib.util
from pathlib import Path

from agents.bundle import OnnxPolicy
from agents.bundle.manifest import MODEL
from agents.opponents.bold import FOCUS_FIRE, HEALER_FIRST, RANDOM_SKILL, RUSHER
from agents.opponents.mix import STOCK, Mix, Part
from agents.opponents.model import ModelRival
from agents.opponents.plain import PLAIN, Plain
from agents.opponents.style import Script, Style
from agents.opponents.wary import AMBUSHER, CAMPER, COWARD, KITER
from mlmonster_env.data.errors import one_of
from mlmonster_env.envs.battle import OPPONENTS
from mlmonster_env.envs.rivals import Rival
from policies.acting import Acting
from policies.policy import Policy

STYLES: dict[str, Script] = {
    "rusher": RUSHER,
    "kiter": KITER,
    "camper": CAMPER,
    "healer-first": HEALER_FIRST,
    "focus-fire": FOCUS_FIRE,
    "random-skill": RANDOM_SKILL,
    "coward": COWARD,
    "ambusher": AMBUSHER,
}
ALL_STYLES = "styles"
POOL = "pool"  # a run's own past selves
SELF_PLAY = {POOL: 80.0, STOCK: 15.0, "random": 2.5, "idle": 2.5}  # what "pool" alone stands for
MIX = "mix:"
MIXABLE = (*STYLES, STOCK, *PLAIN, ALL_STYLES, POOL)
KNOWN = (*OPPONENTS, *STYLES, ALL_STYLES, POOL)
OTHERS = "such as mix:rusher=2,kiter=1, or a model's folder, or package.module:maker"


def opponent_of(name: str, seed: int = 0, *, what: str = "opponent") -> str | Rival:
    """What a battle takes for an opponent; each battle needs its own.

    "stock", "random", "idle"; a style, such as "rusher"; "styles", one of them in each match; the folder of a model, of
    the run that made it, or a bundle; "package.module:maker", which is called with a seed and makes a Rival;
    "mix:rusher=2,stock=1" of any of these, in which a number says how often. An error says that `what` is wrong.
    """
    parts = parts_of(name, what, pool=False)
    if name in OPPONENTS:
        return name
    made = None if name.startswith(MIX) or len(parts) > 1 else player_of(name, seed, what=what)
    return mix_of(parts, seed) if made is None else made


def parts_of(name: str, what: str = "opponent", *, there: bool = True, pool: bool = True) -> dict[str, float]:
    """Who is part of an opponent, and how often each is drawn beside the others; checked.

    Without `there`, models and makers need not be where the name says: those of a run that is over may be gone.
    Without `pool` past selves are refused, and not offered to who is wrong.
    """
    parts = _parts_of(name, what, there, pool)
    if POOL in parts and not pool:
        raise ValueError(f"{what} is {name!r}, and a pool belongs to the training of one model; expected others here")
    return parts


def _parts_of(name: str, what: str, there: bool, pool: bool) -> dict[str, float]:
    if name == POOL:
        return dict(SELF_PLAY)
    if name == ALL_STYLES:
        return dict.fromkeys(STYLES, 1.0)
    if isinstance(name, str) and name.startswith(MIX):
        return _spread(_weights(name, what, there, pool))
    if isinstance(name, str) and (name in (*STYLES, *OPPONENTS) or not there or _is_path(name)):
        return {name: 1.0}
    raise ValueError(f"{what} is {name!r}, expected {one_of(str(name), _offered(KNOWN, pool))}, {OTHERS}")


def yardstick_of(name: str, *, there: bool = True) -> str:
    """Who shows what was learnt from an opponent: the stock AI where past selves or plain ones only help to learn that.

    Any other opponent is the yardstick himself. For `there` see `parts_of`.
    """
    parts = parts_of(name, there=there)
    return STOCK if POOL in parts or set(parts) - set(PLAIN) == {STOCK} else name


def player_of(name: str, seed: int = 0, control: str = "combat", *, what: str = "opponent") -> Part | None:
    """The player of a name that is no mix; None for the stock AI. Who is `random` or `idle` is so by any control."""
    if name == STOCK:
        return None
    if name in PLAIN:
        return Plain(name, seed, control)
    if name in STYLES:
        return Style(STYLES[name], seed)
    if _holds_model(name):
        return ModelRival(model_of(Path(name)), seed)
    return _imported(name, seed, what)


def mix_of(weights: dict[str, float], seed: int = 0) -> Mix:
    """Players by name, and how often each is drawn beside the others."""
    told = {name: player_of(name, seed) for name in weights if name not in PLAIN}
    control = next((player.control for player in told.values() if player is not None), "combat")
    players = {name: told[name] if name in told else player_of(name, seed, control) for name in weights}
    for name, player in told.items():
        if player is not None and not hasattr(player, "act"):
            raise ValueError(f"{name} has no act(seen, slots), expected one: in a mix it plays some slots alone")
    return Mix(players, tuple(weights.values()), seed)


def _is_path(name: str) -> bool:
    return _holds_model(name) or _is_maker(name)


def _holds_model(name: str) -> bool:
    """Whether a name is the folder of a model, or of the run that made it."""
    return any((Path(name) / inner / "manifest.json").is_file() for inner in ("", "final"))


def _is_maker(name: str) -> bool:
    module, sign, maker = name.partition(":")
    return bool(sign) and maker.isidentifier() and all(part.isidentifier() for part in module.split("."))


def _imported(name: str, seed: int, what: str) -> Part:
    """What somebody's own maker makes."""
    module, _, maker = name.partition(":")
    try:
        make = getattr(importlib.import_module(module), maker)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"{what} is {name!r}, which cannot be imported: {error}") from error
    except Exception as error:  # whatever somebody's own module raises
        raise ValueError(f"{what} is {name!r}, which cannot be imported: {type(error).__name__}: {error}") from error
    try:
        made = make(seed)
    except TypeError as error:
        raise ValueError(f"{what} is {name!r}, which cannot be called with a seed: {error}") from error
    except Exception as error:
        raise ValueError(f"{what} is {name!r}, which made nothing: {type(error).__name__}: {error}") from error
    if not isinstance(made, Rival):
        raise ValueError(f"{what} is {name!r}, which made a {type(made).__name__}, expected a Rival")
    return made  # type: ignore[return-value]


def digest_of(name: str) -> str | None:
    """The hash of the model that a name is the folder of; None if it is none."""
    return model_of(Path(name)).digest() if _holds_model(name) else None


def digest_of_maker(name: str) -> str | None:
    """The hash of the module that a name such as package.module:maker says; None if it says none."""
    module = importlib.util.find_spec(name.partition(":")[0]) if _is_maker(name) else None
    if module is None or module.origin is None or not module.has_location:
        return None
    return hashlib.sha256(Path(module.origin).read_bytes()).hexdigest()


def model_of(folder: Path) -> Acting:
    """The model of a folder, trained or exported."""
    return OnnxPolicy.load(folder) if (folder / MODEL).is_file() else Policy.load(folder)


def _offered(known: tuple[str, ...], pool: bool) -> list[str]:
    return [name for name in known if pool or name != POOL]


def _weights(name: str, what: str, there: bool, pool: bool) -> dict[str, float]:
    found: dict[str, float] = {}
    for part in name.removeprefix(MIX).split(","):
        player, _, weight = (word.strip() for word in part.partition("="))
        if there and player not in MIXABLE and not _is_path(player):
            told = one_of(player, _offered(MIXABLE, pool))
            raise ValueError(f"{what} is {name!r}, in which {player!r} is none, expected {told}, {OTHERS}")
        if player in found:
            raise ValueError(f"{what} is {name!r}, in which {player} stands twice, expected it once")
        try:
            found[player] = float(weight) if "=" in part else 1.0
        except ValueError:
            found[player] = -1.0
        if not 0 < found[player] < float("inf"):
            raise ValueError(f"{what} is {name!r}, where {player} has weight {weight!r}, expected a number above 0")
    if sum(found.values()) == float("inf"):
        raise ValueError(
            f"{what} is {name!r}, whose weights come to more than there are numbers; expected smaller ones"
        )
    return found


def _spread(weights: dict[str, float]) -> dict[str, float]:
    """The styles, where they are part of a mix, each with its share."""
    found: dict[str, float] = {}
    for name, weight in weights.items():
        for player in STYLES if name == ALL_STYLES else (name,):
            share = weight / len(STYLES) if name == ALL_STYLES else weight
            found[player] = found.get(player, 0.0) + share
    return found
