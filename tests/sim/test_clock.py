"""What comes first of what falls together: minds think, and then steps and blows begun in earlier rounds are due."""

from dataclasses import replace

import pytest

from mlmonster_env.data import MobSkill, Monster
from mlmonster_env.sim import fields as f
from mlmonster_env.sim.lab import Place, open_field, take_journal, watch
from tests.sim.staged import MIDDLE, RENEWAL, plain, world

NEVER_USED = MobSkill(
    state="any", skill="NPC_EMOTION", skill_id=197, level=1, rate=10_000, cast_ms=0, delay_ms=0, cancelable=False,
    target="self", condition="myhpltmaxrate", condition_value=0, values=(0,) * 5, emotion=-1,
)  # fmt: skip


def striker(walk_ms: int, mode: int = 0) -> Monster:
    mode |= f.CAN_ATTACK | f.AGGRESSIVE_MODE
    return replace(plain(mode=mode), walk_speed=walk_ms, attack_range=1, skill_range=10, chase_range=12)


def first_blows(walk_ms: int) -> tuple[int, int]:
    """When one who walks up to another, seven cells away, strikes first, and when the other, who stands, does."""
    places = [
        Place(striker(walk_ms, f.CAN_MOVE), 0, MIDDLE, MIDDLE),
        Place(striker(walk_ms), 1, MIDDLE + 7, MIDDLE),
    ]
    records = watch(open_field(world(RENEWAL), places, 1, 1, journal_records=64), 40)[0]
    blows = [records[(records[:, 1] == f.J_ATTACK) & (records[:, 2] == unit)][0, 0] for unit in (0, 1)]
    begins = int(blows[0]) - 6 * walk_ms
    return int(blows[0]) - begins, int(blows[1]) - begins


@pytest.mark.parametrize(("walk_ms", "answer"), [(100, 700), (200, 1300), (150, 1000), (175, 1100), (160, 1000)])
def test_who_comes_into_reach_just_as_minds_think_is_seen_by_the_next_thought(walk_ms: int, answer: int) -> None:
    assert first_blows(walk_ms) == (6 * walk_ms, answer)


@pytest.mark.parametrize("delay", [900, 1000, 1100])
def test_a_round_of_thinking_adds_no_check_to_a_blow_that_falls_together_with_it(delay: int) -> None:
    monster = replace(striker(200), attack_delay=delay, attack_motion=500, skills=(NEVER_USED,))
    places = [Place(monster, 0, MIDDLE, MIDDLE), Place(plain(), 1, MIDDLE + 1, MIDDLE)]
    arena = open_field(world(RENEWAL), places, 1, 1, journal_records=64)
    arena.run(3)
    throws, blows = set(), 0
    for _ in range(100):
        arena.run(1)
        blows += int((take_journal(arena)[0][:, 1] == f.J_ATTACK).sum())
        throws.add(int(arena.units[0, f.THROW, 0]))
    assert len(throws) in (blows, blows + 1)  # the dice are thrown once for each blow, and no more
