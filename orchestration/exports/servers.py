"""A cycle's surveys on servers, as files for the pull: what is new and what stays of before.

Belongs here: which servers, what landed from them, what they add to a listing. Doesn't: what to ask
and whether it is whole (apis/asking.py), reading and registering (pulling.py).
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet

from orchestration.exports.apis.access import Access
from orchestration.exports.faults import IDS_UNKNOWN, ExportFault
from orchestration.exports.registry import ExportFile, Registry
from orchestration.exports.seed_files import SERVER_KINDS, Source
from orchestration.exports.sources import ListedFile, SourceError, files_in_use, listed_file
from orchestration.exports.store import parquet_path
from orchestration.seeds.survey_cycles import SurveyCycle
from orchestration.survey_days import local_day
from orchestration.words import FaultText

if TYPE_CHECKING:  # what it imports costs those who only read files nothing
    from orchestration.exports.apis.asking import Answer

_SHOWN = 5


@dataclass(frozen=True)
class Vanished:
    """Responses that were pulled from a server and are there no more."""

    source: str
    count: int
    examples: tuple[str, ...]
    """The first of their ids."""


@dataclass(frozen=True)
class ServerAnswers:
    """What servers add to a listing."""

    files: tuple[ListedFile, ...]
    """New ones, and those pulled before that stay."""
    missing: tuple[Source, ...]
    """Surveys without a response."""
    refused: tuple[tuple[ListedFile, ExportFault, Sequence[ExportFile]], ...]
    """Servers that did not answer as they should, why, and which files stay in use."""
    vanished: tuple[Vanished, ...]
    asked: tuple[str, ...]
    """Addresses of all of them."""
    notes: tuple[tuple[ListedFile, FaultText], ...] = ()
    """What somebody should know of a server's answer."""


def servers_of(sources: Sequence[Source], cycle_id: str) -> list[Source]:
    """Return the cycle's surveys on servers. Raises SourceError where one stands in two rows."""
    servers = [
        source for source in sources if source.cycle_id == cycle_id and source.kind in SERVER_KINDS
    ]
    addresses = [source.address for source in servers]
    for address in addresses:
        if addresses.count(address) > 1:
            raise SourceError(
                f"{address}: ada dua baris untuk siklus {cycle_id} di survey_sources.csv; hapus "
                "salah satunya. / survey_sources.csv has two rows of it for the cycle. Take one "
                "out."
            )
    return servers


def ask_servers(
    servers: Sequence[Source],
    cycle: SurveyCycle,
    *,
    registry: Registry,
    raw_dir: Path,
    access: Mapping[str, Access],
    pulled_at: datetime,
    accept_fewer: bool,
    on_progress: Callable[[str], None],
) -> ServerAnswers:
    """Ask each server for what is due. `pulled_at` bears its zone.

    What was pulled from a final cycle's servers stays, and they are not asked again. Where a server
    is refused or told what is new alone, the files in use are listed again.
    """
    from orchestration.exports.apis.asking import ask, open_api

    today = local_day(pulled_at)
    files: list[ListedFile] = []
    missing, refused, vanished, notes = [], [], [], []
    for source in servers:
        kept = [
            row
            for row in registry.current(cycle.cycle_id)
            if row.source == source.address and row.is_in_use
        ]
        answer: Answer | None = None
        if not (cycle.status == "final" and kept):
            try:
                api = open_api(source, access)
                landed = _landed_ids(raw_dir, kept, api.id_column)
                answer = ask(
                    api,
                    name=source.address,
                    landed=landed or (),
                    landed_count=_record_count(kept) if landed is None else len(landed),
                    is_open=today <= cycle.closes_on,
                    accept_fewer=accept_fewer,
                    folder=_folder(raw_dir),
                    on_progress=on_progress,
                )
                if landed is None:
                    notes.append((listed_file(source, source.address, ""), IDS_UNKNOWN))
            except ExportFault as fault:
                refused.append((listed_file(source, source.address, ""), fault, kept))
        if answer is None or not answer.is_whole:
            files += files_in_use(source, kept, raw_dir)
        if answer is None:
            continue
        files += [
            listed_file(source, file.name, str(file.path), file.record_count)
            for file in answer.files
        ]
        if answer.is_whole and not answer.files:
            missing.append(source)
        if gone := answer.vanished:
            vanished.append(Vanished(source.address, len(gone), gone[:_SHOWN]))
    asked = tuple(source.address for source in servers)
    return ServerAnswers(
        files=tuple(files),
        missing=tuple(missing),
        refused=tuple(refused),
        vanished=tuple(vanished),
        asked=asked,
        notes=tuple(notes),
    )


def throw_away_answers(raw_dir: Path) -> None:
    """Remove the bytes that servers answered: those of files were stored."""
    for answer in _folder(raw_dir).glob("*"):
        answer.unlink()


def _folder(raw_dir: Path) -> Path:
    return raw_dir / "answers"


def _record_count(rows: Sequence[ExportFile]) -> int:
    return sum(row.record_count for row in rows)


def _landed_ids(raw_dir: Path, kept: Sequence[ExportFile], column: str) -> Collection[str] | None:
    """Return the ids of the responses in use; None where a file doesn't tell them."""
    ids: dict[str, None] = {}
    for row in kept:
        path = parquet_path(raw_dir, kind=row.kind, cycle_id=row.cycle_id, sha256=row.sha256)
        if column not in row.header:
            return None
        try:
            cells = pyarrow.parquet.read_table(path, columns=[column])[column].to_pylist()
        except (OSError, ValueError):  # pyarrow's own are of these two
            path.unlink(missing_ok=True)  # the pull makes it anew from its bytes
            return None
        ids.update(dict.fromkeys(cells))
    return ids.keys()
