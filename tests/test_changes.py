"""Changes between two cycles: on a case where items come and go, and over the whole sample.

Belongs here: comparison_changes, idx_changes and idx_change_parts against figures computed apart
from the warehouse. The case is a small index of our own: between its cycles one item is dropped and
one is new, another gets a longer scale, and the method gives a perspective twice the weight. An
item and a band are named with an apostrophe, as words of the agency may be.
"""

import csv
import math
import os
import random
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

import duckdb
import numpy as np
import pytest

from orchestration.settings import REPOSITORY
from tests.conftest import Sample
from tests.ilk_process import run_ilk

PERSPECTIVES = {"a": "p1", "b": "p1", "d": "p1", "n'ew": "p1", "c": "p2", "old": "p2"}
SHARED = ("a", "b", "c", "d")
WEIGHTS = {"p1": 1.0, "p2": 2.0}  # those of the later cycle: they hold for both
ITEMS = {"early": ("a", "b", "c", "d", "old"), "late": ("a", "b", "c", "d", "n'ew")}
SCALE_MAX = {("late", "a"): 5}
STAFF = {"u1": 60, "u2": 60, "u3": 200}
REGIONS = {"u1": "r1", "u2": "r1", "u3": "r2"}
RESPONDENTS = 30
# Not rated in the early cycle: u2 keeps two of p1's three items, enough; u3 one, too few.
UNRATED = {("u2", "d"), ("u3", "b"), ("u3", "d")}

Response = Mapping[str, str]


def answers(cycle: str) -> list[Response]:
    """Thirty respondents a unit, seeded; some leave an answer out."""
    chance = random.Random(cycle)
    return [
        {"unit": unit, "when": f"{2024 + (cycle == 'late')}-03-05 10:00:00"}
        | {
            item: ""
            if (cycle == "early" and (unit, item) in UNRATED) or chance.random() < 0.1
            else str(chance.randint(1, SCALE_MAX.get((cycle, item), 4)))
            for item in ITEMS[cycle]
        }
        for unit in STAFF
        for _ in range(RESPONDENTS)
    ]


def write(path: Path, rows: Iterable[Mapping[str, object]]) -> None:
    listed = list(rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, listed[0])
        writer.writeheader()
        writer.writerows(listed)


def write_seeds(seeds: Path) -> None:
    shutil.copytree(REPOSITORY / "examples" / "skm" / "seeds", seeds)
    cycles = [("early", "", 2024), ("late", "early", 2025)]

    def write_rows(name: str, header: str, rows: Iterable[tuple[object, ...]]) -> None:
        columns = header.split(",")
        write(seeds / f"{name}.csv", (dict(zip(columns, row, strict=True)) for row in rows))

    write_rows(
        "survey_cycles",
        "cycle_id,index_id,instrument_id,method_id,year,semester,opens_on,closes_on,"
        "previous_cycle_id,status",
        (
            (name, "skm", name, name, year, 1, f"{year}-03-01", f"{year}-03-31", before, "closed")
            for name, before, year in cycles
        ),
    )
    write_rows(
        "survey_sources",
        "cycle_id,profile_id,kind,location",
        ((name, name, "landing", f"{name}/{name}/*.csv") for name in ITEMS),
    )
    write_rows(
        "methods",
        "method_id,weighting_mode,band_scheme_id,description",
        ((name, "poststrat", "permenpan_14_2017", name) for name in ITEMS),
    )
    write_rows(
        "method_parameters",
        "method_id,parameter,value",
        ((name, "min_answered_share", 0) for name in ITEMS),
    )
    write_rows(
        "index_weights",
        "method_id,component_type,component_id,weight",
        (("late", "perspective", name, weight) for name, weight in WEIGHTS.items()),
    )
    bands = (seeds / "band_schemes.csv").read_text(encoding="utf-8")
    (seeds / "band_schemes.csv").write_text(bands.replace(",D,", ",Du'a,"), encoding="utf-8")
    write_rows(
        "response_rules",
        "method_id,reason,action",
        ((name, "straight_lining", "flag") for name in ITEMS),
    )
    write_rows(
        "perspectives",
        "index_id,perspective_id,name_id,name_en,sort_order",
        (("skm", name, name, name, order) for order, name in enumerate(WEIGHTS)),
    )
    write_rows(
        "regions",
        "region_id,iso_3166_2,name,island_group",
        ((name, "", name, name) for name in ("r1", "r2")),
    )
    write_rows(
        "units",
        "unit_id,unit_name,unit_level_id,unit_type,region_id,parent_unit_id,valid_from,valid_to",
        ((name, name, "unit", "office", REGIONS[name], "", "2020-01-01", "") for name in STAFF),
    )
    write_rows(
        "questions",
        "instrument_id,question_id,item_id,service_id,perspective_id,audience_id,"
        "provider_level_id,scale_min,scale_max,is_reverse_scored,question_text",
        (
            (
                *(cycle, item, item, "pelayanan", PERSPECTIVES[item], "masyarakat", "unit", 1),
                *(SCALE_MAX.get((cycle, item), 4), "false", item),
            )
            for cycle, items in ITEMS.items()
            for item in items
        ),
    )
    write_rows(
        "export_profiles",
        "profile_id,instrument_id,tool,timezone,description",
        ((name, name, "plain", "Asia/Jakarta", name) for name in ITEMS),
    )
    write_rows(
        "export_columns",
        "profile_id,source_column,target_kind,target",
        [
            (cycle, column, "attribute", target)
            for cycle in ITEMS
            for column, target in (("unit", "unit_id"), ("when", "submitted_at"))
        ]
        + [(cycle, item, "question", item) for cycle, items in ITEMS.items() for item in items],
    )
    write_rows(
        "export_codes",
        "profile_id,target,source_value,code",
        ((name, "*", "-", "not_available") for name in ITEMS),
    )


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    """Both cycles of the case, run as a person runs them."""
    folder = tmp_path_factory.mktemp("changes")
    write_seeds(folder / "seeds")
    for cycle in ITEMS:
        write(folder / "landing" / cycle / cycle / "answers.csv", answers(cycle))
        write(
            folder / "landing" / cycle / "staff_frame.csv",
            (
                {
                    "unit_id": unit,
                    "recipient_category_id": "masyarakat",
                    "role_id": "penerima",
                    "gender": "",
                    "staff_count": count,
                }
                for unit, count in STAFF.items()
            ),
        )
    ran = run_ilk(
        "run",
        *ITEMS,
        environment=os.environ
        | {
            "ILK_DATA_DIR": str(folder / "data"),
            "ILK_SEEDS_DIR": str(folder / "seeds"),
            "ILK_LANDING_URL": str(folder / "landing"),
        },
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return duckdb.connect(str(folder / "data" / "warehouse.duckdb"), read_only=True)


def estimate(
    cycle: str, units: Iterable[str], items: Iterable[str], *, is_weighted: bool
) -> tuple[float, float]:
    """Return score and se of the mean of perspectives over `items`, as method.md 5 has it."""
    rows = answers(cycle)
    inside = np.array([row["unit"] in units for row in rows])
    regions = np.array([REGIONS[row["unit"]] for row in rows])
    staff = {
        region: sum(STAFF[unit] for unit in STAFF if REGIONS[unit] == region) for region in regions
    }
    sizes = {region: int((regions == region).sum()) for region in staff}
    weight = np.array([staff[name] / sizes[name] if is_weighted else 1.0 for name in regions])
    ratios, influences = {}, {}
    for item in items:
        step = 3 / (SCALE_MAX.get((cycle, item), 4) - 1)
        rated = np.array([row[item] != "" for row in rows]) & inside
        scores = np.array([1 + step * (int(row[item] or 1) - 1) for row in rows]) * rated
        if total := float(weight @ rated):
            ratios[item] = float(weight @ scores) / total
            influences[item] = (scores - ratios[item] * rated) / total
    shares: dict[str, float] = {}
    for perspective, perspective_weight in WEIGHTS.items():
        asked = [item for item in items if PERSPECTIVES[item] == perspective]
        known = [item for item in asked if item in ratios]
        if asked and len(known) / len(asked) >= 2 / 3:
            shares |= {item: perspective_weight / len(known) for item in known}
    total = sum(shares.values())
    theta = sum(share / total * ratios[item] for item, share in shares.items())
    influence = weight * sum(share / total * influences[item] for item, share in shares.items())
    variance = 0.0
    for region, size in sizes.items():
        of_stratum = influence[regions == region]
        spread = float(((of_stratum - of_stratum.mean()) ** 2).sum())
        variance += (1 - size / staff[region]) * size / (size - 1) * spread
    return theta, math.sqrt(variance)


@pytest.mark.parametrize("mode", ["none", "poststrat"])
@pytest.mark.parametrize("units", [("u1",), ("u2",), ("u3",), tuple(STAFF)])
@pytest.mark.parametrize(
    ("component", "items", "shared_share"),
    [("index", SHARED, 4 / 5), ("service", SHARED, 4 / 5), ("perspective", ("c",), 1.0)],
)
def test_a_change_is_computed_on_the_items_that_both_cycles_asked(
    warehouse, mode, units, component, items, shared_share
):
    domain = ("provider_unit", units[0]) if len(units) == 1 else ("national", "national")
    perspective = "p2" if component == "perspective" else None
    [(previous, score, se, share)] = warehouse.execute(
        "select score_previous, score, se, shared_item_share from figures.comparison_changes "
        "where cycle_id = 'late' and weighting_mode = ? and domain_type = ? and domain_id = ? "
        "and component_type = ? and perspective_id is not distinct from ?",
        [mode, *domain, component, perspective],
    ).fetchall()
    is_weighted = mode == "poststrat"
    expected_previous, se_previous = estimate("early", units, items, is_weighted=is_weighted)
    expected, se_late = estimate("late", units, items, is_weighted=is_weighted)
    assert previous == pytest.approx(expected_previous, abs=1e-9)
    assert score == pytest.approx(expected, abs=1e-9)
    assert se == pytest.approx(math.hypot(se_previous, se_late), abs=1e-9)
    assert share == pytest.approx(shared_share)


def test_a_perspective_with_too_few_of_the_shared_items_has_no_change(warehouse):
    assert warehouse.execute(
        "select score_previous, delta, p_value, is_changed from indexes.idx_changes "
        "where domain_id = 'u3' and perspective_id = 'p1' and component_type = 'perspective'"
    ).fetchall() == 2 * [(None, None, None, None)]


def test_what_one_cycle_alone_rated_is_a_remainder(warehouse):
    remainders = warehouse.execute(
        "select domain_id from indexes.idx_change_parts "
        "where part_type = 'remainder' and domain_type = 'provider_unit' "
        "and component_type = 'index' and weighting_mode = 'none' order by all"
    ).fetchall()
    assert remainders == [("u2",), ("u3",)]


def test_items_that_came_or_went_have_no_part_in_a_change(warehouse):
    items = warehouse.execute(
        "select distinct part_item_id from indexes.idx_change_parts "
        "where part_item_id is not null order by all"
    ).fetchall()
    assert items == [(item,) for item in SHARED]


def test_probabilities_are_those_of_the_normal_distribution_adjusted_by_holm(sample: Sample):
    connection = duckdb.connect()
    connection.execute(f"attach '{sample.settings.warehouse}' as warehouse (read_only)")
    rows = connection.execute(
        "select [weighting_mode, domain_type, component_type, service_id, perspective_id, item_id],"
        " delta, se, p_value, p_adjusted from warehouse.indexes.idx_changes "
        "where p_value is not null"
    ).fetchall()
    connection.close()
    families: dict[tuple[str, ...], list[tuple[float, float]]] = {}
    for family, delta, se, p_value, p_adjusted in rows:
        assert p_value == pytest.approx(math.erfc(abs(delta) / se / math.sqrt(2)), abs=1e-14)
        if p_adjusted is not None:
            families.setdefault(tuple(family), []).append((p_value, p_adjusted))
    assert sum(len(family) > 1 for family in families.values()) > 100
    for family in families.values():
        lower = 0.0
        for place, (p_value, p_adjusted) in enumerate(sorted(family)):
            lower = max(lower, min(1.0, (len(family) - place) * p_value))
            assert p_adjusted == pytest.approx(lower, rel=1e-12)
