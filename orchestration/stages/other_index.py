"""A data folder holds the cycles of one folder of seeds.

Belongs here: refusing seeds that don't know the cycles a data folder holds. Doesn't: what seeds
contradict themselves in (expectations/seeds.py).

dbt's closing tests look at all cycles in the warehouse: they would find that units and questions of
the others are unknown, after a minute, and say neither why nor what to do.
"""

from collections.abc import Iterable

from orchestration.exports.registry import Registry
from orchestration.publishing.reading.headline import publication
from orchestration.seeds.survey_cycles import SurveyCycle
from orchestration.settings import Settings


class OtherIndexError(ValueError):
    """The seeds are those of another index; the message tells which cycles lie here."""


def demand_same_index(settings: Settings, cycles: Iterable[SurveyCycle]) -> None:
    """Raise OtherIndexError where the data folder holds cycles that the seeds don't list.

    Or list as another index's: by the files in use, and by what was published.
    """
    index_of = {cycle.cycle_id: cycle.index_id for cycle in cycles}
    held: dict[str, str | None] = {
        file.cycle_id: None for file in Registry(settings.raw_dir).rows if file.is_in_use
    }
    if (settings.published_dir / "ilk.duckdb").is_file():
        with publication(settings.published_dir) as connection:
            held |= dict(
                connection.execute(
                    "select cycle_id, index_id from dim_cycles"
                    " where cycle_id in (select cycle_id from idx_scores)"
                ).fetchall()
            )
    strangers = sorted(
        cycle_id
        for cycle_id, index_id in held.items()
        if cycle_id not in index_of or index_id not in (None, index_of[cycle_id])
    )
    if strangers:
        shown = ", ".join(strangers[:5]) + (
            f" (+{rest})" if (rest := len(strangers) - 5) > 0 else ""
        )
        raise OtherIndexError(
            f"arahkan ILK_DATA_DIR ke folder data indeks ini: {settings.data_dir} memuat siklus "
            f"yang tidak ada di {settings.seeds_dir}/survey_cycles.csv, atau milik indeks lain: "
            f"{shown}.\nSet ILK_DATA_DIR to a data folder of this index: that one holds cycles "
            "that these seeds don't list, or list for another index. Or put their rows back."
        )
