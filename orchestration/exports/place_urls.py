"""URLs of places, before anything is opened: their scheme, what of them is secret or shown.

Belongs here: what a setting and a seed may say, what files on the web are called. Doesn't: opening
a place (places.py).
"""

import hashlib
import re
from urllib.parse import unquote

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
_USER = re.compile(r"([a-z0-9+.-]*):?//([^\s/?#]*)@", re.IGNORECASE)
_USER_AFTER_A_SLIP = re.compile(r"[a-z][a-z0-9+.-]*:/?[^\s/?#]*:[^\s/?#]*@", re.IGNORECASE)
_PARAMETER = re.compile(r"[?&;#]([^?&;#=/]+)=")
_SECRET_PARAMETER = re.compile(
    r"passw|pwd|secret|token|signature|^sig$|credential|bearer|jwt|sess(ion)?[-_]?id"
    r"|^auth$|authorization|(^|[-_.]|api|access|account|app|private|subscription)key$",
    re.IGNORECASE,
)
"""Not `authkey` and `resourcekey`: they are of share links, whose whole address is the key."""

_WEB = re.compile(r"(https?)://(?:[^\s/?#]*@)?([^\s/?#]*)", re.IGNORECASE)
_PUBLIC = re.compile(r"https?://[^\s/?#]*/\.\.\.#[0-9a-f]{8}(/|$)")
_WEB_IN_TEXT = re.compile(
    # To the end of the word, but for what a sentence has behind it.
    r"""(https?)://(?:[^\s/?#"<>]*@)?([^\s/?#"'<>]+)(?!/\.\.\.)[/?#][^\s"<>]*?"""
    r"""(?=[)\]},.:;']*(?:[\s"<>]|$))""",
    re.IGNORECASE,
)


def scheme_of(url: str) -> str:
    """Return the URL's scheme in small letters, '' of a path."""
    return url.partition("://")[0].lower() if "://" in url else ""


def in_small_scheme(url: str) -> str:
    """Return the URL as fsspec knows it, which takes HTTP:// for the name of a file."""
    scheme, mark, rest = url.partition("://")
    return f"{scheme.lower()}{mark}{rest}" if mark else url


def is_web(address: str) -> bool:
    """Whether the address is of a web server."""
    return _WEB.search(address) is not None


def public_name(address: str) -> str:
    """Return what is written down and published in an address's stead: `https://host/...#1a2b3c4d`.

    Whoever knows the address of a published sheet or a share link has the answers. The digits are
    the first of the address's SHA-256: who has it can tell it by them. Other addresses, and names
    that are public already, stay as they are.
    """
    found = _WEB.search(address)
    if found is None or _PUBLIC.match(address):
        return address
    digest = hashlib.sha256(address.encode()).hexdigest()[:8]
    return f"{found[1].lower()}://{found[2]}/...#{digest}"


def holds_secret(url: str) -> bool:
    """Whether a password or key stands in the URL, from where it would get into every record."""
    for text in (url, unquote(url)):
        for scheme, user in _USER.findall(text):
            if ":" in user or (scheme and scheme.lower() not in _USER_ALONE):
                return True
        if _USER_AFTER_A_SLIP.match(text):
            return True
        if any(_SECRET_PARAMETER.search(name) for name in _PARAMETER.findall(text)):
            return True
    return False


def without_secrets(text: str) -> str:
    """Return the text with `***` for users and passwords in its URLs and `...` for parameters.

    Of web servers nothing but the host stays. They send to addresses that hold a key for some
    minutes, and errors name them.
    """
    text = _WEB_IN_TEXT.sub(r"\1://\2/...", text)
    text = re.sub(r"(?<=://)[^\s/?#]*:[^\s/?#]*@", "***@", text)
    return re.sub(r"""(\w://[^\s?'"]+)\?[^\s'"),]*""", r"\1?...", text)
