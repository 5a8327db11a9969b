"""Which files a cycle's sources hold now: globs below the landing, or URLs, through fsspec.

Belongs here: listing and opening. Doesn't: reading what is inside a file, or remembering it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from glob import escape
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast

import fsspec

from orchestration.exports.seed_files import LANDING, SERVER_KINDS, Source, read_sources

STAFF_FRAMES = ("staff_frame.csv", "staff_frame.xlsx", "staff_frame.xls")
SURVEY_RESPONSES_KIND = "survey_responses"
STAFF_FRAME_KIND = "staff_frame"


class SourceError(RuntimeError):
    """A source can't be listed, or two sources claim one file; the sentence says what to do."""


@dataclass(frozen=True)
class ListedFile:
    """A file as its folder shows it, unread."""

    name: str
    """Path below the landing root, or the URL where the source is a URL of its own."""
    size: int | None
    version: str
    """What changes when the file does: etag, else modification time, else ''."""
    kind: str
    profile_id: str
    source: str
    url: str
    """Where fsspec opens it."""
    record_count: int | None = None
    """How many records a server's answer must hold, by the server's own count."""

    def open(self) -> BinaryIO:
        """Open the bytes for reading."""
        filesystem, path = fsspec.core.url_to_fs(self.url)
        return cast(BinaryIO, filesystem.open(path, "rb"))


@dataclass(frozen=True)
class Listing:
    """The files of a cycle, by name, and the sources that match none."""

    files: tuple[ListedFile, ...]
    missing: tuple[Source, ...]


def landing_state(*, seeds_dir: Path, landing: str) -> dict[str, tuple[ListedFile, ...]]:
    """Return what lies in the landing now, by cycle_id, without reading a byte: for a sensor.

    Two calls are equal exactly when no file appeared, vanished or changed its size or version.
    Servers are not asked. Raises SeedError and SourceError.
    """
    sources = [source for source in read_sources(seeds_dir) if source.kind == LANDING]
    cycle_ids = dict.fromkeys(source.cycle_id for source in sources)
    return {
        cycle_id: list_cycle(cycle_id=cycle_id, sources=sources, landing=landing).files
        for cycle_id in cycle_ids
    }


def list_cycle(*, cycle_id: str, sources: Iterable[Source], landing: str) -> Listing:
    """List the files of the cycle's sources and its staff frame, sorted by name.

    What file managers and Excel leave beside the exports is passed over. Raises
    SourceError where a source can't be listed or two profiles claim one file.
    """
    frames = [
        file
        for name in STAFF_FRAMES
        for file in _list(landing, f"{cycle_id}/{name}", STAFF_FRAME_KIND, "")
    ]
    if len(frames) > 1:
        first, second, *_ = (file.name for file in frames)
        raise SourceError(
            f"{first} dan {second}: kerangka pegawai ada dua, dan akan dijumlahkan. Keluarkan "
            "salah satunya. / there are two staff frames, which would be added up. Take one out."
        )
    found = {file.name: file for file in frames}
    missing = []
    for source in sources:
        if source.cycle_id != cycle_id:
            continue
        files = _list(landing, source.location, SURVEY_RESPONSES_KIND, source.profile_id)
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
    return Listing(tuple(found[name] for name in sorted(found)), tuple(missing))


def unclaimed_files(
    listing: Listing, *, cycle_id: str, sources: Iterable[Source], landing: str
) -> tuple[str, ...]:
    """Return the names in the cycle's folder of the landing that no source matches.

    An export saved as the wrong kind of file, or under `SURVEI.CSV` where `*.csv` is asked for.
    """
    left = {file.name for file in _list(landing, f"{cycle_id}/**", "", "")}
    left -= {file.name for file in listing.files}
    for source in sources if left else ():
        if source.cycle_id != cycle_id:
            left -= {file.name for file in _list(landing, source.location, "", "")}
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
    """Return where the file of that name (`ListedFile.name`) lies: a path, or a URL."""
    is_elsewhere = "://" in name or name.partition(":")[0] in SERVER_KINDS
    return name if is_elsewhere else f"{landing}/{name}"


def _list(landing: str, location: str, kind: str, profile_id: str) -> list[ListedFile]:
    is_url = "://" in location
    try:
        filesystem, root = fsspec.core.url_to_fs(location if is_url else landing)
        # A sensor's process lives long: a listing that fsspec remembers would hide new files.
        filesystem.invalidate_cache()
        root = root.rstrip("/")
        pattern = root if is_url else f"{escape(root)}/{location}"  # "Survei [2025]" is no pattern
        infos: dict[str, dict[str, Any]] = filesystem.glob(pattern, detail=True)
    except FileNotFoundError:
        return []
    except Exception as error:  # each fsspec backend raises errors of its own
        raise SourceError(
            f"Sumber {location} di bawah {landing} tidak dapat dibuka; periksa lokasinya di "
            "survey_sources.csv, ILK_LANDING_URL, dan jaringan. / "
            f"Source {location} below {landing} can't be listed: {error}. "
            "Check the location in survey_sources.csv, ILK_LANDING_URL and the network."
        ) from error
    return [
        ListedFile(
            name=(
                filesystem.unstrip_protocol(path) if is_url else path.removeprefix(root).lstrip("/")
            ),
            size=info.get("size"),
            version=_version(info),
            kind=kind,
            profile_id=profile_id,
            source=location,
            url=filesystem.unstrip_protocol(path),
        )
        for path, info in infos.items()
        if info.get("type") == "file" and not _is_byproduct(PurePosixPath(path).name)
    ]


def _is_byproduct(name: str) -> bool:
    return name.startswith((".", "~$")) or name.lower() in ("thumbs.db", "desktop.ini")


def _version(info: dict[str, Any]) -> str:
    keys = ("ETag", "etag", "mtime", "LastModified", "last_modified", "modified", "created")
    return next((str(info[key]) for key in keys if info.get(key)), "")
