"""Charts: where a figure is drawn, worked out by hand; what isn't shown is drawn nowhere."""

import json
import re
from pathlib import Path

import pytest

from orchestration.publishing.reading import charts
from orchestration.publishing.reading.axes import axis
from orchestration.publishing.reading.charts import Bar, Interval, Mark, Point, Span
from orchestration.publishing.reading.maps import (
    Region,
    ShapesError,
    read_shapes,
    shape_map,
    step_of,
    tile_map,
)

TICKS = [(1.0, "1"), (4.0, "4")]
REGIONS = [
    {"region_id": "11", "iso_3166_2": "ID-AC"},
    {"region_id": "12", "iso_3166_2": "ID-SU"},
    {"region_id": "13", "iso_3166_2": None},
]


def shapes(picture: str, shape: str, kind: str) -> list[dict[str, str]]:
    """Return the attributes of shapes of one class."""
    found = re.findall(rf'<{shape} class="{kind}"([^>]*)>', picture)
    return [dict(re.findall(r'([\w-]+)="([^"]*)"', attributes)) for attributes in found]


def words(number: float, decimals: int) -> str:
    return f"{number:.{decimals}f}"


def test_an_interval_lies_where_its_ends_are_on_the_axis():
    # Labels take 190 of 640, values 110: 1 is at 190, 4 at 530, 2.5 at 360, 2 at 190 + 340 / 3.
    rows = [Interval("a", 2.5, 2.0, 3.0, value="2,50")]
    picture = charts.interval_chart(
        rows, title="t", low=1, high=4, ticks=TICKS, marks=[Mark(2.5, "target")], width=640
    )
    [dot] = shapes(picture, "circle", "dot")
    [whisker] = shapes(picture, "line", "whisker")
    [mark] = shapes(picture, "line", "mark")
    assert dot["cx"] == "360.0"
    assert (whisker["x1"], whisker["x2"]) == ("303.3", "416.7")
    assert mark["x1"] == "360.0"
    assert [line["x1"] for line in shapes(picture, "line", "grid")] == ["190.0", "530.0"]
    assert "2,50" in picture


def test_two_marks_at_one_value_stand_on_its_two_sides():
    picture = charts.interval_chart(
        [Interval("a", 2.0)], title="t", low=1, high=4, ticks=TICKS,
        marks=[Mark(2.5, "median"), Mark(2.5, "quartile")],
    )  # fmt: skip
    found = dict(re.findall(r'text-anchor="(start|end)"[^>]*>(median|quartile)<', picture))
    assert found == {"end": "median", "start": "quartile"}


def test_an_interval_that_is_not_shown_draws_nothing_but_its_reason():
    rows = [Interval("a", None, 2.0, 3.0, value="9,99", note="hidden")]
    picture = charts.interval_chart(rows, title="t", low=1, high=4, ticks=TICKS)
    assert not shapes(picture, "circle", "dot")
    assert not shapes(picture, "line", "whisker")
    assert "9,99" not in picture
    assert ">hidden<" in picture


def test_bands_lie_behind_the_rows_and_one_too_narrow_has_no_letter():
    # 1-4 on 340 wide: 1-2.5 is 170 wide; 3.95-4 is 5.7, no room for a letter; 4-5 is off the axis.
    spans = [Span(1, 2.5, "B", "band-2"), Span(3.95, 4, "A", "band-1"), Span(4, 5, "Z", "band-3")]
    picture = charts.interval_chart(
        [Interval("a", 2.0)], title="t", low=1, high=4, ticks=TICKS, spans=spans, width=640
    )
    tint, strip = shapes(picture, "rect", "band-2")
    assert (tint["x"], tint["width"]) == (strip["x"], strip["width"]) == ("190.0", "170.0")
    assert ">B</text>" in picture
    assert ">A</text>" not in picture
    assert len(shapes(picture, "rect", "band-1")) == 2
    assert not shapes(picture, "rect", "band-3")


def test_the_line_of_all_cycles_is_broken_where_one_is_not_shown():
    # Columns of 280 from 56 on: 196 is the first's middle. 2-4 on 210..24: 3 is at 117.
    columns = [Interval("1", 3.0, 2.5, 3.5), Interval("2", None, note="hidden"), Interval("3", 4.0)]
    two = charts.history_chart(columns[:1] * 2, title="t", low=2, high=4, ticks=[])
    first, second = shapes(two, "circle", "dot")
    assert (first["cx"], first["cy"]) == ("196.0", "117.0")
    assert (second["cx"], second["cy"]) == ("476.0", "117.0")
    assert [line["points"] for line in shapes(two, "polyline", "line")] == [
        "196.0,117.0 476.0,117.0"
    ]
    [whisker, _] = shapes(two, "line", "whisker")
    assert (whisker["y1"], whisker["y2"]) == ("163.5", "70.5")
    broken = charts.history_chart(columns, title="t", low=2, high=4, ticks=[])
    assert len(shapes(broken, "circle", "dot")) == 2
    assert not shapes(broken, "polyline", "line")
    assert ">hidden<" in broken


def test_a_bar_goes_right_of_zero_where_it_adds_and_left_where_it_takes():
    # Labels take 270 of 680, values 70: -1 is at 270, 0 at 440, 1 at 610.
    bars = [Bar("a", 0.5, "+0,5"), Bar("b", -0.25, "-0,25"), Bar("c", None, "9,99")]
    picture = charts.signed_bars(bars, title="t", low=-1, high=1, ticks=[(0.0, "0")])
    [gain] = shapes(picture, "rect", "gain")
    [loss] = shapes(picture, "rect", "loss")
    assert (gain["x"], gain["width"]) == ("440.0", "85.0")
    assert (loss["x"], loss["width"]) == ("397.5", "42.5")
    assert "9,99" not in picture


def test_points_lie_in_their_quadrant_and_marks_keep_clear_of_each_other():
    # 56..508 across and 472..12 up for 0-1: the middle is 282, 242.
    place = axis([0.0, 1.0], words)
    points = [Point(0.5, 0.5, "1", "one"), Point(0.5, 0.5, "2", "two")]
    picture = charts.quadrant_chart(
        points, title="t", x_axis=place, y_axis=place, x_name="x", y_name="y", cut=(0.5, 0.25),
        corners=("ul", "ur", "ll", "lr"),
    )  # fmt: skip
    dots = shapes(picture, "circle", "dot")
    assert [(dot["cx"], dot["cy"]) for dot in dots] == [("282.0", "242.0")] * 2
    assert [(line["x1"], line["y1"]) for line in shapes(picture, "line", "mark")] == [
        ("282.0", "12"),
        ("56", "357.0"),
    ]
    marks = re.findall(r'<text x="([\d.]+)" y="([\d.]+)"[^>]*>\d</text>', picture)
    assert len(set(marks)) == 2


def test_an_axis_has_round_ticks_around_its_values_and_ends_with_the_scale():
    assert [text for _, text in axis([3.44, 3.52], words).ticks] == [
        "3.44", "3.46", "3.48", "3.50", "3.52"
    ]  # fmt: skip
    capped = axis([3.2, 4.0, None], words, least=1, most=4)
    assert (capped.high, capped.ticks[-1]) == (4, (4.0, "4.0"))
    assert axis([], words, least=1, most=4).ticks[-1] == (4.0, "4")
    assert axis([], words).ticks
    assert axis([2.0], words).low < 2 < axis([2.0], words).high
    hundred = axis([81.3, 88.2], words, least=25, most=100)
    assert [text for _, text in hundred.ticks] == ["80", "82", "84", "86", "88", "90"]


def test_a_step_of_colour_is_a_fifth_of_the_span_of_what_is_shown():
    shown = [1.0, 2.0]
    assert [step_of(value, shown) for value in (1.0, 1.19, 1.2, 1.99, 2.0, None)] == [
        1, 1, 2, 5, 5, None
    ]  # fmt: skip
    assert step_of(3.0, [3.0, 3.0]) == 3


def test_a_tile_lies_at_its_row_and_column_and_one_not_shown_says_why():
    # Tiles of 52 with gaps of 4: column 3 begins at 114, row 2 at 58.
    regions = [
        Region("11", "AC", "Aceh", "3,70", 5, href="regions/11.html", row=2, column=3),
        Region("12", "SU", "Sumatera Utara", "–", None, "hidden", row=1, column=1),
        Region("13", "SB", "Sumatera Barat", "3,60", 1),
    ]
    picture = tile_map(regions, title="map")
    [tile] = shapes(picture, "rect", "step-5")
    assert (tile["x"], tile["y"]) == ("114.0", "58.0")
    assert '<a href="regions/11.html" aria-label="Aceh: 3,70">' in picture
    assert 'role="group"' in picture  # an image's links can't be reached
    assert "<title>Sumatera Utara: hidden</title>" in picture
    assert "SB" not in picture
    assert len(shapes(picture, "rect", "step-0")) == 1


def collection(path: Path, *features: object) -> Path:
    document = {"type": "FeatureCollection", "features": features}
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def feature(properties: dict[str, object], kind: str, coordinates: object) -> dict[str, object]:
    geometry = {"type": kind, "coordinates": coordinates}
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def test_outlines_of_the_ministrys_own_take_the_place_of_tiles(tmp_path: Path):
    # 0-2 degrees across and -1..1 up at the equator, on 640: 320 a degree, north at the top.
    square = [[0, -1], [2, -1], [2, 1], [0, 1], [0, -1]]
    path = collection(
        tmp_path / "regions.geojson",
        feature({"ISO": "ID-AC", "count": 13}, "Polygon", [square]),
        feature({"region_id": 13}, "MultiPolygon", [[square], [square]]),
        feature({"name": "elsewhere"}, "Polygon", [[[100, 80], [101, 80], [100, 81]]]),
    )
    found = read_shapes(path, REGIONS)
    assert {region: len(rings) for region, rings in found.rings.items()} == {"11": 1, "13": 2}
    regions = [Region("11", "AC", "Aceh", "3,70", 2), Region("12", "SU", "Utara", "3,60", 1)]
    picture = shape_map(regions, found, title="map")
    [outline] = shapes(picture, "path", "step-2")
    assert outline["d"] == "M0.0 640.0L640.0 640.0L640.0 0.0L0.0 0.0L0.0 640.0Z"
    assert "Utara" not in picture


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("no json", "no GeoJSON of polygons"),
        ('{"features": 3}', "no GeoJSON of polygons"),
        ('{"features": []}', "in no row of regions.csv"),
        ('{"features": [{"geometry": {"type": "Polygon", "coordinates": [[["x", 1]]]}, '
         '"properties": {"region_id": "11"}}]}', "no GeoJSON of polygons"),
    ],
)  # fmt: skip
def test_outlines_that_can_not_be_drawn_are_told_with_their_file(tmp_path: Path, text, told):
    path = tmp_path / "regions.geojson"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ShapesError, match=told) as caught:
        read_shapes(path, REGIONS)
    assert str(path) in str(caught.value)
