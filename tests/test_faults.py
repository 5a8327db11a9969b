"""`make faults` itself: what doesn't hold is seen and counted.

Belongs here: the judging and the counting. Doesn't: the faults (tests/faults), which take an hour.
"""

from random import Random
from subprocess import CompletedProcess
from typing import Any, cast

import pytest

from tests.faults import __main__ as faults
from tests.faults.survey import NotPossibleError, Survey, demand_told

LISTS = "Laporan mutu / Quality report: /data/report.html\n"


def said(text: str, *, code: int = 1) -> CompletedProcess[str]:
    return CompletedProcess(["ilk"], code, text, "")


def test_a_sentence_in_both_languages_is_told():
    demand_told(said(f"Masalah / Problem Disk penuh. / The disk is full.\n{LISTS}"), "is full")
    demand_told(said("Proses lain berjalan. / Another run is on."), "is on")
    demand_told(said(f"Peringatan / Warning PostgreSQL h/d belum. / Not yet.\nGone.\n{LISTS}"))


@pytest.mark.parametrize(
    "ended",
    [
        said("Masalah / Problem Disk penuh. / The disk is full.", code=0),
        said("Masalah / Problem The disk is full."),
        said("Masalah / Problem satu / one\ntwo\nthree\nfour"),
        said("Traceback (most recent call last)\nOSError: penuh / full"),
        said("Masalah / Problem lain / another"),
    ],
    ids=["no failure", "one language", "four lines", "a stack", "another"],
)
def test_anything_else_is_not(ended: CompletedProcess[str]):
    with pytest.raises(AssertionError):
        demand_told(ended, *(["is full"] if "lain" in ended.stdout else []))


def test_what_fails_is_counted_and_what_can_t_be_made_is_not(capsys: pytest.CaptureFixture[str]):
    drawn: list[float] = []

    def sometimes(_: Survey, random: Random) -> None:
        """It fails at times."""
        drawn.append(random.random())
        assert len(drawn) != 2, "the second"

    def never(_: Survey, random: Random) -> None:
        """It needs what isn't here."""
        raise NotPossibleError("needs root")

    def both() -> list[Any]:
        return faults.try_all(cast("Survey", None), [(sometimes, 3), (never, 3)], seed=7)

    rows = [tried.row() for tried in both()]
    assert rows == [
        "| It fails at times. | 3 | 2 |",
        "| It needs what isn't here. | not here: needs root | – |",
    ]
    assert "7/sometimes/1 FAILED" in capsys.readouterr().out
    first = drawn[:3]
    drawn[:] = [0] * 2
    both()
    assert drawn[2:] == first, "the seed draws it all again"
