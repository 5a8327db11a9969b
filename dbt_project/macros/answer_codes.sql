{#
    Answers are stored as SMALLINT codes: a rating is its code on the question's own scale; what is no
    rating is one of these, far below any scale. A blank has a number too, since columns without NULL
    are counted in half the time, and written in three quarters of it.
#}
{% macro answer_sentinels() -%}
    {{ return({
        'blank': -32000,
        'not_available': -32001,
        'not_used': -32002,
        'off_scale': -32003,
        'no_provider': -32004,
        'off_route': -32005,
    }) }}
{%- endmacro %}

{% macro is_rating(code) -%}
    {{ code }} > -32000
{%- endmacro %}

{# Whether a code is an answer of this kind: rated, or one of the sentinels. #}
{% macro is_answer(status, code) -%}
    {{ is_rating(code) if status == 'rated' else code ~ ' = ' ~ answer_sentinels()[status] }}
{%- endmacro %}

{# Why an answer's code is rejected; NULL where it is not. #}
{% macro answer_rejection_reason(code) -%}
    case {{ code }}
        {%- for reason in ['off_route', 'no_provider', 'off_scale'] %}
        when {{ answer_sentinels()[reason] }} then '{{ reason }}'
        {%- endfor %}
    end
{%- endmacro %}

{# The attribute whose cell decided that a response is rejected; NULL where no single cell did. #}
{% macro deciding_attribute(reason) -%}
    case {{ reason }}
        when 'test_response' then 'is_test'
        when 'out_of_window' then 'submitted_at'
        when 'unknown_unit' then 'unit_id'
        when 'unknown_category' then 'recipient_category_id'
        when 'category_mismatch' then 'recipient_category_id'
        when 'unknown_role' then 'role_id'
    end
{%- endmacro %}

{#
    A rating on the common scale 1-4 (method.md 1.1): x = 1 + 3 (code - min) / (max - min), a
    reverse-scored question 5 - x. Given sums over n ratings it gives the sum of their scores, so one
    formula serves answers (n = 1) and whole numbers added up exactly. A code that already is its score
    costs no arithmetic.
#}
{% macro score_from_code(code_sum, rating_count, question) -%}
    {%- set share = "3e0 * (" ~ code_sum ~ " - " ~ question.scale_min ~ " * " ~ rating_count ~ ") / "
        ~ (question.scale_max - question.scale_min) -%}
    {%- if question.is_reverse_scored -%}
    (4e0 * {{ rating_count }} - {{ share }})
    {%- elif question.scale_min == 1 and question.scale_max == 4 -%}
    {{ code_sum }}
    {%- else -%}
    ({{ rating_count }} + {{ share }})
    {%- endif -%}
{%- endmacro %}
