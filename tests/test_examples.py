"""The examples run and do what they show."""

import ast
import math
import runpy
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
import torch
from nbclient import NotebookClient
from stable_baselines3 import PPO

from mlmonster_env import ArenaVecEnv

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
NOTEBOOK = EXAMPLES / "quickstart.ipynb"


@pytest.fixture(autouse=True)
def one_thread(monkeypatch, tmp_path):
    monkeypatch.setenv("SB3_LOGDIR", str(tmp_path))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def run(name: str, *arguments: str) -> Any:
    """What the main function of an example gives."""
    return runpy.run_path(str(EXAMPLES / name))["main"](arguments)


def test_plain_torch_runs(capsys):
    means = run("torch_policy_gradient.py", "--steps", "40000", "--seed", "1")
    assert means and all(math.isfinite(mean) for mean in means)
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == len(means)
    assert printed[-1].startswith("   40,960 decisions: mean return")


def test_plain_torch_learns_the_same_from_a_seed():
    assert run("torch_policy_gradient.py", "--steps", "30000") == run("torch_policy_gradient.py", "--steps", "30000")


@pytest.mark.slow
def test_plain_torch_learns_to_fight():
    means = run("torch_policy_gradient.py")
    assert len(means) >= 8
    assert means[-1] > means[0] + 1


def test_sb3_runs_and_keeps_its_policy(tmp_path):
    model = run("sb3_ppo.py", "--steps", "6144", "--save", str(tmp_path / "policy.zip"))
    assert model.num_timesteps == 6144
    vec = ArenaVecEnv("combat", 2, seed=0)
    seen = vec.reset()
    again = PPO.load(tmp_path / "policy.zip")
    assert (again.predict(seen, deterministic=True)[0] == model.predict(seen, deterministic=True)[0]).all()


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_a_script_can_be_read_at_one_sitting(path):
    text = path.read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(text))
    assert len(text.splitlines()) <= 100


@pytest.fixture(scope="module")
def executed() -> Any:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    return NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(EXAMPLES.parent)}}).execute()


def outputs(notebook: Any, words: str) -> list[Any]:
    """What the cell prints and shows whose source holds some words."""
    (cell,) = (cell for cell in notebook.cells if cell.cell_type == "code" and words in cell.source)
    return list(cell.outputs)


def printed(notebook: Any, words: str) -> str:
    return "".join(output.text for output in outputs(notebook, words) if output.output_type == "stream")


def pictures(notebook: Any, words: str, kind: str) -> list[str]:
    return [output.data[kind] for output in outputs(notebook, words) if kind in output.get("data", {})]


def test_the_notebook_is_kept_without_outputs():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code and all(cell.outputs == [] and cell.execution_count is None for cell in code)


def test_the_notebook_shows_make_look_step_film_record_and_replay(executed):
    headings = [cell.source.split("\n")[0] for cell in executed.cells if cell.cell_type == "markdown"]
    assert {f"## {name}" for name in ("Make", "Look", "Step", "Film", "Record", "Replay")} <= set(headings)
    assert "MLMonster/Combat-v0" in printed(executed, "print(env.action_space)")
    assert "attack" in printed(executed, "COMBAT_ACTIONS")
    assert printed(executed, 'render_mode="ansi"').count("(mage)") == 6


def test_the_notebook_shows_pictures(executed):
    looked, stepped = (pictures(executed, words, "image/png") for words in ("from PIL import Image", "while not over"))
    assert len(looked) == len(stepped) == 1
    assert looked != stepped
    assert len(looked[0]) > 5000


def test_the_notebook_plays_films_and_replays_one_match(executed):
    steps = int(printed(executed, "while not over").split()[0])
    assert 10 <= steps <= 360
    assert printed(executed, "recording.save").startswith(f"{steps} orders")
    (film,) = pictures(executed, "mlmonster_env.film", "image/gif")
    assert len(film) > 50_000
    told = printed(executed, "replayed_digest").splitlines()
    assert len(told) >= 6 and any(line.endswith("dead") for line in told)
    counts = ast.literal_eval(printed(executed, "make_vec"))
    assert set(counts) == {"lost", "drawn", "won"} and np.sum([*counts.values()]) > 256
