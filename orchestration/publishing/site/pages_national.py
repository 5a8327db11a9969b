"""The pages of the nation: the newest scored cycle, and one for each earlier.

Belongs here: gathering what stands on them. Doesn't: laying it out (national.html.j2), figures of
one region or unit. Every figure is a published one; what is worked out here is where to draw it,
the interval of a difference (its published error times the normal quantile of ci_level, as
idx_changes tests it) and counts of rows shown.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from statistics import NormalDist
from typing import Any

from markupsafe import Markup

from orchestration.publishing.reading import charts
from orchestration.publishing.reading.axes import Axis, axis
from orchestration.publishing.reading.book import INDEX, Book, Component, Cycle, Row, Score
from orchestration.publishing.reading.charts import Bar, Interval, Mark, Point, Span
from orchestration.publishing.reading.evenness import evenness_change
from orchestration.publishing.reading.language import Language
from orchestration.publishing.reading.maps import Region, step_of, tile_map
from orchestration.publishing.reading.names import Names, compared
from orchestration.publishing.reading.nonresponse import nonresponse_rows, nonresponse_sentences
from orchestration.publishing.reading.verdicts import change_verdict
from orchestration.publishing.site.page import Page, cycle_page
from orchestration.publishing.site.verifications import differing

_NATION = ("national", "national")
_PARTS_DRAWN = 12
_UNITS_DRAWN = 12
_SURE = 0.95
"""The share of draws from which on a unit's band counts as one that other choices keep."""
_QUADRANTS = ("possible_overkill", "keep_up", "low_priority", "priority")
"""By corner: upper left (does well, matters little), upper right, lower left, lower right."""
_BETWEEN = ("regions", "units")
_MEASURES = ("range", "share_below_b", "tau", "gini", "cv", "williamson", "theil")


def national_pages(book: Book, words: Language) -> Iterator[Page]:
    """Give the nation's page of each scored cycle; one that names what is open where none is."""
    is_open = [cycle for cycle in book.cycles.values() if cycle.status == "open"]
    names = Names(book, words)
    if not book.has_scores:
        content = {"open_cycles": is_open, "cycles": list(book.cycles.values()), "names": names}
        yield Page("index.html", "national_open.html.j2", content)
        return
    for cycle in book.cycles.values():
        if cycle.is_scored:
            nation = _Nation(book, words, cycle, names)
            content = nation.content()
            content["open_cycles"] = is_open if cycle == book.latest else []
            yield Page(cycle_page(book, cycle.cycle_id), "national.html.j2", content)


@dataclass(frozen=True)
class _Held:
    """A unit's rows of idx_robustness: that of its published band, and that of the likeliest."""

    name: str
    own: Row
    likeliest: Row


@dataclass(frozen=True)
class _Nation:
    """What stands on the page of one cycle."""

    book: Book
    words: Language
    cycle: Cycle
    names: Names

    def content(self) -> dict[str, Any]:
        cycle_id = self.cycle.cycle_id
        own = self.book.scores(cycle_id, *_NATION)
        return {
            "cycle": self.cycle,
            "names": self.names,
            "next_card": count(1).__next__,
            "own": own,
            "headline": own.get(INDEX),
            "is_latest": self.cycle == self.book.latest,
            "headline_chart": self._headline_chart(),
            "target": self._one("idx_targets"),
            "targets": self._targets(),
            "looks": differing(self.book, self.words, self.cycle),
            "change": self._one("idx_changes", component_type="index"),
            "changes": self._changes(),
            "history": self._history(),
            "services": [row for row in self.book.services if Component(row["service_id"]) in own],
            "perspectives": [
                row
                for row in self.book.perspectives
                if Component(perspective_id=row["perspective_id"]) in own
            ],
            "levels": self._domains("provider_level", self._levels()),
            "directions": self._domains("direction", self._directions()),
            "provinces": self._provinces(),
            "evenness": self._evenness(),
            "parts": self._parts(),
            "robustness": self._robustness(),
            "self_gaps": self._self_gaps(),
            "priorities": self._priorities(),
            "drivers": self._drivers(),
            "coverage": self._coverage(),
            "nonresponse": nonresponse_sentences(self.book, self.words, cycle_id),
            "nonresponse_rows": nonresponse_rows(self.book, cycle_id),
            "interval": self.interval,
            "share_interval": self.share_interval,
            "change_words": self.change_words,
        }

    def interval(self, middle: float | None, se: float | None) -> tuple[float, float] | None:
        """Return the interval of a figure that has an error of its own, at the cycle's level."""
        if middle is None or se is None:
            return None
        reach = NormalDist().inv_cdf((1 + self.cycle.ci_level) / 2) * se
        return middle - reach, middle + reach

    def share_interval(self, share: float | None, se: float | None) -> str:
        """Return the interval of a share of 0-1 in percent, cut there; '' without one."""
        ends = self.interval(share, se)
        if ends is None:
            return ""
        low, high = (self.words.percent(min(max(end, 0.0), 1.0), 1) for end in ends)
        return f"{low} – {high}"

    def change_words(self, change: Row) -> str:
        """Return a change in words: up 0,05; better, or not known."""
        words, scale = self.words, self.book.scale
        delta = scale.of(change["delta"])
        if delta is None:
            return words("national.no_change")
        size = words.number(abs(delta), scale.decimals)
        direction = "up" if delta > 0 else "down"
        moved = words(f"national.{direction}", size=size) if round(delta, scale.decimals) else None
        verdict = change_verdict(words, scale, change, ci_level=self.cycle.ci_level)
        return f"{moved or words('national.same')}; {verdict}"

    def _rows(self, table: str, **key: object) -> list[Row]:
        return self.book.rows(
            table,
            cycle_id=self.cycle.cycle_id,
            **({"domain_type": "national", "domain_id": "national"} | key),
        )

    def _one(self, table: str, **key: object) -> Row | None:
        found = self._rows(table, **key)
        return found[0] if found else None

    def _number(self, value: float, decimals: int) -> str:
        return self.words.number(value, decimals)

    def _drawn(self, label: str, score: Score | None, kind: str = "") -> Interval:
        """Return a score as a row of a chart; one that isn't shown says why in a few words."""
        scale, words = self.book.scale, self.words
        if score is None:
            return Interval(label, None, note=words("figure.none"), kind=kind)
        if score.score is None:
            code = "hidden" if score.is_suppressed else score.null_reason or "none"
            return Interval(label, None, note=words.coded("figure", code), kind=kind)
        value = words.number(scale.of(score.score), scale.decimals)
        return Interval(
            label,
            scale.of(score.score),
            scale.of(score.ci_low),
            scale.of(score.ci_high),
            value=f"{value} {score.band or ''}".strip(),
            kind=kind,
        )

    def _axis(self, rows: Sequence[Interval], *others: float | None) -> Axis:
        """Return an axis around what is drawn, within the scale."""
        ends = [end for row in rows for end in (row.low, row.middle, row.high)]
        scale = self.book.scale
        return axis([*ends, *others], self._number, least=scale.low, most=scale.high)

    def _chart(self, rows: Sequence[Interval], title: str) -> Markup:
        place = self._axis(rows)
        return charts.interval_chart(
            rows,
            title=title,
            low=place.low,
            high=place.high,
            ticks=place.ticks,
            width=720,
            label_width=300,
        )

    def _spans(self) -> list[Span]:
        """Return the bands of the cycle's scheme on the reader's scale, the lowest first."""
        rows = self.book.rows("dim_bands", band_scheme_id=self.cycle.band_scheme_id)
        rows = sorted(rows, key=lambda row: row["lower_100"])
        scale = self.book.scale
        limits = [row["lower_100"] / 25 * scale.factor for row in rows] + [scale.high]
        return [
            Span(low, high, row["band"], self.names.band_kind(self.cycle, row["band"]))
            for row, low, high in zip(rows, limits, limits[1:], strict=False)
        ]

    def _headline_chart(self) -> dict[str, Any] | None:
        """Draw the index on the bands that it, the target and the last cycle touch."""
        score = self.book.score(self.cycle.cycle_id, *_NATION)
        if score is None or score.score is None:
            return None
        rows = [self._drawn(self.names.cycle(self.cycle), score, kind="own")]
        previous = self.book.cycles.get(self.cycle.previous_cycle_id or "")
        if previous and (before := self.book.score(previous.cycle_id, *_NATION)):
            rows.append(self._drawn(self.names.cycle(previous), before, kind="other"))
        target = self._one("idx_targets")
        aim = self.book.scale.of(target["target_score"]) if target else None
        ends = [end for row in rows for end in (row.low, row.middle, row.high)]
        touched = [end for end in [*ends, aim] if end is not None]
        spans = self._spans()
        seen = [span for span in spans if span.high > min(touched) and span.low <= max(touched)]
        seen = seen or [Span(self.book.scale.low, self.book.scale.high, "", "")]
        low, high = seen[0].low, seen[-1].high
        limits = [span.low for span in seen] + [high]
        words = self.words
        chart = charts.interval_chart(
            rows,
            title=words("national.headline_chart", index=self.names.component(INDEX)),
            low=low,
            high=high,
            ticks=[(limit, words.number(limit)) for limit in limits],
            marks=[]
            if aim is None
            else [Mark(aim, words("national.target_mark", at=words.number(aim)))],
            spans=seen,
        )
        return {"chart": chart, "low": low, "high": high}

    def _targets(self) -> list[tuple[str, Row]]:
        rows = self.book.rows("idx_targets", cycle_id=self.cycle.cycle_id)
        levels = {level: place for place, level in enumerate(self._levels())}
        rows = sorted(rows, key=lambda row: levels.get(row["domain_id"], -1))
        return [
            (
                self.words("national.nation")
                if row["domain_type"] == "national"
                else self.names.level(row["domain_id"]),
                row,
            )
            for row in rows
        ]

    def _changes(self) -> list[tuple[Component, Row]]:
        """Return the changes of the index and of services, in their order."""
        found = {
            Component(row["service_id"] or ""): row
            for kind in ("index", "service")
            for row in self._rows("idx_changes", component_type=kind)
        }
        order = [INDEX, *(Component(row["service_id"]) for row in self.book.services)]
        return [(component, found[component]) for component in order if component in found]

    def _history(self) -> dict[str, Any]:
        """Return the index of all cycles up to this one."""
        cycles = [
            cycle
            for cycle in self.book.cycles.values()
            if cycle.is_scored and cycle.closes_on <= self.cycle.closes_on
        ]
        scores = [(cycle, self.book.score(cycle.cycle_id, *_NATION)) for cycle in cycles]
        columns = [self._drawn(self.names.cycle(cycle), score) for cycle, score in scores]
        place = self._axis(columns)
        chart = charts.history_chart(
            columns,
            title=self.words("national.history_chart"),
            low=place.low,
            high=place.high,
            ticks=place.ticks,
        )
        return {"chart": chart, "scores": scores}

    def _levels(self) -> list[str]:
        rows = sorted(self.book.rows("dim_unit_levels"), key=lambda row: row["level_rank"])
        return [row["unit_level_id"] for row in rows]

    def _directions(self) -> list[str]:
        levels = self._levels()
        return [f"{rater}>{rated}" for rated in levels for rater in levels]

    def direction(self, domain_id: str) -> str:
        """Return who rates whom, in words."""
        rater, _, rated = domain_id.partition(">")
        names = self.names
        return self.words("national.direction", rater=names.level(rater), rated=names.level(rated))

    def _domains(self, domain_type: str, order: list[str]) -> dict[str, Any]:
        """Return the index of each domain of a type, drawn and as rows."""
        present = set(self.book.domains(self.cycle.cycle_id, domain_type))
        name = self.direction if domain_type == "direction" else self.names.level
        rows = [
            (name(domain), self.book.scores(self.cycle.cycle_id, domain_type, domain))
            for domain in order
            if domain in present
        ]
        drawn = [self._drawn(label, scores.get(INDEX)) for label, scores in rows]
        title = self.words(f"national.{domain_type}_chart")
        return {"rows": rows, "chart": self._chart(drawn, title) if rows else None}

    def _provinces(self) -> dict[str, Any]:
        """Return the regions in the order of their codes, as a map and as rows."""
        scale, words = self.book.scale, self.words
        decimals = 2 if scale.factor == 1 else 1  # a tile has room for four characters
        found = [
            (row, self.book.score(self.cycle.cycle_id, "provider_region", region_id))
            for region_id, row in sorted(self.book.regions.items())
        ]
        shown = [score.score for _, score in found if score and score.score is not None]
        regions = []
        for row, score in found:
            value = score.score if score else None
            regions.append(
                Region(
                    region_id=row["region_id"],
                    code=(row["iso_3166_2"] or row["region_id"]).rpartition("-")[2],
                    name=row["name"],
                    value=words.number(scale.of(value), decimals),
                    step=step_of(value, shown),
                    note=self._drawn(row["name"], score).note,
                    href=f"{self._root}regions/{row['region_id']}.html",
                    row=row.get("tile_row"),
                    column=row.get("tile_column"),
                )
            )
        steps = []
        if shown:
            low, high = min(shown), max(shown)
            width = (high - low) / 5
            steps = [
                (step, scale.of(low + width * (step - 1)), scale.of(low + width * step))
                for step in range(1, 6)
            ]
        title = words("national.map")
        has_tiles = any(region.row is not None for region in regions)
        return {
            "rows": found,
            "regions": regions,
            "title": title,
            "tiles": tile_map(regions, title=title) if has_tiles else None,
            "steps": steps if len(set(shown)) > 1 else [],
            "shown": len(shown),
        }

    @property
    def _root(self) -> str:
        return "../" * cycle_page(self.book, self.cycle.cycle_id).count("/")

    def _evenness(self) -> dict[str, Any]:
        rows = self.book.rows("idx_evenness", cycle_id=self.cycle.cycle_id)
        levels = [f"units_{level}" for level in self._levels()]
        order = [*_BETWEEN, *levels, *self.names.domain_types]
        found = {(row["between"], row["measure"]): row for row in rows}
        with_others = {key[0] for key, row in found.items() if row["member_count"] > 1}
        between = [each for each in order if each in with_others]
        return {
            "figures": found,
            "between": [(each, self._between(each)) for each in between],
            "changes": {each: self._evenness_change(each) for each in between},
            "measures": [each for each in _MEASURES if any(key[1] == each for key in found)],
        }

    def _evenness_change(self, between: str) -> str | None:
        name = self._between(between)
        return evenness_change(self.book, self.words, self.cycle.cycle_id, between, name=name)

    def _between(self, code: str) -> str:
        kind, _, level = code.partition("_")
        if kind == "units" and level:
            return self.words("national.between_units_of", level=self.names.level(level))
        return compared(self.book, self.words, "national", code)

    def _parts(self) -> dict[str, Any] | None:
        """Return what made the change of the index: the largest parts, all others, a remainder."""
        rows = [
            row
            for row in self._rows("idx_change_parts", component_type="index")
            if row["part"] is not None
        ]
        if not rows:
            return None
        scale, words = self.book.scale, self.words
        decimals = scale.decimals + 1

        def bar(label: str, size: float, kind: str = "", above: str = "") -> Bar:
            told = scale.of(size)
            return Bar(label, told, words.signed(told, decimals), kind, above)

        items = [row for row in rows if row["part_type"] == "item"]
        items.sort(key=lambda row: (-abs(row["part"]), row["part_item_id"]))
        named = [(row, self.names.item(self.cycle, row["part_item_id"])) for row in items]
        bars = [
            bar(label, row["part"], above=service) for row, (service, label) in named[:_PARTS_DRAWN]
        ]
        if others := items[_PARTS_DRAWN:]:
            label = words("national.other_items", count=len(others))
            bars.append(bar(label, sum(row["part"] for row in others), "other"))
        remainder = next((row for row in rows if row["part_type"] == "remainder"), None)
        if remainder:
            bars.append(bar(words("national.remainder"), remainder["part"], "other"))
        place = axis([0.0, *(each.size for each in bars)], self._number)
        chart = charts.signed_bars(
            bars,
            title=words("national.parts_chart"),
            low=place.low,
            high=place.high,
            ticks=place.ticks,
        )
        return {"chart": chart, "items": named, "remainder": remainder, "drawn": _PARTS_DRAWN}

    def _robustness(self) -> dict[str, Any]:
        """Return by level how many units keep their band, and the units that keep it least."""
        units = self.book.units.get(self.cycle.cycle_id, {})
        bands: dict[str, list[Row]] = {}
        for row in self.book.rows("idx_robustness", cycle_id=self.cycle.cycle_id):
            if row["probability"] is not None:
                bands.setdefault(row["domain_id"], []).append(row)
        kept: dict[str, list[_Held]] = {}
        for unit_id, rows in bands.items():
            score = self.book.score(self.cycle.cycle_id, "provider_unit", unit_id)
            own = next((row for row in rows if score and row["band"] == score.band), None)
            if own is None:
                continue
            unit = units.get(unit_id)
            name = str(unit["unit_name"]) if unit else unit_id
            likeliest = max(rows, key=lambda row: (row["probability"], row["band"]))
            kept.setdefault(own["unit_level_id"], []).append(_Held(name, own, likeliest))
        levels = [
            {
                "name": self.names.level(level),
                "count": len(kept[level]),
                "sure": sum(each.own["probability"] >= _SURE for each in kept[level]),
            }
            for level in self._levels()
            if level in kept
        ]
        least = sorted(
            (each for found in kept.values() for each in found),
            key=lambda each: (
                each.own["probability"],
                each.own["rank_p05"] - each.own["rank_p95"],
                each.name,
            ),
        )[:_UNITS_DRAWN]
        words = self.words
        drawn = [
            Interval(
                each.name,
                each.own["rank_p50"],
                each.own["rank_p05"],
                each.own["rank_p95"],
                value=f"{each.likeliest['band']} {words.percent(each.likeliest['probability'])}",
                href=f"{self._root}units/{each.own['domain_id']}.html"
                if self.cycle == self.book.latest
                else "",
            )
            for each in least
        ]
        most = max((each.own["rank_p95"] for each in least), default=1)
        place = axis([1.0, float(max(most, 2))], self._number, least=1.0)
        whole = [(at, text) for at, text in place.ticks if at > 1 and at == int(at)]
        chart = charts.interval_chart(
            drawn,
            title=words("national.ranks_chart"),
            low=1,
            high=place.high,
            ticks=[(1.0, "1"), *whole],
            width=720,
            label_width=300,
        )
        return {"levels": levels, "least": least, "chart": chart, "sure": _SURE}

    def _self_gaps(self) -> dict[str, Any]:
        """Return by level how its givers rate a service, less how its receivers do."""
        by_level = {
            (row["provider_level_id"], Component(row["service_id"] or "")): row
            for kind in ("index", "service")
            for row in self.book.rows(
                "idx_self_gaps", cycle_id=self.cycle.cycle_id, component_type=kind
            )
        }
        order = [INDEX, *(Component(row["service_id"]) for row in self.book.services)]
        found = [
            (self.names.level(level), component, by_level[level, component])
            for level in self._levels()
            for component in order
            if (level, component) in by_level and by_level[level, component]["gap"] is not None
        ]
        scale, words = self.book.scale, self.words
        rows = []
        for level, component, row in found:
            ends = self.interval(row["gap"], row["se"]) or (None, None)
            rows.append(
                Interval(
                    f"{level}: {self.names.component(component)}",
                    scale.of(row["gap"]),
                    scale.of(ends[0]),
                    scale.of(ends[1]),
                    value=words.signed(scale.of(row["gap"]), scale.decimals),
                    kind="own" if component == INDEX else "",
                )
            )
        if not rows:
            return {"rows": [], "chart": None}
        ends_drawn = [end for row in rows for end in (row.low, row.middle, row.high)]
        place = axis([0.0, *ends_drawn], self._number)
        chart = charts.interval_chart(
            rows,
            title=words("national.gaps_chart"),
            low=place.low,
            high=place.high,
            ticks=place.ticks,
            marks=[Mark(0, words("national.no_gap"))],
            width=720,
            label_width=300,
        )
        return {"rows": found, "chart": chart}

    def _coverage(self) -> list[tuple[Component, Row]]:
        found = {Component(row["service_id"] or ""): row for row in self._rows("idx_coverage")}
        order = [INDEX, *(Component(row["service_id"]) for row in self.book.services)]
        return [(component, found[component]) for component in order if component in found]

    def _priorities(self) -> dict[str, Any] | None:
        """Return each perspective of a service by quadrant, numbered as in the picture."""
        rows = [
            row
            for row in self._rows("idx_priorities")
            if row["score"] is not None and row["importance"] is not None and row["quadrant"]
        ]
        if not rows:
            return None
        scale, words = self.book.scale, self.words
        rows.sort(key=lambda row: (_QUADRANTS[::-1].index(row["quadrant"]), row["score"]))
        marked = [
            (str(number), self.names.component(_component(row)), row)
            for number, row in enumerate(rows, 1)
        ]
        points = [
            Point(row["importance"], row["score"] * scale.factor, mark, f"{mark}: {label}")
            for mark, label, row in marked
        ]
        first = rows[0]
        cut = (first["mean_importance"], first["mean_score"] * scale.factor)
        chart = charts.quadrant_chart(
            points,
            title=words("national.priorities_chart"),
            x_axis=axis([cut[0], *(point.x for point in points)], self._number),
            y_axis=axis([cut[1], *(point.y for point in points)], self._number),
            x_name=words("national.importance"),
            y_name=words("national.performance"),
            cut=cut,
            corners=(
                words("national.possible_overkill"),
                words("national.keep_up"),
                words("national.low_priority"),
                words("national.priority"),
            ),
        )
        quadrants = [
            (quadrant, [each for each in marked if each[2]["quadrant"] == quadrant])
            for quadrant in reversed(_QUADRANTS)
        ]
        return {"chart": chart, "quadrants": quadrants}

    def _drivers(self) -> dict[str, Any] | None:
        """Return by audience that is asked about everything its rows, what explains most first."""
        by_audience: dict[str, list[Row]] = {}
        for row in self.book.rows("idx_drivers", cycle_id=self.cycle.cycle_id):
            by_audience.setdefault(row["audience_id"], []).append(row)
        if not by_audience:
            return None
        names, reasons = (
            {row[key]: self.words.name(row) for row in self.book.rows(table)}
            for table, key in (
                ("dim_recipient_categories", "recipient_category_id"),
                ("dim_null_reasons", "null_reason"),
            )
        )
        audiences = [
            (
                names.get(audience_id, audience_id),
                sorted(rows, key=lambda row: -(row["relative_weight"] or 0.0)),
            )
            for audience_id, rows in sorted(by_audience.items())
        ]
        return {"audiences": audiences, "reasons": reasons}


def _component(row: Row) -> Component:
    return Component(row["service_id"] or "", row["perspective_id"] or "")
