"""Reports: what is read, how seeds are joined, what is said, and what a page may not hold."""

import base64
import csv
import json
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from agents.judge.matches import play
from agents.judge.players import player_of
from agents.report import charts, words
from agents.report.__main__ import main
from agents.report.page import as_script
from agents.report.plots import plot_run
from agents.report.reliability import binned, calibration_error, wilson
from agents.report.replayed import ReplayError, moments
from agents.report.sections import Section, _hardest, gather_training
from agents.report.series import of_matches, win_rates
from agents.report.sources import Subject, kinds_of, read_csv, read_subject, subjects_of
from agents.report.strength import OrderCheck, Score, Strength, player_for, together
from agents.report.tape import ILLEGAL, LEVELS, ShownMatch, chosen, tape
from tests.agents.runs import begin
from tests.agents.test_matches import model

SCENE = "mirror-v1:train:contact"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "mage-0"
    begin(folder, "combat_dqn", "ppo", steps=3600).go()  # long enough for matches to end
    return folder


@pytest.fixture(scope="module")
def report(run, tmp_path_factory):
    path = tmp_path_factory.mktemp("reports") / "new" / "report.html"
    assert main([str(run), "--out", str(path), "--pairs", "2"]) == 0
    return path.read_text(encoding="utf-8")


def tapes(page):
    return json.loads(re.findall(r'<script type="application/json">(.*?)</script>', page, re.S)[0])


def test_the_page_needs_nothing_beside_it(report):
    assert "http:" not in report and "https:" not in report and "//cdn" not in report and "@import" not in report
    for address in re.findall(r'(?:src|href)="([^"]*)"', report):
        assert address.startswith(("#", "data:"))
    for address in re.findall(r"url\(([^)]*)\)", report):
        assert address.startswith(("#", "data:"))
    ids = re.findall(r' id="([^"]+)"', report)
    assert len(ids) == len(set(ids))
    assert len(report) < 3_000_000


def test_the_page_says_what_was_trained_and_how_strong_it_is(report):
    verdict = re.sub(r"<[^>]+>", "", re.findall(r'<p class="verdict">(.*?)</p>', report, re.S)[0])
    assert verdict.startswith("A mage pack&#39;s combat_dqn (tiny), trained by PPO for 3,")
    assert re.search(r"it scores \d+\.\d% \[95%: \d+\.\d% to \d+\.\d%\]", verdict)
    for part in (
        "Win rate against stock",
        "Reward, by what it was paid for",
        "Behaviour: shares",
        "Ladder",
        "ambusher",
    ):
        assert part in report


def test_a_match_of_the_page_holds_what_was_played(report):
    for match in tapes(report):
        shape = (match["frames"], len(match["units"]))
        x = np.frombuffer(base64.b64decode(match["x"]), np.uint8).reshape(shape)
        hp = np.frombuffer(base64.b64decode(match["hp"]), np.uint32).reshape(shape)
        assert x.max() < match["width"] and (hp <= [unit["maxHp"] for unit in match["units"]]).all()
        assert abs((match["frames"] - 1) * match["frameMs"] / 1000 - match["seconds"]) < 0.5
        thoughts = match["thoughts"]
        size = (thoughts["decisions"], len(thoughts["places"]), len(thoughts["labels"]))
        numbers = np.frombuffer(base64.b64decode(thoughts["numbers"]), np.uint8).reshape(size)
        given = np.frombuffer(base64.b64decode(thoughts["given"]), np.uint8).reshape(size[:2])
        decided = (numbers != ILLEGAL).any(-1)
        sums = np.where(numbers == ILLEGAL, 0, numbers.astype(int)).sum(-1)[decided] / LEVELS
        assert np.abs(sums - 1).max() < 0.03  # probabilities, as whole numbers
        best = np.where(numbers == ILLEGAL, -1, numbers.astype(int))
        chosen_level = np.take_along_axis(best, given[..., None].astype(int), 2)[..., 0]
        assert (chosen_level == best.max(-1))[decided].all()  # judged models give the order they hold for the best


def test_a_model_alone_has_no_curves_and_says_so(run, tmp_path, capsys):
    shutil.copytree(run / "final", tmp_path / "final")
    subject = read_subject(tmp_path / "final")
    assert subject.records == {} and subject.config is None and subject.scenario == "mirror-v1:train"
    section = Section(kinds_of([subject])[0], [])
    gather_training(section)
    assert not section.training and "no curves to show" in section.without_curves


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (["nowhere"], "nowhere is no folder, expected that of a run or a model"),
        (["."], "holds neither a model nor the records of a run"),
        (["RUN", "--pairs", "1"], "pairs is 1, expected at least 2"),
        (["RUN", "--out", "."], "is a folder, expected a file to write"),
        (["RUN", "RUN/final"], "holds the same model as"),
    ],
)
def test_wrong_input_is_an_error(run, tmp_path, monkeypatch, capsys, said, told):
    monkeypatch.chdir(tmp_path)
    assert main([word.replace("RUN", str(run)) for word in said]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and told in error
    assert not list(tmp_path.iterdir())


def test_damaged_files_are_errors(run, tmp_path, capsys):
    folder = tmp_path / "run"
    shutil.copytree(run, folder)
    with (folder / "monitor.csv").open("a") as file:
        file.write("12,13\n")
    assert main([str(folder), "--out", str(tmp_path / "a.html")]) == 2
    assert "monitor.csv, line" in capsys.readouterr().err
    shutil.copy(run / "monitor.csv", folder)
    weights = folder / "final" / "arrays.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    assert main([str(folder), "--out", str(tmp_path / "a.html")]) == 2
    assert "arrays.safetensors is damaged" in capsys.readouterr().err
    shutil.copy(run / "final" / "arrays.safetensors", weights)
    (folder / "config.yaml").unlink()
    assert main([str(folder), "--out", str(tmp_path / "a.html")]) == 2
    assert "holds records but no config.yaml" in capsys.readouterr().err
    assert not (tmp_path / "a.html").exists()


def test_a_run_that_was_not_finished_shows_its_best_so_far(run, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(run, folder)
    shutil.rmtree(folder / "final")
    subject = read_subject(folder)
    assert subject.unfinished and subject.policy is not None
    shutil.rmtree(folder / "checkpoints")
    subject = read_subject(folder)
    assert subject.policy is None and "no finished model yet" in " ".join(words.verdict(kinds_of([subject])[0], [], []))


def seed_of(run, folder, seed, shift):
    """The same run as if it had another seed, its returns and weights another too."""
    shutil.copytree(run, folder)
    config = (folder / "config.yaml").read_text()
    (folder / "config.yaml").write_text(config.replace("seed: 0", f"seed: {seed}"))
    shutil.rmtree(folder / "final")
    shutil.rmtree(folder / "checkpoints")
    columns = read_csv(folder / "monitor.csv")
    columns["return"] = [str(float(value) + shift) for value in columns["return"]]
    with (folder / "monitor.csv").open("w", newline="") as file:
        csv.writer(file).writerows([list(columns), *zip(*columns.values(), strict=True)])
    return folder


def test_runs_that_differ_by_their_seed_are_one_kind(run, tmp_path):
    paths = [run, seed_of(run, tmp_path / "b", 1, 2.0), seed_of(run, tmp_path / "c", 2, 4.0)]
    (kind,) = kinds_of(subjects_of(paths))
    assert len(kind.subjects) == 3 and len(kind.models) == 1
    (paid,) = of_matches(kind.recorded, "monitor", ["return"])
    assert paid.seeds == 3
    np.testing.assert_allclose(paid.high - paid.low, 4.0, atol=1e-6)
    np.testing.assert_allclose(paid.mean, paid.runs[1], atol=1e-6)
    rates = win_rates(kind.recorded)
    assert [one.name for one in rates] == ["contact", "all"] and (rates[0].high >= rates[0].low).all()
    other = tmp_path / "other"
    shutil.copytree(run, other)
    (other / "config.yaml").write_text((run / "config.yaml").read_text().replace("gamma: 0.995", "gamma: 0.9"))
    shutil.rmtree(other / "final")
    assert len(kinds_of(subjects_of([run, seed_of(run, tmp_path / "d", 3, 0.0)]))) == 1
    assert len(kinds_of([read_subject(run), read_subject(other)])) == 2


def test_means_of_stretches_are_those_of_their_matches(run):
    subject = read_subject(run)
    (length,) = of_matches([subject], "monitor", ["decisions"])
    values = np.array(subject.records["monitor"]["decisions"], float)
    assert values.min() <= length.low.min() and length.high.max() <= values.max()
    assert np.isfinite(length.mean).all() and (np.diff(length.steps) > 0).all()


@pytest.mark.parametrize(("model_type", "algo"), [("combat_dqn", "ddqn"), ("temporal_transformer", "transformer_ppo")])
def test_a_match_is_thought_through_again_as_it_was_judged(model_type, algo):
    policy = model(model_type, algo)
    result = play(policy, "kiter", SCENE, np.arange(2))
    for side in (0, 1):
        for moment in moments(policy, result.recording(1, side), side):
            best = np.where(moment.seen["action_mask"] != 0, moment.told, -np.inf).argmax(-1)
            assert (best == moment.orders)[moment.alive].all()
    with pytest.raises(ReplayError, match="does not end as it did"):
        list(moments(policy, result.recording(1, 0), 1))


def test_a_box_of_numbers_can_be_shown_too():
    subject_policy = model("soft_actor_critic", "sac")
    subject = Subject("box", subject_policy, {}, None, {})
    result = play(player_for(subject), "stock", SCENE, np.arange(2))
    shown = [ShownMatch(result, int(result.seeds[0]), 0, "contact")]
    told = tape(subject, shown[0])
    assert told["thoughts"]["labels"] == ["dx", "dy", "engage", "ability"] and not told["thoughts"]["share"]
    assert chosen({"contact": result}, None)


def test_a_mistold_chance_is_seen():
    random = np.random.default_rng(0)
    chance = random.random(20_000)
    right = binned("it rains", chance, random.random(20_000) < chance)
    wrong = binned("it rains", chance, random.random(20_000) < chance**3)
    assert right.error < 0.02 < 0.1 < wrong.error
    assert ((right.low <= right.said) & (right.said <= right.high)).mean() >= 0.8
    assert right.skill > wrong.skill and right.counts.sum() == 20_000
    assert calibration_error(np.full(20_000, 0.99), random.random(20_000) < chance) > 0.4
    assert calibration_error(np.full(100, 0.5), np.arange(100) < 50) == pytest.approx(0.0)
    with pytest.raises(ValueError, match="expected at least one prediction"):
        binned("it rains", np.zeros(0), np.zeros(0, bool))


def test_wilson_covers_what_it_says():
    random = np.random.default_rng(1)
    shares = random.binomial(40, 0.1, 4000) / 40
    low, high = wilson(shares, np.full(4000, 40))
    assert 0.93 < ((low <= 0.1) & (high >= 0.1)).mean() < 0.98 and (low >= 0).all() and (high <= 1).all()


def score(name, low, high):
    return Score(name, 40, (low + high) / 2, low, high, 0.0)


def test_a_judge_that_has_it_the_wrong_way_round_is_not_shown(run):
    subject = read_subject(run)
    known = OrderCheck("idle", "random", score("idle", 0.1, 0.4))
    unsure = OrderCheck("idle", "random", score("idle", 0.4, 0.6))
    wrong = OrderCheck("idle", "random", score("idle", 0.6, 0.8))
    whole = (score("all", 0.6, 0.7),)
    assert words.caution(Strength(subject, whole, {}, (known,))) == ""
    assert "did not tell apart" in words.caution(Strength(subject, whole, {}, (unsure,)))
    strength = Strength(subject, whole, {}, (wrong,))
    assert not strength.trusted and "left out" in words.caution(strength)


def test_a_drawing_follows_the_page(run):
    series = of_matches([read_subject(run)], "monitor", ["return"])
    one, other = charts.curves("a b", series, "paid"), charts.curves("other", series, "paid")
    assert one.startswith("<svg ") and "xmlns" not in one and "var(--line-0)" in one and "var(--ink)" in one
    assert not re.findall(r"#[0-9a-f]{6}", one)
    ids = [set(re.findall(r' id="([^"]+)"', svg)) for svg in (one, other)]
    assert not ids[0] & ids[1]
    assert one == charts.curves("a b", series, "paid")


def test_what_a_match_holds_cannot_end_the_script():
    assert as_script({"name": "</script><b>&"}) == '{"name":"\\u003c/script\\u003e\\u003cb\\u003e\\u0026"}'
    assert json.loads(as_script({"name": "</script>"})) == {"name": "</script>"}


def test_a_model_that_fails_is_an_error_and_no_report(tmp_path, capsys):
    broken = model()
    with torch.no_grad():
        broken.actor.head.bias.fill_(float("nan"))
    broken.save(tmp_path / "broken")
    assert main([str(tmp_path / "broken"), "--out", str(tmp_path / "a.html"), "--pairs", "2"]) == 2
    assert "not finite" in capsys.readouterr().err and not (tmp_path / "a.html").exists()


def test_scores_of_all_starts_leave_the_doubt_of_each():
    won = play("rusher", "idle", SCENE, range(4), archetype="mage", record=False)
    won = replace(won, scores=np.ones((4, 2)))
    whole = together([won, won])
    assert (whole.pairs, whole.win_rate, whole.high) == (8, 1.0, 1.0) and whole.low == pytest.approx(1 - 3 / 8)


@pytest.mark.parametrize("opponents", ["runs/gone", "gone.module:maker", "mix:pool=4,stock=1,runs/gone=1"])
def test_a_run_whose_opponents_are_gone_is_shown_all_the_same(run, tmp_path, opponents):
    folder = tmp_path / "run"
    shutil.copytree(run, folder)
    told = (run / "config.yaml").read_text()
    assert "opponents: stock" in told
    (folder / "config.yaml").write_text(told.replace("opponents: stock", f"opponents: {opponents}"))
    (kind,) = kinds_of(subjects_of([folder]))
    assert kind.first.config is not None and kind.first.config.opponents == opponents
    section = Section(kind, words.verdict(kind, [], []))
    gather_training(section)
    yardstick = "stock" if "pool" in opponents else opponents
    assert section.training[0].title == f"Win rate against {yardstick}" and opponents in section.verdict[0]


def test_dollars_in_a_name_are_no_formula():
    svg = charts.intervals("rows", [(r"a$b$c", 0.5, 0.4, 0.6), (r"x$\frac$y", 0.5, 0.4, 0.6)], "win rate", 0.5)
    assert ">a$b$c<" in svg and r">x$\frac$y<" in svg


def test_curves_of_a_folder_with_dollars_are_drawn(tmp_path):
    folder = tmp_path / r"x$\frac$y"
    folder.mkdir()
    assert plot_run(folder).stat().st_size > 0


def test_the_match_of_the_hardest_style_is_one_of_a_style(run):
    subject = read_subject(run)
    met = [
        replace(play(name, "idle", SCENE, [1, 2], archetype="mage", record=False), second=player_of(name).ref,
                scores=np.full((2, 2), rate))
        for name, rate in (("random", 0.0), ("rusher", 0.5), ("kiter", 0.25))
    ]  # fmt: skip
    met.append(replace(met[0], second=player_of("stock").ref))
    worst = _hardest(Strength(subject, (), {}, met=tuple(met)))
    assert worst is not None and worst.second.name == "kiter"
    assert _hardest(Strength(subject, (), {})) is None


def test_a_run_without_a_model_is_no_two_seeds(run, tmp_path):
    folder = seed_of(run, tmp_path / "b", 1, 0.0)
    with pytest.raises(ValueError, match="is given twice, expected each once"):
        subjects_of([folder, tmp_path / "c" / ".." / "b"])
