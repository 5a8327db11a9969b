-- The registry, current versions alone: a superseded, withdrawn or refused file enters no cycle.
with
export_files as (
    select * from {{ source('raw', 'export_files') }}
),

final as (
    select
        file_number,
        cycle_id,
        profile_id,
        kind,
        source,
        name,
        sha256,
        encoding,
        delimiter,
        header,
        header_folded,
        record_count,
        pulled_at,
    from export_files
    where status = 'read' and superseded_by is null
)

select * from final
