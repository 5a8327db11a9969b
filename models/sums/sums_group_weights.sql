-- For how many of the headline role's staff the respondents of each category and demographic group stand:
-- the sum of their weights. The frame does not know a respondent's age or rank.
{{ by_cycle() }}
with
respondents as (
    select * from {{ ref('weights_by_response') }}
    where cycle_id = '{{ cycle_id() }}' and is_accepted and role_id = {{ headline_role() }}
),

groups as (
    {%- for attribute in ['recipient_category_id'] + demographic_names() %}
    select
        '{{ 'recipient_category' if loop.first else attribute }}' as domain_type,
        {{ attribute }} as domain_id,
        {{ stable_sum('respondent_weight', 10) }} as staff_count,
    from respondents
    where {{ attribute }} is not null
    group by {{ attribute }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        *,
    from groups
)

select * from final
