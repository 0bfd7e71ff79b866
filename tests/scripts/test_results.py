"""The queue of results, and the document that it writes."""

import json

import numpy as np
import pytest

from agents.config.read import resolve
from agents.ending import RunError
from agents.learners.threat_data import Watched
from agents.run import Run
from scripts import results, results_doc, results_threat
from scripts.results_doc import interval, render
from tests.agents.runs import options


def score(rate, se=0.01, drawn=0.1):
    behaviour = {"damage_ratio": 0.6, "knock_outs": 2.0}
    return {"pairs": 500, "win_rate": rate, "se": se, "won": rate, "drawn": drawn, "behaviour": behaviour}


def told(archetype="mage", seed=0, field=0.9, contact=0.9, model_type="combat_dqn"):
    starts = {"field": score(field), "contact": score(contact), "all": score((field + contact) / 2)}
    return {
        "archetype": archetype, "model_type": model_type, "algo": "ppo", "seed": seed, "command": "python -m agents",
        "steps": 30_000_000, "seconds": 600.0, "scores": {"mirror-v1": starts, "held out": starts},
    }  # fmt: skip


def keep(folder, *runs):
    for run in runs:
        (folder / f"{run['archetype']}-{run['model_type']}-{run['seed']}.json").write_text(json.dumps(run))


def test_an_interval_over_seeds_is_students(tmp_path):
    middle, low, high = interval([score(0.8), score(0.9), score(1.0)])
    assert middle == pytest.approx(0.9)
    half = 4.303 * 0.1 / np.sqrt(3)
    assert low == pytest.approx(0.9 - half) and high == 1.0


def test_one_seed_is_marked(tmp_path):
    keep(tmp_path, told())
    assert "90.0% [88.0%, 92.0%]*" in render(tmp_path)


def test_a_target_needs_its_lower_bound_too(tmp_path):
    keep(tmp_path, told("mage", 0, field=0.95), told("tank", 0, field=0.82))
    document = render(tmp_path)
    assert "- field: reached by mage; not by tank" in document
    assert "- contact: reached by mage, tank; not by none" in document


def test_a_document_without_runs_says_so(tmp_path):
    assert "Nothing has been run yet" in render(tmp_path)


def test_the_committed_document_is_the_one_that_its_files_make():
    if not results.FOLDER.is_dir():
        pytest.skip("nothing was run yet")
    assert results_doc.DOCUMENT.read_text(encoding="utf-8") == render(results.FOLDER)


@pytest.mark.parametrize("other", [{"reward": "win"}, {"learn.gamma": 0.5}])
def test_a_folder_with_another_run_is_refused(tmp_path, other):
    made = options("combat_dqn", "ppo")
    Run.begin(tmp_path / "run", resolve(made)).go()
    assert results.trained(tmp_path / "run", made).card.archetype == made["archetype"]
    with pytest.raises(RunError, match=f"holds a run of .*, expected .*{next(iter(other.values()))}"):
        results.trained(tmp_path / "run", {**made, **other})


def test_the_queue_holds_six_archetypes_by_three_seeds_and_all_types():
    jobs = results.queue()
    flagship = {(job.archetype, job.seed) for job in jobs if job.model_type == "combat_dqn" and job.algo == "ppo"}
    assert len(flagship) == 18 and len({job.name for job in jobs}) == len(jobs)
    for model_type in ("movement_ppo", "skill_dqn", "soft_actor_critic", "threat_assessment"):
        assert len({job.archetype for job in jobs if job.model_type == model_type}) == 2


def test_what_is_done_is_not_run_again(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    monkeypatch.setattr(results, "DOCUMENT", tmp_path / "results.md")
    worked = []

    def work(job):
        worked.append(job.name)
        return told(job.archetype, job.seed)

    monkeypatch.setattr(results, "work", work)
    assert results.main(["--only", "mage-combat_dqn-ppo"]) == 0
    assert results.main(["--only", "mage-combat_dqn-ppo"]) == 0
    assert worked == ["mage-combat_dqn-ppo-0", "mage-combat_dqn-ppo-1", "mage-combat_dqn-ppo-2"]
    assert results.main(["--list"]) == 0
    assert capsys.readouterr().out.count("done  ") == 3


def watched(rows, seed):
    random = np.random.default_rng(seed)
    entities = random.random((rows, 12, 16)).astype(np.float32)
    entities[..., 0] = 1
    damage = (0.3 * entities[:, :6, results_threat.DISTANCE]).astype(np.float32)
    return Watched(random.random((rows, 64)).astype(np.float32), entities, damage, np.zeros(rows, bool))


def test_least_squares_find_a_line():
    foreseen = results_threat.by_least_squares(watched(400, 0), watched(100, 1), [results_threat.DISTANCE])
    assert np.abs(foreseen - watched(100, 1).damage.ravel()).max() < 0.01


def test_rank_correlation_knows_order_alone():
    a = np.arange(50.0)
    assert results_threat.rank_correlation(a, a**3) == pytest.approx(1.0)
    assert results_threat.rank_correlation(a, -a) == pytest.approx(-1.0)
