"""Small surveys for the publishing tests: persons who rate units, counted as in idx_scores.

Belongs here: made-up answers, their cells, and a warehouse that holds them. Doesn't: assertions.
"""

from dataclasses import dataclass
from itertools import chain, combinations
from pathlib import Path

import duckdb
import pandas as pd

from orchestration.publishing.disclosure.verdicts import judge_cells
from orchestration.publishing.tables import Declaration

CYCLE = "ilk-2025-s2"
# An interval that no range is narrower than: scores made up of counts contradict each other, and
# what is left between two that do so is less than none.
SUMS_ALONE = -1_000_000.0
DEMOGRAPHICS = ("gender",)
ITEMS = {"i1": ("sdm", "reliability"), "i2": ("sdm", "empathy"), "i3": ("umum", "reliability")}
CELL = ["cycle_id", "domain_type", "domain_id", "service_id", "perspective_id", "item_id"]


def declared(
    schema: str,
    name: str,
    *cell_keys: str,
    is_over_two_cycles: bool = False,
    is_shown_in_window: bool = False,
) -> dict[str, Declaration]:
    """A table that is published: as it is, or by cells."""
    return {
        name: Declaration(
            model=(schema, name),
            rows_of=(schema, name),
            grain=(),
            has_persons=bool(cell_keys) or is_shown_in_window,
            cell_keys=cell_keys,
            is_shown_in_window=is_shown_in_window,
            is_over_two_cycles=is_over_two_cycles,
        )
    }


# What of the warehouse below is published.
DECLARED = {
    **declared("marts", "dim_cycles"),
    **declared("marts", "dim_units"),
    **declared("marts", "fct_participation", is_shown_in_window=True),
    "idx_scores": Declaration(
        model=("indexes", "idx_scores"),
        rows_of=("figures", "shown_scores"),
        grain=(),
        has_persons=True,
    ),
}


@dataclass(frozen=True)
class Unit:
    unit_id: str
    level: str
    region: str


@dataclass(frozen=True)
class Person:
    """One who rates one unit on some items; gender may be blank."""

    unit: Unit
    category: str
    gender: str
    items: tuple[str, ...] = tuple(ITEMS)


def domains_of(person: Person) -> list[tuple[str, str]]:
    unit = person.unit
    domains = [
        ("national", "national"),
        ("provider_level", unit.level),
        ("provider_unit", unit.unit_id),
        ("provider_region", unit.region),
        ("provider_region_level", f"{unit.region}|{unit.level}"),
        ("recipient_category", person.category),
        ("direction", f"upt>{unit.level}"),
        ("role", "penerima"),
    ]
    return domains + ([("gender", person.gender)] if person.gender else [])


def components_of(item: str) -> list[tuple[str, str, str]]:
    service, perspective = ITEMS[item]
    return [
        ("", "", ""),
        (service, "", ""),
        ("", perspective, ""),
        (service, perspective, ""),
        (service, perspective, item),
    ]


def scores_of(persons: list[Person]) -> pd.DataFrame:
    """Count persons and answers of each cell, with a score that depends on both."""
    answers = pd.DataFrame(
        [
            (CYCLE, *domain, *component, number)
            for number, person in enumerate(persons)
            for domain in domains_of(person)
            for item in person.items
            for component in components_of(item)
        ],
        columns=[*CELL, "person"],
    )
    scores = answers.groupby(CELL, as_index=False).agg(
        respondent_count=("person", "nunique"), answer_count=("person", "size")
    )
    scores["score"] = 1 + 3 * (scores["answer_count"] % 97) / 97
    return scores


def units_of(persons: list[Person]) -> pd.DataFrame:
    units = sorted({person.unit for person in persons}, key=lambda unit: unit.unit_id)
    return pd.DataFrame(
        {
            "unit_id": [unit.unit_id for unit in units],
            "unit_level_id": [unit.level for unit in units],
            "region_id": [unit.region for unit in units],
            "valid_from": "2020-01-01",
            "valid_to": None,
        }
    )


CYCLES = pd.DataFrame({"cycle_id": [CYCLE], "opens_on": ["2025-07-01"]})
COMPONENT = CELL[3:]
FIGURES = [
    *("score", "score_100", "se", "df", "ci_low", "ci_high", "band", "is_band_certain"),
    *("respondent_count", "answer_count", "effective_respondent_count", "design_effect"),
    *("weight_share", "null_reason"),
]
CLASSES = pd.DataFrame(
    columns=[*CELL, "weight_cell_number", "respondent_count", "rating_count", "weight_sum"]
)


def edges_of(scores: pd.DataFrame) -> pd.DataFrame:
    """The tree of the components that these scores have, all of one weight."""
    components = {tuple(row) for row in scores[COMPONENT].itertuples(index=False)}
    edges = [
        (CYCLE, *whole, *part, 1.0)
        for part in components
        for whole in components
        if sum(map(bool, part)) == sum(map(bool, whole)) + 1
        and all(name in ("", held) for name, held in zip(whole, part, strict=True))
        and not (part[2] and not (whole[0] and whole[1]))
    ]
    sides = [f"{side}_{key}" for side in ("whole", "part") for key in COMPONENT]
    return pd.DataFrame(edges, columns=["cycle_id", *sides, "weight"])


def judged_cells(
    scores: pd.DataFrame,
    units: pd.DataFrame,
    cycles: pd.DataFrame = CYCLES,
    *,
    min_cell_n: int,
    interval: float = SUMS_ALONE,
    classes: pd.DataFrame = CLASSES,
) -> pd.DataFrame:
    """Judge cells in which everybody weighs the same, by the sums alone unless told otherwise."""
    cells = scores.assign(
        weight_sum=scores["answer_count"].astype(float),
        person_share=1 / scores["respondent_count"],
        small_class_share=0.0,
        small_class_count=0,
        class_count=1,
        split_bits=0.0,
    )
    settings = cycles.assign(min_cell_n=min_cell_n, disclosure_interval=interval)
    return judge_cells(cells, units, settings, edges_of(scores), classes, DEMOGRAPHICS)


def hidden_cells(scores: pd.DataFrame, units: pd.DataFrame, **settings) -> pd.DataFrame:
    """Return the cells that are hidden, with the reason."""
    verdicts = judged_cells(scores, units, **settings)
    return verdicts[verdicts["is_hidden"].astype(bool)].reset_index(drop=True)


def group(unit_id: str, level: str, region: str, count: int) -> list[Person]:
    """`count` persons who rate one unit on everything."""
    return [Person(Unit(unit_id, level, region), "keduanya", "f")] * count


def write_warehouse(
    path: Path, persons: list[Person], *, min_cell_n: int = 10, shift: float = 0.0
) -> None:
    """Write a warehouse as dbt would: the tables a publication needs, and those it must withhold.

    `shift` moves every score, so that two warehouses can be told apart.
    """
    scores = scores_of(persons)
    kinds = chain.from_iterable(
        combinations(("service", "perspective", "item"), n) for n in range(4)
    )
    names = {kind: "_".join(kind) for kind in kinds}
    names |= {(): "index", ("service", "perspective", "item"): "item"}
    held = scores[["service_id", "perspective_id", "item_id"]].to_numpy() != ""
    scores["component_type"] = [
        names[
            tuple(
                n for n, is_in in zip(("service", "perspective", "item"), row, strict=True) if is_in
            )
        ]
        for row in held
    ]
    scores["score"] += shift
    units = units_of(persons)
    hidden = hidden_cells(scores, units, min_cell_n=min_cell_n)
    hidden = hidden.astype({"is_exposed": bool} | dict.fromkeys([*CELL, "reason"], "str"))
    path.unlink(missing_ok=True)
    with duckdb.connect(path) as warehouse:
        warehouse.register("made_scores", scores)
        warehouse.register("made_units", units)
        warehouse.register("made_hidden", hidden)
        contributions = pd.DataFrame(
            {
                "cycle_id": CYCLE,
                "_file_sha256": "the export",
                "_source_row": range(1, len(persons) + 1),
                "answers": [repr(person) for person in persons],
                "other_demographics": "",
            }
        )
        warehouse.register("made_contributions", contributions)
        warehouse.execute(
            f"""
            create schema marts; create schema indexes; create schema staging;
            create schema figures; create schema people;
            create table figures.disclosure_unanswered_cells (
                cycle_id varchar, weighting_mode varchar, domain_type varchar, domain_id varchar,
                service_id varchar, perspective_id varchar, item_id varchar
            );
            create table figures.disclosure_hidden_cells as
                select
                    * replace (
                        nullif(service_id, '') as service_id,
                        nullif(perspective_id, '') as perspective_id,
                        nullif(item_id, '') as item_id
                    )
                from made_hidden;
            create table people.ratings_contributions as from made_contributions;
            create table marts.dim_cycles as
                select '{CYCLE}' as cycle_id, 'ilk-1.0' as method_id, date '2025-07-01' as opens_on,
                    date '2025-07-31' as closes_on,
                    {min_cell_n} as min_cell_n, 'poststrat' as weighting_mode,
                    cast(null as varchar) as previous_cycle_id;
            create table marts.dim_units as
                select unit_id, unit_level_id, region_id, cast(valid_from as date) as valid_from,
                    cast(null as date) as valid_to
                from made_units;
            create table marts.fct_responses as select 1 as response_key, 'abc' as respondent_key;
            create table marts.fct_answers as select 1 as response_key, 4 as answer_code;
            create table marts.audit_rejections as select 7 as _source_row, 'x' as value;
            create table marts.fct_participation as
                select cycle_id, domain_id as unit_id, respondent_count from made_scores
                where domain_type = 'provider_unit' and component_type = 'index';
            create table staging.stg_answers as select 1 as response_key;
            create table indexes.idx_scores as
                select
                    cycle_id,
                    if(mode = 'none', 'ilk-1.0-unweighted', 'ilk-1.0') as method_id,
                    mode as weighting_mode,
                    domain_type,
                    domain_id,
                    component_type,
                    nullif(service_id, '') as service_id,
                    nullif(perspective_id, '') as perspective_id,
                    nullif(item_id, '') as item_id,
                    score + if(mode = 'none', 0.01, 0) as score,
                    25 * score as score_100,
                    0.1 as se,
                    12 as df,
                    1.0 as ci_low,
                    4.0 as ci_high,
                    'B' as band,
                    true as is_band_certain,
                    respondent_count,
                    answer_count,
                    1e0 * respondent_count as effective_respondent_count,
                    1.0 as design_effect,
                    1.0 as weight_share,
                    'made up' as null_reason
                from made_scores, (values ('none'), ('poststrat')) as modes (mode);
            insert into indexes.idx_scores by name
                select
                    cycle_id, method_id, weighting_mode, kinds.kind as domain_type,
                    'national' as domain_id, 'index' as component_type, median(score) as score,
                    25 * median(score) as score_100, 'B' as band
                from indexes.idx_scores, (values ('unit_median'), ('equal_level')) as kinds (kind)
                where domain_type = 'provider_unit' and component_type = 'index'
                group by all;
            create table figures.shown_scores as
                with shown as (
                    select scores.*, hidden.cycle_id is not null as is_suppressed,
                        cast(null as double) as score_step
                    from indexes.idx_scores as scores
                    left join figures.disclosure_hidden_cells as hidden
                        on hidden.domain_type = scores.domain_type
                        and hidden.domain_id = scores.domain_id
                        and hidden.service_id is not distinct from scores.service_id
                        and hidden.perspective_id is not distinct from scores.perspective_id
                        and hidden.item_id is not distinct from scores.item_id
                )
                select
                    cycle_id, method_id, weighting_mode, domain_type, domain_id, component_type,
                    service_id, perspective_id, item_id,
                    * exclude (
                        cycle_id, method_id, weighting_mode, domain_type, domain_id,
                        component_type, service_id, perspective_id, item_id, is_suppressed
                    ),
                    is_suppressed
                from shown;
            update figures.shown_scores set
                {", ".join(f"{figure} = null" for figure in FIGURES)}
            where is_suppressed;
            update figures.shown_scores as middles set score = medians.score
            from (
                select weighting_mode, median(score) as score from figures.shown_scores
                where domain_type = 'provider_unit' and component_type = 'index' group by all
            ) as medians
            where middles.domain_type = 'unit_median'
                and medians.weighting_mode = middles.weighting_mode;
            """
        )
