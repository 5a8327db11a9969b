"""`ilk alerts` and `ilk digest`: arguments, what is printed, exit codes.

Belongs here: these two commands, for timers (deploy/) and people, and what `ilk run` says of them.
Exit codes: 0 all arrived, or nothing was to be told; 1 somebody could not be reached; 2 nobody is
set up, or wrong usage. Doesn't: what is told (alerts.py, digests.py).
"""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from orchestration.terminal import console, fail, installation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestration.settings import Settings


def alerts(
    test: Annotated[
        bool, typer.Option("--test", help="Kirim pesan percobaan. / Send a trial message.")
    ] = False,
) -> None:
    """Beri tahu apa yang perlu perhatian, sekali. / Tell what needs attention, once."""
    from orchestration.alerts.alerts import look_and_tell
    from orchestration.alerts.channels import ChannelError, Message, alert_channels, send
    from orchestration.words import both

    settings, _ = installation()
    try:
        channels = alert_channels(settings)
        if not channels:
            fail("Isi ILK_ALERT_URLS / set it (docs/operations.md).", code=2)
        if test:
            message = Message("ILK: percobaan / a trial", "Kanal ini sampai. / This channel works.")
            problems = [said for channel in channels if (said := send(channel, message))]
            _end(problems, f"{len(channels) - len(problems)} terkirim / sent")
            return
        look = look_and_tell(settings, datetime.now(UTC))
    except ChannelError as error:
        fail(str(error), code=2)
    for each in look.amiss:
        console.print(f"[yellow]![/yellow] {escape(both(each.sentence))}", soft_wrap=True)
    _end(look.problems, f"{look.told} pesan terkirim / messages sent")


def digest(
    cycle: Annotated[str | None, typer.Argument(metavar="[CYCLE]", help="Siklus. / Cycle.")] = None,
    due: Annotated[
        bool,
        typer.Option(
            "--due",
            help="Semua dalam masa survei, sekali sehari. / All in their window, once a day.",
        ),
    ] = False,
) -> None:
    """Kirim siapa yang masih kurang, per wilayah. / Send who is missing, to each region."""
    from orchestration.alerts.channels import ChannelError
    from orchestration.alerts.digests import due_cycles, send_digests
    from orchestration.seeds.survey_cycles import UnknownCycleError, find_cycle

    if (cycle is None) != due:
        fail("Pilih satu / choose one: CYCLE, --due", code=2)
    settings, known = installation()
    now = datetime.now(UTC)
    problems: list[str] = []
    try:
        chosen = due_cycles(settings, now) if cycle is None else [find_cycle(known, cycle)]
        for each in chosen:
            done = send_digests(settings, each, now, again=not due)
            problems += done.problems
            said = (
                "proses lain sedang mengirim / another process is sending"
                if done.is_elsewhere
                else f"{done.sent} terkirim / sent, {done.kept} sudah sampai / had arrived"
            )
            console.print(f"{each.cycle_id}: {said}", soft_wrap=True)
    except (ChannelError, UnknownCycleError) as error:
        fail(str(error), code=2)
    except ValueError as error:  # a seed that is no table
        fail(str(error))
    _end(problems, "" if chosen else "Tidak ada masa survei berjalan. / No window is open.")


def _end(problems: "Iterable[str]", said: str) -> None:
    if said:
        console.print(said, soft_wrap=True)
    told = [*problems]
    for problem in told:
        console.print(f"[yellow]Peringatan / Warning[/yellow] {escape(problem)}", soft_wrap=True)
    if told:
        raise typer.Exit(1)


def tell_after_a_run(settings: "Settings") -> None:
    """Tell what is new after `ilk run`; what is wrong with a channel is printed and no more."""
    if settings.alert_urls is None:
        return
    from orchestration.alerts.alerts import look_and_tell
    from orchestration.alerts.channels import ChannelError

    try:
        problems = look_and_tell(settings, datetime.now(UTC)).problems
    except (ChannelError, OSError) as error:
        problems = (str(error),)
    for problem in problems:
        console.print(f"[yellow]Peringatan / Warning[/yellow] {escape(problem)}", soft_wrap=True)
