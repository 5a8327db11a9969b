{{ config(materialized='view') }}
-- The rows of audit_restatements, without the figures of a row that one of the two publications hid, or
-- that is hidden now. A view, so that a publication holds what its own run restated.
with
restatements as (
    select * from {{ ref('stg_audit__restatements') }}
),

hidden as (
    select
        cycle_id,
        weighting_mode,
        domain_type,
        domain_id,
        service_id,
        perspective_id,
        item_id,
    from {{ ref('shown_scores') }}
    where is_suppressed
),

judged as (
    select
        restatements.*,
        coalesce(restatements.is_suppressed, false) or exists (
            select 1
            from hidden
            where
                hidden.cycle_id = restatements.cycle_id
                and hidden.weighting_mode = coalesce(restatements.weighting_mode, hidden.weighting_mode)
                and hidden.domain_type = restatements.domain_type
                and hidden.domain_id = restatements.domain_id
                and hidden.service_id is not distinct from restatements.service_id
                and hidden.perspective_id is not distinct from restatements.perspective_id
                and hidden.item_id is not distinct from restatements.item_id
        ) as is_hidden,
    from restatements
),

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
        case when not is_hidden then old_value end as old_value,
        case when not is_hidden then new_value end as new_value,
        case when not is_hidden then old_text end as old_text,
        case when not is_hidden then new_text end as new_text,
        case when is_hidden then 'secondary' end as null_reason,
        is_hidden as is_suppressed,
    from judged
)

select * from final
