"""What people read: the sample's pages, as files and in a real browser.

The browser is Debian's Chromium (make services); without it, those tests are skipped and say so.
"""

import html
import http.server
import json
import posixpath
import re
import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from urllib.parse import unquote, urlsplit

import duckdb
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from orchestration.publishing.reading.book import read_book
from orchestration.publishing.reading.language import language, languages
from orchestration.publishing.site import pages_method
from orchestration.publishing.site.build import write_site
from orchestration.sql_text import as_text
from orchestration.words import REASONS
from tests.conftest import SAMPLE_CYCLES, Sample, ilk

CHROMIUM = shutil.which("chromium")
LATEST = SAMPLE_CYCLES[-1]
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: make services")


@dataclass(frozen=True)
class Site:
    """Pages, and what it took to write them."""

    folder: Path
    cpu_seconds: float
    warehouse: Path

    @property
    def database(self) -> Path:
        return self.folder.parent / "ilk.duckdb"

    @cached_property
    def pages(self) -> dict[str, str]:
        """Every page by its path."""
        return {
            path.relative_to(self.folder).as_posix(): path.read_text(encoding="utf-8")
            for path in sorted(self.folder.rglob("*.html"))
        }

    def rows(self, query: str) -> list[tuple]:
        """Ask the published file, as `ilk`, and the warehouse it was made from, as `inside`."""
        with duckdb.connect() as connection:
            connection.execute(f"attach {as_text(self.database.resolve())} as ilk (read_only)")
            connection.execute(f"attach {as_text(self.warehouse)} as inside (read_only)")
            return connection.execute(query).fetchall()


def write(publication: Path, warehouse: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    # Where the data lie nobody can tell: pages are made of the published file and of nothing else.
    with monkeypatch.context() as environment:
        environment.setenv("ILK_DATA_DIR", str(publication / "nowhere"))
        began = time.process_time()
        write_site(publication / "ilk.duckdb", publication / "site")
        return Site(publication / "site", time.process_time() - began, warehouse)


@pytest.fixture(scope="module")
def site(sample: Sample, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The sample's pages, beside links to its publication's files."""
    publication = tmp_path_factory.mktemp("publication")
    for name in ("ilk.duckdb", "parquet"):
        (publication / name).symlink_to(sample.database.with_name(name))
    return write(publication, sample.settings.warehouse, pytest.MonkeyPatch())


def test_the_history_of_runs_shows_the_seconds_and_rows_of_each_step(site: Site):
    history = text_of(site.pages["id/history.html"])
    rows = site.rows("select steps from ilk.audit_runs where outcome = 'published'")
    steps = [step for (told,) in rows for step in json.loads(told)]
    assert {step["step"] for step in steps} >= {"pull", "check", "build"}
    for step in steps:
        count = f"{step['rows']:,}".replace(",", "[.]")
        word = {"pull": "menarik", "check": "memeriksa", "build": "menghitung"}.get(step["step"])
        assert word is None or re.search(rf"{word}: [0-9,]+ detik, {count} baris", history)


@pytest.fixture(scope="module")
def open_site(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The same while the window is open, of one region; with columns nobody knew, and restated."""
    publication = tmp_path_factory.mktemp("open")
    shutil.copy(site.database.resolve(), publication / "ilk.duckdb")
    with duckdb.connect(str(publication / "ilk.duckdb")) as connection:
        for (table,) in connection.execute(
            "select table_name from duckdb_tables() where table_name like 'idx_%'"
        ).fetchall():
            connection.execute(f'delete from "{table}"')
        connection.execute("delete from fct_participation_units where region_id <> '11'")
        connection.execute(
            "delete from fct_participation where unit_id not in "
            "(select unit_id from fct_participation_units where unit_id is not null)"
        )
        connection.execute(
            "delete from fct_participation_days where unit_id not in "
            "(select unit_id from fct_participation_units where unit_id is not null)"
        )
        connection.execute(
            f"""
            insert into audit_schema_drift by name
            select '{LATEST}' as cycle_id, 'a<b>.csv' as file_name, 'unmapped' as drift,
                'Keterangan & catatan' as source_column
            """
        )
        connection.execute(
            f"""
            insert into audit_restatements by name
            select 'r' as run_id, timestamp '2026-01-02 20:30:00' as restated_at,
                'salah berkas' as why, '{SAMPLE_CYCLES[0]}' as cycle_id,
                'idx_scores' as table_name, domain_type, domain_id, 'score' as figure_name,
                old_value, new_value, old_value is null as is_suppressed
            from (values
                ('national', 'national', 3.5, 3.4567), ('provider_unit', 'rutan-x', null, null)
            ) as moved (domain_type, domain_id, old_value, new_value)
            """
        )
    return write(publication, site.warehouse, pytest.MonkeyPatch())


def text_of(markup: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", markup)).split())


def dead_links(site: Site) -> set[str]:
    anchors = {
        path: set(re.findall(r'\bid="?([^"\s>]+)', markup)) for path, markup in site.pages.items()
    }
    dead, files = set(), {}
    for path, markup in site.pages.items():
        for link in set(re.findall(r'\b(?:href|src)="([^"]*)"', markup)):
            parts = urlsplit(html.unescape(link))
            if parts.scheme in ("https", "data"):
                continue
            to = (
                posixpath.join(posixpath.dirname(path), unquote(parts.path)) if parts.path else path
            )
            target = posixpath.normpath(to)
            if target not in anchors and target not in files:
                files[target] = (site.folder / target).is_file()
            is_there = target in anchors or files[target]
            if not is_there or (parts.fragment and parts.fragment not in anchors[target]):
                dead.add(f"{path}: {link}")
        targets = set(re.findall(r'popovertarget="([^"]*)"', markup))
        dead |= {f"{path}: popover {name}" for name in targets - anchors[path]}
    return dead


def test_every_link_leads_to_a_page_a_place_on_it_or_a_file(site: Site):
    assert len(site.pages) > 1900  # 850 units and more, in two languages
    assert not dead_links(site)


def test_pages_need_nothing_from_elsewhere(site: Site):
    for path, markup in site.pages.items():
        loaded = re.findall(r'<(?:script|link|img)\b[^>]*\b(?:href|src)="([^"]*)"', markup)
        assert not [one for one in loaded if "//" in one], path
        assert "fetch(" not in markup, path


def test_all_units_pages_are_written_fast_and_small(site: Site):
    units = {path: markup for path, markup in site.pages.items() if "/units/" in path}
    lists = {path for path in units if path.endswith("/index.html")}
    assert site.cpu_seconds < 20, "twice the time that two languages of 900 units may take"
    heavy = {path for path in units.keys() - lists if len(units[path].encode()) > 100_000}
    assert not heavy


def test_every_reason_of_a_rejected_response_has_its_remedy_in_words():
    of_answers = {"off_scale", "off_route", "no_provider"}
    for code in languages():
        lacking = [
            reason
            for reason in REASONS.keys() - of_answers
            if not language(code).has(f"quality.remedy_{reason}")
        ]
        assert not lacking, f"{code}.toml, [quality] lacks remedy_ of {lacking}"


# What is hidden


def test_a_hidden_units_and_regions_own_place_says_that_it_is_hidden(site: Site):
    found = 0
    for kind, folder in (("provider_unit", "units"), ("provider_region", "regions")):
        hidden = site.rows(
            f"""
            select domain_id
            from ilk.idx_scores inner join ilk.dim_cycles using (cycle_id, weighting_mode)
            where cycle_id = '{LATEST}' and domain_type = '{kind}' and component_type = 'index'
                and is_suppressed
            """
        )
        for (domain_id,) in hidden:
            for code in languages():
                path = f"{code}/{folder}/{domain_id}.html"
                page = site.pages[path]
                own = re.findall(r'<g class="row own">.*?</g>|<tr class="own">.*?</tr>', page)
                assert not [row for row in own if 'class="dot"' in row], path
                command = f"--domain {kind}={domain_id}"
                shown = [
                    card
                    for card in re.findall(r"<code>(\./ilk trace [^<]*)</code>", page)
                    if LATEST in card and f"{command} " in f"{html.unescape(card)} "
                ]
                # Parts of a hidden index may be shown; the index itself may not.
                assert all("--component" in card for card in shown), path
                listed = re.search(
                    rf'<tr[^>]*><th[^>]*><a href="{re.escape(domain_id)}\.html">.*?</tr>',
                    site.pages[f"{code}/{folder}/index.html"],
                    flags=re.S,
                )
                assert listed, f"{path} is in no list"
                assert language(code)("figure.hidden") in listed.group(), path
                found += 1
    assert found > 1000


def test_no_true_figure_of_a_hidden_unit_or_region_stands_on_its_page(site: Site):
    """By the warehouse: intervals that no shown figure has, and scores to the fourth decimal."""
    checked = 0
    shown = {
        (low, high)
        for low, high in site.rows(
            "select round(ci_low, 2), round(ci_high, 2) from ilk.idx_scores where not is_suppressed"
        )
    }
    hidden = site.rows(
        f"""
        select outside.domain_type, outside.domain_id, truth.ci_low, truth.ci_high, truth.score
        from ilk.idx_scores as outside
        inner join inside.indexes.idx_scores as truth
            on truth.cycle_id = outside.cycle_id
            and truth.weighting_mode = outside.weighting_mode
            and truth.domain_type = outside.domain_type
            and truth.domain_id = outside.domain_id
            and truth.component_type = outside.component_type
            and truth.service_id is not distinct from outside.service_id
            and truth.perspective_id is not distinct from outside.perspective_id
            and truth.item_id is not distinct from outside.item_id
        where outside.cycle_id = '{LATEST}' and outside.is_suppressed
            and outside.domain_type in ('provider_unit', 'provider_region')
            and outside.component_type <> 'item'
            and truth.ci_low is not null and truth.ci_low < truth.ci_high
        """
    )
    folders = {"provider_unit": "units", "provider_region": "regions"}
    written: dict[str, tuple[set[tuple[str, str]], set[str]]] = {}
    for domain_type, domain_id, low, high, score in hidden:
        if (round(low, 2), round(high, 2)) in shown:
            continue  # another's figures, which are shown, are written alike
        for code in languages():
            words = language(code)
            path = f"{code}/{folders[domain_type]}/{domain_id}.html"
            if path not in written:
                page = site.pages[path]
                written[path] = (
                    set(re.findall(r"(\d[.,]\d\d)\s?–\s?(\d[.,]\d\d)\b", page)),
                    set(re.findall(r"\b\d[.,]\d{4}\b", page)),
                )
            intervals, exact = written[path]
            assert (words.number(low), words.number(high)) not in intervals, domain_id
            assert words.number(score, 4) not in exact, domain_id
            checked += 1
    assert checked > 1000


def test_every_card_of_a_score_shows_the_published_figure_of_the_row_that_it_names(site: Site):
    published = {
        row[:3]: row[3]
        for row in site.rows(
            """
            select cycle_id,
                domain_type || case when domain_type = 'national' then '' else '=' || domain_id end,
                case component_type
                    when 'index' then ''
                    when 'service' then 'service=' || service_id
                    when 'perspective' then 'perspective=' || perspective_id
                    when 'item' then 'item=' || item_id
                    else 'service_perspective=' || service_id || '/' || perspective_id
                end,
                case when not is_suppressed then score end
            from ilk.idx_scores inner join ilk.dim_cycles using (cycle_id, weighting_mode)
            """
        )
    }
    card = re.compile(
        r'class="figure" popovertarget="[^"]*">([^<]*)</button><div popover(?:(?!</div>).)*?'
        r'tables/idx_scores\.csv"(?:(?!</div>).)*?<code>\./ilk trace (\S+) --domain ([^<]*)</code>',
        flags=re.S,
    )
    checked = 0
    for path, markup in site.pages.items():
        if not path.startswith("id/"):
            continue
        for shown, cycle_id, rest in card.findall(markup):
            domain, _, component = html.unescape(rest).replace('"', "").partition(" --component ")
            score = published[cycle_id, domain.strip(), component.strip()]
            assert score is not None, f"{path} shows a hidden figure: {rest}"
            assert text_of(shown) == language("id").number(score), (path, rest)
            checked += 1
    assert checked > 1000


def test_participation_names_no_unit_that_is_told_with_others(site: Site):
    told = {unit for (unit,) in site.rows("select unit_id from ilk.fct_participation_units")}
    small = site.rows(
        f"""
        select unit_id from ilk.fct_participation
        where cycle_id = '{LATEST}' and role_id = 'pemberi'
            and unit_id not in (
                select unit_id from ilk.fct_participation_units
                where unit_id is not null and role_id = 'pemberi' and cycle_id = '{LATEST}'
            )
        """
    )
    assert small and told
    pages = [
        markup
        for path, markup in site.pages.items()
        if path.startswith(f"id/participation/{LATEST}/")
    ]
    name = language("id")("participation.all")
    for page in pages:
        of_givers = page.split("<h2>")[2] if page.count("<h2>") > 1 else ""
        assert name in of_givers or not of_givers
        assert not [unit for (unit,) in small if f"units/{unit}.html" in of_givers]


# Each page says what it is for


def test_participation_adds_up_to_the_published_counts(site: Site):
    ((staff, answered, missing),) = site.rows(
        f"""
        select sum(staff_count), sum(respondent_count), sum(shortfall)
        from ilk.fct_participation_units where cycle_id = '{LATEST}' and role_id = 'penerima'
        """
    )
    words = language("id")
    said = text_of(site.pages["id/participation.html"])
    for count in (staff, answered, missing):
        assert words.number(count, 0) in said
    assert "6 Oktober 2025 sampai 7 November 2025" in said


def test_quality_tells_every_reason_with_its_count(site: Site):
    rejected = site.rows(
        f"""
        select rejection_reason, sum(response_count) from ilk.audit_reconciliation
        where cycle_id = '{LATEST}' and not is_accepted group by all
        """
    )
    said = text_of(site.pages["en/quality.html"])
    assert rejected
    for reason, count in rejected:
        assert f"{REASONS[reason].en} {count} " in said
    assert language("en")("quality.no_drift") in said


def test_an_open_cycle_has_pages_without_scores_and_no_link_to_any(open_site: Site):
    assert not dead_links(open_site)
    said = text_of(open_site.pages["id/participation.html"])
    assert language("id")("participation.open") in said
    assert "Aceh" in said
    assert not any(path.startswith("id/cycles/") for path in open_site.pages)


def test_drift_and_restatements_are_told_and_hidden_ones_without_figures(open_site: Site):
    quality = text_of(open_site.pages["id/quality.html"])
    assert "a<b>.csv Keterangan & catatan" in quality
    history = text_of(open_site.pages["id/history.html"])
    # 20:30 UTC of the second is half past three of the third in Jakarta.
    assert "Semester I 2025: 3 Januari 2026, 03.30 WIB" in history
    assert "2 angka berubah. Alasan: salah berkas. 1 di antaranya dirahasiakan." in history
    assert "score 3,5000 3,4567" in history
    assert "rutan-x" not in history


def test_every_published_table_can_be_downloaded_whole(site: Site):
    tables = site.rows(
        "select table_name, comment from duckdb_tables() where database_name = 'ilk'"
    )
    said = {code: text_of(site.pages[f"{code}/downloads.html"]) for code in ("id", "en")}
    assert len(tables) > 25
    for table, comment in tables:
        ((rows,),) = site.rows(f'select count(*) from ilk."{table}"')
        csv = as_text(site.folder / "api" / "v1" / "tables" / f"{table}.csv")
        ((read,),) = site.rows(f"select count(*) from read_csv({csv}, header = true)")
        assert read == rows, table
        indonesian, _, english = comment.partition(" / ")
        assert indonesian in said["id"] and english in said["en"], table
        assert english not in said["id"], f"{table} is described in both languages at once"


def test_the_method_keeps_its_own_links_and_loses_those_to_what_is_not_published(tmp_path: Path):
    document = tmp_path / "a.md"
    document.write_text(
        "# Title\n\n## 1. From `x` to y\n\n[here](#1-from-x-to-y), [there](privacy.md#x) and "
        "[far](https://example.org)\n\n| a |\n|---|\n| <b> |\n",
        encoding="utf-8",
    )
    rendered = pages_method.rendered(document)
    assert rendered.sections == (("1-from-x-to-y", "1. From x to y"),)
    assert '<h2 id="1-from-x-to-y">' in rendered.html
    assert '<a href="#1-from-x-to-y">here</a>, there and' in rendered.html
    assert '<a href="https://example.org">far</a>' in rendered.html
    assert "&lt;b&gt;" in rendered.html
    assert "Title" not in rendered.html


def test_ilk_site_says_where_the_pages_lie_or_that_there_are_none(
    own_sample, monkeypatch: pytest.MonkeyPatch
):
    settings = own_sample()
    folder = settings.published_dir / "site" / "id"
    if not folder.exists():
        none = ilk("site")
        assert none.exit_code == 1
        assert "Belum ada halaman" in none.output
        folder.mkdir(parents=True)
        (folder / "participation.html").touch()
        assert str(folder / "participation.html") in ilk("site").output
        (folder / "index.html").touch()
    opened = []
    monkeypatch.setattr("webbrowser.open", lambda address: opened.append(address) or True)
    found = ilk("site", "--open")
    assert found.exit_code == 0
    assert found.output.strip() == str(folder / "index.html")
    assert opened == [(folder / "index.html").as_uri()]


# In a browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM)
        yield chromium
        chromium.close()


def page_kinds(site: Site) -> dict[str, str]:
    """One page of each kind: the address below the site."""
    of_unit = f"""
        select domain_id
        from ilk.idx_scores inner join ilk.dim_cycles using (cycle_id, weighting_mode)
        where cycle_id = '{LATEST}' and component_type = 'index' and domain_type = 'provider_unit'
            and is_suppressed = {{}} order by respondent_count desc nulls last, domain_id limit 1
    """
    ((shown,),), ((hidden,),) = (
        site.rows(of_unit.format("false")),
        site.rows(of_unit.format("true")),
    )
    return {
        "language": "index.html",
        "national": "id/index.html",
        "regions": "id/regions/index.html",
        "region": "en/regions/33.html",
        "units": "id/units/index.html",
        "unit shown": f"en/units/{shown}.html",
        "unit hidden": f"id/units/{hidden}.html",
        "participation": "id/participation.html",
        "participation of a region": f"id/participation/{LATEST}/33.html",
        "quality": "en/quality.html",
        "method": "id/method.html",
        "history": "id/history.html",
        "downloads": "en/downloads.html",
    }


def opened(browser: Browser, address: str, *, width: int, colours: str) -> tuple[Page, list[str]]:
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=colours, reduced_motion="reduce"
    )
    page = context.new_page()
    faults: list[str] = []
    page.on("console", lambda message: message.type == "error" and faults.append(message.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("requestfailed", lambda request: faults.append(request.url))
    page.goto(address)
    return page, faults


def violations(page: Page) -> list[tuple[str, list]]:
    """What axe finds. Rows after a table's eighth are left out: they are made as those before."""
    page.evaluate(
        "document.querySelectorAll('tbody > tr:nth-child(n+9)').forEach((row) => row.remove())"
    )
    options = {"preload": False, "resultTypes": ["violations"]}
    found = Axe().run(page, options=options).response["violations"]
    return [(one["id"], [node["target"] for node in one["nodes"]][:3]) for one in found]


@needs_chromium
@pytest.mark.parametrize(("width", "colours"), [(1280, "light"), (360, "dark")])
def test_pages_open_from_a_folder_without_a_fault_and_axe_finds_nothing(
    site: Site, browser: Browser, width: int, colours: str
):
    for kind, path in page_kinds(site).items():
        page, faults = opened(browser, (site.folder / path).as_uri(), width=width, colours=colours)
        assert not faults, (kind, faults)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, kind
        boxes = page.evaluate(
            """[...document.querySelectorAll("svg.chart")].filter((one) => one.checkVisibility())
            .map((one) => one.getBoundingClientRect()).map((box) => [box.width, box.height])"""
        )
        assert all(wide > 100 and high > 20 for wide, high in boxes), kind
        if kind in ("national", "region", "unit shown", "participation"):
            assert boxes, kind
        assert not violations(page), (kind, width, colours)
        page.context.close()


@needs_chromium
def test_other_colours_and_widths_pass_too(site: Site, browser: Browser):
    for kind in ("national", "unit shown"):
        for width, colours in ((1280, "dark"), (360, "light")):
            address = (site.folder / page_kinds(site)[kind]).as_uri()
            page, _ = opened(browser, address, width=width, colours=colours)
            assert not violations(page), (kind, width, colours)
            page.context.close()


@needs_chromium
def test_search_finds_a_unit_by_the_keyboard_alone_and_tables_sort_and_filter(
    site: Site, browser: Browser
):
    page, faults = opened(
        browser, (site.folder / "id/index.html").as_uri(), width=1280, colours="light"
    )
    page.locator("#search").press_sequentially("kanwil aceh")
    page.get_by_role("option").first.wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/units/kanwil-aceh.html")

    page.goto((site.folder / f"id/participation/{LATEST}/11.html").as_uri())
    table = page.locator("table.sorts").first
    missing = table.locator("tbody td:last-child")
    heading = table.get_by_role("button", name=language("id")("participation.shortfall"))
    orders = []
    for _ in range(2):
        heading.click()
        orders.append([float(cell.get_attribute("data-v") or "nan") for cell in missing.all()])
    assert orders == [sorted(orders[0], reverse=True), sorted(orders[0])]
    assert len(set(orders[0])) > 5

    page.get_by_label(language("id")("explore.filter")).first.fill("kutacane")
    shown = [row for row in table.locator("tbody tr").all() if row.is_visible()]
    assert len(shown) == 1
    assert "Kutacane" in shown[0].inner_text()
    assert not faults
    page.context.close()


@needs_chromium
def test_pages_open_from_a_web_server_and_a_figure_opens_its_card(site: Site, browser: Browser):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

    handler = partial(Quiet, directory=str(site.folder.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            root = f"http://127.0.0.1:{server.server_port}/site/"
            page, faults = opened(browser, root, width=1280, colours="light")
            page.get_by_role("link", name="Bahasa Indonesia").click()
            assert page.url == f"{root}id/index.html"
            card = page.locator("main .card").first
            assert not card.is_visible()
            page.locator("main button.figure").first.click()
            assert card.is_visible()
            page.keyboard.press("Escape")
            assert not card.is_visible()
            page.get_by_role("link", name="Partisipasi").first.click()
            assert page.url == f"{root}id/participation.html"
            page.get_by_role("link", name="English").click()
            assert page.url == f"{root}en/participation.html"
            assert not faults
            page.context.close()
        finally:
            server.shutdown()


@needs_chromium
def test_everything_can_be_read_on_paper(site: Site, browser: Browser):
    page, _ = opened(
        browser,
        (site.folder / page_kinds(site)["quality"]).as_uri(),
        width=1000,
        colours="dark",
    )
    page.emulate_media(media="print")
    assert not page.locator("nav").first.is_visible()
    assert page.locator("details table").first.is_visible(), "folds are open on paper"
    ground = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert ground == "rgb(255, 255, 255)"
    page.context.close()


def test_the_book_of_an_open_cycle_has_no_scores(open_site: Site):
    with read_book(open_site.database) as book:
        assert not book.has_scores
