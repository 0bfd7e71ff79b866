"""Everything that a training run can be told, typed; the values are in the YAML files beside."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

Positive = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
HeldOut = Annotated[float, Field(gt=0.0, le=0.5)]  # share of the rows that nothing is learnt from
Above0 = Annotated[float, Field(gt=0.0)]
Curve = Literal["constant", "linear", "cosine"]


class Node(BaseModel):
    """A part of the tree: nothing unknown, nothing changed later."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_for_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        """Python counts True as 1, and so would every number here."""
        if isinstance(value, bool) and cls.model_fields[info.field_name or ""].annotation is not bool:
            raise PydanticCustomError("boolean", "input should be no boolean")
        return value


class Rate(Node):
    """A number that changes as training goes on: from `value` to `value * last`, after a share `warm_up` of rising.

    A number alone is one that stays as it is.
    """

    value: Annotated[float, Field(ge=0.0)]
    curve: Curve = "constant"
    last: Share = 0.0
    warm_up: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0

    @model_validator(mode="before")
    @classmethod
    def _of_a_number(cls, told: Any) -> Any:
        if isinstance(told, int | float):
            return {"value": told}
        if not isinstance(told, Mapping | Rate):
            raise PydanticCustomError("rate", "input should be a number, or a mapping with value, curve, last, warm_up")
        return told


class Budget(Node):
    """How long, and how often something is looked at or kept. This is all in which presets differ."""

    length: Annotated[float, Field(gt=0.0, le=1e6)]  # of training, in standard lengths of the algorithm
    evaluations: Positive  # in the course of training
    evaluation_pairs: Positive  # of matches, at each start of the scenario
    final_pairs: Positive
    checkpoints: Positive  # in the course of training
    keep: Positive  # checkpoints, beside the best


class Patience(Node):
    """When training ends early; 0 evaluations: never."""

    win_rate: Share = 1.0  # reached, its lower bound, at an evaluation
    evaluations: Annotated[int, Field(ge=0)] = 0  # without a better one


class Batch(Node):
    """How much is played at once."""

    matches: Positive
    shards: Annotated[int, Field(ge=0)] = 0  # threads that play and learn side by side; 0: chosen by the cores
    decision_ms: Annotated[int, Field(ge=100, le=10_000, multiple_of=100)] = 500


class SelfPlay(Node):
    """How past selves are kept and met, where a pool is among the opponents."""

    snapshots: Positive = 20  # taken in the course of training, beside the untrained one
    pool: Annotated[int, Field(ge=2)] = 12  # snapshots that are kept
    matchmaking: Literal["uniform", "prioritised", "curriculum"] = "prioritised"
    recent: Positive = 200  # matches against one opponent that its win rate looks back on
    after: Share = 0.4  # share of the budget in which the stock AI plays the pool's part


class LearnPPO(Node):
    """PPO."""

    standard_steps: Positive  # environment decisions of a standard run
    learning_rate: Rate
    n_steps: Positive  # decisions of each slot between two updates
    batch_size: Annotated[int, Field(ge=2)]  # one alone has no spread of advantages
    n_epochs: Positive
    gamma: Share
    gae_lambda: Share
    entropy: Rate
    clip_range: Above0 = 0.2
    vf_coef: Above0 = 0.5
    max_grad_norm: Above0 = 0.5
    target_kl: Above0 | None = None
    accumulate: Positive = 1  # parts of a minibatch that are worked off one after the other
    normalize_returns: bool = True


class LearnMemoryPPO(LearnPPO):
    """PPO of policies that remember."""

    sequence: Positive  # steps that gradients reach back, a divisor of n_steps
    critic: Literal["shared", "own", "none"] = "own"  # whose memory the critic has


class LearnConditionedPPO(LearnMemoryPPO):
    """PPO of policies that are told how their enemies play, and the encoder that tells them."""

    every: Positive = 8  # decisions between two readings
    blind: bool = False  # shown zeros instead: what the latent is worth is measured against that
    pattern_rate: Above0 = 1e-3  # the encoder's learning rate; it falls to a tenth
    pattern_batch: Annotated[int, Field(ge=2)] = 128  # windows
    pattern_batches: Positive = 8  # after each update of the policy
    contrast: Annotated[float, Field(ge=0.0)] = 0.1  # what the contrastive loss weighs
    store_size: Annotated[int, Field(ge=2)] = 8192  # windows that are drawn from, the latest


class LearnValues(Node):
    """Double DQN and QR-DQN."""

    standard_steps: Positive
    learning_rate: Rate
    buffer_size: Positive
    batch_size: Positive
    train_every: Positive = 1  # steps of all slots
    gradient_steps: Positive
    learning_starts: Annotated[int, Field(ge=0)]
    gamma: Share
    decisions_ahead: Positive
    target_update_every: Positive  # environment decisions
    exploration_share: Share  # of training, in which exploration falls
    exploration_last: Share
    priority: Share = 0.6
    correction: Share = 0.4
    max_grad_norm: Above0 = 10.0


class LearnSAC(Node):
    """SAC."""

    standard_steps: Positive
    learning_rate: Rate
    buffer_size: Positive
    batch_size: Positive
    train_every: Positive = 1
    gradient_steps: Positive
    learning_starts: Annotated[int, Field(ge=0)]
    gamma: Share
    decisions_ahead: Positive
    tau: Annotated[float, Field(gt=0.0, le=1.0)] = 0.005
    entropy: Above0 | None = None  # its weight; found by itself where there is none
    entropy_first: Above0 = 5.0e-4  # where that begins: a decision pays about a hundredth, and more would drown it
    mean_cost: Annotated[float, Field(ge=0)] = 2.0e-3  # what an action's square costs, before the tanh


class LearnSupervised(Node):
    """Deep ensembles on what then happened."""

    standard_steps: Positive  # environment decisions that are watched
    learning_rate: Rate
    batch_size: Positive
    epochs: Positive
    horizon_ms: Annotated[int, Field(ge=500, le=60_000)] = 5000
    held_out: HeldOut = 0.1
    weight_decay: Annotated[float, Field(ge=0.0)] = 1e-4


class LearnPatterns(Node):
    """Styles told apart, and windows of the same style brought together."""

    standard_steps: Positive  # environment decisions that are watched
    learning_rate: Rate
    batch_size: Positive
    epochs: Positive
    contrast: Annotated[float, Field(ge=0.0)] = 0.1  # what the contrastive loss weighs
    held_out: HeldOut = 0.1
    weight_decay: Annotated[float, Field(ge=0.0)] = 1e-2


Learn = LearnPPO | LearnValues | LearnSAC | LearnSupervised | LearnPatterns
LEARN: dict[str, type[Node]] = {
    "ppo": LearnPPO, "recurrent_ppo": LearnMemoryPPO, "transformer_ppo": LearnMemoryPPO, "ddqn": LearnValues,
    "qrdqn": LearnValues, "sac": LearnSAC, "supervised": LearnSupervised, "patterns": LearnPatterns,
    "conditioned_ppo": LearnConditionedPPO,
}  # fmt: skip


class Config(Node):
    """A run."""

    archetype: str
    model_type: str
    algo: str
    size: Literal["tiny", "small", "full"]
    seed: Annotated[int, Field(ge=0, lt=1 << 31)]
    steps: Positive | None = None  # environment decisions; budget.length standard ones where there is none
    preset: Literal["test", "standard", "long"]
    scenario: str
    opponents: str
    reward: str
    skills: Literal["fair", "free"]
    leave_out: tuple[str, ...] = ()  # blocks of the model type that it is not shown: to learn what they are worth
    device: str
    compile: bool = False
    wandb: bool = False
    budget: Budget
    patience: Patience
    batch: Batch
    selfplay: SelfPlay = SelfPlay()
    learn: Any  # of the class that LEARN names for the algorithm

    @property
    def total_steps(self) -> int:
        """Environment decisions of the whole run."""
        return self.steps or max(1, round(self.learn.standard_steps * self.budget.length))
