"""Runs against past selves: who is met, how the pool grows, and that a run which broke goes on to the bit."""

import csv

import numpy as np
import pytest

from agents.config.read import ConfigError, resolve
from agents.course import Course
from agents.ending import RunError
from agents.learners.build import card_of
from agents.opponents.mix import Mix
from agents.run import Run
from agents.selfplay.league import League
from agents.selfplay.pool import Pool
from policies.policy import Policy
from policies.storage import read_manifest
from tests.agents.runs import begin, differing, last_state, options
from tests.agents.selfplay.test_pool import policy

KINDS = [
    ("combat_dqn", "ppo"), ("combat_dqn", "ddqn"), ("movement_ppo", "ppo"), ("soft_actor_critic", "sac"),
    ("team_coordination", "recurrent_ppo"), ("temporal_transformer", "transformer_ppo"),
    ("pattern_recognition", "conditioned_ppo"),
]  # fmt: skip
MIXED = "mix:pool=4,stock=1,random=1"
LITTLE = {
    "selfplay.snapshots": 5, "selfplay.pool": 3, "selfplay.recent": 10, "budget.checkpoints": 4, "budget.keep": 2,
}  # fmt: skip


def of(model_type, algo, **more):
    opponents = "mix:pool=4,rusher=1,kiter=1,stock=1" if algo == "conditioned_ppo" else MIXED
    return {"opponents": opponents, **LITTLE, **more}


def rows(folder):
    with (folder / "opponents.csv").open() as file:
        return list(csv.DictReader(file))


def test_a_run_against_itself_keeps_a_pool_and_tells_who_was_met(tmp_path):
    begin(tmp_path / "run", "combat_dqn", "ppo", steps=4000, **of("combat_dqn", "ppo")).go()
    told = rows(tmp_path / "run")
    last = [row for row in told if row["steps"] == told[-1]["steps"]]
    assert [row["opponent"] for row in last][:2] == ["stock", "random"] and len(last) == 5
    assert sum(float(row["weight"]) for row in last) == pytest.approx(1.0, abs=1e-4)
    assert sum(float(row["weight"]) for row in last[2:]) == pytest.approx(4 / 6, abs=1e-3)
    assert sum(int(row["matches"]) for row in last) >= 3
    pool = {path.name for path in (tmp_path / "run" / "pool").iterdir()}
    assert {row["opponent"] for row in last[2:]} <= pool
    for name in pool:
        assert Policy.load(tmp_path / "run" / "pool" / name).digest().startswith(name)


@pytest.mark.parametrize(("model_type", "algo"), KINDS)
def test_a_run_that_broke_goes_on_to_the_bit(tmp_path, monkeypatch, model_type, algo):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    begin(whole, model_type, algo, **of(model_type, algo)).go()
    tell = Course._tell

    def breaks(self, steps):
        if steps >= 700:
            raise MemoryError("the roof came down")
        tell(self, steps)

    with monkeypatch.context() as patch:
        patch.setattr(Course, "_tell", breaks)
        with pytest.raises(RunError, match="the roof came down"):
            begin(broken, model_type, algo, **of(model_type, algo)).go()
    Run.resume(broken).go()
    assert differing(last_state(whole), last_state(broken)) == []
    assert (whole / "opponents.csv").read_text() == (broken / "opponents.csv").read_text()
    assert read_manifest(whole / "final")["sha256"] == read_manifest(broken / "final")["sha256"]
    assert {path.name for path in (whole / "pool").iterdir()} == {path.name for path in (broken / "pool").iterdir()}


def test_snapshots_that_a_kept_checkpoint_knows_are_on_the_disk(tmp_path):
    begin(tmp_path / "run", "combat_dqn", "ppo", steps=4000, **of("combat_dqn", "ppo")).go()
    places = [path for path in (tmp_path / "run" / "checkpoints").iterdir() if path.name.isdigit()]
    known = {name for place in places for name in read_manifest(place)["snapshots"]}
    assert known == {path.name for path in (tmp_path / "run" / "pool").iterdir()}
    assert len(places) == 2 and len(known) < 6


def league(tmp_path, **more):
    config = resolve(options("combat_dqn", "ppo", **of("combat_dqn", "ppo", **more)))
    return League(config.opponents, config.selfplay, tmp_path, card_of(config))


def test_who_beats_the_learner_is_met_more_often(tmp_path):
    made = league(tmp_path)
    seat = made.seat(3)
    assert isinstance(seat, Mix) and seat.control == "combat"
    seat.sit(400, 1)
    for seed in range(3):
        made.admit(policy(seed), seed, 4)
    weak, strong, unknown = made.pool.names
    made.note([(weak, 1.0)] * 50 + [(strong, 0.0)] * 50)
    weights = made.weights()
    assert weights[strong] > weights[unknown] > weights[weak] > 0
    seat.forget(np.arange(400))
    met = [seat.names[label] for label in seat.labels]
    assert met.count(strong) > met.count(unknown) > met.count(weak)
    assert 0.05 < np.isin(met, ["stock"]).mean() < 0.3


def test_the_stock_ai_plays_the_pools_part_until_so_much_is_learnt(tmp_path):
    made = league(tmp_path, **{"selfplay.after": 0.4, "selfplay.snapshots": 5})
    seat = made.seat(3)
    seat.sit(400, 1)
    for seed in range(2):
        made.admit(policy(seed), seed, 5)
    assert made.weights() == {"stock": pytest.approx(5 / 6), "random": pytest.approx(1 / 6)}
    assert "past selves are met after 40%" in made.line()
    seat.forget(np.arange(400))
    assert {seat.names[label] for label in seat.labels} == {"stock", "random"}
    made.admit(policy(2), 2, 5)
    weights = made.weights()
    assert weights["stock"] == pytest.approx(1 / 6) and set(weights) == {"stock", "random", *made.pool.names}
    seat.forget(np.arange(400))
    assert set(made.pool.names) < {seat.names[label] for label in seat.labels}
    assert made.line().startswith("3 past selves")


@pytest.mark.parametrize(("snapshots", "after"), [(1, 0.4), (2, 0.4), (20, 0.55), (5, 0.35)])
def test_past_selves_are_met_from_their_share_on_however_many_snapshots_there_are(tmp_path, snapshots, after):
    made = league(tmp_path, **{"selfplay.after": after, "selfplay.snapshots": snapshots})
    made.seat(3).sit(4, 1)
    made.admit(policy(0), 0, 1000)
    made.reach(round(1000 * after) - 1, 1000)
    assert made.is_early
    made.reach(round(1000 * after), 1000)
    assert not made.is_early and made.pool.names[0] in made.seats[0].names
    other = league(tmp_path, **{"selfplay.after": after, "selfplay.snapshots": snapshots})
    other.set_state(made.state())
    assert not other.is_early


def test_without_the_stock_ai_past_selves_are_met_from_the_beginning(tmp_path):
    made = league(tmp_path, opponents="mix:pool=4,rusher=1", **{"selfplay.after": 0.4})
    made.seat(3).sit(4, 1)
    made.admit(policy(0), 0, 5)
    assert made.weights() == {"rusher": pytest.approx(0.2), made.pool.names[0]: pytest.approx(0.8)}


def test_nobody_is_met_before_the_first_snapshot_where_there_is_nobody_else(tmp_path):
    seat = league(tmp_path, opponents="mix:pool=1").seat(0)
    seat.sit(4, 1)
    with pytest.raises(RuntimeError, match="expected weigh before forget"):
        seat.forget(np.arange(4))


def test_a_pool_belongs_to_the_training_of_a_model_that_gives_orders():
    for model_type, algo in (("threat_assessment", "supervised"), ("pattern_recognition", "patterns")):
        with pytest.raises(ConfigError, match="gives no orders: no pool of it plays"):
            resolve(options(model_type, algo, opponents="pool"))
    with pytest.raises(ConfigError, match="matchmaking"):
        resolve({**options("combat_dqn", "ppo", opponents="pool"), "selfplay.matchmaking": "fair"})


@pytest.mark.parametrize("at", [5, 6, 8])
def test_a_run_that_broke_after_somebody_left_its_pool_goes_on_to_the_bit(tmp_path, monkeypatch, at):
    """What is saved then is the last whole boundary, at which the pool was another."""
    asked = {**of("combat_dqn", "ppo"), "steps": 2400, "selfplay.snapshots": 9, "budget.checkpoints": 3}
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    begin(whole, "combat_dqn", "ppo", **asked).go()
    add, added = Pool.add, []

    def breaks(self, *told):
        added.append(told)
        if len(added) == at:
            raise MemoryError("the roof came down")
        return add(self, *told)

    with monkeypatch.context() as patch:
        patch.setattr(Pool, "add", breaks)
        with pytest.raises(RunError, match="decisions is saved"):
            begin(broken, "combat_dqn", "ppo", **asked).go()
    Run.resume(broken).go()
    assert differing(last_state(whole), last_state(broken)) == []
    assert {path.name for path in (whole / "pool").iterdir()} == {path.name for path in (broken / "pool").iterdir()}
