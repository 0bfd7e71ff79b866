"""Judged matches: sides are changed, faults void, nothing valid is no evidence, and every match can be replayed."""

import shutil
import threading
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.catalog import TYPES
from agents.judge.matches import BEHAVIOUR, NoEvidenceError, play
from agents.judge.mirror import judge_mirror
from agents.judge.players import ModelRef, Player, player_of, sampled, script_digest
from agents.learners.build import make_card
from mlmonster_env.sim.recording import Recording
from policies.actors import build_actor
from policies.policy import Policy

SEEDS = np.arange(6) + 1000
SCENE = "mirror-v1:contact"


def model(model_type="combat_dqn", algo="ppo", seed=0):
    torch.manual_seed(seed)
    card = make_card(TYPES[model_type], "mage", "tiny", algo)
    return Policy(card, build_actor(card.policy_class, card.blocks, card.control, card.policy_arguments))


class Breaking:
    """A rusher until its last moment."""

    def __init__(self, seed, after, how):
        make = player_of("rusher").make
        assert make is not None
        self._inner = make(seed)
        self.control, self.blocks = self._inner.control, self._inner.blocks
        self._left, self._how = after, how

    def __getattr__(self, name):
        return getattr(self._inner, name)

    def __call__(self, seen):
        self._left -= 1
        actions = self._inner(seen)
        return actions if self._left > 0 else self._how(actions)

    def forget(self, slots):
        self._inner.forget(slots)

    def state(self):
        return {}

    def set_state(self, state):
        pass


def breaking(after, how):
    made = player_of("rusher")
    return type(made)(made.ref, lambda seed: Breaking(seed, after, how))


def fails(actions):
    raise RuntimeError("out of order")


def test_both_see_the_same_matches():
    here = play("rusher", "idle", SCENE, SEEDS, archetype="mage")
    there = play("idle", "rusher", SCENE, SEEDS, archetype="mage")
    assert here.win_rate > 0.9 and here.seeds.tolist() == SEEDS.tolist()
    np.testing.assert_allclose(there.scores, 1 - here.scores[:, ::-1])
    assert {a for pair in here.digests for a in pair} == {a for pair in there.digests for a in pair}


def test_the_stock_ai_can_be_either():
    first = play("stock", "rusher", SCENE, SEEDS, archetype="mage")
    second = play("rusher", "stock", SCENE, SEEDS, archetype="mage")
    np.testing.assert_allclose(first.scores, 1 - second.scores[:, ::-1])
    assert (first.first.name, first.second.name) == ("stock", "rusher")


def test_the_same_player_on_both_sides_is_even():
    result = play("rusher", "rusher", SCENE, np.arange(12), archetype="mage")
    assert result.win_rate == pytest.approx(0.5)


@pytest.mark.parametrize(("model_type", "algo"), [("combat_dqn", "ppo"), ("temporal_transformer", "transformer_ppo")])
def test_a_match_is_replayed_from_its_result(model_type, algo, tmp_path):
    result = play(model(model_type, algo), "kiter", SCENE, SEEDS[:3])
    assert result.archetype == "mage" and result.behaviour["decision_s"] > 0 and 0 <= result.behaviour["survival"] <= 1
    for number, seed in enumerate(result.seeds.tolist()):
        for side in (0, 1):
            result.recording(seed, side).save(tmp_path / "match.npz")
            assert Recording.load(tmp_path / "match.npz").replayed_digest() == result.digests[number][side]
    with pytest.raises(ValueError, match="expected a seed of the result"):
        result.recording(5)


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        (fails, "RuntimeError: out of order"),
        (lambda actions: actions[:-1], "expected one for each of"),
        (lambda actions: actions * 0 + 10, "ordered what is illegal"),
        (lambda actions: actions * 0 - 1, "ordered what is illegal"),
        (lambda actions: actions * 0.5, "ordered what is illegal"),
        (lambda actions: [None] * len(actions), "ordered what is illegal"),
        (lambda actions: ["attack"] * len(actions), "ordered what is illegal"),
        (lambda actions: [[0], *([0, 0] for _ in actions[1:])], "ValueError: .* inhomogeneous"),
    ],
)
def test_a_fault_voids_what_was_played(how, reason):
    with pytest.raises(NoEvidenceError, match=reason):
        play(breaking(1, how), "idle", SCENE, SEEDS, archetype="mage").win_rate  # noqa: B018


def test_matches_that_were_over_before_the_fault_count():
    result = play(breaking(60, fails), "idle", SCENE, np.arange(24), archetype="mage")
    over = len(result.scores)
    assert result.void and 0 < over < 24
    lost = {seed for void in result.void for seed in void.seeds}
    assert lost | set(result.seeds.tolist()) == set(range(24)) and not lost & set(result.seeds.tolist())
    assert all("RuntimeError: out of order" in void.reason for void in result.void)


def test_numbers_that_are_none_are_a_fault():
    broken = model()
    with torch.no_grad():
        broken.actor.head.bias.fill_(float("nan"))
    with pytest.raises(NoEvidenceError, match="not finite"):
        play(broken, "stock", SCENE, SEEDS).interval  # noqa: B018


def test_slowness_is_a_fault():
    with pytest.raises(NoEvidenceError, match="thought for"):
        play("rusher", "idle", SCENE, SEEDS, archetype="mage", slowest_s=0.0).win_rate  # noqa: B018


def test_who_never_answers_holds_up_nobody():
    stuck = threading.Event()

    def hangs(actions):
        stuck.wait(30.0)
        return actions

    result = play(breaking(3, hangs), "idle", SCENE, SEEDS, archetype="mage", slowest_s=1.0)
    assert len(result.void) == 2 and "thought for more than 1 s" in result.void[0].reason
    stuck.set()


@pytest.mark.parametrize("place", [0, 1])
def test_whose_fault_it_was_is_told(place):
    players = ["idle", breaking(1, fails)]
    first, second = players if place else players[::-1]
    result = play(first, second, SCENE, SEEDS, archetype="mage")
    assert {void.by for void in result.void} == {players[1].ref.digest}
    assert [len(void.seeds) for void in result.void] == [6, 6] and not result.behaviour


@pytest.mark.parametrize("turned", [False, True])
def test_a_void_tells_the_side_of_the_first_player(turned):
    made = []

    def make(seed):
        made.append(seed)
        return Breaking(seed, 1 if len(made) == 2 else 99, fails)

    players = [Player(ModelRef("second time broken", "x"), make), player_of("stock")]
    first, second = players[::-1] if turned else players
    result = play(first, second, SCENE, SEEDS[:2], archetype="mage", max_episode_steps=3)
    assert [void.side for void in result.void] == [0 if turned else 1]


@pytest.mark.parametrize("seeds", [5, [[1, 2], [3, 4]], [1.5, 2.5], "12", None])
def test_seeds_that_are_none_are_named(seeds):
    with pytest.raises(ValueError, match=r"seeds are .*expected whole numbers in a row, such as range\(100\)"):
        play("rusher", "idle", SCENE, seeds, archetype="mage")


class Wild:
    """A rival of four numbers a slot, one of which is none."""

    control = "continuous"
    blocks: tuple[str, ...] = ("state",)

    def __call__(self, seen):
        return np.full((len(seen["state"]), 4), np.nan)

    def forget(self, slots):
        pass

    def state(self):
        return {}

    def set_state(self, state):
        pass


def test_orders_that_no_mask_looks_at_are_looked_at_too():
    made = player_of("rusher")
    result = play(type(made)(made.ref, lambda seed: Wild()), "idle", SCENE, SEEDS, archetype="mage")
    assert "ordered what is illegal" in result.void[0].reason and not len(result.scores)


def broken_model(folder, how):
    model().save(folder / "final")
    if how == "bytes":
        path = folder / "final" / "arrays.safetensors"
        path.write_bytes(path.read_bytes()[:-4] + b"----")
    elif how == "missing":
        (folder / "final" / "arrays.safetensors").unlink()
    else:
        model("threat_assessment", "supervised").save(folder / "final")
    return folder


@pytest.mark.parametrize("how", ["bytes", "missing", "gives no orders"])
@pytest.mark.parametrize("against", ["stock", "rusher"])
@pytest.mark.parametrize("place", [0, 1])
def test_a_model_that_does_not_load_voids_every_match(tmp_path, how, against, place):
    broken = str(broken_model(tmp_path / "run", how))
    players = (against, broken) if place else (broken, against)
    result = play(players[0], players[1], SCENE, SEEDS)
    assert len(result.scores) == 0 and {seed for void in result.void for seed in void.seeds} == set(SEEDS.tolist())
    assert all("does not load" in void.reason and how in f"{void.reason} bytes" for void in result.void)
    with pytest.raises(NoEvidenceError, match="does not load"):
        result.interval  # noqa: B018
    assert player_of(broken).ref.name == "run" and player_of(broken).broken


def test_a_network_of_another_shape_does_not_load(tmp_path):
    model().save(tmp_path / "final")
    other = model()
    other.card.policy_arguments["net_arch"] = {"pi": [7], "vf": [7]}
    other.actor = model(seed=3).actor
    other.save(tmp_path / "final")
    assert "does not load" in (player_of(str(tmp_path)).broken or "")


def test_no_two_batches_are_played_with_the_same_luck(monkeypatch):
    monkeypatch.setattr("agents.judge.matches.AT_ONCE", 4)
    twin = sampled(model(), "twin")
    whole = play(twin, twin, SCENE, np.arange(8), record=False)
    assert whole.digests == play(twin, twin, SCENE, np.arange(8), record=False).digests
    assert whole.digests[4:] == play(twin, twin, SCENE, np.arange(4, 8), record=False).digests
    # The same seed in another batch is another match, since its players draw from other streams.
    assert whole.digests[4:6] != play(twin, twin, SCENE, [5, 4], record=False).digests[::-1]
    assert any(a != b for a, b in whole.digests)


def test_parts_weigh_as_much_as_they_have_pairs(monkeypatch):
    greedy = model()  # who draws plays a seed otherwise in another batch
    whole = play(greedy, "stock", SCENE, np.arange(10), record=False)
    monkeypatch.setattr("agents.judge.matches.AT_ONCE", 8)
    parts = play(greedy, "stock", SCENE, np.arange(10), record=False)
    assert parts.win_rate == whole.win_rate and set(parts.behaviour) == set(BEHAVIOUR)
    for name in BEHAVIOUR[:-1]:
        assert parts.behaviour[name] == pytest.approx(whole.behaviour[name])


def test_a_result_and_a_mirror_score_say_the_same():
    result = play("rusher", "stock", SCENE, SEEDS, archetype="mage", record=False)
    make: Any = player_of("rusher").make

    class Minds:
        def begin(self, slots):
            rival = make(0)
            rival.sit(slots // 3, 3)
            rival.forget(np.arange(slots))
            return rival

    score = judge_mirror(Minds(), "combat", make(0).blocks, SCENE, "mage", 6)
    assert type(result.score) is type(score) and set(result.behaviour) >= set(score.behaviour)
    assert result.score.interval == result.interval and result.score.won + result.score.drawn <= 1


def test_without_recordings_there_is_less_to_hold_and_the_same_came_of_it():
    with_them, without = (
        play("rusher", "kiter", SCENE, SEEDS, archetype="mage", record=record) for record in (True, False)
    )
    assert with_them.digests == without.digests and not without.recordings
    np.testing.assert_array_equal(with_them.scores, without.scores)
    with pytest.raises(ValueError, match="holds no recordings"):
        without.recording(int(SEEDS[0]))


def test_a_seed_is_played_once():
    with pytest.raises(ValueError, match="expected each once"):
        play("rusher", "idle", SCENE, [1, 1], archetype="mage")


@settings(deadline=None, max_examples=12)
@given(
    st.lists(st.integers(0, 2**40), min_size=1, max_size=3, unique=True),
    st.sampled_from(["rusher", "ambusher", "mix:kiter=1,coward=1", "random"]),
    st.sampled_from(["stock", "camper", "mix:stock=1,focus-fire=1"]),
)
def test_replay_of_any_match_gives_its_digest(seeds, first, second):
    result = play(first, second, SCENE, seeds, archetype="support")
    for seed, digests in zip(result.seeds.tolist(), result.digests, strict=True):
        assert tuple(result.recording(seed, side).replayed_digest() for side in (0, 1)) == digests


def test_nothing_asked_for_is_no_evidence():
    with pytest.raises(NoEvidenceError, match="none was asked for"):
        play("rusher", "idle", SCENE, [], archetype="mage").win_rate  # noqa: B018


def test_players_are_known_by_what_they_are(tmp_path):
    one, same, other = model(), model(), model(seed=1)
    assert player_of(one).ref.digest == player_of(same).ref.digest != player_of(other).ref.digest
    one.save(tmp_path / "run" / "final")
    loaded = player_of(tmp_path / "run").ref
    assert loaded.digest == player_of(one).ref.digest and loaded.name == "run"
    assert player_of("rusher").ref != player_of("kiter").ref
    with pytest.raises(ValueError, match="player is 'rushr', expected perhaps rusher"):
        player_of("rushr")
    with pytest.raises(ValueError, match="archetype is None"):
        play("rusher", "idle", SCENE, SEEDS)


def test_a_mix_is_known_by_the_models_and_makers_in_it(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    digests = []
    for seed in (0, 1):
        shutil.rmtree(tmp_path / "one", ignore_errors=True)
        model(seed=seed).save(tmp_path / "one")
        digests.append(player_of(f"mix:stock=1,{tmp_path / 'one'}=1").ref.digest)
    for own in ("", "# better now"):
        (tmp_path / "mine_alone.py").write_text(f"from agents.opponents.plain import Plain\n{own}\n")
        (tmp_path / "mine_alone.py").open("a").write("def made(seed):\n    return Plain('idle', seed)\n")
        digests.append(player_of("mine_alone:made").ref.digest)
    assert len(set(digests)) == 4
    assert player_of("rusher").ref.digest == script_digest("rusher")


def test_a_mix_with_stock_is_only_a_second_player():
    result = play("rusher", "mix:stock=1,idle=1", SCENE, np.arange(12), archetype="mage")
    assert len(result.scores) == 12
    with pytest.raises(ValueError, match="leaves matches to the stock AI"):
        play("mix:stock=1,idle=1", "rusher", SCENE, np.arange(12), archetype="mage")


@pytest.mark.parametrize("slowest", [-1.0, float("nan"), float("inf"), None, True])
def test_a_time_that_is_none_is_nobodys_fault(slowest):
    with pytest.raises(ValueError, match=f"slowest_s is {slowest}, expected 0 to"):
        play("rusher", "stock", SCENE, SEEDS, archetype="mage", slowest_s=slowest)


def test_a_seed_beyond_what_there_are_is_named():
    with pytest.raises(ValueError, match="expected 9223372036854775807 at most"):
        play("rusher", "stock", SCENE, np.array([2**64 - 1], np.uint64), archetype="mage")
