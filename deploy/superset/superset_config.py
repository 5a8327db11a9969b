"""Superset's settings for this publication: read-only, nothing phones home, one process.

Belongs here: what holds for every database and page of this Superset. Doesn't: what it shows
(assets.py).
"""

import os
from pathlib import Path
from typing import Any

from sqlalchemy.engine import URL

HOME = Path(os.environ["SUPERSET_HOME"])
SECRET_KEY = os.environ["SUPERSET_SECRET_KEY"]
SQLALCHEMY_DATABASE_URI = f"sqlite:///{HOME / 'superset.db'}"

# The browser may ask nobody but this server: Superset's pages carry a picture of a counting service
# (Scarf), which no setting at run time takes out.
TALISMAN_CONFIG = {
    "content_security_policy": {
        "base-uri": ["'self'"],
        "default-src": ["'self'"],
        "img-src": ["'self'", "blob:", "data:"],
        "worker-src": ["'self'", "blob:"],
        "connect-src": ["'self'"],
        "object-src": "'none'",
        "style-src": ["'self'", "'unsafe-inline'"],
        "font-src": ["'self'", "data:"],
        "script-src": ["'self'", "'strict-dynamic'"],
    },
    "content_security_policy_nonce_in": ["script-src"],
    "force_https": False,
    "session_cookie_secure": False,
}

ROW_LIMIT = 50_000

_HARDENED = {
    "access_mode": "read_only",
    "enable_external_access": "false",  # no copy, attach, install, load, read_csv
    "lock_configuration": "true",  # and no set that would undo it
}


def DB_CONNECTION_MUTATOR(uri: URL, params: dict[str, Any], *_: object) -> tuple[URL, dict]:
    """Harden every connection to DuckDB or PostgreSQL, whoever added the database and however."""
    arguments = params.setdefault("connect_args", {})
    if uri.drivername.startswith("duckdb"):
        uri = uri.set(query={})  # whose settings would win
        arguments["config"] = arguments.get("config", {}) | _HARDENED
    elif uri.drivername.startswith("postgresql"):
        arguments["options"] = "-c default_transaction_read_only=on"
    return uri, params
