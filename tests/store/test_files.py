"""Experience as files: what comes back is what was stored, and nothing is written twice."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import numpy as np
import pytest
from minari.dataset.minari_dataset import MinariDataset

from mlmonster_env.contract import ENTITY_FEATURES, MOVES, STAY
from mlmonster_env.dataset import record_dataset
from mlmonster_env.envs.battle import MASK, Battle
from mlmonster_env.store import Experience, ExperienceStream, Wanted
from mlmonster_env.store.files import LEDGER, export_days, export_npz, load_npz
from mlmonster_env.store.minari_files import export_minari, from_minari, write_minari
from mlmonster_env.store.partitions import make
from mlmonster_env.store.quality import examine
from mlmonster_env.store.symmetry import IDENTITY, SYMMETRIES, augment_moves, augmented
from tests.store.rows import make_rows, write


def fine_rows(episodes: int = 4, steps: int = 10, seed: int = 0) -> Experience:
    """Whole episodes that are without fault."""
    random = np.random.default_rng(seed)
    parts = []
    for episode in range(1, episodes + 1):
        states = random.random((steps + 1, 64)).astype(np.float32)
        last = np.arange(steps) == steps - 1
        parts.append(make_rows(
            steps, episode_id=episode, state=states[:-1], next_state=states[1:], done=last,
            truncated=last & (episode % 2 == 0), log_probability=-1.0,
        ))  # fmt: skip
    return Experience.joined(parts)


def same(one: Experience, other: Experience, but: tuple[str, ...] = ()) -> bool:
    return len(one) == len(other) and all(
        np.array_equal(column, other.columns()[name], equal_nan=column.dtype.kind == "f")
        for name, column in one.columns().items()
        if name not in but
    )


def test_days_go_to_files_once(own_database, own_connection, tmp_path):
    yesterday = datetime.now(UTC).date() - timedelta(1)
    with own_connection.transaction():
        make(own_connection, yesterday)
    rows = fine_rows()
    write(own_database, rows)
    own_connection.execute('UPDATE ml_experience_replay SET "timestamp" = "timestamp" - interval \'1 day\'')
    write(own_database, make_rows(5, first=100))
    first, second = export_npz(own_database, tmp_path)
    assert (first.day, first.rows, first.is_fresh) == (yesterday, len(rows), True)
    assert same(load_npz(first.path), rows)
    assert load_npz(second.path).tick.tolist() == [100, 101, 102, 103, 104]
    before = [day.path.stat().st_mtime_ns for day in (first, second)]

    assert [day.is_fresh for day in export_npz(own_database, tmp_path)] == [False, False]
    write(own_database, make_rows(1, first=200))
    again = export_npz(own_database, tmp_path)
    assert [day.is_fresh for day in again] == [False, True]
    assert again[0].path.stat().st_mtime_ns == before[0]
    assert not second.path.exists()  # what it held is in the new one
    assert load_npz(again[1].path).tick.tolist()[-1] == 200
    own_connection.execute("UPDATE ml_experience_replay SET priority = 2 WHERE tick = 0")
    assert [day.is_fresh for day in export_npz(own_database, tmp_path)] == [True, False]
    own_connection.execute("UPDATE ml_experience_replay SET priority = 3 WHERE tick = 1")
    export_npz(own_database, tmp_path)
    own_connection.execute("UPDATE ml_experience_replay SET priority = 5 - priority WHERE tick IN (0, 1)")  # they swap
    assert [day.is_fresh for day in export_npz(own_database, tmp_path)] == [True, False]
    again[1].path.unlink()
    assert [day.is_fresh for day in export_npz(own_database, tmp_path)] == [False, True]


def test_days_go_to_files_though_the_server_ends_what_is_idle(own_database, own_connection, tmp_path):
    write(own_database, make_rows(3))
    own_connection.execute(
        f"ALTER DATABASE {own_connection.info.dbname} SET idle_in_transaction_session_timeout = '100ms'"
    )

    def slowly(rows: Experience, path: Path) -> None:
        time.sleep(0.5)
        path.write_bytes(bytes(len(rows)))

    (day,) = export_days(own_database, tmp_path, Wanted(), "bytes", slowly)
    assert day.path.stat().st_size == day.rows == 3


def test_two_who_export_at_once_both_have_their_days(database, tmp_path):
    write(database, make_rows(20))
    together = Barrier(2)

    def slowly(rows: Experience, path: Path) -> None:
        path.mkdir()
        (path / "rows").write_bytes(bytes(len(rows)))
        together.wait(20)

    with ThreadPoolExecutor(2) as pool:
        done = [pool.submit(export_days, database, tmp_path, Wanted(), "folder", slowly) for _ in range(2)]
        (one,), (other,) = (each.result() for each in done)
    assert one.path == other.path and (one.path / "rows").stat().st_size == 20
    assert not list(one.path.parent.glob(".*"))


def test_filters_have_files_of_their_own(database, tmp_path):
    write(database, make_rows(3), make_rows(2, first=10, archetype="tank"))
    (mages,) = export_npz(database, tmp_path, Wanted("mage"))
    (tanks,) = export_npz(database, tmp_path, Wanted("tank"))
    assert (mages.rows, tanks.rows) == (3, 2) and mages.path != tanks.path
    assert load_npz(tanks.path).tick.tolist() == [10, 11]


def test_a_damaged_file_is_named(database, tmp_path):
    write(database, make_rows(3))
    (day,) = export_npz(database, tmp_path)
    day.path.write_bytes(day.path.read_bytes()[:-200])
    with pytest.raises(ValueError, match=r"\.npz: .*expected a file of transitions"):
        load_npz(day.path)


@pytest.mark.parametrize("line", [
    "[]", "null", "{", "\x80", '{"%s": 5}', '{"%s": {}}', '{"%s": {"fingerprint": "x", "path": "../../theirs"}}',
])  # fmt: skip
def test_a_damaged_ledger_costs_no_more_than_its_days_anew(database, tmp_path, line):
    write(database, make_rows(3))
    (day,) = export_npz(database, tmp_path / "files")
    ledger = day.path.parent / LEDGER
    ledger.write_bytes((line % day.day if "%" in line else line).encode("latin-1"))
    (tmp_path / "theirs").touch()
    (again,) = export_npz(database, tmp_path / "files")
    assert again.is_fresh and again.path == day.path and len(load_npz(again.path)) == 3
    assert (tmp_path / "theirs").exists()


def test_an_array_alone_is_no_file_of_transitions(tmp_path):
    np.save(tmp_path / "one.npy", np.zeros(3))
    with pytest.raises(ValueError, match=r"one\.npy: .*expected a file of transitions"):
        load_npz(tmp_path / "one.npy")


def test_minari_and_back(database, tmp_path):
    rows = fine_rows()
    write(database, rows)
    (day,) = export_minari(database, tmp_path, Wanted("mage"))
    assert [other.is_fresh for other in export_minari(database, tmp_path, Wanted("mage"))] == [False]
    dataset = MinariDataset(day.path)
    assert dataset.total_episodes == 4 and dataset.total_steps == len(rows)
    back = from_minari(dataset, "mage", "combat_dqn", "stock")
    assert same(back, rows)


def test_relative_paths_will_do(database, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = fine_rows(episodes=1)
    assert write_minari(rows, "one").total_steps == MinariDataset("one").total_steps == len(rows)
    write(database, rows)
    (day,) = export_minari(database, "days", Wanted())
    assert not day.path.is_absolute() and MinariDataset(day.path).total_steps == len(rows)
    assert [other.is_fresh for other in export_minari(database, "days", Wanted())] == [False]


def test_what_was_recorded_from_battles_goes_into_the_store(database, tmp_path):
    recorded = record_dataset(tmp_path / "fights", episodes=4, num_envs=2, scenario="skirmish-1v1", archetype="mage")
    rows = from_minari(recorded, "mage", "combat_dqn", "random")
    assert len(rows) == recorded.total_steps
    write(database, rows)
    (day,) = export_npz(database, tmp_path)
    assert same(load_npz(day.path), rows)


def test_a_gap_ends_an_episode(tmp_path):
    rows = fine_rows(episodes=1, steps=10)
    dataset = write_minari(rows.where(np.arange(10) != 4), tmp_path / "gap")
    lengths = [(len(episode.actions), bool(episode.truncations[-1])) for episode in dataset.iterate_episodes()]
    assert lengths == [(4, True), (5, False)]


def test_actions_of_another_control_are_refused(tmp_path):
    with pytest.raises(ValueError, match="action is 9, expected 0 to 8 of movement control"):
        write_minari(make_rows(10), tmp_path / "moves", "movement")


def test_rows_without_fault_have_full_marks():
    quality = examine(fine_rows())
    assert quality.score == 1.0 and quality.reasons == []


def spoiled(name: str) -> Experience:
    rows = fine_rows()
    columns = rows.columns()
    changes: dict[str, dict[str, Any]] = {
        "numbers": {"state": np.where(np.arange(len(rows))[:, None] == 3, np.nan, rows.state)},
        "lengths": {"episode_id": np.arange(len(rows)), "done": True, "truncated": False},
        "finished episodes": {"done": False, "truncated": False},
        "unbroken ways": {"next_state": 1 - rows.next_state},
        "class balance": {"action": 1},
    }
    return Experience.of(**{**columns, **changes[name]})


@pytest.mark.parametrize("name", ["numbers", "lengths", "finished episodes", "unbroken ways", "class balance"])
def test_each_fault_is_found_and_costs(name):
    quality = examine(spoiled(name))
    assert any(reason.startswith(name) for reason in quality.reasons)
    assert quality.score < 1


@pytest.mark.parametrize(
    "columns", [{"reward": np.nan}, {"reward": np.inf}, {"priority": np.inf}, {"log_probability": -np.inf}]
)
def test_numbers_that_others_wrote_are_looked_at(database, connection, columns):
    """The database takes every number, from whoever writes SQL."""
    write(database, fine_rows())
    ((name, value),) = columns.items()
    connection.execute(f"UPDATE ml_experience_replay SET {name} = %s WHERE tick = 3".encode(), [value])
    with ExperienceStream(database) as stream:
        quality = examine(Experience.joined([batch.transitions for batch in stream]))
    wrong = int((fine_rows().tick == 3).sum())
    assert quality.reasons == [
        f"amounts: {wrong} rows have a reward, a priority or a log-probability that cannot be one"
    ]
    assert quality.score == pytest.approx(1 - wrong / len(fine_rows()))


def test_a_score_of_nothing_is_not_below_it():
    found = examine(make_rows(4, action=0))
    assert str(found.score) == "0.0" and not any("-0.0" in reason for reason in found.reasons)


def test_repeated_rows_are_found():
    rows = fine_rows()
    twice = Experience.of(**{**rows.columns(), "episode_id": rows.episode_id + 100})
    quality = examine(Experience.joined([rows, twice]))
    assert quality.reasons == ["duplicates: 40 of 80 rows are repeated"]
    assert quality.score == pytest.approx(0.5)
    assert examine(Experience.empty()).reasons == ["there are no rows"]


def test_symmetries_are_a_group_and_moves_follow_them():
    matrices = {np.array(symmetry.matrix).tobytes(): symmetry for symmetry in SYMMETRIES}
    assert len(matrices) == 8
    moves = np.arange(len(MOVES))
    for one in SYMMETRIES:
        assert sorted(one.moves(moves)) == moves.tolist() and one.moves(np.array([STAY])) == STAY
        for other in SYMMETRIES:
            both = matrices[(np.array(one.matrix) @ np.array(other.matrix)).tobytes()]
            assert np.array_equal(both.moves(moves), one.moves(other.moves(moves)))


def test_what_is_seen_is_turned_alike():
    """Of a real battle: where entities are said to be the turned grid shows them; the mask allows turned moves."""
    battle = Battle(16, "movement", scenario="skirmish", observe=("state", "grid", "entities", MASK))
    battle.reset(np.arange(16))
    seen: Any = battle.observe()
    actions = np.arange(16) % 9
    dx, dy = (ENTITY_FEATURES.index(name) for name in ("0.5 + dx/28", "0.5 + dy/28"))
    found = 0
    for symmetry in SYMMETRIES:
        turned, moves = augmented(seen, actions, "movement", symmetry)
        assert np.array_equal(turned["state"], seen["state"])
        assert np.array_equal(turned[MASK][np.arange(16), moves], seen[MASK][np.arange(16), actions])
        for slot, row in zip(
            *np.nonzero((turned["entities"][..., 0] > 0) & (turned["entities"][..., 1] > 0)), strict=True
        ):
            x, y = np.rint((turned["entities"][slot, row, [dx, dy]] - 0.5) * 28).astype(int)
            assert turned["grid"][slot, 2, 16 + y, 16 + x] > 0
            found += 1
    assert found > 8
    same_again, _ = augmented(seen, actions, "movement", IDENTITY)
    assert all(np.array_equal(same_again[name], seen[name]) for name in seen)


def test_movement_rows_are_seen_in_all_eight_ways():
    rows = make_rows(9, model_type="movement_ppo", action=np.arange(9))
    eight = augment_moves(rows)
    assert len(eight) == 72 and same(eight.where(slice(9)), rows)
    assert all(sorted(eight.action[start : start + 9]) == list(range(9)) for start in range(0, 72, 9))
    assert len({episode for episode in eight.episode_id.tolist()}) == 8
    with pytest.raises(ValueError, match="model_type is 'combat_dqn', expected one of movement_ppo"):
        augment_moves(make_rows(2))
    for action in (-1, len(MOVES)):
        with pytest.raises(ValueError, match=f"action is {action}, expected a move, 0 to 8"):
            augment_moves(make_rows(2, model_type="movement_ppo", action=action))
    for episode in (-1, 2**62):
        with pytest.raises(ValueError, match=f"episode_id is {episode}, expected 0 to"):
            augment_moves(make_rows(2, model_type="movement_ppo", episode_id=episode))
    with pytest.raises(ValueError, match="control is 'combat', expected movement or continuous"):
        augmented({}, np.zeros(1), "combat", IDENTITY)
