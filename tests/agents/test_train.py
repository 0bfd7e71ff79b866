"""The command line: what it prints, what it refuses, and with which status."""

import json
import os

import pytest
import yaml

from agents import machine, train
from agents.catalog import CATALOG, TYPES
from agents.config.read import paths_of, resolve
from agents.learners.build import payment_of
from agents.learners.ppo import MaskedPPO
from agents.trackers import WANDB_ID
from mlmonster_env.command import UNREAD
from mlmonster_env.contract import ARCHETYPES, MODEL_TYPES
from scripts import tune
from tests.agents.runs import begin, options, words

BUILT = len(TYPES)


def test_the_list_shows_all_models_and_which_were_trained(tmp_path, capsys):
    assert train.main(["--archetype", "mage", *words(options("combat_dqn", "ppo", steps=300)),
                       "--out", str(tmp_path / "run")]) == 0  # fmt: skip
    capsys.readouterr()
    assert train.main(["--list", "--out", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert shown.count("mage") == 2 and shown.count("none yet") == BUILT - 1  # mage: in the title and in its row
    assert train.trained_models(tmp_path) == {"mage/combat_dqn"}
    assert len(CATALOG) == len(ARCHETYPES) * len(MODEL_TYPES) == 54


def test_the_printed_configuration_is_one_that_can_be_given_back(tmp_path, capsys):
    assert train.main(["--archetype", "tank", "--print-config", "learn.gamma=0.9"]) == 0
    shown = capsys.readouterr().out
    assert yaml.safe_load(shown)["learn"]["gamma"] == 0.9
    file = tmp_path / "own.yaml"
    file.write_text(shown)
    assert train.main(["--config", str(file), "--print-config"]) == 0
    assert capsys.readouterr().out == shown


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (["--archetype", "mague"], "perhaps mage"),
        (["--archetype", "mage", "learn.gama=1"], "perhaps learn.gamma"),
        (["--archetype", "mage", "--model-type", "combat_dnq"], "perhaps combat_dqn"),
        (["--archetype", "mage", "--algo", "sac"], "expected one of ddqn, qrdqn, ppo"),
        (["--archetype", "mage", "--scenario", "miror-v1"], "perhaps mirror-v1"),
        (["--archetype", "mage", "--set", "seed"], "expected path.to.option=value"),
        (["--archetype", "mage", "--preset", "standart"], "perhaps standard"),
        (["--archetype", "mage", "--opponents", "stok"], "perhaps stock"),
        (["--archetype", "mage", "--reward", "agressive"], "perhaps aggressive"),
        ([], "--archetype is missing"),
    ],
)
def test_a_wrong_option_names_the_right_ones(said, expected, capsys):
    assert train.main(said) == 2
    assert expected in capsys.readouterr().err


@pytest.mark.parametrize("device", ["meta", "mps", "xpu", "gpu", "cpu0"])
def test_a_device_that_no_run_can_be_on_is_refused_before_there_is_a_folder(device, tmp_path, capsys):
    said = ["--archetype", "mage", "--algo", "ppo", "--size", "tiny", "--steps", "10"]
    assert train.main([*said, "--device", device, "--out", str(tmp_path / "run")]) == 2
    assert f"device is {device!r}, expected auto, cpu, cuda" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_gpu_that_there_is_not_among_those_that_there_are_is_said(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    assert machine.choose("cuda:1", 1, False, 1).device == "cuda:1"
    with pytest.raises(ValueError, match="device is 'cuda:2', expected cuda:0 to cuda:1"):
        machine.choose("cuda:2", 1, False, 1)


@pytest.mark.parametrize("said", ["archetype=tank", "--set archetype=tank"])
def test_the_archetype_may_be_told_by_its_path(said, tmp_path, monkeypatch):
    begun = []

    def begin_idle(folder, config):
        begun.append(config)
        return Idle()

    monkeypatch.setattr("agents.train.Run.begin", begin_idle)
    assert train.main([*said.split(), "--out", str(tmp_path / "run")]) == 0
    assert begun[0].archetype == "tank"


class Idle:
    """In the place of a run."""

    folder = "nowhere"

    def go(self) -> None:
        """Nothing is trained."""


def test_a_device_that_is_not_there_is_said(tmp_path, capsys):
    assert train.main(["--archetype", "mage", "--device", "cuda:99", "--out", str(tmp_path / "run")]) == 2
    assert "cuda:99" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("said", "status", "expected"),
    [
        ("--resume {run} --steps 100", 2, "--resume goes on by the options that the run was begun with"),
        ("--resume {run} learn.gamma=0.9", 2, "--resume goes on by the options"),
        ("--archetype mage --model-type threat_assessment learn.held_out=0.9", 2, "learn.held_out is 0.9"),
        ("--archetype mage --algo ppo learn.batch_size=1", 2, "learn.batch_size is 1"),
        ("--archetype mage --config {folder}", 2, "cannot be read"),
        ("--archetype mage --algo ppo --size tiny --out {file}/run", 2, "Not a directory"),
        ("--archetype mage --opponents {folder}", 2, "opponents"),
        ("--resume {folder}/nowhere", 2, "holds no run"),
        ("--resume {folder}/nowhere --print-config", 2, "holds no run"),
        ("--resume {run}", 2, "another process trains in"),
    ],
)
def test_what_cannot_be_is_one_line(said, status, expected, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    held = begin(tmp_path / "run", "combat_dqn", "ppo")
    told = said.format(run=tmp_path / "run", folder=tmp_path, file=tmp_path / "file")
    assert train.main(told.split()) == status
    error = capsys.readouterr().err
    assert expected in error and error.count("\n") == 1
    assert held.folder.is_dir()


def test_what_breaks_in_training_is_told_from_what_could_not_begin(tmp_path, monkeypatch):
    said = ["--archetype", "mage", *words(options("combat_dqn", "ppo", steps=300)), "--out", str(tmp_path / "run")]
    with monkeypatch.context() as patch:
        patch.setattr("agents.run.build_learner", lambda *_: (_ for _ in ()).throw(ValueError("no")))
        assert train.main(said) == 2
    assert not (tmp_path / "run" / "config.yaml").exists()
    monkeypatch.setattr(MaskedPPO, "train", lambda self: (_ for _ in ()).throw(ValueError("no")))
    assert train.main(said) == 1


def test_who_is_not_read_any_more_stops_and_keeps_what_was_learnt(tmp_path, monkeypatch):
    """As a command does whose output goes into a program that ends."""
    monkeypatch.setattr(MaskedPPO, "train", lambda self: (_ for _ in ()).throw(SystemExit(UNREAD)))
    with pytest.raises(SystemExit) as told:
        begin(tmp_path / "run", "combat_dqn", "ppo").go()
    assert told.value.code == UNREAD
    assert list((tmp_path / "run" / "checkpoints").iterdir())


def test_who_only_looks_at_a_run_does_not_go_on_with_it(tmp_path, capsys, monkeypatch):
    begin(tmp_path / "run", "combat_dqn", "ppo", seed=7)
    monkeypatch.setattr("agents.train.Run.go", lambda self: pytest.fail("it goes on"))
    assert train.main(["--resume", str(tmp_path / "run"), "--print-config"]) == 0
    assert capsys.readouterr().out == (tmp_path / "run" / "config.yaml").read_text()
    assert train.main(["--resume", str(tmp_path), "--print-config"]) == 2
    assert "holds no run" in capsys.readouterr().err


def test_options_may_stand_anywhere(capsys):
    assert train.main(["learn.gamma=0.9", "--archetype", "mage", "batch.matches=4", "--print-config"]) == 0
    told = capsys.readouterr().out
    assert "gamma: 0.9" in told and "matches: 4" in told


def test_the_test_preset_of_every_type_learns():
    for kind in TYPES.values():
        for algo in kind.algos:
            config = resolve({"archetype": "mage", "model_type": kind.name, "algo": algo, "preset": "test"})
            assert getattr(config.learn, "learning_starts", 0) <= config.total_steps * 3 // 4


def test_help_shows_how_to_begin(capsys):
    with pytest.raises(SystemExit):
        train.main(["--help"])
    shown = capsys.readouterr().out
    assert "python -m agents.train --archetype mage" in shown and "--resume" in shown


def test_the_same_folder_twice_names_resume(tmp_path, capsys):
    said = ["--archetype", "mage", *words(options("combat_dqn", "ppo", steps=300)), "--out", str(tmp_path / "run")]
    assert train.main(said) == 0
    assert train.main(said) == 2
    assert "--resume" in capsys.readouterr().err


def test_of_two_that_begin_at_once_each_has_a_folder_of_its_own(tmp_path, monkeypatch, capsys):
    """As two agents of a sweep do: both saw the same folder free."""
    monkeypatch.chdir(tmp_path)
    other = begin(train.RUNS / "mage-combat_dqn-0", "combat_dqn", "ppo", steps=300)
    seen, look = iter([other.folder]), train.default_folder
    monkeypatch.setattr(train, "default_folder", lambda config: next(seen, None) or look(config))
    assert train.main(["--archetype", "mage", *words(options("combat_dqn", "ppo", steps=300))]) == 0
    (own,) = set(train.RUNS.iterdir()) - {other.folder}
    assert (own / "final").is_dir() and not (other.folder / "final").exists()


def test_wandb_works_without_a_network_and_keeps_its_id(tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    folder = tmp_path / "run"
    said = words(options("combat_dqn", "ppo", steps=300))
    assert train.main(["--archetype", "mage", *said, "--wandb", "--out", str(folder)]) == 0
    first = json.loads((folder / WANDB_ID).read_text())["id"]
    assert list((folder / "wandb").glob("offline-run-*"))
    assert train.main(["--resume", str(folder)]) == 0
    assert json.loads((folder / WANDB_ID).read_text())["id"] == first


@pytest.mark.parametrize("algo", ["ppo", "ddqn"])
def test_sweeps_name_options_that_there_are(algo):
    told = yaml.safe_load((tune.SWEEPS / f"{algo}.yaml").read_text())
    assert set(told["parameters"]) <= set(paths_of())
    assert told["metric"]["name"] == "evaluation/all"
    command = told["command"]
    assert command[-1] == "${args_no_hyphens}" and command[command.index("--algo") + 1] == algo
    given = train.parser().parse_args([*command[4:-1], *(f"{k}={first(v)}" for k, v in told["parameters"].items())])
    assert resolve(train.options(given)).algo == algo


def first(told):
    return told.get("value", told.get("values", [told.get("min")])[0])


def test_a_search_goes_on_where_it_stopped(tmp_path, capsys):
    fixed = options("combat_dqn", "ppo", steps=200)
    for key in ("archetype", "model_type", "algo"):
        fixed.pop(key)
    said = ["--archetype", "mage", "--algo", "ppo", "--out", str(tmp_path), *words(fixed)]
    assert tune.main([*said, "--trials", "1"]) == 0
    assert tune.main([*said, "--trials", "1"]) == 0
    assert "2 of 2 trials" in capsys.readouterr().out
    assert sorted(os.listdir(tmp_path / "mage-combat_dqn-ppo")) == ["0", "1"]


@pytest.mark.parametrize(
    ("reward", "terms"),
    [("archetype", {"spell_damage", "kill"}), ("aggressive", {"damage_taken", "death"}), ("win", {"win", "loss"})],
)
def test_matches_are_paid_as_asked(reward, terms):
    paid = payment_of(resolve({"archetype": "mage", "reward": reward})).parts
    assert terms <= set(paid)
    assert ("spell_damage" in paid) == (reward == "archetype")
