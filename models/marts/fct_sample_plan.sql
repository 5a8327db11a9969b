-- How many must answer, and be asked, for the precision that is wanted (method.md 9): of units, whose staff
-- are asked, and of the regions, levels and the nation that hold them.
{%- set scopes = {'unit': 'unit_id', 'region': 'region_id', 'level': 'unit_level_id', 'national': "'national'"} %}
with
settings as (
    select
        * exclude (previous_cycle_id),
        {{ normal_quantile('(0.5e0 + ci_level / 2)') }} as reach,
        {{ normal_quantile('target_power') }} as reach_of_power,
    from {{ ref('design_settings') }}
),

members as (
    {%- for scope, scope_id in scopes.items() %}
    select
        *,
        '{{ scope }}' as plan_scope,
        {{ scope_id }} as scope_id,
    from {{ ref('fieldwork_plan_basis') }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

scoped as (
    select
        cycle_id,
        plan_scope,
        scope_id,
        case when plan_scope = 'unit' then max(unit_id) end as unit_id,
        case when plan_scope in ('unit', 'region') then max(region_id) end as region_id,
        case when plan_scope in ('unit', 'level') then max(unit_level_id) end as unit_level_id,
        max(previous_cycle_id) as previous_cycle_id,
        max(frame_cycle_id) as frame_cycle_id,
        cast(sum(staff_count) as bigint) as staff_count,
        case when plan_scope in ('unit', 'level') then max(score_sd) else max(score_sd_of_all) end as known_sd,
        case when plan_scope = 'unit' then max(response_rate) end as previous_response_rate,
        case when plan_scope = 'unit' then max(rate_of) end as rate_of,
    from members
    where scope_id is not null
    group by cycle_id, plan_scope, scope_id
),

-- Who is told of by now; units that are told together are in the sums.
told as (
    {%- for scope, scope_id in scopes.items() %}
    select
        cycle_id,
        '{{ scope }}' as plan_scope,
        {{ scope_id }} as scope_id,
        cast(sum(respondent_count) as bigint) as respondent_count,
    from {{ ref('shown_participation_units') }}
    where role_id = {{ headline_role() }} and {{ scope_id }} is not null
    group by all
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

round_0 as (
    select
        scoped.*,
        coalesce(scoped.known_sd, settings.default_score_sd) as score_sd,
        settings.* exclude (cycle_id),
        {{ sample_within('settings.reach', 'coalesce(scoped.known_sd, settings.default_score_sd)',
            'settings.target_half_width', 'scoped.staff_count') }} as size,
    from scoped
    inner join settings
        on settings.cycle_id = scoped.cycle_id
),
{#- Student's t depends on the size that it leads to: after some rounds neither moves. #}
{% for round in range(1, 6) %}
round_{{ round }} as (
    select
        * exclude (size),
        {{ sample_within(student_t_from_normal('reach', 'greatest(1, size - 1)'), 'score_sd',
            'target_half_width', 'staff_count') }} as size,
    from round_{{ round - 1 }}
),
{% endfor %}
sized as (
    select
        *,
        {{ whole_sample('size', 'staff_count') }} as required_for_precision,
        {{ whole_sample(sample_within('(reach + reach_of_power)', '(score_sd * sqrt(2e0))', 'target_change',
            'staff_count'), 'staff_count') }} as required_for_change,
        {{ required_sample('staff_count', 'round_5') }} as krejcie_morgan_sample,
    from round_5
),

-- Units alone are asked, at their last rate. DuckDB's least() passes over NULL.
units as (
    select
        cycle_id,
        unit_id,
        required_for_precision,
        krejcie_morgan_sample,
        least(1e0, previous_response_rate) as rate,
        cast(least(staff_count, ceil(required_for_precision / rate - 1e-9)) as bigint) as invite,
        cast(least(required_for_precision, floor(invite * rate + 1e-9)) as bigint) as expected_sample,
    from sized
    where plan_scope = 'unit'
),

summed as (
    select
        members.cycle_id,
        members.plan_scope,
        members.scope_id,
        cast(sum(units.required_for_precision) as bigint) as required_of_units,
        cast(sum(units.krejcie_morgan_sample) as bigint) as krejcie_morgan_of_units,
        cast(sum(units.invite) filter (where members.response_rate is not null) as bigint) as invite,
        cast(sum(units.expected_sample) filter (where members.response_rate is not null) as bigint)
            as expected_sample,
    from members
    inner join units
        on units.cycle_id = members.cycle_id
        and units.unit_id = members.unit_id
    group by members.cycle_id, members.plan_scope, members.scope_id
),

final as (
    select
        sized.cycle_id,
        sized.plan_scope,
        sized.scope_id,
        sized.unit_id,
        sized.region_id,
        sized.unit_level_id,
        sized.previous_cycle_id,
        sized.frame_cycle_id,
        sized.staff_count,
        sized.score_sd,
        sized.required_for_precision,
        summed.required_of_units,
        sized.required_for_change,
        sized.krejcie_morgan_sample,
        summed.krejcie_morgan_of_units,
        sized.previous_response_rate,
        sized.rate_of,
        summed.invite,
        summed.expected_sample,
        {{ half_width_of('summed.expected_sample',
            student_t_from_normal('sized.reach', 'greatest(1, summed.expected_sample - 1)'),
            'sized.score_sd', 'sized.staff_count') }} as expected_half_width,
        told.respondent_count,
        case
            when told.respondent_count >= sized.required_for_precision then 'sufficient'
            when told.respondent_count is not null then 'short'
        end as status,
    from sized
    inner join summed
        using (cycle_id, plan_scope, scope_id)
    left join told
        using (cycle_id, plan_scope, scope_id)
)

select * from final
