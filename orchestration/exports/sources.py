"""Which files a cycle's sources hold now: globs below the landing, or URLs.

Belongs here: which place is whose, what is passed over. Doesn't: getting at a place (places),
reading what is inside a file, or remembering it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from orchestration.exports.faults import ExportFault
from orchestration.exports.place_urls import public_name
from orchestration.exports.places import PlaceError, file_url, look, split
from orchestration.exports.registry import ExportFile
from orchestration.exports.seed_files import LANDING, SERVER_KINDS, Source
from orchestration.exports.store import stored_path

STAFF_FRAMES = ("staff_frame.csv", "staff_frame.xlsx", "staff_frame.xls")
SURVEY_RESPONSES_KIND = "survey_responses"
STAFF_FRAME_KIND = "staff_frame"


class SourceError(RuntimeError):
    """A source can't be listed, or two sources claim one file; the sentence says what to do."""


@dataclass(frozen=True)
class ListedFile:
    """A file as its folder shows it, unread."""

    name: str
    """Path below the landing root, or where the source is a URL of its own, the file's URL; on the
    web what stands for it (place_urls.public_name)."""
    size: int | None
    version: str
    """What changes when the file does: etag, else modification time, else ''."""
    kind: str
    profile_id: str
    source: str
    place: str
    """The path or URL of the place that it lies in."""
    path: str
    """Where it lies in there."""
    record_count: int | None = None
    """How many records a server's answer must hold, by the server's own count."""


@dataclass(frozen=True)
class Listing:
    """The files of a cycle, by name, and the sources that hold none or can't be listed.

    Two are equal exactly when no file appeared, vanished or changed its size or version, as long
    as all sources can be listed.
    """

    files: tuple[ListedFile, ...]
    missing: tuple[Source, ...]
    unfinished: tuple[str, ...] = ()
    """Names of what is passed over: uploads under way, and what Excel writes while it is open."""
    unreachable: tuple[tuple[Source, ExportFault], ...] = ()


def list_cycle(
    *, cycle_id: str, sources: Iterable[Source], landing: str, until: float | None = None
) -> Listing:
    """List the files of the cycle's sources and its staff frame, sorted by name, without a byte.

    Servers are not asked. What file managers and Excel leave beside the exports is passed over.
    `until` is a time.monotonic(): what has not answered by then is unreachable. Raises SourceError
    where the landing can't be listed or two profiles claim one file.
    """
    try:
        frames = [
            file
            for name in STAFF_FRAMES
            for file in _list(landing, f"{cycle_id}/{name}", STAFF_FRAME_KIND, "", until)
        ]
    except PlaceError as error:
        fault = error.fault
        place = public_name(landing)
        raise SourceError(f"{fault.in_indonesian(place)} / {fault.in_english(place)}") from None
    if len(frames) > 1:
        first, second, *_ = (file.name for file in frames)
        raise SourceError(
            f"{first} dan {second}: kerangka pegawai ada dua, dan akan dijumlahkan. Keluarkan "
            "salah satunya. / there are two staff frames, which would be added up. Take one out."
        )
    found = {file.name: file for file in frames}
    unfinished: list[str] = []
    missing, unreachable = [], []
    for source in sources:
        if source.cycle_id != cycle_id or source.kind != LANDING:
            continue
        try:
            listed = _list(
                landing, source.location, SURVEY_RESPONSES_KIND, source.profile_id, until
            )
        except PlaceError as error:
            unreachable.append((source, error.fault))
            continue
        files = [file for file in listed if not _is_unfinished(file.path)]
        unfinished += [file.name for file in listed if _is_unfinished(file.path)]
        if not files:
            missing.append(source)
        for file in files:
            other = found.setdefault(file.name, file)
            if other.kind == file.kind and other.profile_id != file.profile_id:
                raise SourceError(
                    f"{file.name} termasuk dua sumber / belongs to two sources of cycle "
                    f"{cycle_id}: {other.source} ({other.profile_id}), {file.source} "
                    f"({file.profile_id}). Persempit salah satu lokasi di survey_sources.csv. / "
                    "Narrow one location in survey_sources.csv."
                )
    return Listing(
        tuple(found[name] for name in sorted(found)),
        tuple(missing),
        tuple(sorted(set(unfinished))),
        tuple(unreachable),
    )


def files_in_use(source: Source, kept: Sequence[ExportFile], raw_dir: Path) -> list[ListedFile]:
    """Return files that stay in use, as the raw zone has them, of a source that can't be asked.

    They are listed again since their profile may now say another way to read them.
    """
    return [listed_file(source, row.name, str(stored_path(raw_dir, row.sha256))) for row in kept]


def listed_file(
    source: Source, name: str, path: str, record_count: int | None = None
) -> ListedFile:
    """Return as a file of the source what lies on this machine."""
    return ListedFile(
        name=name,
        size=None,
        version="",
        kind=SURVEY_RESPONSES_KIND,
        profile_id=source.profile_id,
        source=source.address,
        place=path,
        path=path,
        record_count=record_count,
    )


def unclaimed_files(
    listing: Listing, *, cycle_id: str, sources: Iterable[Source], landing: str
) -> tuple[str, ...]:
    """Return the names in the cycle's folder of the landing that no source matches.

    An export saved as the wrong kind of file, or under `SURVEI.CSV` where `*.csv` is asked for.
    None where it can't be listed, which the sources are told of.
    """
    claims = [
        source.location
        for source in sources
        if source.cycle_id != cycle_id and "://" not in source.location
    ]
    try:
        left = {
            file.name
            for file in _list(landing, f"{cycle_id}/**", "", "")
            if not _is_unfinished(file.path)
        }
        left -= {file.name for file in listing.files}
        for location in claims if left else ():
            left -= {file.name for file in _list(landing, location, "", "")}
    except PlaceError:
        return ()
    return tuple(sorted(left))


def other_kind(name: str, *, cycle_id: str, sources: Iterable[Source]) -> str | None:
    """Return the location of a source that would match the file if it were another kind of file."""
    for source in sources:
        kind = PurePosixPath(source.location).suffix
        if source.cycle_id != cycle_id or not kind or "*" in kind:
            continue
        if PurePosixPath(name).with_suffix(kind).match(source.location):
            return source.location
    return None


def landed_address(landing: str, name: str) -> str:
    """Return where the file of that name (`ListedFile.name`) lies: a path, or a URL.

    On the web it is no more than the public name.
    """
    is_elsewhere = "://" in name or name.partition(":")[0] in SERVER_KINDS
    return name if is_elsewhere else f"{public_name(landing)}/{name}"


def _list(
    landing: str, location: str, kind: str, profile_id: str, until: float | None = None
) -> list[ListedFile]:
    is_url = "://" in location
    place, pattern = split(location) if is_url else (landing, location)
    root, infos = look(place, pattern, until=until)
    return [
        ListedFile(
            name=public_name(file_url(place, path))
            if is_url
            else path.removeprefix(root).lstrip("/"),
            size=info.get("size"),
            version=version_of(info),
            kind=kind,
            profile_id=profile_id,
            source=public_name(location),
            place=place,
            path=path,
        )
        for path, info in infos.items()
        if not _is_byproduct(PurePosixPath(path).name)
    ]


def _is_byproduct(name: str) -> bool:
    return name.startswith(".") or name.lower() in ("thumbs.db", "desktop.ini")


def _is_unfinished(path: str) -> bool:
    """Whether the name is that of an upload under way, or of what Excel has open."""
    name = PurePosixPath(path).name.lower()
    return name.startswith("~$") or name.endswith((".filepart", ".part", ".crdownload", ".tmp"))


def version_of(info: dict[str, Any]) -> str:
    """Return what changes when the file does, '' where its place doesn't say."""
    keys = ("ETag", "etag", "mtime", "LastModified", "Last-Modified", "modified", "created")
    return next((str(info[key]) for key in keys if info.get(key)), "")
