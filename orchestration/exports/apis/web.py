"""HTTP to survey tools' servers: retries, time-outs, and each failure as a sentence.

Belongs here: the session and what may go wrong on the way. Doesn't: what a tool answers.
"""

import json
from collections.abc import Mapping
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from orchestration.exports.faults import ExportFault

TIMEOUTS = (10.0, 300.0)
"""Seconds to connect, and of silence: 100,010 responses in one answer took a server 38 s."""

# What is asked changes nothing on the servers, so that POST may be repeated too. A time-out is
# repeated once: it has cost minutes already. Waits 0, 1, 2, 4 s.
RETRY = Retry(
    total=4,
    read=1,
    backoff_factor=0.5,
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
        host = urlsplit(url).hostname or "?"
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
            target = urlsplit(answer.headers["Location"])
            detail = f"{target.scheme}://{target.netloc}{target.path}"
            raise ExportFault("api_moved", detail=detail, setting=self._setting)
        if answer.status_code in (401, 403):
            raise ExportFault("api_refused", detail=answer.status_code, setting=self._key_setting)
        if answer.status_code == 404:
            raise ExportFault("api_not_found", detail=host, setting=self._setting)
        if not answer.ok:
            raise ExportFault("api_status", detail=f"{host}: HTTP {answer.status_code}")
        return answer.content
