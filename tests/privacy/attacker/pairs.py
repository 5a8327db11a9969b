"""Pairs of publications: what they tell of those by whom they differ.

Belongs here: two warehouses' answers put together, so that both publications' figures are about the
same unknown ratings. Doesn't: programs and verdicts (attack.py).
"""

from pathlib import Path

import numpy as np
import pandas as pd

from tests.privacy.attacker.attack import Attack, CycleAttack, View
from tests.privacy.attacker.known import Cycle, Domain, Kind, Tree, read_known
from tests.privacy.attacker.published import read_published

MOST_DIFFERING = 400


Side = tuple[dict[str, Cycle], Path]
"""What is known of a publication's cycles, and the publication."""


def attack_pair(earlier: tuple[Path, Path], later: tuple[Path, Path]) -> Attack:
    """Attack two publications, each given with its warehouse, for whoever is in one alone."""
    sides = [(read_known(warehouse), published) for warehouse, published in (earlier, later)]
    return attack_known_pair(*sides)


def attack_known_pair(earlier: Side, later: Side) -> Attack:
    """Attack two publications for whoever is in one alone."""
    sides = [cycles for cycles, _ in (earlier, later)]
    published = [read_published(path, cycles) for cycles, path in (earlier, later)]
    found = Attack(published=published[1])
    for cycle_id in sides[0].keys() & sides[1].keys():
        joint, is_differing = _join(sides[0][cycle_id], sides[1][cycle_id])
        if not is_differing.any():
            continue
        figures = [
            figure.of_side(side)
            for side, source in enumerate(published)
            for figure in source.figures
            if figure.cycle_id == cycle_id
        ]
        _PairAttack(joint, figures, set(), found, is_quick=False, is_differing=is_differing).run()
    return found


def _join(*sides: Cycle) -> tuple[Cycle, np.ndarray]:
    """One cycle of both sides' answers, and which of these are on one side alone.

    Whoever answers otherwise than before is another person: a reader knows who he is, not what he
    said.
    """
    keys = ["response_id", "question_id"]
    frames = []
    for side in sides:
        frame = side.ratings.assign(score=side.scores)
        said = pd.util.hash_pandas_object(frame[["question_id", "score"]], index=False)
        told = said.groupby(frame["response_id"].to_numpy()).sum()
        frame["response_id"] += " " + frame["response_id"].map(told).astype(str)
        for mode, weights in side.weights.items():
            frame[f"weight {mode}"] = weights
        frames.append(frame)
    merged = frames[0].merge(frames[1], on=keys, how="outer", suffixes=("@0", "@1"))
    is_in = [merged[f"score@{number}"].notna().to_numpy() for number in (0, 1)]
    is_differing = ~(is_in[0] & is_in[1])

    def either(name: str) -> pd.Series:
        return merged[f"{name}@1"].where(is_in[1], merged[f"{name}@0"])

    names = [name for name in sides[0].ratings.columns if name not in keys]
    ratings = merged[keys].assign(**{name: either(name) for name in names})
    ratings["response_key"] = ratings["response_id"]
    classes = [merged[f"weight_cell_number@{number}"].fillna(-1) for number in (0, 1)]
    of_person = pd.factorize(ratings["response_id"])[0]
    alone = np.where(is_differing, of_person, -1)
    together = pd.DataFrame({"a": classes[0], "b": classes[1], "c": alone})
    ratings["weight_cell_number"] = together.groupby(["a", "b", "c"]).ngroup()
    weights = {
        f"{mode}@{number}": merged[f"weight {mode}@{number}"].fillna(0).to_numpy(dtype=float)
        for number, side in enumerate(sides)
        for mode in side.weights
    }
    later = sides[1]
    kinds = {}
    for name in later.kinds:
        ids = [
            np.array([*kind.domain_ids, None], dtype=object)[kind.of_rating]
            for kind in (side.kinds[name] for side in sides)
        ]
        looked_up = [
            pd.Series(values, index=pd.MultiIndex.from_frame(frame[keys]))
            for values, frame in zip(ids, frames, strict=True)
        ]
        index = pd.MultiIndex.from_frame(merged[keys])
        values = looked_up[1].reindex(index).where(is_in[1], looked_up[0].reindex(index))
        of_rating, domain_ids = pd.factorize(values.to_numpy(dtype=object), sort=True)
        kinds[name] = Kind(name, tuple(map(str, domain_ids)), of_rating.astype(np.int64))
    trees: dict[str, Tree] = {
        f"{name}@{number}": tree
        for number, side in enumerate(sides)
        for name, tree in side.trees.items()
    }
    joint = Cycle(
        cycle_id=later.cycle_id,
        min_cell_n=later.min_cell_n,
        method_mode=f"{later.method_mode}@1",
        jackknife_below_n=later.jackknife_below_n,
        ratings=ratings,
        weights=weights,
        kinds=kinds,
        demographics=later.demographics,
        trees={**trees, "own": later.trees["own"]},
        steps={**sides[0].steps, **later.steps},
        strata={},
        use_shares={},
        scores=either("score").to_numpy(dtype=float),
    )
    return joint, is_differing


class _PairAttack(CycleAttack):
    """The same programs, for those who differ and for nobody else."""

    def __init__(self, *arguments, is_differing: np.ndarray, **options) -> None:
        super().__init__(*arguments, **options)
        self.is_differing = is_differing

    def run(self) -> None:
        self._check_truth()
        self._timed("knapsack", self._enumerate)
        # Of whoever they are: here only those who differ count.
        self.best.clear()
        self.seen_groups.clear()
        self._timed("pairs", self._neighbourhoods)
        self.found.findings += self.best.values()
        self.found.groups += len(self.seen_groups)

    def _touched(self, names: tuple[str, ...], inside: np.ndarray) -> list[Domain]:
        return [
            (name, self.cycle.kinds[name].domain_ids[position])
            for name in names
            for position in np.unique(self.cycle.kinds[name].of_rating[inside])
            if position >= 0
        ]

    def _neighbourhoods(self) -> None:
        cycle = self.cycle
        everything = frozenset(cycle.items)
        differing = self.is_differing
        if len(np.unique(cycle.person_of[differing])) > MOST_DIFFERING:
            raise ValueError(f"more than {MOST_DIFFERING} persons differ")
        places = ("provider_region", "provider_region_level", "provider_unit")
        region = cycle.kinds["provider_region"].of_rating
        for position in np.unique(region[differing]):
            domains = self._touched(places, differing & (region == position))
            self._solve(domains, everything, [], by="region")
        wholes = ("national", "provider_level", "direction", "recipient_category", "role")
        for person in np.unique(cycle.person_of[differing])[:20]:
            of_person = differing & (cycle.person_of == person)
            self._solve(
                self._touched(("national", *places), of_person), everything, [], by="places"
            )
        domains = self._touched(
            (*wholes, *self.cycle.demographics, "role_provider_level"), differing
        )
        for component, items in cycle.components.items():
            if component[0] and component[1] and not component[2]:
                self._solve(domains, items, [], by="nation", most=60)

    def _targets_of(self, kind, domain, positions, components, view: View, targets) -> None:
        cycle = self.cycle
        positions = positions[self.is_differing[view.rows[positions]]]
        of_item = cycle.item_of[view.rows[positions]]
        for component, under in components:
            within = positions[np.isin(of_item, under)]
            persons = cycle.person_of[view.rows[within]]
            everybody = np.unique(persons)
            if 1 < len(everybody) < cycle.min_cell_n:
                self._add_target(
                    targets, "pair", domain, component, None, within, len(everybody), view
                )
            if len(everybody) > 50:
                continue
            for person in everybody:
                self._add_target(
                    targets,
                    "pair",
                    domain,
                    component,
                    int(person),
                    within[persons == person],
                    1,
                    view,
                )

    def _rest_targets(self, *_) -> None:
        """Rests are one publication's affair."""
