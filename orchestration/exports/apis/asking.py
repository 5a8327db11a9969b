"""When a server is asked for what, and whether its answer is whole.

Belongs here: increments during the window and everything after it, the comparison with the
server's own count, the files that an answer becomes. Doesn't: what goes over the wire.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from orchestration.durable_files import TEMPORARY, make_private
from orchestration.exports.apis.access import Access
from orchestration.exports.apis.kobo import Kobo
from orchestration.exports.apis.limesurvey import LimeSurvey
from orchestration.exports.apis.odk import OdkCentral
from orchestration.exports.faults import ExportFault
from orchestration.exports.seed_files import Source

_MAY_BE_CHANCE = {"api_count", "api_fewer", "api_other_page", "api_cut", "api_deleted"}
"""What a response that is deleted while it is asked for looks like too: asked once more."""


class Api(Protocol):
    """One survey on a server, as the modules beside this one give it."""

    suffix: str
    id_column: str
    """The heading under which its files hold the ids that `pages` yields."""
    has_increments: bool
    """Whether ids are numbers that grow, so that only what is new can be asked for."""
    is_one_file: bool
    """Whether its pages, one after the other, are one file."""

    def count(self) -> int:
        """Return how many responses the server says it has."""

    def pages(self, after: int) -> Iterator[tuple[list[str], bytes]]:
        """Yield ids and bytes of the responses of ids above `after`. Raises ExportFault."""

    def close(self) -> None:
        """Say good-bye."""


@dataclass(frozen=True)
class AnsweredFile:
    """A part of an answer, which becomes a file of the raw zone."""

    name: str
    path: Path
    """Where its bytes lie for now."""
    record_count: int


@dataclass(frozen=True)
class Answer:
    """What a server answered, whole and counted."""

    files: tuple[AnsweredFile, ...]
    """None where there is no response."""
    is_whole: bool
    """Whether these are all responses, not only what is new."""
    vanished: tuple[str, ...]
    """Ids that were pulled before and are on the server no more."""


_APIS: Mapping[str, tuple[Callable[[str, Access], Api], Mapping[str, str]]] = {
    "limesurvey": (
        LimeSurvey,
        {
            "url": "ILK_LIMESURVEY_URL",
            "user": "ILK_LIMESURVEY_USER",
            "secret": "ILK_LIMESURVEY_PASSWORD",
        },
    ),
    "kobo": (Kobo, {"url": "ILK_KOBO_URL", "secret": "ILK_KOBO_TOKEN"}),
    "odk": (
        OdkCentral,
        {"url": "ILK_ODK_URL", "user": "ILK_ODK_USER", "secret": "ILK_ODK_PASSWORD"},
    ),
}


def open_api(source: Source, access: Mapping[str, Access]) -> Api:
    """Return the source's survey, of which nothing is asked yet. Raises ExportFault."""
    make, settings = _APIS[source.kind]
    ways = access.get(source.kind, Access())
    unset = [variable for part, variable in settings.items() if not getattr(ways, part)]
    if unset:
        raise ExportFault("api_no_access", detail=", ".join(unset))
    return make(source.location, ways)


def ask(
    api: Api,
    *,
    name: str,
    landed: Collection[str],
    landed_count: int,
    is_open: bool,
    accept_fewer: bool,
    folder: Path,
    on_progress: Callable[[str], None],
) -> Answer:
    """Bring what is new, or everything, to files in `folder`, called `name`/<first>-<last> by ids.

    `landed` are the ids in use, none where they are not known; `landed_count` is how many. While
    the window `is_open`, only ids above them are asked for, as long as they then add up to the
    server's count. Else, and after the window, everything is: both partial responses that were
    completed and answers that were edited. Raises ExportFault.
    """
    attempts = [0, 0]
    are_numbers = all(id_.isdecimal() for id_ in landed)
    if is_open and landed and api.has_increments and are_numbers:
        attempts.insert(0, max(int(number) for number in landed))
    with closing(api):
        for number, after in enumerate(attempts, start=1):
            asked = _Asked(api, name, folder, on_progress)
            try:
                asked.fetch(after, known=frozenset(landed if after else ()))
                break
            except ExportFault as fault:
                if fault.code not in _MAY_BE_CHANCE or number == len(attempts):
                    raise
    if not after and 2 * len(asked.ids) < landed_count and not accept_fewer:
        raise ExportFault("fewer", found=len(asked.ids), before=landed_count)
    vanished = () if after else tuple(id_ for id_ in landed if id_ not in asked.ids)
    return Answer(files=tuple(asked.files), is_whole=not after, vanished=vanished)


class _Asked:
    """One attempt: the files so far and the ids in them."""

    def __init__(
        self, api: Api, name: str, folder: Path, on_progress: Callable[[str], None]
    ) -> None:
        self.files: list[AnsweredFile] = []
        self.ids: set[str] = set()
        self._api = api
        self._name = name
        self._folder = folder
        self._on_progress = on_progress
        self._span = ("", "")
        """The first and the last id of the file that is written."""

    def fetch(self, after: int, *, known: frozenset[str]) -> None:
        """Write the pages, none of a `known` response; all must be as many as the server counts."""
        make_private(self._folder)
        before = self._api.count()
        for ids, content in self._api.pages(after):
            if twice := self.ids.intersection(ids) or known.intersection(ids):
                raise ExportFault("api_other_page", detail=min(twice))
            self.ids.update(ids)
            self._write(ids, content)
            if before > len(ids):
                self._on_progress(f"{self._name}: {len(known) + len(self.ids)} / {before}")
        # Responses go on coming in, and some are deleted, while they are asked for.
        counts = sorted((before, self._api.count()))
        if not counts[0] <= len(known) + len(self.ids) <= counts[1]:
            raise ExportFault("api_count", listed=counts[1], found=len(known) + len(self.ids))

    def _write(self, ids: list[str], content: bytes) -> None:
        is_next = self._api.is_one_file and bool(self.files)
        if not (ids or is_next):
            return
        before = self.files.pop() if is_next else AnsweredFile("", self._path(), 0)
        if not is_next:
            self._span = (ids[0], ids[0])
            before.path.touch(mode=0o600)
        with before.path.open("ab" if is_next else "wb") as file:
            file.write(content)
        self._span = (self._span[0], (ids or self._span)[-1])
        # Ids that do not grow say nothing of a file.
        numbers = [number.zfill(6) for number in self._span]
        stem = "-".join(numbers) if self._api.has_increments else "all"
        name = f"{self._name}/{stem}{self._api.suffix}"
        self.files.append(AnsweredFile(name, before.path, before.record_count + len(ids)))

    def _path(self) -> Path:
        name = self._name.replace("/", "-").replace(":", "-")
        return self._folder / f"{name}-{len(self.files)}{TEMPORARY}"
