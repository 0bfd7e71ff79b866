"""A trained model as an ONNX graph: scales and masks inside, what is remembered in and out, any number of rows."""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator

import onnx
import torch
from torch import Tensor, nn

from agents.bundle.ports import BATCH, MEMORY, SCORES, inputs_of, outputs_of, shape_of
from policies.pattern import PatternNetwork
from policies.policy import Policy
from policies.sb3.conditioned import ConditionedActor

OPSET = 20
EXAMPLE_ROWS = 3  # neither 0 nor 1, which a trace would take for something special


class CannotExportError(ValueError):
    """A model that has no single graph."""


class Exported(nn.Module):
    """An actor with its blocks as arguments and all ports as results."""

    def __init__(self, policy: Policy) -> None:
        super().__init__()
        self.actor = policy.actor
        self.blocks = policy.card.blocks
        self.remembers = policy.memory_size > 0
        self.holds_memory = hasattr(policy.actor, "memory_size")
        self.classes = classes_of(policy)
        self.scored = outputs_of(policy.card.kind, policy.card.control, 0, self.classes)[0].name == SCORES

    def forward(self, *given: Tensor) -> tuple[Tensor, ...]:
        """Blocks in order, then the memory; what comes out is in the order of `outputs_of`."""
        seen = dict(zip(self.blocks, given, strict=False))
        if self.holds_memory:
            held = given[-1] if self.remembers else given[0].new_zeros(given[0].shape[0], 0)
            told, later = self.actor(seen, held)
        else:
            told, later = self.actor(seen), None
        found: tuple[Tensor, ...] = (told,)
        if self.scored:
            found = (told, told.argmax(-1))
        elif self.classes:
            found = (told[:, : self.classes], told[:, self.classes :])
        return (*found, later) if self.remembers else found


def classes_of(policy: Policy) -> int:
    """Styles that a model of patterns tells apart; 0 of any other."""
    return policy.actor.classes if isinstance(policy.actor, PatternNetwork) else 0


def build(policy: Policy) -> onnx.ModelProto:
    """The graph of a model, in single precision."""
    card = policy.card
    if isinstance(policy.actor, ConditionedActor):
        raise CannotExportError(
            f"{card.model_type} of {card.archetype} was learnt by conditioned_ppo: it is two networks, of which one "
            "reads the enemies for the other, expected a model of one; export a pattern_recognition learnt by patterns"
        )
    inputs = inputs_of(card.blocks, card.control, policy.memory_size)
    outputs = outputs_of(card.kind, card.control, policy.memory_size, classes_of(policy))
    example = tuple(
        torch.zeros(EXAMPLE_ROWS, *(port.shape if port.name == MEMORY else shape_of(port.name, card.control)))
        for port in inputs
    )
    batch = torch.export.Dim(BATCH, min=1)
    with _quiet():
        made = torch.onnx.export(
            Exported(policy).eval(), example, dynamo=True, external_data=False, opset_version=OPSET, verbose=False,
            input_names=[port.name for port in inputs], output_names=[port.name for port in outputs],
            dynamic_shapes=(tuple({0: batch} for _ in example),),
        )  # fmt: skip
    assert made is not None
    return _plain(made.model_proto)


def _plain(model: onnx.ModelProto) -> onnx.ModelProto:
    """Without the exporter's notes, which tell of the machine's folders."""
    for number, node in enumerate(model.graph.node):
        node.name = f"{number}/{node.op_type}"
        node.ClearField("metadata_props")
        node.ClearField("doc_string")
    for value in (*model.graph.input, *model.graph.output, *model.graph.initializer):
        value.ClearField("metadata_props")
        value.ClearField("doc_string")
    for name in ("doc_string", "value_info", "metadata_props"):
        model.graph.ClearField(name)
    model.ClearField("metadata_props")
    model.ClearField("doc_string")
    model.graph.name = "model"
    return model


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The exporter warns of its own insides, and of libraries that nobody needs."""
    registry = logging.getLogger("torch.onnx._internal.exporter._registration")
    level = registry.level
    registry.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        registry.setLevel(level)
