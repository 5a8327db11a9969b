"""URLs of places, before anything is opened: their scheme, and whether they hold a secret.

Belongs here: what a setting and a seed may say. Doesn't: opening a place (places.py).
"""

import re
from urllib.parse import parse_qsl, urlsplit

EXTRAS = {
    "http": "https",
    "https": "https",
    "s3": "s3",
    "s3a": "s3",
    "sftp": "sftp",
    "ssh": "sftp",
    "webdav": "webdav",
}
"""What is to be installed for URLs of a scheme: `uv sync --extra sftp`."""

_USER_ALONE = ("sftp", "ssh")
"""Where user@host names an account and is no key."""
_SECRET_PARAMETERS = re.compile(r"passw|secret|token|signature|^sig$|api_?key", re.IGNORECASE)


def scheme_of(url: str) -> str:
    """Return the URL's scheme in small letters, '' of a path."""
    return url.partition("://")[0].lower() if "://" in url else ""


def holds_secret(url: str) -> bool:
    """Whether a password or key stands in the URL, from where it would get into every record."""
    if not (scheme := scheme_of(url)):
        return False
    rest = url.partition("://")[2]
    user, at, _ = re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")
    if at and (":" in user or scheme not in _USER_ALONE):
        return True
    names = [name for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True)]
    return any(_SECRET_PARAMETERS.search(name) for name in names)


def without_secrets(text: str) -> str:
    """Return the text with `***` for users and passwords in its URLs and `...` for parameters.

    Servers send to addresses that hold a key for some minutes, and errors name them.
    """
    text = re.sub(r"(?<=://)[^\s/?#]*:[^\s/?#]*@", "***@", text)
    return re.sub(r"""(\w://[^\s?'"]+)\?[^\s'"),]*""", r"\1?...", text)
