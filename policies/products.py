"""Matrix products of single precision on CPUs through oneDNN, on many of them faster than torch's own choice."""

from typing import Any

import torch
from torch import Tensor, nn

LEAST_ROWS = 64  # below these, calling it costs more than it saves
LEAST_WIDTH = 32
AVAILABLE = hasattr(torch.ops.mkldnn, "_linear_pointwise") and bool(torch.backends.mkldnn.is_available())  # type: ignore[no-untyped-call]


class _Product(torch.autograd.Function):
    """x w' + b, and its gradients, each one product."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return _product(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor, Tensor]:
        x, weight = ctx.saved_tensors
        g = gradients[0].contiguous()
        to_x = _product(g, weight.t(), None) if ctx.needs_input_grad[0] else None
        if weight.shape[0] <= weight.shape[1]:
            to_weight = _product(g.t(), x.t(), None)
        else:
            to_weight = _product(x.t(), g.t(), None).t()
        return to_x, to_weight, g.sum(0)


def _product(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    found: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return found


class FastLinear(nn.Linear):
    """A linear layer, the same but for the last bits; small or foreign cases go the usual way."""

    def forward(self, x: Tensor) -> Tensor:
        """[..., in] to [..., out]."""
        rows = x if x.dim() == 2 else x.reshape(-1, self.in_features)
        usual = len(rows) < LEAST_ROWS or x.dtype != torch.float32 or x.device.type != "cpu"
        if usual or torch.is_autocast_enabled() or self.bias is None:
            return super().forward(x)
        made: Tensor = _Product.apply(rows, self.weight, self.bias)  # type: ignore[no-untyped-call]
        return made if x.dim() == 2 else made.reshape(*x.shape[:-1], self.out_features)


def use_fast_products(network: nn.Module) -> None:
    """Let the linear layers of a network, wide ones on a CPU, compute through oneDNN where there is one."""
    if not AVAILABLE:
        return
    for module in network.modules():
        if type(module) is nn.Linear and min(module.in_features, module.out_features) >= LEAST_WIDTH:
            module.__class__ = FastLinear
