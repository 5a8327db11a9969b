-- Variances of the items of each set, and their covariances with the set's total, over the respondents
-- who answered every item of it (Cronbach 1951; method.md 9); and how many rated any of it.
{{ by_cycle() }}
with
person_items as (
    select * from {{ ref('int_person_items') }}
),

item_sets as (
    select
        *,
        count(*) over (partition by set_type, set_id) as item_count,
    from {{ ref('int_item_sets') }}
    where cycle_id = '{{ cycle_id() }}'
),

straight_lining as (
    select response_key from {{ ref('fct_responses') }}
    where cycle_id = '{{ cycle_id() }}' and is_straight_lining
),

totals as (
    select
        item_sets.set_type,
        item_sets.set_id,
        person_items.response_key,
        count(*) = max(item_sets.item_count) as is_complete,
        {{ stable_sum('person_items.rating', 15) }} as total,
    from person_items
    inner join item_sets using (component_number)
    group by all
),

raters as (
    select
        totals.set_type,
        totals.set_id,
        count(*) as rater_count,
        count(straight_lining.response_key) as straight_lining_count,
    from totals
    left join straight_lining using (response_key)
    group by all
),

sums as (
    select
        item_sets.set_type,
        item_sets.set_id,
        item_sets.item_id,
        item_sets.item_count,
        count(*) as respondent_count,
        {{ stable_sum('person_items.rating', 15) }} as item_sum,
        {{ stable_sum('person_items.rating * person_items.rating', 15) }} as item_square_sum,
        {{ stable_sum('totals.total', 15) }} as total_sum,
        {{ stable_sum('totals.total * totals.total', 15) }} as total_square_sum,
        {{ stable_sum('person_items.rating * totals.total', 15) }} as product_sum,
    from totals
    inner join item_sets using (set_type, set_id)
    inner join person_items using (response_key, component_number)
    where totals.is_complete
    group by all
),

final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        item_sets.set_type,
        item_sets.set_id,
        item_sets.item_id,
        item_sets.component_number,
        item_sets.item_count,
        coalesce(raters.rater_count, 0) as rater_count,
        coalesce(raters.straight_lining_count, 0) as straight_lining_count,
        coalesce(sums.respondent_count, 0) as respondent_count,
        {{ sample_covariance('sums.item_square_sum', 'sums.item_sum', 'sums.item_sum', 'sums.respondent_count') }}
            as item_variance,
        {{ sample_covariance('sums.total_square_sum', 'sums.total_sum', 'sums.total_sum', 'sums.respondent_count') }}
            as total_variance,
        {{ sample_covariance('sums.product_sum', 'sums.item_sum', 'sums.total_sum', 'sums.respondent_count') }}
            as item_total_covariance,
    from item_sets
    left join raters using (set_type, set_id)
    left join sums using (set_type, set_id, item_id)
)

select * from final
