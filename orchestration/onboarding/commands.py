"""`ilk inspect`, `ilk profile`, `ilk instrument`: arguments and what is printed.

Belongs here: these commands of a new form. Doesn't: work; the other commands (cli.py).
"""

import sys
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.markup import escape
from rich.table import Table

from orchestration.terminal import console, fail, in_a_line, installation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestration.exports.faults import ExportFault
    from orchestration.onboarding.seed_draft import Sheet
    from orchestration.onboarding.sight import Member
    from orchestration.words import FaultText

_ExistingFile = Annotated[
    Path, typer.Argument(exists=True, dir_okay=False, help="Berkas ekspor. / An export.")
]
_Draft = Annotated[
    Path, typer.Argument(exists=True, dir_okay=False, help="Draf yang sudah diisi. / Filled in.")
]
_Out = Annotated[
    Path | None, typer.Option("--out", help="Draf yang ditulis (XLSX). / Where it is written.")
]

profile_app = typer.Typer(no_args_is_help=True, help="Profil ekspor baru. / A new export profile.")

instrument_app = typer.Typer(no_args_is_help=True, help="Instrumen baru. / A new instrument.")


def inspect(
    file: _ExistingFile,
    profile: Annotated[
        str | None, typer.Option(help="Baca seperti profil ini. / Read it as this profile's.")
    ] = None,
) -> None:
    """Lihat isi sebuah ekspor sebelum diatur. / See what is in an export before it is set up."""
    from orchestration.exports.faults import ExportFault
    from orchestration.exports.seed_files import read_identifier_kinds
    from orchestration.onboarding.inspection import SHOWN_PROBLEMS, inspect_archive, inspect_file
    from orchestration.words import both

    settings, _ = installation(writes=False)
    known = read_identifier_kinds(settings.seeds_dir)
    if profile is not None and profile not in known:
        fail(f"Profil tidak dikenal / unknown profile '{profile}': {', '.join(known)}", code=2)
    try:
        members, passed_over = inspect_archive(
            file, seeds_dir=settings.seeds_dir, profile_id=profile
        )
        if _print_members(file, members, passed_over):
            return
        seen = inspect_file(file, seeds_dir=settings.seeds_dir, profile_id=profile)
    except ExportFault as fault:
        _refuse(fault, file)
    for line in (
        f"Berkas / File: {seen.path} ({seen.size:,} bita / bytes)",
        f"Aplikasi / Tool: {seen.tool or 'tidak dikenali / not told'}",
        f"Pengodean / Encoding: {both(seen.shape)}",
        f"Judul kolom / Header: sampai baris / down to row {seen.header_row}, "
        f"{len(seen.columns)} kolom / columns",
        f"Jawaban / Records: {seen.record_count:,}",
        f"Profil / Profile: {seen.profile_id or 'belum ada / none yet'}",
    ):
        console.print(in_a_line(line), soft_wrap=True, markup=False)
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("#", justify="right")
    table.add_column("Kolom\nColumn", max_width=48)
    table.add_column("Terisi\nFilled", justify="right")
    table.add_column("Contoh\nExamples", max_width=34)
    table.add_column("Dipetakan ke\nMapped to", max_width=44)
    for column, words in seen.columns:
        table.add_row(
            str(column.place),
            escape(in_a_line(column.name)),
            f"{column.filled_count:,}",
            escape(in_a_line(" | ".join(column.examples))),
            escape(in_a_line(words)),
        )
    console.print(table)
    for problem in seen.problems[:SHOWN_PROBLEMS]:
        console.print(
            f"[yellow]Perhatikan / Note[/yellow] {escape(in_a_line(problem.place))}: "
            f"{escape(in_a_line(problem.text.id))} / {escape(in_a_line(problem.text.en))}",
            soft_wrap=True,
        )
    if (more := len(seen.problems) - SHOWN_PROBLEMS) > 0:
        console.print(f"... dan {more} lagi / and {more} more")
    if seen.profile_id is None:
        console.print(
            f"Lanjut / Go on: ./ilk profile new {quote(in_a_line(file))} --instrument ID "
            "--profile NAMA",
            soft_wrap=True,
            markup=False,
        )


@profile_app.command("new")
def new_profile(
    file: _ExistingFile,
    instrument: Annotated[str, typer.Option(help="Instrumen (questions.csv). / Instrument.")],
    profile: Annotated[str, typer.Option(help="Nama profil baru. / The new profile's name.")],
    tool: Annotated[
        str | None, typer.Option(help="Aplikasi, bila tak dikenali. / The tool, if not told.")
    ] = None,
    out: _Out = None,
) -> None:
    """Draf profil dari sebuah ekspor. / Draft a profile from an export."""
    from orchestration.durable_files import below
    from orchestration.exports.faults import ExportFault
    from orchestration.onboarding.profile_draft import draft_profile
    from orchestration.onboarding.seed_draft import DraftError, write_draft

    settings, _ = installation()
    _demand_plain_word("--profile", profile)
    target = out or below(settings.data_dir, "drafts", f"profile-{profile}.xlsx")
    try:
        draft = draft_profile(
            file,
            seeds_dir=settings.seeds_dir,
            instrument_id=instrument,
            profile_id=profile,
            tool=tool,
        )
        write_draft(target, draft.sheets, draft.targets)
    except ExportFault as fault:
        _refuse(fault, file)
    except DraftError as error:
        fail(str(error))
    console.print(
        f"{target}: {draft.taken_count} dari / of {draft.column_count} kolom / columns, "
        f"{draft.question_count} dari / of {draft.all_question_count} pertanyaan / questions",
        soft_wrap=True,
    )
    _print_left(draft.sheets, draft.notes, f"./ilk profile add {quote(str(target))} --cycle SIKLUS")


@profile_app.command("add")
def add_profile(
    draft: _Draft,
    cycle: Annotated[
        str | None,
        typer.Option(help="Juga sebagai sumber siklus ini. / As a source of this cycle, too."),
    ] = None,
) -> None:
    """Masukkan draf yang sudah diisi ke seed. / Let a filled draft into the seeds."""
    from expectations.seeds import ContradictorySeedsError
    from orchestration.onboarding.seed_draft import DraftError, add_draft

    settings, known = installation()
    if cycle is not None and cycle not in {each.cycle_id for each in known}:
        fail(f"Siklus tidak dikenal / unknown cycle '{cycle}'", code=2)
    source = {"cycle_id": cycle or "", "kind": "landing", "location": f"{cycle}/{{profile}}/*"}
    try:
        profile, added = add_draft(
            draft,
            seeds_dir=settings.seeds_dir,
            wanted=("export_profiles", "export_columns", "export_codes"),
            sources=[{**source, "profile_id": ""}] if cycle else [],
        )
    except (ContradictorySeedsError, DraftError) as error:
        fail(str(error))
    console.print(added.in_words(settings.seeds_dir), soft_wrap=True, markup=False)
    folder = f"{settings.landing}/{cycle or 'SIKLUS'}/{profile}/"
    console.print(
        f"Lanjut / Go on: taruh berkas di / drop the file into {folder}, lalu / then ./ilk run "
        f"{cycle or 'SIKLUS'}",
        soft_wrap=True,
        markup=False,
    )


@instrument_app.command("new")
def new_instrument(
    file: Annotated[
        Path,
        typer.Argument(exists=True, dir_okay=False, help=".lss, .lsa, .txt, XLSForm .xlsx, .qsf"),
    ],
    instrument: Annotated[str, typer.Option(help="Nama instrumen baru. / Its name.")],
    index: Annotated[
        str | None, typer.Option(help="Indeks, bila ada beberapa. / Which, if several.")
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(
            help="Instrumen dasarnya: draf memuat bedanya saja. / What it builds on: only "
            "what differs is drafted."
        ),
    ] = None,
    ask: Annotated[
        bool | None,
        typer.Option(
            "--ask/--no-ask",
            help="Tanyakan yang belum diketahui satu per satu; bawaan: di terminal. / Ask for "
            "what is not known one by one; default: in a terminal.",
        ),
    ] = None,
    out: _Out = None,
) -> None:
    """Draf pertanyaan dari definisi formulir. / Draft questions from a form's definition."""
    from orchestration.durable_files import below
    from orchestration.onboarding.form_definitions import FormError
    from orchestration.onboarding.instrument_draft import ask_open, draft_instrument
    from orchestration.onboarding.seed_draft import DraftError, write_draft

    settings, _ = installation()
    _demand_plain_word("--instrument", instrument)
    target = out or below(settings.data_dir, "drafts", f"instrument-{instrument}.xlsx")
    try:
        draft = draft_instrument(
            file,
            seeds_dir=settings.seeds_dir,
            instrument_id=instrument,
            index_id=index,
            base_id=base,
        )
        if sys.stdin.isatty() if ask is None else ask:
            ask_open(draft, _ask)
        write_draft(target, draft.sheets)
    except (DraftError, FormError) as error:
        fail(str(error))
    if base is not None:
        dropped = sum(row.get("is_asked") == "false" for row in draft.rows)
        new = sum("item_id" in row for row in draft.rows)
        changed = len(draft.rows) - dropped - new
        console.print(
            f"{target}: beda dari / differs from {base}: {new} pertanyaan baru / new questions, "
            f"{changed} berubah / changed, {dropped} tidak ditanyakan lagi / asked no more",
            soft_wrap=True,
        )
    else:
        console.print(
            f"{target}: {draft.told_count} dari / of {len(draft.rows)} pertanyaan dengan kode, "
            f"teks, dan skala / questions with code, text and scale ({draft.tool})",
            soft_wrap=True,
        )
    if draft.left_out:
        console.print(
            f"Bukan skala, tidak masuk draf / no scale, not in the draft: "
            f"{', '.join(draft.left_out)}",
            soft_wrap=True,
            markup=False,
        )
    for choice in draft.open_choices:
        console.print(f"Pilihan / Choices {choice}", soft_wrap=True, markup=False)
    _print_left(draft.sheets, (), f"./ilk instrument add {quote(str(target))}")


@instrument_app.command("add")
def add_instrument(draft: _Draft) -> None:
    """Masukkan draf yang sudah diisi ke seed. / Let a filled draft into the seeds."""
    from expectations.seeds import ContradictorySeedsError
    from orchestration.onboarding.seed_draft import DraftError, add_draft

    settings, _ = installation()
    try:
        name, added = add_draft(
            draft, seeds_dir=settings.seeds_dir, wanted=("instruments", "questions")
        )
    except (ContradictorySeedsError, DraftError) as error:
        fail(str(error))
    console.print(added.in_words(settings.seeds_dir), soft_wrap=True, markup=False)
    console.print(
        f"Lanjut / Go on: survey_cycles.csv, instrument_id {name}; ./ilk profile new",
        soft_wrap=True,
        markup=False,
    )


def _ask(place: str, column: str, allowed: list[str], default: str) -> str:
    """Ask until one of those allowed is typed; `?` leaves it open."""
    from orchestration.onboarding.seed_draft import OPEN

    console.print(place, soft_wrap=True, markup=False)
    while True:
        said = str(
            typer.prompt(f"  {column} ({', '.join(allowed)}, {OPEN})", default=default or OPEN)
        ).strip()
        if said == OPEN or not allowed or said in allowed:
            return said


def _print_members(file: Path, members: "list[Member]", passed_over: "FaultText | None") -> bool:
    """Say what a pull makes of each file of an archive; return whether that is all there is to say.

    It is not of the one file in an archive, nor of what is no archive.
    """
    for each in members:
        name = f"{file.name}/{each.name}"
        if each.fault is not None:
            told = f"{each.fault.in_indonesian(name)} / {each.fault.in_english(name)}"
            console.print(f"[red]Ditolak / Refused[/red] {escape(in_a_line(told))}", soft_wrap=True)
        elif each.record_count is not None:
            told = f"{name}: {each.record_count:,} jawaban / records"
            console.print(f"Dibaca / Read {escape(in_a_line(told))}", soft_wrap=True)
    if passed_over is not None:
        told = f"{file.name}: {passed_over.id} / {passed_over.en}"
        console.print(
            f"[yellow]Perhatikan / Note[/yellow] {escape(in_a_line(told))}", soft_wrap=True
        )
    readable = [each for each in members if each.fault is None]
    if members and not readable:
        fail("Tidak ada yang dibaca dari arsip ini. / Nothing in this archive is read.")
    if not readable or readable[0].record_count is None:
        return False
    console.print(
        "Lanjut / Go on: arsipnya dibaca apa adanya; untuk melihat kolom sebuah berkas, keluarkan "
        "lalu periksa berkas itu. / The archive is read as it is; to see the columns of a file, "
        "unpack and inspect that one.",
        soft_wrap=True,
    )
    return True


def _print_left(sheets: "Iterable[Sheet]", notes: "Iterable[FaultText]", then: str) -> None:
    """Print what is left to be filled in, and what comes next."""
    from orchestration.onboarding.seed_draft import OPEN, TAKEN, open_rows

    left = list(open_rows(list(sheets)))
    for sheet in left:
        offered = sheet.offered_count
        console.print(
            f"[yellow]Isi / Fill in[/yellow] lembar / sheet {sheet.seed}: {sheet.open_count} baris "
            f"/ rows ({OPEN})"
            + (
                f"; {offered} bersaran, '{TAKEN}' menerimanya / have a suggestion, '{TAKEN}' "
                "takes it"
                if offered
                else ""
            ),
            soft_wrap=True,
        )
    for note in notes:
        console.print(
            f"[yellow]Perhatikan / Note[/yellow] {escape(note.id)} / {escape(note.en)}",
            soft_wrap=True,
        )
    if not left:
        console.print("Tidak ada yang perlu diisi. / Nothing is left to be filled in.")
    console.print(f"Lanjut / Go on: {then}", soft_wrap=True, markup=False)


def _demand_plain_word(option: str, name: str) -> None:
    """End in a sentence where a new name can't name a file: seeds, folders and drafts bear it."""
    from orchestration.durable_files import is_plain_word

    if not is_plain_word(name):
        fail(
            f"{option} '{name}': pakai huruf a-z, angka, '-', '_' atau titik saja, paling banyak "
            "100; tidak ada yang ditulis. / Use letters a-z, digits, '-', '_' and dots only, 100 "
            "at most; nothing was written.",
            code=2,
        )


def _refuse(fault: "ExportFault", file: Path) -> None:
    name = file.name
    fail(f"{in_a_line(fault.in_indonesian(name))}\n{in_a_line(fault.in_english(name))}")
