-- The variances and covariances of the items of each set added up, each over the respondents who rated
-- both items: what R's psych::alpha computes from. Where answers are missing here and there it is not
-- the same as over those who answered every item (int_set_moments).
{{ by_cycle() }}
with
person_items as (
    select * from {{ ref('int_person_items') }}
),

item_sets as (
    select * from {{ ref('int_item_sets') }}
    where cycle_id = '{{ cycle_id() }}'
),

set_pairs as (
    select
        one.set_type,
        one.set_id,
        one.component_number,
        other.component_number as other_component_number,
    from item_sets as one
    inner join item_sets as other
        on other.set_type = one.set_type
        and other.set_id = one.set_id
        and other.component_number >= one.component_number
),

pairs as (
    select distinct component_number, other_component_number from set_pairs
),

sums as (
    select
        pairs.component_number,
        pairs.other_component_number,
        count(*) as respondent_count,
        {{ stable_sum('one.rating', 15) }} as one_sum,
        {{ stable_sum('other.rating', 15) }} as other_sum,
        {{ stable_sum('one.rating * other.rating', 15) }} as product_sum,
    from pairs
    inner join person_items as one
        on one.component_number = pairs.component_number
    inner join person_items as other
        on other.component_number = pairs.other_component_number
        and other.response_key = one.response_key
    group by all
),

covariances as (
    select
        component_number,
        other_component_number,
        component_number = other_component_number as is_variance,
        {{ sample_covariance('product_sum', 'one_sum', 'other_sum', 'respondent_count') }} as covariance,
    from sums
),

final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        set_pairs.set_type,
        set_pairs.set_id,
        count(*) = count(covariances.covariance) as is_complete,
        {{ stable_sum('case when covariances.is_variance then covariances.covariance end') }}
            as item_variance_sum,
        {{ stable_sum('case when covariances.is_variance then 1 else 2 end * covariances.covariance') }}
            as total_variance,
    from set_pairs
    left join covariances using (component_number, other_component_number)
    group by all
)

select * from final
