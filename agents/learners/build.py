"""From a configuration to an environment and a learner of it."""

from typing import Any

import torch
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import nn

from agents.catalog import TYPES, ModelType
from agents.config.tree import Config, LearnPPO, LearnSAC, LearnSupervised, LearnValues, Rate
from agents.learners.dqn import DoubleDQN, QuantileDQN
from agents.learners.ppo import MaskedPPO
from agents.learners.sac import ReplayingSAC
from agents.learners.schedules import Schedule, schedule
from agents.learners.supervised import ThreatLearner
from agents.learners.watched import WatchedVecEnv
from agents.machine import Machine
from mlmonster_env.envs.battle import MASK
from mlmonster_env.envs.shards import ShardedVecEnv
from policies.ensemble import ThreatEnsemble
from policies.extractors import JointExtractor
from policies.policy import Card
from policies.sb3.actor_critic import MaskedActorCriticPolicy
from policies.sb3.box import SquashedGaussianPolicy
from policies.sb3.values import DuelingQPolicy, DuelingQuantilePolicy
from policies.sizes import Widths, widths_of
from rewards.archetypes import for_archetype
from rewards.payment import Payment

POLICIES: dict[str, type[nn.Module]] = {
    "ppo": MaskedActorCriticPolicy,
    "ddqn": DuelingQPolicy,
    "qrdqn": DuelingQuantilePolicy,
    "sac": SquashedGaussianPolicy,
    "supervised": ThreatEnsemble,
}
WATCHED = "skill"  # the orders under which stock minds are watched: they take whatever is on offer
LEARNERS: dict[str, Any] = {"ppo": MaskedPPO, "ddqn": DoubleDQN, "qrdqn": QuantileDQN, "sac": ReplayingSAC}
SEEDS_A_RUN = 1 << 24  # matches that a run can begin with, before its seeds reach those of the next run's


def card_of(config: Config) -> Card:
    """What the model of a configuration will be."""
    kind = TYPES[config.model_type]
    return make_card(kind, config.archetype, config.size, config.algo)


def make_card(kind: ModelType, archetype: str, size: str, algo: str) -> Card:
    """What a model of a type, size and algorithm is."""
    widths = widths_of(kind.name, size)
    return Card(
        kind.name, archetype, size, kind.control, kind.blocks, POLICIES[algo], policy_arguments(algo, widths)
    )  # fmt: skip


def policy_arguments(algo: str, widths: Widths) -> dict[str, Any]:
    """What the policy of an algorithm is made with."""
    if algo == "supervised":
        return {"widths": widths}
    made: dict[str, Any] = {
        "features_extractor_class": JointExtractor,
        "features_extractor_kwargs": {"widths": widths},
    }
    if algo == "ppo":
        head = [widths.head]
        return {**made, "net_arch": {"pi": head, "vf": head}, "activation_fn": nn.ReLU}
    if algo == "sac":
        return {**made, "net_arch": [widths.head], "share_features_extractor": False}
    if algo == "qrdqn":
        return {**made, "net_arch": [widths.head], "n_quantiles": widths.quantiles}
    return {**made, "net_arch": [widths.head]}


def payment_of(config: Config) -> Payment:
    """What matches are paid by."""
    if config.reward == "win":
        return Payment({"win": 1.0, "loss": -1.0, "draw": -0.5})
    return for_archetype(config.archetype if config.reward == "archetype" else config.reward)


def build_env(config: Config, machine: Machine) -> ShardedVecEnv:
    """The matches that a run trains in: packs under one shared policy, in as many shards as the machine has."""
    kind = TYPES[config.model_type]
    shards = machine.shards if config.algo == "ppo" else 1
    matches = config.batch.matches * machine.times
    if matches < shards:
        raise ValueError(f"batch.matches is {matches}, expected at least one for each of {shards} shards")
    counts = [matches // shards + (number < matches % shards) for number in range(shards)]
    made = ShardedVecEnv(
        [
            WatchedVecEnv(
                kind.control or WATCHED,
                count,
                payment_of(config),
                archetype=config.archetype,
                scenario=config.scenario,
                opponent=config.opponents,
                observe=kind.blocks if kind.control else (*kind.blocks, MASK),
                skills=config.skills,
                decision_ms=config.batch.decision_ms,
            )
            for count in counts
        ]
    )
    made.seed(config.seed * SEEDS_A_RUN)
    return made


def build_learner(config: Config, env: Any, machine: Machine) -> Any:
    """The learner of a configuration, ready to begin."""
    learn = config.learn
    card = card_of(config)
    if isinstance(learn, LearnSupervised):
        return ThreatLearner(
            env, policy_kwargs=card.policy_arguments, learning_rate=rate(learn.learning_rate),
            batch_size=learn.batch_size * machine.times, epochs=learn.epochs,
            horizon=learn.horizon_ms // config.batch.decision_ms, held_out=learn.held_out,
            weight_decay=learn.weight_decay, seed=config.seed, device=torch.device(machine.device),
        )  # fmt: skip
    common: dict[str, Any] = {
        "policy_kwargs": card.policy_arguments,
        "seed": config.seed,
        "device": torch.device(machine.device),
        "learning_rate": rate(learn.learning_rate),
        "gamma": learn.gamma,
        "bootstrap_truncated": False,  # the time limit is a rule of the scenario, and a draw is paid
    }
    made = LEARNERS[config.algo](card.policy_class, env, **common, **_settings(config, env, machine))
    if machine.compile:
        compile_extractors(made.policy)
    return made


def compile_extractors(network: nn.Module) -> None:
    """Let torch compile where nearly all of a network's work is done."""
    for module in network.modules():
        if isinstance(module, BaseFeaturesExtractor):
            module.compile(dynamic=True)


def _settings(config: Config, env: Any, machine: Machine) -> dict[str, Any]:
    learn = config.learn
    batch = learn.batch_size * machine.times
    if isinstance(learn, LearnPPO):
        return {
            "n_steps": learn.n_steps, "batch_size": batch, "n_epochs": learn.n_epochs,
            "gae_lambda": learn.gae_lambda, "ent_coef": rate(learn.entropy), "clip_range": learn.clip_range,
            "vf_coef": learn.vf_coef, "max_grad_norm": learn.max_grad_norm, "target_kl": learn.target_kl,
            "accumulate": learn.accumulate, "normalize_returns": learn.normalize_returns,
        }  # fmt: skip
    assert isinstance(learn, LearnValues | LearnSAC)
    smallest = 4 * env.num_envs * learn.decisions_ahead
    common = {
        "buffer_size": max(learn.buffer_size, smallest), "batch_size": batch,
        "train_freq": (learn.train_every, "step"), "gradient_steps": learn.gradient_steps,
        "learning_starts": learn.learning_starts, "decisions_ahead": learn.decisions_ahead,
        "overlap": machine.shards > 1,
    }  # fmt: skip
    if isinstance(learn, LearnSAC):
        return {**common, "tau": learn.tau, "ent_coef": "auto" if learn.entropy is None else learn.entropy}
    return {
        **common, "target_update_interval": learn.target_update_every,
        "exploration_fraction": learn.exploration_share, "exploration_final_eps": learn.exploration_last,
        "priority": learn.priority, "correction": learn.correction, "max_grad_norm": learn.max_grad_norm,
    }  # fmt: skip


def rate(told: Rate) -> Schedule:
    """A schedule as the configuration tells it."""
    return schedule(told.value, told.curve, told.last, told.warm_up)
