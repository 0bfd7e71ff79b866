"""What can go wrong around a run: another process in its folder, a full disk, signals at its end, changed files."""

import errno
import os
import shutil
import signal
from typing import Any

import pytest
from safetensors import SafetensorError
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from agents import course as course_module
from agents import evaluation
from agents import run as run_module
from agents.ending import RunError, Stopped
from agents.judge.matches import play
from agents.judge.players import model_folder
from agents.learners.dqn import DoubleDQN
from agents.learners.ppo import MaskedPPO
from agents.records import Records
from agents.run import LOCK, Run
from agents.trackers import WANDB_ID, Trackers, start_wandb
from agents.train import trained_models
from policies import storage
from policies.policy import Policy
from policies.storage import DamagedError, read_manifest, write_arrays, write_tree
from scripts import demo
from tests.agents.runs import begin

KIND = ("combat_dqn", "ppo")


def test_a_run_that_would_lie_in_a_file_is_refused_in_words(tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    for folder in (file, file / "run"):
        with pytest.raises(RunError, match=rf"{folder} cannot be made .*, expected a folder; choose another --out"):
            begin(folder, *KIND)


def test_two_processes_never_train_in_one_folder(tmp_path):
    first = begin(tmp_path / "run", *KIND)
    with pytest.raises(RunError, match="holds a run already; go on with it by --resume"):
        begin(tmp_path / "run", *KIND)
    with pytest.raises(RunError, match=r"another process trains in .*run"):
        Run.resume(tmp_path / "run")
    first.go()
    assert Run.resume(tmp_path / "run").resumed


def test_of_two_that_begin_at_once_one_is_refused(tmp_path, monkeypatch):
    first = begin(tmp_path / "run", *KIND)
    (tmp_path / "run" / "config.yaml").rename(tmp_path / "kept")  # as the other one saw the folder
    with pytest.raises(RunError, match="another process trains in"):
        begin(tmp_path / "run", *KIND)
    assert first.folder.is_dir()


def test_a_run_that_cannot_be_built_leaves_no_lock(tmp_path, monkeypatch):
    run = begin(tmp_path / "run", *KIND)
    monkeypatch.setattr("agents.run.build_learner", lambda *_: (_ for _ in ()).throw(ValueError("no")))
    with pytest.raises(ValueError, match="no"):
        run.go()
    assert not (tmp_path / "run" / LOCK).exists()


def test_a_full_disk_is_told_as_for_any_other_file(tmp_path, monkeypatch):
    def full(*_):
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(storage, "save_file", full)
    with pytest.raises(OSError, match="No space left") as told:
        write_arrays(tmp_path / "arrays", {})
    assert told.value.errno == errno.ENOSPC
    with pytest.raises(OSError, match="No space left"):
        write_tree(tmp_path / "tree", {"a": 1})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("judged", [1, 2, 3])
def test_a_signal_is_heard_to_the_very_end(tmp_path, monkeypatch, judged):
    whole, calls = evaluation.evaluate, []

    def evaluate(*given, **named):
        calls.append(1)
        if len(calls) == judged:
            os.kill(os.getpid(), signal.SIGTERM)
        return whole(*given, **named)

    monkeypatch.setattr(course_module, "evaluate", evaluate)
    run = begin(tmp_path / "run", *KIND, steps=400)
    with pytest.raises(Stopped, match="stopped by SIGTERM") as told:
        run.go()
    assert told.value.by == signal.SIGTERM
    assert not (tmp_path / "run" / "final").exists()
    assert Run.resume(tmp_path / "run").go()["steps"] >= 400
    assert Policy.load(tmp_path / "run").card.model_type == KIND[0]


def test_it_goes_on_against_the_same_opponent_or_not_at_all(tmp_path):
    for name, seed in (("one", 0), ("other", 1)):
        begin(tmp_path / name, *KIND, seed=seed).go()
    shutil.copytree(tmp_path / "one", tmp_path / "rival")
    run = begin(tmp_path / "run", *KIND, opponents=str(tmp_path / "rival"))
    run.go()
    assert Run.resume(tmp_path / "run").resumed
    shutil.rmtree(tmp_path / "rival")
    shutil.copytree(tmp_path / "other", tmp_path / "rival")
    with pytest.raises(RunError, match=r"rival is not what it was when .*run was begun"):
        Run.resume(tmp_path / "run")


def test_lines_that_were_lost_are_told_and_the_whole_ones_kept(tmp_path, capsys):
    path = tmp_path / "lines.csv"
    file = Records(path, ("a", "b"))
    for number in range(5):
        file.add({"a": number, "b": 1.5})
    size = file.flush()
    file.close()
    os.truncate(path, size - 9)
    file = Records(path, ("a", "b"), size)
    file.add({"a": 9, "b": 2.0})
    file.close()
    assert path.read_text().splitlines() == ["a,b", "0,1.5", "1,1.5", "2,1.5", "9,2"]
    assert f"has {size - 9} of the {size} bytes" in capsys.readouterr().err
    path.unlink()
    Records(path, ("a", "b"), size).close()
    assert path.read_text().splitlines() == ["a,b"]


def test_a_model_that_was_being_replaced_is_found_again(tmp_path):
    begin(tmp_path / "run", *KIND, steps=400).go()
    (tmp_path / "run" / "final").rename(tmp_path / "run" / ".final.old")  # between the two renames it was killed
    assert model_folder(tmp_path / "run") == tmp_path / "run" / "final"
    assert Policy.load(tmp_path / "run").card.archetype == "mage"


def test_a_damaged_neighbour_hides_no_models(tmp_path):
    for name in ("one", "damaged"):
        (tmp_path / name / "final").mkdir(parents=True)
        (tmp_path / name / "final" / "manifest.json").write_text("{}")
    (tmp_path / "one" / "config.yaml").write_text("archetype: mage\nmodel_type: combat_dqn\n")
    (tmp_path / "damaged" / "config.yaml").write_bytes(b"\xff\xfe\x00")
    assert trained_models(tmp_path) == {"mage/combat_dqn"}


def test_a_bundle_is_no_damaged_model(tmp_path):
    (tmp_path / "manifest.json").write_text('{"format": 1, "files": {}}')
    with pytest.raises(DamagedError, match="is a bundle, expected a checkpoint or model"):
        read_manifest(tmp_path)


def test_the_stock_ai_does_not_play_itself():
    with pytest.raises(ValueError, match="both players are the stock AI"):
        play("stock", "stock", "duel", [1], archetype="mage")


def test_the_demo_replaces_nothing_but_runs(tmp_path, capsys):
    (tmp_path / "precious.txt").write_text("kept")
    assert demo.main(["--out", str(tmp_path)]) == 2
    assert "holds no run, expected a new folder" in capsys.readouterr().err
    assert (tmp_path / "precious.txt").read_text() == "kept"


def test_what_broke_is_told_the_trackers_as_broken(tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr(Trackers, "close", lambda self, failed=False: told.append(failed))
    with monkeypatch.context() as patch:
        patch.setattr(MaskedPPO, "train", lambda self: (_ for _ in ()).throw(ValueError("no")))
        with pytest.raises(RunError, match="no"):
            begin(tmp_path / "run", *KIND).go()
    Run.resume(tmp_path / "run").go()
    assert told == [True, False]


def test_a_loss_of_the_last_update_that_is_no_number_ends_the_run(tmp_path, monkeypatch):
    trained = MaskedPPO.train

    def train(self):
        trained(self)
        if self.num_timesteps >= self._total_timesteps:
            self.losses["value"] = float("nan")

    monkeypatch.setattr(MaskedPPO, "train", train)
    with pytest.raises(RunError, match=r"the value loss is nan"):
        begin(tmp_path / "run", *KIND, steps=400).go()
    assert not (tmp_path / "run" / "final").exists()


def test_advice_names_no_option_that_there_is_not(tmp_path, monkeypatch):
    def train(self, *_, **named):
        raise MemoryError("Unable to allocate 8 GiB")

    for number, (learner, algo) in enumerate(((MaskedPPO, "ppo"), (DoubleDQN, "ddqn"))):
        monkeypatch.setattr(learner, "train", train)
        with pytest.raises(RunError, match=r"learn.batch_size") as told:
            begin(tmp_path / str(number), "combat_dqn", algo).go()
        assert ("learn.accumulate" in str(told.value)) == (algo == "ppo")


def test_a_run_killed_as_it_is_written_down_is_none(tmp_path, monkeypatch):
    calls: list[int] = []

    def write(path, text):
        if calls:
            raise KeyboardInterrupt
        calls.append(1)
        storage.write_text(path, text)

    with monkeypatch.context() as patch:
        patch.setattr(run_module, "write_text", write)
        with pytest.raises(KeyboardInterrupt):
            begin(tmp_path / "run", *KIND)
    assert begin(tmp_path / "run", *KIND).folder.is_dir()


def test_curves_of_a_run_that_begins_again_are_drawn_once(tmp_path, monkeypatch):
    asked: dict[str, Any] = {"budget.checkpoints": 1}
    with monkeypatch.context() as patch:
        patch.setattr("agents.course.Course.rescue", lambda self, error: "killed")
        trained = MaskedPPO.train

        def train(self):
            trained(self)
            if self.num_timesteps > 600:
                raise RuntimeError("killed")

        patch.setattr(MaskedPPO, "train", train)
        with pytest.raises(RunError, match="killed"):
            begin(tmp_path / "run", *KIND, **asked).go()
    Run.resume(tmp_path / "run").go()
    board = EventAccumulator(str(tmp_path / "run" / "tensorboard")).Reload()
    steps = [event.step for event in board.Scalars("train/value_loss")]
    assert steps and len(steps) == len(set(steps))
    assert steps[-1] >= 1200  # and the last update is among them


def test_a_run_that_could_not_be_opened_can_be_gone_on_with_by_the_same_process(tmp_path):
    folder = tmp_path / "run"
    begin(folder, "combat_dqn", "ppo", steps=200).go()
    (folder / "monitor.csv").unlink()
    (folder / "monitor.csv").mkdir()
    run = Run.resume(folder)
    with pytest.raises(IsADirectoryError):
        run.go()
    (folder / "monitor.csv").rmdir()
    assert Run.resume(folder).go()["steps"] >= 200


@pytest.mark.parametrize("text", ["{", "[]", "{}"])
def test_a_damaged_id_of_a_tracker_is_named(tmp_path, text):
    (tmp_path / WANDB_ID).write_text(text)
    with pytest.raises(ValueError, match=r"wandb\.json cannot be used: .*; expected what the run wrote"):
        start_wandb(tmp_path, {})
