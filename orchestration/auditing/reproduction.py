"""A final cycle computed again from what was kept of it, in a folder of its own, and compared.

Belongs here: laying out the scratch folder, running `ilk run` in it, naming what differs. Doesn't:
freezing (final_cycles.py). The scratch folder holds persons' data: it lies below the data folder
and goes when the comparison is done.
"""

import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from orchestration.auditing.differences import examples, find_moved, result_tables
from orchestration.auditing.final_cycles import FinalVersion, final_version
from orchestration.auditing.opening import AuditError
from orchestration.cycles.fingerprints import code_hash
from orchestration.dbt_build import manifest_path
from orchestration.exports.forgotten import erased_at
from orchestration.exports.reading import read_export
from orchestration.exports.registry import ExportFile, Registry
from orchestration.exports.seed_files import ReaderSettings, read_reader_settings
from orchestration.exports.store import parquet_path, store_bytes, stored_path
from orchestration.publishing.tables import Declaration, read_declarations
from orchestration.seeds.survey_cycles import read_cycles, with_ancestors
from orchestration.settings import Settings
from orchestration.sql_text import as_text

_SHOWN_EXAMPLES = 20


@dataclass(frozen=True)
class Comparison:
    """How a final cycle's frozen tables compare with another making of them."""

    with_what: str
    table_count: int
    moved_count: int
    examples: tuple[str, ...]
    missing_tables: tuple[str, ...]

    @property
    def is_equal(self) -> bool:
        """Whether every table is there with the same numbers."""
        return not (self.moved_count or self.missing_tables)


@dataclass(frozen=True)
class Reproduction:
    """The frozen version, whether this is the code that made it, and the two comparisons."""

    version: FinalVersion
    is_same_code: bool
    comparisons: tuple[Comparison, ...]


def reproduce(settings: Settings, cycle_id: str) -> Reproduction:
    """Compute a final cycle from the kept bytes and seeds; compare it, and what is published.

    Raises:
        AuditError: the cycle is not final, bytes are gone or changed, or the run fails.
    """
    version = final_version(settings, cycle_id)
    if version is None:
        raise AuditError(f"{cycle_id} belum final / is not final: ./ilk finalise {cycle_id}")
    declared = read_declarations(manifest_path(settings))
    scratch = settings.data_dir / "reproduction"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(mode=0o700)
    try:
        seeds = scratch / "seeds"
        shutil.copytree(version.folder / "seeds", seeds)
        cycle_ids = _restore_raw_zone(settings, version, scratch)
        run = [
            name
            for name in reversed(with_ancestors(read_cycles(seeds), cycle_id))
            if name in cycle_ids
        ]
        _run(scratch, run)
        comparisons = tuple(
            _compare(version, cycle_id, database, with_what=what, declared=declared)
            for what, database in (
                ("hitung ulang / computed again", scratch / "published" / "ilk.duckdb"),
                ("publikasi / publication", settings.published_dir / "ilk.duckdb"),
            )
        )
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return Reproduction(version, version.code_hash == code_hash(), comparisons)


def _restore_raw_zone(settings: Settings, version: FinalVersion, scratch: Path) -> set[str]:
    """Read the kept bytes again into a raw zone of their own; return the cycles that have some."""
    raw = scratch / "raw"
    raw.mkdir(mode=0o700)
    shutil.copyfile(version.folder / "export_files.parquet", raw / "export_files.parquet")
    kept = Registry(raw).rows
    (raw / "export_files.parquet").unlink()
    prescribed = read_reader_settings(scratch / "seeds")
    registry = Registry(raw)
    for file in kept:
        registry.add(_read_again(settings, file, raw, prescribed))
    registry.save()
    return {file.cycle_id for file in kept}


def _read_again(
    settings: Settings,
    file: ExportFile,
    raw: Path,
    prescribed: dict[str, ReaderSettings],
) -> ExportFile:
    path = stored_path(settings.raw_dir, file.sha256)
    if not path.is_file():
        if when := erased_at(settings.data_dir, file.sha256):
            raise AuditError(
                f"{file.name}: jawaban seseorang dihapus dari berkas ini ({when}); angka yang "
                "dibekukan tetap terbit, tetapi tak dapat dihitung ulang persis, dan tak ada yang "
                "perlu dilakukan. / Somebody was erased from this file. The frozen figures stay "
                "published and can't be computed again; there is nothing to do."
            )
        raise AuditError(f"{file.name}: raw/files/{file.sha256} tidak ada lagi / is gone")
    with path.open("rb") as source:
        stored = store_bytes(raw, source)
    if stored.sha256 != file.sha256:
        raise AuditError(f"{file.name}: raw/files/{file.sha256} berubah / was changed")
    reading = read_export(
        stored,
        parquet_path(raw, kind=file.kind, cycle_id=file.cycle_id, sha256=file.sha256),
        settings=prescribed.get(file.profile_id, ReaderSettings()),
        profile_id=file.profile_id,
        pulled_at=file.pulled_at,
    )
    return replace(
        file,
        encoding=reading.encoding,
        delimiter=reading.delimiter,
        header_rows=reading.header.rows,
        header=reading.header.names,
        header_folded=reading.header.folded_names,
        record_count=reading.record_count,
        blank_row_count=reading.blank_row_count,
    )


def _run(scratch: Path, cycle_ids: list[str]) -> None:
    """Run the cycles in the scratch folder, by the command that a person types.

    The landing is empty: a pull then leaves the raw zone as it is. Any key will do: published
    figures don't depend on it, and the real one stays where it is.
    """
    (scratch / "landing").mkdir()
    environment = os.environ | {
        "ILK_DATA_DIR": str(scratch),
        "ILK_SEEDS_DIR": str(scratch / "seeds"),
        "ILK_LANDING_URL": str(scratch / "landing"),
        "ILK_PSEUDONYM_KEY": secrets.token_hex(32),
    }
    command = [sys.executable, "-m", "orchestration", "run", *cycle_ids]
    done = subprocess.run(
        command, env=environment, capture_output=True, encoding="utf-8", check=False
    )
    if done.returncode != 0:
        raise AuditError(
            f"Hitung ulang gagal. / Computing it again failed:\n{done.stdout}{done.stderr}"
        )


def _compare(
    version: FinalVersion,
    cycle_id: str,
    database: Path,
    *,
    with_what: str,
    declared: Mapping[str, Declaration],
) -> Comparison:
    with duckdb.connect() as connection:
        connection.execute(f"attach {as_text(database.resolve())} as ilk (read_only)")
        old, new = version.tables, result_tables(connection, "ilk", declared)
        moved_count = find_moved(connection, cycle_id, old=old, new=new, declared=declared)
        return Comparison(
            with_what=with_what,
            table_count=len(old),
            moved_count=moved_count,
            examples=tuple(examples(connection, cycle_id, _SHOWN_EXAMPLES)),
            missing_tables=tuple(sorted(old.keys() - new.keys())),
        )
