"""Files of a run: lines are added, and taken back to where a checkpoint was written."""

import csv
from pathlib import Path

import numpy as np
import pytest

from agents.behaviour import COLUMNS
from agents.records import EVALUATION, MONITOR, Records, RunRecords

HEADS = ("steps", "return", "name")


def lines(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def row(number: int) -> dict[str, object]:
    return {"steps": number, "return": number / 3, "name": f"a, {number}", "more": "left out"}


def test_lines_come_back(tmp_path):
    records = Records(tmp_path / "own.csv", HEADS)
    for number in range(3):
        records.add(row(number))
    records.close()
    found = lines(tmp_path / "own.csv")
    assert [line["name"] for line in found] == ["a, 0", "a, 1", "a, 2"]
    assert [float(line["return"]) for line in found] == pytest.approx([0, 1 / 3, 2 / 3], rel=1e-5)
    assert found[0].keys() == set(HEADS)


def test_a_new_file_takes_the_place_of_an_old_one(tmp_path):
    (tmp_path / "own.csv").write_text("something else\n" * 9)
    Records(tmp_path / "own.csv", HEADS).close()
    assert (tmp_path / "own.csv").read_text().splitlines() == [",".join(HEADS)]


@pytest.mark.parametrize("more", [0, 1, 5])
def test_what_came_after_a_checkpoint_is_taken_back(tmp_path, more):
    path = tmp_path / "own.csv"
    records = Records(path, HEADS)
    records.add(row(0))
    records.add(row(1))
    kept = records.flush()
    assert path.stat().st_size == kept
    whole = path.read_bytes()
    for number in range(more):
        records.add(row(90 + number))
    records.close()
    again = Records(path, HEADS, kept)
    assert again.flush() == kept and path.read_bytes() == whole
    again.add(row(2))
    assert again.flush() > kept
    again.close()
    assert [int(line["steps"]) for line in lines(path)] == [0, 1, 2]


def test_a_half_written_line_is_taken_back(tmp_path):
    path = tmp_path / "own.csv"
    records = Records(path, HEADS)
    records.add(row(0))
    kept = records.flush()
    records.close()
    with path.open("ab") as file:
        file.write(b"17,0.3")
    again = Records(path, HEADS, kept)
    again.add(row(1))
    again.close()
    assert [int(line["steps"]) for line in lines(path)] == [0, 1]


def test_a_missing_column_is_named(tmp_path):
    records = Records(tmp_path / "own.csv", HEADS)
    with pytest.raises(KeyError, match="return"):
        records.add({"steps": 1, "name": "x"})
    records.close()


def test_the_four_files_of_a_run(tmp_path):
    records = RunRecords(tmp_path, ["win", "kill"])
    told = {name: 0.5 for name in (*MONITOR, *EVALUATION, *COLUMNS, "win", "kill")}
    names = ["monitor", "reward_breakdown", "behavior_metrics", "evaluation_results"]
    for name in names:
        records.add(name, told)
    sizes = records.sizes()
    assert set(sizes) == set(names)
    for name in names:
        records.add(name, told)
    records.close()
    again = RunRecords(tmp_path, ["win", "kill"], sizes)
    again.add("monitor", told)
    again.close()
    assert {name: len(lines(tmp_path / f"{name}.csv")) for name in names} == {**dict.fromkeys(names, 1), "monitor": 2}
    assert tuple(lines(tmp_path / "reward_breakdown.csv")[0]) == ("steps", "match", "win", "kill")
    assert tuple(lines(tmp_path / "behavior_metrics.csv")[0]) == ("steps", "match", *COLUMNS)
    assert tuple(lines(tmp_path / "evaluation_results.csv")[0]) == EVALUATION


def test_numbers_of_numpy_are_numbers(tmp_path):
    records = Records(tmp_path / "own.csv", HEADS)
    records.add({"steps": np.int64(3), "return": np.float64(0.25), "name": np.float32(0.5)})
    records.close()
    assert lines(tmp_path / "own.csv")[0] == {"steps": "3", "return": "0.25", "name": "0.5"}
