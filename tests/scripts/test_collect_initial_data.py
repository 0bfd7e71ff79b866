"""Initial data was played: the same matches played again give the same rows."""

import numpy as np
import psycopg
import pytest

from agents.opponents import STYLES
from agents.seeds import COLLECTED
from mlmonster_env.contract import ATTACK, CHANGE_TARGET, IDLE, MOVE_RANDOMLY, STATE_SIZE, USE_FIELD, USE_HARM
from mlmonster_env.envs.battle import Battle
from mlmonster_env.sim import fields as f
from mlmonster_env.store import Experience, ExperienceStream, Store, Wanted
from mlmonster_env.store.quality import examine
from scripts.collect_initial_data import main
from scripts.played import STOCK_VERSION, play_scripts, play_stock
from tests.store.conftest import embedded_url, make_folder, to_database  # noqa: F401 - fixtures

SMALL = "skirmish-2v2"


@pytest.fixture
def url(embedded_url):  # noqa: F811
    name = "mlmonster_collected"
    with psycopg.connect(embedded_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    yield to_database(embedded_url, name)
    with psycopg.connect(embedded_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def stored(url: str, wanted: Wanted | None = None) -> Experience:
    with ExperienceStream(Store(url), wanted) as stream:
        return Experience.joined([batch.transitions for batch in stream])


def test_exactly_as_many_as_asked_for_from_real_matches(url, capsys, monkeypatch):
    monkeypatch.setattr("scripts.collect_initial_data.MATCHES", 6)
    words = ["--archetype", "mage", "--archetype", "tank", "--samples-per-archetype", "300", "--scenario", SMALL]
    assert main([*words, "--url", url]) == 0
    assert "mage" in capsys.readouterr().out
    rows = stored(url)
    assert {name: int((rows.archetype == name).sum()) for name in ("mage", "tank")} == {"mage": 300, "tank": 300}
    played = {"stock-ai", *(f"script-{name}" for name in STYLES)}
    assert set(rows.model_version.tolist()) <= played and (rows.model_version == STOCK_VERSION).sum() == 300
    assert np.isnan(rows.log_probability).all()
    shares = {check.name: check.share for check in examine(rows).checks}
    assert shares["numbers"] == shares["finished episodes"] == shares["unbroken ways"] == 1.0

    with Store(url).connect() as connection:
        outcomes = connection.execute(
            "SELECT count(*), sum(steps)::int, count(*) FILTER (WHERE outcome = 'cut') FROM ml_episode_outcomes"
        ).fetchone()
        mismatched = connection.execute(
            "SELECT count(*) FROM ml_episode_outcomes o WHERE abs(total_reward - (SELECT sum(reward) "
            "FROM ml_experience_replay e WHERE (e.episode_id, e.monster_id) = (o.episode_id, o.monster_id))) > 1e-3"
        ).fetchone()
    assert outcomes is not None and outcomes[0] == len(list(rows.ways())) and outcomes[1] == 600 and outcomes[2] <= 4
    assert mismatched == (0,)

    # The same episodes, played again from their numbers, hold the same states.
    episode = int(rows.episode_id[rows.model_version == STOCK_VERSION].min())
    again = {
        (way.outcome.episode_id, way.outcome.monster_id): way.rows
        for way in play_stock("mage", SMALL, range(episode, episode + 6))
    }
    mine = [
        way for way in rows.ways() if rows.model_version[way[0]] == STOCK_VERSION and rows.archetype[way[0]] == "mage"
    ]
    assert mine
    for way in mine:
        other = again[int(rows.episode_id[way[0]]), int(rows.monster_id[way[0]])]
        assert np.array_equal(other.state[: len(way)], rows.state[way])
        assert np.array_equal(other.action[: len(way)], rows.action[way])
        assert np.array_equal(other.reward[: len(way)], rows.reward[way])

    assert main([*words, "--url", url]) == 0  # a second time other matches are played
    assert len(stored(url)) == 1200 and len(np.unique(stored(url).episode_id)) > len(np.unique(rows.episode_id))


def test_scripts_orders_are_their_actions():
    """Stepped again with the stored actions, a battle goes through the stored states."""
    ways = play_scripts("mage", "skirmish-1v1", [1, 2, 3, 4])
    battle = Battle(4, "combat", archetype="mage", scenario="skirmish-1v1", both_sides=True)
    battle.reset(COLLECTED + np.arange(1, 5))
    by_slot = {(way.outcome.episode_id - 1, way.outcome.monster_id): way.rows for way in ways}
    for step in range(max(len(way.rows) for way in ways)):
        seen = battle.observe()
        actions = np.zeros(battle.num_slots, np.int64)
        for slot, key in enumerate(zip(battle.matches.tolist(), battle.units.tolist(), strict=True)):
            rows = by_slot[key]
            if step < len(rows):
                assert isinstance(seen, np.ndarray) and np.array_equal(seen[slot], rows.state[step])
                actions[slot] = rows.action[step]
        battle.step(actions)


def test_who_plays_as_the_stock_ai_plays_as_the_stock_ai():
    """The matches that stock rows come from are those that the stock AI plays by itself."""
    ways = play_stock("mage", "skirmish-2v2", [5, 6, 7])
    stock = Battle(3, "combat", archetype="mage", scenario="skirmish-2v2", both_sides=True)
    stock.arena.put_under_orders(None, range(stock.scenario.members))
    stock.reset(COLLECTED + np.arange(5, 8))
    by_slot = {(way.outcome.episode_id - 5, way.outcome.monster_id): way.rows for way in ways}
    same = total = 0
    for step in range(40):
        seen = stock.observe()
        for slot, key in enumerate(zip(stock.matches.tolist(), stock.units.tolist(), strict=True)):
            if step < len(by_slot[key]):
                total += 1
                same += np.array_equal(np.asarray(seen)[slot], by_slot[key].state[step])
        stock.arena.step(stock.ticks)
        stock.steps += 1
    assert same == total > 100


def test_deeds_are_what_was_done():
    """Who stored a skill cast one in that step, who attacked was after somebody, who was idle did nothing."""
    ways = play_stock("mage", "skirmish-3v3", list(range(10, 26)))
    actions = np.concatenate([way.rows.action for way in ways])
    known = {IDLE, ATTACK, MOVE_RANDOMLY, CHANGE_TARGET, *range(USE_HARM, USE_FIELD + 1)}
    assert set(actions.tolist()) <= known
    assert {ATTACK, USE_HARM} <= set(actions.tolist())
    assert all(way.rows.state.shape == (len(way.rows), STATE_SIZE) for way in ways)
    assert f.NOBODY == -1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--archetype", "mage", "--samples-per-archetype", "0"], "--samples-per-archetype is 0, expected at least 1"),
        (["--archetype", "mage", "--scripted", "2"], "--scripted is 2.0, expected 0 to 1"),
        (["--archetype", "mage", "--url", "mysql://x"], "expected postgresql://"),
        (["--archetype", "mage", "--url", "postgresql://127.0.0.1:1/x"], "error: connection"),
    ],
)
def test_mistakes_are_named(words, told, capsys):
    assert main(words) == 2
    assert told in capsys.readouterr().err


def test_somebody_has_to_be_named():
    with pytest.raises(SystemExit) as error:
        main([])
    assert error.value.code == 2
