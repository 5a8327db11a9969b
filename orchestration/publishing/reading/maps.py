"""Regions as a map: a tile each, or the shapes of the ministry's own GeoJSON.

Belongs here: where a tile or an outline lies, steps of colour from low to high. Doesn't: which
figure a region has (book.py), words (they come in), other charts (charts.py).
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import cos, radians
from pathlib import Path
from typing import Any

from markupsafe import Markup

from orchestration.publishing.reading.charts import svg

STEPS = ("#e3eef9", "#b9d3ee", "#7fb0de", "#2f6fb3", "#153f72")
"""Fills from low to high; from the fourth on text on them is white."""
_PROPERTIES = ("region_id", "iso_3166_2", "iso")
_TILE, _GAP = 52, 4
_WIDTH = 640  # of a map of shapes


class ShapesError(ValueError):
    """A GeoJSON can't be drawn; the message says what is wrong, in both languages."""


@dataclass(frozen=True)
class Region:
    """A region as a map shows it; `step` is 1-5 from low to high, None where nothing is shown.

    `note` says why nothing is.
    """

    region_id: str
    code: str
    name: str
    value: str
    step: int | None
    note: str = ""
    href: str = ""
    row: int | None = None
    column: int | None = None


@dataclass(frozen=True)
class Shapes:
    """Outlines by the id that a feature names: degrees of longitude and latitude."""

    rings: Mapping[str, Sequence[Sequence[tuple[float, float]]]]


def step_of(value: float | None, shown: Iterable[float]) -> int | None:
    """Return which fifth of the span of all shown values a value lies in, 1-5."""
    if value is None:
        return None
    found = list(shown)
    low, high = min(found), max(found)
    if high - low < 1e-9:
        return 3
    return min(int((value - low) / (high - low) * len(STEPS) + 1e-9) + 1, len(STEPS))


def tile_map(regions: Sequence[Region], *, title: str) -> Markup:
    """Draw a tile a region, its code above its value; regions without a tile are left out."""
    placed = [
        (region, region.row, region.column)
        for region in regions
        if region.row is not None and region.column is not None
    ]
    parts = [_tile(region, row, column) for region, row, column in placed]
    wide = max((column for _, _, column in placed), default=1) * (_TILE + _GAP)
    high = max((row for _, row, _ in placed), default=1) * (_TILE + _GAP)
    return svg("".join(parts), title=title, width=wide, height=high, kind="small")


def _tile(region: Region, row: int, column: int) -> str:
    x, y = (column - 1) * (_TILE + _GAP) + _GAP / 2, (row - 1) * (_TILE + _GAP) + _GAP / 2
    middle = x + _TILE / 2
    tone = _tone(region.step)
    return _linked(
        region,
        f'<rect {_fill(region.step)} x="{x}" y="{y}" width="{_TILE}" height="{_TILE}" rx="5"/>'
        f'<text class="{tone[0]}" x="{middle}" y="{y + 21}" text-anchor="middle" font-size="16" '
        f'fill="{tone[1]}">{escape(region.code)}</text>'
        f'<text class="{tone[0]}" x="{middle}" y="{y + 42}" text-anchor="middle" font-size="18" '
        f'font-weight="680" fill="{tone[1]}">{escape(region.value)}</text>',
    )


def shape_map(regions: Sequence[Region], shapes: Shapes, *, title: str) -> Markup:
    """Draw the outlines of regions, north up: degrees as they are, narrowed to the middle's."""
    points = [point for rings in shapes.rings.values() for ring in rings for point in ring]
    west, east = min(x for x, _ in points), max(x for x, _ in points)
    south, north = min(y for _, y in points), max(y for _, y in points)
    narrow = cos(radians((south + north) / 2))
    scale = _WIDTH / max((east - west) * narrow, 1e-9)

    def path(rings: Sequence[Sequence[tuple[float, float]]]) -> str:
        return "".join(
            "M"
            + "L".join(
                f"{(x - west) * narrow * scale:.1f} {(north - y) * scale:.1f}" for x, y in ring
            )
            + "Z"
            for ring in rings
        )

    parts = [
        _linked(region, f'<path {_fill(region.step)} d="{path(shapes.rings[region.region_id])}"/>')
        for region in regions
        if region.region_id in shapes.rings
    ]
    height = round((north - south) * scale, 1)
    return svg("".join(parts), title=title, width=_WIDTH, height=max(height, 1))


def read_shapes(path: Path, regions: Iterable[Mapping[str, Any]]) -> Shapes:
    """Read a GeoJSON FeatureCollection of polygons in degrees.

    `regions` are rows of dim_regions. A feature is the region whose region_id or iso_3166_2 is its
    id, or its property region_id, iso_3166_2 or iso (capitals or not). Raises ShapesError where
    the file is no such collection, or names no region.
    """
    ids = {}
    for region in regions:
        ids[region["region_id"]] = region["region_id"]
        if code := region["iso_3166_2"]:
            ids[code] = region["region_id"]
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
        found: dict[str, list[list[tuple[float, float]]]] = {}
        for feature in content["features"]:
            properties = {
                name.lower(): value for name, value in (feature.get("properties") or {}).items()
            }
            names = [feature.get("id"), *(properties.get(name) for name in _PROPERTIES)]
            region_id = next((ids[str(name)] for name in names if str(name) in ids), None)
            if region_id is not None and feature["geometry"] is not None:
                found.setdefault(region_id, []).extend(_rings(feature["geometry"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ShapesError(
            f"ILK_REGIONS_GEOJSON {path}: bukan GeoJSON poligon / no GeoJSON of polygons ({error})"
        ) from error
    if not found:
        raise ShapesError(
            f"ILK_REGIONS_GEOJSON {path}: sifat region_id atau iso_3166_2-nya tidak ada di "
            "regions.csv / its region_id or iso_3166_2 are in no row of regions.csv"
        )
    return Shapes(found)


def _rings(geometry: Mapping[str, Any]) -> list[list[tuple[float, float]]]:
    parts = geometry["coordinates"]
    polygons = parts if geometry["type"] == "MultiPolygon" else [parts]
    return [
        [(float(point[0]), float(point[1])) for point in ring]
        for polygon in polygons
        for ring in polygon
    ]


def _linked(region: Region, shape: str) -> str:
    label = f"{region.name}: {region.value if region.step else region.note}"
    shape = f"<title>{escape(label)}</title>{shape}"
    if not region.href:
        return f"<g>{shape}</g>"
    return f'<a href="{escape(region.href)}" aria-label="{escape(label)}">{shape}</a>'


def _fill(step: int | None) -> str:
    if step is None:
        return 'class="step-0" fill="none" stroke="#5a6772" stroke-dasharray="3 3"'
    return f'class="step-{step}" fill="{STEPS[step - 1]}" stroke="#5a6772" stroke-width="0.5"'


def _tone(step: int | None) -> tuple[str, str]:
    """Return class and colour of text on a step."""
    if step is None:
        return "faint", "#5a6772"
    return ("on-deep", "#ffffff") if step >= 4 else ("on-pale", "#1c2733")
