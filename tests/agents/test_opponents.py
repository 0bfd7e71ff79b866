"""The scripted styles: legal, seeded, each its own; mixes of them; and what they are called."""

from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.config.read import ConfigError, resolve
from agents.judge.mirror import judge_mirror
from agents.learners.build import build_env
from agents.machine import Machine
from agents.opponents import STYLES, Mix, Style, mix_of, opponent_of
from agents.opponents.__main__ import main
from agents.opponents.dice import Dice
from agents.opponents.names import yardstick_of
from agents.opponents.plain import drawn
from agents.opponents.sight import Sight
from mlmonster_env.contract import (
    ARCHETYPES,
    ATTACK,
    CHANGE_TARGET,
    FLEE,
    IDLE,
    MOVE_AWAY,
    MOVE_RANDOMLY,
    USE_FIELD,
    USE_HARM,
    USE_HELP,
)
from mlmonster_env.envs.battle import MASK, Battle
from mlmonster_env.envs.rivals import RewindingRival, Rival, SeatedRival, YieldingRival
from mlmonster_env.sim import fields as f
from policies.storage import read_tree, write_tree
from tests.agents.minds import AtRandom, attacks, takes_offers

RIVALS = (*STYLES, "styles", "mix:random=1,stock=1,kiter=2")
OFFERS = (USE_HARM, USE_HELP, USE_FIELD)


class Watched:
    """A rival, and what it saw and did."""

    def __init__(self, rival: Any) -> None:
        self.rival = rival
        self.control, self.blocks = rival.control, rival.blocks
        self.seen: list[dict[str, Any]] = []
        self.done: list[Any] = []
        for name in ("forget", "state", "set_state", "sit", "yields", "rewind"):
            if hasattr(rival, name):  # set, for a protocol does not see what `__getattr__` would find
                setattr(self, name, getattr(rival, name))

    def __call__(self, seen: dict[str, Any]) -> Any:
        self.seen.append(seen)
        self.done.append(self.rival(seen))
        return self.done[-1]


def battle(rival: Any, scenario: str, archetype: str, matches: int, control: str = "skill", **more: Any) -> Battle:
    made = Battle(
        matches, control, archetype=archetype, scenario=scenario, opponent=rival, pack=True, observe=("state", MASK),
        **more,
    )  # fmt: skip
    made.reset(np.arange(matches) + 7)
    return made


def play(one: Battle, mind: Any, steps: int) -> None:
    for _ in range(steps):
        _, terminated, truncated = one.step(mind(one.observe()))
        one.begin(np.flatnonzero(terminated | truncated))


class Story:
    """What a style did in some matches: arrays [decisions, slots, ...]."""

    def __init__(self, name: str, scenario: str, archetype: str) -> None:
        watched = Watched(opponent_of(name, 1))
        one = battle(watched, scenario, archetype, 24)
        self.shared: list[float] = []
        for _ in range(100):
            seen: Any = one.observe()
            _, terminated, truncated = one.step(takes_offers(seen))
            self._see_targets(one)
            one.begin(np.flatnonzero(terminated | truncated))
        self.chosen = np.stack(watched.done)
        self.legal = np.stack([seen[MASK] for seen in watched.seen]) != 0
        sights = [Sight(seen, lambda _: np.zeros(0)) for seen in watched.seen]
        self.nearest, self.hp, self.from_home = (
            np.stack([getattr(sight, key) for sight in sights]) for key in ("nearest", "hp", "from_home")
        )
        self.free = self.legal.sum(2) > 1

    def share(self, actions: tuple[int, ...], where: Any = True) -> float:
        """How much of what was done, where there was a choice, is one of these."""
        return float(np.isin(self.chosen, actions)[self.free & where].mean())

    def _see_targets(self, one: Battle) -> None:
        units = one.arena.units
        alive = (units[:, f.ALIVE] != 0)[:, one.rivals]
        targets = np.where(alive, units[:, f.TARGET][:, one.rivals], -1)
        for row in targets:
            known = row[row >= 0]
            if len(known) > 1:
                self.shared.append(len(np.unique(known)) == 1)


@cache
def story(name: str, scenario: str = "mirror-v1:contact", archetype: str = "aggressive") -> Story:
    return Story(name, scenario, archetype)


@pytest.mark.parametrize("name", RIVALS)
@settings(max_examples=4)
@given(
    archetype=st.sampled_from(ARCHETYPES),
    scenario=st.sampled_from(["mirror-v1", "mirror-v1:contact", "raid-6v3", "duel"]),
    skills=st.sampled_from(["fair", "free"]),
    seed=st.integers(0, 1 << 31),
)
def test_only_what_is_legal_is_done(name, archetype, scenario, skills, seed):
    watched = Watched(opponent_of(name, seed))
    one = battle(watched, scenario, archetype, 6, "combat", skills=skills)
    play(one, AtRandom(seed), 30)
    for seen, done in zip(watched.seen, watched.done, strict=True):
        legal = seen[MASK][np.arange(len(done)), done] != 0
        stock = seen[MASK].sum(1) == 0
        assert (legal | stock & (done == IDLE)).all()


@pytest.mark.parametrize("name", ["random-skill", "coward", "styles", "mix:random=1,stock=1,kiter=2"])
def test_a_seed_is_a_way_to_play(name):
    digests = []
    for seed in (3, 3, 4):
        one = battle(opponent_of(name, seed), "mirror-v1", "mage", 12)
        play(one, takes_offers, 60)
        digests.append(one.arena.digest())
    assert digests[0] == digests[1] != digests[2]
    one.reset(np.arange(12) + 7)
    play(one, takes_offers, 60)
    assert one.arena.digest() == digests[2]


@pytest.mark.parametrize("name", RIVALS)
def test_a_rival_goes_on_from_its_state_to_the_bit(name, tmp_path):
    one = battle(opponent_of(name, 3), "mirror-v1:contact", "ranged", 8)
    play(one, takes_offers, 30)
    write_tree(tmp_path / "kept", one.state())
    play(one, takes_offers, 40)
    other = battle(opponent_of(name, 3), "mirror-v1:contact", "ranged", 8)
    other.set_state(read_tree(tmp_path / "kept"))
    play(other, takes_offers, 40)
    assert one.arena.digest() == other.arena.digest()


def test_what_is_forgotten_is_forgotten_of_those_slots_alone():
    rival = opponent_of("coward")
    one = battle(rival, "mirror-v1:contact", "aggressive", 8)
    play(one, takes_offers, 20)
    assert isinstance(rival, Style)
    before = rival.state()
    assert before["moods"]["fears"].any()
    rival.forget(np.arange(12))
    after = rival.state()
    assert not after["moods"]["fears"][:12].any()
    assert np.array_equal(after["moods"]["fears"][12:], before["moods"]["fears"][12:])
    assert (after["dice"]["matches"] - before["dice"]["matches"]).tolist() == [1] * 12 + [0] * 12


def test_a_match_does_not_depend_on_how_many_are_beside_it():
    digests = []
    for matches in (3, 9):
        one = battle(opponent_of("styles", 5), "mirror-v1:contact", "mage", matches)
        play(one, takes_offers, 30)
        digests.append(one.arena.digest()[:3])
    assert digests[0] == digests[1]


@pytest.mark.parametrize("name", RIVALS)
def test_every_one_is_a_rival_of_one_battle(name):
    rival = opponent_of(name)
    assert isinstance(rival, Rival) and isinstance(rival, SeatedRival) and isinstance(rival, RewindingRival)
    assert isinstance(rival, YieldingRival) == isinstance(rival, Mix)
    battle(rival, "skirmish", "mage", 1)
    with pytest.raises(ValueError, match="one of its own for each battle"):
        battle(rival, "skirmish", "mage", 1)


def test_a_rusher_only_ever_goes_forward():
    told = story("rusher")
    assert told.share((MOVE_AWAY, FLEE, IDLE)) == 0.0
    assert told.share((ATTACK, *OFFERS)) > 0.7
    assert story("rusher", "mirror-v1:field").share((MOVE_RANDOMLY,)) > 0.5


def test_a_kiter_strikes_from_farther_away_than_a_rusher():
    kiter, rusher = (story(name, archetype="ranged") for name in ("kiter", "rusher"))
    close = kiter.share((MOVE_AWAY,), kiter.nearest <= 3)
    assert close > 0.2 and kiter.share((MOVE_AWAY,), kiter.nearest > 6) < 0.05
    seen = [np.median(one.nearest[one.free & (one.nearest < 15)]) for one in (kiter, rusher)]
    assert seen[0] > seen[1]


def test_a_camper_holds_its_ground():
    camper, rusher = (story(name, "mirror-v1:field") for name in ("camper", "rusher"))
    assert camper.from_home[camper.free].mean() < 4 < 6 < rusher.from_home[rusher.free].mean()
    assert camper.share((ATTACK, *OFFERS), camper.nearest > 8) < 0.1
    assert story("camper").share((ATTACK, *OFFERS)) > 0.6


def test_who_puts_healers_first_helps_whenever_it_can():
    told = story("healer-first", archetype="support")
    assert told.chosen[told.legal[:, :, USE_HELP]].tolist().count(USE_HELP) == told.legal[:, :, USE_HELP].sum() > 20
    assert story("healer-first", archetype="mage").share((CHANGE_TARGET,)) > 0.02
    assert told.share((MOVE_AWAY,)) > story("rusher", archetype="support").share((MOVE_AWAY,))


def test_focused_fire_falls_on_one_enemy():
    focus, rusher = story("focus-fire"), story("rusher")
    assert np.mean(focus.shared) > 0.6 and np.mean(focus.shared) > np.mean(rusher.shared) + 0.15


def test_random_skills_are_taken_about_every_other_time():
    told = story("random-skill", archetype="mage")
    offered = told.legal[:, :, OFFERS].any(2)
    taken = np.isin(told.chosen, OFFERS)[offered].mean()
    assert 0.4 < taken < 0.75
    assert all(told.share((action,)) > 0.01 for action in (IDLE, MOVE_AWAY, MOVE_RANDOMLY))


def test_a_coward_fights_while_whole_and_runs_when_hurt():
    told = story("coward")
    hurt, whole = told.share((MOVE_AWAY, FLEE), told.hp < 0.6), told.share((MOVE_AWAY, FLEE), told.hp > 0.9)
    assert hurt > 0.6 and whole < 0.1
    assert told.share((ATTACK, *OFFERS), told.hp > 0.9) > 0.6


def test_an_ambusher_waits_until_somebody_is_close():
    field = story("ambusher", "mirror-v1:field")
    waits = (field.nearest > 7) & (field.hp == 1.0)
    assert field.share((IDLE,), waits) > 0.9 and field.from_home[waits & field.free].mean() < 1
    contact = story("ambusher")
    assert contact.share((ATTACK, *OFFERS), contact.nearest <= 4) > 0.6
    assert contact.share((FLEE, MOVE_AWAY)) > 0.03


@pytest.mark.parametrize("name", STYLES)
def test_every_style_can_win_matches(name):
    score = judge_mirror(
        takes_offers, "skill", ("state", MASK), "mirror-v1:contact", "mage", 12, opponent=name
    ).turned()  # fmt: skip
    assert score.won > 0.0 and 0.05 < score.win_rate < 0.95


def test_the_judge_takes_names_and_makes_each_batch_a_rival_of_its_own(monkeypatch):
    def judged(opponent: Any, pairs: int = 6) -> Any:
        return judge_mirror(
            attacks, "combat", ("state", MASK), "mirror-v1:contact", "mage", pairs, opponent=opponent
        ).pairs  # fmt: skip

    assert np.array_equal(judged("styles"), judged("styles"))
    assert not np.array_equal(judged("idle"), judged("stock"))
    monkeypatch.setattr("agents.judge.mirror.AT_ONCE", 4)
    assert len(judged("styles")) == 6
    with pytest.raises(ValueError, match="expected its name"):
        judged(opponent_of("rusher"))
    with pytest.raises(ValueError, match="perhaps rusher"):
        judged("rushr")


def test_a_mix_draws_as_often_as_it_is_told():
    mix = opponent_of("mix:rusher=3,stock=1", 2)
    assert isinstance(mix, Mix) and mix.names == ("rusher", "stock")
    mix.sit(800, 3)
    assert (mix.labels == -1).all()
    mix.forget(np.arange(2400))
    first = mix.labels.copy()
    assert 0.7 < (first == 0).mean() < 0.8
    assert np.array_equal(mix.yields(np.arange(800)), first == 1)
    mix.forget(np.arange(1200))
    assert np.array_equal(mix.labels[400:], first[400:]) and not np.array_equal(mix.labels[:400], first[:400])


def test_a_match_of_a_mix_is_played_in_the_style_of_its_label():
    mix = mix_of({"idle": 1, "rusher": 1, "stock": 1}, 4)
    watched = Watched(mix)
    one = battle(watched, "mirror-v1:contact", "aggressive", 24)
    play(one, takes_offers, 5)
    done, of_slots = np.stack(watched.done), np.repeat(mix.labels, 3)
    assert set(mix.labels) == {0, 1, 2}
    assert (done[:, of_slots != 1] == IDLE).all() and (done[:, of_slots == 1] != IDLE).mean() > 0.3
    led = one.arena.units[one.rival_matches, f.CONTROL, one.rival_units] != f.STOCK
    assert np.array_equal(led, of_slots != 2)


def test_a_mix_must_know_its_battle():
    with pytest.raises(RuntimeError, match="expected sit before forget"):
        opponent_of("styles").forget(np.arange(3))  # type: ignore[union-attr]
    with pytest.raises(ValueError, match="expected one above 0 for each"):
        Mix({}, ())
    with pytest.raises(ValueError, match="of a mix of rusher, expected kiter"):
        mix_of({"kiter": 1}).set_state(mix_of({"rusher": 1}).state())
    with pytest.raises(ValueError, match="expected \\['fears'\\]"):
        opponent_of("coward").set_state(opponent_of("rusher").state())  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("orders", "words"),
    [
        (lambda slots: ATTACK, r"odd gave orders of shape \(\) .* expected whole numbers of shape \(6,\)"),
        (lambda slots: np.full(1, ATTACK), r"odd gave orders of shape \(1,\)"),
        (lambda slots: np.full(len(slots), 0.5), "odd gave orders .* and type float64, expected whole numbers"),
    ],
)
def test_orders_in_a_mix_are_neither_spread_nor_cut(orders, words):
    odd = Style(STYLES["rusher"])
    odd.act = lambda seen, slots: orders(slots)  # type: ignore[method-assign]
    one = battle(Mix({"odd": odd}, (1.0,)), "mirror-v1:contact", "aggressive", 2)
    with pytest.raises(ValueError, match=words):
        play(one, takes_offers, 1)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("rushr", ("opponent is 'rushr'", "perhaps rusher", "mix:")),
        ("healer", ("perhaps healer-first",)),
        ("", ("opponent is ''", "stock", "styles")),
        (5, ("opponent is 5",)),
        ("mix:", ("'mix:'", "'' is none")),
        ("mix:rushr=1", ("'rushr' is none", "perhaps rusher")),
        ("mix:rusher=1,rusher=2", ("rusher stands twice",)),
        ("mix:rusher=0", ("weight '0'", "above 0")),
        ("mix:rusher=-1", ("weight '-1'",)),
        ("mix:rusher=nan", ("weight 'nan'",)),
        ("mix:rusher=inf", ("weight 'inf'",)),
        ("mix:rusher=", ("weight ''",)),
        ("mix:rusher=many", ("weight 'many'",)),
        ("mix:rusher=1e308,kiter=1e308", ("whose weights come to more", "expected smaller ones")),
    ],
)
def test_a_wrong_name_is_answered_with_the_nearest(name, words):
    with pytest.raises(ValueError) as error:
        opponent_of(name)
    assert all(word in str(error.value) for word in words), error.value


def test_a_maker_that_fails_is_named():
    with pytest.raises(ValueError, match="make_broken', which made nothing: RuntimeError: the weights"):
        opponent_of("tests.agents.minds:make_broken")


def test_a_module_that_fails_is_named(tmp_path, monkeypatch):
    (tmp_path / "askew.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match="'askew:make', which cannot be imported: ZeroDivisionError"):
        opponent_of("askew:make")


def test_names_that_a_battle_knows_are_left_to_it():
    assert [opponent_of(name) for name in ("stock", "random", "idle")] == ["stock", "random", "idle"]


def test_training_takes_every_name_and_gives_each_shard_a_rival_of_its_own():
    config = resolve({"opponents": "mix:rusher,stock=0.5", "algo": "ppo", "batch.matches": 6, "size": "tiny"})
    rivals = [shard.battle.rival for shard in build_env(config, Machine("cpu", 2)).shards]
    assert rivals[0] is not rivals[1] and all(isinstance(rival, Mix) for rival in rivals)
    with pytest.raises(ConfigError, match="opponents is 'kitr', expected perhaps kiter"):
        resolve({"opponents": "kitr"})


@settings(max_examples=20)
@given(st.integers(1, 40), st.integers(0, 1 << 40))
def test_dice_are_even_and_each_slot_has_its_own(slots, seed):
    dice = Dice(seed)
    dice.make_room(500)
    thrown = dice.throw(np.arange(500), 1)
    assert ((thrown >= 0) & (thrown < 1)).all() and 0.4 < thrown.mean() < 0.6
    assert np.array_equal(dice.throw(np.arange(slots), 1), thrown[:slots])
    dice.advance(np.arange(slots))
    assert not (dice.throw(np.arange(slots), 1) == thrown[:slots]).any()
    assert not (dice.throw(np.arange(slots, 500), 2) == thrown[slots:]).any()


@given(st.lists(st.lists(st.booleans(), min_size=5, max_size=5), min_size=1, max_size=5), st.floats(0, 0.999999))
def test_what_is_drawn_is_legal(legal, lot):
    rows = np.array(legal)
    found = drawn(rows, np.full(len(rows), lot))
    assert all(row[action] if row.any() else action == IDLE for row, action in zip(rows, found, strict=True))


def test_the_command_prints_a_table(capsys):
    assert main(["idle", "mix:rusher,kiter", "--archetype", "tank", "--pairs", "2"]) == 0
    told = capsys.readouterr().out
    assert all(word in told for word in ("tank", "idle", "mix:rusher,kiter", "field", "contact", "%"))


@pytest.mark.parametrize("words", [["rushr"], ["--archetype", "tnk"], ["--scenario", "mirorr"], ["--pairs", "0"]])
def test_the_command_names_what_is_wrong(words, capsys):
    assert main(words) == 2
    assert "expected" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("opponents", "yardstick"),
    [
        ("stock", "stock"), ("pool", "stock"), ("mix:pool=1", "stock"), ("mix:stock=2,idle=1,random=1", "stock"),
        ("kiter", "kiter"), ("styles", "styles"), ("mix:rusher=1,stock=1", "mix:rusher=1,stock=1"), ("idle", "idle"),
    ],
)  # fmt: skip
def test_the_stock_ai_measures_who_met_it_beside_plain_ones_or_past_selves(opponents, yardstick):
    assert yardstick_of(opponents) == yardstick


def test_a_rival_that_neither_sits_nor_draws_plays_in_a_mix(tmp_path):
    name = "mix:tests.agents.minds:make_plainest=2,rusher=1,stock=1"
    ones = [battle(opponent_of(name, 3), "mirror-v1:contact", "mage", 8, "combat") for _ in range(2)]
    rival: Any = ones[0].rival
    assert not isinstance(rival.players[0], SeatedRival | RewindingRival)
    for one in ones:
        play(one, attacks, 10)
        one.reset(np.arange(8) + 7)
        play(one, attacks, 10)
    assert rival.players[0].calls == 20 and ones[0].arena.digest() == ones[1].arena.digest()
    write_tree(tmp_path / "state", ones[0].state())
    play(ones[0], attacks, 10)
    ones[1].set_state(read_tree(tmp_path / "state"))
    play(ones[1], attacks, 10)
    assert ones[0].arena.digest() == ones[1].arena.digest()


@pytest.mark.parametrize(
    ("opponents", "yardstick"),
    [
        ("runs/gone", "runs/gone"), ("mix:pool=4,runs/gone=1", "stock"),
        ("mix:stock=4,runs/gone=1", "mix:stock=4,runs/gone=1"),
    ],
)  # fmt: skip
def test_the_yardstick_of_a_run_that_is_over_need_not_be_there(opponents, yardstick):
    assert yardstick_of(opponents, there=False) == yardstick
    with pytest.raises(ValueError, match="gone"):
        yardstick_of(opponents)
