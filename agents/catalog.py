"""The 54 models as data: what each type sees, does and learns with. A type is one entry here, an archetype one in the
contract."""

from dataclasses import dataclass
from itertools import product

from mlmonster_env.contract import ARCHETYPES, CONTROLS, MODEL_TYPES
from mlmonster_env.data.errors import one_of
from mlmonster_env.envs.battle import MASK


@dataclass(frozen=True, slots=True)
class ModelType:
    """One type of model."""

    name: str
    sees: tuple[str, ...]  # blocks of the contract
    does: str
    control: str  # the kind of orders it gives; "" where it gives none itself
    algos: tuple[str, ...]  # what it can learn with, the default first; none: not built yet
    megabytes: float  # of the deployed part at full size in half precision

    @property
    def blocks(self) -> tuple[str, ...]:
        """What is asked of an environment."""
        return (*self.sees, MASK) if CONTROLS.get(self.control) else self.sees


TYPES: dict[str, ModelType] = {
    made.name: made
    for made in (
        ModelType("combat_dqn", ("state",), "10 combat actions", "combat", ("ddqn", "qrdqn", "ppo"), 40),
        ModelType("movement_ppo", ("state", "grid"), "9 moves; attacks are automatic", "movement", ("ppo",), 100),
        ModelType("skill_dqn", ("state", "skills"), "a skill slot, or none", "skill", ("qrdqn", "ddqn", "ppo"), 10),
        ModelType(
            "threat_assessment", ("state", "entities"), "the threat of each visible enemy", "", ("supervised",), 5
        ),
        ModelType("team_coordination", ("state", "entities"), "5 pack signals", "pack", (), 50),
        ModelType("spatial_vit", ("grid", "state"), "9 moves", "movement", (), 90),
        ModelType("temporal_transformer", ("state",), "10 combat actions", "combat", (), 100),
        ModelType("pattern_recognition", ("history",), "an opponent's strategy", "", (), 250),
        ModelType("soft_actor_critic", ("state", "entities"), "a box of 4", "continuous", ("sac",), 30),
    )
}
assert tuple(sorted(TYPES)) == tuple(sorted(MODEL_TYPES))


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One of the 54: a type of model for an archetype."""

    model_type: ModelType
    archetype: str

    @property
    def name(self) -> str:
        """Such as "mage/combat_dqn"."""
        return f"{self.archetype}/{self.model_type.name}"


CATALOG: tuple[ModelEntry, ...] = tuple(ModelEntry(TYPES[name], a) for name, a in product(MODEL_TYPES, ARCHETYPES))


def model_type(name: str) -> ModelType:
    """The type of a name; an error with the nearest ones if there is none."""
    if name not in TYPES:
        raise ValueError(f"model_type is {name!r}, expected {one_of(str(name), TYPES)}")
    return TYPES[name]
