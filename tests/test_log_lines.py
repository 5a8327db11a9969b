"""Lines of JSON, one a message, with the run, cycle and step they come from; steps on record."""

import io
import json
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestration.auditing.run_records import (
    finish_run,
    recorded_runs,
    recorded_step,
    start_run,
)
from orchestration.log_lines import JsonLines, at_work_on, write_json_lines
from orchestration.settings import Settings

LOG = logging.getLogger("ilk.exports")


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    stream, log = io.StringIO(), logging.getLogger("ilk")
    before = (log.level, log.propagate, list(log.handlers))
    log.handlers = []
    write_json_lines(stream)
    write_json_lines(stream)
    yield stream
    log.level, log.propagate, log.handlers = before


def read(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_message_is_one_line_with_where_it_comes_from(lines: io.StringIO):
    with at_work_on(run_id="r", cycle_id="c"):
        with at_work_on(step="pull"):
            LOG.warning('two\nlines, a "quote" and a %s', "é")
        LOG.info("between")
    LOG.info("outside")
    LOG.debug("not told")
    first, between, outside = read(lines)
    assert first["message"] == 'two\nlines, a "quote" and a é'
    assert {key: first[key] for key in ("level", "logger", "run_id", "cycle_id", "step")} == {
        "level": "warning",
        "logger": "ilk.exports",
        "run_id": "r",
        "cycle_id": "c",
        "step": "pull",
    }
    assert first["at"].endswith("+00:00")
    assert "step" not in between and between["cycle_id"] == "c"
    assert "cycle_id" not in outside


def test_an_error_stays_in_its_line(lines: io.StringIO):
    try:
        _ = 1 / 0
    except ZeroDivisionError:
        LOG.exception("it failed")
    (line,) = read(lines)
    assert line["level"] == "error"
    assert "ZeroDivisionError" in line["error"]


def test_handlers_are_not_added_twice(lines: io.StringIO):
    log = logging.getLogger("ilk")
    assert [type(each) for each in log.handlers].count(JsonLines) == 1


def test_time_and_rows_of_each_step_are_on_record_however_it_ends(
    tmp_path: Path, lines: io.StringIO
):
    settings = Settings(data_dir=tmp_path)
    start_run(settings, run_id="r", cycle_id="ilk-2025-s2")
    with recorded_step(settings, run_id="r", cycle_id="ilk-2025-s2", step="pull") as step:
        LOG.info("reading")
        time.sleep(0.02)
        step.rows = 7
    with (
        pytest.raises(ZeroDivisionError),
        recorded_step(settings, run_id="r", cycle_id="ilk-2025-s2", step="build"),
    ):
        _ = 1 / 0
    finish_run(settings, run_id="r")
    (run,) = recorded_runs(settings)
    pull, build = json.loads(run.steps)
    assert (pull["step"], pull["rows"], build["step"], build["rows"]) == ("pull", 7, "build", None)
    assert 0.02 <= pull["seconds"] < 5
    assert [line["step"] for line in read(lines)] == ["pull"]


def test_a_run_without_a_record_has_no_steps(tmp_path: Path):
    settings = Settings(data_dir=tmp_path)
    with recorded_step(settings, run_id="r", cycle_id="c", step="pull"):
        pass
    assert recorded_runs(settings) == []
