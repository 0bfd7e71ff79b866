"""The 54 models as data: what each type sees, does and learns with. A type is one entry here, an archetype one in the
contract."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import product

from mlmonster_env.contract import ARCHETYPES, CONTROLS, MODEL_TYPES
from mlmonster_env.data.errors import one_of
from mlmonster_env.envs.battle import MASK


@dataclass(frozen=True, slots=True)
class Terms:
    """What a type sees and does when it learns by another algorithm than its own."""

    sees: tuple[str, ...]
    does: str
    control: str


@dataclass(frozen=True, slots=True)
class ModelType:
    """One type of model."""

    name: str
    sees: tuple[str, ...]  # blocks of the contract
    does: str
    control: str  # the kind of orders it gives; "" where it gives none itself
    algos: tuple[str, ...]  # what it can learn with, the default first
    megabytes: float  # of the deployed part at full size in half precision
    grid: str = "around"  # how its network looks at the grid, where it sees one
    central: bool = False  # whether its critic, in training, sees the whole pack
    otherwise: Mapping[str, Terms] = field(default_factory=dict, hash=False)  # by algorithm, where terms differ

    @property
    def blocks(self) -> tuple[str, ...]:
        """What is asked of an environment."""
        return (*self.sees, MASK) if CONTROLS.get(self.control) else self.sees

    def by(self, algo: str) -> "ModelType":
        """The same type, as it is when it learns by an algorithm."""
        terms = self.otherwise.get(algo, Terms(self.sees, self.does, self.control))
        return replace(self, sees=terms.sees, does=terms.does, control=terms.control, otherwise={})

    def without(self, blocks: tuple[str, ...]) -> "ModelType":
        """The same type, some of its blocks hidden from it."""
        for name in blocks:
            if name not in self.sees or name == "state":
                could = [seen for seen in self.sees if seen != "state"]
                raise ValueError(f"{self.name} is to leave out {name!r}, expected one of {could}")
        return replace(self, sees=tuple(name for name in self.sees if name not in blocks))


TYPES: dict[str, ModelType] = {
    made.name: made
    for made in (
        ModelType(
            "combat_dqn", ("state",), "10 combat actions", "combat", ("ddqn", "qrdqn", "ppo", "recurrent_ppo"), 40
        ),
        ModelType("movement_ppo", ("state", "grid"), "9 moves; attacks are automatic", "movement", ("ppo",), 100),
        ModelType("skill_dqn", ("state", "skills"), "a skill slot, or none", "skill", ("qrdqn", "ddqn", "ppo"), 10),
        ModelType(
            "threat_assessment", ("state", "entities"), "the threat of each visible enemy", "", ("supervised",), 5
        ),
        ModelType(
            "team_coordination", ("state", "entities"), "5 pack signals", "pack", ("recurrent_ppo",), 50, central=True
        ),
        ModelType("spatial_vit", ("grid", "state"), "9 moves", "movement", ("ppo",), 90, grid="patches"),
        ModelType("temporal_transformer", ("state",), "10 combat actions", "combat", ("transformer_ppo",), 100),
        ModelType(
            "pattern_recognition",
            ("history",),
            "an opponent's strategy",
            "",
            ("patterns", "conditioned_ppo"),
            250,
            otherwise={"conditioned_ppo": Terms(("state", "latent"), "10 combat actions", "combat")},
        ),
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
