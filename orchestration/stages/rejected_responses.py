"""Files of which a large share of the responses was rejected, for what no cell at the border tells.

Belongs here: the sentences, from the warehouse's lists of rejections. Doesn't: why one response is
rejected (responses_judged), what the border tells of a file: times out of the window or not
readable, units, categories and roles that nobody knows (expectations/rules.py).
"""

from pathlib import Path

from orchestration.bounded_engine import BoundedEngine
from orchestration.sql_text import as_text
from orchestration.words import REASONS, in_words

_FILES = """
with untold as (
    select file_name, rejection_reason, count(*) as response_count
    from marts.audit_rejections
    where cycle_id = ? and rejected = 'response'
        -- What replaces one response by another, or is none, loses nothing.
        and rejection_reason not in ('superseded', 'summary_row')
        and not (
            rejection_reason in
                ('out_of_window', 'unknown_unit', 'unknown_category', 'unknown_role')
            and coalesce(value, '') <> ''
        )
    group by all
),

responses as (
    select file_name, sum(response_count) as response_count
    from marts.audit_reconciliation
    where cycle_id = ?
        and coalesce(rejection_reason, '') not in ('superseded', 'summary_row')
    group by file_name
)

select
    file_name,
    sum(untold.response_count)::bigint as rejected_count,
    any_value(responses.response_count)::bigint as response_count,
    list(
        [rejection_reason, untold.response_count::varchar]
        order by untold.response_count desc, rejection_reason
    ) as reasons,
    any_value(max_rejected_share) as most,
from untold
inner join responses using (file_name)
cross join (
    select max_rejected_share from design.design_settings where cycle_id = ?
)
group by file_name
having rejected_count > most * any_value(responses.response_count)
order by file_name
"""


def much_rejected(engine: BoundedEngine, warehouse: Path, cycle_id: str) -> list[str]:
    """Return a sentence for each file of which more than `max_rejected_share` is rejected."""
    with engine.opened() as connection:
        connection.execute(f"attach {as_text(warehouse)} as warehouse (read_only)")
        connection.execute("use warehouse")
        files = connection.execute(_FILES, [cycle_id] * 3).fetchall()
    sentences = []
    for name, rejected, responses, reasons, most in files:
        texts = [(in_words(REASONS, reason), count) for reason, count in reasons]
        in_indonesian = ", ".join(f"{text.id} {count}" for text, count in texts)
        in_english = ", ".join(f"{text.en} {count}" for text, count in texts)
        sentences.append(
            f"{name}: periksa filter ekspor dan pemetaannya (export_columns.csv); {rejected} dari "
            f"{responses} jawaban ditolak ({in_indonesian}), lebih dari {most:.0%} "
            "(max_rejected_share). / Check the export's filter and how it is mapped "
            f"(export_columns.csv): {rejected} of {responses} responses are rejected "
            f"({in_english}), more than {most:.0%} (max_rejected_share)."
        )
    return sentences
