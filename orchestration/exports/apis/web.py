"""HTTP to survey tools' servers: retries, time-outs, pages of JSON, each failure as a sentence.

Belongs here: the session, what may go wrong on the way, how pages of JSON name their ids and the
next one. Doesn't: what one tool answers.
"""

import json
import math
from collections.abc import Mapping
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl, urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connectionpool import ConnectionPool
from urllib3.exceptions import InvalidHeader, MaxRetryError, ResponseError
from urllib3.response import BaseHTTPResponse
from urllib3.util import Retry

from orchestration.exports.faults import ExportFault

TIMEOUTS = (10.0, 300.0)
"""Seconds to connect, and of silence: 100,010 responses in one answer took a server 38 s."""

LONGEST_WAIT = 30
"""Seconds for which a server may ask to be left alone (Retry-After): a longer one is a refusal."""


class _Patience(Retry):
    """Waits as long as a server asks for, but no longer than `LONGEST_WAIT`."""

    def get_retry_after(self, response: BaseHTTPResponse) -> float | None:
        """Return the seconds that the server asks for; None where it names none."""
        try:
            return super().get_retry_after(response)
        except (InvalidHeader, ValueError, OverflowError):  # no such date
            return None

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: BaseHTTPResponse | None = None,
        error: Exception | None = None,
        _pool: ConnectionPool | None = None,
        _stacktrace: TracebackType | None = None,
    ) -> Self:
        """Return what is left of the patience; MaxRetryError hands the last response on."""
        if _pool and response and (self.get_retry_after(response) or 0) > LONGEST_WAIT:
            raise MaxRetryError(_pool, url or "", ResponseError("Retry-After"))
        return super().increment(method, url, response, error, _pool, _stacktrace)


# What is asked changes nothing on the servers, so that POST may be repeated too. A time-out is
# repeated once: it has cost minutes already. Waits 0, 1, 2, 4 s.
RETRY = _Patience(
    total=4,
    read=1,
    backoff_factor=0.5,
    retry_after_max=1 << 31,  # so that longer ones are told as they are
    status_forcelist=(429, 500, 502, 503, 504),
    allowed_methods=None,
    raise_on_status=False,
)


class Web:
    """One tool's server over HTTP. Redirects are not followed: a key belongs to one address."""

    def __init__(self, *, setting: str, key_setting: str, signature: str = "") -> None:
        """The settings are variables that hold the address and the key, to be named in sentences.

        `signature` is the header Authorization.
        """
        self._setting = setting
        self._key_setting = key_setting

        def sign(request: requests.PreparedRequest) -> requests.PreparedRequest:
            if signature:
                request.headers["Authorization"] = signature
            return request

        self._session = requests.Session()
        self._session.auth = sign  # also keeps a ~/.netrc from putting another key in its place
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(max_retries=RETRY))

    def get(self, url: str, params: Mapping[str, str]) -> tuple[bytes, dict[str, object]]:
        """Return what the server answers, a JSON object: its bytes and what they say.

        Raises ExportFault.
        """
        content = self._answer("GET", url, params=params)
        return content, self.parsed(content)

    def post(self, url: str, body: bytes) -> bytes:
        """Return what the server answers to JSON. Raises ExportFault."""
        return self._answer("POST", url, body=body)

    def parsed(self, content: bytes) -> dict[str, object]:
        """Return the JSON object that these bytes are. Raises ExportFault."""
        if content.lstrip()[:1] != b"{":
            raise ExportFault("api_no_json", setting=self._setting)
        try:
            answer: dict[str, object] = json.loads(content)
        except ValueError as error:
            raise ExportFault("api_cut", detail="JSON") from error
        return answer

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _answer(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> bytes:
        host = _host(url)
        try:
            answer = self._session.request(
                method,
                url,
                params=params,
                data=body,
                headers={"Content-Type": "application/json"} if body else None,
                timeout=TIMEOUTS,
                allow_redirects=False,
            )
        except requests.exceptions.ChunkedEncodingError as error:
            raise ExportFault("api_cut", detail=host) from error
        except (requests.exceptions.RequestException, ValueError) as error:
            # Not the error's own words, which may hold the address with all that stands in it.
            # After the last try what went wrong stands within.
            reason = getattr(error.args[0], "reason", error) if error.args else error
            detail = f"{host}: {type(reason).__name__}"
            raise ExportFault("api_unreachable", detail=detail, setting=self._setting) from error
        if answer.is_redirect:
            # A path or a user in the address may be a key.
            detail = _host(urljoin(url, answer.headers["Location"]), with_scheme=True)
            raise ExportFault("api_moved", detail=detail, setting=self._setting)
        if answer.status_code in (401, 403):
            raise ExportFault("api_refused", detail=answer.status_code, setting=self._key_setting)
        if answer.status_code == 404:
            raise ExportFault("api_not_found", detail=host, setting=self._setting)
        if not answer.ok and (wait := RETRY.get_retry_after(answer.raw)):
            raise ExportFault("api_busy", detail=host, minutes=math.ceil(wait / 60))
        if not answer.ok:
            raise ExportFault("api_status", detail=f"{host}: HTTP {answer.status_code}")
        return answer.content


def next_params(address: object) -> dict[str, str]:
    """Return what to ask for next, {} at the end.

    Of the address that the server gives only its parameters are taken: behind a proxy servers name
    hosts that can't be reached, and a key goes to no other host than its own.
    """
    return dict(parse_qsl(urlsplit(str(address)).query)) if address else {}


def ids_of(records: object, column: str) -> list[str]:
    """Return the ids of a page's records. Raises ExportFault where one has none."""
    if not isinstance(records, list) or not all(
        isinstance(record, dict) and column in record for record in records
    ):
        raise ExportFault("api_no_ids", detail=column)
    return [str(record[column]) for record in records]


def _host(url: str, *, with_scheme: bool = False) -> str:
    """Return the one part of an address that holds no key."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "?", parts.port
    except ValueError:
        return "?"
    return f"{parts.scheme}://{host}" + (f":{port}" if port else "") if with_scheme else host
