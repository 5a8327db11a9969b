-- How alike those who answered are to the staff, from what is published of who answered (method.md 9).
{{ by_cycle() }}
with
told_cells as (
    select * from {{ ref('fieldwork_response_cells') }}
    where cycle_id = '{{ cycle_id() }}'
),

staff as (
    select * from {{ ref('design_staff') }}
    where cycle_id = '{{ cycle_id() }}' and role_id = {{ headline_role() }}
),

settings as (
    select cycle_id, weighting_mode from {{ ref('design_settings') }}
    where cycle_id = '{{ cycle_id() }}'
),

scores as (
    select shown_scores.*
    from {{ ref('shown_scores') }} as shown_scores
    inner join settings
        on settings.cycle_id = shown_scores.cycle_id
        and settings.weighting_mode = shown_scores.weighting_mode
    where shown_scores.component_type = 'index'
),

-- Of categories and genders the counts beside their scores are told; whoever rated nothing is in none.
groups as (
    {%- for attribute in ['recipient_category_id', 'gender'] %}
    {%- set domain_type = attribute | replace('_id', '') %}
    select
        '{{ attribute | replace('recipient_', '') | replace('_id', '') }}' as variable,
        staff.{{ attribute }} as cell_id,
        cast(sum(staff.staff_count) as bigint) as staff_count,
        max(scores.respondent_count) as respondent_count,
    from staff
    left join scores
        on scores.domain_type = '{{ domain_type }}'
        and scores.domain_id = staff.{{ attribute }}
    where staff.{{ attribute }} is not null
    group by all
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

nation as (
    select
        role_id,
        domain_type,
        domain_id,
        cast(sum(staff_count) as double) as staff_count,
        cast(sum(respondent_count) as double) as respondent_count,
    from told_cells
    where domain_type = 'national' and variable = 'unit'
    group by role_id, domain_type, domain_id
),

-- All are taken to be divided as those are of whom it is known.
divided as (
    select
        role_id,
        domain_type,
        domain_id,
        variable,
        cell_id,
        cast(staff_count as double) as staff_count,
        cast(respondent_count as double) as respondent_count,
    from told_cells
    union all
    select
        nation.role_id,
        nation.domain_type,
        nation.domain_id,
        groups.variable,
        groups.cell_id,
        nation.staff_count * groups.staff_count / sum(groups.staff_count) over of_variable as staff_count,
        nation.respondent_count * groups.respondent_count / sum(groups.respondent_count) over of_variable
            as respondent_count,
    from groups
    cross join nation
    window of_variable as (partition by groups.variable)
    qualify count(*) over of_variable = count(groups.respondent_count) over of_variable
),

-- More may have answered than the frame holds.
rated as (
    select
        *,
        least(1e0, respondent_count / staff_count) as rate,
        {{ stable_sum('staff_count', 10, over='of_all') }} as whole_staff_count,
        {{ stable_sum('least(staff_count, respondent_count)', 10, over='of_all') }} as whole_respondent_count,
        whole_respondent_count / whole_staff_count as whole_rate,
    from divided
    window of_all as (partition by role_id, domain_type, domain_id, variable)
),

wholes as (
    select
        role_id,
        domain_type,
        domain_id,
        variable,
        count(*) as cell_count,
        max(whole_staff_count) as staff_count,
        {{ stable_sum('respondent_count', 10) }} as respondent_count,
        max(whole_rate) as rate,
        -- Chance alone lets rates of a few differ: taken off is what it adds.
        (
            {{ stable_sum('staff_count * (rate - whole_rate) * (rate - whole_rate)', 12) }}
            - {{ stable_sum('(1 - staff_count / whole_staff_count) * rate * (1 - rate)
                * staff_count / greatest(staff_count - 1, 1)', 12) }}
        ) / nullif(max(whole_staff_count) - 1, 0) as variance,
    from rated
    group by role_id, domain_type, domain_id, variable
),

united as (
    select
        * exclude (variance, rate),
        cast(null as varchar) as part_id,
        respondent_count / staff_count as response_rate,
        case when cell_count > 1 then sqrt(greatest(variance, 0)) end as partial_r,
        1 - 2 * partial_r as r_indicator,
        (1 - r_indicator) / (2 * nullif(rate, 0)) as max_standardised_bias,
    from wholes
    union all by name
    select
        role_id,
        domain_type,
        domain_id,
        variable,
        cell_id as part_id,
        staff_count,
        respondent_count,
        respondent_count / staff_count as response_rate,
        sqrt(staff_count / whole_staff_count) * (rate - whole_rate) as partial_r,
    from rated
    where variable not in ('all', 'unit')
),

final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        role_id,
        domain_type,
        domain_id,
        variable,
        part_id,
        cast(cell_count as bigint) as cell_count,
        cast(round(staff_count) as bigint) as staff_count,
        cast(round(respondent_count) as bigint) as respondent_count,
        response_rate,
        r_indicator,
        partial_r,
        max_standardised_bias,
    from united
)

select * from final
