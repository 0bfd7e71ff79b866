"""A run from its first decision to the finished model, and everything that can break in between."""

import csv
import errno
import json
import shutil
import signal
import time
from itertools import product
from typing import Any

import numpy as np
import pytest

from agents import checkpoints as checkpoints_module
from agents.behaviour import COLUMNS
from agents.config.read import resolve
from agents.course import Course
from agents.ending import RunError
from agents.learners.build import build_env, build_learner
from agents.learners.supervised import ThreatLearner
from agents.run import Run
from mlmonster_env.contract import ARCHETYPES, CONTROLS, SHAPES
from policies.policy import Policy
from policies.storage import read_manifest, write_tree
from tests.agents import runs
from tests.agents.runs import TYPES, begin, checkpoints, differing, last_state, options


class CrashError(Exception):
    """Something that nobody expects."""


def crash_after(monkeypatch, decisions):
    """Let the next run break at the first boundary after so many decisions."""
    whole = Course._tell

    def tell(self, steps):
        if steps >= decisions:
            raise CrashError("the roof came down")
        whole(self, steps)

    monkeypatch.setattr(Course, "_tell", tell)


def seen_by(policy, count=20):
    random = np.random.default_rng(0)
    seen = {
        name: random.random((count, *SHAPES[name])).astype(np.float32)
        for name in policy.card.blocks
        if name != "action_mask"
    }
    if "action_mask" in policy.card.blocks:
        mask = random.random((count, CONTROLS[policy.card.control])) < 0.5
        mask[:, 0] = True
        seen["action_mask"] = mask.astype(np.int8)
    return seen


def trains_saves_loads_and_acts(folder, model_type, algo, archetype):
    run = begin(folder, model_type, algo, archetype=archetype)
    summary = run.go()
    policy = Policy.load(folder)
    assert policy.card.model_type == model_type and policy.card.archetype == archetype
    seen = seen_by(policy)
    actions, state = policy.predict(seen, episode_start=True)
    assert np.shape(state) == ((len(actions), policy.memory_size) if policy.memory_size else ())
    policy.save(folder / "again")
    assert np.array_equal(Policy.load(folder / "again").predict(seen, episode_start=True)[0], actions)
    if "action_mask" in seen:
        assert seen["action_mask"][np.arange(len(actions)), actions].all()
    assert summary["steps"] >= run.config.total_steps
    with (folder / "evaluation_results.csv").open() as file:
        rows = list(csv.DictReader(file))
    told = {"30 frames", "60 frames", "90 frames"} if algo == "patterns" else {"contact"}
    assert {row["start"] for row in rows} == {*told, "all"}
    assert all(0 <= float(row["low"]) <= float(row["win_rate"]) <= float(row["high"]) <= 1 for row in rows)


@pytest.mark.parametrize(("model_type", "algo"), TYPES)
def test_every_type_trains_saves_loads_and_acts(tmp_path, model_type, algo):
    trains_saves_loads_and_acts(tmp_path / "run", model_type, algo, "mage")


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "archetype"), list(product(TYPES, ARCHETYPES)))
def test_every_type_trains_for_every_archetype(tmp_path, kind, archetype):
    trains_saves_loads_and_acts(tmp_path / "run", kind[0], kind[1], archetype)


def test_a_run_keeps_what_it_was_made_of_and_what_it_did(tmp_path):
    folder = tmp_path / "run"
    begin(folder, "combat_dqn", "ppo", steps=3000).go()
    facts = json.loads((folder / "facts.json").read_text())
    assert facts["machine"]["shards"] == 2 and facts["packages"]["torch"]
    heads = {
        "monitor": ["steps", "match", "decisions", "return", "outcome"],
        "behavior_metrics": ["steps", "match", *COLUMNS],
    }
    for name, columns in heads.items():
        with (folder / f"{name}.csv").open() as file:
            rows = list(csv.DictReader(file))
        assert list(rows[0]) == columns
        assert [int(row["match"]) for row in rows] == list(range(len(rows)))
    with (folder / "reward_breakdown.csv").open() as file:
        terms = list(csv.DictReader(file))
    with (folder / "monitor.csv").open() as file:
        monitor = list(csv.DictReader(file))
    for row, whole in zip(terms, monitor, strict=True):
        paid = sum(float(row[name]) for name in row if name not in ("steps", "match"))
        assert paid == pytest.approx(float(whole["return"]), abs=1e-4)
    assert list((folder / "tensorboard").glob("events*"))
    assert read_manifest(folder / "final")["win_rate_derived_mask"] >= 0


@pytest.mark.parametrize(("model_type", "algo"), TYPES)
def test_a_run_that_broke_goes_on_to_the_bit(tmp_path, monkeypatch, model_type, algo):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    begin(whole, model_type, algo).go()
    with monkeypatch.context() as patch:
        crash_after(patch, 2400 if algo == "supervised" else 600)
        with pytest.raises(RunError, match=r"the roof came down[\s\S]*--resume"):
            begin(broken, model_type, algo).go()
    Run.resume(broken).go()
    assert differing(last_state(whole), last_state(broken)) == []
    for name in ("monitor", "reward_breakdown", "behavior_metrics"):
        assert (whole / f"{name}.csv").read_text() == (broken / f"{name}.csv").read_text()


@pytest.mark.parametrize(
    ("model_type", "algo"), [("combat_dqn", "ddqn"), pytest.param("soft_actor_critic", "sac", marks=pytest.mark.slow)]
)
def test_a_run_that_was_judged_before_it_broke_goes_on_to_the_bit(tmp_path, monkeypatch, model_type, algo):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    more = {"steps": 600, "budget.evaluations": 4, "budget.evaluation_pairs": 1, "budget.final_pairs": 1}
    begin(whole, model_type, algo, **more).go()
    with monkeypatch.context() as patch:
        crash_after(patch, 450)
        with pytest.raises(RunError):
            begin(broken, model_type, algo, **more).go()
    Run.resume(broken).go()
    assert differing(last_state(whole), last_state(broken)) == []


def test_the_same_run_twice_is_the_same_to_the_bit(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    begin(one, "combat_dqn", "ppo").go()
    begin(other, "combat_dqn", "ppo").go()
    assert differing(last_state(one), last_state(other)) == []


@pytest.mark.parametrize("algo", ["ppo", "ddqn"])
def test_a_damaged_checkpoint_is_named_and_its_predecessor_used(tmp_path, monkeypatch, capsys, algo):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    begin(whole, "combat_dqn", algo).go()
    with monkeypatch.context() as patch:
        crash_after(patch, 900)
        with pytest.raises(RunError):
            begin(broken, "combat_dqn", algo).go()
    newest = checkpoints(broken)[-1]
    arrays = newest / "arrays.safetensors"
    damaged = bytearray(arrays.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    arrays.write_bytes(bytes(damaged))
    Run.resume(broken).go()
    said = capsys.readouterr().out
    assert f"{arrays} is damaged" in said and "going back" in said
    assert differing(last_state(whole), last_state(broken)) == []


def test_a_damaged_segment_of_the_replay_is_named(tmp_path, monkeypatch, capsys):
    folder = tmp_path / "run"
    crash_after(monkeypatch, 900)
    with pytest.raises(RunError):
        begin(folder, "combat_dqn", "ddqn").go()
    segment = sorted((folder / "checkpoints" / "replay").iterdir())[-1]
    segment.write_bytes(segment.read_bytes()[:-8])
    run = Run.resume(folder)
    with pytest.raises(RunError):
        run.go()
    assert f"{segment} is damaged" in capsys.readouterr().out


def test_when_all_checkpoints_are_damaged_that_is_said(tmp_path, monkeypatch):
    folder = tmp_path / "run"
    crash_after(monkeypatch, 600)
    with pytest.raises(RunError):
        begin(folder, "combat_dqn", "ppo").go()
    for path in checkpoints(folder):
        (path / "values.json").write_text("{}")
    with pytest.raises(Exception, match=r"all \d checkpoints"):
        Run.resume(folder).go()


def test_checkpoints_are_rotated(tmp_path):
    folder = tmp_path / "run"
    begin(folder, "combat_dqn", "ddqn", steps=2000).go()
    found = checkpoints(folder)
    assert len(found) == 2
    needed = {segment["name"] for path in found for segment in read_manifest(path)["segments"]}
    assert {path.name for path in (folder / "checkpoints" / "replay").iterdir()} == needed


def test_a_full_disk_loses_nothing_that_was_whole(tmp_path, monkeypatch):
    folder = tmp_path / "run"
    written = write_tree

    def write(path, tree, **facts):
        if facts["steps"] > 500:
            raise OSError(errno.ENOSPC, "No space left on device")
        written(path, tree, **facts)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints_module, "write_tree", write)
        with pytest.raises(RunError, match=r"No space left[\s\S]*the disk is full: make room"):
            begin(folder, "combat_dqn", "ppo").go()
    assert checkpoints(folder)
    whole = tmp_path / "whole"
    begin(whole, "combat_dqn", "ppo").go()
    Run.resume(folder).go()
    assert differing(last_state(whole), last_state(folder)) == []


def test_a_loss_that_is_no_number_ends_the_run_with_advice(tmp_path, monkeypatch):
    from agents.learners.ppo import MaskedPPO

    trained = MaskedPPO.train

    def train(self):
        trained(self)
        if self.num_timesteps > 500:
            self.losses["value"] = float("nan")

    monkeypatch.setattr(MaskedPPO, "train", train)
    with pytest.raises(RunError, match=r"the value loss is nan[\s\S]*learning_rate"):
        begin(tmp_path / "run", "combat_dqn", "ppo").go()


def test_out_of_memory_says_what_to_make_smaller(tmp_path, monkeypatch):
    from agents.learners.ppo import MaskedPPO

    def train(self):
        raise MemoryError("Unable to allocate 8 GiB")

    monkeypatch.setattr(MaskedPPO, "train", train)
    with pytest.raises(RunError, match=r"Unable to allocate[\s\S]*learn.batch_size"):
        begin(tmp_path / "run", "combat_dqn", "ppo").go()


def test_the_same_folder_twice_is_an_error_that_names_resume(tmp_path):
    begin(tmp_path / "run", "combat_dqn", "ppo")
    with pytest.raises(RunError, match="--resume"):
        begin(tmp_path / "run", "combat_dqn", "ppo")


def test_what_cannot_be_begun_leaves_no_folder(tmp_path):
    asked = {"archetype": "mage", "model_type": "movement_ppo", "size": "tiny", "batch.matches": 2, "batch.shards": 3}
    with pytest.raises(ValueError, match=r"batch\.matches is 2, expected one for each of 3 shards"):
        Run.begin(tmp_path / "run", resolve(asked))
    assert not (tmp_path / "run").exists()


def test_a_run_too_short_to_learn_says_so(tmp_path, capsys):
    begin(tmp_path / "short", "combat_dqn", "ddqn", **{"learn.learning_starts": 1200})
    assert "learning starts after 1,200 decisions and the run has 1,200" in capsys.readouterr().out
    begin(tmp_path / "long", "combat_dqn", "ddqn")
    assert "warning" not in capsys.readouterr().out


def test_what_the_learner_refuses_leaves_the_folder_free(tmp_path, monkeypatch):
    def refuses(*_: Any) -> None:
        raise AssertionError("`n_steps * n_envs` must be greater than 1")

    with monkeypatch.context() as patch:
        patch.setattr("agents.run.build_learner", refuses)
        with pytest.raises(RunError, match="the learner cannot be made: `n_steps"):
            begin(tmp_path / "run", "combat_dqn", "ppo").go()
    assert begin(tmp_path / "run", "combat_dqn", "ppo")


@pytest.mark.parametrize("opponents", ["stock", "pool"])
def test_a_run_that_ended_before_its_first_checkpoint_begins_again(tmp_path, monkeypatch, opponents):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    asked = {"opponents": opponents, "budget.checkpoints": 1}
    begin(whole, "combat_dqn", "ppo", **asked).go()
    with monkeypatch.context() as patch:
        crash_after(patch, 600)
        patch.setattr("agents.course.Course.rescue", lambda self, error: "killed")
        with pytest.raises(RunError, match="killed"):
            begin(broken, "combat_dqn", "ppo", **asked).go()
    assert not checkpoints(broken)
    Run.resume(broken).go()
    assert differing(last_state(whole), last_state(broken)) == []
    assert (whole / "monitor.csv").read_text() == (broken / "monitor.csv").read_text()


def test_a_run_that_is_over_stays_as_it_is(tmp_path):
    """Whether its budget was spent or it was good enough before: gone on with, it judges its model and no more."""
    for name, asked in (("spent", {}), ("enough", {"patience.win_rate": 0.01, "budget.evaluations": 8})):
        folder = tmp_path / name
        begin(folder, "combat_dqn", "ppo", **asked).go()
        arrays = (folder / "final" / "arrays.safetensors").read_bytes()
        kept = [path.name for path in checkpoints(folder)]
        for _ in range(2):
            Run.resume(folder).go()
            assert (folder / "final" / "arrays.safetensors").read_bytes() == arrays
            assert [path.name for path in checkpoints(folder)] == kept
        with (folder / "evaluation_results.csv").open() as file:
            rows = [(row["steps"], row["start"], row["mask"]) for row in csv.DictReader(file)]
        assert max(rows.count(row) for row in rows) == 2  # the last model is judged again at the end, and no more often


def test_a_lost_best_model_is_named_and_chosen_anew(tmp_path, capsys):
    begin(tmp_path / "run", "combat_dqn", "ppo").go()
    shutil.rmtree(tmp_path / "run" / "checkpoints" / "best")
    Run.resume(tmp_path / "run").go()
    assert "the best model is chosen anew" in capsys.readouterr().out
    assert (tmp_path / "run" / "checkpoints" / "best").is_dir()


@pytest.mark.parametrize(("name", "text"), [
    ("config.yaml", "a: ["), ("config.yaml", ""), ("config.yaml", "- 1"), ("facts.json", "{"), ("facts.json", "{}"),
    ("facts.json", None),
])  # fmt: skip
def test_a_damaged_file_of_a_run_is_named(tmp_path, name, text):
    begin(tmp_path / "run", "combat_dqn", "ppo")
    path = tmp_path / "run" / name
    path.unlink() if text is None else path.write_text(text)
    with pytest.raises(RunError, match=rf"{name} cannot be used.*expected what the run wrote"):
        Run.resume(tmp_path / "run")


def test_a_folder_without_a_run_cannot_be_gone_on_with(tmp_path):
    with pytest.raises(RunError, match="holds no run"):
        Run.resume(tmp_path)


def test_the_best_threat_model_is_the_one_that_foresaw_best_whatever_its_pack_won(tmp_path, monkeypatch):
    losses = iter([None, 1.0, 2.0, 2.0, 2.0])
    steps = []

    def lost(learner):
        steps.append(learner.num_timesteps)
        return next(losses)

    monkeypatch.setattr(ThreatLearner, "held_out_loss", lost)
    run = begin(tmp_path / "run", "threat_assessment", "supervised", **{"budget.evaluations": 4})
    run.go()
    assert len(steps) > 2
    assert read_manifest(run.folder / "checkpoints" / "best")["steps"] == steps[1]


def test_training_ends_early_when_it_is_good_enough(tmp_path):
    run = begin(
        tmp_path / "run", "combat_dqn", "ppo", steps=4000, **{"patience.win_rate": 0.0, "budget.evaluations": 8}
    )
    assert run.go()["steps"] < 1500


def test_training_ends_early_when_nothing_gets_better(tmp_path):
    more = {"patience.evaluations": 2, "budget.evaluations": 20, "learn.learning_rate.value": 0.0}
    run = begin(tmp_path / "run", "combat_dqn", "ppo", steps=6000, **more)
    assert run.go()["steps"] < 3000


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_at_a_boundary_and_the_run_goes_on(tmp_path, number, status):
    folder = tmp_path / "run"
    process = runs.command(*runs.words(options("combat_dqn", "ppo", steps=200_000)), "--archetype", "mage",
                           "--out", str(folder))  # fmt: skip
    wait_for(lambda: checkpoints(folder) or (folder / "monitor.csv").exists(), process)
    time.sleep(1.0)
    process.send_signal(number)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == status, said
    assert "--resume" in said
    assert read_manifest(checkpoints(folder)[-1])["reason"] == "emergency"


@pytest.mark.slow
@pytest.mark.parametrize("algo", ["ppo", "ddqn"])
def test_a_run_killed_at_twenty_random_moments_ends_in_the_same_weights(tmp_path, algo):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    given = options("combat_dqn", algo, steps=30_000, **{"budget.checkpoints": 60})
    Run.begin(whole, resolve(given)).go()
    random = np.random.default_rng(5)
    kills = 0
    while kills < 20:
        begun = bool(checkpoints(killed))
        said = ["--resume", str(killed)] if begun else ["--archetype", "mage", *runs.words(given), "--out", str(killed)]
        if not begun and killed.exists():
            for path in sorted(killed.rglob("*"), reverse=True):
                path.rmdir() if path.is_dir() else path.unlink()
        process = runs.command(*said)
        wait_for(lambda: (killed / "monitor.csv").exists(), process)
        time.sleep(float(random.uniform(1.0, 4.0)))
        if process.poll() is not None:
            break
        process.kill()
        process.communicate()
        kills += 1
    if not (killed / "final").exists():
        Run.resume(killed).go()
    assert kills == 20
    assert differing(last_state(whole), last_state(killed)) == []


def wait_for(happened, process, seconds=120):
    until = time.monotonic() + seconds
    while not happened():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < until
        time.sleep(0.05)


def test_the_weight_of_entropy_begins_where_pay_is_not_drowned(tmp_path):
    run = begin(tmp_path / "run", "soft_actor_critic", "sac", **{"learn.entropy_first": 0.02})
    learner = build_learner(run.config, build_env(run.config, run.machine, None), run.machine)
    assert learner.log_ent_coef.exp().item() == pytest.approx(0.02)


@pytest.mark.parametrize(("model_type", "algo"), TYPES)
def test_a_learner_plays_the_matches_of_its_runs_own_seeds(tmp_path, model_type, algo):
    run = begin(tmp_path / "run", model_type, algo, seed=3)
    alone, env = (build_env(run.config, run.machine, None) for _ in range(2))
    build_learner(run.config, env, run.machine)
    assert [shard._seeds for shard in env.shards] == [shard._seeds for shard in alone.shards]
    assert env.shards[0]._seeds[0] == 3 * 2**24
    shown: Any = env.reset()
    expected: Any = alone.reset()
    assert all(np.array_equal(shown[name], block) for name, block in expected.items())
