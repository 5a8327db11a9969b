-- How likely each shown change is by chance, from what is shown of it alone. ilk-1.0's test, the normal
-- one of independent samples, knows neither who answered twice nor which items were asked.
{{ by_cycle() }}
with
changes as (
    select * from {{ ref('shown_changes') }} where cycle_id = '{{ cycle_id() }}'
),

item_shares as (
    select * from {{ ref('comparison_item_shares') }}
    where cycle_id = '{{ cycle_id() }}' and compared_cycle_id = cycle_id
),

student_t as (
    select * from {{ ref('scores_student_t') }} where cycle_id = '{{ cycle_id() }}'
),

settings as (
    select
        settings.change_test,
        settings.min_practical_change,
        settings.method_id = previous_settings.method_id as is_same_method,
        compared_cycles.is_same_tree,
        {{ normal_quantile('(0.5e0 + settings.ci_level / 2)') }} as normal_quantile,
    from {{ ref('design_settings') }} as settings
    inner join {{ ref('design_settings') }} as previous_settings
        on previous_settings.cycle_id = settings.previous_cycle_id
    cross join (
        select bool_and(is_own_tree) as is_same_tree
        from {{ ref('design_compared_cycles') }} where cycle_id = '{{ cycle_id() }}'
    ) as compared_cycles
    where settings.cycle_id = '{{ cycle_id() }}'
),

-- The shared items are taken for a draw out of all that might have been asked: how far the change
-- would be another with others.
linking_errors as (
    select
        wholes.weighting_mode,
        wholes.domain_type,
        wholes.domain_id,
        wholes.component_number,
        sqrt(
            count(items.delta) / (count(items.delta) - 1e0)
            * {{ stable_sum('pow(item_shares.share * (items.delta - wholes.delta), 2)') }}
        ) as linking_se,
    from changes as wholes
    inner join settings
        on not settings.is_same_tree
    inner join item_shares
        using (weighting_mode, domain_type, domain_id, component_number)
    inner join changes as items
        on items.weighting_mode = wholes.weighting_mode
        and items.domain_type = wholes.domain_type
        and items.domain_id = wholes.domain_id
        and items.component_number = item_shares.item_number
    where wholes.delta is not null and wholes.component_type in ('index', 'service', 'perspective')
    group by all
    having count(items.delta) > 1
),

-- What a change lacks of one that would matter: that it is none is shown by two one-sided tests
-- (Schuirmann 1987), of which the nearer bound decides.
measured as (
    select
        changes.*,
        case when settings.is_same_tree and changes.delta is not null then 0e0 else linking_errors.linking_se end as linking_se,
        sqrt(pow(changes.se, 2) + pow(coalesce(linking_errors.linking_se, 0), 2)) as se_total,
        case when changes.delta is not null then greatest(0e0, settings.min_practical_change - abs(changes.delta)) end
            as short_of_relevant,
        settings.change_test,
        settings.is_same_method,
        case when settings.change_test = 't_overlap' then coalesce(
            student_t.quantile, {{ student_t_from_normal('settings.normal_quantile', 'changes.df') }}
        ) else settings.normal_quantile end as quantile,
    from changes
    cross join settings
    left join linking_errors
        using (weighting_mode, domain_type, domain_id, component_number)
    left join student_t
        on student_t.df = changes.df
),

compared as (select *, if(change_test = 't_overlap', se_total, se) as error from measured),

final as (
    select
        * exclude (change_test, quantile, short_of_relevant, error),
        delta - quantile * error as ci_low,
        delta + quantile * error as ci_high,
        case when change_test = 't_overlap' then 2e0 * {{ student_tail('(abs(delta) / nullif(error, 0))', 'df') }}
            when error > 0 then 2e0 * {{ normal_tail('(abs(delta) / error)') }} end as p_value,
        case when change_test = 't_overlap' then {{ student_tail('(short_of_relevant / nullif(error, 0))', 'df') }}
            when error > 0 then {{ normal_tail('(short_of_relevant / error)') }} end as p_relevant,
        case when delta is not null then (quantile + {{ normal_quantile('0.8e0') }}) * nullif(error, 0) end
            as minimum_detectable_change,
    from compared
)

select * from final
