"""PPO of policies that remember: it trains on what it saw when it acted, learns what memory alone can, and goes on."""

from typing import Any

import numpy as np
import pytest
import torch
from stable_baselines3.common.callbacks import BaseCallback
from torch import nn

from agents.learners.memory_ppo import MemoryPPO
from agents.learners.sequences import Sequences
from mlmonster_env.envs.sb3 import ArenaVecEnv
from mlmonster_env.envs.shards import ShardedVecEnv
from policies.extractors import JointExtractor
from policies.masks import MASK
from policies.sizes import TINY
from policies.storage import read_tree, write_tree
from scripts.tasks import CUES
from tests.agents.toys import MaskedCue, Shards

CORES = ("lstm", "transformer")
BOTH = pytest.mark.parametrize("core", CORES)
FEW: dict[str, Any] = {"n_steps": 12, "sequence": 4, "batch_size": 48, "n_epochs": 2, "learning_rate": 1e-3}


def arguments(core: str, **more: Any) -> dict[str, Any]:
    made = {
        "features_extractor_class": JointExtractor, "features_extractor_kwargs": {"widths": TINY},
        "net_arch": {"pi": [32], "vf": [32]}, "activation_fn": nn.ReLU, "core": core, "core_width": 32,
        "core_layers": 1, "core_heads": 2, "span": 8, "critic": "own",
    }  # fmt: skip
    return {**made, **more}


def learner(core: str, env: Any = None, *, policy: dict[str, Any] | None = None, **more: Any) -> MemoryPPO:
    return MemoryPPO(
        "MultiInputPolicy", MaskedCue() if env is None else env, seed=0, device="cpu",
        policy_kwargs=arguments(core, **(policy or {})), **{**FEW, **more},
    )  # fmt: skip


def two_shards() -> Shards:
    return Shards([MaskedCue(6), MaskedCue(4)])


def packs(shards: int = 1) -> ShardedVecEnv:
    """Whole packs, some of whose monsters die."""
    made = ShardedVecEnv(
        [
            ArenaVecEnv("combat", 2, pack=True, scenario="skirmish-3v3", observe=("state", MASK), seed=number)
            for number in range(shards)
        ]
    )
    made.seed(0)
    return made


def rollout_of(model: MemoryPPO) -> Sequences:
    """The next rollout, before anything is learnt from it."""
    _, callback = model._setup_learn(10_000, None, not model.num_timesteps)
    assert model.env is not None
    model.collect_rollouts(model.env, callback, None, model.n_steps)
    assert isinstance(model.rollout, Sequences)
    return model.rollout


def right(model: MemoryPPO, answers: int = 500) -> float:
    """Share of likeliest answers that are right, in episodes that were not trained on."""
    task = MaskedCue(64, seed=10_000)
    seen = task.reset()
    memory, starts = torch.zeros(64, model.policy.memory_size), np.ones(64, np.bool_)
    while task.answered < answers:
        blocks = {name: torch.from_numpy(block).float() for name, block in seen.items()}
        with torch.inference_mode():
            logits, _, memory = model.policy.step(blocks, memory * torch.from_numpy(~starts)[:, None].float())
        seen, _, starts, _ = task.step(logits.argmax(-1).numpy())
    assert task.illegal == 0
    return task.share_right()


SEES: dict[str, Any] = {
    "one shard": (MaskedCue, {}),
    "two shards": (two_shards, {}),
    "packs": (packs, {"central": True}),
    "two shards of packs": (lambda: packs(2), {"central": True, "critic": "none"}),
}


@BOTH
@pytest.mark.parametrize("kind", SEES)
def test_training_sees_what_acting_saw(core, kind):
    made, policy = SEES[kind]
    model = learner(core, made(), policy=policy)
    for _ in range(3):
        rollout = rollout_of(model)
        assert rollout.memories.shape[1] == model.policy.memory_size
        for part in (rollout, *rollout.batches(48, np.random.default_rng(0)), *rollout.parts(2)):
            with torch.no_grad():
                logits, values = model._told(model.policy, part)
            log_probs = logits.log_softmax(-1).gather(1, part.actions[:, None])[:, 0]
            torch.testing.assert_close((log_probs - part.log_probs).exp(), torch.ones(len(part)), rtol=0, atol=1e-4)
            torch.testing.assert_close(values, part.values, rtol=1e-4, atol=1e-4)
    assert rollout.starts[:, 1:].any() or "packs" in kind  # whose matches are longer
    assert rollout.memories.abs().sum() > 0


@BOTH
def test_memories_are_carried_from_one_rollout_to_the_next(core):
    model = learner(core, MaskedCue(gap=(200, 300)))
    rollout_of(model)
    carried = model._memories[0].clone()
    assert carried.abs().sum(1).min() > 0
    rollout = rollout_of(model)
    first = rollout.memories[:: model.n_steps // model.sequence]
    torch.testing.assert_close(first, carried)
    assert not rollout.starts.any()


@BOTH
def test_who_learns_anew_begins_anew(core):
    model = learner(core, MaskedCue(gap=(200, 300)))
    for _ in range(2):
        model.learn(model.n_steps * 16)
        assert isinstance(model.rollout, Sequences)
        stretches = model.n_steps // model.sequence
        assert model.rollout.starts[::stretches, 0].all() and not model.rollout.starts[:, 1:].any()
        assert not model.rollout.memories[::stretches].any() and model.rollout.memories[1].any()


LEARNS: dict[str, Any] = {
    "n_steps": 32, "sequence": 8, "batch_size": 128, "n_epochs": 6, "learning_rate": lambda left: 4e-3 * left,
    "gamma": 0.9,
}  # fmt: skip


@BOTH
def test_it_learns_what_memory_alone_can(core):
    model = learner(core, policy={"critic": "shared"}, **LEARNS)
    assert right(model) < 0.6
    model.learn(8192)
    assert right(model) >= 0.95
    assert model.env is not None and model.get_env().illegal == 0  # type: ignore[union-attr]


def test_its_twin_without_memory_stays_at_chance():
    model = learner("transformer", policy={"span": 0, "critic": "shared"}, **LEARNS)
    model.learn(8192)
    # One wrong answer is ruled out, so who knows nothing of the cue is right once in three times.
    assert right(model, 2000) == pytest.approx(1 / (CUES - 1), abs=0.06)


def test_moments_without_a_choice_are_remembered_and_not_learnt_from():
    model = learner("lstm")
    rollout = rollout_of(model)
    assert 0 < len(rollout) < rollout.chosen.numel()
    assert (rollout.seen[MASK].sum(1) > 1).all()
    assert (rollout.observations[MASK][~rollout.chosen].sum(1) == 1).all()


@BOTH
@pytest.mark.parametrize("made", [MaskedCue, two_shards], ids=["one shard", "two shards"])
def test_it_goes_on_to_the_bit(tmp_path, core, made):
    steps = FEW["n_steps"] * made().num_envs
    first = learner(core, made())
    first.learn(2 * steps)
    write_tree(tmp_path / "tree", first.state())
    first.learn(2 * steps, reset_num_timesteps=False)
    second = learner(core, made())
    second.set_state(read_tree(tmp_path / "tree"))
    assert second._memories[0].abs().sum() > 0
    second.learn(2 * steps, reset_num_timesteps=False)
    for name, tensor in first.policy.state_dict().items():
        assert torch.equal(tensor, second.policy.state_dict()[name]), name
    for one, other in zip(first._memories, second._memories, strict=True):
        assert torch.equal(one, other)
    for begun, again in zip(first._starts, second._starts, strict=True):
        assert np.array_equal(begun, again)


@BOTH
@pytest.mark.parametrize("made", [MaskedCue, two_shards], ids=["one shard", "two shards"])
def test_it_goes_on_from_before_its_first_decision(tmp_path, core, made):
    steps = FEW["n_steps"] * made().num_envs
    first, second = learner(core, made()), learner(core, made())
    folder = tmp_path / "tree"

    class Keeps(BaseCallback):
        def _on_rollout_start(self) -> None:
            if not folder.exists():
                write_tree(folder, first.state())

        def _on_step(self) -> bool:
            return True

    first.learn(2 * steps, callback=Keeps())
    second.set_state(read_tree(folder))
    second.learn(2 * steps, reset_num_timesteps=False)
    assert first.num_timesteps == second.num_timesteps == 2 * steps
    for name, tensor in first.policy.state_dict().items():
        assert torch.equal(tensor, second.policy.state_dict()[name]), name


@BOTH
def test_what_was_saved_is_loaded(tmp_path, core):
    model = learner(core, sequence=6)
    model.learn(400)
    model.save(tmp_path / "model")
    again = MemoryPPO.load(tmp_path / "model", MaskedCue())
    assert again.sequence == 6 and again.n_steps == model.n_steps
    for name, tensor in model.policy.state_dict().items():
        assert torch.equal(tensor, again.policy.state_dict()[name]), name
    again.learn(400)


def test_two_shards_learn_the_same_however_often():
    told = []
    for _ in range(2):
        model = learner("lstm", two_shards())
        model.learn(600)
        told.append([weight.detach().clone() for weight in model.policy.parameters()])
        assert len(model._memories) == 2 and model._memories[1].shape[0] == 4
    assert all(torch.equal(one, other) for one, other in zip(*told, strict=True))


def test_two_shards_learn_what_one_learns_from_the_same():
    """A minibatch that is split among threads moves the weights as a whole one does."""
    one, two = learner("lstm", n_epochs=1), learner("lstm", Shards([MaskedCue(8), MaskedCue(8)]), n_epochs=1)
    rollout = rollout_of(one)
    rollout_of(two)
    two.policy.load_state_dict(one.policy.state_dict())
    for model in (one, two):
        model.policy.set_training_mode(True)
        model._share_buffers()
        model._update(rollout, clip=0.2)  # type: ignore[arg-type]
    for own, other in zip(one.policy.parameters(), two.policy.parameters(), strict=True):
        torch.testing.assert_close(own, other, rtol=1e-4, atol=1e-5)


def test_rows_are_whole_rollouts_unless_told_otherwise():
    assert learner("lstm", sequence=None).sequence == FEW["n_steps"]


@pytest.mark.parametrize(("sequence", "steps"), [(5, 12), (24, 12), (0, 12)])
def test_a_sequence_that_does_not_fit_is_named(sequence, steps):
    with pytest.raises(ValueError, match=f"sequence is {sequence}, expected a divisor of n_steps, {steps}"):
        learner("lstm", sequence=sequence, n_steps=steps)


def test_what_is_cut_off_by_time_is_worth_what_memory_says():
    """Values beyond the end of a match are asked for with the memory of that match, and of its slot alone."""
    model = learner("lstm")
    rollout_of(model)
    recorder = model._recorder(0, model.env, 4)  # type: ignore[arg-type]
    seen = {name: np.array(block) for name, block in model._last[0].items()}
    recorder.act(0, seen)
    whole = recorder.values(seen, np.arange(16))
    some = recorder.values({name: block[[3, 9]] for name, block in seen.items()}, np.array([3, 9]))
    np.testing.assert_allclose(some, whole[[3, 9]], atol=1e-5)
    before = recorder.memory.clone()
    recorder.end(np.arange(16) == 3)
    fresh = recorder.values(seen, np.arange(16))
    assert abs(fresh[3] - whole[3]) > 1e-6
    np.testing.assert_allclose(np.delete(fresh, 3), np.delete(whole, 3), atol=1e-5)
    assert torch.equal(recorder.memory, before)
