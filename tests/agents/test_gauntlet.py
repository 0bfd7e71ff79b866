"""The gauntlet: a judge that cannot tell what is known does not judge."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from agents.catalog import TYPES
from agents.judge import __main__ as judge_command
from agents.judge.__main__ import main
from agents.judge.gauntlet import (
    CARELESS,
    JudgeError,
    Known,
    careless,
    check_order,
    gauntlet,
    known_order,
    pool_samples,
    table_of,
)
from agents.judge.matches import play
from agents.judge.players import player_of, sampled
from agents.learners.build import make_card
from agents.opponents import STYLES
from policies.actors import build_actor
from policies.policy import Policy

SCENE = "mirror-v1:contact"


def test_the_known_order_holds():
    idle, random, stock = (player_of(name) for name in ("idle", "random", "stock"))
    check_order([Known(idle, random), Known(random, stock)], SCENE, "mage", 24)


def test_a_judge_that_cannot_tell_it_refuses():
    stronger, weaker = player_of("focus-fire"), player_of("idle")
    with pytest.raises(JudgeError, match=r"focus-fire scored .* against idle, expected less than half"):
        check_order([Known(stronger, weaker)], SCENE, "mage", 12)


def test_who_is_careless_is_another_player_and_a_worse_one():
    rusher = player_of("rusher")
    often = careless(rusher, 0.9)
    assert often.ref.digest != rusher.ref.digest and "90% random" in often.ref.name
    assert play(often, rusher, SCENE, np.arange(30), archetype="aggressive").win_rate < 0.4
    same = [play(often, rusher, SCENE, np.arange(4), archetype="mage").digests for _ in range(2)]
    assert same[0] == same[1]
    assert [pair.weaker.ref.name for pair in known_order(rusher)] == [
        "idle",
        "random",
        f"rusher, {CARELESS:.0%} random",
    ]
    with pytest.raises(ValueError, match="player is the stock AI"):
        careless(player_of("stock"))


def test_everybody_is_met():
    results = gauntlet(player_of("focus-fire"), SCENE, "mage", 2, [player_of("idle")])
    assert [result.second.name for result in results] == ["random", *STYLES, "stock", "idle"]
    assert table_of(results).row_count == len(STYLES) + 3
    with pytest.raises(ValueError, match="pairs is 1"):
        gauntlet(player_of("rusher"), SCENE, "mage", 1)


def model(seed=0):
    torch.manual_seed(seed)
    card = make_card(TYPES["combat_dqn"], "mage", "tiny", "ppo")
    return Policy(card, build_actor(card.policy_class, card.blocks, card.control, card.policy_arguments))


def test_carelessness_has_nothing_to_do_with_the_luck_of_who_is_careless():
    """Whoever draws orders and carelessness by the same lots would never draw the orders that low lots stand for."""
    policy = model()
    twin = careless(sampled(policy, "twin"), 1e-9)
    seeds = np.arange(3)
    assert twin.ref != sampled(policy, "twin").ref
    same = play(sampled(policy, "twin"), "idle", SCENE, seeds, record=False)
    assert play(twin, "idle", SCENE, seeds, record=False).digests == same.digests
    make: Any = careless(sampled(policy, "twin"), 0.5).make
    rival = make(7)
    inner = rival._rival
    slots = np.arange(100)
    for dice in (rival._dice, inner._dice):
        dice.make_room(100)
        dice.advance(slots)
    pairs = np.corrcoef(rival._dice.throw(slots, 0), inner._dice.throw(slots, 0))
    assert abs(pairs[0, 1]) < 0.4


@pytest.fixture
def pool(tmp_path):
    for seed in range(5):
        model(seed).save(tmp_path / f"m{seed}")
    (tmp_path / "notes").mkdir()
    (tmp_path / "index.json").write_text("{}")
    return tmp_path


def test_samples_of_a_pool_are_drawn_by_the_seed(pool):
    drawn = [[player.ref.name for player in pool_samples(pool, 3, seed)] for seed in (0, 0, 1, 2)]
    assert drawn[0] == drawn[1] and len({tuple(names) for names in drawn}) > 1
    assert all(len(set(names)) == 3 and names == sorted(names) for names in drawn)
    assert [player.ref.name for player in pool_samples(pool, 99)] == [f"m{seed}" for seed in range(5)]
    with pytest.raises(ValueError, match="holds no model's folder"):
        pool_samples(pool / "notes", 3)
    with pytest.raises(ValueError, match="samples is 0"):
        pool_samples(pool, 0)


def lines(shown):
    return {line.split("(")[0].strip("│ "): line for line in shown.splitlines() if "(" in line}


def test_the_gauntlet_command(capsys, pool):
    asked = ["--unchecked", "--scenario", SCENE, "--pairs", "2"]
    words = ["gauntlet", str(pool / "m0"), *asked, "--production", str(pool / "m1"), "--pool", str(pool / "..")]
    assert main([*words[:-1], str(pool), "--samples", "2", "--out", str(pool / "kept")]) == 0
    shown = lines(capsys.readouterr().out)
    assert {"random", *STYLES, "stock", "m1"} <= set(shown) and "+0 ± 0" in shown["stock"]
    assert all("±" in shown[name] for name in ("random", *STYLES, "m1"))
    assert len(list((pool / "kept").glob("*/result/manifest.json"))) == len(STYLES) + 5
    path = pool / "m3" / "arrays.safetensors"
    path.write_bytes(path.read_bytes()[:-4] + b"----")
    assert main(["gauntlet", "rusher", "--archetype", "mage", *asked, "--production", str(pool / "m3")]) == 2
    told = capsys.readouterr()
    assert "no evidence" in lines(told.out)["m3"] and "does not load" in told.err
    assert main(["gauntlet", str(pool / "m3"), *asked]) == 2
    assert "does not load" in capsys.readouterr().err


def test_a_judge_that_cannot_tell_what_is_known_refuses_at_the_command_line(capsys, monkeypatch):
    # Who does nothing is no worse when three of ten of its actions are random.
    asked = ["--archetype", "mage", "--scenario", SCENE, "--pairs", "8"]
    assert main(["gauntlet", "idle", *asked]) == 2
    told = capsys.readouterr()
    assert "expected less than half beyond chance; what is judged here proves nothing" in told.err
    assert not told.out


def test_the_ladder_command(capsys, tmp_path):
    asked = ["--archetype", "mage", "--scenario", SCENE, "--pairs", "3"]
    assert main(["ladder", "focus-fire", "idle", *asked, "--plot", str(tmp_path / "a" / "ladder.png")]) == 0
    shown = capsys.readouterr().out
    assert "focus-fire" in shown and "+0 ± 0" in shown
    assert (tmp_path / "a" / "ladder.png").read_bytes()[1:4] == b"PNG"
    assert main(["ladder", "rusher", "idle"]) == 2
    assert "--archetype is missing" in capsys.readouterr().err


def test_wrong_words_are_named(capsys):
    asked = ["--archetype", "mage", "--scenario", SCENE]
    assert main(["gauntlet", "nobody", *asked]) == 2
    assert "player is 'nobody'" in capsys.readouterr().err
    assert main(["gauntlet", "rusher"]) == 2
    assert "--archetype is missing" in capsys.readouterr().err
    assert main(["gauntlet", "rusher", "--unchecked", *asked, "--pairs", "1"]) == 2
    assert "pairs is 1" in capsys.readouterr().err
    with pytest.raises(SystemExit) as status:
        main(["guess", "rusher"])
    assert status.value.code == 2


def test_a_scenario_in_brackets_is_shown_as_it_is(capsys):
    words = ["gauntlet", "idle", "--unchecked", "--archetype", "mage", "--scenario", "mirror-v1:train:contact"]
    assert main([*words, "--pairs", "2"]) == 0
    assert ":train:" in capsys.readouterr().out.replace("\n", "")


def test_names_in_brackets_are_shown_as_they_are(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("[best]", "a[/b]"):
        model(0).save(Path(name))
    words = ["--archetype", "mage", "--scenario", SCENE, "--pairs", "2"]
    assert main(["ladder", "[best]", *words]) == 0
    assert "│ [best]" in capsys.readouterr().out
    assert main(["gauntlet", "idle", "[best]", "mix:a[/b]=1", "--unchecked", *words]) == 0
    assert {"[best]", "mix:a[/b]=1"} <= set(lines(capsys.readouterr().out))


def test_a_folder_that_cannot_be_written_is_refused_before_anything_is_played(tmp_path, capsys, monkeypatch):
    def played(*_, **__):
        raise AssertionError("this is not to be played")

    monkeypatch.setattr(judge_command, "known_order", played)
    (tmp_path / "file").write_text("")
    (tmp_path / "held" / "something").mkdir(parents=True)
    (tmp_path / "shut").mkdir()
    monkeypatch.setattr("os.access", lambda path, _: path != tmp_path / "shut")
    for name, words in (
        ("file", "cannot be made (File exists), expected a new folder"),
        ("file/inside", "cannot be made (Not a directory), expected a new folder"),
        ("held", "holds something already, expected a new folder"),
        ("shut", "cannot be written into, expected a new folder"),
    ):
        said = ["gauntlet", "random", "--archetype", "mage", "--pairs", "2", "--out", str(tmp_path / name)]
        assert main(said) == 2
        assert words in capsys.readouterr().err


def test_results_of_another_model_are_not_written_over(tmp_path, capsys):
    (tmp_path / "09-stock").mkdir()
    said = ["gauntlet", "random", "--archetype", "mage", "--pairs", "2", "--unchecked", "--out", str(tmp_path)]
    assert main(said) == 2
    assert "holds something already, expected a new folder" in capsys.readouterr().err


def test_every_result_is_kept_in_one_folder_whatever_it_is_called(tmp_path):
    model().save(tmp_path / "model")
    said = ["gauntlet", "random", f"mix:idle=1,{tmp_path / 'model'}=1", "--archetype", "mage", "--pairs", "2"]
    assert main([*said, "--scenario", "duel", "--unchecked", "--out", str(tmp_path / "kept")]) == 0
    kept = list((tmp_path / "kept").iterdir())
    assert len(kept) == 11 and all((folder / "result").is_dir() for folder in kept)


def test_who_is_named_twice_is_met_once():
    results = gauntlet(
        player_of("rusher"), SCENE, "mage", 2, [player_of("stock"), player_of("idle"), player_of("idle")]
    )
    assert [result.second.name for result in results] == ["random", *STYLES, "stock", "idle"]


def test_who_never_looks_at_the_mask_can_be_careless():
    blind = player_of("tests.agents.minds:make_blind")
    told = play(careless(blind, 0.5), "stock", SCENE, np.arange(3), archetype="mage")
    assert len(told.scores) == 3 and not told.void


def test_a_model_that_is_called_as_the_stock_ai_is_rated_beside_it(tmp_path):
    model(0).save(tmp_path / "stock")
    named = player_of(tmp_path / "stock")
    met = [play(named, other, SCENE, np.arange(2), archetype="mage", record=False) for other in ("rusher", "stock")]
    shown = table_of(met)
    assert "the stock AI at 0" in str(shown.title)
    rusher, stock = shown.columns[1].cells
    assert stock == "+0 ± 0" and "±" in str(rusher)


def test_the_stock_ai_meets_everybody_but_itself(capsys):
    asked = ["--archetype", "mage", "--scenario", SCENE, "--pairs", "2"]
    assert main(["gauntlet", "stock", "--unchecked", *asked]) == 0
    shown = lines(capsys.readouterr().out)
    assert {"random", *STYLES} <= set(shown) and not any(line.startswith("│ stock") for line in shown.values())
    assert [known.weaker.ref.name for known in known_order(player_of("stock"))] == ["idle", "random"]


def test_a_long_name_is_kept_as_far_as_a_folder_can_be_called_so(tmp_path):
    long = [tmp_path / f"{number}{'ü' * 60}" for number in range(2)]
    for number, path in enumerate(long):
        model(number).save(path)
    said = ["gauntlet", "random", "mix:" + ",".join(f"{path}=1" for path in long), "--archetype", "mage"]
    assert main([*said, "--pairs", "2", "--scenario", "duel", "--unchecked", "--out", str(tmp_path / "kept")]) == 0
    kept = list((tmp_path / "kept").iterdir())
    assert len(kept) == 11 and all((folder / "result").is_dir() for folder in kept)


def test_what_is_being_written_into_a_pool_is_none_of_its_models(pool):
    shutil.copytree(pool / "m1", pool / ".m1.writing")
    (pool / ".m5.writing").mkdir()
    (pool / ".m5.writing" / "manifest.json").write_text("{")
    (pool / "m2").rename(pool / ".m2.old")  # cut off while another took its place
    found = pool_samples(pool, 99)
    assert [player.ref.name for player in found] == [f"m{seed}" for seed in range(5)]
    assert not any(player.broken for player in found)


def test_a_seed_that_draws_nobody_is_named(pool):
    with pytest.raises(ValueError, match="seed is -1, expected 0 or more"):
        pool_samples(pool, 2, -1)
