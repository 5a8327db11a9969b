"""`ilk trace` and its kin, from the words typed to what is printed.

Belongs here: putting the pieces of this package together. Doesn't: arguments and exit codes
(cli.py).
"""

from pathlib import Path

from rich.console import Console

from orchestration.auditing.opening import AuditError, audited
from orchestration.auditing.printing import (
    print_final,
    print_reproduction,
    print_row,
    print_score,
    print_verdicts,
)
from orchestration.auditing.rows import row_fate
from orchestration.auditing.scores import Question, ScoreTrace, method_weighting_mode
from orchestration.auditing.tree import Component
from orchestration.run_lock import run_lock
from orchestration.settings import Settings


def trace_score(
    console: Console,
    settings: Settings,
    *,
    cycle_id: str,
    domain: str,
    component: str,
    weighting_mode: str | None,
    rows: Path | None,
    show_hidden: bool,
) -> bool:
    """Print the way from a published score down to its files; return whether it adds up.

    `domain` is a type and an id (`provider_unit=...`), or a type alone: then every score of the
    type is added up, and none is shown. `rows` is a CSV file to write the answers to.

    Raises:
        AuditError: there is no such score, or it is hidden and `show_hidden` is not set.
        RunInProgressError: a run is on.
    """
    domain_type, _, domain_id = domain.partition("=")
    named = Component.named(component)
    with audited(settings, cycle_id) as connection:
        mode = weighting_mode or method_weighting_mode(connection, cycle_id)
        question = Question(cycle_id, mode, domain_type, domain_id or None, named)
        trace = ScoreTrace(connection, settings, question)
        verdicts = trace.verdicts()
        if not domain_id and domain_type != "national":
            if rows:
                raise AuditError(f"--rows: sebutkan satu domain / name one, {domain_type}=ID")
            print_verdicts(console, question, verdicts)
            return all(verdict.holds for verdict in verdicts)
        [verdict] = verdicts
        if verdict.is_hidden and not show_hidden:
            raise AuditError(
                f"{domain}: dirahasiakan di publikasi. Yang berhak melihatnya: / hidden in the "
                "publication. Who may see it all the same: --show-hidden"
            )
        print_score(console, trace, verdict)
        if rows:
            count = trace.write_rows(rows)
            console.print(f"{rows}: {count} jawaban / answers", soft_wrap=True)
        return verdict.holds and all(file.is_intact for file in trace.files())


def trace_row(
    console: Console, settings: Settings, *, cycle_id: str, file_name: str, source_row: int
) -> None:
    """Print what became of a record of an export.

    Raises:
        AuditError: there is no such record.
        RunInProgressError: a run is on.
    """
    with audited(settings, cycle_id) as connection:
        fate = row_fate(
            connection, settings, cycle_id=cycle_id, file_name=file_name, source_row=source_row
        )
    print_row(console, fate)


def finalise_cycle(console: Console, settings: Settings, *, cycle_id: str) -> None:
    """Freeze a cycle as it is published, and print since when it is final.

    Raises:
        AuditError: it is not published as it lies here.
        RunInProgressError: a run is on.
    """
    from orchestration.auditing.final_cycles import finalise  # pandas: a trace does without

    print_final(console, cycle_id, finalise(settings, cycle_id))


def reproduce_cycle(console: Console, settings: Settings, *, cycle_id: str) -> bool:
    """Compute a final cycle again from what was kept; print what differs, return whether nothing.

    The run lock is held meanwhile: a second reproduction would remove the scratch folder of this
    one, and `ilk forget` the bytes that it reads.

    Raises:
        AuditError: it is not final, or can't be computed.
        RunInProgressError: a run is on.
    """
    from orchestration.auditing.reproduction import reproduce  # pandas: a trace does without

    with run_lock(settings.data_dir):
        console.print(
            "Menghitung ulang dari berkas dan seeds yang disimpan ... / Computing it again from "
            "the files and seeds that were kept ..."
        )
        found = reproduce(settings, cycle_id)
    print_reproduction(console, cycle_id, found)
    return all(comparison.is_equal for comparison in found.comparisons)
