"""What the publication says of scores, each as a range that a known linear combination lies in.

Belongs here: reading every published table for what it says beyond the shown scores. A figure that
follows from those (to `SAME`) says nothing new; any other is a figure of its own, at full precision
unless the table has a `score_step`.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from tests.privacy.attacker.known import INDEX, Component, Cycle, Domain

SAME = 1e-9
FULL_PRECISION = 1e-10
SCORES_OF_SCORES = ("unit_median", "equal_level")


@dataclass(frozen=True)
class Figure:
    """A published score: a cell's, in a weighting mode, on a tree, between low and high."""

    cycle_id: str
    domain: Domain
    component: Component
    mode: str
    tree: str
    low: float
    high: float
    source: str
    error: tuple[float, float] | None = None
    """Its published standard error, and half the width of that figure's rounding."""

    def of_side(self, side: int) -> "Figure":
        """The figure as one of two publications': of its own weights and tree."""
        return replace(self, mode=f"{self.mode}@{side}", tree=f"{self.tree}@{side}")


@dataclass
class Published:
    """All figures of a publication, and which cells are hidden in it."""

    figures: list[Figure] = field(default_factory=list)
    hidden: dict[str, set[tuple[Domain, Component]]] = field(default_factory=dict)
    sources: Counter[str] = field(default_factory=Counter)
    """How many figures each table adds."""
    unexplained: Counter[str] = field(default_factory=Counter)
    """Figures over several domains that do not follow from shown scores, by table and column."""


def read_published(path: Path, cycles: dict[str, Cycle]) -> Published:
    """Return what a published DuckDB file says of these cycles."""
    with duckdb.connect(str(path), read_only=True) as connection:
        tables = {
            name: connection.execute(f'from "{name}"').df()
            for (name,) in connection.execute(
                "select table_name from duckdb_tables() where table_name like 'idx_%'"
            ).fetchall()
        }
    tables = {
        name: table[
            table[[key for key in ("cycle_id", "previous_cycle_id") if key in table]]
            .isin(list(cycles))
            .any(axis=1)
        ].reset_index(drop=True)
        for name, table in tables.items()
    }
    reader = _Reader(cycles, tables)
    reader.read()
    return reader.published


class _Reader:
    def __init__(self, cycles: dict[str, Cycle], tables: dict[str, pd.DataFrame]) -> None:
        self.cycles = cycles
        self.tables = tables
        self.published = Published(hidden={cycle_id: set() for cycle_id in cycles})
        self.shown: dict[tuple[str, str, Domain, Component], tuple[float, float]] = {}

    def read(self) -> None:
        self._scores()
        self._repeated("idx_rankings", "score")
        self._repeated("idx_peers", "score")
        self._repeated("idx_priorities", "score")
        self._repeated("idx_targets", "score")
        self._repeated("idx_small_areas", "direct_score")
        self._repeated("idx_expectations", "score")
        self._self_gaps()
        self._coverage()
        self._changes()
        self._overlaps()
        self._differences()
        self._orders()
        self._evenness()
        self._middles()

    def _add(
        self,
        cycle_id: str,
        domain: Domain,
        component: Component,
        mode: str,
        tree: str,
        value: float,
        half: float,
        source: str,
        error: tuple[float, float] | None = None,
    ) -> None:
        half = max(half, FULL_PRECISION)
        self.published.figures.append(
            Figure(
                cycle_id, domain, component, mode, tree, value - half, value + half, source, error
            )
        )
        self.published.sources[source] += 1

    def _scores(self) -> None:
        table = self.tables["idx_scores"]
        self.errors = table.assign(score_step=table.get("score_step", np.nan))
        for row in _rows(table):
            if row["domain_type"] in SCORES_OF_SCORES:
                continue
            domain, component, mode = _domain(row), _component(row), row["weighting_mode"]
            value, half = row.get("score"), _half(row)
            if _no(value):
                if row.get("is_suppressed") is True:
                    self.published.hidden[row["cycle_id"]].add((domain, component))
                # A figure beside a blank score would tell it all the same.
                value = row["score_100"] / 25 if not _no(row.get("score_100")) else None
                if _no(value):
                    continue
            self.shown[row["cycle_id"], mode, domain, component] = (value, half)
            error = None
            if not _no(row.get("se")):
                error = (row["se"], self._half_of_errors(row.get("score_step")))
            self._add(
                row["cycle_id"], domain, component, mode, "own", value, half, "idx_scores", error
            )
            if not _no(row.get("score_100")) and abs(row["score_100"] / 25 - value) > SAME:
                self._add(
                    row["cycle_id"],
                    domain,
                    component,
                    mode,
                    "own",
                    row["score_100"] / 25,
                    0.0005,
                    "idx_scores.score_100",
                )
            low, high = row.get("ci_low"), row.get("ci_high")
            if half > FULL_PRECISION and not (_no(low) or _no(high)) and low > 1 and high < 4:
                middle = (low + high) / 2
                if row.get("ci_method") == "wilson":
                    middle = _middle_of_wilson(low, high)
                # Of a rounded score made an interval: two decimals. Else it is the unrounded one's.
                if SAME < abs(middle - value) <= half and round(low, 4) != low:
                    self._add(
                        row["cycle_id"],
                        domain,
                        component,
                        mode,
                        "own",
                        middle,
                        0.0,
                        "idx_scores.ci",
                    )
        # A cell that one mode shows is no hidden one.
        for cycle_id, _, domain, component in self.shown:
            self.published.hidden[cycle_id].discard((domain, component))

    @cache  # noqa: B019  # of one reading
    def _half_of_errors(self, step: float | None) -> float:
        """Half the grid that standard errors beside scores of this step lie on."""
        of_step = self.errors["score_step"]
        errors = self.errors.loc[of_step.isna() if step is None else of_step == step, "se"]
        errors = errors.dropna().to_numpy(dtype=float)
        for grid in (0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.001, 0.0001):
            if (abs(errors / grid - np.rint(errors / grid)) < 1e-6).all():
                return grid / 2 + FULL_PRECISION
        return FULL_PRECISION

    def _repeated(self, name: str, column: str) -> None:
        """Scores that a further table repeats: new where they differ from the shown ones."""
        table = self.tables.get(name)
        if table is None or column not in table:
            return
        for row in _rows(table):
            value = row[column]
            if _no(value):
                continue
            self._compare(row, _domain(row), _component(row), value, _half(row), name)

    def _compare(
        self,
        row: dict,
        domain: Domain,
        component: Component,
        value: float,
        half: float,
        source: str,
        *,
        cycle_id: str = "",
    ) -> None:
        cycle_id, mode = cycle_id or row["cycle_id"], row["weighting_mode"]
        known = self.shown.get((cycle_id, mode, domain, component))
        if known is not None and abs(known[0] - value) <= SAME and known[1] <= half + SAME:
            return
        if known is not None and abs(known[0] - value) <= SAME:
            return  # the shown score again, whose step stands in idx_scores
        self._add(cycle_id, domain, component, mode, "own", value, half, source)

    def _self_gaps(self) -> None:
        table = self.tables.get("idx_self_gaps")
        for row in _rows(table):
            component = _component(row)
            if not _no(row["self_score"]):
                self._compare(
                    row, _domain(row), component, row["self_score"], _half(row), "idx_self_gaps"
                )
            if not _no(row["score"]):
                level = ("provider_level", row["provider_level_id"])
                self._compare(row, level, component, row["score"], _half(row), "idx_self_gaps")

    def _coverage(self) -> None:
        """Effective coverage is G (score - 1) / 3, with G = A C known from the counts.

        Of the shown score or of the true one? Where a single row does not follow from shown ones,
        none does.
        """
        rows: list[tuple[dict, float, float]] = []
        follows = True
        for row in _rows(self.tables.get("idx_coverage")):
            key = (row["weighting_mode"], _domain(row), _component(row))
            share = self.cycles[row["cycle_id"]].use_shares.get((*key[1:], key[0]))
            coverage = row.get("effective_coverage")
            if _no(coverage) or not share:
                continue
            known = self.shown.get((row["cycle_id"], *key))
            half = _half_beside(coverage, known)
            rows.append((row, share, half))
            follows &= (
                known is not None
                and abs(share * (known[0] - 1) / 3 - coverage) <= max(half, 1e-9) + 1e-7
            )
        if follows:
            return
        for row, share, half in rows:
            self._add(
                row["cycle_id"],
                _domain(row),
                _component(row),
                row["weighting_mode"],
                "own",
                1 + 3 * row["effective_coverage"] / share,
                3 * (half + 1e-9) / share,
                "idx_coverage",
            )

    def _changes(self) -> None:
        table = self.tables.get("idx_changes")
        for row in _rows(table):
            domain, component = _domain(row), _component(row)
            sides = (
                (row["cycle_id"], row.get("score"), row.get("score_step")),
                (
                    row["previous_cycle_id"],
                    row.get("score_previous"),
                    row.get("score_previous_step"),
                ),
            )
            for cycle_id, value, step in sides:
                if _no(value) or cycle_id not in self.cycles:
                    continue
                known = self.shown.get((cycle_id, row["weighting_mode"], domain, component))
                same_tree = self._same_tree(cycle_id, row["cycle_id"], component)
                digits = _decimals(value)
                if (
                    known is not None
                    and digits <= 3
                    and same_tree
                    and (abs(known[0] - value) <= 0.5 * 10**-digits + SAME)
                ):
                    continue  # the shown score again, or rounded further
                if known is not None and abs(known[0] - value) <= SAME:
                    if same_tree:
                        continue
                    if known[1] > FULL_PRECISION:  # equal only by rounding
                        half = known[1] if _no(step) else step / 2
                        self._add(
                            cycle_id,
                            domain,
                            component,
                            row["weighting_mode"],
                            row["cycle_id"],
                            value,
                            half,
                            "idx_changes",
                        )
                        continue
                half = 0.0 if _no(step) else step / 2
                if _no(step) and known is not None and known[1] > 2 * FULL_PRECISION:
                    half = _half_beside(value, known)
                self._add(
                    cycle_id,
                    domain,
                    component,
                    row["weighting_mode"],
                    row["cycle_id"],
                    value,
                    half,
                    "idx_changes",
                )
            if not _no(row.get("delta")) and (_no(sides[0][1]) or _no(sides[1][1])):
                self.published.unexplained["idx_changes.delta without scores"] += 1

    def _overlaps(self) -> None:
        """Who answered both cycles: told of many alone, not of a few by their change's error."""
        table = self.tables.get("idx_changes")
        if table is None or "overlap_count" not in table:
            return
        count = table["overlap_count"].astype(float)
        least = max(cycle.min_cell_n for cycle in self.cycles.values())
        is_few = (count > 0) & (count < least)
        self._note("idx_changes.overlap_count", int((is_few | (count % 5 > 0)).sum()))
        told = (table["se"].astype(float) - table["se_independent"].astype(float)).abs() > SAME
        self._note("idx_changes.se of a few in both", int((told & ~(count >= least)).sum()))

    def _same_tree(self, cycle_id: str, later: str, component: Component) -> bool:
        cycle = self.cycles[cycle_id]
        if later not in cycle.trees:
            return False
        everything = frozenset(cycle.items)
        own = cycle.trees["own"].shares(everything)
        shared = cycle.trees[later].shares(everything)
        return own.get(component) == shared.get(component)

    def _differences(self) -> None:
        """Differences that are not those of the scores beside them, which are judged above."""
        for name, difference, of, less in (
            ("idx_changes", "delta", "score", "score_previous"),
            ("idx_self_gaps", "gap", "self_score", "score"),
            ("idx_peers", "difference_from_median", "score", "median_score"),
            ("idx_peers", "difference_from_upper_quartile", "score", "upper_quartile_score"),
            ("idx_targets", "difference", "score", "target_score"),
            ("idx_expectations", "gap", "score", "expectation"),
        ):
            table = self.tables.get(name)
            if table is None or difference not in table:
                continue
            told = table[difference].astype(float)
            unexplained = told.notna() & ~(
                (table[of].astype(float) - table[less].astype(float) - told).abs() <= SAME
            )
            self._note(f"{name}.{difference}", int(unexplained.sum()))

    def _orders(self) -> None:
        """Ranks that do not follow from the scores beside them."""
        for name, rank, descending, keys in (
            ("idx_rankings", "unit_rank", True, ["unit_level_id", "unit_type", "service_id"]),
            ("idx_priorities", "lowest_rank", False, ["domain_id"]),
        ):
            table = self.tables.get(name)
            if table is None or rank not in table:
                continue
            table = table[table[rank].notna() & table["score"].notna()]
            groups = table.groupby(["cycle_id", "weighting_mode", *keys], dropna=False)
            for _, group in groups:
                ordered = group.sort_values(rank)
                steps = np.diff(ordered["score"].to_numpy(dtype=float))
                steps = -steps if descending else steps
                self._note(f"{name}.{rank}", int((steps < -SAME).sum()))
                names = ordered["perspective_id" if rank == "lowest_rank" else "domain_id"]
                ties = (abs(steps) <= SAME) & (np.diff(ordered[rank].to_numpy(dtype=float)) > 0)
                wrong = ties & (names.to_numpy()[1:] < names.to_numpy()[:-1])
                self._note(f"{name}.{rank} of equal scores", int(wrong.sum()))

    def _note(self, what: str, count: int) -> None:
        if count:
            self.published.unexplained[what] += count

    def _evenness(self) -> None:
        """Measures that the shown scores do not give."""
        levels = {}
        with_types = self.tables.get("idx_rankings")
        if with_types is not None:
            levels = dict(zip(with_types["domain_id"], with_types["unit_level_id"], strict=True))
        members: dict[tuple[str, str, str], list[float]] = {}
        for (cycle_id, mode, (kind, domain_id), component), (value, _) in self.shown.items():
            if component == INDEX:
                betweens = {"provider_region": ["regions"], "provider_unit": ["units"]}.get(
                    kind, [kind]
                )
                if kind == "provider_unit" and domain_id in levels:
                    betweens = [*betweens, f"units_{levels[domain_id]}"]
                for between in betweens:
                    members.setdefault((cycle_id, mode, between), []).append(value)
        for row in _rows(self.tables.get("idx_evenness")):
            scores = members.get((row["cycle_id"], row["weighting_mode"], row["between"]))
            if not scores:
                self._note("idx_evenness without shown scores", 1)
                continue
            expected = {
                "range": max(scores) - min(scores),
                "min_max_ratio": min(scores) / max(scores),
                "cv": float(np.std(scores, ddof=1) / np.mean(scores)) if len(scores) > 1 else None,
            }.get(row["measure"])
            if expected is not None and abs(expected - row["value"]) > 1e-7:
                self._note(f"idx_evenness.{row['measure']}", 1)
            if (
                row["measure"] == "mean"
                and not min(scores) - SAME <= row["value"] <= max(scores) + SAME
            ):
                self._note("idx_evenness.mean", 1)

    def _middles(self) -> None:
        """The mean of the levels and the median of the units: of the shown ones, or new."""
        for row in _rows(self.tables["idx_scores"]):
            kind = {"equal_level": "provider_level", "unit_median": "provider_unit"}.get(
                row["domain_type"]
            )
            if kind is None or _no(row["score"]):
                continue
            scores = [
                value
                for (cycle_id, mode, domain, component), (value, _) in self.shown.items()
                if cycle_id == row["cycle_id"]
                and mode == row["weighting_mode"]
                and domain[0] == kind
                and component == ("", "", "")
            ]
            middle = np.mean if row["domain_type"] == "equal_level" else np.median
            if scores and abs(middle(scores) - row["score"]) > max(_half(row), SAME):
                self.published.unexplained[f"idx_scores {row['domain_type']}"] += 1


def _rows(table: pd.DataFrame | None) -> Iterator[dict]:
    if table is None:
        return
    columns = list(table.columns)
    for values in (
        table.astype(object).where(table.notna(), None).itertuples(index=False, name=None)
    ):
        yield dict(zip(columns, values, strict=True))


def _no(value: object) -> bool:
    return value is None


def _middle_of_wilson(low: float, high: float) -> float:
    """The score that a Wilson interval is of, whatever its size n* and the quantile t.

    Its ends, as shares, are the roots of (x - p)^2 = t^2 / n* x (1 - x): their product is p^2 /
    (1 + c), their sum (2 p + c) / (1 + c), with c = t^2 / n*.
    """
    low, high = (low - 1) / 3, (high - 1) / 3
    ratio = (low + high - 1) / (low * high)
    return 1 + 3 / (1 + float(np.sqrt(max(1 - ratio, 0))))


def _half(row: dict) -> float:
    step = row.get("score_step")
    return FULL_PRECISION if _no(step) else float(step) / 2 + FULL_PRECISION


def _half_beside(value: float, known: tuple[float, float] | None) -> float:
    """Half the grid of a figure beside a shown score: the score's step, where it lies on it."""
    if known is not None and known[1] > 2 * FULL_PRECISION:
        step = 2 * (known[1] - FULL_PRECISION)
        if abs(value / step - round(value / step)) < 1e-6:
            return step / 2
    digits = _decimals(value)
    if known is None and digits <= 2:
        return 0.05 if digits == 1 else 0.005
    return FULL_PRECISION


def _domain(row: dict) -> Domain:
    return (row["domain_type"], row["domain_id"])


def _component(row: dict) -> Component:
    return tuple(row.get(name) or "" for name in ("service_id", "perspective_id", "item_id"))


def _decimals(value: float) -> int:
    text = f"{value:.12f}".rstrip("0")
    return len(text.split(".")[1])
