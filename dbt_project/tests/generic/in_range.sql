{#
    A column's values lie between two bounds, both included; NULL passes. The hair is what arithmetic on
    doubles leaves: a mean of nothing but 4 is 4.0000000000000009 at times.
#}
{% test in_range(model, column_name, lowest=none, highest=none) %}
select {{ column_name }}
from {{ model }}
where
    false
    {%- if lowest is not none %}
    or {{ column_name }} < {{ lowest }} - 1e-9
    {%- endif %}
    {%- if highest is not none %}
    or {{ column_name }} > {{ highest }} + 1e-9
    {%- endif %}
{% endtest %}
