"""Pack signals are worth sending: a pack that is told the same all the time already beats the stock AI."""

import pytest

from agents.judge.mirror import MirrorScore, judge_mirror
from mlmonster_env.contract import ATTACK_TARGET, DEFEND_LEADER, FLANK, FORM_UP
from scripts.signals import SEEN, always, gathers_then_attacks


def judged(mind, archetype: str, start: str, pairs: int) -> MirrorScore:
    return judge_mirror(mind, "pack", SEEN, f"pack-5:{start}", archetype, pairs)


@pytest.mark.parametrize("order", [ATTACK_TARGET, FORM_UP, DEFEND_LEADER, FLANK])
@pytest.mark.parametrize("archetype", ["mage", "aggressive"])
def test_in_contact_each_signal_to_fight_is_better_than_the_stock_ai(archetype, order):
    assert judged(always(order), archetype, "contact", 300).interval[0] > 0.5


@pytest.mark.slow
@pytest.mark.parametrize("archetype", ["mage", "aggressive"])
def test_in_the_field_a_pack_that_gathers_first_is_better_than_the_stock_ai(archetype):
    gathered = judged(gathers_then_attacks, archetype, "field", 150)
    assert gathered.interval[0] > 0.5
