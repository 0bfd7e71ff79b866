"""A policy that is told how its enemies play: it learns by that, goes on to the bit, and is judged by whom it met."""

from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces

from agents.catalog import TYPES
from agents.config.read import ConfigError, resolve
from agents.evaluation import evaluate
from agents.learners import pattern_store
from agents.learners.build import build_env, build_learner, card_of, make_card
from agents.learners.conditioned import ConditionedPPO
from agents.learners.pattern_store import KEPT_EVERY, LEAST, Collector, Labelled, PatternStore
from agents.learners.reading_env import ReadingVecEnv
from agents.machine import Machine
from agents.opponents import STYLES, opponent_of
from agents.plan import footprint
from agents.progress import ProgressLine
from agents.reading import BLOCK, Reading, ReadingBattle, Told, battle_for
from agents.run import Run
from mlmonster_env.contract import HISTORY, LATENT, STATE_SIZE
from mlmonster_env.envs.battle import MASK, block_space
from policies.actors import actor_of, build_policy
from policies.extractors import JointExtractor, LatentExtractor
from policies.policy import Policy
from policies.sb3.conditioned import ConditionedPolicy
from policies.sizes import TINY
from policies.storage import read_tree, write_tree
from rewards.payment import Payment
from scripts.tasks import Batch
from tests.agents.runs import SMALL
from tests.policies.models import memory_arguments

STATE = spaces.Box(0.0, 1.0, (STATE_SIZE,), np.float32)
PAY = Payment({"win": 1.0, "loss": -1.0})
ASKED: dict[str, Any] = {
    **SMALL, "model_type": "pattern_recognition", "algo": "conditioned_ppo", "archetype": "mage",
    "opponents": "mix:rusher,camper,stock", "learn.n_steps": 16, "learn.sequence": 8, "learn.batch_size": 128,
    "learn.every": 4, "learn.pattern_batch": 8, "learn.store_size": 40,
}  # fmt: skip


class Riddle(Batch):
    """Each episode has a style, and the one action that pays is that of its number; only the enemy's frames tell it."""

    styles = ("high", "low", "changing")

    def __init__(self, count: int = 32, every: int = 2, length: int = 12) -> None:
        super().__init__(count, spaces.Dict({"state": STATE, BLOCK: block_space(BLOCK, "combat")}), spaces.Discrete(3))
        self.reading = Reading(count, 1, every)
        self.length = length

    def reset(self) -> Any:
        self.labels = np.zeros(self.num_envs, np.int64)
        self.steps = np.zeros(self.num_envs, np.int64)
        self._begin(np.arange(self.num_envs))
        return self.shown()

    def shown(self) -> dict[str, np.ndarray]:
        return {"state": np.full((self.num_envs, STATE_SIZE), 0.5, np.float32), BLOCK: self.reading.latents.copy()}

    def step_wait(self) -> Any:
        self.steps += 1
        paid = (self._actions == self.labels).astype(np.float32)
        frames = self.random.random((self.num_envs, STATE_SIZE)).astype(np.float32)
        frames[:, 7] = np.where(self.labels == 0, 0.9, np.where(self.labels == 1, 0.1, 0.9 * (self.steps % 2)))
        self.reading.note(np.arange(self.num_envs), frames)
        ended = self.steps >= self.length
        self._begin(np.flatnonzero(ended))
        return self.shown(), paid, ended, [{} for _ in range(self.num_envs)]

    def _begin(self, which: np.ndarray) -> None:
        self.labels[which] = self.random.integers(len(self.styles), size=len(which))
        self.steps[which] = 0
        self.reading.begin(which)


def arguments_of(**more: Any) -> dict[str, Any]:
    return {**memory_arguments("lstm"), "styles": Riddle.styles, "every": 2, **more}


def solver(env: Any = None, blind: bool = False, **more: Any) -> ConditionedPPO:
    return ConditionedPPO(
        "MultiInputPolicy", Riddle() if env is None else env, seed=0, device="cpu", n_steps=24, sequence=12,
        batch_size=192, n_epochs=4, learning_rate=3e-3, gamma=0.3, pattern_rate=3e-3, pattern_batch=64,
        policy_kwargs=arguments_of(blind=blind), store_size=1000, **more,
    )  # fmt: skip


def paid_lately(learner: ConditionedPPO) -> float:
    """What a step after the first reading pays, as the policy played last."""
    played: Any = learner.rollout
    told = (played.observations[BLOCK] != 0).any(-1) if not learner.policy.blind else torch.ones_like(played.starts)
    right = played.numbers[..., 3][told.bool()]  # returns, which are of the present step above all
    return float(right.mean())


def test_only_who_is_told_learns_what_only_the_enemy_tells():
    scores = {}
    for blind, updates in ((False, 30), (True, 15)):
        learner = solver(blind=blind, normalize_returns=False)
        learner.learn(32 * 24 * updates)
        scores[blind] = paid_lately(learner)
    most = 1 / (1 - 0.3)
    assert scores[False] > 0.8 * most and scores[True] < 0.45 * most
    assert learner.policy.blind and len(learner.store) == 0


def labelled(values: Any, style: int = 0) -> Labelled:
    histories = np.zeros((len(values), HISTORY, STATE_SIZE), np.float16)
    histories[:, -1, 0] = values
    count = len(values)
    return Labelled(histories, np.zeros((count, LATENT)), np.full(count, style), np.arange(count))


def test_the_oldest_windows_make_room():
    store, kept = PatternStore(5), []
    for first in range(0, 40, 4):
        values = np.arange(first, first + 1 + first % 7) / 64
        store.add(labelled(values))
        kept += values.tolist()
        assert sorted(store._histories[:, -1, 0].tolist()) == sorted(kept[-5:])
    histories, styles, fights = store.draw(np.random.default_rng(0), 3)
    assert histories.dtype == np.float32 and histories.shape == (3, HISTORY, STATE_SIZE)
    assert len(styles) == len(fights) == 3
    again = PatternStore(5)
    again.set_state(store.state())
    again.add(labelled([0.5]))
    store.add(labelled([0.5]))
    assert np.array_equal(again._histories, store._histories)
    with pytest.raises(ValueError, match="of 5 windows, expected 3 at most"):
        PatternStore(3).set_state(store.state())
    with pytest.raises(ValueError, match="capacity is 1"):
        PatternStore(1)


def test_some_windows_show_only_their_last_frames_and_none_shows_nothing():
    store = PatternStore(4)
    histories = np.zeros((4, HISTORY, STATE_SIZE), np.float16)
    histories[:2] = 0.5
    histories[2:, 3] = 0.5  # seen once, long ago
    store.add(Labelled(histories, np.zeros((4, LATENT)), np.array([0, 0, 1, 1]), np.arange(4)))
    drawn, styles, _ = store.draw(np.random.default_rng(0), 400)
    there = np.asarray(drawn.any(-1))
    assert (there[styles == 1].sum(1) == 1).all() and there[styles == 1][:, 3].all()
    lengths = there[styles == 0].sum(1)
    assert 0.4 < (lengths == HISTORY).mean() < 0.7 and lengths.min() >= LEAST
    assert all(row[HISTORY - length :].all() for row, length in zip(there[styles == 0], lengths, strict=True))


def test_a_collector_keeps_one_reading_of_several():
    env = Riddle(2)
    env.labels = np.array([2, 0])
    collector = Collector(env, 0)
    told = Told(np.ones((2, HISTORY, STATE_SIZE)), np.zeros((2, LATENT)), np.arange(2), np.zeros(2), np.arange(2))
    for _ in range(2 * KEPT_EVERY + 1):
        collector(told)
    assert [len(part) for part in collector.take()] == [2, 2]


def test_a_collector_labels_windows_by_their_match(monkeypatch):
    monkeypatch.setattr(pattern_store, "KEPT_EVERY", 1)
    env = Riddle(3)
    env.reading.enemies = 2
    env.labels = np.array([2, 0, 1])
    collector = Collector(env, 1)
    histories = np.arange(4, dtype=np.float32)[:, None, None] * np.ones((1, HISTORY, STATE_SIZE), np.float32) / 8
    told = Told(
        histories, np.zeros((4, LATENT)), np.array([0, 1, 1, 2]), np.array([1, 0, 1, 1]), np.array([7, 8, 8, 9])
    )
    collector(told)
    collector(told)
    first, second = collector.take()
    assert first.styles.tolist() == [2, 0, 1] and first.fights.tolist() == [(1 << 40) + n for n in (7, 8, 9)]
    assert np.allclose(first.histories[:, 0, 0], [0, 0.25, 0.375]) and second.styles.tolist() == [0]
    assert collector.take() == []


def learner_of(shards: int = 2, **more: Any) -> Any:
    config = resolve({**ASKED, **more})
    machine = Machine("cpu", shards)
    return build_learner(config, build_env(config, machine), machine)


def test_windows_in_training_have_the_label_of_their_match(monkeypatch):
    monkeypatch.setattr(pattern_store, "KEPT_EVERY", 1)
    learner = learner_of(1)
    heard: list[Any] = []
    shard = learner.env.shards[0]
    collect = shard.reading.teller

    def listen(told: Told) -> None:
        heard.append((told, shard.labels[told.matches].copy()))
        collect(told)

    shard.reading.teller = listen
    learner.learn(2000, callback=lambda told, _: True)
    assert set(np.concatenate([labels for _, labels in heard]).tolist()) == {0, 1, 2}
    played = {
        f: style for told, labels in heard for f, style in zip(told.fights.tolist(), labels.tolist(), strict=True)
    }
    store = learner.store
    assert len(store) == 40
    assert all(played[f] == s for f, s in zip(store._fights.tolist(), store._styles.tolist(), strict=True))


@pytest.mark.parametrize("blind", [False, True])
def test_it_goes_on_to_the_bit(tmp_path, blind):
    steps, total = 1000, 2200

    def fresh() -> Any:
        return learner_of(2, **{"learn.blind": blind})

    first = fresh()
    first.learn(total, callback=lambda told, _: first.num_timesteps < steps)
    write_tree(tmp_path / "tree", first.state())
    first.learn(total - first.num_timesteps, reset_num_timesteps=False)
    second = fresh()
    second.set_state(read_tree(tmp_path / "tree"))
    second.learn(total - second.num_timesteps, reset_num_timesteps=False)
    for name, tensor in first.policy.state_dict().items():
        assert torch.equal(tensor, second.policy.state_dict()[name]), name
    assert torch.equal(first.projection.layers[0].weight, second.projection.layers[0].weight)
    one, other = (made.env.shards[1].reading for made in (first, second))
    assert np.array_equal(one.latents, other.latents) and one.latents.any() != blind
    assert np.array_equal(first.store._histories, second.store._histories) and (len(first.store) > 0) != blind


def test_twins_begin_alike_and_only_one_of_them_reads():
    told, blind = learner_of(), learner_of(**{"learn.blind": True})
    for name, tensor in told.policy.state_dict().items():
        assert torch.equal(tensor, blind.policy.state_dict()[name]), name
    before = {name: tensor.clone() for name, tensor in blind.policy.pattern.state_dict().items()}
    own = {name: tensor.clone() for name, tensor in told.policy.pattern.state_dict().items()}
    for learner in (told, blind):
        learner.learn(1500, callback=lambda told, _: True)
    assert all(torch.equal(tensor, before[name]) for name, tensor in blind.policy.pattern.state_dict().items())
    assert not any(torch.equal(told.policy.pattern.state_dict()[n], own[n]) for n in ("head.weight", "scale.mean"))
    assert not told.rollout.observations[BLOCK].eq(0).all() and blind.rollout.observations[BLOCK].eq(0).all()
    assert set(told.losses) > {"style", "contrast"} and not set(blind.losses) & {"style"}


def test_the_policys_updates_leave_the_encoder_alone(monkeypatch):
    monkeypatch.setattr(ConditionedPPO, "_learn_patterns", lambda learner: None)
    learner = solver()
    before = {name: tensor.clone() for name, tensor in learner.policy.pattern.named_parameters()}
    learner.learn(32 * 24 * 2)
    assert all(torch.equal(tensor, before[name]) for name, tensor in learner.policy.pattern.named_parameters())


def test_it_is_saved_and_loaded(tmp_path):
    learner = solver(contrast=0.2)
    learner.learn(32 * 24 * 2)
    learner.save(tmp_path / "saved")
    again = ConditionedPPO.load(tmp_path / "saved", Riddle(), device="cpu")
    assert again.contrast == 0.2 and again.policy.styles == Riddle.styles and again.store_size == 1000
    for name, tensor in learner.policy.state_dict().items():
        assert torch.equal(tensor, again.policy.state_dict()[name]), name
    for own, other in zip(learner.projection.parameters(), again.projection.parameters(), strict=True):
        assert torch.equal(own, other)


@pytest.fixture
def said(monkeypatch):
    """What a run tells people."""
    lines: list[str] = []
    monkeypatch.setattr(ProgressLine, "say", lambda self, text: lines.append(text))
    return lines


def test_a_run_ends_with_a_model_that_is_judged_as_it_learnt(tmp_path, said):
    run = Run.begin(tmp_path / "run", resolve({**ASKED, "steps": 1500}))
    run.go()
    assert any("min, against mix:rusher,camper,stock: contact" in line for line in said)
    assert any(line.startswith("against mix:rusher,camper,stock, 4 matches in mirror pairs") for line in said)
    policy = Policy.load(tmp_path / "run")
    assert policy.card.blocks == ("state", BLOCK, MASK) and policy.card.control == "combat"
    actor: Any = policy.actor
    assert actor.styles == ("rusher", "camper", "stock") and actor.every == 4 and not actor.blind
    made: Any = battle_for(policy)(2, archetype="mage", scenario="duel", observe=policy.card.blocks)
    assert type(made) is ReadingBattle
    reader: Any = made.reading.reader
    assert reader.network is actor.pattern
    heard: list[Told] = []
    found = evaluate(policy, "mirror-v1:contact", 3, opponent="kiter", teller=heard.append)
    again = evaluate(policy, "mirror-v1:contact", 3, opponent="kiter")
    assert found.what == "against kiter" and np.array_equal(found.whole.pairs, again.whole.pairs)
    assert len(heard) > 2 and all(told.latents.any() for told in heard)


def test_everybody_is_judged_against_whom_it_was_trained(tmp_path, said):
    asked = {**SMALL, "algo": "ppo", "learn.n_steps": 8, "learn.batch_size": 64, "steps": 300, "opponents": "idle"}
    Run.begin(tmp_path / "run", resolve(asked)).go()
    assert any("against idle: contact" in line for line in said) and "against stock" not in "".join(said)


def test_a_blind_model_is_shown_zeros_when_it_plays():
    card = card_of(resolve({**ASKED, "learn.blind": True}))
    network = build_policy(card.policy_class, card.blocks, card.control, card.policy_arguments)
    assert network.blind
    made: Any = battle_for(Policy(card, actor_of(network)))(2, scenario="duel", observe=card.blocks)
    assert made.reading.reader is None


def test_the_optimizer_of_a_policy_does_not_hold_its_encoder():
    card = make_card(TYPES["pattern_recognition"].by("conditioned_ppo"), "mage", "tiny", "conditioned_ppo")
    made = build_policy(card.policy_class, card.blocks, card.control, card.policy_arguments)
    assert isinstance(made, ConditionedPolicy) and made.styles == tuple(STYLES)
    held = {id(p) for group in made.optimizer.param_groups for p in group["params"]}
    encoder = {id(p) for p in made.pattern.parameters()}
    assert encoder and not held & encoder and held | encoder == {id(p) for p in made.parameters()}


def test_a_joint_extractor_takes_a_latent():
    space = spaces.Dict({name: block_space(name, "combat") for name in ("state", BLOCK, MASK)})
    made = JointExtractor(space, TINY)
    assert isinstance(made.parts[BLOCK], LatentExtractor) and made.parts[BLOCK].features_dim == TINY.latent
    seen = {"state": torch.rand(5, STATE_SIZE), BLOCK: torch.randn(5, LATENT), MASK: torch.ones(5, 10)}
    told = made(seen)
    assert told.shape == (5, TINY.trunk) and not torch.equal(told, made({**seen, BLOCK: torch.zeros(5, LATENT)}))
    with pytest.raises(ValueError, match="expected 'latent' of shape"):
        LatentExtractor(spaces.Box(0, 1, (LATENT - 1,), np.float32))


def test_terms_of_a_type_may_differ_by_algorithm():
    kind = TYPES["pattern_recognition"]
    assert kind.by("patterns").blocks == ("history",) and kind.by("patterns").control == ""
    other = kind.by("conditioned_ppo")
    assert other.blocks == ("state", BLOCK, MASK) and other.control == "combat" and other.by("conditioned_ppo") == other
    assert all(
        made.by(algo).sees == made.sees for made in TYPES.values() for algo in made.algos if algo != "conditioned_ppo"
    )
    assert footprint(kind, "tiny", "conditioned_ppo").deployed > footprint(kind, "tiny", "patterns").deployed


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"opponents": "stock"}, "opponents is 'stock', expected two styles or more"),
        ({"opponents": "rusher"}, "opponents is 'rusher', expected two styles or more"),
        ({"opponents": "mix:rusher"}, "opponents is 'mix:rusher', expected two styles or more"),
        ({"learn.every": 0}, "learn.every is 0"),
        ({"learn.store_size": 1}, "learn.store_size is 1"),
    ],
)
def test_wrong_options_are_named(asked, words):
    with pytest.raises(ConfigError, match=words):
        resolve({**ASKED, **asked})


def test_it_meets_all_styles_unless_it_is_told_otherwise():
    asked = {name: value for name, value in ASKED.items() if name != "opponents"}
    assert resolve(asked).opponents == "styles"
    assert card_of(resolve(asked)).policy_arguments["styles"] == list(STYLES)


def test_in_another_environment_its_encoder_reads_too():
    learner, other = solver(), Riddle()
    learner.learn(32 * 24)
    learner.set_env(other)
    known = len(learner.store)
    learner.learn(32 * 24, reset_num_timesteps=False)
    played: Any = learner.rollout
    assert played.observations[BLOCK].any() and len(learner.store) > known
    with pytest.raises(ValueError, match="read every 5 decisions, expected 2"):
        learner.set_env(Riddle(every=5))
    assert learner.env is other


def test_wrong_environments_are_named():
    with pytest.raises(ValueError, match="opponent is 'stock', expected a mix of two styles or more"):
        ReadingVecEnv("combat", 2, PAY, observe=("state", BLOCK), scenario="duel")
    with pytest.raises(ValueError, match="opponent is a mix of rusher alone"):
        ReadingVecEnv("combat", 2, PAY, opponent=opponent_of("mix:rusher"), scenario="duel")
    with pytest.raises(ValueError, match="read every 5 decisions, expected 2"):
        solver(Riddle(every=5))
    other = Riddle()
    other.styles = ("high", "low", "odd")
    with pytest.raises(ValueError, match=r"the environment's styles are \('high', 'low', 'odd'\)"):
        solver(other)
    with pytest.raises(ValueError, match="contrast is -1"):
        solver(contrast=-1)
    with pytest.raises(ValueError, match="every is 0"):
        build_policy(ConditionedPolicy, ("state", BLOCK), "combat", {**arguments_of(), "every": 0})
