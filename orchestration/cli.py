"""`ilk ...`: what a person of the index team types.

Belongs here: arguments, what is printed, exit codes (0 done, 1 a check or the build failed, 2 wrong
usage, 130 stopped). Doesn't: work; `ilk run` is the job `survey_cycle` that Dagster shows. Nothing
heavy is imported at the top, so that `ilk --help` and a typing error answer at once.
"""

import logging
import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.markup import escape
from rich.status import Status
from rich.table import Table
from typer.core import TyperGroup

from orchestration import serving, verifying
from orchestration.alerts import commands as alerting
from orchestration.health_command import health
from orchestration.onboarding import commands as onboarding
from orchestration.terminal import console
from orchestration.terminal import fail as _fail
from orchestration.terminal import installation as _installation

if TYPE_CHECKING:
    from orchestration.cycle_run import RunOutcome
    from orchestration.sample_plan import Plan
    from orchestration.seeds.survey_cycles import SurveyCycle
    from orchestration.settings import Settings


class _Commands(TyperGroup):
    """The commands; each ends in a sentence where a file of ours is damaged or misplaced."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401  # Typer's copy of click is its own
        """Run the command that was typed."""
        from orchestration.durable_files import (
            OutsidePathError,
            UnreadableFileError,
            disk_remedy,
        )

        try:
            return super().invoke(ctx)
        except (UnreadableFileError, OutsidePathError) as error:
            _fail(str(error))
        except (PermissionError, NotADirectoryError) as error:
            _fail(
                f"Izinkan, atau pilih folder lain / allow it, or choose another folder: {error}",
            )
        except OSError as error:
            if not (remedy := disk_remedy(error)):
                raise
            _fail(f"{remedy} {error}")


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Indeks Layanan Kesekretariatan: ekspor survei masuk, indeks terbit. / "
    "Survey exports in, a published index out.",
)
_IS_REAL = {True: "\nnyata\nreal", False: "\ntidak nyata\nnot real", None: ""}
# Who stops a run beside Ctrl-C, which at 3 a.m. nobody typed.
_STOPS = {
    signal.SIGTERM: "SIGTERM dari sistem / from the system (systemd, kill).",
    signal.SIGHUP: "SIGHUP: terminal ditutup / its terminal was closed.",
}
app.command()(health)
app.command()(alerting.alerts)
app.command()(alerting.digest)
app.command()(onboarding.inspect)
app.command()(serving.serve)
app.command()(verifying.verify)
app.add_typer(onboarding.profile_app, name="profile")
app.add_typer(onboarding.instrument_app, name="instrument")


@app.command()
def run(
    cycles: Annotated[
        list[str] | None, typer.Argument(metavar="[CYCLE]...", help="Siklus, mis. ilk-2025-s2.")
    ] = None,
    run_all: Annotated[
        bool, typer.Option("--all", help="Semua siklus yang punya berkas. / All with files.")
    ] = False,
    full_refresh: Annotated[
        bool,
        typer.Option(
            "--full-refresh",
            help="Dengan --all: gudang dibuat baru. / With --all: make the warehouse anew.",
        ),
    ] = False,
    accept_fewer: Annotated[
        bool,
        typer.Option(
            "--accept-fewer",
            help="Terima berkas dan siklus yang jawabannya jauh berkurang. / Let files and cycles "
            "shrink.",
        ),
    ] = False,
    restate: Annotated[
        str | None,
        typer.Option(
            metavar="WHY",
            help="Alasan mengubah angka siklus final. / Why numbers of a final cycle may move.",
        ),
    ] = None,
) -> None:
    """Tarik, periksa, hitung, terbitkan. / Pull, check, compute, publish."""
    from orchestration.lineage.tables import remove_warehouse
    from orchestration.run_lock import RunInProgressError, run_lock

    settings, known = _installation(seeds_must_agree=True)
    chosen = _chosen(settings, known, cycles or [], run_all=run_all)
    if full_refresh and not run_all:
        _fail("--full-refresh membuat semua siklus baru / makes all cycles anew: --all", code=2)
    restatement = _restatement(settings, cycles or chosen, restate)
    try:
        with run_lock(settings.data_dir):
            # The job takes it for good; this tells a person before the imports do.
            if full_refresh:
                remove_warehouse(settings.warehouse)
    except RunInProgressError as error:
        _fail(str(error))
    outcomes: list[RunOutcome] = []
    with _stoppable(), _progress():
        for number, cycle_id in enumerate(chosen, start=1):
            logging.getLogger("ilk").info("%s: menyiapkan / starting", cycle_id)
            from orchestration.cycle_run import run_cycle  # takes 2 s: the line is seen before

            outcomes.append(
                run_cycle(
                    settings,
                    cycle_id,
                    to_come=chosen[number:],
                    restatement=restatement,
                    accept_fewer=chosen if accept_fewer else (),
                )
            )
    is_everywhere = _print_outcomes(settings, outcomes)
    alerting.tell_after_a_run(settings)
    if any(outcome.problems for outcome in outcomes) or not is_everywhere:
        raise typer.Exit(1)


@app.command()
def example() -> None:
    """Jalankan contoh dengan orang rekaan. / Run the example of made-up people."""
    from orchestration.settings import EXAMPLE_LANDING, EXAMPLE_MARK, REPOSITORY, get_settings

    settings, _ = _installation()
    mark = settings.data_dir / EXAMPLE_MARK
    if settings.seeds_dir != REPOSITORY / "seeds":
        _fail("Kosongkan / unset ILK_SEEDS_DIR: contoh memakai / the example uses seeds/", code=2)
    if not settings.is_example and settings.raw_dir.exists():
        _fail(
            f"{settings.data_dir} memuat data lain; arahkan ILK_DATA_DIR ke folder baru. / "
            "holds other data; set ILK_DATA_DIR to a new folder.",
            code=2,
        )
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.write_text(
        "Folder ini milik contoh: orang rekaan, ekspor dari / This folder is the example's, of "
        f"made-up people, with exports of {EXAMPLE_LANDING.relative_to(REPOSITORY)}/\n",
        encoding="utf-8",
    )
    get_settings.cache_clear()
    try:
        run(sorted(path.name for path in EXAMPLE_LANDING.iterdir()))
    finally:
        console.print("Lanjut / Go on: [bold]./ilk status[/bold]")


@app.command()
def status(
    cycle: Annotated[
        str | None, typer.Argument(metavar="[CYCLE]", help="Pengisian siklus ini. / Its fieldwork.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(file_okay=False, help="Tulis daftar per wilayah. / Write each region's list."),
    ] = None,
) -> None:
    """Siklus, berkas, proses terakhir, publikasi. / Cycles, files, last run, publication."""
    from orchestration.auditing.final_cycles import is_final
    from orchestration.auditing.held_cycles import held_cycles
    from orchestration.cycles.fingerprints import cycle_fingerprint, raw_files
    from orchestration.cycles.state import cycle_states
    from orchestration.publishing.reading.headline import read_headline
    from orchestration.words import CYCLE_STATUSES, both, in_words

    settings, known = _installation()
    if cycle is not None:
        from orchestration.fieldwork import print_fieldwork

        _known_cycle(known, cycle)
        print_fieldwork(settings, next(each for each in known if each.cycle_id == cycle), out)
        return
    if out is not None:
        _fail("--out menulis daftar satu siklus / writes one cycle's lists: status CYCLE", code=2)
    states = cycle_states(settings)
    runs_of = {}
    if settings.dagster_home.exists():
        from orchestration.cycle_run import last_runs

        runs_of = last_runs(settings, [each.cycle_id for each in known])
    table = Table(box=box.SIMPLE_HEAD)
    for heading in (
        "Siklus\nCycle",
        "Masa survei\nWindow",
        "Status",
        "Berkas\nFiles",
        "Proses terakhir\nLast run",
        "Publikasi\nPublication",
    ):
        table.add_column(heading)
    for each in known:
        files = raw_files(settings, [each.cycle_id])
        names = len({file.name for file in files})  # a version in use may stand beside a refused
        refused = sum(file.status == "refused" for file in files)
        is_published = read_headline(settings.published_dir, each.cycle_id) is not None
        current = cycle_fingerprint(settings, each.cycle_id)
        is_current = states.is_published_from(each.cycle_id, current)
        table.add_row(
            each.cycle_id,
            f"{each.opens_on} – {each.closes_on}",
            both(
                in_words(
                    CYCLE_STATUSES,
                    "final" if is_final(settings, each.cycle_id) else each.status,
                )
            ),
            str(names) + (f" ({refused} ditolak/refused)" if refused else ""),
            runs_of.get(each.cycle_id, "–"),
            "dikembalikan/rolled back"
            if held_cycles(settings, {each.cycle_id: current})
            else "–"
            if not is_published
            else "terkini/current"
            if is_current
            else "usang/outdated",
        )
    console.print(table)
    _print_place(settings)


@app.command()
def publish(
    publication: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="Publikasi, lihat --list. / Which one.")
    ] = None,
    rollback: Annotated[
        bool,
        typer.Option(
            "--rollback",
            help="Tampilkan lagi publikasi sebelumnya, atau ID. / Show the one before, or ID.",
        ),
    ] = False,
    release: Annotated[
        str | None,
        typer.Option(
            metavar="CYCLE",
            help="Lepaskan siklus yang dikembalikan. / Let out a cycle that was rolled back.",
        ),
    ] = None,
    list_them: Annotated[
        bool,
        typer.Option("--list", help="Publikasi yang disimpan, utuh atau tidak. / Which are kept."),
    ] = False,
) -> None:
    """Publikasi yang disimpan; tampilkan lagi yang lama. / Publications kept; show one again."""
    from orchestration.auditing.rollback import go_back, kept, release_cycle
    from orchestration.dbt_build import WarehouseBuildError
    from orchestration.publishing import PublicationError
    from orchestration.run_lock import RunInProgressError

    if rollback + (release is not None) + list_them != 1 or (publication and not rollback):
        _fail("Pilih satu / choose one: --list, --rollback [ID], --release CYCLE", code=2)
    settings, known = _installation(writes=not list_them)
    try:
        if rollback:
            went = go_back(settings, publication)
            console.print(went.in_words(), soft_wrap=True, markup=False)
            if went.postgres is not None and went.postgres.problem:
                raise typer.Exit(1)
        elif release is not None:
            _known_cycle(known, release)
            if not release_cycle(settings, release):
                _fail(f"{release} tidak ditahan / is not held.")
            console.print(
                f"Lanjut / go on: ./ilk run {release}. Ia terbit seperti sebelum dikembalikan. / "
                "It is published as it was before it was rolled back."
            )
        else:
            for publication_kept in kept(settings):
                console.print(publication_kept.in_words(), soft_wrap=True, markup=False)
    except (PublicationError, RunInProgressError, WarehouseBuildError) as error:
        _fail(str(error))


@app.command()
def sample(
    out: Annotated[Path, typer.Option(help="Folder landing yang ditulis. / Landing to write.")],
    cycle: Annotated[str, typer.Option(help="Siklus. / Cycle.")] = "ilk-2025-s2",
    respondents: Annotated[int, typer.Option(min=1, help="Jumlah responden.")] = 500,
    seed: Annotated[int, typer.Option(help="Benih acak. / Random seed.")] = 1,
) -> None:
    """Buat ekspor contoh. / Make example exports."""
    from orchestration.sampling import make_cycle

    settings, known = _installation(writes=False)
    _known_cycle(known, cycle)
    try:
        files = make_cycle(
            out, cycle_id=cycle, respondents=respondents, seed=seed, seeds_dir=settings.seeds_dir
        )
    except (OSError, ValueError) as error:
        _fail(str(error), code=2)
    for file in files:
        console.print(str(file), soft_wrap=True)


@app.command()
def trace(
    cycle: Annotated[str, typer.Argument(metavar="CYCLE", help="Siklus. / Cycle.")],
    domain: Annotated[
        str | None, typer.Option(help="provider_unit=ID; tanpa ID semuanya. / Without ID, all.")
    ] = None,
    component: Annotated[
        str, typer.Option(help="index, service=sdm, perspective=, service_perspective=a/b, item=")
    ] = "index",
    weighting: Annotated[
        str | None, typer.Option(help="none, poststrat, rake; bawaan: metode siklus / the method's")
    ] = None,
    rows: Annotated[
        Path | None, typer.Option(help="Tulis jawabannya (CSV). / Write its answers.")
    ] = None,
    show_hidden: Annotated[
        bool, typer.Option("--show-hidden", help="Juga skor rahasia. / Hidden scores too.")
    ] = False,
    file: Annotated[
        str | None, typer.Option(help="Berkas ekspor, dengan --row. / An export, with --row.")
    ] = None,
    row: Annotated[
        int | None,
        typer.Option(
            min=1, help="Baris di lembar kerja (judul = 1). / Row in a spreadsheet (header = 1)."
        ),
    ] = None,
) -> None:
    """Telusuri skor sampai ke baris, atau nasib satu baris. / From a score to its rows."""
    from orchestration.auditing.commands import trace_row, trace_score
    from orchestration.auditing.opening import AuditError
    from orchestration.run_lock import RunInProgressError

    settings, known = _installation(reads_alone=True)
    _known_cycle(known, cycle)
    if (file is None) != (row is None) or (file is None) == (domain is None):
        _fail("--domain TYPE[=ID], atau / or --file NAME --row N", code=2)
    try:
        if file is not None and row is not None:
            trace_row(console, settings, cycle_id=cycle, file_name=file, source_row=row)
            return
        holds = trace_score(
            console,
            settings,
            cycle_id=cycle,
            domain=domain or "",
            component=component,
            weighting_mode=weighting,
            rows=rows,
            show_hidden=show_hidden,
        )
    except (AuditError, RunInProgressError) as error:
        _fail(str(error))
    if not holds:
        raise typer.Exit(1)


@app.command()
def plan(
    cycle: Annotated[str, typer.Argument(metavar="CYCLE", help="Siklus. / Cycle.")],
    out: Annotated[
        Path | None,
        typer.Option(file_okay=False, help="Folder tujuan. / The folder to write into."),
    ] = None,
) -> None:
    """Rencana sampel: siapa perlu diundang. / The sample plan: how many to ask where."""
    from orchestration.dbt_build import manifest_path
    from orchestration.publishing.specifications import read_described
    from orchestration.sample_plan import PlanError, write_plan

    settings, known = _installation()
    _known_cycle(known, cycle)
    try:
        made = write_plan(
            database=(settings.published_dir / "ilk.duckdb").resolve(),
            known=read_described(manifest_path(settings)),
            cycle_id=cycle,
            folder=out or settings.data_dir / "plans",
        )
    except PlanError as error:
        _fail(str(error))
    _print_plan(made)


@app.command("follow-ups")
def follow_ups(
    cycle: Annotated[str, typer.Argument(metavar="CYCLE", help="Siklus. / Cycle.")],
    read: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="Berkas yang sudah diisi. / The file, filled in."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Draf yang ditulis (XLSX). / Where the draft is written.")
    ] = None,
) -> None:
    """Draf rencana tindak lanjut, atau baca yang terisi. / Draft follow-up plans, or read them."""
    from orchestration import follow_up_workbook as plans

    settings, known = _installation()
    _known_cycle(known, cycle)
    try:
        if read is not None:
            merged = plans.read(file=read, seeds_dir=settings.seeds_dir, cycle_id=cycle)
            console.print(
                f"{settings.seeds_dir / plans.SEED}.csv: {merged.added} baru / new, "
                f"{merged.changed} diubah / changed, {merged.same} tetap / as they were; "
                f"{merged.unplanned} baris tanpa rencana / rows without a plan",
                soft_wrap=True,
            )
            console.print(f"Terbitkan / Publish: ./ilk run {cycle}")
            return
        workbook = out or settings.data_dir / "follow_ups" / f"{cycle}.xlsx"
        count = plans.draft(
            database=(settings.published_dir / "ilk.duckdb").resolve(),
            seeds_dir=settings.seeds_dir,
            cycle_id=cycle,
            workbook=workbook,
        )
    except plans.FollowUpError as error:
        _fail(str(error))
    console.print(f"{workbook}: {count} baris / rows", soft_wrap=True)
    console.print(f"Lanjut / Go on: ./ilk follow-ups {cycle} --read {workbook}", soft_wrap=True)


@app.command()
def metadata(
    cycle: Annotated[str, typer.Argument(metavar="CYCLE", help="Siklus. / Cycle.")],
) -> None:
    """Tulis MS-Keg, MS-Ind, MS-Var (BPS), DDI. / Write BPS' forms of metadata, and DDI."""
    from orchestration.metadata.command import write_metadata

    settings, known = _installation(seeds_must_agree=True)
    _known_cycle(known, cycle)
    report = write_metadata(
        seeds_dir=settings.seeds_dir,
        published_dir=settings.published_dir,
        folder=settings.data_dir / "metadata",
        cycle_id=cycle,
    )
    console.print(report.in_words(settings.seeds_dir), soft_wrap=True, markup=False)


@app.command()
def forget(
    identifier_file: Annotated[
        Path,
        typer.Option(
            "--identifier-file",
            exists=True,
            dir_okay=False,
            help="Satu pengenal per baris (NIP, e-mail, token). / One identifier a line.",
        ),
    ],
) -> None:
    """Hapus jawaban seseorang. / Erase a person's responses (docs/privacy.md)."""
    from orchestration.exports.forgotten import ForgottenKeyError
    from orchestration.exports.seed_files import SeedError
    from orchestration.forgetting import ForgetError, read_identifiers
    from orchestration.forgetting import forget as forget_people
    from orchestration.run_lock import RunInProgressError, run_lock

    settings, _ = _installation()
    try:
        identifiers = read_identifiers(identifier_file)
        with run_lock(settings.data_dir):
            report = forget_people(settings, identifiers)
    except (
        ForgetError,
        ForgottenKeyError,
        SeedError,
        RunInProgressError,
    ) as error:
        _fail(str(error))
    console.print(report.in_words(), soft_wrap=True, markup=False)
    if report.mentions:
        raise typer.Exit(1)


@app.command()
def finalise(
    cycle: Annotated[str, typer.Argument(metavar="CYCLE", help="Siklus. / Cycle.")],
) -> None:
    """Bekukan siklus yang sudah terbit. / Freeze a published cycle."""
    from orchestration.auditing.commands import finalise_cycle
    from orchestration.auditing.opening import AuditError
    from orchestration.run_lock import RunInProgressError

    settings, known = _installation()
    _known_cycle(known, cycle)
    try:
        finalise_cycle(console, settings, cycle_id=cycle)
    except (AuditError, RunInProgressError) as error:
        _fail(str(error))


@app.command()
def reproduce(
    cycle: Annotated[str, typer.Argument(metavar="CYCLE", help="Siklus final. / A final cycle.")],
) -> None:
    """Hitung ulang siklus final dan bandingkan. / Compute a final cycle again and compare."""
    from orchestration.auditing.commands import reproduce_cycle
    from orchestration.auditing.opening import AuditError
    from orchestration.run_lock import RunInProgressError

    settings, known = _installation()
    _known_cycle(known, cycle)
    try:
        is_equal = reproduce_cycle(console, settings, cycle_id=cycle)
    except (AuditError, RunInProgressError) as error:
        _fail(str(error))
    if not is_equal:
        raise typer.Exit(1)


@app.command()
def report(
    cycle: Annotated[str, typer.Argument(metavar="CYCLE", help="Siklus terbit. / Published.")],
    unit: Annotated[
        str | None, typer.Option(help="Satuan kerja: id atau nama. / A unit: id or name.")
    ] = None,
    region: Annotated[
        str | None, typer.Option(help="Wilayah: id atau nama. / A region: id or name.")
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Nasional, semua wilayah dan satuan kerja. / Everything.")
    ] = False,
    language: Annotated[str, typer.Option(help="id, en.")] = "id",
    format: Annotated[str, typer.Option(help="pdf, docx.")] = "pdf",
    poster: Annotated[
        bool, typer.Option("--poster", help="Poster A3, bukan laporan. / A poster, no report.")
    ] = False,
) -> None:
    """Buat laporan dari publikasi. / Make reports of what is published."""
    from orchestration.durable_files import OutsidePathError
    from orchestration.publishing.reports import ReportError
    from orchestration.publishing.reports.build import save_reports

    settings, _ = _installation()
    if sum((unit is not None, region is not None, every)) > 1:
        _fail("Pilih satu / choose one: --unit, --region, --all", code=2)
    if format not in ("pdf", "docx") or (poster and format != "pdf"):
        _fail("--format pdf, docx; --poster: pdf", code=2)
    try:
        with _progress():
            paths = save_reports(
                settings.published_dir,
                settings.reports_dir,
                cycle,
                unit=unit,
                region=region,
                every=every,
                code=language,
                kind="poster" if poster else "docx" if format == "docx" else "pdf",
                site_url=settings.site_url,
            )
    except (ReportError, OutsidePathError) as error:
        _fail(str(error))
    if len(paths) == 1:
        console.print(str(paths[0]), soft_wrap=True)
    else:
        folder = os.path.commonpath(paths)
        console.print(f"{len(paths)} laporan / reports: {folder}", soft_wrap=True)
    if poster and settings.site_url is None:
        console.print(
            "Tanpa kode QR: arahkan ILK_SITE_URL ke alamat situs. / "
            "No QR code: set ILK_SITE_URL to the site's address.",
            soft_wrap=True,
        )


@app.command()
def docs() -> None:
    """Tulis dokumentasi gudang. / Write the warehouse's documentation, one page of HTML."""
    from orchestration.dbt_build import WarehouseBuildError, build_docs
    from orchestration.run_lock import RunInProgressError, run_lock

    settings, _ = _installation()
    try:
        with run_lock(settings.data_dir):
            console.print(str(build_docs(settings)), soft_wrap=True)
    except (WarehouseBuildError, RunInProgressError) as error:
        _fail(str(error))


@app.command()
def site(
    open_it: Annotated[
        bool, typer.Option("--open", help="Buka di peramban. / Open it in the browser.")
    ] = False,
) -> None:
    """Di mana halaman terbitan. / Where the published pages lie."""
    import webbrowser

    from orchestration.publishing.reading.headline import first_page

    settings, _ = _installation(writes=False)
    page = first_page(settings.published_dir)
    if page is None:
        _fail("Belum ada halaman: jalankan siklus dulu. / No pages yet: run a cycle first.")
    console.print(str(page), soft_wrap=True)
    if open_it and not webbrowser.open(page.as_uri()):
        _fail("Tidak ada peramban; buka berkas itu. / There is no browser here; open that file.")


def _print_plan(made: "Plan") -> None:
    from orchestration.publishing.reading.headline import decimal_comma, grouped

    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("Lingkup\nScope")
    for heading in (
        "Pegawai\nStaff",
        "Perlu, satuannya\nNeeded by units",
        "Krejcie-\nMorgan",
        "Undang\nAsk",
        "Harapan\nExpected",
        "Ketelitian\nPrecision",
    ):
        table.add_column(heading, justify="right")
    for row in made.rows:
        reach = row["expected_half_width"]
        table.add_row(
            escape(row["scope_name"]),
            *(
                grouped(row[column])
                for column in (
                    "staff_count",
                    "required_of_units",
                    "krejcie_morgan_of_units",
                    "invite",
                    "expected_sample",
                )
            ),
            "–" if reach is None else f"± {decimal_comma(reach, 2)}",
        )
    console.print(table)
    nation = made.nation
    if nation["previous_cycle_id"] is None:
        console.print(
            "Belum ada siklus tertutup sebelumnya: tingkat respons tidak diketahui, dan simpangan "
            f"bakunya bawaan, {decimal_comma(nation['score_sd'], 2)} (default_score_sd). / No "
            "cycle had closed before: response rates are not known, and the standard deviation is "
            "the default.",
            soft_wrap=True,
        )
    if nation["frame_cycle_id"] != nation["cycle_id"]:
        console.print(
            f"Kerangka pegawai: {nation['frame_cycle_id']}, sebab siklus ini belum punya. / The "
            "staff frame is that cycle's, since this one has none yet.",
            soft_wrap=True,
        )
    console.print(
        f"{grouped(made.unit_count)} satuan kerja / units: {made.workbook}", soft_wrap=True
    )
    console.print(f"CSV: {made.csv}", soft_wrap=True)


def _known_cycle(known: "list[SurveyCycle]", cycle_id: str) -> None:
    from orchestration.seeds.survey_cycles import UnknownCycleError, find_cycle

    try:
        find_cycle(known, cycle_id)
    except UnknownCycleError as error:
        _fail(f"Siklus tidak dikenal. / {error}", code=2)


def _chosen(
    settings: "Settings", known: "list[SurveyCycle]", named: list[str], *, run_all: bool
) -> list[str]:
    """Return the cycles to run, the earlier first: changes are measured against them."""
    if run_all == bool(named):
        _fail(
            "Sebutkan siklus atau --all. / Name a cycle, or --all: "
            + ", ".join(cycle.cycle_id for cycle in known),
            code=2,
        )
    for cycle_id in named:
        _known_cycle(known, cycle_id)
    if named:
        from orchestration.cycles.state import outdated_ancestors

        outdated = {old for cycle_id in named for old in outdated_ancestors(settings, cycle_id)}
        return [cycle.cycle_id for cycle in known if cycle.cycle_id in {*named, *outdated}]
    from datetime import UTC, datetime

    from orchestration.cycles.fingerprints import raw_files
    from orchestration.exports.seed_files import LANDING, read_sources
    from orchestration.exports.sources import SourceError, list_cycle
    from orchestration.survey_days import local_day

    sources = read_sources(settings.seeds_dir)
    with_files = {file.cycle_id for file in raw_files(settings, [each.cycle_id for each in known])}
    try:
        for cycle_id in {source.cycle_id for source in sources if source.kind == LANDING}:
            listing = list_cycle(cycle_id=cycle_id, sources=sources, landing=settings.landing)
            if listing.files or listing.unreachable:  # what can't be had, the run tells
                with_files.add(cycle_id)
    except SourceError as error:
        _fail(str(error))
    on_servers = {source.cycle_id for source in sources if source.kind != LANDING}
    today = local_day(datetime.now(UTC))
    chosen = [
        cycle.cycle_id
        for cycle in known
        if cycle.cycle_id in with_files
        or (cycle.cycle_id in on_servers and cycle.opens_on <= today)
    ]
    if not chosen:
        _fail(
            f"Belum ada berkas di / no file yet in {settings.landing}/<cycle>/<profile>/ "
            "(survey_sources.csv, ILK_LANDING_URL)."
        )
    return chosen


def _restatement(settings: "Settings", named: list[str], why: str | None) -> dict[str, object]:
    """Return the publication's config that lets the final cycles among those named move."""
    from orchestration.auditing.final_cycles import is_final

    if why is None:
        return {}
    final = [cycle_id for cycle_id in named if is_final(settings, cycle_id)]
    if not (why.strip() and final):
        _fail("--restate: alasan dan siklus final / a reason and a final cycle", code=2)
    return {"restated_cycles": final, "why": why.strip()}


class _ProgressHandler(logging.Handler):
    """Prints what the loggers `ilk.*` say: steps as lines, dbt's nodes in the status line."""

    def __init__(self, status: Status) -> None:
        super().__init__()
        self._status = status

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.INFO:
            console.print(f"[dim]{time.strftime('%H:%M:%S')}[/dim] {escape(record.getMessage())}")
        self._status.update(escape(record.getMessage()))


def _stop(*_: object) -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell's `ilk run &`
        raise KeyboardInterrupt
    signal.raise_signal(signal.SIGINT)  # to whoever handles it now: Dagster, dbt


@contextmanager
def _stoppable() -> Iterator[None]:
    """End in a sentence where the block is stopped, by a person or by the system that shuts down.

    SIGTERM, and a terminal that is closed, are as Ctrl-C; nohup's runs go on.
    """
    asked = [number for number in _STOPS if signal.getsignal(number) is signal.SIG_DFL]
    for number in asked:
        signal.signal(number, _stop)
    came, writes = os.pipe()  # of every signal, whoever handles it by then: Dagster, dbt
    os.set_blocking(came, False)
    os.set_blocking(writes, False)
    before = signal.set_wakeup_fd(writes)
    try:
        yield
    except KeyboardInterrupt:
        os.write(writes, b"\0")  # or a read of nothing is an error
        numbers = os.read(came, 100)
        for who in [said for number, said in _STOPS.items() if number in numbers]:
            console.print(f"\n{who}", end="")
        console.print(
            "\nDihentikan. Publikasi terakhir tetap utuh; jalankan lagi kapan saja. / "
            "Stopped. The last publication stays whole; run again at any time."
        )
        raise typer.Exit(130) from None
    finally:
        signal.set_wakeup_fd(before)
        os.close(came)
        os.close(writes)
        for number in asked:
            signal.signal(number, signal.SIG_DFL)


@contextmanager
def _progress() -> Iterator[None]:
    from orchestration.settings import get_settings

    if get_settings().log_format == "json":
        from orchestration.log_lines import write_json_lines

        write_json_lines()
        yield
        return
    log = logging.getLogger("ilk")
    with console.status("...") as status:
        handler = _ProgressHandler(status)
        log.addHandler(handler)
        log.setLevel(logging.DEBUG)
        log.propagate = False
        try:
            yield
        finally:
            log.removeHandler(handler)


def _print_outcomes(settings: "Settings", outcomes: "list[RunOutcome]") -> bool:
    """Print what the runs came to; whether all targets hold what is published."""
    from orchestration.publishing.reading.headline import (
        decimal_comma,
        grouped,
        percent,
        read_headline,
        signed,
    )
    from orchestration.words import REASONS, VERDICTS, both, in_words

    rejected: dict[str, str] = {}
    hidden: dict[str, str] = {}
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("Siklus\nCycle", no_wrap=True)
    table.add_column("Indeks\nIndex", justify="right")
    table.add_column("Selang\nInterval", justify="center")
    table.add_column("Mutu\nBand", justify="center")
    table.add_column("Perubahan\nChange", justify="right")
    for heading in ("n", "Respons\nResponse"):
        table.add_column(heading, justify="right")
    table.add_column("Ditolak\nRejected", justify="right")
    table.add_column("Hasil\nResult")
    waiting = []
    for outcome in outcomes:
        # The publication's figures are those of an earlier run where this one failed.
        headline = (
            read_headline(settings.published_dir, outcome.cycle_id) if outcome.succeeded else None
        )
        if headline is not None and headline.score is None:
            waiting.append(outcome.cycle_id)
        result = (
            "[red]gagal\nfailed[/red]"
            if not outcome.succeeded
            else "partisipasi saja\nparticipation only"
            if outcome.is_new and headline is not None and headline.score is None
            else "terbit\npublished"
            if outcome.is_new
            else "menunggu berkas\nwaiting for files"
            if outcome.is_waiting
            else "tidak ada yang baru\nnothing new"
        )
        if headline is None:
            table.add_row(outcome.cycle_id, *["–"] * 7, result)
            continue
        rate = headline.response_rate
        verdict = VERDICTS.get(headline.verdict or "")
        table.add_row(
            outcome.cycle_id,
            decimal_comma(headline.score, 2)
            + ("\ntanpa bobot\nunweighted" if headline.absent_mode else ""),
            f"{decimal_comma(headline.ci_low, 2)} – {decimal_comma(headline.ci_high, 2)}"
            f" ({percent(headline.ci_level)})",
            headline.band or "–",
            signed(headline.change, 2) + (f"\n{verdict.id}\n{verdict.en}" if verdict else ""),
            grouped(headline.respondent_count),
            "–" if rate is None else f"{decimal_comma(100 * rate, 1)}%",
            grouped(sum(headline.rejected.values())),
            result,
        )
        if not headline.is_same_method:
            console.print(
                f"[yellow]Peringatan / Warning[/yellow] {outcome.cycle_id}: metodenya bukan metode "
                "siklus sebelumnya, dan pergantian metode bukan perubahan layanan: hitung ulang "
                "siklus itu dengan metode ini. / its method is not that of the cycle before, and a "
                "change of method is no change of service: run that cycle again with this method.",
                soft_wrap=True,
            )
        if headline.hidden_count:
            hidden[outcome.cycle_id] = (
                f"{grouped(headline.hidden_count)} dari / of {grouped(headline.figure_count)} "
                "skor di bawah nasional dirahasiakan, agar jawaban seseorang tak terbaca / scores "
                "below the nation are hidden, so that nobody's answer can be read off"
            )
        if headline.rejected:
            most_first = sorted(headline.rejected.items(), key=lambda item: -item[1])
            rejected[outcome.cycle_id] = "; ".join(
                f"{grouped(n)} {both(in_words(REASONS, reason))}" for reason, n in most_first
            )
    console.print(table)
    for cycle_id, said in hidden.items():
        console.print(f"{cycle_id}: {said}", soft_wrap=True)
    for cycle_id, reasons in rejected.items():
        console.print(f"{cycle_id}, ditolak / rejected: {reasons}", soft_wrap=True)
    if waiting:
        console.print(
            f"{', '.join(waiting)}: skor terbit sesudah masa survei berakhir, menurut UTC. / "
            "Scores are published when the window has closed, by UTC.",
            soft_wrap=True,
        )
    for outcome in outcomes:
        for sentence in outcome.warnings:
            console.print(
                f"[yellow]Peringatan / Warning[/yellow] {escape(sentence)}", soft_wrap=True
            )
        for sentence in outcome.problems:
            console.print(f"[red]Masalah / Problem[/red] {escape(sentence)}", soft_wrap=True)
        _print_lists(settings, outcome.cycle_id)
    return _print_place(settings, said=[each for one in outcomes for each in one.warnings])


def _print_lists(settings: "Settings", cycle_id: str) -> None:
    """Print where the report of a cycle's data lies, and the lists of what is to be mended."""
    folder = settings.quality_dir / cycle_id
    for heading, name in (
        ("Laporan mutu / Quality report", "report.html"),
        ("Perlu diperbaiki / To be mended", "failing_rows.xlsx"),
        ("Tidak dihitung / Not counted", "rejected_rows.xlsx"),
    ):
        if (folder / name).is_file():
            console.print(f"{heading}: {folder / name}", soft_wrap=True)


def _print_place(settings: "Settings", said: Sequence[str] = ()) -> bool:
    """Print where the publication is to be read; whether PostgreSQL, if set, holds it too.

    `said`: warnings that a person has read already.
    """
    from orchestration.postgres.following import standing
    from orchestration.publishing.reading.headline import first_page

    if page := first_page(settings.published_dir):
        console.print(f"Halaman / Pages: {page}", soft_wrap=True)
    if settings.published_dir.exists():
        console.print(
            f"Publikasi / Publication: {settings.published_dir / 'ilk.duckdb'}", soft_wrap=True
        )
    else:
        console.print("Belum ada publikasi. / Nothing is published yet.")
    beside = standing(settings)
    if beside is not None and not beside.problem:
        console.print(f"PostgreSQL: {beside.server}, terkini / current", soft_wrap=True)
    elif beside is not None and not beside.in_words().startswith(tuple(said)):
        console.print(
            f"[yellow]Peringatan / Warning[/yellow] {escape(beside.in_words())}", soft_wrap=True
        )
    if settings.is_example:
        console.print(
            "Folder contoh, orang rekaan. Siklus sungguhan: ILK_DATA_DIR lain. / The example's "
            "folder, made-up people. A real cycle: another ILK_DATA_DIR (README.md).",
            soft_wrap=True,
        )
    return beside is None or not beside.problem
