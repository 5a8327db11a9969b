"""Charts as SVG, for pages (inline) and reports (a picture): intervals drawn, not middles alone.

Belongs here: shapes and axes. Doesn't: what is drawn (book.py), words (they come in), colours of a
page: shapes bear the colours of paper as attributes, and classes by which style.css recolours them.
Sizes are in units of the viewBox; text is 12 of them high.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from markupsafe import Markup

_INK, _FAINT, _LINE, _BLUE = "#1c2733", "#5a6772", "#c9d1d9", "#2f6fb3"
_CROWDED = 140  # below it, the labels of two marks would meet
_ROW, _LABEL, _VALUE, _AXIS = 24, 190, 110, 26


@dataclass(frozen=True)
class Interval:
    """A row of an interval chart. None for a figure that isn't shown: the row says `note`."""

    label: str
    middle: float | None
    low: float | None = None
    high: float | None = None
    value: str = ""
    """The figure in words of the reader's language, at the row's end."""
    kind: str = ""
    """A class of the row: `own` stands out, `other` recedes."""
    note: str = ""
    href: str = ""


@dataclass(frozen=True)
class Mark:
    """A line across all rows at a value: a target, a median, no change."""

    at: float
    label: str


def interval_chart(
    rows: Sequence[Interval],
    *,
    title: str,
    low: float,
    high: float,
    ticks: Sequence[tuple[float, str]],
    marks: Sequence[Mark] = (),
    width: int = 640,
) -> Markup:
    """Draw one row an interval: a dot in the middle, a line from low to high.

    `low` to `high` is the axis; `ticks` its labels by value. What lies outside is cut at the end.
    """
    left, right = _LABEL, width - _VALUE
    head = 18 if marks else 4
    foot = head + _ROW * len(rows)

    def x(value: float) -> float:
        share = (min(max(value, low), high) - low) / (high - low)
        return round(left + share * (right - left), 1)

    parts = [
        f'<line class="grid" x1="{x(at)}" x2="{x(at)}" y1="{head}" y2="{foot}" stroke="{_LINE}"/>'
        f'<text class="tick" x="{x(at)}" y="{foot + 16}" text-anchor="middle" fill="{_FAINT}">'
        f"{escape(label)}</text>"
        for at, label in ticks
    ]
    crowded = (
        len(marks) > 1 and max(x(a.at) for a in marks) - min(x(a.at) for a in marks) < _CROWDED
    )
    for mark in sorted(marks, key=lambda each: each.at):
        anchor = "middle"
        if crowded:  # two names side by side would lie on each other
            anchor = "end" if mark.at == min(each.at for each in marks) else "start"
        parts.append(
            f'<line class="mark" x1="{x(mark.at)}" x2="{x(mark.at)}" y1="{head - 2}" y2="{foot}" '
            f'stroke="{_INK}" stroke-dasharray="4 3"/>'
            f'<text class="tick" x="{x(mark.at)}" y="{head - 6}" text-anchor="{anchor}" '
            f'fill="{_FAINT}">{escape(mark.label)}</text>'
        )
    for number, row in enumerate(rows):
        parts.append(_interval_row(row, head + _ROW * number + _ROW / 2, left, width, x))
    return svg("".join(parts), title=title, width=width, height=foot + _AXIS)


def _interval_row(
    row: Interval, y: float, left: float, width: float, x: Callable[[float], float]
) -> str:
    text = (
        f'<text x="{left - 10}" y="{y + 4}" text-anchor="end" fill="{_INK}">'
        f"<title>{escape(row.label)}</title>{escape(_short(row.label))}</text>"
    )
    if row.href:
        text = f'<a href="{escape(row.href)}">{text}</a>'
    if row.middle is None:
        shape = (
            f'<text class="faint" x="{left + 6}" y="{y + 4}" fill="{_FAINT}">'
            f"{escape(row.note)}</text>"
        )
    else:
        shape = (
            f'<circle class="dot" cx="{x(row.middle)}" cy="{y}" r="4.5" fill="{_BLUE}"/>'
            f'<text class="value" x="{width - 2}" y="{y + 4}" text-anchor="end" fill="{_INK}">'
            f"{escape(row.value)}</text>"
        )
        if row.low is not None and row.high is not None:
            shape = (
                f'<line class="whisker" x1="{x(row.low)}" x2="{x(row.high)}" y1="{y}" y2="{y}" '
                f'stroke="{_BLUE}" stroke-width="3" stroke-linecap="round" opacity="0.55"/>{shape}'
            )
    return f'<g class="row {row.kind}">{text}{shape}</g>'


def days_chart(
    counts: Sequence[int],
    *,
    required: int | None,
    title: str,
    first: str,
    last: str,
    required_label: str,
    number: Callable[[float], str],
    width: int = 680,
) -> Markup:
    """Draw how a count grew day by day, and the line it has to reach; both ends are labelled."""
    left, right, head, foot = 16, width - 60, 22, 150
    top = max([*counts, required or 0, 1])

    def y(count: float) -> float:
        return round(foot - (foot - head) * count / top, 1)

    step = (right - left) / max(1, len(counts) - 1)
    points = [f"{round(left + step * day, 1)},{y(count)}" for day, count in enumerate(counts)]
    end = points[-1].split(",")[0]
    parts = [
        f'<line class="axis" x1="{left}" x2="{right}" y1="{foot}" y2="{foot}" stroke="{_LINE}"/>',
        f'<path class="area" d="M{left},{foot} L{" L".join(points)} L{end},{foot} Z" '
        f'fill="{_BLUE}" opacity="0.18"/>',
        f'<polyline class="line" points="{" ".join(points)}" fill="none" stroke="{_BLUE}" '
        'stroke-width="2.5" stroke-linejoin="round"/>',
        f'<text x="{right + 8}" y="{y(counts[-1]) + 4}" fill="{_INK}">{number(counts[-1])}</text>',
        f'<text class="tick" x="{left}" y="{foot + 18}" fill="{_FAINT}">{escape(first)}</text>',
        f'<text class="tick" x="{right}" y="{foot + 18}" text-anchor="end" fill="{_FAINT}">'
        f"{escape(last)}</text>",
    ]
    if required:
        label = f"{escape(required_label)}: {number(required)}"
        parts.append(
            f'<line class="mark" x1="{left}" x2="{right}" y1="{y(required)}" y2="{y(required)}" '
            f'stroke="{_INK}" stroke-dasharray="4 3"/>'
            f'<text class="tick" x="{left}" y="{y(required) - 6}" fill="{_FAINT}">{label}</text>'
        )
    return svg("".join(parts), title=title, width=width, height=foot + 28)


def svg(content: str, *, title: str, width: float, height: float) -> Markup:
    """Wrap shapes as one picture that a screen reader announces by its title."""
    return Markup(
        f'<svg class="chart" xmlns="http://www.w3.org/2000/svg" role="img" '
        f'aria-label="{escape(title)}" viewBox="0 0 {width} {height}" font-family="system-ui, '
        f'sans-serif" font-size="12"><title>{escape(title)}</title>{content}</svg>'
    )


def _short(label: str, most: int = 26) -> str:
    return label if len(label) <= most else label[: most - 1].rstrip() + "…"
