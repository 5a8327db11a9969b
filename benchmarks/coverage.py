"""How often the method's intervals hold: made-up organisations whose truth is known, many samples.

What docs/method.md says of coverage. Belongs here: a population and who of it answers, scenarios,
the method (method.md 2, 3, 5) as array arithmetic fast enough for thousands of samples, the table.
Doesn't: the method itself; tests/test_benchmark_coverage.py gives one sample to both.

The truth of a sample is what its population would have said had everybody answered. Errors of small
domains are by the product's own function (jackknife.py), all else is written apart.

    python -m benchmarks.coverage [--samples 300] [--write]   (make coverage)
"""

import argparse
import multiprocessing
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtrit

from orchestration.scoring.jackknife import Raters, Strata, part_variances
from orchestration.scoring.score_tree import Parent

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Bools = NDArray[np.bool_]

SEED, SAMPLES = 20261128, 300
DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "method.md"
BEGIN, END = "<!-- coverage: begin (make coverage) -->", "<!-- coverage: end -->"

# --- The organisation ----------------------------------------------------------------------------

LEVELS = ("pusat", "wilayah", "upt")
CATEGORIES = ("both", "officer", "staff")
CATEGORY_SHARES = (0.3, 0.2, 0.5)
SERVICES, PERSPECTIVES = 4, 5
ITEMS = SERVICES * PERSPECTIVES
SERVICE_OF = np.repeat(np.arange(SERVICES), PERSPECTIVES)
# Officers are asked every other item, the other staff the rest, who is both all of them.
IS_ASKED = np.array(
    [np.ones(ITEMS, bool), np.arange(ITEMS) % 2 == 0, np.arange(ITEMS) % 2 == 1], dtype=np.bool_
)
GAPS = 0.115
MIN_WEIGHT_SHARE = 2 / 3
MIN_STRATUM_N = 5
BANDS = ((10, 15), (16, 30), (31, 60), (61, 10_000))


@dataclass(frozen=True)
class Organisation:
    """Units by number, each person's unit and category, and whom he rates.

    `level`: a place in LEVELS. `region`: -1 for none. `provider`: persons x levels, the unit that
    is rated at a level, -1 for none.
    """

    level: Integers
    region: Integers
    parent: Integers
    unit: Integers
    category: Integers

    @cached_property
    def provider(self) -> Integers:
        """Return the nearest unit of each level from the own one upwards."""
        found = np.full((len(self.unit), len(LEVELS)), -1)
        above = self.unit.copy()
        while (above >= 0).any():
            who = np.flatnonzero(above >= 0)
            found[who, self.level[above[who]]] = above[who]
            above[who] = self.parent[above[who]]
        return found

    @cached_property
    def cell(self) -> Integers:
        """Return each person's unit x category."""
        return self.unit * len(CATEGORIES) + self.category


def organisation(
    random: np.random.Generator,
    *,
    units: Sequence[int] = (7, 36, 77),
    regions: int = 12,
    staff: int = 7707,
    largest: int = 300,
) -> Organisation:
    """Return one of so many units a level and about so many staff, of 5 to `largest` a unit."""
    level = np.repeat(np.arange(len(LEVELS)), units)
    region = np.concatenate([np.full(units[0], -1), np.arange(units[1]) % regions, np.zeros(0)])
    above = np.arange(units[1]) % units[0]
    # A technical unit lies in the region of the regional office that it is under.
    office = units[0] + random.integers(units[1], size=units[2])
    region = np.concatenate([region, region[office]]).astype(np.int64)
    parent = np.concatenate([np.full(units[0], -1), above, office])
    sizes = np.exp(random.normal(0, 0.9, len(level)))
    for _ in range(50):  # clipped and scaled until both hold
        sizes = np.clip(sizes * staff / sizes.sum(), 5, largest)
    unit = np.repeat(np.arange(len(level)), np.rint(sizes).astype(np.int64))
    category = random.choice(len(CATEGORIES), size=len(unit), p=CATEGORY_SHARES)
    return Organisation(level, region, parent, unit, category)


# --- What people would say, and who does ---------------------------------------------------------


@dataclass(frozen=True)
class Scenario:
    """A population and a way of answering.

    `mean`: what the nation says. `unit_sd`, `service_sd`: of units, and of units x services, in
    points of the latent opinion. `response_sd`: of the units' response rates. `odds`: by how much
    the odds of answering grow with a standard deviation of a person's leniency.
    """

    name: str
    words: str
    mean: float = 3.2
    unit_sd: float = 0.22
    service_sd: float = 0.11
    response_sd: float = 0.0
    odds: float = 1.0


SCENARIOS = (
    Scenario("S1", "simple: units alike, who answers is random", unit_sd=0, service_sd=0),
    Scenario("S2", "units differ, who answers is random"),
    Scenario("S3", "as S2, units differ in their response rates", response_sd=0.12),
    Scenario("S4", "as S3, and the satisfied answer a little more", response_sd=0.12, odds=1.3),
    Scenario("S5", "as S2, the nation at 3.66", mean=3.66),
    Scenario("S6", "as S3, the nation at 3.66", mean=3.66, response_sd=0.12),
    Scenario("S7", "as S2, the nation at 3.85", mean=3.85),
)
RESPONSE = 0.30
LENIENCY_SD, NOISE_SD = 0.45, 0.55


@dataclass(frozen=True)
class Population:
    """What everybody would say: `ratings` persons x levels x items, 0 where there is none."""

    organisation: Organisation
    ratings: NDArray[np.int8]
    leniency: Floats


def population(
    random: np.random.Generator, scenario: Scenario, of: Organisation, *, middle: float
) -> Population:
    """Return a population whose latent opinions lie around `middle` (see middle_of)."""
    people, units = len(of.unit), len(of.level)
    quality = random.normal(0, scenario.unit_sd, (units, 1)) + np.repeat(
        random.normal(0, scenario.service_sd, (units, SERVICES)), PERSPECTIVES, axis=1
    )
    leniency = random.normal(0, 1, people)
    opinions = (
        middle
        + quality[of.provider]
        + LENIENCY_SD * leniency[:, np.newaxis, np.newaxis]
        + NOISE_SD * random.standard_normal((people, len(LEVELS), ITEMS), dtype=np.float32)
    )
    is_said = (random.random(opinions.shape, dtype=np.float32) >= GAPS) & (
        (of.provider >= 0)[:, :, np.newaxis] & IS_ASKED[of.category][:, np.newaxis]
    )
    ratings = np.where(is_said, np.clip(np.rint(opinions), 1, 4), 0).astype(np.int8)
    return Population(of, ratings, leniency)


def middle_of(scenario: Scenario) -> float:
    """Return the middle of the latent opinions that makes the nation's mean, by bisection."""
    spread = np.sqrt(scenario.unit_sd**2 + scenario.service_sd**2 + LENIENCY_SD**2 + NOISE_SD**2)
    low, high = 1.0, 9.0
    for _ in range(60):
        middle = (low + high) / 2
        mean = 4 - sum(float(ndtr((step + 0.5 - middle) / spread)) for step in (1, 2, 3))
        low, high = (middle, high) if mean < scenario.mean else (low, middle)
    return middle


def who_answers(random: np.random.Generator, scenario: Scenario, of: Population) -> Bools:
    """Return who of a population does."""
    units = len(of.organisation.level)
    rates = np.full(units, RESPONSE)
    if scenario.response_sd:
        strength = RESPONSE * (1 - RESPONSE) / scenario.response_sd**2 - 1
        rates = random.beta(RESPONSE * strength, (1 - RESPONSE) * strength, units)
    odds = (rates / (1 - rates))[of.organisation.unit] * scenario.odds**of.leniency
    return random.random(len(odds)) < odds / (1 + odds)


# --- 2. Strata and weights -----------------------------------------------------------------------


@dataclass(frozen=True)
class Method:
    """Which of the method's ways are gone: poststrata, interval, jackknife, test of a change."""

    name: str
    is_by_unit: bool
    is_wilson: bool
    jackknife_below_n: int


METHODS = (
    Method("ilk-1.0", is_by_unit=False, is_wilson=False, jackknife_below_n=0),
    Method("ilk-1.1", is_by_unit=True, is_wilson=True, jackknife_below_n=60),
)


@dataclass(frozen=True)
class Base:
    """A base stratum: what it is of, staff and respondents."""

    id: str
    place: str
    level: str
    category: str
    staff: int
    respondents: int


def base_strata(
    of: Organisation, answers: Bools, *, is_by_unit: bool
) -> tuple[list[Base], Integers]:
    """Return the base strata, and the number of each person's."""
    places = [
        f"{'' if of.region[unit] < 0 else f'r{of.region[unit]:02}'}|{LEVELS[of.level[unit]]}"
        for unit in range(len(of.level))
    ]
    names = [
        (f"{place}|{category}|u{unit:04}" if is_by_unit else f"{place}|{category}",
         f"{place}|{category}", place.partition("|")[2], category)
        for unit, place in enumerate(places)
        for category in CATEGORIES
    ]  # fmt: skip
    ids, number_of = np.unique([name for name, *_ in names], return_inverse=True)
    first = {name: rest for name, *rest in names}
    number = number_of[of.cell]
    staff = np.bincount(number, minlength=len(ids))
    respondents = np.bincount(number[answers], minlength=len(ids))
    bases = [
        Base(str(name), *first[name], staff=int(staff[of_id]), respondents=int(respondents[of_id]))
        for of_id, name in enumerate(ids)
    ]
    return bases, number


def final_strata(bases: Sequence[Base]) -> list[str]:
    """Return the final stratum of each base stratum that has staff (weights_collapsed_strata)."""
    by_place: dict[str, list[Base]] = {}
    for base in bases:
        by_place.setdefault(base.place, []).append(base)
    within: dict[str, tuple[str, bool]] = {}
    for place, members in by_place.items():
        sparse = [base for base in members if base.respondents < MIN_STRATUM_N]
        # Of equals the smallest id.
        largest = min(members, key=lambda base: (-base.respondents, base.id))
        is_sparse = sum(base.respondents for base in members) < MIN_STRATUM_N
        joined = sum(base.respondents for base in sparse)
        for base in members:
            if base not in sparse or len(members) == 1:
                name = base.id
            elif len(sparse) == len(members):
                name = place
            else:
                name = f"{place}|joined" if joined >= MIN_STRATUM_N else largest.id
            within[base.id] = name, is_sparse and base in sparse

    sparse_places: dict[tuple[str, str], set[str]] = {}
    for base in bases:
        if within[base.id][1]:
            sparse_places.setdefault((base.level, base.category), set()).add(base.place)
    names = []
    for base in bases:
        name, is_sparse = within[base.id]
        is_joined = is_sparse and len(sparse_places[base.level, base.category]) > 1
        names.append(f"{base.level}|{base.category}|joined" if is_joined else name)
    counts: Counter[str] = Counter()
    for base, name in zip(bases, names, strict=True):
        counts[name] += base.respondents

    def target(chosen: Sequence[str]) -> str:
        return min(chosen, key=lambda name: (-counts[name], name))

    of_level: dict[str, list[str]] = {}
    for base, name in zip(bases, names, strict=True):
        of_level.setdefault(base.level, []).append(name)
    found = []
    for base, name in zip(bases, names, strict=True):
        if counts[name] < MIN_STRATUM_N:
            nearest = target(of_level[base.level])
            name = nearest if counts[nearest] >= MIN_STRATUM_N else target(names)
        found.append(name)
    return found


@dataclass(frozen=True)
class Sample:
    """Who answered, in the order of strata. `stratum`: by person. `rows`: into the population."""

    rows: Integers
    stratum: Integers
    strata: Strata
    staff: Floats


def sample(of: Organisation, answers: Bools, method: Method) -> Sample:
    """Return a sample with its final strata and weights N / n."""
    bases, number = base_strata(of, answers, is_by_unit=method.is_by_unit)
    bases_with_staff = [base for base in bases if base.staff]
    final = dict(
        zip([base.id for base in bases_with_staff], final_strata(bases_with_staff), strict=True)
    )
    ids = sorted(set(final.values()))
    stratum_of_base = np.array([ids.index(final[base.id]) if base.staff else -1 for base in bases])
    stratum = stratum_of_base[number]
    staff = np.bincount(stratum, minlength=len(ids)).astype(float)
    sizes = np.bincount(stratum[answers], minlength=len(ids)).astype(float)
    rows = np.flatnonzero(answers)
    rows = rows[np.argsort(stratum[rows], kind="stable")]
    weights = np.divide(staff, sizes, out=np.zeros_like(staff), where=sizes > 0)
    return Sample(rows, stratum[rows], Strata(sizes, weights, np.minimum(sizes / staff, 1)), staff)


# --- 3 and 5. Scores, errors, intervals ----------------------------------------------------------

ITEM_PLACES = np.arange(1 + SERVICES, 1 + SERVICES + ITEMS)
PARENTS = (
    *(
        Parent(
            place=1 + service,
            children=tuple(ITEM_PLACES[service == SERVICE_OF].tolist()),
            weights=np.ones(PERSPECTIVES),
        )
        for service in range(SERVICES)
    ),
    Parent(place=0, children=tuple(range(1, 1 + SERVICES)), weights=np.ones(SERVICES)),
)


@dataclass(frozen=True)
class Ratings:
    """Who rated something in which domain: rows of a domain and a person, ordered by both.

    `steps`: rows x items, sums of ratings; `counts`: their numbers.
    """

    domain: Integers
    person: Integers
    steps: NDArray[np.int16]
    counts: NDArray[np.int16]


KINDS = ("nation", "region", "unit")


def ratings_of(kind: str, of: Organisation, ratings: NDArray[np.int8]) -> Ratings:
    """Return what the people of `ratings` (of the organisation, in its order) rated in domains."""
    unit = of.provider
    domain_of_unit = {
        "nation": np.zeros(len(of.level), dtype=np.int64),
        "region": of.region,
        "unit": np.arange(len(of.level)),
    }[kind]
    person, level = np.nonzero((ratings > 0).any(axis=2))
    domain = domain_of_unit[unit[person, level]]
    person, level, domain = (part[domain >= 0] for part in (person, level, domain))
    order = np.lexsort((person, domain))
    person, level, domain = person[order], level[order], domain[order]
    starts = np.flatnonzero((np.diff(domain, prepend=-1) != 0) | (np.diff(person, prepend=-1) != 0))
    given = ratings[person, level].astype(np.int16)
    steps, counts = (
        np.add.reduceat(part, starts, axis=0) for part in (given, (given > 0).astype(np.int16))
    )
    return Ratings(domain[starts], person[starts], steps, counts)


def scores_of(ratios: Floats) -> tuple[Floats, Floats]:
    """Return the index of each domain, and the share of each item in it, of domains x items."""
    is_known = ~np.isnan(ratios)
    by_service = is_known.reshape(-1, SERVICES, PERSPECTIVES)
    counts = by_service.sum(axis=2)
    has_service = (counts / PERSPECTIVES >= MIN_WEIGHT_SHARE - 1e-12) & (counts > 0)
    services = has_service.sum(axis=1, keepdims=True)
    has_index = (services / SERVICES >= MIN_WEIGHT_SHARE - 1e-12) & (services > 0)
    share = np.where(has_service, 1 / np.maximum(counts, 1), 0) / np.maximum(services, 1)
    shares = np.repeat(share, PERSPECTIVES, axis=1) * is_known
    index = np.where(has_index[:, 0], (shares * np.nan_to_num(ratios)).sum(axis=1), np.nan)
    return index, shares


@dataclass(frozen=True)
class Estimates:
    """By domain and component, the index before the items: what idx_scores has."""

    domains: Integers
    score: Floats
    se: Floats
    df: Floats
    respondents: Integers
    effective: Floats
    low: Floats
    high: Floats


def estimates(ratings: Ratings, of: Sample, method: Method, *, ci_level: float = 0.95) -> Estimates:
    """Return the scores of `ratings` (whose persons are those of the sample, by number)."""
    order = np.lexsort((ratings.person, of.stratum[ratings.person], ratings.domain))
    domain, person = ratings.domain[order], ratings.person[order]
    steps, counts = ratings.steps[order], ratings.counts[order]
    stratum = of.stratum[person]
    weight = of.strata.weights[stratum]
    is_new = np.diff(domain, prepend=-1) != 0
    starts = np.flatnonzero(is_new)
    place = np.cumsum(is_new) - 1
    parts = np.flatnonzero(is_new | (np.diff(stratum, prepend=-1) != 0))
    first_parts = np.searchsorted(parts, starts)
    domains = domain[starts]

    weighted = np.add.reduceat(weight[:, np.newaxis] * counts, starts, axis=0)
    sums = np.add.reduceat(weight[:, np.newaxis] * steps, starts, axis=0)
    ratios = np.divide(sums, weighted, out=np.full(sums.shape, np.nan), where=weighted > 0)
    index, shares = scores_of(ratios)
    score = np.column_stack([index, ratios])
    influences = (steps - np.nan_to_num(ratios)[place] * counts) / np.where(
        weighted > 0, weighted, 1
    )[place]
    influence = np.column_stack([(shares[place] * influences).sum(axis=1), influences])
    influence *= weight[:, np.newaxis]
    size = of.strata.sizes[stratum[parts]][:, np.newaxis]
    fraction = of.strata.fractions[stratum[parts]][:, np.newaxis]
    deviations = (
        np.add.reduceat(influence**2, parts, axis=0)
        - np.add.reduceat(influence, parts, axis=0) ** 2 / size
    )
    factor = np.where(size > 1, (1 - fraction) * size / np.maximum(size - 1, 1), 0)
    variance = np.add.reduceat(factor * deviations, first_parts, axis=0)

    is_rater = np.column_stack([np.ones(len(domain), bool), counts > 0])
    in_part = np.add.reduceat(is_rater.astype(np.int64), parts, axis=0)
    respondents = np.add.reduceat(in_part, first_parts, axis=0)
    df = respondents - np.add.reduceat((in_part > 0).astype(np.int64), first_parts, axis=0)
    is_lone = (size == 1) & (of.staff[stratum[parts]][:, np.newaxis] > 1) & (in_part > 0)
    has_lone = np.logical_or.reduceat(is_lone, first_parts, axis=0)
    weight_sum, square_sum = (
        np.add.reduceat(power[:, np.newaxis] * is_rater, starts, axis=0)
        for power in (weight, weight**2)
    )
    effective = weight_sum**2 / np.where(square_sum > 0, square_sum, np.nan)

    is_small = respondents[:, 0] < method.jackknife_below_n
    if is_small.any():
        chosen = is_small[place]
        raters = Raters(domain[chosen], stratum[chosen], steps[chosen], counts[chosen])
        _, of_small = part_variances(
            raters,
            strata=of.strata,
            items=ITEM_PLACES,
            parents=PARENTS,
            component_count=1 + SERVICES + ITEMS,
            min_weight_share=MIN_WEIGHT_SHARE,
            steps_per_point=1,
        )
        of_small = of_small[[0, *ITEM_PLACES]].T
        variance[is_small] = np.where(np.isnan(of_small), variance[is_small], of_small)
    variance[np.abs(variance) < 1e-16] = 0
    is_known = (df >= 1) & ~has_lone & ~np.isnan(score)
    se = np.where(is_known, np.sqrt(np.maximum(variance, 0)), np.nan)
    t = stdtrit(np.maximum(df, 1), (1 + ci_level) / 2)
    low, high = (wilson if method.is_wilson else wald)(score, se, t, effective)
    return Estimates(domains, score, se, df.astype(float), respondents, effective, low, high)


def wald(score: Floats, se: Floats, t: Floats, _: Floats) -> tuple[Floats, Floats]:
    """Return the ends of score -+ t se, cut to the scale."""
    return np.maximum(score - t * se, 1), np.minimum(score + t * se, 4)


def wilson(score: Floats, se: Floats, t: Floats, effective: Floats) -> tuple[Floats, Floats]:
    """Return the ends of Wilson's interval (method.md, Intervals that hold)."""
    share = np.clip((score - 1) / 3, 0, 1)
    of_one = 1 / (6 * effective)
    inner = np.clip(share, of_one, 1 - of_one)
    size = np.maximum(inner * (1 - inner) / np.maximum(se / 3, of_one) ** 2, effective)
    size = np.where(np.isnan(se), np.nan, size)
    reach = t * np.sqrt(share * (1 - share) / size + t**2 / (4 * size**2))
    low, high = ((share + t**2 / (2 * size) + sign * reach) / (1 + t**2 / size) for sign in (-1, 1))
    return np.clip(1 + 3 * low, 1, 4), np.clip(1 + 3 * high, 1, 4)


# --- Counting ------------------------------------------------------------------------------------

Row = tuple[str, str, str]
"""What is counted, of which size, by which method."""


def band_of(n: Integers) -> NDArray[np.int64]:
    """Return the place in BANDS of each number of persons, -1 for none."""
    found = np.full(n.shape, -1)
    for place, (low, high) in enumerate(BANDS):
        found[(n >= low) & (n <= high)] = place
    return found


def count(random: np.random.Generator, scenario: Scenario, middle: float) -> Counter[Row]:
    """Return how many intervals of two samples of one population hold, and of how many.

    Changes are those between the two, of which there is none. Who answers in both is left to
    chance, so that the two are independent.
    """
    of = organisation(random)
    people = population(random, scenario, of, middle=middle)
    truth = {}
    for kind in KINDS:
        everybody = ratings_of(kind, of, people.ratings)
        starts = np.flatnonzero(np.diff(everybody.domain, prepend=-1))
        sums, counts = (
            np.add.reduceat(part.astype(np.int64), starts, axis=0)
            for part in (everybody.steps, everybody.counts)
        )
        ratios = np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)
        truth[kind] = everybody.domain[starts], np.column_stack([scores_of(ratios)[0], ratios])
    answers = [who_answers(random, scenario, people) for _ in range(2)]
    found: Counter[Row] = Counter()
    for method in METHODS:
        samples = [sample(of, answer, method) for answer in answers]
        for kind in KINDS:
            both = [estimates(ratings_of_sample(kind, people, one), one, method) for one in samples]
            domains, true = truth[kind]
            for one in both:
                of_domains = true[np.searchsorted(domains, one.domains)]
                _count_intervals(found, kind, one, of_domains, method)
            if kind == "unit":
                _count_changes(found, *both, method)
    return found


def ratings_of_sample(kind: str, people: Population, of: Sample) -> Ratings:
    """Return what the persons of a sample rated, numbered in its order."""
    whole = people.organisation
    some = replace(whole, unit=whole.unit[of.rows], category=whole.category[of.rows])
    return ratings_of(kind, some, people.ratings[of.rows])


def _count_intervals(
    found: Counter[Row], kind: str, of: Estimates, true: Floats, method: Method
) -> None:
    columns = {"": slice(0, 1), "item in ": slice(1, None)} if kind == "unit" else {"": slice(0, 1)}
    for prefix, chosen in columns.items():
        low, high, n = of.low[:, chosen], of.high[:, chosen], of.respondents[:, chosen]
        value = true[:, chosen]
        is_known = ~np.isnan(low) & ~np.isnan(value)
        bands = band_of(n) if kind == "unit" else np.zeros(n.shape, dtype=np.int64)
        for place in range(len(BANDS) if kind == "unit" else 1):
            here = is_known & (bands == place)
            size = _name(BANDS[place]) if kind == "unit" else ""
            for what, is_so in (
                ("holds", (low <= value + 1e-9) & (value <= high + 1e-9)),
                ("all", here),
            ):
                found[f"{prefix}{kind} {what}", size, method.name] += int((here & is_so).sum())
            found[f"{prefix}{kind} width", size, method.name] += float((high - low)[here].sum())


def _count_changes(found: Counter[Row], one: Estimates, other: Estimates, method: Method) -> None:
    _, here, there = np.intersect1d(one.domains, other.domains, return_indices=True)
    delta = one.score[here, 0] - other.score[there, 0]
    se = np.sqrt(one.se[here, 0] ** 2 + other.se[there, 0] ** 2)
    df = np.minimum(one.df[here, 0], other.df[there, 0])
    limit = stdtrit(np.maximum(df, 1), 0.975) if method.is_wilson else stdtrit(1e9, 0.975)
    bands = band_of(np.minimum(one.respondents[here, 0], other.respondents[there, 0]))
    is_known = ~np.isnan(se) & (se > 0) & ~np.isnan(delta)
    for place, band in enumerate(BANDS):
        of_band = is_known & (bands == place)
        found["change alarm", _name(band), method.name] += int(
            (of_band & (np.abs(delta) > limit * se)).sum()
        )
        found["change all", _name(band), method.name] += int(of_band.sum())


def _name(band: tuple[int, int]) -> str:
    low, high = band
    return f"{low}-{high}" if high < 1000 else f"{low}+"


def run_part(part: tuple[int, Scenario, int, int]) -> tuple[str, Counter[Row]]:
    """Return what so many samples of a scenario count; the draws follow from seed and numbers."""
    seed, scenario, first, number = part
    middle, found = middle_of(scenario), Counter[Row]()
    for place in range(first, first + number):
        words = [seed, int(scenario.name[1:]), place]
        found.update(count(np.random.default_rng(words), scenario, middle))
    return scenario.name, found


def simulate(samples: int, *, seed: int, processes: int) -> dict[str, Counter[Row]]:
    """Return what each scenario counts."""
    each = 10
    parts = [
        (seed, scenario, first, min(each, samples - first))
        for scenario in SCENARIOS
        for first in range(0, samples, each)
    ]
    found: dict[str, Counter[Row]] = {scenario.name: Counter() for scenario in SCENARIOS}
    began = time.monotonic()
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        for done, (name, of_part) in enumerate(pool.imap_unordered(run_part, parts), 1):
            found[name].update(of_part)
            print(
                f"\r{done} of {len(parts)} parts, {time.monotonic() - began:.0f} s",
                end="",
                flush=True,
            )
    print()
    return found


# --- The table -----------------------------------------------------------------------------------

COLUMNS = (
    ("nation", "nation", ""),
    ("region", "region", ""),
    *((f"unit {_name(band)}", "unit", _name(band)) for band in BANDS[:3]),
    *((f"item {_name(band)}", "item in unit", _name(band)) for band in BANDS),
)


def table(found: Mapping[str, Counter[Row]], *, samples: int, seed: int) -> Iterator[str]:
    """Yield the lines of the document between the markers."""
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=7"],
        cwd=DOCUMENT.parent,
        capture_output=True,
        encoding="utf-8",
        check=False,
    ).stdout.strip()
    yield (
        f"{samples} populations a scenario, two samples of each; seed {seed}; {date.today()}, "
        f"commit {commit or 'unknown'}. Per cent of the nominal 95 % intervals that hold the "
        "truth, by the number of persons under the row:"
    )
    yield ""
    yield f"| scenario | method | {' | '.join(title for title, *_ in COLUMNS)} |"
    yield f"|{'---|' * (2 + len(COLUMNS))}"
    for scenario in SCENARIOS:
        for method in METHODS:
            of = found[scenario.name]
            cells = [
                _share(of[f"{kind} holds", size, method.name], of[f"{kind} all", size, method.name])
                for _, kind, size in COLUMNS
            ]
            words = f"{scenario.name} {scenario.words}" if method is METHODS[0] else ""
            yield f"| {words} | {method.name} | {' | '.join(cells)} |"
    yield ""
    yield (
        "Per cent of units' changes that are taken for one at 5 % where nothing changed, and the "
        "mean width of intervals of units and of items in them:"
    )
    yield ""
    names = [_name(band) for band in BANDS]
    titles = [f"{what} {name}" for what in ("change", "width", "item width") for name in names]
    yield f"| scenario | method | {' | '.join(titles)} |"
    yield f"|{'---|' * (2 + len(titles))}"
    for scenario in SCENARIOS:
        for method in METHODS:
            of = found[scenario.name]
            cells = [
                _share(of["change alarm", name, method.name], of["change all", name, method.name])
                for name in names
            ]
            for kind in ("unit", "item in unit"):
                for name in names:
                    all_of = of[f"{kind} all", name, method.name]
                    width = of[f"{kind} width", name, method.name]
                    cells.append(f"{width / all_of:.2f}" if all_of else "")
            words = scenario.name if method is METHODS[0] else ""
            yield f"| {words} | {method.name} | {' | '.join(cells)} |"


def _share(part: float, whole: float) -> str:
    return f"{100 * part / whole:.1f}" if whole else ""


def write(lines: Sequence[str], document: Path = DOCUMENT) -> None:
    """Put the lines between the document's markers."""
    before, rest = document.read_text(encoding="utf-8").split(BEGIN)
    _, after = rest.split(END)
    text = "\n".join([f"{before}{BEGIN}", "", *lines, "", f"{END}{after}"])
    document.write_text(text, encoding="utf-8")


def main() -> None:
    """Simulate, print, and write where asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.coverage", description=__doc__)
    parser.add_argument("--samples", type=int, default=SAMPLES)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--write", action="store_true", help="into docs/method.md")
    arguments: Any = parser.parse_args()
    found = simulate(arguments.samples, seed=arguments.seed, processes=arguments.processes)
    lines = list(table(found, samples=arguments.samples, seed=arguments.seed))
    print("\n".join(lines))
    if arguments.write:
        write(lines)


if __name__ == "__main__":
    main()
