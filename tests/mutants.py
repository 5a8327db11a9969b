"""Wrong formulas, guards and thresholds, planted one at a time: do the tests see each of them?

Belongs here: planting the faults of mutants.toml in copies of the tree, running the tests that
should see each, naming the survivors. Doesn't: the faults, which are data, and the tests.

`make mutants` plants all, `make mutants SAMPLE=10` ten of them drawn by the day's date. A fault
whose text stands no longer exactly once in its file is a failure too: it would prove nothing.
"""

import argparse
import os
import queue
import random
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import repeat
from pathlib import Path

from orchestration.settings import REPOSITORY

LIST = Path(__file__).with_suffix(".toml")
WAREHOUSE = Path("data") / "warehouse.duckdb"
OF_THE_CASE = "tests/test_formulas.py"
SEEN, SURVIVED = "seen", "SURVIVED"
MOST_TREES = 4
SECONDS = 600  # for one command, on a machine that does much else


@dataclass(frozen=True)
class Mutant:
    """A fault: in `file`, `find` becomes `plant`, and one of the tests named must fail.

    `unit_tests`: models whose dbt unit tests are run. `build`: models to build anew over the case
    of formula_case.py, for one of its cycles, before its tests. `tests`: what pytest is given.
    """

    what: str
    file: str
    find: str
    plant: str
    unit_tests: tuple[str, ...] = ()
    build: tuple[str, ...] = ()
    cycle: str = "late"
    tests: tuple[str, ...] = ()

    @property
    def needs_case(self) -> bool:
        """Whether it is judged over the formula case, which takes half a minute to build."""
        return bool(self.unit_tests or self.build or _of_the_case(self.tests))

    def fault_of_the_list(self, text: str) -> str | None:
        """Return what is wrong with the mutant itself, over its file's text."""
        if (count := text.count(self.find)) != 1:
            return f"its text stands {count} times in {self.file}: correct mutants.toml"
        if not self.unit_tests and not self.tests:
            return "it names no tests: correct mutants.toml"
        return None


def read_mutants(path: Path = LIST) -> list[Mutant]:
    """Return the committed list."""
    listed = tomllib.loads(path.read_text(encoding="utf-8"))["mutant"]
    return [
        Mutant(**{key: tuple(of) if isinstance(of, list) else of for key, of in entry.items()})
        for entry in listed
    ]


@dataclass(frozen=True)
class Tree:
    """A copy of the repository as it lies here, with a copy of the formula case's data."""

    folder: Path
    case: Path

    @classmethod
    def grown(cls, folder: Path, case: Path) -> "Tree":
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=REPOSITORY,
            capture_output=True,
            check=True,
        ).stdout.decode()
        for name in filter(None, listed.split("\0")):
            if (REPOSITORY / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(REPOSITORY / name, folder / name)  # with its mode: scripts run
        return cls(folder, case)

    def verdict(self, mutant: Mutant) -> str:
        """Plant the fault, run its tests, take it out again."""
        path = self.folder / mutant.file
        text = path.read_text(encoding="utf-8")
        if fault := mutant.fault_of_the_list(text):
            return fault
        path.write_text(text.replace(mutant.find, mutant.plant), encoding="utf-8")
        try:
            return self.judge(mutant.unit_tests, mutant.build, mutant.tests, mutant.cycle)
        except subprocess.TimeoutExpired as late:
            return f"not done after {late.timeout:.0f} seconds"
        finally:
            path.write_text(text, encoding="utf-8")
            if mutant.build:  # what was built with the fault must not stay for whoever comes next
                shutil.rmtree(self.built, ignore_errors=True)

    @property
    def built(self) -> Path:
        """The tree's own copy of the case."""
        return self.folder.with_name(f"{self.folder.name}-case")

    def judge(
        self,
        unit_tests: Sequence[str],
        build: Sequence[str],
        tests: Sequence[str],
        cycle: str = "late",
    ) -> str:
        """Return SEEN where a test fails, SURVIVED where all pass, else why they could not run."""
        built = self.built
        needs_case = unit_tests or build or _of_the_case(tests)
        if needs_case and not built.exists():
            (built / "data").mkdir(parents=True)
            shutil.copyfile(self.case / WAREHOUSE, built / WAREHOUSE)
            (built / "data" / "published").symlink_to(self.case / "data" / "published")
        if unit_tests:
            selected = [f"{model},resource_type:unit_test" for model in unit_tests]
            said = self._dbt(built, "test", selected, cycle)
            if "[FAIL" in said:
                return SEEN
            if "Completed successfully" not in said or "Nothing to do" in said:
                return f"dbt could not test: {_end(said)}"
        if build:
            said = self._dbt(built, "run", build, cycle)
            if "Constraint Error" in said:
                return SEEN  # a contract refuses such a row: the run would stop
            if "Completed successfully" not in said or "Nothing to do" in said:
                return f"dbt could not build: {_end(said)}"
        if not tests:
            return SURVIVED
        ran = self._run(
            [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests],
            self.folder,
            {"ILK_FORMULA_CASE": str(built)},
        )
        verdicts = {0: SURVIVED, 1: SEEN}  # others: pytest could not run them
        return verdicts.get(ran.returncode, f"pytest could not run: {_end(ran.stdout)}")

    def _dbt(self, built: Path, command: str, selected: Sequence[str], cycle: str) -> str:
        places = {"DBT_TARGET_PATH": "target", "DBT_LOG_PATH": "logs"}
        return self._run(
            [sys.executable, "-m", "dbt.cli.main", command, "--select", *selected],
            self.folder / "dbt_project",
            {name: str(self.folder / place) for name, place in places.items()}
            | {
                "DBT_PROFILES_DIR": ".",
                "DBT_SEND_ANONYMOUS_USAGE_STATS": "False",
                "ILK_CYCLE_ID": cycle,
                "ILK_DBT_SEED_PATH": "../tests/seeds",
                "ILK_RAW_DIR": str(self.case / "data" / "raw"),  # one: dbt parses with it
                "ILK_WAREHOUSE_PATH": str(built / WAREHOUSE),
                "ILK_PSEUDONYM_KEY": "a key of the tests",
            },
        ).stdout

    def _run(
        self, command: Sequence[str], folder: Path, told: dict[str, str]
    ) -> subprocess.CompletedProcess[str]:
        # No bytecode: a file planted and restored within a second would be taken for the other.
        own = {"PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(
            command,
            cwd=folder,
            env=os.environ | own | told,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=SECONDS,
            check=False,
        )


def _of_the_case(tests: Sequence[str]) -> bool:
    return any(test.partition("::")[0] == OF_THE_CASE for test in tests)


def _end(said: str) -> str:
    return " ".join(said.split())[-400:]


def drawn(mutants: Sequence[Mutant], count: int | None, only: str) -> list[Mutant]:
    """Return the mutants to plant: all, those with `only` in file or words, or `count` drawn."""
    found = [mutant for mutant in mutants if only in f"{mutant.file} {mutant.what}"]
    if count is None or count >= len(found):
        return found
    return random.Random(f"{datetime.now(UTC):%Y-%m-%d}").sample(found, count)


def main(count: int | None, only: str) -> int:
    """Return the exit code: 0 where every mutant is seen."""
    mutants = read_mutants()
    chosen = drawn(mutants, count, only)
    print(f"{len(chosen)} of {len(mutants)} mutants", flush=True)
    # A text that is gone is told whether it was drawn or not, before anything is built.
    listed = {
        mutant: fault
        for mutant in mutants
        if (fault := mutant.fault_of_the_list((REPOSITORY / mutant.file).read_text("utf-8")))
    }
    for mutant, fault in listed.items():
        print(f"{mutant.what}: {fault}")
    if listed or not chosen:
        return 1
    with tempfile.TemporaryDirectory(prefix="ilk-mutants-") as name:
        folder = Path(name)
        trees: queue.SimpleQueue[Tree] = queue.SimpleQueue()
        for number in range(min(os.cpu_count() or 1, MOST_TREES, len(chosen))):
            trees.put(Tree.grown(folder / f"tree-{number}", folder / "case"))

        def judged(mutant: Mutant | None, case: Future[None]) -> str:
            if needs_case(mutant):
                case.result()
            tree = trees.get()
            try:
                if mutant is None:
                    return _without_any(tree, chosen)
                verdict = tree.verdict(mutant)
            finally:
                trees.put(tree)
            print(f"{verdict}: {mutant.what} ({mutant.file})", flush=True)
            return verdict

        def needs_case(mutant: Mutant | None) -> bool:
            return any(of.needs_case for of in (chosen if mutant is None else [mutant]))

        jobs = sorted([None, *chosen], key=needs_case)  # those that don't wait for it go first
        with ThreadPoolExecutor(trees.qsize() + 1) as pool:
            case: Future[None] = Future()
            if needs_case(None):
                case = pool.submit(_build_case, folder / "case")
            verdicts = dict(zip(jobs, pool.map(judged, jobs, repeat(case)), strict=True))
    if verdicts.pop(None) != SURVIVED:
        print("The tests fail with no mutant planted: mend them first, this tells nothing.")
        return 1
    missed = sum(verdict != SEEN for verdict in verdicts.values())
    print(f"{len(chosen) - missed} seen, {missed} not")
    return 1 if missed else 0


def _build_case(folder: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "tests.formula_case", str(folder)], cwd=REPOSITORY, check=True
    )


def _without_any(tree: Tree, chosen: Sequence[Mutant]) -> str:
    """Judge the tree as it is by all the tests of the chosen: what fails then sees no mutant."""
    unit_tests = sorted({model for mutant in chosen for model in mutant.unit_tests})
    tests = sorted({test for mutant in chosen for test in mutant.tests})
    return tree.judge(unit_tests, (), tests)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--sample", type=int, help="how many, drawn by the day's date")
    arguments.add_argument("--only", default="", help="those with this text in file or words")
    told = arguments.parse_args()
    sys.exit(main(told.sample, told.only))
