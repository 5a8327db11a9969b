-- What the ministry's own second look found (method.md 9, Verification): the mean of the cases of a unit,
-- service and source, and its sampling variance.
{{ by_cycle() }}
with
verifications as (
    select * from {{ ref('verifications') }}
    where cycle_id = '{{ cycle_id() }}'
),

-- A record says only whether the standard was kept: 4 within it, 1 beyond.
cases as (
    select
        unit_id,
        nullif(trim(service_id), '') as service_id,
        source,
        minutes,
        if(minutes is null, score, if(minutes <= standard_minutes, 4e0, 1e0)) as score,
        minutes <= standard_minutes as is_within_standard,
    from verifications
),

verified as (
    select
        unit_id,
        service_id,
        source,
        count(*) as case_count,
        avg(cast(is_within_standard as integer)) as within_standard_share,
        {{ stable_sum('score') }} / count(*) as verified_score,
        coalesce(var_samp(score), 0) * (count(*) - 1) as squares,
    from cases
    group by all
),

-- Units are looked at once or twice: what cases of one unit differ by is known of all together.
pooled as (
    select
        source,
        {{ stable_sum('squares') }} / nullif(sum(case_count - 1), 0) as case_variance,
        sum(case_count - 1) as case_df,
    from verified
    group by source
),

final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        verified.unit_id,
        verified.service_id,
        verified.source,
        verified.case_count,
        verified.within_standard_share,
        verified.verified_score,
        pooled.case_variance / verified.case_count as variance,
        cast(pooled.case_df as bigint) as df,
    from verified
    inner join pooled
        on pooled.source = verified.source
)

select * from final
