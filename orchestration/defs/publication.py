"""The publication: one asset after all marts and indexes, so that a failed check publishes nothing.

Belongs here: when it happens and what Dagster shows of it. Doesn't: how a cycle leaves
(orchestration/publishing).
"""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg
from pydantic import Field

from expectations.rule_words import rule_in_words
from orchestration.auditing.held_cycles import held_cycles, let_go
from orchestration.auditing.run_records import FAILED, HELD_BACK, PUBLISHED, note_outcome
from orchestration.cycles.fingerprints import fingerprints
from orchestration.defs import warehouse as warehouse_defs
from orchestration.defs.survey_exports import SURVEY_CYCLES
from orchestration.lineage.runs import tell_published
from orchestration.postgres.following import Follower, Standing
from orchestration.publishing.reading.headline import (
    decimal_comma,
    percent,
    publication,
    read_headline,
)
from orchestration.publishing.specifications import VIEWS, described
from orchestration.publishing.tables import LAYERS, declarations
from orchestration.settings import Settings, get_settings
from orchestration.stages.rejected_responses import much_rejected
from orchestration.stages.unfit_cycles import cycles_built, unfit_cycles
from orchestration.words import both

logger = logging.getLogger("ilk.publication")


class PublicationConfig(dg.Config):
    """What else the same command runs; which cycles may become few; which final ones move, why."""

    cycles_to_come: list[str] = Field(default_factory=list)
    accept_fewer: list[str] = Field(default_factory=list)
    restated_cycles: list[str] = Field(default_factory=list)
    why: str = ""


HIDDEN_CELLS = dg.AssetKey(["figures", "disclosure_hidden_cells"])
PUBLICATION = dg.AssetKey(["publication", "ilk"])
_PUBLIC = [key for key in sorted(warehouse_defs.warehouse.keys) if key.path[0] in (*LAYERS, VIEWS)]
_DECLARED = declarations(warehouse_defs.MANIFEST)
DESCRIBED = described(warehouse_defs.MANIFEST)
FIGURES_ARE_NEW = "figures_are_new"
_OWNERS = ["team:index-team"]
EVERY_CYCLE_IS_PUBLISHED = "every_cycle_is_published"
POSTGRES_HOLDS_IT_TOO = "postgres_holds_it_too"
ROLLED_BACK_STAYS = "rolled_back_stays"
MOST_RESPONSES_ARE_ACCEPTED = "most_responses_are_accepted"


@dg.multi_asset(
    name="publication__ilk",
    group_name="publication",
    partitions_def=SURVEY_CYCLES,
    specs=[
        dg.AssetSpec(
            PUBLICATION,
            deps=_PUBLIC,
            description="What people read: all published tables, swapped at once.",
            owners=_OWNERS,
            kinds={"duckdb", "parquet"},
            skippable=True,
        ),
        *(
            dg.AssetSpec(
                ["publication", table.name],
                deps=[dg.AssetKey([*table.rows_of]), HIDDEN_CELLS],
                description=f"{'.'.join(table.rows_of)} without what disclosure control hides.",
                owners=_OWNERS,
                kinds={"duckdb", "parquet"},
                skippable=True,
            )
            for table in _DECLARED.values()
        ),
        *(
            dg.AssetSpec(
                ["publication", name],
                deps=[dg.AssetKey([VIEWS, name])],
                description=f"{VIEWS}.{name} over the published tables.",
                owners=_OWNERS,
                kinds={"duckdb", "parquet"},
                skippable=True,
            )
            for name, table in DESCRIBED.items()
            if table.view is not None
        ),
    ],
    # Not blocking: a cycle that can't be published keeps no other from it.
    check_specs=[
        dg.AssetCheckSpec(check, asset=PUBLICATION, description=both(rule_in_words(check)))
        for check in (
            EVERY_CYCLE_IS_PUBLISHED,
            MOST_RESPONSES_ARE_ACCEPTED,
            FIGURES_ARE_NEW,
            POSTGRES_HOLDS_IT_TOO,
            ROLLED_BACK_STAYS,
        )
    ],
    required_resource_keys={"run_lock", "lineage"},
)
def ilk(
    context: dg.AssetExecutionContext, config: PublicationConfig
) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    """What people read: the DuckDB file and Parquet, swapped at once."""
    # Here, since it imports pandas: a run with nothing new ends before it.
    from orchestration.auditing.final_cycles import Guard
    from orchestration.publishing import PublicationError
    from orchestration.publishing.publication import publish

    settings = get_settings()
    cycle_id, run_id = context.partition_key, context.run_id
    memory = fingerprints(settings)
    lost = _lost_cycles(settings)  # first, since it tells of a publication that is damaged
    unfit = unfit_cycles(
        settings.warehouse,
        settings.published_dir / "ilk.duckdb",
        accept_fewer=config.accept_fewer,
    )
    if cycle_id in unfit:
        note_outcome(settings, run_id=run_id, outcome=FAILED)
        raise dg.Failure(unfit[cycle_id].in_words(), allow_retries=False)
    built = memory.section("built")
    rejected = much_rejected(settings.warehouse, cycle_id)
    yield dg.AssetCheckResult(
        asset_key=PUBLICATION,
        check_name=MOST_RESPONSES_ARE_ACCEPTED,
        passed=not rejected,
        severity=dg.AssetCheckSeverity.WARN,
        description="\n".join(rejected),
    )
    yield dg.AssetCheckResult(
        asset_key=PUBLICATION,
        check_name=EVERY_CYCLE_IS_PUBLISHED,
        passed=not unfit,
        severity=dg.AssetCheckSeverity.WARN,
        description="\n".join(
            f"{each.in_words()} (Perbandingan dengannya tetap seperti terakhir terbit, bila ada. "
            "/ Comparisons with it stay as they were published, if they were.)"
            for each in unfit.values()
        ),
    )
    held = {name: said for name, said in held_cycles(settings, built).items() if name not in unfit}
    yield dg.AssetCheckResult(
        asset_key=PUBLICATION,
        check_name=ROLLED_BACK_STAYS,
        passed=not held,
        severity=dg.AssetCheckSeverity.WARN,
        description="\n".join(held.values()),
    )
    unfinished = set(memory.section("unfinished"))
    if (unfinished or lost) and unfinished | lost <= set(config.cycles_to_come):
        note_outcome(settings, run_id=run_id, outcome=HELD_BACK)
        logger.info("%s: terbit bersama siklus berikut / published with the next cycles", cycle_id)
        yield _figures_are_new([])
        yield _postgres_holds_it_too(None)
        return
    if unfinished:
        raise dg.Failure(
            f"tidak ada yang terbit: pembuatan {', '.join(sorted(unfinished))} terputus dan gudang "
            "baru memuat separuhnya. Jalankan lagi. / nothing is published: the build broke off "
            "and the warehouse holds half of it. Run it again: "
            f"./ilk run {' '.join(sorted(unfinished))}",
            allow_retries=False,
        )
    if lost:
        raise dg.Failure(
            f"tidak ada yang terbit: publikasi terakhir memuat {', '.join(sorted(lost))}, gudang "
            "yang baru belum. Buat semuanya. / nothing is published: the last publication holds "
            "it, and the warehouse, made anew, does not yet. Build all of them: ./ilk run --all",
            allow_retries=False,
        )
    logger.info("%s: menerbitkan / publishing", cycle_id)
    started_at = datetime.now(UTC)
    follower = Follower(settings, DESCRIBED)
    try:
        report = publish(
            warehouse=settings.warehouse,
            declared=_DECLARED,
            known=DESCRIBED,
            data_dir=settings.data_dir,
            fingerprint=built,
            unfit_cycles=[*unfit, *held],
            with_pages=settings.pages,
            regions_geojson=settings.regions_geojson,
            kept=settings.kept_publications,
            guard=Guard(settings, _DECLARED, run_id, frozenset(config.restated_cycles), config.why),
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
            raise dg.Failure(sentence, allow_retries=False) from error
        raise
    for built_cycle, fingerprint in built.items():
        if built_cycle not in unfit:
            memory.put("published", built_cycle, fingerprint)
    for anew in let_go(settings, built.keys() - {*unfit, *held}):
        logger.warning("%s: terbit lagi setelah dikembalikan / is new after a rollback", anew)
    tell_published(
        context.resources.lineage,
        settings,
        report.row_counts,
        warehouse_defs.MANIFEST,
        started_at=started_at,
    )
    for table, row_count in report.row_counts.items():
        yield dg.MaterializeResult(
            asset_key=["publication", table], metadata={"dagster/row_count": row_count}
        )
    yield dg.MaterializeResult(
        asset_key=PUBLICATION,
        metadata={
            "publication_id": report.publication_id,
            "folder": str(report.folder),
            "is_new": report.is_new,
            "row_count": sum(report.row_counts.values()),
            "hidden_for_few_respondents": report.small_count,
            "hidden_to_protect_others": report.complement_count,
            "exposed": list(report.exposed),
            "cycles_in_their_window": list(report.timing.opened),
            **_headline(settings, cycle_id),
        },
    )
    yield _figures_are_new(report.timing.sentences)
    yield _postgres_holds_it_too(follower.standing)


def _headline(settings: Settings, cycle_id: str) -> dict[str, str | int | float]:
    """Return the cycle's figures as people speak of them; what has none is left out."""
    headline = read_headline(settings.published_dir, cycle_id)
    if headline is None:
        return {}
    low, high = (decimal_comma(end, 2) for end in (headline.ci_low, headline.ci_high))
    figures = {
        "index": headline.score,
        "interval": None
        if headline.score is None
        else f"{low} – {high} ({percent(headline.ci_level)})",
        "band": headline.band,
        "change": headline.change,
        "is_changed": headline.is_changed,
        "respondents": headline.respondent_count,
        "response_rate": headline.response_rate,
        "scores_below_the_nation": headline.figure_count,
        "of_these_hidden": headline.hidden_count,
        "pages": str(settings.published_dir / "site" / "index.html") if settings.pages else None,
    }
    return {name: figure for name, figure in figures.items() if figure is not None}


def _figures_are_new(said: list[str]) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=not said,
        asset_key=PUBLICATION,
        check_name=FIGURES_ARE_NEW,
        severity=dg.AssetCheckSeverity.WARN,
        description="\n".join(said),
    )


def _postgres_holds_it_too(standing: Standing | None) -> dg.AssetCheckResult:
    """Warn, since the files are out and the next run mends it; without a PostgreSQL all is well."""
    return dg.AssetCheckResult(
        passed=standing is None or not standing.problem,
        asset_key=PUBLICATION,
        check_name=POSTGRES_HOLDS_IT_TOO,
        severity=dg.AssetCheckSeverity.WARN,
        description=standing.in_words() if standing else "",
    )


def _lost_cycles(settings: Settings) -> set[str]:
    """Return the cycles that the last publication has and the warehouse, made anew, has not yet."""
    if not ((settings.published_dir / "ilk.duckdb").is_file() and settings.warehouse.is_file()):
        return set()
    with publication(settings.published_dir) as shown:
        rows = shown.execute("select distinct cycle_id from main.idx_scores").fetchall()
    return {cycle_id for (cycle_id,) in rows} - cycles_built(settings.warehouse)
