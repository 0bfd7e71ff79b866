"""Bundles: every byte is checked, everything foreign is refused by name, and one is there whole or not at all."""

import errno
import hashlib
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import AttributeProto, TensorProto, helper
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from agents.bundle import BundleError, OnnxPolicy, read, reading, verify, writing
from agents.bundle.__main__ import main
from agents.bundle.manifest import FILES, GOLDEN, MANIFEST, MODEL, PARITY, WEIGHTS, Manifest
from agents.bundle.writing import file_told, write
from tests.agents.exports import exported

EVERY = (MANIFEST, *FILES)


@pytest.fixture
def bundle(tmp_path):
    """A copy that may be spoilt."""
    source = exported("combat_dqn")
    return Path(shutil.copytree(source, tmp_path / source.name))


def refused(path):
    with pytest.raises(BundleError) as told:
        verify(path)
    return told.value.name


def forged(bundle, part, contents, **told):
    """The same bundle with another file in it, and all hashes made to fit."""
    (bundle / part).write_bytes(contents)
    facts = json.loads((bundle / MANIFEST).read_text())
    facts.update(told)
    if part != MANIFEST:
        facts["files"][part] = file_told(contents).model_dump()
    text = json.dumps(facts, indent=1, sort_keys=True).encode() + b"\n"
    (bundle / MANIFEST).write_bytes(text)
    return bundle.rename(bundle.with_name(hashlib.sha256(text).hexdigest()))


def with_model(bundle, change):
    graph = onnx.load(bundle / MODEL)
    change(graph)
    return forged(bundle, MODEL, graph.SerializeToString())


def test_what_was_written_is_read_back():
    found = verify(exported("combat_dqn"))
    assert found.name == found.path.name == hashlib.sha256((found.path / MANIFEST).read_bytes()).hexdigest()
    assert found.manifest.as_bytes() == (found.path / MANIFEST).read_bytes()
    assert sorted(entry.name for entry in found.path.iterdir()) == sorted(EVERY)
    assert b"/" + b"tmp" not in found.model and str(Path(__file__).parents[2]).encode() not in found.model


@settings(max_examples=150)
@given(st.sampled_from(EVERY), st.floats(0, 1, exclude_max=True), st.integers(1, 255))
def test_a_flipped_byte_anywhere_is_refused(part, where, bits):
    source = exported("combat_dqn")
    at = int(where * (source / part).stat().st_size)
    fresh = source.parents[1] / "flipped" / source.name
    shutil.rmtree(fresh.parent, ignore_errors=True)
    shutil.copytree(source, fresh)
    told = bytearray((fresh / part).read_bytes())
    told[at] ^= bits
    (fresh / part).write_bytes(told)
    with pytest.raises(BundleError, match="wrong hash"):
        read(fresh)


@pytest.mark.parametrize("part", EVERY)
def test_what_is_missing_cut_or_a_link_is_refused(bundle, part):
    text = (bundle / part).read_bytes()
    (bundle / part).write_bytes(text[:-1])
    assert refused(bundle) == "wrong hash"
    (bundle / part).unlink()
    assert refused(bundle) == "missing file"
    (bundle / part).symlink_to(exported("combat_dqn") / part)
    assert refused(bundle) == "symlink"
    (bundle / part).unlink()
    (bundle / part).mkdir()
    assert refused(bundle) == "no file"


def test_what_does_not_belong_there_is_refused(bundle, tmp_path):
    (tmp_path / "link").symlink_to(bundle)
    assert refused(tmp_path / "link") == "symlink"
    assert refused(tmp_path / "nothing") == "no bundle"
    (bundle / "model.onnx.data").write_bytes(b"0")
    assert refused(bundle) == "extra file"
    (bundle / "model.onnx.data").unlink()
    other = bundle.rename(tmp_path / "production")
    assert refused(other) == "wrong hash"


@pytest.mark.parametrize("part", [WEIGHTS, GOLDEN])
def test_an_oversized_header_is_refused(bundle, part):
    text = (bundle / part).read_bytes()
    assert refused(forged(bundle, part, struct.pack("<Q", 1 << 40) + text[8:])) == "oversized header"


@pytest.mark.parametrize("part", EVERY)
def test_an_oversized_file_is_refused_unread(bundle, part, monkeypatch):
    monkeypatch.setitem(reading.MOST_BYTES, part, 10)
    assert refused(bundle) == "oversized file"


@pytest.mark.parametrize(("name", "value", "told"), [
    ("contract", 2, "newer contract"), ("contract", 0, "other contract"), ("format", 2, "newer format"),
    ("schema_hash", "0" * 64, "other schema"), ("precision", "fp16", "other parity report"),
    ("surplus", 1, "bad manifest"), ("files", {}, "bad manifest"), ("optimized", "perhaps", "bad manifest"),
])  # fmt: skip
def test_a_manifest_of_something_else_is_refused(bundle, name, value, told):
    facts = json.loads((bundle / MANIFEST).read_text())
    text = json.dumps({**facts, name: value}).encode()
    (bundle / MANIFEST).write_bytes(text)
    assert refused(bundle.rename(bundle.with_name(hashlib.sha256(text).hexdigest()))) == told


def external(graph):
    tensor = graph.graph.initializer[0]
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "../../secret"
    tensor.ClearField("raw_data")


def foreign(op_type, domain=""):
    def change(graph):
        first = graph.graph.node[0]
        graph.graph.node.append(helper.make_node(op_type, [first.output[0]], ["more"], domain=domain))

    return change


def with_subgraph(graph):
    inner = helper.make_graph([], "inner", [], [])
    graph.graph.node[0].attribute.append(helper.make_attribute("body", inner))


def with_tensor(graph):
    told = helper.make_tensor("value", TensorProto.FLOAT, [1], [1.0])
    graph.graph.node[0].attribute.append(AttributeProto(name="value", type=AttributeProto.TENSOR, t=told))


def with_function(graph):
    graph.functions.append(onnx.FunctionProto(name="Mine", domain=""))


def not_finite(graph):
    tensor = next(t for t in graph.graph.initializer if t.data_type == TensorProto.FLOAT and len(t.raw_data) >= 4)
    tensor.raw_data = struct.pack("<f", np.nan) + tensor.raw_data[4:]


def not_finite_in_double(graph):
    graph.graph.initializer.append(helper.make_tensor("more", TensorProto.DOUBLE, [1], [np.nan]))


def told_twice(graph):
    first = helper.make_model(onnx.GraphProto())
    helper.set_model_props(first, {"archetype": "tank"})
    first.metadata_props.extend(graph.metadata_props)
    graph.ClearField("metadata_props")
    graph.metadata_props.extend(first.metadata_props)


def of_two_opsets(graph):
    graph.opset_import.append(helper.make_opsetid("", 19))


def of_no_opset(graph):
    graph.ClearField("opset_import")


def with_domain(graph):
    graph.opset_import.append(helper.make_opsetid("com.example", 1))


def fixed(graph):
    graph.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1


def renamed(graph):
    graph.graph.output[0].name = "values"


def of_another(graph):
    next(entry for entry in graph.metadata_props if entry.key == "archetype").value = "tank"


@pytest.mark.parametrize(("change", "told"), [
    (external, "external data"), (foreign("RandomNormalLike"), "unknown operator"),
    (foreign("Loop"), "unknown operator"), (foreign("Relu", "com.example"), "unknown domain"),
    (with_domain, "unknown domain"), (with_subgraph, "unknown attribute"),
    (with_tensor, "unknown attribute"), (with_function, "unknown parts"), (not_finite, "not finite"),
    (fixed, "fixed batch"), (renamed, "other outputs"), (of_another, "other model"),
    (not_finite_in_double, "not finite"), (told_twice, "other model"), (of_two_opsets, "unknown opset"),
    (of_no_opset, "unknown opset"),
])  # fmt: skip
def test_a_graph_that_no_export_has_is_refused(bundle, change, told):
    assert refused(with_model(bundle, change)) == told


def test_what_is_no_graph_is_refused(bundle):
    assert refused(forged(bundle, MODEL, b"\xff" * 100)) == "bad model"


def test_other_weights_are_refused(bundle):
    weights = load_arrays((bundle / WEIGHTS).read_bytes())
    first = sorted(weights)[0]
    weights[first] = np.asarray(weights[first] + 1)
    assert refused(forged(bundle, WEIGHTS, save_arrays(weights))) == "other weights"


def test_golden_answers_must_come_out(bundle):
    golden = load_arrays((bundle / GOLDEN).read_bytes())
    golden["out/scores"] = golden["out/scores"] * np.float32(1.01)
    changed = forged(bundle, GOLDEN, save_arrays(golden))
    read(changed)
    assert refused(changed) == "other answers"


def test_golden_arrays_are_of_the_ports(bundle):
    golden = load_arrays((bundle / GOLDEN).read_bytes())
    golden["in/grid"] = golden.pop("in/state")
    assert refused(forged(bundle, GOLDEN, save_arrays(golden))) == "other golden arrays"


def test_a_report_of_no_parity_is_refused(bundle):
    report = json.loads((bundle / PARITY).read_text())
    report["agreement"]["worst"] = 0.5
    assert refused(forged(bundle, PARITY, json.dumps(report).encode())) == "no parity"


@pytest.mark.parametrize(("part", "name", "value", "told"), [
    ("agreement", "worst", float("nan"), "bad parity report"), ("here", "worst", float("inf"), "bad parity report"),
    ("agreement", "same", -1, "bad parity report"), ("agreement", "rows", 1, "no parity"),
    ("here", "rows", 10**6, "no parity"), ("agreement", "same", 10**9, "no parity"),
    ("batches", "different", 5, "no parity"), ("outcomes", "pairs", 0, "no parity"),
])  # fmt: skip
def test_a_report_that_does_not_add_up_is_refused(bundle, part, name, value, told):
    report = json.loads((bundle / PARITY).read_text())
    report[part][name] = value
    assert refused(forged(bundle, PARITY, json.dumps(report).encode())) == told


def test_a_report_of_another_kind_of_memory_is_refused(bundle):
    report = json.loads((bundle / PARITY).read_text())
    agreement = report["agreement"]
    report["rollout"] = {"steps": 500, "monsters": 1, "agreement": agreement, "worst_early": 0.0, "worst_late": 0.0}
    assert refused(forged(bundle, PARITY, json.dumps(report).encode())) == "other parity report"


@pytest.mark.parametrize(("spoil", "told"), [
    (lambda golden: {**golden, "out/scores": np.full_like(golden["out/scores"], np.nan)}, "not finite"),
    (lambda golden: {name: rows[:0] for name, rows in golden.items()}, "other golden arrays"),
    (lambda golden: {**golden, "out/action": golden["out/action"] + 1000}, "other golden arrays"),
    (lambda golden: {**golden, "out/action": golden["out/action"] - 1000}, "other golden arrays"),
])  # fmt: skip
def test_golden_arrays_that_say_nothing_are_refused(bundle, spoil, told):
    golden = spoil(load_arrays((bundle / GOLDEN).read_bytes()))
    assert refused(forged(bundle, GOLDEN, save_arrays(golden))) == told


def renamed_to_its_hash(bundle, text):
    (bundle / MANIFEST).write_bytes(text)
    return bundle.rename(bundle.with_name(hashlib.sha256(text).hexdigest()))


@pytest.mark.parametrize(("name", "value"), [("blocks", ["weather"]), ("control", "flight")])
def test_a_manifest_of_senses_or_orders_unknown_here_is_refused(bundle, name, value):
    facts = json.loads((bundle / MANIFEST).read_text())
    facts["model"][name] = value
    assert refused(renamed_to_its_hash(bundle, json.dumps(facts).encode())) == "other schema"


@pytest.mark.parametrize(
    ("scores", "place"),
    [({"a\0b": 1}, "scores: 'a\\x00b'"), ({"deep": [{"told": "x\0"}]}, "scores.deep.0.told: 'x\\x00'")],
)
def test_text_that_no_database_keeps_is_refused(bundle, scores, place):
    facts = json.loads((bundle / MANIFEST).read_text())
    found = renamed_to_its_hash(bundle, json.dumps({**facts, "scores": scores}).encode())
    with pytest.raises(BundleError, match=re.escape(f"{place}, expected text without NUL")) as told:
        read(found)
    assert told.value.name == "bad manifest"


def test_a_manifest_of_endless_depth_is_refused(bundle):
    assert refused(renamed_to_its_hash(bundle, b"[" * 100_000)) == "bad manifest"


def dangling(graph):
    graph.graph.node[0].input[0] = "nothing"


def from_the_future(graph):
    graph.ir_version = 99


def without_its_numbers(graph):
    next(t for t in graph.graph.initializer if t.data_type == TensorProto.FLOAT).raw_data = b"1234"


@pytest.mark.parametrize(
    ("change", "told"), [(dangling, "cannot run"), (from_the_future, "cannot run"), (without_its_numbers, "bad model")]
)
def test_a_graph_that_cannot_run_is_refused_and_the_next_is_looked_at(bundle, change, told, capsys):
    spoilt = with_model(bundle, change)
    assert refused(spoilt) == told
    assert main(["verify", str(spoilt), str(exported("combat_dqn"))]) == 1
    told_of = capsys.readouterr()
    assert told in told_of.err and "whole, and answers" in told_of.out


def test_a_name_that_no_file_can_have_is_refused_in_a_line(capsys):
    assert main(["show", "x" * 300]) == 1
    assert "File name too long" in capsys.readouterr().err


def test_an_empty_batch_has_empty_answers():
    for model_type in ("combat_dqn", "temporal_transformer"):
        inputs = verify(exported(model_type)).manifest.inputs
        nobody = {port.name: np.zeros((0, *port.shape), np.float32) for port in inputs}
        told = OnnxPolicy.load(exported(model_type)).network(nobody)
        assert all(len(rows) == 0 for rows in told.values())


class Broken(Exception):
    """Something happened."""


@pytest.mark.parametrize("step", range(8))
@pytest.mark.parametrize("error", [Broken(), OSError(errno.ENOSPC, "no space left on device")])
def test_what_breaks_while_writing_leaves_nothing_half(tmp_path, monkeypatch, step, error):
    source = read(exported("combat_dqn"))
    contents = {name: (source.path / name).read_bytes() for name in FILES}
    calls = []

    def breaks(path):
        calls.append(path)
        if len(calls) == step:
            raise error

    monkeypatch.setattr(writing, "sync", breaks)
    if step in range(1, 8):
        with pytest.raises(type(error)):
            write(tmp_path, source.manifest, contents)
    there = [entry for entry in tmp_path.iterdir() if entry.is_dir()]
    assert [entry.name for entry in there] == ([source.name] if step == 7 else [])
    monkeypatch.undo()
    assert verify(write(tmp_path, source.manifest, contents)).name == source.name


def test_what_was_left_by_who_was_killed_is_swept_away(tmp_path):
    source = read(exported("combat_dqn"))
    contents = {name: (source.path / name).read_bytes() for name in FILES}
    left = tmp_path / f".{'0' * 64}.writing"
    left.mkdir()
    (left / MODEL).write_bytes(b"half")
    write(tmp_path, source.manifest, contents)
    assert not left.exists()


def test_two_writers_make_one_bundle(tmp_path):
    source = read(exported("combat_dqn"))
    contents = {name: (source.path / name).read_bytes() for name in FILES}
    found: list[Path] = []
    threads = [
        threading.Thread(target=lambda: found.append(write(tmp_path, source.manifest, contents))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(found) == {tmp_path / source.name} and verify(found[0]).name == source.name


def test_a_damaged_one_in_the_way_is_told(bundle):
    source = read(exported("combat_dqn"))
    contents = {name: (source.path / name).read_bytes() for name in FILES}
    (bundle / MODEL).write_bytes(b"")
    with pytest.raises(BundleError, match=r"remove .* and export again"):
        write(bundle.parent, source.manifest, contents)


def test_the_schema_knows_its_own_words():
    told = Manifest.model_json_schema()
    assert told["additionalProperties"] is False and {"model", "contract", "schema_hash", "code_hash", "data_window",
        "parents", "precision", "scores", "files"} <= set(told["required"])  # fmt: skip


def test_the_command_shows_verifies_and_compares(bundle, capsys):
    one, other = str(exported("combat_dqn")), str(exported("combat_dqn", "fp16"))
    assert main(["show", one]) == 0
    assert "mage/combat_dqn, tiny, fp32" in capsys.readouterr().out
    assert main(["show", "--json", one]) == 0
    assert json.loads(capsys.readouterr().out)["manifest"]["precision"] == "fp32"
    assert main(["verify", one, other]) == 0
    assert capsys.readouterr().out.count("whole") == 2
    assert main(["diff", one, one]) == 0 and "the same" in capsys.readouterr().out
    assert main(["diff", one, other]) == 1 and "manifest.precision: fp32 | fp16" in capsys.readouterr().out
    (bundle / MODEL).write_bytes(b"")
    assert main(["verify", one, str(bundle)]) == 1
    assert f"refused: wrong hash: {bundle / MODEL}" in capsys.readouterr().err


def test_what_the_registry_publishes_into_is_passed_over_among_bundles(bundle, capsys):
    view = bundle.parent / "production"
    (view / "mage").mkdir(parents=True)
    everything = [str(bundle), str(view)]
    assert main(["verify", *everything]) == 1  # nobody published into it
    (view / ".publishing.lock").touch()
    assert main(["verify", *everything]) == 0
    assert f"{view}: passed over, for the registry publishes into it\n" in capsys.readouterr().out
    assert main(["verify", str(view)]) == 1  # where it is all that was asked for, nothing was verified
    other = view.rename(view.with_name("staging"))
    assert main(["verify", str(bundle), str(other)]) == 1
    shutil.copytree(bundle, view)
    assert main(["verify", *everything]) == 1
    assert f"refused: wrong hash: {view / MANIFEST}" in capsys.readouterr().err


def test_onnx_runtime_leaves_nothing_in_home_and_among_temporary_files(tmp_path):
    """Its telemetry would: an id, a database of what is to be sent, and a session in a folder that all share."""
    places = {name: str(tmp_path) for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME")}
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    start = [sys.executable, "-c", "import agents.bundle.network"]
    subprocess.run(start, cwd=Path(__file__).resolve().parents[2], env={**environment, **places}, check=True)
    assert not [path for path in tmp_path.rglob("*") if path.name == ".ses" or "Microsoft" in path.parts]
