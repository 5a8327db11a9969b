"""A survey tool's own definition of a form: its questions with codes, texts and answers.

Belongs here: LimeSurvey (.lss, .lsa, its tab-separated structure), XLSForm, Qualtrics (.qsf), told
by content. Doesn't: what a question means for the index (instrument_draft.py).

Nothing outside the file is ever fetched: XML with a document type, the one way to entities, is
refused; sizes are bounded.
"""

import html
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from orchestration.exports.archives import open_archive
from orchestration.exports.csv_reader import read_csv
from orchestration.exports.faults import ExportFault
from orchestration.exports.headers import fold, heading_key
from orchestration.exports.seed_files import ReaderSettings
from orchestration.exports.sniffing import is_archive
from orchestration.exports.xlsx_reader import read_xlsx

MOST_BYTES = 64 << 20
"""A form of 500 questions in four languages takes 3 MB."""

_FIXED = {"5": 5, "B": 10, "A": 5}
"""LimeSurvey's question types whose answers are 1 to n, without a list of their own."""

_SINGLE = {"5", "L", "!", "O"}
_ARRAYS = {"F", "H", "A", "B"}


class FormError(ValueError):
    """A file is no form definition that can be read; the message is for people."""


@dataclass(frozen=True)
class FormQuestion:
    """A question that is answered by one of several choices."""

    code: str
    text: str
    group: str
    answers: tuple[tuple[str, str], ...]
    """Code and label, in the form's order."""


def read_form(path: Path) -> tuple[str, list[FormQuestion]]:
    """Return the tool and its questions with a choice of answers. Raises FormError."""
    if path.stat().st_size > MOST_BYTES:
        raise FormError(f"{path.name}: lebih besar dari / larger than {MOST_BYTES >> 20} MB")
    content = path.read_bytes()
    try:
        if is_archive(path):
            return "limesurvey", list(_lss(_packed(path), path.name))
        if content.startswith(b"PK"):
            return "kobo", list(_xlsform(path))
        if content.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<"):
            return "limesurvey", list(_lss(content, path.name))
        if content.lstrip().startswith(b"{"):
            return "qualtrics", list(_qsf(json.loads(content)))
        return "limesurvey", list(_structure(path))
    except expat.ExpatError as error:
        if b"<document" not in content[:4096] and not is_archive(path):
            raise _no_form(path.name, type(error).__name__) from error
        raise FormError(
            f"{path.name}: ekspor ulang dan salin berkas sampai utuh; XML-nya terputus atau rusak "
            f"di baris {error.lineno}. / Export it again and copy the file whole: its XML is cut "
            f"off or damaged in line {error.lineno}."
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        if isinstance(error, FormError):
            raise
        raise _no_form(path.name, type(error).__name__) from error
    except ExportFault as fault:
        if not fault.code.startswith("zip_"):  # what it says is of exports and their profiles
            raise _no_form(path.name, fault.code) from fault
        raise FormError(
            f"{fault.in_indonesian(path.name)}\n{fault.in_english(path.name)}"
        ) from fault


def _no_form(name: str, why: str) -> FormError:
    return FormError(
        f"{name}: ekspor definisi formulirnya: .lss, .lsa, atau .txt (LimeSurvey), XLSForm .xlsx "
        "(KoboToolbox, ODK), atau .qsf (Qualtrics); ini bukan salah satunya. / Export the form's "
        "definition: .lss, .lsa or .txt (LimeSurvey), XLSForm .xlsx (KoboToolbox, ODK), .qsf "
        f"(Qualtrics); this is none of them ({why})."
    )


def _packed(path: Path) -> bytes:
    """Return the one .lss of an archive of LimeSurvey (.lsa)."""
    with open_archive(path) as archive:
        for name, fault in archive.refused:
            if name.lower().endswith(".lss"):
                raise fault
        inside = [name for name in archive.members if name.lower().endswith(".lss")]
        if len(inside) != 1:
            raise ExportFault("zip_archive", detail=", ".join((inside or archive.members)[:5]))
        with archive.member(inside[0]) as member:
            content = member.read(MOST_BYTES + 1)  # whatever size it says it has
    if len(content) > MOST_BYTES:
        raise FormError(f"{path.name}: lebih besar dari / larger than {MOST_BYTES >> 20} MB")
    return content


def _parse_xml(content: bytes, name: str) -> Element:
    """Return the document; one with a document type is refused before anything in it is read."""
    builder = TreeBuilder()
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def refuse(*_: object) -> None:
        raise FormError(
            f"{name}: ekspor ulang dari LimeSurvey: XML dengan DOCTYPE tidak dibaca. / Export it "
            "again from LimeSurvey: XML with a DOCTYPE is not read."
        )

    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    parser.Parse(content, True)
    return builder.close()


def _lss(content: bytes, name: str) -> Iterator[FormQuestion]:
    document = _parse_xml(content, name)
    if document.tag != "document":
        raise _no_form(name, f"<{document.tag[:40]}>")
    language = next((row.get("language", "") for row in _rows(document, "surveys")), "")
    texts = _in_language(_rows(document, "question_l10ns"), "qid", language)
    labels = _in_language(_rows(document, "answer_l10ns"), "aid", language)
    titles = _in_language(_rows(document, "group_l10ns"), "gid", language)
    groups = {
        row["gid"]: _plain(titles.get(row["gid"], row).get("group_name", ""))
        for row in _rows(document, "groups")
    }
    answers: dict[str, list[tuple[str, str]]] = defaultdict(list)
    seen: set[tuple[str, str]] = set()
    for row in sorted(_rows(document, "answers"), key=lambda row: int(row.get("sortorder") or 0)):
        key = row["qid"], row["code"]
        if key not in seen and row.get("scale_id", "0") in ("", "0"):  # one row a language
            seen.add(key)
            label = labels.get(row.get("aid", ""), row).get("answer", "")
            answers[row["qid"]].append((row["code"], _plain(label)))
    below: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in _once(_rows(document, "subquestions"), "qid"):
        below[row["parent_qid"]].append(row)

    def text(row: Mapping[str, str]) -> str:
        return _plain(texts.get(row["qid"], row).get("question", ""))

    for row in _once(_rows(document, "questions"), "qid"):
        if row.get("parent_qid", "0") not in ("", "0"):
            continue
        of_type = _fixed(row["type"]) or tuple(answers[row["qid"]])
        group = groups.get(row["gid"], "")
        if row["type"] in _SINGLE and of_type:
            yield FormQuestion(row["title"], text(row), group, of_type)
        elif row["type"] in _ARRAYS and of_type:
            for part in below[row["qid"]]:
                words = fold(f"{text(row)} {text(part)}")
                yield FormQuestion(f"{row['title']}_{part['title']}", words, group, of_type)


def _fixed(kind: str) -> tuple[tuple[str, str], ...]:
    return tuple((str(code), "") for code in range(1, _FIXED.get(kind, 0) + 1))


def _rows(document: Element, section: str) -> list[dict[str, str]]:
    return [
        {cell.tag: cell.text or "" for cell in row}
        for row in document.findall(f"./{section}/rows/row")
    ]


def _once(rows: Sequence[dict[str, str]], key: str) -> list[dict[str, str]]:
    """Return the first row of each key: older files have one a language."""
    return list({row[key]: row for row in reversed(rows)}.values())[::-1]


def _in_language(
    rows: Sequence[dict[str, str]], key: str, language: str
) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        if row[key] not in found or row.get("language") == language:
            found[row[key]] = row
    return found


def _structure(path: Path) -> Iterator[FormQuestion]:
    """LimeSurvey's tab-separated structure: a row a group, question, part and answer."""
    columns = frozenset(("class", "type/scale", "name", "text", "language"))
    rows = list(_table(read_csv, path, ReaderSettings(delimiter="\t", headings=columns)))
    if not rows or not columns <= rows[0].keys():
        raise _no_form(path.name, "no columns class, type/scale, name")
    language = next((row["language"] for row in rows if row["class"] in ("G", "Q")), "")
    base = [row for row in rows if row["language"] in ("", language)]
    groups = ""
    questions: list[tuple[dict[str, str], str, list[dict[str, str]], list[tuple[str, str]]]] = []
    for row in base:
        if row["class"] == "G":
            groups = _plain(row["name"])
        elif row["class"] == "Q":
            questions.append((row, groups, [], []))
        elif row["class"] == "SQ" and questions:
            questions[-1][2].append(row)
        elif row["class"] == "A" and questions:
            questions[-1][3].append((row["name"], _plain(row["text"])))
    for row, group, parts, answers in questions:
        kind = row["type/scale"]
        choices = _fixed(kind) or tuple(answers)
        if kind in _SINGLE and choices:
            yield FormQuestion(row["name"], _plain(row["text"]), group, choices)
        elif kind in _ARRAYS and choices:
            for part in parts:
                words = fold(f"{_plain(row['text'])} {_plain(part['text'])}")
                yield FormQuestion(f"{row['name']}_{part['name']}", words, group, choices)


def _xlsform(path: Path) -> Iterator[FormQuestion]:
    lists: dict[str, list[tuple[str, str]]] = defaultdict(list)
    names = frozenset(("list_name", "list name", "name", "label"))
    for row in _table(read_xlsx, path, ReaderSettings(sheet="choices", headings=names)):
        of = row.get("list_name") or row.get("list name", "")
        lists[of].append((row.get("name", ""), _label(row)))
    groups: list[str] = []
    known = frozenset(("type", "name", "label"))
    for row in _table(read_xlsx, path, ReaderSettings(sheet="survey", headings=known)):
        kind = row.get("type", "").split()
        if kind[:1] == ["begin_group"] or kind[:2] == ["begin", "group"]:
            groups.append(_label(row))
        elif (kind[:1] == ["end_group"] or kind[:2] == ["end", "group"]) and groups:
            groups.pop()
        elif kind[:1] == ["select_one"] and len(kind) > 1 and lists[kind[1]]:
            group = next((name for name in reversed(groups) if name), "")
            yield FormQuestion(row["name"], _label(row), group, tuple(lists[kind[1]]))


def _label(row: Mapping[str, str]) -> str:
    """Return the label, in the form's first language where it has several."""
    labels = (text for name, text in row.items() if name == "label" or name.startswith("label:"))
    return _plain(next(filter(None, labels), ""))


def _qsf(document: Mapping[str, Any]) -> Iterator[FormQuestion]:
    elements = document["SurveyElements"]
    blocks: dict[str, str] = {}
    for element in elements:
        if element["Element"] == "BL":
            payload = element["Payload"]
            for block in payload.values() if isinstance(payload, dict) else payload:
                for part in block.get("BlockElements", ()):
                    blocks[part.get("QuestionID", "")] = str(block.get("Description", ""))
    for element in elements:
        if element["Element"] != "SQ":
            continue
        payload = element["Payload"]
        tag, text = str(payload["DataExportTag"]), _plain(str(payload["QuestionText"]))
        group = blocks.get(element["PrimaryAttribute"], "")
        recoded = payload.get("RecodeValues") or {}
        choices = dict(_entries(payload.get("Choices")))
        if payload["QuestionType"] == "MC" and payload.get("Selector") not in ("MAVR", "MAHR"):
            answers = tuple((str(recoded.get(key, key)), of) for key, of in choices.items())
            yield FormQuestion(tag, text, group, answers)
        elif payload["QuestionType"] == "Matrix" and payload.get("Selector") == "Likert":
            columns = _entries(payload.get("Answers"))
            answers = tuple((str(recoded.get(key, key)), of) for key, of in columns)
            tags = payload.get("ChoiceDataExportTags") or {}
            for key, of in choices.items():
                code = tags.get(key) if isinstance(tags, dict) else None
                yield FormQuestion(
                    str(code or f"{tag}_{key}"), fold(f"{text} {of}"), group, answers
                )


def _entries(choices: object) -> list[tuple[str, str]]:
    """Return keys and texts; Qualtrics writes them as an object, or as a list from 1."""
    if isinstance(choices, list):
        choices = {str(place): each for place, each in enumerate(choices, start=1)}
    if not isinstance(choices, dict):
        return []
    return [(str(key), _plain(str(each["Display"]))) for key, each in choices.items()]


def _table(reader: Any, path: Path, settings: ReaderSettings) -> Iterator[dict[str, str]]:  # noqa: ANN401
    table = reader(path, settings)
    names = [heading_key(name) for name in table.header.names]
    try:
        for batch, _ in table.batches:
            for cells in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                yield {name: (cell or "").strip() for name, cell in zip(names, cells, strict=True)}
    finally:
        table.batches.close()


def _plain(text: str) -> str:
    """Return a text without HTML, blanks folded."""
    without = re.sub(r"(?is)<(script|style)\b.*?</\1\s*>", " ", text)
    return fold(html.unescape(re.sub(r"(?s)<[^>]*>", " ", without)))
