"""Reports and posters, made of the sample's publication: four or so documents, opened and read.

Belongs here: what people would see in the files. Doesn't: figures themselves (the models' tests).
"""

import dataclasses
import io
import re
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import docx
import duckdb
import pypdf
import pytest
from publishing_cases import DECLARED, group, write_warehouse

from orchestration.durable_files import UnreadableFileError
from orchestration.publishing import PublicationError
from orchestration.publishing.publication import publish
from orchestration.publishing.reading.book import INDEX, Book, Component, Scale, Score, read_book
from orchestration.publishing.reading.language import language, languages
from orchestration.publishing.reports import ReportError, build
from orchestration.publishing.reports.subjects import Subject
from tests.conftest import Sample, ilk

CYCLE = "ilk-2025-s2"
NATION = Subject("national")
SITE = "https://ilk.example.go.id/hasil"


@pytest.fixture(scope="module")
def book(sample: Sample) -> Iterator[Book]:
    with read_book(sample.database) as book:
        yield book


@pytest.fixture(scope="module")
def shown(book: Book) -> Subject:
    """A unit whose index is shown."""
    return Subject("unit", min(_units(book, is_shown=True)))


@pytest.fixture(scope="module")
def hidden(book: Book) -> Subject:
    """A unit of which nothing is shown."""
    of_all = _units(book, is_shown=False)
    return Subject(
        "unit",
        min(
            unit
            for unit in of_all
            if all(
                score.is_suppressed for score in book.scores(CYCLE, "provider_unit", unit).values()
            )
        ),
    )


def _units(book: Book, *, is_shown: bool) -> list[str]:
    units = book.domains(CYCLE, "provider_unit")
    scores = {unit: book.score(CYCLE, "provider_unit", unit) for unit in units}
    return [
        unit
        for unit, score in scores.items()
        if score is not None and (score.score is not None if is_shown else score.is_suppressed)
    ]


def made(book: Book, subject: Subject, code: str = "id", kind: build.Kind = "pdf") -> bytes:
    """One report, as bytes."""
    (report,) = build.make_reports(
        book, book.cycles[CYCLE], [subject], publication_id="0123", code=code, kind=kind,
        site_url=SITE,
    )  # fmt: skip
    return report.content


def pdf_text(content: bytes) -> str:
    pages = pypdf.PdfReader(io.BytesIO(content)).pages
    return re.sub(r"\s+", " ", " ".join(page.extract_text() for page in pages))


def docx_text(content: bytes) -> str:
    document = docx.Document(io.BytesIO(content))
    tables = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return " ".join([*(paragraph.text for paragraph in document.paragraphs), *tables])


def figures(code: str, *scores: Score | None) -> list[str]:
    """Scores with their intervals, as a language writes them."""
    words = language(code)
    return [
        text
        for score in scores
        if score is not None and score.score is not None
        for text in (
            words.number(score.score),
            f"{words.number(score.ci_low)} – {words.number(score.ci_high)}",
        )
    ]


def parts(book: Book, subject: Subject) -> list[Score | None]:
    """The scores of the index, of each service, of each perspective."""
    scores = book.scores(CYCLE, subject.domain_type, subject.subject_id)
    components = [
        INDEX,
        *(Component(row["service_id"]) for row in book.services),
        *(Component("", row["perspective_id"]) for row in book.perspectives),
    ]
    return [scores.get(component) for component in components]


@pytest.mark.parametrize("code", languages())
def test_a_report_holds_the_published_figures_as_its_reader_writes_numbers(
    book: Book, shown: Subject, code: str
):
    for subject in (NATION, shown):
        text = pdf_text(made(book, subject, code))
        expected = figures(code, *parts(book, subject))
        assert expected
        assert not [figure for figure in expected if figure not in text]
        assert subject.name(book, book.cycles[CYCLE], language(code)) in text


def test_an_index_that_is_spoken_of_in_hundreds_is_told_so_everywhere(book: Book, shown: Subject):
    of_100 = dataclasses.replace(book, scale=Scale(factor=25, low=25, high=100))
    text = pdf_text(made(of_100, shown))
    words = language("id")
    scores = [score for score in parts(book, shown) if score and score.score is not None]
    assert not [score for score in scores if words.number(25 * score.score) not in text]
    nation = book.score(CYCLE, "national", "national")
    assert words.number(nation.score) not in text
    assert "88,31 – 100,00" in text  # the scheme's own limits
    (change,) = book.rows(
        "idx_changes",
        cycle_id=CYCLE,
        domain_type="provider_unit",
        domain_id=shown.subject_id,
        component_type="index",
    )
    if change["delta"] is not None:
        assert words.signed(25 * change["delta"]) in text


def test_a_region_report_holds_its_own_and_its_shown_units_figures(book: Book):
    region = next(
        region
        for region in book.domains(CYCLE, "provider_region")
        if (score := book.score(CYCLE, "provider_region", region)) and score.score is not None
    )
    units = {
        unit: score
        for unit, row in book.units[CYCLE].items()
        if row["region_id"] == region
        and (score := book.score(CYCLE, "provider_unit", unit)) is not None
    }
    text = pdf_text(made(book, Subject("region", region)))
    own = book.score(CYCLE, "provider_region", region)
    expected = figures("id", own, *units.values())
    assert len(expected) > 2
    assert not [figure for figure in expected if figure not in text]


@pytest.mark.parametrize("kind", ["pdf", "poster", "docx"])
def test_a_hidden_unit_has_its_report_without_a_figure_of_its_own_and_says_why(
    book: Book, hidden: Subject, kind: build.Kind
):
    content = made(book, hidden, kind=kind)
    text = docx_text(content) if kind == "docx" else pdf_text(content)
    assert language("id")("report.why_hidden", least=10) in text
    unit = book.units[CYCLE][hidden.subject_id]
    region, level = unit["region_id"], unit["unit_level_id"]
    others = figures(
        "id",
        book.score(CYCLE, "provider_region_level", f"{region}|{level}"),
        book.score(CYCLE, "provider_region", region),
        book.score(CYCLE, "provider_level", level),
        book.score(CYCLE, "national", "national"),
    )
    medians = {
        language("id").number(row["median_score"])
        for row in book.rows("idx_peers", cycle_id=CYCLE, component_type="index")
        if row["unit_type"] == unit["unit_type"]
    }
    allowed = {number for figure in others for number in figure.split(" – ")} | medians
    told = set(re.findall(r"(?<![\d,.])[1-4],\d\d(?![\d%])", text))
    assert told <= allowed
    assert unit["unit_name"] in text
    (answered,) = book.rows(
        "fct_participation_units", cycle_id=CYCLE, unit_id=hidden.subject_id, role_id="penerima"
    ) or [None]
    if answered is not None:
        assert language("id").number(answered["required_sample"], 0) in text


@pytest.mark.parametrize("kind", ["pdf", "docx", "poster"])
def test_the_same_publication_gives_the_same_bytes(
    book: Book, sample: Sample, shown: Subject, kind: build.Kind
):
    first = made(book, shown, kind=kind)
    with read_book(sample.database) as again:
        assert made(again, shown, kind=kind) == first


def test_a_pdf_is_tagged_says_its_language_and_tells_each_chart(book: Book, shown: Subject):
    reader = pypdf.PdfReader(io.BytesIO(made(book, shown, "en")))
    root = reader.trailer["/Root"]
    assert root["/Lang"] == "en"
    assert root["/MarkInfo"]["/Marked"]
    assert b"pdfuaid:part>1<" in root["/Metadata"].get_object().get_data()
    told = [
        element["/Alt"]
        for element in (
            reader.get_object(n) for n in range(1, len(reader.xref[0]) + 1) if _is(reader, n)
        )
        if "/Alt" in element
    ]
    own = book.score(CYCLE, "provider_unit", shown.subject_id)
    assert any(f"Index {language('en').number(own.score)}" in text for text in told)


def _is(reader: pypdf.PdfReader, number: int) -> bool:
    found = reader.get_object(number)
    return isinstance(found, pypdf.generic.DictionaryObject) and found.get("/S") == "/Figure"


def test_a_docx_says_the_same_under_real_headings_with_rows_of_headings(book: Book, shown: Subject):
    content = made(book, shown, "id", "docx")
    text = docx_text(content)
    assert not [figure for figure in figures("id", *parts(book, shown)) if figure not in text]
    document = docx.Document(io.BytesIO(content))
    headings = [p.text for p in document.paragraphs if p.style.name == "Heading 1"]
    assert headings[:2] == ["1. Pendahuluan", "2. Metode"]
    tables = document.tables[1:]  # the first has the facts, one a row
    assert tables
    assert all("w:tblHeader" in table.rows[0]._tr.xml for table in tables)
    assert document.inline_shapes
    assert all(shape._inline.docPr.get("descr") for shape in document.inline_shapes)


def test_a_poster_leads_to_its_page_where_the_sites_address_is_known(book: Book, shown: Subject):
    address = f"{SITE}/id/units/{shown.subject_id}.html"
    assert address in pdf_text(made(book, shown, kind="poster"))
    (without,) = build.make_reports(
        book, book.cycles[CYCLE], [shown], publication_id="0123", kind="poster"
    )
    text = pdf_text(without.content)
    assert "html" not in text
    assert language("id").number(parts(book, shown)[0].score) in text


def test_a_planned_action_stands_in_the_report_and_beside_the_next_cycles_change(
    sample: Sample, shown: Subject, tmp_path: Path
):
    database = tmp_path / "ilk.duckdb"
    shutil.copy(sample.database, database)
    with duckdb.connect(str(database)) as connection:
        connection.execute("drop table if exists fct_follow_ups")
        connection.execute(
            """
            create table fct_follow_ups as
            select cycle_id, ? as unit_id, perspective_id, action, 'Kepala' as owner,
                ? as due_on, 'done' as status
            from (values
                ('ilk-2025-s2', 'empathy', 'Loket baru dibuka'),
                ('ilk-2025-s1', 'reliability', 'Jadwal diumumkan')
            ) as made_up (cycle_id, perspective_id, action)
            """,
            [shown.subject_id, date(2026, 3, 31)],
        )
    with read_book(database) as book:
        text = pdf_text(made(book, shown))
    words = language("id")
    assert "Loket baru dibuka Kepala 31 Maret 2026" in text
    assert words("report.helped_table") in text
    assert "Jadwal diumumkan" in text.partition(words("report.helped_table"))[2]


def test_a_units_report_says_which_of_the_lowest_are_certain(
    sample: Sample, book: Book, tmp_path: Path
):
    unit = next(
        row["domain_id"]
        for row in book.rows("idx_priorities", cycle_id=CYCLE, lowest_rank=3)
        if row["is_lowest_certain"] is False
    )
    assert _last_column(book, unit, "en") == ["Among the three lowest", *["not certain"] * 3]
    database = tmp_path / "ilk.duckdb"
    shutil.copy(sample.database, database)
    with duckdb.connect(str(database)) as connection:
        connection.execute("use ilk.main")
        connection.execute(
            "update idx_priorities set is_lowest_certain ="
            " case lowest_rank when 1 then true when 2 then false end"
        )
    with read_book(database) as other:
        assert _last_column(other, unit, "id") == [
            "Termasuk tiga terendah",
            "pasti",
            "belum tentu",
            "tidak dapat ditentukan",
        ]


def _last_column(book: Book, unit: str, code: str) -> list[str]:
    """Of the table of the lowest elements."""
    document = docx.Document(io.BytesIO(made(book, Subject("unit", unit), code, "docx")))
    heading = language(code)("report.lowest_mark")
    columns = [[row.cells[-1].text for row in table.rows] for table in document.tables]
    (found,) = (column for column in columns if column[0] == heading)
    return found


def test_what_is_not_there_is_told_in_a_sentence(sample: Sample):
    for arguments, words in (
        (["ilk-2099-s1"], "ilk-2099-s1 belum terbit"),
        ([CYCLE, "--unit", "kanwil aceh raya"], "has no unit 'kanwil aceh raya'"),
        ([CYCLE, "--region", "Atlantis"], "has no region 'Atlantis'"),
        ([CYCLE, "--language", "fr"], "There is no language 'fr'"),
    ):
        result = ilk("report", *arguments)
        assert result.exit_code == 1, result.output
        assert words in result.output
    for wrong in (["--format", "odt"], ["--all", "--unit", "x"], ["--poster", "--format", "docx"]):
        assert ilk("report", CYCLE, *wrong).exit_code == 2
    assert not sample.settings.reports_dir.exists()


def test_a_report_lies_below_its_publication_and_cycle(sample: Sample, book: Book):
    region = next(row for row in book.regions.values() if row["region_id"] == "11")
    result = ilk("report", CYCLE, "--region", region["name"].lower(), "--language", "en")
    assert result.exit_code == 0, result.output
    (path,) = sample.settings.reports_dir.rglob("*.pdf")
    assert path.parts[-4:] == (CYCLE, "en", "regions", "11.pdf")
    assert str(path) in result.output
    shutil.rmtree(sample.settings.reports_dir)


def test_without_its_packages_the_way_to_install_them_is_said(
    book: Book, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(build.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ReportError, match="uv sync --extra reports"):
        made(book, NATION)


def test_reports_are_published_of_the_cycles_that_ask_for_them(
    sample: Sample, shown: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(build, "all_subjects", lambda *_: [shown])
    assert build.write_reports(sample.database, tmp_path / "none", "0123") == 0
    assert not (tmp_path / "none").exists()
    database = tmp_path / "ilk.duckdb"
    shutil.copy(sample.database, database)
    with duckdb.connect(str(database)) as connection:
        # A cycle that isn't scored yet is left out until it is.
        connection.execute("update dim_cycles set reports = cycle_id <> 'ilk-2025-s1'")
    assert build.write_reports(database, tmp_path / "reports", "0123") == len(languages())
    found = {path.relative_to(tmp_path / "reports") for path in tmp_path.rglob("*.pdf")}
    assert found == {Path(CYCLE, code, "units", f"{shown.subject_id}.pdf") for code in languages()}


def test_a_publication_whose_reports_fail_is_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def fail(*_: object) -> int:
        raise ReportError("no letters")

    monkeypatch.setattr("orchestration.publishing.publication.write_reports", fail)
    write_warehouse(tmp_path / "warehouse.duckdb", group("u1", "upt", "r1", 30))
    with pytest.raises(PublicationError, match="no letters"):
        publish(
            warehouse=tmp_path / "warehouse.duckdb",
            declared=DECLARED,
            data_dir=tmp_path,
            fingerprint={},
        )
    assert not (tmp_path / "published").exists()


@pytest.mark.parametrize("content", [b"no database", None], ids=["damaged", "of another version"])
def test_a_publication_that_cannot_be_read_is_told_with_the_way_out(
    tmp_path: Path, content: bytes | None
):
    database = tmp_path / "ilk.duckdb"
    if content is None:
        with duckdb.connect(str(database)) as connection:
            connection.execute("create table dim_cycles as select 'c' as cycle_id")
    else:
        database.write_bytes(content)
    with pytest.raises(UnreadableFileError, match=r"\./ilk run --all"), read_book(database):
        pass
