"""What each perspective of a service explains of an overall answer: Johnson's relative weights.

Belongs here: persons' means, their weighted correlations, the weights with error and interval
(method.md 9). Doesn't: draws and raked weights of replicates (bootstrap.py), the warehouse.

Johnson (2000, Multivariate Behavioral Research 35, 1-19): with the correlations R of the predictors
and r of each with the answer, L = R^(1/2) leads to the orthogonal variables nearest to them, and
b = L^-1 r is how these explain the answer; predictor j has sum_k L_jk^2 b_k^2 of it, and all of
them add up to R squared.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from orchestration.scoring.bootstrap import Counts, replicate_weights, times_drawn
from orchestration.scoring.raking import Rules
from orchestration.scoring.score_tree import Floats
from orchestration.scoring.totals import Integers, asked_in

RELATIVE_WEIGHTS = pa.schema(
    [
        ("cycle_id", pa.string()),
        ("weighting_mode", pa.string()),
        ("audience_id", pa.string()),
        ("service_id", pa.string()),
        ("perspective_id", pa.string()),
        ("respondent_count", pa.int64()),
        ("correlation", pa.float64()),
        ("relative_weight", pa.float64()),
        ("se", pa.float64()),
        ("ci_low", pa.float64()),
        ("ci_high", pa.float64()),
        ("r_squared", pa.float64()),
        ("null_reason", pa.string()),
    ]
)
FIGURES = ("correlation", "relative_weight", "se", "ci_low", "ci_high", "r_squared")
DECIMALS = 12  # beyond it lies the order in which a library adds up
PERSONS = 4_096  # at a time: what bounds the memory
# What is less than this part of what it is the rest of, is rounding.
ROUNDING = 1e-12
# An eigenvalue below it: predictors tell one another, and R^(-1/2) would be rounding.
SINGULAR = 1e-8
# The least share of replicates that must have weights: else those that have none, the unruly ones,
# would be missing from the error.
REPLICATES_WITH_WEIGHTS = 0.95


@dataclass(frozen=True)
class Weighing:
    """A weighting mode's weights by weight cell: of a respondent, and of one drawn once.

    `whole`: cells. `replicates`: cells x replicates.
    """

    mode: str
    whole: Floats
    replicates: Floats


def relative_weights(
    people: pd.DataFrame,
    *,
    cycle_id: str,
    settings: pd.DataFrame,
    cells: pd.DataFrame,
    weights: pd.DataFrame,
    margins: pd.DataFrame,
    questions: pd.DataFrame,
) -> pa.Table:
    """Return RELATIVE_WEIGHTS of each audience that is asked about everything together.

    `people`: ratings_of_cycle of the headline role, ordered by stratum_number, weight_cell_number,
    response_key. `settings`: design_settings. `cells`: weights_cells of that role, ordered by
    stratum_number, weight_cell_number. `weights`: weights_by_cell, `margins`: weights_rake_margins,
    of the cycle. `questions`: stg_seeds__questions.
    """
    questions = asked_in(cycle_id, questions, settings)
    overall = questions[questions["asks"] == "overall"]
    if people.empty or overall.empty:
        return RELATIVE_WEIGHTS.empty_table()
    of_cycle = settings[settings["cycle_id"] == cycle_id].iloc[0]
    drawn = times_drawn(
        cells.drop_duplicates("stratum_number")["stratum_respondent_count"].to_list(),
        int(of_cycle["bootstrap_replicates"]),
        seed=int(of_cycle["random_seed"]),
    )
    cell_of = np.repeat(np.arange(len(cells)), cells["respondent_count"])
    modes = list(_weighings(cells, weights, margins, drawn, Rules.of(of_cycle)))
    found = [RELATIVE_WEIGHTS.empty_table()]
    for audience_id, of_audience in overall.groupby("audience_id"):
        heard = questions[questions["audience_id"] == audience_id]
        keys, means = person_means(people, heard[heard["asks"] == "performance"], of_audience)
        for weighing in modes:
            figures = weights_of(
                means,
                weighing,
                cell_of=cell_of,
                drawn=drawn,
                min_count=int(of_cycle["min_cell_n"]),
                ci_level=float(of_cycle["ci_level"]),
            )
            table = pd.concat([keys, figures], axis=1).assign(
                cycle_id=cycle_id, weighting_mode=weighing.mode, audience_id=audience_id
            )
            found.append(pa.Table.from_pandas(table, schema=RELATIVE_WEIGHTS, preserve_index=False))
    return pa.concat_tables(found)


def person_means(
    people: pd.DataFrame, performance: pd.DataFrame, overall: pd.DataFrame
) -> tuple[pd.DataFrame, Floats]:
    """Return the perspectives of services, and persons x each and, last, the overall answer.

    Each is a mean of items, of which each is the mean of what a person rated of it; NaN where he
    rated nothing. In a part of a step that makes every mean a whole number.
    """
    cells = performance.groupby(["service_id", "perspective_id"])
    asked = [
        [list(of_item["question_number"]) for _, of_item in of_cell.groupby("item_id")]
        for of_cell in (*(of for _, of in cells), overall)
    ]
    most_questions = max(len(numbers) for items in asked for numbers in items)
    parts = math.lcm(*range(1, most_questions + 1))
    parts *= math.lcm(*range(1, max(map(len, asked)) + 1))
    keys = pd.DataFrame([key for key, _ in cells], columns=["service_id", "perspective_id"])
    return keys, np.column_stack([_mean_of_items(people, items, parts) for items in asked])


def _mean_of_items(people: pd.DataFrame, items: list[list[int]], parts: int) -> Floats:
    total, count = np.zeros((2, len(people)))
    for numbers in items:
        steps = people[[f"rating_{number}" for number in numbers]].to_numpy(dtype=np.float64)
        rated = (steps > 0).sum(axis=1)
        # A whole number: `parts` is a multiple of any number of questions times one of items.
        total += steps.sum(axis=1) * parts / np.maximum(rated, 1)
        count += rated > 0
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _weighings(
    cells: pd.DataFrame, weights: pd.DataFrame, margins: pd.DataFrame, drawn: Counts, rules: Rules
) -> Iterator[Weighing]:
    sizes = cells["stratum_respondent_count"].to_numpy(dtype=np.float64)
    growth = sizes / np.maximum(sizes - 1, 1)
    for mode, of_mode in weights.groupby("weighting_mode"):
        by_cell = of_mode.set_index("weight_cell_number")["weight"]
        whole = by_cell.loc[cells["weight_cell_number"]].to_numpy(dtype=np.float64)
        replicates = np.repeat((whole * growth)[:, np.newaxis], drawn.shape[1], axis=1)
        if mode == "rake":
            replicates = replicate_weights(cells, margins, drawn, rules)
        yield Weighing(str(mode), whole, replicates)


def weights_of(
    means: Floats,
    weighing: Weighing,
    *,
    cell_of: Integers,
    drawn: Counts,
    min_count: int,
    ci_level: float,
) -> pd.DataFrame:
    """Return the figures of RELATIVE_WEIGHTS, a row per predictor.

    `means`: persons x predictors and, last, the overall answer; who gave none counts nowhere.
    `cell_of`, `drawn`: by person.

    A predictor that fewer than `min_count` of the others rated, or that does not vary, is left
    out. None has a weight where two of the rest were rated together by fewer, or where the
    correlations, each over other persons, can't all be true of any one population.
    """
    has_answer = ~np.isnan(means[:, -1])
    means, cell_of, drawn = means[has_answer], cell_of[has_answer], drawn[has_answer]
    has = ~np.isnan(means)
    together = has.T.astype(np.int64) @ has.astype(np.int64)
    counts = together[-1, :-1]
    most = np.where(has, means, -np.inf).max(axis=0, initial=-np.inf)
    varies = most > np.where(has, means, np.inf).min(axis=0, initial=np.inf)
    reasons = np.full(len(counts), "", dtype=object)
    reasons[~(varies[:-1] & varies[-1])] = "no_variation"
    reasons[counts < min_count] = "suppressed"
    reasons[counts == 0] = "no_answers"
    kept = np.flatnonzero(reasons == "")
    places = np.append(kept, len(counts))
    figures = np.full((len(FIGURES), len(counts)), np.nan)
    if len(kept) and together[np.ix_(places, places)].min() < min_count:
        reasons[kept] = "suppressed"
    elif len(kept):
        every = correlations(means[:, places], weighing, cell_of=cell_of, drawn=drawn)
        explained = johnson(every)
        if np.isnan(explained[0]).any():
            reasons[kept] = "incoherent"
        else:
            whole = np.full(len(kept), explained[0].sum())
            errors = _errors(explained[1:], ci_level)
            figures[:, kept] = [every[0, :-1, -1], explained[0], *errors, whole]
    return pd.DataFrame(dict(zip(FIGURES, np.round(figures, DECIMALS), strict=True))).assign(
        respondent_count=pd.Series(counts, dtype="Int64").mask(reasons == "suppressed"),
        null_reason=pd.Series(reasons, dtype=object).where(reasons != "", None),
    )


def _errors(replicates: Floats, ci_level: float) -> Floats:
    """Return standard errors and percentile intervals; NaN where too few replicates have any."""
    known = replicates[~np.isnan(replicates).any(axis=1)]
    if len(known) < max(2, REPLICATES_WITH_WEIGHTS * len(replicates)):
        return np.full((3, replicates.shape[1]), np.nan)
    ends = np.quantile(known, [(1 - ci_level) / 2, (1 + ci_level) / 2], axis=0)
    return np.vstack([known.std(axis=0, ddof=1), ends])


def correlations(means: Floats, weighing: Weighing, *, cell_of: Integers, drawn: Counts) -> Floats:
    """Return the weighted correlations of the columns of `means`: of all, then of each replicate.

    Shape: 1 + replicates x columns x columns. Each is over the persons who have both. NaN where
    one does not vary.
    """
    width = means.shape[1]
    times = np.column_stack([np.ones(len(drawn)), drawn])
    weights = np.column_stack([weighing.whole, weighing.replicates])
    sums = np.zeros((times.shape[1], 4 * width * width))
    for start in range(0, len(means), PERSONS):
        rows = slice(start, start + PERSONS)
        sums += (times[rows] * weights[cell_of[rows]]).T @ _products(means[rows])
    count, own, square, product = sums.reshape(-1, 4, width, width).transpose(1, 0, 2, 3)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = square / count - (own / count) ** 2
        spread[spread <= ROUNDING * square / count] = np.nan
        other = own.transpose(0, 2, 1)
        common = product / count - own / count * (other / count)
        found: Floats = common / np.sqrt(spread * spread.transpose(0, 2, 1))
    return found


def _products(means: Floats) -> Floats:
    """Return persons x 4 x columns x columns, flat: 1, one, its square, product, of both."""
    has = (~np.isnan(means)).astype(np.float64)
    own = np.where(has > 0, means, 0.0)
    ones, others = np.stack([has, own, own**2, own], axis=1), np.stack([has, has, has, own], axis=1)
    products: Floats = ones[..., np.newaxis] * others[..., np.newaxis, :]
    return products.reshape(len(means), -1)


def johnson(matrices: Floats) -> Floats:
    """Return the relative weights, matrices x predictors; NaN where a matrix has none.

    `matrices`: correlations, the answer last. A matrix of pairs that were rated by different
    persons may be none of any population's: predictors that tell one another, or that explain more
    than all there is. It is not mended.
    """
    found = np.full(matrices[:, 0, :-1].shape, np.nan)
    whole = np.flatnonzero(np.isfinite(matrices).all(axis=(1, 2)))
    values, vectors = np.linalg.eigh(matrices[whole, :-1, :-1])
    regular = values[:, 0] > SINGULAR
    whole, values, vectors = whole[regular], values[regular], vectors[regular]
    turned = vectors.transpose(0, 2, 1)
    root = (vectors * np.sqrt(values)[:, np.newaxis]) @ turned
    answer = matrices[whole, :-1, -1, np.newaxis]
    slopes = (vectors / np.sqrt(values)[:, np.newaxis]) @ (turned @ answer)
    explained = (root**2 @ slopes**2)[:, :, 0]
    possible = explained.sum(axis=1) <= 1 + SINGULAR
    found[whole[possible]] = explained[possible]
    return found
