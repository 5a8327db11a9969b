"""Do errors of changes hold where the same people answer twice? Two cycles, drawn many times.

Belongs here: a made-up population whose people keep their leniency, two samples of it in which a
part of the first answers again, and the true spread of the change beside the error computed for it.
Doesn't: coverage of one cycle's intervals.

`python -m benchmarks.changes [SAMPLES]` prints a row for each share of those who answer again.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from orchestration.scoring.linearisation import linearise
from orchestration.scoring.overlap_covariances import overlap_covariances
from orchestration.scoring.overlap_moments import overlap_moments
from orchestration.scoring.second_moments import second_moments

CYCLES = ("before", "now")
ITEMS = 8
AGAIN = (0.3, 0.5, 0.7, 0.9)
# Staff and response of a unit: of ten to two hundred respondents.
UNITS = tuple((staff, 0.3) for staff in (40, 60, 80, 120, 160, 240, 400, 640))
COMPONENTS = pd.DataFrame(
    [(1, "index", None, None, None)]
    + [(2 + item, "item", "s", "p", f"i{item}") for item in range(ITEMS)],
    columns=["component_number", "component_type", "service_id", "perspective_id", "item_id"],
)
EDGES = pd.DataFrame(
    [(3, 1, 2 + item, 1.0) for item in range(ITEMS)],
    columns=["storey", "parent_number", "child_number", "weight"],
)
QUESTIONS = pd.DataFrame(
    [(cycle, item + 1, f"i{item}", 1) for cycle in CYCLES for item in range(ITEMS)],
    columns=["instrument_id", "question_number", "item_id", "provider_level_rank"],
).assign(service_id="s", perspective_id="p")
DOMAIN_IDS = ["nation", *(f"u{unit}" for unit in range(len(UNITS)))]
DOMAINS = pd.DataFrame(
    [
        (cycle, number, "t", name)
        for cycle in CYCLES
        for number, name in enumerate(DOMAIN_IDS, start=1)
    ],
    columns=["cycle_id", "domain_number", "domain_type", "domain_id"],
)
ROUTES = pd.DataFrame(
    [
        (cycle, "role_id" if number == 1 else "unit_id", "r" if number == 1 else name, number)
        for cycle, number, _, name in DOMAINS.itertuples(index=False)
    ],
    columns=["cycle_id", "attribute_name", "attribute_value", "domain_number"],
).assign(role_id="r", is_level_1=True)
SETTINGS = pd.DataFrame({"cycle_id": CYCLES, "instrument_id": CYCLES})


@dataclass(frozen=True)
class Spread:
    """Of each domain's change: its standard deviation, and the root mean of its variances."""

    true: NDArray[np.float64]
    independent: NDArray[np.float64]
    overlap: NDArray[np.float64]


def spread(again: float, samples: int, seed: int) -> Spread:
    """Draw both cycles so many times, of people of whom a share `again` answers again."""
    chance = np.random.default_rng(seed)
    found = [_change(people) for people in _drawn(chance, again, samples)]
    deltas, independent, overlap = (np.array(of) for of in zip(*found, strict=True))
    return Spread(
        true=deltas.std(axis=0, ddof=1),
        independent=np.sqrt(independent.mean(axis=0)),
        overlap=np.sqrt(overlap.mean(axis=0)),
    )


def _drawn(
    chance: np.random.Generator, again: float, samples: int
) -> Iterator[dict[str, pd.DataFrame]]:
    """Yield the respondents of both cycles, out of one population with one opinion a cycle."""
    unit = np.repeat(np.arange(len(UNITS)), [staff for staff, _ in UNITS])
    lenient = chance.normal(0, 0.5, (len(unit), 1)) + chance.normal(0, 0.3, (len(unit), ITEMS))
    opinions = {
        cycle: np.clip(np.rint(3.2 + lenient + chance.normal(0, 0.4, lenient.shape)), 1, 4).astype(
            np.int16
        )
        for cycle in CYCLES
    }
    for _ in range(samples):
        answered = {cycle: np.zeros(len(unit), dtype=bool) for cycle in CYCLES}
        for number, (staff, rate) in enumerate(UNITS):
            of_unit = chance.permutation(np.flatnonzero(unit == number))
            count = round(staff * rate)
            kept = min(count, round(count * again))
            answered["before"][of_unit[:count]] = True
            answered["now"][of_unit[count - kept : 2 * count - kept]] = True
        yield {
            cycle: pd.DataFrame(
                {"response_key": np.flatnonzero(is_in), "stratum_number": unit[is_in] + 1}
            )
            .assign(unit_id=[f"u{of}" for of in unit[is_in]])
            .join(
                pd.DataFrame(
                    opinions[cycle][is_in], columns=[f"rating_{item + 1}" for item in range(ITEMS)]
                )
            )
            for cycle, is_in in answered.items()
        }


def _change(
    people: dict[str, pd.DataFrame],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return by domain the change of the index, its variance as of two samples, and as it is."""
    strata = pd.DataFrame(
        [
            (cycle, "poststrat", number, round(staff * rate), staff, round(staff * rate) / staff)
            for cycle in CYCLES
            for number, (staff, rate) in enumerate(UNITS, start=1)
        ],
        columns=[
            *("cycle_id", "weighting_mode", "stratum_number"),
            *("stratum_respondent_count", "stratum_staff_count", "sampling_fraction"),
        ],
    )
    strata["weight"] = 1 / strata["sampling_fraction"]
    ratings, scores, moments, variances = {}, [], {}, {}
    for cycle, frame in people.items():
        ratings[cycle] = pa.Table.from_pandas(
            frame.assign(cycle_id=cycle, role_id="r", steps_per_point=1), preserve_index=False
        )
        moments[cycle] = second_moments(
            ratings[cycle],
            cycle_id=cycle,
            settings=SETTINGS,
            questions=QUESTIONS,
            components=COMPONENTS,
            routes=ROUTES[ROUTES["cycle_id"] == cycle],
        )
        weight = (
            frame["stratum_number"]
            .map(strata[strata["cycle_id"] == cycle].set_index("stratum_number")["weight"])
            .to_numpy()
        )
        answers = frame[[f"rating_{item + 1}" for item in range(ITEMS)]].to_numpy()
        for number, name in enumerate(DOMAIN_IDS, start=1):
            inside = weight * ((frame["unit_id"] == name) | (number == 1)).to_numpy()
            ratios = inside @ answers / inside.sum()
            scores.append((cycle, 1, number, ratios.mean(), np.nan))
            scores.extend(
                (cycle, 2 + item, number, ratio, inside.sum()) for item, ratio in enumerate(ratios)
            )
    scored = pd.DataFrame(
        scores,
        columns=[
            *("compared_cycle_id", "component_number", "domain_number"),
            *("score", "weighted_rating_count"),
        ],
    ).assign(weighting_mode="poststrat")
    for cycle in CYCLES:
        found = linearise(
            moments[cycle],
            components=COMPONENTS,
            edges=EDGES,
            scores=scored[scored["compared_cycle_id"] == cycle],
            strata=strata[strata["cycle_id"] == cycle],
        ).variances()
        of_index = found[found["component_number"] == 1].set_index("domain_number")
        variances[cycle] = of_index["variance"].sort_index().to_numpy()
    both = people["before"].merge(people["now"], on="response_key")
    pairs = pd.DataFrame(
        {
            "previous_response_key": both["response_key"],
            "response_key": both["response_key"],
            "previous_stratum_number": both["stratum_number_x"],
            "stratum_number": both["stratum_number_y"],
        }
    )
    found = overlap_covariances(
        overlap_moments(
            pa.Table.from_pandas(pairs, preserve_index=False),
            previous_ratings=ratings["before"],
            ratings=ratings["now"],
            cycle_id="now",
            settings=SETTINGS,
            questions=QUESTIONS,
            components=COMPONENTS,
            shared=COMPONENTS,
            domains=DOMAINS,
            routes=ROUTES,
        ),
        cycle_id="now",
        pairs=pairs.groupby(["previous_stratum_number", "stratum_number"])
        .size()
        .rename("overlap_count")
        .reset_index(),
        moments=moments,
        components=pd.concat(COMPONENTS.assign(cycle_id=cycle) for cycle in CYCLES),
        edges=EDGES,
        scores=scored,
        strata=strata,
        domains=DOMAINS,
    ).to_pandas()
    of_index = found[found["component_number"] == 1].set_index("domain_number")["covariance"]
    covariance = of_index.reindex(range(1, len(DOMAIN_IDS) + 1)).fillna(0).to_numpy()
    index = scored[scored["component_number"] == 1].pivot_table(
        index="domain_number", columns="compared_cycle_id", values="score"
    )
    independent = variances["before"] + variances["now"]
    return (index["now"] - index["before"]).to_numpy(), independent, independent - 2 * covariance


def main() -> None:
    """Print how the errors compare with the truth."""
    samples = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    print(f"se / true sd of a change, {samples} samples; units of 12 to 192 respondents\n")
    print(
        "| answer again | nation: independent | with overlap | units: independent | with overlap |"
    )
    print("|---:|---:|---:|---:|---:|")
    for again in AGAIN:
        of = spread(again, samples, seed=20261128)
        independent, overlap = of.independent / of.true, of.overlap / of.true
        print(
            f"| {again:.0%} | {independent[0]:.2f} | {overlap[0]:.2f} "
            f"| {independent[1:].mean():.2f} | {overlap[1:].mean():.2f} |"
        )


if __name__ == "__main__":
    main()
