"""Makes reports and posters of a publication, from its published tables alone.

Belongs here: which files there are, where they lie, what is missing to make them. Doesn't: what
stands in one (sections.py, poster.py), how it is laid out (pdf.py, word.py).

    <language>/national.pdf
    <language>/regions/<region_id>.pdf
    <language>/units/<unit_id>.pdf, <unit_id>-poster.pdf, <unit_id>.docx
"""

import importlib.util
import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import duckdb

from orchestration.durable_files import below, whole_file
from orchestration.publishing.reading.book import Book, Cycle, read_book
from orchestration.publishing.reading.language import language, languages
from orchestration.publishing.reports import ReportError
from orchestration.publishing.reports.pdf import Press
from orchestration.publishing.reports.poster import poster_of
from orchestration.publishing.reports.sections import report_of
from orchestration.publishing.reports.subjects import Subject, all_subjects, find_subject
from orchestration.publishing.reports.telling import Teller
from orchestration.publishing.reports.word import docx_of
from orchestration.survey_days import local_day

Kind = Literal["pdf", "docx", "poster"]
_PACKAGES = {"pdf": ("typst",), "docx": ("typst", "docx"), "poster": ("typst", "segno")}
_TOLD_EVERY = 100
_ENDINGS = {"pdf": ".pdf", "docx": ".docx", "poster": "-poster.pdf"}


@dataclass(frozen=True)
class Made:
    """A report: where it belongs below its cycle's folder, and its bytes."""

    names: tuple[str, ...]
    content: bytes


def demand_packages(kind: Kind) -> None:
    """Raise ReportError where what this kind is made with is not installed."""
    missing = [name for name in _PACKAGES[kind] if importlib.util.find_spec(name) is None]
    if missing:
        raise ReportError(
            f"Pasang paket laporan: uv sync --extra reports (belum ada: {', '.join(missing)}). / "
            "Install what reports are made with: uv sync --extra reports"
        )


def demand_language(code: str) -> None:
    """Raise ReportError where there is no such language."""
    if code not in languages():
        raise ReportError(
            f"Bahasa '{code}' tidak ada; yang ada: {', '.join(languages())}. / "
            f"There is no language '{code}'"
        )


def find_cycle(book: Book, cycle_id: str) -> Cycle:
    """Return a cycle whose scores are published. Raises ReportError where they aren't."""
    cycle = book.cycles.get(cycle_id)
    if cycle is not None and cycle.is_scored:
        return cycle
    shown = [each.cycle_id for each in book.cycles.values() if each.is_scored]
    raise ReportError(
        f"Skor {cycle_id} belum terbit; yang terbit: {', '.join(shown) or '–'}. / "
        f"No scores of {cycle_id} are published"
    )


def make_reports(
    book: Book,
    cycle: Cycle,
    subjects: Sequence[Subject],
    *,
    publication_id: str,
    code: str = "id",
    kind: Kind = "pdf",
    site_url: str | None = None,
) -> Iterator[Made]:
    """Give the subjects' reports (or posters) in a language, one after the other.

    `site_url`: where the pages stand, for the codes of posters. Raises ReportError.
    """
    demand_packages(kind)
    demand_language(code)
    tell = Teller(book, cycle, language(code))
    made_at = _made_at(book, publication_id, cycle)
    press = Press(made_at)
    day = local_day(made_at)
    source = tell.words("report.source", publication=publication_id, day=tell.words.day(day))
    for subject in subjects:
        if kind == "poster":
            content = press.poster(poster_of(tell, subject, source, site_url))
        elif kind == "docx":
            content = docx_of(report_of(tell, subject, source), made_at, press.picture)
        else:
            content = press.report(report_of(tell, subject, source))
        *folders, name = subject.path
        yield Made((code, *folders, f"{name}{_ENDINGS[kind]}"), content)


def write_reports(database: Path, folder: Path, publication_id: str) -> int:
    """Write all reports of the cycles that ask for them into the new `folder`, in every language.

    Nothing is written where none asks. `database` is the publication's DuckDB file, closed. Returns
    how many there are; raises ReportError.
    """
    asking = _asking(database)
    if not asking:
        return 0
    count = 0
    with read_book(database) as book:
        for cycle_id in asking:
            cycle = book.cycles[cycle_id]
            if not cycle.is_scored:  # its window is open still
                continue
            for code in languages():
                for made in make_reports(
                    book,
                    cycle,
                    all_subjects(book, cycle),
                    publication_id=publication_id,
                    code=code,
                ):
                    path = below(folder, cycle_id, *made.names)
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(made.content)
                    count += 1
    return count


def save_reports(
    published_dir: Path,
    reports_dir: Path,
    cycle_id: str,
    *,
    unit: str | None = None,
    region: str | None = None,
    every: bool = False,
    code: str = "id",
    kind: Kind = "pdf",
    site_url: str | None = None,
) -> list[Path]:
    """Make the reports that are asked for of what is published now, and say how far it is.

    Neither `unit` nor `region` nor `every`: the nation's. They lie in `reports_dir`, by publication
    and cycle. Raises ReportError before anything is written.
    """
    log = logging.getLogger("ilk.reports")
    paths = []
    with _published(published_dir) as (book, publication_id):
        cycle = find_cycle(book, cycle_id)
        if every:
            subjects = all_subjects(book, cycle)
        else:
            subjects = [find_subject(book, cycle, unit=unit, region=region)]
        reports = make_reports(
            book,
            cycle,
            subjects,
            publication_id=publication_id,
            code=code,
            kind=kind,
            site_url=site_url,
        )
        for number, made in enumerate(reports, start=1):
            path = below(reports_dir, publication_id, cycle_id, *made.names)
            with whole_file(path) as temporary:
                temporary.write_bytes(made.content)
            paths.append(path)
            told = log.info if number % _TOLD_EVERY == 0 else log.debug
            told("%s: %d / %d", cycle_id, number, len(subjects))
    return paths


def _asking(database: Path) -> list[str]:
    """Return the cycles whose row of survey_cycles has `reports`, in a publication."""
    with duckdb.connect(str(database), read_only=True) as connection:
        columns = connection.execute(
            "select column_name from duckdb_columns() where table_name = 'dim_cycles'"
        ).fetchall()
        if ("reports",) not in columns:
            return []
        found = connection.execute(
            "select cycle_id from dim_cycles where reports order by cycle_id"
        ).fetchall()
    return [row[0] for row in found]


def _made_at(book: Book, publication_id: str, cycle: Cycle) -> datetime:
    """Return the time of a publication, in UTC: the latest run that it records.

    Where it records none, the end of the window: a file's time must not be the moment of asking.
    """
    rows: list[datetime] = [
        row["started_at"]
        for row in book.rows("audit_runs", publication_id=publication_id)
        if row["started_at"] is not None
    ]
    if rows:
        return max(rows).replace(microsecond=0, tzinfo=UTC)
    closes = cycle.closes_on
    return datetime(closes.year, closes.month, closes.day, tzinfo=UTC)


@contextmanager
def _published(published_dir: Path) -> Iterator[tuple[Book, str]]:
    """Open what is published now: its book and its id. Raises ReportError where nothing is."""
    folder = published_dir.resolve()  # the link may be swapped meanwhile
    manifest = folder / "publication.json"
    if not manifest.is_file():
        raise ReportError(
            "Belum ada publikasi: jalankan ./ilk run. / Nothing is published: run a cycle first."
        )
    publication_id = str(json.loads(manifest.read_text(encoding="utf-8"))["publication_id"])
    with read_book(folder / "ilk.duckdb") as book:
        yield book, publication_id
