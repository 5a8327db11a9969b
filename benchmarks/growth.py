"""How the cost of a cycle's run grows: with cycles beside it, units, questions, respondents.

Belongs here: seeds of made-up sizes, the job on each, docs/performance.md's table of them. Doesn't:
measuring a process (run.py), comparing with a script (run.py).

    python -m benchmarks.growth cycles units questions respondents
    python -m benchmarks.growth respondents=3000,66000
"""

import math
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pandas as pd

from benchmarks.run import CACHE, CYCLE, JOB, SEEDS, Cost, emptied, job_environment, run_process
from orchestration.sampling import make_cycle

RESPONDENTS = 66_000
OF_EACH_CYCLE = 6_000  # a sample's size: of twenty, the last one's run is what is looked at
TOOL = "limesurvey"  # names units by their ids and questions by codes: both can be multiplied
FIRST_YEAR = 2016


@dataclass(frozen=True)
class Run:
    """What a run cost, and of how much of what."""

    size: int
    cost: Cost


def main(asked: Sequence[str]) -> int:
    """Measure what is asked for, `NAME` or `NAME=SIZE,SIZE`, and print its table."""
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    for each in asked or GROWTHS:
        name, _, said = each.partition("=")
        measure, usual = GROWTHS[name]
        sizes = [int(size) for size in said.split(",")] if said else usual
        print(f"\n| {name} | CPU s | wall s | MB | CPU s more for each further | exponent |")
        print("|---:|---:|---:|---:|---:|---:|")
        runs: list[Run] = []
        for run in measure(sizes):
            runs.append(run)
            print(_row(runs))
    return 0


def _row(runs: Sequence[Run]) -> str:
    """Return the last run as a row, beside how its CPU seconds grew since the one before."""
    *_, run = runs
    slope, exponent = "", ""
    for one, other in pairwise(runs[-2:]):
        more = other.cost.cpu_seconds - one.cost.cpu_seconds
        slope = f"{more / (other.size - one.size):.2g}"
        grown = other.cost.cpu_seconds / one.cost.cpu_seconds
        exponent = f"{math.log(grown) / math.log(other.size / one.size):.2f}"
    return f"| {run.size:,} | {run.cost.cells()} | {slope} | {exponent} |"


def _with_cycles(sizes: Sequence[int]) -> Iterator[Run]:
    """Run so many cycles one after the other; of some, what the run of the last one cost."""
    last = max(sizes)
    tables = _tables()
    cycles = [f"ilk-{FIRST_YEAR + place // 2}-s{place % 2 + 1}" for place in range(last)]
    before = [None, *cycles]
    like = tables["survey_cycles"].query("cycle_id == @CYCLE")
    tables["survey_cycles"] = pd.concat(
        like.assign(
            cycle_id=cycle,
            year=str(FIRST_YEAR + place // 2),
            semester=str(place % 2 + 1),
            opens_on=f"{FIRST_YEAR + place // 2}-{'04' if place % 2 == 0 else '10'}-06",
            closes_on=f"{FIRST_YEAR + place // 2}-{'05' if place % 2 == 0 else '11'}-07",
            previous_cycle_id=before[place],
        )
        for place, cycle in enumerate(cycles)
    )
    sources = tables["survey_sources"].query("cycle_id == @CYCLE")
    tables["survey_sources"] = pd.concat(
        sources.assign(cycle_id=cycle, location=sources["location"].str.replace(CYCLE, cycle))
        for cycle in cycles
    )
    units = tables["units"]
    units["valid_from"] = units["valid_from"].str.replace("2020-", f"{FIRST_YEAR - 1}-")
    seeds, landing = _written(f"cycles-{last}", tables)
    for cycle in cycles:
        _landed(landing, seeds, OF_EACH_CYCLE, cycle=cycle)
    data_dir = _data_dir(seeds)
    for number, cycle in enumerate(cycles, start=1):
        cost = _run(landing, seeds, data_dir, cycle)
        if number in sizes:
            yield Run(number, cost)


def _with_units(sizes: Sequence[int]) -> Iterator[Run]:
    """Run a cycle of so many units: each is there so many times, below the same one above it."""
    one = _tables()["units"]
    of_one = int(one["valid_to"].isna().sum())
    for size in sizes:
        times = max(round(size / of_one), 1)
        copies = [
            one.assign(unit_id=one["unit_id"] + f"-{copy}", unit_name=one["unit_name"] + f" {copy}")
            for copy in range(2, times + 1)
        ]
        tables = {**_tables(), "units": pd.concat([one, *copies])}
        yield Run(times * of_one, _run_of(f"units-{times * of_one}", tables, RESPONDENTS))


def _with_questions(sizes: Sequence[int]) -> Iterator[Run]:
    """Run a cycle of so many questions: each item is there so many times."""
    for size in sizes:
        tables = _tables()
        questions, columns = tables["questions"], tables["export_columns"]
        of_one = len(questions)
        more_questions, more_columns = [questions], [columns]
        for copy in range(2, math.ceil(size / of_one) + 1):
            some = questions.head(size - (copy - 1) * of_one)
            more_questions.append(
                some.assign(
                    question_id=some["question_id"] + f"_{copy}",
                    item_id=some["item_id"] + f"_{copy}",
                    question_text=some["question_text"] + f" ({copy})",
                )
            )
            of_these = columns[columns["target"].isin(some["question_id"])]
            more_columns.append(
                of_these.assign(
                    source_column=of_these["source_column"].str.replace("[", f"x{copy}["),
                    target=of_these["target"] + f"_{copy}",
                )
            )
        tables["questions"] = pd.concat(more_questions)
        tables["export_columns"] = pd.concat(more_columns)
        yield Run(size, _run_of(f"questions-{size}", tables, RESPONDENTS))


def _with_respondents(sizes: Sequence[int]) -> Iterator[Run]:
    """Run a cycle of so many people who answer."""
    for size in sizes:
        yield Run(size, _run_of(f"respondents-{size}", _tables(), size))


GROWTHS: Mapping[str, tuple[Callable[[Sequence[int]], Iterator[Run]], Sequence[int]]] = {
    "cycles": (_with_cycles, (2, 6, 12, 20)),
    "units": (_with_units, (900, 9_000)),
    "questions": (_with_questions, (68, 250)),
    "respondents": (_with_respondents, (3_000, 66_000, 1_000_000, 4_300_000)),
}


def _tables() -> dict[str, pd.DataFrame]:
    """Return the frozen seeds as text, those of one tool alone."""
    tables = {
        path.stem: pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""])
        for path in sorted(SEEDS.glob("*.csv"))
    }
    for name in ("survey_sources", "export_columns", "export_codes", "export_profiles"):
        tables[name] = tables[name].query("profile_id == @TOOL")
    return tables


def _run_of(name: str, tables: Mapping[str, pd.DataFrame], respondents: int) -> Cost:
    """Return what a first run of the cycle costs, with these seeds and so many respondents."""
    seeds, landing = _written(name, tables)
    _landed(landing, seeds, respondents)
    return _run(landing, seeds, _data_dir(seeds), CYCLE)


def _written(name: str, tables: Mapping[str, pd.DataFrame]) -> tuple[Path, Path]:
    """Return a folder with these tables as seeds, and one for the landing."""
    folder = CACHE / "growth" / name
    shutil.rmtree(folder, ignore_errors=True)
    seeds = folder / "seeds"
    shutil.copytree(SEEDS, seeds)
    for table, rows in tables.items():
        rows.to_csv(seeds / f"{table}.csv", index=False)
    return seeds, folder / "landing"


def _landed(landing: Path, seeds: Path, respondents: int, *, cycle: str = CYCLE) -> None:
    make_cycle(
        landing,
        cycle_id=cycle,
        respondents=respondents,
        seed=1,
        seeds_dir=seeds,
        tools={TOOL: 1.0},
        rows_per_file=max(100_000, respondents // 10),
    )


def _data_dir(seeds: Path) -> Path:
    """Return an empty data folder that knows the code's parse and lineage, as in `make bench`."""
    data_dir = CACHE / "growth" / "data"
    data_dir.mkdir(parents=True, exist_ok=True)
    if not (data_dir / "dbt_target").exists():
        landing = seeds.parent / "first"
        _landed(landing, seeds, 500)
        _run(landing, seeds, data_dir, CYCLE)
    emptied(data_dir)
    return data_dir


def _run(landing: Path, seeds: Path, data_dir: Path, cycle: str) -> Cost:
    environment = {**job_environment(landing, data_dir), "ILK_SEEDS_DIR": str(seeds)}
    return run_process([*JOB[:-1], cycle], environment).cost


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
