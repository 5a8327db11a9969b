"""A pull: what lies in a cycle's landing becomes the raw zone's bytes, Parquet and registry.

Belongs here: what is new, changed, gone, copied or refused. Doesn't: listing (sources), formats
(reading), the registry's shape (registry), when to pull (orchestration/defs).

The order makes a pull that is killed at any moment repeatable: bytes, then Parquet, then the
registry in one rename at the end. Until then nothing counts, and the next pull does it all again.
"""

import re
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import BinaryIO

from orchestration.bounded_engine import BoundedEngine
from orchestration.durable_files import TEMPORARY
from orchestration.exports.apis.access import Access
from orchestration.exports.archives import Archive, open_archive
from orchestration.exports.clearing import clear
from orchestration.exports.erasure import ErasureError
from orchestration.exports.faults import (
    BROKEN_BYTES,
    FRAME_OF_LAST_RESORT,
    LAST_RESORT,
    OLDER_STAYS,
    UNFINISHED,
    ExportFault,
)
from orchestration.exports.forgotten import Forgotten, personal_columns
from orchestration.exports.headers import fold
from orchestration.exports.place_urls import is_web
from orchestration.exports.places import PlaceError, copy, look_again
from orchestration.exports.pull_report import PullReport, Refusal, Shrunk
from orchestration.exports.reading import Reading, is_current, read_export
from orchestration.exports.registry import READ, REFUSED, ExportFile, Registry
from orchestration.exports.seed_files import (
    LANDING,
    ReaderSettings,
    SeedError,
    read_identifier_kinds,
    read_reader_settings,
    read_sources,
    read_surveyed_headings,
)
from orchestration.exports.servers import (
    ServerAnswers,
    Vanished,
    ask_servers,
    servers_of,
    throw_away_answers,
)
from orchestration.exports.sniffing import is_archive, tell_format
from orchestration.exports.sources import (
    STAFF_FRAME_KIND,
    SURVEY_RESPONSES_KIND,
    ListedFile,
    Listing,
    files_in_use,
    list_cycle,
    listed_file,
    other_kind,
    unclaimed_files,
    version_of,
)
from orchestration.exports.store import (
    StoredBytes,
    is_as_named,
    only_pull,
    parquet_path,
    store_bytes,
)
from orchestration.seeds.survey_cycles import find_cycle, read_cycles
from orchestration.words import FaultText, on_the_readers_clock

_SHOWN = 5
_TOLD_EVERY_SECONDS = 5.0
_GIVEN_UP_AFTER = 3
"""Files of a source, one after the other, that could not be had: the rest is not tried."""


def pull_cycle(
    *,
    cycle_id: str,
    seeds_dir: Path,
    landing: str,
    raw_dir: Path,
    pulled_at: datetime,
    engine: BoundedEngine,
    pseudonym_key: str | None = None,
    access: Mapping[str, Access] = MappingProxyType({}),
    accept_fewer: bool = False,
    on_progress: Callable[[str], None] | None = None,
) -> PullReport:
    """Bring the raw zone up to date with the cycle's sources and its staff frame.

    `pulled_at` must bear its zone. `pseudonym_key` is needed once somebody was forgotten: their
    records are taken out of what the landing still holds, and `engine` compares what is left.
    `access` are the ways into servers, by kind of source. `accept_fewer` lets versions in that hold
    less than half of the records of the last. `on_progress` gets one sentence a file.
    Waits while another process pulls. A file that can't be read is refused and the others go on;
    so is a source that can't be listed and a server whose answer is not whole, and what was pulled
    from it before stays in use. Raises SeedError (a seed can't be used, or has no source for the
    cycle), SourceError (the landing can't be listed, or sources contradict each other) and
    ForgottenKeyError, and then changes nothing.
    """
    if pulled_at.tzinfo is None:
        raise ValueError("pulled_at has no time zone; give datetime.now(UTC).")
    known = read_sources(seeds_dir)
    servers = servers_of(known, cycle_id)
    configured = {source.address for source in known if source.cycle_id == cycle_id}
    if not configured:
        raise SeedError(
            f"{seeds_dir / 'survey_sources.csv'} tidak memuat baris untuk siklus "
            f"{cycle_id}; tambahkan, atau betulkan siklusnya. / "
            f"has no row for cycle {cycle_id}. Add one, or correct the cycle."
        )
    settings = read_reader_settings(seeds_dir)
    cycle = find_cycle(read_cycles(seeds_dir), cycle_id) if servers else None
    with only_pull(raw_dir):
        listing = list_cycle(cycle_id=cycle_id, sources=known, landing=landing)
        pull = _Pull(
            cycle_id=cycle_id,
            raw_dir=raw_dir,
            pulled_at=pulled_at.astimezone(UTC).replace(tzinfo=None),
            settings=settings,
            registry=Registry(raw_dir),
            seeds_dir=seeds_dir,
            forgotten=Forgotten.read(raw_dir, pseudonym_key),
            engine=engine,
            accept_fewer=accept_fewer,
            on_progress=on_progress or (lambda sentence: None),
        )
        listing = pull.keep_unreachable(listing)
        if cycle is not None:
            answers = ask_servers(
                servers,
                cycle,
                registry=pull.registry,
                raw_dir=raw_dir,
                access=access,
                pulled_at=pulled_at,
                accept_fewer=accept_fewer,
                on_progress=pull.on_progress,
            )
            listing = pull.add_answers(listing, answers)
        report = pull.run(listing, configured)
    sources = [source for source in known if source.kind == LANDING]
    unclaimed = unclaimed_files(listing, cycle_id=cycle_id, sources=sources, landing=landing)
    kinds = {name: other_kind(name, cycle_id=cycle_id, sources=sources) for name in unclaimed}
    other_kinds = {name: location for name, location in kinds.items() if location}
    return replace(report, unclaimed=unclaimed, other_kinds=other_kinds)


@dataclass
class _Pull:
    """One pull under way: what it found so far, and the registry that it changes."""

    cycle_id: str
    raw_dir: Path
    pulled_at: datetime
    settings: dict[str, ReaderSettings]
    registry: Registry
    seeds_dir: Path
    forgotten: Forgotten
    engine: BoundedEngine
    accept_fewer: bool
    on_progress: Callable[[str], None]
    new: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    superseded: list[str] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    records_read: int = 0
    dropped: list[tuple[ListedFile, StoredBytes]] = field(default_factory=list)
    """What must not stay once the registry is written: it holds forgotten people, or may."""
    listed: set[str] = field(default_factory=set)
    """Names of all files that there are, members in the place of their archives."""
    asked: set[str] = field(default_factory=set)
    """Addresses of servers: what was pulled from them before goes when all of them is new."""
    vanished: tuple[Vanished, ...] = ()
    lost: dict[str, list[str]] = field(default_factory=dict)
    """By source: what was said of each of the last files, one after the other, that could not be
    had."""

    def keep_unreachable(self, listing: Listing) -> Listing:
        """Refuse the sources that can't be listed, and list what was pulled from them before."""
        names = {file.name for file in listing.files}
        files = list(listing.files)
        for source, fault in listing.unreachable:
            kept = [
                row
                for row in self.registry.current(self.cycle_id)
                if row.source == source.address and row.is_in_use and row.name not in names
            ]
            self._report(listed_file(source, source.address, ""), fault, kept)
            files += files_in_use(source, kept, self.raw_dir)
        if listing.unfinished:
            text = UNFINISHED.filled(
                count=len(listing.unfinished), detail=_some(listing.unfinished)
            )
            self.on_progress(f"{text.id} / {text.en}")
        return replace(listing, files=tuple(sorted(files, key=lambda file: file.name)))

    def add_answers(self, listing: Listing, answers: ServerAnswers) -> Listing:
        """Add to the listing what servers answered, and what was pulled from them and stays."""
        self.asked = set(answers.asked)
        self.vanished = answers.vanished
        for file, fault, kept in answers.refused:
            self._report(file, fault, kept)
        for file, text in answers.notes:
            self._note(file, text)
        files = sorted((*listing.files, *answers.files), key=lambda file: file.name)
        missing = (*listing.missing, *answers.missing)
        return replace(listing, files=tuple(files), missing=missing)

    def run(self, listing: Listing, configured: set[str]) -> PullReport:
        listing, stored = self._store_all(listing)
        self.listed = {file.name for file in listing.files}
        withdrawn = self._withdraw(listing, configured)
        # Files in use come first: a new file may be a copy of what one of them is now.
        awaiting = sorted(
            (file for file in stored if not self._is_up_to_date(file, stored[file])),
            key=self._turn,
        )
        self.unchanged += [file.name for file in stored if file not in awaiting]
        self._name_sources(listing)
        while awaiting:
            file = awaiting.pop(0)
            self._take(file, stored[file], awaiting={other.name for other in awaiting})
        withdrawn += self._replace_archives()
        withdrawn += self._replace_frames()
        withdrawn += self._replace_answers()
        throw_away_answers(self.raw_dir)
        if self.dropped:
            self.forgotten.save()
        self.registry.save()
        self._drop()
        return PullReport(
            cycle_id=self.cycle_id,
            new=tuple(self.new),
            unchanged=tuple(self.unchanged),
            superseded=tuple(self.superseded),
            withdrawn=withdrawn,
            refused=tuple(sorted(self.refused, key=lambda refusal: refusal.name)),
            notes=tuple(self.notes),
            missing_sources=tuple(source.address for source in listing.missing),
            kept_frame=self._kept_frame(),
            records_read=self.records_read,
            shrunk=self._shrunk(),
            vanished=self.vanished,
            unfinished=listing.unfinished,
            counts=self._counts(listing, withdrawn),
        )

    def _withdraw(self, listing: Listing, configured: set[str]) -> tuple[str, ...]:
        """Withdraw the files that vanished, unless their source as a whole seems to be away.

        A source whose row was edited or removed counts as away while its profile has a source that
        matches nothing: the edit may be a slip. What stands in archives is `_replace_archives`',
        staff frames are `_replace_frames`' and the answers of servers `_replace_answers`'.
        """
        if not self.listed:
            return ()  # the landing is away, and tells nothing of sources edited meanwhile
        away = (*listing.missing, *(source for source, _ in listing.unreachable))
        missing = {source.address for source in away} | self.asked
        away_profiles = {source.profile_id for source in away}
        gone = [
            row
            for row in self.registry.current(self.cycle_id)
            if row.name not in self.listed
            and not self._in_place_of(row.name)
            and row.kind != STAFF_FRAME_KIND
            and row.source not in missing
            and (row.source in configured or row.profile_id not in away_profiles)
        ]
        for row in gone:
            self.registry.withdraw(row)
        return self._no_longer_there(gone)

    def _replace_archives(self) -> tuple[str, ...]:
        """Withdraw an archive's members, once the file in its place was read, and the reverse.

        Until then they stay in use: a login page, or an archive cut off, says nothing of them.
        """
        read = {*self.new, *self.unchanged, *self.superseded}
        gone = [
            row
            for row in self.registry.current(self.cycle_id)
            if (others := self._in_place_of(row.name)) and others <= read
        ]
        for row in gone:
            self.registry.withdraw(row)
        return self._no_longer_there(gone)

    def _in_place_of(self, name: str) -> set[str]:
        """Return the listed members of what was no archive, or the listed file that was one."""
        if name in self.listed:
            return set()
        return {
            other for other in self.listed if _is_member(other, name) or _is_member(name, other)
        }

    def _no_longer_there(self, gone: Sequence[ExportFile]) -> tuple[str, ...]:
        """Return the names of files that were withdrawn, without archives that are members now."""
        return tuple(
            dict.fromkeys(
                row.name
                for row in gone
                if not any(_is_member(other, row.name) for other in self.listed)
            )
        )

    def _turn(self, file: ListedFile) -> tuple[bool, int, object, object]:
        """Return the key of a file's turn: the order of pulls tells which version is the last.

        What is only read again, in another way, keeps its place among its like. On the web the name
        tells no order.
        """
        older = self._in_use(file.name)
        address = _in_order(file.path) if is_web(file.place) else []
        number = older.file_number if older else 0
        return older is None, number, address, _in_order(file.name)

    def _name_sources(self, listing: Listing) -> None:
        """Say of the files in use which row of survey_sources.csv claims them now: it may be new.

        A response id names one response within its source.
        """
        sources = {file.name: file.source for file in listing.files}
        self.registry.rewrite(
            lambda row: (
                replace(row, source=sources.get(row.name, row.source))
                if row.cycle_id == self.cycle_id and row.is_in_use
                else row
            )
        )

    def _replace_frames(self) -> tuple[str, ...]:
        """Withdraw the staff frames that vanished, once another one counts.

        Without any, everybody would weigh 1.
        """
        frames = [
            row for row in self.registry.current(self.cycle_id) if row.kind == STAFF_FRAME_KIND
        ]
        if not any(row.is_in_use and row.name in self.listed for row in frames):
            return ()
        gone = [row for row in frames if row.name not in self.listed]
        for row in gone:
            self.registry.withdraw(row)
        return tuple(dict.fromkeys(row.name for row in gone))

    def _replace_answers(self) -> tuple[str, ...]:
        """Withdraw what servers answered before, once all that they answered now was read.

        Where a part of it is refused, old and new stay: a response in both counts once.
        """
        whole = {
            address
            for address in self.asked
            if not any(f"{refusal.name}/".startswith(f"{address}/") for refusal in self.refused)
        }
        self.vanished = tuple(each for each in self.vanished if each.source in whole)
        gone = [
            row
            for row in self.registry.current(self.cycle_id)
            if row.source in whole and row.name not in self.listed
        ]
        for row in gone:
            self.registry.withdraw(row)
        return tuple(dict.fromkeys(row.name for row in gone))

    def _kept_frame(self) -> str:
        """Return the staff frame that counts though it lies in the landing no more, else ''."""
        kept = [
            row.name
            for row in self.registry.current(self.cycle_id)
            if row.kind == STAFF_FRAME_KIND and row.is_in_use and row.name not in self.listed
        ]
        return kept[0] if kept else ""

    def _store_all(self, listing: Listing) -> tuple[Listing, dict[ListedFile, StoredBytes]]:
        """Keep the bytes of all files, of an archive those of its members in its place."""
        files: list[ListedFile] = []
        stored: dict[ListedFile, StoredBytes] = {}
        for file in listing.files:
            bytes_ = self._store(file)
            if bytes_ and file.kind == SURVEY_RESPONSES_KIND and is_archive(bytes_.path):
                try:
                    members = self._unpack(file, bytes_)
                except ExportFault as fault:
                    self._refuse(self._pull(file, bytes_), file, bytes_, fault)
                    self._let_go(bytes_)  # `ilk forget` could not look into it
                else:
                    files += members
                    stored |= {file: kept for file, kept in members.items() if kept}
                    continue
            elif bytes_:
                stored[file] = bytes_
            files.append(file)
        return replace(listing, files=tuple(files)), stored

    def _unpack(
        self, file: ListedFile, archive: StoredBytes
    ) -> dict[ListedFile, StoredBytes | None]:
        """Return an archive's members, without bytes those that are refused, which is reported.

        The archive's own bytes are not kept: those of its members are, once. Raises ExportFault.
        """
        members: dict[ListedFile, StoredBytes | None] = {}
        with open_archive(archive.path) as opened:
            if opened.note:
                self._note(file, opened.note)
            for name, fault in opened.refused:
                member = replace(file, name=f"{file.name}/{name}")
                members[member] = None
                self._report(member, fault)
            path = archive.path
            if not self.registry.was_read(archive.sha256):
                path = path.rename(path.with_name(f"archive{TEMPORARY}"))
            for name in opened.members:
                member = replace(file, name=f"{file.name}/{name}")
                members[member] = None
                try:
                    members[member] = self._keep_member(opened, name)
                except ExportFault as fault:
                    self._report(member, fault)
        if path != archive.path:
            path.unlink()
        return members

    def _keep_member(self, archive: Archive, name: str) -> StoredBytes:
        """Keep a member's bytes; raises ExportFault for those that are an archive themselves."""
        with archive.member(name) as source:
            kept = self._keep(source)
        if is_archive(kept.path):
            try:
                tell_format(kept.path)
            finally:
                self._let_go(kept)
        return kept

    def _let_go(self, stored: StoredBytes) -> None:
        """Remove the bytes of an archive."""
        if not self.registry.was_read(stored.sha256):
            stored.path.unlink(missing_ok=True)

    def _keep(self, source: BinaryIO) -> StoredBytes:
        return store_bytes(self.raw_dir, source, stand_ins=self.forgotten.stand_ins)

    def _store(self, file: ListedFile) -> StoredBytes | None:
        """Keep the file's bytes; None where they can't be had whole, which is reported."""
        lost = self.lost.setdefault(file.source, [])
        if len(lost) >= _GIVEN_UP_AFTER:
            self._report(file, ExportFault("unreachable", detail=lost[-1]))
            return None
        if self._is_kept_damaged(Path(file.path)):
            self._report(file, ExportFault("kept_damaged", detail=Path(file.path).name))
            return None
        try:
            stored = copy(file.place, file.path, self._keep, self._teller(file))
        except PlaceError as error:
            lost += [error.detail] * error.was_tried
            self._report(file, ExportFault("unreachable", detail=error.detail))
            return None
        lost.clear()
        if file.size is None:
            return stored  # the place doesn't tell
        now = look_again(file.place, file.path)
        size, version = (now["size"], version_of(now)) if now else (file.size, file.version)
        if (stored.size, size, version) != (file.size, file.size, file.version):
            fault = ExportFault("changing", listed=file.size, copied=stored.size, found=size)
            self._report(file, fault)
            return None
        return stored

    def _is_kept_damaged(self, path: Path) -> bool:
        """Return whether what the raw zone kept of a source that is away was damaged since."""
        is_ours = path.parent == self.raw_dir / "files"
        return is_ours and path.is_file() and not is_as_named(path)

    def _teller(self, file: ListedFile) -> Callable[[int], None]:
        """Return what tells now and then how much of a large file is copied."""
        told_at = time.monotonic()

        def tell(count: int) -> None:
            nonlocal told_at
            if time.monotonic() - told_at >= _TOLD_EVERY_SECONDS:
                told_at = time.monotonic()
                whole = f" / {file.size / 1e6:,.0f}" if file.size else ""
                self.on_progress(f"{file.name}: {count / 1e6:,.0f}{whole} MB disalin / copied")

        return tell

    def _counts(self, listing: Listing, withdrawn: Sequence[str]) -> dict[str, dict[str, int]]:
        """Return by source what became of its files."""
        sources = {row.name: row.source for row in self.registry.rows_of(self.cycle_id)}
        sources |= {file.name: file.source for file in listing.files}
        counts: dict[str, Counter[str]] = {
            source.address: Counter()
            for source in (*listing.missing, *(source for source, _ in listing.unreachable))
        }
        outcomes = {
            "new": self.new,
            "changed": self.superseded,
            "unchanged": self.unchanged,
            "withdrawn": withdrawn,
            "refused": [refusal.name for refusal in self.refused],
        }
        for outcome, names in outcomes.items():
            for name in names:
                counts.setdefault(sources.get(name, name), Counter())[outcome] += 1
        return {
            source: {outcome: counted[outcome] for outcome in outcomes}
            for source, counted in sorted(counts.items())
        }

    def _is_up_to_date(self, file: ListedFile, stored: StoredBytes) -> bool:
        """Whether the file's last pull was read, from these bytes, in the way now prescribed.

        A refused file is tried again by every pull: the remedy may have been a seed.
        """
        rows = [row for row in self.registry.current(self.cycle_id) if row.name == file.name]
        if not rows or rows[-1].status != READ:
            return False
        last, settings = rows[-1], self._settings(file)
        return (
            is_current(self._parquet(file, stored), last.header, settings)
            and (last.sha256, last.kind, last.profile_id)
            == (stored.sha256, file.kind, file.profile_id)
            and _is_as_prescribed(last, settings)
        )

    def _take(self, file: ListedFile, stored: StoredBytes, *, awaiting: set[str]) -> None:
        """Read the file or refuse it, and register what came of it.

        `awaiting`: the files this pull has yet to judge; what they were before is no original.
        """
        older = self._in_use(file.name)
        pull = self._pull(file, stored)
        try:
            self._refuse_copy(file, stored, awaiting)
            reading = read_export(
                stored,
                self._parquet(file, stored),
                settings=self._settings(file),
                profile_id=file.profile_id,
                pulled_at=self.pulled_at,
            )
            self._refuse_other_count(file, stored, reading)
            stored, reading = self._without_forgotten(file, stored, reading)
            self._refuse_half(file, stored, reading, older)
            pull = replace(pull, sha256=stored.sha256, bytes=stored.path.stat().st_size)
        except ExportFault as fault:
            self._refuse(pull, file, stored, fault)
            return
        note = ""
        if texts := [*filter(None, (self._doubts(file, reading),)), *reading.notes]:
            note = self._note(file, *texts)
        self.registry.add(
            replace(
                pull,
                message=note,
                encoding=reading.encoding,
                delimiter=reading.delimiter,
                header_rows=reading.header.rows,
                header=reading.header.names,
                header_folded=reading.header.folded_names,
                record_count=reading.record_count,
                blank_row_count=reading.blank_row_count,
            )
        )
        (self.new if older is None else self.superseded).append(file.name)
        self.records_read += reading.record_count
        blank = reading.blank_row_count
        more = f", {blank} baris kosong / blank rows" if blank else ""
        self.on_progress(f"{file.name}: {reading.record_count} jawaban / records{more}")

    def _note(self, file: ListedFile, *texts: FaultText) -> str:
        """Add to the report what somebody should look at, and return it."""
        in_indonesian = " ".join(text.id for text in texts)
        in_english = " ".join(text.en for text in texts)
        note = f"{file.name}: {in_indonesian} / {in_english}"
        self.notes.append(note)
        self.on_progress(note)
        return note

    def _pull(self, file: ListedFile, stored: StoredBytes) -> ExportFile:
        """Return the registry's row of a file that is read now.

        Bytes that were pulled before keep their number, whatever their name is now: a response
        counts as its last version has it. But a server's answer is its last word.
        """
        number = (
            self.registry.next_number
            if file.source in self.asked
            else self.registry.number_of(self.cycle_id, file.kind, stored.sha256)
        )
        return ExportFile(
            file_number=number,
            cycle_id=self.cycle_id,
            profile_id=file.profile_id,
            kind=file.kind,
            source=file.source,
            name=file.name,
            sha256=stored.sha256,
            bytes=stored.size,
            pulled_at=self.pulled_at,
            status=READ,
        )

    def _refuse(
        self, pull: ExportFile, file: ListedFile, stored: StoredBytes, fault: ExportFault
    ) -> None:
        """Report a refusal and register it."""
        if self.cycle_id in self.forgotten.hashes:
            self.dropped.append((file, stored))  # who is in it, nobody can tell
        pull = replace(pull, status=REFUSED, message=self._report(file, fault))
        if not self._is_known_refusal(pull):
            self.registry.add(pull)

    def _doubts(self, file: ListedFile, reading: Reading) -> FaultText | None:
        """Return what somebody should look at in a file that was read."""
        if broken := reading.broken:
            return BROKEN_BYTES.remedy_first().filled(
                row=broken.row,
                column=fold(broken.column).replace(" / ", "/"),
                offset=broken.offset,
                count=broken.count,
            )
        if reading.encoding == "cp1252" and self._settings(file).encoding is None:
            text = FRAME_OF_LAST_RESORT if file.kind == STAFF_FRAME_KIND else LAST_RESORT
            return text.remedy_first().filled(profile_id=file.profile_id)
        return None

    def _without_forgotten(
        self, file: ListedFile, stored: StoredBytes, reading: Reading
    ) -> tuple[StoredBytes, Reading]:
        """Return the file as it is, or cleared of people who asked to be forgotten."""
        if self.cycle_id not in self.forgotten.hashes or file.kind != SURVEY_RESPONSES_KIND:
            return stored, reading
        surveyed = read_surveyed_headings(self.seeds_dir).get(file.profile_id, frozenset())
        parquet = self._parquet(file, stored)
        columns = personal_columns(reading.header.names, surveyed)
        kind = read_identifier_kinds(self.seeds_dir).get(file.profile_id, "")
        records = self.forgotten.records(self.cycle_id, parquet, columns, kind)
        if not records:
            return stored, reading
        if len(records) == reading.record_count:
            raise ExportFault("forgotten", detail="it holds nobody else")
        try:
            cleared, reading = clear(
                self.raw_dir,
                parquet,
                records=records,
                encoding=reading.encoding,
                delimiter=reading.delimiter,
                profile_id=file.profile_id,
                pulled_at=self.pulled_at,
                engine=self.engine,
            )
        except ErasureError as error:
            raise ExportFault("forgotten", detail=error) from error
        self.forgotten.let_stand_in(cleared.sha256, stored.sha256)
        self.dropped.append((file, stored))
        return cleared, reading

    def _drop(self) -> None:
        """Remove what holds forgotten people, or may, unless the registry counts on it."""
        for file, stored in self.dropped:
            if not self.registry.was_read(stored.sha256):
                stored.path.unlink(missing_ok=True)
                self._parquet(file, stored).unlink(missing_ok=True)

    def _refuse_copy(self, file: ListedFile, stored: StoredBytes, awaiting: set[str]) -> None:
        for row in self.registry.current(self.cycle_id):
            # What is withdrawn once the file in its place was read is no original either.
            is_other = row.name not in {file.name, *awaiting} and not self._in_place_of(row.name)
            if (row.kind, row.sha256) == (file.kind, stored.sha256) and row.is_in_use and is_other:
                raise ExportFault("copy", original=row.name)

    def _refuse_half(
        self, file: ListedFile, stored: StoredBytes, reading: Reading, older: ExportFile | None
    ) -> None:
        """Refuse a version with less than half the records of the last: a copy that broke off."""
        if file.record_count is not None:
            return  # the server's own count was compared
        if older is None or older.sha256 == stored.sha256 or self.accept_fewer:
            return  # the same bytes are read in another way now: no version
        found, before = reading.record_count, older.record_count
        if 2 * found >= before:
            return
        self._forget_reading(file, stored)
        raise ExportFault("fewer", found=found, before=before)

    def _refuse_other_count(self, file: ListedFile, stored: StoredBytes, reading: Reading) -> None:
        """Refuse a server's answer that the reader finds another number of records in."""
        is_cleared = stored.sha256 in self.forgotten.stand_ins.values()
        if file.record_count not in (None, reading.record_count) and not is_cleared:
            self._forget_reading(file, stored)
            raise ExportFault("api_count", listed=file.record_count, found=reading.record_count)

    def _forget_reading(self, file: ListedFile, stored: StoredBytes) -> None:
        if not self.registry.was_read(stored.sha256):
            self._parquet(file, stored).unlink()

    def _shrunk(self) -> tuple[Shrunk, ...]:
        replaced = {
            (row.cycle_id, row.name, row.superseded_by): row for row in self.registry.read_rows()
        }
        return tuple(
            Shrunk(row.name, row.record_count, before.record_count)
            for row in self.registry.current(self.cycle_id)
            if row.is_in_use
            and (before := replaced.get((row.cycle_id, row.name, row.sha256))) is not None
            and before.sha256 != row.sha256
            and row.record_count < before.record_count
        )

    def _report(self, file: ListedFile, fault: ExportFault, kept: Sequence[ExportFile] = ()) -> str:
        """Add the refusal to the report and return its English sentence.

        `kept` are the files in use of a server that is refused as a whole.
        """
        message, message_id = fault.in_english(file.name), fault.in_indonesian(file.name)
        in_use = self._in_use(file.name) or self._in_use_in_place_of(file.name)
        older = max(kept, key=lambda row: row.pulled_at, default=in_use)
        if older is not None:
            pulled_at = on_the_readers_clock(older.pulled_at.replace(tzinfo=UTC))
            message += OLDER_STAYS.en.format(pulled_at=pulled_at)
            message_id += OLDER_STAYS.id.format(pulled_at=pulled_at)
        self.refused.append(Refusal(file.name, fault.code, message, message_id))
        self.on_progress(f"{message_id} / {message}")
        return message

    def _is_known_refusal(self, pull: ExportFile) -> bool:
        return any(
            (row.name, row.sha256, row.status, row.message)
            == (pull.name, pull.sha256, pull.status, pull.message)
            for row in self.registry.current(self.cycle_id)
        )

    def _in_use(self, name: str) -> ExportFile | None:
        rows = self.registry.current(self.cycle_id)
        return next((row for row in rows if row.name == name and row.is_in_use), None)

    def _in_use_in_place_of(self, name: str) -> ExportFile | None:
        """Return a member of the archive that the file was, or the file that is an archive now."""
        rows = [row for row in self.registry.current(self.cycle_id) if row.is_in_use]
        in_place = (row for row in rows if _is_member(row.name, name) or _is_member(name, row.name))
        return next(in_place, None)

    def _settings(self, file: ListedFile) -> ReaderSettings:
        return self.settings.get(file.profile_id, ReaderSettings())

    def _parquet(self, file: ListedFile, stored: StoredBytes) -> Path:
        return parquet_path(
            self.raw_dir, kind=file.kind, cycle_id=self.cycle_id, sha256=stored.sha256
        )


def _is_member(name: str, archive: str) -> bool:
    return name.startswith(f"{archive}/")


def _some(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f", ... (+{more})" if more > 0 else "")


def _in_order(name: str) -> list[tuple[tuple[str | int, ...], str]]:
    """Return the key by which one pull reads new files: the later name has the last word.

    Numbers count as numbers: `jawaban.csv`, `jawaban (2).csv`, `jawaban (10).csv`.
    """
    parts = map(PurePosixPath, name.split("/"))
    return [(_with_numbers(part.stem), part.suffix) for part in parts]


def _with_numbers(text: str) -> tuple[str | int, ...]:
    return tuple(
        int(part) if place % 2 else part for place, part in enumerate(re.split("([0-9]+)", text))
    )


def _is_as_prescribed(last: ExportFile, settings: ReaderSettings) -> bool:
    """Whether a file was read in the way that its profile prescribes now, as far as it can be."""
    if last.delimiter:
        return settings.delimiter in (None, last.delimiter) and (
            settings.encoding in (None, last.encoding)
        )
    is_workbook = last.encoding.startswith("xlsx:")
    return not is_workbook or settings.sheet in (None, last.encoding.removeprefix("xlsx:"))
