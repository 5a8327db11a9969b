"""Counts that a reader can work out: answers behind hidden cells, and who answered of a few.

Belongs here: published counts as sums of each other. Worst-case readers know them all (known.py);
this is for those who don't.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from tests.privacy.attacker.known import (
    HEADLINE_ROLE,
    INDEX,
    Component,
    Cycle,
    Domain,
)

Floats = NDArray[np.float64]
Cell = tuple[Domain, Component]
ROUNDS = 60
FEW = 9  # fewer than min_cell_n, 10
HAIR = 0.01  # what bounds of 1e12 leave of a sum


@dataclass(frozen=True)
class Count:
    """A hidden count that follows from published ones."""

    cycle_id: str
    cell: Cell
    claimed: int
    truth: int


def hidden_answer_counts(published: Path, cycles: dict[str, Cycle]) -> list[Count]:
    """Return the answer counts of hidden cells that sums of published ones leave one value for."""
    with duckdb.connect(str(published), read_only=True) as connection:
        rows = connection.execute(
            """
            select cycle_id, domain_type, domain_id, coalesce(service_id, ''),
                coalesce(perspective_id, ''), coalesce(item_id, ''),
                coalesce(max(answer_count) filter (score_step is null), max(answer_count)),
                bool_and(score_step is not null) filter (answer_count is not null),
                bool_or(null_reason = 'suppressed')
            from idx_scores where domain_type not in ('equal_level', 'unit_median')
            group by all
            """
        ).fetchall()
    found = []
    for cycle in cycles.values():
        of_cycle = {
            ((row[1], row[2]), tuple(row[3:6])): row[6:] for row in rows if row[0] == cycle.cycle_id
        }
        found += _of_cycle(
            cycle,
            shown={cell: count for cell, (count, _, _) in of_cycle.items()},
            rounded={cell for cell, (_, is_rounded, _) in of_cycle.items() if is_rounded},
            few={cell for cell, (_, _, is_few) in of_cycle.items() if is_few},
        )
    return found


def _of_cycle(
    cycle: Cycle, *, shown: dict[Cell, int | None], rounded: set[Cell], few: set[Cell]
) -> list[Count]:
    cells = list(shown)
    number = {cell: position for position, cell in enumerate(cells)}
    # A hidden row may be one that nobody answered.
    low = np.array([0.0 if shown[cell] is None else shown[cell] for cell in cells])
    high = np.array([np.inf if shown[cell] is None else shown[cell] for cell in cells])
    is_rounded = np.array([cell in rounded for cell in cells])  # to five
    low[is_rounded] -= 2
    high[is_rounded] += 2
    # null_reason says that few are behind it: each answers an item about a unit once.
    is_few_answers = np.array(
        [cell in few and cell[0][0] == "provider_unit" and cell[1][2] != "" for cell in cells]
    )
    high[is_few_answers] = FEW
    equations = [
        (number[whole], [number[part] for part in parts], has_rest)
        for whole, parts, has_rest in _sums(cycle, cells)
    ]
    low, high = _propagate(equations, low, high)
    truth = _truth(cycle)
    wrong = [
        cell
        for cell, position in number.items()
        if not low[position] - HAIR <= truth.get(cell, 0) <= high[position] + HAIR
    ]
    assert not wrong, f"the attacker's bounds leave out what is true of {len(wrong)} cells"
    return [
        Count(cycle.cycle_id, cell, round(low[position]), truth.get(cell, 0))
        for cell, position in number.items()
        if shown[cell] is None and high[position] - low[position] < HAIR
    ]


def _sums(cycle: Cycle, cells: list[Cell]) -> Iterable[tuple[Cell, list[Cell], bool]]:
    """Published divisions: the whole, its parts, and whether some may be in none."""
    parts: dict[tuple[Cell, str], list[Cell]] = {}
    unit = cycle.kinds["provider_unit"]
    level_of_unit = {}
    for kind in ("provider_region_level", "provider_level"):
        of = cycle.kinds[kind]
        for position, domain_id in enumerate(unit.domain_ids):
            row = np.flatnonzero(unit.of_rating == position)[0]
            if of.of_rating[row] >= 0:
                level_of_unit[kind, domain_id] = of.domain_ids[of.of_rating[row]]
    for domain, component in cells:
        name, domain_id = domain
        wholes: list[Domain] = []
        if name == "provider_unit":
            wholes = [
                (kind, whole)
                for (kind, unit_id), whole in level_of_unit.items()
                if unit_id == domain_id
            ]
        elif name == "provider_region_level":
            region, level = domain_id.rsplit("|", 1)
            wholes = [("provider_region", region), ("provider_level", level)]
        elif name == "direction":
            wholes = [("provider_level", domain_id.rsplit(">", 1)[1])]
        elif name in (
            "provider_level",
            "provider_region",
            "recipient_category",
            *cycle.demographics,
        ):
            wholes = [("national", "national")]
        elif name == "role_provider_level":
            wholes = [("role", domain_id.split("|")[0])]
        for whole in wholes:
            parts.setdefault(((whole, component), name), []).append((domain, component))
        service, perspective, item = component
        above: list[Component] = []
        if item:
            above = [(service, perspective, "")]
        elif service and perspective:
            above = [(service, "", ""), ("", perspective, "")]
        elif service or perspective:
            above = [INDEX]
        for whole_component in above:
            kind = "perspective" if perspective and not service else "component"
            parts.setdefault(((domain, whole_component), kind), []).append((domain, component))
    known = set(cells)
    # Who is in no part is no secret: units without a region stand in dim_units.
    leaves_some = {
        (name, kind)
        for name, kind in (
            *(("national", kind) for kind in (*cycle.demographics, "provider_region")),
            ("provider_level", "provider_region_level"),
        )
        if ((cycle.kinds[name].of_rating >= 0) & (cycle.kinds[kind].of_rating < 0)).any()
    }
    for (whole, kind), of in parts.items():
        if whole in known:
            yield whole, of, (whole[0][0], kind) in leaves_some


def _propagate(
    equations: list[tuple[int, list[int], bool]], low: Floats, high: Floats
) -> tuple[Floats, Floats]:
    """Bounds of each count by the bounds of the others in its sums, until nothing moves."""
    if not equations:
        return low, high
    wholes = np.array([whole for whole, _, _ in equations])
    has_rest = np.array([rest for _, _, rest in equations])
    entry = np.repeat(np.arange(len(equations)), [len(parts) for _, parts, _ in equations])
    part = np.concatenate([parts for _, parts, _ in equations])
    add = csr_matrix((np.ones(len(part)), (entry, part)), shape=(len(equations), len(low)))
    for _ in range(ROUNDS):
        before = (low.copy(), high.copy())
        capped = np.minimum(high, 1e12)
        lows, highs = add @ low, add @ capped
        # A whole is at least its parts, and no more where nobody is left out.
        np.maximum.at(low, wholes, lows)
        np.minimum.at(high, wholes[~has_rest], highs[~has_rest])
        np.minimum.at(high, part, high[wholes][entry] - (lows[entry] - low[part]))
        least = low[wholes][entry] - (highs[entry] - capped[part])
        closed = ~has_rest[entry]
        np.maximum.at(low, part[closed], least[closed])
        if (low == before[0]).all() and (high == before[1]).all():
            break
    return low, high


def _truth(cycle: Cycle) -> dict[Cell, int]:
    found: dict[Cell, int] = {}
    items = np.array(cycle.items)
    for name, kind in cycle.kinds.items():
        within = kind.of_rating >= 0
        counts = np.bincount(
            kind.of_rating[within] * len(items) + cycle.item_of[within],
            minlength=len(kind.domain_ids) * len(items),
        ).reshape(-1, len(items))
        for component, under in cycle.components.items():
            of_component = counts[:, np.isin(items, list(under))].sum(axis=1)
            for position, domain_id in enumerate(kind.domain_ids):
                found[(name, domain_id), component] = int(of_component[position])
    return found


def participation_of_few(published: Path, *, min_cell_n: int) -> dict[str, int]:
    """Return how many figures tell who answered of fewer than `min_cell_n` staff, by how.

    Rows that show it; what is left of a stratum's or unit's sum when the shown rows are taken off.
    """
    with duckdb.connect(str(published), read_only=True) as connection:
        tables = {
            name
            for (name,) in connection.execute("select table_name from duckdb_tables()").fetchall()
        }
        if "fct_participation" not in tables:
            return {}
        rows = connection.execute(
            """
            select participation.*, units.region_id, units.unit_level_id
            from fct_participation as participation
            left join (
                select unit_id, any_value(region_id) as region_id,
                    any_value(unit_level_id) as unit_level_id
                from dim_units where is_current group by unit_id
            ) as units using (unit_id)
            """
        ).df()
        days = connection.execute("from fct_participation_days").df()
        name = "fct_participation_units"
        totals = connection.execute(f"from {name}").df() if name in tables else None
        strata = connection.execute("from fct_strata").df() if "fct_strata" in tables else None
    told = [
        name
        for name in ("respondent_count", "response_rate", "status", "shortfall")
        if name in rows
    ]
    is_few = rows["staff_count"].between(1, min_cell_n - 1)
    shows = rows[told].notna().any(axis=1)
    found = {
        "rows of a few": int((is_few & shows).sum()),
        "rows of one person": int(((rows["staff_count"] == 1) & shows).sum()),
    }
    hidden = rows[~shows & (rows["staff_count"] > 0)]
    if strata is not None:
        keys = ["cycle_id", "role_id", "region_id", "unit_level_id", "recipient_category_id"]
        if "unit_id" in strata and strata["unit_id"].notna().any():
            keys.append("unit_id")
        sums = strata[strata["respondent_count"].notna()][keys].fillna("")
        rest = hidden.assign(region_id=hidden["region_id"].fillna(""))
        rest = rest.groupby(keys)["staff_count"].sum().reset_index()
        left = rest.merge(sums, on=keys)
        found["rests of strata"] = int((left["staff_count"] < min_cell_n).sum())
    if totals is not None:
        keys = ["cycle_id", "role_id", "unit_id"]
        sums = totals[totals["respondent_count"].notna()]
        is_few_in_sum = sums["staff_count"].between(1, min_cell_n - 1)
        found["sums of a few"] = int(is_few_in_sum.sum())
        rest = hidden.groupby(keys)["staff_count"].sum().reset_index()
        left = rest.merge(sums[keys].dropna(), on=keys)
        found["rests of units"] = int((left["staff_count"] < min_cell_n).sum())
    told_days = days[days["respondent_count"].notna()]
    units = told_days[["cycle_id", "unit_id"]].drop_duplicates()
    of_role = rows[rows["role_id"] == HEADLINE_ROLE]
    staff = of_role.groupby(["cycle_id", "unit_id"])["staff_count"].sum().reset_index()
    few = units.merge(staff, on=["cycle_id", "unit_id"])
    found["units of a few by day"] = int(few["staff_count"].between(1, min_cell_n - 1).sum())
    rest = hidden[hidden["role_id"] == HEADLINE_ROLE]
    rest = rest.groupby(["cycle_id", "unit_id"])["staff_count"].sum().reset_index()
    left = rest.merge(units, on=["cycle_id", "unit_id"])
    found["rests of units by day"] = int((left["staff_count"] < min_cell_n).sum())
    return found
