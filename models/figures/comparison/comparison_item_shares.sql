-- The k_i of theta = sum_i k_i R_i (method.md 5) on the tree that two cycles share: with which share
-- an item enters each component above it, the product of the shares on its way up.
{{ by_cycle() }}
with
scores as (
    select * from {{ ref('comparison_scores') }}
    where cycle_id = '{{ cycle_id() }}'
),

edges as (
    select * from {{ ref('design_shared_edges') }}
    where cycle_id = '{{ cycle_id() }}'
),

domains as (
    select * from {{ ref('sums_domains') }}
),

steps as (
    select
        parents.compared_cycle_id,
        parents.weighting_mode,
        parents.domain_number,
        edges.storey,
        edges.parent_number,
        edges.child_number,
        edges.weight / parents.weight_with_value as share,
    from edges
    inner join scores as parents
        on parents.component_number = edges.parent_number
    inner join scores as children
        on children.compared_cycle_id = parents.compared_cycle_id
        and children.weighting_mode = parents.weighting_mode
        and children.domain_number = parents.domain_number
        and children.component_number = edges.child_number
    where parents.score is not null and children.score is not null
),

storey_1 as (
    select
        compared_cycle_id,
        weighting_mode,
        domain_number,
        parent_number as component_number,
        child_number as item_number,
        share,
    from steps
    where storey = 1
),

{%- for storey in [2, 3] %}

storey_{{ storey }} as (
    select
        steps.compared_cycle_id,
        steps.weighting_mode,
        steps.domain_number,
        steps.parent_number as component_number,
        below.item_number,
        steps.share * below.share as share,
    from steps
    inner join storey_{{ storey - 1 }} as below
        on below.compared_cycle_id = steps.compared_cycle_id
        and below.weighting_mode = steps.weighting_mode
        and below.domain_number = steps.domain_number
        and below.component_number = steps.child_number
    where steps.storey = {{ storey }}
),
{%- endfor %}

shares as (
    select * from storey_1
    union all
    select * from storey_2
    union all
    select * from storey_3
),

final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        shares.compared_cycle_id,
        shares.weighting_mode,
        domains.domain_type,
        domains.domain_id,
        shares.component_number,
        shares.item_number,
        shares.share,
    from shares
    inner join domains
        on domains.cycle_id = shares.compared_cycle_id
        and domains.domain_number = shares.domain_number
)

select * from final
