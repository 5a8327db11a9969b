"""Telling what is amiss from within Dagster, every few minutes.

Belongs here: the sensor. Doesn't: what is told to whom (orchestration/alerts). That the daemon
itself is dead is told by a timer outside Dagster (`ilk alerts`).
"""

from datetime import UTC, datetime

import dagster as dg

from orchestration.alerts.alerts import look_and_tell
from orchestration.alerts.channels import ChannelError
from orchestration.defs.automation import survey_cycle
from orchestration.settings import get_settings

_SECONDS = 10.0  # a message; Dagster ends a tick of over a minute


@dg.sensor(
    target=survey_cycle,
    minimum_interval_seconds=300,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def what_is_amiss(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Tell each channel of ILK_ALERT_URLS what is new to it, and what is over; nothing is run."""
    settings = get_settings()
    if settings.alert_urls is None:
        return dg.SkipReason("ILK_ALERT_URLS is empty: nobody is told of anything")
    try:
        look = look_and_tell(settings, datetime.now(UTC), seconds=_SECONDS)
    except ChannelError as error:
        context.log.warning(str(error))
        return dg.SkipReason(str(error))
    for problem in look.problems:
        context.log.warning(problem)
    return dg.SkipReason(f"{len(look.amiss)} things are amiss, {look.told} messages were sent")
