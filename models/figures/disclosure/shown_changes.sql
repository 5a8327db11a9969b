-- Changes as they are published: the difference of two published scores, where both cycles scored on the
-- shared tree. On another tree a score is a second mean over the same items, and with the first one
-- gives away what is hidden in either: there a change is shown where each of its items is.
{%- set sides = {'previous': 'previous_cycle_id', 'current': 'cycle_id'} %}
{{ by_cycle() }}
with
changes as (
    select * from {{ ref('comparison_changes') }}
    where cycle_id = '{{ cycle_id() }}'
),

compared_cycles as (
    select * from {{ ref('design_compared_cycles') }}
    where cycle_id = '{{ cycle_id() }}'
),

settings as (
    select min_cell_n, change_test from {{ ref('design_settings') }}
    where cycle_id = '{{ cycle_id() }}'
),

shown_scores as (
    select * from {{ ref('shown_scores') }}
),

unanswered as (
    select * from {{ ref('disclosure_unanswered_cells') }}
    where component_type = 'item'
),

hidden_items as (
    select
        cycle_id,
        weighting_mode,
        domain_type,
        domain_id,
        service_id,
        perspective_id,
    from shown_scores
    -- What nobody answered is in neither mean.
    anti join unanswered
        using (cycle_id, weighting_mode, domain_type, domain_id, item_id)
    where component_type = 'item' and is_suppressed
),

{%- for side, cycle in sides.items() %}
{%- set score = 'score_previous' if side == 'previous' else 'score' %}
{{ side }} as (
    select
        changes.weighting_mode,
        changes.domain_type,
        changes.domain_id,
        changes.component_number,
        case when compared_cycles.is_own_tree then shown_scores.score
            else {{ rounded_to('changes.' ~ score, 'shown_scores.score_step') }} end as score,
        case when compared_cycles.is_own_tree then shown_scores.se
            when shown_scores.score_step is null then changes.se_{{ side }}
            else {{ rounded_to('changes.se_' ~ side, 'shown_scores.score_step / 2') }} end as se,
        case when compared_cycles.is_own_tree then shown_scores.df
            when shown_scores.score_step is null then changes.df_{{ side }}
            else 5 * round(changes.df_{{ side }} / 5) end as df,
        shown_scores.score_step,
        not shown_scores.is_suppressed
            and (
                compared_cycles.is_own_tree
                or changes.component_type = 'item'
                or not exists (
                    select 1 from hidden_items
                    where
                        hidden_items.cycle_id = changes.{{ cycle }}
                        and hidden_items.weighting_mode = changes.weighting_mode
                        and hidden_items.domain_type = changes.domain_type
                        and hidden_items.domain_id = changes.domain_id
                        and hidden_items.service_id = coalesce(changes.service_id, hidden_items.service_id)
                        and hidden_items.perspective_id
                            = coalesce(changes.perspective_id, hidden_items.perspective_id)
                )
            ) as is_shown,
        case when shown_scores.is_suppressed then shown_scores.null_reason end as hidden_reason,
    from changes
    inner join compared_cycles
        on compared_cycles.compared_cycle_id = changes.{{ cycle }}
    inner join shown_scores
        on shown_scores.cycle_id = changes.{{ cycle }}
        and shown_scores.weighting_mode = changes.weighting_mode
        and shown_scores.domain_type = changes.domain_type
        and shown_scores.domain_id = changes.domain_id
        and shown_scores.component_type = changes.component_type
        and shown_scores.service_id is not distinct from changes.service_id
        and shown_scores.perspective_id is not distinct from changes.perspective_id
        and shown_scores.item_id is not distinct from changes.item_id
),
{% endfor %}
-- Rounding is an error too: of a step's width, evenly spread.
compared as (
    select
        changes.* replace (
            case when previous.is_shown and current.is_shown then previous.score end as score_previous,
            case when previous.is_shown and current.is_shown then current.score end as score,
            case when previous.is_shown and current.is_shown then sqrt(
                pow(previous.se, 2) + pow(current.se, 2)
                + (pow(coalesce(previous.score_step, 0), 2) + pow(coalesce(current.score_step, 0), 2)) / 12
            ) end as se,
            -- What a few persons' answers have in common is not told: they count as none.
            case when previous.is_shown and current.is_shown then
                if(changes.overlap_count < settings.min_cell_n, 0, 5 * round(changes.overlap_count / 5))
            end as overlap_count,
            case
                when changes.overlap_count < settings.min_cell_n then 0
                when previous.score_step is null and current.score_step is null then changes.correlation
                else round(20 * changes.correlation) / 20
            end as correlation
        ),
        case when previous.is_shown and current.is_shown then greatest(1, least(previous.df, current.df)) end as df,
        previous.se * current.se as se_product,
        settings.change_test,
        coalesce(previous.is_shown and current.is_shown, false) as is_shown,
        previous.score_step is not null and current.score_step is not null as is_rounded,
        case
            when 'suppressed' in (previous.hidden_reason, current.hidden_reason) then 'suppressed'
            else 'secondary'
        end as hidden_reason,
    from changes
    cross join settings
    left join previous
        using (weighting_mode, domain_type, domain_id, component_number)
    left join current
        using (weighting_mode, domain_type, domain_id, component_number)
),

final as (
    select
        * exclude (
            se_previous, se_current, se_product, df_previous, df_current, correlation, change_test,
            hidden_reason, is_rounded
        ) replace (
            -- A tenth of the variance is left, however much persons' answers are alike.
            case when change_test = 't_overlap' then sqrt(greatest(
                pow(se, 2) / 10, pow(se, 2) - 2 * correlation * se_product
            )) else se end as se,
            cast(df as bigint) as df,
            cast(overlap_count as bigint) as overlap_count,
            -- Without the rest of binary fractions that rounded scores don't have.
            case
                when is_rounded then round(score - score_previous, 10) else score - score_previous
            end as delta
        ),
        se as se_independent,
        case
            when not is_shown then hidden_reason
            when score is null or score_previous is null then 'too_few_children'
        end as null_reason,
    from compared
)

select * from final
