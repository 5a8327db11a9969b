"""The publication: one asset after all marts and indexes, so that a failed check publishes nothing.

Belongs here: when it happens and what Dagster shows of it. Doesn't: which cycles leave
(orchestration/stages/publish.py), how (orchestration/publishing).
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import Field

from expectations.rule_words import rule_in_words
from orchestration.auditing.run_records import recorded_step
from orchestration.defs.survey_exports import SURVEY_CYCLES
from orchestration.defs.translation import check_results, failing_as_ours
from orchestration.defs.warehouse import MANIFEST, warehouse
from orchestration.publishing.reading.headline import decimal_comma, percent, read_headline
from orchestration.publishing.specifications import VIEWS, described
from orchestration.publishing.tables import LAYERS, declarations
from orchestration.settings import Settings, get_settings
from orchestration.stages.publish import CHECKS, NOTHING_LEFT, judge_warehouse, publish_candidate
from orchestration.words import both

if TYPE_CHECKING:
    from orchestration.publishing.publication import PublicationReport


class PublicationConfig(dg.Config):
    """What else the same command runs; which cycles may become few; which final ones move, why."""

    cycles_to_come: list[str] = Field(default_factory=list)
    accept_fewer: list[str] = Field(default_factory=list)
    restated_cycles: list[str] = Field(default_factory=list)
    why: str = ""


HIDDEN_CELLS = dg.AssetKey(["figures", "disclosure_hidden_cells"])
PUBLICATION = dg.AssetKey(["publication", "ilk"])
_PUBLIC = [key for key in sorted(warehouse.keys) if key.path[0] in (*LAYERS, VIEWS)]
_OWNERS = ["team:index-team"]


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
            for table in declarations(MANIFEST).values()
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
            for name, table in described(MANIFEST).items()
            if table.view is not None
        ),
    ],
    # Not blocking: a cycle that can't be published keeps no other from it.
    check_specs=[
        dg.AssetCheckSpec(check, asset=PUBLICATION, description=both(rule_in_words(check)))
        for check in CHECKS
    ],
    required_resource_keys={"run_lock", "lineage"},
)
def ilk(
    context: dg.AssetExecutionContext, config: PublicationConfig
) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    """What people read: the DuckDB file and Parquet, swapped at once."""
    settings = get_settings()
    cycle_id, run_id = context.partition_key, context.run_id
    with failing_as_ours():
        candidate = judge_warehouse(
            settings, cycle_id, run_id=run_id, accept_fewer=config.accept_fewer
        )
    yield from check_results(candidate.findings, lambda _: PUBLICATION)
    with (
        failing_as_ours(),
        recorded_step(settings, run_id=run_id, cycle_id=cycle_id, step="publish") as step,
    ):
        published = publish_candidate(
            settings,
            candidate,
            run_id=run_id,
            cycles_to_come=config.cycles_to_come,
            restated=config.restated_cycles,
            why=config.why,
            manifest=MANIFEST,
            lineage=context.resources.lineage,
        )
        if published is not None:
            step.rows = sum(published.report.row_counts.values())
    if published is None:
        yield from check_results(NOTHING_LEFT, lambda _: PUBLICATION)
        return
    report = published.report
    for table, row_count in report.row_counts.items():
        yield dg.MaterializeResult(
            asset_key=["publication", table], metadata={"dagster/row_count": row_count}
        )
    metadata = {**_told(report), **_headline(settings, cycle_id), **_links(settings)}
    yield dg.MaterializeResult(asset_key=PUBLICATION, metadata=metadata)
    yield from check_results(published.findings, lambda _: PUBLICATION)


def _told(report: "PublicationReport") -> dict[str, Any]:
    """Return what left, and what was hidden of it."""
    return {
        "publication_id": report.publication_id,
        "folder": str(report.folder),
        "is_new": report.is_new,
        "row_count": sum(report.row_counts.values()),
        "hidden_for_few_respondents": report.small_count,
        "hidden_to_protect_others": report.complement_count,
        "exposed": list(report.exposed),
        "cycles_in_their_window": list(report.timing.opened),
    }


def _headline(settings: Settings, cycle_id: str) -> dict[str, Any]:
    """Return the cycle's figures as people speak of them; what has none is left out."""
    headline = read_headline(settings.published_dir, cycle_id)
    if headline is None:
        return {}
    low, high = (decimal_comma(end, 2) for end in (headline.ci_low, headline.ci_high))
    figures: dict[str, Any] = {
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
    }
    return {name: figure for name, figure in figures.items() if figure is not None}


def _links(settings: Settings) -> dict[str, Any]:
    """Return where the pages, their history and the API are read: on the web, else on the disk.

    Dagster's page is http, from where no browser opens a file: links lead to ILK_SITE_URL.
    """
    if not settings.pages:
        return {}
    if settings.site_url is None:
        site = settings.published_dir / "site"
        return {"pages": dg.MetadataValue.path(site / "index.html")}
    address = settings.site_url.rstrip("/")
    return {
        "pages": dg.MetadataValue.url(f"{address}/index.html"),
        "history": dg.MetadataValue.url(f"{address}/id/history.html"),
        "api": dg.MetadataValue.url(f"{address}/api/v1/openapi.json"),
    }
