"""From YAML and flags to a configuration: defaults, preset, algorithm, model type, then what was asked for."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from agents.catalog import TYPES, model_type
from agents.config.plain_yaml import load
from agents.config.tree import LEARN, Config, LearnConditionedPPO, LearnMemoryPPO, LearnSupervised
from agents.opponents.mix import STOCK
from agents.opponents.names import ALL_STYLES, POOL, opponent_of, parts_of
from mlmonster_env.contract import ARCHETYPES
from mlmonster_env.data.errors import one_of, shorten
from mlmonster_env.scenarios import plan_of

HERE = Path(__file__).parent
REWARDS = ("archetype", "win", *ARCHETYPES)


class ConfigError(ValueError):
    """An option that is not known, or not of its kind."""


def resolve(given: Mapping[str, Any] | None = None, files: tuple[Path, ...] = ()) -> Config:
    """The configuration of a run: `given` holds options by dotted path, above the defaults and the files."""
    _check_options("the configuration", given or {})
    tree = _safe(HERE / "training.yaml")
    models = _safe(HERE / "models.yaml")
    asked: dict[str, Any] = {}
    for file in map(Path, files):
        _lay_over(asked, _opened(_safe(file), file))
    _let_go_of_preset(asked, (given or {}).get("preset"), tree["presets"])
    for path, value in (given or {}).items():
        _lay_over(asked, _nested(path, value))
    top = {**tree["defaults"], **asked}
    kind = _known("model_type", top["model_type"], TYPES, model_type)
    algo = kind.algos[0] if top["algo"] is None else top["algo"]
    if algo not in kind.algos:
        raise ConfigError(f"algo is {algo!r}, expected {one_of(str(algo), kind.algos)} for {kind.name}")
    preset = top["preset"]
    if not isinstance(preset, str) or preset not in tree["presets"]:
        raise ConfigError(f"preset is {preset!r}, expected {one_of(str(preset), tree['presets'])}")
    whole: dict[str, Any] = {**tree["defaults"], "budget": tree["presets"][preset]}
    _lay_over(whole, models["algos"][algo])
    _lay_over(whole, models.get("models", {}).get(kind.name, {}).get(algo, {}))
    _lay_over(whole, asked)
    whole["algo"] = algo
    return resolved_from(whole)


def resolved_from(whole: Mapping[str, Any], *, to_play: bool = True) -> Config:
    """The configuration in a whole tree, such as a run keeps.

    Where nothing is to be played by it, its opponents may be gone: they are not looked for then.
    """
    _check_options("the configuration", whole)
    if whole.get("algo") not in LEARN:
        raise ConfigError(f"algo is {whole.get('algo')!r}, expected {one_of(str(whole.get('algo')), LEARN)}")
    if not isinstance(whole.get("learn", {}), Mapping):
        raise ConfigError(f"learn is {whole['learn']!r}, expected a mapping of options")
    try:
        made = Config(**{**whole, "learn": LEARN[whole["algo"]](**whole.get("learn", {}))})
    except ValidationError as error:
        raise ConfigError(_told(error, whole["algo"])) from None
    except TypeError as error:
        raise ConfigError(str(error)) from None
    if made.archetype not in ARCHETYPES:
        raise ConfigError(f"archetype is {made.archetype!r}, expected {one_of(made.archetype, ARCHETYPES)}")
    if made.reward not in REWARDS:
        raise ConfigError(f"reward is {made.reward!r}, expected {one_of(made.reward, REWARDS)}")
    try:
        if to_play:
            _check_opponents(made)
        model_type(made.model_type).by(made.algo).without(made.leave_out)
        if isinstance(made.learn, LearnMemoryPPO):
            _check_sequence(made.learn)
        if isinstance(made.learn, LearnSupervised):
            _check_horizon(made.learn, made.batch.decision_ms)
        plan_of(made.scenario)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    return made


def _check_options(what: str, told: Any) -> None:
    if not isinstance(told, Mapping) or not all(isinstance(path, str) for path in told):
        raise ConfigError(f"{what} is {shorten(told)}, expected a mapping of options by their paths")


def styles_of(opponents: str) -> tuple[str, ...]:
    """The styles of a mix, which are to be told apart."""
    names = tuple(name for name in parts_of(opponents, "opponents") if name != POOL)
    if len(names) < 2:
        raise ValueError(
            f"opponents is {opponents!r}, expected two styles or more, which are to be told apart: styles, or such as "
            "mix:rusher=2,kiter=1"
        )
    return names


def _check_opponents(config: Config) -> None:
    """Whether there are such opponents, and whether a model of this kind can have them."""
    if POOL not in parts_of(config.opponents, "opponents"):
        opponent_of(config.opponents, what="opponents")
    elif not TYPES[config.model_type].by(config.algo).control:
        raise ValueError(
            f"opponents is {config.opponents!r}, and {config.model_type} gives no orders: no pool of it plays"
        )
    if config.algo == "patterns" and config.opponents not in (STOCK, ALL_STYLES):
        raise ValueError(
            f"opponents is {config.opponents!r}, and patterns are learnt from all the styles; leave it out"
        )
    if isinstance(config.learn, LearnConditionedPPO):
        styles_of(config.opponents)


def _check_sequence(learn: LearnMemoryPPO) -> None:
    if learn.n_steps % learn.sequence:
        raise ValueError(f"learn.sequence is {learn.sequence}, expected a divisor of learn.n_steps, {learn.n_steps}")


def _check_horizon(learn: LearnSupervised, decision_ms: int) -> None:
    if learn.horizon_ms < decision_ms:
        raise ValueError(
            f"learn.horizon_ms is {learn.horizon_ms}, expected at least a decision, batch.decision_ms, {decision_ms}"
        )


def as_tree(config: Config) -> dict[str, Any]:
    """The configuration as plain mappings, to be written down."""
    return {**config.model_dump(exclude={"learn"}), "learn": config.learn.model_dump()}


def as_yaml(config: Config) -> str:
    """The configuration as a file."""
    return yaml.safe_dump(as_tree(config), sort_keys=False)


def option(text: str) -> tuple[str, Any]:
    """`path.to.option=value`, the value as YAML has it."""
    path, sign, value = text.partition("=")
    if not sign or not path:
        raise ConfigError(f"--set is {text!r}, expected path.to.option=value, such as learn.gamma=0.99")
    try:
        return path, load(value)
    except yaml.YAMLError as error:
        raise ConfigError(f"--set is {text!r}, whose value is no YAML: {error}") from None


def paths_of(node: type[BaseModel] = Config, prefix: str = "") -> list[str]:
    """The dotted path of every option; those of `learn` are of all algorithms."""
    found = []
    for name, info in node.model_fields.items():
        inner = _node_in(info.annotation)
        if name == "learn":
            for made in LEARN.values():
                found += paths_of(made, "learn.")
        elif inner is not None:
            found += paths_of(inner, f"{prefix}{name}.")
        else:
            found.append(f"{prefix}{name}")
    return list(dict.fromkeys(found))


def _node_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) is not None:
        for part in get_args(annotation):
            if isinstance(part, type) and issubclass(part, BaseModel):
                return part
    return None


def _told(error: ValidationError, algo: str) -> str:
    """The first mistake: the option, what it was, and what would be right."""
    first = error.errors(include_url=False)[0]
    prefix = "" if error.title == "Config" else "learn."
    path = prefix + ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        known = [*paths_of(LEARN[algo], "learn."), *(p for p in paths_of() if not p.startswith("learn."))]
        return f"there is no option {path!r}, expected {one_of(path, known)}"
    if first["type"] == "missing":
        return f"{path} is missing, expected a value"
    return f"{path} is {first['input']!r}: {first['msg'].lower()}"


def _known(what: str, name: Any, known: Mapping[str, Any], find: Any) -> Any:
    if not isinstance(name, str) or name not in known:
        raise ConfigError(f"{what} is {name!r}, expected {one_of(str(name), known)}")
    return find(name)


def _let_go_of_preset(asked: dict[str, Any], preset: Any, presets: Mapping[str, Any]) -> None:
    """Where files name one preset and `preset` is another, what the former meant is no wish of the files' own."""
    named, budget = asked.get("preset"), asked.get("budget")
    if preset is not None and preset != named and isinstance(named, str) and isinstance(budget, Mapping):
        meant = presets.get(named, {})
        asked["budget"] = {name: value for name, value in budget.items() if meant.get(name) != value}


def _safe(path: Path) -> dict[str, Any]:
    try:
        told = load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path} is not there, expected a YAML file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read ({error}), expected a YAML file") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is no YAML: {error}") from None
    if not isinstance(told, dict):
        raise ConfigError(f"{path} holds {told!r}, expected a mapping of options")
    return told


def _nested(path: str, value: Any) -> dict[str, Any]:
    for part in reversed(path.split(".")):
        value = {part: value}
    return value  # type: ignore[no-any-return]


def _opened(told: Mapping[str, Any], file: Path) -> dict[str, Any]:
    """A file's options, those that are named by dotted path put where the path leads."""
    made: dict[str, Any] = {}
    try:
        for path, value in told.items():
            fresh = _nested(str(path), _opened(value, file) if isinstance(value, Mapping) else value)
            if twice := _in_both(made, fresh):
                raise ConfigError(f"{file} holds {twice!r} twice, expected it once")
            _lay_over(made, fresh)
    except RecursionError:
        raise ConfigError(f"{file} holds a mapping that holds itself, expected options and their values") from None
    return made


def _in_both(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """The path of an option that two trees both hold; empty where there is none."""
    for key in one.keys() & other.keys():
        below = (one[key], other[key])
        if not all(isinstance(part, Mapping) for part in below):
            return key
        if path := _in_both(*below):
            return f"{key}.{path}"
    return ""


def _lay_over(below: dict[str, Any], above: Mapping[str, Any]) -> None:
    for key, value in above.items():
        if isinstance(value, Mapping) and isinstance(below.get(key), dict):
            below[key] = dict(below[key])
            _lay_over(below[key], value)
        else:
            below[key] = dict(value) if isinstance(value, Mapping) else value
