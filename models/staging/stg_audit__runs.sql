with
final as (
    select
        run_id,
        cycle_id,
        started_at,
        finished_at,
        outcome,
        publication_id,
        standing_cycles,
        code_version,
        code_hash,
        seeds_hash,
        input_files,
        steps,
    from {{ source('audit', 'runs') }}
)

select * from final
