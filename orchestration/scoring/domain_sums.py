"""What each domain's respondents rated and answered, added up by weight cell and component.

Belongs here: sums and counts over persons, as whole numbers. Doesn't: sums of products
(second_moments.py), weights, the warehouse (models/sums).

Everybody in a weight cell weighs the same, so weights are applied to these sums. They are exact,
whatever the order: the sums of two parts of the people add up to those of all.
"""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

from orchestration.scoring.totals import Integers, Speakers, asked_in, of_type, speakers_of

Singles = NDArray[np.float32]

KEYS = ("domain_number", "stratum_number", "weight_cell_number", "component_number")
OF_COVERED = ("not_used_count", "not_available_count", "accessing_count", "answering_count")
MEASURES = ("respondent_count", "rating_count", "step_sum", *OF_COVERED)
SCHEMA = pa.schema(
    [(name, pa.int32()) for name in KEYS] + [(name, pa.int64()) for name in MEASURES]
)
RESPONDENTS = 65_536  # at a time: what bounds the memory
# Whole numbers up to here are exact in single precision, which takes half the time of double.
EXACT_IN_SINGLE = 2**24


def component_sums(
    ratings: pa.Table, *, questions: pd.DataFrame, components: pd.DataFrame, routes: pd.DataFrame
) -> pa.Table:
    """Return SCHEMA, a row per domain, weight cell and component that somebody rated or answered.

    `respondent_count`: who rated something under it; `rating_count`: how much. Of items `step_sum`:
    their ratings in steps. Of the index and services `not_used_count` and `not_available_count`:
    answers that are no rating; `accessing_count`: who rated or did not use something;
    `answering_count`: or had it not available. `ratings`: ratings_of_cycle. `questions`: the ones
    of stg_seeds__questions that count. `components`: design_components. `routes`:
    sums_domain_routes.
    """
    if not ratings.num_rows:
        return SCHEMA.empty_table()
    measures = _Measures(ratings, questions, components.sort_values("component_number"))
    domains = np.sort(routes["domain_number"].unique())
    all_speakers = speakers_of(ratings, routes, domains)
    cells, first, cell_of = np.unique(
        ratings["weight_cell_number"].to_numpy(), return_index=True, return_inverse=True
    )
    places: list[Integers] = []
    sums: list[Integers] = []
    for start in range(0, ratings.num_rows, measures.at_once):
        people = slice(start, start + measures.at_once)
        with threadpool_limits(limits=1, user_api="blas"):  # two would wait longer than they work
            values = measures.of(people, {speakers.ranks for speakers in all_speakers})
        for speakers in all_speakers:
            domain, cell, of_domain = _by_domain(
                values[speakers.ranks], speakers, people, cell_of[people]
            )
            places.append(domain * len(cells) + cell)
            sums.append(of_domain)
    found, row_of = np.unique(np.concatenate(places), return_inverse=True)
    domain, cell = np.divmod(found, len(cells))
    return measures.by_component(
        _added_up(row_of, np.concatenate(sums)),
        domain_number=domains[domain],
        stratum_number=ratings["stratum_number"].to_numpy()[first[cell]],
        weight_cell_number=cells[cell],
    )


def sums_by_component(
    ratings: pa.Table,
    *,
    cycle_id: str,
    settings: pd.DataFrame,
    questions: pd.DataFrame,
    components: pd.DataFrame,
    routes: pd.DataFrame,
) -> pa.Table:
    """Return component_sums of a cycle's ratings, with how many steps a point on 1-4 has.

    `settings`: design_settings. The others as for component_sums.
    """
    sums = component_sums(
        ratings,
        questions=asked_in(cycle_id, questions, settings),
        components=components,
        routes=routes,
    )
    return _with_first(sums, cycle_id=cycle_id).append_column(
        pa.field("steps_per_point", pa.int32()), [_steps_per_point(ratings, sums)]
    )


def sums_of_expectations(
    ratings: pa.Table,
    *,
    cycle_id: str,
    settings: pd.DataFrame,
    questions: pd.DataFrame,
    components: pd.DataFrame,
    routes: pd.DataFrame,
) -> pa.Table:
    """Return the same of items, for what is asked beside performance (stg_seeds__questions)."""
    questions = asked_in(cycle_id, questions, settings)
    columns = ["domain_number", "weight_cell_number", "component_number", "step_sum"]
    found = []
    for asks in ("expectation", "importance"):
        of_kind = questions[questions["asks"] == asks]
        sums = SCHEMA.empty_table()
        if len(of_kind):
            sums = component_sums(ratings, questions=of_kind, components=components, routes=routes)
            sums = sums.filter(pc.is_valid(sums["step_sum"]))
        found.append(
            _with_first(
                sums.select([*columns, "rating_count"]), cycle_id=cycle_id, asks=asks
            ).append_column(
                pa.field("steps_per_point", pa.int32()), [_steps_per_point(ratings, sums)]
            )
        )
    return pa.concat_tables(found)


def compared_respondents(
    ratings: Mapping[str, pa.Table],
    *,
    cycle_id: str,
    settings: pd.DataFrame,
    questions: pd.DataFrame,
    components: pd.DataFrame,
    routes: pd.DataFrame,
) -> pa.Table:
    """Return by side of a comparison, domain and stratum who rated something under a component.

    `ratings`: of each side, by its cycle. `components`: design_shared_components. `questions` and
    `routes` of all cycles.
    """
    keys = ["domain_number", "stratum_number", "component_number"]
    shared_items = components["item_id"].dropna()
    found = []
    for side, of_side in sorted(ratings.items()):
        asked = asked_in(side, questions, settings)
        sums = component_sums(
            of_side,
            questions=asked[asked["item_id"].isin(shared_items)],
            components=components,
            routes=routes[routes["cycle_id"] == side],
        )
        by_stratum = sums.group_by(keys).aggregate([("respondent_count", "sum")])
        by_stratum = by_stratum.rename_columns([*keys, "respondent_count"])
        found.append(_with_first(by_stratum, cycle_id=cycle_id, compared_cycle_id=side))
    none = _with_first(
        SCHEMA.empty_table().select([*keys, "respondent_count"]),
        cycle_id=cycle_id,
        compared_cycle_id="",
    )
    return pa.concat_tables([none, *found])


def _steps_per_point(ratings: pa.Table, sums: pa.Table) -> pa.Array:
    steps = ratings["steps_per_point"][0].as_py() if ratings.num_rows else 1
    return pa.repeat(pa.scalar(steps, pa.int32()), sums.num_rows)


def _with_first(table: pa.Table, **values: str) -> pa.Table:
    """Return the table with a text before its columns, the same in all rows."""
    for name, value in reversed(values.items()):
        table = table.add_column(0, name, [pa.repeat(value, table.num_rows)])
    return table


class _Measures:
    """The measures of all components, as columns of one matrix of people.

    `columns`: of ratings_of_cycle, with what each is about. `under`: columns x components.
    """

    def __init__(
        self, ratings: pa.Table, questions: pd.DataFrame, components: pd.DataFrame
    ) -> None:
        self.ratings = ratings
        self.numbers = components["component_number"].to_numpy()
        self.items = np.flatnonzero(components["component_type"] == "item")
        self.covered = np.flatnonzero(components["component_type"].isin(["index", "service"]))
        self.columns = _columns_of(questions, components, ratings.column_names)
        self.ranks = self.columns["rank"].to_numpy()
        kinds = self.columns["kind"].to_numpy()
        self.of_kind = {kind: kinds == kind for kind in ("rating", "not_used", "not_available")}
        # What a component of the tree leaves open may be anything.
        self.under = np.ones((len(self.columns), len(components)), dtype=np.float32)
        for key in ("service_id", "perspective_id", "item_id"):
            of_component = components[key].to_numpy(dtype=object)
            is_alike = self.columns[key].to_numpy(dtype=object)[:, np.newaxis] == of_component
            self.under *= is_alike | components[key].isna().to_numpy()
        # Nobody adds more to a measure than all ratings of his are worth.
        largest = sum(max(int(ratings[name].to_numpy().max()), 1) for name in self.columns["name"])
        self.at_once = max(min(RESPONDENTS, EXACT_IN_SINGLE // max(largest, 1)), 1)

    def of(
        self, people: slice, all_ranks: Collection[tuple[int, ...]]
    ) -> dict[tuple[int, ...], Singles]:
        """Return what each of `people` adds, people x measures, by the levels that are heard."""
        of_people = self.ratings[people]
        answers = np.array(
            [of_people[name].to_numpy() for name in self.columns["name"]], dtype=np.float32
        )
        is_rated = (answers > 0).astype(np.float32)

        def added(values: Singles, kind: str, components: Integers | slice) -> Singles:
            chosen = self.of_kind[kind] & is_heard
            sums: Singles = values[chosen].T @ self.under[chosen][:, components]
            return sums

        found = {}
        for ranks in all_ranks:
            is_heard = np.isin(self.ranks, ranks)
            rated = added(is_rated, "rating", slice(None))
            steps = added(answers, "rating", self.items)
            not_used = added(answers, "not_used", self.covered)
            not_available = added(answers, "not_available", self.covered)
            accessed = rated[:, self.covered] + not_used
            found[ranks] = np.hstack(
                [
                    *(rated > 0, rated, steps, not_used, not_available),
                    *(accessed > 0, accessed + not_available > 0),
                ],
                dtype=np.float32,
            )
        return found

    def by_component(self, sums: Integers, **keys: NDArray[Any]) -> pa.Table:
        """Return `sums`, rows x measures, as a row per row and component, with the row's `keys`."""
        everywhere = np.arange(len(self.numbers))
        places = [everywhere, everywhere, self.items, *[self.covered] * 4]
        ends = np.cumsum([len(of) for of in places])[:-1]
        grids = {}
        for name, of, values in zip(MEASURES, places, np.split(sums, ends, axis=1), strict=True):
            grids[name] = np.full((len(sums), len(self.numbers)), -1)
            grids[name][:, of] = values
        row, place = np.nonzero((grids["respondent_count"] > 0) | (grids["answering_count"] > 0))
        columns = {name: of[row] for name, of in keys.items()}
        columns["component_number"] = self.numbers[place]
        columns |= {name: grid[row, place] for name, grid in grids.items()}
        return pa.table(
            [pa.array(of, mask=of < 0) for of in columns.values()], names=[*columns]
        ).cast(SCHEMA)


def _columns_of(
    questions: pd.DataFrame, components: pd.DataFrame, names: Collection[str]
) -> pd.DataFrame:
    """Return name, kind, rank, service_id, perspective_id, item_id of what is added up.

    Ratings are of a question, answers that are no rating of a service: a comparison has none.
    """
    ratings = questions.assign(
        name=[f"rating_{number}" for number in questions["question_number"]],
        kind="rating",
        rank=questions["provider_level_rank"],
    )
    others = [
        {"name": name, "kind": kind, "rank": int(name.rpartition("_")[2]), "service_id": service_id}
        for kind in ("not_used", "not_available")
        for number, service_id in of_type(components, "service")[
            ["component_number", "service_id"]
        ].itertuples(index=False)
        for name in names
        if name.startswith(f"{kind}_count_{number}_")
    ]
    columns = ["name", "kind", "rank", "service_id", "perspective_id", "item_id"]
    return pd.DataFrame([*ratings.to_dict("records"), *others], columns=columns)


def _by_domain(
    values: Singles, speakers: Speakers, people: slice, cell_of: Integers
) -> tuple[Integers, Integers, Integers]:
    """Return the place of a domain, a cell and the sums of who in it speaks for the domain."""
    group_of = speakers.group_of[people]
    spoken = np.flatnonzero(group_of >= 0)
    pairs, pair_of = np.unique(
        cell_of[spoken] * len(speakers.domains) + group_of[spoken], return_inverse=True
    )
    by_pair = _added_up(pair_of, values, of=spoken)
    cell, group = np.divmod(pairs, max(len(speakers.domains), 1))
    repeats = np.array([len(speakers.domains[of]) for of in group.tolist()], dtype=np.int64)
    domain = np.concatenate(
        [np.zeros(0, np.int64), *(speakers.domains[of] for of in group.tolist())]
    )
    return domain, np.repeat(cell, repeats), np.repeat(by_pair, repeats, axis=0)


def _added_up(row_of: Integers, values: NDArray[Any], *, of: Integers | None = None) -> Integers:
    """Return the sums of the `values` that go into each row: a product with ones where they do.

    `of`: which of the values, all by default.
    """
    chosen = np.arange(len(values)) if of is None else of
    shape = (int(row_of.max(initial=-1)) + 1, len(values))
    ones = np.ones(len(row_of), dtype=values.dtype)
    sums: Integers = (csr_array((ones, (row_of, chosen)), shape=shape) @ values).astype(np.int64)
    return sums
