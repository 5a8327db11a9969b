"""The survey cycles as `seeds/survey_cycles.csv` lists them.

Belongs here: reading that one seed, for partitions, schedules and the command line. Doesn't: what
a cycle holds (the raw zone's registry) or means (dbt).
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from orchestration.durable_files import is_plain_word
from orchestration.seeds.seed_tables import read_seed


class UnknownCycleError(ValueError):
    """A cycle id that survey_cycles.csv does not list; the message lists those it does."""


@dataclass(frozen=True)
class SurveyCycle:
    """One row of survey_cycles.csv; both days of the window are in it."""

    cycle_id: str
    index_id: str
    opens_on: date
    closes_on: date
    previous_cycle_id: str | None
    method_id: str
    instrument_id: str
    status: str


def read_cycles(seeds_dir: Path) -> list[SurveyCycle]:
    """Return the cycles in order of their opening.

    Raises:
        SeedFileError: there is no survey_cycles.csv in `seeds_dir`, or it is no table.
        ValueError: a column is missing, a date is not YYYY-MM-DD, or an id is no plain word; the
            message names the row.
    """
    path = seeds_dir / "survey_cycles.csv"
    table = read_seed(path)
    cycles = []
    for line, row in zip(table.lines, table.records(), strict=True):
        try:
            cycles.append(
                SurveyCycle(
                    cycle_id=row["cycle_id"],
                    index_id=row["index_id"],
                    opens_on=date.fromisoformat(row["opens_on"]),
                    closes_on=date.fromisoformat(row["closes_on"]),
                    previous_cycle_id=row["previous_cycle_id"] or None,
                    method_id=row["method_id"],
                    instrument_id=row["instrument_id"],
                    status=row["status"],
                )
            )
        except KeyError as error:
            raise ValueError(
                f"{path.name} tidak memiliki kolom {error}; tambahkan. / has no column {error}; "
                "add it."
            ) from error
        except ValueError as error:
            raise ValueError(
                f"{path.name}, baris/line {line}: {error}. Tulis tanggal sebagai YYYY-MM-DD. "
                "/ Write dates as YYYY-MM-DD."
            ) from error
        if not is_plain_word(row["cycle_id"]):  # every command makes paths of it
            raise ValueError(
                f"{path.name}, baris/line {line}: cycle_id '{row['cycle_id']}' menjadi nama "
                "folder. Pakai huruf, angka, dan tanda hubung. / It names folders: use "
                "letters, digits and hyphens."
            )
    return sorted(cycles, key=lambda cycle: (cycle.opens_on, cycle.cycle_id))


def find_cycle(cycles: list[SurveyCycle], cycle_id: str) -> SurveyCycle:
    """Return the cycle of that id, or raise UnknownCycleError naming the known ones."""
    for cycle in cycles:
        if cycle.cycle_id == cycle_id:
            return cycle
    known = ", ".join(cycle.cycle_id for cycle in cycles) or "none"
    raise UnknownCycleError(f"unknown cycle '{cycle_id}'. survey_cycles.csv lists: {known}")


def with_ancestors(cycles: list[SurveyCycle], cycle_id: str) -> list[str]:
    """Return the cycle's id and those of all cycles it is compared with, newest first."""
    by_id = {cycle.cycle_id: cycle for cycle in cycles}
    chain: list[str] = []
    current: str | None = cycle_id
    while current in by_id and current not in chain:
        chain.append(current)
        current = by_id[current].previous_cycle_id
    return chain


def later_cycles(cycles: list[SurveyCycle], cycle_id: str) -> list[str]:
    """Return the cycles that are compared with this one, with one between them or none."""
    return [
        cycle.cycle_id
        for cycle in cycles
        if cycle.cycle_id != cycle_id and cycle_id in with_ancestors(cycles, cycle.cycle_id)
    ]
