"""Channels that messages go out by, through apprise: mail, Teams, Slack, Telegram and more.

Belongs here: their addresses, sending with a time limit, what is said where one fails. Doesn't:
what is told (alerts.py, digests.py).

A dead target makes apprise return False after its own time limits; one that takes a connection and
then is silent may take longer than a run should wait for, so each message has a limit of its own.
"""

import hashlib
import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from orchestration.settings import Settings

if TYPE_CHECKING:
    from apprise import NotifyBase

logger = logging.getLogger("ilk.alerts")

SECONDS = 20.0  # for a message, from its connection to its end


class ChannelError(ValueError):
    """A channel is not set up as it must be; the message is for people and has no address."""


@dataclass(frozen=True)
class Channel:
    """Where a message goes. `name` has no secret in it; `key`: its own, in memory."""

    name: str
    key: str
    url: str = field(repr=False)


@dataclass(frozen=True)
class Message:
    """What a person reads, with files for those channels that carry them."""

    title: str
    body: str
    attached: Sequence[Path] = ()


def alert_channels(settings: Settings) -> list[Channel]:
    """Return the channels of ILK_ALERT_URLS; none where it is empty. Raises ChannelError."""
    text = settings.alert_urls.get_secret_value() if settings.alert_urls else ""
    return [_channel(url, f"ILK_ALERT_URLS[{n}]") for n, url in enumerate(text.split(), start=1)]


def mail_channel(settings: Settings, address: str) -> Channel:
    """Return the channel to an address by the mail server of ILK_MAIL_URL. Raises ChannelError."""
    if settings.mail_url is None:
        raise ChannelError(
            "Isi ILK_MAIL_URL / set it: server surel untuk alamat region_contacts.csv / the mail "
            "server for its addresses, mailtos://user:password@host:587?from=..."
        )
    url = settings.mail_url.get_secret_value()
    joint = "&" if "?" in url else "?"
    channel = _channel(f"{url}{joint}to={quote(address, safe='@')}", "ILK_MAIL_URL")
    return Channel(f"{channel.name} {address}", channel.key, channel.url)


def _channel(url: str, place: str) -> Channel:
    plugin = _plugin(url)
    if plugin is None:
        raise ChannelError(
            f"{place}: tulis alamat kanal seperti di / write a channel's address as in "
            "https://github.com/caronc/apprise/wiki; yang ini tidak dikenal / this one is unknown"
        )
    # Its host may be a token (Telegram): the kind of service is all that is said of it.
    return Channel(
        f"{place} ({plugin.service_name})", hashlib.sha256(url.encode()).hexdigest()[:16], url
    )


def _plugin(url: str) -> "NotifyBase | None":
    try:
        import apprise
    except ImportError as error:
        raise ChannelError(
            "Pasang / install: uv sync --extra alerts (ILK_ALERT_URLS, ILK_MAIL_URL)"
        ) from error
    logging.getLogger("apprise").setLevel(logging.CRITICAL)  # it logs addresses
    asset = apprise.AppriseAsset(app_id="ILK", app_desc="ILK", app_url="")
    return apprise.Apprise.instantiate(url, asset=asset)


def send(channel: Channel, message: Message, *, seconds: float = SECONDS) -> str:
    """Return '' where the channel took the message, else what to do; nothing is raised."""
    came: list[bool] = []
    thread = threading.Thread(target=lambda: came.append(_sent(channel, message)), daemon=True)
    thread.start()
    thread.join(seconds)
    if came == [True]:
        return ""
    why = "" if came else f" dalam {seconds:g} detik / within {seconds:g} s"
    said = (
        f"{channel.name}: periksa alamat, server, dan jaringannya; pesan tidak diterima{why}, dan "
        "dicoba lagi lain kali. / Check its address, server and network; it did not take the "
        "message, which is tried again next time."
    )
    logger.info(said)  # whoever asked says it aloud
    return said


def _sent(channel: Channel, message: Message) -> bool:
    plugin = _plugin(channel.url)
    if plugin is None:
        return False
    files: dict[str, Any] = {}
    if message.attached and plugin.attachment_support:
        from apprise import AppriseAttachment

        files = {"attach": AppriseAttachment([str(path) for path in message.attached])}
    import apprise

    sender = apprise.Apprise()
    sender.add(plugin)
    return bool(
        sender.notify(
            title=message.title,
            body=message.body,
            body_format=apprise.NotifyFormat.TEXT,
            **files,
        )
    )
