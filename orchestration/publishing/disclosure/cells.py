"""Cells, and which are parts of which.

Belongs here: keys, domains and components and their wholes, who is in no published part of a whole.
Doesn't: what follows from it (equations.py, shares.py).
"""

from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np
import pandas as pd

COMPONENT = ["service_id", "perspective_id", "item_id"]
DOMAIN = ["domain_type", "domain_id"]
CELL = ["cycle_id", *DOMAIN, *COMPONENT]

NEVER_HIDDEN = ("national",)
NATION = ("national", "national")

Domain = tuple[str, str]
Component = tuple[str, str, str]


class DisclosureError(Exception):
    """The scores can't be judged, so nothing may be published."""


def places_on(units: pd.DataFrame, *, on: pd.Timestamp) -> dict[str, Domain]:
    """Region ('' for none) and level of each unit as they stood on the day the cycle opened."""
    valid_from = pd.to_datetime(units["valid_from"])
    valid_to = pd.to_datetime(units["valid_to"])
    stood = units[(valid_from.isna() | (valid_from <= on)) & (valid_to.isna() | (valid_to >= on))]
    return {
        str(unit.unit_id): (str(unit.region_id), str(unit.unit_level_id))
        for unit in stood.fillna({"region_id": ""}).itertuples()
    }


def wholes_of_domain(
    domain: Domain, places: Mapping[str, Domain], demographics: Collection[str]
) -> list[Domain]:
    """Return the published domains that this one is a part of, where the parts make up the whole.

    Directions are parts of a level and of the nation, units of their level and of their
    region x level, another role's ratings of a level of that role's. A role is part of nothing: the
    other domains count recipients only.
    """
    kind, identifier = domain
    match kind:
        case "provider_unit":
            if identifier not in places:
                raise DisclosureError(
                    f"unit '{identifier}' has scores, but no version of it in dim_units was valid "
                    "when the cycle opened: correct valid_from and valid_to in seeds/units.csv"
                )
            region, level = places[identifier]
            return [("provider_level", level), ("provider_region_level", f"{region}|{level}")]
        case "provider_region_level":
            region, level = identifier.rsplit("|", 1)
            return [("provider_region", region), ("provider_level", level)]
        case "direction":
            return [("provider_level", identifier.rsplit(">", 1)[1]), NATION]
        case "provider_level" | "provider_region" | "recipient_category":
            return [NATION]
        case _ if kind in demographics:
            return [NATION]
        case "role_provider_level":
            return [("role", identifier.rsplit("|", 1)[0])]
        case "national" | "role":
            return []
    raise DisclosureError(
        f"idx_scores has the domain type '{kind}', and disclosure control doesn't know what it is "
        "a part of: name it in seeds/demographics.csv, or say so in wholes_of_domain "
        "(orchestration/publishing/disclosure/cells.py)"
    )


def wholes_of_component(component: Component) -> list[Component]:
    """Return the components that this one is a part of; '' stands for no service, and so on."""
    service, perspective, item = component
    if item:
        return [(service, perspective, "")]
    if service and perspective:
        return [(service, "", ""), ("", perspective, "")]
    return [("", "", "")] if service or perspective else []


def with_unlisted(cells: pd.DataFrame, demographics: Collection[str]) -> pd.DataFrame:
    """The cells and the unlisted rests, the smallest first: the order in which cells are hidden."""
    keyed = cells.assign(has_score=cells["score"].notna(), is_unlisted=False)
    keyed[COMPONENT] = keyed[COMPONENT].fillna("").astype(object)
    rests = _unlisted(keyed, demographics)
    keyed = pd.concat([keyed, rests], ignore_index=True) if len(rests) else keyed
    return keyed.sort_values(["respondent_count", *CELL], ignore_index=True)


def _unlisted(cells: pd.DataFrame, demographics: Collection[str]) -> pd.DataFrame:
    """Those who left a demographic question blank, and the units without a region.

    They have no published row, but are the rest of every sum. Where they are few, the listed
    groups must not tell on them either.
    """
    levels = cells.loc[cells["domain_type"] == "provider_level", "domain_id"].unique()
    divisions = [(kind, NATION, "") for kind in (*demographics, "provider_region")] + [
        ("provider_region_level", ("provider_level", str(level)), f"|{level}") for level in levels
    ]
    counts = ["respondent_count", "answer_count"]
    columns = [*CELL, *counts, "has_score", "is_unlisted"]
    by_type = {kind: of_kind for kind, of_kind in cells.groupby("domain_type")}
    rests = [pd.DataFrame(columns=columns)]
    for kind, (whole_type, whole_id), rest_id in divisions:
        if kind not in by_type:
            continue
        wholes, parts = by_type[whole_type], by_type[kind]
        whole = wholes[wholes["domain_id"] == whole_id].set_index(COMPONENT)[counts]
        listed = parts[parts["domain_id"].str.endswith(rest_id)].groupby(COMPONENT)[counts].sum()
        rest = whole.sub(listed, fill_value=0)
        rest = rest[rest["answer_count"] > 0].reset_index()
        rests.append(rest.assign(domain_type=kind, domain_id=rest_id))
    return pd.concat(rests).assign(
        cycle_id=cells["cycle_id"].min(), has_score=False, is_unlisted=True
    )[columns]


# What an equation adds up: answers over the parts of a domain, answers over the parts of a
# component, or the scores of the parts of a component. In this order complements are chosen.
OVER_DOMAINS, OVER_COMPONENTS, MEANS = 0, 1, 2


def divisions(
    cells: pd.DataFrame, places: Mapping[str, Domain], demographics: Collection[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every division of a published whole: over domains per component, and the other way round."""
    keyed = cells[[*DOMAIN, *COMPONENT]].assign(cell=np.arange(len(cells)))
    return (
        _parts(
            keyed, DOMAIN, lambda key: wholes_of_domain(key, places, demographics), _domain_type
        ),
        _parts(keyed, COMPONENT, wholes_of_component, _component_type),
    )


def _domain_type(domain: tuple[str, ...]) -> str:
    return domain[0]


def _component_type(component: tuple[str, ...]) -> str:
    names = ("service", "perspective", "item")
    return "_".join(name for name, part in zip(names, component, strict=True) if part)


def _parts(
    keyed: pd.DataFrame,
    keys: list[str],
    wholes_of: Callable[..., Sequence[tuple[str, ...]]],
    type_of: Callable[[tuple[str, ...]], str],
) -> pd.DataFrame:
    """One row per cell and published cell that holds it along `keys`: cell, whole, division."""
    whole_keys = [f"whole_{key}" for key in keys]
    edges = [
        (*part, type_of(part), *whole)
        for part in keyed[keys].drop_duplicates().itertuples(index=False, name=None)
        for whole in wholes_of(part)
    ]
    others = [column for column in (*DOMAIN, *COMPONENT) if column not in keys]
    wholes = keyed.rename(columns={**dict(zip(keys, whole_keys, strict=True)), "cell": "whole"})
    return keyed.merge(
        pd.DataFrame(edges, columns=[*keys, "division", *whole_keys], dtype=object), on=keys
    ).merge(wholes, on=[*whole_keys, *others])[["cell", "whole", "division"]]
