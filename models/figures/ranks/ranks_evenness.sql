{%- set measures = ['mean', 'range', 'min_max_ratio', 'cv', 'williamson', 'gini', 'theil']
    + ['theil_between', 'theil_within', 'tau', 'share_below_b'] %}
{%- set comparison = 'partition by weighting_mode, between' %}
{{ by_cycle() }}
with
domains as (
    select * from {{ ref('ranks_evenness_members') }}
    where cycle_id = '{{ cycle_id() }}'
),

scores as (
    select * from {{ ref('shown_scores') }}
    where cycle_id = '{{ cycle_id() }}' and component_type = 'index' and score is not null
),

members as (
    select
        scores.weighting_mode,
        domains.between,
        domains.domain_id,
        domains.group_id,
        scores.score,
        scores.se,
        {{ is_below_band('scores.band', 'B') }} as is_below_b,
        domains.staff_count
            / nullif({{ stable_sum('domains.staff_count', 10, over='(' ~ comparison ~ ')') }}, 0) as share,
    from domains
    inner join scores
        on scores.domain_type = domains.domain_type
        and scores.domain_id = domains.domain_id
),

-- share_up_to: of the staff, those with this score or a lower one (Lorenz's order).
means as (
    select
        *,
        {{ stable_sum('share * score', over='(' ~ comparison ~ ')') }} as mean,
        case when group_id is not null then {{ stable_sum('share * score', over='(' ~ comparison ~ ', group_id)') }}
            / nullif({{ stable_sum('share', over='(' ~ comparison ~ ', group_id)') }}, 0) end as group_mean,
        {{ stable_sum('share', over='(' ~ comparison ~ ' order by score, domain_id rows unbounded preceding)') }}
            as share_up_to,
        {{ stable_sum('score', over='(' ~ comparison ~ ')') }} / count(*) over ({{ comparison }}) as plain_mean,
    from members
),

sums as (
    select
        weighting_mode,
        between,
        count(*) as member_count,
        max(mean) as mean,
        max(score) - min(score) as range,
        min(score) / max(score) as min_max_ratio,
        sqrt({{ stable_sum('pow(score - plain_mean, 2)') }} / nullif(count(*) - 1, 0)) / max(plain_mean) as cv,
        {{ stable_sum('share * pow(score - mean, 2)') }} as variance,
        {{ stable_sum('share * score * (2 * share_up_to - share - 1)') }} / max(mean) as gini,
        {{ stable_sum('share * score / mean * ln(score / mean)') }} as theil,
        {{ stable_sum('share * score / mean * ln(group_mean / mean)') }} as theil_between,
        {{ stable_sum('share * score / mean * ln(score / group_mean)') }} as theil_within,
        {{ stable_sum('share * se * se') }}
            / nullif({{ stable_sum('case when se is not null then share end') }}, 0) as error_variance,
        {{ stable_sum('share * cast(is_below_b as integer)') }} as share_below_b,
    from means
    group by weighting_mode, between
),

measured as (
    select
        *,
        sqrt(variance) / mean as williamson,
        case when variance > error_variance then sqrt(variance - error_variance)
            when variance <= error_variance then 0e0 end as tau,
    from sums
),

final as (
    {%- for measure in measures %}
    select
        '{{ cycle_id() }}' as cycle_id,
        weighting_mode,
        between,
        '{{ measure }}' as measure,
        {{ measure }} as value,
        member_count,
    from measured
    where {{ measure }} is not null
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select * from final
