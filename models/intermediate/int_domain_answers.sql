-- This cycle's accepted responses once for each domain they speak for (macros/domain_answers.sql). A
-- view: at a million respondents it has some twenty million rows that nobody needs to keep, and
-- who reads some of its columns pays for no others.
{{ config(materialized='view') }}
with
final as (
    {{ domain_answers(
        cycle_id(),
        instrument_questions() | selectattr('asks', 'equalto', 'performance') | list,
        covered_components(),
    ) }}
)

select * from final
