"""Pages of units and regions: what is published stands on them, and what is hidden doesn't."""

import re
import shutil
import time
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path

import duckdb
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page as Tab
from playwright.sync_api import sync_playwright

from orchestration.publishing.reading.book import Book, Cycle, read_book
from orchestration.publishing.reading.language import Language, language, languages
from orchestration.publishing.site import build, places, respondents
from orchestration.publishing.site.page import Page
from orchestration.publishing.site.pages_participation import participation_pages
from orchestration.publishing.site.pages_regions import region_pages
from orchestration.publishing.site.pages_units import unit_pages
from tests.conftest import Sample

CPU_SECONDS = 20  # for 900 units in two languages, on a slow machine
PAGE_BYTES = 100_000
CHROMIUM = shutil.which("chromium")
NO_REQUESTS = {"preload": False}  # axe would ask for style sheets, which a file system refuses
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: make services")


@pytest.fixture(scope="module")
def book(sample: Sample) -> Iterator[Book]:
    """The sample's publication."""
    with read_book(sample.database) as read:
        yield read


@pytest.fixture(scope="module")
def cycle(book: Book) -> Cycle:
    """Its newest cycle."""
    return book.latest


@pytest.fixture(scope="module")
def site(sample: Sample, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All pages of units and regions, within their time."""
    folder = tmp_path_factory.mktemp("pages") / "site"
    start = time.process_time()
    write(sample.database, folder)
    assert time.process_time() - start < CPU_SECONDS
    return folder


@pytest.fixture
def tab() -> Iterator[Tab]:
    """A tab of a browser; a fault of a script fails the test."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        faults: list[str] = []
        opened = browser.new_page()
        opened.on("pageerror", lambda fault: faults.append(str(fault)))
        opened.on("console", lambda said: faults.append(said.text))
        yield opened
        browser.close()
        assert faults == []


def write(database: Path, folder: Path, *kinds: Callable[[Book, Language], Iterator[Page]]) -> None:
    """Write the pages of these kinds alone: regions and units, where none is named."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "_KINDS", kinds or (region_pages, unit_pages))
        build.write_site(database, folder)


def page(site: Path, path: str, code: str = "id") -> str:
    return (site / code / path).read_text(encoding="utf-8")


def seen(html: str) -> str:
    """What is read on a page, cards and tags left out."""
    without_cards = re.sub(r"<div popover.*?</div>", "", html, flags=re.S)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", without_cards)).split())


def cards(html: str) -> set[str]:
    """The kinds of cards on a page: the first letter of their numbers."""
    return set(re.findall(r'popovertarget="c(.)', html))


def test_every_unit_and_region_has_its_page_in_each_language_of_less_than_100_kb(book, cycle, site):
    for code in languages():
        units = {path.stem for path in (site / code / "units").glob("*.html")} - {"index"}
        assert units == set(book.units[cycle.cycle_id])
        regions = {path.stem for path in (site / code / "regions").glob("*.html")} - {"index"}
        assert regions == {unit["region_id"] for unit in book.units[cycle.cycle_id].values()}
        sizes = {
            path.name: path.stat().st_size
            for kind in ("units", "regions")
            for path in (site / code / kind).glob("*.html")
            if path.name != "index.html"
        }
        assert max(sizes.values()) < PAGE_BYTES, max(sizes, key=lambda name: sizes[name])


def test_the_figures_of_a_units_page_are_the_published_ones(book, cycle, site):
    t = language("id")
    shown = unsure = 0
    for unit_id in book.units[cycle.cycle_id]:
        index = book.score(cycle.cycle_id, "provider_unit", unit_id)
        if index is None or index.score is None:
            continue
        shown += 1
        html = page(site, f"units/{unit_id}.html")
        text = seen(html)
        figures = re.findall(r'<button type="button" class="figure" [^>]*>([^<]+)<', html)
        assert figures[0] == t.number(index.score)
        assert f"{t.number(index.ci_low)} – {t.number(index.ci_high)}" in text
        scores = book.scores(cycle.cycle_id, "provider_unit", unit_id)
        grid = [
            score
            for component, score in scores.items()
            if score.score is not None and not component.item_id
        ]
        table = html.split(f"<h2>{t('place.grid_heading')}</h2>")[1].split("</table>")[0]
        in_table = re.findall(r'class="figure" [^>]*>([^<]+)<', table)
        assert sorted(in_table) == sorted(t.number(score.score) for score in grid)
        rank = book.one(
            "idx_rankings", cycle_id=cycle.cycle_id, component_type="index", domain_id=unit_id
        )
        if rank["ranked_unit_count"] > 1:
            low, high, count = (
                rank["rank_set_low"],
                rank["rank_set_high"],
                rank["ranked_unit_count"],
            )
            assert f"Peringkat {low}–{high} dari {count}" in text
            peers = re.search(r'<svg class="chart"[^>]*satuan kerja sejenis.*?</svg>', html, re.S)
            rows = re.findall(r'<g class="row (own|other)"', peers[0])
            assert rows.count("own") == 1
            assert len(rows) == min(count, places.MOST_PEERS)
            if count > places.MOST_PEERS:
                assert f"{count - places.MOST_PEERS} lainnya tidak digambar" in text
        low = book.rows(
            "idx_priorities",
            cycle_id=cycle.cycle_id,
            domain_type="provider_unit",
            domain_id=unit_id,
        )
        for row in low:
            name = places.component_name(
                book, t, cycle, places.Component(perspective_id=row["perspective_id"])
            )
            assert f"<h3>{name}</h3>" in html
        marks = [row["is_lowest_certain"] for row in low]
        assert html.count("Belum tentu termasuk tiga terendah") == marks.count(False)
        assert html.count("Pasti termasuk tiga terendah") == marks.count(True)
        unsure += marks.count(False)
    assert shown > 20
    assert unsure > 20


def test_a_hidden_units_page_has_no_figure_of_its_own(book, cycle, site):
    hidden = [
        unit_id
        for unit_id in book.units[cycle.cycle_id]
        if all(
            score.score is None
            for score in book.scores(cycle.cycle_id, "provider_unit", unit_id).values()
        )
    ]
    assert len(hidden) > 500
    for unit_id in hidden:
        html = page(site, f"units/{unit_id}.html")
        has_coverage = places.coverage(book, language("id"), cycle, "provider_unit", unit_id)
        assert (f"provider_unit={unit_id}" in html) == bool(has_coverage)
        # Who answered (n) has its cards, and what was available (a) where that is published.
        assert cards(html) <= {"n", "a" if has_coverage else "n"}
        assert "Mengapa angka satuan kerja ini tidak ditampilkan" in html
        own = re.findall(r'<g class="row own"[^>]*>(.*?)</g>', html)
        assert own
        assert not any("<circle" in row or 'class="value"' in row for row in own)


def test_a_count_that_is_told_with_others_stands_on_no_units_page(book, cycle, site):
    t = language("id")
    for unit_id in book.units[cycle.cycle_id]:
        answered = respondents.of_unit(book, t, cycle, unit_id)
        untold = [one for one in answered if one.respondent_count is None]
        html = page(site, f"units/{unit_id}.html")
        assert html.count(t("place.told_together")) == len(untold)
        days = book.rows("fct_participation_days", cycle_id=cycle.cycle_id, unit_id=unit_id)
        if all(day["respondent_count"] is None for day in days):
            assert t("unit.days_heading") not in html


def test_what_a_hidden_unit_needs_at_least_is_true(sample, book, cycle):
    """By the truth inside: nobody else can have rated a unit, and fewer would not show it."""
    with duckdb.connect(str(sample.settings.warehouse), read_only=True) as warehouse:
        rated = dict(
            warehouse.execute(
                "select domain_id, max(respondent_count) from indexes.idx_scores"
                " where cycle_id = ? and domain_type = 'provider_unit' group by all",
                [cycle.cycle_id],
            ).fetchall()
        )
    raters = respondents.Raters.of(book, cycle)
    said = 0
    for unit_id in book.units[cycle.cycle_id]:
        most = raters.most(unit_id)
        assert most is None or rated.get(unit_id, 0) <= most, unit_id
        needed = raters.needed(unit_id)
        index = book.score(cycle.cycle_id, "provider_unit", unit_id)
        if needed is not None:
            said += 1
            assert index is None or index.score is None, unit_id
            assert 0 < needed <= cycle.min_cell_n - rated.get(unit_id, 0)
    assert said > 100


def test_the_words_of_need_are_those_of_the_published_counts_alone(book, cycle, site):
    t = language("id")
    raters = respondents.Raters.of(book, cycle)
    for unit_id in book.units[cycle.cycle_id]:
        index = book.score(cycle.cycle_id, "provider_unit", unit_id)
        if index is not None and index.is_suppressed:
            html = page(site, f"units/{unit_id}.html")
            needed = raters.needed(unit_id)
            few, either = t("unit.hidden_few", min_n=10), t("unit.hidden_either", min_n=10)
            assert (few in html, either in html) == (needed is not None, needed is None)
            if needed is not None:
                assert t("unit.hidden_needed", n=needed) in html


def test_lists_hold_all_and_a_region_its_own(book, cycle, site):
    units = book.units[cycle.cycle_id]
    assert set(
        re.findall(r'<th scope="row"><a href="([\w.-]+)\.html">', page(site, "units/index.html"))
    ) == set(units)
    listed = re.findall(r'href="\.\./units/([\w.-]+)\.html"', page(site, "regions/11.html"))
    assert set(listed) - {"index"} == {
        unit_id for unit_id, unit in units.items() if unit["region_id"] == "11"
    }
    t = language("id")
    score = book.score(cycle.cycle_id, "provider_region", "11")
    assert f">{t.number(score.score)}</button>" in page(site, "regions/11.html")
    search = (site / "assets" / "id-search.js").read_text(encoding="utf-8")
    assert all(f'"units/{unit_id}.html"' in search for unit_id in units)


def test_the_second_look_stands_beside_the_score(sample, book, cycle, tmp_path):
    database = tmp_path / "ilk.duckdb"
    shutil.copy(sample.database, database)
    unit_id = next(iter(book.units[cycle.cycle_id]))
    with duckdb.connect(str(database)) as connection:
        connection.execute(
            """
            insert into idx_verifications by name
            select ? as cycle_id, 'provider_unit' as domain_type, ? as domain_id, *
            from (values
                ('index', 'interview', 2, 2.25, 3.75, 1.5, 'survey_higher'),
                ('index', 'document', 1, 3.5, null, null, null)
            ) as _(
                component_type, source, case_count, verified_score, survey_score, difference,
                verdict
            )
            """,
            [cycle.cycle_id, unit_id],
        )
    paths = {f"units/{unit_id}.html"}
    write(
        database,
        tmp_path / "site",
        lambda book, words: (each for each in unit_pages(book, words) if each.path in paths),
    )
    [path] = paths
    text = seen(page(tmp_path / "site", path))
    for words in ("wawancara 2,25 2 3,75 +1,50 survei lebih tinggi", "dokumen 3,50 1 – – belum"):
        assert words in text, text


def test_plans_stand_beside_the_change_since(sample, book, cycle, site, tmp_path):
    database = tmp_path / "ilk.duckdb"
    shutil.copy(sample.database, database)
    t = language("id")
    unit_id, change = next(
        (unit_id, found[component])
        for unit_id in book.units[cycle.cycle_id]
        if (found := places.changes(book, t, cycle, "provider_unit", unit_id))
        for component in found
        if component.perspective_id
    )
    perspective_id = change.component.perspective_id
    with duckdb.connect(str(database)) as connection:
        for of_cycle, action in ((cycle.previous_cycle_id, "Lama"), (cycle.cycle_id, "Baru <b>")):
            connection.execute(
                "insert into fct_follow_ups values (?, ?, ?, ?, 'Umum', '2026-03-31', 'under_way')",
                [of_cycle, unit_id, perspective_id, action],
            )
    path = f"units/{unit_id}.html"
    write(
        database,
        tmp_path / "site",
        lambda book, words: (each for each in unit_pages(book, words) if each.path == path),
    )
    html = page(tmp_path / "site", path)
    text = seen(html)
    assert "Baru <b>" in text
    assert "<b>" not in html  # a cell of a seed is text
    helped = text.split(t("followup.helped_heading"))[1]
    assert f"{change.name} Lama berjalan {change.words}" in helped


def test_a_cycle_that_is_still_open_has_pages_of_who_answered(sample, tmp_path):
    database = tmp_path / "ilk.duckdb"
    shutil.copy(sample.database, database)
    with duckdb.connect(str(database)) as connection:
        for (table,) in connection.execute(
            "select table_name from duckdb_tables() where table_name like 'idx\\_%' escape '\\'"
        ).fetchall():
            connection.execute(f"delete from {table}")
    write(database, tmp_path / "site")
    html = page(tmp_path / "site", "units/kanwil-aceh.html")
    assert language("id")("unit.hidden_open") in html
    assert language("id")("unit.days_heading") in html
    assert cards(html) == {"n"}


def test_without_a_staff_frame_no_unit_is_called_sufficient(sample, tmp_path):
    database = tmp_path / "ilk.duckdb"
    shutil.copy(sample.database, database)
    unknown = "staff_count = null, required_sample = null, shortfall = null"
    with duckdb.connect(str(database)) as connection:
        connection.execute(f"update fct_participation_units set {unknown}")
        connection.execute(f"update fct_participation set {unknown}, status = null")
    paths = {"participation.html", "regions/11.html"}
    write(
        database,
        tmp_path / "site",
        lambda book, words: (
            each
            for each in [*participation_pages(book, words), *region_pages(book, words)]
            if each.path in paths
        ),
    )
    t = language("id")
    nation = seen(page(tmp_path / "site", "participation.html"))
    assert t("participation.no_frame") in nation
    assert t("participation.reached") not in nation
    told = t("region.sufficient", sufficient="", judged="").split()[-1]
    assert told not in seen(page(tmp_path / "site", "regions/11.html"))


@pytest.mark.parametrize(
    ("count", "own", "first", "left_out"),
    [(3, 0, 0, 0), (15, 14, 0, 0), (40, 0, 0, 25), (40, 20, 13, 25), (40, 39, 25, 25)],
)
def test_the_nearest_are_taken_around_ones_own_place(count, own, first, left_out):
    nearest, others = places.nearest(range(count), own)
    assert (nearest[0], others) == (first, left_out)
    assert own in nearest


def test_names_leave_out_the_words_that_all_begin_with():
    assert places.beginning(["Kantor Wilayah Aceh", "Kantor Wilayah Bali"]) == "Kantor Wilayah "
    assert places.beginning(["Kantor Wilayah", "Kantor Wilayah Bali"]) == "Kantor "
    assert places.beginning(["Kantor Wilayah Aceh"]) == ""
    assert places.beginning([]) == ""


def test_all_languages_have_the_same_words_with_the_same_blanks():
    first, *others = (language(code).words for code in languages())
    blanks = {key: sorted(re.findall(r"\{(\w+)\}", text)) for key, text in first.items()}
    for other in others:
        assert {
            key: sorted(re.findall(r"\{(\w+)\}", text)) for key, text in other.items()
        } == blanks


@needs_chromium
def test_the_search_finds_a_unit_by_keyboard_from_any_page(site, tab):
    tab.goto((site / "id" / "regions" / "11.html").as_uri())
    field = tab.get_by_role("combobox", name=language("id")("site.search"))
    field.focus()
    field.press_sequentially("kanwil pap")
    options = tab.get_by_role("option")
    options.first.wait_for()
    assert [each.split("Kantor")[1].strip() for each in options.all_inner_texts()] == [
        "Wilayah Kementerian Hukum Papua",
        "Wilayah Kementerian Hukum Papua Barat",
    ]
    assert Axe().run(tab, options=NO_REQUESTS).violations_count == 0
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("ArrowDown")
    assert field.get_attribute("aria-activedescendant") == "found-1"
    tab.keyboard.press("Escape")
    assert field.get_attribute("aria-expanded") == "false"
    tab.keyboard.press("ArrowDown")
    with tab.expect_navigation():
        tab.keyboard.press("Enter")
    assert tab.url.endswith("/id/units/kanwil-papua.html")


@needs_chromium
def test_a_search_without_a_choice_leads_to_the_list_which_is_filtered(site, tab):
    tab.goto((site / "id" / "index.html" / ".." / "units" / "index.html").as_uri())
    tab.get_by_role("combobox").fill("ambarawa")
    tab.get_by_role("option").first.wait_for()
    with tab.expect_navigation():
        tab.keyboard.press("Enter")
    rows = tab.locator("table.sorts tbody tr")
    assert "q=ambarawa" in tab.url
    assert rows.count() == 900
    assert rows.filter(visible=True).count() == 2
    tab.get_by_role("combobox").fill("tidak mungkin ada")
    tab.get_by_role("option", name=language("id")("explore.nothing")).wait_for()
    assert tab.get_by_role("option").count() == 1


@needs_chromium
def test_a_table_sorts_by_its_figures_and_is_saved_as_the_reader_writes_numbers(site, tab):
    tab.goto((site / "id" / "units" / "index.html").as_uri())
    heading = tab.get_by_role("columnheader", name="Indeks")
    figures = tab.locator("table.sorts tbody td:nth-child(4)")
    for way in (-1, 1):
        heading.get_by_role("button").click()
        assert heading.get_attribute("aria-sort") == ("descending" if way < 0 else "ascending")
        texts = figures.all_inner_texts()
        values = [float(text[:4].replace(",", ".")) for text in texts if text[0].isdigit()]
        assert values == sorted(values, reverse=way < 0)
        assert len(set(values)) > 5
        assert all(text[0].isdigit() for text in texts[: len(values)])  # the hidden come last
    with tab.expect_download() as saved:
        tab.get_by_role("button", name="Unduh CSV").first.click()
    lines = saved.value.path().read_text(encoding="utf-8-sig").splitlines()
    assert len(lines) == 901
    assert lines[0] == "Satuan kerja;Jenis;Wilayah;Indeks;Peringkat;Responden;Sampel minimum"
    assert re.fullmatch(r"[^;]+;[^;]+;[^;]+;\d,\d\d \(.+\);\d.*", lines[1])


@needs_chromium
@pytest.mark.parametrize("width", [360, 1280])
def test_axe_finds_nothing_on_pages_of_units_and_regions(site, tab, width):
    tab.set_viewport_size({"width": width, "height": 800})
    for path in ("units/kanwil-aceh", "units/lapas-ambarawa", "regions/11", "regions/index"):
        tab.goto((site / "en" / f"{path}.html").as_uri())
        found = Axe().run(tab, options=NO_REQUESTS)
        assert found.violations_count == 0, found.generate_report()
        assert tab.evaluate("document.documentElement.scrollWidth") <= width, path
