"""Exported models: all nine types in either precision are what was trained, and what is not is never written."""

import json
from collections import Counter
from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import TensorProto, numpy_helper

from agents.bundle import OnnxPolicy, read, verify
from agents.bundle.graph import OPERATORS
from agents.bundle.manifest import MODEL, PRECISIONS
from agents.bundle.ports import ACTION, MEMORY, SCORES
from agents.catalog import CATALOG, TYPES
from agents.export import __main__ as command
from agents.export.graph import CannotExportError, build
from agents.export.make import ParityError, Trained, export
from agents.export.optimize import optimized
from agents.export.precision import halved
from mlmonster_env.contract import CONTROLS
from mlmonster_env.envs.battle import MASK
from policies.actors import LOGITS, VALUES
from policies.masks import FORBIDDEN
from policies.policy import Policy
from tests.agents.exports import exported, model, saved, trained


def spoilt(share):
    """Does something else to a graph's last weights: all of them a share larger."""

    def change(graph):
        largest = max((t for t in graph.graph.initializer if len(t.dims) == 2), key=lambda t: t.dims[0] * t.dims[1])
        told = numpy_helper.to_array(largest)
        largest.CopyFrom(numpy_helper.from_array((told * (1 + share)).astype(told.dtype), largest.name))
        return graph

    return change


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("model_type", TYPES)
def test_each_type_is_what_was_trained(model_type, precision):
    bundle = verify(exported(model_type, precision))
    report, told = bundle.parity, bundle.manifest.model
    assert (told.model_type, told.archetype, bundle.manifest.precision) == (model_type, "mage", precision)
    assert report.states >= 2000 and report.agreement.rows == report.states and report.batches.rows == 128
    assert report.agreement.decisions > 800 and report.failures() == []  # alone with one enemy nothing is decided
    assert (report.rollout is not None) == (model_type in ("team_coordination", "temporal_transformer"))
    assert report.rollout is None or (report.rollout.steps == 500 and report.rollout.agreement.rows > 2000)
    assert (report.agreement.worst > 1e-5) == (precision == "fp16")


@pytest.mark.parametrize("model_type", TYPES)
def test_half_precision_is_smaller(model_type):
    sizes = {p: sum(np.prod(t.dims, dtype=int) * (2 if t.data_type == TensorProto.FLOAT16 else 4)
                    for t in onnx.load(exported(model_type, p) / MODEL).graph.initializer if len(t.dims) > 1)
             for p in PRECISIONS}  # fmt: skip
    assert sizes["fp16"] < 0.9 * sizes["fp32"]
    assert 0.2 < read(exported(model_type, "fp16")).manifest.half_share < 1.0


@pytest.mark.parametrize("model_type", TYPES)
def test_it_acts_as_the_policy_does(model_type):
    policy, other = Policy.load(saved(model_type)), OnnxPolicy.load(exported(model_type))
    given = trained(model_type).sights.rows(slice(0, 12))
    starts = np.ones(12, np.bool_)
    one, later = policy.predict(given, None, starts)
    two, kept = other.predict(given, None, starts)
    np.testing.assert_allclose(one, two, atol=1e-4)
    if policy.memory_size:
        np.testing.assert_allclose(later, kept, atol=1e-4)
        np.testing.assert_array_equal(policy.predict(given, later)[0], other.predict(given, kept)[0])
    sessions = policy.session(), other.session()
    for row in range(4):
        seen = {name: rows[row] for name, rows in given.items() if name != MEMORY}
        np.testing.assert_allclose(sessions[0].act(seen), sessions[1].act(seen), atol=1e-4)
    if policy.card.kind in (LOGITS, VALUES) and not policy.memory_size:
        lots = np.linspace(0, 0.999, 12)
        np.testing.assert_array_equal(policy.act(given, lots=lots), other.act(given, lots=lots))


def test_operators_are_those_that_exports_have():
    found = set()
    for name in TYPES:
        single = trained(name).single
        for graph in (single, optimized(single)):
            found |= {node.op_type for made in (graph, halved(graph)) for node in made.graph.node}
    assert found == OPERATORS


@pytest.mark.parametrize("precision", PRECISIONS)
def test_what_is_illegal_is_never_chosen(precision):
    policy = OnnxPolicy.load(exported("combat_dqn", precision))
    states = np.repeat(trained("combat_dqn").sights.given["state"][:1], 10, 0)
    mask = np.eye(CONTROLS["combat"], dtype=np.float32)
    told = policy.network({"state": states, MASK: mask})
    np.testing.assert_array_equal(told[ACTION], np.arange(10))
    assert (told[SCORES][mask == 0] == FORBIDDEN).all() and np.isfinite(told[SCORES]).all()


def test_scales_stay_in_single_precision():
    graph = halved(trained("combat_dqn").single).graph
    kinds = {t.name: t.data_type for t in graph.initializer}
    first = next(node for node in graph.node if "state" in node.input)
    assert first.op_type == "Sub"
    assert kinds[first.input[1]] == TensorProto.FLOAT
    assert Counter(kinds.values())[TensorProto.FLOAT16] > 5


@pytest.mark.parametrize(("precision", "share"), [("fp32", 0.01), ("fp16", 0.5)])
def test_another_mind_leaves_nothing_behind(tmp_path, precision, share):
    with pytest.raises(ParityError, match=r"states: .* is .* off, expected"):
        export(trained("combat_dqn"), tmp_path / "models", precision=precision, change=spoilt(share))
    assert not (tmp_path / "models").exists()


def test_what_fails_in_matches_alone_is_not_written(tmp_path, monkeypatch):
    made = trained("combat_dqn")
    pairs = made.outcomes.reference.pairs

    def better(_):
        return replace(made.outcomes.reference, pairs=pairs + np.linspace(0.2, 0.3, len(pairs))[:, None])

    with pytest.raises(ParityError, match=r"^wins against stock: "):
        export(replace(made, outcomes=replace(made.outcomes, other=better)), tmp_path / "models")
    assert not (tmp_path / "models").exists()


def test_the_command_exports_verifies_and_tells_why_not(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(Trained, "of", lambda path, **_: trained("combat_dqn"))
    words = [str(tmp_path / "run"), "--precision", "fp16", "--optimize", "--verify", "--out", str(tmp_path / "models")]
    assert command.main(words) == 0
    folder = next(path for path in (tmp_path / "models").iterdir() if len(path.name) == 64)
    assert str(folder) in capsys.readouterr().out
    assert read(folder).manifest.optimized and json.loads((folder / "parity.json").read_text())["precision"] == "fp16"
    monkeypatch.setattr(command, "export", lambda *given, **named: export(*given, **named, change=spoilt(0.5)))
    assert command.main([*words[:-1], str(tmp_path / "others")]) == 1
    assert "was not exported: states: scores is" in capsys.readouterr().err
    assert not (tmp_path / "others").exists()


def test_what_is_no_run_is_told(tmp_path, capsys):
    assert command.main([str(tmp_path), "--out", str(tmp_path / "models")]) == 1
    assert "there is no model in" in capsys.readouterr().err
    assert command.main(["--all", "--runs", str(tmp_path)]) == 1
    assert "no finished run" in capsys.readouterr().err
    for words in ([], [str(tmp_path), "--all"], [str(tmp_path), "--states", "10"]):
        with pytest.raises(SystemExit):
            command.main(words)


def test_a_run_that_breaks_does_not_keep_others_from_being_exported(tmp_path, monkeypatch, capsys):
    """Neither one whose network gives no numbers, nor one that breaks in a way which nobody thought of."""
    broken = model("combat_dqn")
    next(iter(broken.actor.parameters())).data[:] = np.nan
    broken.save(tmp_path / "runs" / "a" / "final")
    for name in ("b", "c"):
        model("combat_dqn").save(tmp_path / "runs" / name / "final")
    made = Trained.of

    def of(path, **options):
        if path.name == "b":
            raise RuntimeError("of the exporter's own")
        return trained("combat_dqn") if path.name == "c" else made(path, **options)

    monkeypatch.setattr(Trained, "of", of)
    assert command.main(["--all", "--runs", str(tmp_path / "runs"), "--out", str(tmp_path / "models")]) == 1
    told = capsys.readouterr()
    assert "a was not exported: the combat_dqn gave numbers that are not finite" in told.err
    assert "b was not exported: RuntimeError: of the exporter's own" in told.err
    assert f"{tmp_path / 'runs' / 'c'}: fp32, " in told.out


def test_two_networks_are_refused_with_words():
    with pytest.raises(CannotExportError, match="learnt by conditioned_ppo: it is two networks"):
        build(model("pattern_recognition", algo="conditioned_ppo"))


def test_the_same_model_comes_out_under_the_same_name(tmp_path):
    again = Trained.of(saved("combat_dqn"), pairs=2)
    folder = export(again, tmp_path)
    assert folder.name == exported("combat_dqn").name
    before = folder.stat().st_mtime_ns
    assert export(again, tmp_path) == folder and folder.stat().st_mtime_ns == before


@pytest.mark.slow
@pytest.mark.parametrize("model_type", TYPES)
def test_each_type_at_small(model_type, tmp_path):
    made = trained(model_type, "small")
    for precision in PRECISIONS:
        assert verify(export(made, tmp_path, precision=precision, optimize=precision == "fp16")).parity.failures() == []


@pytest.mark.slow
@pytest.mark.parametrize("entry", CATALOG, ids=lambda entry: entry.name)
def test_each_of_the_54(entry, tmp_path):
    made = trained(entry.model_type.name, "tiny", entry.archetype)
    for precision in PRECISIONS:
        assert verify(export(made, tmp_path, precision=precision)).manifest.model.archetype == entry.archetype
