"""What a cycle's figures were made from, so that nothing is made twice.

Belongs here: hashes of inputs (raw files, seeds, code, the key). Doesn't: the file that remembers
them (state.py), deciding what to run (orchestration/stages).
"""

import hashlib
import hmac
import json
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import duckdb

from orchestration.durable_files import UnreadableFileError
from orchestration.project_files import IS_INSTALLED, REPOSITORY, shipped
from orchestration.seeds import seed_expansion, seed_tables
from orchestration.seeds.rows_of_a_cycle import READ_BY_NONE, hash_of_rows_read
from orchestration.seeds.survey_cycles import read_cycles, with_ancestors
from orchestration.settings import Settings
from orchestration.survey_days import closing_day

_BYPRODUCTS = {"__pycache__", ".parsed", ".seeds", ".user.yml", "target", "logs"}
# With all of ours that they import (tests/test_fingerprints.py).
FIGURES_CODE = (
    "models",
    "dbt_project",
    "orchestration/publishing",
    "orchestration/scoring",
    "orchestration/bounded_engine.py",
    "orchestration/durable_files.py",
    "orchestration/keyed_hash.py",
    "orchestration/model_inputs.py",
    "orchestration/project_files.py",
    "orchestration/pseudonyms.py",
    "orchestration/sql_text.py",
    "orchestration/survey_days.py",
    "orchestration/survey_terms.py",
    "orchestration/words.py",
)
# What gives a kept table its columns, their types and what stands in them.
_MODELS_CODE = ("models", "dbt_project", "orchestration/scoring", "orchestration/model_inputs.py")
_SEED_READER = tuple(Path(str(module.__file__)) for module in (seed_tables, seed_expansion))
# At the border any unit that the seeds know will do, and every name may help to find one.
_WHOLE_AT_THE_BORDER = ("units",)
BORDER_CODE = (
    "expectations",
    "dbt_project/dbt_project.yml",
    "dbt_project/macros/engine.sql",
    "dbt_project/macros/cells.sql",
    "dbt_project/macros/responses.sql",
    "orchestration/seeds/survey_cycles.py",
    "orchestration/bounded_engine.py",
    "orchestration/engine_macros.py",
    "orchestration/exports",
    "orchestration/durable_files.py",
    "orchestration/keyed_hash.py",
    "orchestration/metadata/forms.py",
    "orchestration/project_files.py",
    "orchestration/seeds/seed_expansion.py",
    "orchestration/seeds/seed_tables.py",
    "orchestration/sql_text.py",
    "orchestration/survey_days.py",
    "orchestration/survey_terms.py",
    "orchestration/words.py",
)


def hash_files(paths: Iterable[Path]) -> str:
    """Return the sha256 over the names and bytes of files, and of all files below folders."""
    digest = hashlib.sha256()
    for path in paths:
        inside = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in inside:
            name = file.relative_to(path) if path.is_dir() else Path(file.name)
            # What tools leave behind is no input: the mirrors of other seeds, caches, dbt's output.
            if not file.is_file() or _BYPRODUCTS & set(name.parts) or file.suffix == ".pyc":
                continue
            digest.update(f"{name}\0".encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def seeds_hash(settings: Settings) -> str:
    """Return the sha256 of all seeds that any figure depends on, and of the code that reads them.

    What the warehouse was loaded from; which of it a cycle depends on: `cycle_fingerprint`.
    """
    seeds = sorted(
        path for path in settings.seeds_dir.glob("*.csv") if path.stem not in READ_BY_NONE
    )
    return hash_files([*seeds, *_SEED_READER])


def code_hash() -> str:
    """Return the sha256 of all code that figures depend on."""
    return hash_files(map(shipped, FIGURES_CODE))


def models_hash() -> str:
    """Return the sha256 of the code that a warehouse's tables are made by."""
    return hash_files(map(shipped, _MODELS_CODE))


def code_version() -> str | None:
    """Return the commit that lies here, `-dirty` where files differ; of a wheel, its own.

    None where nobody can tell: outside a checkout, in a wheel that `make dist` didn't make.
    """
    if IS_INSTALLED:
        commit = (REPOSITORY / "COMMIT").read_text(encoding="utf-8").strip()
        return None if "$" in commit else commit[:12]
    try:
        described = subprocess.run(
            ["git", "-C", str(REPOSITORY), "describe", "--always", "--dirty", "--abbrev=12"],
            capture_output=True,
            encoding="utf-8",
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return described.stdout.strip()


def sources_hash() -> str:
    """Return the sha256 of what dbt parses: models, settings, macros, tests."""
    return hash_files(map(shipped, ("models", "dbt_project")))


def project_hash(settings: Settings) -> str:
    """Return the sha256 of what dbt makes its SQL of: what it parses, and seeds; no places."""
    return _digest([sources_hash(), seeds_hash(settings)])


class CurrentFile(NamedTuple):
    """A file of the raw zone that no newer version has replaced."""

    cycle_id: str
    file_number: int
    profile_id: str
    kind: str
    source: str
    name: str
    sha256: str
    status: str


def raw_files(settings: Settings, cycle_ids: list[str]) -> list[CurrentFile]:
    """Return the current files of the cycles, in a fixed order."""
    if not settings.export_files.is_file():
        return []
    try:
        with duckdb.connect() as connection:
            rows = connection.execute(
                "select cycle_id, file_number, profile_id, kind, source, name, sha256, status"
                " from read_parquet(?) where superseded_by is null and list_contains(?, cycle_id)"
                " order by all",
                [str(settings.export_files), cycle_ids],
            ).fetchall()
    except duckdb.Error as error:
        raise UnreadableFileError(settings.export_files, error) from error
    return [CurrentFile(*row) for row in rows]


def cycle_fingerprint(settings: Settings, cycle_id: str) -> str:
    """Return the sha256 of all that the cycle's published figures depend on.

    The pseudonym key enters as an HMAC of a constant: another key is noticed, none is stored.
    """
    cycles = read_cycles(settings.seeds_dir)
    cycle_ids = with_ancestors(cycles, cycle_id)
    key = settings.pseudonym_key
    secret = key.get_secret_value() if key else ""
    today = closing_day(datetime.now(UTC))
    files = raw_files(settings, cycle_ids)
    return _digest(
        [
            # Scores are published when the window has closed: that day is something new.
            *(
                cycle.cycle_id
                for cycle in cycles
                if cycle.cycle_id in cycle_ids and cycle.closes_on >= today
            ),
            files,
            _seeds_read(settings, cycle_ids, files),
            code_hash(),
            # Pages that are switched on, or another map, are something new as well.
            settings.pages,
            hash_files([settings.regions_geojson] if settings.regions_geojson else []),
            hmac.new(secret.encode(), b"ilk fingerprint", hashlib.sha256).hexdigest(),
        ]
    )


def border_fingerprint(settings: Settings, cycle_id: str) -> str:
    """Return the sha256 of all that the checks of a cycle's raw files depend on."""
    code = hash_files(map(shipped, BORDER_CODE))
    compared = with_ancestors(read_cycles(settings.seeds_dir), cycle_id)[:2]
    files = raw_files(settings, compared)
    read = _seeds_read(settings, compared, files, whole=_WHOLE_AT_THE_BORDER)
    return _digest([files, read, code])


def _seeds_read(
    settings: Settings,
    cycle_ids: list[str],
    files: list[CurrentFile],
    whole: tuple[str, ...] = (),
) -> list[str]:
    """Return the sha256 of the seeds' rows that a cycle reads, and of the code that reads them."""
    profile_ids = {file.profile_id for file in files}
    return [
        hash_of_rows_read(settings.seeds_dir, cycle_ids, profile_ids=profile_ids, whole=whole),
        hash_files(_SEED_READER),
    ]


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, default=str).encode()).hexdigest()
