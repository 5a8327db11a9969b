"""Responses as each tool writes them, block by block.

Belongs here: headings, labels, times and files of LimeSurvey, Google Forms and Microsoft Forms.
Doesn't: who answers what (fieldwork, ratings).
"""

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import xlsxwriter
from numpy.typing import NDArray

from orchestration.durable_files import below
from orchestration.sampling.fieldwork import Fault, Responses
from orchestration.sampling.population import Staff
from orchestration.sampling.ratings import (
    BLANK,
    NOT_AVAILABLE,
    NOT_USED,
    OFF_SCALE,
    Truth,
    rate,
    stated_categories,
)
from orchestration.sampling.vocabulary import Column, Profile, Question, Vocabulary

Cell = str | int | datetime
Texts = NDArray[np.object_]

_BLOCK_ROWS = 50_000
_DATE_UNKNOWN = np.datetime64("1980-01-01T00:00:00")
_DECIMAL = 10  # added to a code that a spreadsheet wrote as 5.0
_DECIMAL_SHARE = 0.04
_OTHER = {"limesurvey": "-oth-", "google_forms": "Lainnya", "ms_forms": "Lainnya"}


def write_exports(
    folder: Path,
    vocabulary: Vocabulary,
    profile: Profile,
    staff: Staff,
    responses: Responses,
    truth: Truth,
    *,
    seed: tuple[int, int],
    rows_per_file: int,
) -> list[Path]:
    """Write one tool's export below `folder/<profile_id>/`, and return its files.

    They are of one length: a short last file would hold the late responses and little else, and
    the border would stop it.
    """
    suffix, write = _WRITERS[profile.tool]
    name = f"survei-{vocabulary.cycle.cycle_id}"
    files_needed = max(ceil(len(responses) / rows_per_file), 1)
    length = max(ceil(len(responses) / files_needed), 1)
    starts = range(0, max(len(responses), 1), length)
    exports = below(folder, profile.profile_id)
    exports.mkdir(parents=True, exist_ok=True)
    files = []
    for part, start in enumerate(starts, start=1):
        path = exports / (f"{name}-{part}{suffix}" if len(starts) > 1 else f"{name}{suffix}")
        blocks = _blocks(
            vocabulary,
            profile,
            staff,
            responses[start : start + length],
            truth,
            first_id=start + 1,
            seed=(*seed, part),
        )
        write(path, _headings(profile), blocks, vocabulary)
        files.append(path)
    return files


def _blocks(
    vocabulary: Vocabulary,
    profile: Profile,
    staff: Staff,
    responses: Responses,
    truth: Truth,
    *,
    first_id: int,
    seed: tuple[int, int, int],
) -> Iterator[list[Sequence[Cell]]]:
    """Yield columns of cells, `_BLOCK_ROWS` responses at a time."""
    tables = [_answer_cells(profile, question) for question in vocabulary.questions]
    positions = {
        question.question_id: number for number, question in enumerate(vocabulary.questions)
    }
    for block, start in enumerate(range(0, len(responses), _BLOCK_ROWS)):
        rng = np.random.default_rng([*seed, block])
        part = responses[start : start + _BLOCK_ROWS]
        codes = rate(vocabulary, staff, part, truth, rng)
        if profile.tool == "google_forms":
            as_decimal = rng.random(codes.shape, dtype=np.float32) < _DECIMAL_SHARE
            codes = codes + _DECIMAL * (as_decimal & (codes > BLANK)).astype(np.int8)
        attributes = _attributes(vocabulary, profile, staff, part, first_id + start)
        ignored = _IGNORED[profile.tool](staff.identifiers[part.persons], attributes, rng)
        yield [
            tables[positions[column.target]][
                codes[:, positions[column.target]] - OFF_SCALE
            ].tolist()
            if column.target_kind == "question"
            else _other_column(column, attributes, ignored, len(part))
            for column in profile.columns
        ]


def _other_column(
    column: Column,
    attributes: Mapping[str, Sequence[Cell]],
    ignored: Mapping[str, Sequence[Cell]],
    rows: int,
) -> Sequence[Cell]:
    cells = attributes.get(column.target) if column.target else ignored.get(column.heading)
    return [""] * rows if cells is None else cells


def _answer_cells(profile: Profile, question: Question) -> Texts:
    """Return what the tool writes for each code, from OFF_SCALE upwards."""
    labels = profile.scale_labels(question)
    # A question asked in numbers has no box for "not available" in the forms; LimeSurvey's has.
    choices = profile.labels.get("*", {}) if profile.tool == "limesurvey" else {}
    choices = choices if labels is None else labels
    cells: list[Cell] = [""] * (_DECIMAL + question.scale_max - OFF_SCALE + 1)
    cells[NOT_AVAILABLE - OFF_SCALE] = choices.get("not_available", "")
    cells[NOT_USED - OFF_SCALE] = choices.get("not_used", "")
    for code in range(question.scale_min, question.scale_max + 1):
        number: Cell = code if profile.tool == "ms_forms" else str(code)
        cells[code - OFF_SCALE] = number if labels is None else labels[str(code)]
        cells[code + _DECIMAL - OFF_SCALE] = f"{code}.0" if labels is None else labels[str(code)]
    cells[0] = str(question.scale_max + 2) if labels is None else _OTHER[profile.tool]
    return np.array(cells, dtype=np.object_)


def _attributes(
    vocabulary: Vocabulary, profile: Profile, staff: Staff, responses: Responses, first_id: int
) -> dict[str, Sequence[Cell]]:
    """Return the cells of every attribute."""
    persons, faults = responses.persons, responses.faults
    other = _OTHER[profile.tool]

    def labelled(
        target: str, codes: Sequence[str], positions: NDArray[Any], unknown: Fault | None = None
    ) -> Sequence[Cell]:
        labels = profile.labels.get(target, {})
        stranger = other if labels else next(iter(vocabulary.closed_unit_ids), other)
        texts = np.array([*(labels.get(code, code) for code in codes), stranger], dtype=np.object_)
        cells: Sequence[Cell] = texts[
            positions if unknown is None else np.where(faults == unknown, len(codes), positions)
        ].tolist()
        return cells

    identifiers = np.array(
        [str(identifier) for identifier in staff.identifiers[persons].tolist()], dtype=np.object_
    )
    identifiers[faults == Fault.NO_IDENTIFIER] = ""
    started = responses.started.astype("datetime64[s]")
    submitted = responses.submitted.astype("datetime64[s]")
    for times in (started, submitted):
        times[faults == Fault.DATE_UNKNOWN] = _DATE_UNKNOWN
    write_time = _TIMES[profile.tool]
    submitted_cells = [write_time(time) for time in submitted.tolist()]
    for row in np.flatnonzero(faults == Fault.PARTIAL):
        submitted_cells[row] = ""
    return {
        "response_id": [
            number if profile.tool == "ms_forms" else str(number)
            for number in range(first_id, first_id + len(responses))
        ],
        "respondent_identifier": identifiers.tolist(),
        "submitted_at": submitted_cells,
        "started_at": [write_time(time) for time in started.tolist()],
        "is_test": labelled("is_test", ("false", "true"), (faults == Fault.TEST).astype(int)),
        "unit_id": labelled(
            "unit_id", vocabulary.unit_ids, staff.units[persons], Fault.UNKNOWN_UNIT
        ),
        "recipient_category_id": labelled(
            "recipient_category_id",
            vocabulary.categories,
            stated_categories(vocabulary, staff, responses),
            Fault.UNKNOWN_CATEGORY,
        ),
        "role_id": labelled("role_id", vocabulary.roles, staff.roles[persons]),
        **{
            attribute: labelled(
                attribute,
                vocabulary.demographics[attribute],
                staff.demographics[attribute][persons],
            )
            for attribute in vocabulary.demographics
        },
    }


def _limesurvey_ignored(
    identifiers: NDArray[np.int64],
    attributes: Mapping[str, Sequence[Cell]],
    rng: np.random.Generator,
) -> dict[str, Sequence[Cell]]:
    letters = np.array(list("abcdefghijkmnpqrstuvwxyz23456789"))
    tokens = letters[rng.integers(0, len(letters), (len(identifiers), 15))]
    hosts = rng.integers(0, 256, (len(identifiers), 3)).tolist()
    is_submitted = [cell != "" for cell in attributes["submitted_at"]]
    return {
        "lastpage": ["9" if whole else "3" for whole in is_submitted],
        "startlanguage": ["id"] * len(identifiers),
        "seed": [
            str(number) for number in rng.integers(10**8, 2 * 10**9, len(identifiers)).tolist()
        ],
        "token": ["".join(token) for token in tokens.tolist()],
        "datestamp": [
            submitted or started
            for submitted, started in zip(
                attributes["submitted_at"], attributes["started_at"], strict=True
            )
        ],
        "ipaddr": [f"10.{a}.{b}.{c}" for a, b, c in hosts],
    }


def _google_forms_ignored(
    identifiers: NDArray[np.int64],
    attributes: Mapping[str, Sequence[Cell]],
    rng: np.random.Generator,
) -> dict[str, Sequence[Cell]]:
    return {
        "Alamat email": [f"pegawai{number % 10**10}@example.org" for number in identifiers.tolist()]
    }


def _ms_forms_ignored(
    identifiers: NDArray[np.int64],
    attributes: Mapping[str, Sequence[Cell]],
    rng: np.random.Generator,
) -> dict[str, Sequence[Cell]]:
    return {"Email": ["anonymous"] * len(identifiers)}


def _headings(profile: Profile) -> list[str]:
    """Return the headings with the stray blanks that authors of forms leave in their questions."""
    headings = []
    for number, column in enumerate(profile.columns):
        heading = column.heading
        if column.target_kind == "question" and profile.tool == "google_forms":
            heading += {0: " ", 5: "\n", 9: "  "}.get(number % 11, "")
        elif column.target_kind == "question" and profile.tool == "ms_forms":
            heading += "\xa0" if number % 7 == 0 else ""
        headings.append(heading)
    return headings


def _write_limesurvey(
    path: Path,
    headings: list[str],
    blocks: Iterator[list[Sequence[Cell]]],
    vocabulary: Vocabulary,
) -> None:
    """RemoteControl's CSV: byte order mark, all quoted, semicolons, an empty line at the end."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, delimiter=";", quoting=csv.QUOTE_ALL, lineterminator="\r\n")
        writer.writerow(headings)
        for columns in blocks:
            writer.writerows(zip(*columns, strict=True))
        file.write("\r\n")


def _write_google_forms(
    path: Path,
    headings: list[str],
    blocks: Iterator[list[Sequence[Cell]]],
    vocabulary: Vocabulary,
) -> None:
    """The linked sheet's CSV: commas, quotes only where needed, line feeds."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(headings)
        for columns in blocks:
            writer.writerows(zip(*columns, strict=True))


def _write_ms_forms(
    path: Path,
    headings: list[str],
    blocks: Iterator[list[Sequence[Cell]]],
    vocabulary: Vocabulary,
) -> None:
    """The workbook of "Open in Excel": one sheet, real dates, numbers where a scale is numeric."""
    # Rows go to disk as they come, so that memory does not grow with the sheet.
    with xlsxwriter.Workbook(path, {"constant_memory": True}) as workbook:
        midnight = datetime.min.time()
        exported = datetime.combine(vocabulary.cycle.closes_on + timedelta(days=1), midnight)
        workbook.set_properties({"created": exported})
        time_format = workbook.add_format({"num_format": "m/d/yy h:mm:ss"})
        sheet = workbook.add_worksheet("Sheet1")
        for number, heading in enumerate(headings):
            sheet.write_string(0, number, heading)
        row = 0
        for columns in blocks:
            for record in zip(*columns, strict=True):
                row += 1
                for number, cell in enumerate(record):
                    if isinstance(cell, datetime):
                        sheet.write_datetime(row, number, cell, time_format)
                    elif isinstance(cell, int):
                        sheet.write_number(row, number, cell)
                    elif cell:
                        sheet.write_string(row, number, cell)


_WRITERS: Mapping[str, tuple[str, Callable[..., None]]] = {
    "limesurvey": (".csv", _write_limesurvey),
    "google_forms": (".csv", _write_google_forms),
    "ms_forms": (".xlsx", _write_ms_forms),
}
_IGNORED = {
    "limesurvey": _limesurvey_ignored,
    "google_forms": _google_forms_ignored,
    "ms_forms": _ms_forms_ignored,
}
_TIMES: Mapping[str, Callable[[datetime], Cell]] = {
    "limesurvey": str,
    "google_forms": lambda time: f"{time:%d/%m/%Y} {time.hour}:{time:%M:%S}",
    "ms_forms": lambda time: time,
}
