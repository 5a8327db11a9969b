{# What kinds of domains there are, what they are called, and in which order: a relation. #}
{% macro domain_types() -%}
    (values
    ('national', 'Nasional', 'Nation', 1),
    ('equal_level', 'Nasional, tiap tingkat sama berat', 'Nation, all levels alike', 2),
    ('unit_median', 'Nasional, median unit', 'Nation, median of units', 3),
    ('provider_level', 'Tingkat yang dinilai', 'Level that is rated', 4),
    ('direction', 'Siapa menilai siapa', 'Who rates whom', 5),
    ('provider_region', 'Wilayah yang dinilai', 'Region that is rated', 6),
    ('provider_region_level', 'Tingkat di satu wilayah', 'Level within a region', 7),
    ('provider_unit', 'Unit yang dinilai', 'Unit that is rated', 8),
    ('recipient_category', 'Kategori penerima', 'Category of recipients', 9),
    ('gender', 'Jenis kelamin', 'Gender', 10),
    ('age_group', 'Kelompok umur', 'Age group', 11),
    ('rank_group', 'Golongan', 'Rank group', 12),
    ('tenure_group', 'Masa kerja', 'Years of service', 13),
    ('role', 'Peran', 'Role', 14),
    ('role_provider_level', 'Tingkat menurut peran lain', 'Level, as another role sees it', 15)
    ) as domain_types (domain_type, name_id, name_en, sort_order)
{%- endmacro %}
