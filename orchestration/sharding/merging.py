"""Sums of parts of the people as sums of all: whole numbers and decimals, added exactly.

Belongs here: adding up tables whose rows have the same keys, lists among them. Doesn't: which
columns are keys, which the models' YAML says (plan.py).
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

Integers = NDArray[np.int64]
AT_ONCE = 500_000_000  # bytes of the tables that are added up: what bounds the memory
Places = Callable[[int], Integers | None]


class NoSumError(TypeError):
    """A column to be added up holds no exact numbers: their sum would depend on the shards."""


def merged_files(
    paths: Sequence[Path], *, by: Sequence[str], numbered: Mapping[str, Sequence[str]]
) -> pa.Table:
    """Return the same of Parquet files, some at a time."""
    waiting: list[pa.Table] = []
    for path in paths:
        waiting.append(pq.read_table(path))
        if len(waiting) > 1 and sum(table.nbytes for table in waiting) > AT_ONCE:
            waiting = [merged(waiting, by=by, numbered=numbered)]
    return merged(waiting, by=by, numbered=numbered)


def merged(
    parts: Sequence[pa.Table], *, by: Sequence[str], numbered: Mapping[str, Sequence[str]]
) -> pa.Table:
    """Return one row per key that any of the parts has, ordered by key, with the sums over parts.

    `by`: the columns that are keys, NULL a value too. `numbered`: list columns, by name the column
    that says what each of its numbers is about; where there are two, the list is a matrix, row by
    row, of all in the first by all in the second, and where both are the same its upper triangle.
    All others are whole numbers or decimals, whose sum over no value is NULL. A list leaves out
    what is 0 in all parts; the lists that say what numbers are about are in ascending order.

    Raises:
        NoSumError: a column is neither.
    """
    schema = _of_values_or_none(parts[0].schema)
    about = {of for columns in numbered.values() for of in columns}
    for name in schema.names:
        kind = schema.field(name).type
        is_list = name in numbered or name in about
        kind = kind.value_type if is_list else kind
        is_exact = pa.types.is_integer(kind) or (pa.types.is_decimal(kind) and not is_list)
        if name not in by and not is_exact:
            raise NoSumError(f"{name}: {kind}")
    table = pa.concat_tables([part.cast(_of_values_or_none(part.schema)) for part in parts])
    plain = [name for name in schema.names if name not in {*by, *numbered, *about}]
    keyed = table.select([*by, *plain]).append_column(
        "part_row", pa.array(range(table.num_rows), pa.int64())
    )
    grouped = keyed.group_by(list(by), use_threads=False).aggregate(
        [*((name, "sum") for name in plain), ("part_row", "list")]
    )
    grouped = grouped.sort_by([(name, "ascending") for name in by])
    columns = {name: grouped[name] for name in by}
    columns |= {name: grouped[f"{name}_sum"] for name in plain}
    if numbered:
        rows = grouped["part_row_list"].combine_chunks()
        row_of = np.empty(table.num_rows, dtype=np.int64)
        row_of[rows.flatten().to_numpy(zero_copy_only=False)] = np.repeat(
            np.arange(len(rows)), np.diff(rows.offsets.to_numpy(zero_copy_only=False))
        )
        columns |= _merged_lists(table, row_of, len(rows), numbered)
    return pa.table([columns[name] for name in schema.names], names=schema.names).cast(schema)


def _of_values_or_none(schema: pa.Schema) -> pa.Schema:
    """Return the same columns, each with room for NULL: a file says whether its rows have any."""
    return pa.schema(
        [
            (of.name, pa.list_(of.type.value_type) if pa.types.is_list(of.type) else of.type)
            for of in schema
        ]
    )


class _Numbers:
    """What a list column says its row's numbers are about: by row, ascending."""

    def __init__(self, lists: pa.ListArray, row_of: Integers, row_count: int) -> None:
        """`row_of`: the row of the result of each row of the parts."""
        values = lists.flatten().to_numpy(zero_copy_only=False).astype(np.int64)
        self.starts = (
            lists.offsets.to_numpy(zero_copy_only=False).astype(np.int64) - lists.offsets[0].as_py()
        )
        self.span = int(values.max(initial=0)) + 1
        keys = np.repeat(row_of, np.diff(self.starts)) * self.span + values
        self.found = np.unique(keys)
        self.place = np.searchsorted(self.found, keys)  # of each number, among all of the result
        rows = self.found // self.span
        self.counts = np.bincount(rows, minlength=row_count)
        self.ends = np.cumsum(self.counts)
        self.first = self.ends - self.counts

    def within(self, row: int, row_of: Integers) -> Integers:
        """Return where the numbers of a row of the parts stand in its row of the result."""
        here = slice(self.starts[row], self.starts[row + 1])
        found: Integers = self.place[here] - self.first[row_of[row]]
        return found

    def as_lists(self, kind: pa.DataType) -> pa.ListArray:
        return _lists(self.ends, self.found % self.span, kind)


def _merged_lists(
    table: pa.Table, row_of: Integers, row_count: int, numbered: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    numbers: dict[str, _Numbers] = {}
    for name in {of for columns in numbered.values() for of in columns}:
        numbers[name] = _Numbers(table[name].combine_chunks(), row_of, row_count)
        found[name] = numbers[name].as_lists(table.schema.field(name).type.value_type)
    for name, about in numbered.items():
        lists = table[name].combine_chunks()
        kind = lists.type.value_type
        one, other = numbers[about[0]], numbers[about[-1]]
        if len(about) == 1:
            sums = np.zeros(len(one.found), dtype=np.int64)
            np.add.at(sums, one.place, lists.flatten().to_numpy(zero_copy_only=False))
            found[name] = _lists(one.ends, sums, kind)
        elif about[0] == about[1]:
            lengths = one.counts * (one.counts + 1) // 2
            found[name] = _added(lists, lengths, row_of, _in_triangle(one, row_of), kind)
        else:
            found[name] = _added(
                lists, one.counts * other.counts, row_of, _in_matrix(one, other, row_of), kind
            )
    return found


def _added(
    lists: pa.ListArray, lengths: Integers, row_of: Integers, place_of: Places, kind: pa.DataType
) -> pa.ListArray:
    """Return lists of `lengths` with the numbers of each row added where `place_of` it says."""
    ends = np.cumsum(lengths)
    sums = np.zeros(int(ends[-1]) if len(ends) else 0, dtype=np.int64)
    starts = lists.offsets.to_numpy(zero_copy_only=False) - lists.offsets[0].as_py()
    values = lists.flatten().to_numpy(zero_copy_only=False)
    for row in range(len(lists)):
        first = int(ends[row_of[row]] - lengths[row_of[row]])
        of_row = sums[first : first + int(lengths[row_of[row]])]
        place = place_of(row)
        if place is None:  # nothing that another part lacks
            of_row += values[starts[row] : starts[row + 1]]
        else:
            of_row[place] += values[starts[row] : starts[row + 1]]
    return _lists(ends, sums, kind)


def _in_triangle(numbers: _Numbers, row_of: Integers) -> Places:
    def place_of(row: int) -> Integers | None:
        size = int(numbers.counts[row_of[row]])
        within = numbers.within(row, row_of)
        if len(within) == size:
            return None
        one, other = _pairs(len(within))
        low, high = within[one], within[other]
        place: Integers = low * size - low * (low - 1) // 2 + high - low
        return place

    return place_of


def _in_matrix(one: _Numbers, other: _Numbers, row_of: Integers) -> Places:
    def place_of(row: int) -> Integers | None:
        width = int(other.counts[row_of[row]])
        rows, columns = one.within(row, row_of), other.within(row, row_of)
        if len(columns) == width and len(rows) == one.counts[row_of[row]]:
            return None
        place: Integers = (rows[:, np.newaxis] * width + columns).ravel()
        return place

    return place_of


@cache
def _pairs(count: int) -> tuple[Integers, Integers]:
    return np.triu_indices(count)


def _lists(ends: Integers, values: Integers, kind: pa.DataType) -> pa.ListArray:
    offsets = pa.array(np.concatenate([[0], ends]), pa.int32())  # refuses more than fit
    return pa.ListArray.from_arrays(offsets, pa.array(values).cast(kind))
