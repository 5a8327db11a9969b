"""`make life`: the life of one cycle under simulated time, and what each role sees at each step.

Belongs here: the steps, whole commands under libfaketime, docs/cycle-life.md. Doesn't: what any of
them does (tests), how long it takes (run.py). The example's second cycle is lived through on the
days of its own window, with files that grow, one that broke off and its correction; at the end its
scores are those of a run that had every file from the start.

    python -m benchmarks.cycle_life [--write]
"""

import csv
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import duckdb

from orchestration.publishing.publication import table_checksums
from orchestration.settings import REPOSITORY

SEEDS = REPOSITORY / "tests" / "seeds"  # frozen, as the example's exports are
FILES = REPOSITORY / "examples" / "ilk" / "landing"
PAGE = REPOSITORY / "docs" / "cycle-life.md"
BEFORE, CYCLE = "ilk-2025-s1", "ilk-2025-s2"
LIMESURVEY, GOOGLE, MICROSOFT = (
    f"{CYCLE}/limesurvey/survei-{CYCLE}.csv",
    f"{CYCLE}/gform/survei-{CYCLE}.csv",
    f"{CYCLE}/msform/survei-{CYCLE}.xlsx",
)
TIMES = {
    LIMESURVEY: ("submitdate", "%Y-%m-%d %H:%M:%S"),
    GOOGLE: ("Stempel waktu", "%d/%m/%Y %H:%M:%S"),
}
_WHOLE_COUNTRY = (
    "domain_type = 'national' and component_type = 'index' and weighting_mode = 'poststrat'"
)
LINES = 16  # of what a command printed
_ENVIRONMENT = {
    "ILK_SEEDS_DIR": str(SEEDS),
    "ILK_PAGES": "false",
    "ILK_PSEUDONYM_KEY": "a key of the example",
    "TZ": "UTC",
    "COLUMNS": "110",
}
_HEAD = """# A cycle's life

What each role sees from the day before a window opens to a restatement, as the commands
printed it under simulated time (libfaketime, UTC; the example's made-up people). Written by
`make life`, which fails where a step does not come out so.
"""


def until(name: str, day: str) -> bytes:
    """Return an export as the survey tool gives it on a day: the responses that came before it."""
    column, form = TIMES[name]
    text = (FILES / name).read_text(encoding="utf-8-sig")
    dialect = csv.Sniffer().sniff(text[:2000], delimiters=",;")
    heading, *rows = csv.reader(io.StringIO(text), delimiter=dialect.delimiter)
    at = heading.index(column)
    kept = [
        row
        for row in rows
        if len(row) > at
        and row[at]
        and datetime.strptime(row[at], form) < datetime.fromisoformat(day)
    ]
    written = io.StringIO()
    csv.writer(written, delimiter=dialect.delimiter, quoting=csv.QUOTE_ALL).writerows(
        [heading, *kept]
    )
    return b"\xef\xbb\xbf" + written.getvalue().encode()


@dataclass
class Life:
    """A data folder whose clock is set by each step, and the page that is written of it."""

    folder: Path
    page: list[str] = field(default_factory=lambda: [_HEAD])
    now: str = ""

    @property
    def data(self) -> Path:
        """Its data folder."""
        return self.folder / "data"

    def drop(self, name: str, content: bytes | None = None) -> None:
        """Drop an export, whole unless told what is there."""
        path = self.data / "landing" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((FILES / name).read_bytes() if content is None else content)

    def day(self, now: str, what: str) -> None:
        """Set the clock (UTC)."""
        self.now = now
        print(f"{now} {what}", file=sys.stderr, flush=True)
        self.page.append(f"## {now[:10]}: {what}\n")

    def ilk(self, *arguments: str, code: int = 0, who: str = "", shown: str = ".") -> str:
        """Run a command and show its lines that fit, as one role's view."""
        command = [
            "faketime",
            "--exclude-monotonic",
            self.now,
            str(Path(sys.executable).with_name("ilk")),
            *arguments,
        ]
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ILK_")}
        ran = subprocess.run(
            command, capture_output=True, text=True, check=False,
            env=kept | _ENVIRONMENT | {"ILK_DATA_DIR": str(self.data)},
        )  # fmt: skip
        said = ran.stdout + ran.stderr
        assert ran.returncode == code, f"{' '.join(arguments)}: {ran.returncode}\n{said}"
        if who:
            lines = [line.rstrip() for line in said.replace(str(self.data), "data").splitlines()]
            lines = [line for line in lines if line and re.search(shown, line)]
            asked = " ".join(arguments).replace(str(self.data), "data")
            self.show(f"{who} (`ilk {asked}`, exit code {code})", lines)
        return said

    def show(self, title: str, lines: Sequence[str]) -> None:
        """Add a block to the page, its beginning where it is long."""
        first, more = lines[:LINES], lines[LINES:]
        rest = [f"... {len(more)} more lines"] if more else []
        self.page += [f"{title}:\n", "```text", *first, *rest, "```", ""]

    def published(self, sql: str) -> list[tuple[object, ...]]:
        """Return what a query on the publication finds."""
        file = (self.data / "published" / "ilk.duckdb").resolve()
        with duckdb.connect(str(file), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def leaders_see(self) -> int:
        """Show what a leader reads of the cycle; return of how many cycles there are scores."""
        scores = self.published(
            "select cycle_id, round(score, 2), round(ci_low, 2), round(ci_high, 2),"
            f" respondent_count from idx_scores where {_WHOLE_COUNTRY} order by cycle_id"
        )
        self.show(
            "Leaders read (`idx_scores`, the nation)",
            [
                f"{cycle}: {score} ({low} to {high}), n = {n}"
                for cycle, score, low, high, n in scores
            ],
        )
        return len(scores)


def is_as_undisturbed(life: Life) -> bool:
    """Whether the publication is that of a run which had every file from the start."""
    other = Life(life.folder / "undisturbed", now=life.now)
    shutil.copytree(FILES, other.data / "landing")
    other.ilk("run", BEFORE, CYCLE)
    found, expected = (
        table_checksums(of.data / "published" / "ilk.duckdb") for of in (life, other)
    )
    moved = [name for name in expected if found.get(name) != expected[name]]
    print(f"differ: {moved}", file=sys.stderr)
    return not moved


def live(life: Life) -> None:
    """Go through the steps; AssertionError where one does not come out as it must."""
    team, region, engineer = (
        "The index team runs",
        "A regional administrator asks",
        "The engineer on duty asks",
    )

    life.day("2025-10-01 01:00:00", "the cycle before is finished")
    for path in (FILES / BEFORE).rglob("*.*"):
        life.drop(str(path.relative_to(FILES)))
    life.ilk("run", BEFORE)
    life.ilk("finalise", BEFORE, who="The index team freezes it")

    life.day("2025-10-06 00:05:00", "the window opens, nobody has answered")
    life.drop(f"{CYCLE}/staff_frame.csv")
    life.ilk("run", CYCLE, who=team, shown="partisipasi|menunggu|terbit|published")
    life.ilk("status", CYCLE, who=region)
    assert life.leaders_see() == 1, "no score before the close"

    life.day("2025-10-13 00:05:00", "files arrive in part")
    for name in TIMES:
        life.drop(name, until(name, "2025-10-13"))
    life.ilk("run", CYCLE, who=team, shown="partisipasi|baris|terbit|published")
    life.ilk("status", CYCLE, who=region)
    assert life.leaders_see() == 1

    life.day("2025-10-27 00:05:00", "a copy broke off; the good file beside it goes on")
    life.drop(LIMESURVEY, until(LIMESURVEY, "2025-10-27")[:60_000])
    life.drop(GOOGLE, until(GOOGLE, "2025-10-27"))
    life.ilk("run", CYCLE, code=1, who=team, shown="Masalah|Problem|records|baris|./ilk")
    life.ilk("health", code=1, who=engineer)

    life.day("2025-10-28 02:00:00", "its correction")
    life.drop(LIMESURVEY, until(LIMESURVEY, "2025-10-28"))
    life.ilk("run", CYCLE, who=team, shown="partisipasi|baris|terbit|published")
    life.ilk("health", "--only", "run", who=engineer)

    life.day("2025-11-05 00:05:00", "three days to go: each region gets its list")
    for name in TIMES:
        life.drop(name, until(name, "2025-11-05"))
    life.ilk("run", CYCLE)
    life.ilk("status", CYCLE, "--out", str(life.data / "lists"), who=region)

    life.day("2025-11-08 00:05:00", "the window has closed: scores")
    for name in (*TIMES, MICROSOFT):
        life.drop(name)
    life.ilk("run", CYCLE, who=team)
    assert life.leaders_see() == 2
    same = is_as_undisturbed(life)
    life.page.append(
        f"Every published table equals an undisturbed run's: **{'yes' if same else 'NO'}**.\n"
    )
    assert same

    life.day("2025-11-10 03:00:00", "finalised")
    life.ilk("finalise", CYCLE, who=team)

    life.day(
        "2025-11-20 03:00:00",
        "a file changes after all, and is refused; then restated with a reason",
    )
    life.drop(GOOGLE, until(GOOGLE, "2025-11-06"))
    life.ilk("run", CYCLE, code=1, who=team, shown="final|--restate")
    life.ilk("run", CYCLE, "--restate", "answers of the last two days were of a trial", who=team)
    life.leaders_see()
    restated = life.published("select count(*), min(why) from audit_restatements")
    life.show(
        "Auditors read (`audit_restatements`)", [f"{n} numbers: {why}" for n, why in restated]
    )
    life.ilk("reproduce", CYCLE, who="An auditor computes it again from what was kept")


def main(arguments: list[str]) -> None:
    """Print the page, or write it to docs/."""
    if shutil.which("faketime") is None:
        sys.exit("Install faketime first (Debian: apt-get install faketime).")
    with tempfile.TemporaryDirectory(prefix="ilk-life-") as folder:
        life = Life(Path(folder))
        live(life)
    page = "\n".join(life.page)
    if "--write" in arguments:
        PAGE.write_text(page.rstrip() + "\n", encoding="utf-8")
    else:
        print(page)


if __name__ == "__main__":
    main(sys.argv[1:])
