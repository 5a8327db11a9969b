"""LimeSurvey through RemoteControl 2 (JSON-RPC): the responses of one survey, as its CSV.

Belongs here: what is asked and what LimeSurvey's statuses mean. Doesn't: when to ask (asking.py).

Columns are the survey's question codes (`heading_type=code`): SGQA names are asked for nowhere, as
newer versions have others. Each page is an export of the ids from its first to its last.
"""

import base64
import io
import itertools
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

from orchestration.exports.apis.access import Access
from orchestration.exports.apis.web import Web
from orchestration.exports.faults import ExportFault
from orchestration.exports.sniffing import rows_of

PAGE_RESPONSES = 10_000
"""Five pages of 20,000 took a quarter of the time of one of 100,010; memory follows the page."""

_EXPIRED = "Invalid session key"
_NO_RESPONSE = "No Data, could not get max id."
_FAULTS = {
    "No permission": "limesurvey_unknown",
    "Invalid surveyid": "limesurvey_unknown",
    "Error: Invalid survey ID": "limesurvey_unknown",
    "No Data, survey table does not exist.": "limesurvey_inactive",
    "No available data": "limesurvey_inactive",
}


class LimeSurvey:
    """One survey of a LimeSurvey server; the key is asked for at the first call."""

    suffix = ".csv"
    id_column = "id"
    has_increments = True
    is_one_file = False

    def __init__(self, survey_id: str, access: Access) -> None:
        """`access` has all of its parts."""
        self._survey_id = survey_id
        self._access = access
        self._web = Web(setting="ILK_LIMESURVEY_URL", key_setting="ILK_LIMESURVEY_PASSWORD")
        self._key = ""
        self._call_ids = itertools.count(1)

    def count(self) -> int:
        """Return the responses that the server counts, partial ones too."""
        summary = self._ask("get_summary", self._survey_id, "all")
        # Of a survey that is not active the summary tells nothing, or of participants alone.
        if not isinstance(summary, dict) or "full_responses" not in summary:
            raise ExportFault("limesurvey_inactive")
        count = str(summary["full_responses"])
        if not count.isdecimal():
            raise ExportFault("api_no_json", setting="ILK_LIMESURVEY_URL")
        return int(count)

    def pages(self, after: int) -> Iterator[tuple[list[str], bytes]]:
        """Yield the responses of ids above `after`: a page's ids and its CSV.

        Which ids there are is asked first: ranges without responses cost nothing, and a page that
        came twice or lacks a response is seen. Raises ExportFault.
        """
        there = sorted(number for number in self._export(after + 1, None, ["id"])[0]
                       if number > after)  # fmt: skip
        for start in range(0, len(there), PAGE_RESPONSES):
            expected = there[start : start + PAGE_RESPONSES]
            found, content = self._export(expected[0], expected[-1])
            _compare(expected, found)
            yield [str(number) for number in found], content

    def close(self) -> None:
        """Give the key back."""
        if self._key:
            with suppress(ExportFault):  # the server forgets the key by itself
                self._call("release_session_key", self._key)
        self._web.close()

    def _export(
        self, first: int, last: int | None, fields: list[str] | None = None
    ) -> tuple[list[int], bytes]:
        """Return the ids of an export and its bytes; of no response none."""
        asked = [self._survey_id, "csv", None, "all", "code", "short", first, last]
        text = self._ask("export_responses", *asked, *([fields] if fields else []))
        if text is None:
            return [], b""
        try:
            content = base64.b64decode(str(text), validate=True)
        except ValueError as error:
            raise ExportFault("api_cut", detail="base64") from error
        return _ids(content), content

    def _ask(self, method: str, *params: object) -> object:
        """Return a call's result, None where no one has answered yet; log in again once."""
        for _ in range(2):
            self._key = self._key or self._log_in()
            result = self._call(method, self._key, *params)
            status = result.get("status") if isinstance(result, dict) else None
            if status == _NO_RESPONSE:
                return None
            if status is None:
                return result
            if status != _EXPIRED:
                raise ExportFault(_FAULTS.get(status, "limesurvey_status"), detail=status)
            self._key = ""
        raise ExportFault("limesurvey_expired")

    def _log_in(self) -> str:
        secret = self._access.secret
        password = secret.get_secret_value() if secret else ""
        key = self._call("get_session_key", self._access.user, password)
        if not isinstance(key, str) or not key:
            detail = key.get("status") if isinstance(key, dict) else key
            raise ExportFault("limesurvey_login", detail=detail)
        return key

    def _call(self, method: str, *params: object) -> object:
        number = next(self._call_ids)
        body = json.dumps({"method": method, "params": params, "id": number}).encode()
        content = self._web.post(str(self._access.url), body)
        if not content.strip():
            raise ExportFault("limesurvey_off")
        answer = self._web.parsed(content)
        if answer.get("error"):
            raise ExportFault("limesurvey_status", detail=answer["error"])
        if answer.get("id") != number or "result" not in answer:
            raise ExportFault("api_no_json", setting="ILK_LIMESURVEY_URL")
        return answer["result"]


def _ids(content: bytes) -> list[int]:
    """Return the ids of an export's records; none of an export without records or headings."""
    text = content.decode("utf-8-sig", errors="replace")
    if not text.strip():
        return []
    if "\n" in text and not text.endswith("\n"):  # headings alone need no end
        raise ExportFault("api_cut", detail="CSV")
    rows = (row for row in rows_of(io.StringIO(text, newline=""), ";") if row)
    header = next(rows)
    if "id" not in header:
        raise ExportFault("api_no_ids", detail="id")
    place = header.index("id")
    try:
        return [int(row[place]) for row in rows]
    except (ValueError, IndexError) as error:
        raise ExportFault("api_cut", detail="CSV") from error


def _compare(expected: list[int], found: list[int]) -> None:
    twice = [number for number, times in Counter(found).items() if times > 1]
    if other := twice or sorted(set(found) - set(expected)):
        raise ExportFault("api_other_page", detail=other[0])
    if len(found) < len(expected):
        raise ExportFault("api_fewer", listed=len(expected), found=len(found))
