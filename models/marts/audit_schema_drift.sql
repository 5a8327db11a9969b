{{ by_cycle() }}
with
export_files as (
    select * from {{ ref('stg_raw__export_files') }}
    where cycle_id = '{{ cycle_id() }}' and kind = 'survey_responses'
),

export_columns as (
    select
        profile_id,
        source_column,
        {{ fold_blanks('source_column') }} as heading,
        target_kind,
        target,
    from {{ ref('export_columns') }}
    -- The landing's own column: no export has it.
    where source_column <> '_profile_id'
),

headings as (
    select
        cycle_id,
        profile_id,
        name as file_name,
        sha256 as file_sha256,
        {{ each_element('header_folded') }} as heading,
    from export_files
),

unmapped as (
    select
        headings.*,
        'unmapped' as drift,
        null as target,
    from headings
    left join export_columns
        on export_columns.profile_id = headings.profile_id
        and export_columns.heading = headings.heading
    where export_columns.profile_id is null
),

missing as (
    select
        export_files.cycle_id,
        export_files.profile_id,
        export_files.name as file_name,
        export_files.sha256 as file_sha256,
        export_columns.heading,
        'missing' as drift,
        export_columns.target,
    from export_files
    inner join export_columns
        on export_columns.profile_id = export_files.profile_id
        and (
            export_columns.target_kind = 'attribute'
            or (export_columns.target_kind = 'question' and export_columns.target in {{ asked_question_ids() }})
        )
    left join headings
        on headings.file_sha256 = export_files.sha256
        and headings.heading = export_columns.heading
    where headings.heading is null
),

differences as (
    select * from unmapped
    union all
    select * from missing
),

-- A heading that stands twice in a file is told once.
final as (
    select distinct
        cycle_id,
        profile_id,
        file_name,
        file_sha256,
        drift,
        heading as source_column,
        target,
    from differences
)

select * from final
