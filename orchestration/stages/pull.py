"""Pulling a cycle's exports: what came, what is to be done about it, whether there is enough.

Belongs here: those decisions, in sentences. Doesn't: getting and reading files
(orchestration/exports), Dagster's assets (orchestration/defs/survey_exports.py).
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath

from expectations.seeds import ContradictorySeedsError, demand_agreement
from orchestration.auditing.run_records import WAITING, note_outcome
from orchestration.cycles.fingerprints import CurrentFile, raw_files
from orchestration.exports.forgotten import ForgottenKeyError
from orchestration.exports.freshness import stale_sources
from orchestration.exports.place_urls import is_web
from orchestration.exports.pull_report import PullReport
from orchestration.exports.pulling import pull_cycle
from orchestration.exports.registry import READ, REFUSED, Registry
from orchestration.exports.seed_files import SeedError, read_sources
from orchestration.exports.sources import SourceError, landed_address
from orchestration.lineage.events import LineageRun
from orchestration.lineage.runs import tell_pulled
from orchestration.seeds.survey_cycles import find_cycle, read_cycles
from orchestration.settings import Settings
from orchestration.stages.findings import Finding, StageError
from orchestration.stages.other_index import OtherIndexError, demand_same_index
from orchestration.survey_days import closing_day
from orchestration.words import on_the_readers_clock

logger = logging.getLogger("ilk.exports")

NO_FILE_REFUSED = "no_file_is_refused"
EVERY_SOURCE_HAS_FILES = "every_source_has_files"
EVERY_FILE_HAS_A_SOURCE = "every_file_has_a_source"
STAFF_FRAME_IS_THERE = "staff_frame_is_there"
NO_FILE_SHRANK = "no_file_shrank"
EVERY_SOURCE_IS_FRESH = "every_source_is_fresh"
CHECKS = {
    NO_FILE_REFUSED: "export_files",
    EVERY_SOURCE_HAS_FILES: "export_files",
    EVERY_FILE_HAS_A_SOURCE: "export_files",
    STAFF_FRAME_IS_THERE: "staff_frame",
    NO_FILE_SHRANK: "export_files",
    EVERY_SOURCE_IS_FRESH: "export_files",
}
"""The checks of a pull, and the part of the raw zone that each is about."""
_NOT_ANSWERED = {"unreachable", "place_unreachable", "api_unreachable"}
_RESPONSES, _FRAME = "survey_responses", "staff_frame"
_EMPTY = "header_only"  # an export of which nobody has answered yet


@dataclass(frozen=True)
class Pulled:
    """What the raw zone holds of a cycle after a pull."""

    cycle_id: str
    report: PullReport
    files: Sequence[CurrentFile]
    landing: str
    stale: str
    is_unanswered: bool
    """Nobody has answered yet, and nobody need have: the window is open."""

    @property
    def findings(self) -> Iterator[Finding]:
        """What somebody should look at. Nothing of it keeps the good files from going on."""
        refused = [
            f"{each.message_id} / {each.message}"
            for each in self.report.refused
            if not (self.is_unanswered and each.code == _EMPTY)
        ]
        yield Finding(NO_FILE_REFUSED, "\n".join(refused), is_error=True)
        yield Finding(EVERY_FILE_HAS_A_SOURCE, _unclaimed(self.report))
        yield Finding(NO_FILE_SHRANK, _fewer(self.report))
        yield Finding(EVERY_SOURCE_IS_FRESH, self.stale)
        if self.is_waiting:
            for check in (EVERY_SOURCE_HAS_FILES, STAFF_FRAME_IS_THERE):
                yield Finding(check, self.waiting, has_passed=True)
        elif self.is_unanswered:
            yield Finding(EVERY_SOURCE_HAS_FILES, self.waiting, has_passed=True)
            yield Finding(STAFF_FRAME_IS_THERE, self._no_frame())
        elif not self.nothing_to_read:
            yield Finding(EVERY_SOURCE_HAS_FILES, _missing(self.report, self.landing))
            yield Finding(STAFF_FRAME_IS_THERE, self._no_frame())

    @property
    def unreached(self) -> list[str]:
        """What did not answer: the network's fault, which passes; no file is at fault."""
        return [each.name for each in self.report.refused if each.code in _NOT_ANSWERED]

    @property
    def is_waiting(self) -> bool:
        """Whether nothing can be made yet: who has still to answer is told by the frame alone."""
        return self.is_unanswered and _FRAME not in self._kinds

    @property
    def waiting(self) -> str:
        """Return what is waited for."""
        places = [*_places(self.report, self.landing), *(each.name for each in self.report.refused)]
        return (
            f"{self.cycle_id}: menunggu berkas pertama / waiting for the first file "
            f"({', '.join(places)})"
        )

    @property
    def nothing_to_read(self) -> str:
        """Return why the cycle stops here, '' where it goes on or waits."""
        if self.is_unanswered or _RESPONSES in self._kinds:
            return ""
        places = ", ".join(_places(self.report, self.landing)) or "all are refused"
        return (
            f"{self.cycle_id}: belum ada ekspor yang dapat dibaca / no readable export: {places}. "
            "Letakkan berkas di sana / put the files there (survey_sources.csv, ILK_LANDING_URL)."
        )

    @property
    def _kinds(self) -> set[str]:
        return {file.kind for file in self.files if file.status == READ}

    def _no_frame(self) -> str:
        if self.report.kept_frame:
            return (
                f"{self.report.kept_frame} tidak ada lagi di landing; versi yang terakhir dibaca "
                "tetap dipakai. Kembalikan, atau taruh penggantinya. / It is in the landing no "
                "more; the version read last stays in use. Put it back, or another in its place."
            )
        if _FRAME in self._kinds:
            return ""
        return (
            f"{self.cycle_id}/staff_frame.csv (atau / or .xlsx) tidak ada: semua orang berbobot 1 "
            "dan tingkat respons tak diketahui. / It is missing: everybody weighs 1 and no "
            "response rate is known."
        )


def pull_exports(
    settings: Settings, cycle_id: str, *, run_id: str, accept_fewer: bool, lineage: LineageRun
) -> Pulled:
    """Bring the raw zone up to date with what the cycle's sources hold now.

    Raises StageError where nothing can be pulled: seeds that contradict themselves, a landing that
    can't be listed.
    """
    logger.info("%s: membaca ekspor / reading the exports", cycle_id)
    started_at = datetime.now(UTC)
    try:
        demand_agreement(settings.seeds_dir)
        demand_same_index(settings, read_cycles(settings.seeds_dir))
        report = pull_cycle(
            cycle_id=cycle_id,
            seeds_dir=settings.seeds_dir,
            landing=settings.landing,
            raw_dir=settings.raw_dir,
            pulled_at=started_at,
            engine=settings.engine,
            pseudonym_key=key.get_secret_value() if (key := settings.pseudonym_key) else None,
            access=settings.server_access,
            accept_fewer=accept_fewer,
            on_progress=logger.info,
        )
    except (
        ContradictorySeedsError,
        OtherIndexError,
        SeedError,
        SourceError,
        ForgottenKeyError,
    ) as error:
        raise StageError(str(error)) from error
    files = raw_files(settings, [cycle_id])
    tell_pulled(lineage, settings, files, started_at=started_at)
    had_responses = _had_responses(settings, cycle_id)
    pulled = Pulled(
        cycle_id=cycle_id,
        report=report,
        files=files,
        landing=settings.landing,
        stale=_stale(settings, cycle_id, started_at),
        is_unanswered=not had_responses
        and all(each.code == _EMPTY for each in report.refused)
        and _is_not_over(settings, cycle_id),
    )
    if pulled.is_unanswered:
        logger.info(pulled.waiting)
    if pulled.is_waiting:
        note_outcome(settings, run_id=run_id, outcome=WAITING)
    return pulled


def _places(report: PullReport, landing: str) -> list[str]:
    """Return where there is no file or response: sources below the landing with its path."""
    return [landed_address(landing, source) for source in report.missing_sources]


def _missing(report: PullReport, landing: str) -> str:
    """Return which sources hold nothing, and what that means; '' where each holds something."""
    if not report.missing_sources:
        return ""
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


def _stale(settings: Settings, cycle_id: str, now: datetime) -> str:
    """Return which sources brought nothing new for too long, and what to do; '' where none did."""
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
    """Return what is to be done with the files that nobody reads; '' where each is read."""
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


def _had_responses(settings: Settings, cycle_id: str) -> bool:
    """Whether an export of the cycle was ever read: what then vanished is no first file to come."""
    return any(
        file.cycle_id == cycle_id and file.kind == _RESPONSES and file.status != REFUSED
        for file in Registry(settings.raw_dir).rows
    )


def _is_not_over(settings: Settings, cycle_id: str) -> bool:
    """Whether the cycle's window is yet to close: nobody need have exported anything."""
    cycle = find_cycle(read_cycles(settings.seeds_dir), cycle_id)
    return closing_day(datetime.now(UTC)) <= cycle.closes_on
