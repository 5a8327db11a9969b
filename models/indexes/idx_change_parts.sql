{{ by_cycle() }}
with
changes as (
    select * from {{ ref('shown_changes') }}
    where cycle_id = '{{ cycle_id() }}' and delta is not null
),

shares as (
    select * from {{ ref('comparison_item_shares') }}
    where cycle_id = '{{ cycle_id() }}'
),

item_parts as (
    select
        shares.weighting_mode,
        shares.domain_type,
        shares.domain_id,
        shares.component_number,
        items.item_id,
        shares.share,
        items.delta as item_delta,
        shares.share * items.delta as part,
    from shares
    inner join changes as items
        on items.weighting_mode = shares.weighting_mode
        and items.domain_type = shares.domain_type
        and items.domain_id = shares.domain_id
        and items.component_number = shares.item_number
    where shares.compared_cycle_id = shares.cycle_id and items.is_shown
),

part_sums as (
    select
        weighting_mode,
        domain_type,
        domain_id,
        component_number,
        count(*) as part_count,
        {{ stable_sum('part') }} as part_sum,
    from item_parts
    group by all
),

item_counts as (
    select
        weighting_mode,
        domain_type,
        domain_id,
        component_number,
        count(*) as share_count,
        count(distinct item_number) as item_count,
    from shares
    group by all
),

remainders as (
    select
        changes.weighting_mode,
        changes.domain_type,
        changes.domain_id,
        changes.component_number,
        changes.delta - coalesce(part_sums.part_sum, 0) as part,
    from changes
    inner join item_counts
        using (weighting_mode, domain_type, domain_id, component_number)
    left join part_sums
        using (weighting_mode, domain_type, domain_id, component_number)
    -- Else every item entered in both cycles and has its part: only arithmetic's last bits are left.
    where item_counts.share_count < 2 * item_counts.item_count
        or coalesce(part_sums.part_count, 0) <> item_counts.item_count
        or abs(changes.delta - part_sums.part_sum) > 1e-9
),

parts as (
    select *, 'item' as part_type from item_parts
    union all by name
    select *, 'remainder' as part_type from remainders
),

final as (
    select
        changes.cycle_id,
        changes.previous_cycle_id,
        changes.weighting_mode,
        changes.domain_type,
        changes.domain_id,
        changes.component_type,
        changes.service_id,
        changes.perspective_id,
        parts.part_type,
        parts.item_id as part_item_id,
        parts.share as item_share,
        parts.item_delta,
        parts.part,
    from parts
    inner join changes
        using (weighting_mode, domain_type, domain_id, component_number)
)

select * from final
