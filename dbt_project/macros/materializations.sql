{#
    How models become relations: table and view in place of dbt-duckdb's own (which this project's macros
    take precedence over), and cycle_part. dbt-duckdb's serve engines that cannot define a table within a
    transaction: they make a relation beside the old one and rename both, 11 to 16 statements a model.
    DuckDB's transactions hold definitions too (docs/decisions.md, docs/performance.md).
#}

{% materialization table, adapter='duckdb' %}
    {{ return(made_anew(this.incorporate(type='table'), rows_of_shards() or compiled_code)) }}
{% endmaterialization %}

{% materialization view, adapter='duckdb' %}
    {{ return(made_anew(this.incorporate(type='view'), compiled_code)) }}
{% endmaterialization %}

{#
    A table that holds a part for each cycle (macro by_cycle): this run's cycle is taken away and
    written again, other cycles stay. Columns that it gained since are added, empty in other cycles.
    What is about raking, the jackknife or an overall answer alone (meta: only_where_raked,
    only_where_jackknifed, only_where_overall_asked in its YAML) runs no Python for other cycles.
#}
{% materialization cycle_part, adapter='duckdb', supported_languages=['sql', 'python'] %}
    {%- set target = this.incorporate(type='table') -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- set is_new = existing is none or existing.type != 'table' or should_full_refresh() -%}
    {%- set of_shards = rows_of_shards() -%}
    {%- if config.get('meta', {}).shards == 'files' and (of_shards or (existing and existing.type == 'view')) -%}
        {{ return(with_files(existing, of_shards)) }}
    {%- endif -%}
    {%- set is_query = of_shards or model.language == 'sql' -%}
    {%- set query = of_shards or compiled_code -%}
    {%- if is_new and is_query -%}
        {{ return(made_anew(target, query)) }}
    {%- endif -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- set meta = config.get('meta', {}) -%}
    {%- if (meta.only_where_raked and not is_raked())
        or (meta.only_where_jackknifed and not is_jackknifed())
        or (meta.only_where_overall_asked and not is_overall_asked()) -%}
        {%- call statement('main') -%}
            {{ no_rows(target, is_new) }}
        {%- endcall -%}
    {%- elif not is_query -%}
        {%- call statement('main', language='python') -%}
            {{ compiled_code }}
            {{ python_rows_to_table(target, is_new) }}
        {%- endcall -%}
    {%- else -%}
        {%- do add_new_columns(target, query) -%}
        {%- call statement('main') -%}
            {{ replace_cycle(target, query) }};
            {{ demands(target) }}
        {%- endcall -%}
    {%- endif -%}
    {%- if is_new -%}
        {%- do run_query(comments(target)) -%}
    {%- endif -%}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- do adapter.commit() -%}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target]}) }}
{% endmaterialization %}

{#
    A seed's table is made anew with each load. dbt would empty the one that is there, and dbt-duckdb copy
    the file into it by position: a column added or left out since then is an error, and columns in another
    order end under each other's names.
#}
{% macro duckdb__reset_csv_table(model, full_refresh, old_relation, agate_table) -%}
    {%- do adapter.drop_relation(old_relation) -%}
    {{ return(create_csv_table(model, agate_table)) }}
{%- endmacro %}

{#
    What stands in place of a model's query where shards computed its rows (orchestration/sharding): a query of
    their files, of no rows where nobody outside the shards reads any; nothing in any other run.
#}
{% macro rows_of_shards() -%}
    {%- set folder = env_var('ILK_SHARD_ROWS', '') -%}
    {%- set kept = config.get('meta', {}).shards -%}
    {%- if not folder or not kept or kept == 'dealt' -%}
        {{ return(none) }}
    {%- elif kept == 'inside' -%}
        {{ return('select * from (\n' ~ compiled_code ~ '\n) as of_none limit 0') }}
    {%- elif kept == 'files' -%}
        {{ return('select * from ' ~ rows_in([response_files() ~ '/cycle_id=' ~ cycle_id() ~ '/*.parquet'])) }}
    {%- else -%}
        {{ return('select * from ' ~ rows_in([folder ~ '/' ~ model.name ~ '/*.parquet'])) }}
    {%- endif -%}
{%- endmacro %}

{# Rows of Parquet files, columns that some lack NULL there. #}
{% macro rows_in(files) -%}
    read_parquet([{% for file in files %}'{{ file | replace("'", "''") }}'{{ ', ' if not loop.last }}{% endfor %}], union_by_name = true, hive_partitioning = false)
{%- endmacro %}

{# Where this model's rows of cycles that were computed in shards lie (orchestration/response_files.py). #}
{% macro response_files() -%}
    {{ env_var('ILK_RESPONSE_FILES') }}/{{ model.name }}
{%- endmacro %}

{#
    Makes a view of a table that holds the cycles that were built whole and of the files of those that were
    computed in shards. It names each file: a lost one is an error, not a cycle without rows.
#}
{% macro with_files(existing, of_shards) -%}
    {%- set target = this.incorporate(type='view') -%}
    {%- set whole = this.incorporate(path={'identifier': this.identifier ~ '_in_warehouse'}, type='table') -%}
    {%- if not of_shards -%}
        {%- do add_new_columns(whole, compiled_code) -%}
    {%- endif -%}
    {%- set statements -%}
        {%- if existing is none -%}
        create table {{ whole }} as select * from ({{ of_shards }}) as of_none limit 0;
        {%- elif existing.type == 'table' -%}
        alter table {{ existing }} rename to {{ whole.identifier }};
        {%- else -%}
        drop view {{ existing }};
        {%- endif %}
        delete from {{ whole }} where cycle_id = '{{ cycle_id() }}';
        {% if not of_shards -%}
        insert into {{ whole }} by name (
            {{ compiled_code }}
        );
        {%- endif %}
        create view {{ target }} as
        select * from {{ whole }}
        {%- set files = files_with_rows() -%}
        {%- if files %}
        union all by name
        select * from {{ rows_in(files) }}
        {%- endif -%};
    {%- endset -%}
    {{ return(made(target, statements)) }}
{%- endmacro %}

{# The files of this model's rows, of all cycles, that have any: those of a cycle that was taken out have none. #}
{% macro files_with_rows() -%}
    {%- set found = query_rows("select file from glob('" ~ response_files() | replace("'", "''") ~ "/cycle_id=*/*.parquet') order by file") -%}
    {%- if not found -%}
        {{ return([]) }}
    {%- endif -%}
    {%- set listed = "'" ~ found | map(attribute='file') | map('replace', "'", "''") | join("', '") ~ "'" -%}
    {{ return(query_rows("
        select distinct file_name as file from parquet_file_metadata([" ~ listed ~ "]) where num_rows > 0 order by file
    ") | map(attribute='file') | list) }}
{%- endmacro %}

{# Makes a table or view in place of whatever bears its name, in one transaction. #}
{% macro made_anew(target, query) -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- set statements -%}
        {%- if existing is not none -%}
        drop {{ existing.type }} {{ existing }};
        {%- endif -%}
        {%- if target.is_view -%}
        {{ get_create_view_as_sql(target, query) }}
        {%- else -%}
        {{ get_create_table_as_sql(False, target, query) }}
        {%- endif -%};
    {%- endset -%}
    {{ return(made(target, statements)) }}
{%- endmacro %}

{# Runs the statements that make a relation, in one transaction with what is said and demanded of it. #}
{% macro made(target, statements) -%}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- call statement('main') -%}
        {{ statements }}
        {{ comments(target) }}
        {{ demands(target) }}
    {%- endcall -%}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- do adapter.commit() -%}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target]}) }}
{%- endmacro %}

{#
    The statements that keep the descriptions of a model and its columns with the relation. dbt's
    persist_docs asks for the relation's columns twice and writes in two statements: four a model, where none is needed.
#}
{% macro comments(target) -%}
    {%- if model.description %}{{ alter_relation_comment(target, model.description) }}{% endif -%}
    {%- for column in model.columns.values() if column.description %}
    comment on column {{ target }}.{{ adapter.quote(column.name) }} is {{ duckdb_escape_comment(column.description) }};
    {%- endfor -%}
{%- endmacro %}

{#
    The statements that fail where rows break what a model's YAML demands of them: that its key (unique_key;
    NULL counts as a value) stands in one row, and the constraints of columns that no contract hands to DuckDB.
    Of a part for each cycle, this cycle's rows. Within the transaction that writes them: no such row ever stands.
#}
{% macro demands(target) -%}
    {%- set of_cycle = "cycle_id = '" ~ cycle_id() ~ "'" if config.get('materialized') == 'cycle_part' else 'true' -%}
    {%- set key = config.get('unique_key') -%}
    {%- if key -%}
    select error(
        count(*) || ' kunci ada di lebih dari satu baris / keys stand in more than one row of {{ target.identifier }}: {{ key | join(", ") }}'
    )
    from (
        select 1 from {{ target }}
        where {{ of_cycle if 'cycle_id' in key else 'true' }}
        group by {{ key | join(', ') }}
        having count(*) > 1
    )
    having count(*) > 0;
    {%- endif -%}
    {%- if target.is_view or not config.get('contract').enforced -%}
    {%- for column in model.columns.values() -%}
    {%- for constraint in column.constraints %}
    {%- set rule = column.name ~ ' is not null' if constraint.type == 'not_null' else constraint.expression %}
    select error(count(*) || ' baris tidak memenuhi / rows of {{ target.identifier }} break: {{ rule | replace("'", "''") }}')
    from {{ target }}
    where {{ of_cycle }} and not ({{ rule }})
    having count(*) > 0;
    {%- endfor -%}
    {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{# Whether this cycle's weights are raked, or those of the cycle that it is compared with. #}
{% macro is_raked() -%}
    {{ return(query_rows("
        with settings as (select * from " ~ ref('design_settings') ~ ")

        select 1 from settings
        where
            weighting_mode = 'rake'
            and cycle_id in (
                select unnest([cycle_id, previous_cycle_id]) from settings where cycle_id = '" ~ cycle_id() ~ "'
            )
    ") | length > 0) }}
{%- endmacro %}

{# Whether errors of this cycle's small domains are a jackknife's. #}
{% macro is_jackknifed() -%}
    {{ return(query_rows("
        select 1 from " ~ ref('design_settings') ~ "
        where cycle_id = '" ~ cycle_id() ~ "' and jackknife_below_n > 0
    ") | length > 0) }}
{%- endmacro %}

{# Whether this cycle's instrument asks about everything together. #}
{% macro is_overall_asked() -%}
    {{ return(query_rows("
        select 1
        from " ~ ref('design_settings') ~ "
        inner join " ~ ref('stg_seeds__questions') ~ " using (instrument_id)
        where cycle_id = '" ~ cycle_id() ~ "' and asks = 'overall'
    ") | length > 0) }}
{%- endmacro %}

{# The statement that leaves this cycle without rows; a new table has the columns of the model's YAML. #}
{% macro no_rows(target, is_new) -%}
    {%- if is_new -%}
    create or replace table {{ target }} (
        {%- for column in model.columns.values() %}
        {{ adapter.quote(column.name) }} {{ column.data_type }}{{ ',' if not loop.last }}
        {%- endfor %}
    )
    {%- else -%}
    delete from {{ target }} where cycle_id = '{{ cycle_id() }}'
    {%- endif -%}
{%- endmacro %}

{# The statements that put a query's rows in place of this cycle's part of a table. #}
{% macro replace_cycle(target, query) -%}
    {%- if config.get('contract').enforced -%}
        {{ get_assert_columns_equivalent(query) }}
    {%- endif -%}
    delete from {{ target }} where cycle_id = '{{ cycle_id() }}';
    insert into {{ target }} by name (
        {{ query }}
    )
{%- endmacro %}

{#
    Adds the columns that a model's query has and its table, made by an older version or for a smaller
    instrument, does not. Under a contract the description has all columns: there the query is asked only
    where table and description differ. To ask costs as much as to plan.
#}
{% macro add_new_columns(target, query) -%}
    {%- set held = adapter.get_columns_in_relation(target) | map(attribute='name') | list -%}
    {%- if not config.get('contract').enforced or model.columns.keys() | sort != held | sort -%}
        {%- for column in get_column_schema_from_query(query) if column.name not in held -%}
            {%- do run_query('alter table ' ~ target ~ ' add column ' ~ column.quoted ~ ' ' ~ column.data_type) -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{#
    What dbt-duckdb calls with a Python model's rows, on a connection of the model's own: the same as
    above in a transaction of its own.
#}
{% macro python_rows_to_table(target, is_new) %}


def materialize(rows, connection):
    table, cycle_id = {{ tojson(target | string) }}, '{{ cycle_id() }}'
    connection.register("model_rows", rows)
    connection.execute("begin")
    {%- if is_new %}
    connection.execute(f"create or replace table {table} as from model_rows")
    {%- else %}
    for name, kind, *_ in connection.execute("describe model_rows").fetchall():
        connection.execute(f'alter table {table} add column if not exists "{name}" {kind}')
    connection.execute(f"delete from {table} where cycle_id = ?", [cycle_id])
    connection.execute(f"insert into {table} by name from model_rows")
    {%- endif %}
    {%- set demanded = demands(target) %}
    {%- if demanded %}
    connection.execute({{ tojson(demanded) }})
    {%- endif %}
    connection.execute("commit")
    connection.unregister("model_rows")
{% endmacro %}
