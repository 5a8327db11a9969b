"""The dbt-duckdb plugin that hands the pseudonym key to DuckDB, and to nothing else.

Belongs here: HMAC-SHA-256's two padded keys as DuckDB variables, read by the macro `pseudonym`.
Doesn't: the hashing itself (SQL, so that a million identifiers cost no Python call each).
"""

import os
from typing import Any

from dbt.adapters.duckdb.plugins import BasePlugin

from orchestration.keyed_hash import hand_over


class Plugin(BasePlugin):
    """Sets `pseudonym_inner` and `pseudonym_outer` on each cursor that dbt opens."""

    def configure_cursor(self, cursor: Any) -> None:  # noqa: ANN401  # DuckDB's cursor, untyped there
        """Give one cursor the padded keys; without a key the variables stay NULL."""
        if key := os.environ.get("ILK_PSEUDONYM_KEY"):
            hand_over(cursor, key, "pseudonym")
