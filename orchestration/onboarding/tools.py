"""The headings that survey tools write by themselves, whatever the survey.

Belongs here: what each means, and telling the tool by them. Doesn't: headings of a form's own
questions (meanings.py).
"""

from collections.abc import Iterable

from expectations.file_profiles import TOOL_HEADINGS
from orchestration.exports.headers import fold

IGNORE = ""
OWN_HEADINGS: dict[str, dict[str, str]] = {
    "google_forms": {
        **dict.fromkeys(("Timestamp", "Cap waktu", "Stempel waktu"), "submitted_at"),
        **dict.fromkeys(
            ("Email Address", "Email address", "Alamat email", "Alamat Email", "Username",
             "Nama pengguna", "Score", "Skor"),
            IGNORE,
        ),
    },
    "ms_forms": {
        **dict.fromkeys(("ID", "Id"), "response_id"),
        **dict.fromkeys(("Start time", "Waktu mulai"), "started_at"),
        **dict.fromkeys(("Completion time", "Waktu penyelesaian"), "submitted_at"),
        **dict.fromkeys(
            ("Email", "Name", "Nama", "Last modified time", "Waktu terakhir diubah", "Language",
             "Bahasa"),
            IGNORE,
        ),
    },
    "limesurvey": {
        "id": "response_id",
        "submitdate": "submitted_at",
        "startdate": "started_at",
        **dict.fromkeys(
            ("lastpage", "startlanguage", "seed", "datestamp", "ipaddr", "refurl", "token",
             "interviewtime"),
            IGNORE,
        ),
    },
    "kobo": {
        "_uuid": "response_id",
        "_submission_time": "submitted_at",
        "start": "started_at",
        **dict.fromkeys(
            ("end", "today", "deviceid", "_id", "_index", "_validation_status", "_notes", "_status",
             "_submitted_by", "__version__", "_tags", "meta/instanceID", "meta/rootUuid",
             "formhub/uuid", "_xform_id_string", "_bamboo_dataset_id", "_attachments",
             "_geolocation", "meta/instanceName", "meta/deprecatedID"),
            IGNORE,
        ),
    },
    "qualtrics": {
        **dict.fromkeys(("ResponseId", "ResponseID"), "response_id"),
        "StartDate": "started_at",
        "RecordedDate": "submitted_at",
        "Status": "is_test",
        "Finished": "is_complete",
        **dict.fromkeys(
            ("EndDate", "Progress", "Duration (in seconds)", "IPAddress", "RecipientLastName",
             "RecipientFirstName", "RecipientEmail", "ExternalReference", "ExternalDataReference",
             "LocationLatitude", "LocationLongitude", "DistributionChannel", "UserLanguage",
             "ResponseSet", "Q_RecaptchaScore"),
            IGNORE,
        ),
    },
    "surveymonkey": {
        **dict.fromkeys(("Respondent ID", "RespondentID", "respondent_id"), "response_id"),
        **dict.fromkeys(("Start Date", "StartDate", "date_created"), "started_at"),
        **dict.fromkeys(("End Date", "EndDate", "date_modified"), "submitted_at"),
        **dict.fromkeys(
            ("Collector ID", "CollectorID", "collector_id", "IP Address", "ip_address",
             "Email Address", "email_address", "First Name", "first_name", "Last Name", "last_name",
             "Custom Data 1", "custom_1"),
            IGNORE,
        ),
    },
}  # fmt: skip
"""By tool: a heading and the attribute it holds, or IGNORE. Dates that a tool counts as the end of
answering are submitted_at; who somebody is, is never read unless a person maps it."""

_SHARED = ("ms_forms", "limesurvey")
"""Tools whose exports all have a column `ID`, as many other tables do: a second one must tell."""


def tell_tool(headings: Iterable[str]) -> str | None:
    """Return the tool most of whose own headings are there, None where that proves nothing.

    It has a heading that all the tool's exports have; that of Google Forms is the first column's.
    """
    folded = [fold(heading) for heading in headings]
    there = set(folded)
    scores = {
        tool: len(there & own.keys())
        for tool, own in OWN_HEADINGS.items()
        if there & set(TOOL_HEADINGS[tool])
    }
    if "google_forms" in scores and folded[0] not in TOOL_HEADINGS["google_forms"]:
        del scores["google_forms"]
    best = max(scores, key=lambda tool: scores[tool], default=None)
    return None if best in _SHARED and scores[best] < 2 else best
