"""The raw zone: what a cycle's sources hold, pulled and kept as it came.

Belongs here: the partitions (one a survey cycle) and the assets around `pull_cycle`. Doesn't: what
is pulled from (sources.py), how exports are got and read (orchestration/exports).
"""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import PurePosixPath
from zoneinfo import ZoneInfo

import dagster as dg

from expectations.rule_words import rule_in_words
from expectations.seeds import ContradictorySeedsError, demand_agreement
from orchestration.auditing.run_records import WAITING, note_outcome
from orchestration.cycles.fingerprints import raw_files
from orchestration.defs.sources import EXPORT_SOURCES, STAFF_FRAMES
from orchestration.exports.forgotten import ForgottenKeyError
from orchestration.exports.freshness import stale_sources
from orchestration.exports.place_urls import is_web
from orchestration.exports.pull_report import PullReport
from orchestration.exports.pulling import pull_cycle
from orchestration.exports.registry import READ, REFUSED, Registry
from orchestration.exports.seed_files import SeedError, read_sources
from orchestration.exports.servers import TIMEZONE
from orchestration.exports.sources import SourceError, landed_address
from orchestration.lineage.runs import tell_pulled
from orchestration.seeds.survey_cycles import find_cycle, read_cycles
from orchestration.settings import REPOSITORY, get_settings
from orchestration.stages.other_index import OtherIndexError, demand_same_index
from orchestration.words import both, on_the_readers_clock

logger = logging.getLogger("ilk.exports")

SURVEY_CYCLES = dg.StaticPartitionsDefinition(
    [cycle.cycle_id for cycle in read_cycles(get_settings().seeds_dir)]
)
SURVEY_RESPONSES = dg.AssetKey(["raw", "survey_responses"])
STAFF_FRAME = dg.AssetKey(["raw", "staff_frame"])
EXPORT_FILES = dg.AssetKey(["raw", "export_files"])
_ENGINEERS = ["team:data-engineers"]
NO_FILE_REFUSED = "no_file_is_refused"
EVERY_SOURCE_HAS_FILES = "every_source_has_files"
EVERY_FILE_HAS_A_SOURCE = "every_file_has_a_source"
STAFF_FRAME_IS_THERE = "staff_frame_is_there"
NO_FILE_SHRANK = "no_file_shrank"
EVERY_SOURCE_IS_FRESH = "every_source_is_fresh"


class PullConfig(dg.Config):
    """What a person may let through: versions with less than half the records of the last."""

    accept_fewer: bool = False


@dg.multi_asset(
    name="pull",
    group_name="raw",
    partitions_def=SURVEY_CYCLES,
    specs=[
        dg.AssetSpec(
            SURVEY_RESPONSES,
            deps=EXPORT_SOURCES,
            description="One Parquet a file, every column text.",
            owners=_ENGINEERS,
            tags={"personal_data": "true"},
            kinds={"parquet"},
            skippable=True,
        ),
        dg.AssetSpec(
            STAFF_FRAME,
            deps=[STAFF_FRAMES],
            description="The population of a cycle, as delivered.",
            owners=_ENGINEERS,
            kinds={"parquet"},
            skippable=True,
        ),
        dg.AssetSpec(
            EXPORT_FILES,
            deps=[*EXPORT_SOURCES, STAFF_FRAMES],
            description="The registry: one row a file and pull.",
            owners=_ENGINEERS,
            kinds={"parquet"},
            skippable=True,
        ),
    ],
    check_specs=[
        # Not blocking: a refused file never keeps the good ones from being published.
        dg.AssetCheckSpec(check, asset=asset, description=both(rule_in_words(check)))
        for check, asset in (
            (NO_FILE_REFUSED, EXPORT_FILES),
            (EVERY_SOURCE_HAS_FILES, EXPORT_FILES),
            (EVERY_FILE_HAS_A_SOURCE, EXPORT_FILES),
            (STAFF_FRAME_IS_THERE, STAFF_FRAME),
            (NO_FILE_SHRANK, EXPORT_FILES),
            (EVERY_SOURCE_IS_FRESH, EXPORT_FILES),
        )
    ],
    required_resource_keys={"run_lock", "lineage"},
)
def pull(
    context: dg.AssetExecutionContext, config: PullConfig
) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    """Bring the raw zone up to date with what the cycle's sources hold now.

    Seeds that contradict themselves fail this first step: nothing is read, nor computed.
    """
    settings = get_settings()
    cycle_id = context.partition_key
    logger.info("%s: membaca ekspor / reading the exports", cycle_id)
    started_at = datetime.now(UTC)
    try:
        demand_agreement(settings.seeds_dir, REPOSITORY)
        demand_same_index(settings, read_cycles(settings.seeds_dir))
        report = pull_cycle(
            cycle_id=cycle_id,
            seeds_dir=settings.seeds_dir,
            landing=settings.landing,
            raw_dir=settings.raw_dir,
            pulled_at=started_at,
            pseudonym_key=key.get_secret_value() if (key := settings.pseudonym_key) else None,
            access=settings.server_access,
            accept_fewer=config.accept_fewer,
            on_progress=logger.info,
        )
    except (
        ContradictorySeedsError,
        OtherIndexError,
        SeedError,
        SourceError,
        ForgottenKeyError,
    ) as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    yield dg.AssetCheckResult(
        asset_key=EXPORT_FILES,
        check_name=NO_FILE_REFUSED,
        passed=not report.refused,
        severity=dg.AssetCheckSeverity.ERROR,
        description="\n".join(
            f"{refusal.message_id} / {refusal.message}" for refusal in report.refused
        ),
    )
    yield dg.AssetCheckResult(
        asset_key=EXPORT_FILES,
        check_name=EVERY_FILE_HAS_A_SOURCE,
        passed=not report.unclaimed,
        severity=dg.AssetCheckSeverity.WARN,
        description=_unclaimed(report) if report.unclaimed else None,
    )
    yield dg.AssetCheckResult(
        asset_key=EXPORT_FILES,
        check_name=NO_FILE_SHRANK,
        passed=not (report.shrunk or report.vanished),
        severity=dg.AssetCheckSeverity.WARN,
        description=_fewer(report),
    )
    stale = _stale(cycle_id, started_at)
    yield dg.AssetCheckResult(
        asset_key=EXPORT_FILES,
        check_name=EVERY_SOURCE_IS_FRESH,
        passed=not stale,
        severity=dg.AssetCheckSeverity.WARN,
        description=stale or None,
    )
    files_now = raw_files(settings, [cycle_id])
    tell_pulled(context.resources.lineage, settings, files_now, started_at=started_at)
    kinds = {file.kind for file in files_now if file.status == READ}
    if not (report.refused or _had_responses(cycle_id)) and _is_not_over(cycle_id):
        # A success that makes nothing: whatever stands after it is left out.
        note_outcome(settings, run_id=context.run_id, outcome=WAITING)
        waiting = (
            f"{cycle_id}: menunggu berkas pertama / waiting for the first file "
            f"({', '.join(_places(report, settings.landing))})"
        )
        logger.info(waiting)
        for asset, name in (
            (EXPORT_FILES, EVERY_SOURCE_HAS_FILES),
            (STAFF_FRAME, STAFF_FRAME_IS_THERE),
        ):
            yield dg.AssetCheckResult(
                asset_key=asset, check_name=name, passed=True, description=waiting
            )
        return
    if "survey_responses" not in kinds:
        raise dg.Failure(
            f"{cycle_id}: belum ada ekspor yang dapat dibaca / no readable export: "
            f"{', '.join(_places(report, settings.landing)) or 'all are refused'}. "
            "Letakkan berkas di sana / put the files there (survey_sources.csv, ILK_LANDING_URL).",
            allow_retries=False,
        )
    yield dg.AssetCheckResult(
        asset_key=EXPORT_FILES,
        check_name=EVERY_SOURCE_HAS_FILES,
        passed=not report.missing_sources,
        severity=dg.AssetCheckSeverity.WARN,
        description=_missing(report, settings.landing) if report.missing_sources else None,
    )
    yield dg.AssetCheckResult(
        asset_key=STAFF_FRAME,
        check_name=STAFF_FRAME_IS_THERE,
        passed="staff_frame" in kinds and not report.kept_frame,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{report.kept_frame} tidak ada lagi di landing; versi yang terakhir dibaca "
        "tetap dipakai. Kembalikan, atau taruh penggantinya. / It is in the landing no more; the "
        "version read last stays in use. Put it back, or another in its place."
        if report.kept_frame
        else None
        if "staff_frame" in kinds
        else f"{cycle_id}/staff_frame.csv (atau / or .xlsx) tidak ada: semua orang berbobot 1 dan "
        "tingkat respons tak diketahui. / It is missing: everybody weighs 1 and no response rate "
        "is known.",
    )
    files = {"new": report.new, "superseded": report.superseded, "withdrawn": report.withdrawn}
    metadata: dict[str, dg.RawMetadataValue] = {
        "files": dg.MetadataValue.table(
            [
                dg.TableRecord({"name": file.name, "sha256": file.sha256, "status": file.status})
                for file in files_now
            ]
        ),
        **{kind: list(names) for kind, names in files.items()},
        "sources": dg.MetadataValue.table(
            [
                dg.TableRecord({"source": source, **counts})
                for source, counts in report.counts.items()
            ]
        ),
        "vanished_responses": sum(gone.count for gone in report.vanished),
        "unfinished": list(report.unfinished),
        "unchanged_count": len(report.unchanged),
        "records_read": report.records_read,
    }
    for asset in (SURVEY_RESPONSES, STAFF_FRAME, EXPORT_FILES):
        yield dg.MaterializeResult(asset_key=asset, metadata=metadata)


def _places(report: PullReport, landing: str) -> list[str]:
    """Return where there is no file or response: sources below the landing with its path."""
    return [landed_address(landing, source) for source in report.missing_sources]


def _missing(report: PullReport, landing: str) -> str:
    """Return which sources hold nothing, and what that means."""
    places = ", ".join(_places(report, landing))
    on_the_web = (
        " Alamat di web tidak dikenal servernya: periksa tautannya. / A server knows no such "
        "address of the web: check the link."
        if any(map(is_web, report.missing_sources))
        else ""
    )
    return (
        f"Tidak ada berkas atau jawaban untuk / No file or response for {places} "
        f"(survey_sources.csv).{on_the_web} Yang pernah dibaca dari sana tetap dipakai. / What was "
        "read from it before stays in use."
    )


def _fewer(report: PullReport) -> str:
    """Return what there is no more: of files their counts, of servers also which responses."""
    sentences = [
        f"{file.name}: periksa apakah ekspornya utuh; berisi {file.record_count} jawaban, "
        f"versi sebelumnya {file.count_before}. / Check that the export is whole: it holds "
        f"{file.record_count} records, the version before it {file.count_before}."
        for file in report.shrunk
    ]
    for gone in report.vanished:
        more = gone.count - len(gone.examples)
        ids = ", ".join(gone.examples)
        sentences.append(
            f"{gone.source}: {gone.count} jawaban yang pernah ditarik tidak ada lagi di server dan "
            f"tidak dihitung lagi: {ids}{f' dan {more} lagi' if more else ''}. / {gone.count} "
            "responses that were pulled before are on the server no more and count no more: "
            f"{ids}{f' and {more} more' if more else ''}."
        )
    return "\n".join(sentences)


def _stale(cycle_id: str, now: datetime) -> str:
    """Return which sources brought nothing new for too long, and what to do; '' where none did."""
    settings = get_settings()
    sentences = []
    for stale in stale_sources(
        read_sources(settings.seeds_dir),
        find_cycle(read_cycles(settings.seeds_dir), cycle_id),
        Registry(settings.raw_dir).rows,
        now=now,
    ):
        source, newest = stale.source, stale.newest and on_the_readers_clock(stale.newest)
        sentences.append(
            f"{source.address}: periksa apakah survei dan ekspornya masih berjalan, atau naikkan "
            f"fresh_within_days di survey_sources.csv; {stale.days} hari tanpa yang baru (batas "
            f"{source.fresh_within_days}), "
            f"{f'terakhir {newest}' if newest else 'belum pernah ada'}. / Check that the "
            "survey and its export still run, or raise fresh_within_days in survey_sources.csv: "
            f"{stale.days} days without anything new (limit {source.fresh_within_days}), "
            f"{f'the last {newest}' if newest else 'nothing ever came'}."
        )
    return "\n".join(sentences)


def _unclaimed(report: PullReport) -> str:
    """Return what is to be done with the files that nobody reads."""
    sentences = [
        f"{name}: tidak dibaca, karena survey_sources.csv hanya meminta {location}. Tulis lokasi "
        f"{location.removesuffix(PurePosixPath(location).suffix)} di sana (CSV dan XLSX dikenali "
        "dari isinya), atau ekspor sebagai jenis itu. / not read, since survey_sources.csv asks "
        "for that kind of file alone. Write that location there (CSV and XLSX are told by "
        "content), or export it as that kind."
        for name, location in report.other_kinds.items()
    ]
    if others := [name for name in report.unclaimed if name not in report.other_kinds]:
        sentences.append(
            "Tidak dibaca, karena tidak cocok dengan satu pun lokasi di survey_sources.csv: "
            f"{', '.join(others)}. Ganti nama berkas (huruf besar dan kecil berbeda), pindahkan, "
            "atau tambahkan baris. / Not read, since no location in survey_sources.csv matches it. "
            "Rename the file (capital letters count), move it away, or add a row."
        )
    return "\n".join(sentences)


def _had_responses(cycle_id: str) -> bool:
    """Whether an export of the cycle was ever read: what then vanished is no first file to come."""
    return any(
        file.cycle_id == cycle_id and file.kind == "survey_responses" and file.status != REFUSED
        for file in Registry(get_settings().raw_dir).rows
    )


def _is_not_over(cycle_id: str) -> bool:
    """Whether the cycle's window is yet to close: nobody need have exported anything."""
    cycle = find_cycle(read_cycles(get_settings().seeds_dir), cycle_id)
    return datetime.now(UTC).astimezone(ZoneInfo(TIMEZONE)).date() <= cycle.closes_on
