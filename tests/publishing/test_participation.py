"""Who answered: no count that is published tells it of a row of few, whatever sums are solved."""

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from orchestration.publishing.participation import REST, participation_verdicts
from tests.conftest import Sample

FEWEST = 10


@threadpool_limits.wrap(limits=1, user_api="blas")
def determined(sums: np.ndarray) -> np.ndarray:
    """Which unknowns follow from the sums: those whose unit vector lies in the rows' space."""
    values, directions = np.linalg.eigh(sums @ sums.T)
    is_space = values > 1e-9 * values.max()
    spanned = (directions[:, is_space] / np.sqrt(values[is_space])).T @ sums
    return (spanned**2).sum(axis=0) > 1 - 1e-7


def equations(rows: pd.DataFrame) -> np.ndarray:
    """Every published count as a row of 0 and 1 over the table's rows, read off its verdicts."""
    unit = np.where(rows["unit_group"].isna(), "unit " + rows["unit_id"], "")
    group = np.where(rows["unit_group"].notna(), "group " + rows["unit_group"].fillna(""), "")
    stratum = np.where(rows["is_stratum_hidden"], "strata", "stratum " + rows["stratum_id"])
    own = np.where(rows["is_hidden"], "", "row " + rows.index.astype(str))
    sums = [np.ones(len(rows))]
    for labels in (unit, group, stratum, own):
        sums += [labels == label for label in sorted({*labels} - {""})]
    return np.array(sums, dtype=float)


def test_what_the_sums_tell_is_seen():
    # x + y and x + z leave all open; with y + z, all follow; z alone, all but w.
    assert determined(np.array([[1, 1, 0], [1, 0, 1.0]])).tolist() == [False] * 3
    assert determined(np.array([[1, 1, 0], [1, 0, 1], [0, 1, 1.0]])).tolist() == [True] * 3
    one = np.array([[1, 1, 0, 0], [1, 0, 1, 0], [0, 0, 1, 0.0], [0, 1, 0, 0]])
    assert determined(one).tolist() == [True, True, True, False]


def table(*rows: tuple[str, str, int], place: str = "r1|upt") -> pd.DataFrame:
    """Rows of unit, category and size, each category a stratum of its place."""
    frame = pd.DataFrame(rows, columns=["unit_id", "recipient_category_id", "size"])
    return frame.assign(place=place, stratum_id=place + "|" + frame["recipient_category_id"])


def verdicts(rows: pd.DataFrame) -> pd.DataFrame:
    found = participation_verdicts(rows, min_cell_n=FEWEST)
    return found.set_index(["unit_id", "recipient_category_id"]).sort_index()


def test_a_small_row_takes_the_smallest_of_its_unit_and_of_its_stratum_along():
    # u1: 3 hidden of 33 would follow from the unit's total; x of u1 from the stratum's.
    judged = verdicts(
        table(("u1", "x", 3), ("u1", "y", 30), ("u2", "x", 20), ("u2", "y", 40), ("u3", "y", 50))
    )
    # All four, since a circle must lead through the small one.
    assert {*judged.index[judged["is_hidden"]]} == {
        ("u1", "x"), ("u1", "y"), ("u2", "x"), ("u2", "y"),
    }  # fmt: skip
    assert judged["unit_group"].isna().all()
    assert not judged["is_stratum_hidden"].any()


def test_rows_that_are_large_enough_are_shown_with_their_totals():
    judged = verdicts(table(("u1", "x", 10), ("u1", "y", 30), ("u2", "x", 20)))
    assert not judged["is_hidden"].any()
    assert judged["unit_group"].isna().all()


def test_small_units_are_told_together_with_a_further_one_where_they_are_too_few():
    judged = verdicts(table(("u1", "x", 3), ("u2", "x", 4), ("u3", "x", 15), ("u4", "x", 20)))
    grouped = judged.index[judged["unit_group"].notna()].get_level_values("unit_id")
    assert {*grouped} == {"u1", "u2", "u3"}
    assert {*judged.loc[judged["unit_group"].notna(), "unit_group"]} == {"r1|upt"}


def test_a_stratum_of_few_is_hidden_with_the_next_smallest_and_units_stay():
    judged = verdicts(table(("u1", "x", 3), ("u1", "y", 15), ("u1", "z", 20), ("u2", "z", 30)))
    assert {*judged.loc[judged["is_stratum_hidden"], "stratum_id"]} == {"r1|upt|x", "r1|upt|y"}
    assert {*judged.index[judged["is_hidden"]]} == {("u1", "x"), ("u1", "y")}
    assert judged["unit_group"].isna().all()


def test_a_place_of_few_is_told_with_the_rest_of_the_nation():
    rows = pd.concat(
        [
            table(("u1", "x", 3), place="r1|upt"),
            table(("u2", "x", 20), ("u3", "x", 30), place="r2|upt"),
        ]
    ).assign(stratum_id="joined")
    judged = verdicts(rows)
    assert judged["unit_group"].fillna("own").to_dict() == {
        ("u1", "x"): REST, ("u2", "x"): REST, ("u3", "x"): "own",
    }  # fmt: skip
    assert judged["is_told"].all()


def test_a_nation_of_few_is_told_by_no_unit_and_together_by_none():
    judged = verdicts(table(("u1", "x", FEWEST - 5), ("u2", "x", 4)))
    assert judged["unit_group"].tolist() == [REST, REST]
    assert not judged["is_told"].any()
    assert verdicts(table(("u1", "x", FEWEST - 5), ("u2", "x", 5)))["is_told"].all()


def test_of_equal_places_and_units_the_first_by_name_goes_along():
    # A set's order is another in every process: 1 of 8 would be the first by chance.
    places = [
        table((f"u{n}", "x", 20), (f"v{n}", "x", 20), place=f"r{n}|upt") for n in range(2, 10)
    ]
    rows = pd.concat([table(("u1", "x", 3), place="r1|upt"), *places]).assign(stratum_id="joined")
    judged = verdicts(rows)
    grouped = judged.index[judged["unit_group"].notna()].get_level_values("unit_id")
    assert {*grouped} == {"u1", "u2"}


def test_strata_by_unit_are_told_where_all_their_rows_are_and_cost_no_unit_its_total():
    rows = table(("u1", "x", 30), ("u1", "y", 3), ("u1", "z", 12), ("u2", "x", 20), ("u2", "y", 4))
    rows = pd.concat([rows, table(("u2", "z", 40), ("u3", "x", 50))])
    by_unit = rows.assign(stratum_id=rows["unit_id"] + rows["recipient_category_id"])
    by_unit.loc[by_unit["recipient_category_id"] == "y", "stratum_id"] = "joined"
    judged = participation_verdicts(by_unit, min_cell_n=FEWEST, is_by_unit=True)
    assert judged["unit_group"].isna().all()
    # What is left of u1 is y with z, of u2 y with x.
    hidden = {("u1", "y"), ("u1", "z"), ("u2", "x"), ("u2", "y")}
    assert {*judged.loc[judged["is_hidden"], ["unit_id", "recipient_category_id"]]
            .itertuples(index=False, name=None)} == hidden  # fmt: skip
    assert {*judged.loc[judged["is_stratum_hidden"], "stratum_id"]} == {"joined", "u1z", "u2x"}
    assert not determined(equations(judged))[(judged["size"] < FEWEST).to_numpy()].any()


sizes = st.one_of(st.integers(1, 9), st.integers(10, 60))
tables = st.dictionaries(
    st.tuples(st.sampled_from("abcdefg"), st.sampled_from("xyz")), sizes, min_size=2
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    tables,
    st.dictionaries(st.sampled_from("abcdefg"), st.sampled_from(["r1|upt", "r2|upt"])),
    st.booleans(),
)
def test_no_small_row_follows_from_the_sums_of_any_table(
    cells: dict[tuple[str, str], int], places: dict[str, str], is_by_unit: bool
):
    rows = pd.DataFrame(
        [
            {
                "unit_id": unit,
                "recipient_category_id": category,
                "size": size,
                "place": places.get(unit, "r1|upt"),
                "stratum_id": (unit if is_by_unit and size > 20 else places.get(unit, "r1|upt"))
                + category,
            }
            for (unit, category), size in cells.items()
        ]
    )
    judged = participation_verdicts(rows, min_cell_n=FEWEST, is_by_unit=is_by_unit)
    small = (judged["size"] < FEWEST).to_numpy()
    assert judged["is_hidden"][small].all()
    if rows["size"].sum() < FEWEST:
        return  # the nation itself is too few
    known = determined(equations(judged))
    # A row that is the nation's whole rest stays exposed: nothing is left to cover it.
    assert not known[small].any() or judged["is_hidden"].all(), judged[known & small]


@pytest.mark.parametrize("role", ["penerima", "pemberi"])
@pytest.mark.parametrize("cycle", ["ilk-2025-s1", "ilk-2025-s2"])
def test_no_row_of_few_staff_follows_from_what_the_sample_publishes(
    sample: Sample, cycle: str, role: str
):
    of = f"where cycle_id = '{cycle}' and role_id = '{role}'"
    with duckdb.connect(str(sample.database), read_only=True) as connection:

        def read(columns: str, name: str) -> pd.DataFrame:
            return connection.execute(f"select {columns} from {name} {of} order by all").df()

        rows = read("*", "fct_participation")
        units = read("*", "fct_participation_units")
        strata = read("*", "fct_strata")
        places = connection.execute(
            "select unit_id, region_id, unit_level_id from dim_units where is_current"
        ).df()
        days = connection.execute(
            f"select distinct unit_id from fct_participation_days where cycle_id = '{cycle}'"
            " and respondent_count is not null"
        ).df()
    rows = rows.merge(places, on="unit_id", how="left", validate="many_to_one")
    rows["place"] = rows["region_id"].fillna("") + "|" + rows["unit_level_id"]
    rows["base"] = rows["place"] + "|" + rows["recipient_category_id"]
    finals = strata.set_index("base_stratum_id")["stratum_id"]
    rows["stratum_id"] = rows["base"].map(finals)
    # Everything that a reader of the publication can add up.
    shown_units = {*units["unit_id"].dropna()} | (
        {*days["unit_id"]} if role == "penerima" else set()
    )
    sums = [np.ones(len(rows))]
    sums += [rows["unit_id"] == unit for unit in sorted(shown_units)]
    in_groups = ~rows["unit_id"].isin(shown_units)
    groups = units[units["unit_id"].isna()]
    for group in groups.itertuples():
        if pd.notna(group.unit_level_id):
            region = "" if pd.isna(group.region_id) else group.region_id
            sums.append(in_groups & (rows["place"] == f"{region}|{group.unit_level_id}"))
    shown_strata = strata[strata["stratum_respondent_count"].notna()]["stratum_id"].unique()
    sums += [rows["stratum_id"] == stratum for stratum in shown_strata]
    bases = strata[strata["respondent_count"].notna()]["base_stratum_id"]
    sums += [rows["base"] == base for base in bases]

    small = (rows["staff_count"] < FEWEST).to_numpy()
    # What is shown of a row is no unknown any more.
    is_shown = rows["respondent_count"].notna().to_numpy()
    known = is_shown.copy()
    known[~is_shown] = determined(np.array(sums, dtype=float)[:, ~is_shown])
    print(
        f"{cycle} {role}: {small.sum()} rows of few staff,"
        f" {(rows['staff_count'] == 1).sum()} of one;"
        f" {rows['respondent_count'].notna().sum()} of {len(rows)} rows shown,"
        f" {units['unit_id'].notna().sum()} of {rows['unit_id'].nunique()} units,"
        f" {len(groups)} groups of units, {len(shown_strata)} of {finals.nunique()} final strata"
    )
    assert small.sum() > 1000
    assert not known[small].any()
    # What is shown is right: groups and units add up to all who answered.
    assert (
        units["respondent_count"].sum()
        == strata.drop_duplicates("stratum_id")["stratum_respondent_count"].sum()
    )
