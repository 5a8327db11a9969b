"""`make bench`: one cycle through the real job, and beside it by hand, on the same export files.

Belongs here: making the cycles, measuring whole processes from outside (CPU and peak memory as the
kernel counts them), comparing the two results, printing docs/performance.md's tables. Doesn't:
scoring (by_hand.py), and any change to the job for the sake of being measured.

    python -m benchmarks.run 66000 1000000
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from orchestration.sampling import make_cycle
from orchestration.settings import REPOSITORY, get_settings

CYCLE = "ilk-2025-s2"
SEEDS = REPOSITORY / "tests" / "seeds"  # frozen: figures of two days are of one survey
CACHE = get_settings().data_dir / "bench"
TOOLS = {"limesurvey": 0.7, "gform": 0.3}  # what a script can read at a million: no workbooks
TOLERANCE = 1e-9
NOT_BY_HAND = ("unit_design_effect",)  # R's svydesign has it (tests/test_reference.py)
GOAL_RATIO, GOAL_MEMORY_MB = 1.5, 4096
ROUNDS = 3
JOB = [str(Path(sys.executable).with_name("ilk")), "run", CYCLE]
STEPS = {
    "pull": "landing",
    "raw_border": "Great Expectations",
    "warehouse": "dbt",
    "publication__ilk": "publication",
}
KEY = (
    "weighting_mode",
    "domain_type",
    "domain_id",
    "component_type",
    "service_id",
    "perspective_id",
    "item_id",
)


@dataclass(frozen=True)
class Sample:
    """A running process at one moment: Unix time, CPU seconds so far, resident memory now."""

    at: float
    cpu_seconds: float
    memory_mb: float


@dataclass(frozen=True)
class Cost:
    """What a process, or a part of it, took."""

    cpu_seconds: float
    wall_seconds: float
    memory_mb: float

    def cells(self) -> str:
        """Return the cells of a Markdown row."""
        return f"{self.cpu_seconds:.1f} | {self.wall_seconds:.1f} | {self.memory_mb:,.0f}"


@dataclass(frozen=True)
class Measured:
    """A process that ended well: its cost, and how it grew."""

    cost: Cost
    samples: list[Sample]

    def between(self, start: float, end: float) -> Cost:
        """Return the cost of the part between two Unix times, to a tenth of a second."""
        inside = [sample for sample in self.samples if start <= sample.at <= end] or self.samples[
            :1
        ]
        cpu = _cpu_at(self.samples, end) - _cpu_at(self.samples, start)
        return Cost(cpu, end - start, max(sample.memory_mb for sample in inside))


@dataclass(frozen=True)
class Round:
    """The job, the script and the bare start, measured one right after the other."""

    job: Cost
    steps: dict[str, Cost]
    beyond_the_script: float
    slowest_nodes: list[tuple[str, float]]
    again: Cost
    by_hand: Cost
    bare: Cost

    @property
    def ratio(self) -> float:
        """The job's CPU seconds over those of the script and the bare start."""
        return self.job.cpu_seconds / self._standard

    @property
    def comparable_ratio(self) -> float:
        """The same without what the script does not make."""
        return (self.job.cpu_seconds - self.beyond_the_script) / self._standard

    @property
    def _standard(self) -> float:
        return self.by_hand.cpu_seconds + self.bare.cpu_seconds


def main(sizes: list[int]) -> int:
    """Measure each size; return 1 where the two results differ."""
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    print(f"Commit {_git('rev-parse', '--short', 'HEAD')}, {_machine()}\n")
    if _git("status", "--porcelain", "--untracked-files=no"):
        print("The working tree has uncommitted changes: don't publish these figures.\n")
    return max([measure(size) for size in sizes], default=0)


def measure(respondents: int) -> int:
    """Run one size through both, print its tables, return 1 where the results differ.

    Machines change their speed by a third within minutes: what is compared is measured in one
    round, and of the rounds the one with the median ratio is shown.
    """
    landing, data_dir = landing_of(respondents), CACHE / f"data-{respondents}"
    shutil.rmtree(data_dir, ignore_errors=True)
    data_dir.mkdir(parents=True)
    first = run_process(JOB, job_environment(landing, data_dir)).cost
    rounds = [measure_round(landing, data_dir) for _ in range(ROUNDS)]
    rounds.sort(key=lambda measured: measured.ratio)
    shown = rounds[len(rounds) // 2]
    print(f"### {respondents:,} respondents\n\n| | CPU s | wall s | MB |\n|---|---:|---:|---:|")
    print(f"| `ilk run`, whole | {shown.job.cells()} |")
    for step, cost in shown.steps.items():
        print(f"| — {step} | {cost.cells()} |")
        if step == "dbt":
            beyond = f"{shown.beyond_the_script:.1f}"
            print(f"| — — of which for what idx_scores does not need | {beyond} | | |")
    print(f"| the first run of a code version (parse, lineage) | {first.cells()} |")
    print(f"| `ilk run` again, nothing new | {shown.again.cells()} |")
    print(f"| by hand | {shown.by_hand.cells()} |")
    print(f"| bare start of the frameworks | {shown.bare.cells()} |")
    print(
        f"\nRatio {shown.ratio:.2f} (goal {GOAL_RATIO}), {shown.comparable_ratio:.2f} for what the "
        f"script makes too; peak memory {shown.job.memory_mb:,.0f} MB "
        f"(goal under {GOAL_MEMORY_MB:,} MB). Of {ROUNDS} rounds the one with the median ratio: "
        + ", ".join(f"{one.ratio:.2f} ({one.comparable_ratio:.2f})" for one in rounds)
        + ".\n\n| slowest in dbt | wall s |\n|---|---:|"
    )
    for name, seconds in shown.slowest_nodes:
        print(f"| {name} | {seconds:.1f} |")
    found = differences(data_dir / "warehouse.duckdb", data_dir / "by_hand.parquet")
    print(
        "\n" + ("\n".join(found) or f"idx_scores is equal to the script's to {TOLERANCE}.") + "\n"
    )
    return 1 if found else 0


def measure_round(landing: Path, data_dir: Path) -> Round:
    """Measure the job with no data of its own, the job again, the script and the bare start.

    What is made once a code version (dbt's parse, the column lineage) stays: the bare start's parse
    is a warm one too.
    """
    emptied(data_dir)
    environment = job_environment(landing, data_dir)
    job = run_process(JOB, environment)
    steps = steps_of(job, data_dir)
    beyond = beyond_the_script(job, data_dir / "dbt_target")
    again = run_process(JOB, environment).cost
    script = [sys.executable, str(REPOSITORY / "benchmarks/by_hand.py")]
    scores = data_dir / "by_hand.parquet"
    by_hand = run_process([*script, str(landing), str(SEEDS), CYCLE, str(scores)], {}).cost
    return Round(
        job=job.cost,
        steps=steps,
        beyond_the_script=beyond,
        slowest_nodes=slowest_nodes(data_dir / "dbt_target" / "run_results.json", 10),
        again=again,
        by_hand=by_hand,
        bare=bare_start(),
    )


def emptied(data_dir: Path) -> None:
    """Remove all that a run makes, but for what is made once a code version."""
    for path in data_dir.iterdir():
        if path.is_symlink() or path.is_file():
            path.unlink()
        elif path.name != "dbt_target":
            shutil.rmtree(path)


def job_environment(landing: Path, data_dir: Path) -> dict[str, str]:
    """Return what tells the job where to read and write."""
    return {
        "ILK_DATA_DIR": str(data_dir),
        "ILK_LANDING_URL": str(landing),
        "ILK_SEEDS_DIR": str(SEEDS),
        "ILK_PSEUDONYM_KEY": "benchmark",
        "ILK_PAGES": "false",  # the script makes none; docs/performance.md has their figures
        "DBT_WRITE_JSON": "true",  # a second, for the times of nodes (run_results.json)
    }


def landing_of(respondents: int) -> Path:
    """Return a landing folder with the cycle, made once a version of sampler and seeds."""
    sources = [
        *sorted((REPOSITORY / "orchestration/sampling").glob("*.py")),
        *sorted(SEEDS.glob("*")),
    ]
    version = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:12]
    landing = CACHE / f"landing-{respondents}-{version}"
    if not landing.exists():
        unfinished = landing.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        make_cycle(
            unfinished,
            cycle_id=CYCLE,
            respondents=respondents,
            seed=1,
            seeds_dir=SEEDS,
            tools=TOOLS,
            # In many files the last one has late answers alone: a file of another cycle, it seems.
            rows_per_file=max(100_000, respondents // 10),
        )
        unfinished.rename(landing)
    return landing


def bare_start() -> Cost:
    """Return what the frameworks cost before any work: imports, a warm parse, an empty job."""
    home = CACHE / "bare_start"
    shutil.rmtree(home, ignore_errors=True)
    (home / "dagster").mkdir(parents=True)
    shutil.copyfile(REPOSITORY / "orchestration/dagster.yaml", home / "dagster/dagster.yaml")
    command = [sys.executable, str(REPOSITORY / "benchmarks/bare_start.py"), str(home / "dbt")]
    environment = {"DAGSTER_HOME": str(home / "dagster"), "DAGSTER_DISABLE_TELEMETRY": "1"}
    run_process(command, environment)  # the first parse, and the run storage's tables
    return run_process(command, environment).cost


def run_process(command: list[str], environment: dict[str, str]) -> Measured:
    """Run to the end and measure; what it prints is shown only if it fails.

    CPU and peak memory are the kernel's for the process and its children (wait4).
    """
    process = subprocess.Popen(
        command,
        cwd=REPOSITORY,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    )
    start = time.time()
    samples: list[Sample] = []
    watcher = threading.Thread(target=_watch, args=(process.pid, samples))
    watcher.start()
    output = process.stdout.read() if process.stdout else ""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    end = time.time()
    watcher.join()
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{output}")
    cpu = usage.ru_utime + usage.ru_stime
    return Measured(Cost(cpu, end - start, usage.ru_maxrss / 1024), samples)


def _watch(pid: int, samples: list[Sample]) -> None:
    """Look at the process ten times a second, until it has ended."""
    ticks, page_mb = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE") / 2**20
    stat, statm = Path(f"/proc/{pid}/stat"), Path(f"/proc/{pid}/statm")
    while True:
        try:
            fields = stat.read_text(encoding="ascii").rpartition(")")[2].split()
            pages = int(statm.read_text(encoding="ascii").split()[1])
        except (FileNotFoundError, ProcessLookupError):
            return
        if fields[0] == "Z":
            return
        cpu = (int(fields[11]) + int(fields[12])) / ticks
        samples.append(Sample(time.time(), cpu, pages * page_mb))
        time.sleep(0.1)


def _cpu_at(samples: list[Sample], moment: float) -> float:
    before = [sample.cpu_seconds for sample in samples if sample.at <= moment]
    return before[-1] if before else 0.0


def steps_of(job: Measured, data_dir: Path) -> dict[str, Cost]:
    """Return the cost of each step of the job, and of what lies before and after the steps."""
    os.environ["DAGSTER_HOME"] = str(data_dir / "dagster")
    import dagster as dg  # noqa: TID251  # the run's own log says when each step began

    spans: dict[str, list[float]] = {}
    with dg.DagsterInstance.get() as instance:
        (run,) = instance.get_runs(limit=1)
        for entry in instance.all_logs(run.run_id):
            event = entry.dagster_event
            if event and event.event_type in (
                dg.DagsterEventType.STEP_START,
                dg.DagsterEventType.STEP_SUCCESS,
            ):
                spans.setdefault(str(event.step_key), []).append(entry.timestamp)
    unknown = sorted(set(spans) - set(STEPS))
    if unknown:
        raise SystemExit(f"benchmarks/run.py does not know the steps {unknown}: add them to STEPS")
    first, last = min(map(min, spans.values())), max(map(max, spans.values()))
    costs = {"start (imports, warm parse)": job.between(job.samples[0].at, first)}
    for step in sorted(spans, key=lambda step: spans[step]):
        costs[STEPS[step]] = job.between(spans[step][0], spans[step][-1])
    costs["end"] = job.between(last, job.samples[-1].at)
    return costs


def beyond_the_script(job: Measured, target: Path) -> float:
    """Return the CPU seconds of the dbt nodes that idx_scores does not stand on.

    The script makes idx_scores alone; the job also every other index, the audit tables, and all
    their tests. Nodes run one after the other, so a node's time is its CPU.
    """
    manifest = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
    parents, found = manifest["parent_map"], ["model.ilk.idx_scores"]
    for node in found:
        found += [parent for parent in parents.get(node, []) if parent not in found]
    needed = set(found)
    results = json.loads((target / "run_results.json").read_text(encoding="utf-8"))["results"]
    cpu_seconds = 0.0
    for result in results:
        # A test belongs to the models that it reads; the others are theirs alone.
        read = parents.get(result["unique_id"], [])
        is_test = result["unique_id"].startswith("test.")
        if set(read) <= needed if is_test else result["unique_id"] in needed:
            continue
        moments = [
            datetime.fromisoformat(part[edge]).timestamp()
            for part in result["timing"]
            for edge in ("started_at", "completed_at")
        ]
        if moments:
            cpu_seconds += job.between(min(moments), max(moments)).cpu_seconds
    return cpu_seconds


def slowest_nodes(run_results: Path, count: int) -> list[tuple[str, float]]:
    """Return dbt's slowest nodes with their wall seconds."""
    results = json.loads(run_results.read_text(encoding="utf-8"))["results"]
    results.sort(key=lambda result: -result["execution_time"])
    return [
        (result["unique_id"].split(".")[2], result["execution_time"]) for result in results[:count]
    ]


_OF_SHOWN = ("equal_level", "unit_median")


def differences(warehouse: Path, scores: Path) -> list[str]:
    """Return how the warehouse's idx_scores differ from the script's rows, a sentence a column.

    But for the middles of levels and of units: they are over the shown ones, and the script hides
    nothing.
    """
    on = " and ".join(f"house.{column} is not distinct from hand.{column}" for column in KEY)
    with duckdb.connect() as con:
        con.execute(f"attach '{warehouse}' as warehouse (read_only)")
        con.execute(
            "create view house as from warehouse.indexes.idx_scores "
            f"where cycle_id = '{CYCLE}' and domain_type not in {_OF_SHOWN}"
        )
        con.execute(f"create view hand as from '{scores}' where domain_type not in {_OF_SHOWN}")
        con.execute(
            f"create temp table alone as select 1 from house full join hand on {on} "
            "where house.cycle_id is null or hand.cycle_id is null"
        )
        (alone,) = con.execute("select count(*) from alone").fetchall()[0]
        found = [f"{alone} rows stand on one side only"] if alone else []
        for name, kind, *_ in con.execute("describe house").fetchall():
            if name in NOT_BY_HAND:
                continue
            apart = f"house.{name} is distinct from hand.{name}"
            if kind == "DOUBLE":
                apart = (
                    f"coalesce(abs(house.{name} - hand.{name}) > {TOLERANCE}"
                    f" * greatest(1, abs(hand.{name})), {apart})"
                )
            (count,) = con.execute(
                f"select count(*) from house inner join hand on {on} where {apart}"
            ).fetchall()[0]
            if count:
                found.append(f"{name} differs in {count} rows")
    return found


def _git(*arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout.strip()


def _machine() -> str:
    cpu = next(
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        if line.startswith("model name")
    )
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    python = ".".join(map(str, sys.version_info[:3]))
    versions = f"Python {python}, DuckDB {duckdb.__version__}"
    return f"{cpu}, {os.cpu_count()} CPUs, {memory:.0f} GiB, {versions}"


if __name__ == "__main__":
    sys.exit(main([int(size.replace("_", "")) for size in sys.argv[1:]]))
