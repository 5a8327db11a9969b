"""One form of the shipped instrument as each tool defines it, made anew for each test.

Belongs here: LimeSurvey's structure in XML and tab-separated, XLSForm, Qualtrics. Doesn't: tests.
"""

import csv
import io
import json
import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

import xlsxwriter

from orchestration.seeds.seed_tables import seed_records
from tests.conftest import SAMPLE_SEEDS

QUESTIONS = seed_records(SAMPLE_SEEDS, "questions")
ANSWERS = (("1", "Tidak baik"), ("2", "Kurang baik"), ("3", "Baik"), ("4", "Sangat baik"),
           ("NA", "Tidak tersedia"))  # fmt: skip
SERVICES = {row["service_id"]: row["name_id"] for row in seed_records(SAMPLE_SEEDS, "services")}


def code(number: int) -> str:
    """The code of a question: LimeSurvey takes letters and digits alone."""
    return f"Q{number:03}"


def texts(*, other: bool) -> list[str]:
    """The questions as the form asks them; `other`: with words that no instrument has."""
    return [row["question_text"] + (" (baru)" if other else "") for row in QUESTIONS]


def lss(*, other: bool = False) -> str:
    """A survey's structure of LimeSurvey 6."""

    def section(name: str, rows: list[dict[str, object]]) -> str:
        cells = "".join(
            "<row>"
            + "".join(f"<{key}><![CDATA[{value}]]></{key}>" for key, value in row.items())
            + "</row>"
            for row in rows
        )
        return f"<{name}><rows>{cells}</rows></{name}>"

    groups = {service: number for number, service in enumerate(SERVICES, start=1)}
    asked = list(enumerate(zip(QUESTIONS, texts(other=other), strict=True), start=1))
    return (
        '<?xml version="1.0" encoding="UTF-8"?><document>'
        "<LimeSurveyDocType>Survey</LimeSurveyDocType>"
        + section("surveys", [{"sid": 1, "language": "id"}])
        + section("groups", [{"gid": gid} for gid in groups.values()])
        + section("group_l10ns", [
            {"gid": gid, "group_name": SERVICES[service], "language": "id"}
            for service, gid in groups.items()
        ])
        + section("questions", [
            {"qid": n, "parent_qid": 0, "gid": groups[row["service_id"]], "type": "L",
             "title": code(n)} for n, (row, _) in asked
        ] + [{"qid": 900, "parent_qid": 0, "gid": 1, "type": "S", "title": "NIP"}])
        + section("question_l10ns", [
            {"qid": n, "question": question, "language": language}
            for n, (_, text) in asked
            for language, question in (("en", "What?"), ("id", f"<p>{escape(text)}</p>"))
        ])
        + section("answers", [
            {"aid": 10 * n + place, "qid": n, "code": answer, "sortorder": place, "scale_id": 0}
            for n, _ in asked for place, (answer, _) in enumerate(ANSWERS)
        ])
        + section("answer_l10ns", [
            {"aid": 10 * n + place, "answer": label, "language": "id"}
            for n, _ in asked for place, (_, label) in enumerate(ANSWERS)
        ])
        + "</document>"
    )  # fmt: skip


def structure() -> str:
    """LimeSurvey's tab-separated structure."""
    file = io.StringIO()
    writer = csv.writer(file, delimiter="\t", lineterminator="\n")
    writer.writerow(["id", "related_id", "class", "type/scale", "name", "relevance", "text", "help",
                     "language"])  # fmt: skip
    writer.writerow(["", "", "S", "", "sid", "", "1", "", ""])
    service = ""
    for number, row in enumerate(QUESTIONS, start=1):
        if row["service_id"] != service:
            service = row["service_id"]
            writer.writerow(["", "", "G", "", SERVICES[service], "1", "", "", "id"])
        writer.writerow([number, "", "Q", "L", code(number), "1", row["question_text"], "", "id"])
        for answer, label in ANSWERS:
            writer.writerow(["", "", "A", "0", answer, "", label, "", "id"])
    return file.getvalue()


def write_xlsform(path: Path, *, answers: tuple[tuple[str, str], ...] = ANSWERS) -> None:
    """A form of KoboToolbox or ODK."""
    survey = [["type", "name", "label::Bahasa Indonesia (id)", "required"]]
    survey.append(["text", "nip", "NIP", "yes"])
    survey.append(["select_one jk", "jk", "Jenis kelamin", "yes"])
    service = ""
    for number, row in enumerate(QUESTIONS, start=1):
        if row["service_id"] != service:
            survey += [["end_group", "", "", ""]] if service else []
            service = row["service_id"]
            survey.append(["begin_group", service, SERVICES[service], ""])
        survey.append(["select_one skala", code(number), row["question_text"], "yes"])
    choices = [["list_name", "name", "label::Bahasa Indonesia (id)"]]
    choices += [["jk", "L", "Laki-laki"], ["jk", "P", "Perempuan"]]
    choices += [["skala", *answer] for answer in answers]
    with xlsxwriter.Workbook(str(path)) as book:
        for name, rows in (("survey", survey), ("choices", choices), ("settings", [["form_id"]])):
            page = book.add_worksheet(name)
            for place, cells in enumerate(rows):
                page.write_row(place, 0, cells)


def qsf() -> str:
    """A survey's definition of Qualtrics."""
    choices = {str(place): {"Display": label} for place, (_, label) in enumerate(ANSWERS, start=11)}
    recoded = {str(place): answer for place, (answer, _) in enumerate(ANSWERS, start=11)}
    by_service: dict[str, list[str]] = {}
    questions = []
    for number, row in enumerate(QUESTIONS, start=1):
        by_service.setdefault(row["service_id"], []).append(f"QID{number}")
        questions.append({
            "Element": "SQ", "PrimaryAttribute": f"QID{number}",
            "Payload": {
                "QuestionText": f"<b>{escape(row['question_text'])}</b>&nbsp;",
                "DataExportTag": code(number), "QuestionType": "MC", "Selector": "SAVR",
                "Choices": choices, "RecodeValues": recoded,
            },
        })  # fmt: skip
    blocks = [
        {"Description": SERVICES[service],
         "BlockElements": [{"Type": "Question", "QuestionID": each} for each in ids]}
        for service, ids in by_service.items()
    ]  # fmt: skip
    return json.dumps({"SurveyEntry": {}, "SurveyElements": [
        {"Element": "BL", "PrimaryAttribute": "Survey Blocks", "Payload": blocks}, *questions,
        {"Element": "SQ", "PrimaryAttribute": "QID900", "Payload": {
            "QuestionText": "NIP", "DataExportTag": "NIP", "QuestionType": "TE", "Selector": "SL"}},
    ]})  # fmt: skip


def write_lsa(path: Path, *names: str, packing: int = zipfile.ZIP_DEFLATED) -> None:
    """An archive of LimeSurvey: its structure beside answers."""
    with zipfile.ZipFile(path, "w", packing) as archive:
        for name in names or ("survey_1.lss",):
            archive.writestr(name, lss())
        archive.writestr("survey_1_responses.lsr", "<document/>")
