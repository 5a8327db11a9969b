"""KoboToolbox through its API v2: the submissions of one asset, as its JSON.

Belongs here: what is asked and how pages follow each other. Doesn't: when to ask (asking.py).

A page holds at most 1,000 submissions whatever is asked for: `next` is followed to its end. It
counts submissions to pass over, so that one deleted meanwhile would cost a page its first one.
"""

import json
from collections.abc import Iterator, Mapping
from urllib.parse import quote

from orchestration.exports.apis.access import Access
from orchestration.exports.apis.web import Web, ids_of, next_params
from orchestration.exports.faults import ExportFault


class Kobo:
    """One asset of a KoboToolbox server."""

    suffix = ".json"
    id_column = "_id"
    has_increments = True
    is_one_file = True

    def __init__(self, asset_uid: str, access: Access) -> None:
        """`access` has its address and token."""
        token = access.secret.get_secret_value() if access.secret else ""
        self._url = f"{access.url}/api/v2/assets/{quote(asset_uid, safe='')}/data/"
        self._web = Web(
            setting="ILK_KOBO_URL", key_setting="ILK_KOBO_TOKEN", signature=f"Token {token}"
        )

    def count(self) -> int:
        """Return the submissions that the server counts."""
        _, page = self._web.get(self._url, {"format": "json", "limit": "1"})
        return self._counted(page)

    def pages(self, after: int) -> Iterator[tuple[list[str], bytes]]:
        """Yield the submissions of ids above `after`: a page's ids and its JSON.

        Raises ExportFault.
        """
        params = {"format": "json", "limit": "1000", "sort": '{"_id": 1}'}
        if after:
            params["query"] = json.dumps({"_id": {"$gt": after}})
        found, last = 0, ""
        while params:
            content, page = self._web.get(self._url, params)
            ids = ids_of(page.get("results"), "_id")
            yield ids, content
            asked, params = params, next_params(page.get("next"))
            if params and not ids:
                raise ExportFault("api_fewer", listed=self._counted(page), found=found)
            if last:
                self._check_place(asked, found - 1, last)
            found, last = found + len(ids), [last, *ids][-1]

    def _check_place(self, params: Mapping[str, str], place: int, id_: str) -> None:
        """Raise ExportFault where a submission has moved up: one before it was deleted."""
        _, page = self._web.get(self._url, {**params, "start": str(place), "limit": "1"})
        if ids_of(page.get("results"), "_id") != [id_]:
            raise ExportFault("api_deleted")

    def close(self) -> None:
        """Close the connections."""
        self._web.close()

    def _counted(self, page: dict[str, object]) -> int:
        count = page.get("count")
        if not isinstance(count, int):
            raise ExportFault("api_no_json", setting="ILK_KOBO_URL")
        return count
