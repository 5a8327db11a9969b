"""Publications made up for the attacker: scores of any precision, and whatever else is planted.

Belongs here: true scores as a known cycle has them, written as published tables. Doesn't: the
warehouse's own figures.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from tests.privacy.attacker.known import Component, Cycle, Domain


def true_scores(
    cycle: Cycle, *, tree: str = "own", modes: tuple[str, ...] | None = None
) -> Iterator[dict]:
    """Every score of a cycle on one of its trees, as rows of idx_scores."""
    size = len(cycle.items)
    for name, kind in cycle.kinds.items():
        within = kind.of_rating >= 0
        key = kind.of_rating[within] * size + cycle.item_of[within]
        length = len(kind.domain_ids) * size

        def added(values: np.ndarray, *, key=key, within=within, length=length) -> np.ndarray:
            return np.bincount(key, values[within], minlength=length).reshape(-1, size)

        numbers = added(np.ones(len(cycle.ratings)))
        persons = _persons(cycle, kind.of_rating)
        for mode in modes or tuple(cycle.weights):
            weights = cycle.weights[mode]
            with np.errstate(invalid="ignore", divide="ignore"):
                ratios = added(weights * cycle.scores) / added(weights)
            for position, domain_id in enumerate(kind.domain_ids):
                present = frozenset(
                    item
                    for item, count in zip(cycle.items, numbers[position], strict=True)
                    if count
                )
                for component, shares in cycle.trees[tree].shares(present).items():
                    under = cycle.components.get(component, frozenset(shares)) & present
                    yield {
                        "cycle_id": cycle.cycle_id,
                        "weighting_mode": mode,
                        "domain_type": name,
                        "domain_id": domain_id,
                        **dict(
                            zip(
                                ("service_id", "perspective_id", "item_id"),
                                (part or None for part in component),
                                strict=True,
                            )
                        ),
                        "score": sum(
                            share * ratios[position, cycle.items.index(item)]
                            for item, share in shares.items()
                        ),
                        "respondent_count": len(
                            set().union(*(persons.get((position, item), ()) for item in under))
                        ),
                    }


def _persons(cycle: Cycle, of_rating: np.ndarray) -> dict[tuple[int, str], set[int]]:
    frame = pd.DataFrame(
        {"domain": of_rating, "item": cycle.ratings["item_id"], "person": cycle.person_of}
    )
    groups = frame[frame["domain"] >= 0].groupby(["domain", "item"])["person"]
    return {key: set(persons) for key, persons in groups}


Rule = Callable[[dict], float | None]


def publish(
    path: Path,
    cycles: Mapping[str, Cycle],
    *,
    step_of: Rule,
    tables: Mapping[str, list[dict]] | None = None,
) -> Path:
    """Write the scores of cells of enough persons, each rounded to `step_of` it (None: exact).

    `step_of` a row is a step, None, or NaN for a row that is hidden whatever its size.
    """
    rows = []
    for cycle in cycles.values():
        for row in true_scores(cycle):
            step = step_of(row)
            is_suppressed = row["respondent_count"] < cycle.min_cell_n or step != step
            score = row["score"]
            if is_suppressed:
                score, step = None, None
            elif step:
                score = np.floor(score / step + 0.5) * step
            rows.append({**row, "score": score, "score_step": step, "is_suppressed": is_suppressed})
    with duckdb.connect(str(path)) as connection:
        for name, content in {"idx_scores": rows, **(tables or {})}.items():
            frame = pd.DataFrame(content)
            for column in ("score", "score_step"):
                if column in frame:
                    frame[column] = frame[column].astype(float)
            connection.register("content", frame)
            connection.execute(f'create table "{name}" as from content')
            connection.unregister("content")
    return path


def key_of(row: dict) -> tuple[Domain, Component]:
    """The cell of a row."""
    component = tuple(row[name] or "" for name in ("service_id", "perspective_id", "item_id"))
    return (row["domain_type"], row["domain_id"]), component
