"""Threads that share work: what comes of it, in order, whoever was first; and mistakes are not lost."""

import threading
from copy import deepcopy

import pytest
import torch

from agents.learners.crew import Crew


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_what_comes_of_it_is_in_order(workers, count):
    assert Crew(workers).map(lambda number: number**2, list(range(count))) == [number**2 for number in range(count)]


def test_they_work_at_the_same_time_and_the_caller_does_its_share():
    together = threading.Barrier(3)

    def work(number: int) -> int:
        together.wait(timeout=30)
        return threading.get_ident()

    who = Crew(3).map(work, [0, 1, 2])
    assert who[0] == threading.get_ident() and len(set(who)) == 3


def test_others_compute_with_one_thread_of_torch_each():
    counts = Crew(3).map(lambda number: torch.get_num_threads(), [0, 1, 2])
    assert counts[1:] == [1, 1]


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_mistake_is_told(workers, place):
    def work(number: int) -> int:
        if number == place:
            raise ValueError(f"number {number}")
        return number

    crew = Crew(workers)
    with pytest.raises(ValueError, match=f"number {place}"):
        crew.map(work, [0, 1])
    assert crew.map(lambda number: number, [1, 2]) == [1, 2]


def test_a_copy_has_threads_of_its_own():
    crew = Crew(2)
    other = deepcopy(crew)
    assert other.workers == 2 and other._pool is not crew._pool


def test_nobody_cannot_work():
    with pytest.raises(ValueError, match="workers is 0, expected at least 1"):
        Crew(0)
