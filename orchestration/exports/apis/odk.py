"""ODK Central through OData: the submissions of one form, as its JSON.

Belongs here: what is asked and how pages follow each other. Doesn't: when to ask (asking.py).

Its ids do not grow, so that everything is asked for each time; repeat groups come with their
submission (`$expand=*`).
"""

import base64
from collections.abc import Iterator
from urllib.parse import quote

from orchestration.exports.apis.access import Access
from orchestration.exports.apis.web import Web, ids_of, next_params
from orchestration.exports.faults import ExportFault

PAGE_RESPONSES = 1_000


class OdkCentral:
    """One form of an ODK Central server; its location is `<project id>/<form id>`."""

    suffix = ".json"
    id_column = "__id"
    has_increments = False
    is_one_file = True

    def __init__(self, location: str, access: Access) -> None:
        """`access` has all of its parts."""
        project, _, form = (quote(part, safe="") for part in location.partition("/"))
        self._url = f"{access.url}/v1/projects/{project}/forms/{form}.svc/Submissions"
        password = access.secret.get_secret_value() if access.secret else ""
        login = base64.b64encode(f"{access.user}:{password}".encode()).decode()
        self._web = Web(
            setting="ILK_ODK_URL", key_setting="ILK_ODK_PASSWORD", signature=f"Basic {login}"
        )

    def count(self) -> int:
        """Return the submissions that the server counts."""
        _, page = self._web.get(self._url, {"$top": "0", "$count": "true"})
        count = page.get("@odata.count")
        if not isinstance(count, int):
            raise ExportFault("api_no_json", setting="ILK_ODK_URL")
        return count

    def pages(self, after: int) -> Iterator[tuple[list[str], bytes]]:
        """Yield all submissions: a page's ids and its JSON. Raises ExportFault."""
        params = {"$top": str(PAGE_RESPONSES), "$count": "true", "$expand": "*"}
        while params:
            content, page = self._web.get(self._url, params)
            ids = ids_of(page.get("value"), "__id")
            yield ids, content
            params = next_params(page.get("@odata.nextLink"))
            if params and not ids:
                raise ExportFault("api_no_ids", detail="__id")

    def close(self) -> None:
        """Close the connections."""
        self._web.close()
