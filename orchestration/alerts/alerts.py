"""What is amiss now, and telling it: each thing once, and once when it is over.

Belongs here: gathering it, without anything personal and without a cell of any file, and who was
told. Doesn't: looking whether all is alive (health.py), the channels (channels.py).

A look is asked for at the end of `ilk run`, by Dagster every few minutes, and by a timer outside
it (`ilk alerts`): a run that was killed and a daemon that is dead are told by the next look.
"""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb

from expectations.rule_words import rule_in_words
from orchestration.alerts.channels import SECONDS, Channel, Message, alert_channels, send
from orchestration.alerts.digests import are_digests_late
from orchestration.alerts.memory import Told, read_told, telling
from orchestration.durable_files import UnreadableFileError
from orchestration.exports.seed_files import SeedError
from orchestration.fieldwork import NoFieldworkError, read_fieldwork
from orchestration.health import AUTOMATION, RUN, HealthFinding, findings
from orchestration.publishing.reading.headline import grouped
from orchestration.publishing.region_files import fieldwork_rows
from orchestration.seeds.survey_cycles import read_cycles
from orchestration.settings import Settings
from orchestration.stages.blocking import blocking_checks
from orchestration.survey_days import local_day
from orchestration.words import FaultText

logger = logging.getLogger("ilk.alerts")

_DAYS_BEFORE_THE_CLOSE = 3
_NAMED = 3  # regions that an alert names
_CANT_LOOK = "look"  # then nothing is known to be over
_OVER = FaultText("Over", "Selesai")

_SHORT = FaultText(
    "{cycle_id}: remind {regions}: {missing} persons are still missing in {count} regions, {left} "
    "days before the window closes (./ilk status {cycle_id}).",
    "{cycle_id}: ingatkan {regions}: {missing} orang masih kurang di {count} wilayah, {left} hari "
    "sebelum masa survei berakhir (./ilk status {cycle_id}).",
)
_BLOCKED = FaultText(
    "./ilk run {cycle_id}, and follow its sentences: stopped by {checks}.",
    "./ilk run {cycle_id}, lalu ikuti kalimatnya: dihentikan oleh {checks}.",
)
_TICK = FaultText(
    "Look at {about} in Dagster (Automation); ./ilk health says why.",
    "Lihat {about} di Dagster (Automation); ./ilk health menyebut sebabnya.",
)
_BLIND = FaultText(
    "./ilk health, and follow its sentence: it can't be looked whether all is well.",
    "./ilk health, lalu ikuti kalimatnya: tidak dapat diperiksa apakah semua baik.",
)
_LATE = FaultText(
    "./ilk digest {cycle_id}: today's digest was not sent; look at its timer.",
    "./ilk digest {cycle_id}: ringkasan hari ini belum terkirim; periksa pewaktunya.",
)
_SILENT = FaultText(
    "{name}: check its address, server and network: messages don't arrive.",
    "{name}: periksa alamat, server, dan jaringannya: pesan tidak sampai.",
)


@dataclass(frozen=True)
class Alert:
    """One thing that is amiss. `key` tells it apart, for as long as it lasts."""

    key: str
    sentence: FaultText


@dataclass(frozen=True)
class Look:
    """What a look found and told."""

    amiss: tuple[Alert, ...]
    told: int
    """Messages that arrived."""
    problems: tuple[str, ...] = ()
    """What is wrong with the channels themselves."""


def amiss(settings: Settings, now: datetime) -> list[Alert]:
    """Return what is amiss; `now` bears its zone. Nothing is written."""
    try:
        red = [each for each in findings(settings, now) if each.is_red]
        found = [_of_health(settings, each) for each in red]
        found += _short(settings, now)
        found += [
            Alert(f"digest {cycle_id}", _LATE.filled(cycle_id=cycle_id))
            for cycle_id in are_digests_late(settings, read_told(settings.data_dir), now)
        ]
    except (UnreadableFileError, SeedError, ValueError, duckdb.Error, OSError) as error:
        logger.warning("%s", error)
        return [Alert(_CANT_LOOK, _BLIND)]
    return found


def _of_health(settings: Settings, red: HealthFinding) -> Alert:
    key = " ".join(filter(None, (red.name, red.cycle_id, red.about)))
    if red.name == AUTOMATION:  # its own words may quote what a tick stumbled over
        return Alert(key, _TICK.filled(about=red.about or "Dagster"))
    if red.name == RUN and red.cycle_id and (checks := blocking_checks(settings, red.cycle_id)):
        # Another check is another alert: what stops the cycle now is news.
        rules = [rule_in_words(check) for check in checks]
        said = FaultText(
            _BLOCKED.en.format(cycle_id=red.cycle_id, checks="; ".join(rule.en for rule in rules)),
            _BLOCKED.id.format(cycle_id=red.cycle_id, checks="; ".join(rule.id for rule in rules)),
        )
        return Alert(f"{key} {' '.join(checks)}", said)
    return Alert(key, red.sentence)


def _short(settings: Settings, now: datetime) -> Iterator[Alert]:
    """Yield cycles about to close in which somebody is missing, as far as it is published."""
    today = local_day(now)
    closing = [
        cycle
        for cycle in read_cycles(settings.seeds_dir)
        if cycle.opens_on <= today <= cycle.closes_on
        and cycle.closes_on - today <= timedelta(days=_DAYS_BEFORE_THE_CLOSE)
    ]
    database = (settings.published_dir / "ilk.duckdb").resolve()
    if not closing or not database.is_file():
        return
    with fieldwork_rows(database) as connection:
        for cycle in closing:
            try:
                found = read_fieldwork(connection, cycle, today=today)
            except NoFieldworkError:
                continue  # that nothing came is an alert of its own
            regions = [row for row in found.regions if row["shortfall"]]
            if regions:
                names = [row["region_name"] or "–" for row in regions[:_NAMED]]
                yield Alert(
                    f"short {cycle.cycle_id}",
                    _SHORT.filled(
                        cycle_id=cycle.cycle_id,
                        regions=", ".join(names),
                        missing=grouped(found.whole["shortfall"]),
                        count=len(regions),
                        left=found.days_left,
                    ),
                )


def look_and_tell(settings: Settings, now: datetime, *, seconds: float = SECONDS) -> Look:
    """Tell each channel what is new to it, and what is over. Raises ChannelError, nothing else.

    A channel that can't be reached is told of in `problems`, by the others, and tried again by the
    next look; `seconds` is the time that each has.
    """
    channels = alert_channels(settings)
    found = amiss(settings, now)
    with telling(settings.data_dir) as told:
        if told is None or not channels:
            return Look(tuple(found), 0)
        told.forget_others({each.key for each in channels})
        before = dict(told.silent)
        count, problems = 0, []
        for channel in channels:
            others = [
                Alert(f"silent {key}", _SILENT.filled(name=name))
                for key, name in {**before, **told.silent}.items()
                if key != channel.key
            ]
            problem = _tell(channel, [*found, *others], told, seconds)
            if problem is None:
                continue
            if problem:
                problems.append(problem)
                told.silent[channel.key] = channel.name
            else:
                count += 1
                told.silent.pop(channel.key, None)
            told.save()
    return Look(tuple(found), count, tuple(problems))


def _tell(channel: Channel, found: list[Alert], told: Told, seconds: float) -> str | None:
    """Send a channel what it doesn't know; None where it knows all, else as channels.send says."""
    now = {each.key: each for each in found}
    new = [each for each in found if channel.key not in told.alerts.get(each.key, {}).get("to", ())]
    over = {
        key: known
        for key, known in told.alerts.items()
        if key not in now and channel.key in known["to"] and _CANT_LOOK not in now
    }
    if not new and not over:
        return None
    problem = send(channel, _message(new, over), seconds=seconds)
    if problem:
        return problem
    for each in new:
        known = told.alerts.setdefault(
            each.key, {"said": [each.sentence.id, each.sentence.en], "to": []}
        )
        known["to"].append(channel.key)
    for key, known in over.items():
        known["to"].remove(channel.key)
        if not known["to"]:
            del told.alerts[key]
    return ""


def _message(new: list[Alert], over: Mapping[str, Mapping[str, list[str]]]) -> Message:
    said = [(each.sentence.id, each.sentence.en) for each in new]
    lines = [f"- {indonesian}\n  {english}" for indonesian, english in said]
    lines += [
        f"- {_OVER.id}: {known['said'][0]}\n  {_OVER.en}: {known['said'][1]}"
        for known in over.values()
    ]
    title = (
        f"ILK: {len(new)} perlu perhatian / need attention"
        if new
        else f"ILK: {len(over)} selesai / over"
    )
    return Message(title, "\n".join(lines))
