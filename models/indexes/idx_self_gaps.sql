{{ by_cycle() }}
with
scores as (
    select * from {{ ref('shown_scores') }}
    where cycle_id = '{{ cycle_id() }}' and component_type <> 'item'
),

-- The roles are strata of their own, hence independent samples.
final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        self.weighting_mode,
        self.domain_type,
        self.domain_id,
        others.domain_id as provider_level_id,
        self.component_type,
        self.service_id,
        self.perspective_id,
        self.score as self_score,
        others.score,
        self.score - others.score as gap,
        sqrt(self.se * self.se + others.se * others.se) as se,
        self.respondent_count as self_respondent_count,
        others.respondent_count,
        coalesce(self.null_reason, others.null_reason) as null_reason,
    from scores as self
    inner join scores as others
        on others.weighting_mode = self.weighting_mode
        and others.domain_id = split_part(self.domain_id, '|', 2)
        and others.component_type = self.component_type
        and others.service_id is not distinct from self.service_id
        and others.perspective_id is not distinct from self.perspective_id
    where
        self.domain_type = 'role_provider_level'
        and others.domain_type = 'provider_level'
)

select * from final
