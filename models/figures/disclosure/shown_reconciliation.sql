-- The rows of audit_reconciliation: what few persons answered is not told by a small file, nor by what
-- the others leave of the nation's count (method.md 10). Rows read and judged are always shown.
{{ by_cycle() }}
with
files as (
    select * from {{ ref('sums_files') }}
    where cycle_id = '{{ cycle_id() }}'
),

settings as (
    select * from {{ ref('design_settings') }}
    where cycle_id = '{{ cycle_id() }}'
),

judged as (
    select
        files.*,
        {{ why_hidden('files.response_count', 'settings') }} as hidden_reason,
        files.response_count > 0 and (
            files.response_count < settings.min_cell_n
            -- The smallest go along until all that is hidden is enough. Rejected ones are in no sum.
            or files.is_accepted and coalesce(
                sum(nullif(files.response_count, 0)) over (
                    partition by files.is_accepted
                    order by files.response_count, files.file_sha256
                    rows between unbounded preceding and 1 preceding
                ),
                settings.min_cell_n
            ) < settings.min_cell_n
        ) as is_suppressed,
    from files
    cross join settings
),

final as (
    select
        cycle_id,
        profile_id,
        file_name,
        file_sha256,
        records_read,
        is_accepted,
        rejection_reason,
        response_count,
        answers_read,
        case when not is_suppressed then valid_count end as valid_count,
        case when not is_suppressed then not_available_count end as not_available_count,
        case when not is_suppressed then not_used_count end as not_used_count,
        case when not is_suppressed then blank_count end as blank_count,
        case when not is_suppressed then rejected_count end as rejected_count,
        case when is_suppressed then hidden_reason end as null_reason,
        is_suppressed,
    from judged
)

select * from final
