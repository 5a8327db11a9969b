"""The nation's pages: each figure is the published one, and what is hidden stands nowhere."""

import json
import re
import shlex
import shutil
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import pytest

from orchestration.auditing.scores import DOMAINS, MIDDLES
from orchestration.publishing.reading.book import Component, read_book
from orchestration.publishing.reading.language import language
from orchestration.publishing.reading.walking import UNTRACED, sources_of, trace_line
from orchestration.publishing.site import build
from orchestration.publishing.site.page import Page
from orchestration.publishing.site.pages_national import national_pages
from tests.conftest import SAMPLE_CYCLES, Sample, ilk

FIRST, LAST = SAMPLE_CYCLES
PAGES = {LAST: "index.html", FIRST: f"cycles/{FIRST}.html"}
MARKS = {"id": (",", "."), "en": (".", ",")}
CARD = re.compile(
    r'<button type="button" class="figure" popovertarget="(c\d+)">([^<]+)</button>'
    r'<div popover id="\1" class="card">(.*?)</div>',
    re.S,
)
ROW = re.compile(r'<dd><a href="(?:\.\./)+api/v1/tables/(\w+)\.csv">\w+</a>: ([^<]+)')
FIGURES = {
    "idx_changes": "delta",
    "idx_targets": "difference",
    "idx_self_gaps": "gap",
    "idx_priorities": "score",
    "idx_change_parts": "part",
    "idx_robustness": "probability",
    "idx_evenness": "value",
    "idx_scores": "score",
}
COMPONENTS = {
    "service": ("service_id",),
    "perspective": ("perspective_id",),
    "service_perspective": ("service_id", "perspective_id"),
    "item": ("item_id",),
}


@pytest.fixture(scope="module")
def written(sample: Sample, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample's national pages in both languages."""
    return pages(sample.database, tmp_path_factory.mktemp("pages") / "site")


def pages(database: Path, folder: Path, geojson: Path | None = None) -> Path:
    """Write national pages alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "_KINDS", (national_pages,))
        build.write_site(database, folder, geojson)
    return folder


def page(site: Path, code: str, cycle_id: str = LAST) -> str:
    return (site / code / PAGES[cycle_id]).read_text(encoding="utf-8")


@pytest.fixture
def changed(sample: Sample, tmp_path: Path) -> Callable[..., Path]:
    """A way to get the pages of a publication that some SQL changed."""

    def change(*statements: str) -> Path:
        database = tmp_path / "ilk.duckdb"
        shutil.copy(sample.database, database)
        with duckdb.connect(str(database)) as connection:
            connection.execute("use ilk.main")
            for statement in statements:
                connection.execute(statement)
        return pages(database, tmp_path / "site")

    return change


def in_locale(code: str, value: float, decimals: int, *, is_signed: bool = False) -> str:
    """Write a number as the language does, anew: not by the code that is tested."""
    point, group = MARKS[code]
    text = f"{abs(value):,.{decimals}f}".translate({ord("."): point, ord(","): group})
    sign = "−" if value < 0 else "+" if is_signed and float(f"{value:.{decimals}f}") else ""
    return sign + text


def expected(code: str, table: str, row: dict[str, str], value: float) -> str:
    if table in {"idx_changes", "idx_targets", "idx_self_gaps"}:
        return in_locale(code, value, 2, is_signed=True)
    if table == "idx_change_parts":
        return in_locale(code, value, 3, is_signed=True)
    if table == "idx_robustness":
        return in_locale(code, 100 * value, 0) + "%"
    measure = row.get("measure", "")
    if table == "idx_coverage" or measure in {"share_below_b", "cv", "williamson"}:
        return in_locale(code, 100 * value, 1) + "%"
    if table == "idx_evenness" and measure not in {"range", "tau"}:
        return in_locale(code, value, 4)
    return in_locale(code, value, 2)


def keys_of(table: str, name: str) -> dict[str, str]:
    """Return the columns that a card's row names."""
    keys: dict[str, str] = {}
    domain = table in {
        "idx_scores", "idx_changes", "idx_self_gaps", "idx_priorities", "idx_coverage",
        "idx_change_parts", "idx_targets", "idx_robustness",
    }  # fmt: skip
    for word in name.replace("&gt;", ">").split(" · "):
        kind, _, value = word.partition("=")
        if kind in COMPONENTS and table != "idx_change_parts":
            keys["component_type"] = kind
            keys |= dict(zip(COMPONENTS[kind], value.split("/"), strict=True))
        elif word == "index":
            keys["component_type"] = "index"
        elif kind in {"part_item_id", "between", "measure", "band"}:
            keys[kind] = value
        elif word in {"availability", "accessibility", "effective_coverage"}:
            keys["figure"] = word
        else:
            keys |= {"domain_type": kind, "domain_id": value or "national"}
    if table == "idx_change_parts":
        keys["component_type"] = "index"
    assert domain is ("domain_type" in keys), (table, name)
    return keys


def published(connection: duckdb.DuckDBPyConnection, cycle_id: str, table: str, name: str) -> float:
    keys = keys_of(table, name)
    figure = keys.pop("figure", FIGURES.get(table, ""))
    if "weighting_mode" in [row[0] for row in connection.execute(f"describe {table}").fetchall()]:
        keys["weighting_mode"] = "poststrat"
    condition = " and ".join(f'"{column}" = ?' for column in ["cycle_id", *keys])
    query = f"select {figure} from {table} where {condition}"
    [(value,)] = connection.execute(query, [cycle_id, *keys.values()]).fetchall()
    assert value is not None, f"{table}: {name} is hidden and shown"
    return float(value)


@pytest.mark.parametrize("code", MARKS)
@pytest.mark.parametrize("cycle_id", SAMPLE_CYCLES)
def test_every_figure_shown_is_the_published_one(
    sample: Sample, written: Path, code: str, cycle_id: str
):
    shown: Counter[str] = Counter()
    with duckdb.connect(str(sample.database), read_only=True) as connection:
        connection.execute("use ilk.main")
        for _, text, card in CARD.findall(page(written, code, cycle_id)):
            if "popovertarget" not in card:
                continue  # of another cycle, whose own page shows it
            [(table, name)] = ROW.findall(card)
            value = published(connection, cycle_id, table, name)
            assert text == expected(code, table, keys_of(table, name), value), (table, name)
            shown[table] += 1
    wanted = {"idx_scores", "idx_targets", "idx_self_gaps", "idx_priorities", "idx_coverage"}
    wanted |= {"idx_evenness", "idx_robustness"}
    if cycle_id == LAST:
        wanted |= {"idx_changes", "idx_change_parts"}
    assert wanted == set(shown)
    assert shown["idx_scores"] > 60


def test_the_card_says_how_sure_the_figure_is_and_what_it_is_made_of(sample: Sample, written: Path):
    with read_book(sample.database) as book:
        score = book.score(LAST, "national", "national")
    assert score
    assert score.score
    assert score.ci_low
    assert score.respondent_count
    _, _, card = CARD.findall(page(written, "id"))[0]
    assert in_locale("id", score.score, 4) in card
    assert in_locale("id", score.ci_low, 2) in card
    assert in_locale("id", score.respondent_count, 0) in card
    assert "Metode<dd>ilk-1.0: pascastratifikasi" in card
    assert f"<code>./ilk trace {LAST} --domain national</code>" in card
    assert 'popovertarget="sources"' in card


def test_rows_left_out_files_and_their_hashes_stand_once_a_page(sample: Sample, written: Path):
    html = page(written, "id")
    with duckdb.connect(str(sample.database), read_only=True) as connection:
        files = connection.execute(
            "select distinct file_name, file_sha256 from ilk.main.audit_reconciliation"
            " where cycle_id = ?",
            [LAST],
        ).fetchall()
        [(late,)] = connection.execute(
            "select sum(response_count) from ilk.main.audit_reconciliation"
            " where cycle_id = ? and rejection_reason = 'out_of_window'",
            [LAST],
        ).fetchall()
    assert html.count('id="sources"') == 1
    for name, sha256 in files:
        assert html.count(sha256) == 1
        assert name in html
    assert f"Tidak dihitung: di luar masa survei<dd>{late}" in html
    assert "Left out: outside the window" in page(written, "en")


def test_many_files_are_counted_and_led_to(changed):
    html = page(
        changed(
            "insert into audit_reconciliation by name select old.* replace ("
            "'more/' || n || '.csv' as file_name, sha256(n::varchar) as file_sha256)"
            " from audit_reconciliation as old, range(20) as more(n)"
            f" where cycle_id = '{LAST}' and is_accepted and profile_id = 'gform'"
        ),
        "en",
    )
    assert html.count(".csv (") + html.count(".xlsx (") == 12
    assert "and 11 more files" in html


def test_restatements_are_told_with_their_reason(changed):
    site = changed(
        "insert into audit_restatements by name select 'r' as run_id,"
        " timestamp '2025-12-24 09:00:00' as restated_at, 'a late file' as why,"
        f" '{LAST}' as cycle_id, 'idx_scores' as table_name, 'score' as figure_name from range(3)"
    )
    assert "24 December 2025: 3 figures, because of a late file." in page(site, "en")
    assert "Restatements<dd>none" in page(site, "en", FIRST)


def test_sixty_cards_take_less_than_40_kb(sample: Sample):
    with read_book(sample.database) as book:
        environment = build._environment(book, language("id"))
        shown = [s for s in book.scores(LAST, "national", "national").values() if s.score]
        template = environment.from_string(
            '{% from "figures.html.j2" import figure with context %}'
            "{% for score in scores %}{{ figure(score, loop.index) }}{% endfor %}"
        )
        html = template.render(
            page=Page("units/a.html", "", {}), cycle=book.latest, scores=(shown * 2)[:60]
        )
    assert len(CARD.findall(html)) == 60
    assert len(html.encode()) < 40_000


def test_a_hidden_region_says_so_and_its_number_is_nowhere(sample: Sample, changed):
    figures = ("score", "score_100", "se", "df", "ci_low", "ci_high", "band", "respondent_count")
    columns = ", ".join(f"{name} = null" for name in (*figures, "answer_count", "is_band_certain"))
    site = changed(
        "update idx_scores set score = 1.2345, score_100 = 30.8625, ci_low = 1.1111,"
        " ci_high = 1.2999 where domain_type = 'provider_region' and domain_id = '12'",
        f"update idx_scores set {columns}, is_suppressed = true"
        " where domain_type = 'provider_region' and domain_id = '11'",
    )
    html = page(site, "id")
    assert 'aria-label="Aceh: dirahasiakan"' in html
    row = html[html.index('regions/11.html">Aceh') :].split("</tr>")[0]
    assert 'class="figure hidden" popovertarget="why-hidden">dirahasiakan' in row
    assert not re.search(r"\d,\d", row)
    assert 'id="why-hidden"' in html
    assert "kurang dari 10 responden" in html
    assert 'aria-label="Sumatera Utara: 1,23"' in html  # it is read anew, so the test can fail


def test_what_is_hidden_of_the_nation_is_drawn_nowhere(changed):
    """Every figure of every table but the headline is NULL: the page is made all the same."""
    site = changed(
        "update idx_scores set score = null, score_100 = null, ci_low = null, ci_high = null,"
        " se = null, df = null, band = null, respondent_count = null, is_suppressed = true"
        " where not (domain_type = 'national' and component_type = 'index')",
        "update idx_changes set delta = null, score = null, score_previous = null, se = null,"
        " p_adjusted = null, is_changed = null, is_suppressed = true",
        "update idx_change_parts set part = null, item_delta = null, item_share = null",
        "update idx_robustness set probability = null, rank_p05 = null, rank_p50 = null,"
        " rank_p95 = null",
        "update idx_self_gaps set gap = null, se = null, self_score = null, score = null",
        "update idx_priorities set score = null, importance = null, quadrant = null",
        "update idx_coverage set availability = null, accessibility = null,"
        " effective_coverage = null, is_suppressed = true",
        "delete from idx_evenness",
    )
    html = page(site, "en")
    tables = {ROW.findall(card)[0][0] for _, _, card in CARD.findall(html)}
    assert tables == {"idx_scores", "idx_targets"}
    assert html.count('class="dot"') == 4  # two cycles, in the headline's chart and over time
    assert "step-5" not in html.split('class="legend"')[0]


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.ids: Counter[str] = Counter()
        self.hrefs: set[str] = set()
        self.targets: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.ids.update([found["id"]] if found.get("id") else [])
        self.hrefs.update([found["href"]] if found.get("href") else [])
        self.targets.update([found["popovertarget"]] if found.get("popovertarget") else [])


@pytest.mark.parametrize("cycle_id", SAMPLE_CYCLES)
def test_links_within_and_between_the_pages_of_the_nation_hold(
    sample: Sample, written: Path, cycle_id: str
):
    html = page(written, "id", cycle_id)
    found = _Links()
    found.feed(html)
    assert {name for name, count in found.ids.items() if count > 1} == set()
    assert found.targets <= set(found.ids)
    assert {href[1:] for href in found.hrefs if href.startswith("#")} <= set(found.ids)
    folder = (written / "id" / PAGES[cycle_id]).parent
    others = {href for href in found.hrefs if "cycles/" in href or href.endswith("index.html")}
    others -= {href for href in others if "regions/" in href or "units/" in href}
    assert any("en/" in href for href in others)
    assert [href for href in others if not (folder / href).is_file()] == []
    with duckdb.connect(str(sample.database), read_only=True) as connection:
        regions = {
            id_
            for (id_,) in connection.execute(
                "select region_id from ilk.main.dim_regions"
            ).fetchall()
        }
        tables = {
            name
            for (name,) in connection.execute("select table_name from duckdb_tables()").fetchall()
        }
    linked = {m[1] for href in found.hrefs if (m := re.search(r"regions/([^/]+)\.html$", href))}
    assert linked - {"index"} == regions
    csv = {m[1] for href in found.hrefs if (m := re.search(r"api/v1/tables/(\w+)\.csv$", href))}
    assert {"idx_scores", "audit_reconciliation"} <= csv <= tables


def test_a_change_over_shared_items_alone_says_their_share(changed):
    html = page(changed("update idx_changes set shared_item_share = 0.75"), "id")
    assert "atas butir yang ditanyakan di kedua siklus: 75% dari butir siklus ini." in html


@pytest.mark.parametrize(
    ("delta", "p_adjusted", "verdict", "words"),
    [
        (0.0512, 0.001, "better", "naik 0,05; membaik"),
        (-0.0512, 0.001, "worse", "turun 0,05; memburuk"),
        (
            *(-0.0512, 0.2, "unknown"),
            "turun 0,05; belum dapat dipastikan (yang terkecil yang dapat ditunjukkan: 0,11)",
        ),
        (0.0312, 0.001, "unknown", "naik 0,03; terlalu kecil untuk berarti"),
        (0.0012, 0.9, "same", "tetap; tidak berubah"),
        (0.0512, None, "unknown", "naik 0,05; tidak dapat diuji"),
    ],
)
def test_a_change_is_said_with_its_verdict(sample: Sample, delta, p_adjusted, verdict, words):
    with read_book(sample.database) as book:
        nation = next(national_pages(book, language("id"))).content
    change = {"delta": delta, "p_adjusted": p_adjusted, "verdict": verdict}
    change |= {"minimum_detectable_change": 0.112, "is_same_method": True}
    assert nation["change_words"](change) == words
    change["is_same_method"] = False
    assert nation["change_words"](change).startswith(f"{words}; metodenya berganti juga")


def test_whether_evenness_changed_and_how_likely_a_quadrant_is_are_told(changed, written: Path):
    site = changed(
        "update idx_evenness_changes set is_changed = true, delta = 0.2, value_previous = 0.1,"
        " value = 0.3 where between = 'regions' and measure = 'tau'",
        "update idx_evenness_changes set is_changed = true, delta = -0.2, value_previous = 0.3,"
        " value = 0.1 where between = 'units' and measure = 'tau'",
        "update idx_priorities set quadrant_probability = 0.4321 where lowest_rank is null",
    )
    html = page(site, "en")
    assert "between regions shown in both has grown from 0.10 to 0.30" in html
    assert "between units shown in both has shrunk from 0.30 to 0.10" in html
    assert html.count('<td class="number">43%</td>') == 19  # perspectives of services
    assert "is not shown to have changed" in page(written, "en")


def test_what_explains_an_overall_answer_is_told_by_audience(changed, written: Path):
    assert "overall answer" not in page(written, "en")  # of this instrument, which asks for none
    row = (
        "('{}', 'poststrat', 'individu_pegawai', 'sdm', '{}', {}, 0.61, {}, 0.02, 0.2, 0.28, 0.31,"
        " {}, {})"
    )
    site = changed(
        "insert into idx_drivers (cycle_id, weighting_mode, audience_id, service_id,"
        " perspective_id, respondent_count, correlation, relative_weight, se, ci_low, ci_high,"
        " r_squared, explained_share, null_reason) values "
        + ", ".join(
            [
                row.format(LAST, "assurance", "null", "null", "null", "'suppressed'"),
                row.format(LAST, "tangible", 77, 0.0712, 0.2297, "null"),
                row.format(LAST, "reliability", 1234, 0.2388, 0.7703, "null"),
            ]
        )
    )
    html = page(site, "en").split("What decides the overall answer")[1].split("</section>")[0]
    assert "<b>Individual staff</b>: all of them explain 31% of the differences" in html
    names = re.findall(r'<th scope="row">([^<]+)</th>', html)
    assert [name.split(" · ")[-1].split(", ")[-1] for name in names] == [
        "Reliability",
        "Tangibles",
        "Assurance",
    ]
    first, second, hidden = html.split("<tr>")[2:]
    for told in ("23.9%", "20.0% – 28.0%", "77%", "0.61", "1,234"):
        assert told in first
    assert "7.1%" in second
    assert "Too few people" in hidden
    assert not re.search(r"\d", hidden.split("</th>")[1].split("</tr>")[0].replace('"4"', ""))
    assert "Yang menentukan penilaian keseluruhan" in page(site, "id")


def test_the_headline_is_drawn_on_the_bands_that_it_and_the_target_touch(changed):
    """3.30-3.40 and 3.50 lie in B (3.0644 to 3.5324), the target of 3.60 in A: both are drawn."""
    site = changed(
        "update idx_scores set score = 3.35, ci_low = 3.3, ci_high = 3.4"
        " where domain_type = 'national' and component_type = 'index'"
    )
    chart = page(site, "id").split('<svg class="chart"')[1].split("</svg>")[0]
    assert re.findall(r'class="on-band"[^>]*>(\w)<', chart) == ["B", "A"]
    assert re.findall(r'class="tick"[^>]*>([\d,]+)<', chart) == ["3,06", "3,53", "4,00"]
    assert "target 3,60" in chart
    # 3.0644 at 190, 4 at 530: (3.6 - 3.0644) / 0.9356 x 340 + 190
    assert 'class="mark" x1="384.6"' in chart


def test_provinces_without_tiles_are_a_list(changed):
    html = page(changed("update dim_regions set tile_row = null, tile_column = null"), "id")
    assert 'class="map"' not in html
    assert "<details open>" in html
    assert 'regions/11.html">Aceh' in html


def test_outlines_are_drawn_where_they_are_given(sample: Sample, tmp_path: Path):
    ring = [[95, 2], [98, 2], [98, 6], [95, 6], [95, 2]]
    geometry = {"type": "Polygon", "coordinates": [ring]}
    feature = {"type": "Feature", "properties": {"iso": "ID-AC"}, "geometry": geometry}
    path = tmp_path / "regions.geojson"
    path.write_text(json.dumps({"features": [feature]}), encoding="utf-8")
    html = page(pages(sample.database, tmp_path / "site", path), "id")
    assert len(re.findall(r'<path class="step-\d"', html)) == 1
    assert 'font-size="18"' not in html  # no tile


def test_while_no_cycle_is_scored_the_page_names_what_is_open(changed):
    site = changed("delete from idx_scores")
    html = (site / "id" / "index.html").read_text(encoding="utf-8")
    assert "Semester II 2026 sedang berlangsung, sampai 4 Desember 2026." in html
    assert 'href="participation.html"' in html
    assert not (site / "id" / "cycles").exists()
    assert not CARD.findall(html)


def shown_units(sample: Sample) -> list[str]:
    with duckdb.connect(str(sample.database), read_only=True) as connection:
        found = connection.execute(
            "select domain_id from ilk.main.idx_scores where domain_type = 'provider_unit'"
            " and component_type = 'index' and score is not null and cycle_id = ?"
            " and weighting_mode = 'poststrat' order by 1",
            [LAST],
        ).fetchall()
    return [unit for (unit,) in found]


@pytest.mark.parametrize(
    ("domain_type", "domain_id", "component"),
    [
        ("national", "national", Component("", "", "sdm_tangible_individu_pegawai")),
        ("national", "national", Component("sdm", "reliability", "")),
        ("provider_region", "11", Component()),
        ("provider_unit", "", Component()),
        ("direction", "upt>pusat", Component("", "empathy", "")),
        ("role_provider_level", "pemberi|pusat", Component("sdm", "", "")),
    ],
)
def test_the_trace_line_of_a_card_walks_down_to_its_figure(
    sample: Sample, domain_type: str, domain_id: str, component: Component
):
    domain_id = domain_id or shown_units(sample)[0]
    line = trace_line(LAST, domain_type, domain_id, component)
    program, *arguments = shlex.split(line)
    assert program == "./ilk"
    result = ilk(*arguments)
    assert result.exit_code == 0, f"{line}\n{result.output}"
    assert "Jumlah kontribusi / Sum of contributions" in result.output


def test_what_no_answer_contributes_to_has_no_trace_line():
    assert set(MIDDLES) == UNTRACED
    assert trace_line(LAST, "unit_median", "national") == ""
    assert all(trace_line(LAST, domain, "a").startswith("./ilk trace") for domain in DOMAINS)


def test_a_count_that_is_not_shown_makes_no_sum(changed, tmp_path: Path):
    changed(
        "update audit_reconciliation set response_count = null"
        " where rejection_reason = 'incomplete' and profile_id = 'msform'"
    )
    with read_book(tmp_path / "ilk.duckdb") as book:
        left_out = dict(sources_of(book, language("en"), LAST).left_out)
    assert left_out["not finished"] is None
    assert left_out["outside the window"]


def test_both_languages_have_the_same_words_and_blanks():
    catalogues = [language(code).words for code in MARKS]
    assert catalogues[0].keys() == catalogues[1].keys()
    blanks = [
        {key: set(re.findall(r"{(\w+)}", text)) for key, text in words.items()}
        for words in catalogues
    ]
    assert blanks[0] == blanks[1]
