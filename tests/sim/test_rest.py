"""Minds at rest are passed over, and nothing about a match shows it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlmonster_env.data import Bestiary
from mlmonster_env.sim import Arena
from mlmonster_env.sim import fields as f
from tests.reference import reference_path

ROOT = Path(__file__).resolve().parents[2]
SCENARIOS = ("skirmish-1v1", "skirmish-5v5", "skirmish-12v12", "pack-6", "raid-6v3", "sight-v1", "duel")
DIGESTS = f"""
import sys
from mlmonster_env.data import Bestiary
from mlmonster_env.plans import Plan, Side, Start
from mlmonster_env.sim import Arena
from mlmonster_env.sim import fields as f

def brawl(bestiary):
    # Many lives, and minds that turn on whoever strikes them: attackers are forgotten in the midst of a fight.
    turning = [m.aegis_name for m in bestiary if m.mode & f.CHANGE_TARGET_MELEE and m.mode & f.CAN_ATTACK]
    side = Side(8, species=tuple(name for name in turning if bestiary[name].hp < 6000)[:30], mixed=True)
    return Plan("brawl", side, ("open-24",), (Start("near", (2, 4), aware=True),), second=side, duel=True, lives=20)

for path in sys.argv[1:] or [None]:
    for mode in ("renewal", "pre-renewal"):
        bestiary = Bestiary.load(path, mode=mode)
        for name in ({SCENARIOS} + (brawl(bestiary),)):
            for control in (None, "skill"):
                arena = Arena(20, name, bestiary, seed=3, restart=control is None)
                arena.put_under_orders(control, range(arena.scenario.members))
                arena.reset()
                arena.run(400)
                print(mode, name, control, *arena.digest())
                if name == brawl(bestiary):
                    for _ in range(40):
                        arena.run(25)
                        print(*arena.digest())
"""


@pytest.mark.parametrize("mode", ["renewal", "pre-renewal"])
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_run_is_its_ticks(name, mode):
    # At the beginning of a run everybody is asked: tick by tick nobody rests for longer than one.
    bestiary = Bestiary.load(mode=mode)
    whole = Arena(40, name, bestiary, seed=4, restart=True)
    whole.run(400)
    by_ticks = Arena(40, name, bestiary, seed=4, restart=True)
    for _ in range(400):
        by_ticks.run(1)
    assert whole.digest() == by_ticks.digest()


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(1, 60), min_size=1, max_size=8), st.integers(0, 2**20))
def test_runs_may_be_cut_anywhere(lengths, seed):
    whole = Arena(6, "pack-6", seed=seed)
    whole.run(sum(lengths))
    cut = Arena(6, "pack-6", seed=seed)
    for length in lengths:
        cut.run(length)
    assert whole.digest() == cut.digest()


@pytest.mark.parametrize("ticks", [60, 120, 180])
def test_what_is_restored_is_played_the_same(ticks):
    arena = Arena(200, "skirmish-12v12", seed=3)
    arena.run(ticks)
    kept = arena.snapshot()
    arena.run(1)
    played = arena.digest()
    arena.run(400)
    arena.restore(kept)
    arena.run(1)
    assert arena.digest() == played


def test_between_runs_nobody_rests():
    arena = Arena(20, "skirmish-5v5", seed=1)
    arena.run(100)
    assert (arena.after == f.NOBODY).all()


def digests(package: Path, cache: Path, *paths: str) -> str:
    """What matches come to under the rules of a package, with the bestiaries that lie in some folders."""
    env = {**os.environ, "MLMONSTER_CACHE": str(cache), "PYTHONPATH": str(package)}
    command = [sys.executable, "-c", DIGESTS, *paths]
    return subprocess.run(command, cwd=package, env=env, capture_output=True, text=True, check=True).stdout


def restless(tmp_path: Path) -> None:
    """A copy of the package whose minds never rest."""
    shutil.copytree(ROOT / "mlmonster_env", tmp_path / "mlmonster_env", ignore=shutil.ignore_patterns("__pycache__"))
    for file, rested, changed in (
        ("rest.py", "    w.wake[u] = until\n    w.after[u] = whom\n", "    return\n"),
        (
            "mind.py",
            "    if s[f.TARGET, u] == f.NOBODY:\n        return False\n",
            "    if now >= 0:\n        return False\n",
        ),
    ):
        path = tmp_path / "mlmonster_env" / "sim" / file
        text = path.read_text()
        assert text.count(rested) == 1
        path.write_text(text.replace(rested, changed))


@pytest.mark.slow
def test_minds_that_always_think_do_the_same(tmp_path):
    restless(tmp_path)
    assert digests(ROOT, tmp_path / "rested") == digests(tmp_path, tmp_path / "restless")


@pytest.mark.slow
def test_real_minds_that_always_think_do_the_same(tmp_path):
    restless(tmp_path)
    path = str(reference_path())
    assert digests(ROOT, tmp_path / "rested", path) == digests(tmp_path, tmp_path / "restless", path)
