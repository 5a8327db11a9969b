"""Places that exports lie in: folders, https, S3, SFTP, WebDAV, whatever else fsspec opens.

Belongs here: listing and copying that are sure to end, and why they failed, without a secret.
Doesn't: which place a source names (sources), what comes of a file (landing).

Backends retry, wait and trust each in its own way. Here they all do the same: they get time-outs,
their own retries are off, and one layer above tries again.
"""

import os
import queue
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, BinaryIO, TypeVar, cast

import fsspec
from fsspec.spec import AbstractBufferedFile, AbstractFileSystem
from fsspec.utils import glob_translate, tokenize

from orchestration.durable_files import disk_remedy
from orchestration.exports.faults import ExportFault
from orchestration.exports.place_urls import EXTRAS, scheme_of, without_secrets

CONNECT_SECONDS = 10.0
SILENT_SECONDS = 20.0
"""A server that says nothing for so long is given up, as its own client does it."""
STEP_SECONDS = 45.0
"""The same for whoever has no such limit: a listing of a folder, or the next piece of a file."""
WAITS = (1.0, 4.0)
"""Seconds before the second try and the third."""

_OPENING: Mapping[str, Mapping[str, Any]] = {
    # One answer from its first byte to its last, not pieces of what may be two versions. With a
    # size at hand it is not asked for, which some servers refuse.
    "https": {"block_size": 0, "size": 1},
    # 50 MB at a time are too few signs of life on a slow line.
    "s3": {"block_size": 2 << 20},
}
_NOT_THERE = (FileNotFoundError, NotADirectoryError)
_NO_CHANCE = (PermissionError, ImportError, ValueError, TypeError, NotImplementedError)
"""Nothing that passes: not tried again."""
_MAY_PASS = (408, 425, 429)
_OF_A_KEY = (TypeError, ValueError, IndexError, FileNotFoundError)
"""What backends raise, while connecting, on keys that are none: of another type, no file."""
_SECRET_OPTION = re.compile(r"key|secret|token|pass|auth|cred|cookie|header", re.IGNORECASE)
_KEY_OR_USER = re.compile(rf"^(?!rekey).*({_SECRET_OPTION.pattern}|user)", re.IGNORECASE)
"""Of these a text of digits alone, which fsspec takes for a number, is none."""
_SECRET_VARIABLES = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
_LONGEST = 300

_T = TypeVar("_T")
_connections: dict[str, Any] = {}
"""By place and options. fsspec's own memory of them is one a thread."""


class PlaceError(Exception):
    """A place can't be listed, or a file of it not be copied."""

    def __init__(self, fault: ExportFault, *, detail: str, was_tried: bool) -> None:
        """`detail` is what the place said; `was_tried` if trying again did not help."""
        super().__init__(detail)
        self.fault = fault
        self.detail = detail
        self.was_tried = was_tried


def look(
    url: str, pattern: str = "", *, until: float | None = None
) -> tuple[str, dict[str, dict[str, Any]]]:
    """Return the path of `url` in its place, and the files below it that fit the pattern, by path.

    Nothing is remembered: each call asks. Where there is no such folder there is no file. `until`
    is a time.monotonic() at which a caller who asks again by itself goes on without an answer.
    Raises PlaceError.
    """

    def attempt() -> tuple[str, dict[str, dict[str, Any]]]:
        filesystem, root = _connect(url, until)
        filesystem.invalidate_cache()
        root = root.rstrip("/")
        try:
            infos = dict(_fitting(url, filesystem, root, pattern, until))
        except _NOT_THERE:
            infos = {}
        return root, infos

    return _tried(url, attempt, until)


def file_url(url: str, path: str) -> str:
    """Return what people call a file at `path` of the place of `url`."""
    if EXTRAS.get(scheme_of(url)) == "sftp":
        return "/".join(url.split("/", 3)[:3]) + path
    return cast(str, _connect(url)[0].unstrip_protocol(path))


def copy(
    url: str, path: str, keep: Callable[[BinaryIO], _T], on_bytes: Callable[[int], None]
) -> _T:
    """Return what `keep` makes of the file's bytes, from its first to its last.

    What breaks off is begun anew. `on_bytes` gets how many there are so far. Raises PlaceError.
    """

    def attempt() -> _T:
        filesystem, _ = _connect(url)
        options = _OPENING.get(EXTRAS.get(scheme_of(url), ""), {})
        source = _step(url, lambda: filesystem.open(path, "rb", **options))
        try:
            return keep(cast(BinaryIO, _Stream(url, source, on_bytes)))
        finally:
            with suppress(Exception):  # the bytes are here, or the error is told already
                _step(url, source.close)

    return _tried(url, attempt)


def look_again(url: str, path: str) -> dict[str, Any] | None:
    """Return what the place says of the file now, None where it doesn't.

    It is asked of those whose word is the same in a listing and alone. Web servers' is not: behind
    one name several give a file an ETag each.
    """
    if not _is_folder(url) and EXTRAS.get(scheme_of(url), "https") == "https":
        return None
    try:
        filesystem, _ = _connect(url)
        filesystem.invalidate_cache()
        return cast(dict[str, Any], _step(url, lambda: filesystem.info(path)))
    except Exception:  # each backend raises errors of its own; the copy is as long as was listed
        return None


class _Stream:
    """A file's bytes, of which each piece comes in time or never."""

    def __init__(
        self, url: str, source: AbstractBufferedFile, on_bytes: Callable[[int], None]
    ) -> None:
        self._url = url
        self._source = source
        self._on_bytes = on_bytes
        self._count = 0

    def read(self, size: int) -> bytes:
        piece = cast(bytes, _step(self._url, lambda: self._source.read(size)))
        self._count += len(piece)
        self._on_bytes(self._count)
        return piece


def _fitting(
    url: str, filesystem: AbstractFileSystem, root: str, pattern: str, until: float | None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the files that fit. fsspec's glob passes over folders that it can't list."""
    if _magic(url, pattern) is None:
        path = f"{root}/{pattern}" if pattern else root
        info = _step(url, lambda: _info(filesystem, path), until)
        if info["type"] == "file":
            yield path, info
        return
    start = pattern[: _magic(url, pattern)].rpartition("/")[0]
    first = f"{root}/{start}" if start else root
    below = pattern.removeprefix(start).lstrip("/")
    levels = None if "**" in below else below.count("/") + 1
    fits = re.compile(glob_translate(below)).match
    folders = [(first, 1)]
    end = "/" if EXTRAS.get(scheme_of(url)) == "https" else ""  # a page may have that name without
    while folders:
        here, level = folders.pop()
        try:
            infos = _step(url, partial(filesystem.ls, here + end, detail=True), until)
        except _NOT_THERE as error:
            if _step(url, partial(filesystem.isdir, here), until):
                raise OSError(f"{here}: {error}") from error  # a file went while it was listed
            continue
        for info in infos:
            path = info["name"].rstrip("/")
            name = path.removeprefix(first).lstrip("/")
            if not name or name.startswith("?"):  # the folder itself, in another order
                continue
            if info["type"] == "directory":
                if levels is None or level < levels:
                    folders.append((path, level + 1))
            elif fits(name):
                if info["type"] == "link" or info.get("size") is None:
                    info = _step(url, partial(_info, filesystem, path), until)
                if info["type"] == "file":
                    yield path, info


def _magic(url: str, pattern: str) -> int | None:
    """Return where the pattern begins to be one. In addresses of the web ? begins parameters."""
    letters = r"\*" if EXTRAS.get(scheme_of(url)) == "https" else r"[*?\[]"
    found = re.search(letters, pattern)
    return found.start() if found else None


def split(location: str) -> tuple[str, str]:
    """Return the folder of a URL and the pattern below it, '' where it names one file."""
    if (start := _magic(location, location)) is None:
        return location, ""
    folder = location[:start].rpartition("/")[0]
    return folder, location[len(folder) + 1 :]


def _info(filesystem: AbstractFileSystem, path: str) -> dict[str, Any]:
    try:
        return cast(dict[str, Any], filesystem.info(path))
    except FileNotFoundError as error:
        # fsspec says it of whatever went wrong on the web.
        if error.__cause__ is not None and getattr(error.__cause__, "status", 0) not in (404, 410):
            raise error.__cause__ from None
        raise


def _connect(url: str, until: float | None = None) -> tuple[Any, str]:
    """Return fsspec's file system of the place, and the path in it."""
    scheme = scheme_of(url)
    kind = EXTRAS.get(scheme)
    if kind is None:
        return cast(tuple[Any, str], fsspec.core.url_to_fs(url))
    try:
        backend = fsspec.get_filesystem_class(scheme)
    except ImportError:
        backend = None
    # fsspec's own for SFTP takes the key of any host that it meets for the first time.
    if backend is None or (kind == "sftp" and not backend.__module__.startswith("sshfs")):
        raise _fault_of("place_extra", scheme=scheme, extra=kind)
    options = _options(scheme, backend)
    if kind == "webdav" and not options.get("base_url"):
        raise _fault_of("place_webdav")
    names = backend._get_kwargs_from_urls(url)
    key = tokenize(os.getpid(), scheme, names, options)
    if key not in _connections:
        configured = dict(_configured(scheme, backend))
        _demand_no_number(scheme, configured)
        try:
            made = _step(
                url, lambda: backend(skip_instance_cache=True, **{**options, **names}), until
            )
        except _OF_A_KEY as error:
            if isinstance(error, UnicodeError) or not configured:  # a host that is none
                raise
            keys = [name for name in configured if _KEY_OR_USER.search(name)]
            raise _wrong_form(scheme, keys or configured, _told(error)) from None
        if kind == "s3":
            made.retries = 1
        _connections[key] = made
    return _connections[key], backend._strip_protocol(url)


def _options(scheme: str, backend: type[AbstractFileSystem]) -> dict[str, Any]:
    """Return what a backend is opened with: our limits, then what fsspec's own config says."""
    ours: dict[str, Any] = {}
    kind = EXTRAS.get(scheme)
    if kind == "https":
        import aiohttp

        # By itself aiohttp gives up each download after 5 minutes, and asks neither for a proxy
        # nor for ~/.netrc, whose keys are one host's.
        limits = aiohttp.ClientTimeout(
            total=None, sock_connect=CONNECT_SECONDS, sock_read=SILENT_SECONDS
        )
        ours = {"client_kwargs": {"timeout": limits, "trust_env": True}}
    elif kind == "s3":
        # Five tries of botocore's in each of five of s3fs's, and listings that are remembered.
        times = {"connect_timeout": CONNECT_SECONDS, "read_timeout": SILENT_SECONDS}
        ours = {
            "config_kwargs": {**times, "retries": {"max_attempts": 0}},
            "use_listings_cache": False,
        }
    elif kind == "sftp":
        ours = {
            "connect_timeout": CONNECT_SECONDS,
            "login_timeout": SILENT_SECONDS,
            "keepalive_interval": CONNECT_SECONDS,
        }
    elif kind == "webdav":
        ours = {"timeout": SILENT_SECONDS, "retry": False}
    for name, value in _configured(scheme, backend):
        both = isinstance(value, dict) and isinstance(ours.get(name), dict)
        ours[name] = {**ours[name], **value} if both else value
    if kind == "sftp":
        # sshfs trusts every host unless told otherwise; () has ~/.ssh/known_hosts looked up.
        ours["known_hosts"] = ours.get("known_hosts") or ()
    if kind == "webdav" and isinstance(ours.get("auth"), list):
        ours["auth"] = tuple(ours["auth"])  # JSON has no other
    return ours


def _configured(scheme: str, backend: type[AbstractFileSystem]) -> Iterator[tuple[str, Any]]:
    """Yield what fsspec's config says of the protocol; of a name the last is in force."""
    protocols = [backend.protocol] if isinstance(backend.protocol, str) else backend.protocol
    for protocol in dict.fromkeys((*protocols, scheme)):
        yield from fsspec.config.conf.get(protocol, {}).items()


def _demand_no_number(scheme: str, configured: Mapping[str, Any]) -> None:
    """Raise PlaceError where a key or user is a number: some backends fail on it much later."""
    numbers = [
        name
        for name, value in configured.items()
        if _KEY_OR_USER.search(name) and _holds_number(value)
    ]
    if numbers:
        raise _wrong_form(scheme, numbers, "bilangan / a number")


def _holds_number(value: object) -> bool:
    if isinstance(value, list | tuple):
        return any(map(_holds_number, value))
    return isinstance(value, int | float) and not isinstance(value, bool)


def _wrong_form(scheme: str, names: Iterable[str], detail: str) -> PlaceError:
    settings = ", ".join(f"FSSPEC_{scheme}_{name}".upper() for name in names)
    return _fault_of("place_key_form", settings=settings, detail=detail)


def _tried(url: str, attempt: Callable[[], _T], until: float | None = None) -> _T:
    """Return what an attempt does; the last of three may fail."""
    waits = () if until else WAITS
    for wait in (*waits, None):
        try:
            return attempt()
        except (PlaceError, ExportFault):
            raise
        except Exception as error:  # each fsspec backend raises errors of its own
            if isinstance(error, OSError) and disk_remedy(error):
                raise  # our disk's fault, not the place's
            _connections.clear()  # one that broke off stays broken
            is_lost = _is_lost(error)
            if wait is None or is_lost:
                raise _place_error(error, was_tried=not is_lost) from None
            time.sleep(wait)
    raise AssertionError("the last try returns or raises")


def _is_lost(error: Exception) -> bool:
    """Whether another try would end in the same way."""
    status = getattr(error, "status", None) or getattr(error, "status_code", None)
    if isinstance(status, int) and 400 <= status < 500:
        return status not in _MAY_PASS
    is_stranger = type(error).__name__ == "HostKeyNotVerifiable"
    return is_stranger or isinstance(error, (*_NOT_THERE, *_NO_CHANCE))


def _place_error(error: Exception, *, was_tried: bool) -> PlaceError:
    detail = _told(error)
    status = getattr(error, "status", None) or getattr(error, "status_code", None)
    code = "place_unreachable"
    if type(error).__name__ == "HostKeyNotVerifiable":
        code = "place_host_key"
    elif isinstance(error, PermissionError) or status in (401, 403):
        code = "place_denied"
    return PlaceError(ExportFault(code, detail=detail), detail=detail, was_tried=was_tried)


def _fault_of(code: str, **details: str) -> PlaceError:
    fault = ExportFault(code, row=None, record=None, **details)
    return PlaceError(fault, detail=fault.in_english("").lstrip(": "), was_tried=False)


def _is_folder(url: str) -> bool:
    """Whether the place is this machine's own."""
    return scheme_of(url) in ("", "file", "local")


def _told(error: Exception) -> str:
    """Return what the error says, in a line, without a secret."""
    text = " ".join(str(error).split()) or type(error).__name__
    for secret in sorted(_secrets(), key=len, reverse=True):
        text = text.replace(secret, "***")
    return without_secrets(text)[:_LONGEST]


def _secrets() -> set[str]:
    """Return what may be a key in fsspec's config, and S3's in the environment."""
    found = {os.environ.get(variable, "") for variable in _SECRET_VARIABLES}
    open_: list[tuple[bool, object]] = [(False, fsspec.config.conf)]
    while open_:
        is_secret, value = open_.pop()
        if isinstance(value, Mapping):
            open_ += [
                (is_secret or bool(_SECRET_OPTION.search(str(name))), part)
                for name, part in value.items()
            ]
        elif isinstance(value, list | tuple):
            open_ += [(is_secret, part) for part in value]
        elif is_secret and value is not None:
            found.add(str(value))
    return {secret for secret in found if len(secret) > 3}  # shorter ones are in many words


def _step(url: str, step: Callable[[], _T], until: float | None = None) -> _T:
    """Return what the step does, or raise TimeoutError where it takes too long.

    Not every backend has time-outs for all that it does. A folder's answer is waited for.
    """
    if _is_folder(url):
        return step()
    seconds = STEP_SECONDS if until is None else min(STEP_SECONDS, until - time.monotonic())
    answers: queue.SimpleQueue[tuple[_T | None, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            answers.put((step(), None))
        except BaseException as error:  # raised where it is waited for
            answers.put((None, error))

    threading.Thread(target=run, daemon=True).start()
    try:
        answer, error = answers.get(timeout=max(seconds, 0))
    except queue.Empty:
        raise TimeoutError(f"tidak menjawab / no answer, {STEP_SECONDS:g} s") from None
    if error is not None:
        raise error
    return cast(_T, answer)
