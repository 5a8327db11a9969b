"""Sums of parts of the people as sums of all (orchestration/sharding/merging.py)."""

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from orchestration.sharding.merging import NoSumError, merged

BY = ["cycle_id", "domain_number", "steps_per_point"]
NUMBERED = {
    "sums": ["totals"],
    "products": ["totals", "totals"],
    "crossed": ["previous_totals", "totals"],
}
SCHEMA = pa.schema(
    [
        ("cycle_id", pa.string()),
        ("domain_number", pa.int32()),
        ("previous_totals", pa.list_(pa.int16())),
        ("totals", pa.list_(pa.int16())),
        ("sums", pa.list_(pa.int64())),
        ("products", pa.list_(pa.int64())),
        ("crossed", pa.list_(pa.int64())),
        ("respondent_count", pa.int64()),
        ("step_sum", pa.int64()),
        ("steps_per_point", pa.int32()),
    ]
)


def _sums(people: np.ndarray, before: np.ndarray, domain_of: np.ndarray) -> pa.Table:
    """What people add to totals, with their products, by domain: as the kernels leave it."""
    rows = []
    for domain in np.unique(domain_of):
        here, then = people[domain_of == domain], before[domain_of == domain]
        used, used_before = np.flatnonzero(here.any(axis=0)), np.flatnonzero(then.any(axis=0))
        products = here[:, used].T @ here[:, used]
        rows.append(
            {
                "cycle_id": "c",
                "domain_number": domain,
                "previous_totals": used_before,
                "totals": used,
                "sums": here[:, used].sum(axis=0),
                "products": products[np.triu_indices(len(used))],
                "crossed": (then[:, used_before].T @ here[:, used]).ravel(),
                "respondent_count": len(here),
                "step_sum": None if domain % 2 else int(here.sum()),
                "steps_per_point": 12,
            }
        )
    return pa.Table.from_pylist(rows, schema=SCHEMA)


@pytest.mark.parametrize("shards", [1, 2, 7, 64])
def test_sums_of_shards_are_those_of_all(shards):
    generator = np.random.default_rng(shards)
    count, totals = 300, 9
    # Whole numbers, most of them 0: what one shard has another lacks.
    people = generator.integers(1, 2**20, (count, totals)) * (
        generator.random((count, totals)) < 0.1
    )
    before = people[generator.permutation(count)]
    domain_of = generator.integers(1, 12, count)
    shard_of = generator.integers(0, shards, count)
    parts = [
        _sums(people[shard_of == shard], before[shard_of == shard], domain_of[shard_of == shard])
        for shard in range(shards)
    ]
    assert merged(parts, by=BY, numbered=NUMBERED).equals(_sums(people, before, domain_of))


def test_shards_in_which_nobody_is_add_nothing():
    people = np.array([[1, 0, 5]])
    some = _sums(people, people, np.array([3]))
    none = SCHEMA.empty_table()
    assert merged([none, some, none], by=BY, numbered=NUMBERED).equals(some)
    assert merged([none, none], by=BY, numbered=NUMBERED).equals(none)


def test_what_is_no_whole_number_is_refused():
    doubles = pa.table({"domain_number": pa.array([1], pa.int32()), "staff_count": [0.5]})
    with pytest.raises(NoSumError, match="staff_count"):
        merged([doubles], by=["domain_number"], numbered={})


def test_parts_of_which_some_have_no_empty_value_are_added_up():
    """A file of Parquet says of each column whether it holds NULL, and of a list's numbers too."""
    never_null = pa.schema(
        [
            pa.field("domain_number", pa.int32(), nullable=False),
            pa.field("step_sum", pa.int64(), nullable=False),
            pa.field("totals", pa.list_(pa.field("element", pa.int16(), nullable=False))),
            pa.field("sums", pa.list_(pa.field("element", pa.int64(), nullable=False))),
        ]
    )
    maybe = pa.schema(
        [
            ("domain_number", pa.int32()),
            ("step_sum", pa.int64()),
            ("totals", pa.list_(pa.int16())),
            ("sums", pa.list_(pa.int64())),
        ]
    )
    row = {"domain_number": 1, "step_sum": 4, "totals": [2], "sums": [7]}
    parts = [
        pa.Table.from_pylist([row], never_null),
        pa.Table.from_pylist([row, {**row, "domain_number": 2, "step_sum": None}], maybe),
    ]
    expected = [
        {"domain_number": 1, "step_sum": 8, "totals": [2], "sums": [14]},
        {"domain_number": 2, "step_sum": None, "totals": [2], "sums": [7]},
    ]
    for given in (parts, parts[::-1]):
        found = merged(given, by=["domain_number"], numbered={"sums": ["totals"]})
        assert found.to_pylist() == expected


def test_decimals_add_up_exactly_and_stay_what_they_are():
    kind = pa.decimal128(38, 15)
    parts = [
        pa.table({"cycle_id": ["c"], "mean_sum": pa.array([value], kind)})
        for value in (Decimal("0.1"), None, Decimal("1234567890123.000000000000001"))
    ]
    found = merged(parts, by=["cycle_id"], numbered={})
    assert found.schema.field("mean_sum").type == kind
    assert found["mean_sum"].to_pylist() == [Decimal("1234567890123.100000000000001")]
