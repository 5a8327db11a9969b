with
final as (
    select
        run_id,
        cycle_id,
        started_at,
        finished_at,
        outcome,
        publication_id,
        code_version,
        code_hash,
        seeds_hash,
        input_files,
    from {{ source('audit', 'runs') }}
)

select * from final
