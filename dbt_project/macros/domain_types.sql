{# What kinds of domains there are, what they are called, and in which order: a relation. #}
{% macro domain_types() -%}
    (
        select
            domain_type,
            name_id,
            name_en,
            cast(row_number() over (order by place, sort_order, domain_type) as integer) as sort_order,
        from (
            select *, 0 as sort_order from (values
                ('national', 'Nasional', 'Nation', 1),
                ('equal_level', 'Nasional, tiap tingkat sama berat', 'Nation, all levels alike', 2),
                ('unit_median', 'Nasional, median unit', 'Nation, median of units', 3),
                ('provider_level', 'Tingkat yang dinilai', 'Level that is rated', 4),
                ('direction', 'Siapa menilai siapa', 'Who rates whom', 5),
                ('provider_region', 'Wilayah yang dinilai', 'Region that is rated', 6),
                ('provider_region_level', 'Tingkat di satu wilayah', 'Level within a region', 7),
                ('provider_unit', 'Unit yang dinilai', 'Unit that is rated', 8),
                ('recipient_category', 'Kategori penerima', 'Category of recipients', 9),
                ('role', 'Peran', 'Role', 11),
                ('role_provider_level', 'Tingkat menurut peran lain', 'Level, as another role sees it', 12)
            ) as fixed (domain_type, name_id, name_en, place)
            union all
            select demographic_id, name_id, name_en, 10, sort_order from {{ ref('demographics') }}
        ) as placed
    ) as domain_types
{%- endmacro %}
