"""HMAC-SHA-256 (RFC 2104) as SQL needs it: the key padded twice, for two plain hashes.

Belongs here: the padding and the statements that hand it to DuckDB. Doesn't: which key is used for
what. The key stands in no statement's text, so that no log or query history holds it.
"""

import hashlib
from typing import Any

_BLOCK_BYTES = 64  # SHA-256's block, RFC 2104


def padded_keys(key: str) -> tuple[bytes, bytes]:
    """Return the inner and outer padded key of HMAC-SHA-256 (RFC 2104), 64 bytes each."""
    secret = key.encode()
    if len(secret) > _BLOCK_BYTES:
        secret = hashlib.sha256(secret).digest()
    secret = secret.ljust(_BLOCK_BYTES, b"\0")
    return bytes(byte ^ 0x36 for byte in secret), bytes(byte ^ 0x5C for byte in secret)


def hand_over(cursor: Any, key: str, prefix: str) -> None:  # noqa: ANN401  # untyped in dbt
    """Set DuckDB's variables `<prefix>_inner` and `<prefix>_outer` on one cursor."""
    for name, padded in zip(("inner", "outer"), padded_keys(key), strict=True):
        cursor.execute(f"set variable {prefix}_{name} = ?::blob", [padded])
