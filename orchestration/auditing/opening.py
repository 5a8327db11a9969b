"""The warehouse and the publication side by side, open for reading while nothing writes them.

Belongs here: the lock, the attaching, whether the warehouse is fit to be read. Doesn't: questions.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from orchestration.cycles.state import cycle_states
from orchestration.lineage.tables import can_be_read
from orchestration.response_files import ResponseFilesError
from orchestration.run_lock import no_run
from orchestration.settings import Settings
from orchestration.sql_text import as_text


class AuditError(Exception):
    """An auditor's question that can't be answered; the message says why and what to do."""


@contextmanager
def audited(settings: Settings, cycle_id: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """Give a connection with `warehouse` and `published` attached, both read-only.

    The run lock is held meanwhile: a run that started now would find its warehouse open.

    Raises:
        RunInProgressError: a run is on; the warehouse is dbt's alone until it ends.
        AuditError: there is no warehouse or publication, the cycle is half built, another version
            made the warehouse, or another program has it open.
    """
    with no_run(settings.data_dir):
        database = settings.published_dir / "ilk.duckdb"
        if not (settings.warehouse.is_file() and database.is_file()):
            raise AuditError(
                f"Belum ada yang terbit di / nothing is published yet in {settings.data_dir}: "
                f"./ilk run {cycle_id}"
            )
        states = cycle_states(settings)
        if not (states.knows_the_warehouse and can_be_read(settings.warehouse)):
            raise AuditError(
                "Gudang atau fingerprints.json rusak; buat baru. / The warehouse or "
                "fingerprints.json is damaged; make it anew: ./ilk run --all"
            )
        try:
            settings.response_files.demand_whole(settings.warehouse)
        except ResponseFilesError as error:
            raise AuditError(str(error)) from error
        if not settings.response_files.is_followed(settings.warehouse):
            raise AuditError(
                "Folder data ini dipindahkan; jalankan dulu. / This data folder was moved; run it "
                f"first: ./ilk run {cycle_id}"
            )
        if cycle_id in states.half_built:
            raise AuditError(
                f"Proses {cycle_id} terputus dan gudang memuat setengahnya. / The build of "
                f"{cycle_id} broke off and the warehouse holds half of it: ./ilk run {cycle_id}"
            )
        with settings.engine.opened() as connection:
            connection.execute("set TimeZone = 'UTC'")
            # The link may be swapped while we read: the resolved file stays what it is.
            for path, name in (
                (settings.warehouse, "warehouse"),
                (database.resolve(), "published"),
            ):
                try:
                    connection.execute(f"attach {as_text(path)} as {name} (read_only)")
                except duckdb.IOException as error:
                    raise AuditError(
                        f"{path} sedang dibuka program lain; tutup dulu. / Another program has it "
                        f"open; close it first. ({error})"
                    ) from error
            try:
                yield connection
            except duckdb.CatalogException as error:
                raise AuditError(
                    "Gudang dibuat versi lain; buat baru. / Another version made the warehouse; "
                    f"make it anew: ./ilk run --all ({str(error).splitlines()[0]})"
                ) from error
