"""The totals of a domain that scores and coverage depend on, and who speaks for which domain.

Belongs here: which columns of ratings_of_cycle are added up to what, and whose rows. Doesn't: sums
(domain_sums.py), sums of products (second_moments.py), what is made of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from orchestration.scoring.score_tree import Floats

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Total:
    """A weighted total of a domain, as what one respondent adds to it.

    `columns`: by rank of the provider's level, the columns of ratings_of_cycle; a domain counts the
    levels that it knows. `is_number`: how many of them are not 0, instead of their sum.
    """

    columns: Mapping[int, tuple[str, ...]]
    is_number: bool = False

    def of(
        self, ratings: Mapping[str, NDArray[np.int16]], ranks: Iterable[int]
    ) -> NDArray[np.int16] | None:
        """Return what each respondent adds; None where `ratings` has none of the columns."""
        added: NDArray[np.int16] | None = None
        for rank in ranks:
            for column in self.columns.get(rank, ()):
                if column in ratings:
                    values = ratings[column]
                    values = (values > 0).astype(np.int16) if self.is_number else values
                    added = values if added is None else added + values
        return added

    def largest(self, ratings: Mapping[str, NDArray[np.int16]]) -> int:
        """Return what nobody can add more than."""
        columns = {name for of in self.columns.values() for name in of} & ratings.keys()
        return sum(int(ratings[name].max(initial=0)) for name in columns)


def totals_of(questions: pd.DataFrame, components: pd.DataFrame) -> list[Total]:
    """Return the totals that scores and coverage depend on, with columns of ratings_of_cycle.

    All items' sums in steps, their numbers of ratings, then all services' numbers of questions not
    used, and not available. `questions`: stg_seeds__questions; an item that none is about has empty
    totals. `components`: design_components.
    """
    ratings = [
        {
            int(rank): tuple(f"rating_{number}" for number in asked["question_number"])
            for rank, asked in questions[questions["item_id"] == item_id].groupby(
                "provider_level_rank"
            )
        }
        for item_id in of_type(components, "item")["item_id"]
    ]
    others = [
        {
            int(rank): (f"{status}_count_{service.component_number}_{rank}",)
            for rank in questions.loc[
                questions["service_id"] == service.service_id, "provider_level_rank"
            ].unique()
        }
        for status in ("not_used", "not_available")
        for service in of_type(components, "service").itertuples()
    ]
    return [
        *(Total(columns) for columns in ratings),
        *(Total(columns, is_number=True) for columns in ratings),
        *(Total(columns) for columns in others),
    ]


def asked_in(cycle_id: str, questions: pd.DataFrame, settings: pd.DataFrame) -> pd.DataFrame:
    """Return the questions that a cycle asks, of stg_seeds__questions by design_settings."""
    instruments = settings.loc[settings["cycle_id"] == cycle_id, "instrument_id"]
    return questions[questions["instrument_id"].isin(instruments)]


def of_type(components: pd.DataFrame, component_type: str) -> pd.DataFrame:
    """Return the components of a type (design_components), by number."""
    of = components[components["component_type"] == component_type]
    return of.sort_values("component_number")


def counted_under(components: pd.DataFrame, component_number: int) -> dict[str, Floats]:
    """Return by kind of answer 1 for the totals that count such answers under the component.

    The totals are those of totals_of, by place; the component is the index or a service.
    """
    of_component = components["component_number"] == component_number
    # Nothing, or what pandas makes of it, where the component holds all services.
    (service_id,) = components.loc[of_component, "service_id"].replace({np.nan: None})
    items, services = (
        np.array(
            [float(service_id in (None, of)) for of in of_type(components, kind)["service_id"]]
        )
        for kind in ("item", "service")
    )
    no_items, no_services = np.zeros_like(items), np.zeros_like(services)
    return {
        "rated": np.concatenate([no_items, items, no_services, no_services]),
        "not_used": np.concatenate([no_items, no_items, services, no_services]),
        "not_available": np.concatenate([no_items, no_items, no_services, services]),
    }


@dataclass(frozen=True)
class Speakers:
    """Who speaks for which domains with the ratings about providers of the levels `ranks`.

    `group_of`: by respondent, -1 for none. `domains`: by group, the places of its domains.
    """

    ranks: tuple[int, ...]
    group_of: Integers
    domains: Sequence[Integers]


def speakers_of(ratings: pa.Table, routes: pd.DataFrame, domains: Integers) -> list[Speakers]:
    """Return who speaks for which of `domains` (ascending), by `routes` (sums_domain_routes)."""
    levels = [name for name in map(str, routes.columns) if name.startswith("is_level_")]
    place_of = {number: place for place, number in enumerate(domains.tolist())}
    by_ranks: dict[tuple[str, tuple[int, ...]], dict[tuple[str, str], list[int]]] = {}
    names = ["attribute_name", "attribute_value", "role_id", "domain_number", *levels]
    for attribute, value, role, domain, *is_heard in routes[names].itertuples(index=False):
        ranks = tuple(
            int(level.removeprefix("is_level_"))
            for level, heard in zip(levels, is_heard, strict=True)
            if heard is True
        )
        by_key = by_ranks.setdefault((attribute, ranks), {})
        by_key.setdefault((value, role), []).append(place_of[domain])
    # Texts as numbers, each attribute once, however many sets of levels it speaks about.
    numbered = {
        attribute: ratings[attribute].combine_chunks().dictionary_encode()
        for attribute in {"role_id", *(attribute for attribute, _ in by_ranks)}
    }
    roles = numbered["role_id"]
    role_at = {role: place for place, role in enumerate(roles.dictionary.to_pylist())}
    found = []
    for (attribute, ranks), by_key in by_ranks.items():
        values = numbered[attribute]
        value_at = {value: place for place, value in enumerate(values.dictionary.to_pylist())}
        groups: dict[tuple[int, ...], int] = {}
        group_of_key = np.full((len(value_at) + 1, len(role_at)), -1)
        for (value, role), places in by_key.items():
            if value in value_at and role in role_at:
                group = groups.setdefault(tuple(sorted(places)), len(groups))
                group_of_key[value_at[value], role_at[role]] = group
        # Who has no value stands in the last row, which speaks for nothing.
        value_of = values.indices.fill_null(len(value_at)).to_numpy()
        found.append(
            Speakers(
                ranks=ranks,
                group_of=group_of_key[value_of, roles.indices.to_numpy()],
                domains=[np.array(places) for places in groups],
            )
        )
    return found
