"""The ways into survey tools' servers, as the settings say them.

Belongs here: that value alone, which settings.py fills. Doesn't: anything that opens a connection.
"""

from dataclasses import dataclass

from pydantic import SecretStr


@dataclass(frozen=True)
class Access:
    """The way into a tool's server; a part that is not set is None."""

    url: str | None = None
    user: str | None = None
    secret: SecretStr | None = None
