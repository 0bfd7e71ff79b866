"""Configuration: what is laid over what, that every mistake is named, and that YAML is only ever data."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from agents.catalog import TYPES
from agents.config import Config, resolve, resolved_from
from agents.config.read import ConfigError, as_tree, as_yaml, option, paths_of
from agents.config.tree import Rate
from agents.learners.build import rate
from mlmonster_env.contract import ARCHETYPES
from mlmonster_env.scenarios import USUAL

TRAINED = [name for name, kind in TYPES.items() if kind.algos]
PRESETS = ["test", "standard", "long"]
EVIL = "!!python/object/apply:os.mkdir [{marker}]"


def flat(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """A tree by dotted path."""
    found: dict[str, Any] = {}
    for name, value in tree.items():
        if isinstance(value, dict):
            found |= flat(value, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = value
    return found


def written(folder: Path, text: str) -> Path:
    path = folder / "own.yml"
    path.write_text(text)
    return path


def test_the_usual_scenario_is_the_one_that_is_trained_on_by_default():
    assert resolve({}).scenario == USUAL


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("algo", sorted({algo for kind in TYPES.values() for algo in kind.algos}))
def test_presets_differ_in_the_budget_alone(preset, algo):
    model_type = next(name for name, kind in TYPES.items() if algo in kind.algos)
    asked = {"model_type": model_type, "algo": algo}
    first, second = as_tree(resolve(asked)), as_tree(resolve({**asked, "preset": preset}))
    assert first.pop("preset") == "standard" and second.pop("preset") == preset
    assert (first.pop("budget") == second.pop("budget")) == (preset == "standard")
    assert first == second


def test_the_longer_a_preset_the_more_of_everything():
    budgets = [resolve({"preset": preset}).budget for preset in PRESETS]
    for name in ("length", "evaluations", "evaluation_pairs", "final_pairs", "checkpoints"):
        numbers = [getattr(budget, name) for budget in budgets]
        assert numbers == sorted(numbers) and numbers[0] < numbers[-1]
    steps = [resolve({"preset": preset}).total_steps for preset in PRESETS]
    assert steps[0] < steps[1] < steps[2]


@pytest.mark.parametrize("archetype", ARCHETYPES)
@pytest.mark.parametrize("model_type", TRAINED)
def test_every_model_that_can_be_trained_has_a_configuration(model_type, archetype):
    for algo in TYPES[model_type].algos:
        made = resolve({"model_type": model_type, "archetype": archetype, "algo": algo})
        assert (made.model_type, made.archetype, made.algo) == (model_type, archetype, algo)
    assert resolve({"model_type": model_type}).algo == TYPES[model_type].algos[0]


@pytest.mark.parametrize("model_type", TRAINED)
def test_a_configuration_that_was_written_down_comes_back(model_type):
    made = resolve({"model_type": model_type, "learn.learning_rate.value": 0.125, "steps": 77, "seed": 5})
    again = resolved_from(yaml.safe_load(as_yaml(made)))
    assert again == made and again.total_steps == 77


def test_what_is_asked_for_lies_above_files_and_files_above_defaults(tmp_path):
    first = written(tmp_path, "learn: {gamma: 0.5, gradient_steps: 7}\nsize: tiny\nseed: 1\n")
    second = tmp_path / "second.yml"
    second.write_text("seed: 2\nlearn: {gamma: 0.6}\n")
    made = resolve({"seed": 3, "learn.batch_size": 9}, (first, second))
    assert (made.size, made.seed) == ("tiny", 3)
    assert (made.learn.gamma, made.learn.gradient_steps, made.learn.batch_size) == (0.6, 7, 9)
    assert made.learn.buffer_size == resolve().learn.buffer_size


def test_a_model_type_may_have_numbers_of_its_own():
    combat, movement = (resolve({"model_type": name, "algo": "ppo"}) for name in ("combat_dqn", "movement_ppo"))
    assert combat.learn.batch_size != movement.learn.batch_size
    assert combat.learn.n_epochs == movement.learn.n_epochs


def test_one_resolution_does_not_change_the_next():
    before = as_tree(resolve())
    resolve({"learn.learning_rate.value": 9.0, "budget.length": 3.0, "batch.matches": 1})
    assert as_tree(resolve()) == before


@pytest.mark.parametrize("model_type", TRAINED)
def test_every_option_can_be_asked_for_by_its_path(model_type):
    made = as_tree(resolve({"model_type": model_type}))
    known = set(paths_of())
    for path, value in flat(made).items():
        assert path in known
        if path != "algo":
            assert flat(as_tree(resolve({"model_type": model_type, path: value})))[path] == value


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"learn.gama": 0.9}, ("'learn.gama'", "perhaps learn.gamma")),
        ({"learn.learning_rate.vlaue": 0.9}, ("'learn.learning_rate.vlaue'", "perhaps learn.learning_rate.value")),
        ({"budget.lenght": 1}, ("'budget.lenght'", "perhaps budget.length")),
        ({"batch.matchs": 1}, ("'batch.matchs'", "perhaps batch.matches")),
        ({"sede": 1}, ("'sede'", "perhaps seed")),
        ({"archtype": "mage"}, ("'archtype'", "perhaps archetype")),
        ({"learn.clip_range": 0.1}, ("no option 'learn.clip_range'",)),
        ({"archetype": "maeg"}, ("archetype is 'maeg'", "perhaps mage")),
        ({"model_type": "combt_dqn"}, ("model_type is 'combt_dqn'", "perhaps combat_dqn")),
        ({"model_type": "spatial_vit", "leave_out": ["skills"]}, ("leave out 'skills'", "['grid']")),
        ({"leave_out": ["state"]}, ("combat_dqn is to leave out 'state'",)),
        ({"algo": "pop"}, ("algo is 'pop'", "perhaps ppo", "for combat_dqn")),
        ({"algo": "sac"}, ("algo is 'sac'", "for combat_dqn")),
        ({"algo": False}, ("algo is False", "for combat_dqn")),
        ({"algo": 0}, ("algo is 0", "for combat_dqn")),
        ({"algo": ""}, ("algo is ''", "for combat_dqn")),
        ({"algo": []}, ("algo is []", "for combat_dqn")),
        ({"preset": "tset"}, ("preset is 'tset'", "perhaps test")),
        ({"opponents": "stok"}, ("opponents is 'stok'", "perhaps stock")),
        ({"scenario": "skirmsh"}, ("'skirmsh'", "perhaps skirmish")),
        ({"size": "huge"}, ("size is 'huge'", "'tiny', 'small' or 'full'")),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(asked, words):
    with pytest.raises(ConfigError) as error:
        resolve(asked)
    assert all(word in str(error.value) for word in words), error.value


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"seed": "three"}, ("seed is 'three'", "integer")),
        ({"seed": -1}, ("seed is -1", "greater than or equal to 0")),
        ({"seed": 1 << 31}, ("seed is 2147483648", "less than")),
        ({"steps": 0}, ("steps is 0",)),
        ({"steps": 1.5}, ("steps is 1.5", "integer")),
        ({"learn.gamma": 1.5}, ("learn.gamma is 1.5", "less than or equal to 1")),
        ({"learn.gamma": float("nan")}, ("learn.gamma is nan", "finite")),
        ({"learn.gamma": None}, ("learn.gamma is None", "number")),
        ({"learn.learning_rate": [0.1]}, ("learn.learning_rate is [0.1]", "a number, or a mapping with value")),
        ({"learn.learning_rate": "fast"}, ("learn.learning_rate is 'fast'", "a number, or a mapping with value")),
        ({"learn.learning_rate": -1}, ("learn.learning_rate.value is -1",)),
        ({"learn.learning_rate.curve": "bent"}, ("learn.learning_rate.curve is 'bent'", "'cosine'")),
        ({"learn.gamma.more": 1}, ("learn.gamma is {'more': 1}",)),
        ({"batch.matches": 0}, ("batch.matches is 0",)),
        ({"batch.decision_ms": 250}, ("batch.decision_ms is 250", "multiple of 100")),
        ({"budget.length": 0}, ("budget.length is 0", "greater than 0")),
        ({"budget.length": 1e308}, ("budget.length is 1e+308", "less than or equal to")),
        ({"budget": 3}, ("budget is 3",)),
        ({"learn": 3}, ("learn is 3",)),
        ({"compile": "perhaps"}, ("compile is 'perhaps'", "boolean")),
        ({"archetype": 3}, ("archetype is 3", "string")),
        ({"archetype": ["mage"]}, ("archetype is ['mage']",)),
        ({"model_type": ["combat_dqn"]}, ("model_type is ['combat_dqn']",)),
        ({"preset": ["test"]}, ("preset is ['test']",)),
        ({"algo": {"ppo": 1}}, ("algo is {'ppo': 1}",)),
        ({"patience.win_rate": 2}, ("patience.win_rate is 2",)),
        ({"seed": True}, ("seed is True", "no boolean")),
        ({"learn.gamma": False}, ("learn.gamma is False", "no boolean")),
        ({"learn.learning_rate.value": True}, ("learn.learning_rate.value is True", "no boolean")),
        ({"algo": "ppo", "learn.target_kl": True}, ("learn.target_kl is True", "no boolean")),
        ({"model_type": "soft_actor_critic", "learn.tau": 5}, ("learn.tau is 5", "less than or equal to 1")),
    ],
    ids=str,
)
def test_what_is_of_the_wrong_kind_is_named(asked, words):
    with pytest.raises(ConfigError) as error:
        resolve(asked)
    assert all(word in str(error.value) for word in words), error.value


@pytest.mark.parametrize("warm_up", [0.0, 0.5])
def test_a_rate_becomes_a_schedule(warm_up):
    made = resolve({"learn.learning_rate": {"value": 2.0, "curve": "linear", "last": 0.5, "warm_up": warm_up}})
    at = rate(made.learn.learning_rate)
    assert (at(1.0 - warm_up), at(0.0)) == (2.0, 1.0)


def test_a_rate_that_only_rises_is_refused_before_a_run_begins():
    with pytest.raises(ConfigError, match=r"learn.learning_rate.warm_up is 1"):
        resolve({"learn.learning_rate.warm_up": 1.0})


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("learn.gamma=0.99", "learn.gamma", 0.99),
        ("learn.learning_rate.value=1e-4", "learn.learning_rate.value", 1e-4),
        ("learn.batch_size=64", "learn.batch_size", 64),
        ("compile=true", "compile", True),
        ("steps=null", "steps", None),
        ("scenario=mirror-v1:train", "scenario", "mirror-v1:train"),
        ("device=cuda:1", "device", "cuda:1"),
        ("scenario=a=b", "scenario", "a=b"),
        ("learn.learning_rate={value: 0.5}", "learn.learning_rate", {"value": 0.5}),
    ],
)
def test_options_are_read_as_yaml_has_them(text, path, value):
    found = option(text)
    assert found == (path, value) and type(found[1]) is type(value)


@pytest.mark.parametrize("text", ["learn.gamma", "=3", "", "learn.gamma:0.9"])
def test_an_option_without_a_value_is_named(text):
    with pytest.raises(ConfigError, match=r"expected path\.to\.option=value") as error:
        option(text)
    assert repr(text) in str(error.value)


def test_an_option_whose_value_is_no_yaml_is_named():
    with pytest.raises(ConfigError, match="no YAML"):
        option("learn.gamma={0.9")


def test_yaml_never_runs_anything(tmp_path):
    marker = tmp_path / "it ran"
    evil = EVIL.format(marker=marker)
    yaml.unsafe_load(evil)
    assert marker.exists()
    marker.rmdir()
    with pytest.raises(ConfigError, match="no YAML"):
        resolve(files=(written(tmp_path, f"archetype: {evil}"),))
    with pytest.raises(ConfigError, match="no YAML"):
        option(f"archetype={evil}")
    assert not marker.exists()


@pytest.mark.parametrize(
    ("text", "words"), [("- mage", "expected a mapping"), ("", "expected a mapping"), ("a: [", "no YAML")]
)
def test_a_file_that_holds_no_options_is_named(tmp_path, text, words):
    with pytest.raises(ConfigError, match=words) as error:
        resolve(files=(written(tmp_path, text),))
    assert "own.yml" in str(error.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"nowhere.yml is not there"):
        resolve(files=(tmp_path / "nowhere.yml",))


def test_a_written_configuration_that_was_tampered_with_is_named():
    tree = as_tree(resolve())
    for change, words in (
        ({"algo": "pop"}, "perhaps ppo"),
        ({"more": 1}, "no option 'more'"),
        ({"learn": {**tree["learn"], "gamma": "x"}}, "learn.gamma is 'x'"),
    ):
        with pytest.raises(ConfigError, match=words):
            resolved_from({**tree, **change})
    with pytest.raises(ConfigError, match="seed is missing"):
        resolved_from({name: value for name, value in tree.items() if name != "seed"})


def test_a_configuration_does_not_change():
    made = resolve()
    with pytest.raises(ValueError, match="frozen"):
        made.seed = 3
    assert isinstance(made, Config)


def test_rows_of_moments_that_do_not_fill_a_rollout_are_named():
    asked = {"model_type": "temporal_transformer", "learn.n_steps": 64}
    assert resolve({**asked, "learn.sequence": 16}).learn.sequence == 16
    with pytest.raises(ConfigError, match=r"learn\.sequence is 7, expected a divisor of learn\.n_steps, 64"):
        resolve({**asked, "learn.sequence": 7})


def test_patterns_refuse_opponents_that_they_would_not_meet():
    assert resolve({"model_type": "pattern_recognition", "algo": "patterns", "opponents": "styles"})
    with pytest.raises(ConfigError, match="opponents is 'rusher', and patterns are learnt from all the styles"):
        resolve({"model_type": "pattern_recognition", "algo": "patterns", "opponents": "rusher"})


def test_a_horizon_shorter_than_a_decision_is_named():
    asked = {"model_type": "threat_assessment", "batch.decision_ms": 1000}
    assert resolve({**asked, "learn.horizon_ms": 1000}).learn.horizon_ms == 1000
    with pytest.raises(ConfigError, match=r"learn\.horizon_ms is 900, expected .*batch\.decision_ms, 1000"):
        resolve({**asked, "learn.horizon_ms": 900})


def test_a_file_may_name_an_option_by_its_path(tmp_path):
    asked = "learn.gamma: 0.9\nlearn: {learning_rate.value: 0.5, batch_size: 64}\n"
    learn = resolve(files=(written(tmp_path, asked),)).learn
    assert (learn.gamma, learn.learning_rate.value, learn.batch_size) == (0.9, 0.5, 64)
    with pytest.raises(ConfigError, match=r"no option 'learn.gama', expected perhaps learn.gamma"):
        resolve(files=(written(tmp_path, "learn.gama: 0.9"),))


def test_numbers_are_written_in_files_as_people_write_them(tmp_path):
    made = resolve(files=(written(tmp_path, "steps: 1e6\nlearn: {learning_rate: 3e-4, gamma: .9}\n"),))
    assert (made.steps, made.learn.gamma) == (1_000_000, 0.9)
    assert made.learn.learning_rate == Rate(value=3e-4)  # a number alone is one that stays
    assert resolve({"learn.learning_rate": 3e-4}).learn.learning_rate == made.learn.learning_rate


@pytest.mark.parametrize(
    ("text", "twice"),
    [
        ("steps: 1000\nsteps: 2000", "steps"),
        ("learn: {gamma: 0.9, batch_size: 64, gamma: 0.8}", "gamma"),
        ("learn.gamma: 0.9\nlearn: {gamma: 0.8}", "learn.gamma"),
        ("learn: {learning_rate: {value: 0.1}}\nlearn.learning_rate.value: 0.2", "learn.learning_rate.value"),
    ],
)
def test_an_option_that_stands_twice_in_a_file_is_named(tmp_path, text, twice):
    with pytest.raises(ConfigError, match="twice") as error:
        resolve(files=(written(tmp_path, text),))
    assert repr(twice) in str(error.value) and "own.yml" in str(error.value)


@pytest.mark.parametrize(
    ("text", "words"), [("1: 2", "no option '1'"), ("learn: &learn {gamma: *learn}", "own.yml holds a mapping that")]
)
def test_a_file_whose_keys_are_no_options_is_named(tmp_path, text, words):
    with pytest.raises(ConfigError, match=words):
        resolve(files=(written(tmp_path, text),))


def test_a_preset_that_is_asked_for_is_above_that_of_a_whole_file(tmp_path):
    file = tmp_path / "whole.yaml"
    file.write_text(as_yaml(resolve({"algo": "ppo", "preset": "test", "budget.keep": 9})))
    assert resolve({}, (file,)).budget.length == resolve({"preset": "test"}).budget.length
    found, wanted = resolve({"preset": "long"}, (file,)), resolve({"preset": "long", "algo": "ppo"})
    assert found.budget == wanted.budget.model_copy(update={"keep": 9})
    assert found.total_steps == wanted.total_steps


@pytest.mark.parametrize("told", [5, "archetype", ["archetype"], {1: 2}, {None: 2}])
def test_what_is_no_configuration_at_all_is_named(told: Any) -> None:
    for ask in (resolve, resolved_from):
        with pytest.raises(ConfigError, match=r"the configuration is .*, expected a mapping of options by their paths"):
            ask(told)


def test_files_may_be_named_by_a_text(tmp_path):
    assert resolve(files=(str(written(tmp_path, "seed: 7")),)).seed == 7  # type: ignore[arg-type]
