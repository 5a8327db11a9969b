-- The scores as they are published (method.md 10): hidden cells without figures, all others as precisely
-- as their cell allows, with error, interval and band made from the rounded score, so that these tell
-- no more than it does. Whatever sets domains beside each other reads this.
-- depends_on: {{ ref('band_schemes') }}
{%- set keys = ['domain_type', 'domain_id', 'component_type', 'service_id', 'perspective_id', 'item_id'] %}
{%- set counts = ['df', 'respondent_count', 'answer_count', 'effective_respondent_count'] %}
{{ by_cycle() }}
with
scores as (
    select * from {{ ref('scores_with_errors') }}
    where cycle_id = '{{ cycle_id() }}'
),

verdicts as (
    select * from {{ ref('disclosure_cell_verdicts') }}
    where cycle_id = '{{ cycle_id() }}'
),

told_counts as (
    select * from {{ ref('disclosure_told_counts') }}
    where cycle_id = '{{ cycle_id() }}'
),

unanswered as (
    select * from {{ ref('disclosure_unanswered_cells') }}
    where cycle_id = '{{ cycle_id() }}'
),

settings as (
    select * from {{ ref('design_settings') }}
    where cycle_id = '{{ cycle_id() }}'
),

-- A score without a verdict was never judged, and is hidden.
judged as (
    select
        scores.*,
        nullif(if(scores.weighting_mode = settings.weighting_mode, verdicts.score_step, verdicts.other_step), 0)
            as score_step,
        coalesce(verdicts.is_hidden, true)
            or (scores.weighting_mode <> settings.weighting_mode and verdicts.other_step is null)
            as is_suppressed,
        {{ why_hidden('told_counts.most', 'settings') }} as hidden_reason,
        settings.interval_method,
        settings.min_cell_n,
    from scores
    cross join settings
    left join told_counts
        on told_counts.domain_type = scores.domain_type
        and told_counts.domain_id = scores.domain_id
    left join verdicts
        on {% for key in keys %}verdicts.{{ key }} is not distinct from scores.{{ key }}
        {{- ' and ' if not loop.last }}{% endfor %}
),

shown as (
    select
        * replace (
            {{ rounded_to('score', 'score_step') }} as score,
            -- An error tells how far anybody's rating lies from the mean: none is shown as less than what a
            -- few persons' ratings alone could make.
            case
                when score_step is null or se is null then se
                else greatest({{ rounded_to('se', 'score_step / 2') }}, 2e0 * score_step)
            end as se,
            {%- for count in counts %}
            case when score_step is null then {{ count }} else 5 * round({{ count }} / 5) end as {{ count }},
            {%- endfor %}
            case when score_step is null then design_effect else round(design_effect, 1) end as design_effect,
            -- A sum of squares over units: of few units, or where all are alike, it would tell of each.
            case when unit_count >= min_cell_n then greatest(round(unit_design_effect, 1), 0.5e0) end
                as unit_design_effect
        ),
    from judged
    where not is_suppressed
),

-- The exact score lies within half a step of the shown one, its error within a quarter, the count within
-- half of 5: the interval is the widest that these leave open.
sized as (
    select
        *,
        {{ wilson_size(
            'score - score_step / 2', 'score + score_step / 2', 'se + score_step / 4',
            'greatest(effective_respondent_count - 2.5e0, 1e0)', 'effective_respondent_count + 2.5e0'
        ) }} as wilson_size,
    from shown
),

bounded as (
    select
        * replace (
            case
                when score_step is null or se is null then ci_low
                when interval_method = 'wald'
                    then greatest(1e0, floor(100 * (score - t_quantile * se - score_step / 2) + 1e-6) / 100)
                else floor(100 * {{ wilson_end(
                    '(score - score_step / 2)', 'wilson_size', 't_quantile', '-'
                ) }} + 1e-6) / 100
            end as ci_low,
            case
                when score_step is null or se is null then ci_high
                when interval_method = 'wald'
                    then least(4e0, ceil(100 * (score + t_quantile * se + score_step / 2) - 1e-6) / 100)
                else ceil(100 * {{ wilson_end(
                    '(score + score_step / 2)', 'wilson_size', 't_quantile', '+'
                ) }} - 1e-6) / 100
            end as ci_high
        ),
    from sized
),

hidden as (
    select
        weighting_mode,
        method_id,
        {%- for key in keys %}
        {{ key }},
        {%- endfor %}
        hidden_reason as null_reason,
        is_suppressed,
    from judged
    where is_suppressed
    union all
    select
        unanswered.weighting_mode,
        unanswered.method_id,
        {%- for key in keys %}
        unanswered.{{ key }},
        {%- endfor %}
        {{ why_hidden('told_counts.most', 'settings') }} as null_reason,
        true as is_suppressed,
    from unanswered
    cross join settings
    left join told_counts
        using (domain_type, domain_id)
),

-- Groups that respondents' own words make: that one is there would tell that somebody of it answered.
groups_of_few as (
    select
        weighting_mode,
        domain_type,
        domain_id,
    from hidden
    where
        component_type = 'index'
        and domain_type in ('role', 'recipient_category' {%- for name in demographic_names() %}, '{{ name }}' {%- endfor %})
),

-- Two other readings of the nation, scores alone, of what is shown.
middles as (
    select
        weighting_mode,
        method_id,
        'equal_level' as domain_type,
        'national' as domain_id,
        component_type,
        {{ stable_sum('score') }} / count(score) as score,
        false as is_suppressed,
    from bounded
    where domain_type = 'provider_level' and component_type = 'index' and score is not null
    group by all
    union all
    select
        weighting_mode,
        method_id,
        'unit_median' as domain_type,
        'national' as domain_id,
        component_type,
        median(score) as score,
        false as is_suppressed,
    from bounded
    where domain_type = 'provider_unit' and component_type = 'index' and score is not null
    group by all
),

united as (
    select * from bounded
    union all by name
    select * from hidden
    anti join groups_of_few
        using (weighting_mode, domain_type, domain_id)
    union all by name
    select * from middles
),

banded as (
    select
        *,
        {{ band_of('score') }} as shown_band,
        {{ band_of('ci_low') }} as band_of_low,
        {{ band_of('ci_high') }} as band_of_high,
    from united
),

final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        method_id,
        weighting_mode,
        domain_type,
        domain_id,
        component_type,
        service_id,
        perspective_id,
        item_id,
        score,
        25e0 * score as score_100,
        score_step,
        se,
        cast(df as bigint) as df,
        ci_method,
        ci_low,
        ci_high,
        shown_band as band,
        case when ci_low < ci_high then band_of_low = band_of_high end as is_band_certain,
        cast(respondent_count as bigint) as respondent_count,
        cast(answer_count as bigint) as answer_count,
        cast(effective_respondent_count as double) as effective_respondent_count,
        design_effect,
        unit_design_effect,
        weight_share,
        null_reason,
        is_suppressed,
    from banded
)

select * from final
