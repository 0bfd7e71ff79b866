"""Terms are what their names say, within their ranges, and shaping changes nothing about what is best."""

import numpy as np
import pytest

from mlmonster_env.envs.battle import Battle, seeds_from
from mlmonster_env.sim.deeds import Events
from rewards import TERMS
from rewards.terms import GAMMA, Array, Term
from scripts.behaviours import act

MATCHES = 12


class Watched:
    """A reward that pays nothing and keeps what every term gave in every step, for the slots of its battle."""

    def __init__(self) -> None:
        self.steps: list[dict[str, Array]] = []
        self.events: list[dict[str, Array]] = []

    def __call__(self, events: Events) -> Array:
        self.steps.append({name: term(events).copy() for name, term in TERMS.items()})
        self.events.append({name: np.array(events[name]) for name in Events.names()})
        return np.zeros(events.side.shape, np.float32)


def played(behaviour: str, scenario: str = "mirror-v1:contact", seed: int = 0, steps: int = 400) -> Watched:
    """Matches played to their ends under a behaviour, each once."""
    watched = Watched()
    battle = Battle(MATCHES, scenario=scenario, pack=True, reward=watched)
    battle.reset(seeds_from(seed, MATCHES))
    random = np.random.default_rng(seed)
    over = np.zeros(MATCHES, np.bool_)
    for step in range(steps):
        _, terminated, truncated = battle.step(act(behaviour, battle, step, random))
        over |= terminated | truncated
        if over.all():
            return watched
    raise AssertionError("matches did not end")


@pytest.fixture(scope="module", params=["winning", "random", "kiting"])
def watched(request) -> Watched:
    return played(request.param)


@pytest.fixture(scope="module")
def duel() -> Watched:
    return played("gathering", "duel")


@pytest.mark.parametrize("term", TERMS.values(), ids=TERMS.keys())
def test_every_term_stays_in_its_range(term: Term, watched, duel):
    for steps in (watched.steps, duel.steps):
        values = np.array([step[term.name] for step in steps])
        assert values.dtype == np.float32 and np.isfinite(values).all()
        assert term.low is None or values.min() >= term.low
        assert term.high is None or values.max() <= term.high


def test_every_term_has_a_name_and_a_sentence():
    for name, term in TERMS.items():
        assert term.name == name and term.doc and "\n\n" not in term.doc


def test_every_term_pays_somewhere(watched, duel):
    seen = {name for steps in (watched.steps, duel.steps) for step in steps for name in step if step[name].any()}
    assert {"damage_dealt", "damage_taken", "survival_time", "approach", "hp_difference", "item_picked"} <= seen


def test_damage_is_in_percent_of_ones_own_hit_points(watched):
    for step, events in zip(watched.steps, watched.events, strict=True):
        expected = 100.0 * events["damage_dealt"] / events["max_hp"]
        assert np.allclose(step["damage_dealt"], expected, rtol=1e-5)


def test_a_win_is_a_loss_of_the_other_side_and_comes_once(watched):
    wins = np.array([step["win"] for step in watched.steps]).sum(0)
    losses = np.array([step["loss"] for step in watched.steps]).sum(0)
    draws = np.array([step["draw"] for step in watched.steps]).sum(0)
    assert ((wins + losses + draws) == 1).all()
    assert (wins[:, :3] == losses[:, 3:]).all()


def test_healing_those_who_need_none_is_no_effective_healing():
    watched = played("healing")
    for step in watched.steps:
        assert (step["effective_healing"] <= step["healing_done"] + 1e-3).all()


@pytest.mark.parametrize("name", ["approach", "hp_difference"])
@pytest.mark.parametrize("behaviour", ["winning", "stalling", "random", "suicide"])
def test_shaping_adds_the_same_to_every_way_to_play(name, behaviour):
    """Discounted and summed up, it is minus the potential at the beginning, whatever was done: so it cannot prefer."""
    watched = played(behaviour)
    total = np.zeros(watched.steps[0][name].shape)
    on = np.ones(total.shape, np.bool_)
    for t, (step, events) in enumerate(zip(watched.steps, watched.events, strict=True)):
        total += GAMMA**t * step[name] * on
        on &= ~events["over"]
    first = watched.events[0]
    if name == "approach":
        potential = np.clip(1.0 - first["distance_before"] / 14, 0.0, 1.0) * first["alive_before"]
    else:
        own, other = first["hp_share_before"][:, :3].mean(1), first["hp_share_before"][:, 3:].mean(1)
        potential = np.outer(own - other, [1, 1, 1, -1, -1, -1])
    assert np.allclose(total, -potential, atol=1e-4)
