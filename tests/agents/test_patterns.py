"""Telling styles: whose frames are whose, what windows show, and a learner that learns and goes on to the bit."""

from copy import deepcopy
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from stable_baselines3.common.callbacks import BaseCallback

from agents.config import resolve
from agents.judge.patterns import FRAMES, evaluate_patterns, score, teller
from agents.judge.plain_patterns import PlainPatterns, features
from agents.learners import patterns
from agents.learners.build import build_env
from agents.learners.pattern_data import LEAST, SCENARIOS, UNSEEN, Tape, plans, styled_shards, watch, watch_shards
from agents.learners.patterns import PatternLearner
from agents.learners.schedules import schedule
from agents.learners.styled import StyledVecEnv
from agents.machine import Machine
from agents.opponents import STYLES, Mix, Script, Style
from agents.opponents.conditions import always
from mlmonster_env.contract import FROM_SPAWN, HISTORY, IDLE, MOVE_RANDOMLY, STATE_SIZE
from mlmonster_env.envs.battle import MASK
from mlmonster_env.scenarios import plan_of
from mlmonster_env.sim import fields as f
from mlmonster_env.sim.staging import stage
from policies.sizes import TINY
from policies.storage import read_tree, write_tree

STANDS, WALKS = 0, 1
EXACT = np.arange(STATE_SIZE) / 64  # whatever half precision holds


class Nothing(BaseCallback):
    def _on_step(self):
        return True


def two_styles(seed):
    stands, walks = Script("stands", ((always, IDLE),)), Script("walks", ((always, MOVE_RANDOMLY), (always, IDLE)))
    return Mix({"stands": Style(stands, seed), "walks": Style(walks, seed)}, (1.0, 1.0), seed)


def styled(matches=4, scenario="mirror-v1:contact", seed=5, **named):
    env = StyledVecEnv(matches, archetype="mage", scenario=scenario, **named)
    env.seed(seed)
    return env


def test_every_slot_plays_the_style_of_its_side_of_its_match():
    env = styled(8, make_mix=two_styles)
    seen = env.reset()
    labels = env.labels.reshape(8, 2, -1)
    assert (labels == labels[..., :1]).all() and len(np.unique(labels[..., 0], axis=0)) > 2
    for _ in range(30):
        actions = env.play(seen)
        assert (actions[env.labels == STANDS] == IDLE).all()
        able = (env.labels == WALKS) & (seen[MASK][:, MOVE_RANDOMLY] != 0)
        assert (actions[able] == MOVE_RANDOMLY).all()
        seen = env.step(actions)[0]


def test_packs_have_numbers_of_their_own_and_styles_are_drawn_anew():
    env = styled(16, "skirmish-1v1")
    seen, packs, labels = env.reset(), [env.packs], [env.labels]
    ended = 0
    while ended < 30:
        seen, _, dones, _ = env.step(env.play(seen))
        changed = env.packs != packs[-1]
        assert (changed == dones).all()
        ended += int(dones.sum())
        packs.append(env.packs)
        labels.append(env.labels)
    told: dict[int, int] = {}
    for pack, label in zip(np.concatenate(packs), np.concatenate(labels), strict=True):
        assert told.setdefault(pack, label) == label
    assert len(set(told.values())) == len(STYLES) and len(env.finished) * 2 == ended


def test_labels_of_frames_are_those_of_who_went_through_them():
    env = styled(8, make_mix=two_styles)
    tape, _ = watch(env, env.reset(), 60, 4)
    by_pack = [tape.where(tape.pack == pack) for pack in np.unique(tape.pack)]
    for part in by_pack:
        assert len(np.unique(part.style)) == 1
        home = part.frames[:, FROM_SPAWN].max() == 0
        assert home == (part.style[0] == STANDS)
    assert 0 < tape.held_out.sum() < len(tape)


def test_packs_of_several_shards_differ():
    env = styled_shards("mage", 5, 3, scenarios=("skirmish-1v1", "skirmish-2v2"))
    assert [shard.battle.num_matches for shard in env.shards] == [3, 2]
    tape, last = watch_shards(env, env.reset(), 12, 2)
    assert len(np.unique(tape.pack)) == 10 and len(last["state"]) == env.num_envs
    with pytest.raises(ValueError, match="matches is 1, expected at least one for each of 2 scenarios"):
        styled_shards("mage", 1, 3, scenarios=("skirmish-1v1", "skirmish-2v2"))


def test_windows_show_what_the_history_block_shows():
    def with_history(seed):
        mix = two_styles(seed)
        mix.blocks = (*mix.blocks, "history")
        return mix

    env = styled(3, "skirmish-2v2", make_mix=with_history)
    shown = []
    play = env.play

    def remembered(seen):
        shown.append(seen["history"].copy())
        return play(seen)

    env.play = remembered
    tape, last = watch(env, env.reset(), 100, 2)
    histories = np.stack([*shown, last["history"]]).swapaxes(0, 1)
    histories = histories[histories.any((2, 3))]
    windows = tape.windows(np.arange(len(tape)), HISTORY)
    assert np.allclose(windows.history, histories, atol=5e-4)


def tape_of(lengths, styles):
    frames = np.concatenate([0.25 + EXACT[None] * 0 + np.arange(n)[:, None] / 512 for n in lengths])
    age = np.concatenate([np.arange(1, n + 1) for n in lengths])
    style = np.repeat(styles, lengths)
    return Tape(frames.astype(np.float16), age, style, np.repeat(np.arange(len(lengths)), lengths), style < 0)


def test_windows_never_reach_into_another_stretch():
    tape = tape_of([5, 120, 40], [0, 1, 2])
    windows = tape.draw(np.random.default_rng(0), 500)
    there = windows.history.any(-1)
    seen = there.sum(1)
    assert LEAST <= seen.min() < 20 and seen.max() == HISTORY and set(windows.style) == {1, 2}
    for row in range(500):
        own = windows.history[row, there[row], 0]
        assert there[row, HISTORY - seen[row] :].all() and np.allclose(np.diff(own), 1 / 512)
    after = tape.after(40)
    assert list(after.style) == [1, 2] and (after.history.any(-1).sum(1) == 40).all()
    assert len(tape.after(90)) == 1 and len(tape.after(121)) == 0


def test_only_whole_stretches_are_kept():
    tape = tape_of([5, 120, 40], [0, 1, 2])
    assert [len(tape.latest(most)) for most in (1000, 165, 164, 160, 100, 40, 39)] == [165, 165, 160, 160, 40, 40, 0]
    assert tape.latest(100).age[0] == 1


def test_held_out_monsters_are_in_no_plan_that_is_learnt_from():
    for archetype in ("mage", "tank"):
        met = {}
        for split in ("train", "held-out"):
            staged = [stage(plan.narrowed(archetype=archetype)) for plan in plans(split=split)]
            met[split] = {int(n) for s in staged for n in s.tables.species[s.line_ups.ravel(), f.MONSTER_ID]}
        assert met["train"] and met["held-out"] and not met["train"] & met["held-out"]
    assert not set(SCENARIOS) & set(UNSEEN) and all(plan_of(name) for name in UNSEEN)


TOY = 3  # a number that rises and falls back, one that falls and leaps up, one that leaps about
PERIOD = 12


def toy_tape(random, stretches=200, length=100):
    frames = np.zeros((stretches, length, STATE_SIZE)) + 0.5
    style = random.integers(TOY, size=stretches)
    saw = (np.arange(length) + random.integers(PERIOD, size=(stretches, 1))) % PERIOD / PERIOD
    rising, falling = saw, 1 - saw
    frames[..., 7] = np.where(style[:, None] == 0, rising, np.where(style[:, None] == 1, falling, saw))
    for row in np.flatnonzero(style == 2):
        random.shuffle(frames[row, :, 7])
    frames[..., 8:16] = random.random((stretches, length, 8))
    each = np.repeat(style, length)
    pack = np.repeat(2 * random.integers(1 << 40, size=stretches), length)
    return Tape(
        frames.reshape(-1, STATE_SIZE).astype(np.float16), np.tile(np.arange(1, length + 1), stretches), each, pack,
        np.repeat(np.arange(stretches) % 10 == 0, length),
    )  # fmt: skip


def learner_on(env, seed=0, **named):
    settings = {
        "policy_kwargs": {"widths": TINY}, "learning_rate": schedule(3e-3), "batch_size": 64, "epochs": 1,
        "held_out": 0.2, "weight_decay": 1e-4, "seed": seed,
    }  # fmt: skip
    return PatternLearner(env, **{**settings, **named})


def test_it_learns_what_only_the_order_of_frames_tells(monkeypatch):
    random = np.random.default_rng(1)
    monkeypatch.setattr(patterns, "watch_shards", lambda env, seen, steps, apart: (toy_tape(random), seen))
    shard = SimpleNamespace(num_envs=1, styles=("rises", "falls", "leaps"))
    env = SimpleNamespace(shards=[shard], num_envs=1, reset=lambda: {"state": np.zeros((1, STATE_SIZE))})
    learner = learner_on(env, epochs=2)
    learner.learn(5 * patterns.STEPS_AT_ONCE, Nothing())
    unseen = toy_tape(np.random.default_rng(2))
    tell = teller(learner.policy)
    assert {frames: score(tell, unseen.after(frames), "").win_rate > 0.95 for frames in FRAMES} == dict.fromkeys(
        FRAMES, True
    )
    assert learner.losses["held-out style"] < 0.3 and 0.25 <= float(learner.policy.temperature) <= 4.0
    assert torch.isfinite(torch.tensor(list(learner.losses.values()))).all()


def shards():
    return styled_shards("mage", 4, 3, scenarios=("mirror-v1:contact", "skirmish-2v2"))


def test_a_learner_goes_on_to_the_bit(tmp_path):
    whole, first, second = learner_on(shards()), learner_on(shards()), learner_on(shards(), seed=9)
    a_round = patterns.STEPS_AT_ONCE * whole.env.num_envs
    whole.learn(2 * a_round, Nothing())
    first.learn(a_round, Nothing())
    write_tree(tmp_path / "state", deepcopy(first.state()))
    second.set_state(read_tree(tmp_path / "state"))
    second.learn(a_round, Nothing(), reset_num_timesteps=False)
    assert second.num_timesteps == whole.num_timesteps == 2 * a_round
    for name, told in whole.policy.state_dict().items():
        assert torch.equal(told, second.policy.state_dict()[name]), name
    for name, told in whole.projection.state_dict().items():
        assert torch.equal(told, second.projection.state_dict()[name]), name
    assert np.array_equal(whole.kept.frames, second.kept.frames) and np.array_equal(whole.held.pack, second.held.pack)
    assert whole.losses == second.losses
    assert whole.policy.scale.count == len(whole.kept)


def test_wrong_settings_are_named():
    env = SimpleNamespace(shards=[SimpleNamespace(styles=("a", "b"))])
    with pytest.raises(ValueError, match=r"held_out is 0.9, expected above 0, to 0.5"):
        learner_on(env, held_out=0.9)
    with pytest.raises(ValueError, match="contrast is -1, expected 0 or more"):
        learner_on(env, contrast=-1)


def walked(histories):
    walks = histories[..., FROM_SPAWN].max(1) > 0
    return np.stack([~walks, walks], 1).astype(float)


def test_accuracy_is_counted_by_pack_on_held_out_matches():
    scores = evaluate_patterns(walked, "mage", 6, make_mix=two_styles, scenarios=("mirror-v1:contact",))
    assert list(scores) == ["30 frames", "60 frames", "90 frames"]
    assert all(told.win_rate == 1.0 for told in scores.values())
    again = evaluate_patterns(lambda h: 1 - walked(h), "mage", 6, make_mix=two_styles, scenarios=SCENARIOS[1:2])
    assert all(told.win_rate == 0.0 for told in again.values())
    tape = tape_of([30, 30, 30], [0, 0, 1])
    tape.pack[:60] = 0
    half = score(lambda h: np.array([[1, 0], [0, 1], [0, 1]]), tape.after(30), "")
    assert half.pairs.tolist() == [[0.5], [1.0]]
    with pytest.raises(ValueError, match="matches is 0, expected at least 1"):
        evaluate_patterns(walked, "mage", 0)


def test_plain_features_tell_who_walks():
    env = styled(8, make_mix=two_styles)
    tape, _ = watch(env, env.reset(), 60, 4)
    plain = PlainPatterns(tape.where(~tape.held_out).draw(np.random.default_rng(0), 400), 2)
    windows = tape.where(tape.held_out).after(50)
    assert len(windows) and (plain(windows.history).argmax(1) == windows.style).all()
    assert np.allclose(plain(windows.history).sum(1), 1, atol=1e-5)


def test_plain_features_are_of_frames_that_are_there():
    told = np.random.default_rng(0).random((2, HISTORY, STATE_SIZE)).astype(np.float32)
    told[0, :50] = 0
    told[1] = 0
    found = features(told)
    assert np.isfinite(found).all()
    own = told[0, 50:]
    assert np.allclose(found[0, :STATE_SIZE], own.mean(0), atol=1e-5)
    assert np.allclose(found[0, 2 * STATE_SIZE : 3 * STATE_SIZE], own.min(0), atol=1e-6)


def test_where_a_scenario_would_have_nothing_to_learn_from_that_is_said():
    asked = {"model_type": "pattern_recognition", "algo": "patterns", "archetype": "mage", "size": "tiny"}
    with pytest.raises(ValueError, match=r"batch\.matches leaves 1 in each of 4 scenarios, expected at least 2"):
        build_env(resolve({**asked, "batch.matches": 7}), Machine("cpu", 1))
    assert len(build_env(resolve({**asked, "batch.matches": 8}), Machine("cpu", 1)).shards) == 4
