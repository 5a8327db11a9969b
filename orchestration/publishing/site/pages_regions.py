"""The pages of regions, and their list: what those who run a province's offices read.

Belongs here: gathering what stands on a region's page. Doesn't: laying it out (region.html.j2,
regions.html.j2), what it shares with a unit's (places.py).
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from orchestration.publishing.reading.book import INDEX, Book, Cycle, Row
from orchestration.publishing.reading.charts import Interval, Mark
from orchestration.publishing.reading.language import Language
from orchestration.publishing.site import places, respondents
from orchestration.publishing.site.page import Page
from orchestration.publishing.site.pages_units import level_in_words, list_rows

_DOMAIN = "provider_region"
_LOWEST = 3


def region_pages(book: Book, words: Language) -> Iterator[Page]:
    """Give a page for each region with units in the newest cycle, and their list."""
    cycle = places.cycle_to_read(book)
    if cycle is None:
        return
    units: dict[str, list[Row]] = defaultdict(list)
    for unit in book.units[cycle.cycle_id].values():
        if unit["region_id"] in book.regions:
            units[unit["region_id"]].append(unit)
    regions = [book.regions[region_id] for region_id in sorted(units)]
    asked = places.newest_asked(book) or cycle
    asked_units: dict[str, list[Row]] = defaultdict(list)
    for unit in book.units[asked.cycle_id].values():
        asked_units[unit["region_id"]].append(unit)
    bars = {region["region_id"]: _bar(book, words, cycle, region) for region in regions}
    for region in regions:
        region_id = region["region_id"]
        yield Page(
            f"regions/{region_id}.html",
            "region.html.j2",
            _content(book, words, cycle, region, units[region_id], bars)
            | {
                "asked": asked,
                "answered": respondents.of_region(
                    book, words, asked, region_id, asked_units[region_id]
                ),
            },
        )
    yield Page(
        "regions/index.html",
        "regions.html.j2",
        {
            "cycle": cycle,
            "asked": asked,
            "chart": places.score_chart(
                book,
                words,
                _by_score(bars.values()),
                words("region.all_title"),
                _nation(book, words, cycle),
            ),
            "rows": [
                (
                    region,
                    book.score(cycle.cycle_id, _DOMAIN, region["region_id"]),
                    places.changes(book, words, cycle, _DOMAIN, region["region_id"]).get(INDEX),
                    len(units[region["region_id"]]),
                    next(
                        iter(
                            respondents.of_region(
                                book,
                                words,
                                asked,
                                region["region_id"],
                                asked_units[region["region_id"]],
                            )
                        ),
                        None,
                    ),
                )
                for region in regions
            ],
        },
    )


def _bar(book: Book, words: Language, cycle: Cycle, region: Row) -> Interval:
    region_id = region["region_id"]
    score = book.score(cycle.cycle_id, _DOMAIN, region_id)
    return places.bar(book, words, score, region["name"], "other", f"{region_id}.html")


def _by_score(bars: Any) -> list[Interval]:  # noqa: ANN401
    """Return rows of a chart, the highest first; those without a figure last."""
    return sorted(bars, key=lambda bar: (bar.middle is None, -(bar.middle or 0), bar.label))


def _nation(book: Book, words: Language, cycle: Cycle) -> tuple[Mark, ...]:
    score = book.score(cycle.cycle_id, "national", "national")
    at = book.scale.of(score.score) if score else None
    return () if at is None else (Mark(at, words("place.nation")),)


def _content(
    book: Book,
    words: Language,
    cycle: Cycle,
    region: Row,
    units: Sequence[Row],
    bars: Mapping[str, Interval],
) -> dict[str, Any]:
    region_id, cycle_id = region["region_id"], cycle.cycle_id
    scores = book.scores(cycle_id, _DOMAIN, region_id)
    index = scores.get(INDEX)
    changed = places.changes(book, words, cycle, _DOMAIN, region_id)
    shown = sorted(
        (
            score
            for component, score in scores.items()
            if score.component_type == "perspective" and score.score is not None
        ),
        key=lambda score: (score.score, score.component.perspective_id),
    )
    # One alone is the lowest of nothing, as in idx_priorities.
    lowest = [score.component.perspective_id for score in shown[:_LOWEST]] if shown[1:] else []
    ordered = _by_score(
        places.bar(book, words, index, region["name"], "own") if other == region_id else bar
        for other, bar in bars.items()
    )
    with_figure = [bar for bar in ordered if bar.middle is not None]
    own = next((place for place, bar in enumerate(with_figure) if bar.kind == "own"), None)
    among, left_out = ([], 0) if own is None else places.nearest(with_figure, own)
    among_title = words("region.peers_title", region=region["name"])
    levels = sorted({unit["unit_level_id"] for unit in units})
    change_title = words("place.change_title", name=region["name"])
    return {
        "cycle": cycle,
        "region": region,
        "index": index,
        "is_shown": index is not None and index.score is not None,
        "peers": places.score_chart(book, words, among, among_title, _nation(book, words, cycle)),
        "left_out": left_out,
        "unshown": len(ordered) - len(with_figure),
        "levels": [
            (
                level_in_words(book, words, level),
                book.score(cycle_id, "provider_region_level", f"{region_id}|{level}"),
            )
            for level in levels
        ],
        "perspectives": places.of_index(book.perspectives, cycle),
        "grid": places.grid(book, words, cycle, scores)
        if any(score.score is not None for score in scores.values())
        else [],
        "lowest": places.lowest(book, cycle, words, dict.fromkeys(lowest), scores, changed, None),
        "changes": changed,
        "change_chart": places.change_chart(book, words, changed.values(), change_title),
        "coverage": places.coverage(book, words, cycle, _DOMAIN, region_id),
        "rows": list_rows(book, words, cycle, units),
    }
