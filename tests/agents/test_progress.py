"""The line of a run tells the truth: rate and time left of training alone."""

import contextlib
import io

import pytest

from agents.progress import ProgressLine


def shown(total=1000, **arguments):
    stream = io.StringIO()
    return ProgressLine(total, stream=stream, **arguments), stream


def test_rate_and_time_left_come_from_training_seconds():
    line, stream = shown()
    line.update(100, 10.0)
    line.update(200, 20.0, loss="0.5")
    text = line.text(200)
    assert "10/s" in text and "1.3 min left" in text and "loss 0.5" in text
    assert stream.getvalue().startswith(" 10.0%")


def test_a_resumed_run_does_not_count_what_was_before():
    line, _ = shown(begun_at=500)
    line.update(600, 10.0)
    assert "10/s" in line.text(600)


def test_a_resumed_run_goes_on_with_the_seconds_that_it_was_trained_for():
    line, stream = shown(begun_at=500, trained_s=600.0)
    line.update(500, 600.0)
    assert "/s" not in stream.getvalue() and "left" not in stream.getvalue()  # nothing is known yet
    line.update(600, 610.0)
    assert "10/s" in line.text(600) and "0.7 min left" in line.text(600)


def test_lines_go_where_the_program_prints_to_by_then():
    with contextlib.redirect_stdout(io.StringIO()) as stream:
        ProgressLine(100).say("kept")
    assert stream.getvalue() == "kept\n"


def test_old_moments_are_forgotten():
    line, _ = shown(total=10_000)
    line.update(100, 1.0)
    for second in range(2, 62):
        line.update(100 + second, float(second))
    assert " 1/s" in line.text(161)


def test_lines_are_seldom_where_there_is_no_terminal():
    line, stream = shown()
    for step in range(1, 50):
        line.update(step, float(step))
    assert stream.getvalue().count("\n") == 1
    line.say("something to keep")
    assert stream.getvalue().endswith("something to keep\n")
    line.close()


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_gets_a_bar():
    stream = Terminal()
    line = ProgressLine(100, stream=stream)
    line.update(50, 5.0)
    line.say("kept")
    line.close()
    assert "kept\n" in stream.getvalue() and " 50.0%" in stream.getvalue() and "━" in stream.getvalue()


@pytest.mark.parametrize("folder", ["my [runs]/x", "[/x]", ":fire:", "long/" * 40])
def test_a_folder_is_shown_on_a_terminal_as_it_is_called(folder):
    stream = Terminal()
    line = ProgressLine(100, stream=stream)
    line.update(50, 5.0, opponent=folder)
    line.say(f"the model is in {folder}")
    line.close()
    assert f"the model is in {folder}\n" in stream.getvalue()
