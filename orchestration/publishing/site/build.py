"""Writes all pages of a publication into its folder `site/`, from its published tables alone.

Belongs here: which pages there are and where they lie. Doesn't: what stands on one (pages_*.py
gather it, templates/ lay it out), figures and words (reading/).

    site/index.html                 the reader's language, without a script: both are offered
    site/<language>/index.html      the nation in the newest cycle
    site/<language>/cycles/<cycle_id>.html    the nation in an earlier one
    site/<language>/regions/<region_id>.html, units/<unit_id>.html    in the newest cycle
    site/<language>/participation.html, quality.html    the newest cycle with figures of them;
        participation/<cycle_id>.html, quality/<cycle_id>.html    an earlier one
    site/<language>/participation/plan/<cycle_id>.html    whom to ask in a cycle that hasn't closed
    site/<language>/method.html, history.html, downloads.html
    site/assets/<language>-search.js    what the search finds
    site/assets/, site/api/v1/    the same rows as in ilk.duckdb, as files (publishing/api)
"""

import shutil
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType

import jinja2

from orchestration.durable_files import below, read_json
from orchestration.publishing.api.files import PLACE, write_api
from orchestration.publishing.reading import charts, maps
from orchestration.publishing.reading.book import INDEX, Book, Component, read_book
from orchestration.publishing.reading.language import Language, language, languages
from orchestration.publishing.reading.names import cycle_title
from orchestration.publishing.site.cards import card_globals
from orchestration.publishing.site.page import Pages
from orchestration.publishing.site.pages_downloads import downloads_pages
from orchestration.publishing.site.pages_history import history_pages
from orchestration.publishing.site.pages_method import method_pages
from orchestration.publishing.site.pages_national import national_pages
from orchestration.publishing.site.pages_participation import participation_pages
from orchestration.publishing.site.pages_plan import plan_pages
from orchestration.publishing.site.pages_quality import quality_pages
from orchestration.publishing.site.pages_regions import region_pages
from orchestration.publishing.site.pages_units import unit_pages
from orchestration.publishing.site.search import search_script
from orchestration.publishing.specifications import Described, specifications

_HERE = Path(__file__).parent


# Each gathers what stands on its pages.
_KINDS: tuple[Pages, ...] = (
    national_pages,
    region_pages,
    unit_pages,
    participation_pages,
    plan_pages,
    quality_pages,
    method_pages,
    history_pages,
    downloads_pages,
)


def write_site(
    database: Path,
    folder: Path,
    regions_geojson: Path | None = None,
    known: Mapping[str, Described] = MappingProxyType({}),
) -> int:
    """Write every page in every language into the new `folder`; return how many there are.

    `database` is the publication's DuckDB file, closed. `regions_geojson`: outlines of the regions,
    drawn instead of tiles. `known`: the words of tables, which the static API's document says.
    Raises ShapesError where the outlines are none.
    """
    with read_book(database) as book:
        shapes = (
            maps.read_shapes(regions_geojson, book.regions.values()) if regions_geojson else None
        )
        folder.mkdir(parents=True)
        made = read_json(database.parent / "publication.json") or {}
        write_api(
            book.connection,
            folder.joinpath(*PLACE),
            specifications(known, book.connection),
            publication_id=str(made.get("publication_id", "")),
        )
        return _write(book, folder, publication=database.parent, shapes=shapes)


def _write(book: Book, folder: Path, *, publication: Path, shapes: maps.Shapes | None) -> int:
    shutil.copytree(_HERE / "assets", folder / "assets")
    files = _sizes(folder, publication)
    count = 1
    for code in languages():
        words = language(code)
        # All are gathered before the first is laid out: pages link to those there are.
        pages = [page for kind in _KINDS for page in kind(book, words)]
        environment = _environment(book, words)
        environment.globals.update(
            paths=frozenset(page.path for page in pages), files=files, shapes=shapes
        )
        for page in pages:
            path = below(folder, code, *page.path.split("/"))
            path.parent.mkdir(parents=True, exist_ok=True)
            html = environment.get_template(page.template).render(page=page, **page.content)
            path.write_text(html, encoding="utf-8")
            count += 1
        if code == languages()[0]:
            html = environment.get_template("languages.html.j2").render()
            (folder / "index.html").write_text(html, encoding="utf-8")
        places_found = search_script(book, words)
        (folder / "assets" / f"{code}-search.js").write_text(places_found, encoding="utf-8")
    return count


def _sizes(folder: Path, publication: Path) -> dict[str, int]:
    """Return the bytes of the files that pages link to besides each other.

    By where they lie from the publication's folder on, in which pages are `site/`.
    """
    api = folder.joinpath(*PLACE)
    own = [(Path("site") / path.relative_to(folder), path) for path in api.glob("tables/*")] + [
        (path.relative_to(publication), path)
        for path in (
            publication / "ilk.duckdb",
            *publication.glob("parquet/*/*.parquet"),
            *publication.glob("xlsx/*.xlsx"),
            *publication.glob("fieldwork/*/*"),
        )
    ]
    return {place.as_posix(): path.stat().st_size for place, path in own}


def _environment(book: Book, words: Language) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals.update(
        book=book,
        t=words,
        languages=[language(code) for code in languages()],
        charts=charts,
        maps=maps,
        INDEX=INDEX,
        Component=Component,
        scale=book.scale,
        index_name=_index_name(book, words),
        index_names={code: _index_name(book, language(code)) for code in languages()},
        cycle_title=partial(cycle_title, words=words),
    )
    environment.globals.update(card_globals(environment, book, words))
    return environment


def _index_name(book: Book, words: Language) -> str:
    """Return what the index is called; its newest cycle's, as a publication holds one index."""
    newest = list(book.cycles.values())[-1]
    return str(getattr(newest, f"name_{words.code}", newest.name_id))
