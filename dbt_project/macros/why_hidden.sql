{#
    Why a row is hidden, as dim_null_reasons has it: `most`, how many people can stand behind it at most, by
    published counts alone. Which rule hid it is not told: that fewer than min_cell_n answered, or that they
    didn't, is a bound that gave 22 hidden counts of the sample away.
#}
{% macro why_hidden(most, settings) -%}
    case when {{ most }} < {{ settings }}.min_cell_n then 'suppressed' else 'secondary' end
{%- endmacro %}
