"""What the analysis of rewards prints, flags and draws."""

import pytest

from scripts import analyze_rewards
from tests.agents.exports import exported, saved


def test_a_table_for_each_archetype_and_a_picture(tmp_path, capsys):
    picture = tmp_path / "pay.png"
    analyze_rewards.main(["--archetype", "mage", "--archetype", "duel", "--matches", "4", "--plot", str(picture)])
    told = capsys.readouterr().out
    assert "mage: paid for each term" in told and "duel: paid for each term" in told and "spell_damage" in told
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_terms_add_up_to_the_return():
    paid = analyze_rewards.earned("tank", "random", 4)
    terms = sum(value for name, value in paid.items() if name not in ("return", "won"))
    assert terms == pytest.approx(paid["return"])


def test_terms_that_never_pay_and_those_that_pay_all_are_flagged():
    paid = {"stock": {"kill": 9.0, "buff": 0.0, "death": -1.0, "return": 8.0, "won": 0.5}}
    assert analyze_rewards.flags(paid) == ["kill is 90% of what stock is paid", "buff never paid anything"]


def idle(seen, masks):
    return masks.argmax(1)


def test_a_policy_of_ones_own(capsys):
    analyze_rewards.main(
        ["--archetype", "ranged", "--behaviour", "random", "--policy", f"{__name__}:idle", "--matches", "3"]
    )
    assert f"{__name__}:idle"[:8] in capsys.readouterr().out


@pytest.mark.parametrize("model_type", ["combat_dqn", "temporal_transformer", "threat_assessment", "skill_dqn"])
def test_a_model_is_paid_for_what_it_does(model_type):
    paid = analyze_rewards.earned("mage", str(saved(model_type)), 3)
    assert paid["return"] != 0.0 and paid["win"] == pytest.approx(paid["won"])


def test_a_bundle_is_paid_as_the_model_that_it_was_made_of():
    folders = saved("combat_dqn"), exported("combat_dqn")
    own, other = (analyze_rewards.earned("mage", str(folder), 3) for folder in folders)
    assert own == pytest.approx(other)


def test_what_is_no_policy_is_told(tmp_path, capsys):
    with pytest.raises(SystemExit):
        analyze_rewards.main(["--archetype", "mage", "--policy", str(tmp_path)])
    assert "holds no model, expected one's folder, or module:function" in capsys.readouterr().err
    with pytest.raises(ValueError, match="is a pattern_recognition, which gives no orders"):
        analyze_rewards.earned("mage", str(saved("pattern_recognition")), 3)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--matches", "0"), "matches is 0, seed 0, expected at least 1 and 0"),
        (("--seed", "-1"), "matches is 96, seed -1, expected at least 1 and 0"),
        (("--plot", "rewards.foo"), "argument --plot: 'rewards.foo', expected a file that ends in one of "),
        (("--plot", "rewards"), "argument --plot: 'rewards', expected a file that ends in one of "),
    ],
)
def test_a_wrong_argument_is_told_before_anything_is_played(words, told, capsys):
    with pytest.raises(SystemExit):
        analyze_rewards.main(["--archetype", "mage", *words])
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        ("nowhere:act", "behaviour is 'nowhere:act', which cannot be imported: No module named 'nowhere'"),
        ("math:nothing", "behaviour is 'math:nothing', which cannot be imported: module 'math' has no attribute"),
        ("math:pi", "behaviour is 'math:pi', expected a function of what slots see and their masks"),
    ],
)
def test_a_function_that_there_is_not_is_one_line(policy, told, capsys):
    assert analyze_rewards.main(["--archetype", "mage", "--policy", policy]) == 2
    found = capsys.readouterr()
    assert found.err.startswith(f"error: {told}") and not found.out
