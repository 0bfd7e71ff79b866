"""`python -m agents.registry`: what it prints, and the statuses that it ends with."""

import pytest

from agents.bundle.__main__ import main as verify_bundles
from agents.bundle.manifest import MODEL
from agents.registry import __main__ as command
from agents.registry import records
from agents.registry.published import published
from tests.agents.exports import exported
from tests.agents.registry.bundles import NAME, accepting, flip, make_bundle, rejecting


@pytest.fixture
def call(registry, capsys):
    """Calls the command; its status and all that it printed."""

    def run(*words):
        status: int | str | None
        try:
            status = command.main([*map(str, words), "--url", registry.database.url, "--models", str(registry.models)])
        except SystemExit as stop:
            status = stop.code
        printed = capsys.readouterr()
        return status, printed.out + printed.err

    return run


def test_a_version_comes_goes_and_is_looked_at(registry, call, monkeypatch):
    assert call("list") == (0, "the registry has no version\n")
    assert call("history") == (0, "nothing happened\n")
    bundles = [make_bundle(registry.models, number) for number in (1, 2, 3)]
    status, printed = call("register", *bundles)
    assert status == 0 and "mage/combat_dqn version 3" in printed
    assert call("promote", "mage/combat_dqn", 1, "--force", "--reason", "the first")[0] == 0
    monkeypatch.setattr(command, "gates", lambda scenario, most_pairs: accepting)
    status, printed = call("promote", "mage/combat_dqn", 2)
    assert (status, printed) == (0, "mage/combat_dqn production points to version 2 (move 2)\n")
    status, printed = call("list")
    assert status == 0 and "mage/combat_dqn" in printed and "3, the last 3" in printed and "2 since" in printed
    status, printed = call("list", "mage/combat_dqn")
    assert status == 0 and "production, known good" in printed and bundles[2].name[:12] in printed
    status, printed = call("show", "mage/combat_dqn", 2)
    assert status == 0 and bundles[1].name in printed and "wins against stock" in printed and "0.700" in printed
    status, printed = call("rollback", "mage/combat_dqn", "--reason", "it stands still")
    assert (status, printed) == (0, "mage/combat_dqn production points to version 1 (move 3)\n")
    status, printed = call("history", "mage/combat_dqn", "--stage", "production")
    assert status == 0 and printed.count("production") == 3
    assert "the first" in printed and "accepted by random, stock" in printed and "it stands still" in printed
    assert call("check") == (0, "all is well\n")
    assert call("publish") == (0, "published files follow their slots already\n")
    assert call("withdraw", "mage/combat_dqn", "--reason", "no longer") == (
        0, "mage/combat_dqn production points nowhere (move 4)\n",
    )  # fmt: skip


def test_what_is_refused_ends_with_1(registry, call, monkeypatch):
    spoilt = make_bundle(registry.models, 1)
    flip(spoilt / MODEL)
    status, printed = call("register", spoilt, make_bundle(registry.models, 2))
    assert status == 1 and "refused: wrong hash" in printed and "version 1" in printed
    monkeypatch.setattr(command, "gates", lambda scenario, most_pairs: rejecting)
    status, printed = call("promote", "mage/combat_dqn")
    assert status == 1 and "random: reject after 50 pairs (weak)" in printed
    assert "refused: mage/combat_dqn version 1 was not promoted: all: reject" in printed
    assert call("promote", "mage/combat_dqn", "--force", "--reason", "a test")[0] == 0
    status, printed = call("promote", "mage/combat_dqn", "--stage", "staging", "--epoch", 3)
    assert status == 1 and "has moved 0 times, expected 3" in printed
    published(registry.models, NAME).unlink()
    status, printed = call("check")
    assert status == 1 and "published view" in printed and "agents.registry publish" in printed
    status, printed = call("publish")
    assert status == 0 and "is version 1" in printed


def test_what_cannot_be_done_ends_with_2(registry, call, make_database, capsys):
    assert call("show", "mage/combat_dqn")[0] == 2
    status, printed = call("show", "mage/combat_dnq")
    assert status == 2 and "perhaps combat_dqn" in printed
    assert "expected archetype and model type" in call("show", "combat_dqn")[1]
    registry.register(make_bundle(registry.models, 1))
    status, printed = call("promote", "mage/combat_dqn", 1, "--force")
    assert status == 2 and "promoting by force without a reason" in printed
    assert call("promote", "mage/combat_dqn", 9, "--force", "--reason", "a test") == (
        2, "error: mage/combat_dqn has no version 9, expected one of 1\n",
    )  # fmt: skip
    assert call("rollback", "mage/combat_dqn")[0] == 2
    status, printed = call("rollback", "mage/combat_dqn", "--reason", "a test")
    assert status == 2 and "no version before that is known to be good" in printed
    for days in ("-1", "inf", "1e10", "nan"):
        status, printed = call("gc", "--days", days)
        assert status == 2 and "expected 0 to 36500" in printed
    for lines in (0, -1):
        assert call("history", "--latest", lines) == (2, f"error: --latest is {lines}, expected at least 1\n")
    for words in (("promote", "mage/combat_dqn", 1), ("pin", "mage/combat_dqn", 1)):
        status, printed = call(*words, "--reason", "caf\udce9")
        assert status == 2 and r"the reason is 'caf\udce9', expected text in UTF-8" in printed
    assert command.main(["list", "--url", make_database().url]) == 2
    assert "python -m mlmonster_env.store migrate" in capsys.readouterr().err
    assert command.main(["list", "--url", "postgresql://127.0.0.1:1/nowhere"]) == 2


def test_a_check_names_the_whole_path_of_what_is_damaged(registry, register, call):
    damaged = registry.models / register(1).content_hash / "parity.json"
    flip(damaged)
    status, printed = call("check")
    assert status == 1 and "…" not in printed
    found = "".join(line.split("│")[2].strip() for line in printed.splitlines() if line.startswith("│"))
    assert "/parity.json" in found


def test_from_another_folder_nothing_moves(registry, register, call, tmp_path, capsys):
    """The published view that programs read lies where the bundles do."""
    register(1)
    assert call("promote", "mage/combat_dqn", 1, "--force", "--reason", "the first")[0] == 0
    register(2)
    elsewhere = ["--url", registry.database.url, "--models", str(tmp_path / "elsewhere")]
    assert command.main(["promote", "mage/combat_dqn", "2", "--force", "--reason", "a test", *elsewhere]) == 1
    assert command.main(["check", *elsewhere]) == 1
    assert "run it with --models" in " ".join(capsys.readouterr().out.split())
    status, printed = call("check")
    assert (status, printed) == (0, "all is well\n")
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("lost", [False, True])
@pytest.mark.parametrize(
    "words",
    [
        ("withdraw", "mage/combat_dqn", "--reason", "it is bad"),
        ("publish",),
        ("promote", "mage/combat_dqn", "1", "--force", "--reason", "again"),
        ("rollback", "mage/combat_dqn", "--leaving", "2", "--reason", "again"),
    ],
)
def test_from_another_folder_no_emergency_is_said_to_be_over(registry, register, call, tmp_path, capsys, words, lost):
    """Programs read the file that lies with the bundles; whether that is there or not, it is repaired from there."""
    elsewhere = tmp_path / "elsewhere"
    for number in (1, 2):
        register(number)
        registry.promote(NAME, number, force=True, reason="a test")
    registry.rollback(NAME, "a test", leaving=2)
    path = published(registry.models, NAME)
    served = path.read_bytes()
    if lost:
        path.unlink()
    status = command.main([*words, "--url", registry.database.url, "--models", str(elsewhere)])
    printed = capsys.readouterr()
    assert (status, printed.out) == (1, "") and f"run this with --models {registry.models}\n" in printed.err
    with registry.connect() as connection:
        assert records.slot(connection, NAME, "production").version == 1
    assert not elsewhere.exists() and path.exists() != lost
    assert call(*words)[0] == 0
    assert call("check") == (0, "all is well\n")
    assert path.exists() == (words[0] != "withdraw") and (not path.exists() or path.read_bytes() == served)


@pytest.mark.parametrize("blocked", ["production", "production/mage"])
def test_a_move_whose_file_cannot_be_published_is_told_as_made(registry, register, call, blocked):
    for number in (1, 2):
        register(number)
    assert call("promote", "mage/combat_dqn", 1, "--force", "--reason", "a test")[0] == 0
    (registry.models / blocked).rename(registry.models / "away")
    (registry.models / blocked).write_text("in the way")
    again = f"python -m agents.registry publish --models {registry.models}\n"
    status, printed = call("promote", "mage/combat_dqn", 2, "--force", "--reason", "a test")
    assert status == 2 and "File exists" in printed and printed.endswith(again)
    assert printed.startswith(
        "mage/combat_dqn production points to version 2 now (move 2), and the published file does not follow yet: "
    )
    status, printed = call("publish")
    assert status == 2 and printed.startswith(f"{registry.models / 'production'}") and printed.endswith(again)
    if blocked == "production":
        status, printed = call("withdraw", "mage/combat_dqn", "--reason", "a test")
        assert status == 2 and printed.startswith("mage/combat_dqn production points nowhere now (move 3), and the ")
        assert call("promote", "mage/combat_dqn", 2, "--force", "--reason", "a test")[0] == 2
    (registry.models / blocked).unlink()
    (registry.models / "away").rename(registry.models / blocked)
    assert call("publish") == (0, f"{published(registry.models, NAME)} is version 2\n")
    assert call("check") == (0, "all is well\n")


def test_everything_in_a_folder_of_bundles_is_registered(registry, register, call):
    register(1)
    assert call("promote", "mage/combat_dqn", 1, "--force", "--reason", "a test")[0] == 0
    make_bundle(registry.models, 2)
    everything = sorted(registry.models.glob("[!.]*"))
    status, printed = call("register", *everything)
    assert status == 0 and "version 1" in printed and "version 2" in printed
    assert f"{registry.models / 'production'}: passed over, for the registry publishes into it\n" in printed
    assert verify_bundles(["verify", *map(str, everything)]) == 0
    status, printed = call("register", registry.models / "production")
    assert status == 1 and "refused: extra file" in printed


def test_one_that_cannot_be_read_keeps_no_other_from_being_registered(registry, call):
    first, last = (make_bundle(registry.models, number) for number in (1, 2))
    status, printed = call("register", first, "x" * 300, last)
    assert status == 2 and "version 1" in printed and "version 2" in printed
    assert f"error: {'x' * 300}: [Errno 36] File name too long" in printed


def test_what_is_known_of_a_version_is_not_cut_short(registry, call):
    registry.models /= "a-folder-with-a-long-name-" * 5
    one = registry.register(make_bundle(registry.models, 1))
    status, printed = call("show", "mage/combat_dqn")
    assert status == 0 and "…" not in printed
    assert one.bundle_path in "".join(line.split("│")[2].strip() for line in printed.splitlines() if line[0] == "│")


def test_what_is_deleted_is_told_also_where_a_bundle_cannot_be_taken_away(registry, call):
    one, other = (registry.register(make_bundle(registry.models, number)) for number in (1, 2))
    (registry.models / f".{one.content_hash}.writing").write_text("in the way")
    status, printed = call("gc", "--days", 0)
    assert status == 2 and f"{one} is deleted" in printed and f"{other} is deleted" in printed
    assert f"{registry.models / other.content_hash} is gone" in printed
    assert f"error: {registry.models / one.content_hash} could not be taken away: " in printed
    (registry.models / f".{one.content_hash}.writing").unlink()
    assert call("gc") == (0, f"{registry.models / one.content_hash} is gone\n")
    assert call("gc") == (0, "there is nothing to delete\n")


def test_pins_and_deletion(registry, call):
    one, other = (registry.register(make_bundle(registry.models, number)) for number in (1, 2))
    assert call("pin", "mage/combat_dqn", 1, "--reason", "a test") == (0, "mage/combat_dqn version 1 is pinned\n")
    assert call("gc") == (0, "there is nothing to delete\n")
    assert call("gc", "--days", 0, "--dry-run") == (0, "mage/combat_dqn version 2 would be deleted\n")
    status, printed = call("gc", "--days", 0)
    assert (
        status == 0 and "mage/combat_dqn version 2 is deleted" in printed and f"{other.content_hash} is gone" in printed
    )
    assert call("pin", "mage/combat_dqn", 1, "--release")[1] == "mage/combat_dqn version 1 is not pinned\n"
    assert call("gc", "--days", 0)[0] == 0
    with registry.connect() as connection:
        assert records.versions(connection) == []
    assert not (registry.models / one.content_hash).exists()


def test_real_gates_turn_away_what_was_never_trained(registry, call):
    registry.register(make_bundle(registry.models, 1))
    status, printed = call("promote", "mage/combat_dqn", 1, "--most-pairs", 50)
    assert status == 1 and "was not promoted" in printed and "random: reject" in printed
    with registry.connect() as connection:
        (score,) = records.scores(connection, records.version(connection, NAME).content_hash)
    assert score.measure == "wins against random" and score.evidence["verdict"] == "reject"


@pytest.mark.slow
def test_what_gives_no_orders_is_judged_by_no_gate(registry, call):
    registry.register(exported("threat_assessment"))
    status, printed = call("promote", "mage/threat_assessment")
    assert status == 1 and "no gate can judge it" in printed and "expected --force with a --reason" in printed
    assert call("promote", "mage/threat_assessment", "--force", "--reason", "its errors are small")[0] == 0
    assert call("check")[0] == 0
