"""What a worst-case reader knows beside the publication: everything but the ratings.

Belongs here: who answered which question, domains, weights, the score's tree. The ratings
themselves are read too, apart from all else (`truth`), to judge the attacker by.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Component = tuple[str, str, str]
"""Service, perspective, item; '' stands for all of them."""
Domain = tuple[str, str]

INDEX: Component = ("", "", "")
HEADLINE_ROLE = "penerima"
# Each a column of its own; what else a survey asks lies in another.
DEMOGRAPHICS = ("gender", "age_group", "rank_group", "tenure_group")
SHARE_HAIR = 1e-12

_RATINGS = """
select
    responses.response_key,
    responses.profile_id || ' '
        || coalesce(responses.response_id, 'row ' || responses._source_row) as response_id,
    questions.question_id,
    questions.item_id,
    questions.provider_level_id,
    answers.provider_unit_id,
    providers.region_id as provider_region_id,
    units.unit_level_id,
    responses.recipient_category_id,
    {demographics},
    responses.role_id,
    responses.weight_cell_number,
    questions.scale_min,
    questions.scale_max,
    questions.service_id,
    answers.answer_status = 'valid' as is_rated,
    answers.score,
from marts.fct_answers as answers
inner join marts.fct_responses as responses using (response_key)
inner join marts.dim_cycles as cycles on cycles.cycle_id = responses.cycle_id
inner join marts.dim_questions as questions
    on questions.instrument_id = cycles.instrument_id
    and questions.question_id = answers.question_id
left join design.design_units as units
    on units.cycle_id = responses.cycle_id and units.unit_id = responses.unit_id
left join design.design_units as providers
    on providers.cycle_id = responses.cycle_id and providers.unit_id = answers.provider_unit_id
where responses.cycle_id = ? and answers.cycle_id = ? and responses.is_accepted
    and answers.answer_status in ('valid', 'not_used', 'not_available')
    and questions.asks = 'performance'
order by responses.response_key, questions.question_number
"""


@dataclass(frozen=True)
class Item:
    """An item of an instrument, and the weights on its way up."""

    item_id: str
    service_id: str
    perspective_id: str
    weight: float
    perspective_weight: float
    service_weight: float


class Tree:
    """From items to every component above them, as method.md 3 has it."""

    def __init__(self, items: Sequence[Item], *, min_weight_share: float) -> None:
        self.items = tuple(items)
        self._min_weight_share = min_weight_share
        self._cache: dict[frozenset[str], dict[Component, dict[str, float]]] = {}

    def shares(self, with_value: frozenset[str]) -> dict[Component, dict[str, float]]:
        """Return the k_i of every component that has a score where these items have a value."""
        if with_value not in self._cache:
            self._cache[with_value] = self._roll_up(with_value)
        return self._cache[with_value]

    def _roll_up(self, with_value: frozenset[str]) -> dict[Component, dict[str, float]]:
        found: dict[Component, dict[str, float]] = {
            (item.service_id, item.perspective_id, item.item_id): {item.item_id: 1.0}
            for item in self.items
            if item.item_id in with_value
        }
        children: dict[Component, list[tuple[Component, float]]] = {}
        storeys: list[dict[Component, dict[Component, float]]] = [{}, {}, {}]
        for item in self.items:
            service, perspective = item.service_id, item.perspective_id
            leaf, both = (service, perspective, item.item_id), (service, perspective, "")
            storeys[0].setdefault(both, {})[leaf] = item.weight
            storeys[1].setdefault((service, "", ""), {})[both] = item.perspective_weight
            storeys[1].setdefault(("", perspective, ""), {})[both] = item.service_weight
            storeys[2].setdefault(INDEX, {})[(service, "", "")] = item.service_weight
        for storey in storeys:
            children.update({parent: list(of.items()) for parent, of in storey.items()})
            for parent, of in storey.items():
                present = [(child, weight) for child, weight in of.items() if child in found]
                weight_with_value = sum(weight for _, weight in present)
                total = sum(of.values())
                if not present or weight_with_value / total < self._min_weight_share - SHARE_HAIR:
                    continue
                shares: dict[str, float] = {}
                for child, weight in present:
                    for item_id, share in found[child].items():
                        shares[item_id] = shares.get(item_id, 0.0) + share * weight
                found[parent] = {key: share / weight_with_value for key, share in shares.items()}
        return found


@dataclass(frozen=True)
class Kind:
    """A division of ratings: the domains of one type."""

    name: str
    domain_ids: tuple[str, ...]
    of_rating: Ints
    """The position of a rating's domain, -1 where it is in none."""


@dataclass
class Cycle:
    """A cycle as a reader may know it. `scores` is the truth: nothing but verdicts reads it."""

    cycle_id: str
    min_cell_n: int
    method_mode: str
    jackknife_below_n: int
    ratings: pd.DataFrame
    weights: dict[str, Floats]
    """By weighting mode: the weight of each rating's respondent."""
    kinds: dict[str, Kind]
    demographics: tuple[str, ...]
    """Those of the kinds that are what people say of themselves."""
    trees: dict[str, Tree]
    """'own', and by later cycle the tree that this cycle is compared with it on."""
    steps: dict[str, Fraction]
    """By item, the width of a code on 1-4."""
    strata: dict[int, tuple[int, int]]
    """By weight class, staff and respondents of its stratum; empty where the method rakes."""
    use_shares: dict[tuple[Domain, Component, str], float]
    """By cell of the index or a service and mode: rated / (rated, not used, not available)."""
    scores: Floats

    @cached_property
    def items(self) -> list[str]:
        """Items by position."""
        return sorted({item.item_id for tree in self.trees.values() for item in tree.items})

    @cached_property
    def item_of(self) -> Ints:
        """The position of each rating's item."""
        return np.searchsorted(self.items, self.ratings["item_id"].to_numpy(dtype=str))

    @cached_property
    def person_of(self) -> Ints:
        """Respondents, counted from 0."""
        return pd.factorize(self.ratings["response_key"])[0].astype(np.int64)

    @cached_property
    def class_of(self) -> Ints:
        """Who weighs the same has the same number."""
        return self.ratings["weight_cell_number"].to_numpy(dtype=np.int64)

    @cached_property
    def components(self) -> dict[Component, frozenset[str]]:
        """The items under each component of the cycle's own tree."""
        found: dict[Component, set[str]] = {}
        for item in self.trees["own"].items:
            service, perspective = item.service_id, item.perspective_id
            for component in (
                INDEX,
                (service, "", ""),
                ("", perspective, ""),
                (service, perspective, ""),
                (service, perspective, item.item_id),
            ):
                found.setdefault(component, set()).add(item.item_id)
        return {component: frozenset(items) for component, items in found.items()}

    def without(self, response_id: str) -> "Cycle":
        """The cycle as it would be had one respondent not answered; strata stay as they are."""
        person = (self.ratings["response_id"] == response_id).to_numpy()
        kept = np.flatnonzero(~person)
        weight_class = int(self.class_of[person][0])
        staff, respondents = self.strata[weight_class]
        weights = {}
        for mode, of_rating in self.weights.items():
            weights[mode] = of_rating[kept].copy()
            if mode != "none":
                weights[mode][self.class_of[kept] == weight_class] = staff / (respondents - 1)
        return replace(
            self,
            ratings=self.ratings.iloc[kept].reset_index(drop=True),
            weights=weights,
            kinds={
                name: replace(kind, of_rating=kind.of_rating[kept])
                for name, kind in self.kinds.items()
            },
            strata={**self.strata, weight_class: (staff, respondents - 1)},
            scores=self.scores[kept],
        )

    def grid(self, items: Iterable[str]) -> Fraction:
        """Return the width of the grid that sums of ratings of these items lie on."""
        steps = [self.steps[item] for item in items]
        denominator = math.lcm(*(step.denominator for step in steps))
        return Fraction(math.gcd(*(int(step * denominator) for step in steps)), denominator)


def read_known(warehouse: Path) -> dict[str, Cycle]:
    """Return the cycles of a warehouse that have ratings, by id."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        settings = connection.execute("select * from design.design_settings order by opens_on").df()
        items = _items(connection)
        asked = _asked(connection)
        cycles = {}
        for setting in settings.itertuples():
            sql = _RATINGS.format(demographics=", ".join(f"{of} as {name}" for name, of in asked))
            answers = connection.execute(sql, [setting.cycle_id] * 2).df()
            if answers["is_rated"].any():
                names = tuple(name for name, _ in asked if answers[name].notna().any())
                cycles[str(setting.cycle_id)] = _cycle(connection, setting, answers, names)
    by_id = {setting.cycle_id: setting for setting in settings.itertuples()}
    for cycle_id, cycle in cycles.items():
        share = by_id[cycle_id].min_weight_share
        cycle.trees["own"] = Tree(items[cycle_id], min_weight_share=share)
        previous = by_id[cycle_id].previous_cycle_id
        if previous in cycles:
            asked = {item.item_id for item in items[previous]}
            shared = [item for item in items[cycle_id] if item.item_id in asked]
            for side in (cycle, cycles[previous]):
                side.trees[cycle_id] = Tree(shared, min_weight_share=share)
    return cycles


def _asked(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """Each demographic, and where a response has it."""
    others = connection.execute(
        "select distinct unnest(map_keys(other_demographics)) from marts.fct_responses order by 1"
    ).fetchall()
    return [(name, f"responses.{name}") for name in DEMOGRAPHICS] + [
        (name, f"responses.other_demographics['{name}']") for (name,) in others
    ]


def _items(connection: duckdb.DuckDBPyConnection) -> dict[str, list[Item]]:
    rows = connection.execute(
        """
        select distinct
            settings.cycle_id, questions.item_id, questions.service_id, questions.perspective_id,
            coalesce(of_item.weight, 1) as weight,
            coalesce(of_perspective.weight, 1) as perspective_weight,
            coalesce(of_service.weight, 1) as service_weight,
        from design.design_settings as settings
        inner join marts.dim_questions as questions using (instrument_id)
        left join seeds.index_weights as of_item
            on of_item.method_id = settings.method_id and of_item.component_type = 'item'
            and of_item.component_id = questions.item_id
        left join seeds.index_weights as of_perspective
            on of_perspective.method_id = settings.method_id
            and of_perspective.component_type = 'perspective'
            and of_perspective.component_id = questions.perspective_id
        left join seeds.index_weights as of_service
            on of_service.method_id = settings.method_id and of_service.component_type = 'service'
            and of_service.component_id = questions.service_id
        where questions.asks = 'performance'
        order by all
        """
    ).fetchall()
    found: dict[str, list[Item]] = {}
    for cycle_id, item_id, service_id, perspective_id, *weights in rows:
        item = Item(item_id, service_id, perspective_id, *(float(weight) for weight in weights))
        found.setdefault(cycle_id, []).append(item)
    return found


def _cycle(
    connection: duckdb.DuckDBPyConnection,
    setting: object,
    answers: pd.DataFrame,
    demographics: tuple[str, ...],
) -> Cycle:
    ratings = answers[answers["is_rated"]].reset_index(drop=True)
    rows = connection.execute(
        """
        select
            weighting_mode, weight_cell_number, weight, stratum_staff_count,
            stratum_respondent_count,
        from people.weights_by_cell
        where cycle_id = ?
        """,
        [setting.cycle_id],
    ).fetchall()
    by_mode: dict[str, dict[int, float]] = {}
    strata: dict[int, tuple[int, int]] = {}
    for mode, number, weight, staff, respondents in rows:
        by_mode.setdefault(mode, {})[number] = weight
        strata[number] = (staff, respondents)
    numbers = ratings["weight_cell_number"]
    scales = ratings[["item_id", "scale_min", "scale_max"]].drop_duplicates()
    steps: dict[str, Fraction] = {}
    for item_id, low, high in scales.itertuples(index=False):
        step = Fraction(3, int(high - low))
        if item_id in steps:
            denominator = math.lcm(step.denominator, steps[item_id].denominator)
            whole = math.gcd(int(step * denominator), int(steps[item_id] * denominator))
            step = Fraction(whole, denominator)
        steps[item_id] = step
    return Cycle(
        cycle_id=str(setting.cycle_id),
        min_cell_n=int(setting.min_cell_n),
        method_mode=str(setting.weighting_mode),
        jackknife_below_n=int(setting.jackknife_below_n),
        ratings=ratings.drop(columns=["score", "service_id", "is_rated"]),
        weights={mode: numbers.map(of).to_numpy(dtype=float) for mode, of in by_mode.items()},
        kinds=_kinds(ratings, demographics),
        demographics=demographics,
        trees={},
        steps=steps,
        strata=strata if str(setting.weighting_mode) != "rake" else {},
        use_shares=_use_shares(answers, by_mode, demographics),
        scores=ratings["score"].to_numpy(dtype=float),
    )


def _use_shares(
    answers: pd.DataFrame, by_mode: dict[str, dict[int, float]], demographics: tuple[str, ...]
) -> dict[tuple[Domain, Component, str], float]:
    found = {}
    rated = answers["is_rated"].to_numpy(dtype=float)
    services, service_ids = pd.factorize(answers["service_id"])
    for name, kind in _kinds(answers, demographics).items():
        within = kind.of_rating >= 0
        key = kind.of_rating[within] * len(service_ids) + services[within]
        shape = (len(kind.domain_ids), len(service_ids))
        for mode, of in by_mode.items():
            weights = answers["weight_cell_number"].map(of).to_numpy(dtype=float)
            parts = [
                np.bincount(key, values[within], minlength=shape[0] * shape[1]).reshape(shape)
                for values in (weights * rated, weights)
            ]
            with np.errstate(invalid="ignore", divide="ignore"):
                of_service = parts[0] / parts[1]
                of_index = parts[0].sum(axis=1) / parts[1].sum(axis=1)
            for position, domain_id in enumerate(kind.domain_ids):
                domain = (name, domain_id)
                found[domain, INDEX, mode] = float(of_index[position])
                for number, service_id in enumerate(service_ids):
                    found[domain, (service_id, "", ""), mode] = float(of_service[position, number])
    return found


def _kinds(ratings: pd.DataFrame, demographics: tuple[str, ...]) -> dict[str, Kind]:
    """Every published division, as sums_domain_routes has it."""
    headline = ratings["role_id"] == HEADLINE_ROLE
    level, region = ratings["provider_level_id"], ratings["provider_region_id"]
    ids = {
        "national": pd.Series("national", index=ratings.index),
        "provider_level": level,
        "provider_unit": ratings["provider_unit_id"],
        "provider_region": region,
        "provider_region_level": region + "|" + level,
        "direction": ratings["unit_level_id"] + ">" + level,
        "recipient_category": ratings["recipient_category_id"],
        **{name: ratings[name] for name in demographics},
        "role": ratings["role_id"],
        "role_provider_level": ratings["role_id"] + "|" + level,
    }
    kinds = {}
    for name, values in ids.items():
        if name == "role_provider_level":
            values = values.where(~headline)
        elif name != "role":
            values = values.where(headline)
        of_rating, domain_ids = pd.factorize(values, sort=True)
        kinds[name] = Kind(name, tuple(map(str, domain_ids)), of_rating.astype(np.int64))
    return kinds
