"""What every script refuses: status 2, in words, before anything is played."""

import importlib

import pytest


def status_of(script: str, words: list[str]) -> int:
    try:
        return int(importlib.import_module(f"scripts.{script}").main(words))
    except SystemExit as told:
        assert isinstance(told.code, int)
        return told.code


@pytest.mark.parametrize(
    ("script", "words", "expected"),
    [
        ("selfplay", "--steps 0", "steps"),
        ("selfplay", "--seeds 0", "--seeds: 0, expected 1 at least"),
        ("selfplay", "--size huge --steps 300", "size"),
        ("conditioned", "--steps 0", "steps"),
        ("conditioned", "--pairs 1", "--pairs: 1, expected 2 at least"),
        ("sight", "--steps 0", "steps"),
        ("sight", "--seed -1", "seed"),
        ("sight", "--pairs 0", "--pairs: 0, expected 2 at least"),
        ("signals", "--pairs 0", "--pairs: 0, expected 2 at least"),
        ("demo", "--pairs 0", "--pairs: 0, expected 2 at least"),
        ("demo", "--steps 0", "--steps: 0, expected 1 at least"),
        ("demo", "--size huge", "--size: invalid choice: 'huge'"),
        ("memory_tasks", "--seeds 0", "--seeds: 0, expected 1 at least"),
        ("memory_tasks", "--rollouts 0", "--rollouts: 0, expected 1 at least"),
        ("memory_tasks", "--processes 0", "--processes: 0, expected 1 at least"),
        ("demo", "--out file/run --steps 10", "cannot be made"),
        ("analyze_rewards", "--matches 1 --plot file/picture.png", "File exists: 'file'"),
        ("gate_study", "file --results file/results.json", "File exists: 'file'"),
        ("results_pattern", "nowhere", "nowhere"),
        ("results_pattern", "nowhere --matches 0", "--matches: 0, expected 1 at least"),
    ],
)
def test_a_wrong_word_ends_with_2(script, words, expected, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    assert status_of(script, words.split()) == 2
    assert expected in capsys.readouterr().err
