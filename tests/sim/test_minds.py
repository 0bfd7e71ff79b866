"""What a mind makes of an attack: it turns to whoever it can get at, and takes the others' as rude."""

from dataclasses import replace

import pytest

from mlmonster_env.sim import fields as f
from mlmonster_env.sim.lab import Place, open_field
from mlmonster_env.sim.status_columns import FLAGS
from mlmonster_env.sim.status_table import status_id
from tests.sim.staged import MIDDLE, RENEWAL, plain, world


@pytest.mark.parametrize(
    ("name", "cells", "turns"), [("SC_SPIDERWEB", 5, False), ("SC_SPIDERWEB", 1, True), ("SC_ANKLE", 5, True)]
)
def test_who_hangs_in_a_web_takes_an_attack_from_out_of_reach_as_rude(name: str, cells: int, turns: bool) -> None:
    held = replace(plain(mode=f.CAN_MOVE | f.CAN_ATTACK), attack_range=1)
    archer = replace(plain(mode=f.CAN_ATTACK), attack_range=9)
    places = [Place(held, 0, MIDDLE, MIDDLE), Place(archer, 1, MIDDLE + cells, MIDDLE)]
    arena = open_field(world(RENEWAL), places, 1, 1)
    arena.tables.species[2, f.HIT] = 1000
    arena.units[0, f.STATUS_ID, 0] = status_id(name)
    arena.units[0, f.STATUS_END, 0] = 60_000
    arena.units[0, f.STATUS_COUNT, 0] = 1
    arena.units[0, f.STATUS_FLAGS, 0] = arena.tables.statuses[status_id(name), FLAGS]
    arena.units[0, f.TARGET, 1] = 0
    turned = False
    for _ in range(60):
        arena.run(1)
        turned |= arena.units[0, f.TARGET, 0] == 1
    assert arena.units[0, f.DAMAGE_TAKEN, 0] > 0
    assert (turned, arena.units[0, f.RUDE, 0] > 0) == (turns, not turns)
