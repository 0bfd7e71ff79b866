"""A model that remembers: what it is given, keeps and refuses, and what a central critic may know."""

from typing import Any

import numpy as np
import pytest
import torch

from mlmonster_env.contract import BLOCKS, HP_SHARE, LATENT, STATE_SIZE
from policies.acting import NotFiniteError
from policies.actors import actor_of, build_policy
from policies.masks import MASK
from policies.pattern import STYLES, PatternNetwork
from policies.policy import Card, Policy
from policies.sb3.memory import MemoryActorCriticPolicy
from policies.sizes import TINY
from tests.policies.models import memory_arguments, memory_model_of, memory_policy_of, sights, tensors

CORES = ("lstm", "transformer")
BOTH = pytest.mark.parametrize("core", CORES)
SEEN = ("state", MASK)
ROWS = 6


def moment(number: int, rows: int = ROWS) -> dict[str, np.ndarray]:
    return sights(SEEN, "combat", rows, seed=number)


def row(seen: dict[str, np.ndarray], number: int) -> dict[str, np.ndarray]:
    return {name: block[number] for name, block in seen.items()}


def chain(model: Policy, moments: int, rows: int = ROWS) -> tuple[np.ndarray, Any]:
    """Memories after each of some moments from a beginning, and the last state."""
    state, kept = None, []
    for number in range(moments):
        _, state = model.predict(moment(number, rows), state, episode_start=number == 0)
        kept.append(state)
    return np.stack(kept), state


@BOTH
def test_what_was_saved_remembers_the_same(tmp_path, core):
    model = memory_model_of(core, seed=3)
    model.save(tmp_path / "model", steps=7)
    again = Policy.load(tmp_path / "model")
    assert again.card == model.card and again.memory_size == model.memory_size > 0
    np.testing.assert_array_equal(chain(model, 12)[0], chain(again, 12)[0])


@BOTH
def test_what_came_before_changes_what_is_told(core):
    model = memory_model_of(core)
    memories, _ = chain(model, 12)
    assert memories.shape == (12, ROWS, model.memory_size) and memories.dtype == np.float32
    seen = tensors(moment(50))
    with torch.inference_mode():
        one, two = (model.actor(seen, torch.from_numpy(memory))[0] for memory in (memories[11], memories[2]))
    assert not torch.allclose(one, two, atol=1e-4)


@BOTH
def test_without_a_state_it_must_be_said_that_a_match_begins(core):
    model = memory_model_of(core)
    for starts in (None, False, np.zeros(ROWS, np.bool_), np.arange(ROWS) > 0):
        with pytest.raises(ValueError, match=rf"state is None, expected .*\[{ROWS}, {model.memory_size}\]"):
            model.predict(moment(0), episode_start=starts)
    actions, state = model.predict(moment(0), episode_start=np.ones(ROWS, np.bool_))
    assert actions.shape == (ROWS,) and state.shape == (ROWS, model.memory_size)
    np.testing.assert_array_equal(model.predict(moment(0), episode_start=True)[1], state)


@BOTH
@pytest.mark.parametrize("wrong", [(ROWS - 1, 0), (ROWS, 1), (ROWS, -1), (0, 0)])
def test_a_state_of_another_shape_is_named(core, wrong):
    model = memory_model_of(core)
    rows, more = wrong
    state = np.zeros((rows, model.memory_size + more), np.float32)
    if state.shape == (ROWS, model.memory_size):
        pytest.skip("that is the right one")
    with pytest.raises(ValueError, match=rf"state is of shape .*expected \({ROWS}, {model.memory_size}\)"):
        model.predict(moment(0), state)


@BOTH
def test_starts_of_another_shape_are_named(core):
    model = memory_model_of(core)
    _, state = chain(model, 2)
    with pytest.raises(ValueError, match=rf"episode_start is of shape \(3,\), expected \({ROWS},\)"):
        model.predict(moment(2), state, episode_start=np.ones(3, np.bool_))


@BOTH
def test_where_a_match_begins_the_rest_is_forgotten(core):
    model = memory_model_of(core)
    _, state = chain(model, 5)
    starts = np.arange(ROWS) % 2 == 0
    before = state.copy()
    _, mixed = model.predict(moment(9), state, episode_start=starts)
    _, fresh = model.predict(moment(9), episode_start=True)
    _, going = model.predict(moment(9), state)
    np.testing.assert_allclose(mixed[starts], fresh[starts], atol=1e-6)
    np.testing.assert_allclose(mixed[~starts], going[~starts], atol=1e-6)
    assert not np.allclose(fresh, going, atol=1e-4)
    np.testing.assert_array_equal(state, before)
    state[starts] = np.nan  # as in arrays that nothing was written into yet
    np.testing.assert_allclose(model.predict(moment(9), state, episode_start=starts)[1], mixed, atol=1e-6)


@BOTH
@pytest.mark.parametrize("deterministic", [True, False])
def test_a_session_is_the_chain_of_predictions(core, deterministic):
    by_hand, model = memory_model_of(core), memory_model_of(core)
    session = model.session(deterministic)
    for _ in range(2):  # the second match after the first
        state: Any = None
        for number in range(10):
            seen = row(moment(number), 0)
            action, state = by_hand.predict(seen, state, number == 0, deterministic)
            assert state.shape == (1, model.memory_size)
            order = session.act(seen)
            assert type(order) is int and order == action
        session.reset()


@BOTH
def test_one_monster_is_as_good_as_many(core):
    model = memory_model_of(core)
    memories, _ = chain(model, 6)
    for number in range(ROWS):
        state: Any = None
        for step in range(6):
            _, state = model.predict(row(moment(step), number), state, episode_start=step == 0)
        np.testing.assert_allclose(state[0], memories[-1, number], atol=1e-5)


@BOTH
def test_minds_carry_on_and_forget_who_is_told_to(core):
    model = memory_model_of(core)
    minds = model.begin(ROWS)
    state: Any = None
    for number in range(5):
        actions, state = model.predict(moment(number), state, episode_start=number == 0)
        np.testing.assert_array_equal(minds(moment(number)), actions)
    held = minds.memory
    np.testing.assert_array_equal(held, state)
    minds.forget(np.array([1, 4]))
    assert not minds.memory[[1, 4]].any()
    np.testing.assert_array_equal(minds.memory[[0, 2, 3, 5]], state[[0, 2, 3, 5]])
    np.testing.assert_array_equal(held, state)  # who took it keeps it
    minds(moment(5))
    starts = np.isin(np.arange(ROWS), [1, 4])
    np.testing.assert_array_equal(minds.memory, model.predict(moment(5), state, starts)[1])


@BOTH
def test_who_is_forgotten_is_one_of_them(core):
    minds = memory_model_of(core).begin(ROWS)
    minds(moment(0))
    held = minds.memory
    wrongs: list[Any] = [ROWS, -1, [0, ROWS], np.array([1.0, 0.0, 0.0, 1.0, 0.0, 0.0]), np.ones(3, np.bool_)]
    for wrong in wrongs:
        with pytest.raises(ValueError, match="slots is "):
            minds.forget(wrong)
        assert minds.memory is held
    nobody: list[Any] = [[], np.zeros(ROWS, np.bool_)]
    for none in nobody:
        minds.forget(none)
        np.testing.assert_array_equal(minds.memory, held)
    minds.forget(np.arange(ROWS) == 2)
    np.testing.assert_array_equal(minds.memory.any(1), np.arange(ROWS) != 2)


@BOTH
@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_a_memory_is_to_blame_where_it_is_no_number(core, wrong):
    model = memory_model_of(core)
    _, state = chain(model, 3)
    state[4] = wrong
    for ask in (model.predict, model.think, model.consider):
        with pytest.raises(NotFiniteError, match="not finite: the memory of row 4 holds some that are not"):
            ask(moment(3), state)


@BOTH
def test_wrong_ways_to_ask_are_told_the_right_ones(core):
    model = memory_model_of(core)
    with pytest.raises(ValueError, match=r"remembers, and was called without its memory; expected begin\(\)"):
        model.act(moment(0))
    policy = memory_policy_of(core)
    seen = tensors(moment(0))
    calls: list[Any] = [
        lambda: policy(seen), lambda: policy.predict(moment(0)), lambda: policy.get_distribution(seen),
        lambda: policy.predict_values(seen), lambda: policy.evaluate_actions(seen, torch.zeros(ROWS)),
    ]  # fmt: skip
    for call in calls:
        with pytest.raises(ValueError, match="called without its memory; expected step"):
            call()


@BOTH
def test_memories_that_are_not_one_for_each_monster_are_named(core):
    model, policy = memory_model_of(core), memory_policy_of(core)
    right = np.zeros((ROWS, model.memory_size), np.float32)
    wrongs: list[Any] = [None, right[:1], right[:0], right[:, 1:], np.pad(right, ((0, 0), (0, 1)))]
    for wrong in wrongs:
        for call in (model.think, model.consider):
            with pytest.raises(ValueError, match=rf"memory is of shape .*expected \({ROWS}, {model.memory_size}\)"):
                call(moment(0), wrong)
    rows = torch.zeros(ROWS, policy.memory_size)
    for wrong_rows in (rows[:1], rows[:, 1:], torch.nn.functional.pad(rows, (0, 1))):
        with pytest.raises(ValueError, match="memory is of shape"):
            policy.step(tensors(moment(0)), wrong_rows)


@BOTH
def test_minds_are_shown_one_moment_of_each_monster(core):
    minds = memory_model_of(core).begin(ROWS)
    for wrong, words in ((moment(0, 1), "observations are 1, expected 6"), (row(moment(0), 2), "one without a batch")):
        with pytest.raises(ValueError, match=words):
            minds(wrong)
        assert not minds.memory.any()
    states = moment(0)["state"]
    np.testing.assert_array_equal(memory_model_of(core).begin(ROWS)(states), minds({"state": states}))


@BOTH
def test_a_session_outlives_a_wrong_call(core):
    model = memory_model_of(core)
    session, other = model.session(), model.session()
    for wrong in (moment(0), {**row(moment(0), 1), MASK: np.zeros_like(row(moment(0), 1)[MASK])}):
        with pytest.raises(ValueError, match=r"expected those of one monster|allows nothing"):
            session.act(wrong)
    for number in range(3):
        assert session.act(row(moment(number), 0)) == other.act(row(moment(number), 0))


def test_a_transformer_without_a_span_is_a_model_without_memory(tmp_path):
    model = memory_model_of("transformer", span=0)
    assert model.memory_size == 0
    actions, state = model.predict(moment(0))
    assert actions.shape == (ROWS,) and state is None
    np.testing.assert_array_equal(model.begin(ROWS)(moment(0)), actions)
    assert model.session().act(row(moment(0), 2)) == actions[2]
    model.save(tmp_path / "model")
    np.testing.assert_array_equal(Policy.load(tmp_path / "model").predict(moment(0))[0], actions)


@BOTH
@pytest.mark.parametrize("critic", ["shared", "own", "none"])
@pytest.mark.parametrize("shared_features", [True, False])
def test_steps_are_what_is_unrolled(core, critic, shared_features):
    policy = memory_policy_of(core, critic=critic, share_features_extractor=shared_features)
    cores = 2 if critic == "own" else 1
    assert policy.memory_size == cores * policy.actor_core.size
    length = 7
    starts = torch.from_numpy(np.random.default_rng(0).random((4, length)) < 0.3)
    blocks = [tensors(moment(number, 4)) for number in range(length)]
    whole = {name: torch.stack([block[name] for block in blocks], 1) for name in blocks[0]}
    begun = torch.zeros(4, policy.memory_size)
    with torch.no_grad():
        memory = begun
        told = []
        for number in range(length):
            logits, values, memory = policy.step(blocks[number], memory * (~starts[:, number, None]).float())
            told.append((logits, values))
        logits, values = policy.unroll(whole, begun, starts)
    torch.testing.assert_close(logits, torch.stack([a for a, _ in told], 1).flatten(0, 1), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(values, torch.stack([b for _, b in told], 1).flatten(), rtol=1e-4, atol=1e-4)
    assert (logits.softmax(-1)[whole[MASK].flatten(0, 1) < 0.5] == 0).all()


@BOTH
@pytest.mark.parametrize("critic", ["shared", "own", "none"])
def test_an_actor_tells_what_the_policy_tells(core, critic):
    policy = memory_policy_of(core, critic=critic)
    actor: Any = actor_of(policy)
    memory, own = torch.zeros(ROWS, policy.memory_size), torch.zeros(ROWS, actor.memory_size)
    with torch.no_grad():
        for number in range(10):
            logits, _, memory = policy.step(tensors(moment(number)), memory)
            told, own = actor(tensors(moment(number)), own)
            torch.testing.assert_close(told, logits)
            torch.testing.assert_close(own, memory[:, : actor.memory_size])


@BOTH
@pytest.mark.parametrize("critic", ["shared", "own", "none"])
def test_everything_that_can_learn_is_learnt(core, critic):
    policy = memory_policy_of(core, critic=critic)
    seen = {name: block.reshape(2, 3, *block.shape[1:]) for name, block in tensors(moment(0)).items()}
    logits, values = policy.unroll(seen, torch.rand(2, policy.memory_size), torch.zeros(2, 3, dtype=torch.bool))
    (logits.softmax(-1)[:, 1].sum() + values.pow(2).sum()).backward()
    for name, weight in policy.named_parameters():
        assert weight.grad is not None, name


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"core": "gru"}, "core is 'gru', expected one of lstm, transformer"),
        ({"critic": "both"}, "critic is 'both', expected one of shared, own, none"),
        ({"critic": "shared", "central": True}, "a central critic cannot share the actor's memory"),
    ],
)
def test_what_cannot_be_is_named(more, words):
    with pytest.raises(ValueError, match=words):
        memory_policy_of("lstm", **more)


MEMBERS, PACKS = 3, 2


def central(core: str, critic: str) -> Any:
    return build_policy(MemoryActorCriticPolicy, SEEN, "combat", memory_arguments(core, critic=critic, central=True))


@BOTH
@pytest.mark.parametrize("critic", ["own", "none"])
def test_a_central_critic_sees_the_pack_in_any_order(core, critic):
    policy = central(core, critic)
    seen = tensors(moment(0, PACKS * MEMBERS))
    memory = torch.rand(PACKS * MEMBERS, policy.memory_size)
    if core == "transformer":
        memory = torch.zeros_like(memory)
    order = torch.tensor([2, 0, 1, 4, 5, 3])  # inside each pack
    shuffled = {name: block[order] for name, block in seen.items()}
    with torch.no_grad():
        one, two = policy.step(seen, memory, MEMBERS), policy.step(shuffled, memory[order], MEMBERS)
        for whole, other in zip(one, two, strict=True):
            torch.testing.assert_close(whole[order], other, rtol=1e-4, atol=1e-5)

        changed = {name: block.clone() for name, block in seen.items()}
        changed["state"][2] = 0.9 * torch.rand(STATE_SIZE) + 0.05  # somebody of the first pack
        logits, values, later = policy.step(changed, memory, MEMBERS)
        own = policy.actor_core.size
        others = [0, 1, 3, 4, 5]
        torch.testing.assert_close(logits[others], one[0][others])
        torch.testing.assert_close(later[others, :own], one[2][others, :own])
        assert (values[:3] - one[1][:3]).abs().min() > 1e-6
        torch.testing.assert_close(values[3:], one[1][3:])

        dead = {name: block.clone() for name, block in changed.items()}
        for block in (changed, dead):
            block["state"][2, HP_SHARE] = 0.0
        dead["state"][2] = 0.0
        torch.testing.assert_close(
            policy.step(dead, memory, MEMBERS)[1][[0, 1]], policy.step(changed, memory, MEMBERS)[1][[0, 1]]
        )


def test_a_central_critic_needs_whole_packs():
    policy = central("lstm", "own")
    with pytest.raises(ValueError, match="there are 5 rows, expected whole packs of 3"):
        policy.step(tensors(moment(0, 5)), torch.zeros(5, policy.memory_size), 3)


def test_a_model_of_patterns_is_shown_a_state_at_a_time():
    torch.manual_seed(0)
    card = Card("pattern_recognition", "mage", "tiny", "", ("history",), PatternNetwork, {"widths": TINY})
    model = Policy(card, PatternNetwork(widths=TINY).eval().requires_grad_(False))
    session = model.session()
    frames, size = BLOCKS["history"]
    states = np.random.default_rng(0).random((frames + 5, size), np.float32)
    for shown in (states, states[:2]):  # a match, and another after it
        history = np.zeros((frames, size), np.float32)
        for number, state in enumerate(shown):
            told = session.act(state if number % 2 else {"state": state})
            history = np.concatenate([history[1:], state[None]])
            if number in (0, 1, 40, frames - 1, frames + 4):
                assert told.shape == (STYLES + LATENT,)
                np.testing.assert_allclose(told, model.predict({"history": history})[0], atol=1e-5)
        session.reset()
    np.testing.assert_array_equal(session.act({"history": history}), model.predict(history)[0])
    with pytest.raises(ValueError, match="expected 'history' or 'state'"):
        session.act({"grid": states})
    with pytest.raises(ValueError, match=r"'state' is of shape \(2, 64\), expected \(64,\): that of one monster"):
        session.act(states[:2])
    with pytest.raises(NotFiniteError, match="'history' holds what is no number"):
        session.act(np.full(size, np.nan))
    np.testing.assert_array_equal(session.act({"history": history}), model.predict(history)[0])
    with pytest.raises(ValueError, match="pattern_recognition gives no orders"):
        session.nothing  # noqa: B018
