"""The pages of units, and their list: what a unit's own people and head read.

Belongs here: gathering what stands on a unit's page. Doesn't: laying it out (unit.html.j2,
units.html.j2), what it shares with a region's (places.py), who answered (respondents.py).
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from orchestration.publishing.reading.book import INDEX, Book, Cycle, Row, Score
from orchestration.publishing.reading.charts import Interval, Mark, days_chart
from orchestration.publishing.reading.language import Language
from orchestration.publishing.site import places, respondents
from orchestration.publishing.site.follow_ups import plans_of
from orchestration.publishing.site.page import Page
from orchestration.publishing.site.verifications import looks_at
from orchestration.survey_terms import HEADLINE_ROLE

_INDEX_ROW = {"component_type": "index"}


@dataclass(frozen=True)
class _Peers:
    """The shown units of a level and type by rank, and the marks of the type."""

    ordered: Sequence[Row]
    marks: tuple[Mark, ...]
    said_once: str
    """How all of their names begin, which a chart's labels leave out."""


@dataclass(frozen=True)
class _Units:
    """What all unit pages of a language share, read once."""

    book: Book
    words: Language
    cycle: Cycle
    asked: Cycle
    """The cycle whose participation is told: the newest, which may be open."""
    raters: respondents.Raters
    _peers: Mapping[tuple[str, str], _Peers]
    _bars: dict[str, Interval] = field(default_factory=dict)

    @classmethod
    def of(cls, book: Book, words: Language, cycle: Cycle) -> "_Units":
        groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for row in book.rows("idx_rankings", cycle_id=cycle.cycle_id, **_INDEX_ROW):
            if row["unit_rank"] is not None:
                groups[row["unit_level_id"], row["unit_type"]].append(row)
        peers = {
            kind: _Peers(
                sorted(rows, key=lambda row: (row["unit_rank"], row["domain_id"])),
                _marks(book, words, cycle, rows[0]["domain_id"]),
                places.beginning(
                    [book.units[cycle.cycle_id][row["domain_id"]]["unit_name"] for row in rows]
                ),
            )
            for kind, rows in groups.items()
        }
        asked = places.newest_asked(book) or cycle
        return cls(book, words, cycle, asked, respondents.Raters.of(book, cycle), peers)

    def bar(self, unit_id: str, said_once: str) -> Interval:
        """Return the row of a peer, which is the same in the charts of all its peers."""
        found = self._bars.get(unit_id)
        if found is None:
            score = self.book.score(self.cycle.cycle_id, "provider_unit", unit_id)
            name = self.book.units[self.cycle.cycle_id][unit_id]["unit_name"]
            label = name.removeprefix(said_once)
            found = places.bar(self.book, self.words, score, label, "other", f"{unit_id}.html")
            self._bars[unit_id] = found
        return found

    def peers(self, unit: Row) -> tuple[places.Chart | None, int]:
        """Return the unit among the nearest of its peers by rank, and how many are left out."""
        peers = self._peers.get((unit["unit_level_id"], unit["unit_type"]))
        own = unit["unit_id"]
        ids = [row["domain_id"] for row in peers.ordered] if peers else []
        if peers is None or own not in ids:
            return None, 0
        shown, left_out = places.nearest(ids, ids.index(own))
        rows = [self.bar(unit_id, peers.said_once) for unit_id in shown]
        rows[shown.index(own)] = replace(rows[shown.index(own)], kind="own", href="")
        title = self.words("unit.peers_title", unit=unit["unit_name"])
        return places.score_chart(self.book, self.words, rows, title, peers.marks), left_out

    def around(self, unit: Row) -> places.Chart | None:
        """Return the nation, the unit's level and its region, its type's marks, and the unit."""
        book, words, cycle_id = self.book, self.words, self.cycle.cycle_id
        level, region = unit["unit_level_id"], unit["region_id"]
        level_name = level_in_words(book, words, level)
        own = book.score(cycle_id, "provider_unit", unit["unit_id"])
        rows = [
            places.bar(book, words, own, words("unit.this"), "own"),
            places.bar(
                book,
                words,
                book.score(cycle_id, "national", "national"),
                words("place.nation"),
                "other",
                "../index.html",
            ),
            places.bar(
                book, words, book.score(cycle_id, "provider_level", level), level_name, "other"
            ),
        ]
        if region in book.regions:
            name = book.regions[region]["name"]
            both = f"{region}|{level}"
            rows += [
                places.bar(
                    book,
                    words,
                    book.score(cycle_id, "provider_region", region),
                    name,
                    "other",
                    f"../regions/{region}.html",
                ),
                places.bar(
                    book,
                    words,
                    book.score(cycle_id, "provider_region_level", both),
                    f"{level_name}, {name}",
                    "other",
                ),
            ]
        peers = self._peers.get((level, unit["unit_type"]))
        title = words("unit.around_title", unit=unit["unit_name"])
        return places.score_chart(book, words, rows, title, peers.marks if peers else ())

    def days(self, unit: Row) -> tuple[Any, Sequence[Row]]:
        """Return the curve of those who answered, and its days; none where they are hidden."""
        days = [
            row
            for row in self.book.rows(
                "fct_participation_days", cycle_id=self.asked.cycle_id, unit_id=unit["unit_id"]
            )
            if row["respondent_count"] is not None
        ]
        if not days:
            return None, ()
        days.sort(key=lambda row: row["day_on"])
        words = self.words
        picture = days_chart(
            [row["respondent_count"] for row in days],
            required=days[0]["required_sample"],
            title=words("unit.days_title", unit=unit["unit_name"]),
            first=words.day(days[0]["day_on"]),
            last=words.day(days[-1]["day_on"]),
            required_label=words("place.required"),
            number=lambda count: words.number(count, 0),
        )
        return picture, days


def unit_pages(book: Book, words: Language) -> Iterator[Page]:
    """Give a page for each unit of the newest cycle, hidden ones too, and their list."""
    cycle = places.cycle_to_read(book)
    if cycle is None:
        return
    shared = _Units.of(book, words, cycle)
    units = book.units[cycle.cycle_id]
    for unit in units.values():
        yield Page(f"units/{unit['unit_id']}.html", "unit.html.j2", _content(shared, unit))
    yield Page(
        "units/index.html",
        "units.html.j2",
        {"cycle": cycle, "rows": list_rows(book, words, cycle, units.values())},
    )


def _content(shared: _Units, unit: Row) -> dict[str, Any]:
    book, words, cycle = shared.book, shared.words, shared.cycle
    unit_id, cycle_id = unit["unit_id"], cycle.cycle_id
    scores = book.scores(cycle_id, "provider_unit", unit_id)
    index = scores.get(INDEX)
    is_shown = index is not None and index.score is not None
    changed = places.changes(book, words, cycle, "provider_unit", unit_id)
    ranked = sorted(
        (
            row
            for row in book.rows(
                "idx_priorities",
                cycle_id=cycle_id,
                domain_type="provider_unit",
                domain_id=unit_id,
            )
            if row["score"] is not None and row["lowest_rank"] is not None
        ),
        key=lambda row: row["lowest_rank"],
    )
    low = places.lowest(
        book,
        cycle,
        words,
        {row["perspective_id"]: row.get("is_lowest_certain") for row in ranked},
        scores,
        changed,
        unit["unit_level_id"],
    )
    peers, left_out = shared.peers(unit)
    curve, days = shared.days(unit)
    change_title = words("place.change_title", name=unit["unit_name"])
    return {
        "cycle": cycle,
        "asked": shared.asked,
        "unit": unit,
        "region": book.regions.get(unit["region_id"]),
        "level": level_in_words(book, words, unit["unit_level_id"]),
        "kind": words.coded("unit_type", unit["unit_type"] or ""),
        "index": index,
        "is_shown": is_shown,
        "needed": None if is_shown else shared.raters.needed(unit_id),
        "peers": peers,
        "left_out": left_out,
        "peer_row": book.one("idx_peers", cycle_id=cycle_id, domain_id=unit_id, **_INDEX_ROW),
        "rank": book.one("idx_rankings", cycle_id=cycle_id, domain_id=unit_id, **_INDEX_ROW),
        "modelled": book.one("idx_small_areas", cycle_id=cycle_id, domain_id=unit_id, **_INDEX_ROW),
        "around": shared.around(unit),
        "perspectives": places.of_index(book.perspectives, cycle),
        "grid": places.grid(book, words, cycle, scores) if _any_shown(scores.values()) else [],
        "lowest": low,
        "changes": changed,
        "change_chart": places.change_chart(book, words, changed.values(), change_title),
        "plans": plans_of(book, words, cycle, unit_id, changed),
        "looks": looks_at(book, words, cycle, unit_id),
        "answered": respondents.of_unit(book, words, shared.asked, unit_id),
        "categories": _categories(book, words, shared.asked, unit_id),
        "curve": curve,
        "days": days,
        "coverage": places.coverage(book, words, cycle, "provider_unit", unit_id),
    }


def _any_shown(scores: Any) -> bool:  # noqa: ANN401
    return any(score.score is not None for score in scores)


def _categories(
    book: Book, words: Language, cycle: Cycle, unit_id: str
) -> list[tuple[str, str, Row]]:
    """Return role, category and row of fct_participation."""
    role_names = dict(respondents.roles(book, words))
    found = []
    for row in book.rows("fct_participation", cycle_id=cycle.cycle_id, unit_id=unit_id):
        category = book.one(
            "dim_recipient_categories", recipient_category_id=row["recipient_category_id"]
        )
        name = words.name(category) if category else row["recipient_category_id"]
        found.append((role_names.get(row["role_id"], str(row["role_id"])), str(name), row))
    return sorted(found, key=lambda each: (each[2]["role_id"] != HEADLINE_ROLE, each[1]))


def _marks(book: Book, words: Language, cycle: Cycle, unit_id: str) -> tuple[Mark, ...]:
    """Return the median and the upper quartile of a unit's type."""
    row = book.one("idx_peers", cycle_id=cycle.cycle_id, domain_id=unit_id, **_INDEX_ROW)
    if row is None or row["median_score"] is None:
        return ()
    ends = {
        "place.median": book.scale.of(row["median_score"]),
        "place.quartile": book.scale.of(row["upper_quartile_score"]),
    }
    return tuple(Mark(at, words(key)) for key, at in ends.items() if at is not None)


def level_in_words(book: Book, words: Language, level_id: str) -> str:
    """Return the name of a level."""
    row = book.one("dim_unit_levels", unit_level_id=level_id)
    return words.name(row) if row else level_id


@dataclass(frozen=True)
class ListRow:
    """A unit in a list of them."""

    unit: Row
    kind: str
    region_name: str
    score: Score | None
    rank: Row | None
    answered: respondents.Answered | None


def list_rows(book: Book, words: Language, cycle: Cycle, units: Any) -> list[ListRow]:  # noqa: ANN401
    """Return the units of a list, by name, with their index and who answered in that cycle."""
    rows = []
    for unit in units:
        unit_id = unit["unit_id"]
        answered = respondents.of_unit(book, words, cycle, unit_id)
        rows.append(
            ListRow(
                unit,
                words.coded("unit_type", unit["unit_type"] or ""),
                book.regions[unit["region_id"]]["name"]
                if unit["region_id"] in book.regions
                else "",
                book.score(cycle.cycle_id, "provider_unit", unit_id),
                book.one("idx_rankings", cycle_id=cycle.cycle_id, domain_id=unit_id, **_INDEX_ROW),
                next((one for one in answered if one.role_id == HEADLINE_ROLE), None),
            )
        )
    return rows
