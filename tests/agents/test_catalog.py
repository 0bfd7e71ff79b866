"""The 54 models: all there, each of the size it is said to be, and those that are built give what they should."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from agents.catalog import CATALOG, TYPES, ModelType, model_type
from agents.learners.build import make_card
from mlmonster_env.contract import ARCHETYPES, BLOCKS, CONTROLS, MODEL_TYPES
from policies.actors import actor_of, build_actor, megabytes, meta_policy
from policies.masks import MASK
from policies.policy import Policy
from tests.policies.models import sights

ACTING = [kind for kind in TYPES.values() if kind.control]
LEARNT = [pytest.param(kind, algo, id=f"{kind.name} {algo}") for kind in ACTING for algo in kind.algos]


def actor(kind: ModelType, size: str, algo: str) -> tuple[Any, nn.Module]:
    torch.manual_seed(0)
    card = make_card(kind, "mage", size, algo)
    return card, build_actor(card.policy_class, card.blocks, card.control, card.policy_arguments)


def gives_legal_actions(kind: ModelType, size: str, algo: str, rows: int) -> None:
    card, network = actor(kind, size, algo)
    seen = sights(card.blocks, card.control, rows)
    chosen, _ = Policy(card, network).predict(seen, episode_start=True)
    if CONTROLS[kind.control]:
        assert chosen.shape == (rows,) and seen[MASK][np.arange(rows), chosen].all()
    else:
        assert chosen.shape == (rows, 4) and (np.abs(chosen) <= 1).all() and np.isfinite(chosen).all()


def test_there_are_54_of_them():
    assert len(CATALOG) == len({entry.name for entry in CATALOG}) == 54
    assert {entry.name for entry in CATALOG} == {f"{a}/{t}" for a in ARCHETYPES for t in MODEL_TYPES}
    assert "mage/combat_dqn" in {entry.name for entry in CATALOG}


@pytest.mark.parametrize("kind", TYPES.values(), ids=TYPES.keys())
def test_a_type_sees_what_there_is_and_masks_where_it_chooses(kind):
    assert set(kind.sees) <= set(BLOCKS) and len(set(kind.sees)) == len(kind.sees)
    assert kind.control in ("", *CONTROLS)
    assert kind.blocks[: len(kind.sees)] == kind.sees
    assert (MASK in kind.blocks) == bool(CONTROLS.get(kind.control))
    assert model_type(kind.name) is kind


def test_an_unknown_type_is_answered_with_the_nearest():
    with pytest.raises(ValueError, match="model_type is 'combat_dqm', expected perhaps combat_dqn"):
        model_type("combat_dqm")


@pytest.mark.parametrize("kind", ACTING, ids=lambda kind: kind.name)
def test_at_full_size_it_is_as_large_as_said(kind):
    card = make_card(kind, "mage", "full", kind.algos[0])
    policy = meta_policy(card.policy_class, card.blocks, card.control, card.policy_arguments)
    assert megabytes(actor_of(policy)) == pytest.approx(kind.megabytes, rel=0.1)


@pytest.mark.parametrize("size", ["tiny", "small"])
@pytest.mark.parametrize(("kind", "algo"), LEARNT)
def test_a_model_gives_legal_actions(kind, algo, size):
    gives_legal_actions(kind, size, algo, 12)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "algo"), LEARNT)
def test_a_model_of_full_size_gives_legal_actions(kind, algo):
    gives_legal_actions(kind, "full", algo, 3)


@pytest.mark.parametrize(("kind", "algo"), LEARNT)
def test_sizes_grow(kind, algo):
    found = []
    for size in ("tiny", "small", "full"):
        card = make_card(kind, "mage", size, algo)
        policy = meta_policy(card.policy_class, card.blocks, card.control, card.policy_arguments)
        found.append(megabytes(actor_of(policy)))
    assert found[0] < found[1] < found[2] and found[0] < 0.1 and found[1] < 2


def test_a_type_can_be_kept_from_seeing_some_of_its_blocks():
    kind = TYPES["spatial_vit"]
    assert kind.without(()) == kind
    blind = kind.without(("grid",))
    assert blind.blocks == ("state", MASK) and blind.algos == kind.algos
    gives_legal_actions(blind, "tiny", "ppo", 5)
    for wrong in ("state", "skills"):
        with pytest.raises(ValueError, match=rf"spatial_vit is to leave out '{wrong}', expected one of \['grid'\]"):
            kind.without((wrong,))
