"""A network in ONNX Runtime: arrays by name in, arrays by name out."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnxruntime

Array = np.ndarray[Any, np.dtype[Any]]
QUIET = 3  # errors alone are logged
CPU = ("CPUExecutionProvider",)


class Network:
    """One session; safe to be called by several threads."""

    def __init__(self, model: bytes, *, threads: int = 1, providers: Sequence[str] = CPU) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = QUIET
        self._session = onnxruntime.InferenceSession(model, options, providers=list(providers))
        self.inputs = tuple(port.name for port in self._session.get_inputs())
        self.outputs = tuple(port.name for port in self._session.get_outputs())

    def __call__(self, given: Mapping[str, Array]) -> dict[str, Array]:
        """Outputs by name; what else is given than the inputs is left alone."""
        told = {name: np.ascontiguousarray(given[name], np.float32) for name in self.inputs}
        rows = len(next(iter(told.values())))
        if not rows:  # not every operator takes nothing
            told = {name: np.zeros((1, *values.shape[1:]), np.float32) for name, values in told.items()}
        answers = self._session.run(None, told)
        return {name: answer if rows else answer[:0] for name, answer in zip(self.outputs, answers, strict=True)}
