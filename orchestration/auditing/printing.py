"""What auditing finds, laid out for a terminal, in Indonesian and English.

Belongs here: tables and sentences. Doesn't: finding anything.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from orchestration.auditing.rows import RowFate
from orchestration.auditing.scores import TOLERANCE, Question, ScoreTrace, Verdict
from orchestration.publishing.reading.headline import decimal_comma, grouped
from orchestration.words import REASONS, both, in_words

if TYPE_CHECKING:
    from orchestration.auditing.final_cycles import FinalVersion
    from orchestration.auditing.reproduction import Reproduction

_INSIDE = (
    "Untuk pemeriksa di dalam: isinya bisa lebih kecil dari yang boleh terbit. / "
    "For auditors inside: it may show less than min_cell_n persons."
)


def print_score(console: Console, trace: ScoreTrace, verdict: Verdict) -> None:
    """Print the walk down from one domain's score: items, strata, files, and the verdict."""
    question = trace.question
    console.print(
        f"[bold]{escape(_name(question, verdict.domain_id))}[/bold]\n[dim]{_INSIDE}[/dim]"
    )
    if verdict.is_hidden:
        console.print(
            "[yellow]Dirahasiakan di publikasi; skor ini dari gudang. / Hidden in the publication; "
            "this score is the warehouse's.[/yellow]"
        )
    score = verdict.computed if verdict.is_hidden else verdict.published
    rounded = (
        ""
        if verdict.step is None or verdict.is_hidden
        else (f", dibulatkan ke / rounded to {decimal_comma(verdict.step, 2)}")
    )
    console.print(f"Skor / Score {decimal_comma(score, 12)}{rounded}")
    _print_items(console, trace)
    _print_strata(console, trace)
    _print_files(console, trace)
    if score is None and verdict.traced is None:
        console.print(
            "Tanpa skor, dan memang demikian: terlalu sedikit anak yang bernilai. / No score, and "
            "rightly so: too few children have a value."
        )
    else:
        console.print(
            f"Jumlah kontribusi / Sum of contributions {decimal_comma(verdict.traced, 12)} – "
            f"{_equal(verdict)} ({verdict.difference:.1e})"
        )


def print_verdicts(console: Console, question: Question, verdicts: Sequence[Verdict]) -> None:
    """Print whether all domains of a type add up, and those that don't; no score is shown."""
    failed = [verdict for verdict in verdicts if not verdict.holds]
    console.print(
        f"[bold]{escape(_name(question, None))}[/bold]: {grouped(len(verdicts) - len(failed))} "
        f"dari / of {grouped(len(verdicts))} skor sama dengan jumlah kontribusinya / scores are "
        f"the sum of their contributions, ±{TOLERANCE:g} "
        f"({grouped(sum(verdict.is_hidden for verdict in verdicts))} dirahasiakan / hidden)"
    )
    for verdict in failed:
        console.print(f"{escape(verdict.domain_id)}: {_equal(verdict)} {verdict.difference:.1e}")


def print_row(console: Console, fate: RowFate) -> None:
    """Print what became of a record of an export and of its answers; nobody's identifier."""
    console.print(
        f"[bold]{escape(fate.file_name)}[/bold], baris / row {fate.source_row}\n"
        f"sha256 {fate.file_sha256}\nresponse_key {fate.response_key}, "
        f"respondent_key {fate.respondent_key or '–'}"
    )
    console.print(
        "[green]Diterima / Accepted[/green]"
        if fate.is_accepted
        else "[red]Ditolak / Rejected: "
        f"{both(in_words(REASONS, fate.rejection_reason or ''))} ({fate.rejection_reason})[/red]"
    )
    for sentence in (*fate.facts, *fate.rules):
        console.print(f"  {escape(sentence)}", soft_wrap=True)
    if not fate.answers:
        console.print("Tak satu jawabannya dihitung. / None of its answers counts.")
        return
    table = _table(
        "Pertanyaan\nQuestion",
        "Status",
        ">Kode\nCode",
        ">Skor\nScore",
        "Yang dinilai\nProvider",
        "Aturan\nRule",
    )
    for answer in fate.answers:
        table.add_row(
            escape(answer.question_id),
            answer.rejection_reason or answer.answer_status,
            "" if answer.answer_code is None else str(answer.answer_code),
            "" if answer.score is None else decimal_comma(answer.score, 4),
            escape(answer.provider_unit_id or ""),
            escape(answer.rule or ""),
        )
    console.print(table)


def print_final(console: Console, cycle_id: str, version: "FinalVersion") -> None:
    """Print since when a cycle is final, and where it is kept."""
    console.print(
        f"{cycle_id} final sejak / since {version.finalised_at} UTC: {version.folder}\n"
        "Tulis juga / write also 'final' di / in survey_cycles.csv, status.",
        soft_wrap=True,
    )


def print_reproduction(console: Console, cycle_id: str, found: "Reproduction") -> None:
    """Print whether a final cycle came out the same again, and what differs."""
    if not found.is_same_code:
        console.print(
            "[yellow]Kodenya lain daripada saat difinalkan / The code is not the one it was "
            f"finalised with: {found.version.code_version or found.version.code_hash}[/yellow]",
            soft_wrap=True,
        )
    for comparison in found.comparisons:
        verdict = (
            "[green]sama / equal[/green]"
            if comparison.is_equal
            else f"[red]{grouped(comparison.moved_count)} angka berbeda / numbers differ[/red]"
        )
        console.print(
            f"{cycle_id}, {grouped(comparison.table_count)} tabel / tables, final – "
            f"{comparison.with_what}: {verdict}",
            soft_wrap=True,
        )
        for table in comparison.missing_tables:
            console.print(f"  tabel tidak ada / table is missing: {escape(table)}")
        for sentence in comparison.examples:
            console.print(f"  {escape(sentence)}", soft_wrap=True)


def _print_items(console: Console, trace: ScoreTrace) -> None:
    table = _table(
        "Butir\nItem", ">Jawaban\nRatings", ">Rasio\nRatio", ">Bobot\nShare", ">Kontribusi\nPart"
    )
    for item in trace.items():
        table.add_row(
            escape(item.item_id),
            grouped(item.rating_count),
            decimal_comma(item.ratio, 6),
            decimal_comma(item.share, 6),
            decimal_comma(item.contribution, 9),
        )
    console.print(table)


def _print_strata(console: Console, trace: ScoreTrace) -> None:
    table = _table(
        "Strata\nStratum",
        ">n",
        ">N",
        ">Bobot\nWeight",
        ">Di domain\nIn domain",
        ">Kontribusi\nPart",
    )
    for stratum in trace.strata():
        weights = dict.fromkeys([stratum.weight_low, stratum.weight_high])
        table.add_row(
            escape(f"{stratum.role_id} {stratum.stratum_id}"),
            grouped(stratum.respondent_count),
            grouped(stratum.staff_count),
            " – ".join(decimal_comma(weight, 4) for weight in weights),
            grouped(stratum.domain_respondent_count),
            decimal_comma(stratum.contribution, 9),
        )
    console.print(table)


def _print_files(console: Console, trace: ScoreTrace) -> None:
    table = _table("Berkas\nFile, sha256", "Utuh\nIntact", ">Baris\nRows", ">Kontribusi\nPart")
    for file in trace.files():
        table.add_row(
            f"{escape(file.name)}\n[dim]{file.sha256}[/dim]",
            "ya/yes" if file.is_intact else "[red]tidak/no[/red]",
            grouped(file.row_count),
            decimal_comma(file.contribution, 9),
        )
    console.print(table)


def _table(*headings: str) -> Table:
    """Return a table; `>` before a heading puts its figures to the right."""
    table = Table(box=box.SIMPLE_HEAD)
    for heading in headings:
        right = heading.startswith(">")
        table.add_column(heading.removeprefix(">"), justify="right" if right else "left")
    return table


def _name(question: Question, domain_id: str | None) -> str:
    domain = "=".join(filter(None, [question.domain_type, domain_id]))
    return " · ".join([question.cycle_id, domain, question.component.name, question.weighting_mode])


def _equal(verdict: Verdict) -> str:
    if verdict.holds:
        return f"[green]sama, ±{TOLERANCE:g} / equal[/green]"
    return "[red]TIDAK SAMA / NOT EQUAL[/red]"
