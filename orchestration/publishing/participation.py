"""Which counts of those who answered must be hidden, so that nobody's silence or answer is told.

Belongs here: the rule (method.md 10) as a pure function, a frame in and a frame out. Doesn't:
reading the warehouse (disclosure_participation_verdicts), the published rows
(shown_participation...).

A row is a unit, a category and a role of a cycle. Published are counts of rows, of units (all
categories), of final strata (all units of theirs) and of a role in the nation. A row of fewer than
`min_cell_n` staff is hidden; so are a unit and a stratum of fewer, and what is left of each
published sum after the shown rows are taken out must be nobody or `min_cell_n`. Hidden units are
told together, by region and level where they are enough there.

Where strata are by unit, nearly every row is a stratum of its own: told beside, they would cost
most units their totals. So they are told only where all their rows are, and tell nothing new.

Whoever draws a line from its unit to its stratum for every hidden row sees the sums as the nodes of
a graph. A row follows from the sums exactly where its line is a bridge of that graph: where no
circle of lines leads back, along which some could be more and others less.
"""

from collections.abc import Iterator, Sequence

import networkx as nx
import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

ROW = ["unit_id", "recipient_category_id"]
REST = ""  # the group of hidden units, or strata, that are too few anywhere else

# Written out, because the columns of a frame without rows have no types.
PARTICIPATION_VERDICTS = pa.schema(
    [
        (column, pa.string())
        for column in ("cycle_id", "role_id", "unit_id", "recipient_category_id", "stratum_id")
    ]
    + [
        ("is_hidden", pa.bool_()),
        ("unit_group", pa.string()),
        ("is_told", pa.bool_()),
        ("is_stratum_hidden", pa.bool_()),
    ]
)

Bools = NDArray[np.bool_]


def cycle_verdicts(
    rows: pd.DataFrame, *, units: pd.DataFrame, strata: pd.DataFrame, settings: pd.DataFrame
) -> pa.Table:
    """Return PARTICIPATION_VERDICTS: the rows of a cycle with what is hidden of each.

    `rows`: participation_by_category. `units`: design_units. `strata`: weights_strata. `settings`:
    design_settings. All of one cycle.
    """
    rows = rows.merge(units[["unit_id", "region_id", "unit_level_id"]], on="unit_id")
    rows["place"] = rows["region_id"].fillna("") + "|" + rows["unit_level_id"]
    rows["base_stratum_id"] = rows["place"] + "|" + rows["recipient_category_id"]
    is_by_unit = bool(strata["unit_id"].notna().any())
    if is_by_unit:
        rows["base_stratum_id"] += "|" + rows["unit_id"]
    keys = ["role_id", "base_stratum_id"]
    rows = rows.merge(strata[[*keys, "stratum_id"]], on=keys)
    # Without a frame, at least those who answered could have.
    rows["size"] = rows[["staff_count", "respondent_count"]].max(axis=1)
    judged = [
        participation_verdicts(
            of_role, min_cell_n=int(settings["min_cell_n"].iloc[0]), is_by_unit=is_by_unit
        )
        for _, of_role in rows.groupby("role_id")
    ]
    none = pd.DataFrame(columns=PARTICIPATION_VERDICTS.names)
    frame = pd.concat([none, *judged], ignore_index=True)
    return pa.Table.from_pandas(frame, schema=PARTICIPATION_VERDICTS, preserve_index=False)


def participation_verdicts(
    rows: pd.DataFrame, *, min_cell_n: int, is_by_unit: bool = False
) -> pd.DataFrame:
    """Return the rows of one cycle and role with what is hidden of each.

    `rows`: the columns of ROW, `place` (region and level of the unit), `stratum_id`, and `size`,
    how many could have answered. `is_by_unit`: strata are told only by their rows. Added:
    `is_hidden`; `unit_group`, NULL where the unit's total is shown, else the place, or REST, with
    whose hidden units it is told; `is_told`, whether they are enough for that, or its own total is
    shown; `is_stratum_hidden`.
    """
    rows = rows.sort_values(["size", *ROW], ignore_index=True)
    hiding = _Hiding(rows, min_cell_n, tells_strata=not is_by_unit)
    hiding.complete()
    if is_by_unit:
        has_hidden = pd.Series(hiding.is_hidden).groupby(rows["stratum_id"]).any()
        hiding.strata = dict(~has_hidden)
    groups = [
        None if hiding.units[unit] else hiding.group_of(place)
        for unit, place in zip(hiding.rows["unit_id"], hiding.rows["place"], strict=True)
    ]
    unit_group = pd.Series(groups, dtype=object)
    group_size = hiding.rows["size"].groupby(unit_group).transform("sum")
    return hiding.rows.assign(
        is_hidden=hiding.is_hidden,
        unit_group=unit_group,
        is_told=unit_group.isna() | (group_size >= min_cell_n),
        is_stratum_hidden=[not hiding.strata[stratum] for stratum in hiding.rows["stratum_id"]],
    )


class _Hiding:
    """Hides rows, units and strata, the smallest first, until no sum tells on a small row."""

    def __init__(self, rows: pd.DataFrame, min_cell_n: int, *, tells_strata: bool) -> None:
        self.rows = rows
        self._needed = min_cell_n
        self._size = rows["size"].to_numpy()
        self._unit_size = rows.groupby("unit_id")["size"].sum()
        self._stratum_size = rows.groupby("stratum_id")["size"].sum()
        self._place = rows.groupby("unit_id")["place"].first()
        self.is_hidden: Bools = self._size < min_cell_n
        # Whether the total of each is shown.
        self.units = dict(self._unit_size >= min_cell_n)
        self.strata = dict((self._stratum_size >= min_cell_n) & tells_strata)
        self._joined_places: set[str] = set()

    def complete(self) -> None:
        """Hide until every rule holds; each step hides something more, so that it ends."""
        while (
            self._hide_a_unit()
            or self._hide_a_stratum()
            or self._hide_rows()
            or self._close_bridge()
        ):
            pass

    def group_of(self, place: str) -> str:
        """Return with which hidden units those of a place are told."""
        return REST if place in self._joined_places else place

    def _hide_a_unit(self) -> bool:
        """Let each group of hidden units be large enough, with others of its place or elsewhere."""
        hidden = [unit for unit, is_shown in self.units.items() if not is_shown]
        sizes: dict[str, int] = {}
        for unit in hidden:
            group = self.group_of(self._place[unit])
            sizes[group] = sizes.get(group, 0) + int(self._unit_size[unit])
        for group, size in sorted(sizes.items()):
            if size >= self._needed:
                continue
            if group != REST:
                if not self._hide_smallest_unit({group}):
                    self._joined_places.add(group)
                return True
            # The rest of the nation: more of its places, else a further place with its smallest.
            if self._hide_smallest_unit(self._joined_places):
                return True
            others = sorted(
                {*self._place} - self._joined_places, key=lambda at: (sizes.get(at, 0), at)
            )
            if others:
                self._joined_places.add(others[0])
                self._hide_smallest_unit({others[0]})
                return True
        return False

    def _hide_smallest_unit(self, places: set[str]) -> bool:
        shown = [
            unit
            for unit, is_shown in self.units.items()
            if is_shown and self._place[unit] in places
        ]
        if shown:
            self.units[min(shown, key=lambda unit: (self._unit_size[unit], unit))] = False
        return bool(shown)

    def _hide_a_stratum(self) -> bool:
        hidden = [stratum for stratum, is_shown in self.strata.items() if not is_shown]
        shown = [stratum for stratum, is_shown in self.strata.items() if is_shown]
        if not hidden or not shown or self._stratum_size[hidden].sum() >= self._needed:
            return False
        self.strata[min(shown, key=lambda at: (self._stratum_size[at], at))] = False
        return True

    def _nodes(self) -> tuple[list[str], list[str]]:
        """Return for each row the published sum over units, and over strata, that it is part of."""
        over_units = [
            f"unit {unit}" if self.units[unit] else f"group {self.group_of(place)}"
            for unit, place in zip(self.rows["unit_id"], self.rows["place"], strict=True)
        ]
        over_strata = [
            f"stratum {stratum}" if self.strata[stratum] else "strata"
            for stratum in self.rows["stratum_id"]
        ]
        return over_units, over_strata

    def _hide_rows(self) -> bool:
        """Let what is hidden of each sum be large enough: the smallest shown row goes with it."""
        has_hidden = False
        for nodes in self._nodes():
            hidden_size = pd.Series(self._size * self.is_hidden).groupby(nodes).sum()
            short = hidden_size[(hidden_size > 0) & (hidden_size < self._needed)].index
            candidates = pd.Series(np.arange(len(nodes)))[~self.is_hidden]
            first = candidates.groupby(np.array(nodes)[~self.is_hidden]).min()
            chosen = first[first.index.isin(short)]
            self.is_hidden[chosen.to_numpy()] = True
            has_hidden |= not chosen.empty
        return has_hidden

    def _close_bridge(self) -> bool:
        """Let a circle of hidden rows lead through each small one that is a bridge."""
        over_units, over_strata = self._nodes()
        lines: dict[tuple[str, str], list[int]] = {}
        for row in np.flatnonzero(self.is_hidden):
            lines.setdefault((over_units[row], over_strata[row]), []).append(int(row))
        graph = nx.Graph(list(lines))
        for bridge in self._small_bridges(graph, lines):
            unit_side = self._side(graph, lines, bridge)
            stratum_side = nx.node_connected_component(graph, over_strata[bridge]) - unit_side
            for row in np.flatnonzero(~self.is_hidden):  # the smallest first
                ends = over_units[row], over_strata[row]
                if (ends[0] in unit_side and ends[1] in stratum_side) or (
                    ends[0] in stratum_side and ends[1] in unit_side
                ):
                    self.is_hidden[row] = True
                    return True
            if self._merge(bridge, unit_side, stratum_side):
                return True
        return False

    def _merge(self, bridge: int, unit_side: set[str], stratum_side: set[str]) -> bool:
        """Hide a total, where no row leads from one side of a bridge back to the other.

        First one that is then told together with what lies on the other side.
        """
        own = str(self.rows.loc[bridge, "unit_id"])
        places = self._place

        def order(unit: str) -> tuple[bool, bool, int, str]:
            is_across = (
                f"unit {unit}" in stratum_side
                and f"group {self.group_of(places[unit])}" in unit_side
            )
            return not is_across, unit != own, int(self._unit_size[unit]), unit

        both = unit_side | stratum_side
        units = [unit for unit, shown in self.units.items() if shown and f"unit {unit}" in both]
        if units:
            self.units[min(units, key=order)] = False
            return True
        strata = [at for at, shown in self.strata.items() if shown and f"stratum {at}" in both]
        if strata:
            self.strata[min(strata, key=lambda at: (self._stratum_size[at], at))] = False
            return True
        joined = sorted({*places} - self._joined_places)
        self._joined_places.update(at for at in joined if f"group {at}" in both)
        return any(f"group {at}" in both for at in joined)

    def _small_bridges(
        self, graph: "nx.Graph[str]", lines: dict[tuple[str, str], list[int]]
    ) -> Iterator[int]:
        for one, other in nx.bridges(graph):
            rows: Sequence[int] = lines.get((one, other)) or lines[other, one]
            if len(rows) == 1 and self._size[rows[0]] < self._needed:
                yield rows[0]

    def _side(
        self, graph: "nx.Graph[str]", lines: dict[tuple[str, str], list[int]], bridge: int
    ) -> set[str]:
        ends = next(ends for ends, rows in lines.items() if rows == [bridge])
        cut = nx.restricted_view(graph, [], [ends])
        side: set[str] = nx.node_connected_component(cut, ends[0])
        return side
