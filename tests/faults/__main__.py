"""`make faults`: every fault so many times, and docs/reliability.md's table of what came of them.

Belongs here: arguments, counting, the table. Doesn't: faults (processes.py, disks.py,
surroundings.py). Ends in 1 where anything didn't hold; prints its seed, which draws it all again.
"""

import argparse
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random, SystemRandom

from orchestration.settings import REPOSITORY
from tests.faults import disks, processes, surroundings
from tests.faults.survey import NotPossibleError, Survey

PAGE = REPOSITORY / "docs" / "reliability.md"
BEGIN, END = "<!-- make faults: begin -->", "<!-- make faults: end -->"
# How often each is tried where nothing else is asked for.
FAULTS: dict[Callable[[Survey, Random], None], int] = {
    processes.killed: 200,
    processes.killed_twice: 20,
    processes.two_runs: 10,
    processes.run_and_trace: 10,
    processes.two_machines: 5,
    disks.disk_full: 20,
    disks.read_only: 14,
    disks.raw_file_damaged: 20,
    disks.raw_file_rotten: 20,
    disks.little_memory: 10,
    surroundings.clock_set_back: 5,
    surroundings.source_hangs: 3,
    surroundings.postgres_gone: 10,
}


@dataclass
class Tried:
    """What came of a fault."""

    words: str
    held: int = 0
    failed: list[str] = field(default_factory=list)
    not_possible: str = ""

    def row(self) -> str:
        """Return it as a row of the page's table."""
        tried = self.held + len(self.failed)
        return f"| {self.words} | {tried or self.not_possible} | {self.held if tried else '–'} |"


def try_all(
    survey: Survey, faults: Iterable[tuple[Callable[[Survey, Random], None], int]], seed: int
) -> list[Tried]:
    """Try each fault so many times; what is drawn depends on seed, fault and number alone."""
    came = []
    for fault, count in faults:
        tried = Tried((fault.__doc__ or "").strip().splitlines()[0])
        came.append(tried)
        for number in range(count):
            started = time.monotonic()
            draw = f"{seed}/{fault.__name__}/{number}"
            try:
                fault(survey, Random(draw))  # moments, not secrets
                tried.held += 1
            except NotPossibleError as error:
                tried.not_possible = f"not here: {error}"
                print(f"{fault.__name__}: {tried.not_possible}", flush=True)
                break
            except Exception:  # counted, told, and the others go on
                tried.failed.append(traceback.format_exc())
                print(f"{draw} FAILED\n{tried.failed[-1]}", flush=True)
            print(f"{draw}: {time.monotonic() - started:.0f} s", flush=True)
    return came


def main() -> int:
    """Try them, print what came of them, and write it into the page where that is asked for."""
    names = {fault.__name__: fault for fault in FAULTS}
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(10**6))
    parser.add_argument("--only", nargs="*", choices=[*names], default=[*names])
    parser.add_argument("--count", type=int, help="of each, instead of its own number")
    parser.add_argument("--share", type=float, default=1.0, help="of each one's own number")
    parser.add_argument("--write", action="store_true", help=f"the table in {PAGE.name}")
    asked = parser.parse_args()
    print(f"seed {asked.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="ilk-faults-") as folder:
        survey = Survey(Path(folder, "survey"))
        print(f"an undisturbed run takes {survey.seconds:.1f} s", flush=True)
        faults = [
            (names[name], asked.count or max(1, round(FAULTS[names[name]] * asked.share)))
            for name in asked.only
        ]
        came = try_all(survey, faults, asked.seed)
    table = ["| fault | tried | held |", "|---|---|---|", *(tried.row() for tried in came)]
    print("\n".join(table))
    if asked.write:
        head, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
        _, _, tail = rest.partition(END)
        said = f"Seed {asked.seed}; an undisturbed run took {survey.seconds:.1f} s."
        PAGE.write_text("\n".join([head + BEGIN, *table, "", said, END + tail]), encoding="utf-8")
    return int(any(tried.failed for tried in came))


if __name__ == "__main__":
    sys.exit(main())
