with
band_schemes as (
    select * from {{ ref('band_schemes') }}
),

final as (
    select
        band_scheme_id,
        band,
        label_id,
        label_en,
        lower_100,
        upper_100,
    from band_schemes
)

select * from final
