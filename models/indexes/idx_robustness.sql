-- depends_on: {{ ref('band_schemes') }}
{{ by_cycle() }}
with
draws as (
    select * from {{ ref('ranks_robustness_draws') }}
    where cycle_id = '{{ cycle_id() }}'
),

domains as (
    select * from {{ ref('sums_domains') }}
    where cycle_id = '{{ cycle_id() }}'
),

settings as (
    select * from {{ ref('design_settings') }}
    where cycle_id = '{{ cycle_id() }}'
),

bands as (
    select * from {{ ref('band_schemes') }}
),

-- Rounded, so that scores that differ in their last bits alone share a rank.
nominal as (
    select
        shown.domain_type,
        shown.domain_id,
        shown.unit_level_id,
        cast(rank() over (partition by shown.unit_level_id order by round(shown.score, 9) desc) as bigint)
            as nominal_rank,
        count(*) over (partition by shown.unit_level_id) as unit_count,
    from {{ ref('shown_unit_scores') }} as shown
    inner join settings
        on settings.cycle_id = shown.cycle_id
        and settings.weighting_mode = shown.weighting_mode
    where shown.component_type = 'index'
),

drawn as (
    select
        nominal.domain_id,
        rank() over (
            partition by nominal.unit_level_id, draws.draw_number order by round(draws.score, 9) desc
        ) as drawn_rank,
        {{ band_of('draws.score') }} as band,
    from draws
    inner join domains
        on domains.domain_number = draws.domain_number
    inner join nominal
        on nominal.domain_id = domains.domain_id
),

ranks as (
    select
        domain_id,
        {%- for percent in ['05', '50', '95'] %}
        cast(percentile_disc(0.{{ percent }}) within group (order by drawn_rank) as bigint)
            as rank_p{{ percent }},
        {%- endfor %}
        count(*) as draw_count,
    from drawn
    group by domain_id
),

drawn_bands as (
    select
        domain_id,
        band,
        count(*) as draw_count,
    from drawn
    group by domain_id, band
),

final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        nominal.domain_type,
        nominal.domain_id,
        nominal.unit_level_id,
        nominal.unit_count,
        nominal.nominal_rank,
        ranks.rank_p05,
        ranks.rank_p50,
        ranks.rank_p95,
        bands.band,
        coalesce(drawn_bands.draw_count, 0) / cast(ranks.draw_count as double) as probability,
    from nominal
    cross join settings
    inner join bands
        on bands.band_scheme_id = settings.band_scheme_id
    inner join ranks
        on ranks.domain_id = nominal.domain_id
    left join drawn_bands
        on drawn_bands.domain_id = nominal.domain_id
        and drawn_bands.band = bands.band
)

select * from final
