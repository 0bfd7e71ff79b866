"""The laws of every match hold for the monsters of a real server too, however often they use their skills."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from mlmonster_env.data import Bestiary
from mlmonster_env.scenarios import named as plan_named
from mlmonster_env.sim import Arena, Scenario
from mlmonster_env.sim import fields as f
from mlmonster_env.sim.staging import stage
from tests.reference import reference_path
from tests.sim.grounds import bundled_maps, moved_to, open_ground
from tests.sim.watch import JOURNAL_RECORDS, Watch

SIZES = (1, 3, 8)
ROUNDS = 60
ALWAYS = 10_000


@cache
def real(mode: str) -> Bestiary:
    return Bestiary.load(reference_path(), mode=mode)


@cache
def everybody(mode: str, size: int) -> Scenario:
    """A skirmish whose tables hold all monsters that can move or strike."""
    names = tuple(monster.aegis_name for monster in real(mode) if monster.mode & (f.CAN_MOVE | f.CAN_ATTACK))
    plan = plan_named(f"skirmish-{size}v{size}")
    return stage(replace(plan, name="everybody", first=replace(plan.first, species=names)), real(mode))


def drawn(scenario: Scenario, random: np.random.Generator) -> Scenario:
    """The same with mixed packs drawn anew, somewhere, perhaps with eager skills."""
    packs = random.integers(1, len(scenario.line_ups) + 1, (512, scenario.members), np.int32)
    changed = replace(scenario, line_ups=packs)
    place = random.integers(3)
    if place > 0:
        ground = bundled_maps() if place == 1 else open_ground(int(random.integers(8, 30)))[None]
        changed = moved_to(changed, ground, int(random.integers(2**31)))
    if random.random() < 0.5:
        rows = changed.tables.rows.copy()
        used = rows[:, :, f.R_SKILL] > 0
        rows[:, :, f.R_RATE] = np.where(used, ALWAYS, rows[:, :, f.R_RATE])
        rows[:, :, f.R_DELAY] = np.minimum(rows[:, :, f.R_DELAY], 1500)
        changed = replace(changed, tables=replace(changed.tables, rows=rows))
    return changed


@pytest.mark.parametrize("mode", ["renewal", "pre-renewal"])
@pytest.mark.parametrize("size", SIZES)
def test_mixed_packs_of_real_monsters(mode: str, size: int) -> None:
    random = np.random.default_rng(size)
    for _ in range(ROUNDS):
        scenario = drawn(everybody(mode, size), random)
        seed = int(random.integers(2**31))
        watched = Watch(Arena(8, scenario, real(mode), seed, journal_records=JOURNAL_RECORDS))
        for chunk in random.integers(1, 40, 12):
            watched.run(int(chunk))
