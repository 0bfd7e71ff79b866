"""From a configuration to an environment and a learner of it."""

from dataclasses import replace
from functools import partial
from typing import Any

import torch
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import nn

from agents.catalog import TYPES, ModelType
from agents.config.read import styles_of
from agents.config.tree import (
    Config,
    LearnConditionedPPO,
    LearnMemoryPPO,
    LearnPatterns,
    LearnPPO,
    LearnSAC,
    LearnSupervised,
    LearnValues,
    Rate,
)
from agents.learners.conditioned import SETTINGS as PATTERN_SETTINGS
from agents.learners.conditioned import ConditionedPPO
from agents.learners.dqn import DoubleDQN, QuantileDQN
from agents.learners.memory_ppo import MemoryPPO
from agents.learners.pattern_data import SCENARIOS, styled_shards
from agents.learners.patterns import PatternLearner
from agents.learners.ppo import MaskedPPO
from agents.learners.reading_env import ReadingVecEnv
from agents.learners.sac import ReplayingSAC
from agents.learners.schedules import Schedule, schedule
from agents.learners.styled import WINNING
from agents.learners.supervised import ThreatLearner
from agents.learners.threat_data import check_matches
from agents.learners.watched import WatchedVecEnv
from agents.machine import Machine
from agents.opponents import STYLES, opponent_of
from agents.seeds import A_SEED, learnt_from
from agents.selfplay.league import League
from mlmonster_env.envs.battle import MASK
from mlmonster_env.envs.shards import ShardedVecEnv
from mlmonster_env.scenarios import USUAL
from policies.ensemble import ThreatEnsemble
from policies.extractors import JointExtractor
from policies.extractors.joint import GRIDS
from policies.pattern import PatternNetwork
from policies.policy import Card
from policies.sb3.actor_critic import MaskedActorCriticPolicy
from policies.sb3.box import SquashedGaussianPolicy
from policies.sb3.conditioned import ConditionedPolicy
from policies.sb3.memory import MemoryActorCriticPolicy
from policies.sb3.values import DuelingQPolicy, DuelingQuantilePolicy
from policies.sizes import Widths, widths_of
from rewards.archetypes import for_archetype
from rewards.payment import Payment

POLICIES: dict[str, type[nn.Module]] = {
    "ppo": MaskedActorCriticPolicy,
    "recurrent_ppo": MemoryActorCriticPolicy,
    "transformer_ppo": MemoryActorCriticPolicy,
    "conditioned_ppo": ConditionedPolicy,
    "ddqn": DuelingQPolicy,
    "qrdqn": DuelingQuantilePolicy,
    "sac": SquashedGaussianPolicy,
    "supervised": ThreatEnsemble,
    "patterns": PatternNetwork,
}
WATCHED = "skill"  # the orders under which stock minds are watched: they take whatever is on offer
LEARNERS: dict[str, Any] = {
    "ppo": MaskedPPO, "recurrent_ppo": MemoryPPO, "transformer_ppo": MemoryPPO, "ddqn": DoubleDQN,
    "qrdqn": QuantileDQN, "sac": ReplayingSAC, "conditioned_ppo": ConditionedPPO,
}  # fmt: skip
CORES = {"recurrent_ppo": "lstm", "transformer_ppo": "transformer", "conditioned_ppo": "lstm"}
TAUGHT = ("supervised", "patterns")  # told what is right, rather than paid
CRITICS = {"recurrent_ppo": "own", "transformer_ppo": "shared", "conditioned_ppo": "own"}  # unless told otherwise
ON_POLICY = ("ppo", *CORES)  # played by as many threads as there are shards


def kind_of(config: Config) -> ModelType:
    """The model type of a configuration, without the blocks that it is not to see."""
    return TYPES[config.model_type].by(config.algo).without(config.leave_out)


def card_of(config: Config) -> Card:
    """What the model of a configuration will be."""
    made = make_card(kind_of(config), config.archetype, config.size, config.algo)
    if isinstance(config.learn, LearnMemoryPPO):
        made.policy_arguments["critic"] = config.learn.critic
    if isinstance(config.learn, LearnConditionedPPO):
        told = {"styles": list(styles_of(config.opponents)), "every": config.learn.every, "blind": config.learn.blind}
        made.policy_arguments.update(told)
    return made


def make_card(kind: ModelType, archetype: str, size: str, algo: str) -> Card:
    """What a model of a type, size and algorithm is."""
    arguments = policy_arguments(algo, widths_of(kind.name, size))
    if "grid" in kind.sees and kind.grid != GRIDS[0]:
        arguments["features_extractor_kwargs"]["grid"] = kind.grid
    if "grid" in kind.sees and kind.control == "movement":
        arguments["turns"] = True
    if kind.central and algo in CORES:
        arguments["central"] = True
    if algo == "conditioned_ppo":
        arguments["styles"] = list(STYLES)
    return Card(kind.name, archetype, size, kind.control, kind.blocks, POLICIES[algo], arguments)


def policy_arguments(algo: str, widths: Widths) -> dict[str, Any]:
    """What the policy of an algorithm is made with."""
    if algo in TAUGHT:
        return {"widths": widths}
    made: dict[str, Any] = {
        "features_extractor_class": JointExtractor,
        "features_extractor_kwargs": {"widths": widths},
    }
    if algo == "ppo":
        head = [widths.head]
        return {**made, "net_arch": {"pi": head, "vf": head}, "activation_fn": nn.ReLU}
    if algo in CORES:
        head = [widths.head]
        return {
            **made, "net_arch": {"pi": head, "vf": head}, "activation_fn": nn.ReLU, "core": CORES[algo],
            "core_width": widths.core, "core_layers": widths.core_layers, "core_heads": widths.core_heads,
            "span": widths.span, "critic": CRITICS[algo],
        }  # fmt: skip
    if algo == "sac":
        heads = {"pi": [widths.head], "qf": [2 * widths.head] * 2}
        return {**made, "net_arch": heads, "share_features_extractor": False}
    if algo == "qrdqn":
        return {**made, "net_arch": [widths.head], "n_quantiles": widths.quantiles}
    return {**made, "net_arch": [widths.head]}


def payment_of(config: Config) -> Payment:
    """What matches are paid by."""
    if config.reward == "win":
        return replace(WINNING)  # a copy, for it keeps how far its own training is
    return for_archetype(config.archetype if config.reward == "archetype" else config.reward)


def matches_by_shard(config: Config, machine: Machine) -> list[int]:
    """How many matches each shard plays; ValueError where there are not enough for all."""
    shards = machine.shards if config.algo in ON_POLICY else 1
    matches = config.batch.matches * machine.times
    if matches < shards:
        raise ValueError(f"batch.matches is {matches}, expected one for each of {shards} shards, or batch.shards=1")
    return [matches // shards + (number < matches % shards) for number in range(shards)]


def build_env(config: Config, machine: Machine, league: League | None = None) -> ShardedVecEnv:
    """The matches that a run trains in: packs under one shared policy, in as many shards as the machine has.

    They are played against the `league`, if there is one, else against the opponents of the configuration.
    """
    kind = kind_of(config)
    if config.algo == "patterns":
        return _styled(config, machine)
    counts = matches_by_shard(config, machine)
    watched, more = WatchedVecEnv, {}
    if isinstance(config.learn, LearnConditionedPPO):
        watched, more = ReadingVecEnv, {"every": config.learn.every}
    seat = partial(opponent_of, config.opponents) if league is None else league.seat
    made = ShardedVecEnv(
        [
            watched(
                kind.control or WATCHED,
                count,
                payment_of(config),
                archetype=config.archetype,
                scenario=config.scenario,
                opponent=seat(first_seed_of(config) + number),
                observe=kind.blocks if kind.control else (*kind.blocks, MASK),
                skills=config.skills,
                decision_ms=config.batch.decision_ms,
                **more,
            )
            for number, count in enumerate(counts)
        ]
    )
    made.seed(first_seed_of(config))
    if config.algo in TAUGHT:
        check_matches(made)
    return made


def _styled(config: Config, machine: Machine) -> ShardedVecEnv:
    """Matches in which every pack plays a style."""
    scenarios = SCENARIOS if config.scenario == USUAL else (config.scenario,)
    made = styled_shards(
        config.archetype, config.batch.matches * machine.times, first_seed_of(config), scenarios=scenarios,
        payment=payment_of(config), skills=config.skills, decision_ms=config.batch.decision_ms,
    )  # fmt: skip
    check_matches(made)
    return made


def first_seed_of(config: Config) -> int:
    """The seed of a run's first match."""
    return learnt_from(config.seed * A_SEED)


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
    if isinstance(learn, LearnPatterns):
        return PatternLearner(
            env, policy_kwargs=card.policy_arguments, learning_rate=rate(learn.learning_rate),
            batch_size=learn.batch_size * machine.times, epochs=learn.epochs, held_out=learn.held_out,
            weight_decay=learn.weight_decay, contrast=learn.contrast, seed=config.seed,
            device=torch.device(machine.device),
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
    env.seed(first_seed_of(config))  # the learner has given it those of its own, which the next run's overlap
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
        own = {"sequence": learn.sequence} if isinstance(learn, LearnMemoryPPO) else {}
        if isinstance(learn, LearnConditionedPPO):
            own.update({name: getattr(learn, name) for name in PATTERN_SETTINGS})
        return {
            **own,
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
        weight = f"auto_{learn.entropy_first}" if learn.entropy is None else learn.entropy
        return {**common, "tau": learn.tau, "ent_coef": weight, "mean_cost": learn.mean_cost}
    return {
        **common, "target_update_interval": learn.target_update_every,
        "exploration_fraction": learn.exploration_share, "exploration_final_eps": learn.exploration_last,
        "priority": learn.priority, "correction": learn.correction, "max_grad_norm": learn.max_grad_norm,
    }  # fmt: skip


def rate(told: Rate) -> Schedule:
    """A schedule as the configuration tells it."""
    return schedule(told.value, told.curve, told.last, told.warm_up)
