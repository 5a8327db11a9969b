{{ by_cycle() }}
with
moments as (
    select * from {{ ref('sums_set_moments') }}
    where cycle_id = '{{ cycle_id() }}'
),

answer_counts as (
    select * from {{ ref('sums_set_answers') }}
    where cycle_id = '{{ cycle_id() }}'
),

settings as (
    select min_item_total_correlation from {{ ref('design_settings') }}
    where cycle_id = '{{ cycle_id() }}'
),

sets as (
    select
        moments.set_type,
        moments.set_id,
        moments.item_count,
        moments.rater_count,
        moments.straight_lining_count,
        moments.respondent_count,
        moments.is_every_pair_rated,
        moments.pairwise_item_variance_sum,
        moments.pairwise_total_variance,
        max(moments.total_variance) as total_variance,
        {{ stable_sum('moments.item_variance') }} as item_variance_sum,
        sum(answer_counts.asked_count) as asked_count,
        sum(answer_counts.blank_count) as blank_count,
        sum(answer_counts.rated_count) as rated_count,
        sum(answer_counts.ceiling_count) as ceiling_count,
    from moments
    left join answer_counts using (set_type, set_id, component_number)
    group by all
),

of_sets as (
    select
        sets.set_type,
        sets.set_id,
        cast(null as varchar) as item_id,
        sets.item_count,
        sets.respondent_count,
        {{ cronbach_alpha('sets.item_variance_sum', 'sets.total_variance', 'sets.item_count') }} as alpha,
        case when sets.is_every_pair_rated then
            {{ cronbach_alpha('sets.pairwise_item_variance_sum', 'sets.pairwise_total_variance', 'sets.item_count') }}
        end as pairwise_alpha,
        cast(null as double) as item_total_correlation,
        sets.blank_count / nullif(sets.asked_count, 0) as nonresponse_share,
        sets.ceiling_count / nullif(sets.rated_count, 0) as ceiling_share,
        sets.straight_lining_count / nullif(sets.rater_count, 0) as straight_lining_share,
    from sets
),

-- The corrected correlation: with the total of the set's other items.
of_items as (
    select
        moments.set_type,
        moments.set_id,
        moments.item_id,
        moments.item_count,
        moments.respondent_count,
        cast(null as double) as alpha,
        cast(null as double) as pairwise_alpha,
        {{ correlation(
            '(moments.item_total_covariance - moments.item_variance)',
            'moments.item_variance',
            '(moments.total_variance - 2 * moments.item_total_covariance + moments.item_variance)',
        ) }} as item_total_correlation,
        answer_counts.blank_count / nullif(answer_counts.asked_count, 0) as nonresponse_share,
        answer_counts.ceiling_count / nullif(answer_counts.rated_count, 0) as ceiling_share,
        cast(null as double) as straight_lining_share,
    from moments
    left join answer_counts using (set_type, set_id, component_number)
),

final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        statistics.*,
        statistics.item_total_correlation >= settings.min_item_total_correlation
            as is_item_total_sufficient,
    from (
        select * from of_sets
        union all
        select * from of_items
    ) as statistics
    cross join settings
)

select * from final
