"""How wide and deep each type of model is, at each size: `full` is what GPU hosts serve."""

from dataclasses import dataclass

from mlmonster_env.data.errors import one_of

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
    vision: int = 64  # of each patch of the grid
    vision_layers: int = 2
    vision_heads: int = 4
    quantiles: int = 32
    members: int = 5  # of an ensemble
    core: int = 128  # of what remembers
    core_layers: int = 1
    core_heads: int = 4
    span: int = 32  # moments that a transformer looks back upon in each layer
    tokens: int = 64  # of frames of a history
    encoders: int = 2  # layers in which they attend to each other
    latent: int = 32  # of what is made of a latent


TINY = Widths(
    trunk=32, depth=1, head=16, rows=8, grid=16, quantiles=8, members=3, tokens=16, encoders=1,
    vision=16, vision_layers=1, vision_heads=2, core=16, core_heads=2, span=8, latent=8,
)  # fmt: skip
SMALL = Widths()
FULL: dict[str, Widths] = {
    "combat_dqn": Widths(trunk=1024, depth=9, head=512),
    "movement_ppo": Widths(trunk=1664, depth=8, head=1024, grid=1024),
    "skill_dqn": Widths(trunk=672, depth=4, head=256, rows=128),
    "threat_assessment": Widths(trunk=256, depth=1, head=128, rows=128, heads=4, layers=2, members=5),
    "pattern_recognition": Widths(trunk=1024, depth=1, heads=16, tokens=1024, encoders=14),
    "spatial_vit": Widths(trunk=1024, depth=2, head=512, vision=768, vision_layers=8, vision_heads=12),
    "team_coordination": Widths(trunk=1024, depth=1, head=512, rows=128, heads=4, core=928, core_layers=3),
    "temporal_transformer": Widths(trunk=1024, depth=1, head=512, core=768, core_layers=6, core_heads=12, span=64),
    "soft_actor_critic": Widths(trunk=1024, depth=6, head=512, rows=256, heads=4, layers=2),
}


def widths_of(model_type: str, size: str) -> Widths:
    """The widths of a type of model at a size."""
    if model_type not in FULL:
        raise ValueError(f"model_type is {model_type!r}, expected {one_of(model_type, FULL)}")
    if size not in SIZES:
        raise ValueError(f"size is {size!r}, expected one of {', '.join(SIZES)}")
    return {"tiny": TINY, "small": SMALL}.get(size) or FULL[model_type]
