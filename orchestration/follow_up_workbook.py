"""Follow-up plans: drafted as a workbook from what a publication shows, read back into the seed.

Belongs here: `ilk follow-ups`. Doesn't: what the seed must agree on (expectations/seed_rules.py),
how plans are shown (publishing/site/follow_ups.py).
"""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from orchestration.durable_files import whole_file
from orchestration.exports.csv_reader import read_csv
from orchestration.exports.faults import ExportFault
from orchestration.exports.headers import heading_key
from orchestration.exports.seed_files import ReaderSettings
from orchestration.exports.xlsx_reader import read_xlsx
from orchestration.publishing.reading.book import Book, Component, read_book
from orchestration.seeds.seed_tables import SeedFileError, declared_seeds, read_seed
from orchestration.words import FaultText, both, in_words

SEED = "follow_ups"
COLUMNS = tuple(declared_seeds()[SEED])
KEY = ("cycle_id", "unit_id", "perspective_id")
PLANNED = ("action", "owner", "due_on")
STATUSES = {
    "planned": FaultText("planned", "direncanakan"),
    "under_way": FaultText("under way", "berjalan"),
    "done": FaultText("done", "selesai"),
    "dropped": FaultText("dropped", "dibatalkan"),
}
HEADINGS = {
    "cycle_id": "Siklus / Cycle",
    "unit_id": "ID satuan / Unit ID",
    "unit_name": "Satuan kerja / Unit",
    "perspective_id": "ID perspektif / Perspective ID",
    "perspective_name": "Perspektif / Perspective",
    "score": "Nilai / Score",
    "interval": "Selang / Interval",
    "action": "Tindakan / Action",
    "owner": "Penanggung jawab / Owner",
    "due_on": "Tenggat / Due",
    "status": "Status",
}
_WIDTHS = {"unit_name": 40, "perspective_name": 26, "interval": 14, "action": 50, "owner": 26}
_SHOWN = 5  # wrong rows that are spelled out; the others are counted

_FAULTS = {
    "no_column": FaultText(
        "add the heading '{column}': the file has none. A fresh draft has them all.",
        "tambahkan judul kolom '{column}': berkas ini tidak memilikinya. Draf baru memuat "
        "semuanya.",
    ),
    "other_cycle": FaultText(
        "write '{cycle}' here, or read the file for the other cycle: the row says '{value}'.",
        "tulis '{cycle}' di sini, atau baca berkas ini untuk siklus lain: baris ini berisi "
        "'{value}'.",
    ),
    "unknown": FaultText(
        "correct '{column}': '{value}' is in no row of {target}.csv.",
        "perbaiki '{column}': '{value}' tidak ada di {target}.csv.",
    ),
    "empty": FaultText(
        "fill in '{column}', or empty action, owner and due: a plan has all three.",
        "isi '{column}', atau kosongkan tindakan, penanggung jawab, dan tenggat: rencana memuat "
        "ketiganya.",
    ),
    "no_date": FaultText(
        "write '{column}' as 2026-03-31 or 31/03/2026: '{value}' is no date.",
        "tulis '{column}' sebagai 2026-03-31 atau 31/03/2026: '{value}' bukan tanggal.",
    ),
    "no_status": FaultText(
        "choose from the list ({allowed}): '{value}' is no status.",
        "pilih dari daftar ({allowed}): '{value}' bukan status.",
    ),
    "twice": FaultText(
        "remove this row or row {first}: both are of the same unit and perspective.",
        "hapus baris ini atau baris {first}: keduanya tentang satuan dan perspektif yang sama.",
    ),
}


class FollowUpError(ValueError):
    """Plans can't be drafted or read; the message is for people, and nothing was written."""


@dataclass(frozen=True)
class Merged:
    """What reading a workbook did to the seed's rows."""

    added: int
    changed: int
    same: int
    unplanned: int
    """Rows of the workbook without a plan, which the seed is left as it is for."""


def draft(*, database: Path, seeds_dir: Path, cycle_id: str, workbook: Path) -> int:
    """Write the workbook: each shown unit's lowest perspectives, known plans filled in.

    Returns how many rows it has. Raises FollowUpError where the publication shows none of the
    cycle.
    """
    if workbook.exists():  # somebody may have filled it in
        raise FollowUpError(
            f"{workbook} sudah ada: baca dulu dengan --read, atau tulis ke berkas lain dengan "
            "--out. / is there already: read it first by --read, or write another by --out."
        )
    if not database.is_file():
        raise FollowUpError(
            f"Belum ada publikasi: jalankan dulu ilk run {cycle_id}. / Nothing is published yet: "
            f"run ilk run {cycle_id} first."
        )
    known = {
        tuple(row[column] for column in KEY): row
        for row in _seed_rows(seeds_dir)
        if row["cycle_id"] == cycle_id
    }
    with read_book(database) as book:
        rows = list(_lowest(book, cycle_id, known)) if cycle_id in book.cycles else []
    if not rows:
        raise FollowUpError(
            f"Publikasi tidak menampilkan perspektif terendah satuan mana pun untuk {cycle_id}: "
            "terbitkan siklus yang masa surveinya sudah berakhir. / The publication shows no "
            f"unit's lowest perspectives for {cycle_id}: publish a cycle whose window has closed."
        )
    _write_workbook(workbook, cycle_id, rows)
    return len(rows)


def _lowest(
    book: Book, cycle_id: str, known: Mapping[tuple[str, ...], Mapping[str, str]]
) -> Iterator[dict[str, object]]:
    """Give the draft's rows: the lowest of each unit by rank, then other plans that are known."""
    units = book.units.get(cycle_id, {})
    names = {row["perspective_id"]: row for row in book.perspectives}
    given = set()
    keys = []
    for unit_id in units:
        ranked = book.rows(
            "idx_priorities", cycle_id=cycle_id, domain_type="provider_unit", domain_id=unit_id
        )
        shown = [row for row in ranked if row["score"] is not None and row["lowest_rank"]]
        keys += [
            (cycle_id, unit_id, row["perspective_id"])
            for row in sorted(shown, key=lambda row: int(row["lowest_rank"]))
        ]
    given.update(keys)
    for key in [*keys, *(key for key in known if key not in given)]:
        _, unit_id, perspective_id = key
        score = book.score(
            cycle_id, "provider_unit", unit_id, Component(perspective_id=perspective_id)
        )
        name = names.get(perspective_id)
        low, high = (
            (None, None)
            if score is None
            else (book.scale.of(score.ci_low), book.scale.of(score.ci_high))
        )
        plan = known.get(key, {})
        yield {
            "cycle_id": cycle_id,
            "unit_id": unit_id,
            "unit_name": units[unit_id]["unit_name"] if unit_id in units else unit_id,
            "perspective_id": perspective_id,
            "perspective_name": both(FaultText(name["name_en"], name["name_id"])) if name else "",
            "score": book.scale.of(score.score) if score else None,
            "interval": "" if low is None or high is None else f"{low:.2f} – {high:.2f}",
            "action": plan.get("action", ""),
            "owner": plan.get("owner", ""),
            "due_on": plan.get("due_on", ""),
            "status": _in_words(plan.get("status", "planned")),
        }


def _in_words(status: str) -> str:
    return both(in_words(STATUSES, status))


def _write_workbook(path: Path, cycle_id: str, rows: Sequence[Mapping[str, object]]) -> None:
    import xlsxwriter

    with whole_file(path) as fresh:
        book = xlsxwriter.Workbook(str(fresh), {"in_memory": True})
        bold = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        fixed = book.add_format({"font_color": "#55616d", "valign": "top", "text_wrap": True})
        figure = book.add_format({"font_color": "#55616d", "valign": "top", "num_format": "0.00"})
        free = book.add_format({"valign": "top", "text_wrap": True, "bg_color": "#fff6de"})
        day = book.add_format({"valign": "top", "num_format": "yyyy-mm-dd", "bg_color": "#fff6de"})
        sheet = book.add_worksheet(cycle_id[:31])
        sheet.freeze_panes(1, 0)
        for place, (column, heading) in enumerate(HEADINGS.items()):
            sheet.write_string(0, place, heading, bold)
            sheet.set_column(place, place, _WIDTHS.get(column, max(len(heading) + 2, 14)))
        for number, row in enumerate(rows, start=1):
            for place, column in enumerate(HEADINGS):
                cell = row[column]
                if column == "score" and isinstance(cell, float):
                    sheet.write_number(number, place, cell, figure)
                elif column == "due_on" and (due := _day(str(cell))):
                    sheet.write_datetime(number, place, due, day)
                else:
                    own = day if column == "due_on" else free if column in PLANNED else fixed
                    own = free if column == "status" else own
                    sheet.write_string(number, place, str(cell or ""), own)
        last = len(rows)
        places = {column: place for place, column in enumerate(HEADINGS)}
        choice = [_in_words(status) for status in STATUSES]
        sheet.data_validation(
            1, places["status"], last, places["status"], {"validate": "list", "source": choice}
        )
        sheet.data_validation(
            1,
            places["due_on"],
            last,
            places["due_on"],
            {
                "validate": "date",
                "criteria": ">",
                "value": date(2000, 1, 1),
                "error_type": "warning",
                "error_message": "31/03/2026",
            },
        )
        sheet.autofilter(0, 0, last, len(HEADINGS) - 1)
        book.close()


def read(*, file: Path, seeds_dir: Path, cycle_id: str) -> Merged:
    """Check a filled workbook and merge its plans into the seed, by cycle, unit and perspective.

    Raises FollowUpError with all that is wrong; the seed is then as it was.
    """
    rows = _read_file(file)
    plans, faults, unplanned = _plans(rows, seeds_dir, cycle_id)
    if faults:
        shown = [
            f"{file.name}, baris / row {row}:\n    {text.id}\n    {text.en}"
            for row, text in faults[:_SHOWN]
        ]
        if (more := len(faults) - _SHOWN) > 0:
            shown.append(f"... dan {more} baris lagi / and {more} more rows")
        shown.append("Tidak ada yang ditulis. / Nothing was written.")
        raise FollowUpError("\n".join(shown))
    return _merge(plans, seeds_dir, unplanned)


def _seed_rows(seeds_dir: Path) -> list[dict[str, str]]:
    try:
        return read_seed(seeds_dir / f"{SEED}.csv").records()
    except SeedFileError as error:
        raise FollowUpError(str(error)) from error


def _read_file(file: Path) -> list[tuple[int, dict[str, str]]]:
    """Return the rows that hold anything, by column, with the row that a spreadsheet shows."""
    wanted = {heading_key(heading): column for column, heading in HEADINGS.items()}
    settings = ReaderSettings(headings=frozenset(wanted))
    reader = read_csv if file.suffix.lower() == ".csv" else read_xlsx
    try:
        table = reader(file, settings)
        places = {
            wanted[key]: place
            for place, name in enumerate(table.header.names)
            if (key := heading_key(name)) in wanted
        }
        found = []
        try:
            for batch, numbers in table.batches:
                columns = [column.to_pylist() for column in batch.columns]
                for number, cells in zip(
                    numbers.to_pylist(), zip(*columns, strict=True), strict=True
                ):
                    row = {column: (cells[at] or "").strip() for column, at in places.items()}
                    if any(row.values()):
                        found.append((int(number or 0), row))
        finally:
            table.batches.close()
    except ExportFault as fault:
        raise FollowUpError(
            f"{fault.in_indonesian(file.name)}\n{fault.in_english(file.name)}"
        ) from fault
    for column in (*KEY, *PLANNED, "status"):
        if column not in places:
            text = _FAULTS["no_column"].filled(column=HEADINGS[column])
            raise FollowUpError(f"{file.name}: {text.id}\n{text.en}")
    return found


def _plans(
    rows: Sequence[tuple[int, Mapping[str, str]]], seeds_dir: Path, cycle_id: str
) -> tuple[dict[tuple[str, ...], dict[str, str]], list[tuple[int, FaultText]], int]:
    """Return the plans by key, what is wrong by row, and how many rows hold no plan."""
    known = {
        column: {row[column] for row in read_seed(seeds_dir / f"{target}.csv").records()}
        for column, target in (("unit_id", "units"), ("perspective_id", "perspectives"))
    }
    plans: dict[tuple[str, ...], dict[str, str]] = {}
    faults: list[tuple[int, FaultText]] = []
    first: dict[tuple[str, ...], int] = {}
    unplanned = 0
    for number, row in rows:
        if not any(row[column] for column in PLANNED):
            unplanned += 1
            continue
        fault = _fault(row, known, cycle_id)
        key = tuple(row[column] for column in KEY)
        if fault is None and key in first:
            fault = _FAULTS["twice"].filled(first=first[key])
        if fault is not None:
            faults.append((number, fault))
            continue
        first[key] = number
        due = _day(row["due_on"])
        plans[key] = {column: row[column] for column in COLUMNS} | {
            "due_on": due.isoformat() if due else "",
            "status": _status(row["status"]) or "",
        }
    return plans, faults, unplanned


def _fault(
    row: Mapping[str, str], known: Mapping[str, set[str]], cycle_id: str
) -> FaultText | None:
    if row["cycle_id"] != cycle_id:
        return _FAULTS["other_cycle"].filled(cycle=cycle_id, value=row["cycle_id"])
    for column, target in (("unit_id", "units"), ("perspective_id", "perspectives")):
        if row[column] not in known[column]:
            return _FAULTS["unknown"].filled(
                column=HEADINGS[column], value=row[column], target=target
            )
    for column in PLANNED:
        if not row[column]:
            return _FAULTS["empty"].filled(column=HEADINGS[column])
    if _day(row["due_on"]) is None:
        return _FAULTS["no_date"].filled(column=HEADINGS["due_on"], value=row["due_on"])
    if _status(row["status"]) is None:
        allowed = ", ".join(map(_in_words, STATUSES))
        return _FAULTS["no_status"].filled(allowed=allowed, value=row["status"])
    return None


def _day(text: str) -> date | None:
    """Return a day written 2026-03-31 (with a time, where a workbook adds one) or 31/03/2026."""
    written = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)(?:[T ]00:00:00)?", text)
    slashed = re.fullmatch(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})", text)
    parts = written.groups() if written else slashed.groups()[::-1] if slashed else None
    if parts is None:
        return None
    try:
        return date(*map(int, parts))
    except ValueError:
        return None


def _status(text: str) -> str | None:
    """Return the status that a cell names by its code or in either language; empty is planned."""
    names = {
        name.casefold(): status
        for status, words in STATUSES.items()
        for name in (status, words.id, words.en, both(words))
    }
    return names.get(text.casefold()) if text else "planned"


def _merge(
    plans: Mapping[tuple[str, ...], Mapping[str, str]], seeds_dir: Path, unplanned: int
) -> Merged:
    path = seeds_dir / f"{SEED}.csv"
    before = {tuple(row[column] for column in KEY): row for row in _seed_rows(seeds_dir)}
    after = before | {key: dict(plan) for key, plan in plans.items()}
    added = sum(key not in before for key in plans)
    changed = sum(
        key in before and {column: before[key].get(column) for column in COLUMNS} != plan
        for key, plan in plans.items()
    )
    if added or changed:
        mode = path.stat().st_mode & 0o777 if path.is_file() else 0o644
        with whole_file(path) as fresh:
            with fresh.open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, COLUMNS, lineterminator="\n", extrasaction="ignore")
                writer.writeheader()
                writer.writerows(after.values())
            fresh.chmod(mode)
    return Merged(added, changed, len(plans) - added - changed, unplanned)
