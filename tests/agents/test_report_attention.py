"""Pictures of attention: what is drawn is what the networks weigh, and models without any have none."""

import numpy as np
import pytest
import torch

from agents.judge.matches import play
from agents.report import attention
from agents.report.attention import pictures_of
from agents.report.sources import Subject
from agents.report.strength import player_for
from agents.report.tape import ShownMatch
from policies.extractors.entities import PRESENT, EntityEncoder
from policies.memory import TransformerXLCore
from policies.pattern import TOKENS, PatternNetwork
from policies.sizes import TINY
from tests.agents.test_matches import model

SCENE = "mirror-v1:train:contact"


def shown(subject):
    result = play(player_for(subject), "stock", SCENE, np.arange(1) + 3)
    return [ShownMatch(result, 3, 0, "contact")]


def subject_of(model_type, algo):
    return Subject(model_type, model(model_type, algo), {}, None, {})


@pytest.mark.parametrize(
    ("model_type", "algo", "title"),
    [
        ("temporal_transformer", "transformer_ppo", "How far back it looks"),
        ("spatial_vit", "ppo", "Where it looks on the whole"),
        ("threat_assessment", "supervised", "Who attends to whom"),
    ],
)
def test_transformers_have_pictures(model_type, algo, title):
    subject = subject_of(model_type, algo)
    found = pictures_of(subject, shown(subject))
    assert found is not None and title in [chart.title for chart in found.charts]
    for chart in found.charts:
        assert chart.svg.startswith("<svg ") and chart.says and "nan" not in chart.says


@pytest.mark.parametrize("turns", [True, False])
def test_pictures_say_which_way_is_up(turns):
    subject = subject_of("spatial_vit", "ppo")
    assert subject.policy is not None and subject.policy.actor.turns is True
    subject.policy.actor.turns = turns
    found = pictures_of(subject, shown(subject))
    assert found is not None
    told = found.charts[0].note + found.charts[0].svg
    assert ("enemies" in told, "north" in told) == (turns, not turns)
    assert ("cells ahead" in told, "cells east" in told) == (turns, not turns)


def test_a_model_of_patterns_has_one_too(monkeypatch):
    monkeypatch.setattr(attention, "STYLED", 4)
    found = pictures_of(subject_of("pattern_recognition", "patterns"), [])
    assert found is not None and found.charts[0].title == "Which frames matter"


def test_who_attends_to_nothing_has_none():
    subject = subject_of("combat_dqn", "ppo")
    assert pictures_of(subject, shown(subject)) is None
    assert pictures_of(Subject("none", None, {}, None, {}), []) is None


def test_a_memory_attends_only_to_what_there_was():
    torch.manual_seed(0)
    core = TransformerXLCore(6, 8, layers=2, heads=2, span=5)
    memory = torch.zeros(3, core.size)
    for moment in range(8):
        x = torch.randn(3, 6)
        weights = core.attention(x, memory)
        assert weights.shape == (3, 2, 2, 6)
        torch.testing.assert_close(weights.sum(-1), torch.ones(3, 2, 2))
        absent = max(5 - moment, 0)
        assert (weights[..., :absent] == 0).all() and (weights[..., absent:] > 0).all()
        _, memory = core.step(x, memory)


def test_nobody_attends_to_who_is_not_there():
    torch.manual_seed(0)
    encoder = EntityEncoder(8, 2, 2)
    rows = torch.rand(4, 12, 16)
    rows[..., PRESENT] = 0.0
    rows[:, [0, 3, 7], PRESENT] = 1.0
    weights = encoder.attention(rows)
    assert weights.shape == (4, 2, 2, 12, 12)
    torch.testing.assert_close(weights[..., [0, 3, 7]].sum(-1), torch.ones(4, 2, 2, 12))


def test_frames_that_were_not_seen_get_no_attention():
    torch.manual_seed(0)
    network = PatternNetwork(None, TINY).eval()
    frames = torch.rand(2, 90, 64)
    frames[:, :60] = 0.0
    weights = network.attention(frames)
    assert weights.shape[-1] == TOKENS and (weights[..., :20] == 0).all()
    torch.testing.assert_close(weights.sum(-1), torch.ones(weights.shape[:-1]))
