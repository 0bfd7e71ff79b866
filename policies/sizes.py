"""How wide and deep each type of model is, at each size: `full` is what GPU hosts serve."""

from dataclasses import dataclass

SIZES = ("tiny", "small", "full")


@dataclass(frozen=True, slots=True)
class Widths:
    """The numbers that a network is built from."""

    trunk: int = 128
    depth: int = 1  # residual blocks
    head: int = 64
    rows: int = 32  # of each skill slot or entity
    heads: int = 2
    layers: int = 1
    grid: int = 64
    channels: int = 16
    quantiles: int = 32
    members: int = 5  # of an ensemble


TINY = Widths(trunk=32, depth=1, head=16, rows=8, grid=16, channels=4, quantiles=8, members=3)
SMALL = Widths()
FULL: dict[str, Widths] = {
    "combat_dqn": Widths(trunk=1024, depth=9, head=512),
    "movement_ppo": Widths(trunk=1664, depth=8, head=1024, grid=1024, channels=64),
    "skill_dqn": Widths(trunk=672, depth=4, head=256, rows=128),
    "threat_assessment": Widths(trunk=256, depth=1, head=128, rows=128, heads=4, layers=2, members=5),
    "soft_actor_critic": Widths(trunk=1024, depth=6, head=512, rows=256, heads=4, layers=2),
}


def widths_of(model_type: str, size: str) -> Widths:
    """The widths of a type of model at a size."""
    if size not in SIZES:
        raise ValueError(f"size is {size!r}, expected one of {', '.join(SIZES)}")
    return {"tiny": TINY, "small": SMALL}.get(size) or FULL[model_type]
