-- How much each perspective of each service goes with the whole: the correlation, over accepted
-- respondents of the headline role, of a person's mean in it with his mean over everything he rated.
{{ by_cycle() }}
with
sums as (
    select * from {{ ref('sums_perspectives') }}
    where cycle_id = '{{ cycle_id() }}' and respondent_count > 0
),

final as (
    select
        cycle_id,
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
