{# A polynomial by Horner's rule, the highest power's coefficient first. #}
{% macro polynomial(coefficients, x) -%}
    {%- set ns = namespace(text=coefficients[0] | string) -%}
    {%- for coefficient in coefficients[1:] -%}
        {%- set ns.text = "(" ~ ns.text ~ " * " ~ x ~ " + " ~ coefficient ~ ")" -%}
    {%- endfor -%}
    {{ ns.text }}
{%- endmacro %}

{#
    The standard normal quantile of p in (0, 1): Wichura (1988), algorithm AS 241 (PPND16), Applied
    Statistics 37, 477-484; relative accuracy about 1e-16.
#}
{% macro normal_quantile(p) -%}
    {%- set q = "(" ~ p ~ " - 0.5e0)" -%}
    {%- set central = "(0.180625e0 - " ~ q ~ " * " ~ q ~ ")" -%}
    {%- set tail = "sqrt(-ln(least(" ~ p ~ ", 1e0 - " ~ p ~ ")))" -%}
    {%- set near = "(" ~ tail ~ " - 1.6e0)" -%}
    {%- set far = "(" ~ tail ~ " - 5e0)" -%}
    case
        when abs({{ q }}) <= 0.425e0 then {{ q }} * {{ polynomial([
            '2.5090809287301226727e3', '3.3430575583588128105e4', '6.7265770927008700853e4',
            '4.5921953931549871457e4', '1.3731693765509461125e4', '1.9715909503065514427e3',
            '1.3314166789178437745e2', '3.3871328727963666080e0'], central) }} / {{ polynomial([
            '5.2264952788528545610e3', '2.8729085735721942674e4', '3.9307895800092710610e4',
            '2.1213794301586595867e4', '5.3941960214247511077e3', '6.8718700749205790830e2',
            '4.2313330701600911252e1', '1e0'], central) }}
        when {{ tail }} <= 5e0 then sign({{ q }}) * {{ polynomial([
            '7.74545014278341407640e-4', '2.27238449892691845833e-2', '2.41780725177450611770e-1',
            '1.27045825245236838258e0', '3.64784832476320460504e0', '5.76949722146069140550e0',
            '4.63033784615654529590e0', '1.42343711074968357734e0'], near) }} / {{ polynomial([
            '1.05075007164441684324e-9', '5.47593808499534494600e-4', '1.51986665636164571966e-2',
            '1.48103976427480074590e-1', '6.89767334985100004550e-1', '1.67638483018380384940e0',
            '2.05319162663775882187e0', '1e0'], near) }}
        else sign({{ q }}) * {{ polynomial([
            '2.01033439929228813265e-7', '2.71155556874348757815e-5', '1.24266094738807843860e-3',
            '2.65321895265761230930e-2', '2.96560571828504891230e-1', '1.78482653991729133580e0',
            '5.46378491116411436990e0', '6.65790464350110377720e0'], far) }} / {{ polynomial([
            '2.04426310338993978564e-15', '1.42151175831644588870e-7', '1.84631831751005468180e-5',
            '7.86869131145613259100e-4', '1.48753612908506148525e-2', '1.36929880922735805310e-1',
            '5.99832206555887937690e-1', '1e0'], far) }}
    end
{%- endmacro %}

{#
    The share of the standard normal distribution above x >= 0: Hart (1968), Computer Approximations,
    algorithm 5666, in the form of West (2005), Better approximations to cumulative normal functions,
    Wilmott Magazine, May, 70-76; absolute error about 1e-15.
#}
{% macro normal_tail(x) -%}
    case
        when {{ x }} < 7.07106781186547e0 then exp(-{{ x }} * {{ x }} / 2) * {{ polynomial([
            '3.52624965998911e-2', '7.00383064443688e-1', '6.37396220353165e0',
            '3.3912866078383e1', '1.12079291497871e2', '2.21213596169931e2',
            '2.20206867912376e2'], x) }} / {{ polynomial([
            '8.83883476483184e-2', '1.75566716318264e0', '1.6064177579207e1',
            '8.67807322029461e1', '2.96564248779674e2', '6.37333633378831e2',
            '7.93826512519948e2', '4.40413735824752e2'], x) }}
        when {{ x }} < 37 then exp(-{{ x }} * {{ x }} / 2)
            / ({{ x }} + 1 / ({{ x }} + 2 / ({{ x }} + 3 / ({{ x }} + 4 / ({{ x }} + 0.65e0)))))
            / 2.506628274631e0
        when {{ x }} >= 37 then 0e0
    end
{%- endmacro %}

{#
    Student's t quantile for large df from the normal one: the expansion in 1/df of Abramowitz & Stegun
    26.7.5, four terms. Above 100 degrees of freedom it errs by less than 1e-10 at p = 0.975
    and 1e-8 at p = 0.9995; up to there scores_student_t has scipy's.
#}
{% macro student_t_from_normal(z, df) -%}
    {%- set z2 = z ~ " * " ~ z -%}
    {{ z }} * (
        1e0
        + ({{ polynomial(['1e0', '1e0'], '(' ~ z2 ~ ')') }}) / (4e0 * {{ df }})
        + ({{ polynomial(['5e0', '16e0', '3e0'], '(' ~ z2 ~ ')') }}) / (96e0 * {{ df }} * {{ df }})
        + ({{ polynomial(['3e0', '19e0', '17e0', '-15e0'], '(' ~ z2 ~ ')') }})
        / (384e0 * {{ df }} * {{ df }} * {{ df }})
        + ({{ polynomial(['79e0', '776e0', '1482e0', '-1920e0', '-945e0'], '(' ~ z2 ~ ')') }})
        / (92160e0 * {{ df }} * {{ df }} * {{ df }} * {{ df }})
    )
{%- endmacro %}

{#
    The share of Student's t distribution above t >= 0: up to 100 degrees of freedom, which are whole,
    the finite series of Abramowitz & Stegun 26.7.3 and 26.7.4; above, the normal deviate of Hill (1970),
    algorithm 395, Communications of the ACM 13, 617-619. Absolute error below 1e-10.
#}
{% macro student_tail(t, df) -%}
    {%- set t2 = t ~ " * " ~ t -%}
    {%- set cosine2 = "(" ~ df ~ " / (" ~ df ~ " + " ~ t2 ~ "))" -%}
    {%- set sine = "(" ~ t ~ " / sqrt(" ~ df ~ " + " ~ t2 ~ "))" -%}
    {%- set a = "(" ~ df ~ " - 0.5e0)" -%}
    {%- set b = "(48e0 * " ~ a ~ " * " ~ a ~ ")" -%}
    case
        when {{ t }} is null then null
        -- Lists of one: what is used many times is written once.
        when {{ df }} > 100 then list_transform(
            list_transform(
                [{{ a }} * ln(1e0 + {{ t2 }} / {{ df }})],
                lambda y: sqrt(y) * (1e0 + (y + 3e0 + {{ polynomial(['-0.4e0', '-3.3e0', '-24e0', '-85.5e0'], 'y') }}
                    / (0.8e0 * y * y + 100e0 + {{ b }})) / {{ b }})
            ),
            lambda z: {{ normal_tail('z') }}
        )[1]
        when {{ df }} % 2 = 0 then greatest(0e0, 0.5e0 - 0.5e0 * {{ sine }} * list_reduce(
            range({{ df }} // 2 - 1, 0, -1),
            lambda part, k: 1e0 + part * {{ cosine2 }} * (2 * k - 1) / (2 * k), 1e0
        ))
        when {{ df }} = 1 then 0.5e0 - atan({{ t }}) / pi()
        when {{ df }} > 1 then greatest(0e0, 0.5e0 - (
            atan({{ t }} / sqrt({{ df }})) + {{ sine }} * sqrt({{ cosine2 }}) * list_reduce(
                range(({{ df }} - 3) // 2, 0, -1),
                lambda part, k: 1e0 + part * {{ cosine2 }} * (2 * k) / (2 * k + 1), 1e0
            )
        ) / pi())
    end
{%- endmacro %}
