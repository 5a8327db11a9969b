"""Published rows as a report says them: a figure with its interval, names, a chart of intervals.

Belongs here: words of single figures, and *why* one is not shown. Doesn't: sections, layout.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from orchestration.publishing.reading.book import INDEX, Book, Component, Cycle, Row, Score
from orchestration.publishing.reading.charts import Interval, Mark, interval_chart
from orchestration.publishing.reading.language import NONE, Language
from orchestration.publishing.reading.verdicts import change_verdict
from orchestration.publishing.reading.walking import Sources, sources_of
from orchestration.publishing.reports.content import Chart
from orchestration.publishing.reports.subjects import Subject
from orchestration.survey_terms import HEADLINE_ROLE

_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 25)
_TO = " – "


@dataclass(frozen=True)
class Teller:
    """Says what a publication holds of a cycle, in a language."""

    book: Book
    cycle: Cycle
    words: Language

    @cached_property
    def services(self) -> dict[str, str]:
        """The names of the index's services by id, in their order."""
        return {row["service_id"]: self.words.name(row) for row in self._own(self.book.services)}

    @cached_property
    def perspectives(self) -> dict[str, str]:
        """The names of its perspectives by id, in their order."""
        return {
            row["perspective_id"]: self.words.name(row) for row in self._own(self.book.perspectives)
        }

    @cached_property
    def levels(self) -> dict[str, str]:
        """The names of the levels of units by id, the highest first."""
        rows = sorted(self.rows("dim_unit_levels"), key=lambda row: row["level_rank"])
        return {row["unit_level_id"]: self.words.name(row) for row in rows}

    @cached_property
    def roles(self) -> dict[str, str]:
        """The names of roles by id, the one that makes the score first."""
        rows = sorted(self.rows("dim_roles"), key=lambda row: row["role_id"] != HEADLINE_ROLE)
        return {row["role_id"]: self.words.name(row) for row in rows}

    @cached_property
    def bands(self) -> dict[str, Row]:
        """The bands of the cycle's scheme, the best first."""
        rows = self.rows("dim_bands", band_scheme_id=self.cycle.band_scheme_id)
        return {row["band"]: row for row in sorted(rows, key=lambda row: -row["lower_100"])}

    @cached_property
    def questions(self) -> dict[str, list[Row]]:
        """The cycle's questions by the item they ask, in their order; no expectations."""
        found: dict[str, list[Row]] = {}
        rows = self.rows("dim_questions", instrument_id=self.cycle.instrument_id)
        for row in sorted(rows, key=lambda row: row["question_number"]):
            if row["asks"] == "performance":
                found.setdefault(row["item_id"], []).append(row)
        return found

    @cached_property
    def sources(self) -> Sources:
        """The cycle's files, its rows by verdict and its restatements."""
        return sources_of(self.book, self.words, self.cycle.cycle_id)

    @cached_property
    def _tables(self) -> set[str]:
        return {row[0] for row in self.book.connection.execute("show tables").fetchall()}

    def rows(self, table: str, **key: object) -> list[Row]:
        """Return rows of a published table; [] where the publication lacks the table."""
        return self.book.rows(table, **key) if table in self._tables else []

    def _own(self, rows: Sequence[Row]) -> list[Row]:
        return [row for row in rows if row["index_id"] == self.cycle.index_id]

    @property
    def index_name(self) -> str:
        """Return what the index is called."""
        return str(getattr(self.cycle, f"name_{self.words.code}", self.cycle.name_id))

    @property
    def cycle_name(self) -> str:
        """Return what the cycle is called."""
        return self.words("report.cycle", semester=self.cycle.semester, year=self.cycle.year)

    def band(self, band: str | None) -> str:
        """Return a band with its label: A (Sangat Baik)."""
        row = self.bands.get(band or "")
        if band is None or row is None:
            return band or NONE
        return f"{band} ({self.words.name(row, 'label')})"

    def component(self, component: Component) -> str:
        """Return what a component is called: the index, a service, a perspective of a service."""
        names = [
            self.perspectives.get(component.perspective_id, component.perspective_id),
            self.services.get(component.service_id, component.service_id),
        ]
        return ": ".join(name for name in reversed(names) if name) or self.words("report.index")

    def level(self, unit_level_id: str) -> str:
        """Return what a level is called."""
        return self.levels.get(unit_level_id, unit_level_id)

    def unit_type(self, unit_type: str | None) -> str:
        """Return what a type of units is called; codes are short forms the ministry uses."""
        return self.words.coded("unit_type", unit_type) if unit_type else NONE

    def number(self, value: float | None) -> str:
        """Return a score or its error on the scale that people speak of."""
        return self.words.number(self.book.scale.of(value), self.book.scale.decimals)

    def difference(self, value: float | None) -> str:
        """Return a difference of two scores, with its sign."""
        return self.words.signed(self.book.scale.of(value), self.book.scale.decimals)

    def probability(self, value: float | None) -> str:
        """Return a p-value; a small one as less than a thousandth."""
        if value is None:
            return NONE
        return self.words.number(value, 3) if value >= 0.001 else f"< {self.words.number(0.001, 3)}"

    def count(self, value: float | None) -> str:
        """Return a count."""
        return self.words.number(value, 0)

    def why(self, score: Score | None) -> str:
        """Return in a few words why a score is not there; '' where it is."""
        if score is None:
            return self.words("report.no_answer")
        if score.is_suppressed:
            return self.words("figure.hidden")
        if score.score is None:
            return self.words.coded("figure", score.null_reason or "none")
        return ""

    def why_in_full(self, score: Score | None) -> str:
        """Return the sentence that says why a subject's index is not in its report."""
        if score is None:
            return self.words("report.why_no_answer")
        if score.is_suppressed:
            return self.words("report.why_hidden", least=self.cycle.min_cell_n)
        return self.words("report.why_too_few_children")

    def limits(self, lower_100: float, upper_100: float) -> str:
        """Return a band's limits, as fine as the scheme gives them on 25-100."""
        ends = (self.book.scale.of(end / 25) for end in (lower_100, upper_100))
        decimals = 2 if self.book.scale.factor > 1 else 4
        return _TO.join(self.words.number(end, decimals) for end in ends)

    def shown(self, score: Score | None) -> str:
        """Return a score, or why it is not there."""
        return self.why(score) or self.number(score.score if score else None)

    def of(self, scores: Mapping[Component, Score], component: Component) -> str:
        """Return a component's score, or why it is not there: it may not be asked at all."""
        if component not in scores and component not in self._asked:
            return self.words("figure.none")
        return self.shown(scores.get(component))

    @cached_property
    def _asked(self) -> set[Component]:
        """The perspectives of services, and the sums of them, that the instrument asks."""
        found = {INDEX}
        for rows in self.questions.values():
            for row in rows:
                service, perspective = row["service_id"], row["perspective_id"]
                found |= {Component(service), Component("", perspective)}
                found.add(Component(service, perspective))
        return found

    def interval(self, score: Score | None) -> str:
        """Return its confidence interval, or a dash."""
        if score is None or score.score is None or score.ci_low is None or score.ci_high is None:
            return NONE
        return f"{self.number(score.ci_low)}{_TO}{self.number(score.ci_high)}"

    def change(self, subject: Subject, component: Component = INDEX) -> Row | None:
        """Return the row of idx_changes of a component; None where there is none."""
        key = (component.service_id or None, component.perspective_id or None)
        for row in self.changes(subject):
            if (row["service_id"], row["perspective_id"]) == key:
                return row
        return None

    def changes(self, subject: Subject) -> list[Row]:
        """Return the changes of a domain, those of items apart."""
        rows = self.rows(
            "idx_changes",
            cycle_id=self.cycle.cycle_id,
            domain_type=subject.domain_type,
            domain_id=subject.subject_id,
        )
        return [row for row in rows if row["item_id"] is None]

    def change_in_words(self, row: Row | None) -> str:
        """Return a change with its verdict: up 0.05, better; or why there is none."""
        if self.cycle.previous_cycle_id is None or row is None:
            return self.words("report.no_previous")
        if row["delta"] is None:
            return self.words("figure.hidden")
        size = self.book.scale.of(abs(row["delta"])) or 0
        if not round(size, self.book.scale.decimals):
            return self.words("report.change_none")
        way = "up" if row["delta"] > 0 else "down"
        return self.words(
            f"report.change_{way}",
            size=self.words.number(size, self.book.scale.decimals),
            verdict=self.verdict(row),
        )

    def verdict(self, row: Row) -> str:
        """Return what a change comes to by its test."""
        return change_verdict(self.words, self.book.scale, row, ci_level=self.cycle.ci_level)

    def row_of(self, label: str, score: Score | None, *, kind: str = "") -> Interval:
        """Return a score as a row of a chart."""
        scale = self.book.scale
        if score is None or score.score is None:
            return Interval(label, None, note=self.why(score), kind=kind)
        return Interval(
            label,
            scale.of(score.score),
            scale.of(score.ci_low),
            scale.of(score.ci_high),
            value=self.number(score.score),
            kind=kind,
        )

    def change_row(self, label: str, row: Row | None) -> Interval:
        """Return a change as a row of a chart."""
        scale = self.book.scale
        if row is None or row["delta"] is None:
            return Interval(label, None, note=self.words("figure.hidden" if row else "report.none"))
        return Interval(
            label,
            scale.of(row["delta"]),
            scale.of(row["ci_low"]),
            scale.of(row["ci_high"]),
            value=self.difference(row["delta"]),
        )

    def chart(
        self,
        caption: str,
        rows: Sequence[Interval],
        *,
        marks: Sequence[Mark] = (),
        is_change: bool = False,
    ) -> Chart | None:
        """Draw intervals on an axis that just holds them; None where none is shown."""
        shown = [row for row in rows if row.middle is not None]
        if not shown:
            return None
        scale = self.book.scale
        ends = [end for row in shown for end in (row.low, row.middle, row.high) if end is not None]
        ends += [mark.at for mark in marks]
        low, high = min(ends), max(ends)
        if not is_change:
            low, high = max(low, scale.low), min(high, scale.high)
        step = next((each for each in _STEPS if (high - low) / each <= 6), _STEPS[-1])
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        last = max(last, first + 1)
        decimals = 0 if step >= 1 else len(f"{step:g}") - 2
        write = self.words.signed if is_change else self.words.number
        ticks = [(step * n, write(step * n, decimals)) for n in range(first, last + 1)]
        picture = interval_chart(
            rows, title=caption, low=step * first, high=step * last, ticks=ticks, marks=marks
        )
        told = "; ".join(_told(row) for row in rows)
        return Chart(caption, str(picture), f"{caption}. {told}.")


def _told(row: Interval) -> str:
    return f"{row.label} {row.value or row.note}".strip()
