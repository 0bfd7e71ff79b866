"""The gauntlet: a judge that cannot tell what is known does not judge."""

import numpy as np
import pytest

from agents.judge.__main__ import main, table_of
from agents.judge.gauntlet import CARELESS, JudgeError, Known, careless, check_order, gauntlet, known_order
from agents.judge.matches import play
from agents.judge.players import player_of
from agents.opponents import STYLES

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


def test_the_command(capsys):
    asked = ["--archetype", "mage", "--scenario", SCENE, "--pairs", "3"]
    assert main(["gauntlet", "focus-fire", "--unchecked", *asked]) == 0
    assert "ambusher" in capsys.readouterr().out
    assert (
        main(
            [
                "gauntlet",
                "idle",
                "--unchecked",
                "--archetype",
                "mage",
                "--scenario",
                "mirror-v1:train:contact",
                "--pairs",
                "2",
            ]
        )
        == 0
    )
    assert ":train:" in capsys.readouterr().out.replace("\n", "")
    assert main(["ladder", "focus-fire", "idle", *asked]) == 0
    shown = capsys.readouterr().out
    assert "focus-fire" in shown and "+0 ± 0" in shown
    assert main(["gauntlet", "nobody", *asked]) == 2
    assert "player is 'nobody'" in capsys.readouterr().err
    assert main(["gauntlet", "rusher"]) == 2
    assert "--archetype is missing" in capsys.readouterr().err
