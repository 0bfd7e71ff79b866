"""A finished model: saved, loaded, asked for actions, and refused when it is not what it should be."""

import dataclasses
import json
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from types import MappingProxyType

import numpy as np
import pytest
import torch

from mlmonster_env.contract import CONTROLS, NOTHING_TO_DO, STATE_SIZE, VERSION, derive_mask
from policies import policy
from policies.acting import NotFiniteError
from policies.actors import build_actor
from policies.masks import FORBIDDEN, MASK
from policies.policy import Policy
from policies.storage import ARRAYS, MANIFEST, VALUES, DamagedError, read_manifest, sha256, write_tree
from tests.policies.models import DISCRETE, KINDS, memory_model_of, model_of, pickled, policy_of, sights

ROWS = 64


def seen_by(kind: str, rows: int = ROWS, seed: int = 0) -> dict[str, np.ndarray]:
    _, control, blocks, _ = KINDS[kind]
    return sights(blocks, control, rows, seed)


def row(seen: dict[str, np.ndarray], number: int) -> dict[str, np.ndarray]:
    return {name: block[number] for name, block in seen.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_saved_acts_the_same(tmp_path, kind):
    model = model_of(kind, seed=3)
    for name, buffer in model.actor.named_buffers():
        if name.endswith(("mean", "variance")):
            buffer.add_(torch.rand_like(buffer))
    model.save(tmp_path / "model", steps=7)
    again = Policy.load(tmp_path / "model")
    assert again.card == model.card
    assert read_manifest(tmp_path / "model")["steps"] == 7
    for deterministic in (True, False):
        first, second = (m.predict(seen_by(kind), deterministic=deterministic)[0] for m in (model, again))
        assert first.dtype == second.dtype and np.array_equal(first, second)
    assert not np.array_equal(first, model_of(kind, seed=4).predict(seen_by(kind), deterministic=False)[0])


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_acts_as_the_policy_that_it_was_cut_from(kind):
    seen = seen_by(kind)
    told, _ = policy_of(kind).predict(seen, deterministic=True)
    np.testing.assert_allclose(model_of(kind).predict(seen)[0], told, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_one_observation_is_as_good_as_many(kind):
    model = model_of(kind)
    seen = seen_by(kind, 8)
    together, state = model.predict(seen)
    control = KINDS[kind][1]
    assert together.shape == ((8,) if CONTROLS[control] else (8, 4)) and state is None
    for number in range(8):
        alone, _ = model.predict(row(seen, number))
        assert np.shape(alone) == together.shape[1:]
        np.testing.assert_allclose(alone, together[number], atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_given_is_not_changed(kind):
    seen = seen_by(kind)
    seen.pop(MASK, None)
    before = {name: block.copy() for name, block in seen.items()}
    model_of(kind).predict(seen)
    assert seen.keys() == before.keys()
    assert all(np.array_equal(seen[name], before[name]) for name in before)


@pytest.mark.parametrize("kind", DISCRETE)
def test_a_missing_mask_is_told_from_the_state(kind):
    model = model_of(kind)
    control = KINDS[kind][1]
    seen = seen_by(kind, 300)
    told = {**seen, MASK: derive_mask(seen["state"], control)}
    del seen[MASK]
    chosen, _ = model.predict(seen)
    assert np.array_equal(chosen, model.predict(told)[0])
    assert told[MASK][np.arange(300), chosen].all() and not told[MASK].all()
    assert model.predict(row(seen, 0))[0] == chosen[0]


def test_a_bare_array_is_the_state():
    model = model_of("values")
    states = seen_by("values")["state"]
    chosen, _ = model.predict(states)
    assert np.array_equal(chosen, model.predict({"state": states})[0])
    assert model.predict(states[0])[0] == chosen[0]


@pytest.mark.parametrize("kind", [np.float64, np.float16, list])
def test_numbers_may_be_of_any_kind(kind):
    model = model_of("values")
    states = np.round(seen_by("values")["state"], 1)
    given = states.tolist() if kind is list else states.astype(kind)
    assert np.array_equal(model.predict({"state": given})[0], model.predict(states.astype(np.float16))[0])


@pytest.mark.filterwarnings("error")
def test_arrays_may_be_of_any_make():
    model = model_of("values")
    states = seen_by("values")["state"]
    chosen, _ = model.predict(states)
    fixed = states.copy()
    fixed.flags.writeable = False
    for given in (states[::-1][::-1], np.asfortranarray(states), states.astype(">f4"), fixed):
        assert np.array_equal(model.predict(given)[0], chosen)
    assert np.array_equal(model.predict(states[::-1])[0], chosen[::-1])


@pytest.mark.parametrize("size", [63, 65])
@pytest.mark.parametrize("single", [True, False], ids=["one", "many"])
def test_a_state_of_another_shape_is_named(size, single):
    shape = (size,) if single else (5, size)
    with pytest.raises(ValueError, match=rf"'state' is of shape .*{size}.*expected .*{STATE_SIZE}"):
        model_of("values").predict(np.zeros(shape, np.float32))


@pytest.mark.parametrize(
    ("kind", "block", "shape"),
    [
        ("logits", "grid", (ROWS, 8, 32, 31)),
        ("logits", "grid", (ROWS - 1, 8, 32, 32)),
        ("logits", MASK, (ROWS, 10)),
        ("quantiles", "skills", (ROWS, 16, 8)),
        ("box", "entities", (ROWS, 12)),
        ("box", "state", (ROWS, 2, STATE_SIZE)),
    ],
)
def test_a_block_of_another_shape_is_named(kind, block, shape):
    seen = {**seen_by(kind), block: np.zeros(shape, np.float32)}
    with pytest.raises(ValueError, match=f"'{block}' is of shape"):
        model_of(kind).predict(seen)


@pytest.mark.parametrize(("kind", "block"), [("logits", "grid"), ("quantiles", "skills"), ("box", "state")])
def test_a_missing_block_is_named(kind, block):
    seen = seen_by(kind)
    del seen[block]
    with pytest.raises(ValueError, match=f"expected '{block}'"):
        model_of(kind).predict(seen)


@pytest.mark.parametrize("kind", ["values", "box"])
def test_what_an_environment_gives_as_a_whole_is_refused(kind):
    model, seen = model_of(kind), row(seen_by(kind), 0)
    for ask in (model.predict, model.session().act):
        with pytest.raises(ValueError, match=r"the observation is a tuple of 2, .* the first"):
            ask((seen, {}))


@pytest.mark.parametrize("nothing", [None, 1.0, "state"])
def test_what_is_no_array_is_named(nothing):
    with pytest.raises(ValueError, match=rf"'state' is {nothing!r}, expected an array of shape \(64,\)"):
        model_of("values").predict(nothing)


@pytest.mark.parametrize(("kind", "block"), [("logits", "grid"), ("quantiles", "skills"), ("box", "state")])
def test_what_was_shown_is_to_blame_where_it_is_no_number(kind, block):
    seen = seen_by(kind)
    seen[block][3].flat[2] = np.nan
    with pytest.raises(NotFiniteError, match=f"not finite: '{block}' of row 3, which it was shown"):
        model_of(kind).predict(seen)


@pytest.mark.parametrize("wrong", [np.inf, -np.inf, 1e300])
@pytest.mark.parametrize("kind", KINDS)
def test_a_state_without_bounds_is_not_taken_for_a_great_one(kind, wrong):
    model, seen = model_of(kind), seen_by(kind)
    seen["state"] = seen["state"].astype(np.float64)
    seen["state"][3, 2] = wrong
    for ask in (model.predict, model.act):
        with pytest.raises(NotFiniteError, match="'state' of row 3 holds an infinite number, expected 0 to 1"):
            ask(seen)


def test_a_network_is_to_blame_where_its_own_numbers_are_none():
    model = model_of("values")
    next(model.actor.parameters()).data[:] = np.nan
    for ask in (model.predict, lambda seen: model.consider(seen, np.zeros((ROWS, 0)))):
        with pytest.raises(NotFiniteError, match=r"not finite$"):
            ask(seen_by("values"))


def test_probabilities_are_drawn_from_unless_the_best_is_asked_for():
    model = model_of("logits")
    with torch.no_grad():
        next(weight for name, weight in model.actor.named_parameters() if name == "head.weight").mul_(30.0)
    seen = {name: np.repeat(block[:1], 20_000, 0) for name, block in seen_by("logits").items()}
    seen[MASK][:] = [1, 1, 0, 1, 1, 0, 1, 1, 1]
    with torch.inference_mode():
        scores = model.actor({name: torch.as_tensor(block[:1]).float() for name, block in seen.items()})
    drawn, _ = model.predict(seen, deterministic=False)
    shares = np.bincount(drawn, minlength=9) / len(drawn)
    np.testing.assert_allclose(shares, torch.softmax(scores, -1)[0].numpy(), atol=0.015)
    assert (model.predict(seen)[0] == int(scores.argmax())).all()


@pytest.mark.parametrize("kind", ["values", "quantiles"])
def test_values_always_give_the_best(kind):
    model = model_of(kind)
    assert np.array_equal(model.predict(seen_by(kind), deterministic=False)[0], model.predict(seen_by(kind))[0])


def test_a_box_stays_in_its_bounds():
    chosen, _ = model_of("box").predict(seen_by("box"))
    assert chosen.shape == (ROWS, 4) and (np.abs(chosen) <= 1).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_session_is_one_mind(kind):
    model = model_of(kind)
    control = KINDS[kind][1]
    session = model.session()
    seen = row(seen_by(kind), 0)
    order = session.act(seen)
    session.reset()
    if kind == "box":
        assert order.shape == (4,)
    else:
        assert type(order) is int and seen[MASK][order]
    np.testing.assert_array_equal(order, session.act(seen))
    np.testing.assert_array_equal(order, model.predict(seen)[0])
    assert session.nothing == NOTHING_TO_DO[control]


def test_a_session_may_draw():
    model = model_of("logits")
    seen = row(seen_by("logits"), 0)
    seen[MASK] = np.ones(9, np.int8)
    session = model.session(deterministic=False)
    assert len({session.act(seen) for _ in range(60)}) > 1


def test_a_run_is_loaded_by_its_final_model(tmp_path):
    model = model_of("values")
    model.save(tmp_path / "run" / "final")
    seen = seen_by("values")
    assert np.array_equal(Policy.load(tmp_path / "run").predict(seen)[0], model.predict(seen)[0])
    assert np.array_equal(Policy.load(str(tmp_path / "run" / "final")).predict(seen)[0], model.predict(seen)[0])


def test_loading_leaves_the_streams_of_the_process_alone(tmp_path):
    model_of("values").save(tmp_path / "model")
    torch.manual_seed(5)
    before = torch.get_rng_state()
    Policy.load(tmp_path / "model")
    assert torch.equal(torch.get_rng_state(), before)


def test_loading_in_two_threads_leaves_the_streams_of_the_process_alone(tmp_path, monkeypatch):
    model_of("values").save(tmp_path / "model")
    first_drew, second_drew, first_is_over = (threading.Event() for _ in range(3))

    def building(*arguments):
        actor = build_actor(*arguments)
        if not first_drew.is_set():
            first_drew.set()
            second_drew.wait(0.5)  # never, where one waits for the other
        else:
            second_drew.set()
            first_is_over.wait(5)
        return actor

    def first():
        Policy.load(tmp_path / "model")
        first_is_over.set()

    monkeypatch.setattr(policy, "build_actor", building)
    before = torch.get_rng_state()
    with ThreadPoolExecutor(2) as pool:
        loaded = [pool.submit(first)]
        first_drew.wait(5)
        loaded.append(pool.submit(Policy.load, tmp_path / "model"))
    assert all(one.exception() is None for one in loaded)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("temperature", [1e3, 1e6, 3e38, np.inf])
@pytest.mark.parametrize("kind", DISCRETE)
def test_what_is_forbidden_stays_so_at_any_temperature(kind, temperature):
    rows = 2000
    seen = seen_by(kind, rows)
    lots = (np.arange(rows) + 0.5) / rows
    drawn = model_of(kind).act(seen, lots=lots, temperature=np.full(rows, temperature))
    assert seen[MASK][np.arange(rows), drawn].all()
    assert len(set(drawn.tolist())) == seen[MASK].shape[1]


@pytest.mark.parametrize("temperature", [0.0, 1e-6, 1e-3])
@pytest.mark.parametrize("kind", DISCRETE)
def test_what_is_forbidden_stays_so_when_it_is_cold_and_all_is_worth_little(kind, temperature):
    rows = 500
    seen, model = seen_by(kind, rows), model_of(kind)
    told = np.where(seen[MASK] > 0, np.float32(-50.0), np.float32(FORBIDDEN))
    lots = (np.arange(rows) + 0.5) / rows
    drawn = model._chosen(told, True, lots, np.full(rows, temperature))
    assert seen[MASK][np.arange(rows), drawn].all()


def test_where_no_model_is_that_is_said(tmp_path):
    with pytest.raises(ValueError, match=r"there is no model in .*nowhere"):
        Policy.load(tmp_path / "nowhere")
    write_tree(tmp_path / "checkpoint", {"learner": {}}, steps=3)
    with pytest.raises(ValueError, match="holds a checkpoint, expected a model"):
        Policy.load(tmp_path / "checkpoint")


def test_a_model_of_another_contract_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("policies.policy.VERSION", 99)
    model_of("values").save(tmp_path / "model")
    monkeypatch.undo()
    with pytest.raises(ValueError, match="made for contract 99, expected 1"):
        Policy.load(tmp_path / "model")


@pytest.mark.parametrize("name", [ARRAYS, VALUES])
def test_a_damaged_model_is_named(tmp_path, name):
    model_of("values").save(tmp_path / "model")
    file = tmp_path / "model" / name
    told = bytearray(file.read_bytes())
    told[len(told) // 2] ^= 1
    file.write_bytes(told)
    with pytest.raises(DamagedError, match=name):
        Policy.load(tmp_path / "model")


@pytest.mark.parametrize("name", [ARRAYS, VALUES, MANIFEST])
def test_a_pickle_in_the_place_of_a_file_never_runs(tmp_path, name):
    folder, marker = tmp_path / "model", tmp_path / "it ran"
    model_of("values").save(folder)
    (folder / name).write_bytes(pickled(marker))
    if name != MANIFEST:
        manifest = json.loads((folder / MANIFEST).read_text())
        manifest["sha256"][name] = sha256(folder / name)
        (folder / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(DamagedError):
        Policy.load(folder)
    assert not marker.exists()


def test_a_file_that_is_no_folder_never_runs(tmp_path):
    marker = tmp_path / "it ran"
    (tmp_path / "model.zip").write_bytes(pickled(marker))
    with pytest.raises(ValueError, match="there is no model"):
        Policy.load(tmp_path / "model.zip")
    assert not marker.exists()


def test_a_manifest_that_names_other_classes_is_refused(tmp_path):
    model_of("values").save(tmp_path / "model")
    file = tmp_path / "model" / MANIFEST
    file.write_text(file.read_text().replace('"DuelingQPolicy"', '"Popen"'))
    with pytest.raises((ValueError, DamagedError), match=r"Popen|damaged"):
        Policy.load(tmp_path / "model")


def test_weights_of_another_network_are_told_with_their_folder(tmp_path):
    model, other = model_of("values"), model_of("quantiles")
    write_tree(tmp_path / "model", {"weights": dict(other.actor.state_dict())}, model=model.told(), contract=VERSION)
    with pytest.raises(ValueError, match=f"{tmp_path / 'model'} holds weights of another network"):
        Policy.load(tmp_path / "model")


def test_arguments_that_cannot_be_written_down_are_named(tmp_path):
    model = model_of("values")
    model.card.policy_arguments["features_extractor_class"] = pickle.Pickler
    with pytest.raises(ValueError, match="policy_arguments holds features_extractor_class"):
        model.save(tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_a_mask_that_allows_nothing_is_named():
    _, control, blocks, _ = KINDS["logits"]
    model, seen = model_of("logits"), sights(blocks, control, 3)
    seen[MASK][1] = 0
    for deterministic in (True, False):
        with pytest.raises(ValueError, match="'action_mask' of row 1 allows nothing"):
            model.predict(seen, deterministic=deterministic)
        with pytest.raises(ValueError, match="'action_mask' of row 1 allows nothing"):
            model.act(seen, deterministic)
    for number, kind in enumerate(("values", "quantiles")):
        _, control, blocks, _ = KINDS[kind]
        model, seen = model_of(kind), sights(blocks, control, 3)
        seen[MASK][number] = 0
        with pytest.raises(ValueError, match=f"'action_mask' of row {number} allows nothing"):
            model.act(seen)


def test_a_model_that_remembers_refuses_a_mask_that_allows_nothing():
    model = memory_model_of("lstm")
    seen, memory = sights(model.card.blocks, model.card.control, 3), np.zeros((3, model.memory_size), np.float32)
    seen[MASK][2] = 0
    for ask in (model.think, model.consider):
        with pytest.raises(ValueError, match="'action_mask' of row 2 allows nothing"):
            ask(seen, memory)


def test_what_a_model_does_not_look_at_changes_nothing():
    model = memory_model_of("lstm")
    seen = sights(model.card.blocks, model.card.control, 3)
    more = {"seconds": 3.0, "others": np.zeros((7, 2)), **seen}
    told, memory = model.predict(seen, None, True)
    again, kept = model.predict(more, None, True)
    assert np.array_equal(told, again) and np.array_equal(memory, kept)
    assert np.array_equal(model.begin(3)(more), told)


def test_card_and_weights_are_of_one_writing(tmp_path, monkeypatch):
    first, second = model_of("values", seed=1), model_of("values", seed=2)
    second = Policy(dataclasses.replace(second.card, archetype="tank"), second.actor)
    first.save(tmp_path / "model")

    def disturbed(*arguments):
        second.save(tmp_path / "model")
        return build_actor(*arguments)

    monkeypatch.setattr(policy, "build_actor", disturbed)
    assert Policy.load(tmp_path / "model").digest() == first.digest()
    monkeypatch.undo()
    assert Policy.load(tmp_path / "model").digest() == second.digest()


@pytest.mark.parametrize("kind", [*KINDS, "lstm", "transformer"])
def test_what_torch_makes_by_default_does_not_change_what_is_loaded(tmp_path, kind):
    model = model_of(kind) if kind in KINDS else memory_model_of(kind)
    model.save(tmp_path / "model")
    torch.set_default_dtype(torch.float64)
    try:
        with torch.device("meta"):
            again = Policy.load(tmp_path / "model")
    finally:
        torch.set_default_dtype(torch.float32)
    assert again.digest() == model.digest()
    for (name, buffer), (_, other) in zip(model.actor.named_buffers(), again.actor.named_buffers(), strict=True):
        assert torch.equal(buffer, other) and buffer.dtype == other.dtype, name
    seen = sights(model.card.blocks, model.card.control, 5)
    np.testing.assert_array_equal(again.predict(seen, None, True)[0], model.predict(seen, None, True)[0])


@pytest.mark.parametrize("kind", [*KINDS, "lstm", "transformer"])
def test_the_precision_of_another_network_is_not_its_own(kind):
    model = model_of(kind) if kind in KINDS else memory_model_of(kind)
    seen = sights(model.card.blocks, model.card.control, 5)
    told, memory = model.predict(seen, None, True)
    with torch.autocast("cpu", torch.bfloat16):
        again, kept = model.predict(seen, None, True)
    np.testing.assert_array_equal(again, told)
    np.testing.assert_array_equal(kept, memory)


@pytest.mark.parametrize("kind", DISCRETE)
@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"lots": [0.1, np.nan, 0.2]}, "lots of row 1 is nan, expected 0 to 1"),
        ({"lots": [0.1, 0.2, -0.1]}, "lots of row 2 is -0.1, expected 0 to 1"),
        ({"lots": [0.1, 1.5, 0.2]}, "lots of row 1 is 1.5, expected 0 to 1"),
        ({"lots": [0.5]}, r"lots is of shape \(1,\), expected \(3,\)"),
        ({"temperature": [np.nan, 1.0, 1.0]}, "temperature of row 0 is nan, expected 0 to inf"),
        ({"temperature": [1.0, -1.0, 1.0]}, "temperature of row 1 is -1, expected 0 to inf"),
        ({"temperature": 1.0}, r"temperature is of shape \(\), expected \(3,\)"),
    ],
)
def test_lots_and_temperatures_that_draw_nothing_sensible_are_named(kind, given, words):
    model, seen = model_of(kind), seen_by(kind, 3)
    with pytest.raises(ValueError, match=words):
        model.act(seen, **{"temperature": np.ones(3), **given})
    model.act(seen, lots=np.array([0.0, 0.5, 1.0]), temperature=np.array([0, 1, np.inf]))


@pytest.mark.parametrize("kind", DISCRETE)
def test_a_mask_that_would_be_spread_is_named_by_act_too(kind):
    model, seen = model_of(kind), seen_by(kind)
    for wrong in (seen[MASK][:1], seen[MASK][:, :1]):
        with pytest.raises(ValueError, match=f"'{MASK}' is of shape"):
            model.act({**seen, MASK: wrong})
    del seen[MASK]
    with pytest.raises(ValueError, match=f"expected '{MASK}' too"):
        model.act(seen)


def test_blocks_may_be_in_any_mapping():
    model, seen = model_of("values"), seen_by("values")
    assert np.array_equal(model.predict(MappingProxyType(seen))[0], model.predict(seen)[0])


@pytest.mark.parametrize("slots", [-1, 1.5, None])
def test_minds_of_no_number_of_monsters_are_named(slots):
    with pytest.raises(ValueError, match=f"slots is {slots}, expected a whole number of monsters"):
        model_of("values").begin(slots)
