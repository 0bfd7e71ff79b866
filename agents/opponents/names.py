"""Opponents by name: the styles, and how what was asked for becomes one."""

from pathlib import Path

from agents.bundle import OnnxPolicy
from agents.bundle.manifest import MODEL
from agents.opponents.bold import FOCUS_FIRE, HEALER_FIRST, RANDOM_SKILL, RUSHER
from agents.opponents.conditions import always
from agents.opponents.mix import STOCK, Mix
from agents.opponents.model import ModelRival
from agents.opponents.style import ANY, Script, Style
from agents.opponents.wary import AMBUSHER, CAMPER, COWARD, KITER
from mlmonster_env.contract import IDLE
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
SIMPLE: dict[str, Script] = {
    "random": Script("any legal action", ((always, ANY),)),
    "idle": Script("nothing", ((always, IDLE),)),
}  # what "random" and "idle" are where they are part of a mix
ALL_STYLES = "styles"
MIX = "mix:"
MIXABLE = (*STYLES, STOCK, *SIMPLE)
KNOWN = (*OPPONENTS, *STYLES, ALL_STYLES)


def opponent_of(name: str, seed: int = 0, *, what: str = "opponent") -> str | Rival:
    """What a battle takes for an opponent; each battle needs its own.

    "stock", "random", "idle"; a style, such as "rusher"; "styles", one of them in each match;
    "mix:rusher=2,stock=1", in which a number says how often; or the folder of a model, of the run that made it, or a
    bundle. An error says that `what` is wrong.
    """
    if name in OPPONENTS:
        return name
    if name in STYLES:
        return Style(STYLES[name], seed)
    if name == ALL_STYLES:
        return mix_of(dict.fromkeys(STYLES, 1.0), seed)
    if isinstance(name, str) and name.startswith(MIX):
        return mix_of(_weights(name, what), seed)
    if isinstance(name, str) and _holds_model(name):
        return ModelRival(_model_of(Path(name)), seed)
    raise ValueError(
        f"{what} is {name!r}, expected {one_of(str(name), KNOWN)}, such as mix:rusher=2,kiter=1, or a model's folder"
    )


def _holds_model(name: str) -> bool:
    """Whether a name is the folder of a model, or of the run that made it."""
    return any((Path(name) / inner / "manifest.json").is_file() for inner in ("", "final"))


def _model_of(folder: Path) -> Acting:
    """The model of a folder, trained or exported."""
    return OnnxPolicy.load(folder) if (folder / MODEL).is_file() else Policy.load(folder)


def mix_of(weights: dict[str, float], seed: int = 0) -> Mix:
    """Styles by name, and how often each is played beside the others."""
    scripts = {**STYLES, **SIMPLE}
    players = {name: None if name == STOCK else Style(scripts[name], seed) for name in weights}
    return Mix(players, tuple(weights.values()), seed)


def _weights(name: str, what: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for part in name.removeprefix(MIX).split(","):
        style, _, weight = (word.strip() for word in part.partition("="))
        if style not in MIXABLE:
            raise ValueError(f"{what} is {name!r}, in which {style!r} is none, expected {one_of(style, MIXABLE)}")
        if style in found:
            raise ValueError(f"{what} is {name!r}, in which {style} stands twice, expected it once")
        try:
            found[style] = float(weight) if "=" in part else 1.0
        except ValueError:
            found[style] = -1.0
        if not 0 < found[style] < float("inf"):
            raise ValueError(f"{what} is {name!r}, where {style} has weight {weight!r}, expected a number above 0")
    return found
