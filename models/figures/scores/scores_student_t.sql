-- Student's t quantile at (1 + ci_level) / 2 for 1 to 100 degrees of freedom, each confidence level in
-- use. Solved for theta in t = sqrt(df) tan(theta), whose distribution function is a finite sum of
-- powers of the cosine (Abramowitz & Stegun 26.7.3 and 26.7.4), by Newton's method in four steps.
{%- set step_count = 4 %}
with
levels as (
    select
        ci_level,
        {{ normal_quantile('(0.5e0 + ci_level / 2)') }} as normal_quantile,
    from {{ ref('design_settings') }}
    group by ci_level
),

degrees as (
    select cast(unnest(range(1, 101)) as integer) as df
),

-- The coefficients of cos^(2j) (df even) or cos^(2j - 1) (df odd): 1, 1/2, 1 3 / 2 4, ... or
-- 1, 2/3, 2 4 / 3 5, ...; as sums of logarithms, so that a window function makes them.
terms as (
    select
        degrees.df,
        powers.j,
        case when degrees.df % 2 = 0 then 2 * powers.j else 2 * powers.j + 1 end as cosine_power,
        exp({{ stable_sum("
            case
                when powers.j = 0 then 0e0
                when degrees.df % 2 = 0 then ln((2e0 * powers.j - 1) / (2e0 * powers.j))
                else ln(2e0 * powers.j / (2e0 * powers.j + 1))
            end
        ", over='(partition by degrees.df order by powers.j)') }}) as coefficient,
    from degrees
    inner join (select unnest(range(0, 50)) as j) as powers
        on powers.j <= (degrees.df - 2) / 2e0 and degrees.df % 2 = 0
        or powers.j <= (degrees.df - 3) / 2e0 and degrees.df % 2 = 1
),

-- The share's derivative in theta is at_zero cos(theta)^(df - 1): at theta = 0 the sum itself.
densities as (
    select
        degrees.df,
        case when degrees.df % 2 = 0 then 1e0 else 2 / pi() end as factor,
        factor * (degrees.df % 2 + coalesce({{ stable_sum('terms.coefficient') }}, 0)) as at_zero,
    from degrees
    left join terms
        on terms.df = degrees.df
    group by degrees.df
),

step_0 as (
    select
        degrees.df,
        levels.ci_level,
        case
            when degrees.df = 1 then pi() / 2 * levels.ci_level
            when degrees.df = 2 then asin(levels.ci_level)
            else atan({{ student_t_from_normal('levels.normal_quantile', 'degrees.df') }}
                / sqrt(cast(degrees.df as double)))
        end as theta,
    from degrees
    cross join levels
),

{%- for step in range(1, step_count + 1) %}

step_{{ step }} as (
    select
        previous.df,
        previous.ci_level,
        -- The share between -t and t minus the level, over its derivative in theta.
        max(previous.theta) - (
            max(densities.factor) * (
                previous.df % 2 * max(previous.theta) + sin(max(previous.theta)) * coalesce(
                    {{ stable_sum('terms.coefficient * pow(cos(previous.theta), terms.cosine_power)') }}, 0
                )
            ) - previous.ci_level
        ) / (
            max(densities.at_zero) * pow(cos(max(previous.theta)), previous.df - 1)
        ) as theta,
    from step_{{ step - 1 }} as previous
    inner join densities
        on densities.df = previous.df
    left join terms
        on terms.df = previous.df
    group by previous.df, previous.ci_level
),
{%- endfor %}

final as (
    select
        df,
        ci_level,
        sqrt(cast(df as double)) * tan(theta) as quantile,
    from step_{{ step_count }}
)

select * from final
