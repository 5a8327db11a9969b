"""The readings of a cycle's files after they were read: are they still what was written?

Belongs here: what is told, and done, of one that was damaged under a run. Doesn't: making readings
(orchestration/exports/reading.py), which a pull does anew where it finds one damaged.
"""

from orchestration.cycles.fingerprints import raw_files
from orchestration.cycles.state import cycle_states
from orchestration.durable_files import UnreadableFileError
from orchestration.exports.reading import is_undamaged
from orchestration.exports.registry import READ
from orchestration.exports.store import parquet_path
from orchestration.settings import Settings


def demand_undamaged(settings: Settings, cycle_id: str) -> None:
    """Refuse what was made of a reading that is not as it was written.

    Asked after the last look at it: what was damaged before that is told. Raises
    UnreadableFileError; the next pull reads the file's bytes again.
    """
    for file in raw_files(settings, [cycle_id]):
        path = parquet_path(settings.raw_dir, kind=file.kind, cycle_id=cycle_id, sha256=file.sha256)
        if file.status == READ and not is_undamaged(path):
            cycle_states(settings).forget_border([cycle_id])
            raise UnreadableFileError(
                path,
                ValueError("checksum"),
                "Periksa disk, lalu jalankan lagi: berkas itu dibaca lagi dari aslinya. / Check "
                f"the disk, and run again: it is read anew from raw/files/. {path}",
            )
