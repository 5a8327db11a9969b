"""Each morning of a window: to every region's addresses who is short there, and to us all of it.

Belongs here: what a digest says, to whom, once a day, and whether it is late. Doesn't: the lists
that it carries (publishing/region_files.py), when it is asked for (a timer, deploy/).
"""

import logging
import tempfile
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path

import duckdb

from orchestration.alerts.channels import (
    Channel,
    ChannelError,
    Message,
    alert_channels,
    mail_channel,
    send,
)
from orchestration.alerts.memory import Told, telling
from orchestration.dbt_build import manifest_path
from orchestration.fieldwork import Fieldwork, NoFieldworkError, Row, read_fieldwork
from orchestration.publishing.reading.headline import decimal_comma, grouped
from orchestration.publishing.region_files import (
    ALL,
    NO_REGION,
    fieldwork_rows,
    write_region_files,
)
from orchestration.publishing.specifications import read_described
from orchestration.seeds.seed_tables import read_seed
from orchestration.seeds.survey_cycles import SurveyCycle, read_cycles
from orchestration.settings import Settings
from orchestration.survey_days import local_day, local_time

logger = logging.getLogger("ilk.alerts")

SEED = "region_contacts"
_NAMED = 10  # units that a digest names; the list has all
_LATE_AT = time(10)  # in the zone of the surveys
_GIVE_UP_AFTER = 3  # messages in a row that a mail server did not take


@dataclass(frozen=True)
class Digested:
    """What came of a cycle's digests."""

    cycle_id: str
    sent: int
    kept: int
    """Those that had arrived today already."""
    problems: tuple[str, ...] = ()
    is_elsewhere: bool = False
    """Another process is telling: nothing was done."""


def due_cycles(settings: Settings, now: datetime) -> list[SurveyCycle]:
    """Return the cycles whose window holds the day."""
    today = local_day(now)
    return [
        each for each in read_cycles(settings.seeds_dir) if each.opens_on <= today <= each.closes_on
    ]


def are_digests_late(settings: Settings, told: Told, now: datetime) -> list[str]:
    """Return the cycles in their window whose digest has not arrived anywhere this morning."""
    at = local_time(now)
    if at.time() < _LATE_AT:
        return []
    return [
        cycle.cycle_id
        for cycle in due_cycles(settings, now)
        if not any(
            name.startswith(f"{cycle.cycle_id} ") and told.has_digest(name, at.date())
            for name in told.digests
        )
    ]


def send_digests(settings: Settings, cycle: SurveyCycle, now: datetime, *, again: bool) -> Digested:
    """Send a cycle's digests: to region_contacts each region's, to ILK_ALERT_URLS the nation's.

    Somebody gets a message even if nothing came. `again`: also to whom today's arrived already.
    Raises ChannelError where nobody is set up, SeedFileError where the seed can't be read.
    """
    today = local_day(now)
    contacts = _contacts(settings)
    ours = alert_channels(settings)
    if not ours and not contacts:
        raise ChannelError(
            f"Isi ILK_ALERT_URLS, atau {SEED}.csv dan ILK_MAIL_URL: tidak ada yang dikirimi. / Set "
            "them: there is nobody to send to."
        )
    with telling(settings.data_dir) as told, _written(settings, cycle, today, contacts) as lists:
        if told is None:
            return Digested(cycle.cycle_id, 0, 0, is_elsewhere=True)
        letters = [(ALL, channel, lists.of_all()) for channel in ours]
        problems: list[str] = []
        if contacts and settings.mail_url is None:
            problems.append(_no_mail(settings))
        else:
            letters += [
                (
                    region_id or NO_REGION,
                    mail_channel(settings, address),
                    lists.of_region(region_id),
                )
                for region_id, addresses in contacts.items()
                for address in addresses
            ]
        sent, kept = _send_all(letters, cycle, told, today, again=again, problems=problems)
    return Digested(cycle.cycle_id, sent, kept, tuple(problems))


def _no_mail(settings: Settings) -> str:
    try:
        mail_channel(settings, "")
    except ChannelError as error:
        return str(error)
    return ""


def _send_all(
    letters: Sequence[tuple[str, Channel, Message]],
    cycle: SurveyCycle,
    told: Told,
    today: date,
    *,
    again: bool,
    problems: list[str],
) -> tuple[int, int]:
    """Return how many arrived, and how many had before."""
    sent = kept = failed = 0
    for place, channel, message in letters:
        name = f"{cycle.cycle_id} {place} {channel.key}"
        if not again and told.has_digest(name, today):
            kept += 1
        elif failed >= _GIVE_UP_AFTER and place != ALL:
            problems.append(f"{channel.name}: tidak dicoba / not tried")
        elif problem := send(channel, message):
            problems.append(problem)
            failed += place != ALL
        else:
            told.note_digest(name, today)
            sent, failed = sent + 1, 0
    return sent, kept


def _contacts(settings: Settings) -> dict[str | None, list[str]]:
    """Return the addresses of each region; None: of what has no region."""
    found: dict[str | None, list[str]] = defaultdict(list)
    for row in read_seed(settings.seeds_dir / f"{SEED}.csv").records():
        found[row["region_id"] or None].append(row["address"])
    return found


@dataclass(frozen=True)
class _Lists:
    """A cycle's digests. `found` is None where nothing of it is published."""

    settings: Settings
    cycle: SurveyCycle
    left: int
    found: Fieldwork | None
    folder: Path

    def of_all(self) -> Message:
        """Return what we are told: the nation, and the regions that miss most."""
        if self.found is None:
            return self._nothing("Nasional / The nation")
        named = [_named(row["region_name"], row) for row in self.found.regions if row["shortfall"]]
        return self._message("Nasional / The nation", self.found.whole, named, ALL)

    def of_region(self, region_id: str | None) -> Message:
        """Return what a region's addresses are told."""
        rows = [] if self.found is None else self.found.regions
        row = next((each for each in rows if each["region_id"] == region_id), None)
        if row is None or self.found is None:
            return self._nothing(region_id or "tanpa wilayah / no region")
        named = [
            _named(unit["unit_name"], unit)
            for unit in self.found.short
            if unit["region_id"] == region_id
        ]
        return self._message(row["region_name"] or "–", row, named, region_id or NO_REGION)

    def _message(self, name: str, row: Row, named: list[str], place: str) -> Message:
        count, staff, required = (
            grouped(row[each]) for each in ("respondent_count", "staff_count", "required_sample")
        )
        missing = row["shortfall"]
        rate = row["respondent_count"] / row["staff_count"] if row["staff_count"] else None
        share = "" if rate is None else f" ({decimal_comma(100 * rate, 1)}%)"
        lines = [
            f"{count} dari {staff} pegawai menjawab{share}; perlu {required}, masih kurang "
            f"{grouped(missing)}. Sisa {self.left} hari, sampai {self.cycle.closes_on}.",
            f"{count} of {staff} staff answered{share}; {required} are needed, {grouped(missing)} "
            f"still missing. {self.left} days left, to {self.cycle.closes_on}.",
        ]
        if named:
            lines += ["", "Yang paling banyak kurangnya / Those that miss most:", *named[:_NAMED]]
            if len(named) > _NAMED:
                lines.append(f"... dan {len(named) - _NAMED} lagi / and more")
        lines += self._where(place)
        file = self.folder / self.cycle.cycle_id / f"{place}.xlsx"
        title = f"{self.cycle.cycle_id}, {name}: {grouped(missing)} masih kurang / still missing"
        return Message(title, "\n".join(lines), (file,) if file.is_file() else ())

    def _nothing(self, name: str) -> Message:
        return Message(
            f"{self.cycle.cycle_id}, {name}: belum ada jawaban / no answer yet",
            f"Belum ada yang terbit tentang pengisian di sini; sisa {self.left} hari, sampai "
            f"{self.cycle.closes_on}.\nNothing is published of who answered here; {self.left} days "
            f"left, to {self.cycle.closes_on}.",
        )

    def _where(self, place: str) -> Iterator[str]:
        if self.settings.site_url and self.settings.pages:
            page = "" if place == ALL else f"/{self.cycle.cycle_id}/{place}"
            yield ""
            yield (
                "Daftar lengkap / The whole list: "
                f"{self.settings.site_url.rstrip('/')}/id/participation{page}.html"
            )


def _named(name: str | None, row: Row) -> str:
    return (
        f"- {name or '–'}: {grouped(row['shortfall'])} "
        f"({grouped(row['respondent_count'])}/{grouped(row['required_sample'])})"
    )


@contextmanager
def _written(
    settings: Settings, cycle: SurveyCycle, today: date, contacts: Collection[str | None]
) -> Iterator[_Lists]:
    """Read a cycle's fieldwork and write the lists that digests carry, for as long as it takes."""
    left = max(0, (cycle.closes_on - today).days)
    database = (settings.published_dir / "ilk.duckdb").resolve()
    with tempfile.TemporaryDirectory(prefix="ilk-digest-") as folder:
        none = _Lists(settings, cycle, left, None, Path(folder))
        if not database.is_file():
            yield none
            return
        with fieldwork_rows(database) as connection:
            try:
                found = read_fieldwork(connection, cycle, today=today)
            except (NoFieldworkError, duckdb.CatalogException):  # of an older version
                yield none
                return
            known = read_described(manifest_path(settings))
            write_region_files(connection, known, cycle.cycle_id, Path(folder), with_workbooks=True)
        yield _Lists(settings, cycle, left, found, Path(folder))
