"""Bundles as players and opponents: known by their content, and playing what the trained model plays."""

import numpy as np
import pytest

from agents.bundle import OnnxPolicy
from agents.judge.matches import play
from agents.judge.players import player_of
from agents.opponents import ModelRival, opponent_of
from policies.policy import Policy
from tests.agents.exports import exported, saved

SCENE = "mirror-v1:contact"
SEEDS = np.arange(3) + 1000


@pytest.mark.parametrize("model_type", ["combat_dqn", "temporal_transformer"])
def test_a_bundle_plays_as_the_model_does(model_type):
    bundle = exported(model_type)
    player = player_of(bundle)
    assert (player.ref.digest, player.ref.name, player.archetype) == (bundle.name, f"mage/{model_type}", "mage")
    one, other = play(str(bundle), "stock", SCENE, SEEDS), play(Policy.load(saved(model_type)), "stock", SCENE, SEEDS)
    assert one.digests == other.digests and not one.void


def test_a_bundle_is_an_opponent():
    rival = opponent_of(str(exported("combat_dqn")))
    assert isinstance(rival, ModelRival) and isinstance(rival.policy, OnnxPolicy)


def test_a_damaged_bundle_is_no_player(tmp_path):
    folder = tmp_path / exported("combat_dqn").name
    folder.mkdir()
    for path in exported("combat_dqn").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "model.onnx").write_bytes(b"0")
    broken = player_of(folder).broken
    assert broken is not None and "BundleError" in broken and "wrong hash" in broken
