"""A run's model made into a bundle; what does not agree with the trained model is never written."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import yaml
from safetensors.numpy import save as save_arrays

import mlmonster_env
from agents.bundle import graph as graphs
from agents.bundle import manifest as manifests
from agents.bundle.agreement import LIMITS
from agents.bundle.manifest import DataWindow, Manifest, ModelTold, Precision
from agents.bundle.network import Network
from agents.bundle.parity import Parity, number_failures
from agents.bundle.policy import OnnxPolicy
from agents.bundle.ports import inputs_of, outputs_of, schema_hash
from agents.bundle.writing import file_told, golden_bytes, write
from agents.export.compared import by_batch, by_rollout, by_state, reference
from agents.export.graph import build, classes_of
from agents.export.optimize import optimized
from agents.export.outcomes import PAIRS, Judged, judged
from agents.export.precision import half_share, halved
from agents.export.rounding import rounded
from agents.export.sights import Sights, from_play
from agents.export.sparing import spared
from agents.run import CONFIG, FACTS
from agents.seeds import A_SEED, learnt_from
from mlmonster_env.contract import VERSION
from mlmonster_env.scenarios import USUAL
from policies.policy import Policy, folder_of
from policies.storage import read_manifest

STATES = 2000
GOLDEN_ROWS = 16
GOLDEN_NUMBERS = 2_000_000  # of memories, in and out each
MADE_WITH = ("torch", "onnx", "onnxscript", "onnxruntime", "numpy")
PACKAGES = ("agents", "policies", "rewards", "mlmonster_env")
SCORES = ("win_rate", "intervals", "win_rate_derived_mask")  # of what a run keeps beside its model


class ParityError(Exception):
    """An exported model that is not what was trained; it is told in what, and nothing was written."""


class NumbersError(ParityError):
    """It is its numbers that are too far off."""


@dataclass
class Trained:
    """A trained model, and what it did, which every export of it is compared with."""

    policy: Policy
    facts: dict[str, Any]
    window: DataWindow
    sights: Sights
    outcomes: Judged
    single: onnx.ModelProto = field(repr=False)

    @classmethod
    def of(cls, path: Path, *, states: int = STATES, pairs: int = PAIRS) -> "Trained":
        """The model of a run, or of a model's folder, after it has played."""
        folder = folder_of(path)
        policy = Policy.load(folder)
        single = build(policy)  # first, for what cannot be exported need not play
        facts = read_manifest(folder)
        return cls(policy, facts, _window(folder, facts), from_play(policy, states), judged(policy, pairs), single)


def export(
    trained: Trained, out: Path, *, precision: Precision = "fp32", optimize: bool = False,
    change: Callable[[onnx.ModelProto], onnx.ModelProto] = lambda model: model,
) -> Path:  # fmt: skip
    """The bundle's folder; ParityError, and nothing there, where it does not agree.

    Where numbers are too far off in half precision, more and more products are left in single precision; never for
    matches alone, which would be to try until chance is kind.

    `change` is the last that is done to the graph before it is compared: what tests spoil it by.
    """
    single = onnx.ModelProto.FromString(trained.single.SerializeToString())
    single = optimized(single) if optimize else single
    failed: NumbersError | None = None
    for names in spared(single, trained.sights.given) if precision == "fp16" else (frozenset(),):
        model = change(halved(single, names) if precision == "fp16" else single)
        told = told_of(trained, precision, optimize, half_share(model))
        _name(model, told)
        text = model.SerializeToString(deterministic=True)
        try:
            report = parity(trained, text, told)
            break
        except NumbersError as error:
            failed = failed or error
    else:
        assert failed is not None
        raise failed
    policy = trained.policy
    golden = trained.sights.rows(np.linspace(0, len(trained.sights) - 1, _golden_rows(policy)).astype(int))
    weights = {name: tensor.detach().cpu().numpy().copy() for name, tensor in policy.actor.state_dict().items()}
    contents = {
        manifests.MODEL: text,
        manifests.WEIGHTS: save_arrays(weights),
        manifests.PARITY: report.as_bytes(),
        manifests.GOLDEN: golden_bytes(golden, reference(policy, golden)),
    }
    whole = told.model_copy(update={"files": {name: file_told(part) for name, part in contents.items()}})
    return write(out, whole, contents)


def parity(trained: Trained, model: bytes, told: Manifest) -> Parity:
    """Everything that is compared, played and told; ParityError as soon as anything is not as it should be.

    Half precision is compared as a processor that has it computes, and state by state as this one does.
    """
    exported = OnnxPolicy(told.model, Network(model), told.model.digest)
    policy, sights, limit = trained.policy, trained.sights, LIMITS[told.precision]
    here = by_state(policy, exported, sights, limit.tolerance)
    if failures := here.failures(limit):  # what is not even like it need not be followed any further
        raise NumbersError("; ".join(f"states: {told}" for told in failures))
    agreement = here
    if told.precision == "fp16":
        half = rounded(onnx.load_model_from_string(model)).SerializeToString()
        exported = OnnxPolicy(told.model, Network(half), told.model.digest)
        agreement = by_state(policy, exported, sights, limit.tolerance)
        if failures := agreement.failures(limit):
            raise NumbersError("; ".join(f"states, on a processor with half precision: {told}" for told in failures))
    batches = by_batch(exported, sights, limit.tolerance)
    rollout = by_rollout(policy, exported, limit.tolerance) if policy.memory_size else None
    if failures := number_failures(agreement, batches, rollout, limit):
        raise NumbersError("; ".join(failures))
    report = Parity(
        precision=told.precision, scenario=USUAL, states=len(sights), here=here, agreement=agreement,
        batches=batches, rollout=rollout, outcomes=trained.outcomes.beside(exported),
    )  # fmt: skip
    if failures := report.failures():
        raise ParityError("; ".join(failures))
    return report


def told_of(trained: Trained, precision: Precision, optimize: bool, half: float) -> Manifest:
    """The manifest, but for its files."""
    policy, facts = trained.policy, trained.facts
    card = policy.card
    return Manifest(
        format=1,
        contract=VERSION,
        schema_hash=schema_hash(card.blocks, card.control),
        code_hash=code_hash(),
        made_with={name: version(name) for name in MADE_WITH},
        model=ModelTold(
            **{**policy.told(), "blocks": card.blocks}, kind=card.kind, memory_size=policy.memory_size,
            digest=policy.digest(),
        ),
        inputs=inputs_of(card.blocks, card.control, policy.memory_size),
        outputs=outputs_of(card.kind, card.control, policy.memory_size, classes_of(policy)),
        precision=precision,
        half_share=half,
        optimized=optimize,
        data_window=trained.window,
        parents=tuple(facts.get("parents", ())),
        scores={name: facts[name] for name in SCORES if name in facts},
        files={},
    )  # fmt: skip


def _golden_rows(policy: Policy) -> int:
    """Fewer of what remembers much, for what is remembered is golden too."""
    return max(2, min(GOLDEN_ROWS, GOLDEN_NUMBERS // max(1, policy.memory_size)))


@cache
def code_hash() -> str:
    """A hash of the program's own source and tables."""
    home = Path(mlmonster_env.__file__).parents[1]
    found = hashlib.sha256()
    for package in PACKAGES:
        for path in sorted((home / package).rglob("*")):
            if path.suffix in (".py", ".yml", ".yaml", ".sql"):
                found.update(str(path.relative_to(home)).encode())
                found.update(path.read_bytes())
    return found.hexdigest()


def _name(model: onnx.ModelProto, told: Manifest) -> None:
    """Write into a graph what it is."""
    model.ClearField("metadata_props")
    model.producer_name, model.producer_version = "mlmonster", ""
    for key, value in graphs.metadata(told).items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    meanings = {port.name: port.meaning for port in (*told.inputs, *told.outputs)}
    for value in (*model.graph.input, *model.graph.output):
        value.doc_string = meanings[value.name]


def _window(folder: Path, facts: dict[str, Any]) -> DataWindow:
    """What a run says it learnt from; nothing is known of a model without one."""
    path = folder.parent / CONFIG
    if not path.is_file():
        return DataWindow(source="unknown")
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    first = learnt_from(int(config["seed"]) * A_SEED)
    facts_path = folder.parent / FACTS
    git = json.loads(facts_path.read_text(encoding="utf-8")).get("git", {}) if facts_path.is_file() else {}
    return DataWindow(
        source="simulation", scenario=config["scenario"], opponents=config["opponents"],
        seeds=(first, first + A_SEED), decisions=facts.get("steps"), learner=config["algo"],
        commit=git.get("commit"),
    )  # fmt: skip
