"""The attack: groups under `min_cell_n`, what the publication leaves of them, and whether it is so.

Belongs here: which groups there are, which figures are looked at together, verdicts. Kinds of
groups:

- `cell`: a hidden cell (a domain and a component);
- `class`: persons of one weight inside a cell, shown or hidden;
- `rest`: what shown parts leave of a division's whole (hidden parts together, and who is in none);
- `person`: one of the persons of a weight class of a shown cell, however large;
- `pair`: those by whom two publications differ, in one domain, or one of them.

A group is *recovered* where one value is left for its sum of ratings, *confined* where the means
left to it are at most `CONFINED` apart. Whole ratings count: a range is cut to its grid.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from tests.privacy.attacker.knapsack import possible_sums
from tests.privacy.attacker.known import (
    Component,
    Cycle,
    Domain,
    Floats,
    Ints,
    Tree,
    read_known,
)
from tests.privacy.attacker.programs import AttackerError, Program, ranges
from tests.privacy.attacker.published import Figure, Published, read_published

CONFINED = 1.0
HAIR = 1e-6


@dataclass(frozen=True)
class Finding:
    """A group of which the attacker claims that its mean rating lies in [low, high]."""

    kind: str
    cycle_id: str
    domain: Domain
    component: Component
    weight_class: int | None
    persons: int
    answers: int
    low: float
    high: float
    truth: float
    is_recovered: bool
    is_score: bool
    """Whether it is the cell's score; else the plain mean of its ratings."""
    by: str

    @property
    def is_true(self) -> bool:
        """Whether the group's mean is where the attacker says."""
        return self.low - 1e-4 <= self.truth <= self.high + 1e-4

    @property
    def component_type(self) -> str:
        """The type's name, as published tables have it."""
        service, perspective, item = self.component
        if item:
            return "item"
        if service and perspective:
            return "service_perspective"
        return "service" if service else "perspective" if perspective else "index"

    def __str__(self) -> str:
        service, perspective, item = self.component
        group = "" if self.weight_class is None else f", weight class {self.weight_class}"
        what = "score" if self.is_score else "mean"
        return (
            f"{self.kind} {self.cycle_id} {'/'.join(self.domain)} "
            f"{item or ' '.join(filter(None, (service, perspective))) or 'index'}{group}: "
            f"{self.persons} persons, {self.answers} ratings, {what} in "
            f"[{self.low:.4f}, {self.high:.4f}], true {self.truth:.4f} ({self.by})"
        )


@dataclass
class Attack:
    """What was found, and how it was looked for."""

    findings: list[Finding] = field(default_factory=list)
    groups: int = 0
    cells_split: dict[str, int] = field(default_factory=dict)
    published: Published | None = None
    programs: int = 0
    given_up: int = 0
    """Programs that the solver could not solve: what they would have told is unknown."""
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def recovered(self) -> list[Finding]:
        """Groups of which one value is left."""
        return [finding for finding in self.findings if finding.is_recovered]

    @property
    def confined(self) -> list[Finding]:
        """Groups whose mean is known to half a rating point, recovered or not."""
        return [
            finding for finding in self.findings if finding.high - finding.low <= CONFINED + HAIR
        ]

    @property
    def untrue(self) -> list[Finding]:
        """Claims that the warehouse contradicts: the attacker is wrong then."""
        return [finding for finding in self.findings if not finding.is_true]


def attack(
    warehouse: Path, published: Path, *, earlier: Sequence[Path] = (), is_quick: bool = False
) -> Attack:
    """Attack a publication of this warehouse, together with earlier ones of the same answers."""
    return attack_known(read_known(warehouse), [published, *earlier], is_quick=is_quick)


def attack_known(
    cycles: dict[str, Cycle], published: Sequence[Path], *, is_quick: bool = False
) -> Attack:
    """Attack publications of what is known of these cycles, the last one first."""
    sources = [read_published(path, cycles) for path in published]
    found = Attack(published=sources[0])
    for cycle in cycles.values():
        figures = [
            figure
            for source in sources
            for figure in source.figures
            if figure.cycle_id == cycle.cycle_id
        ]
        hidden = set.intersection(*(source.hidden[cycle.cycle_id] for source in sources))
        CycleAttack(cycle, figures, hidden, found, is_quick=is_quick).run()
    return found


class CycleAttack:
    def __init__(
        self,
        cycle: Cycle,
        figures: list[Figure],
        hidden: set[tuple[Domain, Component]],
        found: Attack,
        *,
        is_quick: bool,
    ) -> None:
        self.cycle = cycle
        self.hidden = hidden
        self.found = found
        self.is_quick = is_quick
        self.random = np.random.default_rng(14)
        self.figures: dict[Domain, list[Figure]] = {}
        self.shown: dict[tuple[Domain, Component, str], tuple[float, float]] = {}
        self.errors: dict[tuple[Domain, Component, str], tuple[float, float]] = {}
        for figure in figures:
            self.figures.setdefault(figure.domain, []).append(figure)
            if figure.tree.split("@")[0] == "own":
                key = (figure.domain, figure.component, figure.mode)
                low, high = self.shown.get(key, (1.0, 4.0))
                self.shown[key] = (max(low, figure.low), min(high, figure.high))
                if figure.error is not None:
                    self.errors[key] = figure.error
        self.item_numbers = {item: number for number, item in enumerate(cycle.items)}
        self.counts: dict[str, dict[str, Floats]] = {}
        for name, kind in cycle.kinds.items():
            within = kind.of_rating >= 0
            key = kind.of_rating[within] * len(cycle.items) + cycle.item_of[within]
            size = len(kind.domain_ids) * len(cycle.items)
            self.counts[name] = {
                mode: np.bincount(key, weights[within], minlength=size).reshape(
                    -1, len(cycle.items)
                )
                for mode, weights in cycle.weights.items()
            }
        self.positions = {
            (name, domain_id): position
            for name, kind in cycle.kinds.items()
            for position, domain_id in enumerate(kind.domain_ids)
        }
        # (domain, item, class) -> least and greatest mean, from enumerating whole ratings.
        self.derived: dict[Domain, list[tuple[str, int, float, float]]] = {}
        self.best: dict[tuple, Finding] = {}
        self.tokens = np.random.default_rng(1).integers(1, 2**62, len(cycle.ratings))
        self.seen_groups: set[tuple] = set()

    def run(self) -> None:
        self._check_truth()
        self._timed("knapsack", self._enumerate)
        self._timed("spread", self._spreads)
        self._timed("persons", self._persons)
        self._timed("regions", self._regions)
        self._timed("nation", self._nation)
        self._timed("demographics", self._demographics)
        self._timed("single domains", self._single_domains)
        self.found.findings += self.best.values()
        self.found.groups += len(self.seen_groups)

    def _timed(self, name: str, step) -> None:
        start = time.process_time()
        step()
        seconds = time.process_time() - start
        self.found.seconds[name] = self.found.seconds.get(name, 0.0) + seconds

    # --- figures -------------------------------------------------------------------------------

    def shares(self, figure: Figure) -> dict[str, float] | None:
        """The k_i of a figure, None where its domain or component is unknown."""
        tree = self.cycle.trees.get(figure.tree)
        position = self.positions.get(figure.domain)
        if tree is None or position is None or figure.mode not in self.cycle.weights:
            return None
        return self._shares(figure.domain, figure.component, tree, figure.mode)

    def _shares(
        self, domain: Domain, component: Component, tree: Tree, mode: str
    ) -> dict[str, float] | None:
        counts = self.counts[domain[0]][mode][self.positions[domain]]
        with_value = frozenset(
            item for item, number in self.item_numbers.items() if counts[number] > 0
        )
        return tree.shares(with_value).get(component)

    def _check_truth(self) -> None:
        """Every figure must hold the truth, or what is read into it is wrong."""
        wrong = []
        cycle = self.cycle
        sums: dict[tuple[str, str], Floats] = {}
        for domain, figures in self.figures.items():
            for figure in figures:
                shares = self.shares(figure)
                if shares is None:
                    raise AttackerError(f"a figure of nobody known: {figure}")
                key = (domain[0], figure.mode)
                if key not in sums:
                    kind = cycle.kinds[domain[0]]
                    within = kind.of_rating >= 0
                    sums[key] = np.bincount(
                        kind.of_rating[within] * len(cycle.items) + cycle.item_of[within],
                        (cycle.weights[figure.mode] * cycle.scores)[within],
                        minlength=len(kind.domain_ids) * len(cycle.items),
                    ).reshape(-1, len(cycle.items))
                row = self.positions[domain]
                score = sum(
                    share
                    * sums[key][row, self.item_numbers[item]]
                    / self.counts[domain[0]][figure.mode][row, self.item_numbers[item]]
                    for item, share in shares.items()
                )
                if not figure.low - 1e-8 <= score <= figure.high + 1e-8:
                    wrong.append((figure, score))
        if wrong:
            lines = "\n".join(f"{figure}: true {score:.10f}" for figure, score in wrong[:5])
            raise AttackerError(f"{len(wrong)} figures do not hold the truth:\n{lines}")

    # --- whole ratings -------------------------------------------------------------------------

    def _enumerate(self) -> None:
        """Look through the whole sums that the figures of one cell allow."""
        cycle = self.cycle
        most_states = 5_000 if self.is_quick else 60_000
        split = 0
        for domain, figures in self.figures.items():
            kind = cycle.kinds[domain[0]]
            inside = None
            by_component: dict[Component, list[tuple[Figure, dict[str, float]]]] = {}
            for figure in figures:
                shares = self.shares(figure)
                if len(shares) <= 2:
                    by_component.setdefault(figure.component, []).append((figure, shares))
            for component, of_component in by_component.items():
                if (
                    not component[2]
                    and len(of_component[0][1]) == 1
                    and ((*component[:2], next(iter(of_component[0][1]))) in by_component)
                ):
                    continue  # the item's own figures say it
                if inside is None:
                    inside = np.flatnonzero(kind.of_rating == self.positions[domain])
                items = [self.item_numbers[item] for item in of_component[0][1]]
                rows = inside[np.isin(cycle.item_of[inside], items)]
                key = cycle.item_of[rows] * 1_000_000 + cycle.class_of[rows]
                atoms, first, atom_of, volumes = np.unique(
                    key, return_index=True, return_inverse=True, return_counts=True
                )
                if len(atoms) < 2 or len(atoms) > 12:
                    continue
                names = [cycle.items[number] for number in atoms // 1_000_000]
                steps = np.array([float(cycle.steps[name]) for name in names])
                most = np.rint(3 * volumes / steps).astype(int)
                encoded = []
                for figure, shares in of_component:
                    weights = cycle.weights[figure.mode][rows[first]]
                    totals = self.counts[domain[0]][figure.mode][self.positions[domain]]
                    coefficients = np.array(
                        [
                            shares.get(name, 0.0) * weight / totals[self.item_numbers[name]]
                            for name, weight in zip(names, weights, strict=True)
                        ]
                    )
                    base = float(coefficients @ volumes)
                    encoded.append((coefficients * steps, figure.low - base, figure.high - base))
                try:
                    result = possible_sums(most, encoded, most_states=most_states)
                except ValueError as error:
                    raise AttackerError(f"{domain} {component}: {error}") from None
                if result is None:
                    continue
                least, greatest = result
                split += bool((least == greatest).all())
                for position in range(len(atoms)):
                    low = 1 + least[position] * steps[position] / volumes[position]
                    high = 1 + greatest[position] * steps[position] / volumes[position]
                    if high - low > 3 - HAIR:
                        continue
                    weight_class = int(atoms[position] % 1_000_000)
                    self.derived.setdefault(domain, []).append(
                        (names[position], weight_class, low, high)
                    )
                    of_class = rows[atom_of == position]
                    self._claim(
                        "class",
                        domain,
                        self._item_component(names[position]),
                        weight_class,
                        of_class,
                        low,
                        high,
                        by="knapsack",
                    )
        self.found.cells_split[cycle.cycle_id] = split

    def _item_component(self, item_id: str) -> Component:
        for component in self.cycle.components:
            if component[2] == item_id:
                return component
        raise KeyError(item_id)

    # --- one figure alone ----------------------------------------------------------------------

    def _spreads(self) -> None:
        """What a standard error tells: where it is next to nothing, all said the same.

        Var = sum_h c_h sum_r (u_r - mean_h)^2 with u_r = w (y_r - R) / X, 0 for who is outside: no
        term is larger than the whole. So m persons of a stratum of n_h, all of it in the cell, have
        a mean within sqrt(Var / (c_h m (1 - m / n_h))) X / w of R, and each of them is within
        sqrt(Var (n_h - 1) / (c_h n_h)) X / w of the stratum's mean. A jackknife's terms are the
        same with the X that is left without r, X + w m / (n_h - 1) at most.
        """
        cycle = self.cycle
        for (domain, component, mode), (error, half) in self.errors.items():
            if not component[2] or mode == "rake" or not cycle.strata:
                continue
            number = self.item_numbers[component[2]]
            kind = cycle.kinds[domain[0]]
            rows = np.flatnonzero(
                (kind.of_rating == self.positions[domain]) & (cycle.item_of == number)
            )
            if len(np.unique(cycle.person_of[rows])) < len(rows):
                continue  # somebody rated it about two levels
            total = self.counts[domain[0]][mode][self.positions[domain], number]
            low, high = self.shown[domain, component, mode]
            for weight_class in np.unique(cycle.class_of[rows]):
                of_class = rows[cycle.class_of[rows] == weight_class]
                staff, respondents = cycle.strata[int(weight_class)]
                if respondents >= staff or respondents < 2:
                    continue
                factor = (1 - respondents / staff) * respondents / (respondents - 1)
                weight = cycle.weights[mode][of_class[0]]
                grown = weight * len(of_class) / (respondents - 1) if cycle.jackknife_below_n else 0
                most = (error + half) / np.sqrt(factor) * (total + grown) / weight
                inside = len(of_class) / respondents
                if inside >= 1:
                    continue
                of_mean = most / np.sqrt(len(of_class) * (1 - inside))
                grid = float(cycle.steps[component[2]])
                if 2 * of_mean + high - low < 3:
                    self.derived.setdefault(domain, []).append(
                        (component[2], int(weight_class), low - of_mean, high + of_mean)
                    )
                self._claim_range(
                    "class",
                    domain,
                    component,
                    int(weight_class),
                    of_class,
                    low - of_mean,
                    high + of_mean,
                    grid,
                    by="spread",
                )
                of_one = most * np.sqrt((respondents - 1) / respondents) + inside * of_mean
                middle = cycle.scores[of_class].mean()
                for row in of_class[[np.abs(cycle.scores[of_class] - middle).argmax()]]:
                    self._claim_range(
                        "person",
                        domain,
                        component,
                        int(weight_class),
                        np.array([row]),
                        low - of_one,
                        high + of_one,
                        grid,
                        by="spread",
                    )

    def _persons(self) -> None:
        """One person of a shown cell: a mean near an end of the scale tells of everybody in it."""
        cycle = self.cycle
        for (domain, component, mode), (low, high) in self.shown.items():
            if not component[2]:
                continue
            number = self.item_numbers[component[2]]
            total = self.counts[domain[0]][mode][self.positions[domain], number]
            if total * min(4 - low, high - 1) > 3 * cycle.weights[mode].max():
                continue
            kind = cycle.kinds[domain[0]]
            rows = np.flatnonzero(
                (kind.of_rating == self.positions[domain]) & (cycle.item_of == number)
            )
            for weight_class in np.unique(cycle.class_of[rows]):
                of_class = rows[cycle.class_of[rows] == weight_class]
                share = cycle.weights[mode][of_class[0]] / total
                # The most surprising person: if the claim is true of him, it is of all.
                middle = cycle.scores[of_class].mean()
                row = of_class[np.abs(cycle.scores[of_class] - middle).argmax()]
                self._claim_range(
                    "person",
                    domain,
                    component,
                    int(weight_class),
                    np.array([row]),
                    4 - (4 - low) / share,
                    1 + (high - 1) / share,
                    float(cycle.steps[component[2]]),
                    by="extreme",
                )

    def _claim_range(self, kind, domain, component, weight_class, rows, low, high, grid, *, by):
        ends = cut_to_grid(
            np.array([max(low, 1.0)]),
            np.array([min(high, 4.0)]),
            np.array([grid]),
            np.array([float(len(rows))]),
        )
        self._claim(kind, domain, component, weight_class, rows, ends[0][0], ends[1][0], by=by)

    # --- neighbourhoods ------------------------------------------------------------------------

    def _regions(self) -> None:
        """A region, its levels and their units, all components."""
        cycle = self.cycle
        region_level = cycle.kinds["provider_region_level"]
        by_region: dict[str, list[Domain]] = {}
        for domain_id in region_level.domain_ids:
            by_region.setdefault(domain_id.rsplit("|", 1)[0], []).append(
                ("provider_region_level", domain_id)
            )
        unit, region = cycle.kinds["provider_unit"], cycle.kinds["provider_region"]
        everything = frozenset(cycle.items)
        for region_id, levels in by_region.items():
            whole = ("provider_region", region_id)
            inside = region.of_rating == self.positions[whole]
            units = [
                ("provider_unit", unit.domain_ids[position])
                for position in np.unique(unit.of_rating[inside])
            ]
            divisions = [(whole, levels)]
            for level in levels:
                within = region_level.of_rating == self.positions[level]
                divisions.append(
                    (
                        level,
                        [
                            ("provider_unit", unit.domain_ids[position])
                            for position in np.unique(unit.of_rating[within])
                        ],
                    )
                )
            self._solve([whole, *levels, *units], everything, divisions, by=f"region {region_id}")
        self._units_without_region()

    def _units_without_region(self) -> None:
        cycle = self.cycle
        unit, region = cycle.kinds["provider_unit"], cycle.kinds["provider_region"]
        outside = (unit.of_rating >= 0) & (region.of_rating < 0)
        if outside.any():
            units = [
                ("provider_unit", unit.domain_ids[position])
                for position in np.unique(unit.of_rating[outside])
            ]
            self._solve(units, frozenset(cycle.items), [], by="no region")

    def _nation(self) -> None:
        """The nation, levels, regions and directions, one perspective of a service at a time."""
        cycle = self.cycle
        names = ["provider_level", "provider_region", "provider_region_level", "direction"]
        domains = [("national", "national")] + [
            (name, domain_id) for name in names for domain_id in cycle.kinds[name].domain_ids
        ]
        nation = ("national", "national")
        of = {name: [domain for domain in domains if domain[0] == name] for name in names}
        divisions = [(nation, of["provider_region"]), (nation, of["provider_level"])]
        for level in of["provider_level"]:
            divisions.append(
                (level, [d for d in of["direction"] if d[1].rsplit(">", 1)[1] == level[1]])
            )
            divisions.append(
                (
                    level,
                    [d for d in of["provider_region_level"] if d[1].rsplit("|", 1)[1] == level[1]],
                )
            )
        for component, items in cycle.components.items():
            if component[0] and component[1] and not component[2]:
                self._solve(domains, items, divisions, by="nation", most=40)

    def _demographics(self) -> None:
        """The nation by category and demographic groups, one perspective of a service at a time."""
        cycle = self.cycle
        names = ["recipient_category", *cycle.demographics]
        domains = [("national", "national")] + [
            (name, domain_id) for name in names for domain_id in cycle.kinds[name].domain_ids
        ]
        nation = ("national", "national")
        divisions = [(nation, [d for d in domains if d[0] == name]) for name in names]
        for component, items in cycle.components.items():
            if component[0] and component[1] and not component[2]:
                self._solve(domains, items, divisions, by="demographics", most=40)

    def _single_domains(self) -> None:
        """All components of one domain together, where the nation's neighbourhoods took parts."""
        if self.is_quick:
            return
        cycle = self.cycle
        for name in (
            "national",
            "provider_level",
            "direction",
            "recipient_category",
            *cycle.demographics,
            "role_provider_level",
            "role",
        ):
            for domain_id in cycle.kinds[name].domain_ids:
                self._solve([(name, domain_id)], frozenset(cycle.items), [], by="domain", most=40)

    # --- one neighbourhood ---------------------------------------------------------------------

    def _solve(
        self,
        domains: Iterable[Domain],
        items: frozenset[str],
        divisions: Sequence[tuple[Domain, list[Domain]]],
        *,
        by: str,
        most: int | None = None,
    ) -> None:
        """Put the figures of these domains under these items together, and try all small groups."""
        cycle = self.cycle
        domains = [domain for domain in dict.fromkeys(domains) if domain in self.positions]
        numbers = [self.item_numbers[item] for item in items]
        has_item = np.isin(cycle.item_of, numbers)
        inside = np.zeros(len(has_item), dtype=bool)
        columns = [cycle.class_of]
        for name in dict.fromkeys(name for name, _ in domains):
            positions = [self.positions[domain] for domain in domains if domain[0] == name]
            of_rating = cycle.kinds[name].of_rating
            is_within = np.isin(of_rating, positions)
            inside |= is_within
            columns.append(np.where(is_within, of_rating, -1))
        rows = np.flatnonzero(inside & has_item)
        if not len(rows):
            return
        key = cycle.item_of[rows].astype(np.int64)
        for column in columns:
            _, dense = np.unique(column[rows], return_inverse=True)
            _, key = np.unique(key * (dense.max() + 1) + dense, return_inverse=True)
        _, first, volumes = np.unique(key, return_index=True, return_counts=True)
        view = View(
            rows=rows,
            atom_of=key,
            volumes=volumes.astype(float),
            item_of=cycle.item_of[rows[first]],
            class_of=cycle.class_of[rows[first]],
            first=rows[first],
        )
        coefficients, low, high = self._rows(domains, items, view)
        if coefficients is None:
            return
        targets = self._targets(domains, items, divisions, view)
        if not targets:
            return
        self._bound(targets, view, coefficients, low, high, by=by, most=most)

    def _rows(self, domains, items: frozenset[str], view: "View"):
        cycle = self.cycle
        entries: list[tuple[Ints, Floats]] = []
        low, high = [], []
        atom_items = view.item_of
        for domain in domains:
            name, position = domain[0], self.positions[domain]
            atoms = np.flatnonzero(cycle.kinds[name].of_rating[view.first] == position)
            if not len(atoms):
                continue
            for figure in self.figures.get(domain, ()):
                shares = self.shares(figure)
                if not shares.keys() <= items:
                    continue
                share_of = np.zeros(len(cycle.items))
                for item, share in shares.items():
                    share_of[self.item_numbers[item]] = share
                used = atoms[share_of[atom_items[atoms]] > 0]
                totals = self.counts[name][figure.mode][position]
                of_item = atom_items[used]
                entries.append(
                    (
                        used,
                        share_of[of_item]
                        * view.volumes[used]
                        * cycle.weights[figure.mode][view.first[used]]
                        / totals[of_item],
                    )
                )
                low.append(figure.low)
                high.append(figure.high)
            for item, weight_class, least, greatest in self.derived.get(domain, ()):
                if item not in items:
                    continue
                used = atoms[
                    (atom_items[atoms] == self.item_numbers[item])
                    & (view.class_of[atoms] == weight_class)
                ]
                entries.append((used, view.volumes[used] / view.volumes[used].sum()))
                low.append(least - FULL)
                high.append(greatest + FULL)
        if not entries:
            return None, None, None
        return _csr(entries, len(view.volumes)), np.array(low), np.array(high)

    def _targets(self, domains, items: frozenset[str], divisions, view: "View") -> list["_Target"]:
        cycle = self.cycle
        targets: dict[tuple, _Target] = {}
        components = [
            (component, [self.item_numbers[item] for item in under])
            for component, under in cycle.components.items()
            if under <= items
        ]
        if self.is_quick:
            components = [
                (component, under)
                for component, under in components
                if component[2] or not any(component) or (component[0] and not component[1])
            ]
        members: list[tuple[str, Domain, NDArray[np.bool_] | None, Ints]] = []
        for domain in domains:
            inside = cycle.kinds[domain[0]].of_rating[view.rows] == self.positions[domain]
            members.append(("cell", domain, None, np.flatnonzero(inside)))
        for kind, domain, _, positions in members:
            if not len(positions):
                continue
            self._targets_of(kind, domain, positions, components, view, targets)
        for whole, parts in divisions:
            self._rest_targets(whole, parts, components, view, targets)
        return list(targets.values())

    def _targets_of(self, kind, domain, positions, components, view, targets) -> None:
        """The cell where it is hidden and small, and its small weight classes."""
        cycle = self.cycle
        of_item = cycle.item_of[view.rows[positions]]
        for component, under in components:
            within = positions[np.isin(of_item, under)]
            if not len(within):
                continue
            rows = view.rows[within]
            persons, classes = cycle.person_of[rows], cycle.class_of[rows]
            pairs = np.unique(classes * 10_000_000 + persons)
            of_class = pairs // 10_000_000
            numbers, sizes = np.unique(of_class, return_counts=True)
            count = len(pairs)  # nobody has two weights
            if count < cycle.min_cell_n and (domain, component) in self.hidden:
                self._add_target(targets, kind, domain, component, None, within, count, view)
            if len(numbers) < 2:
                continue
            for number, size in zip(numbers, sizes, strict=True):
                if size < cycle.min_cell_n:
                    self._add_target(
                        targets,
                        "class",
                        domain,
                        component,
                        int(number),
                        within[classes == number],
                        int(size),
                        view,
                    )

    def _rest_targets(self, whole, parts, components, view, targets) -> None:
        """What shown parts leave of a whole, where these are few and no single cell."""
        cycle = self.cycle
        if whole not in self.positions:
            return
        kind = cycle.kinds[whole[0]]
        in_whole = kind.of_rating[view.rows] == self.positions[whole]
        part_kind = cycle.kinds[parts[0][0]] if parts else None
        for component, under in components:
            if part_kind is None:
                break
            shown = [
                self.positions[part]
                for part in parts
                if part in self.positions and (part, component) not in self.hidden
            ]
            rest = in_whole & ~np.isin(part_kind.of_rating[view.rows], shown)
            within = np.flatnonzero(rest & np.isin(cycle.item_of[view.rows], under))
            if not len(within) or len(within) == np.count_nonzero(in_whole):
                continue
            if len(np.unique(part_kind.of_rating[view.rows[within]])) < 2 and (
                part_kind.of_rating[view.rows[within[0]]] >= 0
            ):
                continue  # one hidden part: a cell
            count = len(np.unique(cycle.person_of[view.rows[within]]))
            if count < cycle.min_cell_n:
                self._add_target(
                    targets,
                    "rest",
                    (f"{whole[0]} - {parts[0][0]}", whole[1]),
                    component,
                    None,
                    within,
                    count,
                    view,
                )

    def _add_target(self, targets, kind, domain, component, weight_class, within, count, view):
        rows = view.rows[within]
        token = int(self.tokens[rows].sum() & (2**62 - 1))
        self.seen_groups.add((kind, domain, component, weight_class))
        atoms = view.atom_of[within]
        used, volumes = np.unique(atoms, return_counts=True)
        if (volumes != view.volumes[used]).any():
            raise AttackerError(f"{domain} {component} cuts an atom in two")
        cell = (kind, domain, component, weight_class, count)
        key = (token, False)
        grid = self.cycle.grid(
            {self.cycle.items[number] for number in np.unique(view.item_of[used])}
        )
        if key in targets:
            targets[key].cells.append(cell)
        else:
            targets[key] = _Target(
                [cell], used, volumes / volumes.sum(), rows, grid, is_score=False
            )
        if kind == "cell" and component[2] == "":
            mode = self.cycle.method_mode
            shares = self._shares(domain, component, self.cycle.trees["own"], mode)
            if shares is None:
                return
            totals = self.counts[domain[0]][mode][self.positions[domain]]
            share_of = np.zeros(len(self.cycle.items))
            for item, share in shares.items():
                share_of[self.item_numbers[item]] = share
            of_item = view.item_of[used]
            coefficients = (
                share_of[of_item]
                * view.volumes[used]
                * self.cycle.weights[mode][view.first[used]]
                / totals[of_item]
            )
            if np.allclose(coefficients, volumes / volumes.sum(), atol=1e-12):
                return
            targets[(token, True)] = _Target([cell], used, coefficients, rows, None, is_score=True)

    def _bound(self, targets, view, coefficients, low, high, *, by, most) -> None:
        matrix = _csr(
            [(target.atoms, target.coefficients) for target in targets], len(view.volumes)
        )
        grids = np.array(
            [np.nan if target.grid is None else float(target.grid) for target in targets]
        )
        answers = np.array([len(target.rows) for target in targets], dtype=float)

        def is_clear(least: Floats, greatest: Floats):
            cut_low, cut_high = cut_to_grid(least, greatest, grids, answers)
            return cut_high - cut_low > CONFINED + HAIR

        program = Program(coefficients, low, high)
        if self.is_quick:
            most = min(most or 60, 60)
        least, greatest, is_proved = ranges(
            program,
            matrix,
            is_clear,
            random=self.random,
            trials=2 if self.is_quick else 3,
            most=most,
        )
        self.found.programs += program.solved
        self.found.given_up += program.given_up
        cut_low, cut_high = cut_to_grid(least, greatest, grids, answers)
        for number in np.flatnonzero(is_proved):
            target = targets[number]
            for cell in target.cells:
                kind, domain, component, weight_class, count = cell
                self._claim(
                    kind,
                    domain,
                    component,
                    weight_class,
                    target.rows,
                    cut_low[number],
                    cut_high[number],
                    by=by,
                    count=count,
                    score=target if target.is_score else None,
                    view=view,
                )

    def _claim(
        self,
        kind,
        domain,
        component,
        weight_class,
        rows,
        low,
        high,
        *,
        by,
        count=None,
        score=None,
        view=None,
    ) -> None:
        cycle = self.cycle
        if count is None:
            count = len(np.unique(cycle.person_of[rows]))
            self.seen_groups.add((kind, domain, component, weight_class))
        if count >= cycle.min_cell_n or high - low > CONFINED + HAIR:
            return
        if score is None:
            truth = float(cycle.scores[rows].mean())
        else:
            atoms_mean = np.zeros(len(view.volumes))
            np.add.at(
                atoms_mean, view.atom_of, cycle.scores[view.rows] / view.volumes[view.atom_of]
            )
            truth = float(atoms_mean[score.atoms] @ score.coefficients)
        finding = Finding(
            kind,
            cycle.cycle_id,
            domain,
            component,
            weight_class,
            count,
            len(rows),
            float(low),
            float(high),
            truth,
            bool(high - low < 1e-4),
            score is not None,
            by,
        )
        key = (kind, domain, component, weight_class)
        known = self.best.get(key)
        if known is None or finding.high - finding.low < known.high - known.low - HAIR:
            self.best[key] = finding


FULL = 1e-9


@dataclass
class View:
    """The ratings of a neighbourhood, in atoms: those that no figure of it tells apart."""

    rows: Ints
    atom_of: Ints
    volumes: Floats
    item_of: Ints
    class_of: Ints
    first: Ints


@dataclass
class _Target:
    cells: list[tuple]
    atoms: Ints
    coefficients: Floats
    rows: Ints
    grid: Fraction | None
    is_score: bool


def cut_to_grid(low: Floats, high: Floats, grids: Floats, answers: Floats) -> tuple[Floats, Floats]:
    """Cut ranges of means to the means that sums on a grid can have; NaN: no grid."""
    with np.errstate(invalid="ignore"):
        steps = grids / answers
        hair = 1e-5
        cut_low = 1 + np.ceil((low - 1) / steps - hair) * steps
        cut_high = 1 + np.floor((high - 1) / steps + hair) * steps
        has_grid = ~np.isnan(grids)
        # Nothing on the grid inside: seen points only, not proved ends.
        empty = has_grid & (cut_high < cut_low)
        middle = (cut_low + cut_high) / 2
    return (
        np.where(empty, middle, np.where(has_grid, cut_low, low)),
        np.where(empty, middle, np.where(has_grid, cut_high, high)),
    )


def _csr(entries: list[tuple[Ints, Floats]], width: int) -> csr_matrix:
    lengths = [len(columns) for columns, _ in entries]
    return csr_matrix(
        (
            np.concatenate([values for _, values in entries]),
            np.concatenate([columns for columns, _ in entries]),
            np.concatenate([[0], np.cumsum(lengths)]),
        ),
        shape=(len(entries), width),
    )
