"""Shards on this machine (orchestration/sharding/local_runner.py)."""

import os

import pytest

from orchestration.sharding.local_runner import LocalRunner
from orchestration.sharding.runners import TaskError


def _inverse(number: int) -> tuple[float, int]:
    return 1 / number, os.getpid()


@pytest.mark.parametrize("processes", [1, 2])
def test_results_come_in_the_order_of_the_items(processes):
    found = LocalRunner(processes).map(_inverse, [4, 2, 1])
    assert [value for value, _ in found] == [0.25, 0.5, 1.0]
    assert all((process == os.getpid()) == (processes == 1) for _, process in found)


@pytest.mark.parametrize("processes", [1, 2])
def test_an_item_that_fails_is_named(processes):
    with pytest.raises(TaskError, match="0: division by zero") as raised:
        LocalRunner(processes).map(_inverse, [1, 0, 2])
    assert raised.value.item == 0
