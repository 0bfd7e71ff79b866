"""A recording becomes a film that can be looked at."""

import sys

import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image, ImageSequence

from mlmonster_env import film
from mlmonster_env.contract import CONTROLS
from mlmonster_env.data import Bestiary
from mlmonster_env.envs.film import LAST_SCENE_MS
from mlmonster_env.envs.monster import MonsterEnv
from mlmonster_env.envs.vector import MonsterVectorEnv
from mlmonster_env.sim.recording import Recording
from tests.envs.play import actions

STEPS = 8


def recorded(control: str = "combat", **arguments) -> Recording:
    env = MonsterEnv(control, **arguments)
    env.reset(seed=2)
    for _, action in zip(range(STEPS), actions(env.action_space), strict=False):
        env.step(action)
    return env.recording()


@pytest.fixture(scope="module")
def recording() -> Recording:
    return recorded(archetype="mage")


def test_a_gif_shows_every_scene(tmp_path, recording):
    path = tmp_path / "deep" / "match.gif"
    film(recording, path)
    with Image.open(path) as pictures:
        frames = ImageSequence.all_frames(pictures)
        assert len(frames) == len(list(recording.scenes()))
        assert len({frame.convert("RGB").tobytes() for frame in frames}) > STEPS
        assert len({frame.size for frame in frames}) == 1


def test_an_mp4_shows_every_scene_and_stays_at_the_last(tmp_path, recording):
    path = tmp_path / "match.MP4"
    film(recording, str(path), fps=5)
    frames, seconds = imageio_ffmpeg.count_frames_and_secs(str(path))
    assert frames == len(list(recording.scenes())) + round(5 * LAST_SCENE_MS / 1000)
    assert seconds == pytest.approx(frames / 5, abs=0.5)
    pictures = imageio_ffmpeg.read_frames(str(path))
    width, height = next(pictures)["size"]
    first = np.frombuffer(next(pictures), np.uint8)
    assert first.size == 3 * width * height and first.std() > 10
    pictures.close()


@pytest.mark.parametrize("control", CONTROLS)
def test_every_control_can_be_filmed(tmp_path, control):
    path = tmp_path / "match.gif"
    film(recorded(control, opponent="random"), path)
    assert path.stat().st_size > 10_000


@pytest.mark.parametrize("scenario", ["duel", "raid-6v3", "mirror-v1:held-out"])
def test_every_scenario_can_be_filmed(tmp_path, scenario):
    path = tmp_path / "match.gif"
    film(recorded(scenario=scenario), path)
    assert path.stat().st_size > 10_000


def test_a_match_that_has_just_begun_is_one_picture(tmp_path):
    env = MonsterEnv()
    env.reset(seed=0)
    film(env.recording(), tmp_path / "match.gif")
    with Image.open(tmp_path / "match.gif") as pictures:
        assert len(ImageSequence.all_frames(pictures)) == 1


def test_a_row_of_a_batch_can_be_filmed(tmp_path):
    env = MonsterVectorEnv(3, record=True)
    env.reset(seed=0)
    for _ in range(3):
        env.step(np.ones(3, int))
    film(env.recording(1), tmp_path / "match.gif")
    assert (tmp_path / "match.gif").stat().st_size > 1000


def test_a_recording_of_another_bestiary_needs_it(tmp_path):
    older = Bestiary.load(mode="pre-renewal")
    recording = recorded(bestiary=older)
    film(recording, tmp_path / "match.gif", bestiary=older)
    with pytest.raises(ValueError, match=f"bestiary {recording.bestiary[:12]}"):
        film(recording, tmp_path / "other.gif", bestiary=Bestiary.load())


@pytest.mark.parametrize("name", ["match.webm", "match", "gif", "match.gif.txt"])
def test_a_wrong_ending_is_named(tmp_path, recording, name):
    with pytest.raises(ValueError, match=rf"path is '.*{name}', expected a file that ends in \.gif or \.mp4"):
        film(recording, tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_film_goes_at_twice_the_pace_of_the_match(tmp_path, recording):
    path = tmp_path / "match.gif"
    film(recording, path)
    with Image.open(path) as pictures:
        shown_ms = [picture.info["duration"] for picture in ImageSequence.Iterator(pictures)]
    assert 2 * sum(shown_ms[:-1]) == pytest.approx(len(recording.orders) * recording.ticks * 100, abs=200)


def test_an_mp4_without_what_writes_it_is_an_error_that_says_so(tmp_path, recording, monkeypatch):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(ValueError, match=r"match\.mp4', and imageio-ffmpeg is not installed; expected a \.gif, or"):
        film(recording, tmp_path / "match.mp4")
    film(recording, tmp_path / "match.gif")


def test_what_is_no_recording_and_no_pace_are_named(tmp_path, recording):
    with pytest.raises(ValueError, match=r"recording is 'match\.npz', expected a Recording"):
        film("match.npz", tmp_path / "match.gif")
    for fps in (0, "10", None, float("inf"), float("nan"), 1000):
        with pytest.raises(ValueError, match=f"fps is {fps!r}, expected at least 1"):
            film(recording, tmp_path / "match.gif", fps=fps)
    with pytest.raises(ValueError, match="bestiary is 'renewal', expected a Bestiary"):
        film(recording, tmp_path / "match.gif", bestiary="renewal")
