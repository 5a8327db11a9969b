{#
    One storey of the score's tree (method.md 3): each parent is the weighted mean of its children that
    have a value, NULL where these carry less than min_weight_share of the weight. `children` has cycle_id,
    weighting_mode, domain_number, component_number, score.
#}
{% macro roll_up(children, storey) -%}
    select
        means.*,
        case when means.weight_share >= settings.min_weight_share - 1e-12 then means.mean_score end as score,
    from (
        select
            children.cycle_id,
            children.weighting_mode,
            children.domain_number,
            edges.parent_number as component_number,
            {{ stable_sum('edges.weight') }} as weight_with_value,
            {{ stable_sum('edges.weight') }} / nullif(edges.weight_of_children, 0) as weight_share,
            {{ stable_sum('edges.weight * children.score') }} / nullif({{ stable_sum('edges.weight') }}, 0)
                as mean_score,
        from {{ children }} as children
        inner join edges
            on edges.cycle_id = children.cycle_id
            and edges.child_number = children.component_number
            and edges.storey = {{ storey }}
        where children.score is not null
        group by
            children.cycle_id,
            children.weighting_mode,
            children.domain_number,
            edges.parent_number,
            edges.weight_of_children
    ) as means
    inner join settings
        on settings.cycle_id = means.cycle_id
{%- endmacro %}

{# Whether one of the strata holds a single respondent who speaks for others: no variance is known then. #}
{% macro has_lone_respondent(strata) -%}
    bool_or({{ strata }}.stratum_respondent_count = 1 and {{ strata }}.stratum_staff_count <> 1)
{%- endmacro %}

{# A score to the nearest whole number of steps; as it is where there is no step. Steps have three decimals at most. #}
{% macro rounded_to(score, step) -%}
    case when {{ step }} is null then {{ score }} else round(floor({{ score }} / ({{ step }}) + 0.5e0) * ({{ step }}), 3) end
{%- endmacro %}
