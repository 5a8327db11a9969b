-- How much each perspective of each service goes with the whole: the correlation, over accepted
-- respondents of the headline role, of a person's mean in it with his mean over everything he rated.
{{ by_cycle() }}
with
person_items as (
    select * from {{ ref('int_person_items') }}
),

items as (
    select * from {{ ref('int_components') }}
    where cycle_id = '{{ cycle_id() }}' and component_type = 'item'
),

overall as (
    select
        response_key,
        {{ stable_sum('rating', 15) }} / count(*) as mean,
    from person_items
    group by response_key
),

cells as (
    select
        person_items.response_key,
        items.service_id,
        items.perspective_id,
        {{ stable_sum('person_items.rating', 15) }} / count(*) as mean,
    from person_items
    inner join items using (component_number)
    group by all
),

sums as (
    select
        cells.service_id,
        cells.perspective_id,
        count(*) as respondent_count,
        {{ stable_sum('cells.mean', 15) }} as cell_sum,
        {{ stable_sum('overall.mean', 15) }} as overall_sum,
        {{ stable_sum('cells.mean * cells.mean', 15) }} as cell_square_sum,
        {{ stable_sum('overall.mean * overall.mean', 15) }} as overall_square_sum,
        {{ stable_sum('cells.mean * overall.mean', 15) }} as product_sum,
    from cells
    inner join overall using (response_key)
    group by all
),

final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        service_id,
        perspective_id,
        respondent_count,
        {{ correlation(
            sample_covariance('product_sum', 'cell_sum', 'overall_sum', 'respondent_count'),
            sample_covariance('cell_square_sum', 'cell_sum', 'cell_sum', 'respondent_count'),
            sample_covariance('overall_square_sum', 'overall_sum', 'overall_sum', 'respondent_count'),
        ) }} as importance,
    from sums
)

select * from final
