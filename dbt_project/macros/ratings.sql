{#
    From answers to sums over domains. Ratings are counted in steps: the largest part of a point that
    every scale of the instrument falls on. Whole numbers, so that sums and products of them are
    exact, and the same in any order.
#}

{#
    How many steps a point on 1-4 has. A code is worth 3 / (scale_max - scale_min) points (method.md
    1.1): the least common multiple of these fractions' denominators.
#}
{% macro steps_per_point(questions) -%}
    {%- set denominators = [] -%}
    {%- for question in questions -%}
        {%- set width = question.scale_max - question.scale_min -%}
        {%- do denominators.append(width // 3 if width % 3 == 0 else width) -%}
    {%- endfor -%}
    {{ return(common_multiple(denominators)) }}
{%- endmacro %}

{#
    How many parts a point has, so that the mean of a person's ratings of an item, in steps each, is a
    whole number of them, however many of the item's questions he rated.
#}
{% macro parts_per_point(questions) -%}
    {%- set most = namespace(questions=1) -%}
    {%- for _, asked in questions | selectattr('asks', 'equalto', 'performance') | groupby('item_id') -%}
        {%- set most.questions = [most.questions, asked | length] | max -%}
    {%- endfor -%}
    {{ return(steps_per_point(questions) * common_multiple(range(1, most.questions + 1) | list)) }}
{%- endmacro %}

{# The least common multiple of whole numbers. #}
{% macro common_multiple(numbers) -%}
    {%- set found = namespace(multiple=1) -%}
    {%- for number in numbers -%}
        {%- set smallest = namespace(factor=1) -%}
        {%- for factor in range(number, 0, -1) if found.multiple * factor % number == 0 -%}
            {%- set smallest.factor = factor -%}
        {%- endfor -%}
        {%- set found.multiple = found.multiple * smallest.factor -%}
    {%- endfor -%}
    {{ return(found.multiple) }}
{%- endmacro %}

{# A rating's code in steps, of the type it has. Steps stand for a score, so they are never 0: that is left for no rating. #}
{% macro rating_in_steps(code, question, steps) -%}
    {%- set steps_per_code = 3 * steps // (question.scale_max - question.scale_min) -%}
    {%- if question.is_reverse_scored -%}
    {{ 4 * steps }} - {{ steps_per_code }} * ({{ code }} - {{ question.scale_min }})
    {%- else -%}
    {{ steps }} + {{ steps_per_code }} * ({{ code }} - {{ question.scale_min }})
    {%- endif -%}
{%- endmacro %}

{#
    A cycle's accepted responses, as a query: attributes, stratum, weight cell, per question
    rating_<question_number> in steps (0: not rated), and for the `services` (components) how many
    questions under each, by rank of the provider's level, were answered so that they are no rating:
    not_used_count_<component_number>_<rank>, not_available_count_<component_number>_<rank>.
#}
{% macro ratings(cycle, services=[]) -%}
{%- set questions = instrument_questions(cycle) %}
{%- set steps = steps_per_point(questions) %}
{#- A respondent's ratings, and so their sum, fit a SMALLINT. #}
{%- set is_narrow = 4 * steps * questions | length <= 32767 %}
with
responses as (
    select
        response_key,
        stratum_number,
        weight_cell_number,
        {{ speaking_attributes() | join(',\n        ') }},
    from {{ ref('weights_by_response') }}
    where cycle_id = '{{ cycle }}' and is_accepted
),

answers as (
    select
        response_key,
        {%- for question in questions %}
        {%- set answer = 'answer_' ~ question.question_number %}
        {{ answer if is_narrow else 'cast(' ~ answer ~ ' as integer) as ' ~ answer }},
        {%- endfor %}
    from {{ ref('responses_answered') }}
    where cycle_id = '{{ cycle }}'
),

final as (
    select
        '{{ cycle }}' as cycle_id,
        responses.*,
        {{ steps }} as steps_per_point,
        {%- for question in questions %}
        {%- set answer = 'answers.answer_' ~ question.question_number %}
        cast(
            case when {{ is_rating(answer) }} then {{ rating_in_steps(answer, question, steps) }} else 0 end
            as {{ 'smallint' if is_narrow else 'integer' }}
        ) as rating_{{ question.question_number }},
        {%- endfor %}
        {%- for service in services %}
        {%- for rank, asked in questions | selectattr('asks', 'equalto', 'performance')
            | selectattr('service_id', 'equalto', service.service_id) | groupby('provider_level_rank') %}
        {%- for status in ['not_used', 'not_available'] %}
        cast(
            {%- for question in asked %}
            cast({{ is_answer(status, 'answers.answer_' ~ question.question_number) }} as smallint)
            {{- ' +' if not loop.last }}
            {%- endfor %}
            as smallint
        ) as {{ status }}_count_{{ service.component_number }}_{{ rank }},
        {%- endfor %}
        {%- endfor %}
        {%- endfor %}
    from responses
    inner join answers
        on answers.response_key = responses.response_key
)

-- Neighbours add to the same sums: a third less time than in any order.
select * from final
order by stratum_number
{%- endmacro %}

{# The attributes by whose values respondents speak for domains (sums_domain_routes). #}
{% macro speaking_attributes() -%}
    {{ return(['unit_id', 'role_id', 'recipient_category_id'] + demographic_names()) }}
{%- endmacro %}

{#
    These attributes, grouped so that the sums of a group serve all in it, in one pass: those of the
    staff frame, which nearly determine each other, and demographic groups, as many together as their
    combinations stay few (`value_counts`: by attribute). The sums of a pass stay in memory.
#}
{% macro speaking_groups(value_counts, most_combinations=1000) -%}
    {%- set groups = [['unit_id', 'role_id', 'recipient_category_id']] -%}
    {%- set last = namespace(combinations=most_combinations) -%}
    {%- for attribute in demographic_names() -%}
        {%- set values = value_counts.get(attribute, 0) + 1 -%}
        {%- if last.combinations * values > most_combinations -%}
            {%- do groups.append([]) -%}
            {%- set last.combinations = 1 -%}
        {%- endif -%}
        {%- do groups[-1].append(attribute) -%}
        {%- set last.combinations = last.combinations * values -%}
    {%- endfor -%}
    {{ return(groups) }}
{%- endmacro %}

{#
    Sums over the respondents of each domain, as a query, one row a domain, stratum and weight cell of
    the cycle. `relation` is ratings() of that cycle. A measure has a `name` and `terms`, each an
    expression over the relation with the `rank` of the provider's level that it is about: a domain
    adds up the terms of the levels that it knows. Of `sums` the column is the sum of that, of `counts`
    the number of respondents for whom it is not 0.

    Respondents are added up by the values of their attributes first, and these few rows are joined to
    the domains that they speak for; only counts must know beforehand which levels go together.
#}
{% macro domain_sums(relation, cycle, sums, counts) -%}
{%- set keys = ['role_id', 'stratum_number', 'weight_cell_number'] %}
{%- set level_sets, value_counts = {}, {} %}
{%- for row in query_rows("
    select distinct
        attribute_name,
        " ~ level_set(cycle) ~ " as level_set,
        count(distinct attribute_value) over (partition by attribute_name) as value_count
    from " ~ ref('sums_domain_routes') ~ "
    where cycle_id = '" ~ cycle ~ "'
    order by all
") %}
{%- do level_sets.setdefault(row.attribute_name, []).append(row.level_set) %}
{%- do value_counts.update({row.attribute_name: row.value_count}) %}
{%- endfor %}
{%- set all_level_sets = level_sets.values() | sum(start=[]) | unique | list %}
{%- set groups = speaking_groups(value_counts) %}
with
ratings as (select * from {{ relation }}),

terms as materialized (
    select
        {{ keys | join(', ') }},
        {%- for attribute in speaking_attributes() %}
        {{ attribute }} as by_{{ attribute }},
        {%- endfor %}
        {%- for measure in sums + counts %}
        {%- for rank, terms in measure.terms | groupby('rank') %}
        {{ terms | map(attribute='term') | join(' + ') }} as {{ measure.name }}_{{ rank }},
        {%- endfor %}
        {%- endfor %}
    from ratings
),

{%- for attributes in groups %}
{%- set heard = [] %}
{%- for attribute in attributes %}{% do heard.extend(level_sets.get(attribute, [])) %}{% endfor %}

speakers_{{ loop.index }} as (
    select
        {%- for attribute in attributes %}
        by_{{ attribute }},
        {%- endfor %}
        {{ keys | join(', ') }},
        {%- for measure in sums %}
        {%- for rank, _ in measure.terms | groupby('rank') %}
        sum({{ measure.name }}_{{ rank }}) as {{ measure.name }}_{{ rank }},
        {%- endfor %}
        {%- endfor %}
        {%- for measure in counts %}
        {%- for level_set in all_level_sets %}
        {%- set levels = [] %}
        {%- for rank, _ in measure.terms | groupby('rank') if level_set // 2 ** rank % 2 == 1 %}
        {%- do levels.append(measure.name ~ '_' ~ rank) %}
        {%- endfor %}
        {%- if levels and level_set in heard %}
        sum(cast({{ levels | join(' + ') }} > 0 as smallint))
        {%- else %}
        0
        {%- endif %} as {{ measure.name }}_of_{{ level_set }},
        {%- endfor %}
        {%- endfor %}
    from terms
    group by all
),
{%- endfor %}

speakers as (
    {%- for attributes in groups %}
    {%- set columns = 'by_' ~ attributes | join(', by_') %}
    select
        {{ each_element("['" ~ attributes | join("', '") ~ "']") }} as attribute_name,
        {{ each_element('[' ~ columns ~ ']') }} as attribute_value,
        * exclude ({{ columns }}),
    from speakers_{{ loop.index }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

routes as (
    select
        *,
        {{ level_set(cycle) }} as level_set,
    from {{ ref('sums_domain_routes') }}
    where cycle_id = '{{ cycle }}'
),

final as (
    select
        routes.domain_number,
        speakers.stratum_number,
        speakers.weight_cell_number,
        {%- for measure in sums %}
        cast(sum(
            {%- for rank, _ in measure.terms | groupby('rank') %}
            case when routes.is_level_{{ rank }} then speakers.{{ measure.name }}_{{ rank }} else 0 end
            {{- ' +' if not loop.last }}
            {%- else %} 0
            {%- endfor %}
        ) as bigint) as {{ measure.name }},
        {%- endfor %}
        {%- for measure in counts %}
        cast(sum(
            case routes.level_set
                -- Of a cycle that has no routes (it was never run) no level is known.
                when 0 then 0
                {%- for level_set in all_level_sets %}
                when {{ level_set }} then speakers.{{ measure.name }}_of_{{ level_set }}
                {%- endfor %}
            end
        ) as bigint) as {{ measure.name }},
        {%- endfor %}
    from speakers
    inner join routes
        on routes.attribute_name = speakers.attribute_name
        and routes.attribute_value = speakers.attribute_value
        and routes.role_id = speakers.role_id
    group by all
)

select * from final
{%- endmacro %}

{# The levels of providers that a route of sums_domain_routes is about, as one number: bit <rank> is set. #}
{% macro level_set(cycle) -%}
    {%- for rank in provider_level_ranks(cycle) -%}
    {{ 2 ** rank }} * cast(is_level_{{ rank }} as integer){{ ' + ' if not loop.last }}
    {%- else -%} 0
    {%- endfor -%}
{%- endmacro %}

{#
    Ratings of questions as terms of a measure: `of` 'steps' adds up the ratings themselves, 'number'
    how many there are.
#}
{% macro rating_terms(questions, of) -%}
    {%- set terms = [] -%}
    {%- for question in questions -%}
        {%- set rating = 'rating_' ~ question.question_number -%}
        {%- do terms.append({
            'rank': question.provider_level_rank,
            'term': rating if of == 'steps' else 'cast(' ~ rating ~ ' > 0 as smallint)',
        }) -%}
    {%- endfor -%}
    {{ return(terms) }}
{%- endmacro %}

{# The questions under a component of the tree: what the component leaves open (none) may be anything. #}
{% macro questions_under(component, questions) -%}
    {%- set found = [] -%}
    {%- for question in questions
        if component.service_id in (none, question.service_id)
        and component.perspective_id in (none, question.perspective_id)
        and component.item_id in (none, question.item_id) -%}
        {%- do found.append(question) -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{# The answers under the index or a service that are no rating (ratings_of_cycle), as terms of a measure. #}
{% macro status_terms(component, questions, status) -%}
    {%- set terms = [] -%}
    {%- for service in instrument_components()
        if service.component_type == 'service' and component.service_id in (none, service.service_id) -%}
        {%- for rank, _ in questions | selectattr('service_id', 'equalto', service.service_id)
            | groupby('provider_level_rank') -%}
            {%- do terms.append({
                'rank': rank,
                'term': status ~ '_count_' ~ service.component_number ~ '_' ~ rank,
            }) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(terms) }}
{%- endmacro %}
