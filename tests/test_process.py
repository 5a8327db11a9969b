"""The process behind `ilk`: it imports and ends fast, and still says and does all it should."""

import subprocess
import sys

import pytest


def python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, encoding="utf-8", check=False
    )


@pytest.mark.parametrize(
    ("arguments", "code"), [(["--help"], 0), (["run"], 2), (["run", "--no-such-option"], 2)]
)
def test_the_exit_code_is_the_commands(arguments: list[str], code: int) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "orchestration", *arguments], capture_output=True, check=False
    )
    assert done.returncode == code, done.stderr


def test_what_waits_for_the_exit_is_done() -> None:
    code = (
        "import atexit; from orchestration.__main__ import main;"
        " atexit.register(print, 'late'); main()"
    )
    done = python(code, "--help")
    assert done.returncode == 0
    assert "Usage" in done.stdout
    assert done.stdout.endswith("late\n")


def test_an_error_of_ours_is_shown_as_python_shows_it() -> None:
    code = (
        "import orchestration.cli as cli; cli.app = lambda: 1 / 0;"
        " from orchestration.__main__ import main; main()"
    )
    done = python(code)
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr


def test_great_expectations_is_imported_without_what_no_rule_uses_and_can_still_use_it() -> None:
    code = """
import sys
import pandas as pd
from expectations.validation import validate
validate(pd.DataFrame({"row_count": [1]}), [], suite="none")
print([name for name in ("scipy.stats", "altair") if name in sys.modules])
import great_expectations as gx
frame = pd.DataFrame({"answer": ["ya", "ya", "tidak", "tidak"]})
batch = (
    gx.get_context(mode="ephemeral").data_sources.add_pandas("p").add_dataframe_asset("a")
    .add_batch_definition_whole_dataframe("b").get_batch({"dataframe": frame})
)
done = batch.validate(gx.expectations.ExpectColumnKLDivergenceToBeLessThan(
    column="answer",
    partition_object={"values": ["ya", "tidak"], "weights": [0.5, 0.5]},
    threshold=0.1,
))
print(done.success, "scipy.stats" in sys.modules)
"""
    done = python(code)
    assert done.stdout.splitlines() == ["[]", "True True"], done.stderr
