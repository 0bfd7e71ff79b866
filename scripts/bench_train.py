"""The learners' speed: against Stable-Baselines3 as it is, and against a bare loop over the same mathematics."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from time import perf_counter
from typing import Any
from unittest.mock import patch

import torch
from gymnasium import spaces
from rich.console import Console
from rich.table import Table
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.vec_env import VecEnv
from torch import Tensor, nn

from agents.learners.crew import Crew
from agents.learners.dqn import DoubleDQN
from agents.learners.ppo import MaskedPPO
from mlmonster_env.contract import STATE_SIZE
from mlmonster_env.envs.sb3 import ArenaVecEnv
from mlmonster_env.envs.shards import ShardedVecEnv
from policies.extractors.blocks import Observations, block_of
from scripts.bare_learning import BareDQN, BarePPO, sizes_of

SCENARIO = "skirmish-1v1"  # a slot whose monster died would have no choice; here its match is over
WIDTHS = (256, 128)
ROUNDS = 5
SHARE_ROUNDS = 2
ENTROPY = 0.01
EXPLORES = 0.05
PRODUCT_SECONDS = 0.3
PRODUCTS = 40
SQUARE = 1024
OURS, SB3, BARE = "ours", "SB3", "bare"
ENVIRONMENT, FORWARD, BACKWARD, OPTIMIZER, REST = "environment", "forward", "backward", "optimizer", "rest"

Run = Callable[[], int]


@dataclass(frozen=True)
class PPOSetting:
    """What the three PPOs have in common."""

    slots: int
    steps: int
    batch: int
    epochs: int = 4

    def __str__(self) -> str:
        return f"PPO, {self.slots} x {self.steps}, by {self.batch:,}"

    def flops(self, env: VecEnv) -> float:
        """Of a decision: of matrix products alone; a backward pass is two forward ones."""
        inputs, actions = sizes_of(env)
        forward = products(inputs, *WIDTHS, actions) + products(inputs, *WIDTHS, 1)
        return forward * (1 + 3 * self.epochs)


@dataclass(frozen=True)
class DQNSetting:
    """What the DQNs have in common."""

    slots: int
    steps: int  # of a round
    batch: int
    updates: int  # a step
    capacity: int = 65_536
    copy_every: int = 100  # steps

    def __str__(self) -> str:
        return f"Double DQN, {self.slots}, {self.updates} x {self.batch}"

    def flops(self, env: VecEnv) -> float:
        """Of a decision: three forward passes and a backward one for each row that is learnt from."""
        inputs, actions = sizes_of(env)
        first, half = WIDTHS[0], WIDTHS[1] // 2
        forward = products(inputs, first) + products(first, half, 1) + products(first, half, actions)
        return forward * (1 + 5 * self.updates * self.batch / self.slots)


Setting = PPOSetting | DQNSetting
SETTINGS: tuple[Setting, ...] = (PPOSetting(512, 64, 4096), PPOSetting(64, 64, 256), DQNSetting(64, 24, 256, 8))


@dataclass
class Measured:
    """What came out for one setting."""

    setting: Setting
    speeds: dict[str, float]  # decisions a second
    over_sb3: float
    over_bare: float
    shares: dict[str, float]  # of our learner's time
    reached: float  # flops a second
    product: float  # those of a matrix product of the network's own size


def main() -> None:
    torch.set_num_threads(1)
    console = Console()
    measured = [compare(setting, ROUNDS) for setting in SETTINGS]
    console.print(speed_table(measured))
    console.print(share_table(measured))
    console.print(product_table(measured))
    ppo, _, dqn = SETTINGS
    assert isinstance(ppo, PPOSetting) and isinstance(dqn, DQNSetting)
    pairs = {
        "PPO, 2 shards": sharded(ppo),
        "Double DQN, overlap": overlapped(dqn),
        "products alone": multiplied(PRODUCTS),
    }
    console.print(pair_table(pairs, ROUNDS))


def compare(setting: Setting, rounds: int) -> Measured:
    """All that is measured of a setting."""
    env = arena(setting.slots)
    ours = our_ppo(setting, env) if isinstance(setting, PPOSetting) else our_dqn(setting, env)
    adam = {name: ours.policy.optimizer.defaults[name] for name in ("lr", "betas", "eps", "foreach", "fused")}
    runs = {OURS: learning(ours, setting), SB3: learning(theirs(setting), setting), BARE: bare(setting, adam).run}
    taken = in_turns(runs, rounds)
    speeds = {name: median(found) for name, found in taken.items()}
    return Measured(
        setting, speeds, gain(taken, OURS, SB3), gain(taken, OURS, BARE),
        time_shares(ours, learning(ours, setting), SHARE_ROUNDS),
        speeds[OURS] * setting.flops(env), product_rate(setting.batch, *WIDTHS, PRODUCT_SECONDS),
    )  # fmt: skip


def arena(matches: int, seed: int = 0) -> ArenaVecEnv:
    return ArenaVecEnv("combat", matches, scenario=SCENARIO, observe="state", seed=seed)


class Plain(BaseFeaturesExtractor):
    """The state vector as it is: what Stable-Baselines3's own networks begin with."""

    def __init__(self, observation_space: spaces.Space[Any]) -> None:
        super().__init__(observation_space, STATE_SIZE)

    def forward(self, observations: Observations) -> Tensor:
        """[batch, state]."""
        return block_of(observations, "state")


class OneLayer(BaseFeaturesExtractor):
    """The first layer of `WIDTHS`; the two halves of the dueling head are the second."""

    def __init__(self, observation_space: spaces.Space[Any]) -> None:
        super().__init__(observation_space, WIDTHS[0])
        self.layer = nn.Linear(STATE_SIZE, WIDTHS[0])

    def forward(self, observations: Observations) -> Tensor:
        """[batch, width]."""
        return nn.functional.relu(self.layer(block_of(observations, "state")))


def our_ppo(setting: PPOSetting, env: VecEnv) -> MaskedPPO:
    return MaskedPPO(
        "MlpPolicy", env, n_steps=setting.steps, batch_size=setting.batch, n_epochs=setting.epochs, ent_coef=ENTROPY,
        normalize_returns=False, seed=0, device="cpu",
        policy_kwargs={"net_arch": list(WIDTHS), "features_extractor_class": Plain},
    )  # fmt: skip


def our_dqn(setting: DQNSetting, env: VecEnv, overlap: bool = False) -> DoubleDQN:
    return DoubleDQN(
        "MlpPolicy", env, overlap=overlap, **of_dqn(setting),
        policy_kwargs={"net_arch": [WIDTHS[1] // 2], "features_extractor_class": OneLayer},
    )  # fmt: skip


def theirs(setting: Setting) -> PPO | DQN:
    """Stable-Baselines3's, unmodified."""
    env = arena(setting.slots)
    networks = {"net_arch": list(WIDTHS)}
    if isinstance(setting, DQNSetting):
        return DQN("MlpPolicy", env, policy_kwargs=networks, **of_dqn(setting))
    return PPO(
        "MlpPolicy", env, n_steps=setting.steps, batch_size=setting.batch, n_epochs=setting.epochs, ent_coef=ENTROPY,
        seed=0, device="cpu", policy_kwargs=networks,
    )  # fmt: skip


def of_dqn(setting: DQNSetting) -> dict[str, Any]:
    return {
        "buffer_size": setting.capacity, "batch_size": setting.batch, "gradient_steps": setting.updates,
        "train_freq": (1, "step"), "learning_starts": setting.batch, "exploration_initial_eps": EXPLORES,
        "exploration_final_eps": EXPLORES, "target_update_interval": setting.copy_every * setting.slots,
        "seed": 0, "device": "cpu",
    }  # fmt: skip


def bare(setting: Setting, adam: Mapping[str, Any]) -> BarePPO | BareDQN:
    """The yardstick, its optimizer set as ours is."""
    env = arena(setting.slots)
    if isinstance(setting, PPOSetting):
        return BarePPO(env, WIDTHS, setting.steps, setting.batch, setting.epochs, ENTROPY, adam)
    return BareDQN(
        env, WIDTHS, setting.steps, setting.batch, setting.updates, setting.capacity, EXPLORES, setting.copy_every, adam
    )  # fmt: skip


def learning(model: Any, setting: Setting) -> Run:
    """A round of a learner of Stable-Baselines3 or of ours."""
    decisions = setting.slots * setting.steps

    def run() -> int:
        model.learn(decisions, reset_num_timesteps=False)
        return decisions

    return run


def in_turns(runs: Mapping[str, Run], rounds: int) -> dict[str, list[float]]:
    """Decisions a second of each, all measured once in every round; a round before them warms up."""
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(rounds + 1):
        for name, run in runs.items():
            start = perf_counter()
            decisions = run()
            if number:
                taken[name].append(decisions / (perf_counter() - start))
    return taken


def gain(taken: Mapping[str, list[float]], one: str, other: str) -> float:
    """How many times as fast: the median of the rounds, whose two measurements lie close together in time."""
    return median(a / b for a, b in zip(taken[one], taken[other], strict=True))


def time_shares(model: MaskedPPO | DoubleDQN, run: Run, rounds: int) -> dict[str, float]:
    """What part of a learner's time goes where."""
    networks: list[tuple[Any, str]] = [(model.policy, "logits_and_values")]
    if isinstance(model, DoubleDQN):
        networks = [(model.q_net, "forward"), (model.q_net_target, "forward")]
    watched = [
        *((owner, name, FORWARD) for owner, name in networks),
        (model.env, "step_wait", ENVIRONMENT),
        (torch.Tensor, "backward", BACKWARD),
        (model.policy.optimizer, "step", OPTIMIZER),
    ]
    with timed(watched) as seconds:
        start = perf_counter()
        for _ in range(rounds):
            run()
        whole = perf_counter() - start
    shares = {name: seconds[name] / whole for name in (ENVIRONMENT, FORWARD, BACKWARD, OPTIMIZER)}
    return {**shares, REST: 1 - sum(shares.values())}


@contextmanager
def timed(watched: list[tuple[Any, str, str]]) -> Iterator[Counter[str]]:
    """Adds up the seconds that are spent in (owner, method, name), by name."""
    seconds: Counter[str] = Counter()

    def watching(method: Callable[..., Any], name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            start = perf_counter()
            try:
                return method(*arguments, **named)
            finally:
                seconds[name] += perf_counter() - start  # type: ignore[assignment]

        return call

    with ExitStack() as stack:
        for owner, method, name in watched:
            stack.enter_context(patch.object(owner, method, watching(getattr(owner, method), name)))
        yield seconds


def products(*widths: int) -> int:
    """Floating-point operations of one row on its way through layers of these widths."""
    return sum(2 * a * b for a, b in pairwise(widths))


def product_rate(rows: int, inner: int, columns: int, seconds: float) -> float:
    """Floating-point operations a second of a matrix product."""
    left, right, made = torch.rand(rows, inner), torch.rand(inner, columns), torch.empty(rows, columns)
    torch.mm(left, right, out=made)
    count = 0
    start = perf_counter()
    while (passed := perf_counter() - start) < seconds:
        torch.mm(left, right, out=made)
        count += 1
    return count * 2 * rows * inner * columns / passed


def sharded(setting: PPOSetting) -> tuple[Run, Run]:
    """The same PPO over one shard, and over two with a thread each."""
    made = []
    for shards in (1, 2):
        env = ShardedVecEnv([arena(setting.slots // shards, seed=shard * setting.slots) for shard in range(shards)])
        made.append(learning(our_ppo(setting, env), setting))
    return made[0], made[1]


def overlapped(setting: DQNSetting) -> tuple[Run, Run]:
    """The same Double DQN, and with its environment played ahead by a second thread."""
    one, two = (learning(our_dqn(setting, arena(setting.slots), overlap), setting) for overlap in (False, True))
    return one, two


def multiplied(count: int) -> tuple[Run, Run]:
    """So many matrix products, and the same shared by two threads: what the second core has to give just then."""
    square, crew = torch.rand(SQUARE, SQUARE), Crew(2)

    def work(times: int) -> None:
        for _ in range(times):
            torch.mm(square, square)

    def one() -> int:
        work(count)
        return count

    def two() -> int:
        crew.map(work, [count // 2, count - count // 2])
        return count

    return one, two


def speed_table(measured: list[Measured]) -> Table:
    table = Table(
        "", OURS, SB3, BARE, "ours / SB3", "ours / bare",
        title=f"learning, decisions/s: {WIDTHS[0]}-{WIDTHS[1]}, one thread; medians of rounds, as are ratios",
    )  # fmt: skip
    for m in measured:
        speeds = (f"{m.speeds[name]:,.0f}" for name in (OURS, SB3, BARE))
        table.add_row(str(m.setting), *speeds, f"{m.over_sb3:.2f}", f"{m.over_bare:.2f}")
    return table


def share_table(measured: list[Measured]) -> Table:
    parts = (ENVIRONMENT, FORWARD, BACKWARD, OPTIMIZER, REST)
    table = Table("", "env", *parts[1:], title="where our time goes")
    for m in measured:
        table.add_row(str(m.setting), *(f"{m.shares[part]:.0%}" for part in parts))
    return table


def product_table(measured: list[Measured]) -> Table:
    table = Table("", "reached", "torch.mm", "share", title="matrix products, GFLOP/s")
    for m in measured:
        share = f"{m.reached / m.product:.0%}"
        table.add_row(str(m.setting), f"{m.reached / 1e9:.1f}", f"{m.product / 1e9:.1f}", share)
    return table


def pair_table(pairs: Mapping[str, tuple[Run, Run]], rounds: int) -> Table:
    table = Table("", "one core", "two cores", "gain", title="on two cores, decisions/s and products/s")
    for name, (one, two) in pairs.items():
        taken = in_turns({"one": one, "two": two}, rounds)
        speeds = (f"{median(taken[cores]):,.0f}" for cores in ("one", "two"))
        table.add_row(name, *speeds, f"{gain(taken, 'two', 'one'):.2f}")
    return table
