{%- set measures = ['availability', 'accessibility', 'effective_coverage'] %}
{{ by_cycle() }}
with
ratios as (
    select * from {{ ref('scores_coverage_ratios') }}
    where cycle_id = '{{ cycle_id() }}'
),

variances as (
    select * from {{ ref('scores_linearised_variances') }}
    where cycle_id = '{{ cycle_id() }}'
    union all by name
    select * from {{ ref('sums_bootstrap_variances') }}
    where cycle_id = '{{ cycle_id() }}'
),

components as (
    select * from {{ ref('design_components') }}
    where cycle_id = '{{ cycle_id() }}'
),

domains as (
    select * from {{ ref('sums_domains') }}
    where cycle_id = '{{ cycle_id() }}'
),

settings as (
    select min_cell_n from {{ ref('design_settings') }}
    where cycle_id = '{{ cycle_id() }}'
),

wide_variances as (
    select
        weighting_mode,
        domain_number,
        component_number,
        {%- for measure in measures %}
        max(variance) filter (where figure = '{{ measure }}') as {{ measure }}_variance,
        {%- endfor %}
    from variances
    group by all
),

final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        ratios.weighting_mode,
        domains.domain_type,
        domains.domain_id,
        components.component_type,
        components.service_id,
        {%- for measure in measures %}
        ratios.{{ measure }},
        case
            when ratios.{{ 'accessibility_df' if measure == 'accessibility' else 'df' }} >= 1
                and not ratios.has_lone_respondent
                then sqrt(wide_variances.{{ measure }}_variance)
        end as {{ measure }}_se,
        {%- endfor %}
        ratios.respondent_count,
    from ratios
    inner join domains using (domain_number)
    inner join components using (component_number)
    left join wide_variances using (weighting_mode, domain_number, component_number)
    cross join settings
    -- What nobody rated has no score, so that disclosure control never judged it.
    where ratios.rated > 0 or ratios.respondent_count >= settings.min_cell_n
)

select * from final
