-- How much each perspective of each service goes with the whole, over accepted respondents of the headline
-- role: the correlation of a person's mean in it with his mean over everything he rated, which grows with
-- the number of its questions; and that with the rest alone, both without error, which does not.
{{ by_cycle() }}
with
sums as (
    select
        cycle_id,
        service_id,
        perspective_id,
        respondent_count,
        {%- for measure in ['cell_sum', 'overall_sum', 'cell_square_sum', 'overall_square_sum', 'product_sum'] %}
        cast({{ measure }} as double) as {{ measure }},
        {%- endfor %}
    from {{ ref('sums_perspectives') }}
    where cycle_id = '{{ cycle_id() }}' and respondent_count > 0
),

moments as (
    select * from {{ ref('sums_cell_moments') }}
    where cycle_id = '{{ cycle_id() }}'
),

settings as (
    select importance as importance_method from {{ ref('design_settings') }}
    where cycle_id = '{{ cycle_id() }}'
),

-- What two items have in common: their covariance. One item's part of it is known by other cells' items alone.
commons as (
    select
        *,
        coalesce(within_covariance, inter_item_correlation * item_variance) as common_variance,
        coalesce(rest_within_covariance, inter_item_correlation * rest_item_variance) as rest_common_variance,
    from moments
),

-- Cronbach's alpha of both means, for items of the same number and mean covariance.
reliabilities as (
    select
        *,
        case when common_variance > 0 and rest_common_variance > 0 then sqrt(
            item_count * common_variance / (item_variance + (item_count - 1) * common_variance)
            * (rest_item_count * rest_common_variance)
            / (rest_item_variance + (rest_item_count - 1) * rest_common_variance)
        ) end as reliability,
    from commons
),

-- corr(cell, rest) / sqrt(alpha alpha_rest): in means over pairs of items both numbers of items cancel.
final as (
    select
        sums.cycle_id,
        sums.service_id,
        sums.perspective_id,
        sums.respondent_count,
        settings.importance_method,
        {{ correlation(
            sample_covariance('sums.product_sum', 'sums.cell_sum', 'sums.overall_sum', 'sums.respondent_count'),
            sample_covariance('sums.cell_square_sum', 'sums.cell_sum', 'sums.cell_sum', 'sums.respondent_count'),
            sample_covariance('sums.overall_square_sum', 'sums.overall_sum', 'sums.overall_sum', 'sums.respondent_count'),
        ) }} as importance,
        case
            when reliabilities.reliability is not null then reliabilities.between_covariance
                / sqrt(reliabilities.common_variance * reliabilities.rest_common_variance)
        end as importance_adjusted,
        reliabilities.reliability,
    from sums
    cross join settings
    left join reliabilities using (service_id, perspective_id)
)

select * from final
