"""What the raw zone keeps is looked at again: bytes by their name, readings by their checksums.

Belongs here: damage below raw/ that a pull finds. Doesn't: damage under a run (tests/faults), files
of ours elsewhere (tests/test_damaged_files.py).
"""

from pathlib import Path
from random import Random

import pytest
from exports_cases import CYCLE
from place_servers import WebServer

from orchestration.cycles.state import BorderPassed, cycle_states
from orchestration.durable_files import UnreadableFileError
from orchestration.exports import places
from orchestration.exports.reading import is_undamaged
from orchestration.settings import Settings
from orchestration.stages.readings import demand_undamaged

FILE = "gform/a.csv"
GOOD = b"id,unit\n" + b"".join(b"%d,A%d\n" % (number, number % 7) for number in range(300))


def turned(path: Path, place: int) -> None:
    """Turn a bit of the byte at a place."""
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def stored(cycle) -> Path:
    [path] = (cycle.raw_dir / "files").iterdir()
    return path


def reading(cycle) -> Path:
    [path] = (cycle.raw_dir / "survey_responses").rglob("*.parquet")
    return path


def test_bytes_that_were_damaged_are_kept_anew_from_the_landing(cycle):
    cycle.drop(FILE, GOOD)
    cycle.pull()
    turned(stored(cycle), 10)
    assert cycle.pull().unchanged == (f"{CYCLE}/{FILE}",)
    assert stored(cycle).read_bytes() == GOOD


def test_bytes_of_a_source_that_is_away_are_told_where_they_were_damaged(cycle, monkeypatch):
    monkeypatch.setattr(places, "WAITS", (0.01, 0.01))
    with WebServer().running() as web:
        web.pages |= {"/a.csv": GOOD, "/list/": b'<a href="/list/a.csv">x</a>', "/list/a.csv": GOOD}
        cycle.seed(locations=[f"{web.url}/list/*.csv"])
        assert len(cycle.pull().new) == 1
        web.statuses["/list/"] = 500
        assert cycle.pull().refused  # its last version stays in use
        damaged = stored(cycle)
        turned(damaged, 10)
        cycle.seed(locations=[f"{web.url}/list/*.csv", f"{CYCLE}/{FILE}"])
        cycle.drop(FILE, GOOD.replace(b"0,A0", b"0,A1", 1))
        report = cycle.pull()
        [refusal] = [each for each in report.refused if each.code == "kept_damaged"]
        assert damaged.name in refusal.message and "stays in use" in refusal.message
        assert report.new == (f"{CYCLE}/{FILE}",)  # the good files beside it go on
        assert cycle.pull().unchanged == (f"{CYCLE}/{FILE}",)
    places._connections.clear()


def test_a_reading_with_a_bit_turned_is_read_anew(cycle):
    cycle.drop(FILE, GOOD)
    cycle.pull()
    written = reading(cycle).read_bytes()
    noticed = 0
    random = Random("which bits")
    for _ in range(60):
        turned(reading(cycle), random.randrange(len(written) // 2))  # pages: the rest describes
        noticed += not is_undamaged(reading(cycle))
        reading(cycle).write_bytes(written)
    assert noticed >= 50
    place = len(written) // 4
    while is_undamaged(reading(cycle)):
        turned(reading(cycle), place)
        place -= 1
    cycle.pull()
    assert is_undamaged(reading(cycle))


def test_what_was_made_of_a_reading_damaged_meanwhile_is_refused(cycle):
    settings = Settings(data_dir=cycle.folder)
    cycle.drop(FILE, GOOD)
    cycle.pull()
    states = cycle_states(settings)
    states.pass_border(CYCLE, BorderPassed("of damaged cells", {}))
    demand_undamaged(settings, CYCLE)
    reading(cycle).write_bytes(reading(cycle).read_bytes()[:-9])
    with pytest.raises(UnreadableFileError, match="run again: it is read anew"):
        demand_undamaged(settings, CYCLE)
    assert states.border_passed(CYCLE) is None
