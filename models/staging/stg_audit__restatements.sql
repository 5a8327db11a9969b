with
final as (
    select
        run_id,
        restated_at,
        why,
        cycle_id,
        table_name,
        weighting_mode,
        domain_type,
        domain_id,
        component_type,
        service_id,
        perspective_id,
        item_id,
        row_name,
        figure_name,
        old_value,
        new_value,
        old_text,
        new_text,
        is_suppressed,
    from {{ source('audit', 'restatements') }}
)

select * from final
