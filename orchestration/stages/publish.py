"""Publishing what the warehouse holds: which cycles are fit, what must wait, what is refused.

Belongs here: those decisions and their order. Doesn't: what one cycle lacks (unfit_cycles.py,
rejected_responses.py, uneven_response.py), how a publication is made (orchestration/publishing),
Dagster's events (orchestration/defs/publication.py).
"""

import logging
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from orchestration.auditing.held_cycles import held_cycles, let_go
from orchestration.auditing.run_records import FAILED, HELD_BACK, PUBLISHED, note_outcome
from orchestration.cycles.state import cycle_states
from orchestration.lineage.events import LineageRun
from orchestration.lineage.runs import tell_published
from orchestration.postgres.following import Follower, Standing, follow
from orchestration.publishing.reading.headline import publication
from orchestration.publishing.specifications import described
from orchestration.publishing.tables import declarations
from orchestration.settings import Settings
from orchestration.stages.findings import Finding, StageError
from orchestration.stages.rejected_responses import much_rejected
from orchestration.stages.uneven_response import biased_response, uneven_response
from orchestration.stages.unfit_cycles import UnfitCycle, cycles_built, unfit_cycles
from orchestration.survey_days import closing_day

if TYPE_CHECKING:
    from orchestration.publishing.publication import PublicationReport

logger = logging.getLogger("ilk.publication")

EVERY_CYCLE_IS_PUBLISHED = "every_cycle_is_published"
MOST_RESPONSES_ARE_ACCEPTED = "most_responses_are_accepted"
RESPONSE_IS_EVEN = "response_is_even"
RESPONSE_BIAS_IS_SMALL = "response_bias_is_small"
ROLLED_BACK_STAYS = "rolled_back_stays"
FIGURES_ARE_NEW = "figures_are_new"
POSTGRES_HOLDS_IT_TOO = "postgres_holds_it_too"
CHECKS = (
    EVERY_CYCLE_IS_PUBLISHED,
    MOST_RESPONSES_ARE_ACCEPTED,
    RESPONSE_IS_EVEN,
    RESPONSE_BIAS_IS_SMALL,
    FIGURES_ARE_NEW,
    POSTGRES_HOLDS_IT_TOO,
    ROLLED_BACK_STAYS,
)


@dataclass(frozen=True)
class Candidate:
    """All that the warehouse holds, judged before it leaves; `built` is what it was made from."""

    cycle_id: str
    built: Mapping[str, str]
    unfit: Mapping[str, UnfitCycle]
    rejected: Collection[str]
    uneven: Collection[str]
    biased: Collection[str]
    held: Mapping[str, str]
    """Cycles that were rolled back and would come back as they were, with what to say."""
    half_built: Collection[str]
    lost: Collection[str]
    """Cycles that the last publication has and the warehouse, made anew, has not yet."""

    @property
    def findings(self) -> Iterator[Finding]:
        """What keeps single cycles, or much of one, from it; none of it keeps the others."""
        yield Finding(MOST_RESPONSES_ARE_ACCEPTED, "\n".join(self.rejected))
        yield Finding(RESPONSE_IS_EVEN, "\n".join(self.uneven))
        yield Finding(RESPONSE_BIAS_IS_SMALL, "\n".join(self.biased))
        yield Finding(
            EVERY_CYCLE_IS_PUBLISHED,
            "\n".join(
                f"{each.in_words()} (Perbandingan dengannya tetap seperti terakhir terbit, bila "
                "ada. / Comparisons with it stay as they were published, if they were.)"
                for each in self.unfit.values()
            ),
        )
        yield Finding(ROLLED_BACK_STAYS, "\n".join(self.held.values()))

    @property
    def broken_off(self) -> str:
        """Return why nothing can be published now, and what to run; '' where it can."""
        half_built, lost = (", ".join(sorted(found)) for found in (self.half_built, self.lost))
        if half_built:
            return (
                f"tidak ada yang terbit: pembuatan {half_built} terputus dan gudang baru memuat "
                "separuhnya. Jalankan lagi. / nothing is published: the build broke off and the "
                "warehouse holds half of it. Run it again: "
                f"./ilk run {' '.join(sorted(self.half_built))}"
            )
        if lost:
            return (
                f"tidak ada yang terbit: publikasi terakhir memuat {lost}, gudang yang baru belum. "
                "Buat semuanya. / nothing is published: the last publication holds it, and the "
                "warehouse, made anew, does not yet. Build all of them: ./ilk run --all"
            )
        return ""

    def waits_for(self, cycles_to_come: Collection[str]) -> bool:
        """Whether the same command will mend what is broken off: it publishes with those."""
        return bool(self.broken_off) and {*self.half_built, *self.lost} <= {*cycles_to_come}


NOTHING_LEFT = (Finding(FIGURES_ARE_NEW), Finding(POSTGRES_HOLDS_IT_TOO))
"""What is said of a publication that waits for its next cycles."""


@dataclass(frozen=True)
class Published:
    """What was swapped in, and how PostgreSQL stands to it (None: there is none)."""

    report: "PublicationReport"
    standing: Standing | None

    @property
    def findings(self) -> Iterator[Finding]:
        """What people should know of it."""
        yield Finding(FIGURES_ARE_NEW, "\n".join(self.report.timing.sentences))
        # A warning, since the files are out and the next run mends it.
        yield Finding(POSTGRES_HOLDS_IT_TOO, self.standing.in_words() if self.standing else "")


def judge_warehouse(
    settings: Settings, cycle_id: str, *, run_id: str, accept_fewer: Collection[str]
) -> Candidate:
    """Look at the warehouse before it leaves. Raises StageError where the run's own cycle is unfit.

    `accept_fewer`: cycles whose respondents may become few.
    """
    states = cycle_states(settings)
    lost = _lost_cycles(settings)  # first, since it tells of a publication that is damaged
    database = settings.published_dir / "ilk.duckdb"
    unfit = unfit_cycles(
        settings.engine,
        settings.warehouse,
        database,
        today=closing_day(datetime.now(UTC)),
        accept_fewer=accept_fewer,
    )
    if cycle_id in unfit:
        note_outcome(settings, run_id=run_id, outcome=FAILED)
        raise StageError(unfit[cycle_id].in_words())
    built = states.built
    held = held_cycles(settings, built)
    return Candidate(
        cycle_id=cycle_id,
        built=built,
        unfit=unfit,
        rejected=much_rejected(settings.engine, settings.warehouse, cycle_id),
        uneven=uneven_response(settings.warehouse, cycle_id),
        biased=biased_response(settings.warehouse, cycle_id),
        held={name: said for name, said in held.items() if name not in unfit},
        half_built=states.half_built,
        lost=lost,
    )


def publish_candidate(
    settings: Settings,
    candidate: Candidate,
    *,
    run_id: str,
    cycles_to_come: Collection[str],
    restated: Collection[str],
    why: str,
    manifest: Mapping[str, Any],
    lineage: LineageRun,
) -> Published | None:
    """Let out what is fit; None where the same command publishes it with its next cycles.

    `restated`: final cycles that may move, and `why`. Raises StageError: nothing is published.
    """
    # Here, since it imports pandas: a run with nothing new ends before it.
    from orchestration.auditing.final_cycles import Guard
    from orchestration.publishing import PublicationError
    from orchestration.publishing.publication import publish

    cycle_id, unfit, held = candidate.cycle_id, candidate.unfit, candidate.held
    if candidate.waits_for(cycles_to_come):
        note_outcome(settings, run_id=run_id, outcome=HELD_BACK)
        logger.info("%s: terbit bersama siklus berikut / published with the next cycles", cycle_id)
        return None
    if candidate.broken_off:
        raise StageError(candidate.broken_off)
    logger.info("%s: menerbitkan / publishing", cycle_id)
    started_at = datetime.now(UTC)
    declared, known = declarations(manifest), described(manifest)
    follower = Follower(settings, known)
    try:
        report = publish(
            warehouse=settings.warehouse,
            declared=declared,
            known=known,
            data_dir=settings.data_dir,
            memory_limit=settings.memory_limit,
            fingerprint=candidate.built,
            unfit_cycles=[*unfit, *held],
            with_pages=settings.pages,
            regions_geojson=settings.regions_geojson,
            kept=settings.kept_publications,
            guard=Guard(settings, declared, run_id, frozenset(restated), why),
            # Before the swap, so that the publication holds the run that made it.
            announce=lambda publication_id, timing: note_outcome(
                settings,
                run_id=run_id,
                outcome=PUBLISHED,
                publication_id=publication_id,
                standing_cycles=timing.standing,
            ),
            along=follower.along,
        )
    except BaseException as error:
        note_outcome(settings, run_id=run_id, outcome=FAILED)
        if isinstance(error, PublicationError):
            sentence = f"tidak ada yang terbit / nothing is published: {error}"
            raise StageError(sentence) from error
        raise
    cycle_states(settings).publish(candidate.built.keys() - unfit.keys())
    for anew in let_go(settings, candidate.built.keys() - {*unfit, *held}):
        logger.warning("%s: terbit lagi setelah dikembalikan / is new after a rollback", anew)
    tell_published(lineage, settings, report.row_counts, manifest, started_at=started_at)
    return Published(report, follower.standing)


def mend_postgres(settings: Settings, manifest: Mapping[str, Any]) -> str:
    """Bring PostgreSQL along where an earlier run could not; return what is wrong still."""
    if settings.postgres_url is None:
        return ""
    standing = follow(settings, described(manifest))
    return standing.in_words() if standing is not None and standing.problem else ""


def _lost_cycles(settings: Settings) -> set[str]:
    if not ((settings.published_dir / "ilk.duckdb").is_file() and settings.warehouse.is_file()):
        return set()
    with publication(settings.published_dir) as shown:
        # A cycle in its window has no score: its participation would be lost.
        rows = shown.execute(
            "select cycle_id from main.idx_scores union select cycle_id from main.fct_participation"
        ).fetchall()
    return {cycle_id for (cycle_id,) in rows} - cycles_built(settings.warehouse)
