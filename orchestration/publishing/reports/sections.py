"""The body of a report, section by section, as SKM reports are built.

Belongs here: which sections there are, in which order, and the rows of their tables. Doesn't: words
(`[report]` of languages/*.toml), annexes (annexes.py), the look (templates/, word.py).

Whoever changes the order of sections changes `report_of`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from orchestration.publishing.reading.book import INDEX, Component, Row, Score
from orchestration.publishing.reading.charts import Interval, Mark
from orchestration.publishing.reading.language import NONE
from orchestration.publishing.reports.annexes import annexes
from orchestration.publishing.reports.content import Block, Column, Report, Section, Table, Text
from orchestration.publishing.reports.participation import participation, reached
from orchestration.publishing.reports.subjects import Subject
from orchestration.publishing.reports.telling import Teller

_LOWEST_MARKS = {True: "lowest_yes", False: "lowest_no", None: "lowest_untold"}
_QUESTIONS = 3  # of a lowest element: its lowest items
_PEERS = 15  # rows of a chart of units
_TALL = 20  # rows of a chart that fills most of a page


def report_of(tell: Teller, subject: Subject, source: str) -> Report:
    """Gather a subject's report. `source` names the publication."""
    words = tell.words
    parts: list[tuple[str, Callable[[Teller, Subject], Iterator[Block]]]] = [
        ("introduction", _introduction),
        ("method", _method),
        ("respondents", participation),
        ("results", _results),
        ("lowest", _lowest),
        ("change", _change),
        ("plan", _plan),
    ]
    sections = [
        Section(f"{number}. {words(f'report.{name}')}", list(gather(tell, subject)))
        for number, (name, gather) in enumerate(parts, start=1)
    ]
    return Report(
        language=words.code,
        title=words("report.title", index=tell.index_name),
        subject=subject.name(tell.book, tell.cycle, words),
        period=tell.cycle_name,
        source=source,
        facts=_facts(tell, subject),
        sections=[*sections, *annexes(tell, subject)],
    )


def _facts(tell: Teller, subject: Subject) -> list[tuple[str, str]]:
    """Return what stands on the first page: the index and how sure it is."""
    score, words = subject.score(tell.book, tell.cycle), tell.words
    facts = [(words("report.index"), tell.shown(score))]
    if score is not None and score.score is not None:
        level = words.percent(tell.cycle.ci_level)
        sure = "" if score.is_band_certain else f", {words('figure.band_uncertain')}"
        facts += [
            (words("figure.interval", level=level), tell.interval(score)),
            (words("report.band"), f"{tell.band(score.band)}{sure}"),
            (words("figure.respondents"), tell.count(score.respondent_count)),
            (words("report.change"), tell.change_in_words(tell.change(subject))),
        ]
    return [*facts, *reached(tell, subject)]


def _introduction(tell: Teller, subject: Subject) -> Iterator[Block]:
    words, cycle = tell.words, tell.cycle
    yield Text(
        words(
            "report.introduction_text",
            index=tell.index_name,
            subject=subject.name(tell.book, cycle, words),
            cycle=tell.cycle_name,
            opens=words.day(cycle.opens_on),
            closes=words.day(cycle.closes_on),
        )
    )
    yield Text(words("report.introduction_reading", level=words.percent(cycle.ci_level)))
    score = subject.score(tell.book, cycle)
    if tell.why(score):
        yield Text(tell.why_in_full(score), is_note=True)


def _method(tell: Teller, subject: Subject) -> Iterator[Block]:
    words, scale, cycle = tell.words, tell.book.scale, tell.cycle
    yield Text(
        words(
            "report.method_text",
            method=cycle.method_id,
            weighting=words.coded("weighting", cycle.weighting_mode),
            services=len(tell.services),
            perspectives=len(tell.perspectives),
            low=words.number(scale.low, 0),
            high=words.number(scale.high, 0),
        )
    )
    yield Text(words("report.method_uncertainty", level=words.percent(cycle.ci_level)))
    yield Text(words("report.method_hidden", least=cycle.min_cell_n))
    if tell.bands:
        yield Table(
            words("report.bands_caption"),
            [
                Column(words("report.band"), 3),
                Column(words("report.band_range"), 2, is_number=True),
            ],
            [
                (
                    tell.band(band),
                    tell.limits(row["lower_100"], row["upper_100"]),
                )
                for band, row in tell.bands.items()
            ],
        )


def _results(tell: Teller, subject: Subject) -> Iterator[Block]:
    words = tell.words
    scores = tell.book.scores(tell.cycle.cycle_id, subject.domain_type, subject.subject_id)
    if not any(score.score is not None for score in scores.values()):
        yield Text(words("report.results_none"), is_note=True)
    else:
        yield from _elements(tell, scores)
    if subject.kind == "national":
        yield from _of_levels(tell)
        yield from _of_regions(tell)
    elif subject.kind == "region":
        yield from _of_units(tell, subject)
    else:
        yield from _among_peers(tell, subject)


def _elements(tell: Teller, scores: Mapping[Component, Score]) -> Iterator[Block]:
    """Give services and perspectives as charts, and each by each as a table."""
    words = tell.words
    by_service = [Component(service) for service in tell.services]
    by_perspective = [Component("", perspective) for perspective in tell.perspectives]
    for caption, components in (
        ("report.services_chart", by_service),
        ("report.perspectives_chart", by_perspective),
    ):
        rows = [tell.row_of(words("report.index"), scores.get(INDEX), kind="own")]
        rows += [tell.row_of(tell.component(each), scores.get(each)) for each in components]
        chart = tell.chart(words(caption, level=words.percent(tell.cycle.ci_level)), rows)
        if chart is not None:
            yield chart
    yield Table(
        words("report.elements_table"),
        [
            Column(words("report.service"), 3),
            *(Column(name, 2, is_number=True) for name in tell.perspectives.values()),
            Column(words("report.all_perspectives"), 2, is_number=True),
        ],
        [
            (
                name or words("report.all_services"),
                *(tell.of(scores, Component(service, each)) for each in tell.perspectives),
                tell.of(scores, Component(service)),
            )
            for service, name in [*tell.services.items(), ("", "")]
        ],
    )
    yield Table(
        words("report.services_table"),
        [
            Column(words("report.element"), 4),
            Column(words("report.score"), is_number=True),
            Column(words("report.interval"), 2, is_number=True),
            Column(words("report.band"), 2),
            Column(words("figure.respondents"), 2, is_number=True),
        ],
        [
            (tell.component(each), *_score_cells(tell, scores.get(each)))
            for each in (INDEX, *by_service, *by_perspective)
        ],
    )


def _score_cells(tell: Teller, score: Score | None) -> tuple[str, str, str, str]:
    return (
        tell.shown(score),
        tell.interval(score),
        (score.band if score else None) or NONE,
        tell.count(score.respondent_count if score else None),
    )


def _of_levels(tell: Teller) -> Iterator[Block]:
    cycle_id = tell.cycle.cycle_id
    yield from _comparison(
        tell,
        tell.words("report.levels"),
        [
            (name, tell.book.score(cycle_id, "provider_level", level))
            for level, name in tell.levels.items()
        ],
    )


def _of_regions(tell: Teller) -> Iterator[Block]:
    cycle_id = tell.cycle.cycle_id
    found = [
        (str(tell.book.regions[region]["name"]), score)
        for region in tell.book.domains(cycle_id, "provider_region")
        if (score := tell.book.score(cycle_id, "provider_region", region)) is not None
    ]
    found.sort(key=lambda each: (-(each[1].score or 0), each[0]))
    yield from _comparison(tell, tell.words("report.regions"), found)


def _comparison(
    tell: Teller, caption: str, named: Sequence[tuple[str, Score | None]]
) -> Iterator[Block]:
    """Give domains beside the nation as a chart and a table."""
    nation = tell.book.score(tell.cycle.cycle_id, "national", "national")
    at = tell.book.scale.of(nation.score) if nation else None
    level = tell.words.percent(tell.cycle.ci_level)
    chart = tell.chart(
        tell.words("report.with_interval", caption=caption, level=level),
        [tell.row_of(name, score) for name, score in named],
        marks=() if at is None else [Mark(at, tell.words("report.nation"))],
    )
    table = Table(
        caption,
        [
            Column(tell.words("report.where"), 4),
            Column(tell.words("report.score"), 2, is_number=True),
            Column(tell.words("report.interval"), 2, is_number=True),
            Column(tell.words("report.band")),
            Column(tell.words("figure.respondents"), 2, is_number=True),
        ],
        [(name, *_score_cells(tell, score)) for name, score in named],
    )
    # A chart of a whole page comes last, or half a page before it stays empty.
    blocks = [table, chart] if len(named) > _TALL else [chart, table]
    yield from (block for block in blocks if block is not None and named)


def _of_units(tell: Teller, subject: Subject) -> Iterator[Block]:
    """Give a region's shown units; how many are hidden is said."""
    cycle_id = tell.cycle.cycle_id
    units = {
        unit_id: str(unit["unit_name"])
        for unit_id, unit in tell.book.units[cycle_id].items()
        if unit["region_id"] == subject.subject_id
    }
    named = [
        (name, score)
        for unit_id, name in units.items()
        if (score := tell.book.score(cycle_id, "provider_unit", unit_id)) is not None
        and score.score is not None
    ]
    named.sort(key=lambda each: (-(each[1].score or 0), each[0]))
    yield from _comparison(tell, tell.words("report.units"), named)
    if len(named) < len(units):
        yield Text(
            tell.words(
                "report.units_not_shown",
                count=tell.count(len(units) - len(named)),
                all=tell.count(len(units)),
                least=tell.cycle.min_cell_n,
            ),
            is_note=True,
        )


def _among_peers(tell: Teller, subject: Subject) -> Iterator[Block]:
    """Give a unit's place among the shown units of its type, and what it is part of."""
    words, book, cycle_id = tell.words, tell.book, tell.cycle.cycle_id
    unit = book.units[cycle_id][subject.subject_id]
    unit_type = tell.unit_type(unit["unit_type"])
    ranks = [
        row
        for row in tell.rows("idx_rankings", cycle_id=cycle_id, component_type="index")
        if row["unit_type"] == unit["unit_type"] and row["unit_level_id"] == unit["unit_level_id"]
    ]
    own = next((row for row in ranks if row["domain_id"] == subject.subject_id), None)
    if own is not None and own["unit_rank"] is not None and len(ranks) > 1:
        yield Text(
            words(
                "report.rank",
                type=unit_type,
                rank=own["unit_rank"],
                count=own["ranked_unit_count"],
                low=own["rank_set_low"],
                high=own["rank_set_high"],
                level=words.percent(tell.cycle.ci_level),
            )
        )
        chart = tell.chart(words("report.peers_chart", type=unit_type), _peers(tell, ranks, own))
        if chart is not None:
            yield chart
    yield Table(
        words("report.around_table"),
        [
            Column(words("report.where"), 4),
            Column(words("report.score"), 2, is_number=True),
            Column(words("report.interval"), 2, is_number=True),
            Column(words("report.band")),
            Column(words("figure.respondents"), 2, is_number=True),
        ],
        [
            (name, *_score_cells(tell, book.score(cycle_id, domain_type, domain_id)))
            for name, domain_type, domain_id in _around(tell, subject, unit)
        ],
    )
    peers = tell.rows("idx_peers", cycle_id=cycle_id, component_type="index")
    median = next((row for row in peers if row["unit_type"] == unit["unit_type"]), None)
    if median is not None and median["median_score"] is not None:
        yield Text(
            words(
                "report.peer_median",
                type=unit_type,
                count=tell.count(median["peer_count"]),
                median=tell.number(median["median_score"]),
            )
        )


def _around(tell: Teller, subject: Subject, unit: Row) -> list[tuple[str, str, str]]:
    """Return the domains that a unit is part of, itself first: name, type and id."""
    level, region_id = unit["unit_level_id"], unit["region_id"]
    found = [(str(unit["unit_name"]), "provider_unit", subject.subject_id)]
    if region_id in tell.book.regions:
        region = str(tell.book.regions[region_id]["name"])
        found += [
            (f"{region}, {tell.level(level)}", "provider_region_level", f"{region_id}|{level}"),
            (region, "provider_region", region_id),
        ]
    return [
        *found,
        (tell.words("report.whole_level", level=tell.level(level)), "provider_level", level),
        (tell.words("report.nation"), "national", "national"),
    ]


def _peers(tell: Teller, ranks: Sequence[Row], own: Row) -> list[Interval]:
    """Return the unit among those nearest to it in rank, as rows of a chart."""
    ordered = sorted(ranks, key=lambda row: (row["unit_rank"] or 0, row["domain_id"]))
    place = ordered.index(own)
    start = max(0, min(place - _PEERS // 2, len(ordered) - _PEERS))
    units = tell.book.units[tell.cycle.cycle_id]
    shown = [row for row in ordered[start : start + _PEERS] if row["domain_id"] in units]
    names = _told_apart([str(units[row["domain_id"]]["unit_name"]) for row in shown])
    return [
        tell.row_of(
            name,
            tell.book.score(tell.cycle.cycle_id, "provider_unit", row["domain_id"]),
            kind="own" if row is own else "",
        )
        for name, row in zip(names, shown, strict=True)
    ]


def _told_apart(names: Sequence[str]) -> list[str]:
    """Return names without the words that all begin with: a chart's margin holds 26 letters."""
    split = [name.split() for name in names]
    shared = 0
    for words in zip(*split, strict=False):
        if len(set(words)) > 1:
            break
        shared += 1
    if len(names) < 2 or any(len(words) <= shared for words in split):
        return list(names)
    return [" ".join(words[shared:]) for words in split]


def lowest_of(tell: Teller, subject: Subject) -> dict[Component, bool | None]:
    """Return the three lowest elements that are shown, the lowest first; {} where none is.

    A unit's are its perspectives of idx_priorities, with whether that is certain; elsewhere
    perspectives of services, of which that is not told.
    """
    if subject.kind == "unit":
        rows = tell.rows(
            "idx_priorities",
            cycle_id=tell.cycle.cycle_id,
            domain_type=subject.domain_type,
            domain_id=subject.subject_id,
        )
        ranked = [
            row for row in rows if row["lowest_rank"] is not None and row["score"] is not None
        ]
        ranked.sort(key=lambda row: row["lowest_rank"])
        return {
            Component(row["service_id"] or "", row["perspective_id"]): row.get("is_lowest_certain")
            for row in ranked
        }
    return dict.fromkeys(ranked_elements(tell, subject)[:3])


def ranked_elements(tell: Teller, subject: Subject) -> list[Component]:
    """Return the shown elements of the kind that `lowest_of` speaks of, the lowest first."""
    scores = tell.book.scores(tell.cycle.cycle_id, subject.domain_type, subject.subject_id)
    services = ("",) if subject.kind == "unit" else tuple(tell.services)
    found = [
        (score.score, component)
        for component in (Component(s, p) for s in services for p in tell.perspectives)
        if (score := scores.get(component)) is not None and score.score is not None
    ]
    return [component for _, component in sorted(found)]


def _lowest(tell: Teller, subject: Subject) -> Iterator[Block]:
    words = tell.words
    lowest = lowest_of(tell, subject)
    if not lowest:
        yield Text(words("report.lowest_none"), is_note=True)
        return
    scores = tell.book.scores(tell.cycle.cycle_id, subject.domain_type, subject.subject_id)
    yield Text(words("report.lowest_text", count=len(lowest)))
    yield Table(
        words("report.lowest_table"),
        [
            Column(words("report.element"), 4),
            Column(words("report.score"), is_number=True),
            Column(words("report.interval"), 2, is_number=True),
            Column(words("report.change"), 3),
            *([Column(words("report.lowest_mark"), 2)] if subject.kind == "unit" else []),
        ],
        [
            (
                tell.component(each),
                tell.shown(scores.get(each)),
                tell.interval(scores.get(each)),
                tell.change_in_words(tell.change(subject, each)),
                *([words(f"report.{_LOWEST_MARKS[is_certain]}")] if subject.kind == "unit" else []),
            )
            for each, is_certain in lowest.items()
        ],
    )
    for each in lowest:
        rows = _item_rows(tell, subject, each, scores)
        if rows:
            yield Table(
                words("report.questions_table", element=tell.component(each)),
                [
                    Column(words("report.question"), 5),
                    Column(words("report.service"), 2),
                    Column(words("report.score"), is_number=True),
                ],
                rows,
            )
    if words.code != "id":
        yield Text(words("report.questions_as_asked"), is_note=True)


def _item_rows(
    tell: Teller, subject: Subject, element: Component, scores: Mapping[Component, Score]
) -> list[tuple[str, str, str]]:
    """Return an element's lowest items: the question, its service, the score."""
    found = [
        (score.score, component)
        for component, score in scores.items()
        if component.item_id
        and score.score is not None
        and component.perspective_id == element.perspective_id
        and element.service_id in ("", component.service_id)
    ]
    return [
        (
            _question(tell, subject, component.item_id),
            tell.services.get(component.service_id, component.service_id),
            tell.number(score),
        )
        for score, component in sorted(found)[:_QUESTIONS]
    ]


def _question(tell: Teller, subject: Subject, item_id: str) -> str:
    """Return what an item asks: a unit's own level's wording, else the highest level's."""
    asked = tell.questions.get(item_id, [])
    if subject.kind == "unit":
        level = tell.book.units[tell.cycle.cycle_id][subject.subject_id]["unit_level_id"]
        asked = [each for each in asked if each["provider_level_id"] == level] or asked
    return str(asked[0]["question_text"] or item_id) if asked else item_id


def _change(tell: Teller, subject: Subject) -> Iterator[Block]:
    words = tell.words
    previous = tell.book.cycles.get(tell.cycle.previous_cycle_id or "")
    if previous is None:
        yield Text(words("report.change_first"), is_note=True)
        return
    components = [
        INDEX,
        *(Component(service) for service in tell.services),
        *(Component("", perspective) for perspective in tell.perspectives),
    ]
    rows = [(each, row) for each in components if (row := tell.change(subject, each)) is not None]
    earlier = words("report.cycle", semester=previous.semester, year=previous.year)
    if not rows:
        yield Text(words("report.change_one_sided", earlier=earlier), is_note=True)
        return
    if not any(row["delta"] is not None for _, row in rows):
        yield Text(words("report.change_hidden", least=tell.cycle.min_cell_n), is_note=True)
        return
    yield Text(words("report.change_text", earlier=earlier, cycle=tell.cycle_name))
    chart = tell.chart(
        words("report.change_chart", earlier=earlier, level=words.percent(tell.cycle.ci_level)),
        [tell.change_row(tell.component(each), row) for each, row in rows],
        marks=[Mark(0, words("report.no_change"))],
        is_change=True,
    )
    if chart is not None:
        yield chart
    yield Table(
        words("report.change_table", earlier=earlier),
        [
            Column(words("report.element"), 4),
            Column(earlier, 2, is_number=True),
            Column(tell.cycle_name, 2, is_number=True),
            Column(words("report.difference"), 2, is_number=True),
            Column(words("report.p_adjusted"), 2, is_number=True),
            Column(words("report.verdict"), 2),
        ],
        [
            (
                tell.component(each),
                tell.number(row["score_previous"]),
                tell.number(row["score"]),
                tell.difference(row["delta"]),
                tell.probability(row["p_adjusted"]),
                words("figure.hidden") if row["delta"] is None else tell.verdict(row),
            )
            for each, row in rows
        ],
    )


def _plan(tell: Teller, subject: Subject) -> Iterator[Block]:
    """Give what is planned, else room for it, and what changed since last cycle's plan."""
    words = tell.words
    planned = _follow_ups(tell, subject, tell.cycle.cycle_id)
    yield Text(words("report.plan_text"))
    rows = [
        (
            tell.component(Component("", row["perspective_id"])),
            row["action"] or "",
            row["owner"] or "",
            words.day(row["due_on"]) if row["due_on"] else "",
            words.coded("followup", f"is_{row['status']}") if row["status"] else "",
        )
        for row in planned
    ]
    if not rows:
        lowest = [tell.component(each) for each in lowest_of(tell, subject)]
        rows = [(name, "", "", "", "") for name in lowest or ("", "", "")]
    yield Table(
        "",
        [
            Column(words("report.element"), 3),
            Column(words("report.action"), 4),
            Column(words("report.owner"), 2),
            Column(words("report.due"), 2),
            Column(words("report.status"), 2),
        ],
        rows,
        is_plan=True,
    )
    earlier = _follow_ups(tell, subject, tell.cycle.previous_cycle_id)
    if earlier:
        yield Table(
            words("report.helped_table"),
            [
                Column(words("report.element"), 2),
                Column(words("report.action"), 4),
                Column(words("report.status"), 2),
                Column(words("report.change"), 3),
            ],
            [
                (
                    tell.component(Component("", row["perspective_id"])),
                    row["action"] or NONE,
                    words.coded("followup", f"is_{row['status']}") if row["status"] else NONE,
                    tell.change_in_words(
                        tell.change(subject, Component("", row["perspective_id"]))
                    ),
                )
                for row in earlier
            ],
        )
        yield Text(words("report.helped_note"), is_note=True)


def _follow_ups(tell: Teller, subject: Subject, cycle_id: str | None) -> list[Row]:
    if subject.kind != "unit" or cycle_id is None:
        return []
    return tell.rows("fct_follow_ups", cycle_id=cycle_id, unit_id=subject.subject_id)
