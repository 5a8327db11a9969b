"""Variances and covariances of the items of a set over persons (method.md 9: alpha and its parts).

Belongs here: matrix products over persons, and the covariances that follow from their sums.
Doesn't: which items are a set, alpha itself (models/), the warehouse.

Ratings are whole numbers of parts of a point, so that products and their sums are exact.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from orchestration.scoring.score_tree import Bools, Floats

SET_MOMENTS = pa.schema(
    [
        ("cycle_id", pa.string()),
        ("set_type", pa.string()),
        ("set_id", pa.string()),
        ("item_id", pa.string()),
        ("component_number", pa.int32()),
        ("item_count", pa.int64()),
        ("rater_count", pa.int64()),
        ("straight_lining_count", pa.int64()),
        ("respondent_count", pa.int64()),
        ("item_variance", pa.float64()),
        ("total_variance", pa.float64()),
        ("item_total_covariance", pa.float64()),
        ("is_every_pair_rated", pa.bool_()),
        ("pairwise_item_variance_sum", pa.float64()),
        ("pairwise_total_variance", pa.float64()),
    ]
)
CELL_MOMENTS = pa.schema(
    [
        ("cycle_id", pa.string()),
        ("service_id", pa.string()),
        ("perspective_id", pa.string()),
        ("item_count", pa.int64()),
        ("item_variance", pa.float64()),
        ("within_covariance", pa.float64()),
        ("rest_item_count", pa.int64()),
        ("rest_item_variance", pa.float64()),
        ("rest_within_covariance", pa.float64()),
        ("between_covariance", pa.float64()),
        ("inter_item_correlation", pa.float64()),
    ]
)
ITEM_PAIRS = pa.schema(
    [
        ("cycle_id", pa.string()),
        ("set_type", pa.string()),
        ("set_id", pa.string()),
        ("component_number", pa.int32()),
        ("other_component_number", pa.int32()),
        ("rater_count", pa.int64()),
        ("straight_lining_count", pa.int64()),
        ("complete_count", pa.int64()),
        ("complete_sum", pa.int64()),
        ("complete_product_sum", pa.int64()),
        ("pair_count", pa.int64()),
        ("pair_sum", pa.int64()),
        ("pair_product_sum", pa.int64()),
        ("parts_per_point", pa.int32()),
    ]
)
PERSONS = 16_384  # at a time: what fits a processor's cache is added up in half the time
ALL_ITEMS = "all"
"""set_type and set_id of the set that has every item."""


def item_pairs(people: Iterable[pa.RecordBatch], *, item_sets: pd.DataFrame) -> pa.Table:
    """Return ITEM_PAIRS, a row per set and two of its items, either way round, each with itself.

    `people`: ratings_by_item, some PERSONS at a time. `item_sets`: design_item_sets of a cycle;
    beside its sets there is one of all items. Whole numbers: those of two parts of the people add
    up to those of all, and of nobody there is no row.
    """
    sets = [_SetSums.of_items(items) for items in sets_of(_with_all_items(item_sets)).values()]
    parts_per_point = None
    for batch in people:
        if not len(batch):
            continue
        parts_per_point = batch["parts_per_point"][0].as_py()
        is_straight_lining = batch["is_straight_lining"].to_numpy(zero_copy_only=False)
        for of_set in sets:
            of_set.add(ratings_of(batch, of_set.items["item_column"].to_list()), is_straight_lining)
    if parts_per_point is None:
        return ITEM_PAIRS.empty_table()
    found = pd.concat([of_set.pairs() for of_set in sets]).assign(parts_per_point=parts_per_point)
    return pa.Table.from_pandas(found, schema=ITEM_PAIRS, preserve_index=False)


def _with_all_items(item_sets: pd.DataFrame) -> pd.DataFrame:
    of_services = item_sets[item_sets["set_type"] == "service"]  # each item is of one
    return pd.concat([item_sets, of_services.assign(set_type=ALL_ITEMS, set_id=ALL_ITEMS)])


def set_moments(pairs: pd.DataFrame, *, item_sets: pd.DataFrame) -> pa.Table:
    """Return SET_MOMENTS, a row per set and item (Cronbach 1951; method.md 9).

    `pairs`: ITEM_PAIRS of a cycle. `item_sets`: design_item_sets of it. Over who answered all of a
    set, and pair by pair over who rated both (what R's psych::alpha computes from): where answers
    are missing here and there these are not the same.
    """
    found = [SET_MOMENTS.empty_table()]
    for (set_type, set_id), items in sets_of(item_sets).items():
        of_set = pairs[(pairs["set_type"] == set_type) & (pairs["set_id"] == set_id)]
        complete = ItemSums.of_pairs(of_set, items["component_number"], "complete")
        of_complete = complete.covariances(_parts_per_point(pairs))
        of_pairs = ItemSums.of_pairs(of_set, items["component_number"], "pair")
        pairwise = of_pairs.covariances(_parts_per_point(pairs))
        table = items.assign(
            item_count=len(items),
            rater_count=of_set["rater_count"].max() if len(of_set) else 0,
            straight_lining_count=of_set["straight_lining_count"].max() if len(of_set) else 0,
            respondent_count=np.diagonal(complete.counts).astype(np.int64),
            item_variance=np.diagonal(of_complete),
            total_variance=of_complete.sum(),
            item_total_covariance=of_complete.sum(axis=1),
            is_every_pair_rated=bool(~np.isnan(pairwise).any()),
            pairwise_item_variance_sum=np.nansum(np.diagonal(pairwise)),
            pairwise_total_variance=np.nansum(pairwise),
        )
        found.append(pa.Table.from_pandas(table, schema=SET_MOMENTS, preserve_index=False))
    return pa.concat_tables(found)


def cell_moments(pairs: pd.DataFrame, *, items: pd.DataFrame) -> pa.Table:
    """Return CELL_MOMENTS, a row per perspective of a service: its items and all the others.

    `pairs` as for set_moments. `items`: those of design_components of a cycle. Each is a mean over
    the items, or the pairs of items, that two persons rated.
    """
    of_all = pairs[pairs["set_type"] == ALL_ITEMS]
    sums = ItemSums.of_pairs(of_all, items["component_number"], "pair")
    covariances = sums.covariances(_parts_per_point(pairs))
    variances = np.diagonal(covariances)
    keys = ["cycle_id", "service_id", "perspective_id"]
    cells = items[keys].drop_duplicates().sort_values(keys)
    cell = items.groupby(keys, sort=True).ngroup().to_numpy()
    is_pair = ~np.eye(len(items), dtype=bool)
    of_one_cell = is_pair & np.equal.outer(cell, cell)
    with np.errstate(divide="ignore", invalid="ignore"):
        correlations = covariances / np.sqrt(np.outer(variances, variances))
    found = []
    for number, key in enumerate(cells.to_dict("records")):
        own, rest = np.equal(cell, number), np.not_equal(cell, number)
        found.append(
            {
                **key,
                "item_count": int(own.sum()),
                "item_variance": _mean(variances[own]),
                "within_covariance": _mean(covariances[np.outer(own, own) & is_pair]),
                "rest_item_count": int(rest.sum()),
                "rest_item_variance": _mean(variances[rest]),
                "rest_within_covariance": _mean(covariances[np.outer(rest, rest) & is_pair]),
                "between_covariance": _mean(covariances[np.outer(own, rest)]),
                "inter_item_correlation": _mean(
                    correlations[of_one_cell if of_one_cell.any() else is_pair]
                ),
            }
        )
    return pa.Table.from_pylist(found, schema=CELL_MOMENTS)


def _parts_per_point(pairs: pd.DataFrame) -> int:
    """Return it; 1 of nobody's pairs, which have no covariance."""
    return int(pairs["parts_per_point"].iloc[0]) if len(pairs) else 1


def _mean(values: Floats) -> float | None:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else None


@dataclass
class ItemSums:
    """What covariances are made of, items x items, each over the persons who rated both.

    `counts`: how many they are. `sums`: of the row's item. `products`: of both items' ratings.
    """

    counts: Floats
    sums: Floats
    products: Floats

    @classmethod
    def of_items(cls, item_count: int) -> "ItemSums":
        """Return the sums over nobody."""
        return cls(*np.zeros((3, item_count, item_count)))

    def add(self, ratings: Floats) -> None:
        """Add persons: `ratings` as ratings_of gives them."""
        is_there = (~np.isnan(ratings)).astype(np.float64)
        values = np.where(is_there, ratings, 0.0)
        self.counts += is_there.T @ is_there
        self.sums += values.T @ is_there
        self.products += values.T @ values

    @classmethod
    def of_pairs(cls, pairs: pd.DataFrame, items: Iterable[int], whom: str) -> "ItemSums":
        """Return the sums that rows of ITEM_PAIRS of a set have, items in this order.

        `whom`: `complete` or `pair`, the columns' first word.
        """
        numbers = list(items)
        sums = cls.of_items(len(numbers))
        place = pd.Series(range(len(numbers)), index=numbers)
        at = (
            place[pairs["component_number"]].to_numpy(),
            place[pairs["other_component_number"]].to_numpy(),
        )
        sums.counts[at] = pairs[f"{whom}_count"]
        sums.sums[at] = pairs[f"{whom}_sum"]
        sums.products[at] = pairs[f"{whom}_product_sum"]
        return sums

    def covariances(self, parts_per_point: float) -> Floats:
        """Return the sample covariances on 1-4, items x items, NaN over fewer than two persons."""
        known = np.where(self.counts > 1, self.counts, np.nan)
        in_parts = (self.products - self.sums * self.sums.T / known) / (known - 1)
        covariances: Floats = in_parts / parts_per_point**2
        return covariances


@dataclass
class _SetSums:
    """What is added up of the `items` of a set: over who rated all of them, and pair by pair."""

    items: pd.DataFrame
    complete: ItemSums
    pairwise: ItemSums
    rater_count: int = 0
    straight_lining_count: int = 0

    @classmethod
    def of_items(cls, items: pd.DataFrame) -> "_SetSums":
        return cls(items, ItemSums.of_items(len(items)), ItemSums.of_items(len(items)))

    def add(self, ratings: Floats, is_straight_lining: Bools) -> None:
        is_missing = np.isnan(ratings)
        is_rater = ~is_missing.all(axis=1)
        self.rater_count += int(np.count_nonzero(is_rater))
        self.straight_lining_count += int(np.count_nonzero(is_rater & is_straight_lining))
        self.complete.add(ratings[~is_missing.any(axis=1)])
        self.pairwise.add(ratings)

    def pairs(self) -> pd.DataFrame:
        """Return ITEM_PAIRS of the set, without parts_per_point."""
        count = len(self.items)
        numbers = self.items["component_number"].to_numpy()
        rows = self.items.iloc[np.repeat(np.arange(count), count)]
        found = rows[["cycle_id", "set_type", "set_id", "component_number"]].assign(
            other_component_number=np.tile(numbers, count),
            rater_count=self.rater_count,
            straight_lining_count=self.straight_lining_count,
        )
        for whom, sums in (("complete", self.complete), ("pair", self.pairwise)):
            found[f"{whom}_count"] = sums.counts.ravel().astype(np.int64)
            found[f"{whom}_sum"] = sums.sums.ravel().astype(np.int64)
            found[f"{whom}_product_sum"] = sums.products.ravel().astype(np.int64)
        return found


def ratings_of(people: pa.RecordBatch, item_columns: Sequence[str]) -> Floats:
    """Return these columns of ratings_by_item, persons x items, NaN for no rating."""
    columns = [people[name].cast(pa.float64()) for name in item_columns]
    # By item in memory, as they come: writing them by person takes longer.
    return np.array([column.to_numpy(zero_copy_only=False) for column in columns]).T


def sets_of(item_sets: pd.DataFrame) -> Mapping[tuple[str, str], pd.DataFrame]:
    """Return the items of each set (design_item_sets) by set_type and set_id, by number."""
    ordered = item_sets.sort_values(["set_type", "set_id", "component_number"])
    keys = list(zip(ordered["set_type"], ordered["set_id"], strict=True))
    return {
        key: ordered[(ordered["set_type"] == key[0]) & (ordered["set_id"] == key[1])]
        for key in dict.fromkeys(keys)
    }
