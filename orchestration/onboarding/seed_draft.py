"""Rows for seeds as a workbook that a person looks at, fills in and lets into the seeds.

Belongs here: writing it, reading it back, adding its rows to seeds. Doesn't: what stands in it
(profile_draft.py, instrument_draft.py), what seeds must agree on (expectations/seed_rules.py).

A sheet is a seed, its first columns are the seed's; those to the right help and are left out. What
nobody but a person knows is `?`: as long as one is left, nothing gets into the seeds. `ok` takes
what the row suggests.
"""

import csv
import io
import shutil
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from orchestration.durable_files import whole_file
from orchestration.exports.faults import ExportFault
from orchestration.exports.headers import heading_key
from orchestration.exports.seed_files import ReaderSettings
from orchestration.exports.xlsx_reader import read_xlsx
from orchestration.seeds.demographics import attributes
from orchestration.seeds.seed_tables import (
    OPTIONAL_SEEDS,
    SeedTable,
    declared_seeds,
    read_seed,
    written_seed,
)

OPEN = "?"
TAKEN = "ok"
IGNORED = "ignore"
_SHOWN = 5
_LONGEST_LIST = 255  # letters that Excel takes
_WIDTHS = {"source_column": 60, "question_text": 70, "suggested_text": 60, "source_value": 40,
           "target": 46, "suggestion": 46, "other_suggestions": 40, "examples": 40}  # fmt: skip
_TARGETS = "targets"
KEYS = {
    "export_profiles": "profile_id",
    "export_columns": "profile_id",
    "export_codes": "profile_id",
    "instruments": "instrument_id",
    "questions": "instrument_id",
}
"""The seeds that a draft may hold, and the column that names what is new in it."""


class DraftError(ValueError):
    """A draft can't be written or let in; the message is for people, and nothing was written."""


@dataclass(frozen=True)
class Sheet:
    """The rows of one seed; columns that the seed does not have help a person."""

    seed: str
    rows: Sequence[Mapping[str, str]]
    helpers: Sequence[str] = ()
    choices: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """What a column may hold, where that is few."""

    @property
    def columns(self) -> list[str]:
        """Return the seed's columns, then those that help."""
        return [*declared_seeds()[self.seed], *self.helpers]

    @property
    def offered_count(self) -> int:
        """Return how many of these rows suggest what to fill in."""
        own = declared_seeds()[self.seed]
        return sum(
            bool(row.get("suggestion")) and any(row.get(column) == OPEN for column in own)
            for row in self.rows
        )

    @property
    def open_count(self) -> int:
        """Return how many rows a person has to fill in."""
        own = declared_seeds()[self.seed]
        return sum(any(row.get(column) == OPEN for column in own) for row in self.rows)


def write_draft(
    path: Path, sheets: Sequence[Sheet], targets: Sequence[tuple[str, str, str]] = ()
) -> None:
    """Write the workbook; `targets` (kind, target, text) can be chosen from in export_columns.

    Raises DraftError where the file is there: somebody may have filled it in.
    """
    import xlsxwriter

    choices = [("", TAKEN, "suggestion"), (IGNORED, IGNORED, ""), *targets]
    if path.exists():
        raise DraftError(
            f"{path} sudah ada, mungkin sudah diisi: hapus, atau tulis ke berkas lain dengan --out."
            " / is there already, perhaps filled in: remove it, or write another by --out."
        )
    with whole_file(path) as fresh:
        book = xlsxwriter.Workbook(str(fresh), {"in_memory": True, "strings_to_formulas": False})
        # Text, so that Excel makes no date of `5_10` or `1-2`.
        cell = {"num_format": "@", "valign": "top", "text_wrap": True}
        bold = book.add_format({"bold": True, "bottom": 1, "valign": "top"})
        own = book.add_format(cell)
        asked = book.add_format({**cell, "bg_color": "#ffd966", "bold": True})
        help_format = book.add_format({**cell, "font_color": "#55616d"})
        for sheet in sheets:
            page = book.add_worksheet(sheet.seed)
            page.freeze_panes(1, 0)
            declared = declared_seeds()[sheet.seed]
            for place, column in enumerate(sheet.columns):
                page.write_string(0, place, column, bold)
                width = _WIDTHS.get(column, max(len(column) + 2, 14))
                page.set_column(place, place, width, own if column in declared else help_format)
            for number, row in enumerate(sheet.rows, start=1):
                for place, column in enumerate(sheet.columns):
                    text = row.get(column, "")
                    form = asked if text == OPEN else own if column in declared else help_format
                    page.write_string(number, place, text, form)
            page.autofilter(0, 0, max(len(sheet.rows), 1), len(sheet.columns) - 1)
            for column, allowed in sheet.choices.items():
                place = sheet.columns.index(column)
                if sheet.rows and len(",".join(allowed)) <= _LONGEST_LIST:
                    listed = {"validate": "list", "source": list(allowed)}
                    page.data_validation(1, place, len(sheet.rows), place, listed)
            if targets and sheet.seed == "export_columns" and sheet.rows:
                last = len(sheet.rows)
                kinds = {"validate": "list", "source": ["attribute", "question", "ignore"]}
                page.data_validation(1, 2, last, 2, kinds)
                listed = {"validate": "list", "source": f"={_TARGETS}!$B$2:$B${len(choices) + 1}"}
                page.data_validation(1, 3, last, 3, {**listed, "error_type": "warning"})
        if targets:
            page = book.add_worksheet(_TARGETS)
            heading = ("target_kind", "target", "question_text")
            for number, told in enumerate([heading, *choices]):
                for place, text in enumerate(told):
                    page.write_string(number, place, text, own if number else bold)
            page.set_column(1, 1, 46)
            page.set_column(2, 2, 90)
        book.close()


@dataclass(frozen=True)
class Added:
    """How many rows got into which seed."""

    counts: Mapping[str, int]

    def in_words(self, seeds_dir: Path) -> str:
        """Return a line a seed."""
        return "\n".join(
            f"{seeds_dir / name}.csv: +{count:,} baris / rows"
            for name, count in self.counts.items()
        )


def add_draft(
    file: Path, *, seeds_dir: Path, wanted: Sequence[str], sources: Sequence[Mapping[str, str]] = ()
) -> tuple[str, Added]:
    """Add a filled draft's rows to the seeds, behind those that are there; return what is new.

    `sources` are further rows, of survey_sources; `wanted` the seeds that the draft must hold.
    Raises DraftError where something is left open or what is new is there already, and
    ContradictorySeedsError where the seeds would contradict themselves: nothing is written then.
    """
    known = attributes(seeds_dir)
    rows = {seed: _read_sheet(file, seed, known) for seed in wanted}
    faults = [
        f"{file.name}, lembar / sheet {seed}, baris / row {number}: {column} = {row[column]}"
        + (" (tanpa saran / nothing is suggested)" if row[column] == TAKEN else "")
        for seed, found in rows.items()
        for number, row in found
        for column in declared_seeds()[seed]
        if row.get(column) in (OPEN, TAKEN)
    ]
    if faults:
        more = [f"... dan {len(faults) - _SHOWN} lagi / and {len(faults) - _SHOWN} more"]
        raise DraftError(
            "\n".join(
                [
                    f"Isi dulu setiap '{OPEN}'; tidak ada yang ditulis. / Fill in each '{OPEN}' "
                    "first; nothing was written:",
                    *faults[:_SHOWN],
                    *more[: len(faults) > _SHOWN],
                ]
            )
        )
    [name] = _new_name(file, rows, next((seed for seed in wanted if rows[seed]), wanted[-1]))
    for seed, found in rows.items():
        key = KEYS[seed]
        if any(row[key] == name for row in read_seed(seeds_dir / f"{seed}.csv").records()):
            raise DraftError(
                f"{key} '{name}' sudah ada di {seeds_dir / seed}.csv, dan tidak ditimpa: pakai "
                "nama lain, atau ubah seed itu sendiri. / is there already and is not overwritten: "
                "use another name, or edit that seed."
            )
        if strangers := [number for number, row in found if row[key] != name]:
            raise DraftError(
                f"{file.name}, lembar / sheet {seed}, baris / row {strangers[0]}: tulis / write "
                f"{key} '{name}'."
            )
    new: dict[str, list[Mapping[str, str]]] = {
        seed: [row for _, row in found] for seed, found in rows.items()
    }
    for row in sources:
        if row["profile_id"] == "":
            new.setdefault("survey_sources", []).append(
                {**row, "profile_id": name, "location": row["location"].format(profile=name)}
            )
    texts = {
        seed: _with_rows(seeds_dir / f"{seed}.csv", added) for seed, added in new.items() if added
    }
    _demand_agreement(seeds_dir, texts)
    for seed, content in texts.items():
        path = seeds_dir / f"{seed}.csv"
        mode = (path if path.exists() else seeds_dir / f"{wanted[-1]}.csv").stat().st_mode & 0o777
        with whole_file(path) as fresh:
            fresh.write_bytes(content)
            fresh.chmod(mode)
    return name, Added({seed: len(new[seed]) for seed in texts})


def _new_name(
    file: Path, rows: Mapping[str, Sequence[tuple[int, Mapping[str, str]]]], seed: str
) -> set[str]:
    """Return the one profile or instrument of the draft's first sheet."""
    key = KEYS[seed]
    names = {row[key] for _, row in rows[seed]}
    if len(names) != 1 or "" in names:
        raise DraftError(
            f"{file.name}, lembar / sheet {seed}: tulis satu {key} yang sama di semua baris. / "
            f"write one {key}, the same in all rows."
        )
    return names


def _read_sheet(file: Path, seed: str, known: Collection[str]) -> list[tuple[int, dict[str, str]]]:
    """Return the rows that hold anything, by the seed's columns, with the row of the sheet."""
    declared = declared_seeds()[seed]
    settings = ReaderSettings(sheet=seed, headings=frozenset(map(heading_key, declared)))
    found: list[tuple[int, dict[str, str]]] = []
    try:
        table = read_xlsx(file, settings)
        places = {
            column: table.header.names.index(column)
            for column in (*declared, "suggestion")
            if column in table.header.names
        }
        try:
            for batch, numbers in table.batches:
                cells = [column.to_pylist() for column in batch.columns]
                for at, number in enumerate(numbers.to_pylist()):
                    row = {column: cells[place][at] or "" for column, place in places.items()}
                    if any(text.strip() for text in row.values()):
                        found.append((int(number or 0), _filled(seed, _trimmed(row), known)))
        finally:
            table.batches.close()
    except ExportFault as fault:
        command = f"ilk {'instrument' if seed == 'questions' else 'profile'} new"
        if fault.code == "no_sheet" and seed in OPTIONAL_SEEDS:
            return []
        if fault.code == "no_sheet":
            why = f"lembar yang ada / its sheets: {fault.details['sheets']}"
        else:
            why = f"bukan buku kerja yang utuh / no workbook that is whole: {fault.code}"
        raise DraftError(
            f"{file.name}, lembar / sheet {seed}: beri draf XLSX yang ditulis `{command}`, dengan "
            f"semua lembarnya; tidak ada yang ditulis. / Give the XLSX draft that `{command}` "
            f"wrote, with all of its sheets; nothing was written ({why})."
        ) from fault
    if KEYS[seed] not in places:
        raise DraftError(
            f"{file.name}, lembar / sheet {seed}: tidak ada kolom / no column {KEYS[seed]}"
        )
    return found


def _trimmed(row: Mapping[str, str]) -> dict[str, str]:
    """Trim what a person typed; a heading, a value and a text stay as the form has them."""
    verbatim = ("source_column", "source_value", "question_text")
    return {column: text if column in verbatim else text.strip() for column, text in row.items()}


def _filled(seed: str, row: Mapping[str, str], known: Collection[str]) -> dict[str, str]:
    """Return a row with the suggestion that it takes, and the kind that its target tells."""
    suggestion = row.get("suggestion")
    filled = {
        column: suggestion if text.lower() == TAKEN and suggestion else text
        for column, text in row.items()
        if column != "suggestion"
    }
    if seed == "export_columns":
        kind, target = filled.get("target_kind", ""), filled.get("target", "")
        if IGNORED in (kind, target):
            filled |= {"target_kind": IGNORED, "target": ""}
        elif kind in ("", OPEN) and target not in ("", OPEN, TAKEN):
            filled["target_kind"] = "attribute" if target in known else "question"
    return filled


def _with_rows(path: Path, rows: Sequence[Mapping[str, str]]) -> bytes:
    """Return the seed's file with rows behind its own, which stay byte for byte.

    Only where the file lacks a column that a row fills, or is UTF-16, it is written anew.
    """
    table: SeedTable = written_seed(path)
    content = path.read_bytes() if path.exists() else b""
    lacking = [
        column
        for column in declared_seeds()[path.stem]
        if column not in table.header and any(row.get(column) for row in rows)
    ]
    header = [*table.header, *lacking]
    added = io.StringIO()
    if lacking or not content or content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        writer = csv.DictWriter(added, header, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(table.records())
        content, end, delimiter = b"", "\n", ","
    else:
        end = "\r\n" if b"\r\n" in content.partition(b"\n")[0] + b"\n" else "\n"
        delimiter = table.delimiter
        if not content.endswith((b"\n", b"\r")):
            added.write(end)
    writer = csv.DictWriter(
        added, header, restval="", extrasaction="ignore", lineterminator=end, delimiter=delimiter
    )
    writer.writerows(rows)
    return content + added.getvalue().encode()


def _demand_agreement(seeds_dir: Path, texts: Mapping[str, bytes]) -> None:
    """Raise ContradictorySeedsError where the seeds with their new rows contradict themselves."""
    from expectations.seeds import ContradictorySeedsError, demand_agreement

    with tempfile.TemporaryDirectory(prefix="ilk-seeds-") as folder:
        copy = Path(folder) / seeds_dir.name
        copy.mkdir()
        for seed in seeds_dir.glob("*.csv"):
            shutil.copy(seed, copy)
        for seed_name, content in texts.items():
            (copy / f"{seed_name}.csv").write_bytes(content)
        try:
            demand_agreement(copy)
        except ContradictorySeedsError as error:
            raise ContradictorySeedsError(
                "Tidak ada yang ditulis; dengan baris draf, seed akan bertentangan: / Nothing was "
                "written; with the draft's rows the seeds would contradict themselves:\n"
                + str(error).replace(str(copy), str(seeds_dir))
            ) from error


def open_rows(sheets: Sequence[Sheet]) -> list[Sheet]:
    """Return the sheets that a person has to fill in."""
    return [sheet for sheet in sheets if sheet.open_count]
