"""What lies outside and is pulled: Dagster shows it and makes none of it.

Belongs here: the sources of survey_sources.csv and, above each, the files that were read from it
and count now. Doesn't: pulling them (survey_exports.py).

The files are taken from the raw zone's registry whenever the definitions are loaded. An event a
file and run would say the same for some 20 ms each, and an event alone has no edge in the graph.
"""

import dagster as dg

from orchestration.durable_files import UnreadableFileError
from orchestration.exports.registry import ExportFile, Registry
from orchestration.exports.seed_files import SeedError, read_sources
from orchestration.exports.sources import STAFF_FRAME_KIND, landed_address
from orchestration.settings import get_settings

STAFF_FRAMES = dg.AssetKey(["landing", "staff_frame"])
try:
    _SOURCES = read_sources(get_settings().seeds_dir)
except SeedError:
    _SOURCES = ()  # the pull fails with its sentence; Dagster's page must still load
EXPORT_SOURCES = [
    dg.AssetKey(["landing", profile_id])
    for profile_id in sorted({source.profile_id for source in _SOURCES})
]
_OWNERS = ["team:index-team"]
_PERSONAL = {"personal_data": "true"}


@dg.definitions
def landing() -> dg.Definitions:
    """Return the sources and, as what they are made of, the files in use."""
    try:
        files = [file for file in Registry(get_settings().raw_dir).rows if file.is_in_use]
    except UnreadableFileError:
        files = []  # the pull fails with its sentence; Dagster's page must still load
    sources = [
        dg.AssetSpec(
            key,
            deps=dict.fromkeys(_key(file) for file in files if _source(file) == key),
            group_name="landing",
            description="The population of each cycle, <cycle>/staff_frame.csv."
            if key == STAFF_FRAMES
            else "Exports as the survey tool gives them, one or more files a cycle.",
            metadata={
                source.cycle_id: source.address
                for source in _SOURCES
                if source.profile_id == key.path[-1]
            },
            owners=_OWNERS,
            tags={} if key == STAFF_FRAMES else _PERSONAL,
            kinds={"file"},
        )
        for key in (*EXPORT_SOURCES, STAFF_FRAMES)
    ]
    by_key = {_key(file): file for file in files}  # two cycles may read one URL
    return dg.Definitions(assets=[*sources, *(_file(file) for file in by_key.values())])


def _key(file: ExportFile) -> dg.AssetKey:
    """Return `landing` and the file's path below it, or its URL's parts."""
    return dg.AssetKey(["landing", *filter(None, file.name.split("/"))])


def _source(file: ExportFile) -> dg.AssetKey:
    is_frame = file.kind == STAFF_FRAME_KIND
    return STAFF_FRAMES if is_frame else dg.AssetKey(["landing", file.profile_id])


def _kind(file: ExportFile) -> str:
    if file.encoding.startswith("xlsx:"):
        return "excel"
    return "csv" if file.delimiter else file.encoding


def _file(file: ExportFile) -> dg.AssetSpec:
    columns = [dg.TableColumn(name) for name in file.header]
    return dg.AssetSpec(
        _key(file),
        group_name="landing",
        description=f"A file of {file.cycle_id} as it was pulled last; its bytes are "
        f"raw/files/{file.sha256}.",
        metadata={
            "cycle_id": file.cycle_id,
            "sha256": file.sha256,
            "bytes": file.bytes,
            "encoding": file.encoding,
            "pulled_at": file.pulled_at.isoformat(),
            "dagster/row_count": file.record_count,
            "dagster/column_schema": dg.TableSchema(columns=columns),
            "dagster/uri": landed_address(get_settings().landing, file.name),
        },
        owners=_OWNERS,
        tags={} if file.kind == STAFF_FRAME_KIND else _PERSONAL,
        kinds={_kind(file)},
    )
