"""What a person reads after a run: the headline figures of a cycle, from the publication alone.

Belongs here: reading `published/ilk.duckdb`, numbers as the ministry writes them. Doesn't: laying
them out (cli.py) or computing anything.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.durable_files import UnreadableFileError
from orchestration.survey_terms import HEADLINE_ROLE


@dataclass(frozen=True)
class Headline:
    """The published national index of one cycle, on the scale its people speak of it on.

    None where there is no figure. `ci_level`: what the interval from `ci_low` to `ci_high` covers,
    0-1. `absent_mode`: how its method would have weighted it, had there been a staff frame; None
    where it did. `change`: against the previous cycle, over the items that both asked;
    `is_changed`: whether it is more than chance and than the least that counts (docs/method.md 8);
    `verdict` tells the same from what is not known, None in a publication of older code;
    `is_same_method`: whether the cycle before is computed as this one is.
    Of the `figure_count` scores below the nation `hidden_count` are hidden.
    """

    cycle_id: str
    score: float | None
    ci_low: float | None
    ci_high: float | None
    ci_level: float
    band: str | None
    change: float | None
    is_changed: bool | None
    verdict: str | None
    is_same_method: bool
    figure_count: int
    hidden_count: int
    respondent_count: int | None
    staff_count: int | None
    absent_mode: str | None
    rejected: dict[str, int]

    @property
    def response_rate(self) -> float | None:
        """Share of the staff frame that answered, 0-1; None without a staff frame."""
        if not self.staff_count or self.respondent_count is None:
            return None
        return self.respondent_count / self.staff_count


# As JSON, since a publication of older code has no such column. While a cycle's window is open, its
# participation is published without a score.
_SCORE = """
select
    score * scale, ci_low * scale, ci_high * scale, ci_level, band, respondent_count,
    cycle ->> 'absent_mode', weighting_mode, scale,
from (
    select *, to_json(dim_cycles) as cycle, if(cycle ->> 'reported_scale' = '100', 25, 1) as scale,
    from dim_cycles
) as cycles
left join (
    select cycle_id, weighting_mode as mode, score, ci_low, ci_high, band, respondent_count
    from idx_scores where domain_type = 'national' and component_type = 'index'
) as scores using (cycle_id)
where cycle_id = ? and cycle_id in (from (select cycle_id from fct_participation))
order by scores.mode = 'none'
limit 1
"""
_CHANGE = """
select
    delta,
    is_changed,
    to_json(idx_changes) ->> 'verdict',
    coalesce(to_json(idx_changes) ->> 'is_same_method', 'true') = 'true',
from idx_changes
where cycle_id = ? and weighting_mode = ?
    and domain_type = 'national' and component_type = 'index'
"""
_HIDDEN = """
select count(*), count(*) filter (is_suppressed)
from idx_scores
where cycle_id = ? and weighting_mode = ? and domain_type <> 'national'
"""
_REJECTED = """
select rejection_reason, cast(sum(response_count) as bigint)
from audit_reconciliation
where cycle_id = ? and not is_accepted and response_count > 0
group by all
order by all
"""
_STAFF = f"""
select cast(sum(staff_count) as bigint)
from fct_participation
where cycle_id = ? and role_id = '{HEADLINE_ROLE}'  -- as the headline counts (method.md 3)
"""
_RESPONDENTS = _STAFF.replace("staff_count", "respondent_count").replace(
    "fct_participation", "fct_participation_units"
)


@contextmanager
def publication(published_dir: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open what is published now, for reading.

    The link may be swapped while we read: the resolved file stays what it is. Raises
    UnreadableFileError.
    """
    path = (published_dir / "ilk.duckdb").resolve()
    try:
        connection = duckdb.connect(str(path), read_only=True)
    except duckdb.Error as error:
        raise UnreadableFileError(path, error) from error
    with connection:
        yield connection


def read_headline(published_dir: Path, cycle_id: str) -> Headline | None:
    """Return the cycle's headline, or None where the publication holds nothing of it."""
    if not (published_dir / "ilk.duckdb").is_file():
        return None
    with publication(published_dir) as connection:
        scores = connection.execute(_SCORE, [cycle_id]).fetchall()
        if not scores:
            return None
        staff = connection.execute(_STAFF, [cycle_id]).fetchall()[0]
        score, ci_low, ci_high, ci_level, band, respondent_count, absent_mode, mode, scale = scores[
            0
        ]
        changes = connection.execute(_CHANGE, [cycle_id, mode]).fetchall()
        [(figure_count, hidden_count)] = connection.execute(_HIDDEN, [cycle_id, mode]).fetchall()
        if score is None:
            respondent_count = connection.execute(_RESPONDENTS, [cycle_id]).fetchall()[0][0]
        rejected = connection.execute(_REJECTED, [cycle_id]).fetchall()
    return Headline(
        cycle_id=cycle_id,
        score=score,
        ci_low=ci_low,
        ci_high=ci_high,
        ci_level=ci_level,
        band=band,
        change=changes[0][0] * scale if changes and changes[0][0] is not None else None,
        is_changed=changes[0][1] if changes else None,
        verdict=changes[0][2] if changes else None,
        is_same_method=changes[0][3] if changes else True,
        figure_count=figure_count,
        hidden_count=hidden_count,
        respondent_count=respondent_count,
        staff_count=staff[0],
        absent_mode=absent_mode,
        rejected=dict(rejected),
    )


def first_page(published_dir: Path) -> Path | None:
    """Return the page that people begin with, the nation's in Indonesian; None without pages.

    Where no scores are published yet, that of participation. It stays the same file's name when
    the next publication is swapped in.
    """
    folder = published_dir / "site" / "id"
    pages = (folder / name for name in ("index.html", "participation.html"))
    return next((page for page in pages if page.is_file()), None)


def decimal_comma(value: float | None, decimals: int) -> str:
    """Return a number as Indonesian writes it (3,8123), or a dash where there is none."""
    return "–" if value is None else f"{value:.{decimals}f}".replace(".", ",")


def signed(value: float | None, decimals: int) -> str:
    """Return a difference with its sign (+0,05), or a dash."""
    if value is None:
        return "–"
    return decimal_comma(value, decimals) if value < 0 else f"+{decimal_comma(value, decimals)}"


def grouped(value: int | None) -> str:
    """Return a count with Indonesian thousands points (12.345), or a dash."""
    return "–" if value is None else f"{value:,}".replace(",", ".")


def percent(share: float) -> str:
    """Return a share as Indonesian writes a percentage, as few decimals as it takes (97,5%)."""
    return f"{100 * share:g}%".replace(".", ",")
