"""The tasks show a cue once, ask for it when they say, and tell nothing more."""

from typing import Any

import numpy as np
import pytest

from scripts.tasks import CUES, SEGMENTS, CueTask, memory_task, recall_task


def played(task: CueTask, steps: int, answer: str = "cue") -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """What was seen, paid and ended at each step; who answers by the cue keeps it beside the task."""
    seen: Any = task.reset()
    held = np.zeros(task.num_envs, np.int64)
    told = []
    for _ in range(steps):
        signs = seen[:, :CUES].argmax(1)
        held = np.where(seen[:, CUES] > 0, signs, held)
        later, paid, ended, infos = task.step(held if answer == "cue" else signs)
        told.append((seen, paid, ended))
        assert [bool(info) for info in infos] == ended.tolist()
        seen = later
    return told


@pytest.mark.parametrize("task", [memory_task(16), memory_task(16, gap=(1, 1)), recall_task(16, 8)])
def test_a_cue_is_asked_for_when_it_is_said(task):
    told = played(task, 200)
    since = np.zeros(16, np.int64)
    gaps = []
    for seen, paid, ended in told:
        assert (seen[:, :CUES].sum(1) == 1).all()
        since = np.where(seen[:, CUES] > 0, 0, since + 1)
        asked = seen[:, CUES + 1] > 0
        assert (asked == ended).all() and (paid == ended).all()
        gaps += since[asked].tolist()
    assert (min(gaps), max(gaps)) == task.gap
    assert task.answered == task.right == len(gaps)
    assert task.share_right() == 1.0 and np.isnan(task.share_right())


def test_who_forgets_is_right_by_chance():
    task = memory_task(64)
    played(task, 1500, answer="what is shown now")
    assert task.answered > 5000 and task.share_right() == pytest.approx(1 / CUES, abs=0.03)


def test_a_recalled_cue_lies_whole_stretches_back():
    assert recall_task(1, 8).gap == (SEGMENTS * 8, SEGMENTS * 8 + 4)


def test_the_same_seed_shows_the_same_and_a_state_goes_on():
    one, other = memory_task(4, seed=3), memory_task(4, seed=3)
    for (a, *_), (b, *_) in zip(played(one, 30), played(other, 30), strict=True):
        assert np.array_equal(a, b)
    state = {name: np.copy(part) if name != "random" else part for name, part in one.state().items()}
    third = memory_task(4, seed=9)
    third.set_state(state)
    for _ in range(30):
        seen: Any = [task.step(np.zeros(4))[0] for task in (one, third)]
        assert np.array_equal(*seen)


def test_what_cannot_be_is_named():
    for gap in ((0, 3), (5, 4)):
        with pytest.raises(ValueError, match=r"gap is .*expected \(least, most\)"):
            CueTask(2, gap)
    with pytest.raises(ValueError, match="count is 0, expected at least 1"):
        CueTask(0)
