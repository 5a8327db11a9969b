"""Charts as SVG, for pages (inline) and reports (a picture): intervals drawn, not middles alone.

Belongs here: shapes and axes. Doesn't: what is drawn (book.py), words (they come in), colours of a
page: shapes bear the colours of paper as attributes, and classes by which style.css recolours them.
Sizes are in units of the viewBox; text is 12 of them high.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from markupsafe import Markup

from orchestration.publishing.reading.axes import Axis

_INK, _FAINT, _LINE, _BLUE = "#1c2733", "#5a6772", "#c9d1d9", "#2f6fb3"
_CROWDED = 140  # below it, the labels of two marks would meet
_ROW, _LABEL, _VALUE, _AXIS, _STRIP, _BAR = 24, 190, 110, 26, 20, 32
_AROUND = ((0, -9), (0, 18), (14, 4), (-14, 4), (13, -8), (-13, -8), (13, 16), (-13, 16))
# For paper; style.css has them for the screen.
_BANDS = {"band-1": "#1d6b45", "band-2": "#2a62a3", "band-3": "#8a5a00", "band-4": "#a32a22"}


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


@dataclass(frozen=True)
class Span:
    """A stretch of the axis that has a name: a band. `kind` is its class, `band-1` the best."""

    low: float
    high: float
    label: str
    kind: str


@dataclass(frozen=True)
class Bar:
    """A bar from 0 to a signed value. None for a figure that isn't shown: no bar, no value."""

    label: str
    size: float | None
    value: str = ""
    kind: str = ""
    above: str = ""
    """What the label belongs to, in smaller words above it."""


@dataclass(frozen=True)
class Point:
    """A place in a plane, named by a short mark that a list beside it explains."""

    x: float
    y: float
    mark: str
    label: str


def interval_chart(
    rows: Sequence[Interval],
    *,
    title: str,
    low: float,
    high: float,
    ticks: Sequence[tuple[float, str]],
    marks: Sequence[Mark] = (),
    spans: Sequence[Span] = (),
    width: int = 640,
    label_width: int = _LABEL,
) -> Markup:
    """Draw one row an interval: a dot in the middle, a line from low to high.

    `low` to `high` is the axis; `ticks` its labels by value. What lies outside is cut at the end.
    `spans` lie behind the rows, each named in a strip above them. `label_width` is the room of
    labels, at the left.
    """
    longest = max((len(row.value) for row in rows), default=0)
    left, right = label_width, width - max(_VALUE, 16 + round(7.4 * longest))
    head = (18 if marks else 4) + (_STRIP if spans else 0)
    foot = head + _ROW * len(rows)

    def x(value: float) -> float:
        share = (min(max(value, low), high) - low) / (high - low)
        return round(left + share * (right - left), 1)

    parts = [
        _span(span, x(span.low), x(span.high), head, foot)
        for span in spans
        if span.low < high and span.high > low
    ]
    parts += [
        f'<line class="grid" x1="{x(at)}" x2="{x(at)}" y1="{head}" y2="{foot}" stroke="{_LINE}"/>'
        f'<text class="tick" x="{x(at)}" y="{foot + 16}" text-anchor="middle" fill="{_FAINT}">'
        f"{escape(label)}</text>"
        for at, label in ticks
    ]
    crowded = (
        len(marks) > 1 and max(x(a.at) for a in marks) - min(x(a.at) for a in marks) < _CROWDED
    )
    for number, mark in enumerate(sorted(marks, key=lambda each: each.at)):
        anchor = "middle"
        if crowded:  # two names side by side would lie on each other
            anchor = "start" if number else "end"
        parts.append(
            f'<line class="mark" x1="{x(mark.at)}" x2="{x(mark.at)}" y1="16" y2="{foot}" '
            f'stroke="{_INK}" stroke-dasharray="4 3"/>'
            f'<text class="tick" x="{x(mark.at)}" y="12" text-anchor="{anchor}" '
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
        f"<title>{escape(row.label)}</title>{escape(_short(row.label, int(left / 7.2)))}</text>"
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
    # Attributes too: paper has no style sheet.
    weight = ' font-weight="bold"' if row.kind == "own" else ""
    return f'<g class="row {row.kind}"{weight}>{text}{shape}</g>'


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


def _span(span: Span, start: float, end: float, head: float, foot: float) -> str:
    width = round(end - start, 1)
    fill = _BANDS.get(span.kind, _FAINT)
    tint = (
        f'<rect class="{span.kind}" x="{start}" y="{head}" width="{width}" '
        f'height="{foot - head}" fill="{fill}" opacity="0.1"/>'
    )
    strip = (
        f'<rect class="{span.kind}" x="{start}" y="{head - _STRIP + 2}" width="{width}" '
        f'height="{_STRIP - 4}" fill="{fill}"/>'
    )
    text = (
        f'<text class="on-band" x="{round(start + width / 2, 1)}" y="{head - 6}" '
        f'text-anchor="middle" font-weight="680" fill="#ffffff">{escape(span.label)}</text>'
    )
    return tint + strip + (text if width >= 8 * len(span.label) + 4 else "")


def history_chart(
    columns: Sequence[Interval],
    *,
    title: str,
    low: float,
    high: float,
    ticks: Sequence[tuple[float, str]],
    width: int = 640,
    height: int = 240,
) -> Markup:
    """Draw one column an interval, in order of time, joined by a line that gaps interrupt."""
    left, right, head, foot = 56, width - 24, 24, height - 30
    step = (right - left) / max(len(columns), 1)

    def y(value: float) -> float:
        share = (min(max(value, low), high) - low) / (high - low)
        return round(foot - share * (foot - head), 1)

    parts = [
        f'<line class="grid" x1="{left}" x2="{right}" y1="{y(at)}" y2="{y(at)}" stroke="{_LINE}"/>'
        f'<text class="tick" x="{left - 8}" y="{y(at) + 4}" text-anchor="end" fill="{_FAINT}">'
        f"{escape(label)}</text>"
        for at, label in ticks
    ]
    before: str | None = None
    dots = []
    for number, column in enumerate(columns):
        x = round(left + step * (number + 0.5), 1)
        parts.append(
            f'<text x="{x}" y="{height - 10}" text-anchor="middle" fill="{_INK}">'
            f"{escape(column.label)}</text>"
        )
        if column.middle is None:
            before = None
            parts.append(
                f'<text class="faint" x="{x}" y="{foot - 6}" text-anchor="middle" '
                f'fill="{_FAINT}">{escape(column.note)}</text>'
            )
            continue
        here = f"{x},{y(column.middle)}"
        if before:
            parts.append(
                f'<polyline class="line" points="{before} {here}" fill="none" stroke="{_BLUE}" '
                'stroke-width="1.5"/>'
            )
        before = here
        top = y(column.middle)
        if column.low is not None and column.high is not None:
            top = y(column.high)
            dots.append(
                f'<line class="whisker" x1="{x}" x2="{x}" y1="{y(column.low)}" y2="{top}" '
                f'stroke="{_BLUE}" stroke-width="4" stroke-linecap="round" opacity="0.55"/>'
            )
        dots.append(
            f'<circle class="dot" cx="{x}" cy="{y(column.middle)}" r="5" fill="{_BLUE}"/>'
            f'<text class="value" x="{x}" y="{top - 9}" text-anchor="middle" fill="{_INK}">'
            f"{escape(column.value)}</text>"
        )
    return svg("".join(parts + dots), title=title, width=width, height=height)


def signed_bars(
    rows: Sequence[Bar],
    *,
    title: str,
    low: float,
    high: float,
    ticks: Sequence[tuple[float, str]],
    width: int = 680,
    label_width: int = 270,
) -> Markup:
    """Draw one row a bar, to the right of 0 where it adds and to the left where it takes."""
    left, right, head = label_width, width - 70, 4
    foot = head + _BAR * len(rows)

    def x(value: float) -> float:
        share = (min(max(value, low), high) - low) / (high - low)
        return round(left + share * (right - left), 1)

    parts = [
        f'<line class="{"axis" if at == 0 else "grid"}" x1="{x(at)}" x2="{x(at)}" y1="{head}" '
        f'y2="{foot}" stroke="{_INK if at == 0 else _LINE}"/>'
        f'<text class="tick" x="{x(at)}" y="{foot + 16}" text-anchor="middle" fill="{_FAINT}">'
        f"{escape(label)}</text>"
        for at, label in ticks
    ]
    for number, row in enumerate(rows):
        y = head + _BAR * number + _BAR / 2
        shown = ""
        if row.size is not None:
            start, end = sorted((x(0), x(row.size)))
            sign = "gain" if row.size >= 0 else "loss"
            shown = (
                f'<rect class="{sign}" x="{start}" y="{y - 7}" width="{round(end - start, 1)}" '
                f'height="14" fill="{_BLUE if row.size >= 0 else _BANDS["band-4"]}"/>'
                f'<text class="value" x="{width - 2}" y="{y + 4}" text-anchor="end" '
                f'fill="{_INK}">{escape(row.value)}</text>'
            )
        label = (
            f'<text x="{left - 10}" y="{y + (11 if row.above else 4)}" text-anchor="end" '
            f'fill="{_INK}">{escape(_short(row.label, int(left / 7.2)))}</text>'
        )
        if row.above:
            above = escape(_short(row.above, int(left / 5.8)))
            label += (
                f'<text class="faint" x="{left - 10}" y="{y - 4}" text-anchor="end" '
                f'font-size="10" fill="{_FAINT}">{above}</text>'
            )
        title = escape(f"{row.above}: {row.label}" if row.above else row.label)
        parts.append(f'<g class="row {row.kind}"><title>{title}</title>{label}{shown}</g>')
    return svg("".join(parts), title=title, width=width, height=foot + _AXIS)


def quadrant_chart(
    points: Sequence[Point],
    *,
    title: str,
    x_axis: Axis,
    y_axis: Axis,
    x_name: str,
    y_name: str,
    cut: tuple[float, float],
    corners: tuple[str, str, str, str],
    size: int = 520,
) -> Markup:
    """Draw points in a plane that two lines cut in four, at `cut` (x, y).

    `corners` are the names of the quadrants: upper left, upper right, lower left, lower right.
    """
    left, right, head, foot = 56, size - 12, 12, size - 48

    def place(value: float, axis: Axis) -> float:
        return (min(max(value, axis.low), axis.high) - axis.low) / (axis.high - axis.low)

    def x(value: float) -> float:
        return round(left + place(value, x_axis) * (right - left), 1)

    def y(value: float) -> float:
        return round(foot - place(value, y_axis) * (foot - head), 1)

    parts = [
        f'<rect class="frame" x="{left}" y="{head}" width="{right - left}" height="{foot - head}" '
        f'fill="none" stroke="{_LINE}"/>',
        f'<line class="mark" x1="{x(cut[0])}" x2="{x(cut[0])}" y1="{head}" y2="{foot}" '
        f'stroke="{_INK}" stroke-dasharray="4 3"/>',
        f'<line class="mark" x1="{left}" x2="{right}" y1="{y(cut[1])}" y2="{y(cut[1])}" '
        f'stroke="{_INK}" stroke-dasharray="4 3"/>',
        f'<text class="tick" x="{(left + right) / 2}" y="{size - 8}" text-anchor="middle" '
        f'fill="{_FAINT}">{escape(x_name)}</text>',
        f'<text class="tick" transform="translate(13 {(head + foot) / 2}) rotate(-90)" '
        f'text-anchor="middle" fill="{_FAINT}">{escape(y_name)}</text>',
    ]
    parts += [
        f'<text class="tick" x="{x(at)}" y="{foot + 16}" text-anchor="middle" fill="{_FAINT}">'
        f"{escape(label)}</text>"
        for at, label in x_axis.ticks
    ]
    parts += [
        f'<text class="tick" x="{left - 8}" y="{y(at) + 4}" text-anchor="end" fill="{_FAINT}">'
        f"{escape(label)}</text>"
        for at, label in y_axis.ticks
    ]
    for name, (at, anchor, line) in zip(corners, _corners(left, right, head, foot), strict=True):
        parts.append(
            f'<text class="faint" x="{at}" y="{line}" text-anchor="{anchor}" font-style="italic" '
            f'fill="{_FAINT}">{escape(name)}</text>'
        )
    dots = [(x(point.x), y(point.y)) for point in points]
    for point, dot, spot in zip(points, dots, _beside(dots), strict=True):
        parts.append(
            f"<g><title>{escape(point.label)}</title>"
            f'<circle class="dot" cx="{dot[0]}" cy="{dot[1]}" r="4.5" fill="{_BLUE}"/>'
            f'<text x="{spot[0]}" y="{spot[1]}" text-anchor="middle" fill="{_INK}">'
            f"{escape(point.mark)}</text></g>"
        )
    return svg("".join(parts), title=title, width=size, height=size)


def _beside(dots: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return where the mark of each dot stands: around it, clear of dots and marks before it."""
    marks: list[tuple[float, float]] = []
    for x, y in dots:
        places = [(round(x + across, 1), round(y + down, 1)) for across, down in _AROUND]
        free = (
            place
            for place in places
            if all(_is_clear(place, mark, 16) for mark in marks)
            and all(_is_clear((place[0], place[1] - 4), dot, 11) for dot in dots)
        )
        marks.append(next(free, places[0]))
    return marks


def _is_clear(one: tuple[float, float], other: tuple[float, float], distance: float) -> bool:
    return (one[0] - other[0]) ** 2 + (one[1] - other[1]) ** 2 >= distance**2


def _corners(
    left: float, right: float, head: float, foot: float
) -> tuple[tuple[float, str, float], ...]:
    return (
        (left + 8, "start", head + 18),
        (right - 8, "end", head + 18),
        (left + 8, "start", foot - 8),
        (right - 8, "end", foot - 8),
    )


def svg(content: str, *, title: str, width: float, height: float, kind: str = "") -> Markup:
    """Wrap shapes as one picture that a screen reader announces by its title.

    `kind` is a class: `small` for a picture that a phone may shrink. One with links is a group to
    a screen reader: the parts of an image can't be reached.
    """
    role = "group" if "<a " in content else "img"
    return Markup(
        f'<svg class="{f"chart {kind}".strip()}" xmlns="http://www.w3.org/2000/svg" role="{role}" '
        f'aria-label="{escape(title)}" viewBox="0 0 {width} {height}" font-family="system-ui, '
        f'sans-serif" font-size="12"><title>{escape(title)}</title>{content}</svg>'
    )


def _short(label: str, most: int) -> str:
    """Cut a label in its middle: names of one kind begin alike and end each its own way."""
    if len(label) <= most:
        return label
    end = (most - 1) * 2 // 3
    return f"{label[: most - 1 - end].rstrip()}…{label[-end:].lstrip()}"
