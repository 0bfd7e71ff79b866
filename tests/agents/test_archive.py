"""Results on disk: every match of one can be replayed and filmed later, and damage is named."""

import numpy as np
import pytest

from agents.judge.__main__ import main
from agents.judge.archive import load_result, save_result
from agents.judge.matches import play
from policies.storage import DamagedError

SCENE = "mirror-v1:contact"


@pytest.fixture(scope="module")
def result():
    return play("rusher", "stock", SCENE, np.arange(3) + 50, archetype="mage")


def test_what_was_kept_is_replayed_to_its_digest(result, tmp_path):
    save_result(result, tmp_path / "kept")
    found = load_result(tmp_path / "kept")
    for name in ("first", "second", "scenario", "archetype", "digests", "behaviour", "void"):
        assert getattr(found, name) == getattr(result, name)
    np.testing.assert_array_equal(found.scores, result.scores)
    for seed, digests in zip(found.seeds.tolist(), found.digests, strict=True):
        assert tuple(found.recording(seed, side).replayed_digest() for side in (0, 1)) == digests


def test_faults_are_kept_too(tmp_path):
    slow = play("rusher", "idle", SCENE, [1, 2], archetype="mage", slowest_s=0.0, record=False)
    save_result(slow, tmp_path / "kept")
    assert load_result(tmp_path / "kept").void == slow.void and len(slow.void) == 2


def test_damage_is_named(result, tmp_path):
    save_result(result, tmp_path)
    path = tmp_path / "matches" / "51-1.npz"
    other = tmp_path / "matches" / "51-0.npz"
    whole = path.read_bytes()
    path.write_bytes(other.read_bytes())
    with pytest.raises(DamagedError, match=r"51-1.npz is of a match that ended at"):
        load_result(tmp_path)
    path.write_bytes(whole[:100])
    with pytest.raises(DamagedError, match=r"51-1.npz cannot be read"):
        load_result(tmp_path)
    path.unlink()
    with pytest.raises(DamagedError, match=r"51-1.npz cannot be read"):
        load_result(tmp_path)


def test_any_match_is_filmed_from_its_result(result, tmp_path, capsys):
    save_result(result, tmp_path / "kept")
    film = tmp_path / "match.gif"
    assert main(["film", str(tmp_path / "kept"), "--number", "51", "--side", "1", "--to", str(film)]) == 0
    assert film.read_bytes()[:3] == b"GIF"
    assert main(["film", str(tmp_path / "kept"), "--number", "7", "--to", str(film)]) == 2
    assert "expected a seed of the result" in capsys.readouterr().err
    assert main(["film", str(tmp_path / "nothing"), "--number", "7", "--to", str(film)]) == 2
    assert "is missing" in capsys.readouterr().err
