"""The dbt-duckdb plugin that hands the pseudonym key to DuckDB, and to nothing else.

Belongs here: HMAC-SHA-256's two padded keys as DuckDB variables, read by the macro `pseudonym`.
Doesn't: the hashing itself (SQL, so that a million identifiers cost no Python call each).
The key never stands in a statement, so no log, compiled model or query history holds it.
"""

import hashlib
import os
from typing import Any

from dbt.adapters.duckdb.plugins import BasePlugin

_BLOCK_BYTES = 64  # SHA-256's block, RFC 2104


def padded_keys(key: str) -> tuple[bytes, bytes]:
    """Return the inner and outer padded key of HMAC-SHA-256 (RFC 2104), 64 bytes each."""
    secret = key.encode()
    if len(secret) > _BLOCK_BYTES:
        secret = hashlib.sha256(secret).digest()
    secret = secret.ljust(_BLOCK_BYTES, b"\0")
    return bytes(byte ^ 0x36 for byte in secret), bytes(byte ^ 0x5C for byte in secret)


class Plugin(BasePlugin):
    """Sets `pseudonym_inner` and `pseudonym_outer` on each cursor that dbt opens."""

    def configure_cursor(self, cursor: Any) -> None:  # noqa: ANN401  # DuckDB's cursor, untyped there
        """Give one cursor the padded keys; without a key the variables stay NULL."""
        key = os.environ.get("ILK_PSEUDONYM_KEY")
        if not key:
            return
        inner, outer = padded_keys(key)
        cursor.execute("set variable pseudonym_inner = ?::blob", [inner])
        cursor.execute("set variable pseudonym_outer = ?::blob", [outer])
