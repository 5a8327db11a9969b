"""The process behind `ilk`: it ends at once, and still says and does all that it should."""

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
