"""How much of a whole each part is: what bounds are worked out from.

Belongs here: cells and the classes of weight in them as sums of one another, with one name for what
is the same. Doesn't: what a reader can tell by them (bounds.py).
"""

import numpy as np
import pandas as pd

from orchestration.publishing.disclosure.arrays import Bools, Integers
from orchestration.publishing.disclosure.bounds import EXACT, LADDER, Bounds, Sums
from orchestration.publishing.disclosure.cells import COMPONENT, DOMAIN

ROUGHLY = 0.02
# Of those in no published domain: as many as need no protection, since they are cells of their own.
MANY = 1_000_000
# A rest smaller than this is rounding.
NO_REST = 1e-7


def bounds_of(
    cells: pd.DataFrame,
    held: pd.DataFrame,
    sums: Sums,
    name: Integers,
    *,
    least_width: float,
    least_count: int,
) -> Bounds:
    """What the sums tell of cells and of the classes of weight held in them, one entry a name.

    Of cells that are the same the first speaks for all: they are shown to one step, an exact one's
    where it is, and hidden together, if each can be.
    """
    columns = ["score", "respondent_count", "person_share", "small_class_share"]
    columns += ["small_class_count", "is_small"]
    of_classes = held.assign(
        score=np.nan,
        respondent_count=held["rating_count"],
        small_class_count=held["rating_count"],
        person_share=0.0,
        small_class_share=0.0,
    )
    count = int(name.max(initial=-1)) + 1
    named = pd.concat([cells[columns], of_classes[columns]], ignore_index=True)
    named = named.iloc[np.unique(name, return_index=True)[1]].fillna(
        {"person_share": 0.0, "small_class_share": 0.0, "small_class_count": 0}
    )
    of_cells = name[: len(cells)]
    is_cell = np.bincount(of_cells, minlength=count) > 0
    step = np.where(is_cell, LADDER[-1], EXACT)
    np.minimum.at(step, of_cells, cells["step"].to_numpy(dtype=np.float64))
    return Bounds(
        score=named["score"].to_numpy(dtype=np.float64),
        respondent_count=named["respondent_count"].to_numpy(dtype=np.int64),
        person_share=named["person_share"].to_numpy(dtype=np.float64),
        class_share=named["small_class_share"].to_numpy(dtype=np.float64),
        class_count=named["small_class_count"].to_numpy(dtype=np.int64),
        is_small=named["is_small"].to_numpy(dtype=bool),
        can_hide=is_cell & (np.bincount(of_cells, ~cells["can_hide"], count) == 0),
        step=step,
        sums=sums,
        least_width=least_width,
        least_count=least_count,
    )


def sums_of(
    cells: pd.DataFrame,
    over_domains: pd.DataFrame,
    over_components: pd.DataFrame,
    edges: pd.DataFrame,
    classes: pd.DataFrame,
) -> tuple[Sums, pd.DataFrame, Integers]:
    """What adds up to what, by cells and by the classes of weight in them.

    With it these classes, and under which name the sums know each cell and, after these, each
    class.
    """
    means = _means(cells, over_components, edges)
    held, of_classes = _of_classes(cells, over_domains, means, classes)
    of_cells = [_over_domains(cells, over_domains), means]
    parts = pd.concat(
        [
            *of_cells,
            *(
                of_class[of_class.columns.intersection(["cell", "share", "division"])].assign(
                    whole=of_class["whole_number"]
                )
                for of_class in of_classes
            ),
        ],
        keys=range(len(of_cells) + len(of_classes)),
        names=["kind", None],
    ).reset_index("kind")
    by_sum = parts.fillna({"division": "", "tolerance": 0.0}).groupby(["kind", "whole", "division"])
    equation = np.asarray(by_sum.ngroup(), dtype=np.int64)
    wholes = np.zeros(equation.max(initial=-1) + 1, dtype=np.int64)
    wholes[equation] = parts["whole"]
    tolerance = np.zeros(len(wholes))
    tolerance[equation] = parts["tolerance"].fillna(0.0)
    is_division = np.zeros(len(wholes), dtype=bool)
    is_division[equation] = parts["kind"] == 0
    share = parts["share"].to_numpy(dtype=np.float64)
    sums = Sums(
        equation=equation,
        part=parts["cell"].to_numpy(dtype=np.int64),
        share=share / np.bincount(equation, share, len(wholes))[equation],
        whole=wholes,
        tolerance=tolerance,
        is_division=is_division,
    )
    sums, name = _without_equals(sums, cells, held_count=len(held))
    return sums, held, name


def _without_equals(sums: Sums, cells: pd.DataFrame, *, held_count: int) -> tuple[Sums, Integers]:
    """The same with one name for what is the same.

    A cell's only class is the cell, and a cell the only part of another with as many answers: the
    one unit of a region x level, a region that has all units of a level.
    """
    answers = cells["answer_count"].where(cells["score"].notna()).to_numpy(dtype=np.float64)
    answers = np.append(answers, np.zeros(held_count))
    whole = sums.whole[sums.equation]
    is_equality = (np.bincount(sums.equation, minlength=len(sums.whole)) == 1)[sums.equation]
    is_equality &= (sums.part >= len(cells)) | (answers[sums.part] == answers[whole])
    one, other = sums.part[is_equality], whole[is_equality]
    name = np.arange(len(answers))
    while (name[one] != name[other]).any():
        np.minimum.at(name, one, name[other])
        np.minimum.at(name, other, name[one])
    name = np.unique(name, return_inverse=True)[1]
    entry = np.flatnonzero(~is_equality)
    is_left: Bools = np.zeros(len(sums.whole), dtype=bool)
    is_left[sums.equation[entry]] = True
    number_of_sum: Integers = np.cumsum(is_left).astype(np.int64) - 1
    return Sums(
        equation=number_of_sum[sums.equation[entry]],
        part=name[sums.part[entry]],
        share=sums.share[entry],
        whole=name[sums.whole[is_left]],
        tolerance=sums.tolerance[is_left],
        is_division=sums.is_division[is_left],
    ), name


def _over_domains(cells: pd.DataFrame, over_domains: pd.DataFrame) -> pd.DataFrame:
    """The divisions of domains, with each part's share of the whole's weight."""
    weight = cells["weight_sum"].to_numpy(dtype=np.float64)
    answers = cells["answer_count"].to_numpy(dtype=np.float64)
    score = cells["score"].to_numpy(dtype=np.float64)
    part, whole = (over_domains[key].to_numpy(dtype=np.int64) for key in ("cell", "whole"))
    # Nobody knows what the unlisted weigh: as much as the whole's others.
    share = np.where(
        np.isnan(weight[part]), answers[part] / answers[whole], weight[part] / weight[whole]
    )
    # Above items a score is no mean of the parts' scores, but nearly so.
    is_rough = (cells["item_id"] == "").to_numpy()[whole]
    parts = over_domains.assign(share=share, tolerance=np.where(is_rough, ROUGHLY, 0.0))
    kept: pd.DataFrame = parts[~np.isnan(score[whole]) & (share > 0)]
    return kept


def _means(cells: pd.DataFrame, over_components: pd.DataFrame, edges: pd.DataFrame) -> pd.DataFrame:
    """The components of the score's tree, with each part's share in the mean."""
    score = cells["score"].to_numpy(dtype=np.float64)
    named = over_components.assign(
        **{f"part_{key}": cells[key].to_numpy()[over_components["cell"]] for key in COMPONENT},
        **{f"whole_{key}": cells[key].to_numpy()[over_components["whole"]] for key in COMPONENT},
    )
    keys = [f"{side}_{key}" for side in ("part", "whole") for key in COMPONENT]
    named = named.merge(edges[[*keys, "weight"]], on=keys)
    # A mean leaves out the children without a score.
    named = named[~np.isnan(score[named["cell"]]) & ~np.isnan(score[named["whole"]])]
    total = named.groupby("whole")["weight"].transform("sum")
    means: pd.DataFrame = named.assign(share=named["weight"] / total)
    return means[["cell", "whole", "share"]]


def _of_classes(
    cells: pd.DataFrame, over_domains: pd.DataFrame, means: pd.DataFrame, classes: pd.DataFrame
) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    """The classes of weight in the cells, numbered on from these, and what they add up to.

    Of a cell that is a mean of components a class has the mean of what it says of these, each as
    heavy as it is there: so the classes' means add up to the cell's score. Of an item, what a class
    says in a domain's parts adds up to what it says in the domain.
    """
    of_class = ["cell", "weight_cell_number"]
    numbered = cells[[*DOMAIN, *COMPONENT]].assign(cell=np.arange(len(cells)))
    held = classes.merge(numbered[cells["score"].notna()], on=[*DOMAIN, *COMPONENT])
    persons = held[[*of_class, "respondent_count"]]
    items = held.loc[held["item_id"] != "", [*of_class, "rating_count", "weight_sum"]]
    items = items.assign(
        share=items["weight_sum"] / items.groupby("cell")["weight_sum"].transform("sum")
    )
    storeys, of_components = [_numbered(items, first=len(cells))], []
    while len(storeys[-1]):
        below = storeys[-1].rename(columns={"cell": "part", "number": "cell"})
        parts = means.rename(columns={"cell": "part", "share": "of_mean"}).merge(below, on="part")
        parts["share"] *= parts["of_mean"]
        by_class = parts.groupby(["whole", "weight_cell_number"], as_index=False)
        above = by_class[["rating_count", "share"]].sum().rename(columns={"whole": "cell"})
        of_components.append(parts)
        storeys.append(_numbered(above, first=int(storeys[-1]["number"].max()) + 1))
    held = pd.concat(storeys).merge(persons, on=of_class, how="left")
    wholes = held[[*of_class, "number", "rating_count"]].rename(
        columns={"cell": "whole", "number": "whole_number", "rating_count": "whole_count"}
    )
    of_components = [
        parts.merge(wholes, on=["whole", "weight_cell_number"]) for parts in of_components
    ]
    of_domains, rests = _class_domains(
        held[held["cell"].isin(items["cell"])], over_domains, wholes, first=len(cells) + len(held)
    )
    return pd.concat([held, rests]), [
        held.assign(whole_number=held["cell"], cell=held["number"]),
        *of_components,
        of_domains,
    ]


def _numbered(held: pd.DataFrame, *, first: int) -> pd.DataFrame:
    return held.reset_index(drop=True).assign(number=first + np.arange(len(held)))


def _class_domains(
    items: pd.DataFrame, over_domains: pd.DataFrame, wholes: pd.DataFrame, *, first: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The parts of what a class says of an item in a domain, and the rests in no published part."""
    parts = over_domains.merge(items, on="cell").merge(wholes, on=["whole", "weight_cell_number"])
    parts["share"] = parts["rating_count"] / parts["whole_count"]
    listed = parts.groupby(["whole_number", "division"], as_index=False)["share"].sum()
    rests = listed.assign(share=1 - listed["share"])
    rests = _numbered(rests[rests["share"] > NO_REST], first=first)
    rests = rests.assign(rating_count=MANY, respondent_count=MANY)
    parts = pd.concat([parts, rests])
    return parts.assign(cell=parts["number"]), rests
