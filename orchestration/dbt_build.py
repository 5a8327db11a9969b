"""dbt in this process: parse the project, build the warehouse for one cycle.

Belongs here: the calls of dbt's public `dbtRunner` and what its results say. Doesn't: Dagster
(orchestration/defs/warehouse.py translates the results) and SQL (models/). A `dbt` subprocess
would import dbt a second time and parse the project once more, 6 s a run.
"""

import fcntl
import hashlib
import logging
import os
import re
import shutil
import signal
import threading
import warnings
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.cycles.fingerprints import hash_files, project_hash, sources_hash
from orchestration.durable_files import whole_file
from orchestration.process_environment import environment
from orchestration.project_files import IS_INSTALLED, REPOSITORY, shipped
from orchestration.seeds.seed_tables import OPTIONAL_SEEDS, SeedFileError, read_seed
from orchestration.settings import Settings

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult
    from dbt.contracts.graph.manifest import Manifest

logger = logging.getLogger("ilk.warehouse")

_manifests: "dict[tuple[str, _Places], Manifest]" = {}  # as parsed: once a process
# Stands for the raw zone while the project is parsed for every data folder.
_SOME_RAW_DIR = "raw-dir-of-the-run"


class WarehouseBuildError(RuntimeError):
    """dbt could not start, or could not read the project; the message is dbt's own."""


@dataclass(frozen=True)
class _Places:
    """Where dbt finds raw zone, warehouse and seeds, and keeps what it makes of them."""

    raw_dir: str
    warehouse: Path
    seed_path: str
    target: Path


@dataclass(frozen=True)
class NodeResult:
    """What became of one dbt node."""

    unique_id: str
    name: str
    resource_type: str
    status: str  # success, pass, warn, error, fail, skipped, ...
    message: str
    failure_count: int | None
    seconds: float
    ended_at: datetime  # in UTC, with its zone

    @property
    def has_failed(self) -> bool:
        """Whether the node stopped the build (not: was skipped because another one did)."""
        return self.status in {"error", "fail", "runtime error", "partial success"}

    @property
    def was_built(self) -> bool:
        """Whether a seed or model stands in the warehouse now."""
        return self.status == "success"


def manifest_path(settings: Settings) -> Path:
    """Return the path of a manifest.json that fits the project as it lies on disk now.

    Parses the project first where there is none, a source file changed since, or the file is not
    what was written. `dbt build` writes none, or one beside it, which a full disk cuts off.

    Raises:
        WarehouseBuildError: the project does not parse; the message names file and reason.
    """
    path = settings.dbt_target_dir / "project" / "manifest.json"
    stamp = path.with_name("manifest.sha256")
    if not (path.is_file() and stamp.is_file() and stamp.read_bytes() == _stamp(settings, path)):
        manifest = _manifest(settings)
        with whole_file(path) as temporary:
            manifest.write(str(temporary))
        with whole_file(stamp) as temporary:
            temporary.write_bytes(_stamp(settings, path))
    return path


def _stamp(settings: Settings, manifest: Path) -> bytes:
    """Return what says that the file is the project's manifest in its places, whole, unchanged."""
    places = [settings.seeds_dir, settings.raw_dir, REPOSITORY]  # dbt writes them into it
    told = "\n".join([project_hash(settings), *map(str, places)])
    return f"{hashlib.sha256(told.encode()).hexdigest()} {hash_files([manifest])}".encode()


@contextmanager
def private_files() -> Iterator[None]:
    """Make files of this process their owner's alone, from the start.

    The warehouse holds what single persons answered, and so do shards and DuckDB's log beside them,
    which a killed run leaves.
    """
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


@dataclass(frozen=True)
class CycleDbt:
    """Calls of dbt for one cycle.

    `held`: cycles that were rolled back, on whose figures no plan stands. `load_seeds`: whether
    seeds are built with what is selected.
    """

    settings: Settings
    cycle_id: str
    held: Collection[str]
    load_seeds: bool

    def manifest(self) -> "Manifest":
        """Return the parsed project."""
        return _manifest(self.settings)

    def build(
        self, select: Collection[str] = (), *, rows_of_shards: Path | None = None
    ) -> list[NodeResult]:
        """Build the nodes of these names and no others, all by default; return what became of each.

        Nodes that fail are results, not exceptions. dbt's unit tests are about formulas, not this
        cycle's data: tests/test_unit_tests.py runs them. `rows_of_shards`: where files hold the
        rows of models that were computed in shards.

        Raises:
            WarehouseBuildError: dbt could not run at all.
            KeyboardInterrupt: somebody pressed Ctrl-C; dbt has cancelled its queries.
        """
        from dbt.artifacts.schemas.run import RunExecutionResult

        arguments = ["build", "--log-level", "none", "--exclude-resource-type", "unit_test"]
        if not self.load_seeds:
            arguments.append("seed")
        # Manifest once more, results and graph are for who asks dbt for them: benchmarks do.
        if "DBT_WRITE_JSON" not in os.environ:
            arguments.append("--no-write-json")
        if select:
            arguments += ["--indirect-selection", "empty", "--select", *sorted(select)]
        result = self._invoke(arguments, rows_of_shards)
        if not isinstance(result.result, RunExecutionResult):
            raise WarehouseBuildError(f"dbt build: {_reason(result)}")
        return [_node_result(node) for node in result.result.results]

    def compiled(self, select: Collection[str], raw_dir: Path | None = None) -> dict[str, str]:
        """Return the SQL or Python of the models and analyses of these names, ready to run.

        `raw_dir`: where the exports' readings lie, if not in the raw zone.

        Raises:
            WarehouseBuildError: one of them does not compile.
        """
        from dbt.artifacts.schemas.run import RunExecutionResult

        arguments = [
            "compile",
            "--log-level",
            "none",
            "--no-write-json",
            "--select",
            *sorted(select),
        ]
        result = self._invoke(arguments, raw_dir=raw_dir)
        if not result.success or not isinstance(result.result, RunExecutionResult):
            raise WarehouseBuildError(f"dbt compile: {_reason(result)}")
        nodes: list[Any] = [of.node for of in result.result.results]
        return {node.name: node.compiled_code for node in nodes}

    def _invoke(
        self,
        arguments: list[str],
        rows_of_shards: Path | None = None,
        raw_dir: Path | None = None,
    ) -> "dbtRunnerResult":
        return _invoke(
            self.settings,
            arguments,
            cycle_id=self.cycle_id,
            held=self.held,
            manifest=_manifest(self.settings),
            places=_own_places(self.settings, raw_dir),
            rows_of_shards=rows_of_shards,
        )


def build_docs(settings: Settings) -> Path:
    """Write dbt's documentation as one page that needs no server, and return where it lies.

    Column types and row counts are the warehouse's, where there is one.

    Raises:
        WarehouseBuildError: dbt could not read the project or the warehouse.
    """
    # --no-compile takes it from there: compiling would ask for a cycle
    manifest = manifest_path(settings)
    shutil.copyfile(manifest, settings.dbt_target_dir / manifest.name)
    arguments = ["docs", "generate", "--static", "--no-compile", "--log-level", "none"]
    if not settings.warehouse.is_file():
        arguments.append("--empty-catalog")
    result = _invoke(settings, arguments, cycle_id="", manifest=_manifest(settings))
    if not result.success:
        raise WarehouseBuildError(f"dbt docs: {_reason(result)}")
    page = settings.data_dir / "docs" / "index.html"
    with whole_file(page) as temporary:
        shutil.copyfile(settings.dbt_target_dir / "static_index.html", temporary)
    return page


def _manifest(settings: Settings) -> "Manifest":
    """Return the parsed project, its seeds and sources where the settings say.

    A copy: dbt writes compiled SQL into the manifest it is given, and the next cycle needs a clean
    one.
    """
    manifest: Manifest = _parsed(settings).deepcopy()
    _put_in_place(manifest, settings)
    return manifest


def _parsed(settings: Settings) -> "Manifest":
    """Return the project as dbt parsed it.

    Parsed under no cycle and, if it can be, under no data folder's places: the same environment
    each time keeps dbt's partial parse valid, for all data folders of this machine, and what this
    process holds of it for all of its own.
    """
    from dbt.contracts.graph.manifest import Manifest

    _link_project(settings)
    with _shared_places(settings) as places:
        parsed = (sources_hash(), places)
        if parsed not in _manifests:
            logger.info("membaca model / reading the models")
            # Its JSON is written where it is needed (manifest_path): it takes a second.
            arguments = ["parse", "--log-level", "none", "--no-write-json"]
            result = _invoke(settings, arguments, cycle_id="", places=places)
            if not isinstance(result.result, Manifest):
                raise WarehouseBuildError(f"dbt parse: {_reason(result)}")
            _manifests[parsed] = result.result
    return _manifests[parsed]


def _link_project(settings: Settings) -> None:
    """Give an installed project a home that dbt may write in: links to it, below the data."""
    if not IS_INSTALLED:
        return
    home = settings.dbt_home
    home.mkdir(parents=True, exist_ok=True)
    beside = {home.with_name(part): shipped(part) for part in ("models", "seeds")}
    within = {home / path.name: path for path in settings.dbt_project_dir.iterdir()}
    for link, target in (beside | within).items():
        if not link.is_symlink() or link.readlink() != target:  # another version's
            link.unlink(missing_ok=True)
            link.symlink_to(target)


@contextmanager
def _shared_places(settings: Settings) -> Iterator[_Places]:
    """Give places that say nothing of a data or seeds folder, to one process at a time.

    Which seeds there are is all that a parse takes from them: they are empty here. Where the
    project's folder is not ours to write in, the settings' own places.
    """
    names = _seed_names(settings)
    key = hashlib.sha256("\n".join(names).encode()).hexdigest()[:12]
    target = settings.dbt_parsed_dir / key
    seeds = settings.dbt_home / ".seeds" / f"names-{key}"
    try:
        for folder in (target, seeds):
            folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            (seeds / name).touch()
        lock = (target / "lock").open("w", encoding="utf-8")
        with (target / "partial_parse.msgpack").open("ab"):
            pass
    except OSError:
        yield _own_places(settings)
        return
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the second finds what the first one parsed
        name = settings.warehouse.name  # dbt-duckdb makes a database's name of it
        yield _Places(_SOME_RAW_DIR, target / name, f".seeds/{seeds.name}", target)


def _put_in_place(manifest: "Manifest", settings: Settings) -> None:
    """Say of each seed and source where this data folder has it."""
    from dbt.contracts.graph.nodes import SeedNode

    places = _own_places(settings)
    # dbt-duckdb formats a location with the source's fields, once it is asked for it
    template = places.raw_dir.replace("{", "{{").replace("}", "}}")
    for source in manifest.sources.values():
        written = {**source.unrendered_config.get("meta", {})}  # a copy of dbt's shares it
        source.unrendered_config = {**source.unrendered_config, "meta": written}
        for told in (source.meta, source.source_meta, source.config.meta, written):
            if location := told.get("external_location"):
                told["external_location"] = location.replace(_SOME_RAW_DIR, template)
        if source.relation_name:
            source.relation_name = source.relation_name.replace(_SOME_RAW_DIR, places.raw_dir)
    for node in manifest.nodes.values():
        if isinstance(node, SeedNode):
            node.original_file_path = f"{places.seed_path}/{node.path}"
            content = (settings.dbt_home / node.original_file_path).read_bytes()
            node.checksum.checksum = hashlib.sha256(content).hexdigest()


def _invoke(
    settings: Settings,
    arguments: list[str],
    *,
    cycle_id: str,
    held: Collection[str] = (),
    manifest: "Manifest | None" = None,
    places: _Places | None = None,
    rows_of_shards: Path | None = None,
) -> "dbtRunnerResult":
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    places = places or _own_places(settings)
    folders = {
        "--project-dir": settings.dbt_home,
        "--profiles-dir": settings.dbt_project_dir,
        "--target-path": places.target,
        "--log-path": settings.dbt_target_dir / "logs",
    }
    settings.dbt_target_dir.mkdir(parents=True, exist_ok=True)
    told = _told(settings, places, cycle_id, held, rows_of_shards)
    with environment(told), interrupts(), warnings.catch_warnings():
        # agate's, of a seed without its optional columns: models/_seeds.yml declares their types.
        unmatched = ".* does not match the name of any column"
        warnings.filterwarnings("ignore", unmatched, RuntimeWarning)
        try:
            runner = dbtRunner(manifest=manifest, callbacks=[_progress()])
            result = runner.invoke(
                [*arguments, *(str(word) for folder in folders.items() for word in folder)]
            )
        finally:
            # dbt-duckdb keeps the file open, and with it the lock that keeps everyone else out.
            manager: Any = DuckDBConnectionManager  # dbt-duckdb ships no types
            manager.close_all_connections()
    return result


@contextmanager
def interrupts() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM through: dbt cancels its queries, and reports any error but that."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    was_pressed = False

    def press(signal_number: int, frame: object) -> None:
        nonlocal was_pressed
        was_pressed = True
        raise KeyboardInterrupt

    before = {number: signal.signal(number, press) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if was_pressed:
            raise KeyboardInterrupt


def _told(
    settings: Settings,
    places: _Places,
    cycle_id: str,
    held: Collection[str],
    rows_of_shards: Path | None,
) -> dict[str, str]:
    """Return what dbt's macros and profile read of the environment."""
    key = settings.pseudonym_key
    return {
        "ILK_CYCLE_ID": cycle_id,
        "ILK_HELD_CYCLES": ",".join(sorted(held)),
        "ILK_RAW_DIR": places.raw_dir,
        "ILK_WAREHOUSE_PATH": str(places.warehouse),
        "ILK_DBT_SEED_PATH": places.seed_path,
        "ILK_MEMORY_LIMIT": settings.memory_limit,
        "ILK_PSEUDONYM_KEY": key.get_secret_value() if key else "",
        "ILK_SHARD_ROWS": str(rows_of_shards or ""),
        "ILK_RESPONSE_FILES": str(settings.response_files.folder),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "False",
    }


def _own_places(settings: Settings, raw_dir: Path | None = None) -> _Places:
    quoted = str(raw_dir or settings.raw_dir).replace("'", "''")  # stands within SQL's texts
    return _Places(quoted, settings.warehouse, _seed_path(settings), settings.dbt_target_dir)


def _seed_names(settings: Settings) -> list[str]:
    found = {path.name for path in settings.seeds_dir.glob("*.csv")}
    return sorted(found | {f"{name}.csv" for name in OPTIONAL_SEEDS})


def _seed_path(settings: Settings) -> str:
    """Return where dbt finds the seeds, relative to its project and inside the repository.

    dbt writes compiled files under target path joined with a seed's path: an absolute path, or one
    with many `..`, would overwrite the seeds themselves. Seeds from elsewhere are therefore copied,
    and those that a spreadsheet saved are copied in the form that dbt reads.
    """
    contents = {name: _as_dbt_reads(settings.seeds_dir / name) for name in _seed_names(settings)}
    if settings.seeds_dir == REPOSITORY / "seeds" and all(
        (path := settings.seeds_dir / name).is_file() and path.read_bytes() == content
        for name, content in contents.items()
    ):
        return "../seeds"
    name = hashlib.sha256(str(settings.seeds_dir).encode()).hexdigest()[:12]
    mirror = settings.dbt_home / ".seeds" / name
    mirror.mkdir(parents=True, exist_ok=True)
    for gone in mirror.glob("*.csv"):
        if gone.name not in contents:
            gone.unlink()
    for name_of_seed, content in contents.items():
        copy = mirror / name_of_seed
        if not copy.is_file() or copy.read_bytes() != content:
            with whole_file(copy) as fresh:
                fresh.write_bytes(content)
    return f".seeds/{name}"


def _as_dbt_reads(path: Path) -> bytes:
    """Return a seed in the seeds' own form; as it is where it is no table, which is told later."""
    try:
        return read_seed(path).as_csv().encode()
    except SeedFileError:
        return path.read_bytes()


def _progress() -> "Callable[[Any], None]":
    done = 0

    def tell(event: Any) -> None:  # noqa: ANN401  # dbt's protobuf messages
        nonlocal done
        if event.info.name == "NodeFinished":
            done += 1
            node = event.data.node_info
            logger.debug("%d %s %s: %s", done, node.resource_type, node.node_name, node.node_status)

    return tell


def _node_result(result: Any) -> NodeResult:  # noqa: ANN401  # dbt ships no types
    ended_at = result.timing[-1].completed_at if result.timing else datetime.now(UTC)
    return NodeResult(
        unique_id=result.node.unique_id,
        name=result.node.name,
        resource_type=str(result.node.resource_type),
        status=str(result.status),
        message=sentence(result.message or ""),
        failure_count=result.failures,
        seconds=result.execution_time,
        ended_at=ended_at.replace(tzinfo=UTC),  # dbt's is UTC and doesn't say so
    )


def sentence(message: str) -> str:
    """Return a node's message on one line; of a Python model's traceback, what was raised."""
    if "Traceback (most recent call last)" in message:
        *_, message = re.split(r"\n\s*(?:\w+\.)*(?=\w+Error: )", message)
    return " ".join(message.split())


def _reason(result: "dbtRunnerResult") -> str:
    return str(result.exception or "it gave no result").replace(f"{REPOSITORY}/", "")
